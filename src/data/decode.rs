//! From a file to pixels at the network's size, equal to PIL's decoding and bicubic resize.

use std::path::Path;

use fast_image_resize as fir;
use fir::images::{Image, ImageRef};
use image::{ImageReader, RgbImage};

use super::DataError;

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
    if (w as usize, h as usize) == (width, height) {
        return img.as_raw().clone();
    }
    resize_bytes(img.as_raw(), (h, w), (height as u32, width as u32)).unwrap_or_else(|_| grey(height, width))
}

/// `from` and `to` are (height, width).
fn resize_bytes(hwc: &[u8], from: (u32, u32), to: (u32, u32)) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let source = ImageRef::new(from.1, from.0, hwc, fir::PixelType::U8x3)?;
    let mut target = Image::new(to.1, to.0, fir::PixelType::U8x3);
    let options =
        fir::ResizeOptions::new().resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::CatmullRom)).use_alpha(false);
    fir::Resizer::new().resize(&source, &mut target, &options)?;
    Ok(target.into_vec())
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
