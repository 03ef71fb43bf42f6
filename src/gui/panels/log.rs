//! What happened, in words: the newest line at the foot of the window, a drawer with all of them.

use eframe::egui::{self, Align, Layout, Rect, ScrollArea, Sense, Ui, pos2};

use crate::base::text::{count, duration};
use crate::base::time as clock;
use crate::engine::event::{Event, Severity, Stamped, State};
use crate::gui::command::{Commands, UiCommand};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::Notice;
use crate::gui::widgets::button::icon_button;
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::tile;
use crate::gui::words::after_words;

/// Lines kept.
const KEPT: usize = 2000;

/// One line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// Seconds since the Unix epoch.
    pub wall: f64,
    /// How bad.
    pub severity: Severity,
    /// What happened.
    pub title: String,
    /// Why, and what to do.
    pub text: String,
    /// Whether it looks at the target's labels.
    pub truth: bool,
}

impl LogEntry {
    /// A notice that a reopened run folder holds.
    pub fn of(notice: &Notice) -> Self {
        Self::now(notice.severity, &notice.title, &notice.text)
    }

    /// An entry of now.
    pub fn now(severity: Severity, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { wall: clock::now(), severity, title: plain(&title.into()), text: plain(&text.into()), truth: false }
    }
}

/// Without the quotes of the command line.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// The log of this session.
#[derive(Default)]
pub struct Log {
    entries: Vec<LogEntry>,
    unread: usize,
    only_warnings: bool,
}

impl Log {
    /// Adds a line.
    pub fn push(&mut self, entry: LogEntry) {
        if entry.severity != Severity::Info {
            self.unread += 1;
        }
        if self.entries.len() == KEPT {
            self.entries.remove(0);
        }
        self.entries.push(entry);
    }

    /// All lines, oldest first.
    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// The line at the foot of the window.
    pub fn line(&mut self, ui: &mut Ui, rate: Option<f64>, (open, truth): (bool, bool), actions: &Commands) {
        let theme = Theme::of(ui.ctx());
        let rect = ui.max_rect();
        let response = ui.interact(rect, ui.scope_id().with("log line"), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Log"));
        if response.on_hover_text("Every message of this session. Click to open or close the log.").clicked() {
            self.unread = 0;
            actions.send(UiCommand::ToggleLog);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(size::TILE_MARGIN);
            let caret = if open { icon::CARET_DOWN } else { icon::CARET_UP };
            ui.label(icon::text(caret, Weight::Regular, size::ICON_MARK, theme.t3));
            // Painted: the whole line is the button of that name.
            let word = ui.painter().layout_no_wrap("Log".to_owned(), Type::Small.font(ui), theme.t2);
            let (_, place) = ui.allocate_space(word.size());
            ui.painter().galley(place.min, word, theme.t2);
            if let Some(rate) = rate {
                ui.label(Type::Small.text(format!("{rate:.2} it/s"), theme.t2));
            }
            if self.unread > 0 {
                let word = if self.unread == 1 { "warning" } else { "warnings" };
                ui.label(Type::Small.text(format!("{} {word}", self.unread), theme.t2));
                ui.label(icon::text(icon::WARNING, Weight::Regular, size::ICON_BUTTON, theme.warn));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add_space(size::TILE_MARGIN);
                if let Some(last) = self.entries.iter().rfind(|e| truth || !e.truth) {
                    ui.label(Type::Mono.text(clock::hms(last.wall), theme.t3));
                    ui.add(egui::Label::new(Type::Small.text(sentence(last), theme.t2)).truncate());
                } else {
                    ui.label(Type::Small.text("No message in this session yet.", theme.t3));
                }
            });
        });
    }

    /// The drawer.
    pub fn drawer(&mut self, ui: &mut Ui, truth: bool) {
        let theme = Theme::of(ui.ctx());
        let scope = format!("{} messages", self.entries.len());
        let mut copy = false;
        tile::title_row(ui, "Log", &scope, |ui| {
            copy = icon_button(ui, icon::COPY, "Copy the log").clicked();
            let on = self.only_warnings.then_some(theme.warn);
            let name = "Warnings and errors only";
            if crate::gui::widgets::button::icon_button_colored(ui, icon::FUNNEL, name, on).clicked() {
                self.only_warnings = !self.only_warnings;
            }
        });
        if copy {
            let lines: Vec<String> =
                self.entries.iter().map(|e| format!("{} {}", clock::hms(e.wall), sentence(e))).collect();
            ui.ctx().copy_text(lines.join("\n"));
        }
        let only_warnings = self.only_warnings;
        let fits = |e: &&LogEntry| (truth || !e.truth) && (!only_warnings || e.severity != Severity::Info);
        let shown: Vec<&LogEntry> = self.entries.iter().filter(fits).collect();
        ScrollArea::vertical().auto_shrink([false; 2]).stick_to_bottom(true).show_rows(
            ui,
            size::TABLE_ROW,
            shown.len(),
            |ui, range| {
                for entry in &shown[range] {
                    row(ui, theme, entry);
                }
            },
        );
    }
}

fn row(ui: &mut Ui, theme: &Theme, entry: &LogEntry) {
    let (glyph, color) = glyph(theme, entry.severity);
    let (rect, response) = ui.allocate_exact_size(egui::vec2(ui.available_width(), size::TABLE_ROW), Sense::hover());
    if response.hovered() {
        ui.painter().rect_filled(rect, size::RADIUS_INPUT, theme.bg2);
    }
    let y = rect.center().y;
    let painter = ui.painter_at(rect);
    icon::paint(&painter, pos2(rect.left() + 18.0, y), glyph, Weight::Regular, size::ICON_BUTTON, color);
    let at = |x: f32| pos2(rect.left() + x, y);
    let left = egui::Align2::LEFT_CENTER;
    painter.text(at(34.0), left, clock::hms(entry.wall), Type::Mono.font(ui), theme.t3);
    let words = Rect::from_min_max(pos2(rect.left() + 104.0, rect.top()), rect.max);
    let mut words = ui.new_child(egui::UiBuilder::new().max_rect(words).layout(Layout::left_to_right(Align::Center)));
    let label = words.add(egui::Label::new(Type::Body.text(sentence(entry), theme.t2)).truncate());
    label.on_hover_text(sentence(entry));
}

/// The icon of a severity: never told by colour alone.
pub fn glyph(theme: &Theme, severity: Severity) -> (&'static str, egui::Color32) {
    match severity {
        Severity::Info => (icon::INFO, theme.accent),
        Severity::Warning => (icon::WARNING, theme.warn),
        Severity::Error => (icon::ERROR, theme.error),
    }
}

fn sentence(entry: &LogEntry) -> String {
    let end = if entry.title.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    if entry.text.is_empty() { format!("{}{end}", entry.title) } else { format!("{}{end} {}", entry.title, entry.text) }
}

/// The line an event leaves, and whether it also floats up as a toast.
pub fn entry_of(stamped: &Stamped) -> Option<(LogEntry, bool)> {
    let line =
        |severity, title: String, text: String| LogEntry { wall: stamped.wall, severity, title, text, truth: false };
    let info = |title: String, text: &str| Some((line(Severity::Info, title, text.to_owned()), false));
    match &stamped.event {
        Event::Started { title, weights, resumed, .. } => {
            let verb = if *resumed { "resumed" } else { "started" };
            info(format!("{title} {verb}"), &format!("Initial weights: {weights}."))
        }
        Event::State { state, epoch } => state_entry(state, *epoch).map(|(s, t, x, toast)| (line(s, t, x), toast)),
        Event::Clustered { epoch, summary, seconds } => info(
            format!("Epoch {} clustered in {}", epoch + 1, duration(seconds.iter().sum())),
            &format!(
                "{} clusters, {} reliable, {} outliers.",
                count(summary.clusters[0]),
                count(summary.reliable),
                count(summary.noise[0])
            ),
        ),
        Event::Evaluated { epoch, domain, retrieval, .. } => {
            let set = if *domain == crate::engine::event::Domain::Target { "target" } else { "source" };
            let (map, rank1) = (100.0 * retrieval.mAP, 100.0 * retrieval.cmc[0]);
            let told = format!("Evaluated on the {set}, {}", after_words(*epoch));
            let told = info(told, &format!("mAP {map:.1}, rank-1 {rank1:.1}."));
            told.map(|(entry, toast)| (LogEntry { truth: true, ..entry }, toast))
        }
        Event::ParamPending { key, value, effect } => {
            info(format!("{key} → {value} waits"), &format!("It takes effect with the {}.", after(effect.label())))
        }
        Event::ParamApplied { key, old, new, epoch, iter } => {
            info(format!("{key} {old} → {new}"), &format!("From epoch {}, iteration {}.", epoch + 1, iter + 1))
        }
        Event::Checkpoint { file, epoch, bytes } => {
            info("Checkpoint kept".to_owned(), &format!("Epoch {epoch}, {} MB, in {file}.", bytes >> 20))
        }
        Event::Cure(cure) => info("A way out".to_owned(), &cure.words),
        Event::Notice { severity, title, text } => Some((line(*severity, title.clone(), text.clone()), true)),
        Event::Refused { why, .. } => {
            Some((line(Severity::Warning, "That was not done".to_owned(), why.clone()), true))
        }
        _ => None,
    }
}

fn after(effect: &str) -> &str {
    if effect == "at once" { "clusters as they stand" } else { effect }
}

fn state_entry(state: &State, epoch: usize) -> Option<(Severity, String, String, bool)> {
    match state {
        State::Paused => Some((Severity::Info, format!("Paused in epoch {}", epoch + 1), String::new(), false)),
        State::Done => Some((Severity::Info, "The run is done".to_owned(), String::new(), true)),
        State::Stopped => {
            let text = "The last checkpoint is kept; Resume goes on from it.".to_owned();
            Some((Severity::Info, "The run was stopped".to_owned(), text, true))
        }
        State::Failed(reason) => Some((Severity::Error, "The run failed".to_owned(), reason.clone(), true)),
        _ => None,
    }
}
