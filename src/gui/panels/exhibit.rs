//! Reliable or not.

use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::PanelCtx;
use crate::gui::widgets::{icon, tile};

/// State of the Reliable or not tile that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExhibitPanel {}

impl ExhibitPanel {
    /// Title of the tile.
    pub const TITLE: &str = "Reliable or not";

    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCtx<'_>) {
        tile::head(ui, cx.head, "", |_| {});
        tile::empty_state(ui, icon::INFO, "No clusters yet", "", None);
    }
}
