//! The button that asks for a folder: with the system's dialog, and where none can be had with a small list of ours.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eframe::egui::{self, Id, Label, ScrollArea, Ui, vec2};

use super::{default_button, dialog, foot, notice};
use crate::gui::job::Job;
use crate::gui::paths;
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::gui::widgets::icon;

/// Nobody has read a folder dialog and cancelled it within this time: it could not be shown.
const AT_ONCE: Duration = Duration::from_millis(400);

/// A button that opens a folder dialog on a thread of its own; the path box beside it does without.
#[derive(Default)]
pub struct Browse {
    asking: Job<Asked>,
    own: Option<Own>,
}

/// What the system's dialog answered.
enum Asked {
    Chosen(PathBuf),
    Nothing,
    /// There is none on this system.
    Unavailable,
}

impl Browse {
    /// Shows the button and, while it is open, our own list; `from` is where that begins. The folder that was chosen.
    pub fn ui(&mut self, ui: &mut Ui, name: &str, from: &str) -> Option<PathBuf> {
        let response = ui.add(Push::new("Browse…").enabled(!self.asking.busy()));
        let response = response.accessible_name(name).on_hover_text("Opens a list of folders.");
        if response.clicked() {
            if system_dialogs(ui.ctx()) {
                self.asking.start("folder dialog", ui.ctx(), ask);
            } else {
                self.own = Some(Own::begin(ui.ctx(), from));
            }
        }
        match self.asking.poll() {
            Some(Asked::Chosen(path)) => return Some(path),
            Some(Asked::Unavailable) => self.own = Some(Own::begin(ui.ctx(), from)),
            Some(Asked::Nothing) | None => {}
        }
        let chosen = self.own.as_mut()?.show(ui.ctx())?;
        self.own = None;
        chosen
    }
}

fn ask() -> Asked {
    let began = Instant::now();
    match rfd::FileDialog::new().pick_folder() {
        Some(path) => Asked::Chosen(path),
        None if began.elapsed() < AT_ONCE => Asked::Unavailable,
        None => Asked::Nothing,
    }
}

fn own_alone() -> Id {
    Id::unique("folders are chosen in our own list")
}

/// Has folders chosen in our own list whatever the system offers: a dialog of the system's cannot be driven by tests.
pub fn use_own_list(ctx: &egui::Context) {
    ctx.data_mut(|data| data.insert_temp(own_alone(), true));
}

/// Whether the system may have folder dialogs: the portal needs a session bus, and there may be zenity.
fn system_dialogs(ctx: &egui::Context) -> bool {
    if ctx.data(|data| data.get_temp(own_alone()).unwrap_or(false)) {
        return false;
    }
    if !cfg!(target_os = "linux") {
        return true;
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let bus = set("DBUS_SESSION_BUS_ADDRESS").is_some()
        || set("XDG_RUNTIME_DIR").is_some_and(|dir| Path::new(&dir).join("bus").exists());
    bus || set("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join("zenity").is_file()))
}

/// Our own list of folders.
struct Own {
    at: PathBuf,
    listing: Job<Result<Vec<String>, String>>,
    folders: Vec<String>,
    wrong: Option<String>,
}

impl Own {
    /// Begins in the folder that was typed, else in the nearest one above it, else at home.
    fn begin(ctx: &egui::Context, typed: &str) -> Self {
        let typed = paths::typed(typed);
        let near = typed.ancestors().find(|path| path.is_absolute() && path.is_dir()).map(Path::to_path_buf);
        let mut own = Self { at: PathBuf::new(), listing: Job::default(), folders: Vec::new(), wrong: None };
        own.go(ctx, near.unwrap_or_else(paths::home));
        own
    }

    fn go(&mut self, ctx: &egui::Context, to: PathBuf) {
        self.folders.clear();
        self.wrong = None;
        self.at.clone_from(&to);
        self.listing.start("folders", ctx, move || folders_in(&to));
    }

    /// `None` while it is open, else what was chosen, if anything.
    fn show(&mut self, ctx: &egui::Context) -> Option<Option<PathBuf>> {
        match self.listing.poll() {
            Some(Ok(folders)) => self.folders = folders,
            Some(Err(why)) => self.wrong = Some(why),
            None => {}
        }
        let mut answer = None;
        let mut to = None;
        let close = dialog(ctx, "folders", "Choose a folder", |ui| {
            let theme = Theme::of(ui.ctx());
            ui.horizontal(|ui| {
                if ui.add(Push::new("Up").small()).on_hover_text("The folder around this one.").clicked() {
                    to = self.at.parent().map(Path::to_path_buf);
                }
                if ui.add(Push::new("Home").small()).on_hover_text("Your home folder.").clicked() {
                    to = Some(paths::home());
                }
                ui.add(Label::new(Type::Mono.text(self.at.display().to_string(), theme.t2)).truncate());
            });
            ui.add_space(4.0);
            let height = (ui.ctx().content_rect().height() - 260.0).clamp(80.0, 260.0);
            ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
                ui.set_min_height(height);
                ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                    for folder in &self.folders {
                        let words = format!("{}  {folder}", icon::FOLDER);
                        let row = egui::Button::selectable(false, words).min_size(vec2(ui.available_width(), 24.0));
                        if ui.add(row).accessible_name(folder.as_str()).clicked() {
                            to = Some(self.at.join(folder));
                        }
                    }
                    if self.folders.is_empty() && self.wrong.is_none() && !self.listing.busy() {
                        ui.label(Type::Body.text("There is no folder in this one.", theme.t3));
                    }
                });
            });
            notice(ui, self.wrong.as_deref(), None);
            foot(ui, |ui| {
                let ready = self.wrong.is_none() && !self.listing.busy();
                if default_button(ui, "Choose this folder", None, ready, "Takes the folder that is shown.") {
                    answer = Some(Some(self.at.clone()));
                }
                if ui.add(Push::new("Back").look(ButtonLook::Flat)).on_hover_text("Chooses nothing.").clicked() {
                    answer = Some(None);
                }
            });
        });
        if let Some(to) = to {
            self.go(ctx, to);
        }
        if close { Some(None) } else { answer }
    }
}

/// The names of the folders there, hidden ones left out.
fn folders_in(dir: &Path) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(dir).map_err(|e| format!("{} cannot be read: {e}", dir.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort_by_key(|name| name.to_lowercase());
    Ok(names)
}
