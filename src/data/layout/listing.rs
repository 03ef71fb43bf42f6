//! Finding image files and folders, past what archives and desktops leave behind.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::data::DataError;

/// Extensions of images that can be decoded, lower case.
const IMAGES: &[&str] =
    &["jpg", "jpeg", "jpe", "jfif", "png", "bmp", "webp", "tif", "tiff", "ppm", "pgm", "pnm", "gif"];
/// Folders within folders, at most.
const DEEPEST: usize = 32;

/// The images of a folder.
#[derive(Clone, Debug, Default)]
pub struct FolderListing {
    /// Image files, sorted.
    pub images: Vec<PathBuf>,
    /// How many other files were passed over.
    pub ignored: usize,
    /// How many links led to folders that are read already, or lie above.
    pub repeated: usize,
}

/// The file name as text; empty when it is not UTF-8.
pub fn name(path: &Path) -> &str {
    path.file_name().and_then(|n| n.to_str()).unwrap_or("")
}

fn is_clutter(name: &str) -> bool {
    name.starts_with('.') || name == "__MACOSX"
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    IMAGES.contains(&extension.as_str())
}

/// All images in a folder and the folders below it, each real folder once: a link that leads back, or to a folder
/// already read, is passed over and counted.
///
/// # Errors
/// When a folder cannot be read.
pub fn images(dir: &Path) -> Result<FolderListing, DataError> {
    let mut listing = FolderListing::default();
    let top = fs::canonicalize(dir).map_err(DataError::io("listing", dir))?;
    let mut seen = HashSet::from([top.clone()]);
    let mut stack = vec![(dir.to_path_buf(), 0)];
    while let Some((dir, depth)) = stack.pop() {
        for (path, kind) in entries(&dir)? {
            let is_dir = kind.is_dir() || (kind.is_symlink() && path.is_dir());
            if is_clutter(name(&path)) {
                listing.ignored += usize::from(!is_dir);
            } else if is_dir {
                let real = fs::canonicalize(&path).map_err(DataError::io("listing", &path))?;
                if depth < DEEPEST && !top.starts_with(&real) && seen.insert(real) {
                    stack.push((path, depth + 1));
                } else {
                    listing.repeated += 1;
                }
            } else if is_image(&path) {
                listing.images.push(path);
            } else {
                listing.ignored += 1;
            }
        }
    }
    listing.images.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(listing)
}

/// What lies in a folder, with its kind, sorted.
fn entries(dir: &Path) -> Result<Vec<(PathBuf, fs::FileType)>, DataError> {
    let read = fs::read_dir(dir).map_err(DataError::io("listing", dir))?;
    let mut found = Vec::new();
    for entry in read {
        let entry = entry.map_err(DataError::io("listing", dir))?;
        found.push((entry.path(), entry.file_type().map_err(DataError::io("listing", dir))?));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// The folders inside a folder, sorted, clutter left out.
pub fn folders(dir: &Path) -> Vec<PathBuf> {
    let inside = children(dir).unwrap_or_default();
    inside.into_iter().filter(|p| !is_clutter(name(p)) && !is_image(p) && p.is_dir()).collect()
}

fn children(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let read = fs::read_dir(dir).map_err(DataError::io("listing", dir))?;
    let mut found = Vec::new();
    for entry in read {
        found.push(entry.map_err(DataError::io("listing", dir))?.path());
    }
    found.sort();
    Ok(found)
}

/// The folder inside `dir` with that name, whatever its case.
pub fn folder(dir: &Path, wanted: &str) -> Option<PathBuf> {
    let exact = dir.join(wanted);
    if exact.is_dir() {
        return Some(exact);
    }
    children(dir).ok()?.into_iter().find(|p| name(p).eq_ignore_ascii_case(wanted) && p.is_dir())
}

/// `root`, or the one folder at most two levels below it, for which `fits` gives something. When several on a level
/// fit, none is taken: guessing which dataset was meant would be worse than asking.
pub fn find<T>(root: &Path, fits: impl Fn(&Path) -> Option<T>) -> Option<T> {
    let mut level = vec![root.to_path_buf()];
    for _ in 0..3 {
        let mut found: Vec<T> = level.iter().filter_map(|dir| fits(dir)).collect();
        if !found.is_empty() {
            return if found.len() == 1 { found.pop() } else { None };
        }
        let mut below = Vec::new();
        for dir in &level {
            // A folder of images has thousands of entries: asking the system about each would be slow.
            below.extend(folders(dir));
        }
        level = below;
    }
    None
}

/// What lies in a folder, in a few words: for the "found …" of a message.
pub fn describe(dir: &Path) -> String {
    if dir.is_file() {
        return "a file".to_owned();
    }
    let Ok(inside) = children(dir) else {
        return "no folder that can be read".to_owned();
    };
    let (folders, files): (Vec<_>, Vec<_>) =
        inside.into_iter().filter(|p| !is_clutter(name(p))).partition(|p| p.is_dir());
    let mut parts = Vec::new();
    for (what, paths) in [("folder", &folders), ("file", &files)] {
        let shown: Vec<&str> = paths.iter().take(3).map(|p| name(p)).collect();
        match paths.len() {
            0 => {}
            1 => parts.push(format!("the {what} {}", shown[0])),
            n if n <= 3 => parts.push(format!("the {what}s {}", shown.join(", "))),
            n => parts.push(format!("{n} {what}s ({}, …)", shown.join(", "))),
        }
    }
    if parts.is_empty() { "an empty folder".to_owned() } else { parts.join(" and ") }
}

/// The first image that lies in a folder itself, in no order that is worth anything.
pub fn first_image(dir: &Path) -> Option<PathBuf> {
    let inside = fs::read_dir(dir).ok()?;
    inside.take(1_000).flatten().map(|e| e.path()).find(|p| is_image(p) && !is_clutter(name(p)))
}
