//! All steps, and what goes wrong on stage, as rows of a list; and why a step cannot be taken.

use eframe::egui::{self, Align2, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use crate::gui::command::UiCommand;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::type_scale;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::tour::stage::StageCase;
use crate::gui::tour::{Tour, TourAsk, TourStep};
use crate::gui::widgets::button::{ButtonLook, Push, focus_ring};
use crate::gui::widgets::icon::{self, Weight};

/// Why a step cannot be taken on this run, with the way to one where it can.
pub(super) fn missing(ui: &mut Ui, cx: &PanelCtx<'_>, why: &str) {
    let theme = Theme::of(ui.ctx());
    ui.add(egui::Label::new(Type::Body.text(why, theme.t1)).wrap());
    if ui.add(Push::new("Open the recorded run").look(ButtonLook::Framed).small()).clicked() {
        cx.send(UiCommand::OpenExample);
    }
}

/// All steps and what goes wrong, while no step is shown.
pub(super) fn list(ui: &mut Ui, cx: &PanelCtx<'_>, tour: &Tour) {
    let theme = Theme::of(ui.ctx());
    ScrollArea::vertical().id_salt("tour list").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.label(Type::Figure.text("The method in eight steps", theme.t1));
        let words = "Each step shows one panel and asks for one thing. Nothing is trained.";
        ui.add(egui::Label::new(Type::Body.text(words, theme.t2)).wrap());
        ui.add_space(4.0);
        let begin = if tour.done() == 0 { "Take the tour" } else { "Go on with the tour" };
        if ui.add(Push::new(begin).icon(icon::PLAY, Weight::Fill).look(ButtonLook::Primary)).clicked() {
            cx.send(UiCommand::Tour(TourAsk::Begin));
        }
        ui.add_space(6.0);
        for step in TourStep::ALL {
            let done = tour.is_done(step);
            let words = format!("{}  {}", step.place() + 1, step.title());
            let said = format!("Step {}: {}{}", step.place() + 1, step.title(), if done { ", done" } else { "" });
            if entry(ui, &words, &said, done.then_some(icon::CHECK)) {
                cx.send(UiCommand::Tour(TourAsk::Go(step)));
            }
        }
        ui.add_space(8.0);
        ui.label(Type::Title.text("Examples", theme.t1));
        let examples = [
            ("The recorded run", "Open the recorded run", UiCommand::OpenExample),
            ("Features of Market-1501's size", "Open features of Market-1501's size", UiCommand::OpenMade),
        ];
        for (words, said, command) in examples {
            if entry(ui, words, said, None) {
                cx.send(command);
            }
        }
        ui.add_space(8.0);
        ui.label(Type::Title.text("On stage: what goes wrong", theme.t1));
        for case in StageCase::ALL {
            if entry(ui, case.title(), &format!("On stage: {}", case.title()), None) {
                cx.send(UiCommand::Tour(TourAsk::Stage(case)));
            }
        }
    });
}

/// A row of the list.
fn entry(ui: &mut Ui, words: &str, said: &str, glyph: Option<&str>) -> bool {
    let theme = Theme::of(ui.ctx());
    let height = type_scale(ui) * 22.0;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, said));
    if response.hovered() {
        ui.painter().rect_filled(rect, size::RADIUS_BUTTON, theme.bg2);
    }
    let at = rect.left_center() + vec2(6.0, 0.0);
    ui.painter_at(rect).text(at, Align2::LEFT_CENTER, words, Type::Body.font(ui), theme.t1);
    if let Some(glyph) = glyph {
        let at = rect.right_center() - vec2(10.0, 0.0);
        icon::paint(ui.painter(), at, glyph, Weight::Bold, size::ICON_MARK, theme.match_);
    }
    focus_ring(ui, &response, rect.shrink(2.0), size::RADIUS_BUTTON);
    response.clicked()
}
