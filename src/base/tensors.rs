//! Named arrays in safetensors files: written whole or not at all and without a second copy, read array by array
//! with clear errors and memory in proportion to the file.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

pub use safetensors::tensor::{Dtype, TensorInfo};

use super::fs::{atomic_write, open_regular};

/// Bytes read or written at once.
const PIECE: usize = 1 << 20;
/// Values converted at once.
const AT_ONCE: usize = 1 << 12;
/// Bytes beyond which a header is not believed: a hundred bytes a tensor leave room for 40,000 of them.
const LARGEST_HEADER: u64 = 4 << 20;
/// Names that a message lists before it stops.
const NAMED: usize = 12;

/// Why a file of arrays could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TensorError {
    /// The operating system refused.
    #[error("could not {what} {}: {source}", path.display())]
    Io {
        /// `write` or `read`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file does not hold what it should.
    #[error("{} cannot be used: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
}

impl TensorError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// A number that a safetensors file can hold.
pub trait Element: Copy + 'static {
    /// Its type in the file.
    const DTYPE: Dtype;
    /// Its little-endian bytes, at the head of eight.
    fn put(self) -> [u8; 8];
    /// From its little-endian bytes.
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! element {
    ($($type:ty => $dtype:ident),+) => {$(
        impl Element for $type {
            const DTYPE: Dtype = Dtype::$dtype;
            fn put(self) -> [u8; 8] {
                let mut bytes = [0; 8];
                bytes[..size_of::<$type>()].copy_from_slice(&self.to_le_bytes());
                bytes
            }
            fn get(bytes: &[u8]) -> Self {
                let mut array = [0; size_of::<$type>()];
                array.copy_from_slice(bytes);
                Self::from_le_bytes(array)
            }
        }
    )+};
}
element!(u8 => U8, i32 => I32, u32 => U32, i64 => I64, u64 => U64, f32 => F32, f64 => F64);

/// What writes an array's bytes.
type Source<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + 'a>;

struct Item<'a> {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    count: usize,
    source: Source<'a>,
}

/// Arrays to be written; what is borrowed is not copied.
#[derive(Default)]
pub struct Arrays<'a> {
    items: Vec<Item<'a>>,
}

impl<'a> Arrays<'a> {
    /// Adds `values` with the given shape, row-major.
    pub fn add<T: Element>(
        &mut self,
        name: impl Into<String>,
        shape: &[usize],
        values: impl Into<Cow<'a, [T]>>,
    ) -> &mut Self {
        self.converted(name, shape, values, |x: T| x)
    }

    /// As [`Arrays::add`], each value converted as it is written.
    pub fn converted<T: Copy + 'static, U: Element>(
        &mut self,
        name: impl Into<String>,
        shape: &[usize],
        values: impl Into<Cow<'a, [T]>>,
        convert: fn(T) -> U,
    ) -> &mut Self {
        let values = values.into();
        let count = values.len();
        let source: Source<'a> = Box::new(move |out| {
            let mut piece = Vec::with_capacity(AT_ONCE * size_of::<U>());
            values.chunks(AT_ONCE).try_for_each(|some| {
                piece.clear();
                some.iter().for_each(|&x| piece.extend_from_slice(&convert(x).put()[..size_of::<U>()]));
                out.write_all(&piece)
            })
        });
        self.items.push(Item { name: name.into(), dtype: U::DTYPE, shape: shape.to_vec(), count, source });
        self
    }

    /// Adds a vector.
    pub fn vector<T: Element>(&mut self, name: &str, values: impl Into<Cow<'a, [T]>>) -> &mut Self {
        let values = values.into();
        self.add(name, &[values.len()], values)
    }

    /// Writes the file atomically: the widest type first, so that each array is aligned for readers that map the
    /// file, and arrays of one width in the order they were added.
    ///
    /// # Errors
    /// When a shape does not fit its values, a name comes twice, or the file system refuses.
    pub fn write(&self, path: &Path) -> Result<(), TensorError> {
        let mut items: Vec<&Item<'a>> = self.items.iter().collect();
        items.sort_by_key(|item| std::cmp::Reverse(item.dtype.bitsize()));
        let header = header(&items).map_err(|reason| TensorError::Damaged { path: path.to_owned(), reason })?;
        atomic_write(path, |file| {
            let mut out = BufWriter::with_capacity(PIECE, file);
            out.write_all(&(header.len() as u64).to_le_bytes())?;
            out.write_all(&header)?;
            items.iter().try_for_each(|item| (item.source)(&mut out))?;
            out.flush()
        })
        .map_err(TensorError::io("write", path))
    }
}

fn header(items: &[&Item<'_>]) -> Result<Vec<u8>, String> {
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for Item { name, dtype, shape, count, .. } in items {
        if shape.iter().product::<usize>() != *count {
            return Err(format!("`{name}` has {count} values, which do not fit {shape:?}"));
        }
        let begin = end;
        end += count * dtype.bitsize() / 8;
        let info = TensorInfo { dtype: *dtype, shape: shape.clone(), data_offsets: (begin, end) };
        let info = serde_json::to_value(info).map_err(|e| e.to_string())?;
        if header.insert(name.clone(), info).is_some() {
            return Err(format!("there are two arrays `{name}`"));
        }
    }
    let mut header = serde_json::to_vec(&header).map_err(|e| e.to_string())?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}

/// An open file of arrays. Its header was checked against its length when it was opened; arrays are read when they
/// are asked for.
pub struct Archive {
    path: PathBuf,
    file: File,
    begin: u64,
    arrays: BTreeMap<String, TensorInfo>,
    /// Readers move the file's one position: an archive may change threads, but not be read from two at once.
    _one_reader: PhantomData<Cell<()>>,
}

impl Archive {
    /// Opens the file. It stays the one that was opened, also when another takes its name.
    ///
    /// # Errors
    /// When it cannot be read, is no regular file, or not a whole safetensors file: one array after the other, without
    /// gap, overlap or rest.
    pub fn open(path: &Path) -> Result<Self, TensorError> {
        let file = open_regular(path).map_err(TensorError::io("read", path))?;
        let bytes = file.metadata().map_err(TensorError::io("read", path))?.len();
        let (begin, arrays) = places(&file, bytes).map_err(|reason| TensorError::Damaged {
            path: path.to_owned(),
            reason: format!("it is not a whole safetensors file: {reason}"),
        })?;
        Ok(Self { path: path.to_owned(), file, begin, arrays, _one_reader: PhantomData })
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of all arrays, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.arrays.keys().map(String::as_str)
    }

    /// Whether there is an array of that name.
    pub fn has(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// Type and shape of an array, where there is one.
    pub fn info(&self, name: &str) -> Option<(Dtype, &[usize])> {
        self.arrays.get(name).map(|info| (info.dtype, &info.shape[..]))
    }

    /// The shape and values of one array.
    ///
    /// # Errors
    /// When it is missing or of another type.
    pub fn array<T: Element>(&self, name: &str) -> Result<(Vec<usize>, Vec<T>), TensorError> {
        let info = self.find(name)?;
        if info.dtype != T::DTYPE {
            return Err(self.damaged(format!("`{name}` is {:?}, {:?} was expected", info.dtype, T::DTYPE)));
        }
        Ok((info.shape.clone(), self.values(name, size_of::<T>(), T::get)?))
    }

    /// One vector, of length `len` when that is given.
    ///
    /// # Errors
    /// As [`Archive::array`], and when it is not a vector of that length.
    pub fn vector<T: Element>(&self, name: &str, len: Option<usize>) -> Result<Vec<T>, TensorError> {
        let shape = &self.find(name)?.shape;
        if shape.len() != 1 || len.is_some_and(|n| n != shape[0]) {
            let expected = len.map_or("[n]".to_owned(), |n| format!("[{n}]"));
            return Err(self.damaged(format!("`{name}` is {shape:?}, {expected} was expected")));
        }
        Ok(self.array(name)?.1)
    }

    /// One matrix of `rows` rows, with its number of columns.
    ///
    /// # Errors
    /// As [`Archive::array`], and when it has another number of rows.
    pub fn matrix<T: Element>(&self, name: &str, rows: usize) -> Result<(usize, Vec<T>), TensorError> {
        let shape = &self.find(name)?.shape;
        match shape[..] {
            [n, columns] if n == rows => Ok((columns, self.array(name)?.1)),
            _ => Err(self.damaged(format!("`{name}` is {shape:?}, [{rows}, k] was expected"))),
        }
    }

    /// The values of one array of any type of `width` bytes, each read from its little-endian bytes by `get`.
    ///
    /// # Errors
    /// When it is missing, of another width, or cannot be read.
    pub fn values<T>(&self, name: &str, width: usize, get: impl Fn(&[u8]) -> T) -> Result<Vec<T>, TensorError> {
        let info = self.find(name)?;
        if info.dtype.bitsize() != 8 * width {
            return Err(self.damaged(format!("`{name}` is {:?}, which is not {width} bytes wide", info.dtype)));
        }
        let (begin, end) = info.data_offsets;
        let failed = || TensorError::io("read", &self.path);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.begin + begin as u64)).map_err(failed())?;
        let mut left = end - begin;
        let mut values = Vec::with_capacity(left / width);
        // A whole number of values, whatever their width.
        let mut piece = vec![0u8; left.min(PIECE)];
        while left > 0 {
            let now = left.min(PIECE);
            file.read_exact(&mut piece[..now]).map_err(failed())?;
            values.extend(piece[..now].chunks_exact(width).map(&get));
            left -= now;
        }
        Ok(values)
    }

    /// For what is read but does not hold together.
    pub fn damaged(&self, reason: impl std::fmt::Display) -> TensorError {
        TensorError::Damaged { path: self.path.clone(), reason: reason.to_string() }
    }

    fn find(&self, name: &str) -> Result<&TensorInfo, TensorError> {
        self.arrays.get(name).ok_or_else(|| self.damaged(format!("it has no `{name}`; it has {}", self.listed())))
    }

    fn listed(&self) -> String {
        let shown: Vec<&str> = self.names().take(NAMED).collect();
        match self.arrays.len() {
            0 => "nothing".to_owned(),
            n if n > NAMED => format!("{} and {} more", shown.join(", "), n - NAMED),
            _ => shown.join(", "),
        }
    }
}

/// Where the data of a safetensors file of that many bytes begins, and which arrays lie there, told by its header.
///
/// # Errors
/// Why it is not a whole safetensors file.
pub fn places(mut file: &File, bytes: u64) -> Result<(u64, BTreeMap<String, TensorInfo>), String> {
    let mut length = [0u8; 8];
    file.read_exact(&mut length).map_err(|_| "it is shorter than a header")?;
    let length = u64::from_le_bytes(length);
    if length > LARGEST_HEADER || length + 8 > bytes {
        return Err("its header is longer than the file, or than any network needs".to_owned());
    }
    let mut header = vec![0u8; length as usize];
    file.read_exact(&mut header).map_err(|e| e.to_string())?;
    let header: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&header).map_err(|_| "its header is not JSON")?;
    let mut arrays = BTreeMap::new();
    for (name, value) in header.into_iter().filter(|(name, _)| name != "__metadata__") {
        let info: TensorInfo = serde_json::from_value(value).map_err(|e| format!("array `{name}`: {e}"))?;
        if info.data_offsets.1 as u64 > bytes - 8 - length {
            return Err(format!("array `{name}` does not fit into it"));
        }
        if !is_as_long_as_its_shape(&info) {
            return Err(format!("array `{name}` is not as long as its shape says"));
        }
        arrays.insert(name, info);
    }
    let mut places: Vec<(usize, usize)> = arrays.values().map(|info: &TensorInfo| info.data_offsets).collect();
    places.sort_unstable();
    let mut end = 0;
    for place in places {
        if place.0 != end {
            return Err("its arrays overlap or leave gaps".to_owned());
        }
        end = place.1;
    }
    match end as u64 == bytes - 8 - length {
        true => Ok((8 + length, arrays)),
        false => Err(format!("its arrays take {end} bytes, but {} are there", bytes - 8 - length)),
    }
}

fn is_as_long_as_its_shape(info: &TensorInfo) -> bool {
    let (begin, end) = info.data_offsets;
    let count = info.shape.iter().try_fold(1usize, |n, &s| n.checked_mul(s));
    let length = count.and_then(|n| n.checked_mul(info.dtype.bitsize())).map(|bits| bits.div_ceil(8));
    begin <= end && length == Some(end - begin)
}
