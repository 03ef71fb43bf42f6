//! "What would change": old → new, a dumbbell on a fixed scale, the signed difference.

use eframe::egui::{self, Align2, Color32, FontId, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

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

/// Where the parts of a line stand: its height, how far down the numbers are, and, as shares of the width, where the old
/// and the new number end and what the dumbbell takes.
struct Columns {
    height: f32,
    down: f32,
    old: f32,
    new: f32,
    dumbbell: [f32; 2],
}

/// Beside the name where there is room, else below it.
const BESIDE: Columns = Columns { height: 22.0, down: 11.0, old: 0.52, new: 0.70, dumbbell: [0.73, 0.84] };
const BELOW: Columns = Columns { height: 34.0, down: 24.0, old: 0.26, new: 0.48, dumbbell: [0.53, 0.75] };
/// Least width of a line with all beside each other.
const ROOM: f32 = 280.0;

fn line(ui: &mut Ui, number: &Number) {
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let width = ui.available_width();
    let columns = if width >= k * ROOM { BESIDE } else { BELOW };
    let (rect, response) = ui.allocate_exact_size(vec2(width, k * columns.height), Sense::hover());
    let write = |x: f64| ticks::number(x, number.decimals);
    let old = write(number.old);
    let said = match number.new {
        Some(new) => format!("{} {old} would become {}", number.name, write(new)),
        None => format!("{} {old}", number.name),
    };
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, said.as_str()));
    let painter = ui.painter_at(rect.expand(1.0));
    let small = Type::Small.font(ui);
    let y = rect.top() + k * columns.down;
    let column = |x: f32| rect.left() + rect.width() * x;
    let (name_at, anchor) = match columns.height < BELOW.height {
        true => (pos2(rect.left(), y), Align2::LEFT_CENTER),
        false => (rect.left_top() + vec2(0.0, 1.0), Align2::LEFT_TOP),
    };
    painter.text(name_at, anchor, number.name, small.clone(), theme.t2);
    let body = Type::Body.font(ui);
    let Some(new) = number.new else {
        painter.text(pos2(column(columns.old), y), Align2::RIGHT_CENTER, old, body, theme.t1);
        dumbbell(ui, columns.dumbbell.map(column), y, number, None);
        return;
    };
    painter.text(pos2(column(columns.old), y), Align2::RIGHT_CENTER, format!("{old}  →"), body, theme.t3);
    let strong = FontId::new(k * 15.0, theme::semibold());
    painter.text(pos2(column(columns.new), y), Align2::RIGHT_CENTER, write(new), strong, theme.what_if);
    dumbbell(ui, columns.dumbbell.map(column), y, number, Some(new));
    let change = ticks::signed(new - number.old, number.decimals);
    painter.text(pos2(rect.right(), y), Align2::RIGHT_CENTER, change, small, theme.t2);
}

fn dumbbell(ui: &Ui, [left, right]: [f32; 2], y: f32, number: &Number, new: Option<f64>) {
    let theme = Theme::of(ui.ctx());
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
