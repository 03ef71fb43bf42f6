//! A folder for each person, under each split or in one root: `train/person_001/img1.png`. The folder tells the
//! person; a camera is taken from the file's name or a folder in between where all of them tell one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::folders::{example, passed_over};
use super::generic::{FoundFolders, is_split};
use super::names::{Name, NamePattern, camera_in};
use super::{DataError, Layout, Options, Sample, Splits, listing};

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "folders",
    title: "A folder for each person",
    expects: "a folder for each person, with that person's images, below train, query and gallery (or all in one root)",
    notice: None,
    published: &[],
    detect: |root| roots(root).is_some_and(|roots| fits(&roots)),
    read,
};

/// The folders of the splits: training, then query and gallery where they are; or the root itself, all for training.
fn roots(root: &Path) -> Option<Vec<PathBuf>> {
    match FoundFolders::search(root) {
        Some(found) => Some(found.folders().map(Path::to_path_buf).collect()),
        None => {
            let people = listing::folders(root);
            // Folders of folders are more likely sets than people.
            let all = people.iter().all(|p| listing::first_image(p).is_some() && !is_split(p));
            (people.len() > 1 && all).then(|| vec![root.to_path_buf()])
        }
    }
}

/// The person's folder of an image: the first below the split's.
fn person<'a>(split: &Path, image: &'a Path) -> Option<&'a str> {
    let below = image.strip_prefix(split).ok()?;
    let mut parts = below.iter();
    let first = parts.next()?.to_str()?;
    parts.next().map(|_| first)
}

fn is_camera(folder: &str) -> bool {
    let low = folder.to_ascii_lowercase();
    ["cam", "camera"].iter().any(|c| low.strip_prefix(c).is_some_and(|r| r.trim_matches(['_', '-']).len() < 3))
        || camera_in(folder).is_some_and(|_| low.starts_with('c'))
}

/// Whether the images lie in people's folders, and their names do not tell the same people themselves.
fn fits(roots: &[PathBuf]) -> bool {
    let (mut inside, mut outside) = (0, 0);
    let mut by_folder: BTreeMap<String, BTreeSet<i32>> = BTreeMap::new();
    let mut names = Vec::new();
    for root in roots {
        for path in listing::images(root).unwrap_or_default().images {
            match person(root, &path) {
                Some(folder) if !is_camera(folder) => {
                    inside += 1;
                    names.push((folder.to_owned(), listing::name(&path).to_owned()));
                }
                _ => outside += 1,
            }
        }
    }
    if inside < 2 || outside * 20 > inside {
        return false;
    }
    let Some(pattern) = NamePattern::of(names.iter().map(|(_, n)| n.as_str())) else { return true };
    let mut read = 0;
    for (folder, name) in &names {
        if let Some(pid) = pattern.parse(name).and_then(|n| n.pid) {
            by_folder.entry(folder.clone()).or_default().insert(pid);
            read += 1;
        }
    }
    let people: BTreeSet<i32> = by_folder.values().flatten().copied().collect();
    let one_each = by_folder.values().all(|pids| pids.len() == 1) && people.len() == by_folder.len();
    !(one_each && 2 * read >= names.len())
}

/// The number that ends or begins a folder's name.
fn number(folder: &str) -> Option<i32> {
    let digits = |c: char| c.is_ascii_digit();
    let tail = &folder[folder.trim_end_matches(digits).len()..];
    let head = &folder[..folder.len() - folder.trim_start_matches(digits).len()];
    [tail, head].into_iter().find(|d| !d.is_empty()).and_then(|d| d.parse().ok())
}

/// People's numbers: those of their folders' names where each has its own, else 1, 2, … in the order of the names.
fn numbers(folders: &BTreeSet<String>, notes: &mut Vec<String>) -> HashMap<String, i32> {
    let own: BTreeSet<i32> = folders.iter().filter_map(|f| number(f)).collect();
    if own.len() == folders.len() {
        return folders.iter().filter_map(|f| Some((f.clone(), number(f)?))).collect();
    }
    let numbered = folders.iter().zip(1..);
    let first: Vec<String> = numbered.clone().take(3).map(|(f, n)| format!("{n} {f}")).collect();
    let more = if folders.len() > 3 { ", …" } else { "" };
    notes.push(format!("people are numbered in the order of their folders' names: {}{more}", first.join(", ")));
    numbered.map(|(f, n)| (f.clone(), n)).collect()
}

/// The camera of an image: from its name, or from a folder between it and the person's.
fn camera(split: &Path, image: &Path) -> Option<i32> {
    let below = image.strip_prefix(split).ok()?;
    below.iter().skip(1).filter_map(|part| part.to_str()).find_map(|part| {
        let stem = part.split('.').next().unwrap_or(part);
        camera_in(stem)
    })
}

fn read(root: &Path, _options: &Options) -> Result<Splits, DataError> {
    let tests_alone = FoundFolders::search(root).is_some_and(|f| f.train.is_none());
    let roots = roots(root).ok_or_else(|| LAYOUT.wrong(root))?;
    let lists = roots.iter().map(|r| listing::images(r)).collect::<Result<Vec<_>, _>>()?;
    let all = || roots.iter().zip(&lists).flat_map(|(r, l)| l.images.iter().map(move |i| (r, i)));
    let people: BTreeSet<String> = all().filter_map(|(r, i)| person(r, i)).map(str::to_owned).collect();
    let mut splits = Splits { has_cameras: all().all(|(r, i)| camera(r, i).is_some()), ..Splits::default() };
    let numbers = numbers(&people, &mut splits.notes);
    let mut parts = Vec::new();
    for (split, list) in roots.iter().zip(&lists) {
        let (mut samples, mut alone) = (Vec::new(), 0);
        for path in &list.images {
            let Some(&pid) = person(split, path).and_then(|p| numbers.get(p)) else {
                alone += 1;
                continue;
            };
            let camid = splits.has_cameras.then(|| camera(split, path)).flatten();
            if samples.is_empty() {
                let shown = path.strip_prefix(split).unwrap_or(path).display().to_string();
                let text = example(listing::name(split), path, Name::new(pid, camid));
                splits.examples.push(text.replace(listing::name(path), &shown));
            }
            samples.push(Sample::new(path.clone(), pid, camid.unwrap_or(0)));
        }
        if alone > 0 {
            let name = listing::name(split);
            splits.notes.push(format!("{name}: {alone} images left out, they lie in no person's folder"));
        }
        splits.notes.extend(passed_over(listing::name(split), list.ignored, list.repeated));
        parts.push(samples);
    }
    let mut parts = parts.into_iter();
    // A set with a test alone has no training folder.
    splits.train = if tests_alone { Vec::new() } else { parts.next().unwrap_or_default() };
    splits.query = parts.next().unwrap_or_default();
    splits.gallery = parts.next().unwrap_or_default();
    Ok(splits)
}
