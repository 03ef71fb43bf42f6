//! Cluster map.

use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::PanelCtx;
use crate::gui::widgets::{icon, tile};

/// State of the Cluster map tile that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MapPanel {}

impl MapPanel {
    /// Title of the tile.
    pub const TITLE: &str = "Cluster map";

    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCtx<'_>) {
        tile::head(ui, cx.head, "", |_| {});
        tile::empty_state(ui, icon::INFO, "No clusters yet", "", None);
    }
}
