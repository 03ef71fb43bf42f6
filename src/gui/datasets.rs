//! The registered datasets as the window lists them.

use std::path::{Path, PathBuf};

use crate::data::registry;

/// A registered dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetRow {
    /// The name that runs and the command line use.
    pub name: String,
    /// Its layout.
    pub layout: String,
    /// Its folder.
    pub root: PathBuf,
    /// Whether it is made by this program and needs no folder.
    pub builtin: bool,
    /// Whether the folder is there.
    pub found: bool,
}

/// Where datasets are registered. It reads and writes files: call it off the UI thread.
pub trait Registry: Send + Sync {
    /// All datasets, and what was odd about the files.
    fn list(&self) -> (Vec<DatasetRow>, Vec<String>);

    /// Registers `root` under `name`; `layout` is empty to have it detected.
    ///
    /// # Errors
    /// One sentence with what was expected and what was found.
    fn add(&self, name: &str, layout: &str, root: &Path) -> Result<(), String>;

    /// The layouts that there are.
    fn layouts(&self) -> Vec<String>;
}

/// The name of a dataset for people: `synthetic-plaza` → `synthetic-plaza`, a folder → its last part.
pub fn short_name(name_or_dir: &str) -> &str {
    name_or_dir.trim_end_matches('/').rsplit('/').next().unwrap_or(name_or_dir)
}

/// The program's and the user's `datasets.toml`.
pub struct UserRegistry;

impl Registry for UserRegistry {
    fn list(&self) -> (Vec<DatasetRow>, Vec<String>) {
        match registry::Registry::load() {
            Ok((known, warnings)) => (known.entries().iter().map(row).collect(), warnings),
            Err(e) => (Vec::new(), vec![e.to_string()]),
        }
    }

    fn add(&self, name: &str, layout: &str, root: &Path) -> Result<(), String> {
        let (mut known, _) = registry::Registry::load().map_err(|e| e.to_string())?;
        known.add(name, layout, root).map(|_| ()).map_err(|e| e.to_string())
    }

    fn layouts(&self) -> Vec<String> {
        registry::layouts().into_iter().map(str::to_owned).collect()
    }
}

fn row(entry: &registry::Entry) -> DatasetRow {
    DatasetRow {
        name: entry.name.clone(),
        layout: entry.layout.clone(),
        root: entry.root.clone(),
        builtin: entry.builtin,
        found: entry.builtin || entry.root.exists(),
    }
}
