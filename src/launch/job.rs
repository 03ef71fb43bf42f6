//! A trial as a command: our own program with the trial's files.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::LaunchError;
use super::spec::Trial;
use crate::base::fs::write_bytes;

/// Where a trial's files lie in a sweep's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialPlace {
    /// The run folder.
    pub run: PathBuf,
    /// Its parameters.
    pub params: PathBuf,
    /// What it said on stderr.
    pub log: PathBuf,
}

impl TrialPlace {
    /// Those of trial `number` in the sweep's folder `dir`.
    pub fn of(dir: &Path, number: usize) -> Self {
        let trials = dir.join("trials");
        Self {
            run: trials.join(format!("{number:04}")),
            params: trials.join(format!("{number:04}.toml")),
            log: trials.join(format!("{number:04}.log")),
        }
    }

    /// Writes the trial's parameters.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn prepare(&self, trial: &Trial) -> Result<(), LaunchError> {
        write_bytes(&self.params, trial.params.to_toml()).map_err(LaunchError::io("write", &self.params))
    }
}

/// The command that begins a trial, or goes on with it: the same each time.
pub fn argv(program: &Path, trial: &Trial, place: &TrialPlace, device: &str) -> Vec<OsString> {
    let mut argv: Vec<OsString> = vec![program.into(), "train".into()];
    let mut add = |option: &str, value: OsString| argv.extend([option.into(), value]);
    add("--source", (&trial.source).into());
    add("--target", (&trial.target).into());
    add("--out", (&place.run).into());
    add("--config", (&place.params).into());
    add("--device", device.into());
    argv.push("--start-or-resume".into());
    argv
}

/// Writes a command into file `n` of a folder, one argument a line, as scripts read it back with `mapfile -t`.
///
/// # Errors
/// Those of the file system.
pub fn write_argv(folder: &Path, n: usize, argv: &[OsString]) -> Result<(), LaunchError> {
    std::fs::create_dir_all(folder).map_err(LaunchError::io("create", folder))?;
    let lines: String = argv.iter().map(|a| format!("{}\n", a.to_string_lossy())).collect();
    let path = folder.join(n.to_string());
    write_bytes(&path, lines).map_err(LaunchError::io("write", &path))
}

/// An argument as a shell reads it back.
pub fn quoted(argument: &std::ffi::OsStr) -> String {
    let text = argument.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// A command as one line.
pub fn line(argv: &[OsString]) -> String {
    argv.iter().map(|a| quoted(a)).collect::<Vec<_>>().join(" ")
}
