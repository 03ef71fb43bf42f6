//! Cache, augmentation and the loaders' threads.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use reid_workbench::data::augment::{MEAN, Moves, augment_into, normalise_into};
use reid_workbench::data::cache::ImageCache;
use reid_workbench::data::loader::{Batch, Epoch, EvalLoader, Hands, MOST_BYTES, PixelMaker, TrainLoader, look_ahead};
use reid_workbench::data::{Sample, decode, no_tick};
use reid_workbench::method::params::Augment;

use crate::data_kit::picture;

const SIZE: (usize, usize) = (16, 8);
const IMAGE: usize = 3 * SIZE.0 * SIZE.1;

fn samples(dir: &Path, n: usize) -> Arc<[Sample]> {
    (0..n)
        .map(|i| {
            let path = dir.join(format!("{i:03}.png"));
            picture(&path, (i * 9) as u8);
            Sample::new(path, i as i32, 0)
        })
        .collect()
}

fn cache(samples: &Arc<[Sample]>) -> Arc<ImageCache> {
    Arc::new(ImageCache::new(Arc::clone(samples), SIZE.0, SIZE.1, 1 << 20))
}

fn drain(next: impl FnMut() -> Option<Batch>) -> Vec<Batch> {
    std::iter::from_fn(next).collect()
}

#[test]
fn an_unreadable_file_is_grey_and_listed_once() {
    let dir = tempfile::tempdir().unwrap();
    let samples = samples(dir.path(), 3);
    fs::write(&samples[1].path, "not an image").unwrap();
    let cache = cache(&samples);
    for _ in 0..2 {
        assert!(cache.get(1).iter().all(|&v| v == 128));
        assert_eq!(&*cache.get(0), decode::load_resized(&samples[0].path, SIZE.0, SIZE.1).unwrap());
    }
    let listed = cache.unreadable();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].0, samples[1].path);
    assert!(listed[0].1.contains("is not a readable image"), "{}", listed[0].1);
}

#[test]
fn the_cache_keeps_its_bound_and_still_serves_everything() {
    let dir = tempfile::tempdir().unwrap();
    let samples = samples(dir.path(), 10);
    let bound = 4 * IMAGE as u64 + 5;
    let cache = ImageCache::new(Arc::clone(&samples), SIZE.0, SIZE.1, bound);
    cache.warm(&no_tick);
    assert_eq!(cache.bytes(), 4 * IMAGE as u64);
    for i in 0..10 {
        assert_eq!(&*cache.get(i), decode::load_resized(&samples[i].path, SIZE.0, SIZE.1).unwrap());
    }
    // What is held is served even when the file is gone.
    let held = (0..10).filter(|&i| {
        fs::remove_file(&samples[i].path).unwrap();
        cache.get(i).iter().any(|&v| v != 128)
    });
    assert_eq!(held.count(), 4);
}

#[test]
fn batches_are_in_order_and_the_same_for_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(&samples(dir.path(), 12));
    let batches: Vec<Vec<u32>> = (0..9).map(|b| (0..5).map(|p| (b * 5 + p * 7) % 12).collect()).collect();
    let run = |threads: usize, ahead: usize, seed: u64| {
        let mut loader =
            TrainLoader::new(Arc::clone(&cache), batches.clone(), Augment::default(), seed, ahead, threads).unwrap();
        drain(|| loader.next())
    };
    let one = run(1, 1, 42);
    assert_eq!(one.iter().map(|b| b.indices.clone()).collect::<Vec<_>>(), batches);
    assert!(one.iter().all(|b| b.pixels.len() == 5 * IMAGE));
    assert!(one == run(4, 2, 42) && one == run(3, 64, 42));
    assert!(one != run(1, 1, 43));
    // The same image twice in an epoch is augmented differently.
    let first = |b: usize| {
        let p = batches[b].iter().position(|&i| i == 0).map(|p| p * IMAGE);
        p.map(|p| one[b].pixels[p..p + IMAGE].to_vec())
    };
    let seen: Vec<Vec<f32>> = (0..9).filter_map(first).collect();
    assert!(seen.len() > 1 && seen[0] != seen[1]);
}

#[test]
fn the_eval_loader_only_normalises_and_keeps_the_last_part() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(&samples(dir.path(), 7));
    let mut loader = EvalLoader::new(Arc::clone(&cache), (0..7).collect(), 3, 2, 2).unwrap();
    let batches = drain(|| loader.next());
    assert_eq!(batches.iter().map(|b| b.indices.len()).collect::<Vec<_>>(), [3, 3, 1]);
    let mut expected = vec![0.0; IMAGE];
    normalise_into(&cache.get(6), SIZE.0, SIZE.1, &mut expected);
    assert_eq!(batches[2].pixels, expected);
}

#[test]
fn dropping_a_loader_stops_its_threads() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(&samples(dir.path(), 4));
    let batches = vec![vec![0, 1, 2, 3]; 100_000];
    let mut loader = TrainLoader::new(Arc::clone(&cache), batches, Augment::default(), 1, 4, 3).unwrap();
    assert!(loader.next().is_some());
    drop(loader);
    // Every thread held the cache; only ours is left, so all of them have ended.
    assert_eq!(Arc::strong_count(&cache), 1);
}

#[test]
fn a_loader_that_begins_in_mid_epoch_makes_the_same_batches() {
    let dir = tempfile::tempdir().unwrap();
    let cache = cache(&samples(dir.path(), 3));
    let off = Augment { flip: 0.0, pad: 0, erase: 0.0 };
    let epoch = Epoch { batches: vec![vec![0, 2, 1]; 7].into(), seed: 5 };
    let hands = Hands { maker: PixelMaker::Threads, ahead: 2, threads: 2 };
    let from = |first: usize, augment: Augment| {
        let mut loader = TrainLoader::starting_at(&epoch, first, hands, Arc::clone(&cache), augment).unwrap();
        drain(|| loader.next())
    };
    let whole = from(0, Augment::default());
    assert_eq!(whole.len(), 7);
    assert!(from(4, Augment::default()) == whole[4..]);
    assert!(from(7, Augment::default()).is_empty());
    let plain = from(6, off);
    let mut expected = vec![0.0; IMAGE];
    normalise_into(&cache.get(0), SIZE.0, SIZE.1, &mut expected);
    assert_eq!((plain.len(), &plain[0].pixels[..IMAGE]), (1, &expected[..]));
}

#[test]
fn the_look_ahead_is_bounded_in_bytes_whatever_the_number_of_threads() {
    let paper = 64 * 3 * 256 * 128 * 4;
    for (threads, ahead, bytes) in [(63, 4, paper), (1, 4, paper), (63, 4, 1), (8, 4, MOST_BYTES), (3, 64, paper)] {
        let (used, room) = look_ahead(threads, ahead, bytes);
        assert!((1..=threads).contains(&used) && room >= 1);
        let held = used * (room + 1) * bytes;
        assert!(held <= MOST_BYTES.max(2 * bytes), "{threads} threads hold {held} bytes");
    }
    assert_eq!(look_ahead(1, 4, paper), (1, 4), "a short look-ahead stays as it was asked for");
}

#[test]
fn augmentation_draws_within_its_bounds() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let settings = Augment { flip: 0.5, pad: 10, erase: 0.5 };
    let (height, width) = (256, 128);
    let (mut flips, mut erased, n) = (0, 0, 2000);
    for _ in 0..n {
        let moves = Moves::draw(height, width, &settings, &mut rng);
        assert!(moves.top <= 20 && moves.left <= 20);
        flips += usize::from(moves.flip);
        if let Some(r) = moves.erase {
            erased += 1;
            assert!(r.height < height && r.width < width && r.top + r.height <= height && r.left + r.width <= width);
            let share = (r.height * r.width) as f64 / (height * width) as f64;
            assert!((0.018..0.42).contains(&share), "{share}");
        }
    }
    assert!((800..1200).contains(&flips) && (800..1200).contains(&erased), "{flips} {erased}");
}

#[test]
fn an_erased_patch_holds_the_mean_triple() {
    let always = Augment { flip: 0.0, pad: 0, erase: 1.0 };
    let mut out = vec![0.0; IMAGE];
    augment_into(&decode::grey(SIZE.0, SIZE.1), SIZE.0, SIZE.1, &always, &mut ChaCha8Rng::seed_from_u64(1), &mut out);
    let plane = SIZE.0 * SIZE.1;
    for (c, mean) in MEAN.iter().enumerate() {
        let patch = out[c * plane..(c + 1) * plane].iter().filter(|&&v| v == *mean).count();
        assert!(patch > 0 && patch < plane, "channel {c}: {patch}");
    }
}
