//! The pictures of a run's target, in a size for a screen.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::{ImageReader, Limits};

use super::frame::DATA_MOST;
use super::protocol::PHOTOS;
use super::root::stamp;
use crate::base::fs::read_regular;
use crate::run::event::{ImageRef, Split};
use crate::run::images::Images;

/// A picture of so many bytes is sent as it is.
const SMALL: usize = 96 << 10;
/// Longer side of a larger one, in pixels.
const SIDE: u32 = 512;
/// Bytes of a picture at most.
const LARGEST: u64 = 64 << 20;
/// Bytes that decoding one may take.
const MEMORY: u64 = 256 << 20;
/// An answer holds no further picture when it holds so many bytes.
const ENOUGH: usize = 1 << 20;

/// The lists of images of the runs that were asked for pictures.
#[derive(Default)]
pub struct RemotePhotos {
    known: BTreeMap<PathBuf, (u64, Images)>,
}

impl RemotePhotos {
    /// The pictures, one after the other, and the bytes of each: 0 for one that is none.
    ///
    /// # Errors
    /// One sentence, when the run has no list of images.
    pub fn get(&mut self, run: &Path, split: Split, indices: &[u32]) -> Result<(Vec<u8>, Vec<u32>), String> {
        let images = self.images(run)?;
        let (mut data, mut lengths) = (Vec::new(), Vec::new());
        for &index in indices.iter().take(PHOTOS) {
            let photo = images.get(ImageRef { split, index }).and_then(|row| photo(&row.path)).unwrap_or_default();
            if data.len() + photo.len() > DATA_MOST as usize {
                break;
            }
            lengths.push(photo.len() as u32);
            data.extend_from_slice(&photo);
            if data.len() >= ENOUGH {
                break;
            }
        }
        Ok((data, lengths))
    }

    fn images(&mut self, run: &Path) -> Result<&Images, String> {
        let path = Images::path(run);
        let now = std::fs::metadata(&path).map(|m| stamp(&m)).map_err(|e| format!("images.csv: {e}"))?;
        if self.known.get(run).is_none_or(|(then, _)| *then != now) {
            let images = Images::read(run).map_err(|e| e.to_string())?;
            self.known.insert(run.to_owned(), (now, images));
        }
        self.known.get(run).map(|(_, images)| images).ok_or_else(|| "images.csv is not known".to_owned())
    }
}

/// A picture for a screen; `None` for what is no picture, whatever its name says.
fn photo(path: &Path) -> Option<Vec<u8>> {
    let bytes = read_regular(path, LARGEST).ok()?;
    image::guess_format(&bytes).ok()?;
    if bytes.len() <= SMALL {
        return Some(bytes);
    }
    let mut reader = ImageReader::new(Cursor::new(&bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let image = reader.decode().ok()?.thumbnail(SIDE, SIDE).to_rgb8();
    let mut out = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut out, 90)).ok()?;
    Some(out)
}
