//! Files as `torch.save` writes them, without PyTorch: pickle protocol 2 in a zip archive, or in the old row of
//! pickles.

use std::path::Path;

/// What is pickled.
#[derive(Clone)]
pub enum Py {
    None,
    Int(i32),
    Str(String),
    List(Vec<Py>),
    Dict(Vec<(String, Py)>),
    /// Class of the storage, shape, little-endian bytes.
    Tensor(&'static str, Vec<usize>, Vec<u8>),
    /// A function applied to arguments: `os.system` and the like.
    Call(&'static str, &'static str, Vec<Py>),
}

/// A float32 tensor.
pub fn floats(shape: &[usize], values: &[f32]) -> Py {
    Py::Tensor("FloatStorage", shape.to_vec(), values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// A dictionary of these.
pub fn dict<const N: usize>(items: [(&str, Py); N]) -> Py {
    Py::Dict(items.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

struct Pickler {
    out: Vec<u8>,
    storages: Vec<(&'static str, Vec<u8>)>,
}

fn width(class: &str) -> usize {
    match class {
        "DoubleStorage" | "LongStorage" => 8,
        "HalfStorage" | "BFloat16Storage" => 2,
        _ => 4,
    }
}

impl Pickler {
    fn text(&mut self, text: &str) {
        self.out.push(b'X');
        self.out.extend((text.len() as u32).to_le_bytes());
        self.out.extend(text.as_bytes());
    }

    fn int(&mut self, n: i32) {
        self.out.push(b'J');
        self.out.extend(n.to_le_bytes());
    }

    fn global(&mut self, module: &str, name: &str) {
        self.out.extend(format!("c{module}\n{name}\n").bytes());
    }

    fn value(&mut self, value: &Py) {
        match value {
            Py::None => self.out.push(b'N'),
            Py::Int(n) => self.int(*n),
            Py::Str(text) => self.text(text),
            Py::List(items) => {
                self.out.extend(b"](");
                items.iter().for_each(|v| self.value(v));
                self.out.push(b'e');
            }
            Py::Dict(items) => {
                self.out.extend(b"}(");
                for (key, value) in items {
                    self.text(key);
                    self.value(value);
                }
                self.out.push(b'u');
            }
            Py::Tensor(class, shape, bytes) => self.tensor(class, shape, bytes),
            Py::Call(module, name, args) => {
                self.global(module, name);
                self.out.push(b'(');
                args.iter().for_each(|v| self.value(v));
                self.out.extend(b"tR");
            }
        }
    }

    fn tensor(&mut self, class: &'static str, shape: &[usize], bytes: &[u8]) {
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.out.extend(b"((");
        self.text("storage");
        self.global("torch", class);
        self.text(&self.storages.len().to_string());
        self.text("cpu");
        self.int((bytes.len() / width(class)) as i32);
        self.out.extend(b"tQ");
        self.int(0);
        self.out.push(b'(');
        shape.iter().for_each(|&n| self.int(n as i32));
        self.out.extend(b"t(");
        let strides = (0..shape.len()).map(|i| shape[i + 1..].iter().product::<usize>());
        strides.for_each(|n| self.int(n as i32));
        self.out.extend(b"t\x89");
        self.global("collections", "OrderedDict");
        self.out.extend(b")RtR");
        self.storages.push((class, bytes.to_vec()));
    }
}

fn pickled(value: &Py) -> Pickler {
    let mut p = Pickler { out: vec![0x80, 2], storages: Vec::new() };
    p.value(value);
    p.out.push(b'.');
    p
}

/// A zip archive of plainly stored entries.
pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let at = out.len() as u32;
        let mut sizes = Vec::new();
        sizes.extend([0u8; 4]); // the checksum is not looked at
        sizes.extend((bytes.len() as u32).to_le_bytes());
        sizes.extend((bytes.len() as u32).to_le_bytes());
        sizes.extend((name.len() as u16).to_le_bytes());
        sizes.extend([0, 0]);
        let head = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        out.extend(b"PK\x03\x04");
        out.extend(head);
        out.extend(&sizes);
        out.extend(name.bytes());
        out.extend(*bytes);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(head);
        directory.extend(&sizes);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.bytes());
    }
    let (at, count) = (out.len() as u32, (entries.len() as u16).to_le_bytes());
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// As PyTorch ≥ 1.6 writes it, with more entries beside.
pub fn save_with(path: &Path, value: &Py, more: &[(&str, &[u8])]) {
    let p = pickled(value);
    let names: Vec<String> = (0..p.storages.len()).map(|i| format!("archive/data/{i}")).collect();
    let mut entries: Vec<(&str, &[u8])> = vec![("archive/data.pkl", &p.out)];
    entries.extend(names.iter().map(String::as_str).zip(p.storages.iter().map(|(_, b)| b.as_slice())));
    entries.push(("archive/version", b"3\n"));
    entries.extend(more);
    std::fs::write(path, zip(&entries)).unwrap();
}

/// As PyTorch ≥ 1.6 writes it.
pub fn save(path: &Path, value: &Py) {
    save_with(path, value, &[]);
}

/// As PyTorch < 1.6 writes it: magic number, protocol, system, the object, the keys; then each storage.
pub fn save_old(path: &Path, value: &Py) {
    let mut out = vec![0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];
    out.extend([0x80, 2, b'M', 0xe9, 3, b'.']);
    out.extend([0x80, 2, b'}', b'.']);
    let p = pickled(value);
    out.extend(&p.out);
    let keys = Py::List((0..p.storages.len()).map(|i| Py::Str(i.to_string())).collect());
    out.extend(&pickled(&keys).out);
    for (class, bytes) in &p.storages {
        out.extend(((bytes.len() / width(class)) as u64).to_le_bytes());
        out.extend(bytes);
    }
    std::fs::write(path, out).unwrap();
}
