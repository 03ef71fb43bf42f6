//! Reading text that others wrote, in any usual encoding.

use std::path::Path;

use super::DataError;
use crate::base::fs;

/// Lists and manifests beyond this are not believed.
const LARGEST_TEXT: u64 = 1 << 30;

/// The text of a file: UTF-8 with or without a byte order mark, or UTF-16 with one; what is neither is read as
/// Windows' Western encoding, in which at least digits and paths of plain letters are right.
///
/// # Errors
/// When it cannot be read.
pub fn text(path: &Path) -> Result<String, DataError> {
    let bytes = fs::read_regular(path, LARGEST_TEXT).map_err(DataError::io("reading", path))?;
    Ok(decode(bytes))
}

fn decode(bytes: Vec<u8>) -> String {
    let wide = |order: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|b| order([b[0], b[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8(bytes).unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect()),
    }
}
