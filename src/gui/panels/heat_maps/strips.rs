//! The watched images on screen: a strip of pictures each, as many side by side as there is room for.

use eframe::egui::{self, Align2, Rect, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, pos2, vec2};

use super::PanelCtx;
use super::maps::{MapKind, Scale};
use super::paint::{self, PROFILE};
use super::sheet::{Column, ColumnShown, Derived, MapSheet};
use crate::engine::event::{ImageRef, Split};
use crate::export::attention::Ramp;
use crate::gui::panels::Pick;
use crate::gui::plot::heat::Painted;
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::Loaded;
use crate::gui::widgets::images::Tone;
use crate::gui::widgets::photo;
use crate::run::images::ImageRow;

/// How strips are set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Between the pictures of a strip.
    gap: f32,
    /// Between strips.
    between: f32,
    /// Above and left of each strip, for the gates.
    profile: f32,
    /// At the right of each strip, for its camera; 0 is a line of words below it.
    right: f32,
    /// Strips to be seen at once.
    target: f32,
    /// Pictures do not get narrower for that.
    floor: f32,
}

impl Setting {
    /// Few large pictures, with room between them.
    pub fn wide(gates: bool) -> Self {
        let profile = if gates { PROFILE } else { 0.0 };
        Self { gap: 16.0, between: 8.0, profile, right: 18.0, target: 1.3, floor: size::THUMBS[3][0] }
    }

    /// Many people at once: eight or more.
    pub fn dense(gates: bool) -> Self {
        let (profile, gap) = if gates { (PROFILE, 16.0) } else { (0.0, 3.0) };
        Self { gap, between: 12.0, profile, right: 0.0, target: 8.0, floor: size::THUMBS[1][0] }
    }

    /// Two epochs and their difference.
    pub fn compared(gates: bool) -> Self {
        let (profile, gap) = if gates { (PROFILE, 16.0) } else { (0.0, 10.0) };
        Self { gap, between: 16.0, profile, right: 0.0, target: 1.3, floor: size::THUMBS[2][0] }
    }

    fn strip(&self, cell: f32, columns: usize) -> Vec2 {
        let n = columns as f32;
        let below = if self.right > 0.0 { 4.0 } else { 18.0 };
        vec2(self.profile + n * cell + (n - 1.0) * self.gap + self.right, self.profile + 2.0 * cell + below)
    }
}

/// Where everything goes.
#[derive(Clone, Copy, Debug)]
pub struct Packing {
    setting: Setting,
    columns: usize,
    /// A picture; 1 : 2.
    pub cell: Vec2,
    strip: Vec2,
    /// Strips side by side.
    pub per_row: usize,
}

impl Packing {
    /// The largest pictures with which enough of `people` strips are seen in `room`.
    pub fn new(room: Vec2, people: usize, columns: usize, setting: Setting) -> Self {
        let (least, most) = (size::THUMBS[1][0], 2.0 * size::THUMBS[4][0]);
        let per_row = |strip: Vec2| ((room.x + setting.between) / (strip.x + setting.between)).floor();
        let enough = setting.target.min(people as f32);
        let seen = |cell: f32| {
            let strip = setting.strip(cell, columns);
            let wide = per_row(strip);
            if wide >= 1.0 { wide * (room.y / strip.y) } else { 0.0 }
        };
        let steps = (0..).map(|i| most - i as f32).take_while(|cell| *cell >= least);
        let fits = steps.clone().filter(|cell| seen(*cell) > 0.0);
        let chosen = fits.clone().find(|cell| seen(*cell) >= enough || *cell <= setting.floor);
        let cell = chosen.or(fits.last()).unwrap_or(least);
        let strip = setting.strip(cell, columns);
        Self { setting, columns, cell: vec2(cell, 2.0 * cell), strip, per_row: (per_row(strip) as usize).max(1) }
    }

    /// Left edge of a strip, from the left edge of its row.
    fn left(&self, place: usize) -> f32 {
        place as f32 * (self.strip.x + self.setting.between)
    }

    /// Left edge of a column's pictures, from the left edge of its strip.
    pub fn column(&self, column: usize) -> f32 {
        self.setting.profile + column as f32 * (self.cell.x + self.setting.gap)
    }
}

/// How maps are drawn.
#[derive(Clone, Copy)]
pub struct MapLook {
    /// The bare photos are asked for.
    pub peek: bool,
    /// Of a map over its photo.
    pub opacity: f32,
    /// What the ends of the colours mean.
    pub scale: Scale,
}

/// The columns' names over the strips; in one sentence where they do not fit.
pub fn header(ui: &mut Ui, sheet: &MapSheet<'_>, packing: &Packing) {
    let theme = Theme::of(ui.ctx());
    let (_, area) = ui.allocate_space(vec2(ui.available_width(), 14.0));
    let galley = |text: &str| ui.painter().layout_no_wrap(text.to_owned(), Type::Small.font(ui), theme.t3);
    let titles: Vec<_> = sheet.columns.iter().map(|c| galley(&c.title)).collect();
    let room = packing.cell.x + packing.setting.gap - 2.0;
    if sheet.columns.len() == 1 || titles.iter().any(|t| t.size().x > room) {
        let names: Vec<&str> = sheet.columns.iter().map(|c| c.title.as_str()).collect();
        let lead = if names.len() > 1 { "left to right " } else { "" };
        let words = format!("{lead}{}", names.join(", "));
        let mut line = ui.new_child(UiBuilder::new().max_rect(area));
        line.add(egui::Label::new(Type::Small.text(words, theme.t3)).truncate());
        return;
    }
    for place in 0..packing.per_row.min(sheet.people.len()) {
        for (column, title) in titles.iter().enumerate() {
            let center = area.left() + packing.left(place) + packing.column(column) + packing.cell.x / 2.0;
            let at = pos2(center - title.size().x / 2.0, area.center().y - title.size().y / 2.0);
            ui.painter().galley(at, title.clone(), theme.t3);
        }
    }
}

/// All that is needed to draw a strip.
pub struct Strips<'a, 's> {
    /// What is shown.
    pub sheet: &'s MapSheet<'a>,
    /// Its differences and ranges.
    pub derived: &'s Derived,
    /// Where.
    pub packing: Packing,
    /// How.
    pub look: MapLook,
}

impl Strips<'_, '_> {
    /// Shows the strips in `height` points; says whether photos of those on screen are missing.
    pub fn show(&self, ui: &mut Ui, cx: &PanelCtx<'_>, painted: &mut Painted, height: f32) -> bool {
        let mut missing = false;
        let rows = self.sheet.people.len().div_ceil(self.packing.per_row);
        let area = egui::ScrollArea::vertical().id_salt("heat maps").max_height(height).auto_shrink([false, false]);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            area.show_rows(ui, self.packing.strip.y, rows, |ui, range| {
                for row in range {
                    let (_, area) = ui.allocate_space(vec2(ui.available_width(), self.packing.strip.y));
                    for place in 0..self.packing.per_row {
                        let i = row * self.packing.per_row + place;
                        if i < self.sheet.people.len() {
                            let at = pos2(area.left() + self.packing.left(place), area.top());
                            let strip = Rect::from_min_size(at, self.packing.strip);
                            missing |= self.strip(ui, cx, painted, i, strip);
                        }
                    }
                }
            });
        });
        missing
    }

    fn strip(&self, ui: &mut Ui, cx: &PanelCtx<'_>, painted: &mut Painted, i: usize, area: Rect) -> bool {
        let theme = Theme::of(ui.ctx());
        let image = self.sheet.people[i].0.image;
        let id = ui.scope_id().with(("strip", image.split as u8, image.index));
        let response = ui.interact(area, id, Sense::click());
        let what = if self.look.peek { "Photo" } else { "Attention" };
        let said = format!("{what} of {}", image_name(image));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, said.as_str()));
        let list = cx.snapshots.images(cx.view);
        let info = list.ready().and_then(|list| list.get(image).cloned());
        let path = info.as_ref().map(|row| row.path.as_path());
        let known = matches!(list, Loaded::Ready(_) | Loaded::Failed(_));
        let why = photo::missing(cx.images, path).filter(|_| known);
        for (column, of) in self.sheet.columns.iter().enumerate() {
            let at = pos2(area.left() + self.packing.column(column), area.top() + self.packing.setting.profile);
            let cell = Rect::from_min_size(at, self.packing.cell);
            let bare = |ui: &Ui, cx: &PanelCtx<'_>, tone| match &why {
                Some(_) if of.what != ColumnShown::Photo => {
                    ui.painter().rect_filled(cell, size::RADIUS_CHIP, theme.bg3);
                    cell
                }
                _ => photo::paint(ui, cx.images, path, cell, tone, 1.0),
            };
            let known = of.what == ColumnShown::Photo || self.derived.map(self.sheet, i, of).is_some();
            let shown = if of.what == ColumnShown::Photo || self.look.peek {
                bare(ui, cx, Tone::Color)
            } else if !known {
                ui.painter().rect_filled(cell, size::RADIUS_CHIP, theme.bg2);
                let font = Type::Small.font(ui);
                ui.painter().text(cell.center(), Align2::CENTER_CENTER, "–", font, theme.t3);
                cell
            } else {
                let under = if of.kind.is_spatial() { bare(ui, cx, Tone::Muted) } else { cell };
                self.map(ui, painted, i, of, under);
                under
            };
            if column == 0 && cx.selection.image == Some(image) {
                let frame = Stroke::new(size::STROKE_CURVE, theme.accent);
                ui.painter().rect_stroke(shown, size::RADIUS_CHIP, frame, StrokeKind::Inside);
            }
        }
        self.words(ui, area, image, info.as_ref());
        if response.clicked() {
            cx.select(Pick::Image(Some(image)));
        }
        let tip = why.clone().unwrap_or_else(|| format!("{}. Click to select it.", image_name(image)));
        response.on_hover_text(tip);
        why.is_some()
    }

    fn map(&self, ui: &Ui, painted: &mut Painted, i: usize, of: &Column, rect: Rect) {
        let Some(map) = self.derived.map(self.sheet, i, of) else { return };
        let ramp = self.sheet.bars.get(of.bar).map_or(Ramp::Attention, |bar| bar.ramp);
        let opacity = if of.kind.is_spatial() { self.look.opacity } else { 1.0 };
        painted.paint(ui, map, rect, self.derived.range(self.look.scale, i, of.bar), (ramp, opacity));
        let (here, there) = self.sheet.people[i];
        let gates = match of.what {
            ColumnShown::Here => Some(here),
            ColumnShown::There => there,
            ColumnShown::Photo | ColumnShown::Difference => None,
        };
        if let Some(of_image) = gates.filter(|_| of.kind == MapKind::Coordinate) {
            paint::gates(ui, of_image, &of.name, rect);
        }
    }

    /// Camera beside the strip, or name and camera below it.
    fn words(&self, ui: &Ui, area: Rect, image: ImageRef, info: Option<&ImageRow>) {
        let ink = Theme::of(ui.ctx()).t3;
        let galley = |text: String| ui.painter().layout_no_wrap(text, Type::Small.font(ui), ink);
        let camera = info.map(|row| format!("c{}", row.camid + 1)).unwrap_or_default();
        let left = area.left() + self.packing.setting.profile;
        let pictures = self.packing.column(self.packing.columns - 1) + self.packing.cell.x;
        if self.packing.setting.right > 0.0 {
            let at = pos2(area.left() + pictures + 4.0, area.top() + self.packing.setting.profile - 1.0);
            ui.painter().galley(at, galley(camera), ink);
            return;
        }
        let room = area.left() + pictures - left;
        let y = area.top() + self.packing.setting.profile + self.packing.cell.y + 1.0;
        let name = short_name(image);
        let both = if camera.is_empty() { name.clone() } else { format!("{name} · {camera}") };
        let fitting = [both, name].into_iter().map(galley).find(|g| g.size().x <= room + 4.0);
        let words = fitting.unwrap_or_else(|| galley(ticks::count(image.index as usize)));
        ui.painter().galley(pos2(left, y), words, ink);
    }
}

/// `query image 12`.
pub fn image_name(image: ImageRef) -> String {
    format!("{} image {}", split_name(image.split), ticks::count(image.index as usize))
}

/// `query 12`.
pub fn short_name(image: ImageRef) -> String {
    format!("{} {}", split_name(image.split), ticks::count(image.index as usize))
}

fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "train",
        Split::Query => "query",
        Split::Gallery => "gallery",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_people_are_seen_at_once_where_a_tile_has_its_usual_size() {
        for room in [vec2(330.0, 270.0), vec2(560.0, 300.0), vec2(1000.0, 600.0)] {
            let packing = Packing::new(room, 12, 4, Setting::dense(false));
            let rows = (room.y / packing.strip.y).floor() as usize;
            assert!(packing.per_row * (rows + 1) >= 8, "{room:?}: {packing:?}");
            let right = packing.left(packing.per_row - 1) + packing.strip.x;
            assert!(right <= room.x, "{room:?}: {packing:?}");
        }
    }

    #[test]
    fn pictures_grow_with_the_room_and_stay_within_it() {
        let small = Packing::new(vec2(300.0, 240.0), 4, 4, Setting::wide(true));
        let large = Packing::new(vec2(900.0, 500.0), 4, 4, Setting::wide(true));
        assert!(small.cell.x < large.cell.x, "{small:?} {large:?}");
        assert!(small.column(3) + small.cell.x <= 300.0);
    }
}
