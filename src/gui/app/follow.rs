//! A cluster that stays selected while the window moves through the epochs.
//!
//! Each epoch numbers its clusters anew. When another epoch is looked at, the number that is selected gives way to the
//! cluster that took most of its images, or to none when they are all outliers there.

use std::path::PathBuf;

use crate::gui::panels::Selection;
use crate::gui::view_model::{EpochPart, Loaded, RunView, Snapshots};
use crate::method::lineage::heir;

/// The cluster that was chosen, and where the window has followed it to.
#[derive(Debug, Default)]
pub struct Follow {
    chosen: Option<Chosen>,
}

#[derive(Debug)]
struct Chosen {
    folder: Option<PathBuf>,
    /// The epoch it was chosen in, and its number there: the way back leads to the same cluster.
    epoch: usize,
    cluster: u32,
    /// The epoch it was followed to, and what it is there; `None` while that is not known.
    here: Option<(usize, Option<u32>)>,
}

impl Follow {
    /// Puts the heir of the chosen cluster into `selection`, before the panels are drawn. While the labels are being
    /// read no cluster is selected: the old number would mean another one.
    pub fn update(&mut self, view: &RunView, selection: &mut Selection, snapshots: &Snapshots) {
        let Some(at) = view.newest_snapshot(EpochPart::Clusters, selection.epoch) else {
            self.chosen = None;
            return;
        };
        let chosen = self.chosen.as_mut().filter(|chosen| chosen.folder == view.folder);
        // What the last frame left: anything else was picked by hand, in the epoch that it showed.
        let left = chosen.as_ref().and_then(|chosen| chosen.here);
        let Some(chosen) = chosen.filter(|_| selection.cluster == left.and_then(|(_, cluster)| cluster)) else {
            let epoch = left.map_or(at, |(epoch, _)| epoch);
            let new =
                |cluster| Chosen { folder: view.folder.clone(), epoch, cluster, here: Some((epoch, Some(cluster))) };
            self.chosen = selection.cluster.map(new);
            if self.chosen.is_some() && epoch != at {
                self.update(view, selection, snapshots);
            }
            return;
        };
        if left.is_some_and(|(epoch, _)| epoch == at) {
            return;
        }
        chosen.here = if chosen.epoch == at {
            Some((at, Some(chosen.cluster)))
        } else {
            match [chosen.epoch, at].map(|epoch| snapshots.clusters(view, epoch)) {
                [Loaded::Ready(then), Loaded::Ready(now)] => {
                    Some((at, heir(&then.labels, &now.labels, chosen.cluster)))
                }
                [Loaded::Loading, _] | [_, Loaded::Loading] => None,
                _ => Some((at, None)),
            }
        };
        selection.cluster = chosen.here.and_then(|(_, cluster)| cluster);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossbeam_channel::{Receiver, unbounded};

    use super::*;
    use crate::run::snapshot::ClusterSnapshot;

    struct Case {
        view: RunView,
        snapshots: Snapshots,
        read: Receiver<()>,
        follow: Follow,
        selection: Selection,
    }

    impl Case {
        /// Moves to an epoch and draws until all that is asked for has been read.
        fn look_at(&mut self, epoch: usize) -> Option<u32> {
            self.selection.epoch = Some(epoch);
            self.follow.update(&self.view, &mut self.selection, &self.snapshots);
            while self.snapshots.busy() {
                assert_eq!(self.selection.cluster, None, "an old number must not stand for another cluster");
                self.read.recv_timeout(Duration::from_secs(20)).unwrap();
                self.follow.update(&self.view, &mut self.selection, &self.snapshots);
            }
            self.selection.cluster
        }

        fn pick(&mut self, cluster: Option<u32>) {
            self.selection.cluster = cluster;
            self.follow.update(&self.view, &mut self.selection, &self.snapshots);
        }
    }

    #[test]
    fn the_selected_cluster_is_followed_from_epoch_to_epoch() {
        let home = tempfile::tempdir().unwrap();
        let mut view = RunView::default();
        view.folder = Some(home.path().to_owned());
        let epochs = [[0, 0, 0, 1, 1, 2, 2, -1], [2, 2, 0, 0, 0, -1, -1, 1], [1, 1, 1, 0, 0, 2, 2, 2]];
        for (epoch, labels) in epochs.iter().enumerate() {
            let n = labels.len();
            let snapshot = ClusterSnapshot {
                labels: labels.to_vec(),
                labels_tight: labels.to_vec(),
                labels_loose: labels.to_vec(),
                score: vec![1.0; n],
                cluster_score: vec![1.0; 3],
                reliable: vec![1; 3],
                pseudo_labels: labels.to_vec(),
                knn_index: (0..n as u32).collect(),
                knn_dist: vec![0.0; n],
                k: 1,
                pca: Vec::new(),
            };
            snapshot.write(home.path(), epoch).unwrap();
            view.snapshots.insert((epoch, EpochPart::Clusters), epoch as u64 + 1);
        }
        let (say, read) = unbounded();
        let snapshots = Snapshots::new(move || say.send(()).unwrap());
        let (follow, selection) = (Follow::default(), Selection::default());
        let mut case = Case { view, snapshots, read, follow, selection };
        case.look_at(0);
        case.pick(Some(0));
        assert_eq!([1, 2, 0, 1].map(|epoch| case.look_at(epoch)), [Some(2), Some(1), Some(0), Some(2)]);
        case.pick(Some(0)); // of the second epoch, from now on
        assert_eq!([2, 0].map(|epoch| case.look_at(epoch)), [Some(0), Some(1)]);
        case.pick(Some(2));
        assert_eq!([1, 2].map(|epoch| case.look_at(epoch)), [None, Some(2)], "it has died, and comes back");
        case.pick(None);
        assert_eq!(case.look_at(0), None);
    }
}
