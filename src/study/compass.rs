//! A compass without truth: the label-free scores of the epochs beside mAP, how well each ranks the epochs, and which
//! epoch one would choose by it.

use std::collections::BTreeMap;

use crate::method::evaluate::Retrieval;
use crate::method::label_free::LabelFree;

/// A score and what it says of each epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Needle {
    /// What it is called.
    pub name: &'static str,
    /// What it is, and which way is better.
    pub help: &'static str,
    /// `[epochs]` its value, where it has one.
    pub values: Vec<Option<f64>>,
    /// The epoch that is best by it, the first of equals: a place in [`Compass::epochs`].
    pub chosen: Option<usize>,
    /// **Ground truth**: Spearman's rank correlation with mAP over the epochs that have both, the score turned so that
    /// larger is better; `None` for fewer than three, or where all are equal.
    pub correlation: Option<f64>,
    /// **Ground truth**: mAP at the chosen epoch less the best there was, 0 or less.
    pub cost: Option<f64>,
}

/// The epochs of a run as its label-free scores see them. An epoch is a number of adaptation epochs done: its
/// clustering and its evaluation are of the same weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compass {
    /// Adaptation epochs done, ascending: those that have a clustering.
    pub epochs: Vec<usize>,
    /// **Ground truth**: `[epochs]` mAP of the target's test set, where it was evaluated then.
    pub map: Vec<Option<f64>>,
    /// **Ground truth**: the epoch that is best by it.
    pub best: Option<usize>,
    /// The scores.
    pub needles: Vec<Needle>,
}

/// Name, help, whether larger is better, and the value.
type Kind = (&'static str, &'static str, bool, fn(&LabelFree) -> Option<f64>);

const KINDS: [Kind; 6] = [
    ("silhouette", "Mean silhouette of the clustered images on the Jaccard distances; larger is better.", true, |s| {
        s.silhouette
    }),
    ("DBCV", "Density-based clustering validity; larger is better.", true, |s| s.dbcv),
    ("mean Eq. 8", "Mean of Eq. 8 over the clustered images; larger is better.", true, |s| s.eq8),
    ("un-clustered", "Share of the images in no cluster; smaller is better.", false, |s| s.unclustered),
    (
        "agreement",
        "Mean overlap of each image's nearest with those of the epoch before; larger is better.",
        true,
        |s| s.agreement,
    ),
    ("SND", "Soft neighbourhood density (Saito et al. 2021); larger is better, says its paper.", true, |s| s.snd),
];

impl Compass {
    /// Of the scores of the epochs' clusterings, and the evaluations after so many epochs.
    pub fn new<'a>(
        scores: impl Iterator<Item = (usize, &'a LabelFree)>,
        retrieval: &BTreeMap<usize, Retrieval>,
    ) -> Self {
        let scores: Vec<(usize, &LabelFree)> = scores.collect();
        let epochs: Vec<usize> = scores.iter().map(|(e, _)| *e).collect();
        let map: Vec<Option<f64>> = epochs.iter().map(|e| retrieval.get(e).map(|r| r.mAP)).collect();
        let best = first_best(&map, true);
        let needle = |(name, help, larger, of): Kind| {
            let values: Vec<Option<f64>> = scores.iter().map(|(_, s)| of(s).filter(|v| v.is_finite())).collect();
            let both: (Vec<f64>, Vec<f64>) =
                values.iter().zip(&map).filter_map(|(v, m)| Some((if larger { (*v)? } else { -(*v)? }, (*m)?))).unzip();
            // Where the chosen epoch was not evaluated, nothing is known of what it costs.
            let chosen = first_best(&values, larger);
            let cost = chosen.zip(best).and_then(|(c, b)| Some(map[c]? - map[b]?));
            Needle { name, help, values, chosen, correlation: spearman(&both.0, &both.1), cost }
        };
        let needles = KINDS.into_iter().map(needle).collect();
        Self { epochs, map, best, needles }
    }
}

fn first_best(values: &[Option<f64>], larger: bool) -> Option<usize> {
    let turned = |v: f64| if larger { v } else { -v };
    let known = values.iter().enumerate().filter_map(|(at, v)| Some((at, turned((*v)?))));
    known
        .fold(None, |best: Option<(usize, f64)>, (at, v)| match best {
            Some((_, b)) if b >= v => best,
            _ => Some((at, v)),
        })
        .map(|(at, _)| at)
}

/// Spearman's rank correlation, ties by their mean rank, as scipy's `spearmanr`; `None` for fewer than three pairs, or
/// where one side is all equal.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len().min(b.len());
    if n < 3 {
        return None;
    }
    let (a, b) = (ranks(&a[..n]), ranks(&b[..n]));
    let middle = (n as f64 + 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - middle) * (y - middle)).sum::<f64>();
    let (own, other) = (product(&a, &a), product(&b, &b));
    (own > 0.0 && other > 0.0).then(|| product(&a, &b) / (own * other).sqrt())
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut out = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|&i| out[i] = rank);
        before += equal.len();
    }
    out
}
