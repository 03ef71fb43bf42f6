//! A CSV manifest `path,pid,camid,split`: for data that lies anyhow.

use std::path::{Path, PathBuf};

use super::{DataError, Layout, Options, Sample, Splits};

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "csv",
    title: "CSV manifest",
    expects: "a file manifest.csv with the columns path,pid,camid,split",
    notice: None,
    published: &[],
    detect: |root| file(root).is_some(),
    read,
};

/// The manifest: the root itself when it is a CSV file, or `manifest.csv` in it.
fn file(root: &Path) -> Option<PathBuf> {
    let is_csv = root.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    if is_csv && root.is_file() {
        return Some(root.to_path_buf());
    }
    Some(root.join("manifest.csv")).filter(|f| f.is_file())
}

/// Where the wanted columns stand.
struct Columns {
    path: usize,
    pid: usize,
    camid: Option<usize>,
    split: usize,
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Self, String> {
        let at =
            |name: &str| header.iter().position(|h| h.trim().trim_start_matches('\u{feff}').eq_ignore_ascii_case(name));
        let need = |name: &str| {
            at(name).ok_or_else(|| {
                let there: Vec<&str> = header.iter().collect();
                format!("there is no column `{name}`: expected path,pid,camid,split, found {}", there.join(","))
            })
        };
        Ok(Self { path: need("path")?, pid: need("pid")?, camid: at("camid"), split: need("split")? })
    }
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    let file = file(root).ok_or_else(|| LAYOUT.wrong(root))?;
    let bad = |line: u64, message: String| DataError::BadLine { path: file.clone(), line: line as usize, message };
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(&file).map_err(|e| bad(1, e.to_string()))?;
    let header = reader.headers().map_err(|e| bad(1, e.to_string()))?.clone();
    let columns = Columns::find(&header).map_err(|m| bad(1, m))?;
    let mut splits = Splits::default();
    let (mut with, mut without) = (0_usize, 0_usize);
    for record in reader.records() {
        let record = record.map_err(|e| bad(e.position().map_or(0, csv::Position::line), e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let (sample, split) = row(&record, &columns, &file).map_err(|m| bad(line, m))?;
        let camera = columns.camid.and_then(|c| record.get(c)).is_some_and(|c| !c.is_empty());
        if camera {
            with += 1
        } else {
            without += 1
        }
        match split {
            Split::Train => splits.train.push(sample),
            Split::Query => splits.query.push(sample),
            Split::Gallery => splits.gallery.push(sample),
        }
    }
    if with > 0 && without > 0 {
        let message = format!("{without} of {} rows have no camid; give it in all or in none", with + without);
        return Err(bad(1, message));
    }
    if with + without == 0 {
        return Err(bad(1, "there are no rows below the header".to_owned()));
    }
    splits.has_cameras = with > 0;
    if splits.has_cameras {
        zero_based(&mut splits);
    }
    Ok(splits)
}

enum Split {
    Train,
    Query,
    Gallery,
}

fn row(record: &csv::StringRecord, columns: &Columns, file: &Path) -> Result<(Sample, Split), String> {
    let field = |at: usize| record.get(at).unwrap_or("");
    let number = |name: &str, text: &str| -> Result<i32, String> {
        text.parse().map_err(|_| format!("`{text}` is no {name}: expected a whole number"))
    };
    let path = field(columns.path);
    if path.is_empty() {
        return Err("the path is empty".to_owned());
    }
    let pid = number("pid", field(columns.pid))?;
    let camid = match columns.camid.map(field).filter(|c| !c.is_empty()) {
        Some(text) => number("camid", text)?,
        None => 0,
    };
    if camid < 0 {
        return Err(format!("camid {camid} is negative"));
    }
    let split = match field(columns.split).to_ascii_lowercase().as_str() {
        "train" => Split::Train,
        "query" | "probe" => Split::Query,
        "gallery" | "test" => Split::Gallery,
        other => return Err(format!("`{other}` is no split: expected train, query or gallery")),
    };
    let path = file.parent().unwrap_or(Path::new("")).join(path);
    Ok((Sample { path, pid, camid }, split))
}

/// Camera numbers that start above 0 are moved down, so that both habits of counting work.
fn zero_based(splits: &mut Splits) {
    let all = || [&splits.train, &splits.query, &splits.gallery].into_iter().flatten();
    let least = all().map(|s| s.camid).min().unwrap_or(0);
    if least == 1 {
        for sample in splits.train.iter_mut().chain(&mut splits.query).chain(&mut splits.gallery) {
            sample.camid -= 1;
        }
        splits.notes.push("cameras are counted from 1 in the manifest and from 0 here".to_owned());
    }
}
