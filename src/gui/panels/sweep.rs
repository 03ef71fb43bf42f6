//! eps × Δd.

use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::PanelCtx;
use crate::gui::widgets::{icon, tile};

/// State of the eps × Δd tile that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepPanel {}

impl SweepPanel {
    /// Title of the tile.
    pub const TITLE: &str = "eps × Δd";

    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCtx<'_>) {
        tile::head(ui, cx.head, "", |_| {});
        tile::empty_state(ui, icon::INFO, "No clusters yet", "", None);
    }
}
