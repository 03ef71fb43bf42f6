//! The window: one frame around panels, each of which reads the run view and sends commands.

pub mod app;
pub mod book;
pub mod closing;
pub mod clustered;
pub mod command;
pub mod datasets;
pub mod dialogs;
pub mod far;
pub mod features;
pub mod fonts;
pub mod info;
pub mod job;
pub mod naming;
pub mod pace;
pub mod panels;
pub mod paths;
pub mod plot;
pub mod presenter;
pub mod queue;
pub mod recorded;
pub mod renderer;
pub mod run_columns;
pub mod selection;
pub mod setting;
pub mod shot;
pub mod sweeps;
pub mod theme;
pub mod toasts;
pub mod tour;
pub mod view_model;
pub mod what_if;
pub mod widgets;
pub mod words;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::anyhow;
use eframe::egui;

use self::datasets::Datasets;
use self::features::FeatureRuns;
use crate::engine::command::{Handle, Waker};

/// What the window is opened with.
pub struct WindowOptions {
    /// Starts the engine and says how to reach it; the engine calls the waker after each event.
    pub connect: Box<dyn FnOnce(Waker) -> Handle>,
    /// Where datasets are registered.
    pub registry: Arc<dyn Datasets>,
    /// Where runs lie and new ones go.
    pub runs_dir: PathBuf,
    /// A run folder to show at once.
    pub run: Option<PathBuf>,
}

/// How a window ends: asked to from outside, and what becomes of its run.
#[derive(Debug, Default)]
pub struct Ends {
    asked: AtomicBool,
    train_on: OnceLock<(PathBuf, String)>,
}

impl Ends {
    /// Asks the window to close, once its run has ended. Wake it then.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked to.
    pub fn are_asked_for(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// The run in that folder is to go on, on that device, when the window is gone.
    fn train_on(&self, folder: PathBuf, device: String) {
        // Asked twice it is the same run.
        let _ = self.train_on.set((folder, device));
    }

    /// The run that is to go on, and its device.
    pub fn is_to_train_on(&self) -> Option<&(PathBuf, String)> {
        self.train_on.get()
    }
}

/// The name by which desktops and storage know the window.
const APP_ID: &str = "reid-workbench";

/// Opens the window; returns when it was closed. `features` makes runs of features.
///
/// # Errors
/// When there is no display: one sentence that names the headless command.
pub fn run(options: WindowOptions, features: Arc<dyn FeatureRuns>, ends: Arc<Ends>) -> anyhow::Result<()> {
    if cfg!(target_os = "linux") && !has_display(|name| std::env::var_os(name)) {
        return Err(no_display("neither DISPLAY nor WAYLAND_DISPLAY is set"));
    }
    let viewport = egui::ViewportBuilder::default()
        .with_title("reid-workbench")
        .with_app_id(APP_ID)
        .with_inner_size([1600.0, 1000.0])
        .with_min_inner_size([900.0, 560.0]);
    // Without dithering a frame is what `shot` draws, and a sixth cheaper where the processor draws it.
    let native = eframe::NativeOptions { viewport, dithering: false, ..Default::default() };
    let waiting = crate::base::dirs::data().map(|data| data.join("waiting"));
    let open =
        |cc: &eframe::CreationContext<'_>| app::App::new(cc, options).ending(ends).keeping(waiting).making(features);
    eframe::run_native(APP_ID, native, Box::new(|cc| Ok(Box::new(open(cc)))))
        // The window system's errors end in the reason, after the places in its source that they went through.
        .map_err(|error| no_display(error.to_string().rsplit(": ").next().unwrap_or_default()))
}

/// Whether nothing is kept of an earlier session.
pub fn is_first_start() -> bool {
    eframe::storage_dir(APP_ID).is_none_or(|dir| !dir.join("app.ron").exists())
}

/// Whether a display is named in the environment.
fn has_display(var: impl Fn(&str) -> Option<std::ffi::OsString>) -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].iter().any(|name| var(name).is_some_and(|v| !v.is_empty()))
}

fn no_display(reason: &str) -> anyhow::Error {
    anyhow!("no window can be opened here ({reason}); train without one: reid-workbench train --help")
}
