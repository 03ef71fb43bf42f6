//! The lines of the palette: everything that has a name.

use eframe::egui;

use super::find::TypedWords;
use super::images::{find_images, name};
use super::{Item, PaletteScope, values};
use crate::engine::event::Split;
use crate::gui::command::{COMMANDS, UiCommand, pane_keys};
use crate::gui::panels::{Pane, Pick};
use crate::gui::plot::ticks;
use crate::gui::setting;
use crate::gui::view_model::EpochPart;
use crate::gui::widgets::icon;
use crate::gui::words::share;
use crate::method::params::presets::PRESETS;
use crate::method::params::table::{Effect, ROWS};
use crate::run::images::Images;

/// Of each kind, at most.
const MOST: usize = 8;

/// What is looked through in every frame: commands and panels, and once something was typed parameters, presets,
/// datasets and clusters.
pub(super) fn few(ctx: &egui::Context, needle: &TypedWords, known: &PaletteScope<'_>) -> Vec<(u32, Item)> {
    let mut found = Vec::new();
    let keys = |k: Option<egui::KeyboardShortcut>| k.map(|k| ctx.format_shortcut(&k)).unwrap_or_default();
    let can = |c: &UiCommand| c.refusal(known.live, known.shown).is_none() && *c != UiCommand::Palette;
    for entry in COMMANDS.iter().filter(|entry| can(&entry.command)) {
        let Some(score) = needle.score(entry.title, entry.group, entry.help) else { continue };
        let (keys, help) = (keys(entry.keys), entry.help.to_owned());
        let item = Item::new("Commands", entry.icon, entry.title, "", vec![entry.command.clone()]);
        found.push((score, Item { keys, help, ..item }));
    }
    for &pane in Pane::ALL {
        let Some(score) = needle.score(pane.title(), "panel", pane.help()) else { continue };
        let item = Item::new("Panels", pane.icon(), pane.title(), "", vec![UiCommand::ShowPane(pane)]);
        found.push((score, Item { keys: keys(pane_keys(pane)), help: pane.help().to_owned(), ..item }));
    }
    if !needle.is_empty() {
        let asked = values::items(&needle.text, known);
        found.extend(asked.into_iter().map(|item| (u32::MAX, item)));
        parameters(needle, known, &mut found);
        datasets(needle, known, &mut found);
        clusters(needle, known, &mut found);
    }
    found
}

fn parameters(needle: &TypedWords, known: &PaletteScope<'_>, into: &mut Vec<(u32, Item)>) {
    for row in ROWS {
        let title = format!("Set {}…", row.label);
        let Some(score) = needle.score(&title, row.key, row.help) else { continue };
        let counts = if row.effect == Effect::AtOnce { "counts at once" } else { row.effect.label() };
        let detail = format!("now {} · {counts} · {}", (row.get)(known.values), row.help);
        let item =
            Item::new("Parameters", icon::CROSSHAIR, title, detail, vec![UiCommand::FocusParam(row.key.to_owned())]);
        into.push((score, Item { help: format!("{}: {}. {}", row.key, row.bounds(), row.help), ..item }));
    }
    for preset in PRESETS {
        let title = setting::title(preset);
        let Some(score) = needle.score(title, preset.name, preset.help) else { continue };
        let command = UiCommand::Preset(preset.name.to_owned());
        let item = Item::new("Presets", icon::TRIANGLE, title, preset.help, vec![command]);
        into.push((score, Item { help: preset.help.to_owned(), ..item }));
    }
}

fn datasets(needle: &TypedWords, known: &PaletteScope<'_>, into: &mut Vec<(u32, Item)>) {
    for row in known.library.datasets() {
        let Some(score) = needle.score(&row.name, "dataset", "") else { continue };
        let there = row.builtin || row.found;
        let name = row.name.clone();
        let command = if there { UiCommand::OpenDataset(name) } else { UiCommand::LocateDataset(name) };
        let detail = if there { row.layout.as_str() } else { "not found" };
        into.push((score, Item::new("Datasets", icon::FOLDER, row.name.as_str(), detail, vec![command])));
    }
}

/// Clusters of the epoch looked at, by their number.
fn clusters(needle: &TypedWords, known: &PaletteScope<'_>, into: &mut Vec<(u32, Item)>) {
    let newest = known.shown.clusters.range(..=known.selection.epoch.unwrap_or(usize::MAX)).next_back();
    let Some((epoch, view)) = newest.filter(|_| needle.text.contains(|c: char| c.is_ascii_digit())) else { return };
    let summary = &view.summary;
    let mut fits: Vec<(u32, usize)> = (0..summary.clusters.first().copied().unwrap_or(0))
        .filter_map(|cluster| Some((needle.holds(&format!("Cluster {cluster}"))?, cluster)))
        .collect();
    // The number itself before those that hold it.
    fits.sort_by_key(|(score, cluster)| (std::cmp::Reverse(*score), *cluster));
    for (score, cluster) in fits.into_iter().take(MOST) {
        let mut detail = match summary.cluster_size.get(cluster) {
            Some(size) => format!("{}, epoch {}", ticks::counted(*size as usize, "image", "images"), epoch + 1),
            None => format!("epoch {}", epoch + 1),
        };
        if let Some(score) = summary.cluster_score.get(cluster) {
            detail += &format!(", score {}", share(*score));
        }
        let command = UiCommand::Select(Pick::Cluster(u32::try_from(cluster).ok()));
        let item = Item::new("Clusters", icon::STACK, format!("Cluster {cluster}"), detail, vec![command]);
        into.push((2 * score, Item { exact: true, ..item }));
    }
}

/// Runs, by name, datasets and folder, once something was typed.
pub(super) fn runs(needle: &TypedWords, known: &PaletteScope<'_>, into: &mut Vec<(u32, Item)>) {
    if needle.is_empty() {
        return;
    }
    let mut fits = Vec::new();
    for (run, _) in known.book.rows() {
        let name = known.book.name(&run.folder);
        let below = run.folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let words = format!("{} {below} run", run.title);
        if let Some(score) = needle.score(&name, &words, &run.folder.to_string_lossy()) {
            fits.push((score, name, format!("{} · {below}", run.title), &run.folder));
        }
    }
    fits.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    for (score, name, detail, folder) in fits.into_iter().take(MOST) {
        let command = UiCommand::OpenRun(folder.clone());
        into.push((score, Item::new("Runs", icon::CHART, name, detail, vec![command])));
    }
}

/// Images of the run on screen; picking one selects it and shows what is known of it.
pub(super) fn images(images: &Images, query: &str, known: &PaletteScope<'_>, into: &mut Vec<(u32, Item)>) {
    let epoch = known.shown.newest_snapshot(EpochPart::Clusters, known.selection.epoch);
    let clusters = epoch.map(|epoch| known.snapshots.clusters(known.shown, epoch));
    let clusters = clusters.as_ref().and_then(|c| c.ready());
    for (score, image) in find_images(images, query, known.truth) {
        let Some(row) = images.get(image) else { continue };
        let label = clusters.filter(|_| image.split == Split::Train).and_then(|c| c.labels.get(image.index as usize));
        let split = match image.split {
            Split::Train => "training image",
            Split::Query => "query",
            Split::Gallery => "gallery image",
        };
        let mut detail = format!("{split} {}, camera {}", image.index, row.camid + 1);
        match label {
            Some(0..) => detail += &format!(", cluster {}", label.copied().unwrap_or_default()),
            Some(_) => detail += ", outlier",
            None => {}
        }
        if known.truth && row.pid >= 0 {
            detail += &format!(", identity {}", row.pid);
        }
        let commands = match image.split {
            Split::Train => {
                let cluster = label.and_then(|label| u32::try_from(*label).ok());
                let pick = UiCommand::Select(Pick::Member(image.index, cluster));
                vec![pick, UiCommand::ShowPane(Pane::Inspector)]
            }
            Split::Query => [Pick::Query(image.index), Pick::Image(Some(image))]
                .map(UiCommand::Select)
                .into_iter()
                .chain([UiCommand::ShowPane(Pane::RankLists)])
                .collect(),
            Split::Gallery => vec![UiCommand::Select(Pick::Image(Some(image))), UiCommand::ShowPane(Pane::Inspector)],
        };
        let title = match name(row) {
            name if name.is_empty() => format!("Image {}", image.index),
            name => name.into_owned(),
        };
        into.push((score, Item { exact: true, ..Item::new("Images", icon::IMAGE, title, detail, commands) }));
    }
}
