//! A memory of cluster means, after Cluster Contrast (alibaba/cluster-contrast-reid `clustercontrast/models/cm.py`).

use std::collections::BTreeMap;

use tch::{Device, Tensor};

use super::device::send;
use super::error::Result;
use super::losses::cross_entropy_smooth;
use super::memory::{HybridMemory, class_means};
use crate::method::labels::classes;

/// One row of unit length a cluster.
#[derive(Debug)]
pub struct ClusterMemory {
    /// Whose rows are moved as the hybrid memory's are: `row ← β · row + (1 − β) · f`, then unit length.
    rows: HybridMemory,
    /// `[1, C]`, true where a cluster has no image: no image is compared with it. `None` where there are none.
    empty: Option<Tensor>,
}

impl ClusterMemory {
    /// The means of `features` `[N, d]` by `labels` `[N]` from 0 (−1: no cluster), brought to unit length.
    ///
    /// # Errors
    /// When there are not N labels.
    pub fn of_means(features: &Tensor, labels: &[i64]) -> Result<Self> {
        let clusters = classes(labels);
        Self::from_rows(class_means(features, labels, clusters, true)?)
    }

    /// Rows `[C, d]` as they stand; those of 0 are clusters without images.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn from_rows(rows: Tensor) -> Result<Self> {
        let (clusters, _) = rows.size2()?;
        let device = rows.device();
        let empty = rows.f_eq(0.0)?.f_all_dim(1, false)?.f_unsqueeze(0)?;
        let empty = if empty.f_any()?.f_int64_value(&[])? == 0 { None } else { Some(empty) };
        let state = [
            ("bank".to_owned(), rows),
            ("labels".to_owned(), Tensor::f_arange(clusters, (tch::Kind::Int64, Device::Cpu))?),
            ("source_classes".to_owned(), Tensor::f_from_slice(&[0i64])?),
        ];
        Ok(Self { rows: HybridMemory::from_state(&state, device)?, empty })
    }

    /// `[C, d]`.
    pub fn rows(&self) -> &Tensor {
        self.rows.bank()
    }

    /// InfoNCE: the cross-entropy of `f · rowᵀ / τ`, the mean over the batch. `feats` `[B, d]` of unit length, `labels`
    /// `[B]` their clusters. Gradients go to `feats`, taken against the rows as they are now.
    ///
    /// # Errors
    /// When a label is no cluster.
    pub fn loss(&self, feats: &Tensor, labels: &[i64], temperature: f64) -> Result<Tensor> {
        let similarities = feats.f_matmul(&self.rows().f_transpose(0, 1)?)?;
        let similarities = similarities.f_div_scalar(temperature)?;
        let similarities = match &self.empty {
            Some(empty) => similarities.f_masked_fill(empty, f64::NEG_INFINITY)?,
            None => similarities,
        };
        cross_entropy_smooth(&similarities, labels, 0.0)
    }

    /// Every image moves its cluster's row, one after the other (`CM.backward`).
    ///
    /// # Errors
    /// When a label is no cluster.
    pub fn update(&mut self, feats: &Tensor, labels: &[i64], beta: f64) -> Result<()> {
        self.rows.update(feats, labels, beta)
    }

    /// The image of a cluster that is least like its row moves it, once (`CM_Hard.backward`).
    ///
    /// # Errors
    /// When a label is no cluster.
    pub fn update_hard(&mut self, feats: &Tensor, labels: &[i64], beta: f64) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let device = self.rows().device();
        let own = self.rows().f_index_select(0, &send(&Tensor::f_from_slice(labels)?, device)?)?;
        let likeness = feats.f_detach()?.f_mul(&own)?.f_sum_dim_intlist([1i64].as_slice(), false, None::<tch::Kind>)?;
        let mut members: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (i, label) in labels.iter().enumerate() {
            members.entry(*label).or_default().push(i as i64);
        }
        let most = members.values().map(Vec::len).max().unwrap_or(0);
        // [clusters, most]: the images of each cluster, its first once more where it has fewer; the first of equals is
        // taken. The device alone finds out which, so nothing waits for it.
        let places: Vec<i64> =
            members.values().flat_map(|m| (0..most).map(|k| m.get(k).copied().unwrap_or(m[0]))).collect();
        let places = send(&Tensor::f_from_slice(&places)?.f_view([members.len() as i64, most as i64])?, device)?;
        let each = likeness.f_index_select(0, &places.f_view([-1])?)?.f_view_as(&places)?;
        let rows = places.f_gather(1, &each.f_argmin(1, true)?, false)?.f_view([-1])?;
        let labels: Vec<i64> = members.into_keys().collect();
        self.rows.update(&feats.f_index_select(0, &rows)?, &labels, beta)
    }
}
