//! Published results, and a run's place among them, with what keeps the two from being compared.

use serde::{Deserialize, Serialize};

use super::compare::Metrics;
use super::outline::Outline;
use crate::method::params::{Backbone, Params};

const TEXT: &str = include_str!("../../assets/published.toml");

/// One published result, in percent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PublishedResult {
    /// `ablation` (Tables 1 to 3), `methods` (Tables 4 and 5), `beside` (not in the paper).
    pub group: String,
    /// The table it stands in, or whose it is.
    pub table: String,
    pub method: String,
    /// The source dataset; `none` where the method has none.
    pub source: String,
    pub target: String,
    #[serde(rename = "mAP")]
    pub map: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank1: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank5: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank10: Option<f64>,
    /// How the model was chosen: `test`, `validation`, `last`, `not said`.
    pub chosen: String,
    /// The pair of stages of Table 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<String>,
    /// The preset that is meant to be the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Whose result it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cites: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Deserialize)]
struct File {
    row: Vec<PublishedResult>,
}

/// All published results that this program knows, in the order of `assets/published.toml`.
///
/// # Errors
/// A sentence when the file that was built in is damaged; a test reads it.
pub fn all() -> Result<Vec<PublishedResult>, String> {
    toml::from_str::<File>(TEXT).map(|f| f.row).map_err(|e| format!("assets/published.toml: {e}"))
}

/// One line of the table: a published result, or a run.
#[derive(Clone, Debug, Serialize)]
pub struct PublishedLine {
    /// The method, or the run's name.
    pub name: String,
    /// Whether it is a run of one's own.
    pub own: bool,
    /// Source dataset.
    pub source: String,
    /// mAP, rank-1, rank-5, rank-10 in percent, where they are known.
    pub values: [Option<f64>; 4],
    /// How the model was chosen.
    pub chosen: String,
    /// Where it stands, or what is to be known about it.
    pub about: String,
}

/// Runs among the published results on one target.
#[derive(Clone, Debug, Serialize)]
pub struct Placed {
    /// The target.
    pub target: String,
    /// Best mAP first.
    pub lines: Vec<PublishedLine>,
    /// What keeps the runs from being compared with the rest, a sentence each.
    pub warnings: Vec<String>,
}

/// Places runs among the published results on `target`; the ablation's rows are left out, but for the whole method.
///
/// # Errors
/// A sentence when nothing is published on that target here.
pub fn place(runs: &[Outline], target: &str) -> Result<Placed, String> {
    let wanted = key(target);
    let known = all()?;
    let rows: Vec<&PublishedResult> = known.iter().filter(|r| r.group != "ablation" && r.target == wanted).collect();
    if rows.is_empty() {
        return Err(format!("nothing is published here on `{target}`; there is market1501 and dukemtmc"));
    }
    let mut lines: Vec<PublishedLine> = rows.into_iter().map(published).collect();
    let mut warnings = Vec::new();
    for run in runs {
        let Some((epoch, result)) = run.last() else {
            warnings.push(format!("{} was not evaluated yet", run.name));
            continue;
        };
        lines.push(PublishedLine {
            name: run.name.clone(),
            own: true,
            source: run.manifest.source.clone(),
            values: Metrics::of(result).values().map(|x| Some(100.0 * x)),
            chosen: "last".to_owned(),
            about: format!("after {epoch} epochs, seed {}", run.manifest.seed),
        });
        warnings.extend(differences(run, &wanted, epoch).into_iter().map(|w| format!("{}: {w}", run.name)));
    }
    lines.sort_by(|a, b| b.values[0].unwrap_or(-1.0).total_cmp(&a.values[0].unwrap_or(-1.0)));
    warnings.push(
        "models chosen on the test set, or on labelled persons of the target, have had help that an unlabelled target \
         does not give; a run here is shown at its last epoch"
            .to_owned(),
    );
    Ok(Placed { target: wanted, lines, warnings })
}

fn published(row: &PublishedResult) -> PublishedLine {
    let mut about = row.table.clone();
    for more in [&row.cites, &row.note, &row.url].into_iter().flatten() {
        about.push_str("; ");
        about.push_str(more);
    }
    PublishedLine {
        name: row.method.clone(),
        own: false,
        source: row.source.clone(),
        values: [Some(row.map), row.rank1, row.rank5, row.rank10],
        chosen: row.chosen.clone(),
        about,
    }
}

/// One name for the ways a dataset's name is written.
fn key(name: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match plain.as_str() {
        p if p.starts_with("market") => "market1501".to_owned(),
        p if p.starts_with("duke") => "dukemtmc".to_owned(),
        _ => name.to_owned(),
    }
}

/// In what a run differs from the setting that the published results share.
fn differences(run: &Outline, target: &str, epoch: usize) -> Vec<String> {
    let (params, paper) = (&run.params, Params::default());
    let mut found = Vec::new();
    if key(&run.manifest.target) != target {
        found.push(format!("its target is {}, so its figures say nothing beside these", run.manifest.target));
    }
    let usual = if target == "market1501" { "dukemtmc" } else { "market1501" };
    if key(&run.manifest.source) != usual {
        found.push(format!("its source is {}, not {usual}", run.manifest.source));
    }
    if params.weights.is_empty() {
        found.push("it began from scratch; the published models began with ImageNet's weights".to_owned());
    }
    if params.backbone != Backbone::Resnet50 {
        found.push(format!("its backbone is {}, not resnet50", params.backbone.name()));
    }
    if (params.image.height, params.image.width) != (paper.image.height, paper.image.width) {
        let (h, w) = (params.image.height, params.image.width);
        found.push(format!("its images are {h} × {w}, not 256 × 128"));
    }
    if epoch < paper.adapt.epochs {
        found.push(format!("it is shown after {epoch} epochs of adaptation; the paper's took {}", paper.adapt.epochs));
    }
    if run.state_word() != "done" {
        found.push(format!("it is {}", run.state_word()));
    }
    found
}
