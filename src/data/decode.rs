//! From a file to pixels at the network's size, equal to PIL's decoding and bicubic resize.

use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageBuffer, ImageDecoder, ImageReader, Limits, Rgb, RgbImage};

use super::{DataError, resample};
use crate::base::fs;
use crate::base::guard::guarded;

/// Bytes of pixels that any picture may have, and how many times its file's length more: a small file that unfolds
/// into gigabytes is an attack, not a photo.
const PIXELS: u64 = 64 << 20;
const TIMES: u64 = 4;
/// The largest file of a picture.
const LARGEST: u64 = 1 << 30;

/// What a picture's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Whether the camera noted that it was held sideways or upside down. Like PIL, decoding pays no heed.
    pub turned: bool,
    /// Whether it has sixteen bits of grey, which PIL, and so decoding, cuts off at 255: most such pictures turn white.
    pub deep_grey: bool,
}

/// Decodes a picture to RGB: JPEG, PNG, BMP, WebP, TIFF, PPM, or a GIF's first frame; the kind is read from its first
/// bytes, not from its name.
///
/// # Errors
/// When the file cannot be read, is no such image, is cut off, or has more pixels than its length makes believable.
pub fn decode(path: &Path) -> Result<RgbImage, DataError> {
    let bad = |message: String| DataError::Image { path: path.to_path_buf(), message };
    let bytes = fs::read_regular(path, LARGEST).map_err(|e| bad(e.to_string()))?;
    let length = bytes.len() as u64;
    if bytes.starts_with(&[0xff, 0xd8]) && !is_whole_jpeg(&bytes) {
        return Err(bad("it is cut off: its end is missing".to_owned()));
    }
    // A decoder that trips over a damaged file must not take a run along.
    let image = guarded("Decoding it", || {
        let decoder = decoder(Cursor::new(bytes), length)?;
        DynamicImage::from_decoder(decoder).map_err(|e| e.to_string())
    });
    Ok(to_rgb(image.and_then(|read| read).map_err(bad)?))
}

/// Eight bits a sample as PIL's `convert("RGB")` makes them: sixteen bits of colour lose the lower eight, sixteen bits of
/// grey are cut off at 255 ([`Header::deep_grey`]), transparency is dropped.
fn to_rgb(image: DynamicImage) -> RgbImage {
    let high = |pixels: ImageBuffer<Rgb<u16>, Vec<u16>>| {
        ImageBuffer::from_fn(pixels.width(), pixels.height(), |x, y| {
            Rgb(pixels.get_pixel(x, y).0.map(|v| (v >> 8) as u8))
        })
    };
    match image {
        DynamicImage::ImageLuma16(grey) => ImageBuffer::from_fn(grey.width(), grey.height(), |x, y| {
            let v = grey.get_pixel(x, y).0[0].min(255) as u8;
            Rgb([v, v, v])
        }),
        DynamicImage::ImageRgb16(colour) => high(colour),
        DynamicImage::ImageRgba16(_) | DynamicImage::ImageLumaA16(_) => high(image.into_rgb16()),
        other => other.into_rgb8(),
    }
}

/// What the file's header says, without decoding pixels.
///
/// # Errors
/// When the header cannot be read, or tells of too many pixels.
pub fn header(path: &Path) -> Result<Header, DataError> {
    let bad = |message: String| DataError::Image { path: path.to_path_buf(), message };
    let file = fs::open_regular(path).map_err(|e| bad(e.to_string()))?;
    let length = file.metadata().map_err(|e| bad(e.to_string()))?.len();
    let mut decoder = decoder(BufReader::new(file), length).map_err(bad)?;
    let (width, height) = decoder.dimensions();
    let turned = decoder.orientation().is_ok_and(|o| o != Orientation::NoTransforms);
    let deep_grey = decoder.color_type() == ColorType::L16;
    Ok(Header { width, height, turned, deep_grey })
}

/// Width and height in pixels, from the file's header alone.
///
/// # Errors
/// As [`header`].
pub fn dimensions(path: &Path) -> Result<(u32, u32), DataError> {
    header(path).map(|h| (h.width, h.height))
}

/// A decoder that will not unfold into more than the file makes believable.
fn decoder<'a>(source: impl BufRead + Seek + 'a, length: u64) -> Result<impl ImageDecoder + 'a, String> {
    let most = PIXELS + TIMES * length;
    let mut reader = ImageReader::new(source).with_guessed_format().map_err(|e| e.to_string())?;
    if reader.format().is_none() {
        return Err("it is none of JPEG, PNG, BMP, WebP, TIFF, PPM and GIF".to_owned());
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(most);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|e| e.to_string())?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width == 0 || height == 0 {
        return Err("it has no pixels".to_owned());
    }
    if decoder.total_bytes() > most || pixels.saturating_mul(3) > most {
        return Err(format!("it claims {width} × {height} pixels in {length} bytes, which is more than is read"));
    }
    Ok(decoder)
}

/// Whether a JPEG reaches its end mark. Decoders fill what is missing with grey; PIL refuses, and so must we.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        // The next mark: 0xff and a byte that is neither a stuffed 0 nor a restart, nor another 0xff.
        let Some(found) = bytes
            .get(at..)
            .and_then(|rest| rest.windows(2).position(|w| w[0] == 0xff && !matches!(w[1], 0 | 1 | 0xff | 0xd0..=0xd8)))
        else {
            return false;
        };
        at += found + 2;
        if bytes[at - 1] == 0xd9 {
            return true;
        }
        let Some(&[high, low]) = bytes.get(at..at + 2) else { return false };
        at += usize::from(u16::from_be_bytes([high, low])).max(2);
    }
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
