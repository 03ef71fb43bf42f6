//! Attention: not drawn yet.

use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::PanelCtx;
use crate::gui::widgets::{icon, tile};

/// State of the Attention tile that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HeatMapsPanel {}

impl HeatMapsPanel {
    /// Title of the tile.
    pub const TITLE: &str = "Attention";

    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCtx<'_>) {
        tile::head(ui, cx.head, "", |_| {});
        tile::empty_state(ui, icon::HEAT, "Nothing yet", "This tile fills once a run goes on.", None);
    }
}
