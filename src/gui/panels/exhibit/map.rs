//! All images as points, each with its cluster's verdict: a disc, a ring, or a cross.

use std::sync::Arc;

use eframe::egui::{
    Align2, Color32, Mesh, Pos2, Rect, Role, Sense, Shape, Stroke, TextWrapMode, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::gui::clustered::ShownClustering;
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::images::{Thumbnails, Tone};
use crate::gui::widgets::photo;
use crate::gui::widgets::thumb;
use crate::gui::words::share;

/// The points as they were drawn last; made anew when the clustering, the place or the colours change.
#[derive(Default)]
pub struct ExhibitMap {
    of: Option<(Arc<ShownClustering>, Rect, bool)>,
    mesh: Arc<Mesh>,
    places: Vec<Pos2>,
}

/// Draws `points` (`[N, 2]`, any unit, the aspect is kept) into the room there is. Answers the cluster that was
/// clicked.
pub fn map(
    ui: &mut Ui,
    map: &mut ExhibitMap,
    points: &[f32],
    shown: &Arc<ShownClustering>,
    (chosen, images): (Option<u32>, &Thumbnails),
) -> Option<u32> {
    let theme = Theme::of(ui.ctx());
    let small = Type::Small.font(ui);
    let (outer, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
    let room = Rect::from_min_max(outer.min, outer.max - vec2(0.0, small.size + 10.0)).shrink(6.0);
    if room.width() < 40.0 || room.height() < 40.0 {
        return None;
    }
    let known =
        map.of.as_ref().is_some_and(|(of, at, dark)| Arc::ptr_eq(of, shown) && *at == room && *dark == theme.dark);
    if !known {
        map.places = places(points, room);
        map.mesh = Arc::new(mesh(&map.places, shown, theme));
        map.of = Some((Arc::clone(shown), room, theme.dark));
    }
    let painter = ui.painter().with_clip_rect(outer.intersect(ui.clip_rect()));
    painter.add(Shape::mesh(Arc::clone(&map.mesh)));
    for &image in chosen.map_or(&[][..], |c| shown.table.members(c)) {
        if let Some(at) = map.places.get(image as usize) {
            painter.circle_stroke(*at, 5.0, Stroke::new(size::STROKE_CURVE, theme.accent));
        }
    }
    legend(ui, outer, shown);
    let near = response.hover_pos().and_then(|at| nearest(&map.places, at));
    let cluster = near.and_then(|image| shown.facts.cluster_of(image));
    response.widget_info(|| {
        let count = ticks::counted(map.places.len(), "image", "images");
        WidgetInfo::labeled(Role::Image, true, format!("Map of {count} by reliability"))
    });
    let clicked = response.clicked();
    if let Some(image) = near {
        response.on_hover_ui_at_pointer(|ui| {
            let row = cluster.and_then(|c| Some((c, shown.table.row(c)?)));
            let words = match row {
                Some((c, row)) => {
                    let verdict = row.verdict();
                    format!("cluster {c}, {} images, score {}, {verdict}", row.size, share(row.score))
                }
                None => "outlier".to_owned(),
            };
            ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
            ui.horizontal_top(|ui| {
                let [width, height] = size::THUMBS[2];
                let path =
                    shown.images.as_ref().and_then(|all| all.get(thumb::train(image))).map(|row| row.path.as_path());
                let (cell, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
                photo::paint(ui, images, path, cell, Tone::Color, 1.0);
                ui.vertical(|ui| {
                    ui.label(Type::Title.text(words, theme.t1));
                    ui.label(Type::Small.text(format!("image {}", ticks::count(image as usize)), theme.t3));
                });
            });
        });
    }
    cluster.filter(|_| clicked)
}

/// Where the points lie in `room`: as large as fits, the aspect kept, y upwards.
fn places(points: &[f32], room: Rect) -> Vec<Pos2> {
    let finite = || points.chunks_exact(2).filter(|p| p[0].is_finite() && p[1].is_finite());
    let mut bounds = Rect::NOTHING;
    finite().for_each(|p| bounds.extend_with(pos2(p[0], p[1])));
    let span = bounds.size().max(Vec2::splat(f32::MIN_POSITIVE));
    let scale = (room.width() / span.x).min(room.height() / span.y);
    let at = |p: &[f32]| {
        let from_middle = pos2(p[0], p[1]) - bounds.center();
        room.center() + scale * vec2(from_middle.x, -from_middle.y)
    };
    points.chunks_exact(2).map(at).collect()
}

fn nearest(places: &[Pos2], at: Pos2) -> Option<u32> {
    let distance = |p: &Pos2| p.distance_sq(at);
    let near = (0u32..).zip(places).filter(|(_, p)| distance(p) < 64.0);
    near.min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))).map(|(i, _)| i)
}

/// One mesh of all points: outliers first, so that clusters lie over them.
fn mesh(places: &[Pos2], shown: &ShownClustering, theme: &Theme) -> Mesh {
    let mut mesh = Mesh::default();
    let radius = if places.len() > 6_000 { 1.5 } else { 2.2 };
    let verdict = |i: u32| shown.facts.cluster_of(i).and_then(|c| shown.table.row(c)).map(|row| row.reliable);
    for pass in [None, Some(true), Some(false)] {
        for (_, &at) in (0u32..).zip(places).filter(|&(i, at)| at.is_finite() && verdict(i) == pass) {
            match pass {
                None => cross(&mut mesh, at, radius, theme.outlier.gamma_multiply(0.6)),
                Some(true) => disc(&mut mesh, at, radius, theme.reliable),
                Some(false) => ring(&mut mesh, at, radius + 0.8, theme.unreliable),
            }
        }
    }
    mesh
}

const SIDES: u32 = 8;

fn corner(at: Pos2, radius: f32, side: u32) -> Pos2 {
    at + radius * Vec2::angled(std::f32::consts::TAU * side as f32 / SIDES as f32)
}

fn disc(mesh: &mut Mesh, at: Pos2, radius: f32, color: Color32) {
    let first = mesh.vertices.len() as u32;
    mesh.colored_vertex(at, color);
    (0..SIDES).for_each(|side| mesh.colored_vertex(corner(at, radius, side), color));
    (0..SIDES).for_each(|side| mesh.add_triangle(first, first + 1 + side, first + 1 + (side + 1) % SIDES));
}

fn ring(mesh: &mut Mesh, at: Pos2, radius: f32, color: Color32) {
    let first = mesh.vertices.len() as u32;
    for side in 0..SIDES {
        mesh.colored_vertex(corner(at, radius, side), color);
        mesh.colored_vertex(corner(at, radius - 1.0, side), color);
    }
    for side in 0..SIDES {
        let (a, b) = (first + 2 * side, first + 2 * ((side + 1) % SIDES));
        mesh.add_triangle(a, a + 1, b);
        mesh.add_triangle(b, a + 1, b + 1);
    }
}

fn cross(mesh: &mut Mesh, at: Pos2, radius: f32, color: Color32) {
    for along in [vec2(1.0, 1.0), vec2(1.0, -1.0)] {
        let (along, aside) = (along * radius, along.rot90() * 0.35);
        let first = mesh.vertices.len() as u32;
        for corner in [at - along - aside, at - along + aside, at + along - aside, at + along + aside] {
            mesh.colored_vertex(corner, color);
        }
        mesh.add_triangle(first, first + 1, first + 2);
        mesh.add_triangle(first + 2, first + 1, first + 3);
    }
}

fn legend(ui: &Ui, outer: Rect, shown: &ShownClustering) {
    let theme = Theme::of(ui.ctx());
    let painter = ui.painter();
    let small = Type::Small.font(ui);
    let y = outer.bottom() - small.size / 2.0 - 2.0;
    let mut x = outer.left() + 4.0;
    let outliers = format!("outlier {}", ticks::count(shown.table.outliers.len()));
    let entries = [
        (None, theme.reliable, "reliable".to_owned()),
        (Some(icon::CIRCLE), theme.unreliable, "unreliable".to_owned()),
        (Some(icon::CROSS), theme.outlier, outliers),
    ];
    for (glyph, ink, words) in entries {
        match glyph {
            Some(glyph) => icon::paint(painter, pos2(x + 5.0, y), glyph, Weight::Bold, size::ICON_MARK, ink),
            None => {
                painter.circle_filled(pos2(x + 5.0, y), 3.5, ink);
            }
        }
        x = painter.text(pos2(x + 14.0, y), Align2::LEFT_CENTER, words, small.clone(), theme.t2).right() + 12.0;
    }
    let images = format!("PCA · {}", ticks::counted(shown.facts.labels.len(), "image", "images"));
    let fits = [images, "PCA".to_owned()]
        .map(|words| painter.layout_no_wrap(words, small.clone(), theme.t3))
        .into_iter()
        .find(|galley| outer.right() - galley.size().x > x);
    if let Some(galley) = fits {
        painter.galley(pos2(outer.right() - galley.size().x, y - galley.size().y / 2.0), galley, theme.t3);
    }
}
