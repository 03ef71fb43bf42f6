//! Paths as people type and drop them.

use std::path::{Path, PathBuf};

use eframe::egui;

/// The path that was typed: without blanks around it, `~` and `~/…` below the home folder, `file://` left out.
pub fn typed(text: &str) -> PathBuf {
    let text = text.trim();
    let text = text.strip_prefix("file://").unwrap_or(text);
    match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => home().join(rest.trim_start_matches('/')),
        _ => PathBuf::from(text),
    }
}

/// As [`typed`], for what may be the name of a dataset as well as a folder: only `~` is put in full.
pub fn name_or_path(text: &str) -> String {
    let text = text.trim();
    if text.starts_with('~') || text.starts_with("file://") {
        typed(text).display().to_string()
    } else {
        text.to_owned()
    }
}

/// The home folder; empty where there is none.
pub fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_default()
}

/// The file or folder that was dropped on the window in this frame.
pub fn dropped(ctx: &egui::Context) -> Option<PathBuf> {
    ctx.input(|i| i.raw.dropped_files.first().map(|file| file.path().to_path_buf()))
}

/// Whether a file is a picture by its name.
pub fn is_photo(path: &Path) -> bool {
    const KINDS: [&str; 10] = ["jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff", "ppm", "pgm", "gif"];
    path.extension().is_some_and(|e| KINDS.iter().any(|kind| e.eq_ignore_ascii_case(kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_folder() {
        assert_eq!(typed("~/data/market"), home().join("data/market"));
        assert_eq!(typed(" ~ "), home());
        assert_eq!(typed("/data/~x"), PathBuf::from("/data/~x"));
        assert_eq!(typed("~other/x"), PathBuf::from("~other/x"));
        assert_eq!(name_or_path(" market1501 "), "market1501");
        assert_eq!(name_or_path("~/m"), home().join("m").display().to_string());
    }
}
