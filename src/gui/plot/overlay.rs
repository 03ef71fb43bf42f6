//! Curves of several runs in one plot: one colour a setting, seeds as mean and band, differences to the baseline ★.

use std::collections::BTreeMap;

use eframe::egui::Stroke;

use crate::gui::book::Overlay;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::{Canvas, EndLabel, ticks};
use crate::gui::theme::size;
use crate::gui::view_model::RunView;

/// Runs that the cursor's box lists.
const READINGS: usize = 14;

/// A point of a curve: the mean over the runs of one setting, and their standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverlayPoint {
    /// Where.
    pub x: f64,
    /// The mean; not finite where the curve has a gap.
    pub mean: f64,
    /// The standard deviation with n − 1; 0 for a single run.
    pub deviation: f64,
}

/// The point of several values at one x.
pub fn point(x: f64, values: &[f64]) -> OverlayPoint {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    OverlayPoint { x, mean, deviation: if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 } }
}

/// The curve of a setting over epochs, from what each of its runs has by epoch.
pub fn by_epoch(overlay: &Overlay<'_>, of: impl Fn(&RunView) -> Vec<(usize, f64)>) -> Vec<OverlayPoint> {
    let mut values: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (epoch, value) in overlay.views.iter().flat_map(|view| of(view)) {
        values.entry(epoch).or_default().push(value);
    }
    values.into_iter().map(|(epoch, values)| point(epoch as f64, &values)).collect()
}

/// `, 3 runs`, for a scope.
pub fn scope(overlays: &[Overlay<'_>]) -> String {
    format!(", {}", count(overlays))
}

/// `3 runs`.
pub fn count(overlays: &[Overlay<'_>]) -> String {
    ticks::counted(overlays.iter().map(|overlay| overlay.views.len()).sum(), "run", "runs")
}

/// The range of x that holds all runs.
pub fn range(cx: &PanelCtx<'_>, of: impl Fn(&RunView) -> [f64; 2]) -> [f64; 2] {
    let all = cx.overlays.iter().flat_map(|overlay| overlay.views.iter().copied());
    all.map(&of).fold(of(cx.view), |[low, high], [from, to]| [low.min(from), high.max(to)])
}

/// The least and the largest value, bands included; `None` without any.
pub fn extent(curves: &[Vec<OverlayPoint>]) -> Option<[f64; 2]> {
    let finite = curves.iter().flatten().filter(|p| p.mean.is_finite());
    finite.fold(None, |range, p| {
        let [low, high] = range.unwrap_or([f64::INFINITY, f64::NEG_INFINITY]);
        Some([low.min(p.mean - p.deviation), high.max(p.mean + p.deviation)])
    })
}

/// `baseline ★ 47.6; eps 0.52 49.3 (+1.7)`: the last value of each curve, for a screen reader.
pub fn said(overlays: &[Overlay<'_>], curves: &[Vec<OverlayPoint>], decimals: usize) -> String {
    let last = |curve: &[OverlayPoint]| curve.iter().rev().find(|p| p.mean.is_finite()).copied();
    let base = base(overlays, curves).and_then(last);
    let each = overlays.iter().zip(curves).map(|(overlay, curve)| {
        let Some(p) = last(curve) else { return format!("{} –", overlay.said()) };
        format!("{} {}", overlay.said(), words(overlay, p, base, decimals))
    });
    each.collect::<Vec<_>>().join("; ")
}

fn base<'c>(overlays: &[Overlay<'_>], curves: &'c [Vec<OverlayPoint>]) -> Option<&'c [OverlayPoint]> {
    overlays.iter().zip(curves).find(|(overlay, _)| overlay.baseline).map(|(_, curve)| curve.as_slice())
}

/// `49.3 ± 0.4 (+1.7)`.
fn words(overlay: &Overlay<'_>, p: OverlayPoint, base: Option<OverlayPoint>, decimals: usize) -> String {
    let mut text = ticks::number(p.mean, decimals);
    if overlay.views.len() > 1 {
        text.push_str(&format!(" ± {}", ticks::number(p.deviation, decimals)));
    }
    if let Some(base) = base.filter(|_| !overlay.baseline) {
        text.push_str(&format!(" ({})", ticks::signed(p.mean - base.mean, decimals)));
    }
    text
}

/// Draws the curves, their names at their ends where there is room, and what is under the cursor; `heading` names its x.
pub fn draw(
    canvas: &mut Canvas<'_>,
    overlays: &[Overlay<'_>],
    curves: &[Vec<OverlayPoint>],
    decimals: usize,
    heading: impl Fn(f64) -> String,
) {
    let theme = canvas.theme;
    let mut labels = Vec::new();
    for (overlay, curve) in overlays.iter().zip(curves).rev() {
        let color = theme.series(overlay.slot);
        let width = if overlay.slot == 0 { size::STROKE_HERO } else { size::STROKE_CURVE };
        if overlay.views.len() > 1 {
            canvas.band(
                curve.iter().map(|p| (p.x, p.mean - p.deviation, p.mean + p.deviation)),
                color.gamma_multiply(0.22),
            );
        }
        let points = || curve.iter().map(|p| (p.x, p.mean));
        // Colours repeat after the seventh.
        if overlay.slot < theme.series.len() {
            canvas.line(points(), Stroke::new(width, color));
        } else {
            let there: Vec<(f64, f64)> = points().filter(|(_, y)| y.is_finite()).collect();
            canvas.dashed(&there, Stroke::new(width, color), 5.0, 3.0);
        }
        if let Some((x, y)) = canvas.spoken(points().filter(|(_, y)| y.is_finite())) {
            canvas.inside.circle_filled(canvas.at(x, y), width + 0.6, color);
            labels.push((overlay, y));
        }
    }
    let most = canvas.label_room();
    // Where there is no room for all: the run on screen, the baseline, then in their order.
    labels.sort_by_key(|(overlay, _)| (!(overlay.slot == 0 || overlay.baseline), overlay.slot));
    labels.truncate(most);
    let label = |(overlay, y): (&Overlay<'_>, f64)| EndLabel {
        y,
        name: overlay.title(),
        value: ticks::number(y, decimals),
        color: theme.series_text(overlay.slot),
        hero: overlay.slot == 0,
    };
    canvas.end_labels(labels.into_iter().map(label).collect());
    readings(canvas, overlays, curves, decimals, heading);
}

fn readings(
    canvas: &mut Canvas<'_>,
    overlays: &[Overlay<'_>],
    curves: &[Vec<OverlayPoint>],
    decimals: usize,
    heading: impl Fn(f64) -> String,
) {
    let Some(cursor) = canvas.cursor else { return };
    let near = |curve: &[OverlayPoint]| {
        let finite = curve.iter().filter(|p| p.mean.is_finite());
        finite.min_by(|a, b| (a.x - cursor).abs().total_cmp(&(b.x - cursor).abs())).copied()
    };
    let mut found: Vec<(&Overlay<'_>, OverlayPoint)> =
        overlays.iter().zip(curves).filter_map(|(overlay, curve)| Some((overlay, near(curve)?))).collect();
    let Some(x) = found.iter().map(|(_, p)| p.x).min_by(|a, b| (a - cursor).abs().total_cmp(&(b - cursor).abs()))
    else {
        return;
    };
    // A run that has nothing there yet is not shown with an old value.
    found.retain(|(_, p)| (p.x - x).abs() < 0.75);
    let base = found.iter().find(|(overlay, _)| overlay.baseline).map(|(_, p)| *p);
    found.sort_by(|a, b| b.1.mean.total_cmp(&a.1.mean));
    canvas.heading(heading(x));
    let more = found.len().saturating_sub(READINGS);
    found.truncate(READINGS);
    for (overlay, p) in found {
        let text = format!("{} {}", overlay.title(), words(overlay, p, base, decimals));
        canvas.reading(p.x, p.mean, canvas.theme.series(overlay.slot), text);
    }
    if more > 0 {
        canvas.note(vec![format!("and {more} more")]);
    }
}
