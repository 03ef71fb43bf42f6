//! How fast: the adaptation step by its parts, extraction, neighbour lists.

use std::time::Instant;

use serde_json::{Value, json};
use tch::{Device, Tensor};

use super::{Sizes, memory, noise};
use crate::base::tick::no_tick;
use crate::model::error::Result;
use crate::model::losses::{backward, batch_hard_triplet};
use crate::model::optim::Adam;
use crate::model::{device, knn};

fn lap(device: Device, clock: &mut Instant) -> f64 {
    device::synchronize(device);
    1e3 * std::mem::replace(clock, Instant::now()).elapsed().as_secs_f64()
}

/// The adaptation step on images that lie on the device, `batch` of each domain, batch statistics over `group`
/// images (0: over all): milliseconds of its parts, the median of the steps, and of whole steps without waiting
/// between the parts.
///
/// # Errors
/// When libtorch fails, out of memory included.
pub fn steps(sizes: &Sizes, device: Device, group: usize, bf16: bool) -> Result<Value> {
    device::tune(device);
    let mut net = sizes.net(device)?;
    net.set_bf16(bf16);
    let (classes, images) = (sizes.batch.max(4), 4 * sizes.batch);
    let mut memory = memory(classes, images, net.dim(), device)?;
    let mut adam = Adam::new(net.parameters(), 3.5e-4, 5e-4)?;
    let x = [sizes.images(sizes.batch, device)?, sizes.images(sizes.batch, device)?];
    let rows = [
        (0..sizes.batch).map(|i| classes + i).collect::<Vec<i64>>(),
        (0..sizes.batch).map(|i| i % classes).collect::<Vec<i64>>(),
    ];
    let labels: Vec<i64> = (0..sizes.batch).map(|i| i / 4).collect();
    let mut parts = vec![Vec::new(); 5];
    let mut whole = Vec::new();
    for step in 0..2 + 2 * sizes.steps {
        // Half of the steps in parts, half as training runs them.
        let apart = step < 2 + sizes.steps;
        let began = Instant::now();
        let mut clock = began;
        let mut book = |part: usize| {
            if apart {
                let took = lap(device, &mut clock);
                if step >= 2 {
                    parts[part].push(took);
                }
            }
        };
        let target = net.forward_train(&x[0], 1, group)?;
        let source = net.forward_train(&x[1], 0, group)?;
        book(0);
        let loss =
            memory.loss(&target.feature, &rows[0], 0.05)?.f_add(&memory.loss(&source.feature, &rows[1], 0.05)?)?;
        let loss = loss.f_add(&batch_hard_triplet(&target.pooled, &labels, 0.3, true)?)?;
        book(1);
        adam.zero_grad()?;
        backward(&loss)?;
        book(2);
        adam.step()?;
        book(3);
        memory.update(&source.feature, &rows[1], 0.2)?;
        memory.update(&target.feature, &rows[0], 0.2)?;
        book(4);
        if !apart {
            device::synchronize(device);
            whole.push(1e3 * began.elapsed().as_secs_f64());
        }
    }
    let step = median(&mut whole);
    let names = ["forward", "losses", "backward", "optimiser", "memory"];
    let parts: serde_json::Map<String, Value> =
        names.iter().zip(&mut parts).map(|(name, times)| ((*name).to_owned(), json!(median(times)))).collect();
    Ok(json!({
        "backbone": sizes.backbone.name(),
        "batch": [sizes.batch, sizes.batch],
        "image": sizes.image,
        "bn_group": group,
        "bf16": bf16,
        "step_ms": step,
        "images_per_second": 2e3 * sizes.batch as f64 / step,
        "parts_ms": parts,
        "memory_bytes": device::memory(device).map(|(used, _)| used),
    }))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Features of `sizes.extracted` images and of their mirror images, which lie on the device already.
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
    let mut last = Tensor::new();
    for _ in 0..batches {
        let plain = net.extract(&x, 1)?;
        let mirrored = net.extract(&x.f_flip([3i64])?, 1)?;
        last = plain.f_add(&mirrored)?.f_to_device(Device::Cpu)?;
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok(json!({
        "images": batches * batch,
        "bf16": bf16,
        "seconds": seconds,
        "images_per_second": (batches * batch) as f64 / seconds,
        "feature": last.size()[1],
    }))
}

/// Neighbour lists of made features, one entry a size; of the first, how many entries differ from the CPU's.
///
/// # Errors
/// When libtorch fails.
pub fn neighbour_lists(sizes: &Sizes, device: Device) -> Result<Value> {
    let mut all = Vec::new();
    for (at, &(n, d)) in sizes.features.iter().enumerate() {
        let rows = crate::model::net::unit_length(&noise(&[n as i64, d as i64], Device::Cpu)?)?;
        let features = Vec::<f32>::try_from(rows.f_view([-1])?)?;
        drop(rows);
        let began = Instant::now();
        let found = knn::neighbours(&features, d, 30, device, &|_, _| true)?;
        let seconds = began.elapsed().as_secs_f64();
        let mut entry = json!({
            "images": n, "d": d, "seconds": seconds, "memory_bytes": device::memory(device).map(|(used, _)| used),
        });
        if let (0, Some(found)) = (at, found) {
            let rows = crate::method::rows::Rows::new(&features, d);
            let ours = rows.and_then(|rows| crate::method::knn::neighbours(rows, 30, &no_tick));
            let differ = ours.map(|ours| ours.index.iter().zip(&found.index).filter(|(a, b)| a != b).count());
            entry["entries_unlike_the_cpus"] = json!(differ.ok());
            entry["entries"] = json!(found.index.len());
        }
        all.push(entry);
    }
    Ok(json!(all))
}
