//! How published datasets lie on disk: one file a layout, and the one table of them all.
//!
//! To add a layout: one file with a [`Layout`] constant, one line in [`LAYOUTS`].

use std::path::Path;
use std::sync::OnceLock;

use super::{DataError, Dataset, Sample, twins};
use crate::base::text;

pub mod cuhk03np;
pub mod deepchange;
pub mod dukemtmc;
pub mod folders;
pub mod generic;
pub mod last;
pub mod listing;
pub mod ltcc;
pub mod manifest;
pub mod market1501;
pub mod mot;
pub mod msmt17;
pub mod names;
pub mod occluded_duke;
pub mod pairs;
pub mod persons;
pub mod personx;
pub mod prcc;
pub mod published;
pub mod randperson;
pub mod synthetic;
pub mod vcclothes;
pub mod vehicles;
pub mod veri776;

pub use published::{PublishedCounts, PublishedNumber, SplitFigures};

/// What an entry of `datasets.toml` may say beside layout and root.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which form of a dataset that comes in several: `detected` or `labeled` for CUHK03-NP, `V1` or `V2` for MSMT17,
    /// `changed`, `same` or `both` for PRCC, `small`, `medium` or `large` for VehicleID and VeRi-Wild.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// MSMT17: train on `list_train` and `list_val` together, as SpCL and OpenUnReID do; off leaves validation out.
    pub train_val: bool,
    /// Synthetic pedestrians: `plaza` or `station`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Synthetic pedestrians, and sets whose split is drawn (VIPeR, PRID, GRID, CUHK01, VehicleID): the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { variant: None, train_val: true, domain: None, seed: None }
    }
}

/// What a layout found in its folder.
#[derive(Clone, Debug, Default)]
pub struct Splits {
    /// Training images; pids as in the files.
    pub train: Vec<Sample>,
    /// Query images.
    pub query: Vec<Sample>,
    /// Gallery images.
    pub gallery: Vec<Sample>,
    /// Whether cameras are known.
    pub has_cameras: bool,
    /// Whether the gallery is drawn, one image of each identity.
    pub drawn: bool,
    /// What was made of one name of each split.
    pub examples: Vec<String>,
    /// What is worth telling.
    pub notes: Vec<String>,
}

/// One way in which a dataset lies on disk.
pub struct Layout {
    /// The name in `datasets.toml`.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// What the folder must hold, for messages.
    pub expects: &'static str,
    /// A condition of use that is shown whenever the dataset is opened.
    pub notice: Option<&'static str>,
    /// The published counts, one entry for each form the dataset comes in.
    pub published: &'static [PublishedCounts],
    /// Whether a folder is of this layout and no more general one.
    pub detect: fn(&Path) -> bool,
    /// Reads the splits.
    pub read: fn(&Path, &Options) -> Result<Splits, DataError>,
}

/// All layouts; when a folder's layout is not given, the first that recognises it reads it.
pub const LAYOUTS: &[&Layout] = &[
    &synthetic::LAYOUT,
    &manifest::LAYOUT,
    &msmt17::LAYOUT,
    &cuhk03np::LAYOUT,
    &veri776::LAYOUT,
    &market1501::LAYOUT,
    &occluded_duke::LAYOUT,
    &dukemtmc::LAYOUT,
    &personx::LAYOUT,
    &deepchange::LAYOUT,
    &last::LAYOUT,
    &prcc::LAYOUT,
    &ltcc::LAYOUT,
    &vcclothes::LAYOUT,
    &vehicles::VEHICLE_ID,
    &vehicles::VERI_WILD,
    &pairs::VIPER,
    &pairs::PRID,
    &pairs::GRID,
    &mot::LAYOUT,
    &persons::LAYOUT,
    &generic::LAYOUT,
    &pairs::CUHK01,
    &randperson::LAYOUT,
];

/// The layout of that name.
///
/// # Errors
/// When there is none; lists the names.
pub fn by_name(name: &str) -> Result<&'static Layout, DataError> {
    LAYOUTS.iter().copied().find(|l| l.name == name).ok_or_else(|| DataError::UnknownLayout {
        given: name.to_owned(),
        known: LAYOUTS.iter().map(|l| l.name).collect::<Vec<_>>().join(", "),
    })
}

/// The first layout that recognises the folder.
///
/// # Errors
/// When none does; says what was looked for and what lies there.
pub fn detect(root: &Path) -> Result<&'static Layout, DataError> {
    if let Some(sentence) = declined(root) {
        return Err(DataError::BadSetting(format!("{} {sentence}", root.display())));
    }
    LAYOUTS.iter().copied().find(|l| (l.detect)(root)).ok_or_else(|| DataError::NoLayout {
        root: root.to_path_buf(),
        expected: "folders for train, query and gallery (as bounding_box_train, query, bounding_box_test), MSMT17's \
                   train and test, a folder for each person, or a manifest.csv"
            .to_owned(),
        found: listing::describe(root),
    })
}

/// Sets that are known and not read, and what to take instead.
fn declined(root: &Path) -> Option<&'static str> {
    let raw = |dir: &Path| dir.join("cuhk-03.mat").is_file().then_some(());
    if listing::find(root, raw).is_some() {
        return Some(
            "holds CUHK03's raw cuhk-03.mat, which is not read: take CUHK03-NP's ready-made folders, detected and \
             labeled, each with bounding_box_train, query and bounding_box_test",
        );
    }
    let infrared = |dir: &Path| {
        let cameras = (1..=6).all(|k| dir.join(format!("cam{k}")).is_dir());
        (cameras && dir.join("exp").is_dir()).then_some(())
    };
    listing::find(root, infrared).map(|()| {
        "is SYSU-MM01 (visible and infrared), whose protocol is not among those here: write a CSV manifest \
         path,pid,camid,split for it"
    })
}

/// Reads a dataset: drops junk, sorts by file, relabels training pids in sorted order.
///
/// # Errors
/// When the folder is not of that layout or cannot be read.
pub fn read(layout: &'static Layout, name: &str, root: &Path, options: &Options) -> Result<Dataset, DataError> {
    let mut splits = (layout.read)(root, options)?;
    let mut notes: Vec<String> = layout.notice.map(str::to_owned).into_iter().collect();
    notes.append(&mut splits.notes);
    for (split, samples) in
        [("train", &mut splits.train), ("query", &mut splits.query), ("gallery", &mut splits.gallery)]
    {
        let junk = drop_junk(samples);
        if junk > 0 {
            notes.push(format!("{split}: {} junk images (pid -1) dropped", text::count(junk)));
        }
    }
    if splits.examples.is_empty() {
        // Layouts that read a list say what they made of its first line.
        let all = [("train", &splits.train), ("query", &splits.query), ("gallery", &splits.gallery)];
        let first = all.into_iter().filter_map(|(split, samples)| Some((split, samples.first()?)));
        let example = |(split, first): (&str, &Sample)| {
            let camid = splits.has_cameras.then_some(first.camid);
            folders::example(split, &first.path, names::Name::new(first.pid, camid))
        };
        splits.examples = first.map(example).collect();
    }
    relabel(&mut splits.train);
    if from_zero(&mut splits) {
        notes.push("the names count cameras from 0".to_owned());
    }
    if !splits.has_cameras {
        notes.push("the names carry no cameras, so the same-camera rule of the evaluation is off".to_owned());
    }
    if splits.query.is_empty() || splits.gallery.is_empty() {
        notes.push("there is no query or no gallery, so nothing can be evaluated on it".to_owned());
    }
    let Splits { train, query, gallery, drawn, has_cameras, examples, .. } = splits;
    notes.extend(twins::notes(&train, &query, &gallery));
    Ok(Dataset {
        name: name.to_owned(),
        layout: layout.name,
        root: root.to_path_buf(),
        train,
        query,
        gallery,
        drawn,
        has_cameras,
        examples,
        notes,
        cameras: OnceLock::new(),
    })
}

fn drop_junk(samples: &mut Vec<Sample>) -> usize {
    let before = samples.len();
    samples.retain(|s| s.pid >= 0);
    samples.sort_by(|a, b| (a.path.as_os_str(), a.pid, a.camid).cmp(&(b.path.as_os_str(), b.pid, b.camid)));
    before - samples.len()
}

/// Cameras that the names count from 0 came out one too low; says whether there were such.
fn from_zero(splits: &mut Splits) -> bool {
    let all = [&mut splits.train, &mut splits.query, &mut splits.gallery];
    let low = all.iter().flat_map(|s| s.iter()).any(|s| s.camid < 0);
    if low {
        all.into_iter().flatten().for_each(|s| s.camid += 1);
    }
    low
}

/// Training pids become 0..N−1 in sorted order.
fn relabel(train: &mut [Sample]) {
    let mut pids: Vec<i32> = train.iter().map(|s| s.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    for sample in train {
        sample.pid = pids.partition_point(|&p| p < sample.pid) as i32;
    }
}

impl Layout {
    /// The error for a folder that does not hold what this layout needs.
    pub fn wrong(&self, root: &Path) -> DataError {
        DataError::WrongLayout {
            root: root.to_path_buf(),
            title: self.title.to_owned(),
            expected: self.expects.to_owned(),
            found: listing::describe(root),
        }
    }
}
