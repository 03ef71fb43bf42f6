//! The `reid-workbench` program: the window without a sub-command, the command line with one.
//! Only here do the window and the engine meet.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::Parser;
use reid_workbench::base::tick::Tick;
use reid_workbench::cli::error::UsageError;
use reid_workbench::cli::shot::{self, Select, ShotArgs};
use reid_workbench::cli::{self, Cli, cluster, fail, signals};
use reid_workbench::engine::command::{Command, Handle, Waker};
use reid_workbench::engine::feature_run::{self, MadeFeatures};
use reid_workbench::engine::worker::Engine;
use reid_workbench::gui::app::still::{ShotLook, ShotTrial};
use reid_workbench::gui::command::WorkLayout;
use reid_workbench::gui::datasets::UserRegistry;
use reid_workbench::gui::features::{FeatureRuns, FileHolds};
use reid_workbench::gui::panels::Selection;
use reid_workbench::gui::panels::map::MapRadii;
use reid_workbench::gui::shot::ShotOrder;
use reid_workbench::gui::{self, Ends, WindowOptions};
use reid_workbench::launch::detach;
use reid_workbench::method::params::Params;
use reid_workbench::model::device;
use reid_workbench::remote::address::is_remote;
use reid_workbench::run::{example, summary};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Starting over costs as much as starting: what computes with no network goes without.
    if cli.uses_network() {
        restart_with_settings();
    }
    log_to_stderr();
    match &cli.command {
        Some(command) => command.run(shoot),
        None => first_shown(cli.run).and_then(window).unwrap_or_else(|e| fail(&e)),
    }
}

/// The libraries below libtorch read these settings when the program is loaded, so they are set by starting over
/// once. Where that fails, training is slower, and everything else is the same.
fn restart_with_settings() {
    #[cfg(unix)]
    if let (settings, Ok(program)) = (device::start_settings(), std::env::current_exe()) {
        use std::io::Write;
        use std::os::unix::process::CommandExt;

        if !settings.is_empty() {
            let error = std::process::Command::new(program).args(std::env::args_os().skip(1)).envs(settings).exec();
            let _ = writeln!(std::io::stderr(), "could not start over with faster settings: {error}");
        }
    }
}

/// Crates that talk to the window system and warn of what no user can mend.
const WINDOW_SYSTEM: [&str; 9] =
    ["winit", "egui_winit", "egui_glow", "eframe", "glutin", "sctk_adwaita", "smithay_client_toolkit", "zbus", "rfd"];

/// Warnings and errors, of the window system errors alone, or what `RUST_LOG` says.
fn log_to_stderr() {
    let asked = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let ours =
        || Targets::new().with_default(LevelFilter::WARN).with_targets(WINDOW_SYSTEM.map(|t| (t, LevelFilter::ERROR)));
    let targets = asked.unwrap_or_else(ours);
    // A log that cannot be written is not told to the same stderr: that would end the program.
    let lines = tracing_subscriber::fmt::layer().log_internal_errors(false).with_writer(std::io::stderr);
    let lines = lines.with_filter(targets);
    tracing_subscriber::registry().with(lines).init();
}

/// Pictures of the window, without one.
fn shoot(args: &ShotArgs) -> anyhow::Result<Vec<PathBuf>> {
    let layout = match args.layout {
        shot::ShotLayout::Research => WorkLayout::Research,
        shot::ShotLayout::Tune => WorkLayout::Tune,
        shot::ShotLayout::Teach => WorkLayout::Teach,
    };
    let order = ShotOrder {
        run: args.run.as_deref().map(cli::run_folder).transpose()?,
        subject: args.panel.clone(),
        size: [args.size.width, args.size.height],
        out: args.out.clone(),
        look: ShotLook { dark: args.theme == shot::ShotTheme::Dark, layout, zoom: args.zoom },
        selection: selection(args),
        trial: ShotTrial {
            values: args.trial.clone(),
            sweep: args.sweep,
            ticked: args.tick.clone(),
            radii: match args.radii {
                None => MapRadii::None,
                Some(shot::ShotRadii::Nested) => MapRadii::Hulls,
                Some(shot::ShotRadii::Clustree) => MapRadii::Clustree,
            },
            step: args.step.map(|n| usize::from(n) - 1),
        },
        limit: Duration::from_secs(args.limit),
        registry: Arc::new(UserRegistry),
        runs_dir: PathBuf::from("runs"),
    };
    gui::shot::take(&order).map_err(|e| if e.is_bad_input() { UsageError(e.to_string()).into() } else { e.into() })
}

fn selection(args: &ShotArgs) -> Selection {
    let from_0 = |epoch: u32| epoch as usize - 1;
    let (epoch, against) = (args.epoch.map(from_0), args.against.map(from_0));
    let mut selection = Selection { epoch, against, ..Selection::default() };
    for what in &args.select {
        match *what {
            Select::Cluster(cluster) => selection.cluster = Some(cluster),
            Select::Query(query) => selection.query = Some(query),
            Select::Image(image) => selection.image = Some(image),
        }
    }
    selection
}

/// The run that the window begins with: the one asked for; at the very first start the run that changed last, or the
/// example that comes with the program where there is none. Later the window opens what it showed last.
fn first_shown(asked: Option<PathBuf>) -> anyhow::Result<Option<PathBuf>> {
    if let Some(asked) = asked {
        // One on another machine is reached once the window is there.
        if is_remote(&asked) {
            return Ok(Some(asked));
        }
        return cli::run_folder(&asked).map(Some);
    }
    if !gui::is_first_start() {
        return Ok(None);
    }
    if let Some(latest) = summary::latest(Path::new("runs")) {
        return Ok(Some(latest));
    }
    let example = cli::run_folder(Path::new(example::NAME));
    // The window is as good without it.
    Ok(example.inspect_err(|e| tracing::warn!("{e:#}")).ok())
}

fn window(run: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    // The engine is there before the window that it will wake.
    let waker: Arc<OnceLock<Waker>> = Arc::default();
    let wake = Arc::clone(&waker);
    let engine = Engine::spawn(Arc::new(move || {
        if let Some(wake) = wake.get() {
            wake();
        }
    }))?;
    let handle = engine.handle();
    let ends = Arc::<Ends>::default();
    end_on_signals(&ends, engine.handle(), Arc::clone(&waker))?;
    let options = WindowOptions {
        connect: Box::new(move |wake| {
            waker.get_or_init(|| wake);
            handle
        }),
        registry: Arc::new(UserRegistry),
        runs_dir: PathBuf::from("runs"),
        run,
    };
    let closed = gui::run(options, Arc::new(OwnFeatureRuns), Arc::clone(&ends));
    // A run that goes on is stopped with a checkpoint, also where the display is gone.
    engine.shut_down();
    if let Some((folder, device)) = ends.is_to_train_on() {
        let program = std::env::current_exe()?;
        detach::go_on(&program, folder, device)?;
    }
    closed.map(|()| if ends.are_asked_for() { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

/// Runs of features, made in this process.
struct OwnFeatureRuns;

impl FeatureRuns for OwnFeatureRuns {
    fn example(&self, data: &Path, tick: Tick<'_>) -> Result<PathBuf, String> {
        feature_run::ensure_made(data, MadeFeatures::MARKET, tick).map_err(|e| e.to_string())
    }

    fn cluster(&self, file: &Path, out: &Path, params: &Params, tick: Tick<'_>) -> Result<(), String> {
        cluster::write_run(file, out, params, tick).map_err(|e| cli::sentence(&e))
    }

    fn holds(&self, file: &Path) -> Result<FileHolds, String> {
        let features = cluster::holds_features(file).map_err(|e| cli::sentence(&e))?;
        Ok(if features { FileHolds::Features } else { FileHolds::Weights })
    }
}

/// Ctrl-C, a polite kill and a terminal or session that ends stop the run with a checkpoint and close the window.
fn end_on_signals(ends: &Arc<Ends>, engine: Handle, waker: Arc<OnceLock<Waker>>) -> anyhow::Result<()> {
    let interrupts = signals::interrupts()?;
    let ends = Arc::clone(ends);
    std::thread::Builder::new().name("ends".to_owned()).spawn(move || {
        while interrupts.recv().is_ok() {
            ends.ask();
            // A full queue is that of an engine that hangs; the next signal ends the program.
            let _ = engine.commands.try_send(Command::Stop.into());
            if let Some(wake) = waker.get() {
                wake();
            }
        }
    })?;
    Ok(())
}
