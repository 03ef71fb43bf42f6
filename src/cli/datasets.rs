//! `datasets list | check | synthesize | features`: JSON on stdout, tables and progress on stderr.

mod features;
mod split;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::base::text;
use crate::cli::error::UsageError;
use crate::data::check::{CheckVerdict, Depth, Report, check_with};
use crate::data::layout;
use crate::data::registry::Registry;
use crate::data::synthetic::{self, City, SyntheticSpec, histogram};
use crate::data::{DataError, layout::Options};

/// Registered datasets: list them, check one, draw synthetic pedestrians.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  reid-workbench datasets list
  reid-workbench datasets check /data/Market-1501-v15.09.15
  reid-workbench datasets synthesize people --train-ids 16 --seed 7
  reid-workbench datasets features runs/made")]
pub struct DatasetsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// The registered datasets, and whether their folders are there.
    List,
    /// Counts of each split beside the published ones, and the images that cannot be read.
    Check(CheckArgs),
    /// Draws a set of synthetic pedestrians into a new folder, laid out like Market-1501.
    Synthesize(SynthesizeArgs),
    /// Draws training, query and gallery out of a folder that tells who is on its images, and writes a manifest.
    Split(split::SplitArgs),
    /// Makes features of people who do not exist, clusters them, and writes a run folder for the window.
    Features(features::FeaturesArgs),
}

#[derive(Args, Debug)]
struct CheckArgs {
    /// A registered name, a folder, or a CSV manifest.
    dataset: String,
    /// Decode every image instead of reading headers only.
    #[arg(long)]
    decode: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Place {
    Plaza,
    Station,
}

#[derive(Args, Debug)]
struct SynthesizeArgs {
    /// A folder that is empty or not there yet.
    dir: PathBuf,
    /// The place: daylight (the usual source) or lamps (the usual target).
    #[arg(long, value_enum, default_value = "plaza")]
    domain: Place,
    /// The same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Training identities.
    #[arg(long, value_name = "N")]
    train_ids: Option<usize>,
    /// Test identities.
    #[arg(long, value_name = "N")]
    test_ids: Option<usize>,
    /// Cameras.
    #[arg(long, value_name = "N")]
    cameras: Option<usize>,
    /// Pictures of a person in a camera.
    #[arg(long, value_name = "N")]
    per_camera: Option<usize>,
    /// Gallery pictures of nobody who is sought.
    #[arg(long, value_name = "N")]
    distractors: Option<usize>,
    /// Gallery pictures that do not count.
    #[arg(long, value_name = "N")]
    junk: Option<usize>,
    /// Rows of a picture.
    #[arg(long, value_name = "PIXELS")]
    height: Option<usize>,
    /// Columns of a picture.
    #[arg(long, value_name = "PIXELS")]
    width: Option<usize>,
    /// A knob of difficulty, as `cast=0.5`: shared_clothes, occlusion, jitter, turn, cast, darkness, blur, noise, spread.
    #[arg(long, value_name = "KNOB=VALUE")]
    knob: Vec<String>,
    /// Another new folder, for grey pictures (PGM) of where the person is on each picture.
    #[arg(long, value_name = "DIR")]
    masks: Option<PathBuf>,
}

/// Runs the sub-command.
///
/// # Errors
/// [`UsageError`] when the user can mend it, anything else when the machine failed.
pub fn run(args: &DatasetsArgs) -> anyhow::Result<()> {
    match &args.command {
        Command::List => list(),
        Command::Check(args) => check(args),
        Command::Synthesize(args) => synthesize(args),
        Command::Features(args) => features::run(args),
        Command::Split(args) => split::run(args),
    }
}

/// What the machine failed at stays as it is; everything else is the user's to mend.
fn sorted(error: DataError) -> anyhow::Error {
    match error {
        DataError::Io { .. } | DataError::Image { .. } | DataError::Cancelled => error.into(),
        other => UsageError(other.to_string()).into(),
    }
}

fn registry() -> anyhow::Result<Registry> {
    let (registry, warnings) = Registry::load()?;
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    Ok(registry)
}

fn list() -> anyhow::Result<()> {
    let registry = registry()?;
    let mut rows = Vec::new();
    for entry in registry.entries() {
        let there = entry.builtin || entry.root.exists();
        let state = match (entry.builtin, entry.root.exists()) {
            (true, true) => "built in",
            (true, false) => "built in, drawn on first use",
            (false, true) => "there",
            (false, false) => "folder not found",
        };
        eprintln!("{:<22} {:<14} {:<28} {}", entry.name, entry.layout, state, entry.root.display());
        rows.push(json!({
            "name": entry.name,
            "layout": entry.layout,
            "root": entry.root,
            "builtin": entry.builtin,
            "present": there,
        }));
    }
    println!("{}", serde_json::to_string_pretty(&rows)?);
    Ok(())
}

fn bar(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what);
    bar
}

fn advance(bar: &ProgressBar) -> impl Fn(u64, u64) -> bool + Sync + '_ {
    |done, total| {
        bar.set_length(total);
        // Threads may report out of order; a bar does not go back.
        if done > bar.position() {
            bar.set_position(done);
        }
        true
    }
}

fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let registry = registry()?;
    let drawing = bar("drawing");
    let dataset = registry.open(&args.dataset, &advance(&drawing)).map_err(sorted)?;
    drawing.finish_and_clear();
    let reading = bar("reading");
    let depth = if args.decode { Depth::Pixels } else { Depth::Headers };
    let report = check_with(&dataset, depth, &advance(&reading));
    reading.finish_and_clear();
    eprint!("{}", table(&report));
    println!("{}", serde_json::to_string_pretty(&report)?);
    if report.is_at_fault() {
        let unreadable = report.unreadable.len();
        let mut faults = Vec::new();
        if unreadable > 0 {
            faults.push(format!("{} images cannot be read", text::count(unreadable)));
        }
        if report.verdict == CheckVerdict::Differs {
            faults.push("it differs from the published counts".to_owned());
        }
        anyhow::bail!("{}: {}", report.name, faults.join("; "));
    }
    Ok(())
}

/// The report for people.
fn table(report: &Report) -> String {
    let title = layout::by_name(&report.layout).map_or(report.layout.as_str(), |l| l.title);
    let mut out = format!("{} ({title}), {}\n", report.name, report.root.display());
    out += &format!("{:<9} {:>9} {:>11} {:>8}   {}\n", "split", "ids", "images", "cameras", "published ids / images");
    for s in &report.splits {
        let number = |n: Option<usize>| n.map_or_else(|| "–".to_owned(), text::count);
        let known = format!("{} / {}", number(s.published_ids), number(s.published_images));
        let cameras = if report.has_cameras { s.cameras.to_string() } else { "–".to_owned() };
        out += &format!(
            "{:<9} {:>9} {:>11} {:>8}   {known}\n",
            s.split,
            text::count(s.ids),
            text::count(s.images),
            cameras
        );
        if s.distractors > 0 {
            out += &format!("{:<9} {} of these images are distractors (pid 0)\n", "", text::count(s.distractors));
        }
    }
    out += &report.notes.iter().map(|n| format!("note: {n}\n")).collect::<String>();
    out += &report.remarks.iter().map(|r| format!("remark: {r}; that figure is hearsay\n")).collect::<String>();
    out += &report.findings.iter().map(|f| format!("found: {}\n", f.text)).collect::<String>();
    for bad in report.unreadable.iter().take(20) {
        out += &format!("unreadable: {}\n", bad.reason);
    }
    if report.unreadable.len() > 20 {
        out += &format!("unreadable: {} more, all in the JSON\n", report.unreadable.len() - 20);
    }
    let against = report.published.as_deref().unwrap_or("");
    out += &match report.verdict {
        CheckVerdict::Equal => format!("equal to the published counts of {against}\n"),
        CheckVerdict::Differs => format!("differs from {against}: {}\n", report.differences.join("; ")),
        CheckVerdict::NothingPublished => "no published counts to compare with\n".to_owned(),
    };
    out
}

/// Images of a drawn set, and pixels of an image, at most.
const MOST_IMAGES: usize = 2_000_000;
const MOST_PIXELS: usize = 1 << 22;

fn spec(args: &SynthesizeArgs) -> Result<SyntheticSpec, UsageError> {
    let domain = if args.domain == Place::Plaza { City::Plaza } else { City::Station };
    let mut spec = SyntheticSpec::new(domain, args.seed);
    for (given, field) in [
        (args.train_ids, &mut spec.train_ids),
        (args.test_ids, &mut spec.test_ids),
        (args.cameras, &mut spec.cameras),
        (args.per_camera, &mut spec.per_camera),
        (args.distractors, &mut spec.distractors),
        (args.junk, &mut spec.junk),
        (args.height, &mut spec.height),
        (args.width, &mut spec.width),
    ] {
        *field = given.unwrap_or(*field);
    }
    let each = (spec.train_ids.checked_add(spec.test_ids))
        .and_then(|people| people.checked_mul(spec.cameras)?.checked_mul(spec.per_camera))
        .and_then(|n| n.checked_add(spec.distractors)?.checked_add(spec.junk));
    let pixels = spec.height.checked_mul(spec.width);
    if each.is_none_or(|n| n > MOST_IMAGES) || pixels.is_none_or(|n| n > MOST_PIXELS) {
        return Err(UsageError(format!(
            "that is more than is drawn here: at most {} images of {} pixels",
            text::count(MOST_IMAGES),
            text::count(MOST_PIXELS)
        )));
    }
    for knob in &args.knob {
        spec.knobs.assign(knob).map_err(|e| UsageError(e.to_string()))?;
    }
    Ok(spec)
}

fn synthesize(args: &SynthesizeArgs) -> anyhow::Result<()> {
    let spec = spec(args)?;
    let drawing = bar("drawing");
    let started = std::time::Instant::now();
    let written =
        synthetic::synthesize_with(&args.dir, args.masks.as_deref(), &spec, &advance(&drawing)).map_err(sorted)?;
    let seconds = started.elapsed().as_secs_f64();
    drawing.finish_and_clear();
    let name = spec.domain.name();
    let dataset = layout::read(&layout::synthetic::LAYOUT, name, &args.dir, &Options::default()).map_err(sorted)?;
    let histogram = histogram::map(&dataset);
    eprintln!(
        "{} pictures in {seconds:.1} s; a colour histogram alone ranks the test set at {:.1} mAP",
        text::count(written.train + written.query + written.gallery),
        histogram * 100.0
    );
    let result = json!({ "dir": args.dir, "masks": args.masks, "spec": spec, "written": written, "seconds": seconds, "histogram_mAP": histogram });
    println!("{}", serde_json::to_string_pretty(&result)?);
    Ok(())
}
