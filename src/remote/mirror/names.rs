//! Where pictures lie in a mirror.

use std::path::{Path, PathBuf};

use crate::remote::root::is_name;
use crate::run::event::{ImageRef, Split};

fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "train",
        Split::Query => "query",
        Split::Gallery => "gallery",
    }
}

/// Where a picture lies in the mirror: its own name, in a folder of its number.
pub(super) fn photo_name(image: ImageRef, path: &Path) -> PathBuf {
    let name = path.file_name().map_or("photo".into(), |name| name.to_string_lossy().into_owned());
    let name: String = name.chars().map(|c| if c.is_control() || "/\\".contains(c) { '_' } else { c }).collect();
    let name = if is_name(&name) { name } else { "photo".to_owned() };
    Path::new("photos").join(split_name(image.split)).join(format!("{:06}", image.index)).join(name)
}

/// Which picture lies there, if one does.
pub(super) fn photo_of(name: &Path) -> Option<(ImageRef, PathBuf)> {
    let mut parts = name.components().map(|part| part.as_os_str().to_str());
    if parts.next()?? != "photos" {
        return None;
    }
    let split = match parts.next()?? {
        "train" => Split::Train,
        "query" => Split::Query,
        "gallery" => Split::Gallery,
        _ => return None,
    };
    let index = parts.next()??.parse().ok()?;
    Some((ImageRef { split, index }, name.to_owned()))
}
