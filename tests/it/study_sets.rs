//! The sets behind Eq. 8, and since when a cluster has been there.

use proptest::prelude::*;
use reid_workbench::method::lineage::births;
use reid_workbench::method::score::scores;
use reid_workbench::study::sets::{Slot, sets};

fn labels(n: usize) -> impl Strategy<Value = Vec<i32>> {
    proptest::collection::vec(-1..5i32, n)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_is_counted_is_what_is_scored(
        (normal, tight, loose) in (1..24usize).prop_flat_map(|n| (labels(n), labels(n), labels(n))),
    ) {
        let all = scores(&normal, &tight, &loose);
        for i in 0..normal.len() {
            let sets = sets(&normal, &tight, &loose, i);
            let eq8 = sets.eq8();
            prop_assert_eq!((eq8.inter as u32, eq8.union as u32), (all.inter[i], all.union[i]));
            prop_assert_eq!(eq8.value(), all.eq8[i]);
            prop_assert_eq!(sets.comp().value(), all.comp[i]);
            prop_assert_eq!(sets.indep().value(), all.indep[i]);
            prop_assert!(sets.slots.iter().any(|s| s.image as usize == i && s.in_all()), "an image is in its own sets");
            let mut images: Vec<u32> = sets.slots.iter().map(|s| s.image).collect();
            images.sort_unstable();
            images.dedup();
            prop_assert_eq!(images.len(), sets.slots.len(), "an image has one slot");
        }
    }
}

#[test]
fn slots_stand_by_what_they_are_in() {
    //            0  1  2  3   4   5
    let normal = [0, 0, 0, 0, -1, 1];
    let tight = [0, -1, 0, 1, -1, 1];
    let loose = [0, 0, 0, 0, 0, 1];
    let found = sets(&normal, &tight, &loose, 2);
    let slot = |image, tight, normal, loose| Slot { image, tight, normal, loose };
    let expected = [
        slot(0, true, true, true),
        slot(2, true, true, true),
        slot(1, false, true, true),
        slot(3, false, true, true),
        slot(4, false, false, true),
    ];
    assert_eq!(found.slots, expected);
    assert_eq!(found.sizes(), [2, 4, 5]);
    assert_eq!(sets(&normal, &tight, &loose, 4).sizes(), [1, 1, 5], "noise is alone where it is noise");
    assert!(sets(&normal, &tight, &loose, 9).slots.is_empty());
}

#[test]
fn a_cluster_is_as_old_as_its_main_origins() {
    let epochs = [[0, 0, 0, 1, 1, -1, -1, -1], [0, 0, 0, 0, 0, 1, 1, -1], [2, 2, 0, 0, 0, 1, 1, -1]];
    let mut before = births(&[-1; 8], &[], &epochs[0], 0);
    assert_eq!(before, [0, 0]);
    before = births(&epochs[0], &before, &epochs[1], 1);
    assert_eq!(before, [0, 1], "merged from old ones; born of outliers");
    before = births(&epochs[1], &before, &epochs[2], 2);
    assert_eq!(before, [0, 1, 0], "a split keeps the age of what was split");
}

#[test]
fn noise_is_a_set_of_its_own_at_each_radius() {
    let [labels, tight, loose] = [[0, 0, 0, 1, -1], [0, 0, -1, 1, -1], [0, 0, 0, 0, -1]];
    let of = |i| {
        let sets = sets(&labels, &tight, &loose, i);
        (sets.sizes(), sets.eq8().inter, sets.eq8().union)
    };
    assert_eq!([of(0), of(2), of(4)], [([2, 3, 4], 2, 4), ([1, 3, 4], 1, 4), ([1, 1, 1], 1, 1)]);
}
