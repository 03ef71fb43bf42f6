//! The two containers of `torch.save`: a zip archive (PyTorch ≥ 1.6), and a row of pickles with raw storages behind
//! them (before, and many published ImageNet weights still).

use std::collections::HashMap;

use tch::{Kind, Tensor};

use super::pickle::{Pickle, Storage, TensorRef, Value};
use super::zip::Archive;

type Outcome<T> = Result<T, String>;

/// The tensors of a file's state_dict by name.
pub fn read(bytes: &[u8]) -> Outcome<Vec<(String, Tensor)>> {
    if bytes.starts_with(b"PK") { read_zip(bytes) } else { read_legacy(bytes) }
}

fn read_zip(bytes: &[u8]) -> Outcome<Vec<(String, Tensor)>> {
    let archive = Archive::open(bytes)?;
    let pickle = archive
        .names()
        .find(|n| *n == "data.pkl" || n.ends_with("/data.pkl"))
        .ok_or("the zip archive has no data.pkl; a file of torch.save was expected")?
        .to_owned();
    let folder = pickle.trim_end_matches("data.pkl");
    if archive.get(&format!("{folder}byteorder")).is_some_and(|order| order != b"little") {
        return Err("the file was written on a big-endian machine".to_owned());
    }
    let (machine, root, _) = Pickle::read(archive.get(&pickle).unwrap_or_default())?;
    let storages = |storage: &Storage| archive.get(&format!("{folder}data/{}", storage.key));
    build(&machine, &root, &storages, 4 * bytes.len())
}

/// Magic number, protocol, system, the object, the storages' keys; then each storage: its length, its elements.
fn read_legacy(bytes: &[u8]) -> Outcome<Vec<(String, Tensor)>> {
    const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
    let (_, magic, mut at) = Pickle::read(bytes)?;
    if magic != Value::Long(MAGIC.as_slice().into()) {
        return Err("it is a pickle, but not one of torch.save".to_owned());
    }
    for _ in 0..2 {
        at += Pickle::read(&bytes[at..])?.2;
    }
    let (machine, root, used) = Pickle::read(&bytes[at..])?;
    at += used;
    let (keys, list, used) = Pickle::read(&bytes[at..])?;
    at += used;
    let Value::Sequence(list) = list else { return Err("the file does not list its storages".to_owned()) };
    let classes = storage_classes(&machine);
    let mut found: HashMap<String, &[u8]> = HashMap::new();
    for key in &keys.sequences[list] {
        let Value::Str(key) = key else { return Err("the file does not list its storages by name".to_owned()) };
        let class = classes.get(&**key).ok_or_else(|| format!("nothing uses storage {key}"))?;
        let element = kind_of(class)?.elt_size_in_bytes();
        let head = bytes.get(at..at + 8).ok_or("the file is cut off: download it again")?;
        let length = head.iter().rev().fold(0u64, |n, &b| (n << 8) | u64::from(b));
        let size = usize::try_from(length).ok().and_then(|n| n.checked_mul(element)).ok_or("the file is damaged")?;
        let end = (at + 8).checked_add(size).filter(|&e| e <= bytes.len());
        let end = end.ok_or("the file is cut off: download it again")?;
        found.insert(key.to_string(), &bytes[at + 8..end]);
        at = end;
    }
    build(&machine, &root, &|storage: &Storage| found.get(&*storage.key).copied(), 4 * bytes.len())
}

/// The class of each storage that some tensor of the pickle uses.
fn storage_classes(machine: &Pickle) -> HashMap<&str, &str> {
    let values = machine.sequences.iter().flatten().chain(machine.dicts.iter().flatten().map(|(_, v)| v));
    values
        .filter_map(|v| match v {
            Value::Storage(s) => Some(s),
            Value::Tensor(t) => Some(&t.storage),
            _ => None,
        })
        .map(|s| (&*s.key, &*s.class))
        .collect()
}

fn kind_of(class: &str) -> Outcome<Kind> {
    Ok(match class {
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

/// Finds the state_dict: the root if it holds tensors, else the first dictionary inside it, by name or at all.
fn state_dict<'a>(machine: &'a Pickle, root: &'a Value) -> Option<&'a [(Value, Value)]> {
    let mut queue = vec![(root, 0)];
    let mut at = 0;
    while let Some(&(value, depth)) = queue.get(at) {
        at += 1;
        let Value::Dict(i) = value else { continue };
        let pairs = &machine.dicts[*i];
        if pairs.iter().any(|(_, v)| matches!(v, Value::Tensor(_))) {
            return Some(pairs);
        }
        if depth < 3 {
            let preferred = |k: &Value| matches!(k, Value::Str(s) if s.contains("state_dict") || &**s == "model");
            queue.extend(pairs.iter().filter(|(k, _)| preferred(k)).map(|(_, v)| (v, depth + 1)));
            queue.extend(pairs.iter().filter(|(k, _)| !preferred(k)).map(|(_, v)| (v, depth + 1)));
        }
    }
    None
}

/// The tensors of the state_dict, at most `budget` elements in all.
fn build<'a>(
    machine: &Pickle,
    root: &Value,
    storages: &dyn Fn(&Storage) -> Option<&'a [u8]>,
    budget: usize,
) -> Outcome<Vec<(String, Tensor)>> {
    let pairs = match (state_dict(machine, root), root) {
        (Some(pairs), _) => pairs,
        (None, Value::Inert(class)) => {
            return Err(format!(
                "it holds a whole Python object ({class}), which is never built here; save its state_dict() instead"
            ));
        }
        (None, _) => return Ok(Vec::new()),
    };
    let mut out = Vec::new();
    let mut left = budget;
    for (key, value) in pairs {
        if let (Value::Str(name), Value::Tensor(t)) = (key, value) {
            let bytes = storages(&t.storage).ok_or_else(|| format!("the elements of `{name}` are not in the file"))?;
            let made = tensor(t, bytes).map_err(|e| format!("`{name}`: {e}"))?;
            // a damaged or hostile file may point at the same elements again and again
            left = left.checked_sub(made.numel()).ok_or("its tensors hold many times more than the file does")?;
            out.push((name.to_string(), made));
        }
    }
    Ok(out)
}

/// Copies a strided view out of a storage's bytes, after checking that it lies inside them.
fn tensor(t: &TensorRef, bytes: &[u8]) -> Outcome<Tensor> {
    let kind = kind_of(&t.storage.class)?;
    let element = kind.elt_size_in_bytes();
    let available = (bytes.len() / element) as i64;
    let damaged = || "it reaches beyond its elements; the file is damaged".to_owned();
    if t.size.len() != t.stride.len() {
        return Err(damaged());
    }
    let count = t.size.iter().try_fold(1i64, |n, &s| n.checked_mul(s)).ok_or_else(damaged)?;
    if count == 0 {
        return Tensor::f_zeros(&t.size, (kind, tch::Device::Cpu)).map_err(|e| e.to_string());
    }
    let start = t.storage.view_offset.checked_add(t.offset).ok_or_else(damaged)?;
    let reach = t.size.iter().zip(&t.stride).try_fold(0i64, |n, (&s, &d)| n.checked_add((s - 1).checked_mul(d)?));
    let end = reach.and_then(|r| start.checked_add(r)).ok_or_else(damaged)?;
    if end >= available || count > available {
        return Err(damaged());
    }
    let span = &bytes[start as usize * element..(end as usize + 1) * element];
    let flat = Tensor::f_from_data_size(span, &[end - start + 1], kind).map_err(|e| e.to_string())?;
    let view = flat.f_as_strided(&t.size, &t.stride, None::<i64>).and_then(|v| v.f_contiguous());
    view.map_err(|e| e.to_string())
}
