//! What goes over the line: frames of a head (JSON) and data, each with its length before it.
//!
//! ```text
//! head bytes u32 | data bytes u32 | data unfolded u32, 0 where it is sent as it is | head | data
//! ```
//! Numbers are little-endian. Lengths are checked before anything is read: a peer that sends rubbish is cut off.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;

/// Bytes of a head at most.
pub const HEAD_MOST: u32 = 1 << 20;
/// Bytes of data at most, unfolded.
pub const DATA_MOST: u32 = 4 << 20;
/// Data that is shorter is sent as it is.
const WORTH_IT: usize = 512;

/// A head and its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// JSON.
    pub head: Vec<u8>,
    /// What it is about.
    pub data: Vec<u8>,
}

/// Whether data is worth folding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Text, tables, arrays.
    Yes,
    /// Pictures.
    No,
}

/// Writes one frame and sends it off.
///
/// # Errors
/// Those of the line; [`io::ErrorKind::InvalidInput`] for a frame that the other end would refuse.
pub fn write(out: &mut impl Write, head: &impl Serialize, data: &[u8], fold: Fold) -> io::Result<()> {
    let head = serde_json::to_vec(head).map_err(io::Error::other)?;
    if head.len() > HEAD_MOST as usize || data.len() > DATA_MOST as usize {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is too long for the line"));
    }
    let folded = if fold == Fold::Yes && data.len() >= WORTH_IT { Some(deflate(data)?) } else { None };
    let folded = folded.filter(|folded| folded.len() < data.len());
    let sent = folded.as_deref().unwrap_or(data);
    let unfolded = if folded.is_some() { data.len() } else { 0 };
    let mut bytes = Vec::with_capacity(12 + head.len() + sent.len());
    for length in [head.len(), sent.len(), unfolded] {
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
    }
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(sent);
    out.write_all(&bytes)?;
    out.flush()
}

/// Reads one frame; `None` where the line ends between two.
///
/// # Errors
/// Those of the line; [`io::ErrorKind::InvalidData`] for what is no frame.
pub fn read(input: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut lengths = [0; 12];
    if !fill(input, &mut lengths)? {
        return Ok(None);
    }
    let at = |i: usize| u32::from_le_bytes([lengths[i], lengths[i + 1], lengths[i + 2], lengths[i + 3]]);
    let (head, data, unfolded) = (at(0), at(4), at(8));
    if head > HEAD_MOST || data > DATA_MOST || unfolded > DATA_MOST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no frame: its lengths make no sense"));
    }
    let (head, mut data) = (exactly(input, head)?, exactly(input, data)?);
    if unfolded > 0 {
        data = inflate(&data, unfolded)?;
    }
    Ok(Some(Frame { head, data }))
}

/// Fills the buffer; false when the line ended before its first byte.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    let mut got = 0;
    while got < buffer.len() {
        match input.read(&mut buffer[got..]) {
            Ok(0) if got == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// So many bytes; memory grows with what comes, not with what was promised.
fn exactly(input: &mut impl Read, length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length.min(1 << 16) as usize);
    input.take(u64::from(length)).read_to_end(&mut bytes)?;
    if bytes.len() == length as usize { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn deflate(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(data.len() / 2), Compression::fast());
    encoder.write_all(data)?;
    encoder.finish()
}

fn inflate(data: &[u8], length: u32) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let read = DeflateDecoder::new(data).take(u64::from(length) + 1).read_to_end(&mut out);
    if read.is_ok() && out.len() == length as usize {
        return Ok(out);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it is no frame: its data does not unfold to its length"))
}
