//! safetensors files without holding them twice: values are read and written in pieces.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use safetensors::tensor::{Dtype, TensorInfo};

use super::error::usage;

/// Bytes read or written at once.
const PIECE: usize = 1 << 20;
/// Bytes beyond which a header is not believed; safetensors' own limit.
const LARGEST_HEADER: u64 = 100_000_000;

/// An open safetensors file.
pub struct TensorReader {
    path: PathBuf,
    file: File,
    begin: u64,
    tensors: BTreeMap<String, TensorInfo>,
}

impl TensorReader {
    /// Opens a file and checks its header against its length.
    ///
    /// # Errors
    /// A [`super::error::UsageError`] when it cannot be read or is no safetensors file.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let cannot = |e: std::io::Error| usage(format!("{shown} cannot be read: {e}"));
        let mut file = File::open(path).map_err(cannot)?;
        let bytes = file.metadata().map_err(cannot)?.len();
        let broken = |why: &str| usage(format!("{shown} is not a safetensors file: {why}"));
        let mut length = [0u8; 8];
        file.read_exact(&mut length).map_err(|_| broken("it is shorter than a header"))?;
        let length = u64::from_le_bytes(length);
        if length > LARGEST_HEADER || length + 8 > bytes {
            return Err(broken("its header is longer than the file"));
        }
        let mut header = vec![0u8; length as usize];
        file.read_exact(&mut header).map_err(cannot)?;
        let header: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&header).map_err(|_| broken("its header is not JSON"))?;
        let mut tensors = BTreeMap::new();
        for (name, value) in header.into_iter().filter(|(name, _)| name != "__metadata__") {
            let info: TensorInfo =
                serde_json::from_value(value).map_err(|e| broken(&format!("tensor `{name}`: {e}")))?;
            if !fits(&info, bytes - 8 - length) {
                return Err(broken(&format!("tensor `{name}` does not fit into it")));
            }
            tensors.insert(name, info);
        }
        Ok(Self { path: path.to_owned(), file, begin: 8 + length, tensors })
    }

    /// Whether there is a tensor of that name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// An `f32` matrix: its values, row-major, and its columns.
    ///
    /// # Errors
    /// A [`super::error::UsageError`] when it is missing or not an f32 matrix.
    pub fn matrix(&mut self, name: &str) -> anyhow::Result<(Vec<f32>, usize)> {
        let info = self.info(name, "f32 [N, d]")?;
        match (info.dtype, &info.shape[..]) {
            (Dtype::F32, &[n, d]) if d > 0 => Ok((self.values(&info, n * d, f32::from_le_bytes)?, d)),
            _ => Err(self.unexpected(name, "an f32 matrix [N, d]", &info)),
        }
    }

    /// A list of ids, stored as i32, or as i64 when its values fit.
    ///
    /// # Errors
    /// A [`super::error::UsageError`] when it is missing, not a list of integers, or not of length `n`.
    pub fn ids(&mut self, name: &str, n: usize) -> anyhow::Result<Vec<i32>> {
        let info = self.info(name, "i32 [N]")?;
        let wrong = |this: &Self| this.unexpected(name, &format!("an i32 list of {n} values"), &info);
        if info.shape != [n] {
            return Err(wrong(self));
        }
        match info.dtype {
            Dtype::I32 => self.values(&info, n, i32::from_le_bytes),
            Dtype::I64 => {
                let wide = self.values(&info, n, i64::from_le_bytes)?;
                let narrow: Result<Vec<i32>, _> = wide.into_iter().map(i32::try_from).collect();
                narrow.map_err(|_| {
                    usage(format!("{}: `{name}` holds values that do not fit into i32", self.path.display()))
                })
            }
            _ => Err(wrong(self)),
        }
    }

    fn info(&self, name: &str, expected: &str) -> anyhow::Result<TensorInfo> {
        self.tensors.get(name).cloned().ok_or_else(|| {
            let there: Vec<&str> = self.tensors.keys().map(String::as_str).collect();
            let there = if there.is_empty() { "nothing".to_owned() } else { there.join(", ") };
            usage(format!("{} has no tensor `{name}` ({expected}); it has {there}", self.path.display()))
        })
    }

    fn unexpected(&self, name: &str, expected: &str, info: &TensorInfo) -> anyhow::Error {
        let found = format!("{:?} {:?}", info.dtype, info.shape);
        usage(format!("{}: `{name}` must be {expected}, but is {found}", self.path.display()))
    }

    fn values<T, const W: usize>(
        &mut self,
        info: &TensorInfo,
        count: usize,
        read: impl Fn([u8; W]) -> T,
    ) -> anyhow::Result<Vec<T>> {
        let shown = self.path.display();
        let cannot = |e: std::io::Error| usage(format!("{shown} cannot be read: {e}"));
        self.file.seek(SeekFrom::Start(self.begin + info.data_offsets.0 as u64)).map_err(cannot)?;
        let mut values = Vec::with_capacity(count);
        let mut piece = vec![0u8; PIECE.min(count * W)];
        let mut left = count * W;
        while left > 0 {
            let now = left.min(PIECE);
            self.file.read_exact(&mut piece[..now]).map_err(cannot)?;
            values.extend(piece[..now].as_chunks::<W>().0.iter().map(|&bytes| read(bytes)));
            left -= now;
        }
        Ok(values)
    }
}

/// Whether a tensor's place is within the data and as long as its shape says.
fn fits(info: &TensorInfo, bytes: u64) -> bool {
    let (begin, end) = info.data_offsets;
    let count = info.shape.iter().try_fold(1usize, |n, &s| n.checked_mul(s));
    let length = count.and_then(|n| n.checked_mul(info.dtype.bitsize())).map(|bits| bits.div_ceil(8));
    begin <= end && end as u64 <= bytes && length == Some(end - begin)
}

/// Values of a tensor to be written.
pub enum Values<'a> {
    /// 32-bit integers.
    I32(&'a [i32]),
    /// Counts and indices below 2³¹, stored as i32.
    Index(&'a [u32]),
    /// Offsets below 2⁶³, stored as i64.
    Offset(&'a [u64]),
    /// 32-bit floats.
    F32(&'a [f32]),
    /// 64-bit floats.
    F64(&'a [f64]),
    /// Bytes.
    U8(&'a [u8]),
}

impl Values<'_> {
    fn dtype(&self) -> Dtype {
        match self {
            Self::I32(_) | Self::Index(_) => Dtype::I32,
            Self::Offset(_) => Dtype::I64,
            Self::F32(_) => Dtype::F32,
            Self::F64(_) => Dtype::F64,
            Self::U8(_) => Dtype::U8,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::I32(v) => v.len(),
            Self::Index(v) => v.len(),
            Self::Offset(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::U8(v) => v.len(),
        }
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        fn all<T: Copy, const W: usize>(
            values: &[T],
            out: &mut impl Write,
            bytes: impl Fn(T) -> [u8; W],
        ) -> std::io::Result<()> {
            values.iter().try_for_each(|&v| out.write_all(&bytes(v)))
        }
        match self {
            Self::I32(v) => all(v, out, i32::to_le_bytes),
            Self::Index(v) => all(v, out, u32::to_le_bytes),
            Self::Offset(v) => all(v, out, u64::to_le_bytes),
            Self::F32(v) => all(v, out, f32::to_le_bytes),
            Self::F64(v) => all(v, out, f64::to_le_bytes),
            Self::U8(v) => out.write_all(v),
        }
    }
}

/// Writes tensors (name, shape, values) to a temporary file and moves it to `path` when it is whole.
///
/// # Errors
/// A [`super::error::UsageError`] when the folder does not exist; another error when writing fails.
pub fn write_tensors(path: &Path, mut tensors: Vec<(&str, Vec<usize>, Values)>) -> anyhow::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(usage(format!("{} cannot be written: there is no folder {}", path.display(), folder.display())));
    }
    // Wide values first, so that each tensor is aligned for readers that map the file.
    tensors.sort_by_key(|(_, _, values)| std::cmp::Reverse(values.dtype().bitsize()));
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for (name, shape, values) in &tensors {
        let begin = end;
        end += values.len() * values.dtype().bitsize() / 8;
        let info = TensorInfo { dtype: values.dtype(), shape: shape.clone(), data_offsets: (begin, end) };
        header.insert((*name).to_owned(), serde_json::to_value(info)?);
    }
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let failed = || format!("writing {}", path.display());
    let temporary = new_file_in(folder).with_context(failed)?;
    let mut out = BufWriter::with_capacity(PIECE, temporary.as_file());
    out.write_all(&(header.len() as u64).to_le_bytes()).with_context(failed)?;
    out.write_all(&header).with_context(failed)?;
    tensors.iter().try_for_each(|(_, _, values)| values.write(&mut out)).with_context(failed)?;
    out.flush().with_context(failed)?;
    drop(out);
    temporary.persist(path).map_err(|e| e.error).with_context(failed)?;
    Ok(())
}

/// A temporary file that, once moved, has the rights of any other new file rather than being its owner's alone.
fn new_file_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".reid-workbench-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}
