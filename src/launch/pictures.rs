//! Pictures of a finished trial as artifacts of the study: `artifacts/ID` beside it, as Optuna's `FileSystemArtifactStore`
//! keeps them and optuna-dashboard shows them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::queue::QueueOptions;
use super::sweep::Sweep;
use crate::base::rng::{Fnv, mix};

/// Of the figures of a run those that say most of a trial.
const KEPT: [&str; 5] = ["retrieval", "clusters", "reliability", "map", "loss_adaptation"];

/// A picture that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialPicture {
    /// Its name in the store.
    pub id: String,
    /// What people call it.
    pub filename: String,
}

/// Where the pictures of a sweep lie.
pub fn dir_of(sweep: &Path) -> PathBuf {
    sweep.join("artifacts")
}

/// Has our own program draw a trial's run, unless the sweep wants no pictures or has them. A trial without pictures is as good
/// a trial, so what goes wrong is for the log.
pub(super) fn draw(sweep: &mut Sweep, at: usize, options: &QueueOptions) {
    let entry = &sweep.entries[at];
    let number = entry.trial.number;
    if sweep.spec.pictures == Some(false) || sweep.study.has_pictures(number) {
        return;
    }
    let store = dir_of(&sweep.dir);
    let drawn = store.join(format!("drawing-{number:04}"));
    let mut command = Command::new(&options.program);
    command.arg("export").arg(&entry.place.run).arg("--figures").arg(&drawn);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => tracing::warn!(number, %status, "a trial was not drawn"),
        Err(error) => tracing::warn!(number, %error, "a trial was not drawn"),
    }
    let run = std::path::absolute(&entry.place.run).unwrap_or_else(|_| entry.place.run.clone());
    let kept = KEPT.iter().filter_map(|name| {
        let picture = TrialPicture { id: id(&run, name), filename: format!("{name}.png") };
        std::fs::rename(drawn.join(&picture.filename), store.join(&picture.id)).ok()?;
        Some(picture)
    });
    let kept: Vec<TrialPicture> = kept.collect();
    if let Err(error) = sweep.study.pictured(number, &kept) {
        tracing::warn!(number, %error, "the pictures of a trial were not noted");
    }
    // What it drew beyond those.
    let _ = std::fs::remove_dir_all(&drawn);
}

/// In the form of a UUID, as Optuna gives them: of the run's place and the picture's name.
fn id(run: &Path, name: &str) -> String {
    let mut hash = Fnv::new();
    hash.eat_field(run.as_os_str().as_encoded_bytes());
    hash.eat_field(name.as_bytes());
    let (a, b) = (mix(hash.value()), mix(hash.value() ^ 1));
    let [time, version, variant] = [a >> 16 & 0xffff, a & 0x0fff, b >> 48 & 0x3fff];
    format!("{:08x}-{time:04x}-4{version:03x}-{:04x}-{:012x}", a >> 32, variant | 0x8000, b & 0xffff_ffff_ffff)
}
