//! Outputs of the reference programs: in `tests/fixtures/golden`, and the large ones in the folder of all of
//! them where that is present.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde_json::Value;

use super::gen_features::{FeatureSpec, generate};
use super::sha256;

/// One case: its numbers as JSON, and its tensors.
pub struct Case {
    pub name: String,
    pub json: Value,
    expected: Vec<u8>,
    inputs: Vec<u8>,
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden")
}

/// The folder with everything, if it lies beside this checkout; says so when it does not.
pub fn full_folder(wanted_for: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|a| a.join("shared/golden")).find(|p| p.is_dir());
    if found.is_none() {
        super::skipped(wanted_for, "the folder of all the reference's outputs is not beside this checkout");
    }
    found
}

impl Case {
    pub fn open(root: &Path, name: &str) -> Self {
        let dir = root.join(name);
        let read = |f: &str| fs::read(dir.join(f)).unwrap_or_default();
        let json = fs::read(dir.join("expected.json")).map_or(Value::Null, |b| serde_json::from_slice(&b).unwrap());
        Self { name: name.to_owned(), json, expected: read("expected.safetensors"), inputs: read("inputs.safetensors") }
    }

    pub fn fixture(name: &str) -> Self {
        Self::open(&fixtures(), name)
    }

    pub fn spec(&self) -> FeatureSpec {
        serde_json::from_value(self.json["generator"].clone()).unwrap()
    }

    /// The case's features `[n, d]` and d, stored or generated, with their digest checked where one is given.
    pub fn features(&self) -> (Vec<f32>, usize) {
        let (features, d) = match self.json.get("generator") {
            Some(_) => (generate(&self.spec()).features, self.spec().d),
            None => (
                self.input_f32("features"),
                SafeTensors::deserialize(&self.inputs).unwrap().tensor("features").unwrap().shape()[1],
            ),
        };
        if let Some(digest) = self.json.get("features_sha256") {
            assert_eq!(sha256::of_f32(&features), digest.as_str().unwrap(), "{}: other features", self.name);
        }
        (features, d)
    }

    pub fn number(&self, path: &str) -> f64 {
        self.json.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{}: no {path}", self.name))
    }

    pub fn has(&self, tensor: &str) -> bool {
        SafeTensors::deserialize(&self.expected).is_ok_and(|t| t.tensor(tensor).is_ok())
    }

    pub fn f32(&self, tensor: &str) -> Vec<f32> {
        values(&self.expected, tensor, f32::from_le_bytes)
    }

    pub fn f64(&self, tensor: &str) -> Vec<f64> {
        values(&self.expected, tensor, f64::from_le_bytes)
    }

    pub fn i32(&self, tensor: &str) -> Vec<i32> {
        values(&self.expected, tensor, i32::from_le_bytes)
    }

    pub fn input_f32(&self, tensor: &str) -> Vec<f32> {
        values(&self.inputs, tensor, f32::from_le_bytes)
    }

    pub fn input_i32(&self, tensor: &str) -> Vec<i32> {
        values(&self.inputs, tensor, i32::from_le_bytes)
    }
}

/// The values of a tensor in a safetensors file.
pub fn values<T, const W: usize>(file: &[u8], tensor: &str, read: impl Fn([u8; W]) -> T) -> Vec<T> {
    let tensors = SafeTensors::deserialize(file).unwrap();
    let view = tensors.tensor(tensor).unwrap_or_else(|e| panic!("{tensor}: {e}"));
    assert_eq!(view.dtype().bitsize(), 8 * W, "{tensor}: another type");
    view.data().as_chunks::<W>().0.iter().map(|&b| read(b)).collect()
}
