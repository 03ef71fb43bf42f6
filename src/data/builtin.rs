//! The built-in datasets: drawn on first use, kept, and read by the real loader.

use std::fs;
use std::path::{Path, PathBuf};

use super::layout::Options;
use super::synthetic::{self, City, SyntheticSpec, VERSION};
use super::{DataError, Tick};
use crate::base::fs::StagedFolder;
use crate::base::rng::mix;

/// The specification that an entry with `layout = "synthetic"` and no root stands for.
///
/// # Errors
/// When its domain is missing or unknown.
pub fn spec(options: &Options) -> Result<SyntheticSpec, DataError> {
    let name = options.domain.as_deref().unwrap_or("");
    let domain = City::from_name(name)
        .ok_or_else(|| DataError::BadSetting(format!("`{name}` is no domain: expected plaza or station")))?;
    Ok(SyntheticSpec::new(domain, options.seed.unwrap_or(1)))
}

/// Where the set of a specification is kept. The name changes with anything that changes a pixel.
pub fn folder(data: &Path, spec: &SyntheticSpec) -> PathBuf {
    let text = serde_json::to_string(spec).unwrap_or_default();
    let code = text.bytes().fold(mix(u64::from(VERSION)), |code, byte| mix(code ^ u64::from(byte)));
    data.join("synthetic").join(format!("{}-seed{}-{:08x}", spec.domain.name(), spec.seed, code >> 32))
}

/// How the folder is called that a set is drawn into, beside its place.
pub const BEGUN: &str = ".drawing-";

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
    let staged = StagedFolder::begin(parent, BEGUN).map_err(DataError::io("making a folder in", parent))?;
    synthetic::synthesize(staged.path(), spec, tick)?;
    if complete() {
        return Ok(());
    }
    if root.exists() {
        fs::remove_dir_all(root).map_err(DataError::io("clearing", root))?;
    }
    match staged.keep(root) {
        Ok(()) => Ok(()),
        Err(_) if complete() => Ok(()),
        Err(e) => Err(DataError::io("making", root)(e)),
    }
}
