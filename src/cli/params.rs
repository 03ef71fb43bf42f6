//! `--preset`, `--config` and `--set`: the same parameters that the window edits.

use std::path::PathBuf;

use anyhow::Context;

use super::error::UsageError;
use crate::base::fs::read_text;
use crate::method::params::Params;

/// The largest file of parameters that is read.
const LARGEST: u64 = 1 << 20;

/// Options that make up the parameters; applied in this order: preset, file, single keys.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ParamArgs {
    /// Named setting, or several separated by commas: paper, demo, baseline, spcl, …
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// TOML file with parameter keys.
    #[arg(long, value_name = "F.toml")]
    pub config: Option<PathBuf>,
    /// One parameter, for example --set eps=0.55; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl ParamArgs {
    /// The parameters that these options describe.
    ///
    /// # Errors
    /// When a name, key or value is not known, or the values do not go together.
    pub fn params(&self) -> anyhow::Result<Params> {
        let mut params = Params::default();
        if let Some(names) = &self.preset {
            params.apply_presets(names)?;
        }
        if let Some(path) = &self.config {
            let text =
                read_text(path, LARGEST).map_err(|e| UsageError(format!("{} cannot be read: {e}", path.display())))?;
            params.overlay_toml(&text).with_context(|| path.display().to_string())?;
        }
        for assignment in &self.set {
            params.assign(assignment)?;
        }
        match params.problems().first() {
            Some(problem) => Err(UsageError(format!("{}: {}", problem.key, problem.message)).into()),
            None => Ok(params),
        }
    }
}
