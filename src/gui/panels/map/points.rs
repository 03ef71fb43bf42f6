//! Thousands of points as one mesh: three glyphs in a small texture, a quad a point.

use std::f32::consts::SQRT_2;

use eframe::egui::epaint::Vertex;
use eframe::egui::{Color32, ColorImage, Context, Mesh, Pos2, Rect, TextureHandle, TextureOptions, Vec2, pos2, vec2};

use super::lens::LensPlace;
use crate::gui::plot::colours::{Glyph, PointMark};

/// Glyph sizes whose textures stay.
const KEPT: usize = 6;
/// How much of a point is left that is not selected.
const FADED: f32 = 0.25;
/// How strongly an outlier is drawn.
const OUTLIER: f32 = 0.6;

/// The radius of a disc so that `n` points neither hide each other nor vanish: 0.9 to 2, more under a zoom.
pub fn radius(place: &LensPlace, n: usize, zoom: f32) -> f32 {
    let apart = (place.rect.area() / n.max(1) as f32).sqrt() * zoom;
    (0.35 * apart).clamp(0.9, 2.0 + 0.5 * (zoom - 1.0).clamp(0.0, 3.0))
}

/// Points as a mesh to be kept: `at` in the plane of a layout, `marks` how each looks, as discs of that radius, `bright`
/// which of them stand out (`None`: all of them). Faded points lie under bright ones, outliers under clusters.
pub fn mesh(
    (ctx, sheets): (&Context, &mut GlyphSheets),
    place: &LensPlace,
    at: &[Pos2],
    marks: &[PointMark],
    radius: f32,
    bright: Option<&dyn Fn(usize) -> bool>,
) -> Mesh {
    let sheet = sheets.of(ctx, radius * ctx.pixels_per_point());
    let half = Vec2::splat(sheet.side as f32 / ctx.pixels_per_point() / 2.0);
    let seen = place.rect.expand(half.x);
    let mut mesh = Mesh::with_texture(sheet.texture.id());
    mesh.reserve_vertices(4 * at.len());
    mesh.reserve_triangles(2 * at.len());
    let layers: &[(bool, bool)] = &[(false, true), (false, false), (true, true), (true, false)];
    for &(shine, outliers) in layers.iter().skip(if bright.is_some() { 0 } else { 2 }) {
        for (i, (&p, mark)) in at.iter().zip(marks).enumerate() {
            if (mark.glyph == Glyph::Cross) != outliers || bright.is_some_and(|b| b(i) != shine) {
                continue;
            }
            let centre = place.screen(p);
            if seen.contains(centre) {
                let alpha = if outliers { OUTLIER } else { 1.0 } * if shine { 1.0 } else { FADED };
                let color = if alpha < 1.0 { mark.color.gamma_multiply(alpha) } else { mark.color };
                quad(&mut mesh, Rect::from_min_max(centre - half, centre + half), sheet.uv(mark.glyph), color);
            }
        }
    }
    mesh
}

fn quad(mesh: &mut Mesh, rect: Rect, uv: Rect, color: Color32) {
    let first = mesh.vertices.len() as u32;
    mesh.indices.extend([first, first + 1, first + 2, first + 2, first + 1, first + 3]);
    mesh.vertices.extend([
        Vertex { pos: rect.left_top(), uv: uv.left_top(), color },
        Vertex { pos: rect.right_top(), uv: uv.right_top(), color },
        Vertex { pos: rect.left_bottom(), uv: uv.left_bottom(), color },
        Vertex { pos: rect.right_bottom(), uv: uv.right_bottom(), color },
    ]);
}

/// The three glyphs side by side, at the size they are drawn: no filter has to shrink them.
#[derive(Clone)]
struct Sheet {
    /// Radius in quarters of a pixel.
    quarters: u32,
    /// Pixels a glyph is wide and high.
    side: usize,
    texture: TextureHandle,
}

/// The sheets of the sizes that were drawn last.
#[derive(Default)]
pub struct GlyphSheets(Vec<Sheet>);

impl GlyphSheets {
    fn of(&mut self, ctx: &Context, radius: f32) -> Sheet {
        let quarters = (4.0 * radius).round().max(1.0) as u32;
        if let Some(sheet) = self.0.iter().find(|s| s.quarters == quarters) {
            return sheet.clone();
        }
        let radius = quarters as f32 / 4.0;
        let side = (2.0 * (1.4 * radius + 1.5)).ceil() as usize + 2;
        let image = drawn(radius, side);
        let sheet = Sheet { quarters, side, texture: ctx.load_texture("cluster map", image, TextureOptions::LINEAR) };
        self.0.push(sheet.clone());
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
        sheet
    }
}

impl Sheet {
    fn uv(&self, glyph: Glyph) -> Rect {
        let column = match glyph {
            Glyph::Disc => 0.0,
            Glyph::Ring => 1.0,
            Glyph::Cross => 2.0,
        };
        Rect::from_min_size(pos2(column / 3.0, 0.0), vec2(1.0 / 3.0, 1.0))
    }
}

/// Coverage of each pixel by the glyph, white.
fn drawn(radius: f32, side: usize) -> ColorImage {
    let ring = radius.max(1.5) + 0.3;
    let stroke = (0.45 * radius).clamp(0.45, 0.75);
    let arm = radius.max(1.5) + 0.2;
    let covered = |inside: f32| (inside + 0.5).clamp(0.0, 1.0);
    let alpha = |column: usize, p: Vec2| match column {
        0 => covered(radius - p.length()),
        1 => covered(stroke - (p.length() - ring).abs()),
        _ => {
            let (u, v) = ((p.x + p.y).abs() / SQRT_2, (p.x - p.y).abs() / SQRT_2);
            let bar = |along: f32, across: f32| covered(arm - along) * covered(0.4 - across);
            bar(u, v).max(bar(v, u))
        }
    };
    let middle = side as f32 / 2.0;
    let pixel = |i: usize| {
        let (x, y) = (i % (3 * side), i / (3 * side));
        let p = vec2((x % side) as f32 + 0.5 - middle, y as f32 + 0.5 - middle);
        Color32::from_white_alpha((255.0 * alpha(x / side, p)).round() as u8)
    };
    ColorImage::new([3 * side, side], (0..3 * side * side).map(pixel).collect())
}
