//! What is selected, the same in all panels, and how it is changed: by [`Pick`]s, which are commands.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::event::{ImageRef, Split};

/// What is selected, the same in all panels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// The epoch looked at; `None` follows the run.
    pub epoch: Option<usize>,
    /// The epoch it is compared with.
    pub against: Option<usize>,
    /// A cluster of that epoch.
    pub cluster: Option<u32>,
    /// A row of the query split.
    pub query: Option<u32>,
    /// An image.
    pub image: Option<ImageRef>,
    /// Rows of the train split that were picked together, ascending; empty when none were.
    pub picked: Arc<Vec<u32>>,
}

/// A change of the selection. Those of one frame are one step.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// Look at that epoch, or follow the run.
    Epoch(Option<usize>),
    /// Compare with that epoch, or with none.
    Against(Option<usize>),
    /// Choose that cluster, or none.
    Cluster(Option<u32>),
    /// Choose that query.
    Query(u32),
    /// Choose that image, or none.
    Image(Option<ImageRef>),
    /// Choose that image of the train split, and the cluster it is in.
    Member(u32, Option<u32>),
    /// Pick these rows of the train split together; none ends that.
    Images(Vec<u32>),
    /// Nothing but epochs and query stays.
    Nothing,
}

impl Selection {
    /// Carries out a change.
    pub fn change(&mut self, pick: Pick) {
        match pick {
            Pick::Epoch(epoch) => self.epoch = epoch,
            Pick::Against(epoch) => self.against = epoch,
            Pick::Cluster(cluster) => self.cluster = cluster,
            Pick::Query(query) => self.query = Some(query),
            Pick::Image(image) => self.image = image,
            Pick::Member(index, cluster) => {
                self.image = Some(ImageRef { split: Split::Train, index });
                self.cluster = cluster;
            }
            Pick::Images(rows) => self.picked = Arc::new(rows),
            Pick::Nothing => {
                (self.cluster, self.image, self.picked) = (None, None, Arc::default());
            }
        }
    }
}
