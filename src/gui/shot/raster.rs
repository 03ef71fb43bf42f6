//! A small rasteriser: egui's triangles to pixels on the processor, as its painter for graphics cards does it.
//!
//! Vertices are snapped to 1/256 of a pixel and a pixel belongs to a triangle when its centre does (on an edge:
//! to the triangle right of or below it), so neighbours neither overlap nor leave gaps. Colours are multiplied
//! and blended in gamma space, premultiplied, and rounded to 8 bits after each triangle. There is no dithering:
//! equal meshes give equal bytes.

use eframe::egui::epaint::{Mesh, Primitive};
use eframe::egui::{ClippedPrimitive, Color32};
use rayon::prelude::*;

use super::texture::{Sampler, Texture, Textures};

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
    Textured(Sampler<'a>, [f32; 4]),
    /// Colours between the corners, times one texel.
    Shaded([f32; 4]),
    /// Both.
    Full(Sampler<'a>),
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
mod tests {
    use eframe::egui::epaint::{ImageDelta, Vertex};
    use eframe::egui::{ColorImage, Rect, TextureId, TextureOptions, TexturesDelta, pos2, vec2};

    use super::*;

    const SIZE: [usize; 2] = [40, 48];

    /// One white texel at 0, and `image` at 1.
    fn textures(image: ColorImage, options: TextureOptions) -> Textures {
        let mut delta = TexturesDelta::default();
        let white = ColorImage::filled([1, 1], Color32::WHITE);
        delta.push(TextureId::default(), ImageDelta::full(white, TextureOptions::LINEAR));
        delta.push(TextureId::Managed(1), ImageDelta::full(image, options));
        let mut textures = Textures::default();
        textures.set(&delta);
        delta.clear();
        textures
    }

    fn plain() -> Textures {
        textures(ColorImage::filled([1, 1], Color32::WHITE), TextureOptions::LINEAR)
    }

    fn quad(rect: Rect, color: Color32) -> Mesh {
        let mut mesh = Mesh::default();
        mesh.add_colored_rect(rect, color);
        mesh
    }

    fn rect(x: f32, y: f32, width: f32, height: f32) -> Rect {
        Rect::from_min_size(pos2(x, y), vec2(width, height))
    }

    fn clipped(mesh: Mesh, clip_rect: Rect) -> ClippedPrimitive {
        ClippedPrimitive { clip_rect, primitive: Primitive::Mesh(mesh) }
    }

    fn draw(meshes: Vec<Mesh>, textures: &Textures, scale: f32) -> Vec<[u8; 3]> {
        let primitives: Vec<_> = meshes.into_iter().map(|m| clipped(m, Rect::EVERYTHING)).collect();
        cut(&paint(&primitives, textures, SIZE, scale, Color32::BLACK))
    }

    fn cut(bytes: &[u8]) -> Vec<[u8; 3]> {
        bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect()
    }

    fn at(pixels: &[[u8; 3]], x: usize, y: usize) -> [u8; 3] {
        pixels[y * SIZE[0] + x]
    }

    #[test]
    fn a_rectangle_has_its_colour_and_its_bounds() {
        let color = Color32::from_rgb(13, 200, 99);
        let pixels = draw(vec![quad(rect(3.0, 30.0, 10.0, 5.0), color)], &plain(), 1.0);
        for (n, pixel) in pixels.iter().enumerate() {
            let (x, y) = (n % SIZE[0], n / SIZE[0]);
            let inside = (3..13).contains(&x) && (30..35).contains(&y);
            assert_eq!(*pixel, if inside { [13, 200, 99] } else { [0; 3] }, "{x}, {y}");
        }
        // Points are not pixels; an edge through centres belongs to the side it opens.
        let pixels = draw(vec![quad(rect(1.5, 1.5, 2.0, 2.0), color)], &plain(), 2.0);
        assert_eq!(pixels.iter().filter(|p| **p != [0; 3]).count(), 16);
        let pixels = draw(vec![quad(rect(2.5, 2.5, 2.0, 2.0), color)], &plain(), 1.0);
        assert!(at(&pixels, 2, 2) != [0; 3] && at(&pixels, 4, 4) == [0; 3]);
    }

    #[test]
    fn neighbours_neither_overlap_nor_leave_gaps() {
        // A fan of see-through triangles in both windings: a pixel drawn twice would be brighter.
        let color = Color32::from_rgba_premultiplied(100, 100, 100, 100);
        let mut mesh = Mesh::default();
        mesh.colored_vertex(pos2(20.3, 22.7), color);
        for n in 0..24 {
            let (sin, cos) = (n as f32 / 24.0 * std::f32::consts::TAU).sin_cos();
            mesh.colored_vertex(pos2(20.3 + 15.0 * cos, 22.7 + 15.0 * sin), color);
        }
        for n in 0..24 {
            let (a, b) = (1 + n, 1 + (n + 1) % 24);
            if n % 2 == 0 { mesh.add_triangle(0, a, b) } else { mesh.add_triangle(0, b, a) }
        }
        let pixels = draw(vec![mesh], &plain(), 1.0);
        assert!(pixels.iter().all(|p| [[0; 3], [100; 3]].contains(p)));
        let inside = pixels.iter().filter(|p| **p != [0; 3]).count();
        assert!((660..740).contains(&inside), "{inside} pixels of a disc of 707 less its rim");
    }

    #[test]
    fn see_through_colours_lie_over_what_is_there() {
        let below = quad(rect(0.0, 0.0, 20.0, 20.0), Color32::from_rgb(200, 100, 0));
        let above = quad(rect(10.0, 0.0, 20.0, 20.0), Color32::from_rgba_premultiplied(0, 64, 128, 128));
        let glow = quad(rect(0.0, 0.0, 5.0, 5.0), Color32::from_rgba_premultiplied(90, 10, 0, 0));
        let pixels = draw(vec![below, above, glow], &plain(), 1.0);
        // 200 · (1 − 128/255) = 99.6; 100 · 127/255 + 64 = 113.8
        assert_eq!(at(&pixels, 15, 10), [100, 114, 128]);
        assert_eq!(at(&pixels, 25, 10), [0, 64, 128]);
        assert_eq!(at(&pixels, 7, 10), [200, 100, 0]);
        assert_eq!(at(&pixels, 2, 2), [255, 110, 0], "alpha 0 adds");
    }

    #[test]
    fn nothing_is_drawn_outside_the_clip() {
        let mesh = quad(Rect::from_min_max(pos2(-1e9, -1e9), pos2(1e9, 1e9)), Color32::WHITE);
        let clip = Rect::from_min_max(pos2(4.4, 5.5), pos2(9.0, f32::INFINITY));
        let pixels = cut(&paint(&[clipped(mesh, clip)], &plain(), SIZE, 1.0, Color32::BLACK));
        for (n, pixel) in pixels.iter().enumerate() {
            let (x, y) = (n % SIZE[0], n / SIZE[0]);
            assert_eq!(*pixel != [0; 3], (4..9).contains(&x) && y >= 6, "{x}, {y}");
        }
    }

    #[test]
    fn colours_change_evenly_between_corners() {
        let mut mesh = quad(rect(0.0, 0.0, 10.0, 10.0), Color32::BLACK);
        for vertex in &mut mesh.vertices {
            vertex.color = if vertex.pos.x > 5.0 { Color32::from_gray(200) } else { Color32::BLACK };
        }
        let pixels = draw(vec![mesh], &plain(), 1.0);
        for x in 0..10 {
            assert_eq!(at(&pixels, x, 4)[0] as usize, 10 + 20 * x);
        }
    }

    fn picture(colors: &[u8], width: usize) -> ColorImage {
        ColorImage::new([width, colors.len() / width], colors.iter().map(|&c| Color32::from_gray(c)).collect())
    }

    fn textured(area: Rect, uv: Rect) -> Mesh {
        let mut mesh = Mesh::with_texture(TextureId::Managed(1));
        mesh.add_rect_with_uv(area, uv, Color32::WHITE);
        mesh
    }

    #[test]
    fn textures_are_sampled_as_their_options_say() {
        let unit = rect(0.0, 0.0, 1.0, 1.0);
        let row = |image: ColorImage, options, mesh| {
            let pixels = draw(vec![mesh], &textures(image, options), 1.0);
            (0..8).map(|x| at(&pixels, x, 0)[0]).collect::<Vec<_>>()
        };
        let four = || picture(&[0, 80, 160, 240], 4);
        let wide = || textured(rect(0.0, 0.0, 8.0, 2.0), unit);
        assert_eq!(row(four(), TextureOptions::NEAREST, wide()), [0, 0, 80, 80, 160, 160, 240, 240]);
        assert_eq!(row(four(), TextureOptions::LINEAR, wide()), [0, 20, 60, 100, 140, 180, 220, 240]);
        // One texel a pixel: exact, wherever it lies.
        let glyph = textured(rect(1.0, 0.0, 4.0, 1.0), unit);
        assert_eq!(row(four(), TextureOptions::LINEAR, glyph), [0, 0, 80, 160, 240, 0, 0, 0]);
        let twice = || textured(rect(0.0, 0.0, 8.0, 1.0), rect(0.0, 0.0, 2.0, 1.0));
        assert_eq!(row(four(), TextureOptions::NEAREST, twice()), [0, 80, 160, 240, 240, 240, 240, 240]);
        assert_eq!(row(four(), TextureOptions::NEAREST_REPEAT, twice()), [0, 80, 160, 240, 0, 80, 160, 240]);
        let mirrored = TextureOptions::NEAREST_MIRRORED_REPEAT;
        assert_eq!(row(four(), mirrored, twice()), [0, 80, 160, 240, 240, 160, 80, 0]);
        let stripes = picture(&[0, 100].repeat(8), 16);
        let halved = TextureOptions::LINEAR.with_mipmap_mode(Some(eframe::egui::TextureFilter::Nearest));
        assert_eq!(row(stripes, halved, wide()), [50; 8]);
    }

    #[test]
    fn part_of_a_texture_can_be_changed_and_a_texture_freed() {
        let mut all = textures(picture(&[10; 16], 4), TextureOptions::NEAREST);
        let mut delta = TexturesDelta::default();
        let part = ImageDelta::partial([1, 2], picture(&[200; 2], 2), TextureOptions::NEAREST);
        delta.push(TextureId::Managed(1), part);
        delta.free(TextureId::Managed(1));
        all.set(&delta);
        let mesh = || textured(rect(0.0, 0.0, 4.0, 4.0), rect(0.0, 0.0, 1.0, 1.0));
        let pixels = draw(vec![mesh()], &all, 1.0);
        let bright: Vec<usize> = (0..16).filter(|n| at(&pixels, n % 4, n / 4) == [200; 3]).collect();
        assert_eq!(bright, [9, 10]);
        all.free(&delta);
        delta.clear();
        assert!(draw(vec![mesh()], &all, 1.0).iter().all(|p| *p == [0; 3]));
    }

    #[test]
    fn broken_meshes_draw_nothing() {
        let mut mesh = quad(rect(0.0, 0.0, 10.0, 10.0), Color32::WHITE);
        mesh.vertices[0].pos.x = f32::NAN;
        let flat = Vertex::untextured(pos2(1.0, 1.0), Color32::WHITE);
        let line = Mesh { indices: vec![0, 0, 0, 0, 1, 9], vertices: vec![flat; 2], ..Mesh::default() };
        let pixels = draw(vec![line], &plain(), 1.0);
        assert!(pixels.iter().all(|p| *p == [0; 3]));
        assert!(draw(vec![mesh], &plain(), 1.0).iter().filter(|p| **p != [0; 3]).count() < 60);
    }
}
