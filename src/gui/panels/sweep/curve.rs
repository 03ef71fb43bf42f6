//! Twenty values of eps: clusters, noise and the largest cluster as curves, and as a table beside them.

use eframe::egui::{self, Align2, Color32, Rect, Role, ScrollArea, Sense, Shape, Stroke, Ui, pos2, vec2};

use super::caption;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::{Fixed, ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::what_if::{Try, WhatIf};
use crate::gui::widgets::line::line;
use crate::method::params::Value;
use crate::method::sweep::AtEps;

/// Shows both.
pub fn ui(ui: &mut Ui, cx: &PanelCtx<'_>) {
    let Some((rows, seconds)) = cx.what_if.sweep() else { return };
    let rows = std::sync::Arc::clone(rows);
    let k = type_scale(ui);
    let truth = cx.truth && rows.iter().any(|r| r.quality.is_some());
    let whole = ui.available_rect_before_wrap();
    let bottom = whole.bottom() - k * 18.0;
    let wide = k * if truth { 268.0 } else { 212.0 };
    let beside = whole.width() > wide + 160.0;
    let split = if beside { whole.right() - wide } else { whole.right() };
    let plot_bottom = if beside { bottom } else { whole.top() + (bottom - whole.top()) * 0.5 };
    let plot_at = Rect::from_min_max(whole.min, pos2(split - 8.0, plot_bottom));
    let table_at = if beside {
        Rect::from_min_max(pos2(split, whole.top()), pos2(whole.right(), bottom))
    } else {
        Rect::from_min_max(pos2(whole.left(), plot_bottom + 4.0), pos2(whole.right(), bottom))
    };
    curves(ui, cx, plot_at, &rows);
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(table_at));
    table(&mut child, cx, &rows, truth);
    caption(ui, whole, rows.len(), seconds);
    ui.allocate_rect(whole, Sense::hover());
}

type Curve = (&'static str, fn(&AtEps) -> f64, Color32);

fn curves(ui: &mut Ui, cx: &PanelCtx<'_>, outer: Rect, rows: &[AtEps]) {
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let inner = Rect::from_min_max(outer.min + k * vec2(38.0, 8.0), outer.max - k * vec2(64.0, 34.0));
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
    if inner.width() < 60.0 || inner.height() < 40.0 {
        return;
    }
    let curves: [Curve; 3] = [
        ("clusters", |r| r.clusters as f64, theme.series(0)),
        ("noise", |r| r.noise as f64, theme.outlier),
        ("largest", |r| f64::from(r.largest), theme.series(1)),
    ];
    let highest = rows.iter().flat_map(|r| curves.map(|(_, of, _)| of(r))).fold(1.0, f64::max);
    let y = ticks::round_out(0.0, highest, 4);
    let plot = Fixed { outer, inner, x: [first.eps, last.eps.max(first.eps + 0.01)], y, caption: "eps" };
    plot.axes(ui);
    let painter = ui.painter();
    let eps = cx.what_if.draft().eps;
    let x = painter.round_to_pixel_center(plot.x_of(eps));
    if inner.x_range().contains(x) {
        let ends = [pos2(x, inner.top()), pos2(x, inner.bottom())];
        painter.extend(Shape::dashed_line(&ends, Stroke::new(size::STROKE, theme.what_if), 3.0, 3.0));
    }
    let mut ys: Vec<f32> = Vec::new();
    for (_, of, color) in curves {
        let points: Vec<egui::Pos2> = rows.iter().map(|r| plot.at(r.eps, of(r))).collect();
        ys.push(points[points.len() - 1].y);
        painter.add(Shape::line(points, Stroke::new(size::STROKE_CURVE, color)));
    }
    crate::gui::plot::push_apart(&mut ys, 13.0, inner.top(), inner.bottom());
    for ((name, ..), (y, (_, _, color))) in curves.iter().zip(ys.iter().zip(&curves)) {
        painter.text(pos2(inner.right() + 6.0, *y), Align2::LEFT_CENTER, *name, Type::Small.font(ui), *color);
    }
}

fn table(ui: &mut Ui, cx: &PanelCtx<'_>, rows: &[AtEps], truth: bool) {
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let heads: &[&str] = if truth {
        &["eps", "clusters", "noise", "largest", "purity"]
    } else {
        &["eps", "clusters", "noise", "largest"]
    };
    let paint = |ui: &Ui, rect: Rect, cells: &[String], ink: Color32| {
        let width = rect.width() / cells.len() as f32;
        for (i, text) in cells.iter().enumerate() {
            let color = if i == 4 { theme.truth } else { ink };
            let at = pos2(rect.left() + width * (i + 1) as f32 - 4.0, rect.center().y);
            ui.painter().text(at, Align2::RIGHT_CENTER, text, Type::Small.font(ui), color);
        }
    };
    let (_, head) = ui.allocate_space(vec2(ui.available_width(), k * 18.0));
    paint(ui, head, &heads.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>(), theme.t3);
    let mut chosen = None;
    ScrollArea::vertical().id_salt("eps sweep").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for row in rows {
            let mut cells = vec![
                ticks::number(row.eps, 2),
                ticks::count(row.clusters),
                ticks::count(row.noise),
                ticks::count(row.largest as usize),
            ];
            if truth {
                cells.push(row.quality.map_or("–".to_owned(), |q| ticks::number(q.purity, 3)));
            }
            let on = (row.eps - cx.what_if.draft().eps).abs() < 1e-6;
            let name = format!("eps {}: {} clusters, {} noise", cells[0], cells[1], cells[2]);
            let (rect, response) = line(ui, k * 18.0, Role::Button, on, &name);
            paint(ui, rect, &cells, theme.t2);
            if response.on_hover_text("Click to try this eps.").clicked() {
                chosen = Some(row.eps);
            }
        }
    });
    if let Some(eps) = chosen {
        cx.attempt(Try::Value("eps", Value::Float(eps)));
        cx.attempt(Try::LetGo);
    }
}

/// The sweep as CSV, a line a radius; agreement with the truth where that may be shown.
pub fn csv(what_if: &WhatIf, truth: bool) -> String {
    let Some((rows, _)) = what_if.sweep() else { return String::new() };
    let mut out = "eps,clusters,noise,largest,purity,nmi,ari,pairwise_f\n".to_owned();
    for row in rows.iter() {
        let quality = row
            .quality
            .filter(|_| truth)
            .map_or(",,,".to_owned(), |q| format!("{},{},{},{}", q.purity, q.nmi, q.ari, q.pairwise_f));
        out += &format!("{},{},{},{},{quality}\n", row.eps, row.clusters, row.noise, row.largest);
    }
    out
}
