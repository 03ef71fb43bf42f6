//! Lineage.

use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::PanelCtx;
use crate::gui::widgets::{icon, tile};

/// State of the Lineage tile that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LineagePanel {}

impl LineagePanel {
    /// Title of the tile.
    pub const TITLE: &str = "Lineage";

    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCtx<'_>) {
        tile::head(ui, cx.head, "", |_| {});
        tile::empty_state(ui, icon::INFO, "No clusters yet", "", None);
    }
}
