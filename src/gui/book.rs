//! Runs that are looked at together: which are ticked, which of them is the baseline, what each is called, and what was
//! read of them. The ticked runs are followed as they grow, whoever trains them.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::naming::{Named, names};
use super::view_model::RunView;
use super::widgets::icon;
use crate::method::params::table::ROWS;
use crate::run::store::{ListedRun, Store};
use crate::run::summary::Summary;

/// Runs that are being read at once: more would fill the queue of the thread that reads them.
const AT_ONCE: usize = 8;

/// What was marked by hand; kept between sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// Ticked runs, in the order in which they were ticked.
    pub ticked: Vec<PathBuf>,
    /// The run that the others are compared with.
    pub baseline: Option<PathBuf>,
}

impl Marks {
    /// The same runs under what `name` makes of their folders.
    #[must_use]
    pub fn named(&self, name: impl Fn(&Path) -> PathBuf) -> Self {
        Self {
            ticked: self.ticked.iter().map(|folder| name(folder)).collect(),
            baseline: self.baseline.as_deref().map(name),
        }
    }
}

/// The ticked runs and their names.
#[derive(Default)]
pub struct Book {
    /// What was marked by hand.
    pub marks: Marks,
    rows: Vec<ListedRun>,
    names: BTreeMap<PathBuf, Named>,
    read: BTreeMap<PathBuf, Read>,
    asked: BTreeSet<PathBuf>,
}

struct Read {
    view: RunView,
    /// The same for runs that differ in their seed alone.
    setting: u64,
}

/// Runs of one setting, drawn as one curve: a single run, or several seeds as mean and band.
pub struct Overlay<'a> {
    /// What it is called.
    pub name: String,
    /// Its place in the order of colours; 0 is the run on screen.
    pub slot: usize,
    /// Whether the others are compared with it.
    pub baseline: bool,
    /// The runs.
    pub views: Vec<&'a RunView>,
}

impl Overlay<'_> {
    /// Its name, the baseline with its star, which is an icon of the fonts.
    pub fn title(&self) -> String {
        if self.baseline { format!("{} {}", self.name, icon::STAR) } else { self.name.clone() }
    }

    /// The same for a screen reader.
    pub fn said(&self) -> String {
        if self.baseline { format!("{} ★", self.name) } else { self.name.clone() }
    }
}

impl Book {
    /// With what was marked in an earlier session.
    pub fn new(marks: Marks) -> Self {
        Self { marks, ..Self::default() }
    }

    /// Takes in the list of runs: names depend on what differs between them.
    pub fn set_runs(&mut self, rows: Vec<ListedRun>) {
        let runs: Vec<_> = rows.iter().map(|(run, _)| run).collect();
        self.names = runs.iter().map(|run| run.folder.clone()).zip(names(&runs)).collect();
        self.rows = rows;
    }

    /// The runs there are, newest first, with who trains them.
    pub fn rows(&self) -> &[ListedRun] {
        &self.rows
    }

    /// A run of the list.
    pub fn row(&self, folder: &Path) -> Option<&Summary> {
        self.rows.iter().map(|(run, _)| run).find(|run| run.folder == folder)
    }

    /// What a run is called.
    pub fn name(&self, folder: &Path) -> String {
        let own = || folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        self.names.get(folder).map_or_else(own, |named| named.name.clone())
    }

    /// The same in two parts: the name, and what tells it from others of its setting, perhaps empty.
    pub fn name_in_parts(&self, folder: &Path) -> (String, String) {
        let own = || (self.name(folder), String::new());
        self.names.get(folder).map_or_else(own, |named| (named.head.clone(), named.apart.join(" · ")))
    }

    /// Whether a run is ticked.
    pub fn is_ticked(&self, folder: &Path) -> bool {
        self.marks.ticked.iter().any(|ticked| ticked == folder)
    }

    /// Whether a run is the baseline.
    pub fn is_baseline(&self, folder: &Path) -> bool {
        self.marks.baseline.as_deref() == Some(folder)
    }

    /// Ticks a run, or takes its tick away.
    pub fn tick(&mut self, folder: PathBuf) {
        if self.is_ticked(&folder) {
            self.marks.ticked.retain(|ticked| *ticked != folder);
        } else {
            self.marks.ticked.push(folder);
        }
    }

    /// Has a run something beside it: where no other is ticked or the baseline, the newest other one of the same datasets
    /// (`title`) that has results is ticked.
    pub fn tick_beside(&mut self, folder: &Path, title: &str) {
        if self.marks.ticked.iter().chain(&self.marks.baseline).any(|other| other != folder) {
            return;
        }
        let alike = |run: &&Summary| run.title == title && !run.curve.is_empty();
        let others = self.rows.iter().map(|(run, _)| run).filter(|run| run.folder != folder);
        let newest = others.filter(alike).max_by_key(|run| run.folder.file_name().map(ToOwned::to_owned));
        if let Some(other) = newest.map(|run| run.folder.clone()) {
            self.marks.ticked.push(other);
        }
    }

    /// Makes a run the baseline, or ends that.
    pub fn star(&mut self, folder: PathBuf) {
        self.marks.baseline = if self.is_baseline(&folder) { None } else { Some(folder) };
    }

    /// Forgets a run that is gone.
    pub fn forget(&mut self, folder: &Path) {
        self.marks.ticked.retain(|ticked| ticked != folder);
        self.marks.baseline.take_if(|baseline| baseline == folder);
    }

    /// The runs that are read for the panels: the ticked ones and the baseline, but for the live one, of which the
    /// window knows more.
    fn wanted(&self, live: Option<&Path>) -> BTreeSet<PathBuf> {
        let marked = self.marks.ticked.iter().chain(&self.marks.baseline);
        marked.filter(|folder| Some(folder.as_path()) != live).cloned().collect()
    }

    /// Whether the folder is followed for the book.
    pub fn holds(&self, folder: &Path) -> bool {
        self.read.contains_key(folder) || self.asked.contains(folder)
    }

    /// Has the ticked runs followed and lets the others go; `opened` is followed for the window.
    pub fn sync(&mut self, store: &Store, live: Option<&Path>, opened: Option<&Path>) {
        let wanted = self.wanted(live);
        let gone: Vec<PathBuf> =
            self.read.keys().chain(&self.asked).filter(|f| !wanted.contains(*f)).cloned().collect();
        for folder in gone {
            self.read.remove(&folder);
            self.asked.remove(&folder);
            if opened != Some(&folder) {
                store.forget(&folder);
            }
        }
        for folder in wanted {
            if self.asked.len() >= AT_ONCE {
                break;
            }
            if !self.read.contains_key(&folder) && self.asked.insert(folder.clone()) {
                store.follow(folder);
            }
        }
    }

    /// Whether a run is being read.
    pub fn busy(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Takes in a run that was read; false when it was not wanted.
    pub fn on_opened(&mut self, folder: &Path, view: &RunView) -> bool {
        if !self.asked.remove(folder) && !self.read.contains_key(folder) {
            return false;
        }
        self.read.insert(folder.to_owned(), Read { view: view.clone(), setting: setting(view) });
        true
    }

    /// A run that cannot be read is ticked no longer; true when it was one of the book's.
    pub fn on_not_opened(&mut self, folder: &Path) -> bool {
        let asked = self.asked.remove(folder);
        if asked {
            self.forget(folder);
        }
        asked
    }

    /// A run of the book, to take in what is new of it.
    pub fn change(&mut self, folder: &Path, change: impl FnOnce(&mut RunView)) {
        if let Some(read) = self.read.get_mut(folder) {
            change(&mut read.view);
            read.setting = setting(&read.view);
        }
    }

    /// What is known of a marked run: the one on screen, the live one, or what was read.
    pub fn view<'a>(&'a self, folder: &Path, around: [&'a RunView; 2]) -> Option<&'a RunView> {
        let known = around.into_iter().find(|view| view.folder.as_deref() == Some(folder));
        known.or_else(|| self.read.get(folder).map(|read| &read.view))
    }

    /// The baseline, once it was read.
    pub fn baseline<'a>(&'a self, around: [&'a RunView; 2]) -> Option<&'a RunView> {
        self.view(self.marks.baseline.as_deref()?, around)
    }

    /// The runs to draw together, the one on screen first, then the ticked ones in their order; runs that differ in
    /// their seed alone are one. Empty when there is nothing beside the run on screen. `around` are the run on screen
    /// and the live one.
    pub fn overlays<'a>(&'a self, around: [&'a RunView; 2]) -> Vec<Overlay<'a>> {
        let shown = around[0].folder.as_deref();
        let others = self.marks.ticked.iter().map(PathBuf::as_path).filter(|folder| Some(*folder) != shown);
        let mut all: Vec<Overlay<'a>> = Vec::new();
        let mut settings: Vec<u64> = Vec::new();
        for folder in shown.into_iter().chain(others) {
            let Some(view) = self.view(folder, around) else { continue };
            let read = self.read.get(folder).filter(|read| std::ptr::eq(&read.view, view));
            let key = read.map_or_else(|| setting(view), |read| read.setting);
            let baseline = self.is_baseline(folder);
            match settings.iter().position(|known| *known == key) {
                Some(at) => {
                    all[at].views.push(view);
                    all[at].baseline |= baseline;
                    if let Some(named) = self.names.get(folder) {
                        all[at].name = format!("{}, {} seeds", named.setting, all[at].views.len());
                    }
                }
                None => {
                    settings.push(key);
                    let slot = all.len();
                    all.push(Overlay { name: self.name(folder), slot, baseline, views: vec![view] });
                }
            }
        }
        let several = all.iter().map(|overlay| overlay.views.len()).sum::<usize>() > 1;
        if several { all } else { Vec::new() }
    }

    /// The place in the order of colours of a run that is drawn.
    pub fn slot(overlays: &[Overlay<'_>], folder: &Path) -> Option<usize> {
        let has = |overlay: &&Overlay<'_>| overlay.views.iter().any(|view| view.folder.as_deref() == Some(folder));
        overlays.iter().find(has).map(|overlay| overlay.slot)
    }
}

/// A number that runs share which differ in their seed alone; a run without parameters is alone.
fn setting(view: &RunView) -> u64 {
    let mut hash = DefaultHasher::new();
    (&view.source, &view.target).hash(&mut hash);
    match &view.params {
        Some(params) => {
            for row in ROWS.iter().filter(|row| row.key != "seed") {
                (row.get)(params).to_string().hash(&mut hash);
            }
        }
        None => view.folder.hash(&mut hash),
    }
    for change in &view.changes {
        (&change.key, change.new.to_string(), change.epoch, change.iter).hash(&mut hash);
    }
    hash.finish()
}
