//! How an epoch trained, in a few kilobytes: the memory's centroids as they moved, and one batch as the network saw it.
//! `epochs/NNNN/training.safetensors`, of the epoch that trained so.

use std::path::Path;

use super::error::RunError;
use super::event::SnapshotPart;
use super::snapshot::part_path;
use crate::base::tensors::{Archive, Arrays};

/// Clusters whose centroid is followed, at most: the largest.
pub const MOST_CLUSTERS: usize = 24;
/// Iterations that are told of, at most: evenly spread over the epoch.
pub const MOST_ITERATIONS: usize = 64;
/// Images of the batch that are kept, at most.
pub const MOST_IMAGES: usize = 256;

/// What an epoch's training left: K clusters, T iterations, B images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingSnapshot {
    /// The share of an old row that Eq. 10 keeps.
    pub beta: f64,
    /// The memory; without clusters where the run has none.
    pub memory: MemoryRecord,
    /// The first batch of the epoch.
    pub batch: BatchRecord,
}

/// The memory over an epoch: T iterations of K clusters, angles in degrees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryRecord {
    /// `[T]` iterations, from 0.
    pub iters: Vec<u32>,
    /// `[K]` an image of each cluster: its name in every other file of the epoch is the label of that image.
    pub image: Vec<u32>,
    /// `[K]` images of each cluster.
    pub members: Vec<u32>,
    /// `[K, 2]` where each centroid began, in the plane of the two directions in which centroids differ most.
    pub began: Vec<f32>,
    /// `[T, K, 2]` where it was after the iteration.
    pub place: Vec<f32>,
    /// `[T, K]` how far it turned in the iteration.
    pub turned: Vec<f32>,
    /// `[T, K]` its length; 1 where all its rows are the same (Eq. 9 is a mean of unit vectors).
    pub length: Vec<f32>,
    /// `[T, K]` iterations since a row was refreshed, the mean over the cluster's rows.
    pub age: Vec<f32>,
    /// `[T, K]` rows that the iteration refreshed.
    pub refreshed: Vec<u32>,
    /// `[T]` between an old row and the feature that came for it, the mean over the batch.
    pub apart: Vec<f32>,
    /// `[T]` how far Eq. 10 turned a row, the mean over the batch.
    pub row_turned: Vec<f32>,
}

/// A batch as the network saw it: B images of the target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchRecord {
    /// Iteration, from 0.
    pub iter: u32,
    /// Rows and columns of the images, pixels.
    pub size: [u32; 2],
    /// `[B]` rows of the train split.
    pub images: Vec<u32>,
    /// `[B]` class of each in training.
    pub labels: Vec<i32>,
    /// `[B, 8]` how each was changed: mirrored (0 or 1), border, first row and column of the crop, then top, left, height
    /// and width of what was erased (height 0 where nothing was); pixels.
    pub moves: Vec<u32>,
    /// `[B]` place in the batch of the furthest image of the same class; −1 where there is none.
    pub positive: Vec<i32>,
    /// `[B]` its distance.
    pub positive_distance: Vec<f32>,
    /// `[B]` place of the nearest image of another class; −1 where there is none.
    pub negative: Vec<i32>,
    /// `[B]` its distance.
    pub negative_distance: Vec<f32>,
}

/// Numbers of [`BatchRecord::moves`] to an image.
pub const MOVES: usize = 8;

impl MemoryRecord {
    /// Clusters followed.
    pub fn clusters(&self) -> usize {
        self.image.len()
    }

    /// Position of a value of iteration `t` (a place, not a number) and cluster `k`.
    pub fn at(&self, t: usize, k: usize) -> usize {
        t * self.clusters() + k
    }

    /// Where the centroid of `k` was after the iteration at place `t`.
    pub fn place(&self, t: usize, k: usize) -> [f32; 2] {
        let at = 2 * self.at(t, k);
        [self.place[at], self.place[at + 1]]
    }

    /// Where it began.
    pub fn began(&self, k: usize) -> [f32; 2] {
        [self.began[2 * k], self.began[2 * k + 1]]
    }
}

impl TrainingSnapshot {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.memory.iters.is_empty() && self.batch.images.is_empty()
    }

    /// Writes `epochs/NNNN/training.safetensors`.
    ///
    /// # Errors
    /// Those of the file system; an older file is then untouched.
    pub fn write(&self, run: &Path, epoch: usize) -> Result<(), RunError> {
        let (m, b) = (&self.memory, &self.batch);
        let (t, k, n) = (m.iters.len(), m.image.len(), b.images.len());
        let mut arrays = Arrays::default();
        arrays
            .vector("beta", vec![self.beta])
            .vector("memory.iters", &m.iters)
            .vector("memory.image", &m.image)
            .vector("memory.members", &m.members)
            .add("memory.began", &[k, 2], &m.began)
            .add("memory.place", &[t, k, 2], &m.place)
            .add("memory.turned", &[t, k], &m.turned)
            .add("memory.length", &[t, k], &m.length)
            .add("memory.age", &[t, k], &m.age)
            .add("memory.refreshed", &[t, k], &m.refreshed)
            .vector("memory.apart", &m.apart)
            .vector("memory.row_turned", &m.row_turned)
            .vector("batch.at", vec![b.iter, b.size[0], b.size[1]])
            .vector("batch.images", &b.images)
            .vector("batch.labels", &b.labels)
            .add("batch.moves", &[n, MOVES], &b.moves)
            .vector("batch.positive", &b.positive)
            .vector("batch.positive_distance", &b.positive_distance)
            .vector("batch.negative", &b.negative)
            .vector("batch.negative_distance", &b.negative_distance);
        Ok(arrays.write(&part_path(run, epoch, SnapshotPart::Training))?)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is missing, damaged, or its arrays do not belong together.
    pub fn read(run: &Path, epoch: usize) -> Result<Self, RunError> {
        let path = part_path(run, epoch, SnapshotPart::Training);
        let file = Archive::open(&path)?;
        let odd = |why: &str| RunError::damaged(&path, why);
        let beta: Vec<f64> = file.vector("beta", Some(1))?;
        let iters: Vec<u32> = file.vector("memory.iters", None)?;
        let image: Vec<u32> = file.vector("memory.image", None)?;
        let (t, k) = (iters.len(), image.len());
        let table = |name: &str| -> Result<Vec<f32>, RunError> {
            let (shape, values) = file.array::<f32>(name)?;
            if shape != [t, k] || values.iter().any(|x| !x.is_finite()) {
                return Err(odd("a table of the memory has another shape than its lists, or is not finite"));
            }
            Ok(values)
        };
        let (shape, place) = file.array::<f32>("memory.place")?;
        let (shape_of_refreshed, refreshed) = file.array::<u32>("memory.refreshed")?;
        let began = file.matrix("memory.began", k)?.1;
        if shape != [t, k, 2] || shape_of_refreshed != [t, k] || began.len() != 2 * k {
            return Err(odd("the places of its centroids do not belong to them"));
        }
        let memory = MemoryRecord {
            members: file.vector("memory.members", Some(k))?,
            turned: table("memory.turned")?,
            length: table("memory.length")?,
            age: table("memory.age")?,
            apart: file.vector("memory.apart", Some(t))?,
            row_turned: file.vector("memory.row_turned", Some(t))?,
            began,
            place,
            refreshed,
            iters,
            image,
        };
        let at: Vec<u32> = file.vector("batch.at", Some(3))?;
        let images: Vec<u32> = file.vector("batch.images", None)?;
        let n = images.len();
        let (shape, moves) = file.array::<u32>("batch.moves")?;
        let batch = BatchRecord {
            iter: at[0],
            size: [at[1], at[2]],
            labels: file.vector("batch.labels", Some(n))?,
            positive: file.vector("batch.positive", Some(n))?,
            positive_distance: file.vector("batch.positive_distance", Some(n))?,
            negative: file.vector("batch.negative", Some(n))?,
            negative_distance: file.vector("batch.negative_distance", Some(n))?,
            moves,
            images,
        };
        let places = batch.positive.iter().chain(&batch.negative);
        if shape != [n, MOVES] || places.clone().any(|&p| p < -1 || p >= n as i32) {
            return Err(odd("an image of its batch points outside it"));
        }
        let sound = |values: &[f32]| values.iter().all(|x| x.is_finite());
        if ![&memory.began, &memory.place, &memory.apart, &memory.row_turned].into_iter().all(|v| sound(v))
            || !sound(&batch.positive_distance)
            || !sound(&batch.negative_distance)
        {
            return Err(odd("it holds a value that is not finite"));
        }
        Ok(Self { beta: beta[0], memory, batch })
    }
}
