//! A sweep: its trials as a table, what they found over seeds beside the paper's, any parameter against any result, and
//! parallel axes on which ranges are brushed.

mod axes;
mod scatter;
mod summary;

use std::path::Path;
use std::sync::LazyLock;

use eframe::egui::{self, Popup, PopupCloseBehavior, ScrollArea, Ui};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn};
use crate::gui::book::Book;
use crate::gui::command::{Commands, UiCommand};
use crate::gui::plot::ticks;
use crate::gui::run_columns::parameters;
use crate::gui::sweeps::{Launch, Sweeps};
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::button::{self, Push, icon_button};
use crate::gui::widgets::filter_box::{FilterBox, FilterDress};
use crate::gui::widgets::table::{TableCell, TableColumn, TableWidget, sorted_by};
use crate::gui::widgets::tick::tick;
use crate::gui::widgets::{combo, icon};
use crate::launch::spec::SHIPPED;
use crate::launch::watch::SweepStanding;
use crate::run::TrialRow;
use crate::study::filter::{FieldKind, FilterField, FilterOwn, Terms, Vocabulary};

/// The sweep behind the button of that name: Tables 2 and 3 on the datasets that come with the program.
const ABLATION: &str = "ablation-demo";

/// What is shown of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shown {
    #[default]
    Trials,
    Summary,
    Scatter,
    Axes,
}

/// State of the panel that outlives the window.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct TrialsPanel {
    shown: Shown,
    /// The key that the rows are sorted by, and whether the largest comes first.
    sort: (String, bool),
    /// The two keys of the scatter plot.
    across: [String; 2],
    #[serde(skip)]
    filter: FilterBox,
    #[serde(skip)]
    brushes: axes::Brushes,
    /// Values to be enqueued, as they are typed.
    #[serde(skip)]
    values: String,
}

impl Default for TrialsPanel {
    fn default() -> Self {
        Self {
            shown: Shown::default(),
            sort: ("trial".to_owned(), false),
            across: [String::new(), "mAP".to_owned()],
            filter: FilterBox::default(),
            brushes: axes::Brushes::default(),
            values: String::new(),
        }
    }
}

/// Figures of a trial that are no parameters, with their heads and what they say.
const RESULTS: [(&str, &str); 6] = [
    ("mAP", "mAP at the last evaluation, percent. Ground truth."),
    ("rank-1", "Rank-1 likewise."),
    ("best mAP", "The best mAP over the epochs by the target's own labels: an oracle."),
    ("silhouette", "Silhouette of the last clusters on the Jaccard graph: needs no truth."),
    ("epochs", "Adaptation epochs done."),
    ("time", "Time of work; a filter compares minutes."),
];

/// A figure of a trial; parameters by their keys.
fn figure(row: &TrialRow, key: &str) -> Option<f64> {
    match key {
        "mAP" => row.map.map(|x| 100.0 * x),
        "rank-1" => row.rank1.map(|x| 100.0 * x),
        "best mAP" => row.best_oracle.map(|x| 100.0 * x),
        "silhouette" => row.silhouette,
        "epochs" => Some(row.epoch as f64),
        "time" => (row.seconds > 0.0).then_some(row.seconds / 60.0),
        "trial" => Some(row.trial as f64),
        key => setting(row, key)?.parse().ok(),
    }
}

fn setting<'a>(row: &'a TrialRow, key: &str) -> Option<&'a str> {
    row.settings.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
}

/// The keys that set the trials apart, in the order of the spec.
fn keys<'a>(rows: impl IntoIterator<Item = &'a TrialRow>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for (key, _) in rows.into_iter().flat_map(|row| &row.settings) {
        if !found.contains(&key.as_str()) {
            found.push(key);
        }
    }
    found
}

/// Whether a figure is told by the target's labels.
fn is_truth(key: &str) -> bool {
    matches!(key, "mAP" | "rank-1" | "best mAP")
}

/// `0.55 · seed 2`, or its number.
fn label(row: &TrialRow) -> String {
    let all: Vec<String> = row.settings.iter().map(|(k, v)| format!("{k} {v}")).collect();
    format!("trial {} {}", row.trial, all.join(", ")).trim_end().to_owned()
}

impl Panel for TrialsPanel {
    const TITLE: &'static str = "Sweeps";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let sweeps = cx.many.sweeps;
        sweeps.look();
        let standing = sweeps.standing();
        let filter = self.filter.terms(&vocabulary(cx.truth)).clone();
        let rows: Vec<&TrialRow> = standing
            .iter()
            .flat_map(|s| &s.rows)
            .filter(|row| self.brushes.hold(row) && passes(&filter, row))
            .collect();
        let scope = standing.map_or(String::new(), |s| scope(s, rows.len(), cx.truth));
        cx.title(&scope).show(ui, |ui| {
            if standing.is_some() {
                let shown = [
                    (Shown::Trials, "trials"),
                    (Shown::Summary, "over seeds"),
                    (Shown::Scatter, "scatter"),
                    (Shown::Axes, "axes"),
                ];
                button::segment(ui, &shown, &mut self.shown);
            }
        });
        if sweeps.known().is_empty() && sweeps.chosen().is_none() {
            let text = "A sweep trains many runs from one file. The ablation takes the method apart: its four rows of \
                        Tables 2 and 3 on the built-in datasets, three seeds each.";
            let nothing = Absence::nothing(icon::GRID, "No sweep yet", text);
            return Err(nothing.with("Ablation", begin(sweeps, ABLATION)));
        }
        self.bar(ui, (sweeps, standing), cx.truth, cx.commands);
        if let Some(why) = sweeps.unread() {
            ui.add(egui::Label::new(Type::Body.text(why, cx.theme.warn)).wrap());
        }
        let Some(standing) = standing else { return Ok(()) };
        if standing.rows.is_empty() {
            let text = "This sweep has no trial yet: a sampler proposes them, or they are enqueued.";
            return Err(Absence::nothing(icon::GRID, "No trial yet", text));
        }
        match self.shown {
            Shown::Trials => self.table(ui, &rows, cx),
            Shown::Summary => summary::ui(ui, &rows, cx.truth),
            Shown::Scatter => {
                if let Some(row) = scatter::ui(ui, &rows, &mut self.across, cx.truth) {
                    cx.send(UiCommand::OpenRun(row.run.clone()));
                }
            }
            Shown::Axes => {
                let high = (ui.available_height() * 0.55).max(120.0);
                axes::ui(ui, high, &standing.rows, &rows, &mut self.brushes, cx.truth);
                self.table(ui, &rows, cx);
            }
        }
        Ok(())
    }
}

impl TrialsPanel {
    /// Which sweep, and what can be done with it.
    fn bar(
        &mut self,
        ui: &mut Ui,
        (sweeps, standing): (&Sweeps, Option<&SweepStanding>),
        truth: bool,
        actions: &Commands,
    ) {
        ui.horizontal_wrapped(|ui| {
            let name = |dir: &Path| dir.file_name().unwrap_or(dir.as_os_str()).to_string_lossy().into_owned();
            let chosen = sweeps.chosen().map(name).unwrap_or_default();
            combo::dressed("sweep", &chosen, 130.0).show_ui(ui, |ui| {
                for dir in sweeps.known() {
                    if ui.selectable_label(sweeps.chosen() == Some(dir), name(dir)).clicked() {
                        actions.send(UiCommand::ChooseSweep(dir.clone()));
                    }
                }
            });
            let Some((standing, dir)) = standing.zip(sweeps.chosen()) else { return };
            let due = standing.rows.iter().any(|row| matches!(row.state, "waiting" | "stopped"));
            let failed = standing.rows.iter().filter(|row| row.state == "failed").count();
            let push = |ui: &mut Ui, words: &str, tip: &str| {
                ui.add(Push::new(words).small().tight()).on_hover_text(tip).clicked()
            };
            let again = |retry| UiCommand::BeginSweep(Launch { spec: dir.to_owned(), dir: dir.to_owned(), retry });
            match &standing.runner {
                Some(runner) => {
                    let tip = format!("Process {} on {}: each trial saves a checkpoint.", runner.pid, runner.host);
                    if push(ui, "Stop the sweep", &tip) {
                        actions.send(UiCommand::StopSweep(dir.to_owned()));
                    }
                }
                None if due && push(ui, "Go on", "Runs the trials that wait or were stopped.") => {
                    actions.send(again(false));
                }
                None => {}
            }
            if failed > 0 && standing.runner.is_none() {
                let words = format!("Re-run {failed} failed");
                if push(ui, &words, "Has failed trials wait again, and goes on.") {
                    actions.send(again(true));
                }
            }
            if !sweeps.known().iter().any(|dir| name(dir) == ABLATION) && push(ui, "Ablation", about(ABLATION)) {
                actions.send(begin(sweeps, ABLATION));
            }
            let dress = FilterDress { name: "Filter of the trials", hint: "eps<0.6 map>40", width: 150.0 };
            self.filter.show(ui, &vocabulary(truth), dress);
            let more = icon_button(ui, icon::DOTS, "More of this sweep");
            Popup::menu(&more).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
                self.more(ui, sweeps, standing, actions);
            });
        });
        if let Some(standing) = standing.filter(|s| !s.about.is_empty()) {
            let theme = Theme::of(ui.ctx());
            ui.add(egui::Label::new(Type::Small.text(&standing.about, theme.t3)).truncate());
        }
        ui.add_space(2.0);
    }

    fn more(&mut self, ui: &mut Ui, sweeps: &Sweeps, standing: &SweepStanding, actions: &Commands) {
        ui.set_min_width(260.0);
        let theme = Theme::of(ui.ctx());
        let dir = standing.dir.clone();
        ui.label(Type::Small.text("Values to try, as eps=0.55 k1=20", theme.t3));
        if self.values.is_empty() {
            // What found most so far is the natural neighbourhood.
            let best = best(&standing.rows).map(|row| &row.settings);
            let words = best.map(|all| all.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" "));
            self.values = words.unwrap_or_default();
        }
        let edit = egui::TextEdit::singleline(&mut self.values).desired_width(250.0);
        ui.add(edit).accessible_name("Values to enqueue");
        let parsed = values(&self.values);
        let enqueue = ui.add_enabled(parsed.is_some(), egui::Button::new("Enqueue these values"));
        let tip = "Adds a trial that waits to the study; who runs the sweep takes it up.";
        if enqueue.on_hover_text(tip).clicked() {
            actions.send(UiCommand::Enqueue { dir: dir.clone(), settings: parsed.unwrap_or_default() });
            ui.close();
        }
        ui.separator();
        let tip = "Parallel coordinates, importance, contours and Pareto fronts by the tool of Optuna, where it is installed.";
        if ui.button("Open in optuna-dashboard").on_hover_text(tip).clicked() {
            actions.send(UiCommand::Dashboard(dir.clone()));
            ui.close();
        }
        if ui.button("Show in the file manager").clicked() {
            actions.send(UiCommand::RevealRun(dir));
            ui.close();
        }
        ui.menu_button("Begin another", |ui| {
            ui.set_min_width(220.0);
            ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
                for (name, _) in SHIPPED {
                    if ui.button(*name).on_hover_text(about(name)).clicked() {
                        actions.send(begin(sweeps, name));
                        ui.close();
                    }
                }
            });
        });
    }

    fn table(&mut self, ui: &mut Ui, rows: &[&TrialRow], cx: &PanelCtx<'_>) {
        let keys = keys(rows.iter().copied());
        let mut columns = vec![TableColumn::number("trial", "Its number; its folder is named so.")];
        columns.extend(keys.iter().map(|key| TableColumn::number(*key, format!("What sets the trials apart: {key}."))));
        columns.push(TableColumn::words("state", "How the trial stands."));
        columns.extend(RESULTS.iter().map(|(name, help)| TableColumn::number(*name, *help)));
        columns.push(TableColumn::words("why", "Why it failed."));
        let names: Vec<&str> = std::iter::once("trial")
            .chain(keys.iter().copied())
            .chain(["state"])
            .chain(RESULTS.iter().map(|(name, _)| *name))
            .chain(["why"])
            .collect();
        let by = names.iter().position(|name| *name == self.sort.0).unwrap_or(0);
        let mut sorted = rows.to_vec();
        sort(&mut sorted, names[by], self.sort.1);
        let best = best(sorted.iter().copied()).map(|row| row.trial);
        let (theme, truth, book) = (cx.theme, cx.truth, cx.many.book);
        let cell = |row: &TrialRow, key: &str| -> TableCell {
            let ink = (key == "mAP" && best == Some(row.trial)).then_some(theme.accent);
            let text = match key {
                key if is_truth(key) && !truth => "–".to_owned(),
                "state" => row.state.to_owned(),
                "why" => row.why.clone().unwrap_or_default(),
                "epochs" => format!("{}/{}", row.epoch, row.epochs),
                "trial" => row.trial.to_string(),
                "time" if row.seconds > 0.0 => ticks::duration(row.seconds),
                "time" => "–".to_owned(),
                "silhouette" => row.silhouette.map_or("–".to_owned(), |x| ticks::number(x, 3)),
                "mAP" | "rank-1" | "best mAP" => figure(row, key).map_or("–".to_owned(), |x| ticks::number(x, 1)),
                key => setting(row, key).unwrap_or("–").to_owned(),
            };
            TableCell { text, ink }
        };
        let overlays = cx.many.overlays(cx.view);
        let shown = cx.view.folder.as_ref();
        let actions = cx.commands;
        let table = TableWidget {
            name: "trials",
            columns: &columns,
            rows: sorted.len(),
            sort: Some((by, self.sort.1)),
            lead: 24.0,
            clickable: true,
            height: None,
        };
        let done = table.show(
            ui,
            |at| shown == Some(&sorted[at].run),
            |at, column| cell(sorted[at], names[column]),
            |ui, at, place, response| {
                let row = sorted[at];
                let rect = egui::Rect::from_center_size(
                    egui::pos2(place.left() + 9.0, place.center().y),
                    egui::vec2(13.0, 13.0),
                );
                let color = Book::slot(&overlays, &row.run).map_or(theme.accent, |slot| theme.series(slot));
                let ticked = book.is_ticked(&row.run);
                let response_of = tick(ui, rect, &row.run, &format!("Tick {}", label(row)), ticked, color);
                if response_of.on_hover_text("Draws this run beside the others, and compares it.").clicked() {
                    actions.send(UiCommand::TickRun(row.run.clone()));
                }
                if let Some(why) = &row.why {
                    response.on_hover_text(why);
                }
            },
        );
        if let Some(row) = done.row.map(|at| sorted[at]).filter(|row| row.state != "waiting") {
            cx.send(UiCommand::OpenRun(row.run.clone()));
        }
        if let Some(at) = done.head {
            let (_, down) = sorted_by((by, self.sort.1), at, columns[at].number);
            self.sort = (names[at].to_owned(), down);
        }
    }
}

/// Largest or smallest first; trials without the figure last.
fn sort(rows: &mut [&TrialRow], key: &str, down: bool) {
    let words = |row: &TrialRow| match key {
        "state" => Some(row.state.to_owned()),
        "why" => row.why.clone(),
        key => figure(row, key).map(|x| x.to_string()).or_else(|| setting(row, key).map(str::to_owned)),
    };
    rows.sort_by(|a, b| {
        let order = match (figure(a, key), figure(b, key), words(a), words(b)) {
            (Some(a), Some(b), ..) => a.total_cmp(&b),
            (_, _, Some(a), Some(b)) => a.cmp(&b),
            (_, _, a, b) => return a.is_none().cmp(&b.is_none()),
        };
        if down { order.reverse() } else { order }
    });
}

/// The trial that is done and found most.
fn best<'a>(rows: impl IntoIterator<Item = &'a TrialRow>) -> Option<&'a TrialRow> {
    let done = rows.into_iter().filter(|row| row.state == "done" && row.map.is_some());
    done.max_by(|a, b| a.map.unwrap_or(0.0).total_cmp(&b.map.unwrap_or(0.0)))
}

fn scope(standing: &SweepStanding, shown: usize, truth: bool) -> String {
    let count = |state: &str| standing.rows.iter().filter(|row| row.state == state).count();
    let mut words = vec![ticks::counted(standing.rows.len(), "trial", "trials")];
    for state in ["done", "running", "pruned", "failed"] {
        if count(state) > 0 {
            words.push(format!("{} {state}", ticks::count(count(state))));
        }
    }
    if shown < standing.rows.len() {
        words.push(format!("{} shown", ticks::count(shown)));
    }
    if let Some(map) = best(&standing.rows).and_then(|row| row.map).filter(|_| truth) {
        words.push(format!("best mAP so far {}", ticks::number(100.0 * map, 1)));
    }
    words.join(", ")
}

fn about(name: &str) -> &'static str {
    let text = SHIPPED.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| *text);
    let line = text.lines().find_map(|line| line.strip_prefix("about = \""));
    line.map_or("", |line| line.trim_end_matches('"'))
}

/// Begins a sweep that comes with the program, in the folder of its name.
fn begin(sweeps: &Sweeps, name: &str) -> UiCommand {
    UiCommand::BeginSweep(Launch { spec: name.into(), dir: sweeps.dir().join(name), retry: false })
}

/// `eps=0.55 k1=20` as keys and values; `None` where a word is not of that form.
fn values(text: &str) -> Option<Vec<(String, String)>> {
    let pair = |word: &str| {
        let (key, value) = word.split_once('=')?;
        (!key.is_empty() && !value.is_empty()).then(|| (key.to_owned(), value.to_owned()))
    };
    let all: Vec<(String, String)> = text.split_whitespace().map(pair).collect::<Option<_>>()?;
    (!all.is_empty()).then_some(all)
}

/// What a filter can compare: results, then parameters.
static FIELDS: LazyLock<Vec<FilterField>> = LazyLock::new(|| {
    let field = |name, help, truth| FilterField { name, help, kind: FieldKind::Any, truth, example: "40" };
    let results =
        RESULTS.iter().filter(|(name, _)| !name.contains(' ')).map(|(name, help)| field(*name, *help, is_truth(name)));
    results.chain([field("state", "how it stands", false)]).chain(parameters()).collect()
});

fn vocabulary(truth: bool) -> Vocabulary<'static> {
    Vocabulary { fields: &FIELDS, words: true, truth }
}

fn passes(filter: &Terms, row: &TrialRow) -> bool {
    let text = format!("{} {} {}", label(row), row.state, row.why.as_deref().unwrap_or_default());
    filter.pass_named(&text, |key| match key {
        "state" => Some(FilterOwn::Text(row.state.to_owned())),
        key => match RESULTS.iter().find(|(name, _)| *name == key) {
            Some((name, _)) => figure(row, name).map(FilterOwn::from),
            None => setting(row, key).map(FilterOwn::read),
        },
    })
}
