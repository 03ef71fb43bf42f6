//! The flow picture: clusters of the earlier epoch on the left, of the later one on the right, and between them
//! ribbons of the images they share.

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    Align2, Color32, Mesh, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};

use super::scene::{BandEnd, Node, Ribbon, RiverScene, heights};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::study::lineage::{Compared, LineageKind};

/// Width of the bands at the edges.
const BAND: f32 = 9.0;
/// Between two bands.
const GAP: f32 = 3.0;
/// A band that carries a label is at least so high.
const LABELLED: f32 = 13.0;
/// Sums that there can be on a side: four kinds, outliers, and one to spare.
const SUMS: f32 = 6.0;
/// Room for the words above.
const HEAD: f32 = 18.0;
/// From this width on a band says that it counts images.
const WORDY: f32 = 360.0;
/// A ribbon is drawn in so many pieces.
const PIECES: usize = 32;

/// What was asked for in the picture.
pub enum RiverAsk {
    /// Look at this kind alone.
    Filter(LineageKind),
    /// Select these.
    Pick {
        /// The cluster of the later epoch.
        cluster: Option<u32>,
        /// The images.
        images: Vec<u32>,
    },
}

/// The colour of a kind; `None` is what stayed outlier. Into a cluster is green and out of all clusters red, for
/// whole clusters and for single images; what stayed is grey; split and merged are two colours of the series.
pub fn color(theme: &Theme, kind: Option<LineageKind>) -> Color32 {
    match kind {
        Some(LineageKind::Kept) => theme.t3,
        Some(LineageKind::Split) => theme.series(1),
        Some(LineageKind::Merged) => theme.series(0),
        Some(LineageKind::Born | LineageKind::WonBack) => theme.reliable,
        Some(LineageKind::Died | LineageKind::Lost) => theme.mismatch,
        Some(LineageKind::Regrouped) => theme.t4,
        None => theme.bg4,
    }
}

/// How many clusters a side can stand by themselves in a picture that high.
pub fn most(ui: &Ui, height: f32) -> usize {
    let bands = (height - HEAD * type_scale(ui)) / (type_scale(ui) * LABELLED + GAP);
    (0.75 * (bands - SUMS)).clamp(0.0, 40.0) as usize
}

/// A ribbon with its edges: left from and to, right from and to.
struct Placed {
    ribbon: Ribbon,
    left: [f32; 2],
    right: [f32; 2],
}

impl Placed {
    /// Upper and lower edge at `t` in 0..=1 from left to right.
    fn at(&self, t: f32) -> [f32; 2] {
        let s = t * t * (3.0 - 2.0 * t);
        [0, 1].map(|i| self.left[i] + (self.right[i] - self.left[i]) * s)
    }
}

/// What the picture is of.
#[derive(Clone, Copy)]
pub struct River<'a> {
    /// The comparison.
    pub compared: &'a Compared,
    /// What of it is shown.
    pub scene: &'a RiverScene,
    /// The two epochs, from 0.
    pub epochs: [usize; 2],
    /// The cluster of the later epoch that is selected.
    pub chosen: Option<u32>,
}

/// Shows the picture.
pub fn show(ui: &mut Ui, river: River<'_>, size: Vec2) -> Option<RiverAsk> {
    let River { compared, scene, epochs, .. } = river;
    let theme = Theme::of(ui.ctx());
    let (outer, response) = ui.allocate_exact_size(size, Sense::click());
    let words = format!("Flow of {} images from epoch {} to {}", total(scene), epochs[0] + 1, epochs[1] + 1);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words.as_str()));
    let head = HEAD * type_scale(ui);
    let area = Rect::from_min_max(outer.min + vec2(0.0, head), outer.max - vec2(0.0, 2.0));
    if area.height() < 30.0 || area.width() < 120.0 {
        return None;
    }
    captions(ui, compared, epochs, outer, head);
    let least = type_scale(ui) * LABELLED;
    let columns = [column(&scene.left, area, least), column(&scene.right, area, least)];
    let ribbons = place(scene, &columns);
    let inside = Rect::from_x_y_ranges(area.left() + BAND..=area.right() - BAND, area.y_range());
    let under = response.hover_pos().and_then(|p| hit(&ribbons, inside, p));
    let mut mesh = Mesh::default();
    for (i, placed) in ribbons.iter().enumerate() {
        let strength = match (under, placed.ribbon.kind) {
            (Some(n), _) if n == i => 0.8,
            (_, Some(LineageKind::Kept)) => 0.3,
            (_, None) => 0.4,
            _ => 0.5,
        };
        strip(&mut mesh, placed, inside, color(theme, placed.ribbon.kind).gamma_multiply(strength));
    }
    ui.painter().add(Shape::mesh(mesh));
    let mut asked = None;
    for (side, nodes) in [&scene.left, &scene.right].into_iter().enumerate() {
        for (node, y) in nodes.iter().zip(&columns[side]) {
            let x = if side == 0 { area.left() } else { area.right() - BAND };
            let band = Rect::from_min_max(pos2(x, y[0]), pos2(x + BAND, y[1]));
            let answer = self::band(ui, river, node, side, band, area.width() > WORDY * type_scale(ui));
            asked = answer.or(asked);
        }
    }
    if let Some(placed) = under.map(|i| &ribbons[i]) {
        let words = in_words(scene, &placed.ribbon, epochs);
        let clicked = response.clicked();
        response.on_hover_text_at_pointer(words);
        if clicked {
            asked = Some(pick_ribbon(compared, scene, &placed.ribbon));
        }
    } else {
        response.on_hover_text("Images of both epochs; small clusters are drawn a little taller than to scale.");
    }
    asked
}

fn total(scene: &RiverScene) -> String {
    ticks::count(scene.left.iter().map(|n| n.images as usize).sum())
}

fn captions(ui: &Ui, compared: &Compared, epochs: [usize; 2], outer: Rect, head: f32) {
    let theme = Theme::of(ui.ctx());
    let y = outer.top() + head / 2.0 - 1.0;
    for (side, (at, align)) in
        [(outer.left(), Align2::LEFT_CENTER), (outer.right(), Align2::RIGHT_CENTER)].into_iter().enumerate()
    {
        let clusters = compared.sizes[side].iter().filter(|n| **n > 0).count();
        let words = format!("epoch {}, {}", epochs[side] + 1, ticks::counted(clusters, "cluster", "clusters"));
        ui.painter().text(pos2(at, y), align, words, Type::Small.font(ui), theme.t3);
    }
}

/// Upper and lower edge of each band.
fn column(nodes: &[Node], area: Rect, least: f32) -> Vec<[f32; 2]> {
    let wanted: Vec<(f32, f32)> = nodes.iter().map(|n| (n.images as f32, least)).collect();
    let mut y = area.top();
    heights(&wanted, area.height(), GAP)
        .into_iter()
        .map(|height| {
            let edges = [y, y + height];
            y += height + GAP;
            edges
        })
        .collect()
}

/// Each ribbon takes its share of both its bands, in the order of the bands at the other ends.
fn place(scene: &RiverScene, columns: &[Vec<[f32; 2]>; 2]) -> Vec<Placed> {
    let mut placed: Vec<Placed> =
        scene.ribbons.iter().map(|&ribbon| Placed { ribbon, left: [0.0; 2], right: [0.0; 2] }).collect();
    let mut used = [vec![0u32; scene.left.len()], vec![0u32; scene.right.len()]];
    let mut share = |side: usize, n: usize, node: &Node, images: u32| {
        let [top, bottom] = columns[side][n];
        let unit = (bottom - top) / node.images.max(1) as f32;
        let from = top + unit * used[side][n] as f32;
        used[side][n] += images;
        [from, from + unit * images as f32]
    };
    for p in &mut placed {
        p.left = share(0, p.ribbon.left, &scene.left[p.ribbon.left], p.ribbon.images);
    }
    let mut by_right: Vec<usize> = (0..placed.len()).collect();
    by_right.sort_by_key(|&i| (placed[i].ribbon.right, placed[i].ribbon.left, placed[i].ribbon.kind));
    for i in by_right {
        let ribbon = placed[i].ribbon;
        placed[i].right = share(1, ribbon.right, &scene.right[ribbon.right], ribbon.images);
    }
    // Wide ones first: narrow ones stay in sight and under the hand.
    placed.sort_by_key(|p| std::cmp::Reverse(p.ribbon.images));
    placed
}

/// A strip of triangles whose edges fade over half a pixel on both sides, so that slopes are smooth.
fn strip(mesh: &mut Mesh, placed: &Placed, inside: Rect, color: Color32) {
    let first = mesh.vertices.len() as u32;
    for n in 0..=PIECES {
        let t = n as f32 / PIECES as f32;
        let [top, bottom] = placed.at(t);
        let x = inside.left() + inside.width() * t;
        let core = ((bottom - top) / 2.0).min(0.5);
        for (y, color) in [
            (top - 0.5, Color32::TRANSPARENT),
            (top + core, color),
            (bottom - core, color),
            (bottom + 0.5, Color32::TRANSPARENT),
        ] {
            mesh.colored_vertex(pos2(x, y), color);
        }
    }
    for n in 0..PIECES as u32 {
        for row in 0..3 {
            let (a, b) = (first + 4 * n + row, first + 4 * (n + 1) + row);
            mesh.add_triangle(a, b, a + 1);
            mesh.add_triangle(a + 1, b, b + 1);
        }
    }
}

/// The topmost ribbon under `p`, with a little room around narrow ones.
fn hit(ribbons: &[Placed], inside: Rect, p: Pos2) -> Option<usize> {
    if !inside.contains(p) {
        return None;
    }
    let t = (p.x - inside.left()) / inside.width();
    ribbons.iter().rposition(|placed| {
        let [top, bottom] = placed.at(t);
        (top - 1.0..=bottom + 1.0).contains(&p.y)
    })
}

fn band(ui: &mut Ui, river: River<'_>, node: &Node, side: usize, band: Rect, wordy: bool) -> Option<RiverAsk> {
    let theme = Theme::of(ui.ctx());
    let color = if node.what == BandEnd::Outliers { theme.outlier } else { color(theme, node.kind) };
    let (name, long) = names(node, river.epochs[side]);
    let images = node.images as usize;
    let count = if wordy { ticks::counted(images, "image", "images") } else { ticks::count(images) };
    let font = Type::Small.font(ui);
    let mut job = LayoutJob::simple_singleline(name, font.clone(), theme.t1);
    job.append(&count, 5.0, TextFormat::simple(font, theme.t2));
    let galley = ui.painter().layout_job(job);
    let left = if side == 0 { band.right() + 5.0 } else { band.left() - 5.0 - galley.size().x };
    let label = Rect::from_min_size(pos2(left, band.center().y - galley.size().y / 2.0), galley.size());
    let shown = band.height() + 3.0 >= galley.size().y;
    let sensed = if shown { Rect::from_x_y_ranges(band.union(label).x_range(), band.y_range()) } else { band };
    let id = ui.scope_id().with(("band", side, node.what));
    let response = ui.interact(sensed, id, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, long.as_str()));
    let painter = ui.painter();
    painter.rect_filled(band, 2.0, color);
    if shown {
        let ground = label.expand2(vec2(3.0, -1.0));
        painter.rect_filled(ground, size::RADIUS_CHIP, theme.bg1.gamma_multiply(0.7));
        painter.galley(label.min, galley, theme.t1);
    }
    let selected = side == 1 && river.chosen.is_some_and(|c| node.what == BandEnd::Single(c));
    if selected || response.hovered() || response.has_focus() {
        let ink = if selected || response.has_focus() { theme.accent } else { theme.t1 };
        painter.rect_stroke(sensed, 2.0, Stroke::new(size::STROKE_CURVE, ink), StrokeKind::Outside);
    }
    clicked(river.compared, node, side, &response.on_hover_text(long))
}

fn clicked(compared: &Compared, node: &Node, side: usize, response: &Response) -> Option<RiverAsk> {
    if !response.clicked() {
        return None;
    }
    match node.what {
        BandEnd::Single(a) if side == 0 => {
            let cluster = compared.lineage.heir.get(a as usize).copied().flatten();
            Some(RiverAsk::Pick { cluster, images: compared.images(Some(Some(a)), None) })
        }
        BandEnd::Single(b) => Some(RiverAsk::Pick { cluster: Some(b), images: compared.images(None, Some(Some(b))) }),
        BandEnd::Others(kind) => kind.map(RiverAsk::Filter),
        BandEnd::Outliers => {
            let (from, to) = if side == 0 { (Some(None), None) } else { (None, Some(None)) };
            Some(RiverAsk::Pick { cluster: None, images: compared.images(from, to) })
        }
    }
}

/// Short, and in full.
fn names(node: &Node, epoch: usize) -> (String, String) {
    let images = ticks::counted(node.images as usize, "image", "images");
    let epoch = epoch + 1;
    let kind = node.kind.map_or(String::new(), |k| format!(", {}", k.word()));
    match node.what {
        BandEnd::Single(c) => (c.to_string(), format!("Cluster {c} of epoch {epoch}, {images}{kind}")),
        BandEnd::Others(kind) => {
            let word = kind.map_or("others", LineageKind::word);
            let clusters = ticks::counted(node.clusters, "cluster", "clusters");
            let name = format!("{} {word}", ticks::count(node.clusters));
            (name, format!("{clusters} of epoch {epoch} together, {word}, {images}"))
        }
        BandEnd::Outliers => ("outliers".to_owned(), format!("Outliers of epoch {epoch}, {images}")),
    }
}

fn in_words(scene: &RiverScene, ribbon: &Ribbon, epochs: [usize; 2]) -> String {
    let (left, right) = (&scene.left[ribbon.left], &scene.right[ribbon.right]);
    let end = |node: &Node, epoch: usize| match node.what {
        BandEnd::Single(c) => format!("cluster {c} ({} images) of epoch {}", node.images, epoch + 1),
        BandEnd::Others(_) => {
            format!("{} of epoch {}", ticks::counted(node.clusters, "cluster", "clusters"), epoch + 1)
        }
        BandEnd::Outliers => format!("outliers of epoch {}", epoch + 1),
    };
    let kind = ribbon.kind.map_or("stayed outliers", LineageKind::word);
    let images = ticks::counted(ribbon.images as usize, "image", "images");
    format!("{images}, {kind}: from {} to {}.", end(left, epochs[0]), end(right, epochs[1]))
}

fn pick_ribbon(compared: &Compared, scene: &RiverScene, ribbon: &Ribbon) -> RiverAsk {
    let (from, to) = (scene.left[ribbon.left].what, scene.right[ribbon.right].what);
    let end = |what: BandEnd| match what {
        BandEnd::Single(c) => Some(Some(c)),
        BandEnd::Outliers => Some(None),
        BandEnd::Others(_) => None,
    };
    match (end(from), end(to), ribbon.kind) {
        (Some(a), Some(b), _) => RiverAsk::Pick { cluster: b, images: compared.images(Some(a), Some(b)) },
        (_, _, Some(kind)) => RiverAsk::Filter(kind),
        (a, b, None) => RiverAsk::Pick { cluster: None, images: compared.images(a, b) },
    }
}
