//! What the user can choose: which maps, which scale, which images, which epoch to compare with.

use eframe::egui::{self, Button, DragValue, Popup, Ui};

use super::found;
use super::maps::{MapKind, Scale, ShownMaps};
use super::save::percent_words;
use super::sheet::{MapChoice, MapSheet};
use super::{HeatMapsPanel, PanelCtx};
use crate::engine::command::Command;
use crate::engine::event::{ImageRef, Split};
use crate::gui::command::UiCommand;
use crate::gui::panels::Pick;
use crate::gui::plot::type_scale;
use crate::gui::theme::{Theme, Type};
use crate::gui::view_model::{EpochPart, Loaded};
use crate::gui::widgets::{button, chip, combo, icon};
use crate::gui::words::after_words;
use crate::study::queries::worst_first;

/// How many of the worst queries are watched at once.
const WORST: usize = 5;

/// Points wide that a panel is to have maps, places and colours in one bar.
const ROOM: f32 = 520.0;

/// The epoch that the one looked at is compared with.
pub fn against(ui: &mut Ui, cx: &PanelCtx<'_>, epoch: usize) {
    let theme = Theme::of(ui.ctx());
    let on = cx.selection.against.map(|_| theme.accent);
    let button = button::icon_button_colored(ui, icon::BRANCH, "Against epoch…", on);
    Popup::menu(&button).show(|ui| {
        ui.label(Type::Small.text(format!("compare {} with", after_words(epoch)), theme.t3));
        let before = cx.selection.against;
        let mut chosen = before;
        ui.radio_value(&mut chosen, None, "nothing").on_hover_text("Shows the maps of one epoch.");
        let help = "Shows each map after both, and their difference.";
        egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            for other in found::epochs(cx.view).into_iter().filter(|e| *e != epoch) {
                ui.radio_value(&mut chosen, Some(other), after_words(other)).on_hover_text(help);
            }
        });
        if chosen != before {
            cx.select(Pick::Against(chosen));
        }
    });
}

impl HeatMapsPanel {
    /// Which maps, where, and with which colours.
    pub(super) fn bar(
        &mut self,
        ui: &mut Ui,
        cx: &PanelCtx<'_>,
        sheet: &MapSheet<'_>,
        choice: &MapChoice<'_>,
        (scope, epoch): (&str, usize),
    ) {
        let MapChoice { position, positions, epochs, .. } = *choice;
        ui.horizontal_wrapped(|ui| {
            let one = epochs.is_some() || self.shown == ShownMaps::One;
            let words = if one { self.kind.title() } else { self.shown.brief() };
            let list = combo::dressed("maps shown", words, 112.0);
            let list = list.height(400.0).show_ui(ui, |ui| self.choose(ui, sheet, position, epochs.is_some()));
            list.response.accessible_name("Maps shown").on_hover_text("Which maps are shown, side by side or alone.");
            if one || self.shown != ShownMaps::Fig6 {
                let mut chosen = positions.iter().position(|p| p == position).unwrap_or(0);
                let options: Vec<(usize, &str)> = positions.iter().map(String::as_str).enumerate().collect();
                if button::segment(ui, &options, &mut chosen) {
                    self.position.clone_from(&positions[chosen]);
                }
            }
            self.save(ui, cx, sheet, scope, epoch);
            if has_room(ui, ui.max_rect().width()) {
                self.colours(ui);
            }
        });
    }

    /// What the ends of the colours mean.
    fn colours(&mut self, ui: &mut Ui) {
        let scales = [(Scale::Shared, "shared scale"), (Scale::PerImage, "per image")];
        button::segment(ui, &scales, &mut self.scale);
        let clip = DragValue::new(&mut self.clip).range(50.0..=100.0).speed(0.1).max_decimals(1);
        let clip = clip.custom_formatter(|percent, _| percent_words(percent));
        let clip = ui.add(clip.prefix("clip ").suffix(" %")).accessible_name("Percentile clip");
        clip.on_hover_text(
            "The colours end at this percentile of the values, and at its mirror below, so that a few outliers do not \
             darken all the rest. 100 % is from the least to the largest. Drag, or click to type.",
        );
    }

    fn choose(&mut self, ui: &mut Ui, sheet: &MapSheet<'_>, position: &str, compared: bool) {
        let theme = Theme::of(ui.ctx());
        ui.label(Type::Small.text("side by side", theme.t3));
        for set in ShownMaps::SETS {
            let on = !compared && self.shown == set;
            let choice = ui.add_enabled(!compared, Button::selectable(on, set.words()));
            let help = match set {
                ShownMaps::Fig6 => "Photo, what enters the first block, and the outputs of both, for many people.",
                _ => "For each watched image.",
            };
            let choice = choice.on_disabled_hover_text("Two epochs are compared one map at a time.");
            if choice.on_hover_text(help).clicked() {
                self.shown = set;
            }
        }
        ui.label(Type::Small.text("one map, all images", theme.t3));
        for kind in MapKind::ALL.into_iter().filter(|kind| sheet.has(*kind, position)) {
            let on = (compared || self.shown == ShownMaps::One) && self.kind == kind;
            if ui.selectable_label(on, kind.title()).on_hover_text(kind.help()).clicked() {
                self.kind = kind;
                if !compared {
                    self.shown = ShownMaps::One;
                }
            }
        }
    }

    /// The ⋯ menu: which images are watched.
    pub(super) fn options(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, watched: &[ImageRef], narrow: bool) {
        let menu = button::icon_button(ui, icon::DOTS, "Options of the heat maps");
        let closes = match narrow {
            true => egui::PopupCloseBehavior::CloseOnClickOutside,
            false => egui::PopupCloseBehavior::CloseOnClick,
        };
        Popup::menu(&menu).close_behavior(closes).show(|ui| {
            if narrow {
                ui.horizontal(|ui| self.colours(ui));
                ui.separator();
            }
            let selected = cx.selection.image;
            let fresh = selected.filter(|s| !watched.contains(s));
            let watch = ui.add_enabled(fresh.is_some(), Button::new("Watch the selected image"));
            let watch = watch.on_hover_text("Adds it; its maps come with every evaluation.");
            let why = "Select an image that is not watched yet, for example in the rank lists.";
            if let (true, Some(image)) = (watch.on_disabled_hover_text(why).clicked(), fresh) {
                watch_also(cx, watched, &[image]);
            }
            let gone = selected.filter(|s| watched.contains(s));
            let unwatch = ui.add_enabled(gone.is_some(), Button::new("Stop watching the selected image"));
            let unwatch = unwatch.on_disabled_hover_text("Select one of the images here.");
            if let (true, Some(image)) = (unwatch.on_hover_text("From the next evaluation on.").clicked(), gone) {
                let list = watched.iter().copied().filter(|i| *i != image).collect();
                cx.send(UiCommand::Engine(Command::Watch(list).into()));
            }
            if cx.truth {
                worst(ui, cx, watched);
            }
            ui.separator();
            let compute = ui.button("Compute with the weights as they stand");
            if compute.on_hover_text("Asks for these maps now, between two batches.").clicked() {
                cx.send(UiCommand::Engine(Command::HeatMaps(watched.to_vec()).into()));
            }
        });
    }
}

/// Whether a panel of that width has the colours in its bar; else they stand in the menu.
pub(super) fn has_room(ui: &Ui, width: f32) -> bool {
    width >= ROOM * type_scale(ui)
}

/// Watches the queries with the least AP. **Ground truth.**
fn worst(ui: &mut Ui, cx: &PanelCtx<'_>, watched: &[ImageRef]) {
    let epoch = cx.view.newest_snapshot(EpochPart::Ranks, cx.selection.epoch);
    let ranks = epoch.map_or(Loaded::Absent, |epoch| cx.snapshots.ranks(cx.view, epoch));
    ui.horizontal(|ui| {
        let button = ui.add_enabled(ranks.ready().is_some(), Button::new("Watch the five worst queries"));
        let why = match &ranks {
            Loaded::Absent => "They are known after the first evaluation.".to_owned(),
            Loaded::Loading => "Reading the rank lists…".to_owned(),
            Loaded::Failed(why) => why.clone(),
            Loaded::Ready(_) => String::new(),
        };
        let help = "Adds the five queries with the lowest AP; their maps come with every evaluation.";
        let clicked = button.on_disabled_hover_text(why).on_hover_text(help).clicked();
        if let (true, Some(ranks)) = (clicked, ranks.ready()) {
            let worst = worst_first(ranks, false).into_iter().take(WORST);
            let worst: Vec<_> = worst.map(|index| ImageRef { split: Split::Query, index }).collect();
            watch_also(cx, watched, &worst);
        }
        chip::ground_truth(ui);
    });
}

/// Watches more images, and asks for the maps of those that are new.
fn watch_also(cx: &PanelCtx<'_>, watched: &[ImageRef], more: &[ImageRef]) {
    let fresh: Vec<ImageRef> = more.iter().copied().filter(|i| !watched.contains(i)).collect();
    if fresh.is_empty() {
        return;
    }
    let list: Vec<ImageRef> = watched.iter().copied().chain(fresh.iter().copied()).collect();
    cx.send(UiCommand::Engine(Command::Watch(list.clone()).into()));
    cx.send(UiCommand::Engine(Command::HeatMaps(list).into()));
}
