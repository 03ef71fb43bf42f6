//! Looks over the shoulder of an epoch's training: how the memory's centroids move, and what one batch looked like. Draws
//! nothing at random and changes nothing; a few numbers leave the device in some iterations.

use tch::{Device, Kind, Tensor};

use super::error::EngineError;
use super::objective::{Objective, StepImages};
use super::step::to_vec;
use crate::data::augment::Moves;
use crate::data::loader::Batch;
use crate::model::losses::hardest_pairs;
use crate::run::training::{BatchRecord, MOST_CLUSTERS, MOST_IMAGES, MOST_ITERATIONS, TrainingSnapshot};

/// What is followed in an epoch, and what was seen so far.
pub(super) struct Recorder {
    /// Class of each cluster that is followed, with its images.
    followed: Vec<(i64, Vec<u32>)>,
    /// Iteration after which each image's row was refreshed last; 0: as the epoch began.
    refreshed: Vec<u32>,
    /// The first iteration that is seen.
    first: usize,
    /// Iterations from one that is told of to the next.
    every: usize,
    /// Rows and columns of the images.
    size: [u32; 2],
    plane: Option<Plane>,
    kept: TrainingSnapshot,
}

/// The memory before a step.
pub(super) struct Before {
    centroids: Tensor,
    rows: Option<Tensor>,
}

/// The two directions in which the centroids differ most as the epoch begins.
struct Plane {
    /// `[d]`, on the CPU.
    mean: Tensor,
    /// `[d, 2]`, on the CPU.
    axes: Tensor,
}

impl Plane {
    /// Of `[K, d]` centroids.
    fn of(centroids: &Tensor) -> Result<Self, EngineError> {
        let c = on_host(centroids)?;
        let mean = c.f_mean_dim([0i64].as_slice(), false, None::<Kind>)?;
        let x = c.f_sub(&mean)?;
        // K is small: the directions come from the K × K products.
        let (values, vectors) = x.f_matmul(&x.f_transpose(0, 1)?)?.f_linalg_eigh("L")?;
        let k = values.size()[0];
        let two = k.min(2);
        let scale = values.f_narrow(0, k - two, two)?.f_clamp_min(1e-12)?.f_sqrt()?;
        let axes = x.f_transpose(0, 1)?.f_matmul(&vectors.f_narrow(1, k - two, two)?)?.f_div(&scale)?;
        // The widest first; one cluster alone has one direction.
        let axes = axes.f_flip([1i64])?;
        let axes = if two < 2 { axes.f_pad([0, 2 - two], "constant", 0.0)? } else { axes };
        Ok(Self { mean, axes })
    }

    /// `[K, 2]` places of centroids.
    fn places(&self, centroids: &Tensor) -> Result<Vec<f32>, EngineError> {
        to_vec(&on_host(centroids)?.f_sub(&self.mean)?.f_matmul(&self.axes)?)
    }
}

impl Recorder {
    /// Before an epoch that trains with these labels (−1 sits out), from iteration `first` of `iters` on, on images of
    /// `size` rows and columns.
    pub fn new(labels: &[i32], (first, iters): (usize, usize), size: (usize, usize)) -> Self {
        let mut images: std::collections::BTreeMap<i32, Vec<u32>> = std::collections::BTreeMap::new();
        for (i, &label) in labels.iter().enumerate().filter(|(_, label)| **label >= 0) {
            images.entry(label).or_default().push(i as u32);
        }
        let mut followed: Vec<(i64, Vec<u32>)> =
            images.into_iter().filter(|(_, images)| images.len() > 1).map(|(c, of)| (i64::from(c), of)).collect();
        followed.sort_by_key(|(class, images)| (std::cmp::Reverse(images.len()), *class));
        followed.truncate(MOST_CLUSTERS);
        let every = iters.saturating_sub(first).div_ceil(MOST_ITERATIONS).max(1);
        let size = [size.0 as u32, size.1 as u32];
        let refreshed = vec![0; labels.len()];
        Self { followed, refreshed, first, every, size, plane: None, kept: TrainingSnapshot::default() }
    }

    /// What it saw.
    pub fn finish(self) -> TrainingSnapshot {
        self.kept
    }

    /// Before the step of `iter`: keeps the batch of the first one, and the memory as it stands where the iteration is
    /// told of.
    pub fn before(
        &mut self,
        iter: usize,
        batch: &Batch,
        step: &StepImages,
        objective: &dyn Objective,
    ) -> Result<Option<Before>, EngineError> {
        let _guard = tch::no_grad_guard();
        if iter == self.first {
            self.kept.batch = self.batch(iter, batch, step)?;
        }
        if self.followed.is_empty() || !(iter - self.first).is_multiple_of(self.every) {
            return Ok(None);
        }
        let Some(centroids) = self.centroids(objective)? else { return Ok(None) };
        if self.plane.is_none() {
            let plane = Plane::of(&centroids)?;
            let memory = &mut self.kept.memory;
            memory.began = plane.places(&centroids)?;
            memory.image = self.followed.iter().map(|(_, images)| images[0]).collect();
            memory.members = self.followed.iter().map(|(_, images)| images.len() as u32).collect();
            self.plane = Some(plane);
        }
        Ok(Some(Before { centroids, rows: objective.remembered(step)? }))
    }

    /// After the memory took the batch in; `beta` is what it kept of the old rows.
    pub fn after(
        &mut self,
        iter: usize,
        before: Option<Before>,
        step: &StepImages,
        (objective, beta): (&dyn Objective, f64),
    ) -> Result<(), EngineError> {
        let _guard = tch::no_grad_guard();
        for &i in step.indices {
            self.refreshed[i as usize] = iter as u32 + 1;
        }
        let Some(before) = before else { return Ok(()) };
        let (Some(centroids), Some(plane)) = (self.centroids(objective)?, &self.plane) else { return Ok(()) };
        let memory = &mut self.kept.memory;
        memory.iters.push(iter as u32);
        memory.place.extend(plane.places(&centroids)?);
        memory.turned.extend(degrees(&before.centroids, &centroids)?);
        memory.length.extend(to_vec(&length(&centroids)?)?);
        for (_, images) in &self.followed {
            let ages = images.iter().map(|&i| iter as u32 + 1 - self.refreshed[i as usize].max(self.first as u32));
            memory.age.push(ages.map(|age| age as f32).sum::<f32>() / images.len() as f32);
            let in_batch = images.iter().filter(|i| step.indices.contains(i)).count();
            memory.refreshed.push(in_batch as u32);
        }
        let rows = match (&before.rows, objective.remembered(step)?) {
            (Some(old), Some(new)) => [degrees(old, &step.target.feature)?, degrees(old, &new)?],
            _ => Default::default(),
        };
        memory.apart.push(mean(&rows[0]));
        memory.row_turned.push(mean(&rows[1]));
        self.kept.beta = beta;
        Ok(())
    }

    /// `[K, d]` of the clusters that are followed; `None` without a memory.
    fn centroids(&self, objective: &dyn Objective) -> Result<Option<Tensor>, EngineError> {
        let classes: Vec<i64> = self.followed.iter().map(|(class, _)| *class).collect();
        objective.centroids(&classes)
    }

    fn batch(&self, iter: usize, batch: &Batch, step: &StepImages) -> Result<BatchRecord, EngineError> {
        let n = batch.indices.len().min(MOST_IMAGES);
        let pooled = step.target.pooled.f_detach()?.f_narrow(0, 0, n as i64)?;
        let pairs = hardest_pairs(&pooled, &step.labels[..n])?;
        let place = |at: Option<(usize, f32)>| at.map_or(-1, |(place, _)| place as i32);
        let distance = |at: Option<(usize, f32)>| at.map_or(0.0, |(_, distance)| distance);
        Ok(BatchRecord {
            iter: iter as u32,
            size: self.size,
            images: batch.indices[..n].to_vec(),
            labels: step.labels[..n].iter().map(|&l| l as i32).collect(),
            moves: batch.moves[..n].iter().flat_map(numbers).collect(),
            positive: pairs.iter().map(|p| place(p.positive)).collect(),
            positive_distance: pairs.iter().map(|p| distance(p.positive)).collect(),
            negative: pairs.iter().map(|p| place(p.negative)).collect(),
            negative_distance: pairs.iter().map(|p| distance(p.negative)).collect(),
        })
    }
}

fn numbers(moves: &Moves) -> [u32; 8] {
    let [top, left, height, width] = moves.erase.map_or([0; 4], |r| [r.top, r.left, r.height, r.width]);
    [usize::from(moves.flip), moves.pad, moves.top, moves.left, top, left, height, width].map(|n| n as u32)
}

fn on_host(t: &Tensor) -> Result<Tensor, EngineError> {
    Ok(t.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?)
}

/// `[n]` lengths of rows.
fn length(rows: &Tensor) -> Result<Tensor, EngineError> {
    let rows = rows.f_to_kind(Kind::Float)?;
    Ok(rows.f_square()?.f_sum_dim_intlist([1i64].as_slice(), false, None::<Kind>)?.f_sqrt()?)
}

/// `[n]` angles between the rows of two `[n, d]`, in degrees: of the chord, which small angles do not lose.
fn degrees(a: &Tensor, b: &Tensor) -> Result<Vec<f32>, EngineError> {
    let unit = |t: &Tensor| -> Result<Tensor, EngineError> {
        let t = t.f_detach()?.f_to_kind(Kind::Float)?;
        let scale = length(&t)?.f_clamp_min(1e-12)?.f_unsqueeze(1)?;
        Ok(t.f_div(&scale)?)
    };
    let chord = length(&unit(a)?.f_sub(&unit(b)?.f_to_device(a.device())?)?)?;
    let angle = chord.f_mul_scalar(0.5)?.f_clamp_max(1.0)?.f_asin()?.f_mul_scalar(2.0f64.to_degrees())?;
    to_vec(&angle)
}

fn mean(values: &[f32]) -> f32 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f32>() / values.len() as f32 }
}
