//! One selection: what is picked and what is chosen are never two things.

use std::sync::Arc;

use crate::engine::event::Split;
use crate::gui::panels::Selection;

/// Whether the image or the cluster that is chosen has to do with what is picked; `labels` are those of the epoch.
fn is_among_picked(selection: &Selection, labels: &[i32]) -> [bool; 2] {
    let picked = &selection.picked;
    let image = selection.image.is_none_or(|i| i.split != Split::Train || picked.binary_search(&i.index).is_ok());
    let of = |i: &u32| labels.get(*i as usize).and_then(|l| u32::try_from(*l).ok());
    let cluster = selection.cluster.is_none_or(|c| labels.is_empty() || picked.iter().any(|i| of(i) == Some(c)));
    [image, cluster]
}

/// What was chosen last is the selection: a cluster or an image beside what was picked before ends that, and images
/// that are picked end what has nothing to do with them.
pub fn settle(before: &Selection, now: &mut Selection, labels: &[i32]) {
    if now.picked.is_empty() || before.epoch != now.epoch {
        return;
    }
    let [image, cluster] = is_among_picked(now, labels);
    if before.picked != now.picked {
        now.image = now.image.filter(|_| image);
        now.cluster = now.cluster.filter(|_| cluster);
    } else if (before.image != now.image && !image) || (before.cluster != now.cluster && !cluster) {
        now.picked = Arc::default();
    }
}

/// What is selected, in a few words; `None` where nothing is.
pub fn words(selection: &Selection) -> Option<String> {
    let picked = selection.picked.len();
    let parts = [
        selection.cluster.map(|c| format!("cluster {c}")),
        selection.image.map(|i| {
            let of = match i.split {
                Split::Train => "image",
                Split::Query => "query image",
                Split::Gallery => "gallery image",
            };
            format!("{of} {}", i.index)
        }),
        (picked > 0).then(|| format!("{} picked", crate::base::text::count(picked))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::ImageRef;

    fn at(cluster: Option<u32>, image: Option<u32>, picked: &[u32]) -> Selection {
        let image = image.map(|index| ImageRef { split: Split::Train, index });
        Selection { cluster, image, picked: Arc::new(picked.to_vec()), ..Selection::default() }
    }

    fn settled(before: Selection, mut now: Selection) -> Selection {
        settle(&before, &mut now, &[0, 0, 1, 1, -1]);
        now
    }

    #[test]
    fn what_was_chosen_last_is_the_selection() {
        let picked = at(None, None, &[0, 2]);
        assert_eq!(settled(picked.clone(), at(None, Some(4), &[0, 2])), at(None, Some(4), &[]), "an image beside them");
        assert_eq!(settled(picked.clone(), at(None, Some(2), &[0, 2])), at(None, Some(2), &[0, 2]), "one of them");
        assert_eq!(settled(picked.clone(), at(Some(1), None, &[0, 2])), at(Some(1), None, &[0, 2]), "its cluster");
        assert_eq!(settled(picked.clone(), at(Some(7), None, &[0, 2])), at(Some(7), None, &[]), "another cluster");
        assert_eq!(settled(at(Some(0), Some(1), &[]), at(Some(0), Some(1), &[2, 3])), at(None, None, &[2, 3]));
        assert_eq!(settled(picked.clone(), picked.clone()), picked, "nothing was done");
    }

    #[test]
    fn it_is_named() {
        assert_eq!(words(&at(Some(3), Some(42), &[1, 2])).as_deref(), Some("cluster 3 · image 42 · 2 picked"));
        assert_eq!(words(&Selection::default()), None);
    }
}
