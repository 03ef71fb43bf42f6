//! Golden cases of the model: where they lie, and how to compare tensors.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tch::{Kind, Tensor};

/// The folder of a case that is kept with the tests.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden").join(name)
}

/// The folder of a case too large to be kept here, when the shared folder is beside the checkout.
pub fn large(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found =
        ["../shared/golden", "../../shared/golden"].map(|s| root.join(s).join(name)).into_iter().find(|p| p.is_dir());
    if found.is_none() {
        crate::support::skipped(name, "this large case of the reference's outputs is not beside this checkout");
    }
    found
}

/// All tensors of a safetensors file.
pub fn tensors(path: &Path) -> HashMap<String, Tensor> {
    Tensor::read_safetensors(path).unwrap().into_iter().collect()
}

/// A JSON file.
pub fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Largest absolute difference.
pub fn max_diff(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    if a.numel() == 0 {
        return 0.0;
    }
    (a.to_kind(Kind::Double) - b.to_kind(Kind::Double)).abs().max().double_value(&[])
}

/// Fails unless `a` equals `b` within `tolerance` times the largest value of `b`.
pub fn assert_close(what: &str, a: &Tensor, b: &Tensor, tolerance: f64) {
    let scale = b.to_kind(Kind::Double).abs().max().double_value(&[]);
    let diff = max_diff(a, b);
    assert!(diff <= tolerance * scale.max(1e-12), "{what}: off by {diff:.3e} of {scale:.3e}");
}

/// Whether two tensors hold the same bits.
pub fn same(a: &Tensor, b: &Tensor) -> bool {
    a.size() == b.size() && max_diff(a, b) == 0.0
}
