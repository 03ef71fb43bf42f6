//! A small run with everything that panels and exports read, written through the front door. The numbers are
//! invented: they test how a run is shown, not what one finds.

use std::path::{Path, PathBuf};

use reid_workbench::method::cluster::{Assignment, RadiiLabels, refine};
use reid_workbench::method::knn::Neighbours;
use reid_workbench::method::params::{Effect, Params, Value};
use reid_workbench::run::event::*;
use reid_workbench::run::images::{ImageRow, Images};
use reid_workbench::run::snapshot::{ClusterSnapshot, RankSnapshot, write_heat_maps};
use reid_workbench::run::{Manifest, RunWriter};

pub const EPOCHS: usize = 6;
pub const ITERS: usize = 40;
const TRAIN: usize = 400;
pub const QUERIES: usize = 12;
const GALLERY: usize = 60;
const TOP: usize = 30;

/// Repeatable noise in 0..1.
pub fn noise(n: u64) -> f64 {
    let mut x = n.wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 31;
    x = x.wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 29)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Writes the run and gives back what a live window would have received.
pub fn write(dir: &Path) -> Vec<Stamped> {
    let mut params = Params::default();
    params.apply_presets("demo").unwrap();
    params.assign(&format!("adapt.epochs={EPOCHS}")).unwrap();
    params.assign("pretrain.epochs=4").unwrap();
    let mut run = Run {
        writer: RunWriter::create(dir, &Manifest::new("synthetic-plaza", "synthetic-station", 1, "cpu"), &params)
            .unwrap(),
        sent: Vec::new(),
        step: 0,
    };
    images(dir).write(dir).unwrap();
    run.begin(dir, &params);
    for epoch in 0..4 {
        run.train(Phase::Pretrain, epoch, 24, if epoch < 3 { 3e-3 } else { 3e-4 });
    }
    run.send(Event::StageDone { stage: Stage::Pretrain, epoch: 0, seconds: 71.0 });
    run.send(Event::Evaluated { epoch: 0, domain: Domain::Source, retrieval: retrieval(12.0) });
    run.evaluate(dir, 0);
    for epoch in 0..EPOCHS {
        run.epoch(dir, epoch);
    }
    run.send(Event::State { state: State::Done, epoch: EPOCHS });
    run.sent
}

struct Run {
    writer: RunWriter,
    sent: Vec<Stamped>,
    step: u64,
}

impl Run {
    fn send(&mut self, event: Event) {
        let stamped = self.writer.append(event).unwrap();
        self.sent.push(stamped);
    }

    fn state(&mut self, state: State, epoch: usize) {
        self.send(Event::State { state, epoch });
    }

    fn begin(&mut self, dir: &Path, params: &Params) {
        self.send(Event::Started {
            folder: dir.to_owned(),
            title: "synthetic-plaza → synthetic-station".into(),
            source: "synthetic-plaza".into(),
            target: "synthetic-station".into(),
            params: Box::new(params.clone()),
            device: "cpu".into(),
            weights: "scratch".into(),
            resumed: false,
            parent: None,
        });
        self.state(State::Preparing, 0);
        self.send(Event::StageDone { stage: Stage::Prepare, epoch: 0, seconds: 2.5 });
        self.state(State::Pretraining, 0);
        self.send(Event::Device { name: "cpu".into(), used: 1 << 30, total: 8 << 30, load: Default::default() });
    }

    fn train(&mut self, phase: Phase, epoch: usize, iters: usize, lr: f64) {
        for iter in 0..iters {
            let x = epoch as f64 + iter as f64 / iters as f64;
            let floor = if phase == Phase::Pretrain { 1.1 } else { 0.8 };
            let spread = (noise(self.step) - 0.5) * 0.7;
            let loss = floor + 3.6 * (-x / 1.6).exp() + spread * (0.4 + (-x).exp());
            self.send(Event::Step(Step {
                phase,
                epoch,
                iter,
                iters,
                step: self.step,
                loss,
                parts: vec![("target".into(), 0.7 * loss), ("triplet".into(), 0.3 * loss)],
                lr,
                seconds: 0.25,
                waited: 0.01,
                merged: 1,
            }));
            self.step += 1;
        }
    }

    fn epoch(&mut self, dir: &Path, epoch: usize) {
        self.state(State::Extracting, epoch);
        self.send(Event::Progress { stage: Stage::Extract, done: 200, total: 400 });
        self.send(Event::StageDone { stage: Stage::Extract, epoch, seconds: 3.8 });
        self.state(State::Clustering, epoch);
        if epoch == 3 {
            let (old, new) = (Value::Int(15), Value::Int(20));
            self.send(Event::ParamApplied { key: "k1".into(), old, new, epoch, iter: 0 });
        }
        let (found, params) = clustering(epoch);
        let summary = summary(&found, &params, epoch);
        clusters(found).write(dir, epoch).unwrap();
        let seconds = [0.31, 0.12, 0.05, 0.01];
        self.send(Event::Clustered { epoch, summary: Box::new(summary), seconds });
        self.send(Event::Snapshot { epoch, part: SnapshotPart::Clusters });
        self.send(Event::StageDone { stage: Stage::Cluster, epoch, seconds: 0.5 });
        self.state(State::Adapting, epoch);
        self.train(Phase::Adapt, epoch, ITERS, if epoch < 4 { 1e-3 } else { 1e-4 });
        self.send(Event::StageDone { stage: Stage::Adapt, epoch, seconds: 10.4 });
        self.state(State::Evaluating, epoch);
        self.evaluate(dir, epoch + 1);
        self.send(Event::StageDone { stage: Stage::Evaluate, epoch, seconds: 1.9 });
        self.send(Event::Checkpoint { file: "checkpoints/last.ckpt".into(), epoch: epoch + 1, bytes: 9 << 20 });
        self.send(Event::EpochDone { epoch, epochs: EPOCHS });
        if epoch == 2 {
            let (value, effect) = (Value::Int(20), Effect::NextEpoch);
            self.send(Event::ParamPending { key: "k1".into(), value, effect });
            let text = "eps 0.42 leaves 40 small clusters. Raise eps towards 0.60.";
            let title = "79 % of the images are outliers";
            self.send(Event::Notice { severity: Severity::Warning, title: title.into(), text: text.into() });
        }
    }

    fn evaluate(&mut self, dir: &Path, epoch: usize) {
        ranks(epoch).write(dir, epoch).unwrap();
        self.send(Event::Snapshot { epoch, part: SnapshotPart::Ranks });
        let maps = heat_maps(epoch);
        write_heat_maps(dir, epoch, &maps).unwrap();
        self.send(Event::Snapshot { epoch, part: SnapshotPart::HeatMaps });
        self.send(Event::HeatMaps { epoch, images: maps });
        self.send(Event::Evaluated { epoch, domain: Domain::Target, retrieval: retrieval(epoch as f64) });
    }
}

/// mAP at the end of the run.
pub fn retrieval_at_end() -> f64 {
    retrieval(EPOCHS as f64).mAP
}

fn retrieval(x: f64) -> Retrieval {
    let rise = 1.0 - (-x / 3.0).exp();
    let map = 0.21 + 0.4 * rise;
    Retrieval {
        mAP: map,
        mAP_trapezoid: map - 0.02,
        cmc: [0.42 + 0.38 * rise, 0.61 + 0.29 * rise, 0.7 + 0.23 * rise, 0.8 + 0.17 * rise],
        valid_queries: QUERIES - 1,
        queries: QUERIES,
        ..Retrieval::default()
    }
}

/// Clusters of consecutive images; every ninth falls apart at the tight radius, some win an outlier at the loose one.
fn clustering(epoch: usize) -> (Assignment, Params) {
    let count = 50 + 3 * epoch;
    let mut labels = RadiiLabels::default();
    for c in 0..count {
        let u = noise((epoch * 1000 + c) as u64);
        let size = 4 + c % 5;
        let tight = if c.is_multiple_of(9) { (size / 3).max(1) } else { size - (u * (size / 3 + 1) as f64) as usize };
        labels.normal.extend(std::iter::repeat_n(c as i32, size));
        labels.tight.extend((0..size).map(|i| if i < tight { c as i32 } else { -1 }));
    }
    labels.loose = labels.normal.clone();
    for all in [&mut labels.normal, &mut labels.tight, &mut labels.loose] {
        all.resize(TRAIN, -1);
    }
    let winners = (0..count as i32).filter(|c| c % 3 == 1);
    labels.loose.iter_mut().rev().take(8).zip(winners).for_each(|(label, c)| *label = c);
    let mut params = Params::default();
    params.assign("reliability.rule=fixed").unwrap();
    params.assign("reliability.threshold=0.5").unwrap();
    (refine(labels, &params, None), params)
}

fn summary(clustering: &Assignment, params: &Params, epoch: usize) -> ClusterSummary {
    let rise = epoch as f64 / EPOCHS as f64;
    ClusterSummary {
        quality: Some(Quality {
            purity: 0.81 + 0.1 * rise,
            nmi: 0.86 + 0.06 * rise,
            ari: 0.52 + 0.2 * rise,
            pairwise_f: 0.55 + 0.2 * rise,
        }),
        used: ClusterParams { eps: 0.6, delta_d: 0.02, k1: 15, k2: 4, min_samples: 4 },
        ..clustering.summary(params, None)
    }
}

fn clusters(found: Assignment) -> ClusterSnapshot {
    let alone = Neighbours { n: TRAIN, k: 1, index: (0..TRAIN as u32).collect(), dist: vec![0.0; TRAIN] };
    ClusterSnapshot::new(&found, &alone, &[])
}

/// Camera of gallery image `g`.
fn camera(g: usize) -> usize {
    g / QUERIES % 4
}

/// Query q is person q in camera q % 4; gallery image g is person g % 12.
fn ranks(epoch: usize) -> RankSnapshot {
    let mut all = RankSnapshot { top: TOP, match_indptr: vec![0], ..RankSnapshot::default() };
    for q in 0..QUERIES {
        let distance = |g: usize| {
            let same = g % QUERIES == q;
            let base = if same { 0.34 + 0.03 * (6 - epoch.min(6)) as f64 } else { 0.46 };
            base + 0.3 * noise((q * 1000 + g * 7) as u64)
        };
        let mut order: Vec<usize> = (0..GALLERY).collect();
        order.sort_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        // The last query has no match in another camera: it does not count.
        let junk = |g: usize| g % QUERIES == q && (camera(g) == q % 4 || q + 1 == QUERIES);
        let found = |g: usize| g % QUERIES == q && !junk(g);
        let ranked: Vec<usize> = order.iter().copied().filter(|g| !junk(*g)).collect();
        let mut precision = Vec::new();
        for (rank, g) in ranked.iter().enumerate().filter(|(_, g)| found(**g)) {
            precision.push((precision.len() + 1) as f64 / (rank + 1) as f64);
            all.match_index.push(*g as u32);
            all.match_rank.push(rank as u32 + 1);
            all.match_distance.push(distance(*g) as f32);
        }
        all.ap.push(precision.iter().sum::<f64>() / precision.len() as f64);
        all.match_indptr.push(all.match_index.len() as u32);
        all.ranks.extend(order.iter().take(TOP).map(|g| *g as u32));
        all.distances.extend(order.iter().take(TOP).map(|g| distance(*g) as f32));
    }
    all
}

fn heat_maps(epoch: usize) -> Vec<ImageMaps> {
    let blob = |h: usize, w: usize, seed: usize, peak: f32| -> Vec<f32> {
        let (cy, cx) = (0.25 + 0.4 * noise(seed as u64) as f32, 0.5);
        let value = |i: usize| {
            let (y, x) = ((i / w) as f32 / h as f32 - cy, (i % w) as f32 / w as f32 - cx);
            peak * (-(y * y * 14.0 + x * x * 9.0)).exp()
        };
        (0..h * w).map(value).collect()
    };
    (0..4)
        .map(|q| {
            let mut maps = Vec::new();
            for (layer, h, w) in [("layer1", 32, 16), ("layer4", 8, 4)] {
                let mut add = |name: &str, height: usize, width: usize, peak: f32| {
                    let seed = q * 100 + name.len() + epoch;
                    let values = blob(height, width, seed, peak);
                    maps.push(AttentionMap { name: format!("{layer}.{name}"), height, width, values });
                };
                add("input", h, w, 60.0);
                add("coordinate", h, w, 0.8);
                add("coordinate.h", h, 1, 0.9);
                add("coordinate.w", 1, w, 0.9);
                add("triplet", h, w, 0.7);
                add("triplet.cw", 12, w, 0.7);
                add("triplet.hc", h, 12, 0.7);
                add("triplet.hw", h, w, 0.7);
                add("output", h, w, 40.0);
            }
            ImageMaps { image: ImageRef { split: Split::Query, index: q as u32 }, maps }
        })
        .collect()
}

/// Files drawn on the spot, so that thumbnails have something to decode.
fn images(dir: &Path) -> Images {
    let folder = dir.parent().unwrap().join("station");
    std::fs::create_dir_all(&folder).unwrap();
    let mut rows = Vec::new();
    for i in 0..TRAIN {
        rows.push(row(&folder, Split::Train, i, i / 7, i % 4));
    }
    for i in 0..QUERIES {
        rows.push(row(&folder, Split::Query, i, i, i % 4));
    }
    for i in 0..GALLERY {
        rows.push(row(&folder, Split::Gallery, i, i % QUERIES, camera(i)));
    }
    Images::new(rows).unwrap()
}

fn row(folder: &Path, split: Split, index: usize, pid: usize, camid: usize) -> ImageRow {
    let path: PathBuf = folder.join(format!("{split:?}-{index}.png"));
    if split != Split::Train {
        pedestrian(pid, camid).save(&path).unwrap();
    }
    ImageRow { split, index: index as u32, path, pid: pid as i32, camid: camid as i32 }
}

fn pedestrian(pid: usize, camid: usize) -> image::RgbImage {
    let color = |part: u64| {
        let c = |k: u64| (60.0 + 160.0 * noise(pid as u64 * 31 + part * 7 + k)) as u8;
        image::Rgb([c(0), c(1), c(2)])
    };
    let ground = image::Rgb([110 + 20 * camid as u8, 120, 130 - 15 * camid as u8]);
    image::RgbImage::from_fn(64, 128, |x, y| {
        let (dx, dy) = (f64::from(x) - 32.0, f64::from(y));
        let inside = |cy: f64, rx: f64, ry: f64| (dx / rx).powi(2) + ((dy - cy) / ry).powi(2) < 1.0;
        match () {
            () if inside(20.0, 8.0, 10.0) => image::Rgb([214, 172, 140]),
            () if inside(50.0, 15.0, 24.0) => color(1),
            () if inside(92.0, 11.0, 30.0) => color(2),
            () => ground,
        }
    })
}
