//! The cluster tiles, driven by label: cards, Eq. 8, samples of each kind.

use std::sync::Arc;

use eframe::egui::{self, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::gui::clustered::{ClusterFacts, ClusterTable, ScoreOrigin, ShownClustering};
use reid_workbench::gui::fonts;
use reid_workbench::gui::panels::Pane;
use reid_workbench::gui::panels::exhibit::map;
use reid_workbench::gui::panels::exhibit::sample::{How, sample};
use reid_workbench::gui::theme::{self};
use reid_workbench::gui::view_model::RunView;
use reid_workbench::gui::widgets::images::Thumbnails;
use reid_workbench::method::cluster::{RadiiLabels, refine};
use reid_workbench::method::params::Params;
use reid_workbench::run::RunReader;
use reid_workbench::run::event::*;
use reid_workbench::run::images;
use reid_workbench::run::snapshot::ClusterSnapshot;
use reid_workbench::study::sets::sets;

use crate::sample_run::{self, EPOCHS};
use crate::support::bench::{Bench, wait_for, window_of};

/// A tile on a run.
pub fn tile_window(pane: Pane, view: &RunView) -> Harness<'static, Bench> {
    window_of(pane, view.clone(), vec2(900.0, 560.0))
}

fn sample_view() -> (tempfile::TempDir, RunView, ClusterSnapshot) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    sample_run::write(&dir);
    let view = RunView::of_folder(&RunReader::open(&dir).unwrap());
    let snapshot = ClusterSnapshot::read(&dir, EPOCHS - 1).unwrap();
    (home, view, snapshot)
}

/// Cluster numbers by score, worst first.
fn worst_first(snapshot: &ClusterSnapshot) -> Vec<usize> {
    let mut order: Vec<usize> = (0..snapshot.cluster_score.len()).collect();
    order.sort_by(|&a, &b| snapshot.cluster_score[a].total_cmp(&snapshot.cluster_score[b]).then(a.cmp(&b)));
    order
}

fn size(snapshot: &ClusterSnapshot, cluster: usize) -> usize {
    snapshot.labels.iter().filter(|l| **l == cluster as i32).count()
}

/// The name of a cluster's card.
fn card(snapshot: &ClusterSnapshot, cluster: usize) -> String {
    let (images, score) = (size(snapshot, cluster), snapshot.cluster_score[cluster]);
    let verdict = if snapshot.reliable[cluster] == 1 { "reliable" } else { "unreliable" };
    format!("Cluster {cluster}, {images} images, score {score:.2}, {verdict}")
}

/// Cards in sight, in the order they lie.
fn cards(harness: &Harness<'_, Bench>) -> Vec<u32> {
    let mut found: Vec<(i32, i32, u32)> = harness
        .query_all_by_label_contains(", score ")
        .filter_map(|node| {
            let label = node.accesskit_node().label()?;
            let number = label.strip_prefix("Cluster ")?.split(',').next()?.parse().ok()?;
            Some((node.rect().top() as i32, node.rect().left() as i32, number))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(.., c)| c).collect()
}

#[test]
fn tiles_without_clusters_say_what_will_come() {
    for pane in [Pane::Browser, Pane::Eq8, Pane::Exhibit] {
        let mut harness = tile_window(pane, &RunView::default());
        harness.run();
        harness.get_by_label("No clusters yet");
    }
}

#[test]
fn the_worst_cluster_is_first_and_eq8_counts_what_the_run_scored() {
    let (_home, view, snapshot) = sample_view();
    let order = worst_first(&snapshot);
    let mut harness = tile_window(Pane::Browser, &view);
    wait_for(&mut harness, &card(&snapshot, order[0]));
    assert_eq!(cards(&harness)[0] as usize, order[0]);
    harness.get_by_label(&card(&snapshot, order[0])).click();
    harness.run();
    assert_eq!(harness.state().selection.cluster, Some(order[0] as u32));
    let mut selection = harness.state().selection.clone();

    // The worst and the best have other scores, so that one cannot be taken for the other.
    for cluster in [order[0], order[order.len() - 1]] {
        selection.cluster = Some(cluster as u32);
        let mut harness = tile_window(Pane::Eq8, &view);
        harness.state_mut().selection = selection.clone();
        wait_for(&mut harness, "score = ");
        let own =
            |i: usize| snapshot.labels[i] == cluster as i32 && snapshot.score[i] == snapshot.cluster_score[cluster];
        let best = (0..snapshot.labels.len()).find(|&i| own(i)).unwrap();
        let counted = sets(&snapshot.labels, &snapshot.labels_tight, &snapshot.labels_loose, best);
        let fraction = counted.eq8();
        let verdict = if snapshot.reliable[cluster] == 1 { "reliable" } else { "unreliable" };
        let said = format!(
            "score = {} / {} = {:.2}, {verdict}, threshold 0.50",
            fraction.inter, fraction.union, snapshot.cluster_score[cluster]
        );
        harness.get_by_label(&said);
        let [tight, normal, loose] = counted.sizes();
        harness.get_by_label(&format!("tight, eps − Δd = 0.58, {tight} in"));
        harness.get_by_label(&format!("normal, eps = 0.60, {normal} in"));
        harness.get_by_label(&format!("loose, eps + Δd = 0.62, {loose} in"));
        let rest = fraction.union - fraction.inter;
        harness.get_by_label(&format!("{} in all three, {rest} in some", fraction.inter));
        let decided = if snapshot.reliable[cluster] == 1 { "Kept: its best member" } else { "Dropped: even its best" };
        harness.get_by_label_contains(decided);
    }
}

#[test]
fn counted_fractions_are_the_scores_of_the_whole_run() {
    let (_home, view, _) = sample_view();
    for epoch in 0..EPOCHS {
        let snapshot = ClusterSnapshot::read(view.folder.as_ref().unwrap(), epoch).unwrap();
        for i in 0..snapshot.labels.len() {
            let counted = sets(&snapshot.labels, &snapshot.labels_tight, &snapshot.labels_loose, i);
            assert_eq!(counted.eq8().value(), snapshot.score[i], "image {i} of epoch {epoch}");
        }
        let summary = &view.clusters[&epoch].summary;
        let table = ClusterTable::of(&ClusterFacts::of_snapshot(&snapshot, summary), None);
        assert_eq!(table.kind, ScoreOrigin::Eq8);
        for (c, row) in table.rows.iter().enumerate() {
            assert_eq!(row.score, snapshot.score[row.member as usize], "the best member's score is the cluster's");
            let counted = sets(&snapshot.labels, &snapshot.labels_tight, &snapshot.labels_loose, row.member as usize);
            assert_eq!(counted.sizes().map(|n| n as u32), row.radii);
            assert_eq!(table.members(c as u32).len(), row.size as usize);
            let joined = |i: &u32| snapshot.labels_tight[*i as usize] >= 0;
            assert!(
                table.members(c as u32).iter().map(joined).is_sorted_by(|a, b| a >= b),
                "the tight ones come first"
            );
        }
        let expected: Vec<u32> = worst_first(&snapshot).iter().map(|c| *c as u32).collect();
        assert_eq!(table.worst_first, expected);
    }
}

#[test]
fn eq8_can_be_walked_by_cluster_and_by_member() {
    let (_home, view, snapshot) = sample_view();
    let order = worst_first(&snapshot);
    let mut harness = tile_window(Pane::Eq8, &view);
    wait_for(&mut harness, &format!("cluster {}, 1 of", order[0]));
    harness.get_by_label("Next cluster, worst first").click();
    harness.run();
    assert_eq!(harness.state().selection.cluster, Some(order[1] as u32));
    harness.get_by_label_contains(&format!("cluster {}, 2 of", order[1]));
    harness.get_by_label("Previous cluster, worst first").click();
    harness.run();
    assert_eq!(harness.state().selection.cluster, Some(order[0] as u32));
    // The second member of the order of joining is not the one the score comes from here.
    harness.get_by_label("Next member").click();
    harness.run();
    let image = harness.state().selection.image.unwrap();
    assert_eq!((image.split, snapshot.labels[image.index as usize]), (Split::Train, order[0] as i32));
    let counted = sets(&snapshot.labels, &snapshot.labels_tight, &snapshot.labels_loose, image.index as usize).eq8();
    harness.get_by_label_contains(&format!("score = {} / {} = ", counted.inter, counted.union));
    harness.get_by_label_contains(&format!("member, image {}", image.index));
}

#[test]
fn a_filter_narrows_the_cards_and_says_what_it_does_not_understand() {
    let (_home, view, snapshot) = sample_view();
    let count = snapshot.cluster_score.len();
    let mut harness = tile_window(Pane::Browser, &view);
    wait_for(&mut harness, &format!("{count} clusters, epoch {EPOCHS}"));
    harness.get_by_label("Filter clusters").click();
    harness.run();
    harness.get_by_label("Filter").focus();
    harness.run();
    harness.get_by_label("Filter").type_text("reliable=no size>5");
    harness.run();
    let pass = |c: &usize| snapshot.reliable[*c] == 0 && size(&snapshot, *c) > 5;
    let expected: Vec<u32> = worst_first(&snapshot).into_iter().filter(pass).map(|c| c as u32).collect();
    assert!(!expected.is_empty() && expected.len() < 10, "{expected:?}");
    harness.get_by_label(&format!("{} of {count} clusters, epoch {EPOCHS}", expected.len()));
    assert_eq!(cards(&harness), expected);
    assert!(harness.query_by_label_contains("Outliers, ").is_none(), "outliers pass no test");
    harness.get_by_label("Filter").type_text(" colour=red");
    harness.run();
    harness.get_by_label_contains("“colour” is not known.");
    assert_eq!(cards(&harness), expected, "the last filter that was understood stays");
    harness.get_by_label("Clear the filter").click();
    harness.run();
    harness.get_by_label(&format!("{count} clusters, epoch {EPOCHS}"));
}

#[test]
fn cards_can_be_sorted_and_come_back_to_the_worst_in_one_click() {
    let (_home, view, snapshot) = sample_view();
    let order = worst_first(&snapshot);
    let mut harness = tile_window(Pane::Browser, &view);
    wait_for(&mut harness, &card(&snapshot, order[0]));
    assert!(harness.query_by_label("Worst score first").is_none());
    let mut sort_by = |words: &str| {
        harness.get_by_label("Order of the clusters").click();
        harness.run();
        harness.get_by_label(words).click();
        harness.run();
        cards(&harness)
    };
    let sizes: Vec<usize> = sort_by("size, largest first").iter().map(|c| size(&snapshot, *c as usize)).collect();
    assert!(sizes.len() > 4 && sizes.windows(2).all(|w| w[0] >= w[1]), "{sizes:?}");
    let best = sort_by("score, best first");
    assert_eq!(snapshot.cluster_score[best[0] as usize], snapshot.cluster_score[order[order.len() - 1]]);
    // The last clusters are made of images that were outliers before.
    let youngest = sort_by("born, newest first");
    assert!(youngest[..15].iter().all(|c| *c as usize >= 50), "{youngest:?}");
    sort_by("purity, worst first");
    harness.get_by_label("Worst score first").click();
    harness.run();
    assert_eq!(cards(&harness)[0] as usize, order[0]);
}

#[test]
fn purity_is_shown_with_truth_alone() {
    let (_home, view, snapshot) = sample_view();
    let mut harness = tile_window(Pane::Browser, &view);
    wait_for(&mut harness, &card(&snapshot, worst_first(&snapshot)[0]));
    harness.get_by_label("ground truth");
    harness.state_mut().truth = false;
    harness.run();
    assert!(harness.query_by_label("ground truth").is_none());
    harness.get_by_label("Order of the clusters").click();
    harness.run();
    harness.get_by_label("score, best first");
    assert!(harness.query_by_label("purity, worst first").is_none());
    harness.key_press(egui::Key::Escape);
    harness.run();
    harness.get_by_label("Filter clusters").click();
    harness.run();
    harness.get_by_label("Filter").focus();
    harness.run();
    harness.get_by_label("Filter").type_text("purity<0.9");
    harness.run();
    harness.get_by_label("“purity” uses the target's labels, which are switched off.");
    for pane in [Pane::Exhibit, Pane::Eq8] {
        let mut harness = tile_window(pane, &view);
        harness.state_mut().truth = false;
        wait_for(&mut harness, ", epoch 6");
        assert!(harness.query_by_label("ground truth").is_none());
    }
}

#[test]
fn a_cluster_opens_into_all_its_images() {
    let (_home, view, snapshot) = sample_view();
    let order = worst_first(&snapshot);
    let worst = order[0];
    let mut harness = tile_window(Pane::Browser, &view);
    wait_for(&mut harness, &card(&snapshot, worst));
    harness.get_by_label(&format!("Open cluster {worst}")).click();
    harness.run();
    harness.get_by_label(&format!("Cluster {worst}"));
    assert_eq!(harness.state().selection.cluster, Some(worst as u32));
    let images: Vec<usize> = (0..snapshot.labels.len()).filter(|&i| snapshot.labels[i] == worst as i32).collect();
    for &i in &images {
        harness.get_by_label(&format!("Image {i}, score {:.2}, in an unreliable cluster", snapshot.score[i]));
    }
    let last = *images.last().unwrap();
    harness.get_by_label_contains(&format!("Image {last}, ")).click();
    harness.run();
    let image = ImageRef { split: Split::Train, index: last as u32 };
    assert_eq!(harness.state().selection.image, Some(image));
    harness.get_by_label("Next cluster of the cards").click();
    harness.run();
    harness.get_by_label(&format!("Cluster {}", order[1]));
    harness.get_by_label("Back to all clusters").click();
    harness.run();
    assert!(cards(&harness).contains(&(order[1] as u32)));
}

#[test]
fn images_picked_on_the_map_narrow_the_cards() {
    let (_home, view, snapshot) = sample_view();
    let outlier = snapshot.labels.iter().position(|l| *l < 0).unwrap() as u32;
    let first = |c: i32| snapshot.labels.iter().position(|l| *l == c).unwrap() as u32;
    let mut harness = tile_window(Pane::Browser, &view);
    harness.state_mut().selection.picked = Arc::new(vec![first(3), first(17), outlier]);
    wait_for(&mut harness, "2 of ");
    let mut found = cards(&harness);
    found.sort_unstable();
    assert_eq!(found, [3, 17]);
    harness.get_by_label_contains("Outliers, ").click();
    harness.run();
    harness.get_by_label_contains(&format!("Image {outlier}, score 1.00, outlier"));
    harness.get_by_label("Back to all clusters").click();
    harness.run();
    harness.get_by_label("only picked images").click();
    harness.run();
    harness.get_by_label(&format!("{} clusters, epoch {EPOCHS}", snapshot.cluster_score.len()));
}

#[test]
fn both_kinds_stand_beside_each_other() {
    let (_home, view, snapshot) = sample_view();
    let order = worst_first(&snapshot);
    let mut harness = tile_window(Pane::Exhibit, &view);
    let worst = format!("Sample {}", card(&snapshot, order[0]).replacen('C', "c", 1));
    wait_for(&mut harness, &worst);
    let reliable = snapshot.reliable.iter().filter(|r| **r == 1).count();
    harness.get_by_label_contains(&format!("{reliable} reliable, {} unreliable", order.len() - reliable));
    harness.get_by_label("Reliable");
    harness.get_by_label("Unreliable");
    harness.get_by_label("ground truth");
    harness.get_by_label(&worst).click();
    harness.run();
    assert_eq!(harness.state().selection.cluster, Some(order[0] as u32));
    harness.get_by_label("Choice of the sample clusters").click();
    harness.run();
    harness.get_by_label("random").click();
    harness.run();
    harness.get_by_label("Draw other clusters").click();
    harness.run();
}

#[test]
fn samples_are_of_their_kind_and_in_the_order_asked_for() {
    let (_home, view, snapshot) = sample_view();
    let summary = &view.clusters[&(EPOCHS - 1)].summary;
    let table = ClusterTable::of(&ClusterFacts::of_snapshot(&snapshot, summary), None);
    for how in How::ALL {
        for reliable in [true, false] {
            let found = sample(&table, reliable, how, 7);
            assert!(found.iter().all(|&c| table.rows[c as usize].reliable == reliable));
            assert_eq!(found.len(), table.rows.iter().filter(|r| r.reliable == reliable).count());
            assert_eq!(found, sample(&table, reliable, how, 7));
            let scores: Vec<f64> = found.iter().map(|&c| table.rows[c as usize].score).collect();
            let rising = scores.windows(2).all(|w| w[0] <= w[1]);
            let falling = scores.windows(2).all(|w| w[0] >= w[1]);
            match (how, reliable) {
                (How::Clear, false) | (How::Close, true) => assert!(rising),
                (How::Clear, true) | (How::Close, false) => assert!(falling),
                _ => {}
            }
        }
    }
    assert_ne!(sample(&table, true, How::Random, 7), sample(&table, true, How::Random, 8));
}

#[test]
fn tables_tell_cameras_purity_and_spcls_score() {
    let mut params = Params::default();
    params.assign("reliability.score=spcl").unwrap();
    params.assign("reliability.rule=fixed").unwrap();
    params.assign("reliability.threshold=0.5").unwrap();
    let labels = RadiiLabels {
        normal: vec![0, 0, 0, 0, 1, 1, -1],
        tight: vec![0, 0, 0, -1, 1, 1, -1],
        loose: vec![0, 0, 0, 0, 0, 0, 0],
    };
    let facts = ClusterFacts::of_assignment(refine(labels, &params, None), &params);
    let row = |index, pid, camid| images::ImageRow { split: Split::Train, index, path: "x".into(), pid, camid };
    let rows: Vec<_> = [(5, 0), (5, 2), (9, 2), (5, 7), (3, 0), (2, 0), (1, 1)]
        .iter()
        .zip(0..)
        .map(|(&(p, c), i)| row(i, p, c))
        .collect();
    let shown = ShownClustering::new(0, facts, Some(Arc::new(images::Images::new(rows).unwrap())));
    let table = &shown.table;
    assert_eq!((table.kind, table.cameras, &table.outliers[..]), (ScoreOrigin::Spcl, 4, &[6][..]));
    let first = &table.rows[0];
    assert_eq!((first.size, first.cameras, first.seen_by), (4, 3, 0b1101));
    assert_eq!((first.pid, first.purity, first.radii), (Some(5), Some(0.75), [3, 4, 7]));
    assert!(first.reliable && !table.rows[1].reliable);
    assert_eq!((table.rows[1].pid, table.rows[1].purity), (Some(2), Some(0.5)), "the smaller of equal identities");
    assert!(shown.is_odd(2) && !shown.is_odd(3) && !shown.is_odd(6));
    assert!(!shown.facts.keeps(3), "it is less compact than the others");
    assert_eq!(table.members(0), [0, 1, 2, 3]);
    assert_eq!(table.worst_first, [1, 0]);
}

#[test]
fn a_click_on_the_map_answers_the_cluster_there() {
    let labels = RadiiLabels { normal: vec![0, 0, 1, 1, -1], tight: vec![0, 0, 1, -1, -1], loose: vec![0, 0, 1, 1, 1] };
    let mut params = Params::default();
    params.assign("reliability.rule=fixed").unwrap();
    params.assign("reliability.threshold=0.9").unwrap();
    let mut facts = ClusterFacts::of_assignment(refine(labels, &params, None), &params);
    facts.points = vec![0.0, 0.0, 0.1, 0.0, 1.0, 1.0, 0.9, 1.0, f32::NAN, 0.0];
    let shown = Arc::new(ShownClustering::new(0, facts, None));
    let clicked: Option<u32> = None;
    let (mut kept, photos) = (map::ExhibitMap::default(), Thumbnails::default());
    let dressed = |ctx: &egui::Context| {
        fonts::install(ctx);
        theme::apply(ctx, theme::Density::Compact);
    };
    let harness = Harness::builder().with_size(vec2(400.0, 300.0)).with_context_setup(dressed);
    let mut harness = harness.build_ui_state(
        |ui, clicked: &mut Option<u32>| {
            let now = map::map(ui, &mut kept, &shown.facts.points, &shown, (*clicked, &photos));
            *clicked = now.or(*clicked);
        },
        clicked,
    );
    harness.run();
    let area = harness.get_by_label("Map of 5 images by reliability").rect();
    // The aspect is kept: the points' square stands in the middle, its upper right corner is image 2.
    let side = area.height() - 12.0 - 21.0;
    let middle = pos2(area.center().x, area.top() + 6.0 + side / 2.0);
    for (corner, cluster) in [(vec2(0.5, -0.5), 1), (vec2(-0.5, 0.5), 0)] {
        let at = middle + side * corner;
        harness.drag_at(at);
        harness.step();
        harness.drop_at(at);
        harness.run();
        assert_eq!(*harness.state(), Some(cluster));
    }
}
