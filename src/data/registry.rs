//! Datasets by name: `datasets.toml` of the project, and the user's file that adds to it.

mod edit;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::layout::{self, Options};
use super::{DataError, Dataset, Tick, builtin, no_tick};
use crate::base::dirs;
use crate::base::fs::{read_text, write_bytes};

/// `datasets.toml` as it was when the program was built; it serves where the project's folder is not at hand.
const EMBEDDED: &str = include_str!("../../datasets.toml");
/// The name of every registry file.
const FILE: &str = "datasets.toml";
/// The largest registry file that is read.
const LARGEST: u64 = 4 << 20;
/// The layout's name when the folder is to be looked at.
const AUTO: &str = "auto";

/// Where things lie.
#[derive(Clone, Debug)]
pub struct Places {
    /// The project's own `datasets.toml`, read when it is there.
    pub project: PathBuf,
    /// The user's `datasets.toml`, written by [`Registry::add`].
    pub user: PathBuf,
    /// Relative roots lie below this.
    pub base: PathBuf,
    /// Synthetic sets are kept below this.
    pub data: PathBuf,
}

impl Places {
    /// From the environment: `REID_CONFIG_DIR`, `REID_DATA_DIR` and `REID_DATASETS`, else the user's folders.
    pub fn from_env() -> Self {
        Self {
            project: PathBuf::from(FILE),
            user: dirs::config().unwrap_or_default().join(FILE),
            base: dirs::from_env("REID_DATASETS").map_or_else(|| PathBuf::from("data"), |p| dirs::expand(&p)),
            data: dirs::data().unwrap_or_default(),
        }
    }
}

/// A registered dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryEntry {
    /// Its name.
    pub name: String,
    /// Its layout's name; `auto` when the folder is to be looked at.
    pub layout: String,
    /// Its folder; for a built-in set, where it is kept once drawn.
    pub root: PathBuf,
    /// What else the registry says.
    pub options: Options,
    /// Whether the program makes it itself.
    pub builtin: bool,
}

/// The registered datasets: built-in ones first, then by name.
#[derive(Clone, Debug)]
pub struct Registry {
    entries: Vec<RegistryEntry>,
    places: Places,
    /// What could not be used of the files.
    odd: Vec<String>,
}

/// An entry as written in a file.
#[derive(Deserialize)]
struct Raw {
    layout: Option<String>,
    root: Option<PathBuf>,
    #[serde(flatten)]
    options: toml::Table,
}

impl Registry {
    /// Reads the registry of this machine, with a warning for whatever in the files cannot be used.
    ///
    /// # Errors
    /// When the built-in part is broken.
    pub fn load() -> Result<(Self, Vec<String>), DataError> {
        Self::load_from(Places::from_env())
    }

    /// Reads a registry.
    ///
    /// # Errors
    /// When the built-in part is broken.
    pub fn load_from(places: Places) -> Result<(Self, Vec<String>), DataError> {
        let mut registry = Self { entries: Vec::new(), places, odd: Vec::new() };
        let mut warnings = Vec::new();
        registry.merge(EMBEDDED, Path::new("built-in datasets.toml"), &mut warnings)?;
        for file in [registry.places.project.clone(), registry.places.user.clone()] {
            let text = match read_text(&file, LARGEST) {
                Ok(text) => text,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => {
                    warnings.push(DataError::io("reading", &file)(e).to_string());
                    continue;
                }
            };
            if let Err(error) = registry.merge(&text, &file, &mut warnings) {
                warnings.push(error.to_string());
            }
        }
        registry.sort();
        registry.odd.clone_from(&warnings);
        Ok((registry, warnings))
    }

    /// Adds the entries of a file; a later entry replaces one of the same name.
    fn merge(&mut self, text: &str, file: &Path, warnings: &mut Vec<String>) -> Result<(), DataError> {
        let table = parse(text, file)?;
        let mut places: HashMap<String, usize> =
            self.entries.iter().enumerate().map(|(at, e)| (e.name.clone(), at)).collect();
        for (name, value) in table {
            match self.entry(&name, value) {
                Ok(entry) => match places.get(&name) {
                    Some(&at) => self.entries[at] = entry,
                    None => {
                        places.insert(name, self.entries.len());
                        self.entries.push(entry);
                    }
                },
                Err(message) => warnings.push(format!("{}: dataset `{name}` left out: {message}", file.display())),
            }
        }
        Ok(())
    }

    fn entry(&self, name: &str, value: toml::Value) -> Result<RegistryEntry, String> {
        check_name(name)?;
        let raw: Raw = value.try_into().map_err(|e: toml::de::Error| one_line(&e.to_string()))?;
        let options: Options = raw.options.try_into().map_err(|e: toml::de::Error| one_line(&e.to_string()))?;
        let layout = raw.layout.unwrap_or_else(|| AUTO.to_owned());
        if layout != AUTO {
            layout::by_name(&layout).map_err(|e| e.to_string())?;
        }
        let builtin = layout == layout::synthetic::LAYOUT.name && raw.root.is_none();
        let root = match raw.root {
            Some(root) => self.absolute(&root),
            None if builtin => builtin::folder(&self.places.data, &builtin::spec(&options).map_err(|e| e.to_string())?),
            None => return Err("it has no root".to_owned()),
        };
        Ok(RegistryEntry { name: name.to_owned(), layout, root, options, builtin })
    }

    fn absolute(&self, root: &Path) -> PathBuf {
        match root.strip_prefix("~") {
            Ok(rest) => std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default().join(rest),
            Err(_) => self.places.base.join(root),
        }
    }

    /// All entries: built-in ones first, then by name.
    pub fn entries(&self) -> &[RegistryEntry] {
        &self.entries
    }

    /// Where the files and folders of this registry lie.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Registers a folder and writes it to the end of the user's file, whose text stays as it is. `layout` may be
    /// `auto`: then the folder is looked at now.
    ///
    /// # Errors
    /// When the name is taken or unfit, the folder is not there or of no known layout, or the file cannot be written.
    pub fn add(&mut self, name: &str, layout: &str, root: &Path) -> Result<(), DataError> {
        check_name(name).map_err(DataError::BadSetting)?;
        if self.entries.iter().any(|e| e.name == name) {
            return Err(DataError::BadSetting(format!("there is a dataset `{name}` already: choose another name")));
        }
        let root = std::path::absolute(root).map_err(DataError::io("finding", root))?;
        if !root.exists() {
            return Err(DataError::BadSetting(format!("there is no folder {}", root.display())));
        }
        let found = if layout == AUTO { layout::detect(&root)? } else { layout::by_name(layout)? };
        let quoted = toml::Value::String(root.to_string_lossy().into_owned());
        let block = format!("[datasets.\"{name}\"]\nlayout = \"{}\"\nroot = {quoted}\n", found.name);
        self.append(&block)?;
        let options = Options::default();
        self.entries.push(RegistryEntry {
            name: name.to_owned(),
            layout: found.name.to_owned(),
            root,
            options,
            builtin: false,
        });
        self.sort();
        Ok(())
    }

    fn sort(&mut self) {
        self.entries.sort_by(|a, b| (!a.builtin, &a.name).cmp(&(!b.builtin, &b.name)));
    }

    fn append(&self, block: &str) -> Result<(), DataError> {
        let file = &self.places.user;
        let old = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(DataError::io("reading", file)(e)),
        };
        let gap = if old.is_empty() || old.ends_with("\n\n") {
            ""
        } else if old.ends_with('\n') {
            "\n"
        } else {
            "\n\n"
        };
        let text = format!("{old}{gap}{block}");
        // A file that is broken already, or that the addition would break, is left alone.
        parse(&text, file)?;
        write_bytes(file, &text).map_err(DataError::io("writing", file))
    }

    /// The entry of that name, else one for the folder of that path.
    ///
    /// # Errors
    /// When there is neither, or the folder fits no layout.
    pub fn resolve(&self, name_or_dir: &str) -> Result<RegistryEntry, DataError> {
        if let Some(entry) = self.entries.iter().find(|e| e.name == name_or_dir) {
            return Ok(entry.clone());
        }
        let path = Path::new(name_or_dir);
        if name_or_dir.is_empty() || !path.exists() {
            let near = self.near(name_or_dir).map(str::to_owned);
            let odd = self.odd.first().cloned();
            return Err(DataError::UnknownDataset { name: name_or_dir.to_owned(), near, odd });
        }
        let root = std::path::absolute(path).map_err(DataError::io("finding", path))?;
        let name = root.file_stem().filter(|_| root.is_file()).or(root.file_name());
        Ok(RegistryEntry {
            name: name.map_or_else(|| name_or_dir.to_owned(), |n| n.to_string_lossy().into_owned()),
            layout: layout::detect(&root)?.name.to_owned(),
            root,
            options: Options::default(),
            builtin: false,
        })
    }

    /// A registered name that could have been meant.
    fn near(&self, name: &str) -> Option<&str> {
        let plain = |s: &str| s.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let wanted = plain(name);
        let fits = |e: &&RegistryEntry| {
            let own = plain(&e.name);
            own == wanted || (wanted.len() >= 4 && (own.contains(&wanted) || wanted.contains(&own)))
        };
        self.entries.iter().find(fits).map(|e| e.name.as_str())
    }

    /// Reads a dataset; a built-in one is drawn first if need be, and `tick` hears of that.
    ///
    /// # Errors
    /// When there is no such dataset or folder, or it is not what its layout says.
    pub fn open(&self, name_or_dir: &str, tick: Tick) -> Result<Dataset, DataError> {
        let entry = self.resolve(name_or_dir)?;
        if entry.builtin {
            builtin::ensure(&entry.root, &builtin::spec(&entry.options)?, tick)?;
        }
        if !entry.root.exists() {
            let edit = self.places.user.clone();
            return Err(DataError::NoRoot { name: entry.name, root: entry.root, edit });
        }
        let layout = if entry.layout == AUTO { layout::detect(&entry.root)? } else { layout::by_name(&entry.layout)? };
        layout::read(layout, &entry.name, &entry.root, &entry.options)
    }
}

/// Reads the dataset of that registered name, or in that folder.
///
/// # Errors
/// As [`Registry::open`].
pub fn open(name_or_dir: &str) -> Result<Dataset, DataError> {
    Registry::load()?.0.open(name_or_dir, &no_tick)
}

/// The table `datasets` of a registry file.
fn parse(text: &str, file: &Path) -> Result<toml::Table, DataError> {
    let bad = |message: String| DataError::BadRegistry { path: file.to_path_buf(), message };
    let mut table: toml::Table = text.parse().map_err(|e: toml::de::Error| bad(one_line(&e.to_string())))?;
    match table.remove("datasets") {
        Some(toml::Value::Table(datasets)) => Ok(datasets),
        None if table.is_empty() => Ok(toml::Table::new()),
        _ => Err(bad("expected tables like [datasets.my-set] with layout and root".to_owned())),
    }
}

/// TOML's own messages draw the line at fault; here they must be one sentence.
fn one_line(message: &str) -> String {
    let place = message.lines().next().unwrap_or("").trim();
    let reason = message.lines().last().unwrap_or("").trim();
    if place == reason { place.to_owned() } else { format!("{place}: {reason}") }
}

fn check_name(name: &str) -> Result<(), String> {
    let good = |c: char| c.is_alphanumeric() || "-_.+".contains(c);
    if name.is_empty() || !name.chars().all(good) {
        return Err(format!("`{name}` is no name for a dataset: use letters, digits, and - _ . +"));
    }
    Ok(())
}

/// The folder into which a built-in set is being drawn whose place is `root`; none where that is there or nobody draws.
pub fn being_drawn(root: &Path) -> Option<PathBuf> {
    let beside = std::fs::read_dir(root.parent().filter(|_| !root.exists())?).ok()?;
    let begun =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(builtin::BEGUN));
    let drawn = beside.filter_map(Result::ok).map(|entry| entry.path()).filter(begun);
    drawn.max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok())
}

/// The names of all layouts, for a dialog that offers them.
pub fn layouts() -> Vec<&'static str> {
    super::layout::LAYOUTS.iter().map(|l| l.name).collect()
}
