//! Just enough of the zip format for `torch.save`: stored (uncompressed) entries, zip64 included.

use std::collections::BTreeMap;
use std::ops::Range;

/// The entries of an archive: name, and where its bytes lie; nowhere for those that are compressed, which
/// `torch.save` never does.
pub struct ZipEntries {
    entries: BTreeMap<String, Option<Range<usize>>>,
}

fn number(bytes: &[u8], at: usize, size: usize) -> Result<u64, String> {
    let end = at.checked_add(size).filter(|&e| e <= bytes.len()).ok_or("the zip archive is cut off")?;
    Ok(bytes[at..end].iter().rev().fold(0, |n, &b| (n << 8) | u64::from(b)))
}

fn place(bytes: &[u8], at: usize, size: usize) -> Result<usize, String> {
    usize::try_from(number(bytes, at, size)?).map_err(|_| "the zip archive is too large".to_owned())
}

/// Offset of the central directory and the number of its entries.
fn directory(bytes: &[u8]) -> Result<(usize, usize), String> {
    let from = bytes.len().saturating_sub(22 + 65_535);
    let end = (from..bytes.len().saturating_sub(21))
        .rev()
        .find(|&at| bytes[at..].starts_with(b"PK\x05\x06"))
        .ok_or("the zip archive has no directory: the file is probably cut off, download it again")?;
    if end >= 20 && bytes[end - 20..].starts_with(b"PK\x06\x07") {
        let end64 = place(bytes, end - 20 + 8, 8)?;
        if number(bytes, end64, 4)? != 0x0606_4b50 {
            return Err("the zip archive's 64-bit directory is damaged".to_owned());
        }
        return Ok((place(bytes, end64 + 48, 8)?, place(bytes, end64 + 32, 8)?));
    }
    Ok((place(bytes, end + 16, 4)?, place(bytes, end + 10, 2)?))
}

impl ZipEntries {
    /// Reads the directory of an archive held in memory.
    pub fn open(bytes: &[u8]) -> Result<Self, String> {
        let (mut at, count) = directory(bytes)?;
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            if number(bytes, at, 4)? != 0x0201_4b50 {
                return Err("the zip archive's directory is damaged".to_owned());
            }
            let (name_len, extra_len, comment_len) =
                (place(bytes, at + 28, 2)?, place(bytes, at + 30, 2)?, place(bytes, at + 32, 2)?);
            let name_at = at + 46;
            let next = name_at + name_len + extra_len + comment_len;
            if next > bytes.len() {
                return Err("the zip archive's directory is cut off".to_owned());
            }
            let name = String::from_utf8_lossy(&bytes[name_at..name_at + name_len]).into_owned();
            if number(bytes, at + 10, 2)? != 0 {
                entries.insert(name, None);
                at = next;
                continue;
            }
            let extra = &bytes[name_at + name_len..name_at + name_len + extra_len];
            let (size, header) = sizes(bytes, at, extra)?;
            // the local header repeats name and extra field, whose lengths may differ from the directory's
            let data = header
                .checked_add(30)
                .and_then(|d| d.checked_add(place(bytes, header + 26, 2).ok()?))
                .and_then(|d| d.checked_add(place(bytes, header + 28, 2).ok()?))
                .ok_or("the zip archive is damaged")?;
            match data.checked_add(size) {
                Some(end) if end <= bytes.len() => drop(entries.insert(name, Some(data..end))),
                _ => return Err(format!("`{name}` in the zip archive is cut off")),
            }
            at = next;
        }
        Ok(Self { entries })
    }

    /// Where the entry of that name lies.
    pub fn get(&self, name: &str) -> Option<Range<usize>> {
        self.entries.get(name).cloned().flatten()
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }
}

/// Size and local-header offset of the directory entry at `at`; 64-bit values lie in the extra field.
fn sizes(bytes: &[u8], at: usize, extra: &[u8]) -> Result<(usize, usize), String> {
    let (packed, plain, header) = (place(bytes, at + 20, 4)?, place(bytes, at + 24, 4)?, place(bytes, at + 42, 4)?);
    let full = 0xFFFF_FFFF;
    let (mut size, mut offset) = (packed, header);
    let mut e = 0;
    while e + 4 <= extra.len() {
        let (id, len) = (number(extra, e, 2)?, place(extra, e + 2, 2)?);
        if id == 1 {
            let mut field = e + 4;
            if plain == full {
                field += 8;
            }
            if packed == full {
                size = place(extra, field, 8)?;
                field += 8;
            }
            if header == full {
                offset = place(extra, field, 8)?;
            }
        }
        e += 4 + len;
    }
    Ok((size, offset))
}
