//! The hybrid memory, Eq. 9 and 10, after SpCL `models/hm.py:9-74` (docs/METHOD.md, Memory).

use tch::{Device, Kind, Tensor};

use super::device::send;
use super::error::{ModelError, Result};
use super::layers::dense_copy;
use super::net::unit_length;

/// One row a source class, then one a target image, all of unit length.
///
/// A class of the loss is what the labels say: each source row is a class of its own, target rows are grouped by
/// their pseudo-label. The class mean (Eq. 9) is evaluated on the fly and not normalised.
#[derive(Debug)]
pub struct HybridMemory {
    /// `[n_s + N, d]`; no gradients.
    bank: Tensor,
    source_classes: i64,
    labels: Vec<i64>,
    classes: Classes,
}

/// The labels as tensors on the bank's device.
#[derive(Debug)]
struct Classes {
    count: i64,
    /// `[rows]`: the class of each row; the surplus class `count` for rows that have none.
    of_row: Tensor,
    /// `[count]`: 1 / members, 1 for empty classes.
    scale: Tensor,
    /// `[count]`: 1 where the class has members, else 0.
    mask: Tensor,
}

impl Classes {
    fn new(labels: &[i64], device: Device, kind: Kind) -> Result<Self> {
        let count = labels.iter().max().map_or(0, |&m| m + 1).max(0);
        let mut members = vec![0f64; count as usize];
        for &l in labels.iter().filter(|&&l| l >= 0) {
            members[l as usize] += 1.0;
        }
        let of_row: Vec<i64> = labels.iter().map(|&l| if l < 0 { count } else { l }).collect();
        let scale: Vec<f64> = members.iter().map(|&m| 1.0 / m.max(1.0)).collect();
        let mask: Vec<f64> = members.iter().map(|&m| m.min(1.0)).collect();
        let tensor = |v: &[f64]| Ok::<_, ModelError>(Tensor::f_from_slice(v)?.f_to_kind(kind)?.f_to_device(device)?);
        Ok(Self {
            count,
            of_row: Tensor::f_from_slice(&of_row)?.f_to_device(device)?,
            scale: tensor(&scale)?,
            mask: tensor(&mask)?,
        })
    }
}

impl HybridMemory {
    /// A memory of `source` `[n_s, d]` class centroids, when source data takes part, and `target` `[N, d]` image
    /// features. Rows are brought to unit length. Until [`HybridMemory::set_labels`] every target image is a class.
    ///
    /// # Errors
    /// When the two differ in `d`.
    pub fn new(source: Option<&Tensor>, target: &Tensor) -> Result<Self> {
        let _guard = tch::no_grad_guard();
        let (rows, d) = target.size2()?;
        let (bank, source_classes) = match source {
            Some(source) => {
                let (n, ds) = source.size2()?;
                if ds != d {
                    return Err(ModelError::Shape(format!("source centroids have length {ds}, target features {d}")));
                }
                (Tensor::f_cat(&[source.f_to_device(target.device())?, target.shallow_clone()], 0)?, n)
            }
            None => (target.shallow_clone(), 0),
        };
        let bank = unit_length(&bank.f_detach()?)?;
        let labels: Vec<i64> = (0..source_classes + rows).collect();
        let classes = Classes::new(&labels, bank.device(), bank.f_kind()?)?;
        Ok(Self { bank, source_classes, labels, classes })
    }

    /// Number of source classes: target image `i` is row `source_classes() + i`.
    pub fn source_classes(&self) -> i64 {
        self.source_classes
    }

    /// All rows `[n_s + N, d]`.
    pub fn bank(&self) -> &Tensor {
        &self.bank
    }

    /// The target images' rows `[N, d]`: what is clustered when `memory.features = "bank"`.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn target_features(&self) -> Result<Tensor> {
        let rows = self.bank.size2()?.0;
        Ok(self.bank.f_narrow(0, self.source_classes, rows - self.source_classes)?)
    }

    /// The pseudo-labels `[N]` of the target images, from 0; −1 leaves an image out of every class. Gaps in the
    /// numbering are empty classes and masked.
    ///
    /// # Errors
    /// When there are not N labels.
    pub fn set_labels(&mut self, pseudo_labels: &[i64]) -> Result<()> {
        let rows = self.bank.size2()?.0;
        if pseudo_labels.len() as i64 != rows - self.source_classes {
            return Err(ModelError::Shape(format!(
                "{} pseudo-labels for {} target images",
                pseudo_labels.len(),
                rows - self.source_classes
            )));
        }
        let shifted = pseudo_labels.iter().map(|&l| if l < 0 { -1 } else { l + self.source_classes });
        self.labels = (0..self.source_classes).chain(shifted).collect();
        self.classes = Classes::new(&self.labels, self.bank.device(), self.bank.f_kind()?)?;
        Ok(())
    }

    /// Class means (Eq. 9), `[C, d]`, not normalised; empty classes are 0.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn centroids(&self) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let d = self.bank.size2()?.1;
        let zero = Tensor::f_zeros([self.classes.count + 1, d], (self.bank.f_kind()?, self.bank.device()))?;
        let sums = zero.f_index_add(0, &self.classes.of_row, &self.bank)?.f_narrow(0, 0, self.classes.count)?;
        Ok(sums.f_mul(&self.classes.scale.f_unsqueeze(1)?)?)
    }

    /// The contrastive loss over classes, the mean over the batch: with `s = mean over the class's rows of f · row / τ`,
    /// `p_c = e^{s_c} / (Σ_k e^{s_k} + 1e−6)` over classes that have members, `−log(p_y + 1e−6)`.
    ///
    /// `feats` `[B, d]` of unit length; `rows` `[B]`, the bank row of each: a source class, or
    /// `source_classes() + i`. Gradients go to `feats`, taken against the bank as it is now: call
    /// [`HybridMemory::update`] after the backward pass. `|s| ≤ 1/τ`, so at τ = 0.05 the exponential needs no shift.
    ///
    /// # Errors
    /// When a row is out of range or belongs to no class.
    pub fn loss(&self, feats: &Tensor, rows: &[i64], temperature: f64) -> Result<Tensor> {
        self.check(feats, rows)?;
        let mut targets = Vec::with_capacity(rows.len());
        for &row in rows {
            match self.labels[row as usize] {
                l if l >= 0 => targets.push(l),
                _ => return Err(ModelError::Shape(format!("row {row} of the memory belongs to no class"))),
            }
        }
        let targets = send(&Tensor::f_from_slice(&targets)?, feats.device())?;
        let rows_total = self.bank.size2()?.0;
        let s = feats.f_matmul(&self.bank.f_transpose(0, 1)?)?.f_mul_scalar(1.0 / temperature)?;
        let batch = feats.size2()?.0;
        let index = self.classes.of_row.f_unsqueeze(0)?.f_expand([batch, rows_total], true)?;
        let zero = Tensor::f_zeros([batch, self.classes.count + 1], (s.f_kind()?, s.device()))?;
        let sums = zero.f_scatter_add(1, &index, &s)?.f_narrow(1, 0, self.classes.count)?;
        let e = sums.f_mul(&self.classes.scale)?.f_exp()?.f_mul(&self.classes.mask)?;
        let total = e.f_sum_dim_intlist([1i64].as_slice(), true, None::<Kind>)?.f_add_scalar(1e-6)?;
        let p = e.f_gather(1, &targets.f_unsqueeze(1)?, false)?.f_div(&total)?;
        Ok(p.f_add_scalar(1e-6)?.f_log()?.f_mean(None::<Kind>)?.f_neg()?)
    }

    /// Eq. 10: `row ← β · row + (1 − β) · f`, then unit length; the batch in order, so a row that occurs twice is
    /// moved twice. `feats` `[B, d]`, `rows` `[B]` as in [`HybridMemory::loss`].
    ///
    /// # Errors
    /// When a row is out of range.
    pub fn update(&mut self, feats: &Tensor, rows: &[i64], beta: f64) -> Result<()> {
        self.check(feats, rows)?;
        let _guard = tch::no_grad_guard();
        let feats = feats.f_detach()?;
        // Rows are independent, so "in order" only matters within a row: the first occurrences of all rows can move
        // together, then the second ones, and so on. Mostly that is one round of tensor operations.
        for round in rounds(rows) {
            let at: Vec<i64> = round.iter().map(|&b| rows[b as usize]).collect();
            let at = send(&Tensor::f_from_slice(&at)?, self.bank.device())?;
            let new = if round.len() == rows.len() {
                feats.shallow_clone()
            } else {
                feats.f_index_select(0, &send(&Tensor::f_from_slice(&round)?, feats.device())?)?
            };
            let mixed = self
                .bank
                .f_index_select(0, &at)?
                .f_mul_scalar(beta)?
                .f_add(&new.f_to_device(self.bank.device())?.f_mul_scalar(1.0 - beta)?)?;
            let _ = self.bank.f_index_copy_(0, &at, &unit_length(&mixed)?)?;
        }
        Ok(())
    }

    fn check(&self, feats: &Tensor, rows: &[i64]) -> Result<()> {
        let total = self.bank.size2()?.0;
        if feats.size2()?.0 != rows.len() as i64 {
            return Err(ModelError::Shape(format!("{} memory rows for {} features", rows.len(), feats.size2()?.0)));
        }
        match rows.iter().find(|&&r| r < 0 || r >= total) {
            Some(bad) => Err(ModelError::Shape(format!("row {bad} is not one of the memory's {total}"))),
            None => Ok(()),
        }
    }

    /// What a checkpoint needs: `bank`, `labels` (all rows), `source_classes`.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn state(&self) -> Result<Vec<(String, Tensor)>> {
        Ok(vec![
            ("bank".to_owned(), dense_copy(&self.bank)?),
            ("labels".to_owned(), Tensor::f_from_slice(&self.labels)?),
            ("source_classes".to_owned(), Tensor::f_from_slice(&[self.source_classes])?),
        ])
    }

    /// The memory that [`HybridMemory::state`] described.
    ///
    /// # Errors
    /// When a tensor is missing or does not fit the others.
    pub fn from_state(state: &[(String, Tensor)], device: Device) -> Result<Self> {
        let get = |name: &str| {
            state
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, t)| t)
                .ok_or_else(|| ModelError::Shape(format!("the memory's state has no `{name}`")))
        };
        let bank = dense_copy(&get("bank")?.f_to_device(device)?)?;
        let labels = Vec::<i64>::try_from(get("labels")?)?;
        let source_classes = Vec::<i64>::try_from(get("source_classes")?)?.first().copied().unwrap_or(0);
        if labels.len() as i64 != bank.size2()?.0 {
            return Err(ModelError::Shape(format!("{} labels for {} memory rows", labels.len(), bank.size2()?.0)));
        }
        let rows = labels.len() as i64;
        if let Some(bad) = labels.iter().find(|&&l| l < -1 || l >= rows) {
            return Err(ModelError::Shape(format!("label {bad} is none of the memory's {rows} rows")));
        }
        if !(0..=rows).contains(&source_classes) {
            return Err(ModelError::Shape(format!("{source_classes} source classes in {rows} memory rows")));
        }
        let classes = Classes::new(&labels, device, bank.f_kind()?)?;
        Ok(Self { bank, source_classes, labels, classes })
    }
}

/// Positions of the batch by how often their row has occurred before.
fn rounds(rows: &[i64]) -> Vec<Vec<i64>> {
    let mut seen = std::collections::HashMap::new();
    let mut rounds: Vec<Vec<i64>> = Vec::new();
    for (b, row) in rows.iter().enumerate() {
        let count: &mut usize = seen.entry(row).or_default();
        if *count == rounds.len() {
            rounds.push(Vec::new());
        }
        rounds[*count].push(b as i64);
        *count += 1;
    }
    rounds
}

/// Means of `features` `[N, d]` by `labels` `[N]` in `0..classes` (−1: no class), `[classes, d]`; with `unit` at unit
/// length, as source centroids and the memory-less baseline's classifier need them. Empty classes are 0.
///
/// # Errors
/// When a label is out of range or there are not N of them.
pub fn class_means(features: &Tensor, labels: &[i64], classes: i64, unit: bool) -> Result<Tensor> {
    let _guard = tch::no_grad_guard();
    let (n, d) = features.size2()?;
    if labels.len() as i64 != n {
        return Err(ModelError::Shape(format!("{} labels for {n} features", labels.len())));
    }
    if let Some(bad) = labels.iter().find(|&&l| l >= classes) {
        return Err(ModelError::Shape(format!("label {bad} is not one of {classes} classes")));
    }
    let mut members = vec![0f32; classes as usize];
    for &l in labels.iter().filter(|&&l| l >= 0) {
        members[l as usize] += 1.0;
    }
    let index: Vec<i64> = labels.iter().map(|&l| if l < 0 { classes } else { l }).collect();
    let index = Tensor::f_from_slice(&index)?.f_to_device(features.device())?;
    let zero = Tensor::f_zeros([classes + 1, d], (features.f_kind()?, features.device()))?;
    let sums = zero.f_index_add(0, &index, features)?.f_narrow(0, 0, classes)?;
    if unit {
        return unit_length(&sums);
    }
    let members = Tensor::f_from_slice(&members)?.f_clamp_min(1.0)?.f_unsqueeze(1)?.f_to_device(features.device())?;
    Ok(sums.f_div(&members)?)
}
