//! Files that are there whole or not at all.

use std::fs::File;
use std::io;
use std::path::Path;

/// Writes `path` through `write`: into a temporary file beside it, synced, then renamed over the old one.
///
/// Whoever reads `path` meanwhile, and whoever opens it after a crash at any moment, finds the old content or
/// the new one, never a mixture. The folder is created when it is missing.
///
/// # Errors
/// Those of `write` and of the file system; the old file is then untouched and the temporary one removed.
pub fn atomic_write(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let mut temporary = tempfile::Builder::new().prefix(".").suffix(".tmp").tempfile_in(dir)?;
    allow_others_to_read(temporary.as_file())?;
    write(temporary.as_file_mut())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
    sync_dir(dir)
}

/// A temporary file is private to its owner; a run folder is meant to be copied and shared.
#[cfg(unix)]
fn allow_others_to_read(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn allow_others_to_read(_: &File) -> io::Result<()> {
    Ok(())
}

/// The rename itself is on the disk only once the folder is.
#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}
