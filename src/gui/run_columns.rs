//! What is known of a run, column by column: the run table shows it, and a filter of runs compares it.

use std::sync::LazyLock;

use crate::method::params::ParamRow;
use crate::method::params::table::ROWS;
use crate::run::summary::{Outcome, Summary};
use crate::study::filter::{FieldKind, FilterField, FilterOwn, Terms, Vocabulary};

/// Columns that are no parameters: key, head, what it says, whether it is a number.
pub const COLUMNS: [(&str, &str, &str, bool); 13] = [
    ("state", "state", "How the run stands.", false),
    ("epochs", "epochs", "Adaptation epochs done.", true),
    ("map", "mAP", "mAP at the last evaluation, percent. Ground truth.", true),
    ("difference", "Δ mAP", "The last mAP less that of the baseline \u{e46a}, in points. Ground truth.", true),
    ("best", "best mAP", "The best mAP over the epochs by the target's own labels: an oracle, not a result.", true),
    ("rank-1", "rank-1", "Rank-1 at the last evaluation, percent. Ground truth.", true),
    ("clusters", "clusters", "Clusters of the newest epoch.", true),
    ("outliers", "outliers", "Images in no cluster in the newest epoch.", true),
    ("time", "time", "Time of work.", true),
    ("source", "source", "The labelled dataset.", false),
    ("target", "target", "The unlabelled dataset.", false),
    ("note", "note", "What was noted about the run.", false),
    ("folder", "folder", "Where the run lies.", false),
];

/// Any parameter, as a field of a filter.
pub fn parameters() -> impl Iterator<Item = FilterField> {
    let field = |row: &ParamRow| FilterField {
        name: row.key,
        help: row.label,
        kind: FieldKind::Any,
        truth: false,
        example: "0.5",
    };
    ROWS.iter().map(field)
}

/// What a filter can compare: the columns, then the parameters.
static FIELDS: LazyLock<Vec<FilterField>> = LazyLock::new(|| {
    let truth = ["map", "best", "rank-1"];
    let column = |(name, _, help, number): &(&'static str, &str, &'static str, bool)| FilterField {
        name,
        help,
        kind: FieldKind::Any,
        truth: truth.contains(name),
        example: if *number { "40" } else { "done" },
    };
    COLUMNS.iter().filter(|(name, ..)| *name != "difference").map(column).chain(parameters()).collect()
});

/// What can be asked of a run.
pub fn vocabulary(truth: bool) -> Vocabulary<'static> {
    Vocabulary { fields: &FIELDS, words: true, truth }
}

/// Whether a run passes: words are looked for in its name, its note, its datasets, its folder and its state.
pub fn passes(terms: &Terms, run: &Summary, name: &str) -> bool {
    let text = format!("{name} {} {} {} {:?}", run.label.note, run.title, run.folder.display(), run.outcome);
    terms.pass_named(&text, |wanted| field(run, wanted).map(|text| FilterOwn::read(&text)))
}

/// A figure of a run as plain text, for filters and sorting; parameters by their keys.
pub fn field(run: &Summary, key: &str) -> Option<String> {
    let percent = |x: Option<f64>| x.map(|x| (100.0 * x).to_string());
    match key {
        "state" => Some(state(run).to_owned()),
        "epochs" => Some(run.epochs.to_string()),
        "map" => percent(run.mean_ap()),
        "best" => percent(run.best_oracle()),
        "rank-1" => percent(run.rank1),
        "clusters" => run.clusters.map(|c| c[0].to_string()),
        "outliers" => run.clusters.map(|c| c[1].to_string()),
        "time" => Some(run.seconds.to_string()),
        "source" => Some(run.source.clone()),
        "target" => Some(run.target.clone()),
        "note" => Some(run.label.note.clone()),
        "folder" => Some(run.folder.display().to_string()),
        key => run.value(key),
    }
}

/// How it stands, in a word.
pub fn state(run: &Summary) -> &'static str {
    match run.outcome {
        Outcome::Live => "live",
        Outcome::Done => "done",
        Outcome::Stopped => "stopped",
        Outcome::Failed => "failed",
    }
}
