//! A parameter with a value after it: `eps 0.55`, `eps=0.55`.

use super::{Item, PaletteScope};
use crate::gui::command::UiCommand;
use crate::gui::panels::Pane;
use crate::gui::what_if::{KEYS, Try};
use crate::gui::widgets::icon;
use crate::method::params::table::{Effect, ParamRow, ROWS};

/// Parameters that are offered at most where the name is not whole.
const MOST: usize = 3;

/// What setting that value would be; or what stands against it.
pub(super) fn items(text: &str, known: &PaletteScope<'_>) -> Vec<Item> {
    let text = text.strip_prefix("set ").unwrap_or(text).trim();
    let (name, value, meant) = match text.split_once('=') {
        Some((name, value)) => (name, value, true),
        None => match text.rsplit_once(char::is_whitespace) {
            Some((name, value)) => (name, value, false),
            None => return Vec::new(),
        },
    };
    let (name, value) = (name.trim().trim_end_matches(" to").trim(), value.trim());
    if name.is_empty() || value.is_empty() {
        return Vec::new();
    }
    named(name).into_iter().flat_map(|row| of(row, value, meant, known)).collect()
}

/// The parameters of that name: by key or label, by the end of the key, by how they begin.
fn named(name: &str) -> Vec<&'static ParamRow> {
    let rank = |row: &ParamRow| {
        let (key, label) = (row.key, row.label.to_lowercase());
        match key.rsplit('.').next() {
            _ if key == name || label == name => Some(0),
            Some(last) if last == name => Some(1),
            _ if name.len() > 1 && (key.starts_with(name) || label.starts_with(name)) => Some(2),
            _ => None,
        }
    };
    let best = ROWS.iter().filter_map(rank).min();
    ROWS.iter().filter(|row| best.is_some() && rank(row) == best).take(MOST).collect()
}

fn of(row: &'static ParamRow, text: &str, meant: bool, known: &PaletteScope<'_>) -> Vec<Item> {
    let item = |title: String, detail: String, commands| Item {
        exact: true,
        help: format!("{} {}.", row.help, row.bounds()),
        ..Item::new("Set a value", icon::CROSSHAIR, title, detail, commands)
    };
    let now = (row.get)(known.values);
    let value = match row.parse(text).and_then(|value| row.check(&value)) {
        Ok(value) => value,
        // Without = it may be a name of two words.
        Err(_) if !meant && text.parse::<f64>().is_err() => return Vec::new(),
        Err(_) => {
            let refused =
                item(format!("{} cannot be {text}", row.label), format!("it is {}", row.bounds()), Vec::new());
            return vec![refused];
        }
    };
    let counts = match row.effect {
        Effect::NextRun => "for the next run",
        _ if !known.running => "for the next run",
        Effect::AtOnce => "at once",
        Effect::NextBatch => "from the next batch",
        Effect::NextEpoch => "from the next epoch",
    };
    let set = UiCommand::SetParam { key: row.key.to_owned(), value: value.clone() };
    let detail = format!("{counts} · now {now} · {}", row.bounds());
    let mut items = vec![item(format!("Set {} to {value}", row.label), detail, vec![set])];
    if known.what_if.base().is_some_and(|base| base.radii) && KEYS.contains(&row.key) {
        let tried = (row.get)(known.what_if.draft());
        let mut commands = vec![UiCommand::ShowPane(Pane::WhatIf)];
        commands.extend([Try::Value(row.key, value.clone()), Try::LetGo].map(UiCommand::Try));
        let detail = format!("nothing is trained · now {tried}");
        items.push(item(format!("Try {} = {value} in What-if", row.label), detail, commands));
    }
    items
}
