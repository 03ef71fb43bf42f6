//! A run's sheet: the checkpoints it keeps, what its folder takes on the disk, and the way to branch from one of them.

use std::path::{Path, PathBuf};

use eframe::egui::{self, Align, Label, Layout, ScrollArea, Ui};

use super::{default_button, dialog, field, foot, notice, text_box};
use crate::base::text::bytes;
use crate::base::time as clock;
use crate::engine::command::{At, Begin, DeviceChoice, Fork, RunRequest};
use crate::gui::command::{Commands, UiCommand};
use crate::gui::job::Job;
use crate::gui::paths;
use crate::gui::theme::{Theme, Type};
use crate::gui::view_model::RunView;
use crate::gui::widgets::button::{ButtonLook, Push, segment};
use crate::method::params::{Effect, Params, Value, table};
use crate::run::checkpoints::{self, FoundCheckpoint, Usage, Why, words};

/// What was found in the folder.
struct Sheet {
    found: Vec<FoundCheckpoint>,
    usage: Usage,
}

/// The dialog while it is open.
pub struct Checkpoints {
    run: PathBuf,
    title: String,
    /// Adaptation epochs that were done where the window looks.
    near: usize,
    device: String,
    params: Option<Params>,
    reading: Job<(Sheet, Option<String>)>,
    sheet: Option<Sheet>,
    refused: Option<String>,
    chosen: Option<String>,
    stamp: String,
    folder: Option<String>,
    /// Whether the branch takes the parameters of the window, too.
    with_draft: bool,
}

impl Checkpoints {
    /// Of the run on screen, whose epoch `at` is looked at; `None` when there is no folder.
    pub fn of(ctx: &egui::Context, view: &RunView, at: Option<usize>) -> Option<Self> {
        let run = view.folder.clone()?;
        let mut sheet = Self {
            title: view.title.clone(),
            near: at.map_or(view.epochs_done, |epoch| epoch + 1),
            device: view.device_name.clone(),
            params: view.params.clone(),
            reading: Job::default(),
            sheet: None,
            refused: None,
            chosen: None,
            stamp: clock::stamp(clock::now()),
            folder: None,
            with_draft: false,
            run,
        };
        sheet.read(ctx, None);
        Some(sheet)
    }

    /// Reads the folder, perhaps after a checkpoint was removed.
    fn read(&mut self, ctx: &egui::Context, remove: Option<String>) {
        let run = self.run.clone();
        self.reading.start("checkpoints", ctx, move || {
            let refused = remove.and_then(|name| checkpoints::remove(&run, &name).err()).map(|e| format!("{e}."));
            (Sheet { found: checkpoints::list(&run), usage: Usage::of(&run) }, refused)
        });
    }

    fn take_in(&mut self) {
        let Some((sheet, refused)) = self.reading.poll() else { return };
        self.refused = refused;
        let stands = |f: &&FoundCheckpoint| f.problem.is_none();
        if self.chosen.as_ref().is_none_or(|name| !sheet.found.iter().any(|f| f.name == *name)) {
            // The newest that is not beyond the epoch looked at.
            let before = |f: &&FoundCheckpoint| f.stand.is_some_and(|s| s.epochs_done() <= self.near);
            let best = sheet.found.iter().filter(stands).rfind(before).or(sheet.found.iter().find(stands));
            self.chosen = best.map(|f| f.name.clone());
        }
        self.sheet = Some(sheet);
    }

    /// Shows it; false when it is to close. `draft` is what the parameters of the window say, `busy` whether a run goes
    /// on in it.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        draft: &Params,
        (runs_dir, busy): (&Path, bool),
        actions: &Commands,
    ) -> bool {
        self.take_in();
        let mut gone = false;
        let close = dialog(ctx, "checkpoints", "Checkpoints", |ui| {
            let theme = Theme::of(ui.ctx());
            ui.add(Label::new(Type::Small.text(&self.title, theme.t2)).truncate());
            ui.add(Label::new(Type::Mono.text(self.run.display().to_string(), theme.t3)).truncate());
            ui.add_space(4.0);
            let Some(sheet) = self.sheet.take() else {
                ui.label(Type::Body.text("Reading…", theme.t2));
                return;
            };
            disk(ui, &sheet.usage);
            ui.add_space(4.0);
            let remove = self.list(ui, &sheet.found);
            let chosen = self.chosen.clone().and_then(|name| sheet.found.iter().find(|f| f.name == name).cloned());
            let changes = self.changes(draft);
            ui.add_space(4.0);
            let mut folder = self.folder.clone().unwrap_or_else(|| self.branch_folder(runs_dir, chosen.as_ref()));
            field(ui, "branch to", |ui| {
                let width = ui.available_width();
                let response = text_box(ui, "Folder of the branch", &mut folder, "runs/…", width);
                if response.on_hover_text("A new run folder. The run itself stays as it is.").changed() {
                    self.folder = Some(folder.clone());
                }
            });
            self.draft_box(ui, &changes);
            let wrong = self.refused.clone();
            let missing = match (&chosen, busy) {
                (None, _) => Some("This run has kept no checkpoint to branch from."),
                (_, true) => Some("A run goes on. The branch can start when that has ended."),
                _ => None,
            };
            notice(ui, wrong.as_deref(), missing);
            foot(ui, |ui| {
                let ready = missing.is_none() && !folder.trim().is_empty();
                let tip = "A new run that goes on from this checkpoint; this one stays as it is.";
                if default_button(ui, "Start branch", None, ready, tip)
                    && let Some(found) = &chosen
                {
                    actions.send(UiCommand::Start(Box::new(self.request(found, paths::typed(&folder), &changes))));
                    gone = true;
                }
                gone |= ui.add(Push::new("Close").look(ButtonLook::Flat)).on_hover_text("Changes nothing.").clicked();
            });
            self.sheet = Some(sheet);
            if let Some(name) = remove {
                let ctx = ui.ctx().clone();
                self.read(&ctx, Some(name));
            }
        });
        !(close || gone)
    }

    /// The checkpoints to choose from; the name of one that is to be removed.
    fn list(&mut self, ui: &mut Ui, found: &[FoundCheckpoint]) -> Option<String> {
        let theme = Theme::of(ui.ctx());
        let mut remove = None;
        let room = (ui.ctx().content_rect().height() - 420.0).clamp(90.0, 220.0);
        ScrollArea::vertical().id_salt("list").max_height(room).auto_shrink([false, true]).show(ui, |ui| {
            for one in found {
                ui.horizontal(|ui| {
                    let place = one.stand.map_or_else(|| "cannot be read".to_owned(), words);
                    let text = format!("{place} · {} · {}", one.why.words(), bytes(one.bytes));
                    let on = self.chosen.as_ref() == Some(&one.name);
                    let usable = one.problem.is_none();
                    let row = ui.add_enabled(usable, egui::Button::selectable(on, text));
                    let row = row.on_hover_text(&one.name);
                    if row.on_disabled_hover_text(one.problem.as_deref().unwrap_or_default()).clicked() {
                        self.chosen = Some(one.name.clone());
                    }
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        if one.why == Why::Last {
                            return;
                        }
                        let button = Push::new("Remove").look(ButtonLook::Flat).small().enabled(!self.reading.busy());
                        let button = ui.add(button).accessible_name(format!("Remove {}", one.name));
                        if button.on_hover_text("Deletes this checkpoint. The run can still go on.").clicked() {
                            remove = Some(one.name.clone());
                        }
                    });
                });
            }
            if found.is_empty() {
                ui.label(Type::Body.text("None yet.", theme.t3));
            }
        });
        remove
    }

    /// Whether the window's own parameters count in the branch, where they differ.
    fn draft_box(&mut self, ui: &mut Ui, changes: &[(String, Value)]) {
        if changes.is_empty() {
            return;
        }
        let all: Vec<String> = changes.iter().map(|(key, value)| format!("{key} {value}")).collect();
        field(ui, "parameters", |ui| {
            segment(ui, &[(false, "as they stood there"), (true, "those on the right")], &mut self.with_draft);
            let words = match all.len() {
                1..=2 => all.join(", "),
                n => format!("{} and {} more", all[0], n - 1),
            };
            let ink = if self.with_draft { Theme::of(ui.ctx()).t1 } else { Theme::of(ui.ctx()).t4 };
            ui.add(Label::new(Type::Small.text(words, ink)).truncate()).on_hover_text(all.join("\n"));
        });
    }

    /// What the window's parameters would change that may change on the way.
    fn changes(&self, draft: &Params) -> Vec<(String, Value)> {
        let Some(params) = &self.params else { return Vec::new() };
        let may = |key: &&&str| table::row(key).is_ok_and(|row| row.effect != Effect::NextRun);
        let keys = draft.differing_keys(params);
        keys.iter().filter(may).filter_map(|key| Some(((*key).to_owned(), draft.get(key).ok()?))).collect()
    }

    fn branch_folder(&self, runs_dir: &Path, from: Option<&FoundCheckpoint>) -> String {
        let place = from.map_or(String::new(), |f| match f.stand {
            Some(stand) if stand.iter == 0 => format!("_from_{}", stand.epochs_done()),
            _ => format!("_from_{}", f.name),
        });
        let run = self.run.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        // A branch of a branch does not carry all its past in its name.
        let short: String = run.chars().take(48).collect();
        runs_dir.join(format!("{}_{short}{place}", self.stamp)).display().to_string()
    }

    fn request(&self, from: &FoundCheckpoint, out: PathBuf, changes: &[(String, Value)]) -> RunRequest {
        RunRequest {
            device: self.device.parse().unwrap_or(DeviceChoice::Auto),
            begin: Begin::Fork(Fork { run: self.run.clone(), at: At::Name(from.name.clone()) }),
            changes: if self.with_draft { changes.to_vec() } else { Vec::new() },
            ..RunRequest::resume(out)
        }
    }
}

fn disk(ui: &mut Ui, usage: &Usage) {
    let theme = Theme::of(ui.ctx());
    let parts = [
        ("checkpoints", usage.checkpoints),
        ("epochs", usage.epochs),
        ("features", usage.features),
        ("events", usage.events),
        ("other", usage.other),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|p| p.1 > 0).map(|(name, n)| format!("{name} {}", bytes(*n))).collect();
    ui.label(Type::Body.text(format!("{} on the disk", bytes(usage.total())), theme.t1));
    ui.label(Type::Small.text(parts.join(" · "), theme.t3));
}
