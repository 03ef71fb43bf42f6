//! Everything the user can ask for, in one enum: menu, palette, shortcuts and cheat-sheet are made from it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::panels::Pane;
use crate::engine::command::{Command, RunRequest};
use crate::method::params::Value;

/// How the work is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// All there is to know about a run.
    #[default]
    Research,
    /// Clustering and its parameters.
    Tune,
    /// Few, large tiles, for a class.
    Teach,
}

/// What the user can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum UiCommand {
    /// Ask for source, target and settings of a new run.
    NewRun,
    /// Begin that run.
    Start(Box<RunRequest>),
    /// Halt after the current batch.
    Pause,
    /// Go on.
    Resume,
    /// While paused: one batch.
    StepBatch,
    /// While paused: to the end of the epoch.
    StepEpoch,
    /// End the run after the current batch.
    Stop,
    /// Write a checkpoint now.
    Checkpoint,
    /// Anything else that the engine understands, as it is.
    Engine(Command),
    /// Change a parameter: of the run going on, else of the next one.
    SetParam {
        /// Its key.
        key: String,
        /// The new value.
        value: Value,
    },
    /// Set a parameter to the paper's value.
    ResetParam(String),
    /// Apply a named setting to the next run's parameters.
    Preset(String),
    /// Put the keyboard on the row of that parameter.
    FocusParam(String),
    /// Show a run folder.
    OpenRun(PathBuf),
    /// Ask for a run folder to show.
    AskOpenRun,
    /// Ask for a dataset folder to register.
    AddDataset,
    /// Write curves and histogram as pictures, metrics as tables.
    ExportFigures,
    /// Arrange the tiles so.
    Layout(Layout),
    /// Arrange the tiles as that layout was at first.
    ResetLayout,
    /// Bring a tile to the front.
    ShowPane(Pane),
    /// Dark or light.
    ToggleTheme,
    /// Larger.
    ZoomIn,
    /// Smaller.
    ZoomOut,
    /// 100 %.
    ZoomReset,
    /// Rows 4 points higher, or not.
    ToggleComfortable,
    /// The log drawer.
    ToggleLog,
    /// The left column.
    ToggleLeft,
    /// The right column.
    ToggleRight,
    /// The command palette.
    Palette,
    /// The list of shortcuts.
    CheatSheet,
    /// Close the window; asks while a run goes on.
    Quit,
}
