//! A finished run that comes with the program: the demo preset on the built-in people, photos included, so that the
//! first start has something to show. `scripts/record-example.sh` records it.

use std::io;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::images::Images;
use super::manifest::Manifest;
use crate::base::fs::StagedFolder;

/// The word that stands for it where a run folder is asked for.
pub const NAME: &str = "example";

const ARCHIVE: &[u8] = include_bytes!("../../assets/example-run.tar.gz");

/// Where it lies below the user's data folder; another recording lies elsewhere.
pub fn folder(data: &Path) -> PathBuf {
    data.join("examples").join(format!("demo-{:08x}", crc32c::crc32c(ARCHIVE)))
}

/// Whether a run folder is the example.
pub fn is_example(folder: &Path) -> bool {
    let parent = folder.parent().and_then(Path::file_name);
    parent.is_some_and(|p| p == "examples")
        && folder.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"demo-"))
}

/// Unpacks it below the user's data folder unless it is there already, and says where. It is unpacked beside and then
/// renamed, so that the folder is never half a run.
///
/// # Errors
/// Those of the file system.
pub fn ensure(data: &Path) -> io::Result<PathBuf> {
    let folder = folder(data);
    if Manifest::path(&folder).is_file() {
        return Ok(folder);
    }
    unpack(ARCHIVE, &folder)?;
    Ok(folder)
}

/// Unpacks a recording into `folder`; the files of its images are named where they then lie.
///
/// # Errors
/// Those of the file system, and when the archive is damaged.
pub fn unpack(archive: &[u8], folder: &Path) -> io::Result<()> {
    let beside = folder.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let staged = StagedFolder::begin(beside, ".unpacking-")?;
    let mut tar = tar::Archive::new(GzDecoder::new(archive));
    tar.set_preserve_mtime(false);
    tar.unpack(staged.path())?;
    let whole = std::path::absolute(folder)?;
    let images = Images::read(staged.path()).map_err(io::Error::other)?;
    let placed = images.all().cloned().map(|mut row| {
        row.path = whole.join(&row.path);
        row
    });
    Images::new(placed).map_err(io::Error::other)?.write(staged.path()).map_err(io::Error::other)?;
    match staged.keep(folder) {
        Ok(()) => Ok(()),
        // Another process was faster.
        Err(_) if Manifest::path(folder).is_file() => Ok(()),
        Err(e) => Err(e),
    }
}
