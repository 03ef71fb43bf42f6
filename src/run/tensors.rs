//! Named arrays in a safetensors file, written whole or not at all and read back with clear errors.

use std::io::Write;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::atomic::atomic_write;
use super::error::RunError;

/// A number that a safetensors file can hold.
pub trait Element: Copy {
    /// Its type in the file.
    const DTYPE: Dtype;
    /// Appends its little-endian bytes.
    fn put(self, out: &mut Vec<u8>);
    /// From its little-endian bytes.
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! element {
    ($($type:ty => $dtype:ident),+) => {$(
        impl Element for $type {
            const DTYPE: Dtype = Dtype::$dtype;
            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn get(bytes: &[u8]) -> Self {
                let mut array = [0; size_of::<$type>()];
                array.copy_from_slice(bytes);
                Self::from_le_bytes(array)
            }
        }
    )+};
}
element!(u8 => U8, i32 => I32, u32 => U32, i64 => I64, f32 => F32, f64 => F64);

/// Arrays to be written.
#[derive(Default)]
pub struct Arrays {
    items: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
}

impl Arrays {
    /// Adds `values` with the given shape, row-major.
    pub fn add<T: Element>(&mut self, name: impl Into<String>, shape: &[usize], values: &[T]) -> &mut Self {
        let mut bytes = Vec::with_capacity(size_of_val(values));
        values.iter().for_each(|x| x.put(&mut bytes));
        self.items.push((name.into(), T::DTYPE, shape.to_vec(), bytes));
        self
    }

    /// Adds a vector.
    pub fn vector<T: Element>(&mut self, name: &str, values: &[T]) -> &mut Self {
        self.add(name, &[values.len()], values)
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    /// When a shape does not fit its values, or the file system refuses.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        let views: Result<Vec<(&str, TensorView<'_>)>, _> = self
            .items
            .iter()
            .map(|(name, dtype, shape, bytes)| Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect::<Result<_, safetensors::SafeTensorError>>();
        let bytes = views
            .and_then(|views| safetensors::serialize(views, None))
            .map_err(|e| RunError::damaged(path, format!("its arrays do not fit their shapes ({e})")))?;
        atomic_write(path, |f| f.write_all(&bytes)).map_err(RunError::io("write", path))
    }
}

/// A file of arrays in memory.
pub struct Archive {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Archive {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or is not a whole safetensors file.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let bytes = std::fs::read(path).map_err(RunError::io("read", path))?;
        let archive = Self { path: path.to_owned(), bytes };
        archive.parsed()?;
        Ok(archive)
    }

    fn parsed(&self) -> Result<SafeTensors<'_>, RunError> {
        SafeTensors::deserialize(&self.bytes)
            .map_err(|e| RunError::damaged(&self.path, format!("it is not a whole safetensors file ({e})")))
    }

    /// The names of all arrays, sorted.
    ///
    /// # Errors
    /// As [`Archive::read`].
    pub fn names(&self) -> Result<Vec<String>, RunError> {
        let mut names: Vec<String> = self.parsed()?.names().into_iter().map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }

    /// Whether there is an array of that name.
    pub fn has(&self, name: &str) -> bool {
        self.parsed().is_ok_and(|parsed| parsed.tensor(name).is_ok())
    }

    /// The shape and values of one array.
    ///
    /// # Errors
    /// When it is missing or of another type.
    pub fn array<T: Element>(&self, name: &str) -> Result<(Vec<usize>, Vec<T>), RunError> {
        let parsed = self.parsed()?;
        let view = parsed.tensor(name).map_err(|_| RunError::damaged(&self.path, format!("it has no `{name}`")))?;
        if view.dtype() != T::DTYPE {
            let reason = format!("`{name}` is {:?}, {:?} was expected", view.dtype(), T::DTYPE);
            return Err(RunError::damaged(&self.path, reason));
        }
        Ok((view.shape().to_vec(), view.data().chunks_exact(size_of::<T>()).map(T::get).collect()))
    }

    /// One vector, of length `len` when that is given.
    ///
    /// # Errors
    /// As [`Archive::array`], and when it is not a vector of that length.
    pub fn vector<T: Element>(&self, name: &str, len: Option<usize>) -> Result<Vec<T>, RunError> {
        let (shape, values) = self.array(name)?;
        if shape.len() != 1 || len.is_some_and(|n| n != values.len()) {
            let expected = len.map_or("[n]".to_owned(), |n| format!("[{n}]"));
            return Err(RunError::damaged(&self.path, format!("`{name}` is {shape:?}, {expected} was expected")));
        }
        Ok(values)
    }

    /// One matrix of `rows` rows, with its number of columns.
    ///
    /// # Errors
    /// As [`Archive::array`], and when it has another number of rows.
    pub fn matrix<T: Element>(&self, name: &str, rows: usize) -> Result<(usize, Vec<T>), RunError> {
        let (shape, values) = self.array(name)?;
        match shape[..] {
            [n, columns] if n == rows => Ok((columns, values)),
            _ => Err(RunError::damaged(&self.path, format!("`{name}` is {shape:?}, [{rows}, k] was expected"))),
        }
    }
}
