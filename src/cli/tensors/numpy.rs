//! NumPy's files: `.npy`, one array, and `.npz`, a zip archive of them, stored plainly (`np.savez`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use safetensors::tensor::Dtype;

use super::Place;

/// Longer headers are of no array of numbers.
const LARGEST_HEADER: usize = 64 << 10;
/// Arrays in an archive, at most.
const MOST: usize = 4_096;

fn read(file: &mut File, at: u64, n: usize) -> Result<Vec<u8>, String> {
    let mut out = vec![0; n];
    file.seek(SeekFrom::Start(at)).map_err(|e| e.to_string())?;
    file.read_exact(&mut out).map_err(|_| "it is cut off")?;
    Ok(out)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, &b| (n << 8) | u64::from(b))
}

/// The array that begins at `at` and must end by `end`.
pub(super) fn array(file: &mut File, at: u64, end: u64) -> Result<Place, String> {
    let head = read(file, at, 12)?;
    if !head.starts_with(b"\x93NUMPY") {
        return Err("it does not begin like one".to_owned());
    }
    // Version 1 writes the header's length in two bytes, 2 and 3 in four.
    let (length, begin) = if head[6] == 1 { (number(&head[8..10]), 10) } else { (number(&head[8..12]), 12) };
    let length = usize::try_from(length).ok().filter(|n| *n <= LARGEST_HEADER).ok_or("its header is too long")?;
    let text = String::from_utf8_lossy(&read(file, at + begin, length)?).into_owned();
    let descr = field(&text, "descr").ok_or("its header tells no type")?;
    let dtype = dtype(descr.trim().trim_matches(['\'', '"']))?;
    let by_column = field(&text, "fortran_order").is_some_and(|f| f.trim() == "True");
    let shape = field(&text, "shape").ok_or("its header tells no shape")?;
    let shape: Option<Vec<usize>> = shape
        .trim()
        .trim_matches(['(', ')'])
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .map(|n| n.trim_end_matches('L').parse().ok())
        .collect();
    let shape = shape.ok_or("its header tells no shape")?;
    let count = shape.iter().try_fold(1usize, |n, &s| n.checked_mul(s));
    let bytes = count.and_then(|n| n.checked_mul(dtype.bitsize() / 8)).ok_or("its shape is too large")?;
    let data = at + begin + length as u64;
    if data + bytes as u64 > end {
        return Err(format!("its header tells of {bytes} bytes, which are not there"));
    }
    let by_column = by_column && shape.len() > 1;
    Ok(Place { dtype, shape, at: data, by_column })
}

/// The value of a key of the header, which is a Python dictionary of three plain values.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let from = text.find(&format!("'{key}':")).or_else(|| text.find(&format!("\"{key}\":")))? + key.len() + 3;
    let rest = &text[from..];
    let mut depth = 0;
    let end = rest.find(|c| {
        depth += i32::from(c == '(' || c == '[') - i32::from(c == ')' || c == ']');
        (c == ',' && depth == 0) || c == '}'
    });
    end.map(|end| &rest[..end])
}

fn dtype(descr: &str) -> Result<Dtype, String> {
    Ok(match descr {
        "<f4" | "=f4" => Dtype::F32,
        "<f8" | "=f8" => Dtype::F64,
        "<f2" | "=f2" => Dtype::F16,
        "<i8" => Dtype::I64,
        "<i4" => Dtype::I32,
        "<i2" => Dtype::I16,
        "|i1" => Dtype::I8,
        "<u8" => Dtype::U64,
        "<u4" => Dtype::U32,
        "<u2" => Dtype::U16,
        "|u1" => Dtype::U8,
        "|O" => return Err("it holds Python objects, which are never built here; save plain numbers".to_owned()),
        big if big.starts_with('>') => return Err("it was written on a big-endian machine".to_owned()),
        other => return Err(format!("numbers of type {other} are not read")),
    })
}

/// The arrays of an archive, without `.npy` in their names.
pub(super) fn archive(file: &mut File, bytes: u64) -> Result<BTreeMap<String, Place>, String> {
    let tail = bytes.min(22 + 65_535);
    let end = read(file, bytes - tail, tail as usize)?;
    let at = end.windows(4).rposition(|w| w == b"PK\x05\x06").ok_or("it is cut off")?;
    let record = end.get(at..at + 22).ok_or("it is cut off")?;
    let (count, size, mut from) = (number(&record[10..12]), number(&record[12..16]), number(&record[16..20]));
    if count as usize > MOST || from + size > bytes || size > LARGEST_HEADER as u64 * 64 {
        return Err("its directory is damaged or too large".to_owned());
    }
    let mut places = BTreeMap::new();
    for _ in 0..count {
        let entry = read(file, from, 46)?;
        if !entry.starts_with(b"PK\x01\x02") {
            return Err("its directory is damaged".to_owned());
        }
        let lengths = [28, 30, 32].map(|i| number(&entry[i..i + 2]));
        let name = String::from_utf8_lossy(&read(file, from + 46, lengths[0] as usize)?).into_owned();
        from += 46 + lengths.iter().sum::<u64>();
        let Some(name) = name.strip_suffix(".npy") else { continue };
        if number(&entry[10..12]) != 0 {
            return Err(format!("`{name}` is compressed: write it with np.savez instead of np.savez_compressed"));
        }
        let header = number(&entry[42..46]);
        let local = read(file, header, 30)?;
        let data = header + 30 + number(&local[26..28]) + number(&local[28..30]);
        places.insert(name.to_owned(), array(file, data, bytes).map_err(|e| format!("`{name}`: {e}"))?);
    }
    Ok(places)
}
