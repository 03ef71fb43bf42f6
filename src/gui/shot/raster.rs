//! A small rasteriser: egui's triangles to pixels on the processor, as its painter for graphics cards does it.
//!
//! Vertices are snapped to 1/256 of a pixel and a pixel belongs to a triangle when its centre does (on an edge:
//! to the triangle right of or below it), so neighbours neither overlap nor leave gaps. Colours are multiplied
//! and blended in gamma space, premultiplied, and rounded to 8 bits after each triangle. There is no dithering:
//! equal meshes give equal bytes.

use eframe::egui::epaint::{Mesh, Primitive};
use eframe::egui::{ClippedPrimitive, Color32};
use rayon::prelude::*;

use super::texture::{Texture, TextureSampler, Textures};

/// Parts of a pixel.
const SUB: i64 = 256;
/// Vertices farther out than this many pixels are pulled in; products of coordinates then fit 64 bits.
const FAR: f32 = (1 << 21) as f32;
/// Rows that are drawn together.
const BAND: usize = 32;

/// Paints `primitives` on a ground of `clear`; `scale` is pixels a point. Gives `[height, width, 3]` sRGB bytes.
pub fn paint(
    primitives: &[ClippedPrimitive],
    textures: &Textures,
    [width, height]: [usize; 2],
    scale: f32,
    clear: Color32,
) -> Vec<u8> {
    let triangles: Vec<Triangle<'_>> =
        primitives.par_iter().flat_map_iter(|p| triangles(p, textures, [width, height], scale)).collect();
    let ground = [clear.r(), clear.g(), clear.b()];
    let mut pixels = ground.repeat(width * height);
    pixels.par_chunks_mut(width.max(1) * 3 * BAND).enumerate().for_each(|(n, rows)| {
        let top = n * BAND;
        let mut band = Band { rows, width, top: top as i64, bottom: (top + BAND).min(height) as i64 };
        triangles.iter().for_each(|triangle| band.draw(triangle));
    });
    pixels
}

/// Columns `left..right`, rows `top..bottom`.
#[derive(Clone, Copy)]
struct Bounds {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

struct Triangle<'a> {
    /// Positions in parts of a pixel, clockwise as seen.
    at: [[i64; 2]; 3],
    uv: [[f32; 2]; 3],
    color: [Color32; 3],
    texture: &'a Texture,
    /// Pixels that it may touch.
    bounds: Bounds,
}

fn triangles<'a>(
    primitive: &ClippedPrimitive,
    textures: &'a Textures,
    [width, height]: [usize; 2],
    scale: f32,
) -> Vec<Triangle<'a>> {
    let mesh = match &primitive.primitive {
        Primitive::Mesh(mesh) => mesh,
        Primitive::Callback(_) => {
            tracing::warn!("a shape that only a graphics card can draw was left out");
            return Vec::new();
        }
    };
    let Some(texture) = textures.get(mesh.texture_id) else {
        tracing::warn!(id = ?mesh.texture_id, "a texture that is not there");
        return Vec::new();
    };
    let clip = primitive.clip_rect;
    let pixel = |v: f32, most: usize| ((scale * v).round() as i64).clamp(0, most as i64);
    let clip = Bounds {
        left: pixel(clip.min.x, width),
        top: pixel(clip.min.y, height),
        right: pixel(clip.max.x, width),
        bottom: pixel(clip.max.y, height),
    };
    mesh.indices.chunks_exact(3).filter_map(|corners| triangle(mesh, corners, texture, clip, scale)).collect()
}

fn triangle<'a>(mesh: &Mesh, corners: &[u32], texture: &'a Texture, clip: Bounds, scale: f32) -> Option<Triangle<'a>> {
    let vertex = |n: usize| mesh.vertices.get(corners[n] as usize);
    let mut vertices = [vertex(0)?, vertex(1)?, vertex(2)?];
    if vertices.iter().any(|v| !v.pos.is_finite() || !v.uv.is_finite()) {
        return None;
    }
    let snap = |v: f32| ((scale * v).clamp(-FAR, FAR) * SUB as f32).round() as i64;
    let snapped = |v: [&eframe::egui::epaint::Vertex; 3]| v.map(|v| [snap(v.pos.x), snap(v.pos.y)]);
    let area = area(&snapped(vertices));
    if area < 0 {
        vertices.swap(1, 2);
    } else if area == 0 {
        return None;
    }
    let at = snapped(vertices);
    // A pixel counts by its centre, half a pixel in.
    let first = |axis: usize| (at[0][axis].min(at[1][axis]).min(at[2][axis]) - SUB / 2).div_euclid(SUB);
    let last = |axis: usize| (at[0][axis].max(at[1][axis]).max(at[2][axis]) - SUB / 2).div_euclid(SUB) + 1;
    let bounds = Bounds {
        left: first(0).max(clip.left),
        top: first(1).max(clip.top),
        right: last(0).min(clip.right),
        bottom: last(1).min(clip.bottom),
    };
    (bounds.left < bounds.right && bounds.top < bounds.bottom).then(|| Triangle {
        at,
        uv: vertices.map(|v| [v.uv.x, v.uv.y]),
        color: vertices.map(|v| v.color),
        texture,
        bounds,
    })
}

/// Twice the area, positive when clockwise as seen (y points down).
fn area(at: &[[i64; 2]; 3]) -> i64 {
    edge(at[0], at[1], at[2])
}

/// Positive when `p` lies on the right hand of the way from `a` to `b`.
fn edge(a: [i64; 2], b: [i64; 2], p: [i64; 2]) -> i64 {
    (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
}

/// What varies over a triangle: u, v, then the colour 0..=255. Its value at the first corner and its change by
/// a pixel to the right and down.
struct Planes {
    origin: [f64; 2],
    value: [f64; 6],
    right: [f64; 6],
    down: [f64; 6],
}

impl Planes {
    fn of(triangle: &Triangle<'_>) -> Self {
        let at = triangle.at.map(|p| p.map(|v| v as f64 / SUB as f64));
        let values: [[f64; 6]; 3] = std::array::from_fn(|n| {
            let [r, g, b, a] = triangle.color[n].to_array().map(f64::from);
            let [u, v] = triangle.uv[n].map(f64::from);
            [u, v, r, g, b, a]
        });
        let [ax, ay] = [at[1][0] - at[0][0], at[1][1] - at[0][1]];
        let [bx, by] = [at[2][0] - at[0][0], at[2][1] - at[0][1]];
        let area = ax * by - ay * bx;
        let a = |i: usize| values[1][i] - values[0][i];
        let b = |i: usize| values[2][i] - values[0][i];
        Self {
            origin: at[0],
            value: values[0],
            right: std::array::from_fn(|i| (a(i) * by - b(i) * ay) / area),
            down: std::array::from_fn(|i| (b(i) * ax - a(i) * bx) / area),
        }
    }

    /// At the centre of a pixel.
    fn at(&self, x: i64, y: i64) -> [f32; 6] {
        let (x, y) = (x as f64 + 0.5 - self.origin[0], y as f64 + 0.5 - self.origin[1]);
        std::array::from_fn(|i| (self.value[i] + self.right[i] * x + self.down[i] * y) as f32)
    }

    /// Texels that a pixel covers, in the direction in which it covers more.
    fn texels(&self, [width, height]: [usize; 2]) -> f32 {
        let length = |d: &[f64; 6]| (d[0] * width as f64).hypot(d[1] * height as f64);
        length(&self.right).max(length(&self.down)) as f32
    }
}

/// How the pixels of a triangle get their colour.
enum Paint<'a> {
    /// All the same.
    Flat([f32; 4]),
    /// One colour times the texture.
    Textured(TextureSampler<'a>, [f32; 4]),
    /// Colours between the corners, times one texel.
    Shaded([f32; 4]),
    /// Both.
    Full(TextureSampler<'a>),
}

impl<'a> Paint<'a> {
    fn of(triangle: &Triangle<'a>, planes: &Planes) -> Self {
        let sampler = triangle.texture.sampler(planes.texels(triangle.texture.size()));
        let [uv, uv1, uv2] = triangle.uv;
        let [color, color1, color2] = triangle.color;
        let plain = color == color1 && color == color2;
        let color = color.to_array().map(f32::from);
        match (uv == uv1 && uv == uv2, plain) {
            (true, true) => Self::Flat(times(sampler.at(uv), color)),
            (true, false) => Self::Shaded(sampler.at(uv)),
            (false, true) => Self::Textured(sampler, color),
            (false, false) => Self::Full(sampler),
        }
    }

    fn at(&self, planes: &Planes, x: i64, y: i64) -> [f32; 4] {
        if let Self::Flat(color) = self {
            return *color;
        }
        let [u, v, color @ ..] = planes.at(x, y);
        match self {
            Self::Flat(color) => *color,
            Self::Textured(sampler, color) => times(sampler.at([u, v]), *color),
            Self::Shaded(texel) => times(*texel, color),
            Self::Full(sampler) => times(sampler.at([u, v]), color),
        }
    }
}

fn times(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
    std::array::from_fn(|i| a[i] * b[i] / 255.0)
}

/// Some rows of the picture.
struct Band<'a> {
    rows: &'a mut [u8],
    width: usize,
    top: i64,
    bottom: i64,
}

impl Band<'_> {
    fn draw(&mut self, triangle: &Triangle<'_>) {
        let bounds = triangle.bounds;
        let (top, bottom) = (bounds.top.max(self.top), bounds.bottom.min(self.bottom));
        if top >= bottom {
            return;
        }
        let planes = Planes::of(triangle);
        let paint = Paint::of(triangle, &planes);
        for y in top..bottom {
            let Some((left, right)) = span(triangle, y) else { continue };
            let row = (y - self.top) as usize * self.width;
            let pixels = &mut self.rows[3 * (row + left as usize)..3 * (row + right as usize)];
            for (pixel, x) in pixels.chunks_exact_mut(3).zip(left..right) {
                blend(pixel, paint.at(&planes, x, y));
            }
        }
    }
}

/// The columns of row `y` whose centres are inside.
fn span(triangle: &Triangle<'_>, y: i64) -> Option<(i64, i64)> {
    let Bounds { mut left, mut right, .. } = triangle.bounds;
    let centre = [left * SUB + SUB / 2, y * SUB + SUB / 2];
    let start = left;
    for n in 0..3 {
        let (a, b) = (triangle.at[n], triangle.at[(n + 1) % 3]);
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        // Pixels on an upper or a left edge belong to the triangle, those on the others do not.
        let own = dy < 0 || (dy == 0 && dx > 0);
        let value = edge(a, b, centre) - i64::from(!own);
        let step = -dy * SUB;
        match step.signum() {
            1 => left = left.max(start + (-value).div_euclid(step) + i64::from((-value).rem_euclid(step) != 0)),
            -1 => right = right.min(start + value.div_euclid(-step) + 1),
            _ if value < 0 => return None,
            _ => {}
        }
    }
    (left < right).then_some((left, right))
}

/// Premultiplied, in gamma space: `source + pixel · (1 − alpha)`.
fn blend(pixel: &mut [u8], source: [f32; 4]) {
    let rest = 1.0 - source[3] / 255.0;
    for (old, new) in pixel.iter_mut().zip(source) {
        *old = (new + f32::from(*old) * rest + 0.5) as u8; // the cast keeps within 0..=255
    }
}

#[cfg(test)]
mod tests;
