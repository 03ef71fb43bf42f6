//! What a folder holds, before it is registered or when it is opened: counts, verdict, and photos of different people.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::check::{CheckVerdict, Depth, Report, check_with};
use super::registry::Registry;
use super::{DataError, Dataset, Sample, Tick, layout};

/// People on a contact sheet, at most.
const PEOPLE: usize = 60;

/// A person and a photo of each camera that saw them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewPerson {
    /// Identity in the training split, 0-based; in the query split when there is no training split.
    pub pid: i32,
    /// A photo for each of [`Preview::cameras`]; `None` where that camera did not see them.
    pub photos: Vec<Option<PathBuf>>,
}

/// A dataset at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Counts beside the published ones.
    pub report: Report,
    /// The layout's name for people.
    pub title: &'static str,
    /// Cameras of the split that the people are taken from, 0-based, ascending.
    pub cameras: Vec<i32>,
    /// Up to 60 people, evenly spread over the split.
    pub people: Vec<PreviewPerson>,
}

impl Preview {
    /// Whether every published count is met; `None` where nothing is published to compare with.
    pub fn is_as_published(&self) -> Option<bool> {
        match self.report.verdict {
            CheckVerdict::Equal => Some(true),
            CheckVerdict::Differs => Some(false),
            CheckVerdict::NothingPublished => None,
        }
    }

    /// Photos of up to `n` different people, evenly spread.
    pub fn faces(&self, n: usize) -> Vec<&Path> {
        let step = (self.people.len() / n.max(1)).max(1);
        let seen = self.people.iter().step_by(step).filter_map(|p| p.photos.iter().flatten().next());
        seen.take(n).map(PathBuf::as_path).collect()
    }
}

/// Looks at a folder that is not registered. `layout` is a layout's name, or empty to have it detected.
///
/// # Errors
/// When the folder is not there or is not of that layout; one sentence with what was expected and found.
pub fn look(layout: &str, root: &Path, tick: Tick) -> Result<Preview, DataError> {
    let root = std::path::absolute(root).map_err(DataError::io("finding", root))?;
    if !root.exists() {
        return Err(DataError::BadSetting(format!("there is no folder {}", root.display())));
    }
    let layout = match layout {
        "" | "auto" => layout::detect(&root)?,
        name => layout::by_name(name)?,
    };
    let name = root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(of(&layout::read(layout, &name, &root, &layout::Options::default())?, tick))
}

/// Looks at a registered dataset; one that the program draws itself is drawn first if need be.
///
/// # Errors
/// As [`Registry::open`].
pub fn look_at(registry: &Registry, name: &str, tick: Tick) -> Result<Preview, DataError> {
    Ok(of(&registry.open(name, tick)?, tick))
}

fn of(dataset: &Dataset, tick: Tick) -> Preview {
    let title = layout::by_name(dataset.layout).map_or(dataset.layout, |l| l.title);
    let samples = if dataset.train.is_empty() { &dataset.query } else { &dataset.train };
    let cameras: Vec<i32> = samples.iter().map(|s| s.camid).collect::<BTreeSet<_>>().into_iter().collect();
    Preview { report: check_with(dataset, Depth::Headers, tick), title, people: people(samples, &cameras), cameras }
}

fn people(samples: &[Sample], cameras: &[i32]) -> Vec<PreviewPerson> {
    let mut by_pid: BTreeMap<i32, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        by_pid.entry(sample.pid).or_default().push(sample);
    }
    let step = by_pid.len().div_ceil(PEOPLE).max(1);
    let photo = |of: &[&Sample], camera: i32| of.iter().find(|s| s.camid == camera).map(|s| s.path.clone());
    by_pid
        .into_iter()
        .step_by(step)
        .map(|(pid, of)| PreviewPerson { pid, photos: cameras.iter().map(|&c| photo(&of, c)).collect() })
        .collect()
}
