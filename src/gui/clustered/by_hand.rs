//! What people say of single images, as entries of a menu: one person, two people, left out; and taking it back.

use eframe::egui::{Popup, Ui};

use crate::engine::command::{Command, Request};
use crate::gui::command::UiCommand;
use crate::gui::panels::{Applies, PanelCtx};
use crate::gui::plot::ticks;
use crate::gui::theme::Type;
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::method::gain::HandGain;
use crate::method::hand::HandEdit;

/// Why nothing can be said.
const REST: &str = "A run takes this while it goes on, paused or not; it counts from its next clustering.";

fn ask(cx: &PanelCtx<'_>, command: Command) {
    cx.send(UiCommand::Engine(Request::from(command)));
}

/// What an edit changes at once: `12 images move; silhouette 0.412 → 0.415, Eq. 8 0.71 → 0.72`.
pub fn gain_words(gain: &HandGain) -> String {
    let moved = match gain.moved {
        0 => "no image moves".to_owned(),
        1 => "1 image moves".to_owned(),
        n => format!("{} images move", ticks::count(n)),
    };
    let change = |name: &str, [before, after]: [Option<f64>; 2], decimals: usize| {
        let (before, after) = (before?, after?);
        Some(format!("{name} {} → {}", ticks::number(before, decimals), ticks::number(after, decimals)))
    };
    let clusters = gain.clusters.map(|c| Some(c as f64));
    let changes = [
        change("clusters", clusters, 0).filter(|_| gain.clusters[0] != gain.clusters[1]),
        change("silhouette", gain.silhouette, 4),
        change("Eq. 8", gain.eq8, 3),
    ];
    let changes: Vec<String> = changes.into_iter().flatten().collect();
    if changes.is_empty() { moved } else { format!("{moved}; {}", changes.join(", ")) }
}

/// A button that opens the entries for these images.
pub fn button(ui: &mut Ui, cx: &PanelCtx<'_>, images: &[u32]) {
    let response = ui.add(Push::new("By hand").look(ButtonLook::Flat).small());
    let response = response.on_hover_text("Say that these images are one person or two, or leave them out.");
    Popup::menu(&response).show(|ui| entries(ui, cx, images));
}

/// The entries for these images.
pub fn entries(ui: &mut Ui, cx: &PanelCtx<'_>, images: &[u32]) {
    let on = cx.applies == Applies::ToRun;
    let counted = ticks::counted(images.len(), "image", "images");
    let mut choices = Vec::new();
    if images.len() > 1 {
        let tip = "They share their label at every radius, from the next clustering on.";
        choices.push(("One person", tip, HandEdit::MustLink(images.to_vec())));
    }
    if let &[a, b] = images {
        let tip = "They share no cluster at any radius, from the next clustering on.";
        choices.push(("Two people", tip, HandEdit::CannotLink(a, b)));
    }
    if !images.is_empty() {
        let tip = "In no cluster and in no batch, from the next clustering on.";
        choices.push(("Leave out", tip, HandEdit::Exclude(images.to_vec())));
    }
    ui.set_max_width(300.0);
    ui.label(Type::Small.text(&counted, cx.theme.t3));
    // What it would change in the epoch looked at, before anything is said.
    let edits: Vec<HandEdit> = choices.iter().map(|(.., edit)| edit.clone()).collect();
    let gains = if cx.what_if.has_radii() { cx.what_if.gains(&cx.view.hand, &edits) } else { None };
    for (at, (words, tip, edit)) in choices.into_iter().enumerate() {
        let tip =
            if on { format!("{tip} The run is then no longer unsupervised, and says so.") } else { REST.to_owned() };
        let response = ui.add_enabled(on, eframe::egui::Button::new(words));
        if response.on_hover_text(&tip).on_disabled_hover_text(&tip).clicked() {
            ask(cx, Command::Hand(edit));
            ui.close();
        }
        let said = match gains.as_ref().and_then(|gains| gains.get(at)) {
            Some(Ok(gain)) => gain_words(gain),
            Some(Err(why)) => why.clone(),
            None if cx.what_if.failure(7).is_none() && cx.what_if.base().is_some() => "counting…".to_owned(),
            None => continue,
        };
        let said = ui.label(Type::Small.text(said, cx.theme.t3));
        said.on_hover_text("What it changes in the clusters of the epoch looked at, before anything is trained.");
    }
    if let Some(last) = cx.view.hand.edits.last() {
        let words = format!("Take back: {}", last.words());
        let response = ui.add_enabled(on, eframe::egui::Button::new(words));
        if response.on_hover_text("It no longer counts, from the next clustering on.").clicked() {
            ask(cx, Command::UndoHand);
            ui.close();
        }
    }
    if !on {
        ui.label(Type::Small.text(REST, cx.theme.t3));
    }
}
