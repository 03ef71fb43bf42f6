//! Arrays of this program and of others: safetensors, `.npy`, `.npz` and files of `torch.save` are read, safetensors
//! written, in pieces rather than held twice.

mod numpy;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::usage;
use crate::base::fs::open_regular;
use crate::base::tensors::{Arrays, Dtype, TensorInfo, places};
use crate::model::weights::WeightsFile;

/// Bytes read or written at once.
const PIECE: usize = 1 << 20;
/// Names that a message lists before it stops.
const NAMED: usize = 12;
/// Names that the features of a file without our names go by.
const FEATURES: &[&str] = &["features", "feature", "feats", "feat", "embeddings", "embedding", "arr_0"];

/// What other programs call our arrays: torchreid's and layumi's dumps of a test set, and plain plurals.
const ALIASES: [(&str, &[&str]); 8] = [
    ("query_features", &["qf", "query_f", "query_feat", "query_feats", "query_feature", "q_feats"]),
    ("gallery_features", &["gf", "gallery_f", "gallery_feat", "gallery_feats", "gallery_feature", "g_feats"]),
    ("query_pid", &["q_pids", "q_pid", "query_pids", "query_label", "query_labels", "query_ids", "query_id"]),
    (
        "gallery_pid",
        &["g_pids", "g_pid", "gallery_pids", "gallery_label", "gallery_labels", "gallery_ids", "gallery_id"],
    ),
    ("query_camid", &["q_camids", "q_camid", "query_camids", "query_cam", "query_cams"]),
    ("gallery_camid", &["g_camids", "g_camid", "gallery_camids", "gallery_cam", "gallery_cams"]),
    ("pid", &["pids", "person_id", "person_ids"]),
    ("camid", &["camids", "cam", "cams", "camera_id", "camera_ids"]),
];

/// Where an array lies in its file, and what it is.
#[derive(Clone, Debug)]
struct Place {
    dtype: Dtype,
    shape: Vec<usize>,
    /// First byte.
    at: u64,
    /// Column after column, as Fortran lays it out.
    by_column: bool,
}

/// Where the arrays' bytes are.
enum Source {
    File(File),
    /// A file of `torch.save`, in memory.
    /// Each array is one tensor of it, or the rows of features that stand under their images' names.
    Torch(Box<WeightsFile>, BTreeMap<String, Vec<usize>>),
}

/// An open file of arrays.
pub struct TensorReader {
    path: PathBuf,
    source: Source,
    tensors: BTreeMap<String, Place>,
}

impl TensorReader {
    /// Opens a file and checks its header against its length. An array of NumPy is called `features`.
    ///
    /// # Errors
    /// A [`super::error::UsageError`] when it cannot be read or holds no arrays.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let cannot = |e: std::io::Error| usage(format!("{shown} cannot be read: {e}"));
        let mut file = open_regular(path).map_err(cannot)?;
        let bytes = file.metadata().map_err(cannot)?.len();
        let mut first = [0u8; 8];
        let got = file.read(&mut first).map_err(cannot)?;
        file.rewind().map_err(cannot)?;
        let broken = |kind: &str, why: String| usage(format!("{shown} is not {kind}: {why}"));
        let torch = || path.extension().is_some_and(|e| ["pt", "pth", "tar"].iter().any(|t| e.eq_ignore_ascii_case(t)));
        let tensors = match &first[..got] {
            [0x93, b'N', b'U', b'M', ..] => {
                let place =
                    numpy::array(&mut file, 0, bytes).map_err(|e| broken("a .npy file that is read here", e))?;
                BTreeMap::from([("features".to_owned(), place)])
            }
            [b'P', b'K', ..] if !torch() => {
                numpy::archive(&mut file, bytes).map_err(|e| broken("a .npz file that is read here", e))?
            }
            [b'P', b'K', ..] | [0x80, ..] if torch() => return Self::torch(path),
            [b'M', b'A', b'T', b'L', b'A', b'B', ..] | [0x89, b'H', b'D', b'F', ..] => {
                let text = "is a file of MATLAB or HDF5, which are not read: save its arrays with np.savez";
                return Err(usage(format!("{shown} {text}")));
            }
            // A safetensors file may begin so too: its header's length.
            [0x80, 2..=5, ..] => safetensors_places(&file, bytes).map_err(|_| {
                let text =
                    "is a pickle of Python, which may run anything: save its arrays with np.savez or torch.save (.pt)";
                usage(format!("{shown} {text}"))
            })?,
            _ => safetensors_places(&file, bytes).map_err(|e| broken("a safetensors file", e))?,
        };
        let mut read = Self { path: path.to_owned(), source: Source::File(file), tensors };
        read.call_as_ours();
        Ok(read)
    }

    fn torch(path: &Path) -> anyhow::Result<Self> {
        let file = WeightsFile::open(path).map_err(|e| usage(e.to_string()))?;
        let mut index = BTreeMap::new();
        let mut tensors = BTreeMap::new();
        for (at, given) in file.given().iter().enumerate() {
            let shape = given.shape.iter().map(|&n| n as usize).collect();
            tensors.insert(given.name.clone(), Place { dtype: Dtype::F32, shape, at: 0, by_column: false });
            index.insert(given.name.clone(), vec![at]);
        }
        // SpCL and its kin keep a feature under each image's name.
        let rows = file.given();
        let length = rows.first().filter(|g| g.shape.len() == 1).map_or(0, |g| g.shape[0]);
        if length > 1 && rows.len() > 1 && rows.iter().all(|g| g.shape == [length] && g.name.contains('.')) {
            let shape = vec![rows.len(), length as usize];
            tensors.insert(FEATURES[0].to_owned(), Place { dtype: Dtype::F32, shape, at: 0, by_column: false });
            index.insert(FEATURES[0].to_owned(), (0..rows.len()).collect());
        }
        let mut read = Self { path: path.to_owned(), source: Source::Torch(Box::new(file), index), tensors };
        read.call_as_ours();
        Ok(read)
    }

    /// Gives arrays that go by other programs' names our own.
    fn call_as_ours(&mut self) {
        for (ours, theirs) in ALIASES {
            if self.has(ours) {
                continue;
            }
            let Some(name) = theirs.iter().find(|n| self.has(n)) else { continue };
            if let Some(place) = self.tensors.remove(*name) {
                self.tensors.insert(ours.to_owned(), place);
            }
            if let Source::Torch(_, index) = &mut self.source
                && let Some(at) = index.remove(*name)
            {
                index.insert(ours.to_owned(), at);
            }
        }
    }

    /// Brings features that stand under their images' names into the order of a list; others stay as they are.
    ///
    /// # Errors
    /// A [`super::error::UsageError`] when an image of the list has no feature.
    pub fn arrange<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) -> anyhow::Result<()> {
        let shown = self.path.display().to_string();
        let Source::Torch(file, index) = &mut self.source else { return Ok(()) };
        let Some(rows) = index.get(FEATURES[0]).filter(|rows| rows.len() > 1) else { return Ok(()) };
        let last = |name: &str| name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned();
        let by_name: BTreeMap<String, usize> = rows
            .iter()
            .map(|&at| {
                let given = &file.given()[at];
                (last(given.name.get(given.dict..).unwrap_or(&given.name)), at)
            })
            .collect();
        let mut order = Vec::new();
        for path in paths {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let at = by_name.get(&name);
            order.push(*at.ok_or_else(|| usage(format!("{shown} has no feature of {name}, which is in the list")))?);
        }
        if let Some(place) = self.tensors.get_mut(FEATURES[0]) {
            place.shape[0] = order.len();
        }
        index.insert(FEATURES[0].to_owned(), order);
        Ok(())
    }

    /// Whether there is an array of that name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The name of the features: ours, or one of those that other programs use.
    pub fn features(&self) -> &'static str {
        FEATURES.iter().find(|n| self.has(n)).copied().unwrap_or(FEATURES[0])
    }

    /// A matrix of real numbers as `f32`, whatever precision it is stored in: its values, row-major, and its columns.
    ///
    /// # Errors
    /// A [`super::error::UsageError`] when it is missing or not a matrix of real numbers.
    pub fn matrix(&mut self, name: &str) -> anyhow::Result<(Vec<f32>, usize)> {
        let mut place = self.place(name, "f32 [N, d]")?;
        if place.shape.len() > 2 && !place.by_column {
            // Pooled maps keep their sides of 1: [N, d, 1, 1].
            let rest: Vec<usize> = place.shape[1..].iter().copied().filter(|&n| n != 1).collect();
            place.shape = [&place.shape[..1], &rest].concat();
        }
        let &[n, d] = &place.shape[..] else { return Err(self.unexpected(name, "an f32 matrix [N, d]", &place)) };
        if d == 0 {
            return Err(self.unexpected(name, "an f32 matrix [N, d]", &place));
        }
        let count = n * d;
        let values = match (&self.source, place.dtype) {
            (Source::Torch(file, index), _) => torch_values(file, &index[name])?,
            (_, Dtype::F32) => self.values(&place, count, f32::from_le_bytes)?,
            (_, Dtype::F64) => self.values(&place, count, |b| f64::from_le_bytes(b) as f32)?,
            (_, Dtype::F16) => self.values(&place, count, |b| half::f16::from_le_bytes(b).to_f32())?,
            (_, Dtype::BF16) => self.values(&place, count, |b| half::bf16::from_le_bytes(b).to_f32())?,
            _ => return Err(self.unexpected(name, "a matrix of real numbers [N, d]", &place)),
        };
        Ok((if place.by_column { transposed(&values, d, n) } else { values }, d))
    }

    /// A list of ids: whole numbers of any width whose values fit into i32, also where they are stored as reals.
    ///
    /// # Errors
    /// A [`super::error::UsageError`] when it is missing, not a list of whole numbers, or not of length `n`.
    pub fn ids(&mut self, name: &str, n: usize) -> anyhow::Result<Vec<i32>> {
        let place = self.place(name, "i32 [N]")?;
        if place.shape != [n] && place.shape != [n, 1] {
            return Err(self.unexpected(name, &format!("an i32 list of {n} values"), &place));
        }
        let whole = |x: f64| if x.fract() == 0.0 { x as i64 } else { i64::MAX };
        let wide: Vec<i64> = match (&self.source, place.dtype) {
            (Source::Torch(file, index), _) => {
                torch_values(file, &index[name])?.into_iter().map(|x| whole(f64::from(x))).collect()
            }
            (_, Dtype::I32) => return self.values(&place, n, i32::from_le_bytes),
            (_, Dtype::I64) => self.values(&place, n, i64::from_le_bytes)?,
            (_, Dtype::U32) => self.values(&place, n, |b| i64::from(u32::from_le_bytes(b)))?,
            (_, Dtype::U64) => self.values(&place, n, |b| i64::try_from(u64::from_le_bytes(b)).unwrap_or(i64::MAX))?,
            (_, Dtype::I16) => self.values(&place, n, |b| i64::from(i16::from_le_bytes(b)))?,
            (_, Dtype::U16) => self.values(&place, n, |b| i64::from(u16::from_le_bytes(b)))?,
            (_, Dtype::U8) => self.values(&place, n, |b: [u8; 1]| i64::from(b[0]))?,
            (_, Dtype::I8) => self.values(&place, n, |b| i64::from(i8::from_le_bytes(b)))?,
            (_, Dtype::F32) => self.values(&place, n, |b| whole(f64::from(f32::from_le_bytes(b))))?,
            (_, Dtype::F64) => self.values(&place, n, |b| whole(f64::from_le_bytes(b)))?,
            _ => return Err(self.unexpected(name, &format!("an i32 list of {n} values"), &place)),
        };
        let narrow: Result<Vec<i32>, _> = wide.into_iter().map(i32::try_from).collect();
        narrow.map_err(|_| usage(format!("{}: `{name}` holds values that do not fit into i32", self.path.display())))
    }

    fn place(&self, name: &str, expected: &str) -> anyhow::Result<Place> {
        self.tensors.get(name).cloned().ok_or_else(|| {
            let there: Vec<&str> = self.tensors.keys().take(NAMED).map(String::as_str).collect();
            let more = if self.tensors.len() > NAMED { ", …" } else { "" };
            let there = if there.is_empty() { "nothing".to_owned() } else { there.join(", ") };
            usage(format!("{} has no tensor `{name}` ({expected}); it has {there}{more}", self.path.display()))
        })
    }

    fn unexpected(&self, name: &str, expected: &str, place: &Place) -> anyhow::Error {
        let found = format!("{:?} {:?}", place.dtype, place.shape);
        usage(format!("{}: `{name}` must be {expected}, but is {found}", self.path.display()))
    }

    fn values<T, const W: usize>(
        &self,
        place: &Place,
        count: usize,
        read: impl Fn([u8; W]) -> T,
    ) -> anyhow::Result<Vec<T>> {
        let shown = self.path.display();
        let cannot = |e: std::io::Error| usage(format!("{shown} cannot be read: {e}"));
        let Source::File(file) = &self.source else { return Ok(Vec::new()) };
        let mut file = file;
        file.seek(SeekFrom::Start(place.at)).map_err(cannot)?;
        let mut values = Vec::with_capacity(count);
        let mut piece = vec![0u8; PIECE.min(count * W)];
        let mut left = count * W;
        while left > 0 {
            // Whole values only; a piece holds a whole number of each width.
            let now = left.min(PIECE);
            file.read_exact(&mut piece[..now]).map_err(cannot)?;
            values.extend(piece[..now].as_chunks::<W>().0.iter().map(|&bytes| read(bytes)));
            left -= now;
        }
        Ok(values)
    }
}

fn torch_values(file: &WeightsFile, rows: &[usize]) -> anyhow::Result<Vec<f32>> {
    let mut values = Vec::new();
    for &at in rows {
        let tensor = file.tensor(at).map_err(|e| usage(e.to_string()))?;
        let flat = tensor.f_to_kind(tch::Kind::Float)?.f_contiguous()?.f_view([-1])?;
        values.extend(Vec::<f32>::try_from(flat)?);
    }
    Ok(values)
}

/// `[rows, columns]` from `[columns, rows]`.
fn transposed(values: &[f32], columns: usize, rows: usize) -> Vec<f32> {
    (0..rows).flat_map(|r| (0..columns).map(move |c| values[c * rows + r])).collect()
}

/// Refuses to replace a file that is not of the kind that is about to be written: `--out` over a checkpoint or over
/// weights would lose them. Ours hold one of `marks`.
///
/// # Errors
/// A [`super::error::UsageError`] that names the file.
pub fn refuse_other_kind(path: &Path, marks: &[&str]) -> anyhow::Result<()> {
    if !path.is_file() || TensorReader::open(path).is_ok_and(|file| marks.iter().any(|m| file.has(m))) {
        return Ok(());
    }
    Err(usage(format!("{} is there and holds something else: remove it first, or give another name", path.display())))
}

/// The arrays of a safetensors file.
fn safetensors_places(file: &File, bytes: u64) -> Result<BTreeMap<String, Place>, String> {
    let (begin, arrays) = places(file, bytes)?;
    let place = |info: TensorInfo| {
        let at = begin + info.data_offsets.0 as u64;
        Place { dtype: info.dtype, shape: info.shape, at, by_column: false }
    };
    Ok(arrays.into_iter().map(|(name, info)| (name, place(info))).collect())
}

/// Writes arrays into a folder that is there: a name mistyped must not make one.
///
/// # Errors
/// A [`super::error::UsageError`] when the folder does not exist; another error when writing fails.
pub fn write_arrays(path: &Path, arrays: &Arrays<'_>) -> anyhow::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(usage(format!("{} cannot be written: there is no folder {}", path.display(), folder.display())));
    }
    Ok(arrays.write(path)?)
}
