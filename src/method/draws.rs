//! Test sets whose gallery is drawn: one image of each identity is searched, the others ask (VehicleID). Published
//! figures are means of ten draws.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::{MethodError, Tick};
use super::evaluate::{EvalOptions, EvalSet, evaluate};
use super::rows::Rows;
use crate::base::rng::mix;

/// Draws of which published figures are means.
pub const DRAWS: usize = 10;

/// Means over draws, fractions in 0..=1. **Ground truth.**
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(non_snake_case)]
pub struct Drawn {
    /// How many draws.
    pub draws: usize,
    /// Mean of mAP.
    pub mAP: f64,
    /// Standard deviation of mAP over the draws (of a sample).
    pub mAP_deviation: f64,
    /// Means of CMC at ranks 1, 5, 10 and 20.
    pub cmc: [f64; 4],
}

/// Queries and gallery of one draw, rows of the list: of each identity one image goes to the gallery.
pub fn one_of_each(pids: &[i32], seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut by_pid: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    pids.iter().enumerate().for_each(|(i, &pid)| by_pid.entry(pid).or_default().push(i));
    let (mut query, mut gallery) = (Vec::new(), Vec::new());
    for (pid, rows) in by_pid {
        let one = (mix(mix(seed) ^ pid as u64) % rows.len() as u64) as usize;
        for (i, row) in rows.into_iter().enumerate() {
            if i == one { gallery.push(row) } else { query.push(row) }
        }
    }
    (query, gallery)
}

/// Evaluates features `[n, d]` of all test images over so many draws. Cameras play no part.
///
/// # Errors
/// As [`evaluate`].
pub fn over_draws(
    features: Rows,
    pids: &[i32],
    draws: usize,
    options: &EvalOptions,
    tick: Tick,
) -> Result<Drawn, MethodError> {
    if pids.len() != features.n() {
        return Err(MethodError::shape("pids", format!("{} values", features.n()), pids.len()));
    }
    let options = EvalOptions { top: 0, same_camera_rule: false, ..*options };
    let (mut maps, mut cmc) = (Vec::with_capacity(draws), [0.0; 4]);
    for seed in 0..draws {
        let (query, gallery) = one_of_each(pids, seed as u64);
        let pick =
            |rows: &[usize]| -> Vec<f32> { rows.iter().flat_map(|&i| features.row(i).iter().copied()).collect() };
        let of = |rows: &[usize]| -> Vec<i32> { rows.iter().map(|&i| pids[i]).collect() };
        let (query_features, gallery_features) = (pick(&query), pick(&gallery));
        let cameras = vec![0; query.len().max(gallery.len())];
        let set = EvalSet {
            query: Rows::new(&query_features, features.d())?,
            gallery: Rows::new(&gallery_features, features.d())?,
            query_pid: &of(&query),
            query_camid: &cameras[..query.len()],
            gallery_pid: &of(&gallery),
            gallery_camid: &cameras[..gallery.len()],
        };
        let found = evaluate(&set, &options, &|_, _| true)?.retrieval;
        maps.push(found.mAP);
        cmc.iter_mut().zip(found.cmc).for_each(|(sum, x)| *sum += x / draws as f64);
        if !tick(seed as u64 + 1, draws as u64) {
            return Err(MethodError::Cancelled);
        }
    }
    let mean = maps.iter().sum::<f64>() / draws.max(1) as f64;
    let spread = maps.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (draws.max(2) - 1) as f64;
    Ok(Drawn { draws, mAP: mean, mAP_deviation: spread.sqrt(), cmc })
}
