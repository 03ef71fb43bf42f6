//! MSMT17 V1 and V2: `train` and `test` with list files; `0000/0000_000_01_0303morning_0008_0.jpg 0`.

use std::path::{Path, PathBuf};

use super::names::Name;
use super::published::{PublishedCounts, PublishedNumber, SplitFigures, sure};
use super::{DataError, Layout, Options, Sample, Splits, listing};
use crate::data::files;

/// Folders of the training and test images, V1 then V2 (faces masked).
const VERSIONS: [(&str, &str, &str); 2] = [("V1", "train", "test"), ("V2", "mask_train_v2", "mask_test_v2")];

const TEST_QUERY: SplitFigures = sure(3_060, 11_659);
const TEST_GALLERY: SplitFigures = sure(3_060, 82_161);

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "msmt17",
    title: "MSMT17",
    expects: "the folders train and test (V1) or mask_train_v2 and mask_test_v2 (V2), with list_train.txt, \
              list_val.txt, list_query.txt and list_gallery.txt beside them",
    notice: Some("figures on MSMT17 V1 and V2 (faces masked) are not comparable"),
    published: &[
        PublishedCounts {
            form: "MSMT17, train and val",
            train: sure(1_041, 32_621),
            query: TEST_QUERY,
            gallery: TEST_GALLERY,
            cameras: PublishedNumber::Sure(15),
        },
        PublishedCounts {
            form: "MSMT17, train without val",
            train: SplitFigures { ids: PublishedNumber::Hint(1_041), images: PublishedNumber::Hint(30_248) },
            query: TEST_QUERY,
            gallery: TEST_GALLERY,
            cameras: PublishedNumber::Sure(15),
        },
    ],
    detect: |root| Found::search(root, None).is_some_and(|f| f.is_own()),
    read,
};

/// What a line of a list says: the path below the image folder, then the pid of the list's own id space.
/// The camera is the third field of the file name.
///
/// Lists that went through Windows begin with a byte order mark, end their lines with CR LF and write `\\` for `/`.
pub fn parse_line(line: &str) -> Option<(String, Name)> {
    let (path, pid) = line.trim_start_matches('\u{feff}').trim().rsplit_once(char::is_whitespace)?;
    let path = path.trim_end().replace('\\', "/");
    let Name { camid, .. } = parse_name(path.rsplit('/').next()?)?;
    Some((path, Name { camid, ..Name::new(pid.parse().ok()?, None) }))
}

/// `0000_000_01_0303morning_0008_0.jpg`: pid, image, camera, time, frame, number.
fn parse_name(name: &str) -> Option<Name> {
    let fields: Vec<&str> = name.split('_').collect();
    if fields.len() < 5 {
        return None;
    }
    let camera: i32 = fields[2].parse().ok()?;
    Some(Name::new(fields[0].parse().ok()?, Some(camera.checked_sub(1)?)))
}

struct Found {
    version: &'static str,
    root: PathBuf,
    train: PathBuf,
    test: PathBuf,
}

impl Found {
    fn search(root: &Path, wanted: Option<&str>) -> Option<Self> {
        let versions = VERSIONS.iter().filter(|(v, ..)| wanted.is_none_or(|w| w.eq_ignore_ascii_case(v)));
        for (version, train, test) in versions {
            let hit = listing::find(root, |dir| {
                let (train, test) = (listing::folder(dir, train)?, listing::folder(dir, test)?);
                Some(Self { version, root: dir.to_path_buf(), train, test })
            });
            if hit.is_some() {
                return hit;
            }
        }
        None
    }

    /// `train` and `test` are common names: the lists or the names must be MSMT17's.
    fn is_own(&self) -> bool {
        let first = || listing::images(&self.train).ok()?.images.into_iter().next();
        self.root.join("list_train.txt").is_file() || first().is_some_and(|p| parse_name(listing::name(&p)).is_some())
    }

    /// The images of a list; `None` when the list is not there.
    fn list(&self, list: &str, images: &Path) -> Result<Option<Vec<Sample>>, DataError> {
        let file = self.root.join(list);
        if !file.is_file() {
            return Ok(None);
        }
        let text = files::text(&file)?;
        let mut samples = Vec::new();
        for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let parsed = parse_line(line).and_then(|(path, n)| Some((path, n.pid?, n.camid?)));
            let Some((path, pid, camid)) = parsed else {
                let message = format!("`{line}` is not of the form 0000/0000_000_01_0303morning_0008_0.jpg 0");
                return Err(DataError::BadLine { path: file, line: i + 1, message });
            };
            samples.push(Sample::new(images.join(path), pid, camid));
        }
        Ok(Some(samples))
    }

    /// All images of a folder, by their names; a folder a pid.
    fn by_names(&self, images: &Path) -> Result<Vec<Sample>, DataError> {
        let sample = |path: PathBuf| {
            let Name { pid, camid, .. } = parse_name(listing::name(&path))?;
            Some(Sample::new(path, pid?, camid?))
        };
        Ok(listing::images(images)?.images.into_iter().filter_map(sample).collect())
    }
}

fn read(root: &Path, options: &Options) -> Result<Splits, DataError> {
    let wanted = options.variant.as_deref();
    let found = Found::search(root, wanted).filter(Found::is_own).ok_or_else(|| LAYOUT.wrong(root))?;
    let mut splits = Splits { has_cameras: true, ..Splits::default() };
    splits.notes.push(format!("version {}", found.version));
    read_train(&found, options.train_val, &mut splits)?;
    read_test(&found, &mut splits)?;
    Ok(splits)
}

fn read_train(found: &Found, train_val: bool, splits: &mut Splits) -> Result<(), DataError> {
    let Some(mut train) = found.list("list_train.txt", &found.train)? else {
        splits.train = found.by_names(&found.train)?;
        splits.notes.push("list_train.txt is missing: every image of the training folder is used".to_owned());
        return Ok(());
    };
    match (train_val, found.list("list_val.txt", &found.train)?) {
        (true, Some(val)) => {
            splits.notes.push("training on train and val".to_owned());
            train.extend(val);
        }
        (true, None) => splits.notes.push("list_val.txt is missing: training on train alone".to_owned()),
        (false, _) => splits.notes.push("training on train alone, val left out".to_owned()),
    }
    splits.train = train;
    Ok(())
}

fn read_test(found: &Found, splits: &mut Splits) -> Result<(), DataError> {
    let lists = (found.list("list_query.txt", &found.test)?, found.list("list_gallery.txt", &found.test)?);
    if let (Some(query), Some(gallery)) = lists {
        (splits.query, splits.gallery) = (query, gallery);
        return Ok(());
    }
    // Without the lists there is no official query set; the first image of each pid and camera stands in for it.
    let mut seen = std::collections::BTreeSet::new();
    for sample in found.by_names(&found.test)? {
        let split = if seen.insert((sample.pid, sample.camid)) { &mut splits.query } else { &mut splits.gallery };
        split.push(sample);
    }
    splits.notes.push(
        "list_query.txt or list_gallery.txt is missing: the first image of each pid and camera serves as query, so \
         figures are not comparable with published ones"
            .to_owned(),
    );
    Ok(())
}
