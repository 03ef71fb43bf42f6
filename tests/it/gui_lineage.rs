//! The Lineage tile, driven by label on a run that was written and read through the run folder.

use std::path::Path;
use std::sync::Arc;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use reid_workbench::gui::panels::Pane;
use reid_workbench::method::cluster::cluster_sizes;
use reid_workbench::method::lineage::{Lineage, lineage};
use reid_workbench::run::snapshot::ClusterSnapshot;

use super::gui_panels::{Sample, sample_with};
use super::sample_run::EPOCHS;
use super::support::bench::{Bench, wait_for, window};

const LAST: usize = EPOCHS - 1;

fn snapshot(sample: &Sample, epoch: usize) -> ClusterSnapshot {
    ClusterSnapshot::read(sample.view.folder.as_deref().unwrap(), epoch).unwrap()
}

/// The sample run, but in its last epoch clusters 0 and 1 are one, 2 is in two parts, 3 is gone, and the last
/// three outliers are the new cluster 3.
fn sample() -> Sample {
    sample_with(|dir: &Path| {
        let mut snapshot = ClusterSnapshot::read(dir, LAST - 1).unwrap();
        let of = |rows: &[i32], cluster: i32| -> Vec<usize> {
            rows.iter().enumerate().filter(|(_, l)| **l == cluster).map(|(i, _)| i).collect()
        };
        snapshot.pseudo_labels.clone_from(&snapshot.labels);
        snapshot.write(dir, LAST - 1).unwrap();
        let before = snapshot.labels.clone();
        let fresh = before.iter().max().unwrap() + 1;
        let labels = &mut snapshot.pseudo_labels;
        of(&before, 1).iter().for_each(|&i| labels[i] = 0);
        of(&before, 2).iter().take(2).for_each(|&i| labels[i] = fresh);
        of(&before, 3).iter().for_each(|&i| labels[i] = -1);
        of(&before, -1).iter().rev().take(3).for_each(|&i| labels[i] = 3);
        snapshot.write(dir, LAST).unwrap();
    })
}

fn opened(sample: &Sample) -> Harness<'static, Bench> {
    let mut harness = window(Pane::Lineage, sample.view.clone());
    wait_for(&mut harness, "Flow of 400 images");
    harness.run();
    harness
}

/// What the tile must say of two epochs.
fn expected(earlier: &[i32], later: &[i32]) -> (Lineage, Vec<String>) {
    let found = lineage(earlier, later);
    let sizes = [cluster_sizes(earlier), cluster_sizes(later)];
    let sum = |side: usize, clusters: &[u32]| clusters.iter().map(|&c| sizes[side][c as usize]).sum::<u32>();
    let shared = found.kept.iter().map(|(_, b)| found.clusters[*b as usize].shared).sum();
    let line = |word: &str, clusters: usize, images: u32| {
        let s = |n: usize| if n == 1 { "" } else { "s" };
        format!("{word}: {clusters} cluster{}, {images} image{}", s(clusters), s(images as usize))
    };
    let lines = vec![
        line("split", found.split.len(), sum(0, &found.split)),
        line("merged", found.merged.len(), sum(1, &found.merged)),
        line("born", found.born.len(), sum(1, &found.born)),
        line("died", found.died.len(), sum(0, &found.died)),
        line("kept", found.kept.len(), shared),
        format!("won back: {} image{}", found.won_back.len(), if found.won_back.len() == 1 { "" } else { "s" }),
        format!("lost: {} image{}", found.lost.len(), if found.lost.len() == 1 { "" } else { "s" }),
    ];
    (found, lines)
}

fn says(harness: &Harness<'_, Bench>, lines: &[String]) {
    for line in lines {
        assert!(harness.query_by_label(line).is_some(), "`{line}` is not said");
    }
}

#[test]
fn the_counts_are_those_of_the_method() {
    let sample = sample();
    let mut harness = opened(&sample);
    let snapshots = [LAST - 1, LAST].map(|epoch| snapshot(&sample, epoch));
    let (found, lines) = expected(&snapshots[0].pseudo_labels, &snapshots[1].pseudo_labels);
    assert_eq!((found.split.len(), found.merged.len(), found.born.len(), found.died.len()), (1, 1, 1, 1));
    says(&harness, &lines);
    harness.get_by_label("epoch 5 to 6");
    harness.get_by_label("DBSCAN").click();
    harness.run();
    let (_, lines) = expected(&snapshots[0].labels, &snapshots[1].labels);
    says(&harness, &lines);

    // Against another epoch, with the numbers that the sample invents.
    harness.get_by_label("refined").click();
    harness.state_mut().selection.against = Some(1);
    wait_for(&mut harness, "Flow of 400 images from epoch 2 to 6");
    let (_, lines) = expected(&snapshot(&sample, 1).pseudo_labels, &snapshots[1].pseudo_labels);
    says(&harness, &lines);
}

#[test]
fn a_line_selects_its_cluster_and_its_images() {
    let sample = sample();
    let mut harness = opened(&sample);
    let [before, after] = [LAST - 1, LAST].map(|epoch| snapshot(&sample, epoch).pseudo_labels);
    let rows = |labels: &[i32], cluster: i32| -> Vec<u32> {
        (0u32..).zip(labels).filter(|(_, l)| **l == cluster).map(|(i, _)| i).collect()
    };
    let merged = rows(&after, 0);
    harness.get_by_label(&format!("merged 0, 1 → 0, {} images", merged.len())).click();
    harness.run();
    assert_eq!(harness.state().selection.cluster, Some(0));
    assert_eq!(harness.state().selection.picked, Arc::new(merged));

    let died = rows(&before, 3);
    harness.get_by_label(&format!("died 3 → outliers, {} images", died.len())).click();
    harness.run();
    assert_eq!(harness.state().selection.cluster, None);
    assert_eq!(harness.state().selection.picked, Arc::new(died));
}

#[test]
fn a_kind_can_be_looked_at_alone() {
    let sample = sample();
    let mut harness = opened(&sample);
    assert!(harness.query_by_label_contains("split 2 → ").is_some());
    harness.get_by_label("born: 1 cluster, 3 images").click();
    harness.run();
    harness.get_by_label("born outliers → 3, 3 images");
    assert!(harness.query_by_label_contains("split 2 → ").is_none());
    harness.get_by_label("Cluster 3 of epoch 6, 3 images, born").click();
    harness.run();
    assert_eq!(harness.state().selection.cluster, Some(3));
    assert_eq!(harness.state().selection.picked.len(), 3);
    harness.get_by_label("born: 1 cluster, 3 images").click();
    harness.run();
    assert!(harness.query_by_label_contains("split 2 → ").is_some());
}

#[test]
fn both_epochs_are_chosen_from_menus() {
    let sample = sample();
    let mut harness = opened(&sample);
    harness.get_by_label("Earlier epoch").click();
    harness.run();
    harness.get_by_label("epoch 2").click();
    wait_for(&mut harness, "Flow of 400 images from epoch 2 to 6");
    assert_eq!(harness.state().selection.against, Some(1));
    harness.run();
    harness.get_by_label("Later epoch").click();
    harness.run();
    harness.get_by_label("epoch 4").click();
    wait_for(&mut harness, "Flow of 400 images from epoch 2 to 4");
    assert_eq!(harness.state().selection.epoch, Some(3));
}

#[test]
fn without_two_epochs_it_says_what_it_waits_for() {
    let mut harness = window(Pane::Lineage, Default::default());
    harness.run();
    harness.get_by_label("No clusters yet");
    let mut harness = window(Pane::Lineage, sample().view.clone());
    harness.state_mut().selection.epoch = Some(0);
    harness.run();
    harness.get_by_label("Nothing came before the first epoch");
}
