//! The profiles of the gates beside a coordinate map.

use eframe::egui::{Mesh, Pos2, Rect, Shape, Stroke, Ui, epaint, pos2};

use super::maps;
use crate::engine::event::ImageMaps;
use crate::gui::theme::{Theme, size};

/// Above and at the left of a coordinate map, for the profiles of the gates.
pub const PROFILE: f32 = 12.0;

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
