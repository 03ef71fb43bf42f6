//! The built-in datasets: drawn on first use, kept, and read by the real loader.

use std::fs;
use std::path::{Path, PathBuf};

use super::layout::Options;
use super::synthetic::{self, Domain, SyntheticSpec, VERSION};
use super::{DataError, Tick};
use crate::base::rng::mix;

/// The specification that an entry with `layout = "synthetic"` and no root stands for.
///
/// # Errors
/// When its domain is missing or unknown.
pub fn spec(options: &Options) -> Result<SyntheticSpec, DataError> {
    let name = options.domain.as_deref().unwrap_or("");
    let domain = Domain::from_name(name)
        .ok_or_else(|| DataError::BadSetting(format!("`{name}` is no domain: expected plaza or station")))?;
    Ok(SyntheticSpec::new(domain, options.seed.unwrap_or(1)))
}

/// Where the set of a specification is kept. The name changes with anything that changes a pixel.
pub fn folder(data: &Path, spec: &SyntheticSpec) -> PathBuf {
    let text = serde_json::to_string(spec).unwrap_or_default();
    let code = text.bytes().fold(mix(u64::from(VERSION)), |code, byte| mix(code ^ u64::from(byte)));
    data.join("synthetic").join(format!("{}-seed{}-{:08x}", spec.domain.name(), spec.seed, code >> 32))
}

/// Draws the set into `root` unless it is there already. It is drawn beside and then renamed, so that `root` is
/// never half a set, whoever else draws it at the same time.
///
/// # Errors
/// When a file cannot be written, or `tick` asks to stop.
pub fn ensure(root: &Path, spec: &SyntheticSpec, tick: Tick) -> Result<(), DataError> {
    let complete = || synthetic::mark(root).is_some_and(|m| m.version == VERSION && m.spec == *spec);
    if complete() {
        return Ok(());
    }
    let parent = root.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(DataError::io("making", parent))?;
    let temporary = tempfile::Builder::new()
        .prefix(".drawing-")
        .tempdir_in(parent)
        .map_err(DataError::io("making a folder in", parent))?;
    synthetic::synthesize(temporary.path(), spec, tick)?;
    if complete() {
        return Ok(());
    }
    if root.exists() {
        fs::remove_dir_all(root).map_err(DataError::io("clearing", root))?;
    }
    match fs::rename(temporary.path(), root) {
        Ok(()) => {
            // The folder has its name now; there is nothing left for the temporary one to remove.
            let _ = temporary.keep();
            Ok(())
        }
        Err(_) if complete() => Ok(()),
        Err(e) => Err(DataError::io("making", root)(e)),
    }
}
