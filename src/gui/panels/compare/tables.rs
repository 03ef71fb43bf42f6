//! The tables of a comparison.

use std::path::Path;

use eframe::egui::{self, Label, Ui};

use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::table::{self, TableCell, TableColumn};
use crate::gui::widgets::tile;
use crate::study::compare::{Comparison, Metrics, RunRow};
use crate::study::compared::{interval, p_value};
use crate::study::pairing::{PerQuery, PersonPair};
use crate::study::published::Placed;
use crate::study::statistics::{Paired, Spread};

/// What a run is called, by its folder.
type Names<'a> = dyn Fn(&Path) -> String + 'a;

/// A table that is read, not clicked, as high as it is.
fn plain(ui: &mut Ui, name: &str, columns: &[TableColumn], rows: &[Vec<TableCell>], is_on: impl Fn(usize) -> bool) {
    table::plain(ui, name, columns, rows, is_on);
    ui.add_space(10.0);
}

/// The name of a run of the comparison, which knows it by its folder's.
fn called(all: &Comparison, name: &str, names: &Names<'_>) -> String {
    all.runs.iter().find(|run| run.name == name).map_or_else(|| name.to_owned(), |run| names(&run.run))
}

fn titled(all: &Comparison, run: &RunRow, names: &Names<'_>) -> String {
    let hand = if run.by_hand { ", touched by hand" } else { "" };
    let name = format!("{}{hand}", names(&run.run));
    if run.name == all.baseline { format!("{name} \u{e46a}") } else { name }
}

/// Results with differences, intervals and p-values; seeds together; the parameters that differ.
pub fn results(ui: &mut Ui, all: &Comparison, names: &Names<'_>) {
    let theme = Theme::of(ui.ctx());
    let mut columns = vec![TableColumn::words("run", "\u{e46a} is the baseline that the others are compared with.")];
    for name in Metrics::NAMES {
        columns.push(TableColumn::number(name, format!("{name} at the last evaluation, percent.")));
        columns.push(TableColumn::number("Δ", format!("{name} less that of the baseline, in points.")));
    }
    let tested = "95 % bootstrap interval of the difference of mAP, people drawn with all their queries, in points.";
    columns.push(TableColumn::words("interval of Δ mAP", tested));
    columns.push(TableColumn::number("p", "Sign-flip permutation test of no difference, people as units."));
    columns.push(TableColumn::number("epoch", "Adaptation epochs done at that evaluation."));
    columns.push(TableColumn::number("best mAP", "The best over the epochs by the target's own labels: an oracle."));
    let rows: Vec<Vec<TableCell>> = all
        .runs
        .iter()
        .map(|run| {
            let mut cells: Vec<TableCell> = vec![titled(all, run, names).into()];
            for i in 0..4 {
                let percent = |m: Option<Metrics>| m.map(|m| 100.0 * m.values()[i]);
                cells.push(percent(run.metrics).map_or("–".to_owned(), |x| ticks::number(x, 1)).into());
                let text = percent(run.difference).map_or(String::new(), |x| ticks::signed(x, 1));
                cells.push(TableCell { text, ink: Some(theme.t2) });
            }
            let tested = all.per_query.iter().find(|q| q.run == run.name);
            cells.push(tested.map_or_else(String::new, interval).into());
            cells.push(tested.map_or_else(String::new, |q| p_value(q.by_person.p)).into());
            cells.push(run.epoch.map_or("–".to_owned(), |e| e.to_string()).into());
            cells.push(run.best_oracle.map_or("–".to_owned(), |(_, map)| ticks::number(100.0 * map, 1)).into());
            cells
        })
        .collect();
    plain(ui, "results", &columns, &rows, |at| all.runs[at].name == all.baseline);
    if !all.seeds.is_empty() {
        tile::section(ui, "Over seeds", "mean ± standard deviation, 95 % interval of the mean");
        let columns = [
            TableColumn::words("runs", "Runs that differ in their seed alone."),
            TableColumn::words("seeds", "Their seeds."),
            TableColumn::words("mAP", "Mean, deviation and Student's interval, percent."),
            TableColumn::words("rank-1", "Mean, deviation and Student's interval, percent."),
        ];
        let rows: Vec<Vec<TableCell>> = all
            .seeds
            .iter()
            .map(|group| {
                let runs: Vec<String> = group.runs.iter().map(|name| called(all, name, names)).collect();
                let seeds: Vec<String> = group.seeds.iter().map(u64::to_string).collect();
                vec![
                    runs.join(" · ").into(),
                    seeds.join(", ").into(),
                    spread(group.map).into(),
                    spread(group.rank1).into(),
                ]
            })
            .collect();
        plain(ui, "seeds", &columns, &rows, |_| false);
    }
    tile::section(ui, "Differs", "parameters that are the same in all runs are left out");
    if all.parameters.is_empty() {
        ui.label(Type::Body.text("No parameter differs.", theme.t2));
        ui.add_space(10.0);
        return;
    }
    let mut columns = vec![TableColumn::words("parameter", "Its key, as in files and on the command line.")];
    columns
        .extend(all.runs.iter().map(|run| TableColumn::words(titled(all, run, names), run.run.display().to_string())));
    let rows: Vec<Vec<TableCell>> = all
        .parameters
        .iter()
        .map(|d| std::iter::once(d.key).chain(d.values.iter().map(String::as_str)).map(TableCell::from).collect())
        .collect();
    plain(ui, "differs", &columns, &rows, |_| false);
}

/// `58.1 ± 1.4 (55.0 to 61.2)`, percent.
pub fn spread(of: Option<Spread>) -> String {
    let percent = |x: f64| ticks::number(100.0 * x, 1);
    let Some(of) = of else { return "–".to_owned() };
    let deviation = of.deviation.map_or(String::new(), |d| format!(" ± {}", percent(d)));
    let interval = of.interval.map_or(String::new(), |[low, high]| format!(" ({} to {})", percent(low), percent(high)));
    format!("{}{deviation}{interval}", percent(of.mean))
}

/// Who wins and who loses against the baseline, with both paired tests.
pub fn people(ui: &mut Ui, all: &Comparison, names: &Names<'_>) {
    let theme = Theme::of(ui.ctx());
    for q in &all.per_query {
        tile::section(ui, &format!("{} against \u{e46a}", called(all, &q.run, names)), "difference of AP, in points");
        for (what, paired) in [("people drawn", &q.by_person), ("queries drawn", &q.by_query)] {
            ui.add(Label::new(Type::Body.text(format!("{what}: {}", tested(paired)), theme.t1)).wrap());
        }
        let won = format!("{} queries won, {} lost", ticks::count(q.by_query.won), ticks::count(q.by_query.lost));
        ui.label(Type::Body.text(won, theme.t2));
        ui.add_space(4.0);
        sides(ui, q);
    }
    if all.per_query.is_empty() {
        ui.label(Type::Body.text("No two of these runs can be paired query by query.", theme.t2));
    }
}

/// `+1.2, 95 % interval −0.4 to +2.8, p 0.12 (751 people)`.
fn tested(paired: &Paired) -> String {
    let [low, high] = paired.interval.map(|x| ticks::signed(100.0 * x, 1));
    let exact = if paired.exact { ", all signs tried" } else { "" };
    let units = ticks::counted(paired.units, "unit", "units");
    let mean = ticks::signed(100.0 * paired.mean, 1);
    format!("{mean}, 95 % interval {low} to {high}, p {} ({units}{exact})", p_value(paired.p))
}

fn sides(ui: &mut Ui, q: &PerQuery) {
    let columns = [
        TableColumn::number("identity", "A person of the target's test set."),
        TableColumn::number("queries", "Queries of this person."),
        TableColumn::number("Δ AP", "Mean difference of AP over them, in points."),
    ];
    let rows = |people: &[PersonPair]| -> Vec<Vec<TableCell>> {
        let row = |p: &PersonPair| -> Vec<TableCell> {
            let difference = ticks::signed(100.0 * p.difference, 1);
            vec![p.pid.to_string().into(), ticks::count(p.queries).into(), difference.into()]
        };
        people.iter().map(row).collect()
    };
    let half = (ui.available_width() - 20.0) / 2.0;
    ui.horizontal_top(|ui| {
        for (what, people) in [("People who win", &q.gained), ("People who lose", &q.lost)] {
            ui.allocate_ui(egui::vec2(half, 0.0), |ui| {
                ui.vertical(|ui| {
                    ui.set_max_width(half);
                    let theme = Theme::of(ui.ctx());
                    ui.label(Type::Small.text(what, theme.t3));
                    plain(ui, &format!("{what} {}", q.run), &columns, &rows(people), |_| false);
                });
            });
        }
    });
}

/// How far the clusters of each run agree with those of the baseline.
pub fn clusters(ui: &mut Ui, all: &Comparison, names: &Names<'_>) {
    let theme = Theme::of(ui.ctx());
    if all.clusters.is_empty() {
        ui.label(Type::Body.text("No two of these runs clustered the same images.", theme.t2));
        return;
    }
    let columns = [
        TableColumn::words("run", "Compared with the baseline \u{e46a}, each at its newest clustering."),
        TableColumn::words("epochs", "Of the run and of the baseline."),
        TableColumn::number("ARI", "Adjusted Rand index of the labels at eps; 1 where they are the same."),
        TableColumn::number("NMI", "Normalised mutual information, likewise."),
        TableColumn::number("kept", "Clusters of \u{e46a} that are one here too, image for image or nearly."),
        TableColumn::number("split", "Clusters of \u{e46a} that are several here."),
        TableColumn::number("merged", "Clusters here that are several in \u{e46a}."),
        TableColumn::number("born", "Clusters here of images that are outliers in \u{e46a}."),
        TableColumn::number("died", "Clusters of \u{e46a} whose images are outliers here."),
        TableColumn::number("won back", "Outliers of \u{e46a} that are in a cluster here."),
        TableColumn::number("lost", "Images of clusters of \u{e46a} that are outliers here."),
    ];
    let rows: Vec<Vec<TableCell>> = all
        .clusters
        .iter()
        .map(|c| {
            let mut cells: Vec<TableCell> = vec![called(all, &c.run, names).into()];
            cells.push(format!("{}, \u{e46a} {}", c.epochs[0], c.epochs[1]).into());
            cells.extend([c.ari, c.nmi].map(|x| TableCell::from(ticks::number(x, 3))));
            let counts = [c.kept, c.split, c.merged, c.born, c.died, c.won_back, c.lost];
            cells.extend(counts.map(|n| TableCell::from(ticks::count(n))));
            cells
        })
        .collect();
    plain(ui, "clusters", &columns, &rows, |_| false);
}

/// The runs among published results, and what keeps them from being compared.
pub fn published(ui: &mut Ui, placed: &Result<Placed, String>, all: &Comparison, names: &Names<'_>) {
    let theme = Theme::of(ui.ctx());
    let placed = match placed {
        Ok(placed) => placed,
        Err(why) => {
            ui.label(Type::Body.text(why, theme.t2));
            return;
        }
    };
    let mut columns = vec![TableColumn::words("method", "A published method, or a run of one's own.")];
    columns.push(TableColumn::words("source", "The labelled dataset."));
    columns.extend(Metrics::NAMES.map(|name| TableColumn::number(name, "In percent.")));
    columns.push(TableColumn::words(
        "chosen on",
        "What the model was chosen by: the last epoch, or help that training has not.",
    ));
    columns.push(TableColumn::words("about", "Where it stands."));
    let rows: Vec<Vec<TableCell>> = placed
        .lines
        .iter()
        .map(|line| {
            let ink = line.own.then_some(theme.accent);
            let name = if line.own { called(all, &line.name, names) } else { line.name.clone() };
            let mut texts = vec![name, line.source.clone()];
            texts.extend(line.values.map(|x| x.map_or("–".to_owned(), |x| ticks::number(x, 1))));
            texts.extend([line.chosen.clone(), line.about.clone()]);
            texts.into_iter().map(|text| TableCell { text, ink }).collect()
        })
        .collect();
    plain(ui, "published", &columns, &rows, |at| placed.lines[at].own);
    let told = |warning: &String| match warning.split_once(": ") {
        Some((name, rest)) => format!("{}: {rest}", called(all, name, names)),
        None => warning.clone(),
    };
    let told: Vec<String> = placed.warnings.iter().map(told).collect();
    warnings(ui, told.iter());
}

/// What stands in the way of a fair comparison.
pub fn warnings<'a>(ui: &mut Ui, warnings: impl Iterator<Item = &'a String>) {
    let theme = Theme::of(ui.ctx());
    for warning in warnings {
        ui.add(Label::new(Type::Body.text(format!("{warning}."), theme.warn)).wrap());
    }
}
