//! Many runs: what a sweep is made of, its study file (Optuna's journal), the queue on this machine, Slurm.
//!
//! ```text
//! DIR/spec.toml             what was asked for          DIR/study.log     the study, an Optuna journal
//! DIR/trials/0003/          a run folder                DIR/trials/0003.toml, 0003.log   its parameters, what it said
//! DIR/artifacts/            pictures of trials          DIR/tasks, DIR/jobs   commands for Slurm, for other queues
//! ```
//! A trial is our own program as a process of its own. What is finished is read from the run folders and the study, so
//! that a sweep goes on where it stopped, however it was stopped.

pub mod array;
pub mod detach;
pub mod error;
pub mod follow;
pub mod job;
pub mod journal;
pub mod pictures;
pub mod pruner;
pub mod queue;
pub mod sampler;
pub mod slurm;
pub mod spec;
pub mod study;
pub mod sweep;
pub mod template;
pub mod watch;

pub use error::LaunchError;
pub use spec::{SweepSpec, Trial};
