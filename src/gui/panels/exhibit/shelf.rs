//! Sample clusters: reliable ones above, unreliable ones below, as many as fit.

use eframe::egui::{
    self, Align2, FontId, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use super::sample::{How, sample};
use crate::gui::clustered::ShownClustering;
use crate::gui::clustered::member::{odd, pick};
use crate::gui::panels::{PanelCtx, Pick};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::thumb;
use crate::gui::words::share;

/// Least width of a cluster's row of images.
const LEAST: f32 = 250.0;
const GAP: f32 = 4.0;
const BETWEEN: f32 = 16.0;

/// Shows both kinds.
pub fn show(ui: &mut Ui, cx: &PanelCtx<'_>, shown: &ShownClustering, how: How, seed: u64) {
    let room = ui.available_rect_before_wrap();
    let kinds = [true, false].map(|reliable| (reliable, sample(&shown.table, reliable, how, seed)));
    // A kind without clusters leaves its room to the other.
    let empty = type_scale(ui) * 48.0;
    let heights = match kinds.each_ref().map(|(_, clusters)| clusters.is_empty()) {
        [true, false] => [empty, room.height() - 8.0 - empty],
        [false, true] => [room.height() - 8.0 - empty, empty],
        _ => [((room.height() - 8.0) / 2.0).floor(); 2],
    };
    let mut top = room.top();
    for ((reliable, clusters), height) in kinds.into_iter().zip(heights) {
        let rect = Rect::from_min_size(pos2(room.left(), top), vec2(room.width(), height.max(0.0)));
        top += height + 8.0;
        let mut child = ui.new_child(UiBuilder::new().id_salt(("shelf", reliable)).max_rect(rect));
        child.shrink_clip_rect(rect.expand(3.0));
        kind(&mut child, cx, shown, reliable, &clusters);
    }
}

fn kind(ui: &mut Ui, cx: &PanelCtx<'_>, shown: &ShownClustering, reliable: bool, clusters: &[u32]) {
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let (glyph, ink, name) = match reliable {
        true => (icon::CHECK, theme.reliable, "Reliable"),
        false => (icon::CIRCLE, theme.unreliable, "Unreliable"),
    };
    let images = ticks::counted(shown.table.images(reliable), "image", "images");
    let count = ticks::counted(clusters.len(), "cluster", "clusters");
    ui.horizontal(|ui| {
        ui.label(icon::text(glyph, Weight::Bold, size::ICON_MARK, ink));
        ui.label(Type::Title.text(name, ink));
        ui.label(Type::Small.text(format!("{count}, {images}"), theme.t3));
    })
    .response
    .on_hover_text(
        "The paper calls clusters with scores between 0 and 1 reliable; Eq. 8 is never outside, so the threshold decides.",
    );
    if clusters.is_empty() {
        let alpha = shown.facts.threshold;
        let text = match (reliable, alpha) {
            (false, Some(alpha)) => format!("None: every cluster reaches the threshold {}.", share(alpha)),
            (false, None) => "None: no threshold is in force, every cluster is kept.".to_owned(),
            (true, Some(alpha)) => format!("None: no cluster reaches the threshold {}.", share(alpha)),
            (true, None) => "None: there was no cluster to find a threshold from.".to_owned(),
        };
        ui.label(Type::Body.text(text, theme.t3));
        return;
    }
    let room = ui.available_rect_before_wrap();
    let columns = (((room.width() + BETWEEN) / (k * LEAST + BETWEEN)).floor() as usize).max(1);
    let width = (room.width() - (columns - 1) as f32 * BETWEEN) / columns as f32;
    let head = Type::Small.font(ui).size + 6.0;
    // The larger thumbnail where at least two rows of it fit.
    let rows_of = |thumb: [f32; 2]| ((room.height() + 8.0) / (k * thumb[1] + head + 8.0)).floor() as usize;
    let thumb = if rows_of(size::THUMBS[2]) >= 2 { size::THUMBS[2] } else { size::THUMBS[1] };
    let (rows, cell) = (rows_of(thumb).max(1), k * Vec2::from(thumb));
    for (i, &cluster) in clusters.iter().take(rows * columns).enumerate() {
        let at = vec2((i % columns) as f32 * (width + BETWEEN), (i / columns) as f32 * (cell.y + head + 8.0));
        let rect = Rect::from_min_size(room.min + at, vec2(width, head + cell.y));
        block(ui, cx, shown, cluster, rect, cell);
    }
}

/// One cluster: a line of facts, a line of images.
fn block(ui: &Ui, cx: &PanelCtx<'_>, shown: &ShownClustering, cluster: u32, rect: Rect, cell: Vec2) {
    let theme = Theme::of(ui.ctx());
    let Some(row) = shown.table.row(cluster) else { return };
    let on = cx.selection.cluster == Some(cluster);
    let response = ui.interact(rect, ui.scope_id().with(("sample", cluster)), Sense::click());
    let images = ticks::counted(row.size as usize, "image", "images");
    let score = crate::gui::words::share(row.score);
    let word = row.verdict();
    response.widget_info(|| {
        let words = format!("Sample cluster {cluster}, {images}, score {score}, {word}");
        WidgetInfo::selected(Role::Button, true, on, words)
    });
    let painter = ui.painter();
    if response.hovered() {
        painter.rect_filled(rect.expand(3.0), size::RADIUS_INPUT, theme.bg2);
    }
    if on {
        let stroke = Stroke::new(size::STROKE_CURVE, theme.accent);
        painter.rect_stroke(rect.expand(3.0), size::RADIUS_INPUT, stroke, StrokeKind::Inside);
    }
    let (glyph, ink) = if row.reliable { (icon::CHECK, theme.reliable) } else { (icon::CIRCLE, theme.unreliable) };
    let small = Type::Small.font(ui);
    let y = rect.top() + small.size / 2.0 + 1.0;
    icon::paint(painter, pos2(rect.left() + 6.0, y), glyph, Weight::Bold, size::ICON_MARK, ink);
    let strong = FontId::new(small.size, theme::medium());
    let left = painter.text(pos2(rect.left() + 16.0, y), Align2::LEFT_CENTER, &score, strong, ink);
    let mut facts = vec![format!("cluster {cluster}"), images];
    if row.cameras > 0 {
        facts.push(ticks::counted(row.cameras as usize, "camera", "cameras"));
    }
    let clip = painter.with_clip_rect(rect.intersect(ui.clip_rect()));
    let drawn = clip.text(pos2(left.right() + 8.0, y), Align2::LEFT_CENTER, facts.join(" · "), small.clone(), theme.t3);
    if let Some(purity) = row.purity.filter(|_| cx.truth) {
        let galley = painter.layout_no_wrap(format!("purity {}", ticks::number(purity, 2)), small.clone(), theme.truth);
        let x = rect.right() - galley.size().x;
        if x > drawn.right() + 8.0 {
            painter.galley(pos2(x, y - galley.size().y / 2.0), galley, theme.truth);
        }
    }
    if response.clicked() {
        cx.select(Pick::Cluster(Some(cluster)));
    }
    response.on_hover_text("Click selects the cluster in all panels.");
    let members = shown.table.members(cluster);
    let fit = (((rect.width() + GAP) / (cell.x + GAP)).floor() as usize).max(1);
    let more = members.len() > fit;
    let drawn = if more { fit.saturating_sub(1).max(1) } else { members.len() };
    let top = rect.bottom() - cell.y;
    for (i, &image) in members.iter().take(drawn).enumerate() {
        let at = Rect::from_min_size(pos2(rect.left() + i as f32 * (cell.x + GAP), top), cell);
        thumb::paint(ui, cx.images, shown.images.as_deref(), image, at, 1.0);
        if cx.truth && shown.is_odd(image) {
            odd(ui, at);
        }
        if on {
            pick(ui, cx, shown, image, at);
        }
    }
    if more {
        let at = pos2(rect.left() + drawn as f32 * (cell.x + GAP) + cell.x / 2.0, top + cell.y / 2.0);
        let words = format!("+{}", ticks::count(members.len() - drawn));
        ui.painter().text(at, egui::Align2::CENTER_CENTER, words, small, theme.t3);
    }
}
