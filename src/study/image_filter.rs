//! What images can be filtered by: `cam=2 score<0.5 cluster=3 reliable=no`.

use super::filter::{FieldKind, FilterField, FilterOwn, Terms};
use crate::method::cluster::cluster_sizes;
use crate::run::images::ImageRow;
use crate::run::snapshot::ClusterSnapshot;

const NUMBER: FieldKind = FieldKind::Number(1e-9);

/// What can be asked of an image of the training split.
pub const IMAGE_FIELDS: &[FilterField] = &[
    FilterField { name: "cam", help: "camera", kind: NUMBER, truth: false, example: "2" },
    FilterField { name: "cluster", help: "its cluster", kind: NUMBER, truth: false, example: "3" },
    FilterField { name: "size", help: "images of its cluster", kind: NUMBER, truth: false, example: "10" },
    FilterField { name: "score", help: "Eq. 8", kind: FieldKind::Number(0.005), truth: false, example: "0.5" },
    FilterField { name: "reliable", help: "its cluster is kept", kind: FieldKind::YesNo, truth: false, example: "no" },
    FilterField { name: "outlier", help: "in no cluster", kind: FieldKind::YesNo, truth: false, example: "yes" },
    FilterField { name: "pid", help: "identity", kind: NUMBER, truth: true, example: "12" },
    FilterField { name: "image", help: "its number", kind: NUMBER, truth: false, example: "42" },
];

/// The images of a clustering that pass, ascending; `rows` is the list of the training split, perhaps empty.
pub fn picked(terms: &Terms, clusters: &ClusterSnapshot, rows: &[ImageRow]) -> Vec<u32> {
    let sizes = cluster_sizes(&clusters.labels);
    let passes = |i: usize| {
        let cluster = usize::try_from(clusters.labels[i]).ok();
        let flag = |yes: bool| Some(f64::from(u8::from(yes)));
        terms.pass(|field| {
            let own = match field {
                "cam" => rows.get(i).map(|row| f64::from(row.camid) + 1.0),
                "cluster" => cluster.map(|c| c as f64),
                "size" => cluster.and_then(|c| sizes.get(c)).map(|n| f64::from(*n)),
                // An outlier is in no cluster: it has no score.
                "score" => cluster.and(clusters.score.get(i)).copied(),
                "reliable" => cluster.and_then(|c| clusters.reliable.get(c)).and_then(|r| flag(*r == 1)),
                "outlier" => flag(cluster.is_none()),
                "pid" => rows.get(i).map(|row| f64::from(row.pid)),
                "image" => Some(i as f64),
                _ => None,
            };
            own.map(FilterOwn::from)
        })
    };
    (0..clusters.labels.len()).filter(|&i| passes(i)).map(|i| i as u32).collect()
}
