//! Folders, lists and pictures as people have them, through `datasets check`: what is read, what is said, and the exit
//! code.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use image::{ImageFormat, RgbImage};
use serde_json::Value;

use crate::data_kit::pictures;
use reid_workbench::data::layout::names::PATTERNS;

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reid-workbench"));
        command.current_dir(self.0.path()).env("REID_CONFIG_DIR", self.path("config"));
        command
    }

    /// The report, the exit code, and what was said.
    fn check(&self, set: &str, more: &[&str]) -> (Value, i32, String) {
        let output = self.program().args(["datasets", "check", set]).args(more).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (serde_json::from_slice(&output.stdout).unwrap_or(Value::Null), output.status.code().unwrap(), said)
    }

    /// Ids, images and cameras of the three splits.
    fn counts(&self, set: &str) -> [[u64; 3]; 3] {
        let (report, _, said) = self.check(set, &[]);
        let split = |i: usize| {
            let s = &report["splits"][i];
            ["ids", "images", "cameras"].map(|k| s[k].as_u64().unwrap_or_else(|| panic!("{said}")))
        };
        [split(0), split(1), split(2)]
    }

    fn notes(&self, set: &str) -> String {
        self.check(set, &[]).0["notes"].to_string()
    }

    /// One picture at each of these places.
    fn write(&self, names: impl IntoIterator<Item = String>) {
        let names: Vec<String> = names.into_iter().collect();
        pictures(self.0.path(), &names.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn every_pattern_reads_its_own_example_and_nothing_from_the_middle() {
    for pattern in &PATTERNS {
        let (name, says) = pattern.example;
        assert_eq!(pattern.parse(name), Some(says), "{}", pattern.habit);
        let first = PATTERNS.iter().find(|p| p.parse(name).is_some()).unwrap();
        assert_eq!(first.habit, pattern.habit, "{name}");
        assert_eq!(pattern.parse(&format!("x!{name}")), None, "{}", pattern.habit);
    }
}

#[test]
fn clothes_are_not_people() {
    let bench = Bench::new();
    let mut names = Vec::new();
    for (split, people, cameras) in [("train", 0..8, &[1, 2][..]), ("query", 20..24, &[3]), ("test", 20..24, &[1, 2])] {
        for p in people {
            for (clothes, camera) in [1, 2].iter().flat_map(|c| cameras.iter().map(move |k| (c, k))) {
                names.push(format!("LTCC_ReID/{split}/{p:03}_{clothes}_c{camera}_000001.png"));
            }
        }
    }
    bench.write(names);
    assert_eq!(bench.counts("LTCC_ReID"), [[8, 32, 2], [4, 8, 1], [4, 16, 2]]);
    let (report, code, _) = bench.check("LTCC_ReID", &[]);
    assert_eq!((report["layout"].as_str(), report["cameras"].as_u64(), code), (Some("ltcc"), Some(3), 0));
    let example = "train: 000_1_c1_000001.png → person 0, camera 1, clothes 1";
    assert!(report["notes"].to_string().contains(example), "{report}");
}

#[test]
fn names_of_all_kinds_are_read_from_their_beginning() {
    let bench = Bench::new();
    type Naming = fn(i32, i32) -> String;
    let kinds: [(&str, Naming); 14] = [
        ("viper", |p, k| format!("c{k}_{p:03}_90.png")),
        ("hyphens", |p, k| format!("{p:04}-c{k}-0001.png")),
        ("before", |p, k| format!("person-{p:03}_c{k}_01.png")),
        ("upper", |p, k| format!("{p:04}_C{k}_F0001.PNG")),
        ("word", |p, k| format!("ID{p}_cam{k}_a.png")),
        ("mars", |p, k| format!("{p:04}C{k}T0001F001.png")),
        ("cuhk03", |p, k| format!("2_{p:03}_{k}_01.png")),
        ("words", |p, k| format!("person_{p:04}_cam_{k:02}_0001.png")),
        ("capitals", |p, k| format!("ID_{p:04}_CAM_{k}_1.PNG")),
        ("first", |p, k| format!("C{k:02}_P{p:04}_0001.png")),
        ("spaces", |p, k| format!("{p:04} c{k} 0001.png")),
        ("dots", |p, k| format!("{p:04}.c{k}.0001.png")),
        ("joined", |p, k| format!("{p:04}c{k}s1_1.png")),
        ("copies", |p, k| format!("{p:04}_c{k}s1_000451_01 (2).png")),
    ];
    for (kind, name) in kinds {
        bench.write((1..5).map(|p| format!("{kind}/train/{}", name(p, 1))));
        bench.write((1..5).map(|p| format!("{kind}/query/{}", name(p, 1))));
        bench.write((1..5).map(|p| format!("{kind}/gallery/{}", name(p, 2))));
        assert_eq!(bench.counts(kind), [[4, 4, 1]; 3], "{kind}: {}", bench.notes(kind));
        assert_eq!(bench.check(kind, &[]).0["cameras"], 2, "{kind}");
    }
    bench.write((1..5).map(|p| format!("nocam/train/person_{p:03}_001.jpg")));
    assert_eq!(bench.counts("nocam")[0], [4, 4, 1]);
    assert!(bench.notes("nocam").contains("person_001_001.jpg → person 1"));
}

#[test]
fn folders_of_splits_are_no_people_whatever_they_are_called() {
    let bench = Bench::new();
    for (i, [train, query, gallery]) in [
        ["images_train", "images_query", "images_gallery"],
        ["train_images", "query_images", "test_images"],
        ["bbox_train", "query", "bbox_test"],
        ["trainval", "probe", "gallery"],
        ["TRAIN", "Test_Probe", "Test_Gallery"],
        ["train-set", "query-set", "gallery-set"],
    ]
    .iter()
    .enumerate()
    {
        for split in [train, query, gallery] {
            bench.write((1..4).flat_map(|p| (1..3).map(move |k| format!("set{i}/{split}/{p:04}_c{k}_1.png"))));
        }
        let set = format!("set{i}");
        assert_eq!(bench.counts(&set), [[3, 6, 2]; 3], "{train}: {}", bench.notes(&set));
    }
    // A test alone can be evaluated on; splits of nobody knows what are not taken for people.
    for split in ["query", "gallery"] {
        bench.write((1..4).map(|p| format!("alone/{split}/{p:04}_c1_1.png")));
        bench.write((1..4).map(|p| format!("people/{split}/{p:04}/img_1.png")));
    }
    for set in ["alone", "people"] {
        assert_eq!(bench.counts(set)[0], [0, 0, 0], "{set}: {}", bench.notes(set));
        assert_eq!(bench.counts(set)[2][..2], [3, 3], "{set}: {}", bench.notes(set));
    }
    bench.write((1..4).flat_map(|p| ["val", "test"].map(|s| format!("odd/{s}/{p:04}_c1_1.png"))));
    let (_, code, said) = bench.check("odd", &[]);
    assert!(code == 2 && said.contains("fits no known layout"), "{said}");
}

#[test]
fn crops_of_tracks_are_people_of_their_own() {
    let bench = Bench::new();
    for split in ["train", "test"] {
        for sequence in ["MOT17-02", "MOT17-04"] {
            let crop = |t, i| format!("mot/{split}/{sequence}/{t:04}/{i:06}.png");
            bench.write((1..4).flat_map(|t| (0..3).map(move |i| crop(t, i))));
        }
    }
    assert_eq!(bench.counts("mot"), [[6, 18, 1], [6, 6, 1], [6, 12, 1]], "{}", bench.notes("mot"));
    assert_eq!(bench.check("mot", &[]).0["layout"], "mot");
    for split in ["bounding_box_train", "bounding_box_test"] {
        let crop = |t, i| format!("patches/{split}/{t:07}_MOT17-02-FRCNN_{i:07}_acc_data.png");
        bench.write((1..4).flat_map(|t| (0..3).map(move |i| crop(t, i))));
    }
    assert_eq!(bench.counts("patches"), [[3, 9, 1], [3, 3, 1], [3, 6, 1]], "{}", bench.notes("patches"));
    bench.write((1..3).flat_map(|t| (0..3).map(move |i| format!("dance/dancetrack0001/track_{t}/{i:06}.png"))));
    assert_eq!(bench.counts("dance"), [[2, 6, 1], [0, 0, 0], [0, 0, 0]], "{}", bench.notes("dance"));
}

#[test]
fn a_folder_for_each_person_is_read_with_and_without_splits() {
    let bench = Bench::new();
    let people = |root: &str, name: fn(i32) -> String| {
        let root = root.to_owned();
        (1..5).flat_map(move |p| {
            (1..5).map({
                let root = root.clone();
                move |i| format!("{root}/{}/img{i}.png", name(p))
            })
        })
    };
    for split in ["train", "query", "gallery"] {
        bench.write(people(&format!("sets/{split}"), |p| format!("person_{p:03}")));
        bench.write(people(&format!("words/{split}"), |p| ["", "ann", "bob", "eve", "joe"][p as usize].to_owned()));
        // The file's own number is that of the frame, not of the person.
        bench.write((1..5).flat_map(|p| (1..5).map(move |i| format!("frames/{split}/{p:04}/{i:04}_1.png"))));
        bench.write((1..5).flat_map(|p| (1..5).map(move |i| format!("cams/{split}/{p:04}/c{}_{i}.png", 1 + i % 2))));
    }
    for set in ["sets", "words", "frames"] {
        assert_eq!(bench.counts(set), [[4, 16, 1]; 3], "{set}: {}", bench.notes(set));
        let (report, _, _) = bench.check(set, &[]);
        assert_eq!((report["layout"].as_str(), report["has_cameras"].as_bool()), (Some("folders"), Some(false)));
        assert!(report["notes"].to_string().contains("no cameras"), "{report}");
    }
    assert!(bench.notes("words").contains("1 ann, 2 bob, 3 eve, …"));
    assert_eq!(bench.counts("cams"), [[4, 16, 2]; 3]);
    bench.write(people("root", |p| format!("{p}")));
    assert_eq!(bench.counts("root"), [[4, 16, 1], [0, 0, 0], [0, 0, 0]]);
}

#[test]
fn layouts_of_the_field_are_recognised() {
    let bench = Bench::new();
    let w = |names: &[&str]| bench.write(names.iter().map(|n| (*n).to_owned()));
    let layout = |set: &str| bench.check(set, &[]).0["layout"].as_str().unwrap_or("none").to_owned();

    w(&["prcc/rgb/train/001/A_cropped_rgb001.jpg", "prcc/rgb/train/002/C_cropped_rgb001.jpg"]);
    w(&["prcc/rgb/test/A/003/c1.jpg", "prcc/rgb/test/B/003/c1.jpg", "prcc/rgb/test/C/003/c1.jpg"]);
    assert_eq!((layout("prcc").as_str(), bench.counts("prcc")), ("prcc", [[2, 2, 2], [1, 1, 1], [1, 1, 1]]));

    w(&["vc/train/0001-01-01-01.jpg", "vc/train/0002-02-03-01.jpg", "vc/query/0004-03-01-01.jpg"]);
    w(&["vc/gallery/0004-04-02-01.jpg"]);
    assert_eq!((layout("vc").as_str(), bench.counts("vc")), ("vcclothes", [[2, 2, 2], [1, 1, 1], [1, 1, 1]]));

    let duke = "Occluded_Duke/bounding_box_train/0001_c2_f0046182.jpg";
    w(&[duke, "Occluded_Duke/query/0005_c8_f0046985.jpg", "Occluded_Duke/bounding_box_test/0005_c1_f0046985.jpg"]);
    assert_eq!(layout("Occluded_Duke"), "occluded-duke");

    w(&["VIPeR/cam_a/000_45.bmp.jpg", "VIPeR/cam_b/000_90.jpg"]);
    bench.write((1..10).flat_map(|p| [format!("VIPeR/cam_a/{p:03}_45.jpg"), format!("VIPeR/cam_b/{p:03}_90.jpg")]));
    assert_eq!((layout("VIPeR").as_str(), bench.counts("VIPeR")), ("viper", [[5, 10, 2], [5, 5, 1], [5, 5, 1]]));

    bench.write((1..6).map(|p| format!("prid/single_shot/cam_a/person_{p:04}.png")));
    bench.write((1..9).map(|p| format!("prid/single_shot/cam_b/person_{p:04}.png")));
    assert_eq!((layout("prid").as_str(), bench.counts("prid")), ("prid2011", [[2, 4, 2], [3, 3, 1], [6, 6, 1]]));

    bench.write((1..5).map(|p| format!("grid/probe/{p:04}_1_25004_107_32_106_221.jpeg")));
    bench.write((1..5).map(|p| format!("grid/gallery/{p:04}_5_25004_107_32_106_221.jpeg")));
    w(&["grid/gallery/0000_6_25004_107_32_106_221.jpeg"]);
    assert_eq!((layout("grid").as_str(), bench.counts("grid")), ("grid", [[2, 4, 2], [2, 2, 1], [2, 3, 2]]));

    bench.write((1..5).flat_map(|p| (1..5).map(move |i| format!("campus/{p:04}{i:03}.png"))));
    assert_eq!((layout("campus").as_str(), bench.counts("campus")), ("cuhk01", [[2, 8, 2], [2, 4, 1], [2, 4, 1]]));

    w(&["last/train/000001/000001_sp1_a_01_1.jpg", "last/train/000002/000002_sp1_a_02_3.jpg"]);
    w(&["last/test/query/000003_sp1_a_01.jpg", "last/test/gallery/000003/000003_sp1_b_01.jpg"]);
    assert_eq!((layout("last").as_str(), bench.counts("last")), ("last", [[2, 2, 1], [1, 1, 1], [1, 1, 1]]));

    w(&["rand/subset/000017_s02_c03_f000264.jpg", "rand/subset/000017_s02_c04_f000264.jpg"]);
    w(&["rand/subset/000018_s03_c03_f000264.jpg"]);
    assert_eq!((layout("rand").as_str(), bench.counts("rand")[0]), ("randperson", [2, 3, 3]));

    for (part, name) in [
        ("train-set", "P16_C05_20200713_T00010_F00001_b1.jpg"),
        ("test-set-query", "P17_C05_20200713_T00011_F00001_b1.jpg"),
        ("test-set-gallery", "P17_C05_20200713_T00012_F00001_b1.jpg"),
    ] {
        w(&[&format!("deep/{part}/{name}")]);
        fs::write(bench.path(&format!("deep/{part}-bbox.txt")), format!("{name},{}\n", part.len())).unwrap();
    }
    assert_eq!((layout("deep").as_str(), bench.counts("deep")), ("deepchange", [[1, 1, 1]; 3]));

    bench.write((1..9).map(|i| format!("vid/image/{i:07}.jpg")));
    fs::create_dir_all(bench.path("vid/train_test_split")).unwrap();
    fs::write(bench.path("vid/train_test_split/train_list.txt"), "0000001 7\n0000002 7\n").unwrap();
    fs::write(bench.path("vid/train_test_split/test_list_800.txt"), "0000003 8\n0000004 8\n0000005 9\n0000006 9\n")
        .unwrap();
    assert_eq!((layout("vid").as_str(), bench.counts("vid")), ("vehicleid", [[1, 2, 1], [2, 2, 1], [2, 2, 1]]));

    bench.write((1..5).map(|i| format!("wild/images/{i:05}/00000{i}.jpg")));
    fs::create_dir_all(bench.path("wild/train_test_split")).unwrap();
    let list = |name: &str, text: &str| fs::write(bench.path(&format!("wild/train_test_split/{name}")), text).unwrap();
    list(
        "vehicle_info.txt",
        "id/image;Camera ID;Time\n00001/000001;34;x\n00002/000002;3;x\n00003/000003;4;x\n00004/000004;5;x\n",
    );
    list("train_list.txt", "00001/000001.jpg\r\n");
    list("test_3000_query.txt", "00002/000002.jpg\n");
    list("test_3000.txt", "00003/000003.jpg\n00004/000004.jpg\n");
    assert_eq!((layout("wild").as_str(), bench.counts("wild")), ("veriwild", [[1, 1, 1], [1, 1, 1], [2, 2, 2]]));
}

#[test]
fn lists_that_went_through_windows_are_read() {
    let bench = Bench::new();
    let file = |p: i32, i: i32, k: i32, sep: &str| format!("{p:04}{sep}{p:04}_{i:03}_{k:02}_0303morning_000{i}_0.png");
    for (set, sep, bom, end) in
        [("crlf", "/", "", "\r\n"), ("bom", "/", "\u{feff}", "\n"), ("back", "\\", "\u{feff}", "\r\n")]
    {
        for split in ["train", "test"] {
            bench.write((0..3).flat_map(|p| {
                (0..3).map(move |i| format!("{set}/{split}/{}", file(p, i, [1, 2, 15][i as usize], "/")))
            }));
        }
        for (list, images) in [
            ("train", &[(0, 1), (1, 2)][..]),
            ("val", &[(2, 15)]),
            ("query", &[(0, 1)]),
            ("gallery", &[(1, 2), (2, 15)]),
        ] {
            let lines =
                (0..3).flat_map(|p| images.iter().map(move |&(i, k)| format!("{} {p}{end}", file(p, i, k, sep))));
            fs::write(bench.path(&format!("{set}/list_{list}.txt")), format!("{bom}{}", lines.collect::<String>()))
                .unwrap();
        }
        assert_eq!(bench.counts(set), [[3, 9, 3], [3, 3, 1], [3, 6, 2]], "{set}");
        assert_eq!(bench.check(set, &[]).0["unreadable"], serde_json::json!([]), "{set}");
    }
}

#[test]
fn manifests_of_spreadsheets_and_pandas_are_read() {
    let bench = Bench::new();
    bench.write((1..5).flat_map(|p| (0..4).map(move |i| format!("img/{p}_{i}.png"))));
    let rows = |row: &dyn Fn(&str, i32, i32, &str) -> String| {
        let split = |p: i32, i: i32| {
            if p < 3 {
                "train"
            } else if i == 0 {
                "query"
            } else {
                "gallery"
            }
        };
        (1..5)
            .flat_map(|p| (0..4).map(move |i| (p, i)))
            .map(|(p, i)| row(&format!("img/{p}_{i}.png"), p, i % 2, split(p, i)) + "\n")
            .collect::<String>()
    };
    let plain = format!("path,pid,camid,split\n{}", rows(&|a, p, k, s| format!("{a},{p},{k},{s}")));
    let wide = |text: &str, big: bool| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("plain", plain.clone().into()),
        ("bom", format!("\u{feff}{plain}").into()),
        ("utf16le", wide(&plain.replace(',', "\t"), false)),
        ("utf16be", wide(&plain, true)),
        ("semicolon", plain.replace(',', ";").into()),
        ("tab", plain.replace(',', "\t").replace('\n', "\r\n").into()),
        ("floats", format!("path,pid,camid,split\n{}", rows(&|a, p, k, s| format!("{a},{p}.0,{k}.0,{s}"))).into()),
        (
            "words",
            format!("path,pid,camid,split\n{}", rows(&|a, p, k, s| format!("{a},person_{p:03},cam{k},{s}"))).into(),
        ),
        (
            "wide",
            format!(
                "path,pid,camid,split\n{}",
                rows(&|a, p, k, s| format!("{a},{},{k},{s}", 9_000_000_000_i64 + i64::from(p)))
            )
            .into(),
        ),
        (
            "headers",
            format!("image_name,person_id,camera_id,subset\n{}", rows(&|a, p, k, s| format!("{a},{p},{k},{s}"))).into(),
        ),
        ("excel", format!("sep=;\r\n{}", plain.replace(',', ";")).into()),
        (
            "camel",
            format!("ImageName,PersonID,CameraID,Split\n{}", rows(&|a, p, k, s| format!("{a},{p},{k},{s}"))).into(),
        ),
        (
            "crops",
            format!("crop_path\tidentity id\tcam-no\tusage\n{}", rows(&|a, p, k, s| format!("{a}\t{p}\t{k}\t{s}")))
                .into(),
        ),
        ("bars", plain.replace(',', "|").into()),
        (
            "quoted",
            format!("path,pid,camid,split\n{}", rows(&|a, p, k, s| format!("\"{a}\",\"{p}\",\"{k}\",\"{s}\""))).into(),
        ),
        ("pandas", format!(",Filename,ID,Cam,Set\n{}", rows(&|a, p, k, s| format!("7,{a},{p},{k},{s}"))).into()),
        (
            "windows",
            format!("path,pid,camid,split\n{}", rows(&|a, p, k, s| format!("{},{p},{k},{s}", a.replace('/', "\\"))))
                .into(),
        ),
    ];
    for (name, bytes) in cases {
        fs::write(bench.path(&format!("{name}.csv")), bytes).unwrap();
        let set = format!("{name}.csv");
        assert_eq!(bench.counts(&set), [[2, 8, 2], [2, 2, 1], [2, 6, 2]], "{name}: {}", bench.check(&set, &[]).2);
        assert_eq!(bench.check(&set, &[]).1, 0, "{name}");
    }
    assert!(bench.notes("words.csv").contains("1 person_001, 2 person_002, 3 person_003, …"));
    fs::write(bench.path("bad.csv"), "image,camera\na.png,1\n").unwrap();
    let (_, code, said) = bench.check("bad.csv", &[]);
    assert!(code == 2 && said.contains("no column `pid`") && said.contains("person_id"), "{said}");
}

/// A cut-off picture, a wrong extension, and every kind of file.
#[test]
fn pictures_of_every_kind_are_read_by_content_and_cut_ones_found() {
    let bench = Bench::new();
    let image = RgbImage::from_fn(32, 64, |x, y| image::Rgb([(x * 7) as u8, (y * 3) as u8, ((x * y) % 251) as u8]));
    let kinds = [
        ("png", ImageFormat::Png),
        ("jpg", ImageFormat::Jpeg),
        ("bmp", ImageFormat::Bmp),
        ("webp", ImageFormat::WebP),
        ("tif", ImageFormat::Tiff),
        ("ppm", ImageFormat::Pnm),
        ("gif", ImageFormat::Gif),
        ("jpeg", ImageFormat::Png), // its name is wrong
    ];
    for split in ["train", "query", "gallery"] {
        fs::create_dir_all(bench.path(&format!("all/{split}"))).unwrap();
        for (i, (ext, format)) in kinds.iter().enumerate() {
            image.save_with_format(bench.path(&format!("all/{split}/{i:04}_c1_0.{ext}")), *format).unwrap();
        }
    }
    let (report, code, said) = bench.check("all", &["--decode"]);
    assert_eq!((report["splits"][0]["images"].as_u64(), code), (Some(8), 0), "{said}");
    let jpeg = fs::read(bench.path("all/train/0001_c1_0.jpg")).unwrap();
    for percent in [50, 90, 99] {
        fs::write(bench.path("all/train/0001_c1_0.jpg"), &jpeg[..jpeg.len() * percent / 100]).unwrap();
        let (report, code, said) = bench.check("all", &["--decode"]);
        assert_eq!(code, 1, "{said}");
        assert!(said.trim_end().ends_with("all: 1 images cannot be read"), "{said}");
        assert!(report["unreadable"][0]["reason"].as_str().unwrap().contains("cut off"), "{report}");
    }
    // A lossy WebP of one pixel, as written by libwebp.
    const WEBP: &[u8] =
        b"RIFF\x22\0\0\0WEBPVP8 \x16\0\0\x000\x01\0\x9d\x01*\x01\0\x01\0\x0e\xc0\xfe%\xa4\0\x03p\0\0\0\0";
    fs::write(bench.path("all/train/0001_c1_0.jpg"), WEBP).unwrap();
    assert_eq!(bench.check("all", &["--decode"]).1, 0);
}

#[test]
fn names_that_are_not_latin_are_no_hindrance() {
    let bench = Bench::new();
    let market = |root: &str| {
        let root = root.to_owned();
        [("bounding_box_train", 1, 9), ("query", 21, 25), ("bounding_box_test", 21, 25)].into_iter().flat_map(
            move |(s, a, b)| {
                let root = root.clone();
                (a..b).map(move |p| format!("{root}/{s}/{p:04}_c{}s1_000001_00.png", 1 + s.len() % 2))
            },
        )
    };
    bench.write(market("行人重识别/市场"));
    bench.write(market("plain"));
    assert_eq!(bench.counts("行人重识别/市场"), bench.counts("plain"));
    assert!(bench.check("行人重识别/市场", &[]).0["root"].as_str().unwrap().ends_with("行人重识别/市场"));
    fs::create_dir_all(bench.path("config")).unwrap();
    let root = bench.path("行人重识别/市场");
    let entry = format!("[datasets.\"市场\"]\nlayout = \"market1501\"\nroot = \"{}\"\n", root.display());
    fs::write(bench.path("config/datasets.toml"), entry).unwrap();
    assert_eq!(bench.counts("市场"), bench.counts("plain"), "{}", bench.check("市场", &[]).2);
}

fn tone(path: &Path, tone: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_fn(32, 64, |x, y| image::Rgb([tone, (x * 7) as u8, (y * 3) as u8])).save(path).unwrap();
}

#[test]
fn what_stands_in_two_places_is_found_and_said() {
    let bench = Bench::new();
    for p in 1..5_u8 {
        for i in 0..2_u8 {
            tone(&bench.path(&format!("img/{p}_{i}.png")), p * 40 + i * 15);
        }
    }
    let mut text = "path,pid,split\n".to_owned();
    for p in 1..5 {
        for i in 0..2 {
            for split in if p < 3 { &["train"][..] } else { &["query", "gallery"] } {
                text += &format!("img/{p}_{i}.png,{p},{split}\n");
            }
        }
    }
    fs::write(bench.path("self.csv"), &text).unwrap();
    let (report, code, said) = bench.check("self.csv", &[]);
    assert_eq!(code, 0, "{said}");
    assert!(report["notes"].to_string().contains("4 query images stand in the gallery"), "{report}");
    let finding = |report: &Value, kind: &str| {
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["kind"] == kind)
            .map_or(0, |f| f["count"].as_u64().unwrap())
    };
    assert_eq!((finding(&report, "query-in-gallery"), finding(&report, "train-in-test")), (4, 0));

    // Copies under other names, in folders: found by content, and they do not find themselves either.
    for split in ["query", "gallery"] {
        for p in 3..5_u8 {
            tone(&bench.path(&format!("copied/{split}/{p:04}_{split}.png")), p * 40);
            tone(&bench.path(&format!("copied/{split}/{p:04}_{split}b.png")), p * 40 + 15);
        }
    }
    tone(&bench.path("copied/train/0001_a.png"), 10);
    tone(&bench.path("copied/train/0001_b.png"), 10);
    tone(&bench.path("copied/train/0002_c.png"), 120);
    let (report, _, _) = bench.check("copied", &["--decode"]);
    let kinds = ["query-in-gallery", "train-in-test", "duplicates", "single-images"];
    assert_eq!(kinds.map(|k| finding(&report, k)), [4, 1, 1, 1], "{report}");

    for set in ["self.csv", "copied"] {
        let lite = ["--set", "backbone=resnet50-lite", "--set", "image.height=64", "--set", "image.width=32"];
        let net = reid_workbench::model::net::NetSpec {
            backbone: reid_workbench::method::params::Backbone::Resnet50Lite,
            positions: None,
            domains: 1,
        };
        let weights = bench.path("w.safetensors");
        reid_workbench::model::net::Net::new(&net, tch::Device::Cpu, 1).unwrap().save(&weights).unwrap();
        let args = [
            "extract",
            "--dataset",
            set,
            "--split",
            "test",
            "--device",
            "cpu",
            "--out",
            "t.safetensors",
            "--checkpoint",
        ];
        let output = bench.program().args(args).arg(&weights).args(lite).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let output = bench
            .program()
            .args(["evaluate", "t.safetensors", "--ranks", "4", "--out", "r.safetensors"])
            .output()
            .unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["valid_queries"], 4, "{found}");
        let bytes = fs::read(bench.path("r.safetensors")).unwrap();
        let matches =
            safetensors::SafeTensors::deserialize(&bytes).unwrap().tensor("match_index").unwrap().shape().to_vec();
        assert_eq!(matches, [4], "{set}: each query has one other image of its person");
    }
}

#[cfg(unix)]
#[test]
fn each_real_folder_is_read_once_and_only_files_are_opened() {
    use std::os::unix::fs::symlink;
    let bench = Bench::new();
    bench.write((1..4).map(|p| format!("loop/train/{p:04}_c1_0.png")));
    symlink(".", bench.path("loop/train/again")).unwrap();
    symlink(".", bench.path("loop/train/more")).unwrap();
    symlink("..", bench.path("loop/train/up")).unwrap();
    symlink("/", bench.path("loop/train/all")).unwrap();
    assert_eq!(bench.counts("loop")[0], [3, 3, 1]);
    assert!(bench.notes("loop").contains("4 links lead back"), "{}", bench.notes("loop"));
    let fifo = bench.path("loop/train/0009_c1_0.png");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    symlink("/dev/zero", bench.path("loop/train/0010_c1_0.png")).unwrap();
    let (report, code, _) = bench.check("loop", &["--decode"]);
    assert_eq!(code, 1);
    let reasons = report["unreadable"].to_string();
    assert_eq!(reasons.matches("not a file").count(), 2, "{reasons}");
}

#[test]
fn no_valid_query_gives_null() {
    let bench = Bench::new();
    let floats = |n: usize| (0..n).flat_map(|i| (i as f32 + 1.0).to_le_bytes()).collect::<Vec<u8>>();
    let ids = |v: &[i32]| v.iter().flat_map(|i| i.to_le_bytes()).collect::<Vec<u8>>();
    let (q, g, qp, gp) = (floats(4), floats(6), ids(&[1, 2]), ids(&[3, 3, 4]));
    let view =
        |dtype, shape: &[usize], bytes| safetensors::tensor::TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
    use safetensors::Dtype::{F32, I32};
    let tensors = [
        ("query_features", view(F32, &[2, 2], &q)),
        ("gallery_features", view(F32, &[3, 2], &g)),
        ("query_pid", view(I32, &[2], &qp)),
        ("gallery_pid", view(I32, &[3], &gp)),
    ];
    fs::write(bench.path("t.safetensors"), safetensors::serialize(tensors, None).unwrap()).unwrap();
    let output = bench.program().args(["evaluate", "t.safetensors"]).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found["mAP"].is_null() && found["cmc"]["1"].is_null(), "{found}");
    assert_eq!(found["valid_queries"], 0);
}

#[test]
fn own_pictures_become_a_dataset_in_one_command() {
    let bench = Bench::new();
    bench.write((1..9).flat_map(|p| (1..3).flat_map(move |k| (0..3).map(move |i| format!("own/{p:04}_c{k}_{i}.png")))));
    let split = |args: &[&str]| {
        let output = bench.program().args(["datasets", "split"]).args(args).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(split(&["own", "--train-ids", "5", "--seed", "3"]).0, 0);
    assert_eq!(bench.counts("own"), [[5, 30, 2], [3, 6, 2], [3, 12, 2]]);
    let first = fs::read(bench.path("own/manifest.csv")).unwrap();
    let (code, said) = split(&["own"]);
    assert!(code == 2 && said.contains("is there already"), "{said}");
    assert_eq!(split(&["own", "--train-ids", "5", "--seed", "3", "--out", "again.csv"]).0, 0);
    let again = fs::read_to_string(bench.path("again.csv")).unwrap();
    assert_eq!(again.replace("own/", ""), String::from_utf8(first).unwrap(), "the same seed draws the same people");
    bench.write((1..5).flat_map(|p| (0..3).map(move |i| format!("people/person_{p}/{i}.png"))));
    assert_eq!(split(&["people", "--query-per-camera", "9"]).0, 0);
    assert_eq!(bench.counts("people"), [[2, 6, 1], [2, 4, 1], [2, 2, 1]]);
    assert!(split(&["people", "--train-ids", "4", "--out", "x.csv"]).1.contains("has a test set already"));

    fs::create_dir_all(bench.path("raw/cuhk03_release")).unwrap();
    fs::write(bench.path("raw/cuhk03_release/cuhk-03.mat"), "x").unwrap();
    let (_, code, said) = bench.check("raw", &[]);
    assert!(code == 2 && said.contains("CUHK03-NP"), "{said}");
}
