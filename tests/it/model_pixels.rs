//! Batches and neighbours made on a device equal those of the CPU's own code; here the device is the CPU.

use std::sync::Arc;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use reid_workbench::data::augment::Moves;
use reid_workbench::data::cache::ImageCache;
use reid_workbench::data::registry;
use reid_workbench::engine::features::Extraction;
use reid_workbench::method::error::no_tick;
use reid_workbench::method::knn::neighbours;
use reid_workbench::method::params::{Augment, Backbone};
use reid_workbench::method::rows::Rows;
use reid_workbench::model::knn;
use reid_workbench::model::net::{Net, NetSpec};
use reid_workbench::model::pixels::DeviceImages;
use tch::Device;

use super::support::datasets::tiny_domain;
use super::support::gen_features::{FeatureSpec, generate};

const SIZE: (usize, usize) = (48, 24);

#[test]
fn a_batch_made_on_the_device_is_the_loaders_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("plaza");
    tiny_domain(&dir, "plaza", 1);
    let dataset = registry::open(&dir.display().to_string()).unwrap();
    let cache = ImageCache::new(dataset.train.into(), SIZE.0, SIZE.1, u64::MAX);
    let images = DeviceImages::upload(&cache, Device::Cpu, |_, _| true).unwrap().unwrap();
    let settings = Augment { flip: 0.5, pad: 7, erase: 0.7 };
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let indices: Vec<u32> = (0..12).map(|i| (i * 5) % cache.len() as u32).collect();
    let moves: Vec<Moves> = indices.iter().map(|_| Moves::draw(SIZE.0, SIZE.1, &settings, &mut rng)).collect();
    assert!(moves.iter().any(|m| m.flip) && moves.iter().any(|m| m.erase.is_some()), "the draws cover the cases");
    let made = images.batch(&indices, &moves).unwrap();
    assert_eq!(made.size(), [12, 3, 48, 24]);
    let made = Vec::<f32>::try_from(made.contiguous().view([-1])).unwrap();
    let mut expected = vec![0.0; made.len()];
    for ((&i, m), out) in indices.iter().zip(&moves).zip(expected.chunks_exact_mut(3 * SIZE.0 * SIZE.1)) {
        m.apply(&cache.get(i as usize), SIZE.0, SIZE.1, out);
    }
    assert_eq!(made, expected);
    let bare = images.batch(&[2], &[Moves::NONE]).unwrap();
    let mut expected = vec![0.0; 3 * SIZE.0 * SIZE.1];
    Moves::NONE.apply(&cache.get(2), SIZE.0, SIZE.1, &mut expected);
    assert_eq!(Vec::<f32>::try_from(bare.contiguous().view([-1])).unwrap(), expected);
    assert_eq!(Arc::strong_count(cache.samples()), 1);
}

#[test]
fn a_last_batch_that_is_filled_up_gives_the_same_features() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("plaza");
    tiny_domain(&dir, "plaza", 1);
    let dataset = registry::open(&dir.display().to_string()).unwrap();
    let images = Arc::new(ImageCache::new(dataset.train.into(), SIZE.0, SIZE.1, u64::MAX));
    let spec = NetSpec { backbone: Backbone::Resnet50Lite, positions: Some((1, 4)), domains: 1 };
    let net = Net::new(&spec, Device::Cpu, 1).unwrap();
    let uploaded = DeviceImages::upload(&images, Device::Cpu, |_, _| true).unwrap();
    let features = |on_device, batch, whole| {
        let extraction = Extraction { net: &net, domain: 0, images: &images, on_device, batch, whole };
        let mut heard = Vec::new();
        let found = extraction.run(|done| {
            heard.push(done);
            Ok(())
        });
        (found.unwrap(), heard)
    };
    let n = images.len() as u64;
    // 48 images: batches of 20 leave 8 over, and one of 50 is not filled by all of them.
    for batch in [20, 50] {
        for on_device in [None, uploaded.as_ref()] {
            let (plain, filled) = (features(on_device, batch, false), features(on_device, batch, true));
            assert_eq!(plain.0.len(), images.len() * net.dim() as usize);
            let apart = plain.0.iter().zip(&filled.0).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-6, "{apart}");
            assert_eq!(plain.1, filled.1, "what is filled in is not counted");
            assert_eq!(plain.1.last(), Some(&n));
        }
    }
}

#[test]
fn sending_images_to_the_device_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("plaza");
    tiny_domain(&dir, "plaza", 1);
    let dataset = registry::open(&dir.display().to_string()).unwrap();
    let cache = ImageCache::new(dataset.train.into(), SIZE.0, SIZE.1, u64::MAX);
    assert!(DeviceImages::upload(&cache, Device::Cpu, |done, _| done < 3).unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn neighbours_found_on_the_device_are_those_of_the_method(n in 1usize..300, k in 1usize..40, seed in 0u64..1000) {
        let spec = FeatureSpec { seed, n, d: 24, r: 8, lo: 2, hi: 9, n_out: n / 10, A: 10, B: 6, C: 2, D: 3, n_cams: 4 };
        let made = generate(&spec);
        let ours = neighbours(Rows::new(&made.features, spec.d).unwrap(), k, &no_tick).unwrap();
        let theirs = knn::neighbours(&made.features, spec.d, k, Device::Cpu, &|_, _| true).unwrap().unwrap();
        prop_assert_eq!((ours.n, ours.k), (theirs.n, theirs.k));
        for (a, b) in ours.dist.iter().zip(&theirs.dist) {
            prop_assert!((a - b).abs() < 2e-6, "{} and {}", a, b);
        }
        // Only rows whose distances are as good as equal may change places.
        let differing = ours.index.iter().zip(&theirs.index).filter(|(a, b)| a != b).count();
        prop_assert!(differing <= ours.index.len() / 100 + 2, "{} of {} differ", differing, ours.index.len());
        prop_assert!((0..n).all(|i| theirs.of(i)[0] == i as u32 && theirs.distances_of(i)[0] == 0.0));
    }
}
