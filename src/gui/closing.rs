//! What a run came to, on a card at its end: from where to where, what is wrong, and what one does next.

use eframe::egui::{self, Align, Align2, Area, Id, Label, Layout, Order, Ui, vec2};

use super::command::{Commands, UiCommand};
use super::panels::Pane;
use super::theme::{Theme, Type, size};
use super::toasts::ToastPlace;
use super::view_model::RunView;
use super::widgets::button::{ButtonLook, Push, icon_button};
use super::widgets::icon::{self, Weight};
use super::widgets::tile;
use crate::base::text::{count, counted, duration, number, signed};
use crate::study::diagnosis::diagnoses;

/// The card of a run that is done.
#[derive(Clone, Debug, PartialEq)]
pub struct ClosingCard {
    title: String,
    /// **Ground truth**: what was measured on the target.
    measured: Option<String>,
    clustered: Option<String>,
    took: String,
    /// What is wrong, the worst first.
    wrong: Vec<String>,
}

impl ClosingCard {
    /// Of a run that has ended.
    pub fn of(view: &RunView) -> Self {
        let [first, last] = [view.target_retrieval.first_key_value(), view.target_retrieval.last_key_value()];
        let measured = first.zip(last).filter(|(_, (_, r))| r.valid_queries > 0).map(|((_, first), (_, last))| {
            let [from, to] = [first, last].map(|r| 100.0 * r.mAP);
            let best = view.target_retrieval.iter().max_by(|a, b| a.1.mAP.total_cmp(&b.1.mAP));
            let best = best
                .filter(|(_, r)| 100.0 * r.mAP > to + 0.05)
                .map(|(epoch, r)| format!("; best {} {}", number(100.0 * r.mAP, 1), super::words::after_words(*epoch)));
            format!(
                "mAP {} → {}, {} points{}; rank-1 {}",
                number(from, 1),
                number(to, 1),
                signed(to - from, 1),
                best.unwrap_or_default(),
                number(100.0 * last.cmc[0], 1)
            )
        });
        let clustered = view.newest_clusters().map(|(epoch, clusters)| {
            let s = &clusters.summary;
            format!(
                "{} in epoch {}, {} reliable, {} of {}",
                counted(s.clusters[0], "cluster", "clusters"),
                epoch + 1,
                count(s.reliable),
                counted(s.noise[0], "outlier", "outliers"),
                counted(s.images, "image", "images")
            )
        });
        Self {
            title: view.title.clone(),
            measured,
            clustered,
            took: format!("It took {}.", duration(view.t)),
            wrong: diagnoses(view).into_iter().map(|d| format!("{}.", d.title)).collect(),
        }
    }

    /// Shows it; its height, none when it was put away.
    pub fn show(&self, ctx: &egui::Context, truth: bool, place: ToastPlace, actions: &Commands) -> Option<f32> {
        let theme = Theme::of(ctx);
        let mut stays = true;
        let area = Area::new(Id::unique("the run is done"))
            .order(Order::Foreground)
            .anchor(Align2::LEFT_BOTTOM, vec2(place.left, -place.bottom))
            .show(ctx, |ui| {
                tile::floating(theme).show(ui, |ui| {
                    ui.set_width(place.width);
                    ui.horizontal(|ui| {
                        ui.label(icon::text(icon::CHECK, Weight::Fill, size::ICON, theme.match_));
                        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                            stays &= !icon_button(ui, icon::CROSS, "Put the summary away").clicked();
                            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                                let title = format!("Done: {}", self.title);
                                ui.add(Label::new(Type::Title.text(title, theme.t1)).truncate());
                            });
                        });
                    });
                    self.lines(ui, truth);
                    ui.add_space(6.0);
                    stays &= !Self::next(ui, truth, actions);
                });
            });
        stays.then(|| area.response.rect.height())
    }

    fn lines(&self, ui: &mut Ui, truth: bool) {
        let theme = Theme::of(ui.ctx());
        let mut line = |text: &str, ink| ui.add(Label::new(Type::Body.text(text, ink)).wrap());
        if let Some(measured) = self.measured.as_ref().filter(|_| truth) {
            line(measured, theme.truth);
        }
        if let Some(clustered) = &self.clustered {
            line(clustered, theme.t2);
        }
        line(&self.took, theme.t2);
        for wrong in &self.wrong {
            line(wrong, theme.warn);
        }
    }

    /// What one does next; whether something was chosen.
    fn next(ui: &mut Ui, truth: bool, actions: &Commands) -> bool {
        let mut chosen = false;
        let lists = if truth { "Worst queries" } else { "Rank lists" };
        let entries = [
            (lists, "The rank lists, worst first.", UiCommand::ShowPane(Pane::RankLists)),
            (
                "Compare",
                "This run beside the ticked ones; beside the newest other one where none is.",
                UiCommand::Compare,
            ),
            ("Export…", "Figures, tables, a report, a replay of the run.", UiCommand::AskExport),
            ("New run…", "Another one, with other values.", UiCommand::NewRun),
        ];
        ui.horizontal_wrapped(|ui| {
            for (words, help, command) in entries {
                let button = ui.add(Push::new(words).look(ButtonLook::Framed).small());
                if button.on_hover_text(help).clicked() {
                    actions.send(command);
                    chosen = true;
                }
            }
        });
        chosen
    }
}
