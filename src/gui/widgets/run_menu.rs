//! The menu of a run, wherever it is listed.

use std::path::Path;

use eframe::egui::Ui;

use crate::gui::command::{Commands, UiCommand};

/// What can be done with a run.
pub fn show(ui: &mut Ui, folder: &Path, star: bool, actions: &Commands) {
    ui.set_min_width(180.0);
    let own = || folder.to_owned();
    let entries = [
        ("Show", "Shows the run in all panels.", UiCommand::OpenRun(own())),
        ("Tick or untick", "Draws it beside the others, or not.", UiCommand::TickRun(own())),
        match star {
            true => ("No baseline \u{e46a}", "Nothing is compared with it any more.", UiCommand::StarRun(own())),
            false => ("Make it the baseline \u{e46a}", "The others are compared with it.", UiCommand::StarRun(own())),
        },
        ("Rename or note…", "Gives it a name and a note, kept in its folder.", UiCommand::LabelRun(own())),
        (
            "Duplicate as a new run…",
            "Asks for a new run with its datasets and its parameters.",
            UiCommand::DuplicateRun(own()),
        ),
        ("Show in the file manager", "Opens its folder.", UiCommand::RevealRun(own())),
        (
            "Copy the path",
            "Puts the path of its folder on the clipboard.",
            UiCommand::CopyText(folder.display().to_string()),
        ),
        ("Move to the trash", "Can be put back, here or in the file manager.", UiCommand::TrashRun(own())),
    ];
    for (title, help, command) in entries {
        if ui.button(title).on_hover_text(help).clicked() {
            actions.send(command);
        }
    }
}
