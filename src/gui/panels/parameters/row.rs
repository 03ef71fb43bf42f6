//! One row of the parameter column.

use eframe::egui::text::{CCursor, CCursorRange};
use eframe::egui::text_edit::TextEditState;
use eframe::egui::{
    self, Align, Align2, Color32, Key, Layout, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    WidgetInfo, pos2, vec2,
};

use super::{Knobs, Parameters, name};
use crate::gui::command::{Commands, UiCommand};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::button::focus_ring;
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::slider::Slider;
use crate::gui::widgets::{chip, combo, tile};
use crate::method::params::{Effect, ParamKind, ParamRow, Params, Value};

const LABEL: f32 = 80.0;
const NUMBER: f32 = 50.0;
const DOT: f32 = 14.0;
const EFFECT: f32 = 62.0;

/// The places in a row, left to right.
struct Places {
    slider: Rect,
    number: Rect,
    wide: Rect,
    dot: Rect,
    effect: Rect,
}

impl Places {
    /// Columns grow with the type; where the slider would not have room, the effect stands in the tooltip only.
    fn new(all: Rect, scale: f32) -> Self {
        let wanted = (LABEL + NUMBER + DOT + EFFECT) * scale + 44.0;
        let effect_width = if wanted > all.width() { 4.0 } else { EFFECT * scale };
        let span = |left: f32, right: f32| Rect::from_min_max(pos2(left, all.top()), pos2(right, all.bottom()));
        let effect = span(all.right() - effect_width, all.right());
        let dot = span(effect.left() - DOT, effect.left());
        let number = span(dot.left() - NUMBER * scale, dot.left());
        let wide = span(all.left() + LABEL * scale, number.right());
        let slider = span(wide.left(), number.left() - 2.0);
        Self { slider, number, wide, dot, effect }
    }
}

/// A row as it is drawn this frame.
struct Cell<'a> {
    row: &'static ParamRow,
    places: Places,
    value: Value,
    waits: bool,
    /// Whether the pointer is over the row.
    lit: bool,
    shown: &'a Params,
}

/// How a value is written in its row.
pub(super) fn number(row: &ParamRow, value: &Value) -> String {
    match (row.kind, value) {
        (ParamKind::Float { decimals: 0, .. }, Value::Float(x)) => format!("{x:e}"),
        (ParamKind::Float { decimals, .. }, Value::Float(x)) => format!("{x:.decimals$}"),
        (_, other) => other.to_string(),
    }
}

impl Parameters {
    pub(super) fn row(
        &mut self,
        ui: &mut Ui,
        row: &'static ParamRow,
        knobs: &Knobs<'_>,
        shown: &Params,
        actions: &Commands,
    ) {
        let theme = Theme::of(ui.ctx());
        let height = ui.spacing().interact_size.y;
        let (_, rect) = ui.allocate_space(vec2(ui.available_width(), height));
        let places = Places::new(rect, Type::Body.font(ui).size / Type::Body.base().size);
        if self.focus.as_deref() == Some(row.key) {
            ui.scroll_to_rect(rect, Some(Align::Center));
        }
        let (value, waits) = knobs.value(row);
        let end = if row.kind == ParamKind::Bool { places.number.left() - 12.0 } else { places.wide.left() - 2.0 };
        let words = Rect::from_min_max(rect.min, pos2(end, rect.bottom()));
        let label = ui.interact(words, ui.scope_id().with(("label", row.key)), Sense::hover());
        let lit = ui.rect_contains_pointer(rect);
        if lit {
            ui.painter().rect_filled(rect.expand2(vec2(4.0, 0.0)), size::RADIUS_INPUT, theme.bg2);
        }
        let painter = ui.painter_at(words.expand(1.0));
        painter.text(words.left_center(), Align2::LEFT_CENTER, row.label, Type::Body.font(ui), theme.t2);
        label.on_hover_ui(|ui| tooltip(ui, row));
        let cell = Cell { row, places, value, waits, lit, shown };
        self.control(ui, &cell, actions);
        self.reset_dot(ui, &cell, actions);
        effect(ui, &cell);
        self.refusal(ui, row);
    }

    fn control(&mut self, ui: &mut Ui, cell: &Cell<'_>, actions: &Commands) {
        let &Cell { row, ref places, ref value, shown, .. } = cell;
        match row.kind {
            ParamKind::Bool => {
                let on = *value == Value::Bool(true);
                if toggle(ui, &name(row), places.number, on).on_hover_ui(|ui| tooltip(ui, row)).clicked() {
                    self.ask(row, &Value::Bool(!on), shown, actions);
                }
            }
            ParamKind::Choice(names) => {
                let mut chosen = value.to_string();
                let place = places.wide.shrink2(vec2(2.0, 1.0));
                let mut child = child(ui, place, Layout::left_to_right(Align::Center));
                let combo = combo::flat(&mut child, row.key, &chosen, place);
                let response = combo.show_ui(&mut child, |ui| {
                    for &word in names {
                        ui.selectable_value(&mut chosen, word.to_owned(), word);
                    }
                });
                response.response.accessible_name(name(row)).on_hover_ui(|ui| tooltip(ui, row));
                if chosen != value.to_string() {
                    self.ask(row, &Value::Text(chosen), shown, actions);
                }
            }
            ParamKind::Text => self.typed(ui, cell, places.wide, actions),
            ParamKind::Int { .. } | ParamKind::Float { .. } => {
                if row.key != "seed" {
                    self.slide(ui, cell, actions);
                }
                self.typed(ui, cell, places.number, actions);
            }
        }
    }

    fn slide(&mut self, ui: &mut Ui, cell: &Cell<'_>, actions: &Commands) {
        let &Cell { row, ref places, ref value, waits, shown, .. } = cell;
        let theme = Theme::of(ui.ctx());
        let Some(now) = value.as_f64() else { return };
        let Some(paper) = row.paper().as_f64() else { return };
        let (min, max, step, logarithmic) = range(row, paper, now);
        let label = name(row);
        let changed_from_paper = row.paper() != *value;
        let slider = Slider {
            name: &label,
            min,
            max,
            step,
            logarithmic,
            tick: changed_from_paper.then_some(paper),
            ghost: None,
            color: if waits { theme.pending } else { theme.accent },
            width: places.slider.width(),
        };
        let mut at = match self.dragging {
            Some((key, at)) if key == row.key => at,
            _ => now,
        };
        let mut child = child(ui, places.slider, Layout::left_to_right(Align::Center));
        let response = slider.show(&mut child, &mut at);
        if self.focus.as_deref() == Some(row.key) {
            response.request_focus();
            self.focus = None;
        }
        // A drag is one change: it is sent when the hand lets go.
        if response.dragged() {
            self.dragging = Some((row.key, at));
        } else if response.changed() || response.drag_stopped() {
            self.dragging = None;
            let value = if matches!(row.kind, ParamKind::Int { .. }) {
                Value::Int(at.round() as i64)
            } else {
                Value::Float(at)
            };
            self.ask(row, &value, shown, actions);
        }
        response.on_hover_ui(|ui| tooltip(ui, row));
    }

    fn typed(&mut self, ui: &mut Ui, cell: &Cell<'_>, place: Rect, actions: &Commands) {
        let &Cell { row, ref value, waits, lit, shown, .. } = cell;
        let theme = Theme::of(ui.ctx());
        let rect = Rect::from_center_size(
            place.center(),
            vec2(place.width() - 2.0, size::INPUT.max(Type::Body.font(ui).size + 7.0)),
        );
        let dragged = self.dragging.filter(|(key, _)| *key == row.key).map(|(_, at)| dragged_value(row, at));
        let refused = self.refused.get(row.key).map(|r| r.text.clone());
        let mut text = match &self.typing {
            Some((key, text)) if *key == row.key => text.clone(),
            _ => refused.clone().unwrap_or_else(|| number(row, dragged.as_ref().unwrap_or(value))),
        };
        let is_number = row.kind != ParamKind::Text;
        let ink = if refused.is_some() {
            theme.error
        } else if waits {
            theme.pending
        } else {
            theme.t1
        };
        let edit = egui::TextEdit::singleline(&mut text)
            .id(ui.scope_id().with(("number", row.key)))
            .font(Type::Body.style())
            .text_color(ink)
            .align(if is_number { Align2::RIGHT_CENTER } else { Align2::LEFT_CENTER })
            .frame(egui::Frame::NONE.inner_margin(egui::Margin::symmetric(5, 0)))
            .desired_width(rect.width() - 10.0)
            .clip_text(true);
        // Over the row's own light the box is one step lighter still.
        let ground = if lit { theme.bg3 } else { theme.bg2 };
        ui.painter().rect_filled(rect, size::RADIUS_INPUT, ground);
        let mut child = child(ui, rect, Layout::left_to_right(Align::Center));
        child.spacing_mut().interact_size.y = rect.height();
        let response = child.put(rect, edit.min_size(rect.size()));
        let frame = match (refused.is_some(), waits, response.has_focus()) {
            (_, _, true) => Some((theme.accent, size::STROKE_CURVE)),
            (true, ..) => Some((theme.error, size::STROKE)),
            (_, true, _) => Some((theme.pending, size::STROKE)),
            _ => None,
        };
        if let Some((color, width)) = frame {
            ui.painter().rect_stroke(rect, size::RADIUS_INPUT, Stroke::new(width, color), StrokeKind::Inside);
        }
        let suffix = if is_number { ", number" } else { "" };
        let response = response.accessible_name(format!("{}{suffix}", name(row)));
        // A click takes the whole number, so that typing replaces it; once something was typed, it places the cursor.
        if is_number && self.typing.is_none() && response.clicked() {
            select_all(ui, &response, &text);
        }
        if response.lost_focus() && self.typing.as_ref().is_some_and(|(key, _)| *key == row.key) {
            self.typing = None;
            if !ui.input(|i| i.key_pressed(Key::Escape)) {
                self.commit(row, &text, shown, actions);
            }
        } else if response.changed() {
            self.typing = Some((row.key, text));
        }
        response.on_hover_ui(|ui| tooltip(ui, row));
    }

    fn commit(&mut self, row: &'static ParamRow, text: &str, shown: &Params, actions: &Commands) {
        let plain = text.trim().replace('−', "-").replace(',', if row.kind == ParamKind::Text { "," } else { "" });
        match row.parse(&plain) {
            Ok(value) => {
                self.ask(row, &value, shown, actions);
                if let Some(refused) = self.refused.get_mut(row.key) {
                    text.trim().clone_into(&mut refused.text);
                }
            }
            Err(_) => {
                let paper = number(row, &row.paper());
                let reason = format!("{} takes {}. The paper uses {paper}.", row.label, row.bounds());
                self.refused.insert(row.key, super::Refused { text: text.trim().to_owned(), reason });
            }
        }
    }

    fn reset_dot(&mut self, ui: &Ui, cell: &Cell<'_>, actions: &Commands) {
        let &Cell { row, ref places, ref value, waits, .. } = cell;
        let theme = Theme::of(ui.ctx());
        let refused = self.refused.contains_key(row.key);
        let changed = *value != row.paper() || refused;
        let sense = if changed { Sense::click() } else { Sense::hover() };
        let response = ui.interact(places.dot, ui.scope_id().with(("reset", row.key)), sense);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, changed, format!("Reset {}", name(row))));
        let color = match (refused, waits, changed) {
            (true, ..) => theme.error,
            (_, true, _) => theme.pending,
            (_, _, true) => theme.accent,
            _ => theme.t4,
        };
        let radius = if changed { 3.0 } else { 1.0 };
        ui.painter().circle_filled(places.dot.center(), radius, color);
        focus_ring(ui, &response, Rect::from_center_size(places.dot.center(), vec2(8.0, 8.0)), 4);
        let paper = number(row, &row.paper());
        if !changed {
            response.on_hover_text(format!("{paper}, the paper's value."));
        } else if response.on_hover_text(format!("Click for the paper's value, {paper}.")).clicked() {
            self.refused.remove(row.key);
            self.typing = None;
            actions.send(UiCommand::ResetParam(row.key.to_owned()));
        }
    }

    fn refusal(&self, ui: &mut Ui, row: &ParamRow) {
        let Some(refused) = self.refused.get(row.key) else { return };
        let theme = Theme::of(ui.ctx());
        let width = ui.available_width() - 26.0;
        ui.horizontal_top(|ui| {
            ui.label(icon::text(icon::ERROR, Weight::Regular, size::ICON_BUTTON, theme.error));
            ui.vertical(|ui| {
                ui.set_width(width);
                ui.add(egui::Label::new(Type::Small.text(&refused.reason, theme.error)).wrap());
            });
        });
        ui.add_space(4.0);
    }
}

fn select_all(ui: &Ui, edit: &Response, text: &str) {
    if let Some(mut state) = TextEditState::load(ui.ctx(), edit.id) {
        let all = CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()));
        state.cursor.set_char_range(Some(all));
        state.store(ui.ctx(), edit.id);
    }
}

fn dragged_value(row: &ParamRow, at: f64) -> Value {
    if matches!(row.kind, ParamKind::Int { .. }) { Value::Int(at.round() as i64) } else { Value::Float(at) }
}

/// Ends, step and scale of a slider. Number boxes take the full bounds; a slider stays near the paper's value.
fn range(row: &ParamRow, paper: f64, now: f64) -> (f64, f64, f64, bool) {
    let near = |times: f64, min: f64, max: f64| {
        let soft = if paper > 0.0 { times * paper } else { max };
        if soft < max * 0.8 { soft.max(now).max(min) } else { max }
    };
    match row.kind {
        ParamKind::Float { min, max, decimals: 0 } if min > 0.0 => (min, max, 0.0, true),
        ParamKind::Float { max, decimals: 0, .. } => (0.0, (paper * 4.0).max(now).min(max), 0.0, false),
        ParamKind::Float { min, max, decimals } => (min, near(5.0, min, max), 10f64.powi(-(decimals as i32)), false),
        ParamKind::Int { min, max } => (min as f64, near(2.5, min as f64, max as f64).round(), 1.0, false),
        ParamKind::Bool | ParamKind::Choice(_) | ParamKind::Text => (0.0, 1.0, 0.0, false),
    }
}

fn child(ui: &mut Ui, rect: Rect, layout: Layout) -> Ui {
    ui.new_child(UiBuilder::new().max_rect(rect).layout(layout))
}

fn toggle(ui: &mut Ui, name: &str, place: Rect, on: bool) -> Response {
    let theme = Theme::of(ui.ctx());
    let rect = Rect::from_center_size(pos2(place.right() - 15.0, place.center().y), vec2(26.0, 14.0));
    let response = ui.interact(rect.expand(3.0), ui.scope_id().with(("toggle", name)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), on, name));
    let fill = if on { theme.accent } else { theme.bg4 };
    ui.painter().rect_filled(rect, 7.0, fill);
    let x = if on { rect.right() - 7.0 } else { rect.left() + 7.0 };
    ui.painter().circle_filled(pos2(x, rect.center().y), 5.0, if theme.dark { theme.t1 } else { theme.bg1 });
    let word = if on { "on" } else { "off" };
    let at = pos2(rect.left() - 8.0, rect.center().y);
    ui.painter().text(at, Align2::RIGHT_CENTER, word, Type::Small.font(ui), theme.t3);
    focus_ring(ui, &response, rect, 7);
    response
}

fn effect(ui: &mut Ui, cell: &Cell<'_>) {
    let &Cell { row, ref places, waits, .. } = cell;
    let theme = Theme::of(ui.ctx());
    let text = row.effect.label();
    if places.effect.width() < 20.0 {
        return;
    }
    if waits {
        let mut child = child(ui, places.effect, Layout::right_to_left(Align::Center));
        chip::outline(&mut child, text, theme.pending).on_hover_text("The change waits for its moment.");
    } else {
        let at = places.effect.right_center();
        ui.painter().text(at, Align2::RIGHT_CENTER, text, Type::Small.font(ui), theme.t3);
    }
}

/// Symbol and name, effect, then paper's value with its place, bounds, when it takes effect.
pub(super) fn tooltip(ui: &mut Ui, row: &ParamRow) {
    let theme = Theme::of(ui.ctx());
    ui.set_width(size::TOOLTIP - 40.0);
    ui.horizontal(|ui| {
        ui.label(Type::Heading.text(row.label, theme.t1));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(Type::Mono.text(row.key, theme.t3));
        });
    });
    ui.label(Type::Body.text(row.help, theme.t2));
    tile::rule(ui);
    let fact = |ui: &mut Ui, name: &str, value: &str, color: Color32| {
        ui.horizontal_top(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(76.0, 16.0), Sense::hover());
            ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, Type::Body.font(ui), theme.t3);
            ui.label(Type::Body.text(value, color));
        });
    };
    let paper = number(row, &row.paper());
    fact(ui, "paper", if paper.is_empty() { "empty" } else { &paper }, theme.t1);
    fact(ui, "source", row.source, theme.t2);
    fact(ui, "bounds", &row.bounds(), theme.t2);
    let when = match row.effect {
        Effect::AtOnce => "at once, on the clusters as they stand",
        Effect::NextBatch => "with the next batch",
        Effect::NextEpoch => "with the next epoch's clustering",
        Effect::NextRun => "with the next run",
    };
    fact(ui, "takes effect", when, theme.t2);
}
