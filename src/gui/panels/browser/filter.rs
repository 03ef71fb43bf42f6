//! What clusters can be filtered by: `size>10 score<0.5 reliable=no cameras>=2 purity<0.8 born=3 id=118`.

use crate::gui::clustered::ClusterRow;
use crate::study::filter::{FieldKind, FilterField, FilterOwn, Terms, Vocabulary};

const NUMBER: FieldKind = FieldKind::Number(1e-9);
/// Scores and purities are shown with two decimals; equal means that they read the same.
const TWO_DECIMALS: FieldKind = FieldKind::Number(0.005);

const FIELDS: &[FilterField] = &[
    FilterField { name: "size", help: "images", kind: NUMBER, truth: false, example: "10" },
    FilterField { name: "score", help: "Eq. 8", kind: TWO_DECIMALS, truth: false, example: "0.5" },
    FilterField { name: "reliable", help: "yes or no", kind: FieldKind::YesNo, truth: false, example: "no" },
    FilterField { name: "cameras", help: "cameras that see it", kind: NUMBER, truth: false, example: "2" },
    FilterField { name: "purity", help: "ground truth", kind: TWO_DECIMALS, truth: true, example: "0.8" },
    FilterField { name: "born", help: "its first epoch", kind: NUMBER, truth: false, example: "3" },
    FilterField { name: "id", help: "its number", kind: NUMBER, truth: false, example: "118" },
];

/// What can be asked of a cluster.
pub fn vocabulary(truth: bool) -> Vocabulary<'static> {
    Vocabulary { fields: FIELDS, words: false, truth }
}

/// Whether cluster `id` passes; `born` is its epoch of birth from 0, where that is known.
pub fn passes(terms: &Terms, id: u32, row: &ClusterRow, born: Option<usize>) -> bool {
    terms.pass(|field| {
        let own = match field {
            "id" => Some(f64::from(id)),
            "size" => Some(f64::from(row.size)),
            "score" => Some(row.score),
            "reliable" => Some(f64::from(u8::from(row.reliable))),
            "cameras" => (row.cameras > 0).then_some(f64::from(row.cameras)),
            "purity" => row.purity,
            "born" => born.map(|epoch| (epoch + 1) as f64),
            _ => None,
        };
        own.map(FilterOwn::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::clustered::From;

    fn row(size: u32, score: f64, reliable: bool) -> ClusterRow {
        ClusterRow {
            size,
            score,
            reliable,
            cameras: 3,
            seen_by: 0b111,
            member: 0,
            radii: [1; 3],
            from: From::Best,
            pid: Some(1),
            purity: Some(0.75),
        }
    }

    fn pass(text: &str, row: &ClusterRow) -> bool {
        let terms = Terms::parse(text, &vocabulary(true)).unwrap();
        passes(&terms, 118, row, Some(2))
    }

    #[test]
    fn clusters_pass_by_what_their_cards_say() {
        let cluster = row(12, 0.444, false);
        for yes in
            ["", "size>10", "score<0.5 reliable=no", "cameras>=3", "purity<0.8", "born=3", "id=118", "score=0.44"]
        {
            assert!(pass(yes, &cluster), "{yes}");
        }
        for no in ["size>12", "reliable=yes", "born=2", "score<0.5 size>100", "purity>0.75", "id=11"] {
            assert!(!pass(no, &cluster), "{no}");
        }
    }

    #[test]
    fn what_is_not_known_passes_no_test() {
        let bare = ClusterRow { cameras: 0, purity: None, ..row(12, 0.4, true) };
        for text in ["cameras<2", "purity<1"] {
            assert!(!pass(text, &bare), "{text}");
        }
        assert!(Terms::parse("purity<1", &vocabulary(false)).is_err());
    }
}
