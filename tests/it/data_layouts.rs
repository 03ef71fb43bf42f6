//! Every layout on a tiny folder with the traps that real ones hold.

use std::fs;

use reid_workbench::data::layout::Options;

use crate::data_kit::{pictures, read, rows};

fn row(name: &str, pid: i32, camid: i32) -> (String, i32, i32) {
    (name.to_owned(), pid, camid)
}

const PLAIN: Options = Options { variant: None, train_val: true, domain: None, seed: None };

#[test]
fn market_with_all_its_traps() {
    let dir = tempfile::tempdir().unwrap();
    // A folder that looks like a name must not be read as one.
    let root = dir.path().join("9999_c9s9").join("Market-1501-v15.09.15");
    pictures(
        &root,
        &[
            "bounding_box_train/0007_c3s1_000001_01.jpg",
            "bounding_box_train/0002_c1s1_000451_03.jpg",
            "bounding_box_train/0007_c1s1_000002_01.JPG",
            "bounding_box_train/__MACOSX/0005_c1s1_000002_01.jpg",
            "query/1488_c2s3_013320_00.jpg.jpg",
            "bounding_box_test/-1_c1s1_000401_03.jpg",
            "bounding_box_test/0000_c6s1_000151_01.jpg",
            "bounding_box_test/1488_c4s3_013320_02.jpg",
            "bounding_box_test/._1488_c4s3_013320_02.jpg",
            "gt_bbox/0001_c1s1_000151_00.jpg",
        ],
    );
    fs::write(root.join("bounding_box_test/Thumbs.db"), "x").unwrap();
    let set = read(dir.path(), None, &PLAIN).unwrap();
    assert_eq!(set.layout, "market1501");
    assert_eq!(
        rows(&set.train),
        [
            row("0002_c1s1_000451_03.jpg", 0, 0),
            row("0007_c1s1_000002_01.JPG", 1, 0),
            row("0007_c3s1_000001_01.jpg", 1, 2)
        ]
    );
    assert_eq!(rows(&set.query), [row("1488_c2s3_013320_00.jpg.jpg", 1488, 1)]);
    assert_eq!(rows(&set.gallery), [row("0000_c6s1_000151_01.jpg", 0, 5), row("1488_c4s3_013320_02.jpg", 1488, 3)]);
    assert!(set.has_cameras);
    assert!(set.notes.iter().any(|n| n == "gallery: 1 junk images (pid -1) dropped"), "{:?}", set.notes);
    assert!(set.notes.iter().any(|n| n == "bounding_box_test: 2 other files passed over"), "{:?}", set.notes);
}

#[test]
fn a_folder_without_a_split_is_refused_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), &["bounding_box_train/0002_c1s1_000451_03.jpg", "query/0003_c1s1_000451_03.jpg"]);
    let message = read(dir.path(), Some("market1501"), &PLAIN).unwrap_err().to_string();
    assert!(message.contains("is not a Market-1501 folder"), "{message}");
    assert!(message.contains("expected the folders bounding_box_train, query and bounding_box_test"), "{message}");
    assert!(message.ends_with("found the folders bounding_box_train, query"), "{message}");
    assert!(!message.contains('\n'));
}

#[test]
fn two_datasets_below_a_folder_are_not_guessed_between() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        let names =
            ["bounding_box_train", "query", "bounding_box_test"].map(|f| format!("{name}/{f}/0002_c1s1_0_0.jpg"));
        pictures(dir.path(), &names.each_ref().map(String::as_str));
    }
    let message = read(dir.path(), None, &PLAIN).unwrap_err().to_string();
    assert!(message.contains("fits no known layout") && message.contains("found the folders one, two"), "{message}");
    assert_eq!(read(&dir.path().join("one"), None, &PLAIN).unwrap().train.len(), 1);
}

#[test]
fn duke_comes_with_its_notice() {
    let dir = tempfile::tempdir().unwrap();
    pictures(
        dir.path(),
        &[
            "DukeMTMC-reID/bounding_box_train/0001_c2_f0046182.jpg",
            "DukeMTMC-reID/query/0005_c8_f0046985.jpg",
            "DukeMTMC-reID/bounding_box_test/7139_c8_f0040532.jpg",
        ],
    );
    let set = read(dir.path(), None, &PLAIN).unwrap();
    assert_eq!(set.layout, "dukemtmcreid");
    assert_eq!(rows(&set.train), [row("0001_c2_f0046182.jpg", 0, 1)]);
    assert_eq!(rows(&set.gallery), [row("7139_c8_f0040532.jpg", 7139, 7)]);
    assert!(set.notes[0].contains("withdrawn"), "{:?}", set.notes);
}

/// MSMT17 V2 with two training people, one of them only in `val`, and a test id 0, which is a person there.
fn msmt17(root: &std::path::Path, lists: bool) {
    let a = "0000/0000_000_01_0303morning_0015_0.jpg";
    let b = "0001/0001_004_15_0302afternoon_1147_2.jpg";
    let q = "0000/0000_001_02_0303noon_0008_0.jpg";
    let g = "0000/0000_002_03_0303noon_0009_0.jpg";
    for (folder, name) in [("mask_train_v2", a), ("mask_train_v2", b), ("mask_test_v2", q), ("mask_test_v2", g)] {
        pictures(root, &[&format!("MSMT17_V2/{folder}/{name}")]);
    }
    if lists {
        for (list, text) in [
            ("train", format!("{a} 0\n")),
            ("val", format!("{b} 1\n")),
            ("query", format!("{q} 0\n")),
            ("gallery", format!("{g} 0\n\n")),
        ] {
            fs::write(root.join(format!("MSMT17_V2/list_{list}.txt")), text).unwrap();
        }
    }
}

#[test]
fn msmt17_by_its_lists_with_and_without_val() {
    let dir = tempfile::tempdir().unwrap();
    msmt17(dir.path(), true);
    let both = read(dir.path(), None, &PLAIN).unwrap();
    assert_eq!(both.layout, "msmt17");
    assert_eq!(both.train.iter().map(|s| (s.pid, s.camid)).collect::<Vec<_>>(), [(0, 0), (1, 14)]);
    assert_eq!((both.query[0].pid, both.query[0].camid, both.gallery[0].camid), (0, 1, 2));
    assert!(
        both.notes.iter().any(|n| n == "version V2") && both.notes.iter().any(|n| n == "training on train and val")
    );
    assert!(both.train[0].path.is_file(), "{}", both.train[0].path.display());
    let alone = read(dir.path(), None, &Options { train_val: false, ..PLAIN }).unwrap();
    assert_eq!(alone.train.len(), 1);
}

#[test]
fn msmt17_without_lists_falls_back_to_names_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    msmt17(dir.path(), false);
    let set = read(dir.path(), None, &PLAIN).unwrap();
    assert_eq!((set.layout, set.train.len(), set.query.len(), set.gallery.len()), ("msmt17", 2, 2, 0));
    assert!(set.notes.iter().any(|n| n.contains("list_query.txt or list_gallery.txt is missing")), "{:?}", set.notes);
}

#[test]
fn a_bad_line_of_a_list_is_named() {
    let dir = tempfile::tempdir().unwrap();
    msmt17(dir.path(), true);
    fs::write(dir.path().join("MSMT17_V2/list_query.txt"), "nonsense\n").unwrap();
    let message = read(dir.path(), None, &PLAIN).unwrap_err().to_string();
    assert!(message.contains("list_query.txt line 1: `nonsense` is not of the form"), "{message}");
}

#[test]
fn cuhk03_np_in_both_variants() {
    let dir = tempfile::tempdir().unwrap();
    for (variant, extra) in [("detected", "0002_c2_3.png"), ("labeled", "0004_c2_3.png")] {
        let names = [
            format!("{variant}/bounding_box_train/0001_c1_1.png"),
            format!("{variant}/bounding_box_train/{extra}"),
            format!("{variant}/query/0003_c1_1.png"),
            format!("{variant}/bounding_box_test/0003_c2_1.png"),
        ];
        pictures(dir.path(), &names.each_ref().map(String::as_str));
    }
    let first = |set: &reid_workbench::data::Dataset| rows(&set.train)[1].0.clone();
    let detected = read(dir.path(), None, &PLAIN).unwrap();
    assert_eq!((detected.layout, first(&detected).as_str()), ("cuhk03-np", "0002_c2_3.png"));
    let labeled = read(dir.path(), None, &Options { variant: Some("labeled".to_owned()), ..PLAIN }).unwrap();
    assert_eq!(first(&labeled), "0004_c2_3.png");
    let own = read(&dir.path().join("labeled"), None, &PLAIN).unwrap();
    assert_eq!((own.layout, first(&own).as_str()), ("cuhk03-np", "0004_c2_3.png"));
    let wrong = read(dir.path(), None, &Options { variant: Some("boxed".to_owned()), ..PLAIN });
    assert!(wrong.unwrap_err().to_string().contains("no variant `boxed`: it is detected or labeled"));
}

#[test]
fn personx_cameras_are_counted_through() {
    let dir = tempfile::tempdir().unwrap();
    let train: Vec<String> =
        [12, 3, 4, 8, 10, 11].iter().map(|c| format!("subset1/bounding_box_train/0033_c{c}_18.jpg")).collect();
    pictures(dir.path(), &train.iter().map(String::as_str).collect::<Vec<_>>());
    pictures(dir.path(), &["subset1/query/0001_c3_01.jpg", "subset1/bounding_box_test/0001_c12_01.jpg"]);
    let set = read(dir.path(), None, &PLAIN).unwrap();
    assert_eq!(set.layout, "personx");
    let mut cameras: Vec<i32> = set.train.iter().map(|s| s.camid).collect();
    cameras.sort_unstable();
    assert_eq!(cameras, [0, 1, 2, 3, 4, 5]);
    assert_eq!(rows(&set.gallery), [row("0001_c12_01.jpg", 1, 5)]);
}

#[test]
fn veri_has_three_digit_cameras() {
    let dir = tempfile::tempdir().unwrap();
    pictures(
        dir.path(),
        &[
            "VeRi_with_plate/image_train/0001_c001_00016450_0.jpg",
            "VeRi_with_plate/image_query/0402_c014_00061500_0.jpg",
            "VeRi_with_plate/image_test/0402_c020_00061500_0.jpg",
        ],
    );
    let set = read(dir.path(), None, &PLAIN).unwrap();
    assert_eq!((set.layout, set.query[0].camid, set.gallery[0].camid), ("veri776", 13, 19));
}

#[test]
fn any_market_style_folder_with_and_without_cameras() {
    let dir = tempfile::tempdir().unwrap();
    pictures(
        dir.path(),
        &["with/train/17_c2_a.png", "with/probe/3_c1_a.png", "with/gallery/3_c2_b.png", "with/train/readme.png"],
    );
    let with = read(&dir.path().join("with"), None, &PLAIN).unwrap();
    assert_eq!((with.layout, with.has_cameras), ("market-style", true));
    assert_eq!(rows(&with.train), [row("17_c2_a.png", 0, 1)]);
    assert!(
        with.notes.iter().any(|n| n.contains("train: 1 images left out") && n.contains("readme.png")),
        "{:?}",
        with.notes
    );

    pictures(dir.path(), &["without/train/0017.png", "without/query/0003_1.png", "without/test/0003-2.png"]);
    let without = read(&dir.path().join("without"), None, &PLAIN).unwrap();
    assert!(!without.has_cameras);
    assert_eq!((without.query[0].pid, without.gallery[0].camid), (3, 0));
    assert!(
        without.notes.iter().any(|n| n.contains("same-camera rule of the evaluation is off")),
        "{:?}",
        without.notes
    );

    pictures(dir.path(), &["zero/train/17_c0.png", "zero/query/3_c0.png", "zero/gallery/3_c4.png"]);
    let zero = read(&dir.path().join("zero"), None, &PLAIN).unwrap();
    assert_eq!((zero.train[0].camid, zero.gallery[0].camid), (0, 4));

    pictures(dir.path(), &["alone/train/0017_c1.png"]);
    let alone = read(&dir.path().join("alone"), None, &PLAIN).unwrap();
    assert!(alone.notes.iter().any(|n| n.contains("nothing can be evaluated")), "{:?}", alone.notes);
}

fn manifest(text: &str) -> Result<reid_workbench::data::Dataset, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("people.csv");
    fs::write(&file, text).unwrap();
    read(&file, None, &PLAIN).map_err(|e| e.to_string())
}

#[test]
fn a_csv_manifest_is_read_and_its_faults_are_named() {
    let set = manifest("path,pid,camid,split\na/1.png,20,1,train\n\"b,2.png\",10,2,train\nq.png,3,1,query\ng.png,-1,2,gallery\ng2.png,3,2,test\n").unwrap();
    assert_eq!(set.layout, "csv");
    assert_eq!(rows(&set.train), [row("1.png", 1, 0), row("b,2.png", 0, 1)]);
    assert_eq!(rows(&set.gallery), [row("g2.png", 3, 1)]);
    assert!(set.train[0].path.is_absolute());

    let no_cameras = manifest("split,pid,path\ntrain,1,a.png\n").unwrap();
    assert!(!no_cameras.has_cameras);
    for (text, part) in [
        (
            "path,camid,split\na.png,1,train\n",
            "line 1: there is no column `pid`: expected path,pid,camid,split, found path,camid,split",
        ),
        ("path,pid,camid,split\na.png,,1,train\n", "line 2: `a.png` has no pid"),
        ("path,pid,camid,split\na.png,1,1,tarin\n", "line 2: `tarin` is no split: expected train, query or gallery"),
        ("path,pid,camid,split\na.png,1,-2,train\n", "line 2: camid -2 is negative"),
        ("path,pid,camid,split\na.png,1,1,train\nb.png,1,,train\n", "1 of 2 rows have no camid"),
        ("path,pid,camid,split\na.png,1,1\n", "line 2"),
        ("path,pid,camid,split\n", "there are no rows below the header"),
        ("path,pid,camid,split\n,1,1,train\n", "line 2: the path is empty"),
    ] {
        let message = manifest(text).unwrap_err();
        assert!(message.contains(part), "{text:?} gave: {message}");
    }
}
