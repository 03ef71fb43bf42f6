//! The ground floor: files whole or not at all, arrays, folders, times, numbers as text, seeded streams.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use jiff::tz::{Offset, TimeZone};
use reid_workbench::base::device::DeviceChoice;
use reid_workbench::base::tensors::{Archive, Arrays};
use reid_workbench::base::{dirs, fs, rng, text, time};

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_write_that_fails_leaves_the_old_file_and_no_litter() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made/on/the/way.txt");
    fs::write_bytes(&path, "old").unwrap();
    let failed = fs::atomic_write(&path, |file| {
        file.write_all(b"half of the n")?;
        Err::<(), _>(std::io::Error::other("the disk is full"))
    });
    assert_eq!(failed.unwrap_err().to_string(), "the disk is full");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(names(path.parent().unwrap()), ["way.txt"]);
}

#[test]
fn writers_of_one_path_do_not_meet() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shared");
    let text = |k: u8| vec![k; 100_000];
    std::thread::scope(|scope| {
        for k in 0..8u8 {
            let (path, text) = (&path, text(k));
            scope.spawn(move || fs::write_bytes(path, text).unwrap());
        }
    });
    let found = std::fs::read(&path).unwrap();
    assert_eq!(found, text(found[0]), "the file is one writer's from end to end");
    assert_eq!(names(dir.path()), ["shared"]);
}

#[cfg(unix)]
#[test]
fn a_link_is_replaced_and_what_lies_behind_it_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (outside, link) = (dir.path().join("outside"), dir.path().join("link"));
    std::fs::write(&outside, "mine").unwrap();
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    fs::write_bytes(&link, "run").unwrap();
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "mine");
    assert_eq!(std::fs::read_to_string(&link).unwrap(), "run");
    assert!(!link.is_symlink());
}

#[cfg(unix)]
#[test]
fn links_out_of_a_folder_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path().join("run"), dir.path().join("outside"));
    std::fs::create_dir_all(root.join("real")).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("epochs")).unwrap();
    fs::refuse_links(&root, &root.join("real/not/there/yet")).unwrap();
    let refused = fs::refuse_links(&root, &root.join("epochs/0001/clusters")).unwrap_err().to_string();
    assert!(refused.contains("epochs is a link"), "{refused}");
    assert!(fs::refuse_links(&root, &root.join("../outside")).is_err());
    assert!(fs::refuse_links(&root, &outside).is_err());
}

#[cfg(unix)]
#[test]
fn a_pipe_and_a_folder_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe.as_path(), dir.path(), Path::new("/dev/zero")] {
        let error = fs::open_regular(path).unwrap_err().to_string();
        assert!(error.contains("not a file"), "{}: {error}", path.display());
    }
    let file = dir.path().join("file");
    std::fs::write(&file, "text").unwrap();
    let mut read = String::new();
    fs::open_regular(&file).unwrap().read_to_string(&mut read).unwrap();
    assert_eq!(read, "text");
    assert_eq!(fs::read_text(&file, 4).unwrap(), "text");
    assert_eq!(fs::read_text(&file, 3).unwrap_err().kind(), std::io::ErrorKind::FileTooLarge);
}

#[test]
fn litter_of_killed_writers_is_swept_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("epochs/0001")).unwrap();
    for name in [".clusters.safetensors.a1b2c3.tmp", ".Xyz123.tmp", "notes.tmp", ".hidden", "epochs/0001/.ranks.q.tmp"]
    {
        std::fs::write(dir.path().join(name), "x").unwrap();
    }
    assert_eq!(fs::sweep_litter(dir.path(), 2, Duration::from_secs(3600)).unwrap(), 0, "a writer may be at work");
    assert_eq!(fs::sweep_litter(dir.path(), 2, Duration::ZERO).unwrap(), 3);
    assert_eq!(names(dir.path()), [".hidden", "epochs", "notes.tmp"]);
    // Where a writer was killed, its file has such a name.
    let staged = fs::Staged::beside(&dir.path().join("last.safetensors")).unwrap();
    let name = staged.path().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with(".last.safetensors.") && name.ends_with(".tmp"), "{name}");
}

#[test]
fn folders_of_killed_makers_are_removed_and_those_being_made_are_not() {
    use reid_workbench::base::fs::StagedFolder;
    let dir = tempfile::tempdir().unwrap();
    let mine = StagedFolder::begin(dir.path(), ".drawing-").unwrap();
    std::fs::write(mine.path().join("a.png"), "a").unwrap();
    // What a killed maker leaves: the lock has ended with it.
    let left = dir.path().join(".drawing-killed");
    std::fs::create_dir_all(left.join("content")).unwrap();
    std::fs::write(left.join("owner"), "").unwrap();
    // A folder of another kind, and one that has not said yet whose it is.
    std::fs::create_dir(dir.path().join(".drawing-new")).unwrap();
    std::fs::create_dir(dir.path().join("pictures")).unwrap();
    let other = StagedFolder::begin(dir.path(), ".drawing-").unwrap();
    assert!(!left.exists() && mine.path().join("a.png").exists());
    assert!(dir.path().join(".drawing-new").exists() && dir.path().join("pictures").exists());
    mine.keep(&dir.path().join("set")).unwrap();
    drop(other);
    assert_eq!(names(dir.path()), [".drawing-new", "pictures", "set"]);
    assert_eq!(names(&dir.path().join("set")), ["a.png"]);
}

#[test]
fn a_second_name_stays_with_what_was_there() {
    use reid_workbench::base::fs::{link_or_copy, write_bytes};
    let dir = tempfile::tempdir().unwrap();
    let (last, kept) = (dir.path().join("last"), dir.path().join("kept"));
    write_bytes(&last, "one").unwrap();
    link_or_copy(&last, &kept).unwrap();
    link_or_copy(&last, &kept).unwrap();
    write_bytes(&last, "two").unwrap();
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "one");
    assert_eq!(names(dir.path()), ["kept", "last"]);
}

#[test]
fn arrays_come_back_as_they_were_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.safetensors");
    let floats = [1.5f32, -0.0, f32::MIN_POSITIVE, 3.0e38, 0.1, 7.0];
    let mut arrays = Arrays::default();
    arrays.add("m", &[2, 3], &floats).vector("bytes", &[1u8, 2, 3]).vector("wide", vec![i64::MIN, 5]);
    arrays.converted("index", &[2], &[7u32, 8], |x| x as i32).vector("none", Vec::<f32>::new());
    arrays.write(&path).unwrap();
    let file = Archive::open(&path).unwrap();
    assert_eq!(file.names().collect::<Vec<_>>(), ["bytes", "index", "m", "none", "wide"]);
    let (columns, m) = file.matrix::<f32>("m", 2).unwrap();
    assert_eq!((columns, m.map_bits()), (3, floats.to_vec().map_bits()));
    assert_eq!(file.vector::<u8>("bytes", Some(3)).unwrap(), [1, 2, 3]);
    assert_eq!(file.vector::<i64>("wide", None).unwrap(), [i64::MIN, 5]);
    assert_eq!(file.vector::<i32>("index", None).unwrap(), [7, 8]);
    assert!(file.vector::<f32>("none", None).unwrap().is_empty());
    // Other readers of the format take it too.
    let bytes = std::fs::read(&path).unwrap();
    let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(theirs.tensor("bytes").unwrap().data(), [1, 2, 3]);
    let error = file.vector::<f32>("absent", None).unwrap_err().to_string();
    assert!(error.contains("has no `absent`; it has bytes, index, m, none, wide"), "{error}");
    let error = file.vector::<f32>("bytes", None).unwrap_err().to_string();
    assert!(error.contains("`bytes` is U8, F32 was expected"), "{error}");
    let mut twice = Arrays::default();
    assert!(twice.vector("a", &[1u8]).vector("a", &[2u8]).write(&path).is_err());
}

trait MapBits {
    fn map_bits(self) -> Vec<u32>;
}

impl MapBits for Vec<f32> {
    fn map_bits(self) -> Vec<u32> {
        self.into_iter().map(f32::to_bits).collect()
    }
}

#[test]
fn arrays_longer_than_a_piece_come_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.safetensors");
    // More than a piece when read (1 MiB) and than is converted at once, and no multiple of either.
    let long: Vec<f64> = (0..200_003).map(|i| f64::from(i) / 7.0).collect();
    let mut arrays = Arrays::default();
    arrays.vector("long", &long).converted("half", &[long.len()], &long, |x: f64| x as f32);
    arrays.write(&path).unwrap();
    let file = Archive::open(&path).unwrap();
    assert_eq!(file.vector::<f64>("long", Some(long.len())).unwrap(), long);
    assert!(file.vector::<f32>("half", None).unwrap().iter().zip(&long).all(|(a, b)| *a == *b as f32));
}

#[test]
fn arrays_that_do_not_fill_their_file_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.safetensors");
    let entry = |name: &str, n: usize, from: usize, to: usize| {
        format!(r#""{name}":{{"dtype":"U8","shape":[{n}],"data_offsets":[{from},{to}]}}"#)
    };
    let write = |header: &str, data: usize| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        std::fs::write(&path, bytes).unwrap();
        Archive::open(&path).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(write(&format!("{{{},{}}}", entry("a", 2, 0, 2), entry("b", 3, 2, 5)), 5), Ok(()));
    for (what, header, data) in [
        ("a gap", format!("{{{},{}}}", entry("a", 2, 0, 2), entry("b", 2, 3, 5)), 5),
        ("an overlap", format!("{{{},{}}}", entry("a", 3, 0, 3), entry("b", 3, 2, 5)), 5),
        ("a rest", format!("{{{}}}", entry("a", 2, 0, 2)), 3),
        ("a cut", format!("{{{}}}", entry("a", 2, 0, 2)), 1),
        ("a shape", format!("{{{}}}", entry("a", 3, 0, 2)), 2),
        ("a backward place", format!("{{{}}}", entry("a", 0, 2, 0)), 0),
        ("a huge shape", r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#.into(), 0),
        ("no JSON", "{".to_owned(), 0),
    ] {
        let error = write(&header, data).expect_err(what);
        assert!(error.contains("not a whole safetensors file"), "{what}: {error}");
    }
    std::fs::write(&path, u64::MAX.to_le_bytes()).unwrap();
    assert!(Archive::open(&path).is_err());
}

#[test]
fn streams_give_the_same_bits_for_ever() {
    // The published first outputs of SplitMix64 from 0, and FNV-1a's of nothing and of "a".
    let mut stream = rng::Stream::seeded(0);
    assert_eq!([stream.word(), stream.word()], [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4]);
    assert_eq!(rng::mix(0), 0xE220_A839_7B1D_CDAF);
    let mut hash = rng::Fnv::new();
    assert_eq!(hash.value(), 0xCBF2_9CE4_8422_2325);
    hash.eat(b"a");
    assert_eq!(hash.value(), 0xAF63_DC4C_8601_EC8C);
    let mut by_name = rng::Stream::new(1, "layer1.0.conv1.weight");
    let mut again = rng::Stream::new(1, "layer1.0.conv1.weight");
    assert_eq!(by_name.normal().to_bits(), again.normal().to_bits());
    assert_ne!(rng::Stream::new(1, "a").word(), rng::Stream::new(1, "b").word());
    assert_ne!(rng::Stream::new(1, "a").word(), rng::Stream::new(2, "a").word());
}

#[test]
fn times_are_written_where_the_user_is() {
    let zone = TimeZone::fixed(Offset::from_seconds(-12_600).unwrap());
    assert_eq!(time::stamp_in(1_795_341_600.0, &TimeZone::UTC), "2026-11-22T10-00-00");
    assert_eq!(time::stamp_in(1_795_341_600.9, &zone), "2026-11-22T06-30-00");
    assert_eq!(
        [0.0, 951_782_400.0, 4_107_542_399.0].map(time::utc)[1..],
        ["2000-02-29T00:00:00Z", "2100-02-28T23:59:59Z"]
    );
    assert_eq!(time::stamp_in(f64::NAN, &TimeZone::UTC), "1970-01-01T00-00-00");
    assert_eq!(time::stamp_in(1e300, &TimeZone::UTC), "1970-01-01T00-00-00");
    assert_eq!(time::stamp(time::now()).len(), "2026-11-22T10-00-00".len());
}

#[test]
fn numbers_and_durations_are_written_in_one_way() {
    assert_eq!([text::count(999), text::count(12_936), text::count(1_000_000)], ["999", "12,936", "1,000,000"]);
    assert_eq!(
        [text::number(-12936.4, 0), text::number(-0.001, 1), text::number(f64::NAN, 1)],
        ["−12,936", "0.0", "–"]
    );
    assert_eq!([text::signed(1.25, 1), text::signed(-1.0, 1), text::signed(0.01, 1)], ["+1.2", "−1.0", "0.0"]);
    assert_eq!([text::counted(1, "cluster", "clusters"), text::counted(0, "a", "as")], ["1 cluster", "0 as"]);
    assert_eq!([text::scientific(3.5e-4), text::scientific(-1e-3)], ["3.5e-4", "−1e-3"]);
    assert_eq!(text::percent(0.1234, 1), "12.3 %");
    let durations = [0.0004, 0.08, 3.4, 38.2, 112.0, 3600.0, 14_040.0].map(text::duration);
    assert_eq!(durations, ["1 ms", "80 ms", "3.4 s", "38 s", "1 min 52 s", "1 h 0 min", "3 h 54 min"]);
    assert_eq!([512, 1_500, 999_600, 16_000_000].map(text::bytes), ["512 B", "1.5 kB", "1.0 MB", "16 MB"]);
}

#[test]
fn devices_are_read_as_they_are_written() {
    for name in ["auto", "cpu", "cuda:0", "cuda:3"] {
        assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
    }
    assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
    let error = "cuda:x".parse::<DeviceChoice>().unwrap_err().to_string();
    assert_eq!(error, "`cuda:x` is not a device; write auto, cpu, cuda or cuda:N");
}

#[test]
fn a_tilde_is_the_home_folder() {
    let home = dirs::expand(Path::new("~"));
    assert!(home.is_absolute(), "{}", home.display());
    assert_eq!(dirs::expand(Path::new("~/runs/a")), home.join("runs/a"));
    for as_it_is in ["/a/~", "a/b", "~user/a", ""] {
        assert_eq!(dirs::expand(Path::new(as_it_is)), Path::new(as_it_is));
    }
}
