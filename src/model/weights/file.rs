//! A file of weights in memory: what is in it by name, built into tensors one by one when asked.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use tch::{Kind, Tensor};

use super::names::{self, FileTensor, LoadPlan};
use super::torch_file::{self, Stored};
use crate::base::fs;
use crate::model::error::{ModelError, Result};

/// Larger files are not read into memory: no ResNet with its optimiser comes near.
const LARGEST: u64 = 16 << 30;
/// The longest header of a safetensors file, and the longest index: of a network they take some hundred kilobytes.
const LARGEST_HEADER: u64 = 4 << 20;

/// One tensor's place: in which of the files, and where in it.
enum Place {
    Plain { part: usize, kind: Kind, range: Range<usize> },
    Torch { part: usize, stored: Box<Stored> },
}

/// A weights file, or the several files that an index puts together.
pub struct WeightsFile {
    path: PathBuf,
    parts: Vec<Vec<u8>>,
    given: Vec<FileTensor>,
    places: Vec<Place>,
}

type Outcome<T> = std::result::Result<T, String>;

/// Why a file cannot be used, with its path.
fn wrong(path: &Path, reason: impl Into<String>) -> ModelError {
    ModelError::Weights { path: path.to_owned(), reason: reason.into() }
}

/// The bytes of a regular file; anything else (a pipe, a device, a folder) is refused before it is read.
fn bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read_regular(path, LARGEST).map_err(|e| wrong(path, format!("it cannot be read: {e}")))
}

/// What a file that holds no weights is, by its first bytes.
fn other(bytes: &[u8], path: &Path) -> Option<&'static str> {
    let starts = |with: &[u8]| bytes.starts_with(with);
    let head = &bytes[..bytes.len().min(512)];
    let says = |text: &[u8]| head.windows(text.len()).any(|w| w.eq_ignore_ascii_case(text));
    let named = |end: &str| path.file_name().is_some_and(|n| n.to_string_lossy().to_ascii_lowercase().ends_with(end));
    if bytes.is_empty() {
        return Some("it is empty");
    }
    if starts(b"\x89HDF") {
        return Some("it is HDF5, as Keras and TensorFlow write it; only weights of PyTorch are read");
    }
    if named(".onnx") || (starts(b"\x08") && (says(b"pytorch") || says(b"onnx"))) {
        return Some("it is an ONNX graph; give the PyTorch checkpoint it was exported from");
    }
    if named(".pb") || named(".ckpt.index") || named(".data-00000-of-00001") || says(b"tensorflow") || named(".meta") {
        return Some("it is of TensorFlow; only weights of PyTorch are read");
    }
    if named(".tflite") || says(b"TFL3") {
        return Some("it is of TensorFlow Lite; only weights of PyTorch are read");
    }
    if starts(b"version https://git-lfs") {
        return Some("it is a pointer of Git LFS, not the file itself: fetch it with `git lfs pull`");
    }
    if says(b"<html") || says(b"<!doctype") {
        return Some("it is a web page, not the file: the download did not give the file itself");
    }
    if starts(b"\x93NUMPY") {
        return Some("it is an array of NumPy, not weights of a network");
    }
    if starts(b"\x1f\x8b") {
        return Some("it is compressed (gzip): unpack it first");
    }
    if starts(b"GGUF") || starts(b"lmgg") {
        return Some("it is a GGUF file of a language model");
    }
    if bytes.len() > 262 && &bytes[257..262] == b"ustar" {
        return Some("it is a tar archive: unpack it first, and give the file inside");
    }
    None
}

impl WeightsFile {
    /// Reads safetensors, an index of several files (`….safetensors.index.json`, `….bin.index.json`), or a file of `torch.save` (old and new
    /// form), told apart by content.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no tensors by name.
    pub fn open(path: &Path) -> Result<Self> {
        let file = bytes(path)?;
        let mut this = Self { path: path.to_owned(), parts: Vec::new(), given: Vec::new(), places: Vec::new() };
        if file.starts_with(b"PK\x03\x04") || file.starts_with(&[0x80]) {
            this.add_torch(file).map_err(|e| wrong(path, e))?;
        } else if let Some(what) = other(&file, path) {
            return Err(wrong(path, what));
        } else if let Some(shards) = index(&file) {
            for shard in shards.map_err(|e| wrong(path, e))? {
                let shard = path.with_file_name(shard);
                let part = bytes(&shard)?;
                let torch = part.starts_with(b"PK\x03\x04") || part.starts_with(&[0x80]);
                let added = if torch { this.add_torch(part) } else { this.add_safetensors(part) };
                added.map_err(|e| wrong(&shard, e))?;
            }
        } else {
            this.add_safetensors(file).map_err(|e| {
                wrong(
                    path,
                    format!(
                        "neither safetensors nor a file of torch.save ({e}); a .pth, .pt or .safetensors was expected"
                    ),
                )
            })?;
        }
        if this.given.is_empty() {
            return Err(wrong(path, "it holds no tensors by name; a state_dict was expected"));
        }
        Ok(this)
    }

    fn add_torch(&mut self, file: Vec<u8>) -> Outcome<()> {
        let part = self.parts.len();
        for stored in torch_file::read(&file)? {
            self.given.push(FileTensor {
                name: stored.name.clone(),
                shape: stored.shape().to_vec(),
                dict: stored.dict,
            });
            self.places.push(Place::Torch { part, stored: Box::new(stored) });
        }
        self.parts.push(file);
        Ok(())
    }

    fn add_safetensors(&mut self, file: Vec<u8>) -> Outcome<()> {
        if let Some(head) = file.first_chunk::<8>().map(|h| u64::from_le_bytes(*h)).filter(|n| *n > LARGEST_HEADER) {
            return Err(format!("a header of {head} bytes"));
        }
        let (part, parsed) =
            (self.parts.len(), safetensors::SafeTensors::deserialize(&file).map_err(|e| e.to_string())?);
        for (name, view) in parsed.iter() {
            let start = view.data().as_ptr() as usize - file.as_ptr() as usize;
            let range = start..start + view.data().len();
            let shape = view.shape().iter().map(|&x| x as i64).collect();
            self.given.push(FileTensor { name: name.to_owned(), shape, dict: 0 });
            self.places.push(Place::Plain { part, kind: kind_of(view.dtype())?, range });
        }
        self.parts.push(file);
        Ok(())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names and shapes, in the file's order.
    pub fn given(&self) -> &[FileTensor] {
        &self.given
    }

    /// What of it is for a network of `domains` batch normalisations.
    ///
    /// # Errors
    /// When there is no ResNet in it, or one that is not among ours.
    pub fn plan(&self, domains: usize) -> Result<LoadPlan> {
        names::plan(&self.given, domains).map_err(|e| wrong(&self.path, e))
    }

    /// Builds one tensor.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn tensor(&self, at: usize) -> Result<Tensor> {
        let built = match &self.places[at] {
            Place::Plain { part, kind, range } => {
                Tensor::f_from_data_size(&self.parts[*part][range.clone()], &self.given[at].shape, *kind)
                    .map_err(|e| e.to_string())
            }
            Place::Torch { part, stored } => stored.build(&self.parts[*part][stored.place.clone()]),
        };
        built.map_err(|e| wrong(&self.path, format!("`{}`: {e}", self.given[at].name)))
    }

    /// Every tensor by its full name.
    ///
    /// # Errors
    /// When libtorch fails, or the tensors hold many times more than the file does.
    pub fn all(&self) -> Result<BTreeMap<String, Tensor>> {
        // A damaged or hostile file may point at the same elements again and again.
        let mut left = 2 * self.parts.iter().map(Vec::len).sum::<usize>() + (1 << 20);
        let mut out = BTreeMap::new();
        for (at, given) in self.given.iter().enumerate() {
            let tensor = self.tensor(at)?;
            left = left
                .checked_sub(tensor.numel() * tensor.kind().elt_size_in_bytes())
                .ok_or_else(|| wrong(&self.path, "its tensors hold many times more than the file does"))?;
            out.insert(given.name.clone(), tensor);
        }
        Ok(out)
    }
}

fn kind_of(dtype: safetensors::Dtype) -> Outcome<Kind> {
    use safetensors::Dtype;
    Ok(match dtype {
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::I64 => Kind::Int64,
        Dtype::I32 => Kind::Int,
        Dtype::I16 => Kind::Int16,
        Dtype::I8 => Kind::Int8,
        Dtype::U8 => Kind::Uint8,
        Dtype::BOOL => Kind::Bool,
        other => return Err(format!("tensors of type {other:?} are not read")),
    })
}

/// The files of a safetensors index, in order; `None` when the text is no such index.
fn index(text: &[u8]) -> Option<Outcome<Vec<String>>> {
    if !text.starts_with(b"{") || text.len() as u64 > LARGEST_HEADER {
        return None;
    }
    let json: serde_json::Value = serde_json::from_slice(text).ok()?;
    let map = json.get("weight_map")?.as_object()?;
    let mut files: Vec<String> = map.values().filter_map(|v| v.as_str()).map(str::to_owned).collect();
    files.sort();
    files.dedup();
    let elsewhere = files.iter().find(|f| Path::new(f).file_name().is_none_or(|n| n != f.as_str()));
    Some(match elsewhere {
        Some(file) => Err(format!("its index names `{file}`, which does not lie beside it")),
        None => Ok(files),
    })
}
