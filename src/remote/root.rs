//! What a relay may reach: the run folders in its own, and the images that such a run names.

use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use super::protocol::{FILES, FileEntry, PIECE};
use crate::base::fs::{open_regular, refuse_links};

/// Folders below a run folder at most, on the way to a file.
const DEEP: usize = 4;

/// The folder that a relay serves.
#[derive(Clone, Debug)]
pub struct Root {
    dir: PathBuf,
}

/// Whether a name can be that of a run folder: one part, not hidden, nothing that a terminal obeys.
pub fn is_name(name: &str) -> bool {
    let plain = !name.starts_with('.') && !name.contains(['/', '\\']) && !name.chars().any(char::is_control);
    plain && (1..=255).contains(&name.len())
}

/// Whether a path leads to a file within a run folder: plain parts, none of them hidden.
pub fn is_within(file: &str) -> bool {
    let parts: Vec<&str> = file.split('/').collect();
    (1..=DEEP).contains(&parts.len()) && parts.iter().all(|part| is_name(part))
}

impl Root {
    /// On that folder, which need not be there yet.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.canonicalize().unwrap_or_else(|_| dir.to_owned()) }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a run of that name lies, or would lie.
    ///
    /// # Errors
    /// One sentence, when the name leads elsewhere.
    pub fn place(&self, run: &str) -> Result<PathBuf, String> {
        if !is_name(run) {
            return Err(format!("`{}` is no name of a run folder", run.escape_debug()));
        }
        let path = self.dir.join(run);
        refuse_links(&self.dir, &path).map_err(|e| e.to_string())?;
        Ok(path)
    }

    /// The run folder of that name.
    ///
    /// # Errors
    /// One sentence, when there is none.
    pub fn run(&self, run: &str) -> Result<PathBuf, String> {
        let path = self.place(run)?;
        if path.join("manifest.json").is_file() || path.join("events.jsonl").is_file() {
            return Ok(path);
        }
        Err(format!("there is no run {} in {}", run, self.dir.display()))
    }

    /// A file of a run, opened.
    ///
    /// # Errors
    /// One sentence, when it is missing, no regular file, or lies elsewhere.
    pub fn file(&self, run: &str, file: &str) -> Result<File, String> {
        let folder = self.run(run)?;
        if !is_within(file) {
            return Err(format!("`{}` does not lie in a run folder", file.escape_debug()));
        }
        let path: PathBuf = folder.join(file.split('/').collect::<PathBuf>());
        refuse_links(&folder, &path).map_err(|e| e.to_string())?;
        open_regular(&path).map_err(|e| format!("{file}: {e}"))
    }

    /// A piece of a file of a run: its bytes, the length of the file, and its stamp.
    ///
    /// # Errors
    /// As [`Root::file`].
    pub fn piece(&self, run: &str, file: &str, at: u64, most: u32) -> Result<(Vec<u8>, u64, u64), String> {
        let mut open = self.file(run, file)?;
        let words = |e: std::io::Error| format!("{file}: {e}");
        let found = open.metadata().map_err(words)?;
        let mut bytes = Vec::new();
        open.seek(SeekFrom::Start(at)).map_err(words)?;
        open.take(u64::from(most.min(PIECE))).read_to_end(&mut bytes).map_err(words)?;
        Ok((bytes, found.len(), stamp(&found)))
    }

    /// The files of a run.
    ///
    /// # Errors
    /// One sentence, when there is no such run.
    pub fn files(&self, run: &str) -> Result<Vec<FileEntry>, String> {
        let folder = self.run(run)?;
        let mut found = Vec::new();
        list(&folder, &folder, &mut found);
        found.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(found)
    }
}

/// Regular files below `dir` that a run may hold; what is hidden or a link is left out.
fn list(folder: &Path, dir: &Path, found: &mut Vec<FileEntry>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Some(file) = path.strip_prefix(folder).ok().and_then(with_slashes).filter(|file| is_within(file)) else {
            continue;
        };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            list(folder, &path, found);
        } else if kind.is_file()
            && found.len() < FILES
            && let Ok(known) = entry.metadata()
        {
            found.push(FileEntry { file, size: known.len(), stamp: stamp(&known) });
        }
    }
}

/// A relative path with `/` between its parts; `None` when they are not all plain text.
pub fn with_slashes(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        path.components().map(|part| if let Component::Normal(name) = part { name.to_str() } else { None }).collect();
    Some(parts?.join("/"))
}

/// Changes when a file is written anew.
pub fn stamp(found: &Metadata) -> u64 {
    let mut hash = crate::base::rng::Fnv::new();
    let written = found.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    hash.eat(&written.map_or(0, |at| at.as_nanos()).to_le_bytes());
    hash.eat(&found.len().to_le_bytes());
    #[cfg(unix)]
    hash.eat(&std::os::unix::fs::MetadataExt::ino(found).to_le_bytes());
    hash.value()
}
