//! From a file to pixels at the network's size, equal to PIL's decoding and bicubic resize.

use std::path::Path;

use image::{ImageReader, RgbImage};

use super::{DataError, resample};

/// Decodes a JPEG, PNG or BMP file to RGB; the kind is read from its first bytes, not from its name.
///
/// # Errors
/// When the file cannot be read or is no such image.
pub fn decode(path: &Path) -> Result<RgbImage, DataError> {
    let bad = |message: String| DataError::Image { path: path.to_path_buf(), message };
    let reader = ImageReader::open(path).map_err(|e| bad(e.to_string()))?;
    let reader = reader.with_guessed_format().map_err(|e| bad(e.to_string()))?;
    Ok(reader.decode().map_err(|e| bad(e.to_string()))?.into_rgb8())
}

/// Width and height in pixels, from the file's header alone.
///
/// # Errors
/// When the header cannot be read.
pub fn dimensions(path: &Path) -> Result<(u32, u32), DataError> {
    let bad = |message: String| DataError::Image { path: path.to_path_buf(), message };
    let reader = ImageReader::open(path).map_err(|e| bad(e.to_string()))?;
    let reader = reader.with_guessed_format().map_err(|e| bad(e.to_string()))?;
    reader.into_dimensions().map_err(|e| bad(e.to_string()))
}

/// Bicubic resize as PIL does it: a = −0.5, the support widened when shrinking, 8-bit between the two passes.
/// Returns `[height, width, 3]` bytes.
pub fn resize(img: &RgbImage, height: usize, width: usize) -> Vec<u8> {
    let (w, h) = img.dimensions();
    let (from, to) = ((h as usize, w as usize), (height, width));
    if from == to || w == 0 || h == 0 {
        return if from == to { img.as_raw().clone() } else { grey(height, width) };
    }
    resample::bicubic(img.as_raw(), from, to)
}

/// The picture that stands in for an image that cannot be read: mid-grey, `[height, width, 3]`.
pub fn grey(height: usize, width: usize) -> Vec<u8> {
    vec![128; height * width * 3]
}

/// [`decode`] and [`resize`]: `[height, width, 3]` bytes.
///
/// # Errors
/// As [`decode`].
pub fn load_resized(path: &Path, height: usize, width: usize) -> Result<Vec<u8>, DataError> {
    Ok(resize(&decode(path)?, height, width))
}
