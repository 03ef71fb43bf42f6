//! The run folder that the window is measured on: made features, made ranks, made photos, a long training.

use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use reid_workbench::data::synthetic::features::{FeatureSpec, Generated, generate, word};
use reid_workbench::engine::feature_run::{self, FeatureSet};
use reid_workbench::method::error::no_tick;
use reid_workbench::method::params::Params;
use reid_workbench::run::event::{
    ClusterSummary, Domain, Event, Phase, Retrieval, SnapshotPart, Split, Stamped, State, Step,
};
use reid_workbench::run::graph::{read_graph, write_graph};
use reid_workbench::run::images::{ImageRow, Images};
use reid_workbench::run::snapshot::{ClusterSnapshot, RankSnapshot};
use reid_workbench::run::{RunReader, RunWriter};

/// How much there is of everything.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Points on the map.
    pub images: usize,
    /// Points of each curve.
    pub steps: usize,
    /// Rank lists.
    pub queries: usize,
    /// Images that they rank.
    pub gallery: usize,
    /// Photos that stand behind all images.
    pub photos: usize,
}

impl Size {
    /// Market-1501, and a long training.
    pub const FULL: Self = Self { images: 13_000, steps: 100_000, queries: 3_368, gallery: 15_913, photos: 500 };
    /// Small enough for a look.
    pub const QUICK: Self = Self { images: 1_500, steps: 5_000, queries: 200, gallery: 1_000, photos: 40 };
}

/// Epochs of the run.
pub const EPOCHS: usize = 3;
/// Named parts of the loss; with the loss itself, one curve more.
const PARTS: usize = 20;
/// Ranks kept of each query.
const TOP: usize = 50;

/// Writes the folder.
pub fn write(home: &Path, size: Size) -> anyhow::Result<PathBuf> {
    let dir = home.join("run");
    let spec = FeatureSpec::market(size.images, 256);
    let made = generate(&spec);
    let mut params = Params::default();
    params.assign(&format!("adapt.epochs={EPOCHS}"))?;
    let set = FeatureSet {
        name: "made",
        features: &made.features,
        d: spec.d,
        pids: Some(&made.pid),
        camids: Some(&made.camid),
        paths: None,
    };
    let (summary, _) = feature_run::write(&dir, &set, &params, [&no_tick, &no_tick])?;
    images(home, &made, size)?.write(&dir)?;
    let first = ClusterSnapshot::read(&dir, 0)?;
    let graph = read_graph(&dir, 0)?;
    let ranks = ranks(size);
    let mut run = RunWriter::reopen(&dir)?;
    for epoch in 0..EPOCHS {
        if epoch > 0 {
            first.write(&dir, epoch)?;
            write_graph(&dir, epoch, &graph)?;
            clustered(&mut run, &summary, epoch)?;
        }
        train(&mut run, epoch, size.steps / EPOCHS)?;
        ranks.write(&dir, epoch + 1)?;
        run.append(Event::Snapshot { epoch: epoch + 1, part: SnapshotPart::Ranks })?;
        run.append(Event::Evaluated { epoch: epoch + 1, domain: Domain::Target, retrieval: retrieval(epoch, size) })?;
        run.append(Event::EpochDone { epoch, epochs: EPOCHS })?;
    }
    run.append(Event::State { state: State::Done, epoch: EPOCHS })?;
    Ok(dir)
}

fn clustered(run: &mut RunWriter, summary: &ClusterSummary, epoch: usize) -> anyhow::Result<Stamped> {
    run.append(Event::Clustered { epoch, summary: Box::new(summary.clone()), seconds: [1.0, 4.0, 1.0, 0.1] })?;
    Ok(run.append(Event::Snapshot { epoch, part: SnapshotPart::Clusters })?)
}

/// A number in 0..1, the same every time.
fn noise(i: usize) -> f64 {
    (word(1, 20, i as u64) >> 11) as f64 / (1u64 << 53) as f64
}

fn train(run: &mut RunWriter, epoch: usize, iters: usize) -> anyhow::Result<()> {
    for iter in 0..iters {
        let step = epoch * iters + iter;
        let loss = 1.0 + 4.0 * (-2.0 * step as f64 / iters as f64).exp() + noise(step);
        let part =
            |p: usize| (format!("part {p}"), loss * (p + 1) as f64 / PARTS as f64 + 0.2 * noise(step * PARTS + p));
        run.append(Event::Step(Step {
            phase: Phase::Adapt,
            epoch,
            iter,
            iters,
            step: step as u64,
            loss,
            parts: (0..PARTS).map(part).collect(),
            lr: 3.5e-4,
            seconds: 0.4,
            waited: 0.0,
            merged: 1,
        }))?;
    }
    Ok(())
}

fn retrieval(epoch: usize, size: Size) -> Retrieval {
    let rise = epoch as f64 / EPOCHS as f64;
    Retrieval {
        mAP: 0.3 + 0.4 * rise,
        mAP_trapezoid: 0.3 + 0.4 * rise,
        cmc: [0.5, 0.7, 0.8, 0.9].map(|r| r + 0.1 * rise),
        valid_queries: size.queries,
        queries: size.queries,
        ..Retrieval::default()
    }
}

/// Photos that differ, as large as Market-1501's, and all images in their splits.
fn images(home: &Path, made: &Generated, size: Size) -> anyhow::Result<Images> {
    let photos: Vec<PathBuf> = (0..size.photos).map(|i| home.join(format!("photo{i:03}.jpg"))).collect();
    for (i, path) in photos.iter().enumerate() {
        let color = |part: usize| [0, 1, 2].map(|c| (255.0 * noise(9 * i + 3 * part + c)) as u8);
        RgbImage::from_fn(64, 128, |_, y| Rgb(color(y as usize / 43))).save(path)?;
    }
    let row = |split: Split, i: usize, pid: i32, camid: i32| ImageRow {
        split,
        index: i as u32,
        path: photos[i % photos.len()].clone(),
        pid,
        camid,
    };
    let train = (0..size.images).map(|i| row(Split::Train, i, made.pid[i], made.camid[i]));
    let people = size.queries / 4;
    let query = (0..size.queries).map(|i| row(Split::Query, i, (i % people) as i32, 0));
    let gallery = (0..size.gallery).map(|i| row(Split::Gallery, i, (i % people) as i32, 1 + (i % 5) as i32));
    Images::new(train.chain(query).chain(gallery)).map_err(anyhow::Error::msg)
}

/// Each query finds some of its own person among others.
fn ranks(size: Size) -> RankSnapshot {
    let mut all = RankSnapshot { top: TOP, match_indptr: vec![0], ..RankSnapshot::default() };
    let people = size.queries / 4;
    for q in 0..size.queries {
        let mut precision = 0.0;
        let mut found = 0;
        for rank in 0..TOP {
            let distance = 0.3 + 0.01 * rank as f32;
            let own = q % people + people * rank;
            let hit = own < size.gallery && noise(q * TOP + rank) < 0.4;
            let other = (q + 1 + rank * 31) % size.gallery;
            let g = if hit {
                own
            } else if other % people == q % people {
                (other + 1) % size.gallery
            } else {
                other
            };
            all.ranks.push(g as u32);
            all.distances.push(distance);
            if hit {
                found += 1;
                precision += f64::from(found) / (rank + 1) as f64;
                all.match_index.push(g as u32);
                all.match_rank.push(rank as u32 + 1);
                all.match_distance.push(distance);
            }
        }
        all.ap.push(if found == 0 { f64::NAN } else { precision / f64::from(found) });
        all.match_indptr.push(all.match_index.len() as u32);
    }
    all
}

/// Reads the folder as the window does.
pub fn read(dir: &Path) -> anyhow::Result<RunReader> {
    Ok(RunReader::open(dir)?)
}
