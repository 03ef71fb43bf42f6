//! How fast: the adaptation step by its parts and by class of kernel, extraction, clustering, evaluation.

use std::time::Instant;

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use super::training::{CheckTraining, PARTS};
use super::{Sizes, noise};
use crate::base::tick::no_tick;
use crate::data::synthetic::features::{FeatureSpec, generate};
use crate::method::evaluate::{EvalOptions, EvalSet, Metric, evaluate};
use crate::method::params::Params;
use crate::method::pipeline::{self, ClusteringPlan, Unwatched};
use crate::method::rows::Rows;
use crate::model::attention::Block;
use crate::model::error::{ModelError, Result};
use crate::model::layers::{LayerMaker, Pass, channels_last};
use crate::model::losses::backward;
use crate::model::profile::{Profile, profiled};
use crate::model::{device, knn};

fn lap(device: Device, clock: &mut Instant) -> f64 {
    device::synchronize(device);
    1e3 * std::mem::replace(clock, Instant::now()).elapsed().as_secs_f64()
}

fn used(device: Device) -> Option<u64> {
    device::memory(device).map(|(used, _)| used)
}

/// The adaptation step on images that lie on the device, `batch` of each domain, batch statistics over `group`
/// images (0: over all): milliseconds of its parts, the median of the steps, and of whole steps without waiting
/// between the parts.
///
/// # Errors
/// When libtorch fails, out of memory included.
pub fn steps(sizes: &Sizes, device: Device, group: usize, bf16: bool) -> Result<Value> {
    device::tune(device);
    let mut training = CheckTraining::new(sizes, device, group, bf16)?;
    let mut parts = vec![Vec::new(); PARTS.len()];
    for step in 0..2 + sizes.steps {
        let mut clock = Instant::now();
        training.step(step, |part| {
            let took = lap(device, &mut clock);
            if step >= 2 {
                parts[part].push(took);
            }
        })?;
    }
    // As training runs them: the host is ahead of the device and waits at the end alone.
    let began = Instant::now();
    (0..sizes.steps).try_for_each(|step| training.step(step, |_| {}))?;
    let handed = 1e3 * began.elapsed().as_secs_f64() / sizes.steps as f64;
    device::synchronize(device);
    let step = 1e3 * began.elapsed().as_secs_f64() / sizes.steps as f64;
    let parts: serde_json::Map<String, Value> =
        PARTS.iter().zip(&mut parts).map(|(name, times)| ((*name).to_owned(), json!(median(times)))).collect();
    Ok(json!({
        "backbone": sizes.backbone.name(),
        "batch": [sizes.batch, sizes.batch],
        "image": sizes.image,
        "bank": sizes.bank,
        "bn_group": group,
        "bf16": bf16,
        "step_ms": step,
        "images_per_second": 2e3 * sizes.batch as f64 / step,
        "host_ms": handed,
        "parts_ms": parts,
        "memory_bytes": used(device),
    }))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Where the step's time goes, by libtorch's own profiler: milliseconds by class of kernel, how busy the device is, how
/// many operations and launches a step takes, and how often it waits for the device. The attention block, whose planes
/// are turned, is looked at by itself, too.
///
/// # Errors
/// When libtorch fails.
pub fn profile(sizes: &Sizes, device: Device, group: usize, bf16: bool) -> Result<Value> {
    const STEPS: u64 = 3;
    device::tune(device);
    let mut training = CheckTraining::new(sizes, device, group, bf16)?;
    (0..2).try_for_each(|step| training.step(step, |_| {}))?;
    device::synchronize(device);
    let mut wall = 0.0;
    let found = profiled(device, || {
        let began = Instant::now();
        (0..STEPS as usize).try_for_each(|step| training.step(step, |_| {}))?;
        device::synchronize(device);
        wall = 1e3 * began.elapsed().as_secs_f64() / STEPS as f64;
        Ok(())
    })?;
    let channels = training.net().dim();
    drop(training);
    let [height, width] = sizes.image;
    let planes = [[sizes.batch, 64, height / 4, width / 4], [sizes.batch, channels, height / 16, width / 16]];
    let blocks = planes.iter().map(|plane| block(*plane, device)).collect::<Result<Vec<Value>>>()?;
    let mut told = told(&found, STEPS);
    told["step_ms"] = json!(wall);
    told["busy_share"] = json!((device.is_cuda()).then(|| found.busy / 1e3 / (wall * STEPS as f64)));
    told["attention"] = json!(blocks);
    Ok(told)
}

/// An attention block forwards and backwards on a plane `[B, C, H, W]`, channels innermost.
fn block(plane: [i64; 4], device: Device) -> Result<Value> {
    let vs = tch::nn::VarStore::new(device);
    let block = Block::new(&LayerMaker::new(vs.root(), 1, 1, true), plane[1])?;
    let x = channels_last(&noise(&plane, device)?)?.set_requires_grad(true);
    let once = || -> Result<()> {
        let y = block.forward(&x, &mut Pass::train(0), "block")?;
        backward(&y.f_sum(Kind::Float)?)
    };
    once()?;
    device::synchronize(device);
    let began = Instant::now();
    once()?;
    device::synchronize(device);
    let wall = 1e3 * began.elapsed().as_secs_f64();
    let found = profiled(device, once)?;
    let mut told = told(&found, 1);
    told["plane"] = json!(plane);
    told["ms"] = json!(wall);
    Ok(told)
}

fn told(found: &Profile, steps: u64) -> Value {
    let each = |count: u64| count as f64 / steps as f64;
    let classes = found.classes();
    let classes: serde_json::Map<String, Value> =
        classes.into_iter().map(|(class, ms)| (class.to_owned(), json!(ms / steps as f64))).collect();
    let mut largest: Vec<_> =
        if found.kernels.is_empty() { &found.operations } else { &found.kernels }.iter().collect();
    largest.sort_by(|a, b| b.1.1.total_cmp(&a.1.1));
    let largest: Vec<Value> = largest
        .into_iter()
        .take(12)
        .map(|(name, (count, micros))| json!([name, each(*count), micros / 1e3 / steps as f64]))
        .collect();
    json!({
        "operations": each(found.operations.values().map(|(count, _)| count).sum()),
        "launches": each(found.launches),
        "host_reads": each(found.reads()),
        "host_waits": each(found.waits),
        "copies": each(found.count("aten::copy_")),
        "ms_by_class": classes,
        "largest_name_count_ms": largest,
    })
}

/// Features of `sizes.extracted` images and of their mirror images, which lie on the device already; fetched at the end.
///
/// # Errors
/// When libtorch fails.
pub fn extraction(sizes: &Sizes, device: Device, bf16: bool) -> Result<Value> {
    device::tune(device);
    let mut net = sizes.net(device)?;
    net.set_bf16(bf16);
    let batch = 4 * sizes.batch;
    let x = sizes.images(batch, device)?;
    let _ = net.extract(&x, 1)?;
    device::synchronize(device);
    let began = Instant::now();
    let batches = (sizes.extracted as i64 + batch - 1) / batch;
    let mut all = Vec::new();
    for _ in 0..batches {
        let plain = net.extract(&x, 1)?;
        let mirrored = net.extract(&x.f_flip([3i64])?, 1)?;
        all.push(plain.f_add(&mirrored)?);
    }
    let all = Tensor::f_cat(&all, 0)?.f_to_device(Device::Cpu)?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(json!({
        "images": batches * batch,
        "bf16": bf16,
        "seconds": seconds,
        "images_per_second": (batches * batch) as f64 / seconds,
        "feature": all.size()[1],
        "memory_bytes": used(device),
    }))
}

/// Mean average precision of made features: every pair of query and gallery is compared, on the CPU.
///
/// # Errors
/// When the features cannot be compared.
pub fn evaluation(sizes: &Sizes) -> Result<Value> {
    let [queries, gallery] = sizes.compared;
    let d = sizes.features[0].1;
    let made = generate(&FeatureSpec::market(queries + gallery, d));
    let (query, rest) = made.features.split_at(queries * d);
    let set = EvalSet {
        query: Rows::new(query, d).map_err(method)?,
        gallery: Rows::new(rest, d).map_err(method)?,
        query_pid: &made.pid[..queries],
        query_camid: &made.camid[..queries],
        gallery_pid: &made.pid[queries..],
        gallery_camid: &made.camid[queries..],
    };
    let options = EvalOptions { metric: Metric::Euclidean, top: 50, same_camera_rule: true };
    let began = Instant::now();
    let found = evaluate(&set, &options, &no_tick).map_err(method)?;
    Ok(json!({
        "queries": queries, "gallery": gallery, "d": d, "seconds": began.elapsed().as_secs_f64(),
        "mAP": found.retrieval.mAP,
    }))
}

fn method(error: impl std::fmt::Display) -> ModelError {
    ModelError::Shape(error.to_string())
}

/// Neighbour lists of made features on the device, and the rest of the clustering on the CPU, one entry a size; of the
/// first, how many entries of the lists differ from the CPU's.
///
/// # Errors
/// When libtorch fails.
pub fn clustering(sizes: &Sizes, device: Device) -> Result<Value> {
    let params = Params::default();
    let mut all = Vec::new();
    for (at, &(n, d)) in sizes.features.iter().enumerate() {
        let made = generate(&FeatureSpec::market(n, d)).features;
        let rows = Rows::new(&made, d).map_err(method)?;
        if at == 0 {
            // The first product of a process takes as long as a library needs to be loaded.
            let _ = knn::neighbours(&made[..d * 64.min(n)], d, 4, device, &no_tick)?;
        }
        let began = Instant::now();
        let Some(found) = knn::neighbours(&made, d, params.k1, device, &no_tick)? else { continue };
        let seconds = began.elapsed().as_secs_f64();
        let mut entry = json!({ "images": n, "d": d, "neighbours_seconds": seconds, "memory_bytes": used(device) });
        if at == 0 {
            let ours = crate::method::knn::neighbours(rows, params.k1, &no_tick).map_err(method)?;
            let differ = ours.index.iter().zip(&found.index).filter(|(a, b)| a != b).count();
            entry["entries_unlike_the_cpus"] = json!(differ);
            entry["entries"] = json!(found.index.len());
        }
        let began = Instant::now();
        let found = pipeline::run(rows, Some(found), &ClusteringPlan::of(&params, None), &Unwatched).map_err(method)?;
        let rest = began.elapsed().as_secs_f64();
        entry["rest_seconds"] = json!(rest);
        entry["seconds"] = json!(seconds + rest);
        let labels = found.assignment.pseudo_labels;
        entry["clusters"] = json!(labels.iter().max().map_or(0, |&m| i64::from(m) + 1));
        all.push(entry);
    }
    Ok(json!(all))
}
