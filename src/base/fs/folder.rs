//! Folders that are there whole or not at all.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Names whoever fills a folder that is being made; the lock on it ends with its process.
const OWNER: &str = "owner";
/// What is to become the folder.
const CONTENT: &str = "content";
/// Where there are no locks, or none was taken yet, a folder that nobody has touched for so long is litter.
const IDLE: Duration = Duration::from_secs(24 * 3600);

/// A folder being filled beside the one that it is to become; removed unless it is kept.
///
/// What killed processes left of the kind is removed when the next one is begun in the same place.
pub struct StagedFolder {
    temporary: tempfile::TempDir,
    content: PathBuf,
    /// Holds the lock.
    _owner: File,
}

impl StagedFolder {
    /// An empty folder in `parent`, which is made when it is missing; in a folder whose name begins with `prefix`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn begin(parent: &Path, prefix: &str) -> io::Result<Self> {
        std::fs::create_dir_all(parent)?;
        sweep(parent, prefix);
        let temporary = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        let owner = File::create_new(temporary.path().join(OWNER))?;
        // Where there are no locks its age tells later.
        if let Err(error) = owner.try_lock() {
            tracing::debug!("{} is not locked: {error}", temporary.path().display());
        }
        let content = temporary.path().join(CONTENT);
        // A temporary folder is private to its owner; what becomes of this one is meant to be shared.
        std::fs::create_dir(&content)?;
        Ok(Self { temporary, content, _owner: owner })
    }

    /// Where it lies until it is kept.
    pub fn path(&self) -> &Path {
        &self.content
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// Those of the file system, also when there is something of that name; it is then removed.
    pub fn keep(self, target: &Path) -> io::Result<()> {
        std::fs::rename(&self.content, target)?;
        // What is left of it is an empty shell; should it stay, the next one sweeps it.
        let _ = self.temporary.close();
        Ok(())
    }
}

/// Removes what killed processes left. What cannot be looked at or removed stays.
fn sweep(parent: &Path, prefix: &str) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_left(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn is_left(folder: &Path) -> bool {
    let locked = OpenOptions::new().write(true).open(folder.join(OWNER)).map(|file| file.try_lock());
    match locked {
        Ok(Ok(())) => true,
        Ok(Err(std::fs::TryLockError::WouldBlock)) => false,
        _ => std::fs::metadata(folder).and_then(|m| m.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|t| t > IDLE)),
    }
}
