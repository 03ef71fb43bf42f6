//! A CSV manifest `path,pid,camid,split`, as people and programs write it: commas, semicolons or tabs, any usual
//! encoding, other names for the columns, words for ids.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{DataError, Layout, Sample, Splits};
use crate::data::files;

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "csv",
    title: "CSV manifest",
    expects: "a file manifest.csv with the columns path,pid,camid,split",
    notice: None,
    published: &[],
    detect: |root| file(root).is_some(),
    read: |root, _| {
        let file = file(root).ok_or_else(|| LAYOUT.wrong(root))?;
        splits(&file, &read(&file)?)
    },
};

/// The manifest: the root itself when it is a CSV file, or `manifest.csv` in it.
fn file(root: &Path) -> Option<PathBuf> {
    let is_csv = root.extension().is_some_and(|e| ["csv", "tsv"].iter().any(|x| e.eq_ignore_ascii_case(x)));
    if is_csv && root.is_file() {
        return Some(root.to_path_buf());
    }
    Some(root.join("manifest.csv")).filter(|f| f.is_file())
}

/// What a column holds, and the names it goes by; the first is ours.
const COLUMNS: [(&str, &[&str]); 5] = [
    (
        "path",
        &[
            "path",
            "image",
            "filename",
            "image_name",
            "file",
            "file_name",
            "img",
            "img_path",
            "image_path",
            "filepath",
            "file_path",
            "imagename",
            "imagepath",
            "image_file",
            "imgname",
            "img_name",
            "imgpath",
            "relative_path",
            "rel_path",
            "fname",
            "crop",
            "crop_path",
            "name",
        ],
    ),
    (
        "pid",
        &[
            "pid",
            "id",
            "person_id",
            "label",
            "person",
            "identity",
            "personid",
            "pids",
            "identity_id",
            "subject_id",
            "subject",
            "pedestrian_id",
            "vehicle_id",
            "vehicleid",
            "vid",
            "track_id",
            "object_id",
            "target",
            "class",
        ],
    ),
    ("camid", &["camid", "cam", "camera", "camera_id", "cam_id", "cameraid", "camids", "cams", "cam_no", "view"]),
    ("split", &["split", "subset", "set", "partition", "phase", "usage", "mode", "fold"]),
    ("clothes", &["clothes", "clothes_id", "clothesid", "cloth", "cloth_id", "clothid", "outfit", "outfit_id"]),
];

/// A split, as a manifest names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestSplit {
    /// Training.
    Train,
    /// Query.
    Query,
    /// Gallery.
    Gallery,
}

impl ManifestSplit {
    fn of(text: &str) -> Result<Self, String> {
        match text.to_lowercase().as_str() {
            "train" | "training" | "bounding_box_train" | "trainval" => Ok(Self::Train),
            "query" | "probe" | "queries" | "test_query" | "query_test" => Ok(Self::Query),
            "gallery" | "test" | "testing" | "bounding_box_test" | "test_gallery" | "gallery_test" => Ok(Self::Gallery),
            _ => Err(format!("`{text}` is no split: expected train, query or gallery")),
        }
    }
}

/// One row of a list of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRow {
    /// The file, below the list's folder when it is relative.
    pub path: PathBuf,
    /// The person; −1 where the list has no such column.
    pub pid: i32,
    /// The camera, 0-based; 0 where the list has no such column.
    pub camid: i32,
    /// The split, where the list has such a column.
    pub split: Option<ManifestSplit>,
    /// The clothes, where the list tells them.
    pub clothes: Option<i32>,
}

/// A list of images as read.
#[derive(Clone, Debug, Default)]
pub struct ImageList {
    /// The rows, in the list's order.
    pub rows: Vec<ManifestRow>,
    /// Whether people are named.
    pub has_pids: bool,
    /// Whether cameras are.
    pub has_cameras: bool,
    /// What is worth telling.
    pub notes: Vec<String>,
}

/// Where the columns stand.
struct Columns([Option<usize>; 5]);

impl Columns {
    fn find(header: &csv::StringRecord) -> Self {
        let plain = |h: &str| h.trim().trim_matches('"').to_lowercase().replace([' ', '-'], "_");
        let there: Vec<String> = header.iter().map(plain).collect();
        let at = |names: &[&str]| names.iter().find_map(|n| there.iter().position(|h| h == n));
        let mut found = COLUMNS.map(|(_, names)| at(names));
        // A column serves once: `id` may be all there is beside `path`.
        if found[0] == found[1] {
            found[0] = None;
        }
        Self(found)
    }
}

/// The character between the columns: the one that the header has most of.
fn separator(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or("");
    let count = |c: u8| header.bytes().filter(|&b| b == c).count();
    b",;\t|".iter().copied().rev().max_by_key(|&c| count(c)).filter(|&c| count(c) > 0).unwrap_or(b',')
}

/// The text without the line `sep=;` that Excel puts first.
fn without_hint(text: String) -> String {
    match text.split_once('\n') {
        Some((first, rest))
            if first.trim_end().to_ascii_lowercase().starts_with("sep=") && first.trim_end().len() < 6 =>
        {
            rest.to_owned()
        }
        _ => text,
    }
}

/// Reads a list of images; only `path` must be there.
///
/// # Errors
/// When the file cannot be read, or a line of it; says which and what was expected.
pub fn read(file: &Path) -> Result<ImageList, DataError> {
    let bad =
        |line: u64, message: String| DataError::BadLine { path: file.to_path_buf(), line: line as usize, message };
    let text = without_hint(files::text(file)?);
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator(&text)).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| bad(1, e.to_string()))?.clone();
    let Columns([path, pid, camid, split, clothes]) = Columns::find(&header);
    let Some(path) = path else { return Err(bad(1, lacking(0, &header))) };
    let folder = file.parent().unwrap_or(Path::new(""));
    let (mut lines, mut pids, mut camids, mut dressed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut list = ImageList { has_pids: pid.is_some(), ..ImageList::default() };
    for record in reader.records() {
        let record = record.map_err(|e| bad(e.position().map_or(0, csv::Position::line), e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |at: usize| record.get(at).unwrap_or("");
        if field(path).is_empty() {
            return Err(bad(line, "the path is empty".to_owned()));
        }
        if let Some(pid) = pid {
            if field(pid).is_empty() {
                return Err(bad(line, format!("`{}` has no pid: expected a number or a word", field(path))));
            }
            pids.push(field(pid).to_owned());
        }
        camids.extend(camid.map(field).filter(|c| !c.is_empty()).map(str::to_owned));
        let split = split.map(|at| ManifestSplit::of(field(at))).transpose().map_err(|m| bad(line, m))?;
        dressed.extend(clothes.map(field).map(str::to_owned));
        list.rows.push(ManifestRow { path: place(folder, field(path)), pid: -1, camid: 0, split, clothes: None });
        lines.push(line);
    }
    let n = list.rows.len();
    if n == 0 {
        return Err(bad(1, "there are no rows below the header".to_owned()));
    }
    if !camids.is_empty() && camids.len() < n {
        return Err(bad(1, format!("{} of {n} rows have no camid; give it in all or in none", n - camids.len())));
    }
    list.has_cameras = !camids.is_empty();
    if list.has_pids {
        let numbers = numbered("people", &pids, 1, &mut list.notes);
        list.rows.iter_mut().zip(numbers).for_each(|(row, pid)| row.pid = pid);
    }
    if list.has_cameras {
        let numbers = camera_numbers(&camids, &mut list.notes);
        list.rows.iter_mut().zip(numbers).for_each(|(row, camid)| row.camid = camid);
        if let Some((row, line)) = list.rows.iter().zip(lines).find(|(r, _)| r.camid < 0) {
            return Err(bad(line, format!("camid {} is negative", row.camid)));
        }
        zero_based(&mut list);
    }
    if !dressed.is_empty() {
        // Whoever leaves some out does not know those.
        let words: Vec<String> = dressed.iter().filter(|w| !w.is_empty()).cloned().collect();
        let mut numbers = numbered("clothes", &words, 0, &mut list.notes).into_iter();
        for (row, _) in list.rows.iter_mut().zip(&dressed).filter(|(_, word)| !word.is_empty()) {
            row.clothes = numbers.next().filter(|&n| n >= 0);
        }
    }
    Ok(list)
}

/// Where a path of the list leads; lists of Windows write `\` for `/`.
fn place(folder: &Path, text: &str) -> PathBuf {
    let as_written = folder.join(text);
    if text.contains('\\') && !as_written.exists() { folder.join(text.replace('\\', "/")) } else { as_written }
}

fn lacking(column: usize, header: &csv::StringRecord) -> String {
    let there: Vec<&str> = header.iter().map(|h| h.trim_start_matches('\u{feff}')).collect();
    let (name, names) = COLUMNS[column];
    let others = names[1..5.min(names.len())].join(", ");
    format!(
        "there is no column `{name}`: expected path,pid,camid,split, found {} (also called {others}, …)",
        there.join(",")
    )
}

/// A whole number, also as spreadsheets and pandas write it: `12`, `12.0`.
fn whole(text: &str) -> Option<i64> {
    let digits = text.split_once('.').filter(|(_, zeros)| zeros.bytes().all(|b| b == b'0')).map_or(text, |(d, _)| d);
    digits.parse().ok()
}

/// Numbers as they are where all are numbers that fit; else each word gets the next one, in the order of the words.
fn numbered(what: &str, words: &[String], from: i32, notes: &mut Vec<String>) -> Vec<i32> {
    let numbers: Option<Vec<i32>> = words.iter().map(|w| i32::try_from(whole(w)?).ok()).collect();
    if let Some(numbers) = numbers {
        return numbers;
    }
    let sorted: BTreeSet<&String> = words.iter().collect();
    let by_word: BTreeMap<&String, i32> = sorted.into_iter().zip(from..).collect();
    let first: Vec<String> = by_word.iter().take(3).map(|(w, n)| format!("{n} {w}")).collect();
    let more = if by_word.len() > 3 { ", …" } else { "" };
    notes.push(format!("{what} are numbered in the order of their names: {}{more}", first.join(", ")));
    words.iter().map(|w| by_word[w]).collect()
}

/// Cameras by the numbers that end their names, where these differ: `cam0`, `c1s2` does not.
fn camera_numbers(words: &[String], notes: &mut Vec<String>) -> Vec<i32> {
    let tail = |w: &str| {
        let stem = w.trim_end_matches(|c: char| c.is_ascii_digit());
        let word = stem.starts_with(char::is_alphabetic) && !stem.contains(|c: char| c.is_ascii_digit());
        word.then(|| w[stem.len()..].parse::<i32>().ok()).flatten()
    };
    let distinct: BTreeSet<&String> = words.iter().collect();
    let tails: BTreeSet<i32> = distinct.iter().filter_map(|w| tail(w)).collect();
    if tails.len() == distinct.len() {
        return words.iter().map(|w| tail(w).unwrap_or(0)).collect();
    }
    numbered("cameras", words, 0, notes)
}

/// Camera numbers that start above 0 are moved down, so that both habits of counting work.
fn zero_based(list: &mut ImageList) {
    if list.rows.iter().map(|r| r.camid).min() == Some(1) {
        list.rows.iter_mut().for_each(|r| r.camid -= 1);
        list.notes.push("cameras are counted from 1 in the manifest and from 0 here".to_owned());
    }
}

/// The splits of a list that is a dataset: people and splits must be told.
fn splits(file: &Path, list: &ImageList) -> Result<Splits, DataError> {
    let first = |column: usize| {
        let text = without_hint(files::text(file).unwrap_or_default());
        let mut reader = csv::ReaderBuilder::new().delimiter(separator(&text)).from_reader(text.as_bytes());
        let header = reader.headers().cloned().unwrap_or_default();
        DataError::BadLine { path: file.to_path_buf(), line: 1, message: lacking(column, &header) }
    };
    if !list.has_pids {
        return Err(first(1));
    }
    let mut splits = Splits { has_cameras: list.has_cameras, notes: list.notes.clone(), ..Splits::default() };
    for row in &list.rows {
        let sample = Sample { clothes: row.clothes, ..Sample::new(row.path.clone(), row.pid, row.camid) };
        match row.split.ok_or_else(|| first(3))? {
            ManifestSplit::Train => splits.train.push(sample),
            ManifestSplit::Query => splits.query.push(sample),
            ManifestSplit::Gallery => splits.gallery.push(sample),
        }
    }
    Ok(splits)
}
