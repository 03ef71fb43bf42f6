//! Small folders of small pictures for the tests of the data room.

use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use reid_workbench::data::layout::{self, Options};
use reid_workbench::data::{DataError, Dataset, Sample};

/// A picture of one colour that depends on `tone`, in the format its extension asks for (`.jpg` when unknown).
pub fn picture(path: &Path, tone: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let image = RgbImage::from_fn(4, 8, |x, y| image::Rgb([tone, (x * 60) as u8, (y * 30) as u8]));
    let format = if path.to_string_lossy().to_ascii_lowercase().ends_with("png") {
        image::ImageFormat::Png
    } else {
        image::ImageFormat::Jpeg
    };
    image.save_with_format(path, format).unwrap();
}

/// Pictures at these places below `root`; a name ending in `/` makes an empty folder.
pub fn pictures(root: &Path, names: &[&str]) {
    for (i, name) in names.iter().enumerate() {
        match name.strip_suffix('/') {
            Some(folder) => fs::create_dir_all(root.join(folder)).unwrap(),
            None => picture(&root.join(name), i as u8),
        }
    }
}

/// Reads a folder with the layout that recognises it, or with the one named.
pub fn read(root: &Path, wanted: Option<&str>, options: &Options) -> Result<Dataset, DataError> {
    let layout = match wanted {
        Some(name) => layout::by_name(name)?,
        None => layout::detect(root)?,
    };
    layout::read(layout, "tiny", root, options)
}

/// File name, pid and camera of each sample.
pub fn rows(samples: &[Sample]) -> Vec<(String, i32, i32)> {
    samples.iter().map(|s| (s.path.file_name().unwrap().to_string_lossy().into_owned(), s.pid, s.camid)).collect()
}

/// A golden case.
pub fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden").join(path)
}
