//! The epoch that a what-if departs from, as it was clustered and judged then.

use std::path::PathBuf;
use std::sync::Arc;

use crate::gui::view_model::{EpochPart, RunView};
use crate::method::hand::Hand;
use crate::method::params::Params;
use crate::study::judged::EpochRules;

/// The epoch whose clusters are formed anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Base {
    /// The run folder.
    pub folder: PathBuf,
    /// The adaptation epoch.
    pub epoch: usize,
    /// Number of the event that announced its snapshot.
    pub seq: u64,
    /// The parameters it was clustered and judged with.
    pub params: Params,
    /// Whether it has labels at three radii.
    pub radii: bool,
    /// Whether a rule found eps.
    pub ruled: bool,
    /// What people had said of single images.
    pub hand: Option<Arc<Hand>>,
    /// The threshold that the first epoch found, for the rule `quantile`; `None` in the first epoch.
    pub carried: Option<f64>,
}

impl Base {
    /// Whether both are the same clustering.
    pub fn same_place(&self, other: &Self) -> bool {
        self.seq == other.seq && self.epoch == other.epoch && self.folder == other.folder
    }

    /// The clustering of that epoch; `None` where the run has none.
    pub fn of(view: &RunView, epoch: usize) -> Option<Self> {
        let seq = *view.snapshots.get(&(epoch, EpochPart::Clusters))?;
        let EpochRules { params, radii, ruled, carried } = EpochRules::of(view, epoch)?;
        Some(Self {
            folder: view.folder.clone()?,
            epoch,
            seq,
            params,
            radii,
            ruled,
            carried,
            hand: view.hands.get(&epoch).cloned(),
        })
    }
}
