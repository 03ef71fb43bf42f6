//! Maps as pictures: textures, the gates' profiles, colour bars.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use eframe::egui::{
    Color32, ColorImage, Mesh, Pos2, Rect, Shape, Stroke, TextureHandle, TextureOptions, Ui, epaint, pos2,
};

use super::maps;
use crate::engine::event::{AttentionMap, ImageMaps};
use crate::export::attention::{Ramp, place};
use crate::gui::panels::photo::WHOLE;
use crate::gui::theme::{Theme, size};

/// Above and at the left of a coordinate map, for the profiles of the gates.
pub const PROFILE: f32 = 12.0;
/// Textures kept.
const KEPT: usize = 512;

/// The colour at `t` in 0..=1 on screen.
pub fn color(theme: &Theme, ramp: Ramp, t: f32) -> Color32 {
    match ramp {
        Ramp::Attention => Theme::inferno(t),
        Ramp::Difference => theme.diverging(2.0 * t.clamp(0.0, 1.0) - 1.0),
    }
}

/// Tells maps apart without reading all of them: where they lie, their shape, and a few of their values.
pub fn mark(map: &AttentionMap, hasher: &mut impl Hasher) {
    (map.values.as_ptr() as usize, map.height, map.width).hash(hasher);
    map.values.iter().step_by((map.values.len() / 8).max(1)).for_each(|v| v.to_bits().hash(hasher));
}

/// Textures of maps, by what they show.
#[derive(Default)]
pub struct Painted {
    textures: HashMap<u64, TextureHandle>,
}

impl Painted {
    /// Paints `map` over `rect`, smoothed between its values; `range` spans the colours.
    pub fn paint(&mut self, ui: &Ui, map: &AttentionMap, rect: Rect, range: [f32; 2], look: (Ramp, f32)) {
        if map.width * map.height != map.values.len() || map.values.is_empty() {
            return;
        }
        let (theme, (ramp, opacity)) = (Theme::of(ui.ctx()), look);
        let mut hasher = DefaultHasher::new();
        mark(map, &mut hasher);
        (range.map(f32::to_bits), ramp == Ramp::Difference, theme.dark).hash(&mut hasher);
        let key = hasher.finish();
        if self.textures.len() > KEPT && !self.textures.contains_key(&key) {
            self.textures.clear();
        }
        let texture = self.textures.entry(key).or_insert_with(|| {
            let colors = map.values.iter().map(|v| color(theme, ramp, place(*v, range))).collect();
            let image = ColorImage::new([map.width, map.height], colors);
            ui.ctx().load_texture(map.name.as_str(), image, TextureOptions::LINEAR)
        });
        ui.painter().image(texture.id(), rect, WHOLE, Color32::WHITE.gamma_multiply(opacity));
    }
}

/// The gates g^h and g^w beside and above the coordinate map `name`, as grey profiles.
pub fn gates(ui: &Ui, of: &ImageMaps, name: &str, rect: Rect) {
    let theme = Theme::of(ui.ctx());
    let gate = |axis: &str| maps::find(of, &format!("{name}.{axis}"));
    let deep = PROFILE - 2.0;
    if let Some(g) = gate("h") {
        profile(ui, &g.values, theme, |t, v| pos2(rect.left() - 1.0 - v * deep, rect.top() + t * rect.height()));
    }
    if let Some(g) = gate("w") {
        profile(ui, &g.values, theme, |t, v| pos2(rect.left() + t * rect.width(), rect.top() - 1.0 - v * deep));
    }
}

/// A filled profile; gates lie between 0 and 1, so its scale is fixed.
fn profile(ui: &Ui, values: &[f32], theme: &Theme, at: impl Fn(f32, f32) -> Pos2) {
    let n = values.len() as f32;
    let mut mesh = Mesh::default();
    let color = theme.t3.gamma_multiply(0.55);
    let mut line = Vec::with_capacity(values.len());
    for (i, value) in values.iter().enumerate() {
        let (t, v) = ((i as f32 + 0.5) / n, value.clamp(0.0, 1.0));
        for (t, v) in [(t, 0.0), (t, v)] {
            mesh.vertices.push(epaint::Vertex { pos: at(t, v), uv: epaint::WHITE_UV, color });
        }
        line.push(at(t, v));
        if i > 0 {
            let k = 2 * i as u32;
            mesh.add_triangle(k - 2, k - 1, k);
            mesh.add_triangle(k - 1, k, k + 1);
        }
    }
    ui.painter().add(Shape::mesh(mesh));
    ui.painter().line(line, Stroke::new(size::STROKE, theme.t3));
}

/// A ramp from left to right.
pub fn color_bar(ui: &Ui, rect: Rect, ramp: Ramp) {
    const STEPS: u32 = 32;
    let theme = Theme::of(ui.ctx());
    let mut mesh = Mesh::default();
    for i in 0..=STEPS {
        let t = i as f32 / STEPS as f32;
        let x = rect.left() + t * rect.width();
        let ink = color(theme, ramp, t);
        mesh.colored_vertex(pos2(x, rect.top()), ink);
        mesh.colored_vertex(pos2(x, rect.bottom()), ink);
        if i > 0 {
            let k = 2 * i;
            mesh.add_triangle(k - 2, k - 1, k);
            mesh.add_triangle(k - 1, k, k + 1);
        }
    }
    ui.painter().add(Shape::mesh(mesh));
}
