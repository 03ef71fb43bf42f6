//! Below the strips: opacity, colour bars with their numbers, and what else is to be known.

use eframe::egui::{self, Rect, Sense, Ui, pos2, vec2};

use super::HeatMapsPanel;
use super::maps::{MapKind, Scale};
use super::save::{clip_words, ends};
use super::sheet::MapSheet;
use crate::export::attention::Ramp;
use crate::gui::plot::heat::color_bar;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::slider::{self, Slider};

/// Points high: bars with numbers, and a line of notes.
pub const HEIGHT: f32 = 48.0;
/// The opacity's width.
const KNOB: f32 = 76.0;

impl HeatMapsPanel {
    /// Shows it. `columns` are the left edges of the columns where the bars are to stand under them.
    pub(super) fn footer(&mut self, ui: &mut Ui, sheet: &MapSheet<'_>, under: Option<Vec<(f32, f32)>>) {
        let theme = Theme::of(ui.ctx());
        let (_, area) = ui.allocate_space(vec2(ui.available_width(), HEIGHT - 4.0));
        let knob = Rect::from_min_size(area.min, vec2(KNOB * type_scale(ui), 30.0));
        self.opacity(ui, knob);
        let rest = Rect::from_min_max(pos2(knob.right() + 14.0, area.top()), area.max);
        let n = sheet.bars.len().max(1) as f32;
        let each = (rest.width() / n).min(240.0);
        let even = || (0..sheet.bars.len()).map(|i| (rest.left() + each * i as f32, each - 10.0)).collect();
        // Under their columns, unless the opacity stands there.
        let under = under.filter(|u| u.len() == sheet.bars.len() && u.iter().all(|(x, _)| *x >= knob.right() + 4.0));
        let places: Vec<(f32, f32)> = under.unwrap_or_else(even);
        for (i, (left, width)) in places.into_iter().enumerate() {
            let bar = Rect::from_min_size(pos2(left, area.top() + 4.0), vec2(width.max(20.0), 6.0));
            self.colors(ui, sheet, i, bar);
        }
        let notes = self.notes(sheet).join(" · ");
        let at = Rect::from_min_max(pos2(area.left(), area.bottom() - 14.0), area.max);
        let mut line = ui.new_child(egui::UiBuilder::new().max_rect(at));
        line.add(egui::Label::new(Type::Small.text(notes, theme.t3)).truncate());
    }

    fn colors(&self, ui: &mut Ui, sheet: &MapSheet<'_>, i: usize, rect: Rect) {
        let theme = Theme::of(ui.ctx());
        let bar = &sheet.bars[i];
        color_bar(ui, rect, bar.ramp);
        let [low, high] = ends(&self.derived, self.scale, i, bar.ramp);
        let clipped = if self.clip < 100.0 { format!(", {}", clip_words(self.clip)) } else { String::new() };
        let own = if self.scale == Scale::PerImage { " of each image" } else { "" };
        let said = format!("Colours of {}, {low} to {high}{own}{clipped}", bar.title);
        let room = rect.expand2(vec2(2.0, 2.0)).with_max_y(rect.bottom() + 16.0);
        let response = ui.interact(room, ui.scope_id().with(("colour bar", i)), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, said.as_str()));
        let galley = |text: &str| ui.painter().layout_no_wrap(text.to_owned(), Type::Small.font(ui), theme.t3);
        let (low, high) = (galley(&low), galley(&high));
        let y = rect.bottom() + 2.0;
        let right = (rect.right() - high.size().x).max(rect.left());
        // Where not all of it fits, the largest value says most.
        let free = right - rect.left() - low.size().x;
        if free >= 4.0 {
            ui.painter().galley(pos2(rect.left(), y), low.clone(), theme.t3);
        }
        let middle = galley(&bar.title);
        let space = free - middle.size().x;
        if space >= 12.0 {
            let x = rect.left() + low.size().x + space / 2.0;
            ui.painter().galley(pos2(x, y), middle, theme.t3);
        } else if bar.ramp == Ramp::Difference && free >= 20.0 {
            let zero = galley("0");
            ui.painter().galley(pos2(rect.center().x - zero.size().x / 2.0, y), zero, theme.t3);
        }
        ui.painter().galley(pos2(right, y), high, theme.t3);
        response.on_hover_text(said);
    }

    fn notes(&self, sheet: &MapSheet<'_>) -> Vec<String> {
        let mut notes = Vec::new();
        if self.missing {
            notes.push("photos are missing, maps stand on a plain ground".to_owned());
        }
        if self.clip < 100.0 {
            notes.push(clip_words(self.clip));
        }
        let mut maps = sheet.people.iter().flat_map(|(of, _)| &of.maps);
        if maps.all(|m| m.name.ends_with(".output")) {
            notes.push("no attention blocks in this network: what leaves its last stage".to_owned());
        }
        if sheet.columns.iter().any(|c| c.kind == MapKind::Coordinate) {
            notes.push("grey edges: the gates by height and width, 0 to 1".to_owned());
        }
        if sheet.bars.iter().any(|b| b.ramp == Ramp::Difference) {
            notes.push("blue: more, violet: less".to_owned());
        }
        notes
    }

    fn opacity(&mut self, ui: &mut Ui, rect: Rect) {
        let theme = Theme::of(ui.ctx());
        let mut child = ui.new_child(egui::UiBuilder::new().max_rect(rect));
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
            width: rect.width(),
        };
        let percent = ticks::number(100.0 * self.opacity, 0);
        child.spacing_mut().interact_size.y = 14.0;
        knob.show(&mut child, &mut self.opacity)
            .on_hover_text(format!("How much of the map covers the photo: {percent} %."));
        child.add(egui::Label::new(Type::Small.text(format!("opacity {percent} %"), theme.t3)).truncate());
    }
}
