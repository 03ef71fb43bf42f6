//! Samplers are guests: the user's own Optuna is asked for the next trial, through the study file that both write.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::error::LaunchError;
use super::study::search_space;
use super::sweep::Sweep;

/// An installed `optuna` command.
#[derive(Clone, Debug)]
pub struct OptunaSampler {
    /// The program, `optuna` where no other is named.
    pub program: PathBuf,
    /// `TPESampler`, `NSGAIISampler`, …; Optuna's own choice where none is named.
    pub name: Option<String>,
}

impl OptunaSampler {
    /// The command that `REID_OPTUNA` names, else `optuna`.
    pub fn optuna(name: Option<String>) -> Self {
        Self { program: crate::base::dirs::from_env("REID_OPTUNA").unwrap_or_else(|| "optuna".into()), name }
    }

    /// Asks for one more trial, which is added to the sweep; whether there is one.
    pub(super) fn ask(&self, sweep: &mut Sweep) -> Result<bool, LaunchError> {
        let mut command = Command::new(&self.program);
        command.args(["ask", "--storage-class", "JournalFileBackend", "--storage"]).arg(sweep.study.path());
        command.args(["--study-name", &sweep.spec.name, "--search-space", &search_space(&sweep.spec).to_string()]);
        if let Some(name) = &self.name {
            command.args(["--sampler", name]);
        }
        let failed = |reason: String| LaunchError::Program { program: self.program.display().to_string(), reason };
        let output = command.output().map_err(|e| failed(format!("{e}; install it with `pip install optuna`")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed(
                said.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("it said nothing").to_owned(),
            ));
        }
        let asked: Value = serde_json::from_slice(&output.stdout).map_err(|e| failed(format!("no JSON: {e}")))?;
        let number = asked["number"].as_u64().ok_or_else(|| failed("its answer has no trial number".to_owned()))?;
        let next = sweep.next_number();
        match sweep.study.adopt_asked(number as usize, next)? {
            Some((number, added)) => sweep.add(number, added.settings).map(|()| true),
            None => Err(failed(format!("its trial {number} is not in the study"))),
        }
    }
}
