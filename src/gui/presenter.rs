//! For whoever speaks to a class: a ring around the pointer, and a spotlight that dims all else.

use eframe::egui::{self, Color32, Mesh, Pos2, Stroke, pos2};

use super::theme::{Theme, size};

/// What follows the pointer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presenter {
    /// A ring, which closes while a button is down.
    pub ring: bool,
    /// All but a disc is dimmed.
    pub spotlight: bool,
}

impl Presenter {
    /// Draws over everything else.
    pub fn show(self, ctx: &egui::Context) {
        if !self.ring && !self.spotlight {
            return;
        }
        let Some(at) = ctx.input(|i| i.pointer.latest_pos()) else { return };
        let layer = egui::LayerId::new(egui::Order::Debug, egui::Id::unique("presenter"));
        let painter = ctx.layer_painter(layer);
        let screen = ctx.content_rect();
        if self.spotlight {
            let radius = (0.2 * screen.height()).clamp(90.0, 220.0);
            painter.add(dimmed(at, radius, screen.size().length(), Theme::of(ctx).backdrop()));
        }
        if self.ring {
            let down = ctx.input(|i| i.pointer.any_down());
            let radius = if down { 14.0 } else { 22.0 };
            painter.circle_stroke(at, radius, Stroke::new(2.0 * size::STROKE_HERO, Theme::of(ctx).pending));
        }
    }
}

/// A ring from `inner` to `outer`, as one mesh.
fn dimmed(at: Pos2, inner: f32, outer: f32, ink: Color32) -> Mesh {
    const SIDES: u32 = 64;
    let mut mesh = Mesh::default();
    for side in 0..SIDES {
        let (sin, cos) = (std::f32::consts::TAU * side as f32 / SIDES as f32).sin_cos();
        for radius in [inner, outer] {
            mesh.colored_vertex(pos2(at.x + radius * cos, at.y + radius * sin), ink);
        }
        let (a, b) = (2 * side, 2 * ((side + 1) % SIDES));
        mesh.add_triangle(a, a + 1, b);
        mesh.add_triangle(a + 1, b + 1, b);
    }
    mesh
}
