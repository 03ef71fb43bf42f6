//! The epoch scrubber: a bar an epoch, stacked reliable, unreliable, outlier, so that the track tells the story.

use eframe::egui::{self, Align, Align2, Color32, Layout, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{Pick, Selection};
use crate::base::text::count;
use crate::engine::event::Phase;
use crate::gui::command::{Commands, UiCommand};
use crate::gui::plot::epochs::{self, rate_words};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::{MarkKind, RunView};
use crate::gui::widgets::button::{ButtonLook, Push, icon_button};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::words::{epoch_words, is_active};

/// How wide a mark above the bars is, in points.
const MARK: f32 = 9.0;

/// Shows the scrubber.
pub fn ui(
    ui: &mut Ui,
    (view, truth): (&RunView, bool),
    (playing, rate): (bool, u32),
    selection: &Selection,
    actions: &Commands,
) {
    let theme = Theme::of(ui.ctx());
    let newest = view.newest_clusters().map(|(epoch, _)| epoch);
    let at = selection.epoch.or(newest);
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.add_space(size::TILE_MARGIN);
        if icon_button(ui, icon::CARET_LEFT, "Epoch back").clicked() {
            actions.send(UiCommand::EpochBack);
        }
        let words = at.map_or("No epoch yet".to_owned(), |e| format!("Epoch {}", e + 1));
        ui.add_sized(vec2(84.0, 22.0), egui::Label::new(Type::Heading.text(words, theme.t1)));
        if icon_button(ui, icon::CARET_RIGHT, "Epoch on").clicked() {
            actions.send(UiCommand::EpochOn);
        }
        let (glyph, name) =
            if playing { (icon::PAUSE, "Stop playing the epochs") } else { (icon::PLAY, "Play the epochs") };
        if icon_button(ui, glyph, name).clicked() {
            actions.send(UiCommand::PlayEpochs);
        }
        if ui.available_width() > 620.0 && view.folder.is_some() {
            let help = "Branch from here";
            if icon_button(ui, icon::BRANCH, help).clicked() {
                actions.send(UiCommand::Checkpoints);
            }
        }
        if ui.available_width() > 560.0 {
            let button = ui.add(Push::new(&format!("{rate}/s")).look(ButtonLook::Flat).small().tight());
            let button = button.accessible_name("Epochs a second").on_hover_text("Epochs a second: 1, 2 or 5.");
            if button.clicked() {
                actions.send(UiCommand::PlayRate(match rate {
                    1 => 2,
                    2 => 5,
                    _ => 1,
                }));
            }
        }
        ui.add_space(8.0);
        let legend = if ui.available_width() > 640.0 { 216.0 } else { 12.0 };
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width() - legend, size::SCRUBBER), Sense::hover());
        track(ui, rect, (view, truth), (selection, newest), actions);
        if legend > 100.0 {
            keys(ui, truth);
        }
    });
}

fn track(
    ui: &mut Ui,
    rect: Rect,
    (view, truth): (&RunView, bool),
    (selection, newest): (&Selection, Option<usize>),
    actions: &Commands,
) {
    let theme = Theme::of(ui.ctx());
    let to_come = view.params.as_ref().filter(|_| view.trains()).map_or(1, |p| p.adapt.epochs);
    let planned = to_come.max(newest.map_or(1, |e| e + 1)).max(1);
    let bar = Rect::from_min_max(pos2(rect.left(), rect.top() + 19.0), pos2(rect.right() - 8.0, rect.bottom() - 20.0));
    let unit = bar.width() / planned as f32;
    let x_of = |epoch: usize| bar.left() + unit * epoch as f32;
    let response = ui.interact(rect, ui.scope_id().with("track"), Sense::click_and_drag());
    let at = selection.epoch.or(newest);
    let shown = at.map_or(0.0, |e| (e + 1) as f64);
    response.widget_info(|| WidgetInfo::slider(true, shown, "Epoch"));
    let painter = ui.painter_at(rect.expand2(vec2(30.0, 0.0)));
    painter.rect_filled(bar, size::RADIUS_CHIP, theme.bg2);
    for (&epoch, clusters) in &view.clusters {
        let (all, kept, noise) = (clusters.summary.images, clusters.summary.kept, clusters.summary.noise[0]);
        let dropped = all.saturating_sub(kept + noise);
        let all = all.max(1) as f32;
        let mut bottom = bar.bottom();
        let gap = if unit > 4.0 { 1.0 } else { 0.0 };
        let colors = [(kept, theme.reliable), (dropped, theme.unreliable), (noise, theme.bg4)];
        for (count, color) in colors {
            let height = bar.height() * count as f32 / all;
            let part = Rect::from_min_max(pos2(x_of(epoch) + gap, bottom - height), pos2(x_of(epoch + 1), bottom));
            painter.rect_filled(part, 0.0, color.gamma_multiply(0.85));
            bottom -= height;
        }
    }
    ticks(ui, &painter, bar, planned, x_of);
    let taken = marks(&painter, (view, truth), bar, unit);
    // A rate that is multiplied by one stays as it is: no mark.
    if let Some(params) = view.params.as_ref().filter(|params| params.adapt.gamma != 1.0) {
        for drop in (1..).map(|n| params.adapt.step.saturating_mul(n)).take_while(|&e| e < planned).take(12) {
            let top = pos2(x_of(drop), bar.top() - 4.0);
            let line = Stroke::new(size::STROKE, theme.t3);
            painter.extend(Shape::dashed_line(&[top, pos2(x_of(drop), bar.bottom())], line, 2.0, 3.0));
            let words = painter.layout_no_wrap(rate_words(params.adapt.gamma), Type::Small.font(ui), theme.t3);
            let at = pos2(x_of(drop) + 9.0, rect.top() + 9.0 - words.size().y / 2.0);
            // Where marks stand close, the line alone says it.
            let room = at.x - 6.0..=at.x + words.size().x + 6.0;
            if !taken.iter().any(|x| room.contains(x)) {
                painter.galley(at, words, theme.t3);
            }
        }
    }
    if let Some(at) = at {
        let x = painter.round_to_pixel_center(x_of(at) + unit / 2.0);
        playhead(ui, &painter, bar, x, selection, view);
    }
    if let (Some(pointer), Some(newest)) = (response.interact_pointer_pos(), newest) {
        let epoch = (((pointer.x - bar.left()) / unit).floor().max(0.0) as usize).min(newest);
        let chosen = (epoch < newest).then_some(epoch);
        if chosen != selection.epoch {
            actions.send(UiCommand::Select(Pick::Epoch(chosen)));
        }
    }
    let under = response.hover_pos().map(|at| what_is_at((view, truth), (at.x - bar.left()) / unit, MARK / unit));
    let help = "A bar an epoch. Click or drag to look at an epoch in every panel; Left and Right step, End follows.";
    response.on_hover_text(under.unwrap_or_else(|| help.to_owned()));
}

/// What lies under the pointer at `x` epochs: marks within `near` of it, and the counts of the epoch.
fn what_is_at((view, truth): (&RunView, bool), x: f32, near: f32) -> String {
    let mut lines: Vec<String> = Vec::new();
    if let Some((epochs, map)) = best(view).filter(|(epochs, _)| truth && (*epochs as f32 - x).abs() < near) {
        lines.push(format!("Best mAP {map:.1}, after {}", epoch_words(epochs.saturating_sub(1))));
    }
    for mark in view.marks.iter().filter(|m| m.phase == Phase::Adapt && (m.x as f32 - x).abs() < near) {
        let what = match &mark.kind {
            MarkKind::Checkpoint { .. } => "Checkpoint".to_owned(),
            MarkKind::Param { .. } => epochs::words(mark),
            MarkKind::Pause => "Pause".to_owned(),
            MarkKind::Resumed => "Resumed".to_owned(),
            MarkKind::LrDrop { .. } => epochs::words(mark),
        };
        lines.push(what);
    }
    let epoch = x.floor().max(0.0) as usize;
    match view.clusters.get(&epoch) {
        Some(clusters) => {
            let s = &clusters.summary;
            let dropped = s.images.saturating_sub(s.kept + s.noise[0]);
            lines.push(format!(
                "Epoch {}: {} images kept, {} in unreliable clusters, {} outliers. Click to look at it.",
                epoch + 1,
                count(s.kept),
                count(dropped),
                count(s.noise[0])
            ));
        }
        None => lines.push(format!("Epoch {} has not been clustered.", epoch + 1)),
    }
    lines.dedup();
    lines.join("\n")
}

fn ticks(ui: &Ui, painter: &egui::Painter, bar: Rect, planned: usize, x_of: impl Fn(usize) -> f32) {
    let theme = Theme::of(ui.ctx());
    // However many epochs a damaged run claims to plan: ten marks at most, 1, 2 or 5 times a power of ten apart.
    let steps = (0..19).flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)));
    let step = steps.into_iter().find(|step| planned / step <= 10).unwrap_or(usize::MAX);
    for epoch in (0..=planned).step_by(step) {
        let at = pos2(x_of(epoch), bar.bottom() + 9.0);
        painter.text(at, Align2::CENTER_CENTER, epoch.to_string(), Type::Small.font(ui), theme.t3);
    }
}

/// What happened, above the bars; gives the places it took. Marks of one kind that would touch are one; marks of different
/// kinds stand beside one another.
fn marks(painter: &egui::Painter, (view, truth): (&RunView, bool), bar: Rect, unit: f32) -> Vec<f32> {
    let theme = Theme::of(painter.ctx());
    let mut taken: Vec<(f32, &str)> = Vec::new();
    let mut place = |x: f64, glyph: &'static str, color: Color32| {
        let mut x = bar.left() + unit * x as f32;
        let touches = |x: f32, (other, _): &(f32, &str)| (x - other).abs() < MARK;
        if taken.iter().any(|mark| mark.1 == glyph && touches(x, mark)) {
            return;
        }
        while taken.iter().any(|mark| touches(x, mark)) && x > bar.left() {
            x -= MARK;
        }
        icon::paint(painter, pos2(x, bar.top() - 8.0), glyph, Weight::Fill, MARK, color);
        taken.push((x, glyph));
    };
    for mark in view.marks.iter().filter(|m| m.phase == Phase::Adapt) {
        match mark.kind {
            MarkKind::Checkpoint { .. } => place(mark.x, icon::DIAMOND, theme.t2),
            MarkKind::Param { .. } => place(mark.x, icon::TRIANGLE, theme.pending),
            MarkKind::Pause => place(mark.x, icon::PAUSE, theme.t3),
            MarkKind::Resumed | MarkKind::LrDrop { .. } => {}
        }
    }
    if let Some((epochs, _)) = best(view).filter(|_| truth) {
        place(epochs as f64, icon::STAR, theme.truth);
    }
    taken.into_iter().map(|(x, _)| x).collect()
}

/// The best model by the target's test labels, an oracle's choice: after how many epochs, and its mAP in percent.
fn best(view: &RunView) -> Option<(usize, f64)> {
    let best = view.target_retrieval.iter().max_by(|a, b| a.1.mAP.total_cmp(&b.1.mAP));
    best.map(|(&epochs, retrieval)| (epochs, 100.0 * retrieval.mAP))
}

fn playhead(ui: &Ui, painter: &egui::Painter, bar: Rect, x: f32, selection: &Selection, view: &RunView) {
    let theme = Theme::of(ui.ctx());
    let ink = theme.t1;
    painter.vline(x, bar.top() - 8.0..=bar.bottom(), Stroke::new(size::STROKE_CURVE, ink));
    painter.circle_filled(pos2(x, bar.top() - 8.0), 4.0, ink);
    let words = match (selection.epoch, view.is_running(), is_active(view)) {
        (Some(epoch), ..) => format!("{}", epoch + 1),
        (None, true, _) => "live".to_owned(),
        (None, _, true) => "now".to_owned(),
        (None, ..) => "last".to_owned(),
    };
    let galley = painter.layout_no_wrap(words, Type::Small.font(ui), Color32::PLACEHOLDER);
    let width = galley.size().x + 18.0;
    let left = if x + 8.0 + width > bar.right() + 8.0 { x - 8.0 - width } else { x + 8.0 };
    let pill = Rect::from_min_size(pos2(left, bar.center().y - 8.0), vec2(width, 16.0));
    painter.rect_filled(pill, 8.0, theme.accent_fill);
    painter.galley(pill.center() - galley.size() / 2.0, galley, theme.accent_ink);
}

fn keys(ui: &mut Ui, truth: bool) {
    let theme = Theme::of(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(200.0, size::SCRUBBER), Sense::hover());
    let swatches = [("outlier", theme.bg4), ("unreliable", theme.unreliable), ("reliable", theme.reliable)];
    let mut marks = vec![
        ("checkpoint", icon::DIAMOND, theme.t2),
        ("parameter", icon::TRIANGLE, theme.pending),
        ("pause", icon::PAUSE, theme.t3),
    ];
    if truth {
        marks.push(("best mAP", icon::STAR, theme.truth));
    }
    for (n, (mark, glyph, ink)) in marks.into_iter().enumerate() {
        let at = pos2(rect.left() + 116.0, rect.top() + 9.0 + 15.0 * n as f32);
        icon::paint(ui.painter(), at, glyph, Weight::Fill, 9.0, ink);
        ui.painter().text(at + vec2(10.0, 0.0), Align2::LEFT_CENTER, mark, Type::Small.font(ui), theme.t3);
    }
    for (n, (word, color)) in swatches.into_iter().enumerate() {
        let y = rect.top() + 14.0 + 18.0 * n as f32;
        let left = rect.left() + 20.0;
        ui.painter().rect_filled(Rect::from_center_size(pos2(left, y), vec2(8.0, 8.0)), 1.0, color);
        ui.painter().text(pos2(left + 10.0, y), Align2::LEFT_CENTER, word, Type::Small.font(ui), theme.t3);
    }
}
