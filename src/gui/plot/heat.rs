//! Maps as pictures: textures of values, and the bar that says what their colours mean.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use eframe::egui::{Color32, ColorImage, Mesh, Rect, Shape, TextureHandle, TextureOptions, Ui, pos2};

use crate::engine::event::AttentionMap;
use crate::export::attention::{Ramp, place};
use crate::gui::theme::Theme;
use crate::gui::widgets::photo::WHOLE;

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
