//! "What would change": old → new, a dumbbell on a fixed scale, the signed difference.

use eframe::egui::{self, Align2, Color32, FontId, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::gui::panels::PanelCtx;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::widgets::{chip, tile};
use crate::method::cluster::ClusterSummary;
use crate::method::quality::Quality;

/// A number of a clustering.
struct Number {
    name: &'static str,
    old: f64,
    new: Option<f64>,
    /// The right end of its scale.
    top: f64,
    decimals: usize,
}

/// Median and largest size of the clusters.
pub fn sizes(summary: &ClusterSummary) -> [u32; 2] {
    let mut sizes = summary.cluster_size.clone();
    sizes.sort_unstable();
    [sizes.get(sizes.len() / 2).copied().unwrap_or(0), sizes.last().copied().unwrap_or(0)]
}

/// Shows the numbers of the run beside those of what is tried.
pub fn ui(ui: &mut Ui, cx: &PanelCtx<'_>) {
    let Some(run) = cx.what_if.base().and_then(|b| cx.view.clusters.get(&b.epoch)).map(|c| &c.summary) else { return };
    let tried = cx.what_if.outcome().map(|(outcome, _)| &outcome.summary);
    tile::section(ui, "What would change", if tried.is_some() { "run → what-if" } else { "run" });
    ui.scope(|ui| {
        // An answer to older values is still there, and looks so.
        if cx.what_if.is_late() {
            ui.set_opacity(0.5);
        }
        let images = run.images as f64;
        let count = |name, of: fn(&ClusterSummary) -> usize, top: f64| Number {
            name,
            old: of(run) as f64,
            new: tried.map(|t| of(t) as f64),
            top,
            decimals: 0,
        };
        let most = tried.map_or(0, |t| t.clusters[0]).max(run.clusters[0]) as f64;
        let top = ticks::round_out(0.0, most.max(1.0), 3)[1];
        line(ui, &count("clusters", |s| s.clusters[0], top));
        line(ui, &count("reliable clusters", |s| s.reliable, top));
        line(ui, &count("outliers", |s| s.noise[0], images));
        line(ui, &count("images kept", |s| s.kept, images));
        let largest = tried.map_or(0, |t| sizes(t)[1]).max(sizes(run)[1]);
        let top = ticks::round_out(0.0, f64::from(largest).max(1.0), 3)[1];
        line(ui, &count("median size", |s| sizes(s)[0] as usize, top));
        line(ui, &count("largest cluster", |s| sizes(s)[1] as usize, top));
        let Some(known) = run.quality.filter(|_| cx.truth) else { return };
        ui.add_space(4.0);
        chip::ground_truth(ui);
        let agreement = |name, of: fn(&Quality) -> f64| Number {
            name,
            old: of(&known),
            new: tried.and_then(|t| t.quality).map(|q| of(&q)),
            top: 1.0,
            decimals: 3,
        };
        line(ui, &agreement("purity", |q| q.purity));
        line(ui, &agreement("NMI", |q| q.nmi));
        line(ui, &agreement("ARI", |q| q.ari));
        line(ui, &agreement("pairwise F", |q| q.pairwise_f));
    });
}

fn line(ui: &mut Ui, number: &Number) {
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), k * 34.0), Sense::hover());
    let write = |x: f64| ticks::number(x, number.decimals);
    let old = write(number.old);
    let said = match number.new {
        Some(new) => format!("{} {old} would become {}", number.name, write(new)),
        None => format!("{} {old}", number.name),
    };
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, said.as_str()));
    let painter = ui.painter_at(rect.expand(1.0));
    let small = Type::Small.font(ui);
    painter.text(rect.left_top() + vec2(0.0, 1.0), Align2::LEFT_TOP, number.name, small.clone(), theme.t2);
    let y = rect.top() + k * 24.0;
    let column = |x: f32| rect.left() + rect.width() * x;
    let body = Type::Body.font(ui);
    let Some(new) = number.new else {
        painter.text(pos2(column(0.26), y), Align2::RIGHT_CENTER, old, body, theme.t1);
        dumbbell(ui, rect, y, number, None);
        return;
    };
    painter.text(pos2(column(0.26), y), Align2::RIGHT_CENTER, format!("{old}  →"), body, theme.t3);
    let strong = FontId::new(k * 15.0, theme::semibold());
    painter.text(pos2(column(0.48), y), Align2::RIGHT_CENTER, write(new), strong, theme.what_if);
    dumbbell(ui, rect, y, number, Some(new));
    let change = ticks::signed(new - number.old, number.decimals);
    painter.text(pos2(rect.right(), y), Align2::RIGHT_CENTER, change, small, theme.t2);
}

fn dumbbell(ui: &Ui, rect: Rect, y: f32, number: &Number, new: Option<f64>) {
    let theme = Theme::of(ui.ctx());
    let (left, right) = (rect.left() + rect.width() * 0.53, rect.right() - rect.width() * 0.25);
    let at = |x: f64| pos2(left + (right - left) * (x / number.top.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0) as f32, y);
    let painter = ui.painter();
    painter.hline(left..=right, painter.round_to_pixel_center(y), Stroke::new(size::STROKE, theme.bg4));
    let ring = |p: egui::Pos2, color: Color32| {
        painter.circle(p, 3.5, theme.bg1, Stroke::new(size::STROKE_CURVE, color));
    };
    if let Some(new) = new {
        painter.line_segment([at(number.old), at(new)], Stroke::new(size::STROKE_HERO, theme.what_if));
        ring(at(number.old), theme.t2);
        painter.circle_filled(at(new), 4.0, theme.what_if);
    } else {
        ring(at(number.old), theme.t2);
    }
}
