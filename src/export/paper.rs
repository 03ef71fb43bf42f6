//! The epochs of a run as one small table for a paper or a note: Markdown and LaTeX.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::ticks::{count, number};
use crate::run::RunView;

/// A table of text: its head and its rows, the first column left, the others right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Above the columns.
    pub head: Vec<String>,
    /// As wide as the head.
    pub rows: Vec<Vec<String>>,
}

/// One row for the source-only model and one an epoch: retrieval on the target's test set in percent (ground truth),
/// clusters, reliable ones, outliers, images kept, purity (ground truth). What is not known is a dash.
pub fn epochs(view: &RunView) -> Text {
    let head = ["epoch", "mAP", "rank-1", "rank-5", "rank-10", "clusters", "reliable", "outliers", "kept", "purity"];
    // Not a range: a damaged file may speak of any epoch.
    let known: BTreeSet<usize> =
        view.clusters.keys().map(|e| e.saturating_add(1)).chain(view.target_retrieval.keys().copied()).collect();
    let percent = |x: Option<f64>| number(x.map_or(f64::NAN, |x| 100.0 * x), 1);
    let whole = |n: Option<usize>| n.map_or_else(|| "–".to_owned(), count);
    let row = |epoch: usize| {
        let r = view.target_retrieval.get(&epoch);
        let s = epoch.checked_sub(1).and_then(|e| view.clusters.get(&e)).map(|c| &c.summary);
        vec![
            if epoch == 0 { "source only".to_owned() } else { epoch.to_string() },
            percent(r.map(|r| r.mAP)),
            percent(r.map(|r| r.cmc[0])),
            percent(r.map(|r| r.cmc[1])),
            percent(r.map(|r| r.cmc[2])),
            whole(s.map(|s| s.clusters[0])),
            whole(s.map(|s| s.reliable)),
            whole(s.map(|s| s.noise[0])),
            whole(s.map(|s| s.kept)),
            percent(s.and_then(|s| s.quality).map(|q| q.purity)),
        ]
    };
    Text { head: head.map(str::to_owned).to_vec(), rows: known.into_iter().map(row).collect() }
}

/// A Markdown table, its columns aligned in the source too.
pub fn markdown(table: &Text) -> String {
    let columns = table.head.len();
    let cell = |row: &[String], i: usize| row.get(i).map_or_else(String::new, |text| text.replace('|', "\\|"));
    let all = || std::iter::once(&table.head).chain(&table.rows);
    let widths: Vec<usize> =
        (0..columns).map(|i| all().map(|row| cell(row, i).chars().count()).max().unwrap_or(0).max(3)).collect();
    let line = |row: &[String]| {
        let cells = (0..columns).map(|i| {
            let (text, width) = (cell(row, i), widths[i]);
            if i == 0 { format!("{text:<width$}") } else { format!("{text:>width$}") }
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<String> = widths
        .iter()
        .enumerate()
        .map(|(i, w)| if i == 0 { "-".repeat(*w) } else { format!("{}:", "-".repeat(w - 1)) })
        .collect();
    let mut out = line(&table.head);
    out.push_str(&line(&rule));
    table.rows.iter().for_each(|row| out.push_str(&line(row)));
    out
}

/// A LaTeX table in the manner of the package `booktabs`.
pub fn latex(table: &Text, caption: &str) -> String {
    let mut out = String::from("% needs \\usepackage{booktabs}\n\\begin{table}\n  \\centering\n");
    let line = |row: &[String]| row.iter().map(|text| escape(text)).collect::<Vec<_>>().join(" & ");
    // Writing into a string does not fail.
    let _ = writeln!(out, "  \\caption{{{}}}", escape(caption));
    let columns = "r".repeat(table.head.len().saturating_sub(1));
    let _ = writeln!(out, "  \\begin{{tabular}}{{l{columns}}}\n    \\toprule\n    {} \\\\", line(&table.head));
    out.push_str("    \\midrule\n");
    for row in &table.rows {
        let _ = writeln!(out, "    {} \\\\", line(row));
    }
    out.push_str("    \\bottomrule\n  \\end{tabular}\n\\end{table}\n");
    out
}

/// Text that LaTeX prints as it stands here.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '–' => out.push_str("--"),
            '−' => out.push_str("$-$"),
            '→' => out.push_str("$\\to$"),
            _ => out.push(c),
        }
    }
    out
}
