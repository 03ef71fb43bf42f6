//! Heat maps: where the attention blocks look, over the watched images, with an honest scale.

mod footer;
mod found;
mod maps;
mod menus;
pub mod paint;
mod save;
mod sheet;
mod strips;

use eframe::egui::{Key, Ui, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn};
use crate::engine::event::{ImageMaps, ImageRef};
use crate::gui::plot::heat::Painted;
use crate::gui::plot::ticks;
use crate::gui::theme::size;
use crate::gui::widgets::{button, icon};
use crate::gui::words::after_words;
use found::Other;
use maps::{MapKind, Scale, ShownMaps};
use save::Saving;
use sheet::{Derived, MapChoice, MapSheet};
use strips::{MapLook, Packing, Setting, Strips};

/// State of the Heat maps panel that outlives the window.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct HeatMapsPanel {
    /// `layer1`, `layer4`; empty is the last there is.
    position: String,
    shown: ShownMaps,
    /// The map of [`ShownMaps::One`], and of comparisons.
    kind: MapKind,
    scale: Scale,
    /// Percentile at which the colours end, 50..=100.
    clip: f64,
    /// Of maps over photos, 0..=1.
    opacity: f64,
    #[serde(skip)]
    derived: Derived,
    #[serde(skip)]
    painted: Painted,
    #[serde(skip)]
    saving: Saving,
    /// Photos were missing when the strips were last drawn.
    #[serde(skip)]
    missing: bool,
}

impl Default for HeatMapsPanel {
    fn default() -> Self {
        Self {
            position: String::new(),
            shown: ShownMaps::default(),
            kind: MapKind::default(),
            scale: Scale::default(),
            clip: 100.0,
            opacity: 0.62,
            derived: Derived::default(),
            painted: Painted::default(),
            saving: Saving::default(),
            missing: false,
        }
    }
}

impl Panel for HeatMapsPanel {
    const TITLE: &'static str = "Heat maps";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let found = match found::looked_at(cx) {
            Ok(found) => found,
            Err((title, text)) => return Err(Absence::nothing(icon::HEAT, title, text)),
        };
        let other = found::compared_with(cx);
        let images = found.images();
        let (there, epochs) = match &other {
            Other::Maps(there) => (there.images(), Some([found.epoch, there.epoch])),
            Other::None | Other::Not(_) => (Vec::new(), None),
        };
        let positions = maps::positions(&images);
        let known = positions.iter().find(|p| **p == self.position);
        let Some(position) = known.or(positions.last()).cloned() else {
            let text = "The watched images came without maps: compute them once more, or watch others.";
            return Err(Absence::nothing(icon::HEAT, "No attention maps", text));
        };
        let find = |of: &&ImageMaps| there.iter().copied().find(|t| t.image == of.image);
        let people = images.iter().map(|of| (*of, find(of))).collect();
        let (shown, kind) = (self.shown, self.kind);
        let choice = MapChoice { shown, kind, position: &position, positions: &positions, epochs };
        let sheet = MapSheet::new(people, &choice);
        self.derived.refresh(&sheet, self.clip);
        let scope = self.scope(&found, &other);
        let mut peek = self.head(ui, cx, &sheet, &scope, found.epoch);
        peek |= ui.rect_contains_pointer(ui.max_rect())
            && !ui.ctx().egui_wants_keyboard_input()
            && ui.input(|i| i.key_down(Key::P) && i.modifiers.is_none());
        self.bar(ui, cx, &sheet, &choice, (&scope, found.epoch));
        self.body(ui, cx, &sheet, peek, epochs.is_some());
        Ok(())
    }
}

impl HeatMapsPanel {
    fn scope(&self, found: &found::FoundMaps<'_>, other: &Other<'_>) -> String {
        let here = if found.early { "in pre-training".to_owned() } else { after_words(found.epoch) };
        let against = match other {
            Other::None => String::new(),
            Other::Not(why) => format!(" against: {why}"),
            Other::Maps(there) => format!(" against {}", after_words(there.epoch)),
        };
        format!("{here}{against}, {}", ticks::counted(found.images().len(), "image", "images"))
    }

    /// Scope and tools in the panel's title; whether the bare photos are asked for.
    fn head(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, sheet: &MapSheet<'_>, scope: &str, epoch: usize) -> bool {
        let mut peek = false;
        let watched: Vec<ImageRef> = sheet.people.iter().map(|(of, _)| of.image).collect();
        let narrow = !menus::has_room(ui, ui.max_rect().width());
        cx.title(scope).show(ui, |ui| {
            self.options(ui, cx, &watched, narrow);
            let eye = button::icon_button(ui, icon::EYE, "Show the bare photos while pressed, or hold P");
            peek = eye.is_pointer_button_down_on();
            menus::against(ui, cx, epoch);
        });
        peek
    }

    /// The button that writes the sheet as a picture.
    fn save(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, sheet: &MapSheet<'_>, scope: &str, epoch: usize) {
        let button = button::icon_button(ui, icon::EXPORT, "Save this grid…");
        let what = match self.shown {
            ShownMaps::Overview => "overview".to_owned(),
            ShownMaps::Branches => "triplet".to_owned(),
            ShownMaps::Fig6 => "fig6".to_owned(),
            ShownMaps::One => self.kind.name("map").replace('.', "_"),
        };
        let name = format!("heat_maps_{what}_after_{epoch:04}.png");
        let offer = cx.view.folder.clone().unwrap_or_default().join("export").join(name);
        let look = (self.scale, self.clip, self.opacity as f32);
        let derived = &self.derived;
        self.saving.popup(&button, &offer, || save::compose(cx, sheet, derived, look, scope.to_owned()));
    }

    fn body(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, sheet: &MapSheet<'_>, peek: bool, compared: bool) {
        let gates = sheet.columns.iter().any(|c| c.kind == MapKind::Coordinate);
        let setting = match (compared, self.is_dense()) {
            (true, _) => Setting::compared(gates),
            (false, true) => Setting::dense(gates),
            (false, false) => Setting::wide(gates),
        };
        let height = (ui.available_height() - footer::HEIGHT - 18.0).max(size::THUMBS[2][1]);
        let room = vec2(ui.available_width() - 8.0, height);
        let packing = Packing::new(room, sheet.people.len(), sheet.columns.len(), setting);
        strips::header(ui, sheet, &packing);
        let left = ui.cursor().left();
        let look = MapLook { peek, opacity: self.opacity as f32, scale: self.scale };
        let strips = Strips { sheet, derived: &self.derived, packing, look };
        self.missing = strips.show(ui, cx, &mut self.painted, height);
        let column = |i: usize| (left + packing.column(i), packing.cell.x);
        let under = (!compared && !self.is_dense()).then(|| (1..sheet.columns.len()).map(column).collect());
        self.footer(ui, sheet, under);
    }

    /// Many people at once, instead of several maps of few.
    fn is_dense(&self) -> bool {
        matches!(self.shown, ShownMaps::Fig6 | ShownMaps::One)
    }
}
