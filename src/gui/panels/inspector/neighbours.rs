//! The nearest images by Euclid and by Jaccard, side by side.

use std::sync::Arc;

use eframe::egui::{Align2, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::Subject;
use crate::engine::event::{ImageRef, Split};
use crate::gui::panels::{PanelCtx, Pick};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Type, size};
use crate::gui::view_model::Loaded;
use crate::gui::widgets::images::Tone;
use crate::gui::widgets::photo;
use crate::gui::words::by_index;
use crate::run::snapshot::ClusterSnapshot;
use crate::study::nearest::{by_features, by_jaccard};

/// Neighbours shown of each kind, at most.
const COUNT: usize = 12;
const GAP: f32 = 5.0;
const LABEL: f32 = 52.0;

/// Shows both rows.
pub fn show(ui: &mut Ui, cx: &PanelCtx<'_>, subject: &Subject, epoch: usize, snapshot: &Arc<ClusterSnapshot>) {
    let i = subject.image.index as usize;
    let index = cx.view.clusters.get(&epoch).and_then(|clusters| clusters.summary.index);
    let how = if index.is_some() { ", by an index" } else { "" };
    let said = ui.label(Type::Small.text(format!("nearest neighbours{how}; outlined: same cluster"), cx.theme.t3));
    if let Some(index) = index {
        said.on_hover_text(by_index(&index));
    }
    let near = by_features(snapshot, i, COUNT);
    if near.is_empty() {
        words(ui, cx, "Euclid", "not stored in this run");
    } else {
        row(ui, cx, subject, snapshot, "Euclid", &near);
    }
    match cx.snapshots.graph(cx.view, epoch) {
        Loaded::Ready(graph) => match by_jaccard(&graph, i, COUNT) {
            near if near.is_empty() => words(ui, cx, "Jaccard", "none within reach"),
            near => row(ui, cx, subject, snapshot, "Jaccard", &near),
        },
        Loaded::Loading => words(ui, cx, "Jaccard", "reading…"),
        Loaded::Absent | Loaded::Failed(_) => words(ui, cx, "Jaccard", "not stored in this run"),
    }
}

fn words(ui: &mut Ui, cx: &PanelCtx<'_>, name: &str, text: &str) {
    ui.horizontal(|ui| {
        ui.set_min_height(22.0);
        let (rect, _) = ui.allocate_exact_size(vec2(type_scale(ui) * LABEL, 16.0), Sense::hover());
        ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, Type::Body.font(ui), cx.theme.t2);
        ui.label(Type::Small.text(text, cx.theme.t3));
    });
}

/// As many as fit, at the larger size where six of it do.
fn row(ui: &mut Ui, cx: &PanelCtx<'_>, subject: &Subject, snapshot: &ClusterSnapshot, name: &str, near: &[(u32, f32)]) {
    let scale = type_scale(ui);
    let room = ui.available_width() - scale * LABEL;
    let [large, small] = [size::THUMBS[2], size::THUMBS[1]];
    let [width, height] = if room >= 6.0 * (large[0] + GAP) { large } else { small };
    let cell = Vec2::new(width, height);
    let fit = ((room + GAP) / (cell.x + GAP)).max(1.0) as usize;
    let line = Type::Small.font(ui).size + 4.0;
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), cell.y + line + 4.0), Sense::hover());
    let middle = pos2(area.left(), area.top() + cell.y / 2.0);
    ui.painter().text(middle, Align2::LEFT_CENTER, name, Type::Body.font(ui), cx.theme.t2);
    let own = snapshot.labels.get(subject.image.index as usize).copied().unwrap_or(-1);
    for (place, &(j, distance)) in near.iter().take(fit).enumerate() {
        let x = area.left() + scale * LABEL + (cell.x + GAP) * place as f32;
        let rect = Rect::from_min_size(pos2(x, area.top() + 2.0), cell);
        let label = snapshot.labels.get(j as usize).copied().unwrap_or(-1);
        let same = own >= 0 && label == own;
        neighbour(ui, cx, subject, rect, &Neighbour { name, place, j, distance, label, same });
    }
}

struct Neighbour<'a> {
    name: &'a str,
    place: usize,
    j: u32,
    distance: f32,
    label: i32,
    same: bool,
}

fn neighbour(ui: &mut Ui, cx: &PanelCtx<'_>, subject: &Subject, rect: Rect, of: &Neighbour<'_>) {
    let theme = cx.theme;
    let image = ImageRef { split: Split::Train, index: of.j };
    let info = subject.images.as_ref().and_then(|list| list.get(image));
    let path = info.map(|row| row.path.as_path());
    let drawn = photo::paint(ui, cx.images, path, rect, Tone::Color, 1.0);
    if of.same {
        let stroke = Stroke::new(size::STROKE_CURVE, theme.reliable);
        ui.painter().rect_stroke(drawn, size::RADIUS_CHIP, stroke, StrokeKind::Outside);
    }
    let written = ticks::number(f64::from(of.distance), 2);
    let short = written.strip_prefix('0').unwrap_or(&written);
    let below = pos2(rect.center().x, rect.bottom() + 4.0);
    ui.painter().text(below, Align2::CENTER_TOP, short, Type::Small.font(ui), theme.t3);
    let id = ui.scope_id().with((of.name, of.j));
    let response = ui.interact(rect, id, Sense::click());
    let cluster = if of.same { ", same cluster" } else { "" };
    let number = ticks::count(of.j as usize);
    response.widget_info(|| {
        let words = format!("{} neighbour {}: image {number}, distance {written}{cluster}", of.name, of.place + 1);
        WidgetInfo::labeled(Role::Button, true, words)
    });
    crate::gui::widgets::button::focus_ring(ui, &response, rect, size::RADIUS_CHIP);
    if response.clicked() {
        cx.select(Pick::Image(Some(image)));
        cx.select(Pick::Cluster(u32::try_from(of.label).ok()));
    }
    let missing = photo::missing(cx.images, path);
    response.on_hover_ui(|ui| {
        ui.label(Type::Title.text(format!("image {number}"), theme.t1));
        let cluster = if of.label >= 0 { format!("cluster {}", of.label) } else { "in no cluster".to_owned() };
        let camera = info.map_or(String::new(), |r| format!(" · camera {}", r.camid + 1));
        ui.label(format!("{} distance {written} · {cluster}{camera}", of.name));
        if let Some(row) = info.filter(|_| cx.truth) {
            ui.label(Type::Small.text(format!("identity {}", row.pid), theme.truth));
        }
        if let Some(why) = missing {
            ui.label(Type::Small.text(why, theme.warn));
        }
        ui.label(Type::Small.text("Click to inspect it.", theme.t3));
    });
}
