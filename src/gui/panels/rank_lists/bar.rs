//! The controls over the lists: back and forward, filter, order, and the epoch of comparison.

use eframe::egui::{self, Align, Key, Layout, Modifiers, Ui, vec2};

use super::RankListsPanel;
use crate::gui::panels::{PanelCtx, Pick};
use crate::gui::plot::ticks;
use crate::gui::theme::Theme;
use crate::gui::view_model::EpochPart;
use crate::gui::widgets::filter_box::FilterDress;
use crate::gui::widgets::{button, combo, icon};
use crate::gui::words::{after_words, against_words};
use crate::study::filter::Vocabulary;
use crate::study::queries::QuerySort;
use crate::study::query_filter::QUERY_FIELDS;

/// Below this width the filter has a line of its own.
const NARROW: f32 = 440.0;

/// What a tool of the head asked for.
#[derive(Default)]
pub(super) struct Pressed {
    /// Queries on, or back.
    pub step: isize,
    /// A file to ask about.
    pub file: Option<std::path::PathBuf>,
}

/// What can be asked of a query.
pub(super) fn vocabulary(truth: bool) -> Vocabulary<'static> {
    Vocabulary { fields: QUERY_FIELDS, words: false, truth }
}

impl RankListsPanel {
    /// The tools of the title row, from the right.
    pub(super) fn tools(&mut self, ui: &mut Ui, truth: bool, live: bool) -> Pressed {
        let theme = Theme::of(ui.ctx());
        let on = |is: bool| is.then_some(theme.accent);
        let mut pressed = Pressed::default();
        if button::icon_button(ui, icon::CARET_DOWN, "Next query").clicked() {
            pressed.step = 1;
        }
        if button::icon_button(ui, icon::CARET_UP, "Previous query").clicked() {
            pressed.step = -1;
        }
        pressed.file = self.picker.ui(ui, live);
        if !truth {
            return pressed;
        }
        let name = if self.junk { "Hide junk of the same camera" } else { "Show junk of the same camera" };
        if button::icon_button_colored(ui, icon::PROHIBIT, name, on(self.junk)).clicked() {
            self.junk = !self.junk;
        }
        let name = if self.wrong_only { "Show all queries" } else { "Only queries wrong at rank 1" };
        if button::icon_button_colored(ui, icon::FUNNEL, name, on(self.wrong_only)).clicked() {
            self.wrong_only = !self.wrong_only;
        }
        pressed
    }

    /// The bar under the title row.
    pub(super) fn bar(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, (epoch, compared): (usize, bool)) {
        let narrow = ui.available_width() < NARROW;
        let row = vec2(ui.available_width(), 22.0);
        ui.allocate_ui_with_layout(row, Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            self.travel(ui, cx);
            ui.add_space(4.0);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().interact_size.y = 20.0;
                let each = ((ui.available_width() - 12.0) / 2.0).clamp(40.0, 118.0);
                against(ui, cx, epoch, each, &mut self.reranked);
                if cx.truth {
                    self.sorts(ui, compared, each);
                }
                if !narrow {
                    self.filter_box(ui, cx.truth);
                }
            });
        });
        if narrow {
            // A line, not all the room that is left.
            ui.allocate_ui_with_layout(row, Layout::left_to_right(Align::Center), |ui| self.filter_box(ui, cx.truth));
        }
        self.filter.say_problem(ui);
        ui.add_space(2.0);
    }

    /// Back, forward, and what concerns the image asked about.
    fn travel(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) {
        let theme = Theme::of(ui.ctx());
        let dim = |there: bool| if there { None } else { Some(theme.t4) };
        let typing = ui.ctx().egui_wants_keyboard_input();
        let pressed = |there: bool, key| there && !typing && ui.input_mut(|i| i.consume_key(Modifiers::ALT, key));
        let left = pressed(self.history.has_back(), Key::ArrowLeft);
        let right = pressed(self.history.has_forward(), Key::ArrowRight);
        let name = "Back to the query before, Alt+Left";
        let back = button::icon_button_colored(ui, icon::CARET_LEFT, name, dim(self.history.has_back()));
        let name = "Forward to the next query, Alt+Right";
        let forward = button::icon_button_colored(ui, icon::CARET_RIGHT, name, dim(self.history.has_forward()));
        if left || back.clicked() {
            self.history.back();
            self.ask_where_unknown(cx);
        }
        if right || forward.clicked() {
            self.history.forward();
            self.ask_where_unknown(cx);
        }
        let Some(query) = self.history.current().cloned() else { return };
        if button::icon_button(ui, icon::CROSS, "Back to the list of queries alone").clicked() {
            self.history.home();
        }
        if cx.answers && button::icon_button(ui, icon::RESET, "Ask again, with the newest features").clicked() {
            self.ask(cx, &query);
        }
    }

    fn sorts(&mut self, ui: &mut Ui, compared: bool, width: f32) {
        let shown = self.sort_in_force(compared);
        let list = combo::dressed("sort", shown.words(), width).show_ui(ui, |ui| {
            for sort in QuerySort::ALL {
                let possible = compared || !sort.compares();
                let option = ui.add_enabled(possible, egui::Button::selectable(shown == sort, sort.words()));
                if option.on_disabled_hover_text("Choose an epoch to compare with first.").clicked() {
                    self.sort = sort;
                }
            }
        });
        let name = format!("Order of the queries, {}", shown.words());
        list.response.accessible_name(name).on_hover_text("The order of the queries.");
    }

    /// Sorting by change needs two epochs.
    pub(super) fn sort_in_force(&self, compared: bool) -> QuerySort {
        if self.sort.compares() && !compared { QuerySort::Worst } else { self.sort }
    }

    fn filter_box(&mut self, ui: &mut Ui, truth: bool) {
        let hint = if truth { "filter, as ap<0.3 cam=2" } else { "filter, as cam=2" };
        let width = ui.available_width().clamp(64.0, 560.0);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            self.filter.show(ui, &vocabulary(truth), FilterDress { name: "Filter of the queries", hint, width });
        });
    }
}

/// The menu of the epochs that can be compared with, and of re-ranking.
fn against(ui: &mut Ui, cx: &PanelCtx<'_>, epoch: usize, width: f32, reranked: &mut bool) {
    let has_reranked = cx.view.snapshots.contains_key(&(epoch, EpochPart::Reranked));
    let words = match cx.selection.against {
        _ if *reranked && has_reranked => "re-ranked".to_owned(),
        None => "against epoch…".to_owned(),
        Some(other) if cx.view.newest_snapshot(EpochPart::Ranks, Some(other)) == Some(epoch) => "same epoch".to_owned(),
        Some(other) => against_words(cx.view.newest_snapshot(EpochPart::Ranks, Some(other)).unwrap_or(other)),
    };
    let list = combo::dressed("against", &words, width).show_ui(ui, |ui| {
        let alone = cx.selection.against.is_none() && !(*reranked && has_reranked);
        if ui.add(egui::Button::selectable(alone, "no other epoch")).clicked() {
            cx.select(Pick::Against(None));
            *reranked = false;
        }
        let again = cx.view.target_retrieval.get(&epoch).and_then(|r| r.reranked.as_ref()).filter(|_| cx.truth);
        let map = again.map_or(String::new(), |r| format!(", mAP {}", ticks::number(100.0 * r.mAP, 1)));
        let option = egui::Button::selectable(*reranked && has_reranked, format!("re-ranked{map}"));
        let option = ui.add_enabled(has_reranked, option);
        let why = "This evaluation was not re-ranked: switch eval.rerank on, or import with --rerank.";
        if option.on_disabled_hover_text(why).clicked() {
            *reranked = true;
        }
        let ranked = cx.view.snapshots.keys().rev().filter(|(_, part)| *part == EpochPart::Ranks);
        for &(other, _) in ranked {
            let retrieval = cx.view.target_retrieval.get(&other).filter(|_| cx.truth);
            let map = retrieval.map_or(String::new(), |r| format!(", mAP {}", ticks::number(100.0 * r.mAP, 1)));
            let chosen = cx.selection.against == Some(other) && !(*reranked && has_reranked);
            let option = egui::Button::selectable(chosen, format!("{}{map}", after_words(other)));
            if ui.add(option).clicked() {
                cx.select(Pick::Against(Some(other)));
                *reranked = false;
            }
        }
    });
    let name = format!("Epoch of comparison, {words}");
    let help = "Shows under each rank list that of another epoch, or of this one after re-ranking: which hits rose, \
                which fell, and how AP changed.";
    list.response.accessible_name(name).on_hover_text(help);
}
