//! Every reader on damaged files: no panic, no hang. The bodies are those that a fuzzer would call; the damages are
//! drawn from a seed, so that what fails once fails again.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use reid_workbench::base::rng::Stream;
use reid_workbench::method::params::Backbone;
use reid_workbench::model::net::{Net, NetSpec};
use reid_workbench::run::graph::{write_features, write_graph};

#[path = "../fuzz/bodies.rs"]
mod bodies;

use bodies::{BODIES, Body};

use crate::sample_run;
use crate::support::torch_save::{self, dict, floats};

/// Damages of each file.
const DAMAGES: usize = 60;
/// What one reader may take for one file of at most some hundred kilobytes, other tests beside it.
const MOST: Duration = Duration::from_secs(2);

/// A sound file for every body: the corpus.
fn corpus(dir: &Path) {
    let run = dir.join("run");
    sample_run::write(&run);
    let d = 8;
    let features: Vec<f32> = (0..40 * d).map(|i| (i as f32).sin()).collect();
    write_features(&run, 0, d, &features, &[0; 40], &[0; 40]).unwrap();
    let (indptr, indices, values) = (vec![0, 1, 2], vec![1, 0], vec![0.25, 0.25]);
    let graph = reid_workbench::method::graph::Graph { n: 2, max: 0.8, indptr, indices, values };
    write_graph(&run, 0, &graph).unwrap();
    let net = NetSpec { backbone: Backbone::Resnet50Lite, positions: None, domains: 1 };
    let net = Net::new(&net, tch::Device::Cpu, 1).unwrap();
    let small: Vec<(String, tch::Tensor)> =
        net.named_variables().into_iter().filter(|(_, t)| t.numel() < 200).take(12).collect();
    reid_workbench::model::weights::write_safetensors(&dir.join("w.safetensors"), &small).unwrap();
    torch_save::save(
        &dir.join("w.pth"),
        &dict([("conv1.weight", floats(&[2, 3], &[0.5; 6])), ("fc", floats(&[1], &[1.0]))]),
    );
    let shards = r#"{"metadata":{"total_size":24},"weight_map":{"conv1.weight":"w.safetensors"}}"#;
    fs::write(dir.join("w.safetensors.index.json"), shards).unwrap();
    let last = reid_workbench::run::checkpoints::path_of(&run, "last");
    fs::create_dir_all(last.parent().unwrap()).unwrap();
    let state = format!(
        r#"{{"position":{{"phase":"adapt","epoch":1,"iter":0,"next":"cluster","step":9}},"params":{},"pending":[],"threshold":0.5,"best_map":0.4}}"#,
        serde_json::to_string(&reid_workbench::method::params::Params::default()).unwrap()
    );
    let mut tensors = vec![("state".to_owned(), tch::Tensor::from_slice(state.as_bytes()))];
    tensors.extend(small.iter().map(|(name, t)| (format!("net.{name}"), t.shallow_clone())));
    reid_workbench::model::weights::write_safetensors(&last, &tensors).unwrap();
    fs::write(reid_workbench::run::pulse::beat_path(&run), r#"{"host":"atlas","pid":7,"wall":1.5}"#).unwrap();
    fs::write(reid_workbench::run::summary::summary_path(&run), r#"{"format":1,"bytes":3,"title":"a"}"#).unwrap();
    let mut npy = b"\x93NUMPY\x01\0".to_vec();
    let head = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }          \n";
    npy.extend((head.len() as u16).to_le_bytes());
    npy.extend(head.bytes());
    npy.extend([0; 32]);
    fs::write(dir.join("f.npy"), npy).unwrap();
    image::RgbImage::from_fn(32, 64, |x, y| image::Rgb([x as u8, y as u8, 9])).save(dir.join("a.jpg")).unwrap();
    fs::write(dir.join("manifest.csv"), "path,pid,camid,split\na.jpg,1,0,train\na.jpg,2,1,query\na.jpg,2,0,gallery\n")
        .unwrap();
    fs::write(dir.join("datasets.toml"), "[datasets.mine]\nlayout = \"market1501\"\nroot = \"mine\"\n").unwrap();
    fs::write(dir.join("p.toml"), "eps = 0.5\n[adapt]\nlr = 1e-3\n").unwrap();
    let spec = "source = \"a\"\ntarget = \"b\"\n[grid]\neps = [0.5, 0.6]\n";
    fs::write(dir.join("spec.toml"), spec).unwrap();
    let study = "{\"op_code\": 0, \"worker_id\": \"w\", \"study_name\": \"s\", \"directions\": [2]}\n\
                 {\"op_code\": 4, \"worker_id\": \"w\", \"study_id\": 0, \"datetime_start\": \"2026-01-01T00:00:00\"}\n";
    fs::write(dir.join("study.log"), study).unwrap();
}

fn below(random: &mut Stream, n: usize) -> usize {
    (random.word() % n.max(1) as u64) as usize
}

/// One damage: bits, numbers at their ends, cuts, pieces doubled, brackets without end.
fn damaged(sound: &[u8], random: &mut Stream) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..=below(random, 4) {
        let at = below(random, bytes.len());
        match below(random, 9) {
            0 => bytes.truncate(at),
            1 => {
                let end = (at + below(random, 64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            2 => {
                let word = [0, u64::MAX, 1 << 63, 1 << 31, 0xffff_ffff, 0x7fff_ffff][below(random, 6)];
                bytes.iter_mut().skip(at).take(8).zip(word.to_le_bytes()).for_each(|(b, w)| *b = w);
            }
            3 => {
                let numbers = ["-1", "18446744073709551615", "1e309", "NaN", "null", "[]", "{}", "\"\"", "0"];
                let end = bytes[at..].iter().position(|b| !b.is_ascii_digit()).map_or(at, |n| at + n);
                bytes.splice(at..end, numbers[below(random, numbers.len())].bytes());
            }
            4 => {
                let many = [b'[', b'{', b'(', b'\n', 0, 0xff][below(random, 6)];
                bytes.splice(at..at, std::iter::repeat_n(many, 1 + below(random, 3000)));
            }
            5 => bytes.iter_mut().skip(at).take(1 + below(random, 16)).for_each(|b| *b = random.word() as u8),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << below(random, 8);
                }
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

fn try_out(body: &Body, dir: &Path, bytes: &[u8], what: &str) {
    let file = (body.place)(dir);
    fs::write(&file, bytes).unwrap();
    let began = Instant::now();
    let read = catch_unwind(AssertUnwindSafe(|| (body.read)(dir)));
    let keep = |why: &str| {
        let copy = std::env::temp_dir().join(format!("damaged-{}", body.name.replace(' ', "-")));
        fs::write(&copy, bytes).unwrap();
        panic!("{}, {what}: {why}; the file is {}", body.name, copy.display());
    };
    if read.is_err() {
        keep("it panicked");
    }
    if began.elapsed() > MOST {
        keep(&format!("it took {:?}", began.elapsed()));
    }
}

/// For `scripts/fuzz.sh`: a sound file for every reader, and what lies around it.
#[test]
#[ignore = "writes the corpus of scripts/fuzz.sh"]
fn write_the_corpus_of_the_fuzzer() {
    let Some(dir) = std::env::var_os("REID_FUZZ_CORPUS").map(std::path::PathBuf::from) else { return };
    corpus(&dir.join("around"));
    for body in BODIES {
        let name = body.name.replace(' ', "-");
        let seeds = dir.join("seeds").join(&name);
        fs::create_dir_all(&seeds).unwrap();
        let sound = fs::read((body.place)(&dir.join("around"))).unwrap();
        fs::write(seeds.join("sound"), &sound).unwrap();
        let mut random = Stream::new(7, body.name);
        (0..20).for_each(|n| fs::write(seeds.join(format!("damaged-{n}")), damaged(&sound, &mut random)).unwrap());
    }
}

#[test]
fn no_reader_panics_or_hangs_whatever_it_reads() {
    let dir = tempfile::tempdir().unwrap();
    corpus(dir.path());
    for body in BODIES {
        let file = (body.place)(dir.path());
        let sound = fs::read(&file).unwrap_or_else(|e| panic!("the corpus has nothing for {}: {e}", body.name));
        try_out(body, dir.path(), &sound, "as it is");
        try_out(body, dir.path(), b"", "empty");
        let mut random = Stream::new(7, body.name);
        // A thousand thumps of a long file are not worth their time here.
        let damages = if sound.len() > 100_000 { DAMAGES / 4 } else { DAMAGES };
        for n in 0..damages {
            try_out(body, dir.path(), &damaged(&sound, &mut random), &format!("damage {n}"));
        }
        fs::write(&file, &sound).unwrap();
    }
}
