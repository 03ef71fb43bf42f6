//! The two containers of `torch.save`: a zip archive (PyTorch ≥ 1.6), and a row of pickles with raw storages behind
//! them (before, and many published ImageNet weights still).

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use tch::{Kind, Tensor};

use super::pickle::{Pickle, PickleValue, Storage, TensorRef};
use super::zip::ZipEntries;

type Outcome<T> = Result<T, String>;

/// A tensor of a file, not yet built.
pub struct Stored {
    /// The keys that lead to it, with dots between.
    pub name: String,
    /// How much of the name is of the dictionaries around it.
    pub dict: usize,
    /// The type of its elements.
    pub kind: Kind,
    /// Where its storage lies in the file.
    pub place: Range<usize>,
    tensor: Rc<TensorRef>,
}

impl Stored {
    /// Its shape.
    pub fn shape(&self) -> &[i64] {
        &self.tensor.size
    }
}

/// The tensors of a file by name.
///
/// # Errors
/// A sentence when the file is none of `torch.save`, or holds something else.
pub fn read(bytes: &[u8]) -> Outcome<Vec<Stored>> {
    if bytes.starts_with(b"PK") { read_zip(bytes) } else { read_legacy(bytes) }
}

fn read_zip(bytes: &[u8]) -> Outcome<Vec<Stored>> {
    let archive = ZipEntries::open(bytes)?;
    if archive.names().any(|n| n.ends_with("constants.pkl")) {
        return Err(
            "it is a TorchScript archive, which holds a program; save the network's state_dict() instead".to_owned()
        );
    }
    if archive.names().any(|n| n.ends_with(".npy")) {
        return Err("it is a .npz of NumPy, not weights of a network".to_owned());
    }
    let pickle = archive
        .names()
        .find(|n| *n == "data.pkl" || n.ends_with("/data.pkl"))
        .ok_or("the zip archive has no data.pkl; a file of torch.save was expected")?
        .to_owned();
    let folder = pickle.trim_end_matches("data.pkl");
    if archive.get(&format!("{folder}byteorder")).is_some_and(|order| bytes[order] != *b"little") {
        return Err("the file was written on a big-endian machine".to_owned());
    }
    let place =
        archive.get(&pickle).ok_or("its data.pkl is compressed, which torch.save does not do; unpack it first")?;
    let (machine, root, _) = Pickle::read(&bytes[place])?;
    // A key is a number or a short word; a long one would be copied for each tensor.
    let storages = |storage: &Storage| {
        Some(&*storage.key).filter(|k| k.len() <= LONGEST).and_then(|key| archive.get(&format!("{folder}data/{key}")))
    };
    list(&machine, &root, &storages, bytes.len())
}

/// Magic number, protocol, system, the object, the storages' keys; then each storage: its length, its elements.
fn read_legacy(bytes: &[u8]) -> Outcome<Vec<Stored>> {
    const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
    let (_, magic, mut at) = Pickle::read(bytes)?;
    if magic != PickleValue::Long(MAGIC.as_slice().into()) {
        return Err("it is a pickle, but not one of torch.save".to_owned());
    }
    for _ in 0..2 {
        at += Pickle::read(&bytes[at..])?.2;
    }
    let (machine, root, used) = Pickle::read(&bytes[at..])?;
    at += used;
    let (keys, listed, used) = Pickle::read(&bytes[at..])?;
    at += used;
    let PickleValue::Sequence(keys_at) = listed else { return Err("the file does not list its storages".to_owned()) };
    let classes = storage_classes(&machine);
    let mut found: HashMap<String, Range<usize>> = HashMap::new();
    for key in &keys.sequences[keys_at] {
        let PickleValue::Str(key) = key else { return Err("the file does not list its storages by name".to_owned()) };
        let class = classes.get(&**key).ok_or_else(|| format!("nothing uses storage {key}"))?;
        let element = kind_of(class)?.elt_size_in_bytes();
        let head = bytes.get(at..at + 8).ok_or("the file is cut off: download it again")?;
        let length = head.iter().rev().fold(0u64, |n, &b| (n << 8) | u64::from(b));
        let size = usize::try_from(length).ok().and_then(|n| n.checked_mul(element)).ok_or("the file is damaged")?;
        let end = (at + 8).checked_add(size).filter(|&e| e <= bytes.len());
        let end = end.ok_or("the file is cut off: download it again")?;
        found.insert(key.to_string(), at + 8..end);
        at = end;
    }
    list(&machine, &root, &|storage: &Storage| found.get(&*storage.key).cloned(), bytes.len())
}

/// The class of each storage that some tensor of the pickle uses.
fn storage_classes(machine: &Pickle) -> HashMap<&str, &str> {
    let values = machine.sequences.iter().flatten().chain(machine.dicts.iter().flatten().map(|(_, v)| v));
    values
        .filter_map(|v| match v {
            PickleValue::Storage(s) => Some(s),
            PickleValue::Tensor(t) => Some(&t.storage),
            _ => None,
        })
        .map(|s| (&*s.key, &*s.class))
        .collect()
}

fn kind_of(class: &str) -> Outcome<Kind> {
    Ok(match class.rsplit('.').next().unwrap_or(class) {
        "FloatStorage" => Kind::Float,
        "DoubleStorage" => Kind::Double,
        "HalfStorage" => Kind::Half,
        "BFloat16Storage" => Kind::BFloat16,
        "LongStorage" => Kind::Int64,
        "IntStorage" => Kind::Int,
        "ShortStorage" => Kind::Int16,
        "CharStorage" => Kind::Int8,
        "ByteStorage" => Kind::Uint8,
        "BoolStorage" => Kind::Bool,
        other => return Err(format!("tensors of {other} are not read")),
    })
}

/// Finds every tensor that stands by name in a dictionary, in dictionaries up to four deep; lists count as
/// dictionaries by number. Each dictionary is looked at once, so that one that holds itself ends.
struct Search<'a> {
    machine: &'a Pickle,
    seen: HashSet<(bool, usize)>,
    /// Bytes of names that may still be made.
    left: usize,
    found: Vec<(String, usize, Rc<TensorRef>)>,
}

/// Dictionaries within dictionaries, at most.
const DEEPEST: usize = 4;
/// The longest name of a tensor or dictionary that is believed.
const LONGEST: usize = 256;
/// Tensors in a file, at most: networks have hundreds, with an optimiser some thousands.
const MOST: usize = 100_000;

impl Search<'_> {
    fn look(&mut self, value: &PickleValue, path: &str, depth: usize) -> Outcome<()> {
        let (is_dict, at) = match value {
            PickleValue::Dict(i) => (true, *i),
            PickleValue::Sequence(i) => (false, *i),
            _ => return Ok(()),
        };
        if depth > DEEPEST || !self.seen.insert((is_dict, at)) {
            return Ok(());
        }
        let machine = self.machine;
        if is_dict {
            machine.dicts[at].iter().try_for_each(|(key, value)| self.entry(key, value, path, depth))
        } else {
            let numbered = machine.sequences[at].iter().enumerate();
            // Long lists are numbers, not networks.
            numbered.take(64).try_for_each(|(i, value)| self.entry(&PickleValue::Int(i as i64), value, path, depth))
        }
    }

    fn entry(&mut self, key: &PickleValue, value: &PickleValue, path: &str, depth: usize) -> Outcome<()> {
        let name = match (key, value) {
            (PickleValue::Str(name), PickleValue::Tensor(_) | PickleValue::Dict(_) | PickleValue::Sequence(_))
                if name.len() <= LONGEST =>
            {
                format!("{path}{name}")
            }
            (PickleValue::Int(n), PickleValue::Tensor(_) | PickleValue::Dict(_)) => format!("{path}{n}"),
            _ => return Ok(()),
        };
        self.left = self.left.checked_sub(name.len() + 1).ok_or("the file names more tensors than it can hold")?;
        match value {
            PickleValue::Tensor(_) if self.found.len() == MOST => {
                return Err(format!("it names more than {MOST} tensors"));
            }
            PickleValue::Tensor(t) => self.found.push((name, path.len(), Rc::clone(t))),
            _ => self.look(value, &format!("{name}."), depth + 1)?,
        }
        Ok(())
    }
}

/// Every tensor of the pickle with a name, and where its elements lie.
fn list(
    machine: &Pickle,
    root: &PickleValue,
    storages: &dyn Fn(&Storage) -> Option<Range<usize>>,
    bytes: usize,
) -> Outcome<Vec<Stored>> {
    let mut search = Search { machine, seen: HashSet::new(), left: 4 * bytes + 65_536, found: Vec::new() };
    search.look(root, "", 0)?;
    if search.found.is_empty()
        && let PickleValue::Inert(class) = root
    {
        return Err(format!(
            "it holds a whole Python object ({class}), which is never built here; save its state_dict() instead"
        ));
    }
    let stored = |(name, dict, tensor): (String, usize, Rc<TensorRef>)| {
        let place = storages(&tensor.storage).ok_or_else(|| format!("the elements of `{name}` are not in the file"))?;
        let kind = kind_of(&tensor.storage.class).map_err(|e| format!("`{name}`: {e}"))?;
        check(&tensor, kind, place.len()).map_err(|e| format!("`{name}`: {e}"))?;
        Ok(Stored { name, dict, kind, place, tensor })
    };
    search.found.into_iter().map(stored).collect()
}

/// Whether a view lies inside its storage: its first and last element.
fn check(t: &TensorRef, kind: Kind, bytes: usize) -> Outcome<(i64, i64)> {
    let available = (bytes / kind.elt_size_in_bytes()) as i64;
    let damaged = || "it reaches beyond its elements; the file is damaged".to_owned();
    if t.size.len() != t.stride.len() {
        return Err(damaged());
    }
    let count = t.size.iter().try_fold(1i64, |n, &s| n.checked_mul(s)).ok_or_else(damaged)?;
    if count == 0 {
        return Ok((0, -1));
    }
    let start = t.storage.view_offset.checked_add(t.offset).ok_or_else(damaged)?;
    let reach = t.size.iter().zip(&t.stride).try_fold(0i64, |n, (&s, &d)| n.checked_add((s - 1).checked_mul(d)?));
    let end = reach.and_then(|r| start.checked_add(r)).ok_or_else(damaged)?;
    if end >= available || count > available { Err(damaged()) } else { Ok((start, end)) }
}

impl Stored {
    /// Copies the strided view out of the storage's bytes.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn build(&self, storage: &[u8]) -> Outcome<Tensor> {
        let t = &self.tensor;
        let (start, end) = check(t, self.kind, storage.len())?;
        if end < start {
            return Tensor::f_zeros(&t.size, (self.kind, tch::Device::Cpu)).map_err(|e| e.to_string());
        }
        let element = self.kind.elt_size_in_bytes();
        let span = &storage[start as usize * element..(end as usize + 1) * element];
        let flat = Tensor::f_from_data_size(span, &[end - start + 1], self.kind).map_err(|e| e.to_string())?;
        let view = flat.f_as_strided(&t.size, &t.stride, None::<i64>).and_then(|v| v.f_contiguous());
        view.map_err(|e| e.to_string())
    }
}
