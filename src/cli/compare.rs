//! `reid-workbench compare`: runs beside one another, and among published results.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;

use super::error::{UsageError, usage};
use super::progress::{note, print_json};
use crate::run::RunError;
use crate::study::compare::compare;
use crate::study::compared::{TableFormat, records, table};
use crate::study::outline::{Outline, tell_apart};
use crate::study::published::{Placed, place};

/// Compares runs: results with signed differences to a baseline, the parameters that differ, a paired test query by
/// query, and the agreement of their clusters.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  reid-workbench compare runs/plain runs/tried
  reid-workbench compare runs/a runs/b runs/c --baseline runs/b --format markdown
  reid-workbench compare runs/mine --published market1501 --format latex")]
pub struct CompareArgs {
    /// The run folders; the first is the baseline unless another is named
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// The run that the others are compared with
    #[arg(long, value_name = "RUN")]
    pub baseline: Option<PathBuf>,
    /// Compare the evaluation after this many adaptation epochs, not each run's last
    #[arg(long, value_name = "EPOCHS")]
    pub epoch: Option<usize>,
    /// json has everything; csv, markdown and latex have the table
    #[arg(long, value_enum, default_value = "json")]
    pub format: CompareFormat,
    /// Place the runs among the published results on market1501 or dukemtmc instead
    #[arg(long, value_name = "TARGET", conflicts_with_all = ["baseline", "epoch"])]
    pub published: Option<String>,
}

/// How the comparison is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum CompareFormat {
    Json,
    Csv,
    Markdown,
    Latex,
}

/// Runs the command.
///
/// # Errors
/// A [`UsageError`] when a folder is no run or the baseline is not among them.
pub fn run(args: &CompareArgs) -> anyhow::Result<()> {
    let mut runs = args.runs.iter().map(|dir| Outline::read(dir).map_err(sort)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut baseline = 0;
    if let Some(wanted) = &args.baseline {
        let real = |p: &PathBuf| p.canonicalize().unwrap_or_else(|_| p.clone());
        baseline = match runs.iter().position(|r| real(&r.dir) == real(wanted)) {
            Some(at) => at,
            None => {
                runs.insert(0, Outline::read(wanted).map_err(sort)?);
                0
            }
        };
    }
    tell_apart(&mut runs);
    if let Some(target) = &args.published {
        return published(&place(&runs, target).map_err(usage)?, args.format);
    }
    let all = compare(&runs, baseline, args.epoch);
    if args.format != CompareFormat::Json {
        all.warnings.iter().for_each(|w| note(w));
    }
    match args.format {
        CompareFormat::Json => print_json(&serde_json::to_value(&all)?),
        CompareFormat::Csv => csv(&records(&all)),
        CompareFormat::Markdown => print(&table(&all, TableFormat::Markdown)),
        CompareFormat::Latex => print(&table(&all, TableFormat::Latex)),
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

/// Rows of text as CSV on stdout.
pub(crate) fn csv(records: &[Vec<String>]) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(std::io::stdout().lock());
    for record in records {
        writer.write_record(record)?;
    }
    Ok(writer.flush()?)
}

fn published(placed: &Placed, format: CompareFormat) -> anyhow::Result<()> {
    let value = |x: Option<f64>| x.map_or_else(String::new, |x| format!("{x:.1}"));
    let mut rows = vec![
        ["method", "source", "mAP", "rank-1", "rank-5", "rank-10", "model chosen on", "about"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for line in &placed.lines {
        let name = if line.own && format == CompareFormat::Markdown {
            format!("**{}**", line.name)
        } else {
            line.name.clone()
        };
        let mut cells = vec![name, line.source.clone()];
        cells.extend(line.values.map(value));
        cells.extend([line.chosen.clone(), line.about.clone()]);
        rows.push(cells);
    }
    if format != CompareFormat::Json {
        placed.warnings.iter().for_each(|w| note(w));
    }
    match format {
        CompareFormat::Json => print_json(&json!(placed)),
        CompareFormat::Csv => csv(&rows),
        CompareFormat::Markdown => print(&crate::study::compared::rows(&rows, TableFormat::Markdown)),
        CompareFormat::Latex => print(&crate::study::compared::rows(&rows, TableFormat::Latex)),
    }
}

/// What the user can mend, told apart from what failed.
pub(crate) fn sort(error: RunError) -> anyhow::Error {
    match error {
        RunError::NotARun { .. } | RunError::TooNew { .. } => UsageError(error.to_string()).into(),
        other => other.into(),
    }
}
