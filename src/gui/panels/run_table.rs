//! All runs as a table: columns of one's own choice, sorted, filtered, ticked.

use eframe::egui::{self, Align, Layout, Popup, PopupCloseBehavior, Rect, ScrollArea, Ui, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn};
use crate::gui::book::Book;
use crate::gui::command::{Commands, UiCommand};
use crate::gui::plot::ticks;
use crate::gui::run_columns::{COLUMNS, field, passes, vocabulary};
use crate::gui::theme::{Theme, size};
use crate::gui::widgets::button::icon_button;
use crate::gui::widgets::filter_box::{FilterBox, FilterDress};
use crate::gui::widgets::icon;
use crate::gui::widgets::run_menu;
use crate::gui::widgets::table::{TableCell, TableColumn, TableWidget, sorted_by};
use crate::gui::widgets::tick::{star, tick};
use crate::method::params::table::{ROWS, row};
use crate::run::summary::Summary;

/// State of the panel that outlives the window.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct RunTablePanel {
    /// Keys of the columns after the name.
    columns: Vec<String>,
    /// The key that the rows are sorted by, `name` for the name, and whether the largest comes first.
    sort: (String, bool),
    #[serde(rename = "typed")]
    filter: FilterBox,
    /// Letters of the parameter that is looked for in the menu of columns.
    #[serde(skip)]
    looked_for: String,
}

impl Default for RunTablePanel {
    fn default() -> Self {
        let columns = ["state", "epochs", "map", "difference", "best", "rank-1", "clusters", "outliers", "seed"];
        Self {
            columns: columns.map(str::to_owned).to_vec(),
            sort: ("map".to_owned(), true),
            filter: FilterBox::default(),
            looked_for: String::new(),
        }
    }
}

impl Panel for RunTablePanel {
    const TITLE: &'static str = "Run table";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let rows = cx.many.book.rows();
        if rows.is_empty() {
            let text =
                "Every run of this window and every one that is opened has a row here, with columns of your choice.";
            return Err(Absence::nothing(icon::GRID, "No runs yet", text).with("New run…", UiCommand::NewRun));
        }
        let terms = self.filter.terms(&vocabulary(cx.truth)).clone();
        let mut runs: Vec<(String, &Summary)> =
            rows.iter().map(|(run, _)| (cx.many.book.name(&run.folder), run)).collect();
        runs.retain(|(name, run)| passes(&terms, run, name));
        self.sort(&mut runs);
        let scope = if runs.len() == rows.len() {
            ticks::counted(rows.len(), "run", "runs")
        } else {
            format!("{} of {}", ticks::count(runs.len()), ticks::counted(rows.len(), "run", "runs"))
        };
        cx.title(&scope).show(ui, |ui| self.tools(ui, cx.truth));
        self.columns.retain(|key| COLUMNS.iter().any(|(known, ..)| known == key) || row(key).is_ok());
        let columns = self.heads();
        let by = columns.iter().zip(self.keys()).position(|(_, key)| key == self.sort.0).unwrap_or(0);
        let keys: Vec<String> = self.keys().map(str::to_owned).collect();
        let base = cx.many.book.marks.baseline.as_ref();
        let base = base.and_then(|folder| rows.iter().find(|(run, _)| run.folder == *folder)).map(|(run, _)| run);
        let overlays = cx.many.overlays(cx.view);
        let table = TableWidget {
            name: "runs",
            columns: &columns,
            rows: runs.len(),
            sort: Some((by, self.sort.1)),
            lead: 46.0,
            clickable: true,
            height: None,
        };
        let (book, shown, truth, actions) = (cx.many.book, cx.view.folder.as_ref(), cx.truth, cx.commands);
        let done = table.show(
            ui,
            |at| shown == Some(&runs[at].1.folder),
            |at, column| cell(&runs[at], &keys[column], base, truth),
            |ui, at, place, response| {
                let (name, run) = &runs[at];
                lead(ui, place, (name, run), book, Book::slot(&overlays, &run.folder), actions);
                response.context_menu(|ui| run_menu::show(ui, &run.folder, book.is_baseline(&run.folder), actions));
            },
        );
        if let Some(at) = done.row {
            cx.send(UiCommand::OpenRun(runs[at].1.folder.clone()));
        }
        if let Some(at) = done.head {
            let (_, down) = sorted_by((by, self.sort.1), at, columns[at].number);
            self.sort = (keys[at].clone(), down);
        }
        Ok(())
    }
}

impl RunTablePanel {
    fn keys(&self) -> impl Iterator<Item = &str> {
        std::iter::once("name").chain(self.columns.iter().map(String::as_str))
    }

    fn heads(&self) -> Vec<TableColumn> {
        let head = |key: &str| match COLUMNS.iter().find(|(known, ..)| *known == key) {
            Some((_, title, help, number)) => {
                TableColumn { title: (*title).to_owned(), help: (*help).to_owned(), number: *number }
            }
            None if key == "name" => TableColumn::words("run", "What sets the run apart, or the name it was given."),
            None => match row(key) {
                Ok(row) => TableColumn::number(row.label, format!("{}: {}", row.key, row.help)),
                Err(_) => TableColumn::words(key, ""),
            },
        };
        self.keys().map(head).collect()
    }

    /// Largest or smallest first; runs without the figure last.
    fn sort(&self, runs: &mut [(String, &Summary)]) {
        let (key, down) = (self.sort.0.as_str(), self.sort.1);
        let key = if key == "difference" { "map" } else { key };
        let of = |(name, run): &(String, &Summary)| if key == "name" { Some(name.clone()) } else { field(run, key) };
        runs.sort_by(|a, b| {
            let (a, b) = match (of(a), of(b)) {
                (Some(a), Some(b)) => (a, b),
                (a, b) => return a.is_none().cmp(&b.is_none()),
            };
            let order = match (a.parse::<f64>(), b.parse::<f64>()) {
                (Ok(a), Ok(b)) => a.total_cmp(&b),
                _ => a.cmp(&b),
            };
            if down { order.reverse() } else { order }
        });
    }

    fn tools(&mut self, ui: &mut Ui, truth: bool) {
        let columns = icon_button(ui, icon::DOTS, "Columns of the run table");
        Popup::menu(&columns).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| self.choose(ui));
        let dress = FilterDress { name: "Filter of the run table", hint: "eps<0.6 map>40", width: 180.0 };
        ui.allocate_ui_with_layout(vec2(182.0, size::BUTTON_SMALL), Layout::left_to_right(Align::Center), |ui| {
            self.filter.show(ui, &vocabulary(truth), dress);
        });
    }

    /// The menu of columns: figures, then parameters by name.
    fn choose(&mut self, ui: &mut Ui) {
        ui.set_min_width(240.0);
        for (key, title, help, _) in COLUMNS {
            self.choice(ui, key, title, help);
        }
        ui.separator();
        let edit = egui::TextEdit::singleline(&mut self.looked_for).hint_text("a parameter").desired_width(220.0);
        ui.add(edit).accessible_name("Parameter to show as a column");
        let words = self.looked_for.to_lowercase();
        ScrollArea::vertical().max_height(180.0).show(ui, |ui| {
            for row in ROWS.iter().filter(|row| format!("{} {}", row.key, row.label).to_lowercase().contains(&words)) {
                self.choice(ui, row.key, row.key, row.help);
            }
        });
    }

    fn choice(&mut self, ui: &mut Ui, key: &str, title: &str, help: &str) {
        let mut on = self.columns.iter().any(|known| known == key);
        if ui.checkbox(&mut on, title).on_hover_text(help).changed() {
            if on {
                self.columns.push(key.to_owned());
            } else {
                self.columns.retain(|known| known != key);
            }
        }
    }
}

fn cell((name, run): &(String, &Summary), key: &str, base: Option<&Summary>, truth: bool) -> TableCell {
    let hidden = !truth && matches!(key, "map" | "difference" | "best" | "rank-1");
    let percent = |x: Option<f64>| x.map_or("–".to_owned(), |x| ticks::number(100.0 * x, 1));
    let count = |at: usize| run.clusters.map_or("–".to_owned(), |c| ticks::count(c[at]));
    let text = match key {
        _ if hidden => "–".to_owned(),
        "name" => name.clone(),
        "map" => percent(run.mean_ap()),
        "difference" => match (run.mean_ap(), base.and_then(Summary::mean_ap)) {
            (Some(_), Some(_)) if base.is_some_and(|base| base.folder == run.folder) => "\u{e46a}".to_owned(),
            (Some(own), Some(base)) => ticks::signed(100.0 * (own - base), 1),
            _ => String::new(),
        },
        "best" => percent(run.best_oracle()),
        "rank-1" => percent(run.rank1),
        "clusters" => count(0),
        "outliers" => count(1),
        "time" => ticks::duration(run.seconds),
        key => field(run, key).unwrap_or_else(|| "–".to_owned()),
    };
    text.into()
}

/// Tick and star of a row.
fn lead(ui: &mut Ui, place: Rect, (name, run): (&str, &Summary), book: &Book, slot: Option<usize>, actions: &Commands) {
    let theme = Theme::of(ui.ctx());
    let (ticked, is_base) = (book.is_ticked(&run.folder), book.is_baseline(&run.folder));
    let color = slot.map_or(theme.accent, |slot| theme.series(slot));
    let rect = Rect::from_center_size(pos2(place.left() + 10.0, place.center().y), vec2(13.0, 13.0));
    let response = tick(ui, rect, &run.folder, &format!("Tick {name} in the table"), ticked, color);
    if response.on_hover_text("Draws this run beside the others, and compares it.").clicked() {
        actions.send(UiCommand::TickRun(run.folder.clone()));
    }
    let rect = Rect::from_center_size(pos2(place.left() + 31.0, place.center().y), vec2(16.0, 16.0));
    let response = star(ui, rect, &run.folder, &format!("Baseline {name}"), is_base);
    if response.on_hover_text("The baseline \u{e46a}: the others are compared with it.").clicked() {
        actions.send(UiCommand::StarRun(run.folder.clone()));
    }
}
