//! Heat maps: where the attention blocks look, over the watched images, with an honest scale.

mod maps;

use std::sync::Arc;

use eframe::egui::{self, Align2, Key, Rect, Sense, Ui, Vec2, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::{PanelCtx, photo};
use crate::engine::command::Command;
use crate::engine::event::{ImageMaps, ImageRef, Split};
use crate::gui::command::UiCommand;
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::{Loaded, Part};
use crate::gui::widgets::images::Tone;
use crate::gui::widgets::slider::{self, Slider};
use crate::gui::widgets::{button, icon, tile};
use maps::{Columns, Painted, Scale};

/// State of the Heat maps tile that outlives the window.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct HeatMapsPanel {
    /// `layer1`, `layer4`; empty is the last there is.
    position: String,
    columns: Columns,
    scale: Scale,
    opacity: f64,
    #[serde(skip)]
    painted: Painted,
}

impl Default for HeatMapsPanel {
    fn default() -> Self {
        Self {
            position: String::new(),
            columns: Columns::default(),
            scale: Scale::default(),
            opacity: 0.62,
            painted: Painted::default(),
        }
    }
}

/// The maps to show and after how many epochs they were computed: those that came live, then those of the
/// snapshot. Nothing is copied: a network's maps are megabytes.
struct Found<'a> {
    epoch: usize,
    live: &'a [ImageMaps],
    stored: Option<Arc<Vec<ImageMaps>>>,
}

impl Found<'_> {
    fn images(&self) -> Vec<&ImageMaps> {
        let known = |image: ImageRef| self.live.iter().any(|l| l.image == image);
        let stored = self.stored.iter().flat_map(|s| s.iter()).filter(|i| !known(i.image));
        self.live.iter().chain(stored).collect()
    }
}

/// What all rows have in common.
#[derive(Clone, Copy)]
struct Look<'a> {
    shown: &'a [&'a ImageMaps],
    /// The maps' names, a column each.
    names: &'a [String],
    cell: Vec2,
    /// The bare photos are asked for.
    peek: bool,
    /// The range of each column over all images.
    ranges: &'a [[f32; 2]],
}

impl HeatMapsPanel {
    /// Title of the tile.
    pub const TITLE: &str = "Heat maps";

    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCtx<'_>) {
        let found = match find(cx) {
            Ok(found) => found,
            Err((title, text)) => {
                tile::head(ui, cx.head, "", |_| {});
                tile::empty_state(ui, icon::HEAT, title, &text, None);
                return;
            }
        };
        let shown = found.images();
        let watched: Vec<ImageRef> = shown.iter().map(|i| i.image).collect();
        let scope = format!("{}, epoch {}", ticks::counted(watched.len(), "image", "images"), found.epoch);
        let mut peek = false;
        tile::head(ui, cx.head, &scope, |ui| {
            self.menu(ui, cx.selection.image, &watched, cx.actions);
            let eye = button::icon_button(ui, icon::EYE, "Show the bare photos while pressed, or hold P");
            peek = eye.is_pointer_button_down_on();
        });
        peek |= ui.ui_contains_pointer()
            && !ui.ctx().egui_wants_keyboard_input()
            && ui.input(|i| i.key_down(Key::P) && i.modifiers.is_none());
        let positions = maps::positions(&shown);
        let Some(position) = positions.iter().find(|p| **p == self.position).or(positions.last()).cloned() else {
            let text = "This network has no attention blocks: switch `attention` on for the next run.";
            tile::empty_state(ui, icon::HEAT, "No attention maps", text, None);
            return;
        };
        self.bar(ui, &positions, &position);
        let names = self.columns.names(&position);
        let footer = 34.0;
        let cell = cell_size(ui.available_size() - vec2(0.0, footer), names.len());
        header(ui, &names, cell);
        let room = (ui.available_height() - footer).max(60.0);
        let rows = egui::ScrollArea::vertical().id_salt("heat maps").max_height(room).auto_shrink([false, false]);
        let ranges: Vec<[f32; 2]> = names.iter().map(|n| maps::range_of_all(&shown, n)).collect();
        let look = Look { shown: &shown, names: &names, cell, peek, ranges: &ranges };
        let height = cell.y + maps::PROFILE + 4.0;
        rows.show_rows(ui, height, shown.len(), |ui, range| {
            for i in range {
                self.row(ui, cx, &look, i);
            }
        });
        self.footer(ui, &look);
    }

    fn menu(&mut self, ui: &mut Ui, selected: Option<ImageRef>, watched: &[ImageRef], actions: &mut Vec<UiCommand>) {
        let menu = button::icon_button(ui, icon::DOTS, "Options of the heat maps");
        egui::Popup::menu(&menu).show(|ui| {
            for columns in Columns::ALL {
                ui.radio_value(&mut self.columns, columns, columns.words());
            }
            ui.separator();
            let fresh = selected.filter(|s| !watched.contains(s));
            let watch = ui.add_enabled(fresh.is_some(), egui::Button::new("Watch the selected image"));
            let why = "Select an image that is not watched yet, for example in the rank lists.";
            if let (true, Some(image)) = (watch.on_disabled_hover_text(why).clicked(), fresh) {
                let list: Vec<ImageRef> = watched.iter().copied().chain([image]).collect();
                actions.push(UiCommand::Engine(Command::Watch(list.clone())));
                actions.push(UiCommand::Engine(Command::HeatMaps(list)));
            }
            let gone = selected.filter(|s| watched.contains(s));
            let unwatch = ui.add_enabled(gone.is_some(), egui::Button::new("Stop watching the selected image"));
            if let (true, Some(image)) = (unwatch.clicked(), gone) {
                let list = watched.iter().copied().filter(|i| *i != image).collect();
                actions.push(UiCommand::Engine(Command::Watch(list)));
            }
            if ui.button("Compute with the weights as they stand").clicked() {
                actions.push(UiCommand::Engine(Command::HeatMaps(watched.to_vec())));
            }
        });
    }

    fn bar(&mut self, ui: &mut Ui, positions: &[String], position: &str) {
        ui.horizontal(|ui| {
            let mut chosen = positions.iter().position(|p| p == position).unwrap_or(0);
            let options: Vec<(usize, &str)> = positions.iter().enumerate().map(|(i, p)| (i, p.as_str())).collect();
            if button::segment(ui, &options, &mut chosen) {
                self.position.clone_from(&positions[chosen]);
            }
            button::segment(ui, &[(Scale::Shared, "shared scale"), (Scale::PerImage, "per image")], &mut self.scale);
        });
    }

    fn row(&mut self, ui: &mut Ui, cx: &mut PanelCtx<'_>, look: &Look<'_>, i: usize) {
        let Look { shown, names, cell, peek, ranges } = *look;
        let theme = Theme::of(ui.ctx());
        let of = shown[i];
        let images = cx.snapshots.images(cx.view);
        let info = images.ready().and_then(|list| list.get(of.image).cloned());
        let path = info.as_ref().map(|row| row.path.as_path());
        let height = cell.y + maps::PROFILE + 4.0;
        let (area, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
        let said = format!("Attention of {}", image_name(of.image));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, said.as_str()));
        let at = |column: usize| {
            let x = area.left() + (cell.x + maps::GAP) * column as f32;
            Rect::from_min_size(pos2(x, area.top() + maps::PROFILE), cell)
        };
        let bare = photo::paint(ui, cx.images, path, at(0), Tone::Color, 1.0);
        for (column, name) in names.iter().enumerate() {
            let rect = at(column + 1);
            let Some(map) = of.maps.iter().find(|m| &m.name == name) else {
                let center = rect.center();
                ui.painter().text(center, Align2::CENTER_CENTER, "–", Type::Small.font(ui), theme.t3);
                continue;
            };
            let range = if self.scale == Scale::Shared { ranges[column] } else { maps::range_of(of, name) };
            let overlaid = maps::is_spatial(name);
            let target = if overlaid { bare.translate(rect.min - at(0).min) } else { rect };
            if overlaid || peek {
                let tone = if peek { Tone::Color } else { Tone::Muted };
                photo::paint(ui, cx.images, path, rect, tone, 1.0);
            }
            if !peek {
                let opacity = if overlaid { self.opacity as f32 } else { 1.0 };
                self.painted.paint(ui, map, target, range, opacity);
                maps::gates(ui, of, name, target);
            }
        }
        if cx.selection.image == Some(of.image) {
            let frame = egui::Stroke::new(size::STROKE_CURVE, theme.accent);
            ui.painter().rect_stroke(bare, size::RADIUS_CHIP, frame, egui::StrokeKind::Outside);
        }
        if let Some(row) = &info {
            let last = at(names.len());
            let words = format!("c{}", row.camid + 1);
            ui.painter().text(
                pos2(last.right() + 6.0, last.top() + 6.0),
                Align2::LEFT_CENTER,
                words,
                Type::Small.font(ui),
                theme.t3,
            );
        }
        if response.clicked() {
            cx.selection.image = Some(of.image);
        }
        let tip = match (images.ready(), photo::missing(cx.images, path)) {
            (Some(_), Some(why)) => why,
            _ => format!("{}. Click to select it.", image_name(of.image)),
        };
        response.on_hover_text(tip);
    }

    /// Opacity, and under each column the range that its colours span.
    fn footer(&mut self, ui: &mut Ui, look: &Look<'_>) {
        let Look { cell, ranges, .. } = *look;
        let theme = Theme::of(ui.ctx());
        let (_, area) = ui.allocate_space(vec2(ui.available_width(), 30.0));
        for (column, [low, high]) in ranges.iter().copied().enumerate() {
            let x = area.left() + (cell.x + maps::GAP) * (column + 1) as f32;
            let bar = Rect::from_min_size(pos2(x, area.top() + 4.0), vec2(cell.x, 6.0));
            maps::color_bar(ui, bar);
            let (low, high) = match self.scale {
                Scale::Shared => (maps::short(low), maps::short(high)),
                Scale::PerImage => ("least".to_owned(), "most".to_owned()),
            };
            let y = bar.bottom() + 2.0;
            let galley = |text: String| ui.painter().layout_no_wrap(text, Type::Small.font(ui), theme.t3);
            let (low, high) = (galley(low), galley(high));
            let right = bar.right() - high.size().x;
            // Where both do not fit, the largest value says more.
            if bar.left() + low.size().x + 4.0 <= right {
                ui.painter().galley(pos2(bar.left(), y), low, theme.t3);
            }
            ui.painter().galley(pos2(right, y), high, theme.t3);
        }
        let left = Rect::from_min_size(area.min, vec2(cell.x + maps::GAP - 4.0, 30.0));
        let mut child = ui.new_child(egui::UiBuilder::new().max_rect(left));
        child.spacing_mut().item_spacing.y = 0.0;
        let knob = Slider {
            name: "Heat map opacity",
            min: 0.0,
            max: 1.0,
            step: 0.01,
            logarithmic: false,
            tick: Some(0.62),
            ghost: None,
            color: slider::neutral(ui.ctx()),
            width: left.width(),
        };
        let percent = ticks::number(100.0 * self.opacity, 0);
        child.spacing_mut().interact_size.y = 14.0;
        knob.show(&mut child, &mut self.opacity)
            .on_hover_text(format!("How much of the map covers the photo: {percent} %."));
        child.add(egui::Label::new(Type::Small.text(format!("opacity {percent} %"), theme.t3)).truncate());
    }
}

/// The maps of the epoch looked at, or what to say instead.
fn find<'a>(cx: &mut PanelCtx<'a>) -> Result<Found<'a>, (&'static str, String)> {
    let view = cx.view;
    let snapshot = view.newest_snapshot(Part::HeatMaps, cx.selection.epoch);
    let live = view.live_maps.as_ref().filter(|(epoch, _)| {
        cx.selection.epoch.is_none_or(|e| e == *epoch) && snapshot.is_none_or(|stored| *epoch >= stored)
    });
    let (live_epoch, live) = live.map_or((None, &[][..]), |(epoch, images)| (Some(*epoch), images.as_slice()));
    let mut stored = None;
    if let Some(epoch) = snapshot.filter(|s| live_epoch.is_none_or(|live| live == *s)) {
        match cx.snapshots.heat_maps(view, epoch) {
            Loaded::Ready(images) => stored = Some(images),
            Loaded::Failed(why) if live.is_empty() => return Err(("These maps cannot be read", why)),
            Loaded::Loading if live.is_empty() => return Err(("Reading the maps", String::new())),
            Loaded::Absent | Loaded::Loading | Loaded::Failed(_) => {}
        }
    }
    let found = Found { epoch: live_epoch.or(snapshot).unwrap_or(0), live, stored };
    if !found.live.is_empty() || found.stored.as_ref().is_some_and(|s| !s.is_empty()) {
        return Ok(found);
    }
    let text = match &view.params {
        Some(params) if !params.attention.enabled => {
            "This run trains without attention blocks: switch `attention` on for the next run."
        }
        _ => "The maps of the watched images come with each evaluation; the first follows pre-training.",
    };
    Err(("No attention maps yet", text.to_owned()))
}

fn image_name(image: ImageRef) -> String {
    let split = match image.split {
        Split::Train => "train",
        Split::Query => "query",
        Split::Gallery => "gallery",
    };
    format!("{split} image {}", ticks::count(image.index as usize))
}

/// 1 : 2, as large as the columns allow while more than two rows are seen; not below the smallest thumbnail.
fn cell_size(room: Vec2, columns: usize) -> Vec2 {
    let by_width = (room.x - 22.0) / (columns + 1) as f32 - maps::GAP;
    let by_height = (room.y / 2.3 - maps::PROFILE - 4.0) / 2.0;
    let width = by_width.min(by_height.max(size::THUMBS[3][0])).clamp(size::THUMBS[1][0], 1.5 * size::THUMBS[4][0]);
    vec2(width, 2.0 * width)
}

fn header(ui: &mut Ui, names: &[String], cell: Vec2) {
    let theme = Theme::of(ui.ctx());
    let (_, area) = ui.allocate_space(vec2(ui.available_width(), 14.0));
    let words = std::iter::once("photo".to_owned()).chain(names.iter().map(|n| maps::title(n)));
    for (column, word) in words.enumerate() {
        let x = area.left() + (cell.x + maps::GAP) * column as f32 + cell.x / 2.0;
        ui.painter().text(pos2(x, area.center().y), Align2::CENTER_CENTER, word, Type::Small.font(ui), theme.t3);
    }
}
