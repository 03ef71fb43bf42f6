//! A comparison as a table for a paper or a spreadsheet.

use super::compare::{Comparison, Metrics, RunRow};
use super::pairing::PerQuery;
use crate::base::text::{number, signed};

/// The table as text of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// For a README or an issue.
    Markdown,
    /// `tabular` with `booktabs` rules.
    Latex,
}

/// The results in percent, each with its difference to the baseline, interval and p-value by person, and the
/// parameters that differ.
pub fn table(all: &Comparison, kind: TableFormat) -> String {
    let mut head: Vec<String> = vec!["run".to_owned()];
    head.extend(all.parameters.iter().map(|d| d.key.to_owned()));
    head.extend(Metrics::NAMES.map(|name| format!("{name} (%)")));
    head.extend(["95 % interval of the mAP difference", "p"].map(str::to_owned));
    let rows: Vec<Vec<String>> = all.runs.iter().enumerate().map(|(i, run)| row(all, i, run)).collect();
    match kind {
        TableFormat::Markdown => markdown(&head, &rows),
        TableFormat::Latex => latex(&head, &rows),
    }
}

/// Rows of text as a table; the first is its head.
pub fn rows(rows: &[Vec<String>], kind: TableFormat) -> String {
    match (rows.split_first(), kind) {
        (Some((head, rows)), TableFormat::Markdown) => markdown(head, rows),
        (Some((head, rows)), TableFormat::Latex) => latex(head, rows),
        (None, _) => String::new(),
    }
}

fn row(all: &Comparison, at: usize, run: &RunRow) -> Vec<String> {
    let mut cells = vec![run.name.clone()];
    cells.extend(all.parameters.iter().map(|d| d.values[at].clone()));
    for i in 0..4 {
        let value = run.metrics.map_or(f64::NAN, |m| m.values()[i]);
        let text = number(100.0 * value, 1);
        cells.push(match run.difference {
            Some(d) => format!("{text} ({})", signed(100.0 * d.values()[i], 1)),
            None => text,
        });
    }
    let tested = all.per_query.iter().find(|q| q.run == run.name);
    cells.push(tested.map_or_else(|| "–".to_owned(), interval));
    cells.push(tested.map_or_else(|| "–".to_owned(), |q| p_value(q.by_person.p)));
    cells
}

/// `−0.4 to +1.9`, in points of mAP, people drawn.
pub fn interval(q: &PerQuery) -> String {
    let [low, high] = q.by_person.interval.map(|x| signed(100.0 * x, 1));
    format!("{low} to {high}")
}

/// `0.012`, `< 0.001`.
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { number(p, 3) }
}

fn markdown(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|c| c.replace('|', "\\|").replace('\n', " ")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let body: String = rows.iter().map(|r| line(r)).collect();
    format!("{}{rule}{body}", line(head))
}

fn latex(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|c| escaped(c)).collect();
        format!("{} \\\\\n", cells.join(" & "))
    };
    let columns = format!("l{}", "r".repeat(head.len() - 1));
    let body: String = rows.iter().map(|r| line(r)).collect();
    format!(
        "\\begin{{tabular}}{{{columns}}}\n\\toprule\n{}\\midrule\n{body}\\bottomrule\n\\end{{tabular}}\n",
        line(head)
    )
}

/// The signs that LaTeX reads as its own.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '\\' => out.push_str("\\textbackslash{}"),
            '−' => out.push_str("$-$"),
            '–' => out.push_str("--"),
            '<' => out.push_str("$<$"),
            '→' => out.push_str("$\\to$"),
            c => out.push(c),
        }
    }
    out
}

/// The rows for a spreadsheet: fractions to the last bit, a column a figure.
pub fn records(all: &Comparison) -> Vec<Vec<String>> {
    let mut head: Vec<String> =
        ["run", "source", "target", "seed", "state", "epoch", "seconds"].map(str::to_owned).to_vec();
    head.extend(all.parameters.iter().map(|d| d.key.to_owned()));
    head.extend(Metrics::NAMES.map(str::to_owned));
    head.extend(Metrics::NAMES.map(|name| format!("{name} difference")));
    head.extend(["interval low", "interval high", "p", "p by query"].map(str::to_owned));
    let mut records = vec![head];
    for (i, run) in all.runs.iter().enumerate() {
        let real = |x: Option<f64>| x.filter(|x| x.is_finite()).map_or_else(String::new, |x| x.to_string());
        let epoch = run.epoch.map_or_else(String::new, |e| e.to_string());
        let mut cells =
            vec![run.name.clone(), run.source.clone(), run.target.clone(), run.seed.to_string(), run.state.to_owned()];
        cells.extend([epoch, run.seconds.to_string()]);
        cells.extend(all.parameters.iter().map(|d| d.values[i].clone()));
        cells.extend((0..4).map(|k| real(run.metrics.map(|m| m.values()[k]))));
        cells.extend((0..4).map(|k| real(run.difference.map(|m| m.values()[k]))));
        let tested = all.per_query.iter().find(|q| q.run == run.name);
        cells.extend([
            real(tested.map(|q| q.by_person.interval[0])),
            real(tested.map(|q| q.by_person.interval[1])),
            real(tested.map(|q| q.by_person.p)),
            real(tested.map(|q| q.by_query.p)),
        ]);
        records.push(cells);
    }
    records
}
