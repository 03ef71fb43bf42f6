//! The one control of a step: a slider with where it is asked to go, the epochs, or the queries.

use eframe::egui::{
    self, Align, Align2, Layout, Rect, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo, lerp, pos2, vec2,
};

use crate::base::text::number;
use crate::gui::command::UiCommand;
use crate::gui::panels::{PanelCtx, Pick};
use crate::gui::plot::type_scale;
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::what_if::Try;
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::slider::Slider;
use crate::method::params::table::{ParamKind, row};
use crate::method::params::{ParamRow, Params, Value};
use crate::run::graph::REACH;
use crate::run::snapshot::RankSnapshot;

/// Numbers beside the control, those that are tried in their colour.
pub(super) fn readouts(ui: &mut Ui, numbers: &[(&'static str, String, bool)]) {
    let theme = Theme::of(ui.ctx());
    let height = ui.available_height() / numbers.len().max(2) as f32;
    for (name, value, tried) in numbers {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height - 4.0), Sense::hover());
        let said = format!("{name} {value}{}", if *tried { ", tried" } else { "" });
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said.as_str()));
        let painter = ui.painter_at(rect);
        painter.text(rect.left_center(), Align2::LEFT_CENTER, *name, Type::Body.font(ui), theme.t2);
        let ink = if *tried { theme.what_if } else { theme.t1 };
        let font = egui::FontId::new(1.25 * Type::Body.font(ui).size, theme::semibold());
        painter.text(rect.right_center(), Align2::RIGHT_CENTER, value, font, ink);
    }
}

/// Ends and step of a slider.
fn ends(row: &ParamRow, run: &Params) -> (f64, f64, f64) {
    let (min, max, step) = match row.kind {
        ParamKind::Float { min, max, decimals } => (min, max, 10f64.powi(-(decimals as i32))),
        ParamKind::Int { min, max } => (min as f64, max as f64, 1.0),
        _ => (0.0, 1.0, 0.01),
    };
    let most = match row.key {
        "eps" => f64::from(REACH) - run.delta_d,
        "delta_d" => 0.1f64.max(run.delta_d + 0.06),
        "k1" => 2.0 * run.k1 as f64,
        _ => max,
    };
    (min, most.min(max), step)
}

/// A slider with its name, its value, and where it is asked to go.
fn rail(ui: &mut Ui, given: &Rail<'_>, value: &mut f64) -> egui::Response {
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let rect = ui.available_rect_before_wrap();
    let tried = (*value - given.run).abs() > 1e-9;
    let ink = if tried { theme.what_if } else { theme.t1 };
    let font = egui::FontId::new(1.2 * Type::Body.font(ui).size, theme::semibold());
    let name = ui.painter().text(
        rect.left_top() + vec2(0.0, k * 10.0),
        Align2::LEFT_CENTER,
        given.label,
        font.clone(),
        theme.t1,
    );
    let written = number(*value, given.decimals);
    let shown = ui.painter().text(rect.right_top() + vec2(-2.0, k * 10.0), Align2::RIGHT_CENTER, written, font, ink);
    let gloss = ui.painter().layout_no_wrap(given.gloss.to_owned(), Type::Small.font(ui), theme.t3);
    if name.right() + 12.0 + gloss.size().x < shown.left() - 12.0 {
        ui.painter().galley(pos2(name.right() + 10.0, rect.top() + k * 10.0 - gloss.size().y / 2.0), gloss, theme.t3);
    }
    let (min, max, step) = given.ends;
    let y = rect.top() + k * 56.0;
    let line = Rect::from_min_max(pos2(rect.left(), y - 11.0), pos2(rect.right(), y + 11.0));
    let slider = Slider {
        name: given.name,
        min,
        max,
        step,
        logarithmic: false,
        tick: None,
        ghost: tried.then_some(given.run),
        color: if tried { theme.what_if } else { theme.accent },
        width: line.width(),
    };
    let mut child = ui.new_child(UiBuilder::new().max_rect(line).layout(Layout::left_to_right(Align::Center)));
    let response = slider.show(&mut child, value);
    // As the slider lays its own rail.
    let ends = line.shrink2(vec2(6.0, 0.0)).x_range();
    let x = lerp(ends, ((given.aim - min) / (max - min)).clamp(0.0, 1.0) as f32);
    ui.painter().vline(x, y - 9.0..=y + 9.0, Stroke::new(size::STROKE_HERO, theme.accent));
    let words = ui.painter().layout_no_wrap("drag to here".to_owned(), Type::Small.font(ui), theme.accent);
    let left = (x - words.size().x / 2.0).clamp(rect.left(), rect.right() - words.size().x);
    ui.painter().galley(pos2(left, y - 12.0 - words.size().y), words, theme.accent);
    let note = "Nothing is trained while you try.";
    ui.painter().text(pos2(rect.left(), y + k * 22.0), Align2::LEFT_CENTER, note, Type::Small.font(ui), theme.t3);
    response
}

/// What a [`rail`] shows.
struct Rail<'a> {
    label: &'a str,
    gloss: &'a str,
    name: &'a str,
    ends: (f64, f64, f64),
    decimals: usize,
    run: f64,
    aim: f64,
}

/// A parameter that is tried in What-if.
pub(super) fn knob(ui: &mut Ui, cx: &PanelCtx<'_>, key: &'static str, aim: f64, run: &Params) {
    let Ok(row) = row(key) else { return };
    let now = |params: &Params| params.get(key).ok().as_ref().and_then(Value::as_f64);
    let (Some(from), Some(mut value)) = (now(run), now(cx.what_if.draft())) else { return };
    let (whole, decimals) = match row.kind {
        ParamKind::Float { decimals, .. } => (false, decimals),
        _ => (true, 0),
    };
    let gloss = match key {
        "eps" => "how far one step may be",
        "k1" => "neighbours that are asked",
        "delta_d" => "step between the three radii",
        _ => "least score that is kept",
    };
    let name = format!("Try {}", row.label);
    let ends = ends(row, run);
    let given = Rail { label: row.label, gloss, name: &name, ends, decimals, run: from, aim };
    let response = rail(ui, &given, &mut value);
    if response.changed() {
        let value = if whole { Value::Int(value.round() as i64) } else { Value::Float(value) };
        cx.attempt(Try::Value(key, value));
    }
    if response.drag_stopped() || (response.changed() && !response.dragged()) {
        cx.attempt(Try::LetGo);
    }
}

/// The β that is tried in the memory.
pub(super) fn beta(ui: &mut Ui, cx: &PanelCtx<'_>, tried: Option<f64>, (aim, run): (f64, f64)) {
    let mut value = tried.unwrap_or(run);
    let given = Rail {
        label: "β",
        gloss: "share of the old row that stays",
        name: "Try β",
        ends: (0.0, 1.0, 0.01),
        decimals: 2,
        run,
        aim,
    };
    if rail(ui, &given, &mut value).changed() {
        cx.send(UiCommand::TryBeta(Some(value)));
    }
}

/// The epochs, to play and to go to.
pub(super) fn epochs(ui: &mut Ui, cx: &PanelCtx<'_>, playing: bool) {
    let theme = Theme::of(ui.ctx());
    let newest = cx.view.newest_clusters().map_or(0, |(epoch, _)| epoch);
    let at = cx.selection.epoch.unwrap_or(newest);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (glyph, words) = if playing { (icon::PAUSE, "Stop") } else { (icon::PLAY, "Play") };
        let name = if playing { "Stop playing in the tour" } else { "Play in the tour" };
        let look = if playing { ButtonLook::Framed } else { ButtonLook::Primary };
        let play = ui.add(Push::new(words).icon(glyph, Weight::Fill).look(look));
        if play.accessible_name(name).on_hover_text("From the first epoch to the newest; K does the same.").clicked() {
            if !playing && cx.selection.epoch.is_none() {
                cx.select(Pick::Epoch(Some(0)));
            }
            cx.send(UiCommand::PlayEpochs);
        }
        if ui.add(Push::new("First epoch").look(ButtonLook::Framed).tight()).clicked() {
            cx.send(UiCommand::EpochFirst);
        }
        if ui.add(Push::new("Newest").look(ButtonLook::Framed).tight()).clicked() {
            cx.send(UiCommand::EpochLive);
        }
    });
    let mut value = (at + 1) as f64;
    let slider = Slider {
        name: "Epoch in the tour",
        min: 1.0,
        max: (newest + 1).max(2) as f64,
        step: 1.0,
        logarithmic: false,
        tick: None,
        ghost: None,
        color: theme.accent,
        width: ui.available_width(),
    };
    ui.add_space(6.0);
    if slider.show(ui, &mut value).changed() {
        let epoch = (value.round() as usize).saturating_sub(1);
        cx.select(Pick::Epoch((epoch < newest).then_some(epoch)));
    }
    ui.label(Type::Small.text(format!("Epoch {} of {}", at + 1, newest + 1), theme.t3));
}

/// Another query.
pub(super) fn queries(ui: &mut Ui, cx: &PanelCtx<'_>, ranks: Option<&RankSnapshot>) {
    let theme = Theme::of(ui.ctx());
    let Some(ranks) = ranks.filter(|r| r.queries() > 0) else { return };
    let valid = || ranks.ap.iter().enumerate().filter(|(_, ap)| !ap.is_nan());
    let best = valid().max_by(|a, b| a.1.total_cmp(b.1)).map(|(q, _)| q as u32);
    let worst = valid().min_by(|a, b| a.1.total_cmp(b.1)).map(|(q, _)| q as u32);
    let next = cx.selection.query.map_or(0, |q| (q + 1) % ranks.queries() as u32);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let choices = [
            ("Another query", Some(next), ButtonLook::Primary),
            ("Best", best, ButtonLook::Framed),
            ("Worst", worst, ButtonLook::Framed),
        ];
        for (words, query, look) in choices {
            let name = if words == "Another query" { words.to_owned() } else { format!("{words} query") };
            let button = ui.add(Push::new(words).look(look).tight()).accessible_name(name);
            if let (true, Some(query)) = (button.clicked(), query) {
                cx.select(Pick::Query(query));
            }
        }
    });
    ui.add_space(8.0);
    let words = cx.selection.query.map_or("No query is chosen.".to_owned(), |q| format!("Query {q} is chosen."));
    ui.label(Type::Small.text(words, theme.t3));
}
