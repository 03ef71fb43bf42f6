//! Files that hand a sweep to somebody else's queue: Ray Jobs, SkyPilot, an indexed Job of Kubernetes. They stand in
//! `assets/launch/` and are filled here; what a trial's job runs lies in `jobs/N`, one argument a line.

use std::path::Path;

use serde_json::{Value, json};

use super::error::LaunchError;
use super::job::{TrialPlace, argv, write_argv};
use super::queue::QueueOptions;
use super::sweep::Sweep;

/// Whose queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchTemplate {
    /// One body for Ray's `POST /api/jobs/` a trial, a line each.
    Ray,
    /// One task of SkyPilot, launched once a trial.
    Skypilot,
    /// One indexed Job for all trials.
    Kubernetes,
}

impl LaunchTemplate {
    fn text(self) -> &'static str {
        match self {
            Self::Ray => include_str!("../../assets/launch/ray.json"),
            Self::Skypilot => include_str!("../../assets/launch/skypilot.yaml"),
            Self::Kubernetes => include_str!("../../assets/launch/kubernetes.yaml"),
        }
    }

    /// Writes the jobs of the trials that still have to run into the sweep's folder, and fills the template with them.
    ///
    /// # Errors
    /// Those of the file system; when nothing is left to run.
    pub fn fill(self, sweep: &Sweep, options: &QueueOptions) -> Result<String, LaunchError> {
        let dir = sweep.dir.canonicalize().map_err(LaunchError::io("read", &sweep.dir))?;
        let device = options.devices.first().map_or("auto", String::as_str);
        // Ray's workers see this machine's file system; a container has the program of its own.
        let program = if self == Self::Ray { &options.program } else { Path::new("reid-workbench") };
        let mut labels = Vec::new();
        for (i, (trial, _)) in sweep.to_run().enumerate() {
            let place = TrialPlace::of(&dir, trial.number);
            place.prepare(trial)?;
            write_argv(&dir.join("jobs"), i, &argv(program, trial, &place, device))?;
            labels.push(trial.label());
        }
        if labels.is_empty() {
            return Err(LaunchError::Refused("nothing is left to run".to_owned()));
        }
        let gpus = usize::from(device.starts_with("cuda"));
        let shared = self
            .text()
            .replace("@NAME@", &name(&sweep.spec.name))
            .replace("@COUNT@", &labels.len().to_string())
            .replace("@LAST@", &(labels.len() - 1).to_string())
            .replace("@AT_ONCE@", &sweep.spec.at_once.unwrap_or(labels.len()).to_string())
            .replace("@THREADS@", &options.threads.to_string())
            .replace("@GPUS@", &gpus.to_string())
            .replace("@ACCELERATORS@", if gpus > 0 { "accelerators: A100:1" } else { "# accelerators: A100:1" })
            .replace("@DIR@", &json!(dir).to_string())
            .replace("@CACHE@", &json!(dir.join("cache")).to_string());
        if self != Self::Ray {
            return Ok(shared);
        }
        let body = |(i, label): (usize, &String)| {
            let filled = shared.replace("@TRIAL@", &i.to_string()).replace("@SETTINGS@", &json!(label).to_string());
            let body: Value = serde_json::from_str(&filled).map_err(|e| LaunchError::Refused(e.to_string()))?;
            Ok(format!("{body}\n"))
        };
        labels.iter().enumerate().map(body).collect()
    }
}

/// A name as all three take it: small letters, digits and hyphens.
fn name(of: &str) -> String {
    let plain: String =
        of.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(50).collect();
    match plain.trim_matches('-') {
        "" => "sweep".to_owned(),
        plain => plain.to_owned(),
    }
}
