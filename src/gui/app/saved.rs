//! What the window keeps between sessions. A file that cannot be read falls back to the defaults.

use std::collections::BTreeMap;

use egui_tiles::Tree;
use serde::{Deserialize, Serialize};

use crate::gui::command::Layout;
use crate::gui::dialogs::new_run::Choice;
use crate::gui::panels::parameters::Parameters;
use crate::gui::panels::tiles::{default_tree, is_sound};
use crate::gui::panels::{Pane, Panels};

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
    pub layout: Layout,
    /// Which columns are open in each layout, where that was changed.
    columns: BTreeMap<String, Columns>,
    /// Whether what target labels say is shown.
    pub truth: bool,
    /// What the new-run dialog last held.
    pub choice: Choice,
    /// Folded groups of parameters.
    pub parameters: Parameters,
    trees: BTreeMap<String, Tree<Pane>>,
    /// State of the tiles.
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
            layout: Layout::Research,
            columns: BTreeMap::new(),
            truth: true,
            choice: Choice::default(),
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
        saved.trees.retain(|_, tree| is_sound(tree));
        saved.zoom = if saved.zoom.is_finite() { saved.zoom.clamp(0.5, 3.0) } else { 1.0 };
        saved.panels = serde_json::from_value(parts.panels).unwrap_or_default();
        saved
    }

    /// For the storage.
    pub fn write(&self, panels: &Panels) -> String {
        let value = |v: Result<serde_json::Value, serde_json::Error>| v.unwrap_or(serde_json::Value::Null);
        let parts = Parts { frame: value(serde_json::to_value(self)), panels: value(serde_json::to_value(panels)) };
        serde_json::to_string(&parts).unwrap_or_default()
    }

    /// The tiles of the layout in force.
    pub fn tree(&mut self) -> &mut Tree<Pane> {
        let layout = self.layout;
        self.trees.entry(format!("{layout:?}")).or_insert_with(|| default_tree(layout))
    }

    /// The columns of the layout in force. Tune begins without: its sliders are in a tile.
    pub fn columns(&mut self) -> &mut Columns {
        let open = self.layout != Layout::Tune;
        self.columns.entry(format!("{:?}", self.layout)).or_insert(Columns { left: open, right: open })
    }

    /// Puts the tiles of the layout in force where they were at first.
    pub fn reset_tree(&mut self) {
        self.trees.remove(&format!("{:?}", self.layout));
        self.columns.remove(&format!("{:?}", self.layout));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_file_falls_back() {
        for text in ["", "{", "[]", r#"{"frame": 3, "panels": []}"#, r#"{"frame": {"version": 99}, "panels": null}"#] {
            let mut saved = Saved::read(text);
            assert!(saved.dark && is_sound(saved.tree()), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut saved = Saved { dark: false, zoom: 1.5, layout: Layout::Tune, ..Saved::default() };
        saved.tree();
        let read = Saved::read(&saved.write(&Panels::default()));
        assert!(!read.dark && read.layout == Layout::Tune && read.trees.len() == 1);
    }

    #[test]
    fn a_layout_with_a_missing_tile_is_not_used() {
        let mut saved = Saved::default();
        let tree = saved.tree();
        let id = tree.tiles.find_pane(&Pane::Loss).unwrap();
        tree.remove_recursively(id);
        let read = Saved::read(&saved.write(&Panels::default()));
        assert!(read.trees.is_empty());
    }
}
