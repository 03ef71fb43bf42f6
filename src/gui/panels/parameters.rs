//! One row for each entry of the parameter table: slider, number, reset, and when a change takes effect.

mod own;
mod row;

use std::collections::{BTreeMap, BTreeSet};

use eframe::egui::{self, Align, Layout, ScrollArea, Ui};
use serde::{Deserialize, Serialize};

use crate::engine::command::RequestId;
use crate::gui::command::{Commands, UiCommand};
use crate::gui::setting;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::button::{ButtonLook, Push, icon_button};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::{combo, tile};
use crate::method::params::table::ROWS;
use crate::method::params::{Effect, ParamRow, Params, Value};

/// The parameters that rows show.
pub struct Knobs<'a> {
    /// Those of the next run.
    pub draft: &'a Params,
    /// Those of the run going on, if one does.
    pub run: Option<&'a Params>,
    /// Those of the run on screen, where that is another one.
    pub on_screen: Option<&'a Params>,
    /// Changes that the engine holds for their moment.
    pub pending: &'a [(String, Value, Effect)],
    /// Changes that were sent and not yet answered.
    pub sent: &'a BTreeMap<String, (RequestId, Value)>,
    /// When a change that waits for an epoch takes effect, in words.
    pub next_epoch: String,
}

impl Knobs<'_> {
    /// What a row shows, and whether that waits for its moment.
    pub fn value(&self, row: &ParamRow) -> (Value, bool) {
        let draft = (row.get)(self.draft);
        let Some(run) = self.run else { return (draft, false) };
        let run = (row.get)(run);
        if row.effect == Effect::NextRun {
            let waits = draft != run;
            return (draft, waits);
        }
        let asked = self
            .sent
            .get(row.key)
            .map(|(_, value)| value)
            .or_else(|| self.pending.iter().find(|(k, ..)| k == row.key).map(|(_, v, _)| v));
        asked.map_or((run, false), |value| (value.clone(), true))
    }

    /// The parameters as the rows show them.
    pub fn shown(&self) -> Params {
        let mut params = self.draft.clone();
        for row in ROWS {
            (row.set)(&mut params, &self.value(row).0);
        }
        params
    }

    fn waiting(&self) -> usize {
        ROWS.iter().filter(|r| r.effect != Effect::NextRun && self.value(r).1).count()
    }
}

/// What the user has typed that is not a value yet, and what was refused.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    folded: BTreeSet<String>,
    #[serde(skip)]
    typing: Option<(&'static str, String)>,
    #[serde(skip)]
    dragging: Option<(&'static str, f64)>,
    #[serde(skip)]
    refused: BTreeMap<&'static str, Refused>,
    #[serde(skip)]
    focus: Option<String>,
    /// Words that the rows shown have, while they are looked for.
    #[serde(skip)]
    search: Option<String>,
    /// Whether the values of the run on screen are shown in place of the next run's.
    #[serde(skip)]
    of_screen: bool,
}

/// A value that was not accepted: the old one stays.
#[derive(Clone, Debug)]
struct Refused {
    text: String,
    reason: String,
}

impl Parameters {
    /// Brings the row of `key` into view and puts the keyboard on it.
    pub fn focus(&mut self, key: &str) {
        if let Some(row) = ROWS.iter().find(|r| r.key == key) {
            self.folded.remove(row.group);
            self.search = None;
            self.focus = Some(key.to_owned());
        }
    }

    /// Shows the column.
    pub fn ui(&mut self, ui: &mut Ui, knobs: &Knobs<'_>, actions: &Commands) {
        let shown = knobs.shown();
        let of_screen = knobs.on_screen.filter(|_| self.of_screen);
        let scope = match (of_screen, knobs.run) {
            (Some(_), _) => "of the run on screen",
            (None, Some(_)) => "of the run",
            (None, None) => "of the next run",
        };
        tile::title_row(ui, "Parameters", scope, |ui| {
            if of_screen.is_none() {
                preset_menu(ui, &shown, actions);
                if icon_button(ui, icon::SEARCH, "Find a parameter").clicked() {
                    self.search = if self.search.is_some() { None } else { Some(String::new()) };
                }
            }
        });
        if let Some(own) = knobs.on_screen {
            self.beside_screen(ui, own, knobs.draft, actions);
        }
        if let Some(own) = of_screen {
            return self.own_rows(ui, own, knobs.draft);
        }
        self.search_box(ui);
        let waiting = knobs.waiting();
        let foot = if waiting > 0 { 40.0 } else { 0.0 };
        let height = (ui.available_height() - foot).max(60.0);
        let width = ui.available_width();
        // The scroll bar stands in the column's margin, not over the rows.
        let place = egui::Rect::from_min_size(ui.cursor().min, egui::vec2(width + size::TILE_MARGIN - 2.0, height));
        let mut list = ui.new_child(egui::UiBuilder::new().max_rect(place));
        ui.advance_cursor_after_rect(place.with_max_x(place.left() + width));
        ScrollArea::vertical().auto_shrink([false; 2]).show(&mut list, |ui| {
            ui.set_max_width(width);
            ui.spacing_mut().item_spacing.y = 0.0;
            let mut group = "";
            let words = self.search.clone().unwrap_or_default().to_lowercase();
            for row in ROWS.iter().filter(|row| is_found(row, &words)) {
                if row.group != group {
                    group = row.group;
                    self.group_head(ui, group);
                }
                if !self.folded.contains(group) || !words.is_empty() {
                    self.row(ui, row, knobs, &shown, actions);
                }
            }
            ui.add_space(8.0);
        });
        if waiting > 0 {
            pending_bar(ui, knobs, waiting, actions);
        }
    }

    /// The box for words that are looked for; Escape ends that.
    fn search_box(&mut self, ui: &mut Ui) {
        let Some(words) = &mut self.search else { return };
        let theme = Theme::of(ui.ctx());
        let edit = egui::TextEdit::singleline(words)
            .hint_text(Type::Small.text("name, key or meaning", theme.t3))
            .font(Type::Small.font(ui))
            .margin(egui::Margin::symmetric(6, 3))
            .desired_width(ui.available_width() - 12.0);
        let response = ui.add(edit).accessible_name("Words of the parameter");
        if response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Escape)) {
            self.search = None;
        } else if words.is_empty() && !response.has_focus() && ui.memory(|m| m.focused().is_none()) {
            response.request_focus();
        }
        ui.add_space(2.0);
    }

    fn group_head(&mut self, ui: &mut Ui, group: &str) {
        let theme = Theme::of(ui.ctx());
        ui.add_space(6.0);
        let height = size::PARAM_ROW;
        let (rect, response) = ui.allocate_exact_size(egui::vec2(ui.available_width(), height), egui::Sense::click());
        let folded = self.folded.contains(group);
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, !folded, group));
        let painter = ui.painter();
        painter.text(rect.left_center(), egui::Align2::LEFT_CENTER, group, Type::Title.font(ui), theme.t1);
        if folded || response.hovered() {
            let at = egui::pos2(rect.right() - 8.0, rect.center().y);
            let glyph = if folded { icon::CARET_RIGHT } else { icon::CARET_DOWN };
            icon::paint(painter, at, glyph, Weight::Regular, size::ICON_MARK, theme.t3);
        }
        if response.on_hover_text("Click to fold or unfold the group.").clicked() && !self.folded.remove(group) {
            self.folded.insert(group.to_owned());
        }
    }

    /// Takes a value from a control: sends it, or keeps the reason why not.
    fn ask(&mut self, row: &'static ParamRow, value: &Value, shown: &Params, actions: &Commands) {
        match accept(row, value, shown) {
            Ok(value) => {
                self.refused.remove(row.key);
                if (row.get)(shown) != value {
                    actions.send(UiCommand::SetParam { key: row.key.to_owned(), value });
                }
            }
            Err(reason) => {
                self.refused.insert(row.key, Refused { text: row::number(row, value), reason });
            }
        }
    }
}

/// Whether a row has those words, in small letters.
fn is_found(row: &ParamRow, words: &str) -> bool {
    let said = format!("{} {} {} {}", row.label, row.key, row.group, row.help).to_lowercase();
    words.split_whitespace().all(|word| said.contains(word))
}

/// `value`, if it is within bounds and goes with the other parameters.
///
/// # Errors
/// The reason and the way out, a sentence or two.
pub fn accept(row: &ParamRow, value: &Value, shown: &Params) -> Result<Value, String> {
    let paper = format!("The paper uses {}.", row::number(row, &row.paper()));
    let value = row.check(value).map_err(|_| format!("{} takes {}. {paper}", row.label, row.bounds()))?;
    let mut candidate = shown.clone();
    (row.set)(&mut candidate, &value);
    let before = shown.problems();
    match candidate.problems().into_iter().find(|p| p.key == row.key || !before.iter().any(|b| b.key == p.key)) {
        Some(problem) => Err(problem.message),
        None => Ok(value),
    }
}

/// The name a row has for screen readers and tests: its label, with the group where two rows share one.
pub fn name(row: &ParamRow) -> String {
    if ROWS.iter().filter(|r| r.label == row.label).count() > 1 {
        format!("{} {}", row.group, row.label)
    } else {
        row.label.to_owned()
    }
}

fn preset_menu(ui: &mut Ui, shown: &Params, actions: &Commands) {
    let theme = Theme::of(ui.ctx());
    let (size, method) = (setting::size_of(shown), setting::method_of(shown));
    let (of_size, of_method) = (size.map_or("own", |p| p.name), method.map_or("own", setting::title));
    let title = if of_method == setting::WHOLE { of_size.to_owned() } else { format!("{of_size}, {of_method}") };
    let response = combo::dressed("presets", &title, 124.0).height(420.0);
    let response = response.show_ui(ui, |ui| {
        ui.label(Type::Small.text("size", theme.t3));
        for preset in setting::sizes() {
            let on = size.is_some_and(|p| p.name == preset.name);
            if ui.selectable_label(on, preset.name).on_hover_text(preset.help).clicked() {
                actions.send(UiCommand::Preset(preset.name.to_owned()));
            }
        }
        ui.separator();
        ui.label(Type::Small.text("method", theme.t3));
        for preset in setting::methods() {
            let on = method.is_some_and(|p| p.name == preset.name);
            if ui.selectable_label(on, setting::title(preset)).on_hover_text(preset.help).clicked() {
                actions.send(UiCommand::Preset(preset.name.to_owned()));
            }
        }
    });
    let tip = "Size and method. Choosing one keeps the other; values that a run can change go to it too.";
    response.response.accessible_name("Preset").on_hover_text(tip);
}

/// What so many changes wait for that take effect with an epoch or a batch.
fn waiting_words(epoch: usize, batch: usize, next_epoch: &str) -> String {
    let wait = |n: usize| if n == 1 { "waits" } else { "wait" };
    match (epoch, batch) {
        (0, 0) => "at once".to_owned(),
        (0, n) => format!("{} for the next batch", wait(n)),
        (n, 0) => format!("{} for {next_epoch}", wait(n)),
        (epoch, batch) => format!("{epoch} for {next_epoch}, {batch} for the next batch"),
    }
}

fn pending_bar(ui: &mut Ui, knobs: &Knobs<'_>, waiting: usize, actions: &Commands) {
    let theme = Theme::of(ui.ctx());
    ui.add_space(6.0);
    egui::Frame::new()
        .fill(theme.bg2)
        .corner_radius(size::RADIUS_BUTTON)
        .inner_margin(egui::Margin::symmetric(8, 3))
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                let word = if waiting == 1 { "change" } else { "changes" };
                ui.label(Type::Button.text(format!("{waiting} {word}"), theme.pending));
                let waits = |effect: Effect| ROWS.iter().filter(|r| r.effect == effect && knobs.value(r).1).count();
                let when = waiting_words(waits(Effect::NextEpoch), waits(Effect::NextBatch), &knobs.next_epoch);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let undo = ui.add(Push::new("Undo").look(ButtonLook::Flat).small());
                    if undo.on_hover_text("Takes back the changes that have not taken effect yet.").clicked() {
                        actions.send(UiCommand::UndoPending);
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(egui::Label::new(Type::Body.text(&when, theme.t2)).truncate()).on_hover_text(&when);
                    });
                });
            });
        });
}
