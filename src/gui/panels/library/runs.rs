//! The list of runs: a tick to draw a run beside the others, ★ for the baseline, and what can be done with each.

use std::path::Path;

use eframe::egui::{self, Color32, Popup, Rect, Shape, Stroke, Ui, pos2, vec2};

use super::{list_row, two_lines};
use crate::gui::book::Book;
use crate::gui::command::{Commands, UiCommand};
use crate::gui::panels::{Many, Pane};
use crate::gui::queue::Queued;
use crate::gui::run_columns::{passes, vocabulary};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::RunView;
use crate::gui::widgets::button::{ButtonLook, Push, icon_button};
use crate::gui::widgets::filter_box::{FilterBox, FilterDress};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::run_menu;
use crate::gui::widgets::tick::tick;
use crate::gui::widgets::tile;
use crate::gui::words;
use crate::run::event::NO_SOURCE;
use crate::run::summary::{Outcome, Summary};
use crate::study::filter::Terms;

/// From so many runs on, the box of the filter is there unasked.
const MANY: usize = 8;

/// The list while the window is open.
#[derive(Default)]
pub struct RunList {
    filter: FilterBox,
    filtering: bool,
}

/// A run as its row shows it.
struct RunRow<'a> {
    folder: &'a Path,
    name: String,
    /// The name as it is shown: what tells it from others of its setting stands in the second line.
    head: String,
    apart: String,
    second: String,
    note: &'a str,
    /// mAP on the target after each evaluation, fractions.
    curve: &'a [f64],
    /// Whether that may be shown.
    truth: bool,
    dim: bool,
    on: bool,
    ticked: bool,
    star: bool,
    /// Its place in the order of colours, where it is drawn.
    slot: Option<usize>,
}

impl RunList {
    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, shown: &RunView, many: &Many<'_>, actions: &Commands) {
        let rows = many.book.rows();
        let theme = Theme::of(ui.ctx());
        tile::title_row(ui, "Runs", "", |ui| {
            if icon_button(ui, icon::FOLDER, "Open run…").clicked() {
                actions.send(UiCommand::AskOpenRun);
            }
            if icon_button(ui, icon::FUNNEL, "Filter the runs").clicked() {
                self.filtering ^= true;
            }
            ui.label(Type::Small.text("mAP", theme.t3));
        });
        let filter = self.filter(ui, rows.len(), many.truth);
        let overlays = many.overlays(shown);
        let several = rows.iter().any(|(run, _)| run.title != rows[0].0.title);
        let row_of = |folder| {
            let (head, apart) = many.book.name_in_parts(folder);
            RunRow {
                folder,
                name: many.book.name(folder),
                head,
                apart,
                second: String::new(),
                note: "",
                curve: &[],
                dim: false,
                truth: many.truth,
                on: shown.folder.as_deref() == Some(folder),
                ticked: many.book.is_ticked(folder),
                star: many.book.is_baseline(folder),
                slot: Book::slot(&overlays, folder),
            }
        };
        let (mut drawn, mut hidden) = (0, 0);
        let listed = |folder: &Path| rows.iter().find(|(run, _)| run.folder == folder).map(|(run, _)| run);
        if let Some(folder) = &many.live.folder {
            let curve: Vec<f64> = many.live.target_retrieval.values().map(|r| r.mAP).collect();
            let note = listed(folder).map_or("", |run| run.label.note.as_str());
            let row = RunRow { second: words::brief(many.live), curve: &curve, note, ..row_of(folder) };
            if run_row(ui, &row, actions) {
                actions.send(UiCommand::ShowLive);
            }
            drawn += 1;
        }
        for (run, trainer) in rows.iter().filter(|(run, _)| Some(&run.folder) != many.live.folder.as_ref()) {
            let name = many.book.name(&run.folder);
            if !passes(&filter, run, &name) {
                hidden += 1;
                continue;
            }
            let mut second = line(run, trainer.is_some());
            if several {
                second = format!("{second} · {}", run.title);
            }
            let dim = run.outcome == Outcome::Failed;
            let row = RunRow { second, curve: &run.curve, dim, note: &run.label.note, ..row_of(&run.folder) };
            if run_row(ui, &row, actions) {
                actions.send(UiCommand::OpenRun(run.folder.clone()));
            }
            drawn += 1;
        }
        for (place, run) in many.queue.runs().iter().enumerate() {
            waiting_row(ui, place, run, many.queue.is_held(), actions);
        }
        // Below the list: it must not move under the hand that ticks.
        ticked_line(ui, many, actions);
        match (drawn, hidden) {
            (0, 0) => {
                let words = "Runs appear here. Start one, or open a folder of an earlier training.";
                ui.label(Type::Small.text(words, theme.t3));
            }
            (_, 0) => {}
            _ => {
                let words = format!("{hidden} more are hidden by the filter.");
                ui.label(Type::Small.text(words, theme.t3));
            }
        }
    }

    /// The box of the filter, and what is in force.
    fn filter(&mut self, ui: &mut Ui, runs: usize, truth: bool) -> Terms {
        let known = vocabulary(truth);
        if self.filtering || runs >= MANY || !self.filter.is_empty() {
            let dress = FilterDress {
                name: "Filter of the runs",
                hint: "baseline eps<0.6 map>40",
                width: ui.available_width(),
            };
            self.filter.show(ui, &known, dress);
            self.filter.say_problem(ui);
            ui.add_space(4.0);
        }
        self.filter.terms(&known).clone()
    }
}

/// A run that waits for its turn.
fn waiting_row(ui: &mut Ui, place: usize, run: &Queued, held: bool, actions: &Commands) {
    let theme = Theme::of(ui.ctx());
    let name = run.name();
    let second = match (place, held) {
        (0, true) => "waits for you".to_owned(),
        (0, false) => "begins next".to_owned(),
        (n, _) => format!("waits, number {}", n + 1),
    };
    ui.horizontal(|ui| {
        let width = ui.available_width() - 30.0;
        let (rect, response) = ui.allocate_exact_size(vec2(width, size::LIST_ROW), egui::Sense::hover());
        let said = format!("{name}, {second}");
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, said.as_str()));
        two_lines(ui, rect, rect.left() + 24.0, rect.right(), (&name, &second), (theme.t2, theme.t3));
        response.on_hover_text(format!("{name}\nIts folder will be {}.", run.request.out.display()));
        if icon_button(ui, icon::CROSS, &format!("Take {name} out of the queue")).clicked() {
            actions.send(UiCommand::Unqueue(run.number));
        }
    });
    if held && place == 0 && ui.add(Push::new("Start the next").look(ButtonLook::Flat).small().tight()).clicked() {
        actions.send(UiCommand::StartQueued);
    }
}

/// How many runs are ticked, and what can be done with them.
fn ticked_line(ui: &mut Ui, many: &Many<'_>, actions: &Commands) {
    let ticked = many.book.marks.ticked.len();
    if ticked == 0 {
        return;
    }
    let theme = Theme::of(ui.ctx());
    ui.horizontal_wrapped(|ui| {
        ui.label(Type::Small.text(format!("{ticked} ticked"), theme.t2));
        let compare = ui.add(Push::new("Compare").look(ButtonLook::Flat).small().tight());
        let tip = "Results, intervals, people and clusters of the ticked runs, side by side.";
        if compare.on_hover_text(tip).clicked() {
            actions.send(UiCommand::ShowPane(Pane::Compare));
        }
        let table = ui.add(Push::new("Table").look(ButtonLook::Flat).small().tight());
        if table.on_hover_text("All runs as a table, with columns of your choice.").clicked() {
            actions.send(UiCommand::ShowPane(Pane::RunTable));
        }
        let none = ui.add(Push::new("Untick all").look(ButtonLook::Flat).small().tight());
        if none.on_hover_text("Draws the run on screen alone again.").clicked() {
            actions.send(UiCommand::UntickRuns);
        }
    });
}

/// The second line of a run that this window does not train.
fn line(run: &Summary, live: bool) -> String {
    let word = if run.epochs == 1 { "epoch" } else { "epochs" };
    match run.outcome {
        Outcome::Done if run.source == NO_SOURCE && run.epochs == 0 => "features alone".to_owned(),
        Outcome::Live if run.planned > 0 => format!("live elsewhere, {} of {} epochs", run.epochs, run.planned),
        _ if live => format!("live elsewhere, {} {word}", run.epochs),
        Outcome::Live | Outcome::Done => format!("{} {word}", run.epochs),
        Outcome::Stopped => format!("stopped, {} {word}", run.epochs),
        Outcome::Failed => format!("failed, {} {word}", run.epochs),
    }
}

/// Shows a row; true when the run is to be shown.
fn run_row(ui: &mut Ui, run: &RunRow<'_>, actions: &Commands) -> bool {
    let theme = Theme::of(ui.ctx());
    let (rect, response) = list_row(ui, &run.name, run.on);
    let color = match (run.dim, run.slot) {
        (true, _) => theme.t4,
        (false, Some(slot)) => theme.series(slot),
        (false, None) if run.on => theme.series(0),
        (false, None) => theme.line2,
    };
    tick_box(ui, rect, run, color, actions);
    let bar = Rect::from_min_size(pos2(rect.left() + 20.0, rect.top() + 7.0), vec2(3.0, rect.height() - 14.0));
    ui.painter().rect_filled(bar, 1.5, color);
    let curve: &[f64] = if run.truth { run.curve } else { &[] };
    let value = curve.last().map_or("–".to_owned(), |v| format!("{:.1}", 100.0 * v));
    let at = pos2(rect.right(), rect.center().y);
    ui.painter().text(at, egui::Align2::RIGHT_CENTER, value, Type::Title.font(ui), theme.t1);
    let mut right = rect.right() - 34.0;
    let at_hand = run.on || response.hovered() || ui.rect_contains_pointer(rect);
    if at_hand {
        let place = Rect::from_min_size(pos2(right - 22.0, rect.center().y - 11.0), vec2(22.0, 22.0));
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt((run.folder, "menu")).max_rect(place));
        let more = icon_button(&mut child, icon::DOTS, &format!("Menu of {}", run.name));
        Popup::menu(&more).show(|ui| run_menu::show(ui, run.folder, run.star, actions));
        right = place.left() - 4.0;
    } else if rect.width() > 232.0 && curve.len() > 1 {
        let spark = Rect::from_min_size(pos2(right - 40.0, rect.center().y - 8.0), vec2(40.0, 16.0));
        sparkline(ui, spark, curve, color);
        right = spark.left() - 4.0;
    }
    if run.star {
        let at = pos2(right - 7.0, rect.top() + 13.0);
        icon::paint(ui.painter(), at, icon::STAR, Weight::Fill, size::ICON_MARK, theme.pending);
        right -= 16.0;
    }
    let ink = if run.on { theme.t1 } else { theme.t2 };
    let apart = if run.apart.is_empty() { String::new() } else { format!("{} · ", run.apart) };
    let second = format!("{apart}{}", run.second);
    two_lines(ui, rect, rect.left() + 30.0, right, (&run.head, &second), (ink, theme.t3));
    let note = if run.note.is_empty() { String::new() } else { format!("\n{}", run.note) };
    let tip = format!("{}{note}\n{}", run.name, run.folder.display());
    response.context_menu(|ui| run_menu::show(ui, run.folder, run.star, actions));
    response.on_hover_text(tip).clicked()
}

fn tick_box(ui: &Ui, row: Rect, run: &RunRow<'_>, color: Color32, actions: &Commands) {
    let rect = Rect::from_center_size(pos2(row.left() + 7.0, row.center().y), vec2(14.0, 14.0));
    let response = tick(ui, rect, run.folder, &format!("Tick {}", run.name), run.ticked, color);
    let tip = "Draws this run beside the others in Loss, Retrieval, Cluster counts and Reliability, and compares it.";
    if response.on_hover_text(tip).clicked() {
        actions.send(UiCommand::TickRun(run.folder.to_owned()));
    }
}

fn sparkline(ui: &Ui, rect: Rect, curve: &[f64], color: Color32) {
    let (low, high) = curve.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    let span = (high - low).max(1e-9);
    let point = |(n, &v): (usize, &f64)| {
        let x = rect.left() + rect.width() * n as f32 / (curve.len() - 1) as f32;
        pos2(x, rect.bottom() - rect.height() * ((v - low) / span) as f32)
    };
    let points = curve.iter().enumerate().map(point).collect();
    ui.painter().add(Shape::line(points, Stroke::new(size::STROKE_CURVE, color)));
}
