//! Which images come together in a batch: SpCL's `RandomMultipleGallerySampler` (`sampler.py:46-104`).

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::{SliceRandom, index};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::base::rng::stream;

/// One pass over the labels, as indices in training order.
///
/// Labels come in random order. Each gives one random anchor and `instances − 1` others: images of other cameras if
/// there are any, else other images of the label; drawn with replacement when there are fewer than `instances` of
/// them. A label with a single image gives that image once, so a batch need not be `P × K` exactly.
/// `labels` and `camids` are `[N]`; a label below 0 leaves the image out.
pub fn pk_order(labels: &[i32], camids: &[i32], instances: usize, has_cameras: bool, rng: &mut ChaCha8Rng) -> Vec<u32> {
    let mut by_label: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
    for (i, &label) in labels.iter().enumerate().filter(|&(_, &l)| l >= 0) {
        by_label.entry(label).or_default().push(i as u32);
    }
    let mut groups: Vec<&Vec<u32>> = by_label.values().collect();
    groups.shuffle(rng);
    let mut order = Vec::with_capacity(groups.len() * instances);
    for group in groups {
        let anchor = group[rng.random_range(0..group.len())];
        order.push(anchor);
        let camera = |i: u32| camids.get(i as usize).copied().unwrap_or(0);
        let others: Vec<u32> = group.iter().copied().filter(|&i| i != anchor).collect();
        let elsewhere: Vec<u32> = others.iter().copied().filter(|&i| camera(i) != camera(anchor)).collect();
        let pool = if has_cameras && !elsewhere.is_empty() { elsewhere } else { others };
        choose(&pool, instances, rng, &mut order);
    }
    order
}

/// Adds `instances − 1` members of `pool`. The reference draws without replacement only when the pool holds at
/// least `instances`, one more than it needs; kept, so that the distribution is the same.
fn choose(pool: &[u32], instances: usize, rng: &mut ChaCha8Rng, order: &mut Vec<u32>) {
    let wanted = instances.saturating_sub(1);
    if pool.is_empty() {
        return;
    }
    if pool.len() >= instances {
        order.extend(index::sample(rng, pool.len(), wanted).into_iter().map(|k| pool[k]));
    } else {
        order.extend((0..wanted).map(|_| pool[rng.random_range(0..pool.len())]));
    }
}

/// Where a [`BatchStream`] stands; with the same labels it goes on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchState {
    /// The stream's seed.
    pub seed: u64,
    /// Which pass it is in, from 0.
    pub round: u64,
    /// How many images of that pass have been handed out.
    pub next: usize,
}

/// An endless stream of batches: pass after pass of [`pk_order`], the incomplete last batch of each dropped.
///
/// When one pass is shorter than a batch, passes are strung together until they fill one.
#[derive(Clone, Debug)]
pub struct BatchStream {
    labels: Vec<i32>,
    camids: Vec<i32>,
    instances: usize,
    has_cameras: bool,
    batch: usize,
    state: BatchState,
    order: Vec<u32>,
}

/// What a [`BatchStream`] draws from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Label of each image, `[N]`; below 0 leaves it out.
    pub labels: &'a [i32],
    /// Camera of each image, `[N]`.
    pub camids: &'a [i32],
    /// Whether cameras are known.
    pub has_cameras: bool,
    /// Images of one label together, K.
    pub instances: usize,
    /// Images in a batch.
    pub batch: usize,
}

impl BatchStream {
    /// A stream from its beginning.
    pub fn new(source: Source, seed: u64) -> Self {
        Self::restore(source, BatchState { seed, round: 0, next: 0 })
    }

    /// A stream from where another with the same source stood.
    pub fn restore(source: Source, state: BatchState) -> Self {
        let (labels, camids) = (source.labels.to_vec(), source.camids.to_vec());
        let Source { has_cameras, instances, batch, .. } = source;
        let mut stream = Self { labels, camids, instances, has_cameras, batch, state, order: Vec::new() };
        stream.order = stream.pass(state.round);
        stream
    }

    /// Where it stands, for a checkpoint.
    pub fn state(&self) -> BatchState {
        self.state
    }

    /// Indices of the next batch, exactly `batch` of them; empty only when every image is left out.
    pub fn next_batch(&mut self) -> Vec<u32> {
        if self.state.next + self.batch > self.order.len() {
            self.state.round += 1;
            self.state.next = 0;
            self.order = self.pass(self.state.round);
        }
        let from = self.state.next.min(self.order.len());
        let to = (from + self.batch).min(self.order.len());
        self.state.next = to;
        self.order[from..to].to_vec()
    }

    fn pass(&self, round: u64) -> Vec<u32> {
        let mut rng = stream(self.state.seed, &[round]);
        let mut order = Vec::new();
        loop {
            let more = pk_order(&self.labels, &self.camids, self.instances, self.has_cameras, &mut rng);
            let nothing = more.is_empty();
            order.extend(more);
            if nothing || order.len() >= self.batch {
                return order;
            }
        }
    }
}
