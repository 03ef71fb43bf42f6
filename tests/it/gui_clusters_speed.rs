//! How long a frame of the cluster tiles takes at the size of Market-1501.

use std::time::Instant;

use eframe::egui::{self, pos2, vec2};
use reid_workbench::gui::clustered::{ClusterFacts, ClusterTable};
use reid_workbench::gui::panels::Pane;
use reid_workbench::gui::view_model::RunView;
use reid_workbench::method::cluster::{RadiiLabels, refine};
use reid_workbench::method::knn::Neighbours;
use reid_workbench::method::params::Params;
use reid_workbench::run::event::*;
use reid_workbench::run::snapshot::ClusterSnapshot;
use reid_workbench::run::{Manifest, RunReader, RunWriter, images};

use crate::gui_clusters::tile_window;
use crate::sample_run::noise;
use crate::support::bench::wait_for;

/// A run of one epoch with `n` images in `count` clusters; each image has a file of its own.
fn large_run(dir: &std::path::Path, n: usize, count: usize, photos: bool) -> RunView {
    let params = Params::default();
    let mut writer = RunWriter::create(dir, &Manifest::new("a", "b", 1, "cpu"), &params).unwrap();
    let cluster = |i: usize| if i % 6 == 5 { -1 } else { (noise(i as u64) * count as f64) as i32 };
    let normal: Vec<i32> = (0..n).map(cluster).collect();
    let keeps = |i: usize, share: f64| noise((n + i) as u64) < share;
    let tight = (0..n).map(|i| if keeps(i, 0.7) { normal[i] } else { -1 }).collect();
    let loose = (0..n).map(|i| if normal[i] < 0 && keeps(i, 0.2) { (i % count) as i32 } else { normal[i] }).collect();
    let found = refine(RadiiLabels { normal, tight, loose }, &params, None);
    if photos {
        for i in 0..n {
            let path = dir.join(format!("{i}.png"));
            let color = |x: u32, y: u32| image::Rgb([(i as u32 + x) as u8, (3 * i as u32 + y) as u8, 90]);
            match i {
                0..100 => image::RgbImage::from_fn(64, 128, color).save(path).unwrap(),
                _ => drop(std::fs::copy(dir.join(format!("{}.png", i % 100)), path).unwrap()),
            }
        }
    }
    let row = |i: usize| images::ImageRow {
        split: Split::Train,
        index: i as u32,
        path: dir.join(format!("{i}.png")),
        pid: (i / 17) as i32,
        camid: (i % 6) as i32,
    };
    images::Images::new((0..n).map(row)).unwrap().write(dir).unwrap();
    let summary = found.summary(&params, None);
    let alone = Neighbours { n, k: 1, index: (0..n as u32).collect(), dist: vec![0.0; n] };
    ClusterSnapshot::new(&found, &alone, &[]).write(dir, 0).unwrap();
    writer.append(Event::Clustered { epoch: 0, summary: Box::new(summary), seconds: [0.0; 4] }).unwrap();
    writer.append(Event::Snapshot { epoch: 0, part: SnapshotPart::Clusters }).unwrap();
    drop(writer);
    RunView::of_folder(&RunReader::open(dir).unwrap())
}

#[test]
#[ignore = "a measurement: cargo test --test it -- --ignored --nocapture scrolling"]
fn scrolling_through_thirteen_thousand_images() {
    for photos in [false, true] {
        let home = tempfile::tempdir().unwrap();
        let view = large_run(home.path(), 13_000, 700, photos);
        let facts = {
            let snapshot = ClusterSnapshot::read(home.path(), 0).unwrap();
            ClusterFacts::of_snapshot(&snapshot, &view.clusters[&0].summary)
        };
        let rows = images::Images::read(home.path()).unwrap();
        let began = Instant::now();
        let table = ClusterTable::of(&facts, Some(rows.split(Split::Train)));
        println!("photos {photos}: table of {} clusters in {:.2?}", table.rows.len(), began.elapsed());
        for pane in [Pane::Browser, Pane::Eq8, Pane::Exhibit] {
            let mut harness = tile_window(pane, &view);
            wait_for(&mut harness, "epoch 1");
            wait_for(&mut harness, "luster");
            let at = pos2(400.0, 300.0);
            harness.hover_at(at);
            let mut times = Vec::new();
            for _ in 0..240 {
                let delta = vec2(0.0, -170.0);
                let unit = egui::MouseWheelUnit::Point;
                let (modifiers, phase) = (egui::Modifiers::NONE, egui::TouchPhase::Move);
                let source = egui::MouseWheelSource::Unknown;
                harness.event(egui::Event::MouseWheel { unit, delta, phase, source, modifiers });
                let began = Instant::now();
                harness.step();
                let shapes = harness.output().shapes.clone();
                std::hint::black_box(harness.ctx.tessellate(shapes, 1.0));
                times.push(began.elapsed().as_secs_f64() * 1e3);
            }
            times.sort_by(f64::total_cmp);
            let at = |q: f64| times[((times.len() - 1) as f64 * q) as usize];
            println!(
                "photos {photos}, {pane:?}: frame median {:.2} ms, 95 % {:.2} ms, longest {:.2} ms; {} waiting",
                at(0.5),
                at(0.95),
                at(1.0),
                harness.state().images.waiting()
            );
        }
    }
}
