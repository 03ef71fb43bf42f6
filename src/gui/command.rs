//! Everything the user can ask for, in one enum: menu, palette, shortcuts and cheat-sheet are made from it.

use std::cell::RefCell;
use std::path::PathBuf;

use eframe::egui::{Key, KeyboardShortcut, Modifiers};
use serde::{Deserialize, Serialize};

use super::panels::Pane;
use super::selection::Pick;
use super::sweeps::Launch;
use super::tour::TourAsk;
use super::tour::stage::StageCase;
use super::view_model::RunView;
use super::what_if::Try;
use super::widgets::icon;
use super::words::{answers, is_active, steered};
use crate::base::trash::Trashed;
use crate::engine::command::{Command, Request, RunRequest};
use crate::engine::event::State;
use crate::export::Bundle;
use crate::method::params::Value;
use crate::run::label::Label;

/// How the work is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkLayout {
    /// All there is to know about a run.
    #[default]
    Research,
    /// Clustering and its parameters.
    Tune,
    /// Few, large panels, for a class.
    Teach,
}

/// What the user can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum UiCommand {
    /// Ask for source, target and settings of a new run.
    NewRun,
    /// Begin that run.
    Start(Box<RunRequest>),
    /// Begin that run when those before it have ended.
    QueueRun(Box<RunRequest>),
    /// Take a run out of those that wait.
    Unqueue(u64),
    /// Begin the next of the runs that wait.
    StartQueued,
    /// Take all runs out of those that wait.
    DiscardQueued,
    /// Give parameters these values together: what mends a diagnosis.
    Mend(Vec<(String, Value)>),
    /// Halt after the current batch.
    Pause,
    /// Go on: after a pause, or with a stopped run from its checkpoint.
    Resume,
    /// While paused: one batch.
    StepBatch,
    /// While paused: to the end of the epoch.
    StepEpoch,
    /// End the run after the current batch.
    Stop,
    /// Write a checkpoint now.
    Checkpoint,
    /// Show what the run on screen keeps, what it takes on the disk, and where it can be branched from.
    Checkpoints,
    /// What a failed run proposes: go on with other parameters, or begin anew with them.
    Cure,
    /// Anything else that the engine understands, as it is.
    Engine(Request),
    /// Change a parameter: of the run going on, else of the next one.
    SetParam {
        /// Its key.
        key: String,
        /// The new value.
        value: Value,
    },
    /// Set a parameter to the paper's value.
    ResetParam(String),
    /// Take back all changes that wait.
    UndoPending,
    /// Take back the last change of a parameter or of the layout that was made by hand.
    Undo,
    /// Make it again.
    Redo,
    /// What was selected before.
    Back,
    /// What was selected before going back.
    Forward,
    /// Move through the epochs in time, or stop that.
    PlayEpochs,
    /// So many epochs a second.
    PlayRate(u32),
    /// Change what is selected.
    Select(Pick),
    /// Change what is tried in What-if.
    Try(Try),
    /// Go through the tour.
    Tour(TourAsk),
    /// Try that β in the memory, or none.
    TryBeta(Option<f64>),
    /// Show the finished run that comes with the program.
    OpenExample,
    /// Show features of Market-1501's size that the program makes itself.
    OpenMade,
    /// A ring around the pointer, or not.
    PointerRing,
    /// All but a disc around the pointer dimmed, or not.
    Spotlight,
    /// Apply a named setting to the next run's parameters.
    Preset(String),
    /// Put the keyboard on the row of that parameter.
    FocusParam(String),
    /// Show a run folder.
    OpenRun(PathBuf),
    /// Go back to the live run.
    ShowLive,
    /// Ask for a run folder to show.
    AskOpenRun,
    /// Draw a run beside the others, or not.
    TickRun(PathBuf),
    /// Show the run on screen beside others; where none is ticked, beside the newest of the same datasets.
    Compare,
    /// Draw the run on screen alone.
    UntickRuns,
    /// Make a run the baseline that the others are compared with, or end that.
    StarRun(PathBuf),
    /// Ask for a run's name and note.
    LabelRun(PathBuf),
    /// Give a run that name and note.
    SetLabel {
        /// Its folder.
        folder: PathBuf,
        /// Name and note.
        label: Label,
    },
    /// Ask for a new run with the datasets and parameters of that one.
    DuplicateRun(PathBuf),
    /// Open a folder in the file manager.
    RevealRun(PathBuf),
    /// Put a run into the trash.
    TrashRun(PathBuf),
    /// Put a run back out of the trash.
    PutBack(Trashed),
    /// Look at another sweep.
    ChooseSweep(PathBuf),
    /// Begin a sweep, or go on with it.
    BeginSweep(Launch),
    /// Have a sweep stopped, each trial with a checkpoint.
    StopSweep(PathBuf),
    /// Have a sweep try these values, too.
    Enqueue {
        /// Its folder.
        dir: PathBuf,
        /// Key and value.
        settings: Vec<(String, String)>,
    },
    /// Open a sweep's study in optuna-dashboard.
    Dashboard(PathBuf),
    /// Put words on the clipboard.
    CopyText(String),
    /// Ask for a dataset folder to register.
    AddDataset,
    /// Ask what of the run is to be written, and where.
    AskExport,
    /// Write that into a folder.
    ExportTo {
        /// The folder; made if it is not there.
        out: PathBuf,
        /// What of the run.
        what: Bundle,
    },
    /// Arrange the panels so.
    Layout(WorkLayout),
    /// Arrange the panels as that layout was at first.
    ResetLayout,
    /// Bring a panel to the front.
    ShowPane(Pane),
    /// Take a panel out of the layout.
    HidePane(Pane),
    /// Give that panel the whole centre, or end that.
    Enlarge(Pane),
    /// The same for the panel under the pointer.
    EnlargeHere,
    /// The window over the whole screen, or not.
    FullScreen,
    /// That zoom, in percent.
    Zoom(u32),
    /// Show what is in a dataset.
    OpenDataset(String),
    /// Ask for the folder of a known dataset.
    LocateDataset(String),
    /// Look at the first epoch.
    EpochFirst,
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
    /// Whether what target labels say is shown.
    ToggleTruth,
    /// The log drawer.
    ToggleLog,
    /// The left column.
    ToggleLeft,
    /// The right column.
    ToggleRight,
    /// One epoch back.
    EpochBack,
    /// One epoch on.
    EpochOn,
    /// Follow the run again.
    EpochLive,
    /// The command palette.
    Palette,
    /// The list of shortcuts.
    CheatSheet,
    /// Close the window; asks while a run goes on.
    Quit,
}

/// Where the parts of the window put what the user asked for. They read all else: what they ask for is carried out, in
/// that order, once all of them are drawn.
#[derive(Debug, Default)]
pub struct Commands(RefCell<Vec<UiCommand>>);

impl Commands {
    /// Asks for something.
    pub fn send(&self, command: UiCommand) {
        self.0.borrow_mut().push(command);
    }

    /// Takes what was asked for, oldest first.
    pub fn take(&self) -> Vec<UiCommand> {
        self.0.take()
    }
}

/// A command as menu, palette and cheat-sheet show it.
#[derive(Debug)]
pub struct CommandEntry {
    /// The words.
    pub title: &'static str,
    /// What it does.
    pub help: &'static str,
    /// The glyph.
    pub icon: &'static str,
    /// The head it stands under.
    pub group: &'static str,
    /// The keys.
    pub keys: Option<KeyboardShortcut>,
    /// The command.
    pub command: UiCommand,
}

const NONE: Modifiers = Modifiers::NONE;
const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers { shift: true, ..Modifiers::COMMAND };

const fn keys(modifiers: Modifiers, key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(modifiers, key))
}

macro_rules! entries {
    ($($group:literal: { $($command:expr, $title:literal, $icon:ident, $keys:expr, $help:literal;)+ })+) => {
        &[$($(CommandEntry { title: $title, help: $help, icon: icon::$icon, group: $group, keys: $keys, command: $command },)+)+]
    };
}

use UiCommand as C;

/// All commands that need no argument.
#[rustfmt::skip]
pub static COMMANDS: &[CommandEntry] = entries! {
    "Run": {
        C::NewRun, "New run…", PLAY, keys(CTRL, Key::N), "Asks for source, target and preset, then trains.";
        C::Pause, "Pause", PAUSE, keys(NONE, Key::Space), "Halts after the current batch. A paused model still answers.";
        C::Resume, "Resume", PLAY, keys(NONE, Key::Space), "Goes on after a pause, or with a stopped run from its last checkpoint.";
        C::StepBatch, "Step one batch", SKIP, keys(NONE, Key::Period), "While paused, trains one batch and pauses again.";
        C::StepEpoch, "Step to the end of the epoch", SKIP, keys(Modifiers::SHIFT, Key::Period), "While paused, goes on to the end of the epoch and pauses again.";
        C::Stop, "Stop", STOP, keys(CTRL_SHIFT, Key::S), "Ends the run after the current batch and keeps a checkpoint.";
        C::Checkpoint, "Checkpoint now", SAVE, keys(CTRL, Key::S), "Writes a checkpoint after the current batch, and keeps it.";
        C::Checkpoints, "Checkpoints and branches…", BRANCH, None, "Lists what the run on screen keeps and takes on the disk; a new run can branch from any of them.";
        C::Cure, "Take the way out", PLAY, None, "After a failure that other parameters mend: goes on with them, or offers a new run.";
        C::Undo, "Undo", RESET, keys(CTRL, Key::Z), "Takes back the last change of a parameter or of the layout; a drag is one change.";
        C::Redo, "Redo", RESET, keys(CTRL_SHIFT, Key::Z), "Makes the change again that was taken back.";
        C::UndoPending, "Undo waiting changes", RESET, None, "Takes back all parameter changes that have not taken effect yet.";
    }
    "Files": {
        C::AskOpenRun, "Open run…", FOLDER, keys(CTRL, Key::O), "Shows a run folder of an earlier training.";
        C::ShowLive, "Back to the live run", CROSSHAIR, keys(CTRL_SHIFT, Key::L), "Shows the run that goes on now.";
        C::UntickRuns, "Untick all runs", CROSS, None, "Draws the run on screen alone again.";
        C::AddDataset, "Add dataset…", PLUS, keys(CTRL, Key::D), "Registers a folder of pedestrian images under a name.";
        C::AskExport, "Export…", EXPORT, keys(CTRL, Key::E), "Writes figures, tables, a report, a replay, or other programs' files of the run.";
    }
    "View": {
        C::Layout(WorkLayout::Research), "Layout Research", LAYOUT, keys(CTRL, Key::Num1), "All there is to know about a run.";
        C::Layout(WorkLayout::Tune), "Layout Tune", LAYOUT, keys(CTRL, Key::Num2), "Clustering and its parameters.";
        C::Layout(WorkLayout::Teach), "Layout Teach", LAYOUT, keys(CTRL, Key::Num3), "Few, large panels, for a class.";
        C::ResetLayout, "Reset the layout", RESET, None, "Puts the panels where they were at first.";
        C::EnlargeHere, "Enlarge panel", LAYOUT, keys(NONE, Key::F), "Gives the panel under the pointer the whole centre, or ends that. A double click on its name does the same.";
        C::FullScreen, "Full screen", LAYOUT, keys(NONE, Key::F11), "The window over the whole screen, or not.";
        C::Back, "Back", CARET_LEFT, keys(Modifiers::ALT, Key::ArrowLeft), "Selects what was selected before.";
        C::Forward, "Forward", CARET_RIGHT, keys(Modifiers::ALT, Key::ArrowRight), "Selects what was selected before going back.";
        C::Select(Pick::Nothing), "Select nothing", CROSS, None, "Ends the selection of cluster, image and picked images.";
        C::PlayEpochs, "Play the epochs", PLAY, keys(NONE, Key::K), "Moves through the epochs, all panels following, or stops that.";
        C::EpochBack, "Epoch back", CARET_LEFT, keys(NONE, Key::ArrowLeft), "Looks at the epoch before.";
        C::EpochOn, "Epoch on", CARET_RIGHT, keys(NONE, Key::ArrowRight), "Looks at the next epoch.";
        C::EpochFirst, "First epoch", CARET_LEFT, keys(NONE, Key::Home), "Looks at epoch 1.";
        C::EpochLive, "Follow the run", CROSSHAIR, keys(NONE, Key::End), "Looks at the newest epoch and stays there.";
        C::ToggleTheme, "Dark or light", SUN, keys(CTRL_SHIFT, Key::T), "Switches the appearance.";
        C::ZoomIn, "Zoom in", PLUS, keys(CTRL, Key::Plus), "Makes everything larger, for a projector.";
        C::ZoomOut, "Zoom out", MINUS, keys(CTRL, Key::Minus), "Makes everything smaller.";
        C::ZoomReset, "Zoom 100 %", CIRCLE, keys(CTRL, Key::Num0), "The size as designed.";
        C::ToggleComfortable, "Comfortable rows", LAYOUT, None, "Makes every row 4 points higher.";
        C::ToggleLeft, "Left column", LAYOUT, keys(CTRL, Key::B), "Shows or hides datasets and runs.";
        C::ToggleRight, "Right column", LAYOUT, keys(CTRL_SHIFT, Key::B), "Shows or hides the parameters.";
        C::ToggleTruth, "Ground truth", EYE, keys(CTRL, Key::G), "Shows or hides everything that looks at the target's labels.";
        C::ToggleLog, "Log", MENU, keys(CTRL, Key::L), "Opens or closes the list of all messages.";
    }
    "Teach": {
        C::Tour(TourAsk::Begin), "Take the tour", PLAY, keys(NONE, Key::F2), "Eight steps through the method on the run that is open; begins, or goes on.";
        C::Tour(TourAsk::Next), "Next step of the tour", CARET_RIGHT, keys(NONE, Key::PageDown), "Goes on, whether the step is done or not.";
        C::Tour(TourAsk::Back), "Step back in the tour", CARET_LEFT, keys(NONE, Key::PageUp), "Shows the step before.";
        C::Tour(TourAsk::Again), "Take this step again", RESET, None, "Puts the run's values back and waits for the step once more.";
        C::Tour(TourAsk::Leave), "Leave the tour", CROSS, None, "Lists the steps; the panel stays. Escape does the same.";
        C::Tour(TourAsk::Stage(StageCase::AllOutliers)), "On stage: all outliers", WARNING, None, "Tries an eps so small that hardly a photo has neighbours, and says what goes wrong.";
        C::Tour(TourAsk::Stage(StageCase::OneBlob)), "On stage: one blob", WARNING, None, "Tries an eps so large that nearly all photos hang together, and says what goes wrong.";
        C::Tour(TourAsk::Stage(StageCase::NoStep)), "On stage: Δd = 0", WARNING, None, "Tries three equal radii, and says what goes wrong.";
        C::Tour(TourAsk::Stage(StageCase::FrozenMemory)), "On stage: frozen memory", WARNING, None, "Tries β = 1 in the memory, and says what goes wrong.";
        C::Tour(TourAsk::Stage(StageCase::NoFilter)), "On stage: no filter", WARNING, None, "Tries a threshold of 0, and says what goes wrong.";
        C::PointerRing, "Ring around the pointer", CIRCLE, keys(CTRL_SHIFT, Key::R), "For a class: a ring that closes while a button is down.";
        C::Spotlight, "Spotlight", CROSSHAIR, keys(CTRL_SHIFT, Key::O), "For a class: dims all but a disc around the pointer.";
        C::OpenExample, "Open the recorded run", FOLDER, None, "Shows the finished run that comes with the program.";
        C::OpenMade, "Open features of Market-1501's size", FOLDER, None, "Made features of 12,936 photos of people who do not exist, to cluster at the size of the paper's; made on first use in some seconds, 107 MB.";
    }
    "Help": {
        C::Palette, "Search or run a command", SEARCH, keys(CTRL, Key::P), "Finds commands, panels, parameters, runs, datasets, clusters and images by name; `eps 0.55` sets a value.";
        C::CheatSheet, "Shortcuts", KEYBOARD, keys(NONE, Key::F1), "Lists all keys.";
        C::Quit, "Quit", CROSS, keys(CTRL, Key::Q), "Closes the window. While a run goes on it asks first.";
    }
};

/// The steps of the zoom, in percent.
pub const ZOOMS: [u32; 8] = [80, 90, 100, 110, 125, 150, 175, 200];

/// Further keys for commands of the table: on many keyboards + is reached with Shift alone.
pub static MORE_KEYS: &[(KeyboardShortcut, UiCommand)] = &[(KeyboardShortcut::new(CTRL, Key::Equals), C::ZoomIn)];

/// The keys of a panel: Alt and its place in the menu.
pub fn pane_keys(pane: Pane) -> Option<KeyboardShortcut> {
    const DIGITS: [Key; 9] =
        [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
    let place = Pane::ALL.iter().position(|&p| p == pane)?;
    Some(KeyboardShortcut::new(Modifiers::ALT, *DIGITS.get(place)?))
}

impl UiCommand {
    /// Why it cannot be done now, if so. `live` is the run that the engine works on, `shown` the one on screen.
    pub fn refusal(&self, live: &RunView, shown: &RunView) -> Option<&'static str> {
        let run = steered(live, shown);
        let (active, paused) = (is_active(run), run.state == State::Paused);
        let over = matches!(shown.state, State::Stopped | State::Failed(_));
        let resumable = over && shown.folder.is_some() && shown.trainer.is_none();
        match self {
            Self::Start(_) | Self::StartQueued if is_active(live) => Some("A run goes on; stop it first."),
            Self::Pause if !run.is_running() => Some("Nothing is running."),
            Self::Resume if !paused && (active || !resumable) => Some("Nothing is paused or stopped."),
            Self::StepBatch | Self::StepEpoch if !active => Some("Nothing is running."),
            Self::StepBatch | Self::StepEpoch if !paused => Some("Pause first."),
            Self::Stop | Self::Checkpoint if !active => Some("Nothing is running."),
            Self::Checkpoints if shown.folder.is_none() => Some("There is no run on screen."),
            Self::Cure if shown.cure.is_none() => {
                Some("The run on screen has not failed, or nothing is known that would mend it.")
            }
            Self::Cure if is_active(live) => Some("A run goes on; stop it first."),
            Self::UndoPending if run.pending.is_empty() => Some("No change waits."),
            Self::AskExport | Self::ExportTo { .. } if shown.folder.is_none() => Some("There is no run to export."),
            Self::Engine(Request { command: Command::Watch(_), .. }) if live.folder != shown.folder => {
                Some("Images are watched while a run goes on.")
            }
            Self::Engine(Request {
                command: Command::HeatMaps(_) | Command::Rank(_) | Command::Likeness { .. },
                ..
            }) if !answers(live, shown) => {
                Some("The network of this run is not at hand, and another run goes on here.")
            }
            Self::TrashRun(folder) if is_active(live) && live.folder.as_ref() == Some(folder) => {
                Some("This run goes on; stop it first.")
            }
            Self::ShowLive if live.folder.is_none() => Some("No run was started in this window."),
            _ => None,
        }
    }
}
