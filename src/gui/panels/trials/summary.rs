//! What a sweep found: trials that differ in their seed alone are one line, beside the same row of the paper.

use eframe::egui::Ui;

use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::table::{TableCell, TableColumn, plain};
use crate::run::TrialRow;
use crate::study::statistics::Spread;
use crate::study::trials::{SettingLine, table};

/// Shows them.
pub fn ui(ui: &mut Ui, rows: &[&TrialRow], truth: bool) {
    let lines = table(rows.iter().copied());
    let theme = Theme::of(ui.ctx());
    let mut columns = vec![TableColumn::words("setting", "What sets the trials apart, the seed left out.")];
    columns.push(TableColumn::number("done", "Trials that are done, of those there are."));
    columns.push(TableColumn::number("mAP", "Mean ± standard deviation over the seeds, percent. Ground truth."));
    columns.push(TableColumn::words("95 % interval", "Student's interval of the mean mAP, percent."));
    columns.push(TableColumn::number("rank-1", "Mean ± standard deviation over the seeds, percent. Ground truth."));
    let papers = papers(&lines);
    for (table, source, target) in &papers {
        let help = format!("{table} of the paper: mAP and rank-1, percent, {source} → {target}, with other data.");
        columns.push(TableColumn::number(format!("{table} mAP, rank-1"), help));
    }
    columns.push(TableColumn::number("silhouette", "Mean over the seeds; needs no truth."));
    columns.push(TableColumn::number("time", "Mean time of work."));
    let cells = |line: &SettingLine| -> Vec<TableCell> {
        let settings: Vec<String> = line.settings.iter().map(|(k, v)| shown(k, v)).collect();
        let of = |spread: Option<Spread>| if truth { percent(spread) } else { "–".to_owned() };
        let mut cells: Vec<TableCell> = vec![settings.join(", ").into()];
        cells.push(format!("{} of {}", line.done, line.trials.len()).into());
        cells.push(of(line.map).into());
        let interval = line.map.and_then(|m| m.interval).filter(|_| truth).map_or(String::new(), |[low, high]| {
            format!("{} to {}", ticks::number(100.0 * low, 1), ticks::number(100.0 * high, 1))
        });
        cells.push(interval.into());
        cells.push(of(line.rank1).into());
        for (table, source, target) in &papers {
            let same = line.paper.iter().find(|p| (&p.table, &p.source, &p.target) == (table, source, target));
            let text = same.map_or(String::new(), |p| {
                let rank1 = p.rank1.map_or(String::new(), |r| format!(", {}", ticks::number(100.0 * r, 1)));
                format!("{}{rank1}", ticks::number(100.0 * p.map, 1))
            });
            cells.push(TableCell { text, ink: Some(theme.t2) });
        }
        cells.push(line.silhouette.map_or("–".to_owned(), |s| ticks::number(s.mean, 3)).into());
        cells.push(line.seconds.map_or("–".to_owned(), |s| ticks::duration(s.mean)).into());
        cells
    };
    let rows: Vec<Vec<TableCell>> = lines.iter().map(cells).collect();
    plain(ui, "over seeds", &columns, &rows, |_| false);
    if !papers.is_empty() {
        ui.add_space(6.0);
        let words =
            "The paper's figures are of other, larger data and stand here for their differences, not their heights.";
        ui.add(eframe::egui::Label::new(Type::Small.text(words, theme.t3)).wrap());
    }
}

/// The tables of the paper that have one of the lines, in their order.
fn papers(lines: &[SettingLine]) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for paper in lines.iter().flat_map(|line| &line.paper) {
        let key = (paper.table.clone(), paper.source.clone(), paper.target.clone());
        if !found.contains(&key) {
            found.push(key);
        }
    }
    found
}

/// A preset stands for itself; of other keys both are told.
fn shown(key: &str, value: &str) -> String {
    if key == "preset" { value.to_owned() } else { format!("{key} {value}") }
}

fn percent(spread: Option<Spread>) -> String {
    let Some(spread) = spread else { return "–".to_owned() };
    let deviation = spread.deviation.map_or(String::new(), |d| format!(" ± {}", ticks::number(100.0 * d, 1)));
    format!("{}{deviation}", ticks::number(100.0 * spread.mean, 1))
}
