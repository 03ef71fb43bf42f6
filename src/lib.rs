//! `reid-workbench`: unsupervised cross-domain person re-identification by attention blocks and refined
//! clustering, live in a window and headless on the command line. `docs/ARCHITECTURE.md` has the map.

/// The ground floor: files, tensors on disk, folders, time, numbers as text, seeded streams, progress.
pub mod base;

/// The method as pure functions: k-NN, k-reciprocal Jaccard, DBSCAN, Eq. 8, refinement, CMC/mAP, parameters.
pub mod method;

/// Datasets: registry, layouts, synthetic pedestrians, decoding, augmentation, sampling.
pub mod data;

/// The network on libtorch: backbones, attention, losses, hybrid memory, weights, attention maps.
pub mod model;

/// The run folder: manifest, events, snapshots; write, read, tail.
pub mod run;

/// What follows from the snapshots of a run: sets of Eq. 8, cluster tables, lineage, rank lists, neighbours.
pub mod study;

/// The worker thread: commands in, events out; pre-training, adaptation, evaluation, checkpoints.
pub mod engine;

/// Many runs: sweeps, the study file, the queue on this machine, Slurm.
pub mod launch;

/// Run folders on other machines: the relay there, the mirror here.
pub mod remote;

/// Figures, CSV and JSON out of a run folder.
pub mod export;

/// The window.
pub mod gui;

/// The command line.
pub mod cli;
