//! Batches of the P×K sampler.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use reid_workbench::data::sampler::{BatchStream, Source, pk_order};

fn order(labels: &[i32], camids: &[i32], k: usize, cameras: bool, seed: u64) -> Vec<u32> {
    pk_order(labels, camids, k, cameras, &mut ChaCha8Rng::seed_from_u64(seed))
}

#[test]
fn others_come_from_other_cameras_first() {
    // Label 0: two cameras. Label 1: one camera. Label 2: a single image. The last image is left out.
    let labels = [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, -1];
    let camids = [0, 0, 0, 1, 2, 2, 2, 2, 2, 3, 3];
    for seed in 0..50 {
        let order = order(&labels, &camids, 4, true, seed);
        assert_eq!(order.len(), 4 + 4 + 1);
        let of = |label: i32| order.iter().map(|&i| i as usize).filter(|&i| labels[i] == label).collect::<Vec<_>>();
        let zero = of(0);
        assert!(zero[1..].iter().all(|&i| camids[i] != camids[zero[0]]), "{zero:?}");
        // Four others of one camera: three of them, none twice, and never the anchor.
        assert_eq!(of(1).iter().collect::<BTreeSet<_>>().len(), 4);
        assert_eq!(of(2), [9]);
        assert!(!order.contains(&10));
    }
}

#[test]
fn without_cameras_any_other_image_will_do() {
    let labels = [0, 0, 0, 0, 0, 0];
    let camids = [0, 0, 0, 0, 0, 1];
    let firsts: BTreeSet<u32> = (0..60).map(|seed| order(&labels, &camids, 2, false, seed)[1]).collect();
    assert!(firsts.len() > 3, "{firsts:?}");
}

proptest! {
    #[test]
    fn every_label_comes_once_with_its_own_images(
        labels in prop::collection::vec(-1..8_i32, 1..60),
        seed in 0..1000_u64,
        k in 1..6_usize,
        cameras in any::<bool>(),
    ) {
        let camids: Vec<i32> = (0..labels.len() as i32).map(|i| (i * 7) % 3).collect();
        let order = order(&labels, &camids, k, cameras, seed);
        let mut sizes: BTreeMap<i32, usize> = BTreeMap::new();
        for &l in labels.iter().filter(|&&l| l >= 0) {
            *sizes.entry(l).or_default() += 1;
        }
        let mut at = 0;
        let mut seen = BTreeSet::new();
        while at < order.len() {
            let label = labels[order[at] as usize];
            let take = if sizes[&label] == 1 { 1 } else { k };
            let group = &order[at..at + take];
            prop_assert!(group.iter().all(|&i| labels[i as usize] == label));
            prop_assert!(group[1..].iter().all(|i| *i != group[0]));
            prop_assert!(seen.insert(label));
            at += take;
        }
        prop_assert_eq!(seen, sizes.keys().copied().collect::<BTreeSet<_>>());
        prop_assert_eq!(&order, &pk_order(&labels, &camids, k, cameras, &mut ChaCha8Rng::seed_from_u64(seed)));
    }

    #[test]
    fn a_stream_gives_whole_batches_for_ever_and_goes_on_where_it_stood(
        labels in prop::collection::vec(-1..6_i32, 1..40),
        batch in 1..24_usize,
        cut in 0..9_usize,
    ) {
        let camids = vec![0; labels.len()];
        let source = Source { labels: &labels, camids: &camids, has_cameras: false, instances: 4, batch };
        let mut stream = BatchStream::new(source, 11);
        let nothing = labels.iter().all(|&l| l < 0);
        let mut batches = Vec::new();
        let mut state = stream.state();
        for i in 0..12 {
            if i == cut {
                state = stream.state();
            }
            let next = stream.next_batch();
            prop_assert_eq!(next.len(), if nothing { 0 } else { batch });
            batches.push(next);
        }
        let text = serde_json::to_string(&state).unwrap();
        let mut resumed = BatchStream::restore(source, serde_json::from_str(&text).unwrap());
        for expected in &batches[cut..] {
            prop_assert_eq!(&resumed.next_batch(), expected);
        }
    }
}
