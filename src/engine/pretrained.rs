//! Pre-trained networks kept for later runs: the same source, model and parameters need no second pre-training.

use std::path::{Path, PathBuf};

use super::domain::DomainData;
use crate::data::Dataset;
use crate::method::params::{Params, table};

/// Keys that a pre-training depends on, beside those that begin with `pretrain.`.
const KEYS: &[&str] = &[
    "backbone",
    "weights",
    "attention.enabled",
    "attention.positions",
    "image.height",
    "image.width",
    "augment.flip",
    "augment.pad",
    "augment.erase",
    "triplet.weight",
    "triplet.margin",
    "optim.weight_decay",
    "device.bf16",
    "seed",
];

/// Where the pre-trained network of these settings lies in the cache, or would lie.
pub fn path(cache: &Path, source: &DomainData, params: &Params) -> PathBuf {
    let mut hash = Fnv::new();
    hash.eat(env!("CARGO_PKG_VERSION").as_bytes());
    fingerprint(&source.dataset, &mut hash);
    for row in table::ROWS.iter().filter(|r| r.key.starts_with("pretrain.") || KEYS.contains(&r.key)) {
        hash.eat(row.key.as_bytes());
        hash.eat((row.get)(params).to_string().as_bytes());
    }
    if !params.weights.is_empty() {
        eat_file(Path::new(&params.weights), &mut hash);
    }
    cache.join("pretrained").join(format!("{}-{:016x}.safetensors", params.backbone.name(), hash.0))
}

/// Names, identities and sizes of the training images: a changed file nearly always changes its size.
fn fingerprint(dataset: &Dataset, hash: &mut Fnv) {
    for sample in &dataset.train {
        let name = sample.path.strip_prefix(&dataset.root).unwrap_or(&sample.path);
        hash.eat(name.as_os_str().as_encoded_bytes());
        hash.eat(&sample.pid.to_le_bytes());
        hash.eat(&std::fs::metadata(&sample.path).map_or(0, |m| m.len()).to_le_bytes());
    }
}

fn eat_file(path: &Path, hash: &mut Fnv) {
    let meta = std::fs::metadata(path);
    hash.eat(&meta.as_ref().map_or(0, std::fs::Metadata::len).to_le_bytes());
    let modified = meta.ok().and_then(|m| m.modified().ok()).and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    hash.eat(&modified.map_or(0, |d| d.as_nanos()).to_le_bytes());
}

/// FNV-1a, 64 bits: the standard library's hashes may differ between releases, names on disk must not.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn eat(&mut self, bytes: &[u8]) {
        // The length first, so that neighbouring fields cannot run into each other.
        for &b in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
