//! Asks for source, target, preset, device and folder of a new run.

use std::path::{Path, PathBuf};

use eframe::egui::{self, Ui};
use serde::{Deserialize, Serialize};

use super::{Browse, default_button, dialog, field, foot, problem, text_box};
use crate::base::time as clock;
use crate::engine::command::{Begin, DeviceChoice, RunRequest, cache_dir};
use crate::gui::command::UiCommand;
use crate::gui::datasets::{DatasetRow, short_name};
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::button::{Look, Push, icon_button};
use crate::gui::widgets::combo;
use crate::gui::widgets::icon;
use crate::method::params::Params;
use crate::method::params::presets::PRESETS;

/// What was chosen last; kept between sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choice {
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

impl Default for Choice {
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

impl Choice {
    /// The parameters that the presets give.
    pub fn params(&self) -> Params {
        let mut params = Params::default();
        if let Err(error) = params.apply_presets(&format!("{},{}", self.scale, self.variant)) {
            tracing::warn!(%error, "a saved preset is not known any more");
        }
        params
    }

    fn device(&self) -> DeviceChoice {
        // A device that an older version saved and this one does not know.
        self.device.parse().unwrap_or_default()
    }
}

const DEVICES: [(&str, &str); 6] = [
    ("auto", "CUDA when there is one, else the CPU"),
    ("cpu", "The CPU"),
    ("cuda:0", "The first CUDA device"),
    ("cuda:1", "The second CUDA device"),
    ("cuda:2", "The third CUDA device"),
    ("cuda:3", "The fourth CUDA device"),
];

/// The dialog while it is open.
#[derive(Default)]
pub struct NewRun {
    folder: Option<String>,
    browse_source: Browse,
    browse_target: Browse,
}

impl NewRun {
    /// Shows it; false when it is to close. `draft` is the next run's parameters, with edits made by hand.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        choice: &mut Choice,
        draft: &mut Params,
        places: (&[DatasetRow], &Path),
        actions: &mut Vec<UiCommand>,
    ) -> bool {
        let (datasets, runs_dir) = places;
        let mut started = false;
        let close = dialog(ctx, "new run", "New run", |ui| {
            self.datasets(ui, choice, datasets);
            presets(ui, choice, draft);
            device(ui, choice);
            let mut folder = self.folder.clone().unwrap_or_else(|| default_folder(choice, runs_dir));
            let edited =
                field(ui, "run folder", |ui| text_box(ui, "Run folder", &mut folder, "runs/…", 372.0).changed());
            if edited {
                self.folder = Some(folder.clone());
            }
            let wrong = wrong(choice, draft, &folder);
            if let Some(text) = &wrong {
                ui.add_space(6.0);
                problem(ui, text);
            }
            foot(ui, |ui| {
                let tip = "Creates the folder and trains.";
                if default_button(ui, "Start run", Some(icon::PLAY), wrong.is_none(), tip) {
                    actions.push(UiCommand::Start(Box::new(RunRequest {
                        source: choice.source.trim().to_owned(),
                        target: choice.target.trim().to_owned(),
                        out: PathBuf::from(folder.trim()),
                        params: draft.clone(),
                        device: choice.device(),
                        begin: Begin::Start,
                        changes: Vec::new(),
                        allow_unreadable: false,
                        cache: cache_dir(),
                    })));
                    started = true;
                }
                if ui.add(Push::new("Cancel").look(Look::Flat)).on_hover_text("Starts nothing.").clicked() {
                    started = true;
                }
            });
        });
        !(close || started)
    }

    fn datasets(&mut self, ui: &mut Ui, choice: &mut Choice, datasets: &[DatasetRow]) {
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
                let response = text_box(ui, name, text, "name or folder", 256.0);
                response.on_hover_text(format!("{help} A registered name or a folder."));
                let list = icon_button(ui, icon::CARET_DOWN, &format!("{name} from the list"));
                egui::Popup::menu(&list).show(|ui| {
                    for dataset in datasets {
                        let there = dataset.builtin || dataset.found;
                        let entry = ui.add_enabled(there, egui::Button::new(&dataset.name));
                        let entry = entry.on_disabled_hover_text("Its folder is not there.");
                        if entry.on_hover_text(dataset.root.display().to_string()).clicked() {
                            text.clone_from(&dataset.name);
                        }
                    }
                });
                if let Some(path) = browse.ui(ui, &format!("Browse for {label}…")) {
                    *text = path.display().to_string();
                }
            });
        }
    }
}

fn presets(ui: &mut Ui, choice: &mut Choice, draft: &mut Params) {
    let theme = Theme::of(ui.ctx());
    let before = choice.clone();
    let scales = ["demo", "paper"];
    field(ui, "preset", |ui| {
        let list = combo::dressed("scale", &choice.scale, 120.0);
        let response = list.show_ui(ui, |ui| {
            for preset in PRESETS.iter().filter(|p| scales.contains(&p.name)) {
                let value = preset.name.to_owned();
                ui.selectable_value(&mut choice.scale, value, preset.name).on_hover_text(preset.help);
            }
        });
        response.response.accessible_name("Run preset").on_hover_text("How large: the demo ends in minutes on a CPU.");
        let words = if choice.variant.is_empty() { "whole method" } else { &choice.variant };
        let list = combo::dressed("variant", words, 160.0);
        let response = list.show_ui(ui, |ui| {
            ui.selectable_value(&mut choice.variant, String::new(), "whole method").on_hover_text("Nothing on top.");
            for preset in PRESETS.iter().filter(|p| !scales.contains(&p.name)) {
                let value = preset.name.to_owned();
                ui.selectable_value(&mut choice.variant, value, preset.name).on_hover_text(preset.help);
            }
        });
        response.response.accessible_name("Variant").on_hover_text("What is left out or set wrong on purpose.");
    });
    if *choice != before {
        *draft = Params { seed: draft.seed, ..choice.params() };
    }
    let by_hand = draft.differing_keys(&Params { seed: draft.seed, ..choice.params() });
    if !by_hand.is_empty() {
        field(ui, "", |ui| {
            ui.label(Type::Small.text(format!("and by hand {}", by_hand.join(", ")), theme.t3));
        });
    }
}

fn device(ui: &mut Ui, choice: &mut Choice) {
    field(ui, "device", |ui| {
        let list = combo::dressed("device", &choice.device, 120.0);
        let response = list.show_ui(ui, |ui| {
            for (value, help) in DEVICES {
                ui.selectable_value(&mut choice.device, value.to_owned(), value).on_hover_text(help);
            }
        });
        response.response.accessible_name("Device").on_hover_text("Where to compute.");
    });
}

fn default_folder(choice: &Choice, runs_dir: &Path) -> String {
    let name = format!(
        "{}_{}_to_{}",
        clock::stamp(clock::now()),
        short_name(choice.source.trim()),
        short_name(choice.target.trim())
    );
    runs_dir.join(name).display().to_string()
}

fn wrong(choice: &Choice, draft: &Params, folder: &str) -> Option<String> {
    if choice.source.trim().is_empty() || choice.target.trim().is_empty() {
        return Some("Name a source and a target.".to_owned());
    }
    if choice.source.trim() == choice.target.trim() {
        return Some("Source and target are the same; adaptation needs two domains.".to_owned());
    }
    if folder.trim().is_empty() {
        return Some("Name a folder for the run.".to_owned());
    }
    draft.problems().into_iter().next().map(|p| p.message)
}
