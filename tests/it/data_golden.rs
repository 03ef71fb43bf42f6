//! File names and preprocessing as the published programs have them.

use std::fs;

use reid_workbench::data::augment::{Moves, Rect, normalise_into};
use reid_workbench::data::decode;
use reid_workbench::data::layout::names::{self, Name};
use reid_workbench::data::layout::{cuhk03np, msmt17, personx};
use safetensors::SafeTensors;
use serde_json::Value;

use crate::data_kit::golden;

fn parse(kind: &str, name: &str) -> Option<Name> {
    match kind {
        "market" | "duke" | "veri" => names::pid_cam(name),
        "msmt17_list" => msmt17::parse_line(name).map(|(_, n)| n),
        "cuhk03" => cuhk03np::parse_extracted(name),
        "personx" => personx::parse(name),
        other => panic!("a kind of name that no layout reads: {other}"),
    }
}

#[test]
fn file_names_say_what_the_reference_loaders_read() {
    let text = fs::read_to_string(golden("names/expected.json")).unwrap();
    let cases: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let mut seen = 0;
    for (kind, list) in &cases {
        for case in list.as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            let found = parse(kind, name).unwrap_or_else(|| panic!("{kind}: {name} not understood"));
            assert_eq!(found.pid.map(i64::from), case["pid"].as_i64(), "{kind}: pid of {name}");
            assert_eq!(found.camid.map(i64::from), case["camid0"].as_i64(), "{kind}: camera of {name}");
            assert_eq!(found.pid.is_some_and(|p| p < 0), case["dropped"].as_bool().unwrap(), "{kind}: junk {name}");
            seen += 1;
        }
    }
    assert_eq!(seen, 16);
}

const SIZE: (usize, usize) = (256, 128);
const IMAGES: [&str; 5] =
    ["img0_64x128.png", "img1_128x256.png", "img2_200x420.png", "img3_37x91.png", "img4_301x200.png"];

fn expected(name: &str) -> Vec<u8> {
    let bytes = fs::read(golden("preprocess/resize_normalise/expected.safetensors")).unwrap();
    SafeTensors::deserialize(&bytes).unwrap().tensor(name).unwrap().data().to_vec()
}

fn expected_f32(name: &str) -> Vec<f32> {
    expected(name).chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

fn farthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

#[test]
fn bicubic_resize_equals_pil() {
    for (i, file) in IMAGES.iter().enumerate() {
        let path = golden("preprocess/resize_normalise").join(file);
        let ours = decode::load_resized(&path, SIZE.0, SIZE.1).unwrap();
        let theirs = expected(&format!("resized_{i}"));
        assert_eq!(ours.len(), theirs.len(), "{file}");
        let differing = ours.iter().zip(&theirs).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 0, "{file}: {differing} of {} values differ", theirs.len());
    }
}

#[test]
fn normalisation_and_augmentation_equal_the_reference() {
    let resized = expected("resized_0");
    let mut ours = vec![0.0; 3 * SIZE.0 * SIZE.1];
    normalise_into(&resized, SIZE.0, SIZE.1, &mut ours);
    assert!(farthest(&ours, &expected_f32("norm_0")) <= 1e-6);

    let text = fs::read_to_string(golden("preprocess/resize_normalise/expected.json")).unwrap();
    let aug = &serde_json::from_str::<Value>(&text).unwrap()["aug"];
    let number = |v: &Value| v.as_u64().unwrap() as usize;
    let rect = &aug["erase"];
    let moves = Moves {
        flip: aug["flip"].as_bool().unwrap(),
        pad: number(&aug["pad"]),
        top: number(&aug["crop_top"]),
        left: number(&aug["crop_left"]),
        erase: Some(Rect {
            top: number(&rect[0]),
            left: number(&rect[1]),
            height: number(&rect[2]),
            width: number(&rect[3]),
        }),
    };
    moves.apply(&resized, SIZE.0, SIZE.1, &mut ours);
    assert!(farthest(&ours, &expected_f32("aug_0")) <= 1e-6);
}
