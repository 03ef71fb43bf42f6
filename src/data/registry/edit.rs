//! Changes to the user's `datasets.toml` beside adding: taking an entry out, giving an entry another folder.

use std::fs;
use std::path::Path;

use super::{DataError, Registry, parse};
use crate::base::fs::write_bytes;
use crate::data::layout;

impl Registry {
    /// Whether the entry stands in the user's own file, so that it can be taken out there.
    pub fn is_own(&self, name: &str) -> bool {
        fs::read_to_string(&self.places.user)
            .ok()
            .and_then(|text| parse(&text, &self.places.user).ok())
            .is_some_and(|table| table.contains_key(name))
    }

    /// Takes an entry out of the user's file; its folder stays as it is.
    ///
    /// # Errors
    /// When the entry is not in that file, or the file cannot be written.
    pub fn remove(&mut self, name: &str) -> Result<(), DataError> {
        if !self.is_own(name) {
            let file = self.places.user.display();
            return Err(DataError::BadSetting(format!("`{name}` is not in {file}: only entries there can be removed")));
        }
        let text = self.without(name)?;
        write_bytes(&self.places.user, &text).map_err(DataError::io("writing", &self.places.user))?;
        self.entries.retain(|e| e.name != name);
        Ok(())
    }

    /// Gives a known dataset another folder, which is looked at first; written to the user's file.
    ///
    /// # Errors
    /// When there is no such dataset, the folder is not of its layout, or the file cannot be written.
    pub fn locate(&mut self, name: &str, root: &Path) -> Result<(), DataError> {
        let Some(at) = self.entries.iter().position(|e| e.name == name) else {
            return Err(DataError::UnknownDataset { name: name.to_owned(), near: None, odd: None });
        };
        let root = std::path::absolute(root).map_err(DataError::io("finding", root))?;
        let entry = &self.entries[at];
        layout::read(layout::by_name(&entry.layout)?, name, &root, &entry.options)?;
        let mut table = toml::Table::try_from(&entry.options).unwrap_or_default();
        table.insert("layout".to_owned(), entry.layout.clone().into());
        table.insert("root".to_owned(), root.to_string_lossy().into_owned().into());
        let text = self.without(name)?;
        let gap = if text.is_empty() || text.ends_with("\n\n") { "" } else { "\n" };
        let text = format!("{text}{gap}[datasets.\"{name}\"]\n{table}");
        parse(&text, &self.places.user)?;
        write_bytes(&self.places.user, &text).map_err(DataError::io("writing", &self.places.user))?;
        self.entries[at].root = root;
        Ok(())
    }

    /// The user's file without that entry, the rest of its text as it is.
    fn without(&self, name: &str) -> Result<String, DataError> {
        let file = &self.places.user;
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
            Err(e) => return Err(DataError::io("reading", file)(e)),
        };
        let heads = [format!("[datasets.\"{name}\"]"), format!("[datasets.{name}]"), format!("[datasets.'{name}']")];
        let mut inside = false;
        let mut kept = String::new();
        for line in text.split_inclusive('\n') {
            let trimmed = line.trim();
            if trimmed.starts_with('[') {
                inside = heads.iter().any(|h| trimmed.starts_with(h.as_str()));
            }
            if !inside {
                kept.push_str(line);
            }
        }
        let table = parse(&kept, file)?;
        if table.contains_key(name) {
            let message = format!("the entry `{name}` is written in a way that only an editor can change");
            return Err(DataError::BadRegistry { path: file.clone(), message });
        }
        Ok(kept)
    }
}
