//! Small pictures, counted pixel by pixel.

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
