//! The registered datasets as the window lists them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::data::preview::{self, Preview};
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
pub trait Datasets: Send + Sync {
    /// All datasets, and what was odd about the files.
    fn list(&self) -> (Vec<DatasetRow>, Vec<String>);

    /// Registers `root` under `name`; `layout` is empty to have it detected.
    ///
    /// # Errors
    /// One sentence with what was expected and what was found.
    fn add(&self, name: &str, layout: &str, root: &Path) -> Result<(), String>;

    /// Looks at a folder without registering it; `layout` is empty to have it detected. It ends early when `go_on`
    /// becomes false.
    ///
    /// # Errors
    /// One sentence with what was expected and what was found.
    fn look(&self, layout: &str, root: &Path, go_on: &AtomicBool) -> Result<Preview, String>;

    /// Looks at a registered dataset.
    ///
    /// # Errors
    /// As [`Datasets::look`].
    fn open(&self, name: &str, go_on: &AtomicBool) -> Result<Preview, String>;

    /// Whether that name or folder can be opened, judged by names alone.
    ///
    /// # Errors
    /// One sentence with what was expected and what was found.
    fn fits(&self, name_or_dir: &str) -> Result<(), String>;

    /// Takes an entry of the user's out; the folder stays as it is.
    ///
    /// # Errors
    /// When it is not the user's, or the file cannot be written.
    fn remove(&self, name: &str) -> Result<(), String>;

    /// Gives a known dataset another folder.
    ///
    /// # Errors
    /// One sentence with what was expected and what was found.
    fn locate(&self, name: &str, root: &Path) -> Result<(), String>;

    /// The layouts that there are.
    fn layouts(&self) -> Vec<String>;
}

/// The name of a dataset for people: `synthetic-plaza` → `synthetic-plaza`, a folder → its last part.
pub fn short_name(name_or_dir: &str) -> &str {
    name_or_dir.trim_end_matches('/').rsplit('/').next().unwrap_or(name_or_dir)
}

/// The program's and the user's `datasets.toml`.
pub struct UserRegistry;

impl Datasets for UserRegistry {
    fn list(&self) -> (Vec<DatasetRow>, Vec<String>) {
        match registry::Registry::load() {
            Ok((known, warnings)) => (known.entries().iter().map(row).collect(), warnings),
            Err(e) => (Vec::new(), vec![e.to_string()]),
        }
    }

    fn add(&self, name: &str, layout: &str, root: &Path) -> Result<(), String> {
        let (mut known, _) = registry::Registry::load().map_err(|e| e.to_string())?;
        let layout = if layout.is_empty() { "auto" } else { layout };
        known.add(name, layout, root).map_err(|e| e.to_string())
    }

    fn look(&self, layout: &str, root: &Path, go_on: &AtomicBool) -> Result<Preview, String> {
        preview::look(layout, root, &|_, _| go_on.load(Ordering::Relaxed)).map_err(|e| e.to_string())
    }

    fn open(&self, name: &str, go_on: &AtomicBool) -> Result<Preview, String> {
        let (known, _) = registry::Registry::load().map_err(|e| e.to_string())?;
        preview::look_at(&known, name, &|_, _| go_on.load(Ordering::Relaxed)).map_err(|e| e.to_string())
    }

    fn fits(&self, name_or_dir: &str) -> Result<(), String> {
        let (known, _) = registry::Registry::load().map_err(|e| e.to_string())?;
        let entry = known.resolve(name_or_dir).map_err(|e| e.to_string())?;
        if entry.builtin || entry.root.exists() {
            return Ok(());
        }
        Err(format!("The folder of {} is not there: {}.", entry.name, entry.root.display()))
    }

    fn remove(&self, name: &str) -> Result<(), String> {
        let (mut known, _) = registry::Registry::load().map_err(|e| e.to_string())?;
        known.remove(name).map_err(|e| e.to_string())
    }

    fn locate(&self, name: &str, root: &Path) -> Result<(), String> {
        let (mut known, _) = registry::Registry::load().map_err(|e| e.to_string())?;
        known.locate(name, root).map_err(|e| e.to_string())
    }

    fn layouts(&self) -> Vec<String> {
        registry::layouts().into_iter().map(str::to_owned).collect()
    }
}

fn row(entry: &registry::RegistryEntry) -> DatasetRow {
    DatasetRow {
        name: entry.name.clone(),
        layout: entry.layout.clone(),
        root: entry.root.clone(),
        builtin: entry.builtin,
        found: entry.builtin || entry.root.exists(),
    }
}
