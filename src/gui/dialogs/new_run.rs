//! Asks for source, target, size, method, device and folder of a new run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use eframe::egui::{self, Ui};
use serde::{Deserialize, Serialize};

use super::probe::Probe;
use super::{Browse, default_button, dialog, field, foot, notice, text_box};
use crate::base::device::present;
use crate::base::time as clock;
use crate::engine::command::{Begin, DeviceChoice, RunRequest, cache_dir};
use crate::gui::command::{Commands, UiCommand};
use crate::gui::datasets::{DatasetRow, Datasets, short_name};
use crate::gui::paths;
use crate::gui::queue::RunQueue;
use crate::gui::setting;
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::button::{ButtonLook, Push, icon_button, segment};
use crate::gui::widgets::combo;
use crate::gui::widgets::icon;
use crate::method::params::Params;
use crate::method::params::presets::PRESETS;
use crate::study::estimate::{self, SetSizes};

/// What was chosen last; kept between sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunChoice {
    /// Source: a registered name or a folder.
    pub source: String,
    /// Target: a registered name or a folder.
    pub target: String,
    /// The preset that says how large: `demo` or `paper`.
    pub scale: String,
    /// A preset on top of it, or empty.
    pub variant: String,
    /// `auto`, `cpu`, `cuda:0`.
    pub device: String,
}

impl Default for RunChoice {
    fn default() -> Self {
        let own = |s: &str| s.to_owned();
        Self {
            source: own("synthetic-plaza"),
            target: own("synthetic-station"),
            scale: own("demo"),
            variant: String::new(),
            device: own("auto"),
        }
    }
}

impl RunChoice {
    /// The parameters that size and method give.
    pub fn params(&self) -> Params {
        let named = |name: &str| PRESETS.iter().find(|preset| preset.name == name);
        let chosen = named(&self.scale).into_iter().chain(named(&self.variant));
        chosen.fold(Params::default(), |params, preset| setting::with(&params, preset))
    }

    fn device(&self) -> DeviceChoice {
        // A device that an older version saved and this one does not know.
        self.device.parse().unwrap_or_default()
    }
}

/// The devices to choose from, with a word about each.
fn devices() -> Vec<(String, String)> {
    let help = |device: &DeviceChoice| match device {
        DeviceChoice::Auto => "CUDA where there is a device, else the CPU.".to_owned(),
        DeviceChoice::Cpu => "The processor.".to_owned(),
        DeviceChoice::Cuda(n) => format!("CUDA device {n}."),
    };
    present().iter().map(|device| (device.to_string(), help(device))).collect()
}

/// The dialog while it is open.
#[derive(Default)]
pub struct NewRun {
    /// When it was opened: names the folder.
    stamp: String,
    devices: Vec<(String, String)>,
    folder: Option<String>,
    browse_source: Browse,
    browse_target: Browse,
    probes: [Probe<Option<String>>; 2],
    folder_probe: Probe<Option<String>>,
}

/// What the dialog reads.
pub struct Around<'a> {
    /// Where datasets are registered, and those listed.
    pub registry: &'a Arc<dyn Datasets>,
    /// The datasets listed.
    pub datasets: &'a [DatasetRow],
    /// Where new runs go.
    pub runs_dir: &'a Path,
    /// Whether a run goes on.
    pub busy: bool,
    /// The runs that wait already.
    pub queue: &'a RunQueue,
    /// How fast devices were seen to work.
    pub paces: &'a BTreeMap<String, f64>,
}

impl NewRun {
    /// Opens it.
    pub fn begin() -> Self {
        Self { stamp: clock::stamp(clock::now()), devices: devices(), ..Self::default() }
    }

    /// Shows it; false when it is to close. `draft` is the next run's parameters, with edits made by hand.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        choice: &mut RunChoice,
        draft: &mut Params,
        around: &Around<'_>,
        actions: &Commands,
    ) -> bool {
        let mut gone = false;
        let close = dialog(ctx, "new run", "New run", |ui| {
            self.datasets(ui, choice, around.datasets);
            settings(ui, choice, draft);
            self.device(ui, choice);
            takes(ui, choice, draft, around);
            let mut folder =
                self.folder.clone().unwrap_or_else(|| default_folder(&self.stamp, choice, around.runs_dir));
            field(ui, "run folder", |ui| {
                let width = ui.available_width();
                let response = text_box(ui, "Run folder", &mut folder, "runs/…", width);
                if response.on_hover_text(folder.clone()).changed() {
                    self.folder = Some(folder.clone());
                }
            });
            let wrong = self.wrong(ui.ctx(), choice, draft, &folder, around);
            let waits = match around.queue.runs().len() {
                _ if !around.busy => None,
                0 => Some("A run goes on: this one begins by itself when that has ended.".to_owned()),
                n => Some(format!("A run goes on and {n} more wait: this one begins after them.")),
            };
            notice(ui, wrong.as_deref(), waits.as_deref());
            foot(ui, |ui| {
                let (words, tip) = match around.busy {
                    true => ("Queue run", "It begins by itself when those before it have ended."),
                    false => ("Start run", "Creates the folder and trains."),
                };
                if default_button(ui, words, Some(icon::PLAY), wrong.is_none(), tip) {
                    let command = if around.busy { UiCommand::QueueRun } else { UiCommand::Start };
                    actions.send(command(Box::new(RunRequest {
                        source: paths::name_or_path(&choice.source),
                        target: paths::name_or_path(&choice.target),
                        out: paths::typed(&folder),
                        params: draft.clone(),
                        device: choice.device(),
                        begin: Begin::Start,
                        changes: Vec::new(),
                        match_names: false,
                        allow_unreadable: false,
                        cache: cache_dir(),
                    })));
                    gone = true;
                }
                gone |= ui.add(Push::new("Cancel").look(ButtonLook::Flat)).on_hover_text("Starts nothing.").clicked();
            });
        });
        !(close || gone)
    }

    fn datasets(&mut self, ui: &mut Ui, choice: &mut RunChoice, datasets: &[DatasetRow]) {
        let rows = [
            (
                "source",
                "Source",
                "Labelled: the network is pre-trained on it.",
                &mut choice.source,
                &mut self.browse_source,
            ),
            ("target", "Target", "Unlabelled: the network adapts to it.", &mut choice.target, &mut self.browse_target),
        ];
        for (label, name, help, text, browse) in rows {
            field(ui, label, |ui| {
                let width = (ui.available_width() - 130.0).max(120.0);
                let response = text_box(ui, name, text, "name or folder", width);
                response.on_hover_text(format!("{help} A registered name or a folder."));
                let list = icon_button(ui, icon::CARET_DOWN, &format!("{name} from the list"));
                egui::Popup::menu(&list).show(|ui| {
                    let there = |d: &&DatasetRow| d.builtin || d.found;
                    for dataset in datasets.iter().filter(there) {
                        let entry = ui.button(&dataset.name).on_hover_text(dataset.root.display().to_string());
                        if entry.clicked() {
                            text.clone_from(&dataset.name);
                        }
                    }
                });
                if let Some(path) = browse.ui(ui, &format!("Browse for {label}…"), text) {
                    *text = path.display().to_string();
                }
            });
        }
    }

    fn device(&self, ui: &mut Ui, choice: &mut RunChoice) {
        if !self.devices.iter().any(|(name, _)| *name == choice.device) {
            choice.device = "auto".to_owned(); // of another machine
        }
        field(ui, "device", |ui| {
            let list = combo::dressed("device", &choice.device, 120.0);
            let response = list.show_ui(ui, |ui| {
                for (value, help) in &self.devices {
                    ui.selectable_value(&mut choice.device, value.clone(), value).on_hover_text(help);
                }
            });
            response.response.accessible_name("Device").on_hover_text("Where to compute.");
        });
    }

    /// What keeps the run from starting, one sentence.
    fn wrong(
        &mut self,
        ctx: &egui::Context,
        choice: &RunChoice,
        draft: &Params,
        folder: &str,
        around: &Around<'_>,
    ) -> Option<String> {
        let (source, target) = (choice.source.trim(), choice.target.trim());
        if source.is_empty() || target.is_empty() {
            return Some("Name a source and a target.".to_owned());
        }
        if source == target {
            return Some("Source and target are the same; adaptation needs two domains.".to_owned());
        }
        for (text, probe) in [source, target].into_iter().zip(&mut self.probes) {
            let known = around.datasets.iter().find(|row| row.name == text);
            let wrong = match known {
                Some(row) if row.builtin || row.found => None,
                Some(row) => Some(format!("The folder of {text} is not there: {}.", row.root.display())),
                None => {
                    let (registry, typed) = (Arc::clone(around.registry), paths::name_or_path(text));
                    probe.get(ctx, text, move || registry.fits(&typed).err()).cloned().flatten()
                }
            };
            if wrong.is_some() {
                return wrong;
            }
        }
        if folder.trim().is_empty() {
            return Some("Name a folder for the run.".to_owned());
        }
        let out = paths::typed(folder);
        if around.queue.wants(&out) {
            return Some("A run that waits is to lie in that folder: name another one.".to_owned());
        }
        let taken = self.folder_probe.get(ctx, folder, move || taken(&out)).cloned().flatten();
        taken.or_else(|| draft.problems().into_iter().next().map(|p| p.message))
    }
}

/// Why no run can be made there, if so.
fn taken(folder: &Path) -> Option<String> {
    let what = match () {
        () if folder.is_file() => "is a file",
        () if folder.join("events.jsonl").exists() => "holds a run already: name another folder",
        () => return None,
    };
    Some(format!("{} {what}.", folder.display()))
}

/// Size and method, and what differs from them.
fn settings(ui: &mut Ui, choice: &mut RunChoice, draft: &mut Params) {
    let theme = Theme::of(ui.ctx());
    field(ui, "size", |ui| {
        let sizes: Vec<_> = setting::sizes().collect();
        let now = setting::size_of(draft);
        let mut chosen = sizes.iter().position(|size| now.is_some_and(|n| n.name == size.name)).unwrap_or(sizes.len());
        let names = sizes.iter().map(|size| size.name).chain(["own"]);
        let options: Vec<(usize, &str)> = names.enumerate().collect();
        if segment(ui, &options, &mut chosen)
            && let Some(size) = sizes.get(chosen)
        {
            *draft = setting::with_size(draft, size);
            choice.scale = size.name.to_owned();
        }
        let help = now.map_or("Some values of it were set by hand.", |size| size.help);
        ui.add(egui::Label::new(Type::Small.text(help, theme.t3)).truncate()).on_hover_text(help);
    });
    field(ui, "method", |ui| {
        let now = setting::method_of(draft);
        let list = combo::dressed("method", now.map_or("own", setting::title), 160.0);
        let response = list.show_ui(ui, |ui| {
            for method in setting::methods() {
                let on = now.is_some_and(|n| n.name == method.name);
                if ui.selectable_label(on, setting::title(method)).on_hover_text(method.help).clicked() {
                    *draft = setting::with_method(draft, method);
                    choice.variant = method.name.to_owned();
                }
            }
        });
        response.response.accessible_name("Method").on_hover_text("What is switched on, left out, or set wrong.");
        let help = now.map_or("Some values of it were set by hand.", |method| method.help);
        ui.add(egui::Label::new(Type::Small.text(help, theme.t3)).truncate()).on_hover_text(help);
    });
    field(ui, "by hand", |ui| {
        let words = setting::by_hand_words(draft);
        let words = if words.is_empty() { "nothing".to_owned() } else { words };
        ui.add(egui::Label::new(Type::Small.text(&words, theme.t3)).truncate()).on_hover_text(&words);
    });
}

/// How long it will take, from what was measured on the device.
fn takes(ui: &mut Ui, choice: &RunChoice, draft: &Params, around: &Around<'_>) {
    let theme = Theme::of(ui.ctx());
    field(ui, "takes", |ui| {
        let device = match choice.device.as_str() {
            "auto" => present().into_iter().find(|d| matches!(d, DeviceChoice::Cuda(_))).map(|d| d.to_string()),
            device => Some(device.to_owned()),
        };
        let device = device.unwrap_or_else(|| "cpu".to_owned());
        let drawn = around.datasets.iter().any(|row| row.name == choice.target.trim() && row.builtin);
        let sizes = if drawn { SetSizes::DRAWN } else { SetSizes::MARKET };
        let words = match around.paces.get(&device) {
            Some(pace) => format!("{} on {device}", estimate::words(estimate::seconds(draft, *pace, sizes))),
            None => format!("not known yet: nothing was measured on {device}"),
        };
        let tip = "From iterations that were measured on this device, by images, pixels and the network's size. It tells \
                   minutes from days.";
        ui.add(egui::Label::new(Type::Small.text(words, theme.t2)).truncate()).on_hover_text(tip);
    });
}

fn default_folder(stamp: &str, choice: &RunChoice, runs_dir: &Path) -> String {
    let name = format!("{stamp}_{}_to_{}", short_name(choice.source.trim()), short_name(choice.target.trim()));
    runs_dir.join(name).display().to_string()
}
