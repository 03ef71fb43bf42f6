//! A compass without truth: what the label-free scores say of the epochs, beside mAP, and which epoch one would choose by
//! them and what that honest choice costs.

use eframe::egui::{Align2, CursorIcon, Pos2, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn, Pick};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::button::focus_ring;
use crate::gui::widgets::icon;
use crate::gui::words::after_words;
use crate::study::compass::{Compass, Needle};

/// State of the Compass panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CompassPanel {}

/// Height of a row.
const ROW: f32 = 46.0;
/// Widths of the name and of the columns behind the curve.
const NAME: f32 = 96.0;
const COLUMN: f32 = 74.0;
/// Width of the first of them: `after 10 epochs`.
const CHOSEN: f32 = 104.0;

impl Panel for CompassPanel {
    const TITLE: &'static str = "Compass";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let scores = cx.view.clusters.iter().map(|(epoch, c)| (*epoch, &c.summary.label_free));
        let compass = Compass::new(scores, &cx.view.target_retrieval);
        let known = compass.needles.iter().any(|n| n.chosen.is_some());
        if !known {
            let text = "Each clustering is scored without any labels: silhouette, DBCV, Eq. 8 and others. Once an epoch \
                        has been clustered, they are shown here over the epochs.";
            return Err(Absence::nothing(icon::CROSSHAIR, "No scores yet", text));
        }
        let scope = format!("{} judged without labels", ticks::counted(compass.epochs.len(), "epoch", "epochs"));
        let truth = cx.truth && compass.best.is_some();
        cx.title(&scope).truth(cx.theme, truth).plain(ui);
        let height = type_scale(ui) * ROW;
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            titles(ui, truth);
            for needle in &compass.needles {
                row(ui, cx, &compass, needle, height, truth);
            }
            ui.add_space(6.0);
            verdict(ui, &compass, truth);
        });
        Ok(())
    }
}

/// The columns behind the curve and their right edges, from the left: all that there is room for.
fn columns(area: Rect, truth: bool, k: f32) -> Vec<(usize, f32)> {
    let wide = area.width() > k * (NAME + CHOSEN + 3.0 * COLUMN) + 90.0;
    let shown: &[usize] = match (truth, wide) {
        (true, true) => &[0, 1, 2, 3],
        (true, false) => &[0, 3],
        (false, _) => &[0],
    };
    let right = |at: usize| area.right() - k * COLUMN * (shown.len() - 1 - at) as f32;
    shown.iter().enumerate().map(|(at, &column)| (column, right(at))).collect()
}

fn curve_of(area: Rect, truth: bool, k: f32) -> Rect {
    let first = columns(area, truth, k)[0].1 - k * CHOSEN;
    Rect::from_min_max(
        area.min + vec2(k * NAME, 3.0),
        pos2(first.max(area.left() + k * NAME + 40.0), area.bottom() - 3.0),
    )
}

fn titles(ui: &mut Ui, truth: bool) {
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let (_, area) = ui.allocate_space(vec2(ui.available_width(), k * 16.0));
    let small = Type::Small.font(ui);
    let painter = ui.painter();
    painter.text(area.left_center(), Align2::LEFT_CENTER, "score", small.clone(), theme.t3);
    let over = if truth { "over the epochs, mAP faint" } else { "over the epochs" };
    painter.text(curve_of(area, truth, k).left_center(), Align2::LEFT_CENTER, over, small.clone(), theme.t3);
    let words = ["chooses", "rank corr.", "mAP there", "cost"];
    for (column, x) in columns(area, truth, k) {
        painter.text(pos2(x, area.center().y), Align2::RIGHT_CENTER, words[column], small.clone(), theme.t3);
    }
}

fn row(ui: &mut Ui, cx: &PanelCtx<'_>, compass: &Compass, needle: &Needle, height: f32, truth: bool) {
    let theme = cx.theme;
    let k = type_scale(ui);
    let (area, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let chosen = needle.chosen.map(|c| compass.epochs[c]);
    let picks = chosen.map_or("no value".to_owned(), |e| format!("chooses {}", after_words(e)));
    let correlated = needle.correlation.filter(|_| truth);
    let cost = needle.cost.filter(|_| truth);
    let mut said = format!("{}: {picks}", needle.name);
    if let Some(c) = correlated {
        said += &format!(", rank correlation with mAP {}", ticks::signed(c, 2));
    }
    if let Some(c) = cost {
        said += &format!(", costs {} points of mAP", ticks::number(-100.0 * c, 1));
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, said.as_str()));
    focus_ring(ui, &response, area, size::RADIUS_INPUT);
    if response.hovered() {
        ui.painter().rect_filled(area, size::RADIUS_INPUT, theme.bg2);
    }
    let painter = ui.painter();
    painter.hline(area.x_range(), area.top(), Stroke::new(size::STROKE, theme.line));
    painter.text(area.left_center(), Align2::LEFT_CENTER, needle.name, Type::Body.font(ui), theme.t1);
    let plot = curve_of(area, truth, k);
    let last = compass.epochs.len().saturating_sub(1).max(1) as f32;
    let x = |at: usize| plot.left() + 4.0 + (plot.width() - 8.0) * at as f32 / last;
    if let (true, Some(best)) = (truth, compass.best) {
        painter.vline(x(best), plot.y_range(), Stroke::new(size::STROKE, theme.truth.gamma_multiply(0.5)));
        painter.line(line(&compass.map, plot, &x), Stroke::new(size::STROKE, theme.truth.gamma_multiply(0.6)));
    }
    let points = line(&needle.values, plot, &x);
    painter.line(points.clone(), Stroke::new(size::STROKE_CURVE, theme.accent));
    if points.len() == 1 {
        painter.circle_filled(points[0], 2.5, theme.accent);
    }
    // The dot stands where the curve is at the chosen epoch.
    if let Some(at) = needle.chosen
        && let Some(p) = points.iter().find(|p| (p.x - x(at)).abs() < 0.5)
    {
        painter.circle(*p, 4.0, theme.bg1, Stroke::new(size::STROKE_HERO, theme.accent));
    }
    let percent = |m: f64| ticks::number(100.0 * m, 1);
    let there = needle.chosen.and_then(|c| compass.map[c]).filter(|_| truth);
    let cells = [
        (chosen.map_or("–".to_owned(), after_words), theme.t1),
        (correlated.map_or("–".to_owned(), |c| ticks::signed(c, 2)), theme.truth),
        (there.map_or("–".to_owned(), percent), theme.truth),
        (cost.map_or("–".to_owned(), |c| ticks::signed(100.0 * c, 1)), theme.truth),
    ];
    for (column, right) in columns(area, truth, k) {
        let (words, ink) = &cells[column];
        painter.text(pos2(right, area.center().y), Align2::RIGHT_CENTER, words, Type::Body.font(ui), *ink);
    }
    if let Some(at) = chosen.filter(|_| response.clicked()) {
        cx.select(Pick::Epoch(Some(at)));
    }
    let now = needle.values.iter().rev().find_map(|v| *v).map_or(String::new(), |v| format!(" Newest: {v:.3}."));
    response
        .on_hover_cursor(CursorIcon::PointingHand)
        .on_hover_text(format!("{}{now} Click looks at the epoch it chooses.", needle.help));
}

/// A curve over its own range.
fn line(values: &[Option<f64>], plot: Rect, x: &impl Fn(usize) -> f32) -> Vec<Pos2> {
    let known = || values.iter().enumerate().filter_map(|(at, v)| Some((at, (*v)?)));
    let (low, high) = known().fold((f64::MAX, f64::MIN), |(l, h), (_, v)| (l.min(v), h.max(v)));
    let range = if high > low { high - low } else { 1.0 };
    let inner = plot.shrink2(vec2(0.0, 5.0));
    known().map(|(at, v)| pos2(x(at), inner.bottom() - inner.height() * ((v - low) / range) as f32)).collect()
}

/// What an honest choice is, and what it costs.
fn verdict(ui: &mut Ui, compass: &Compass, truth: bool) {
    let theme = Theme::of(ui.ctx());
    let Some(by) = compass.needles.first() else { return };
    let Some(chosen) = by.chosen else { return };
    let epoch = after_words(compass.epochs[chosen]);
    let mut words = format!("Without labels one would choose {epoch}, by the {}.", by.name);
    if let (true, Some(best), Some(cost)) = (truth, compass.best, by.cost) {
        let percent = |at: usize| ticks::number(100.0 * compass.map[at].unwrap_or(f64::NAN), 1);
        words += &format!(
            " It has mAP {}; the best of these epochs has {} ({}). Choosing that one takes the target's test labels: the \
             {} points between them are what honesty costs here.",
            percent(chosen),
            percent(best),
            after_words(compass.epochs[best]),
            ticks::number(-100.0 * cost, 1)
        );
    }
    ui.label(Type::Body.text(words, theme.t2));
}
