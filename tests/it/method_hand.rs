//! A hand on the labels: what is said holds at every radius, and saying nothing changes nothing.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use reid_workbench::method::cluster::three_dbscans;
use reid_workbench::method::dbscan::dbscan;
use reid_workbench::method::gain::hand_gains;
use reid_workbench::method::hand::{Hand, HandEdit};
use reid_workbench::method::label_free::silhouette;
use reid_workbench::method::params::Params;

use super::method_properties::directions;
use super::method_tree::{golden, graph_of};

fn said(edits: &[HandEdit], n: usize) -> Result<Hand, String> {
    let mut hand = Hand::default();
    edits.iter().try_for_each(|edit| hand.say(edit.clone(), n)).map(|()| hand)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: RngSeed::Fixed(11), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_said_holds_at_every_radius((x, d) in directions(90), min_samples in 2..6usize, at in proptest::collection::vec(any::<u32>(), 12)) {
        let graph = graph_of(&x, d, 12, 4, 0.9);
        let n = graph.n as u32;
        let at: Vec<u32> = at.into_iter().map(|i| i % n).collect();
        let edits = [
            HandEdit::MustLink(at[..3].to_vec()),
            HandEdit::MustLink(at[3..5].to_vec()),
            HandEdit::CannotLink(at[5], at[6]),
            HandEdit::CannotLink(at[0], at[7]),
            HandEdit::CannotLink(at[8], at[9]),
            HandEdit::Exclude(at[10..].to_vec()),
        ];
        // What speaks against itself is refused, and leaves the rest as it was.
        let mut hand = Hand::default();
        for edit in edits {
            let before = hand.clone();
            if hand.say(edit, graph.n).is_err() {
                prop_assert_eq!(&hand, &before);
            }
        }
        let resolved = hand.resolved(graph.n).unwrap();
        let edited = resolved.graph(&graph);
        prop_assert_eq!(&resolved.graph(&edited), &edited);
        for i in 0..n {
            for (&j, &d) in edited.row(i as usize).0.iter().zip(edited.row(i as usize).1) {
                prop_assert_eq!(edited.distance(j, i), Some(d));
            }
        }
        for eps in [0.2, 0.45, 0.6, 0.75, 0.9] {
            let labels = resolved.labels(&edited, eps, min_samples);
            let count = labels.iter().max().unwrap() + 1;
            prop_assert!((0..count).all(|c| labels.contains(&c)), "numbers without gaps");
            let of = |i: u32| labels[i as usize];
            for edit in &hand.edits {
                match edit {
                    HandEdit::MustLink(images) => {
                        let kept: Vec<i32> = images.iter().filter(|&&i| !resolved.excluded()[i as usize]).map(|&i| of(i)).collect();
                        prop_assert!(kept.windows(2).all(|w| w[0] == w[1]), "{:?} at {}: {:?}", images, eps, kept);
                    }
                    HandEdit::CannotLink(a, b) => prop_assert!(of(*a) != of(*b) || of(*a) < 0, "{} {} at {}", a, b, eps),
                    HandEdit::Exclude(images) => prop_assert!(images.iter().all(|&i| of(i) < 0)),
                }
            }
        }
    }

    #[test]
    fn nothing_said_is_dbscan((x, d) in directions(90), min_samples in 1..6usize) {
        let graph = graph_of(&x, d, 12, 4, 0.9);
        let resolved = Hand::default().resolved(graph.n).unwrap();
        prop_assert_eq!(&resolved.graph(&graph), &graph);
        for eps in [0.1, 0.45, 0.6, 0.9] {
            prop_assert_eq!(resolved.labels(&graph, eps, min_samples), dbscan(&graph, eps, min_samples));
        }
        let params = Params { min_samples, ..Params::default() };
        prop_assert_eq!(resolved.three(&graph, params.eps, params.delta_d, min_samples), three_dbscans(&graph, &params));
    }
}

#[test]
fn what_speaks_against_itself_is_refused_in_a_sentence() {
    let must = |images: &[u32]| HandEdit::MustLink(images.to_vec());
    let why = |edits: &[HandEdit]| said(edits, 10).unwrap_err();
    assert!(why(&[must(&[1, 2]), must(&[2, 3]), HandEdit::CannotLink(3, 1)]).contains("one person and two people"));
    assert!(why(&[must(&[4, 10])]).contains("no image 10"));
    assert_eq!(why(&[must(&[4, 4])]), "Name two different images.");
    assert_eq!(why(&[HandEdit::CannotLink(2, 2)]), "Name two different images.");
    assert_eq!(why(&[HandEdit::Exclude(Vec::new())]), "Name an image to leave out.");
    let mut hand = said(&[must(&[1, 2]), HandEdit::CannotLink(3, 1), HandEdit::Exclude(vec![5, 6])], 10).unwrap();
    let counts = hand.resolved(10).unwrap().counts();
    assert_eq!((counts.must_link, counts.cannot_link, counts.excluded), (2, 1, 2));
    assert_eq!(hand.undo(), Some(HandEdit::Exclude(vec![5, 6])));
    assert_eq!(hand.edits.last().map(HandEdit::words).as_deref(), Some("images 3 and 1 are two people"));
}

/// What is told of an edit is what a clustering with it holds, and nothing else moves.
#[test]
fn the_gain_of_an_edit_is_that_of_a_clustering_with_it() {
    let graph = golden("n300_d128");
    let params = Params::default();
    let labels = dbscan(&graph, params.eps, params.min_samples);
    let sizes = reid_workbench::method::cluster::cluster_sizes(&labels);
    let first = |cluster: i32| labels.iter().position(|&l| l == cluster).unwrap() as u32;
    let edits = [
        HandEdit::MustLink(vec![first(0), first(1)]),
        HandEdit::Exclude(vec![first(2)]),
        HandEdit::CannotLink(first(3), 300),
    ];
    let alone = hand_gains(&graph, &params, None, (&Hand::default(), &edits, false));
    let merged = alone[0].clone().unwrap();
    assert_eq!(merged.clusters, [sizes.len(), sizes.len() - 1]);
    // The larger of the two goes on, the other one moves to it.
    assert_eq!(merged.moved as u32, sizes[1].min(sizes[0]));
    assert_eq!(merged.silhouette[0], silhouette(&graph, &labels));
    assert!(merged.silhouette[1].unwrap() < merged.silhouette[0].unwrap(), "two people are one cluster");
    let left_out = alone[1].clone().unwrap();
    let hand = said(&edits[1..2], 300).unwrap().resolved(300).unwrap();
    let expected = hand.labels(&hand.graph(&graph), params.eps, params.min_samples);
    assert!(left_out.moved >= 1 && left_out.silhouette[1] == silhouette(&graph, &expected), "{left_out:?}");
    assert!(alone[2].clone().unwrap_err().contains("no image 300"));
    // One after the other: the second departs from what the first left.
    let chained = hand_gains(&graph, &params, None, (&Hand::default(), &edits, true));
    assert_eq!(chained[1].clone().unwrap().clusters[0], merged.clusters[1]);
    assert_eq!(chained[0], alone[0]);
}
