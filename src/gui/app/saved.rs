//! What the window keeps between sessions. A file that cannot be read falls back to the defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use egui_tiles::Tree;
use serde::{Deserialize, Deserializer, Serialize};

use crate::gui::book::Marks;
use crate::gui::command::WorkLayout;
use crate::gui::dialogs::new_run::RunChoice;
use crate::gui::panels::parameters::Parameters;
use crate::gui::panels::tiles::{default_tree, is_sound};
use crate::gui::panels::{Pane, Panels};
use crate::gui::theme::size;
use crate::gui::tour::Tour;

/// Its place in the storage.
pub const KEY: &str = "reid-workbench window";
const VERSION: u32 = 2;

/// What is kept.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    version: u32,
    /// Dark appearance.
    pub dark: bool,
    /// Zoom factor.
    pub zoom: f32,
    /// Rows 4 points higher.
    pub comfortable: bool,
    /// Which layout.
    pub layout: WorkLayout,
    /// Which columns are open in each layout, where that was changed.
    columns: BTreeMap<String, Columns>,
    /// The same where the window is too narrow for columns beside the panels; they begin closed.
    narrow_columns: BTreeMap<String, Columns>,
    /// Whether the window is that narrow.
    #[serde(skip)]
    pub narrow: bool,
    /// Widths of the left and the right column and height of the log, in points.
    pub sizes: [f32; 3],
    /// Where somebody stands in the tour.
    pub tour: Tour,
    /// The panel that Teach shows.
    pub teach: Pane,
    /// Epochs a second while they are played: 1, 2 or 5.
    pub play_rate: u32,
    /// The run on screen, to begin with the next time.
    pub last_run: Option<PathBuf>,
    /// Ticked runs and the baseline.
    pub marks: Marks,
    /// Runs that were opened by their folder, newest first.
    pub opened: Vec<PathBuf>,
    /// Folders of runs on other machines that were reached, newest first.
    pub machines: Vec<String>,
    /// How fast each device was last seen to work: see [`crate::study::estimate::measured`].
    pub paces: BTreeMap<String, f64>,
    /// Whether what target labels say is shown.
    pub truth: bool,
    /// What the new-run dialog last held.
    pub choice: RunChoice,
    /// Folded groups of parameters.
    pub parameters: Parameters,
    #[serde(deserialize_with = "mended")]
    trees: BTreeMap<String, Tree<Pane>>,
    /// State of the panels.
    #[serde(skip)]
    pub panels: Panels,
}

impl Default for Saved {
    fn default() -> Self {
        Self {
            version: VERSION,
            dark: true,
            zoom: 1.0,
            comfortable: false,
            layout: WorkLayout::Research,
            columns: BTreeMap::new(),
            narrow_columns: BTreeMap::new(),
            narrow: false,
            sizes: [size::LEFT + size::GAP, size::RIGHT + size::GAP, 220.0],
            tour: Tour::default(),
            teach: Pane::Loop,
            play_rate: 2,
            last_run: None,
            marks: Marks::default(),
            opened: Vec::new(),
            machines: Vec::new(),
            paces: BTreeMap::new(),
            truth: true,
            choice: RunChoice::default(),
            parameters: Parameters::default(),
            trees: BTreeMap::new(),
            panels: Panels::default(),
        }
    }
}

/// Which columns are open.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Columns {
    /// Datasets and runs.
    pub left: bool,
    /// Parameters.
    pub right: bool,
}

/// As [`Saved`], in parts, so that one bad part does not lose the others.
#[derive(Serialize, Deserialize)]
struct Parts {
    frame: serde_json::Value,
    panels: serde_json::Value,
}

impl Saved {
    /// From the storage; what cannot be read falls back to its default, never fails.
    pub fn read(text: &str) -> Self {
        let parts: Parts = match serde_json::from_str(text) {
            Ok(parts) => parts,
            Err(error) => {
                tracing::warn!(%error, "the saved window could not be read; it starts anew");
                return Self::default();
            }
        };
        let mut saved: Self = serde_json::from_value(parts.frame).unwrap_or_else(|error| {
            tracing::warn!(%error, "the saved layout could not be read; it starts anew");
            Self::default()
        });
        if saved.version != VERSION {
            saved = Self::default();
        }
        saved.zoom = if saved.zoom.is_finite() { saved.zoom.clamp(0.5, 3.0) } else { 1.0 };
        saved.opened.truncate(RECENT);
        saved.machines.truncate(RECENT);
        saved.panels = serde_json::from_value(parts.panels).unwrap_or_default();
        saved
    }

    /// For the storage.
    pub fn write(&self, panels: &Panels) -> String {
        let value = |v: Result<serde_json::Value, serde_json::Error>| v.unwrap_or(serde_json::Value::Null);
        let parts = Parts { frame: value(serde_json::to_value(self)), panels: value(serde_json::to_value(panels)) };
        serde_json::to_string(&parts).unwrap_or_default()
    }

    /// The panels of the layout in force.
    pub fn tree(&mut self) -> &mut Tree<Pane> {
        let layout = self.layout;
        self.trees.entry(format!("{layout:?}")).or_insert_with(|| default_tree(layout))
    }

    /// The columns of the layout in force. Tune begins without: its sliders are in a panel; Teach, too, and a narrow
    /// window.
    pub fn columns(&mut self) -> &mut Columns {
        let open = self.layout == WorkLayout::Research && !self.narrow;
        let columns = if self.narrow { &mut self.narrow_columns } else { &mut self.columns };
        columns.entry(format!("{:?}", self.layout)).or_insert(Columns { left: open, right: open })
    }

    /// Puts the panels of the layout in force where they were at first.
    pub fn reset_tree(&mut self) {
        let name = format!("{:?}", self.layout);
        self.trees.remove(&name);
        self.columns.remove(&name);
        self.narrow_columns.remove(&name);
    }

    /// Notes a run that was opened by its folder as the newest of them.
    pub fn note_opened(&mut self, folder: &Path) {
        self.opened.retain(|known| known != folder);
        self.opened.insert(0, folder.to_path_buf());
        self.opened.truncate(RECENT);
    }
}

impl Saved {
    /// Notes a folder of runs on another machine as the newest of those that were reached.
    pub fn note_machine(&mut self, address: &str) {
        self.machines.retain(|known| known != address);
        self.machines.insert(0, address.to_owned());
        self.machines.truncate(RECENT);
    }
}

/// Runs that are remembered by their folder.
const RECENT: usize = 12;

/// Arrangements as they were saved, mended: panels that there are no more are left out, and so is what only held
/// them; an arrangement that makes no sense begins anew. A panel that has come since waits in the menu.
fn mended<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Tree<Pane>>, D::Error> {
    let raw = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
    let tree = |mut value: serde_json::Value| -> Option<Tree<Pane>> {
        let tiles = value.get_mut("tiles")?.get_mut("tiles")?.as_object_mut()?;
        tiles.retain(|_, tile| tile.get("Pane").is_none_or(|pane| Pane::deserialize(pane).is_ok()));
        let there: BTreeSet<u64> = tiles.keys().filter_map(|id| id.parse().ok()).collect();
        tiles.values_mut().for_each(|tile| forget_missing(tile, &there));
        let tree: Tree<Pane> = serde_json::from_value(value).ok()?;
        is_sound(&tree).then_some(tree)
    };
    Ok(raw.into_iter().filter_map(|(name, value)| Some((name, tree(value)?))).collect())
}

/// Takes out of a container what is not there.
fn forget_missing(tile: &mut serde_json::Value, there: &BTreeSet<u64>) {
    let Some(kinds) = tile.get_mut("Container").and_then(|c| c.as_object_mut()) else { return };
    let known = |id: &serde_json::Value| id.as_u64().is_some_and(|id| there.contains(&id));
    for container in kinds.values_mut() {
        if let Some(children) = container.get_mut("children").and_then(|c| c.as_array_mut()) {
            children.retain(|id| id.is_null() || known(id));
        }
        if let Some(active) = container.get_mut("active").filter(|id| !id.is_null() && !known(id)) {
            *active = serde_json::Value::Null;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::panels::tiles::show_pane;

    #[test]
    fn a_bad_file_falls_back() {
        for text in ["", "{", "[]", r#"{"frame": 3, "panels": []}"#, r#"{"frame": {"version": 99}, "panels": null}"#] {
            let mut saved = Saved::read(text);
            assert!(saved.dark && is_sound(saved.tree()), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut saved = Saved { dark: false, zoom: 1.5, layout: WorkLayout::Tune, ..Saved::default() };
        saved.tree();
        let read = Saved::read(&saved.write(&Panels::default()));
        assert!(!read.dark && read.layout == WorkLayout::Tune && read.trees.len() == 1);
    }

    /// A layout that was saved with other panels than there are now.
    fn saved_with(change: impl Fn(&mut Tree<Pane>), text: impl Fn(String) -> String) -> Saved {
        let mut saved = Saved::default();
        change(saved.tree());
        Saved::read(&text(saved.write(&Panels::default())))
    }

    #[test]
    fn a_saved_layout_survives_a_new_panel_and_one_that_is_no_more() {
        // A panel that has come since the layout was saved waits in the menu; the rest stays as it was.
        let remove = |tree: &mut Tree<Pane>| {
            let id = tree.tiles.find_pane(&Pane::Loss).unwrap();
            tree.remove_recursively(id);
        };
        let mut read = saved_with(remove, |text| text);
        assert_eq!(read.trees.len(), 1);
        assert!(read.tree().tiles.find_pane(&Pane::Loss).is_none());
        show_pane(read.tree(), Pane::Loss, WorkLayout::Research);
        assert!(is_sound(read.tree()) && read.tree().tiles.find_pane(&Pane::Loss).is_some());
        // A panel that this program does not know is left out.
        let mut read = saved_with(|_| {}, |text| text.replace("\"sweep\"", "\"crystal-ball\""));
        assert_eq!(read.trees.len(), 1);
        assert!(read.tree().tiles.find_pane(&Pane::Sweep).is_none());
        assert!(read.tree().tiles.find_pane(&Pane::Eq8).is_some() && is_sound(read.tree()));
    }

    #[test]
    fn a_layout_of_the_first_release_is_read() {
        let mut read = Saved::read(include_str!("saved/first.json"));
        assert!(!read.dark && read.layout == WorkLayout::Tune && read.zoom == 1.25);
        assert_eq!(read.trees.len(), 2);
        assert!(is_sound(read.tree()));
        for pane in Pane::ALL {
            show_pane(read.tree(), *pane, WorkLayout::Tune);
        }
        assert!(is_sound(read.tree()) && Pane::ALL.iter().all(|p| read.tree().tiles.find_pane(p).is_some()));
    }

    #[test]
    fn a_layout_that_names_a_tile_twice_begins_anew() {
        let twice = |tree: &mut Tree<Pane>| {
            let id = tree.tiles.find_pane(&Pane::Map).unwrap();
            if let Some(egui_tiles::Tile::Pane(pane)) = tree.tiles.get_mut(id) {
                *pane = Pane::Loss;
            }
        };
        assert!(saved_with(twice, |text| text).trees.is_empty());
    }

    #[test]
    fn a_narrow_window_has_columns_of_its_own() {
        let mut saved = Saved::default();
        saved.columns().left = true;
        saved.narrow = true;
        assert!(!saved.columns().left && !saved.columns().right);
        saved.columns().right = true;
        saved.narrow = false;
        assert!(saved.columns().left && saved.columns().right);
    }
}
