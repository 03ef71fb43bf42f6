//! The map by keyboard: arrows go from the selected image to the next one that way, plus and minus zoom.

use eframe::egui::{EventFilter, Key, Pos2, Response, Ui, Vec2, vec2};

use super::{Lens, LensPlace, MapPanel, PlaneLayout};
use crate::engine::event::{ImageRef, Split};
use crate::gui::panels::PanelCtx;
use crate::gui::theme::size;
use crate::gui::widgets::button::focus_ring;

/// Of the screen's edge that the selected image is kept away from.
const EDGE: f32 = 24.0;
/// What one press zooms by.
const ZOOM: f32 = 1.25;

/// The point that lies next from `from` in the direction `way`: within 45° of it, nearer straight ahead than aside.
/// `from` itself, and what lies on it, is none.
pub fn next(at: &[Pos2], from: Pos2, way: Vec2) -> Option<usize> {
    let cost = |p: &Pos2| {
        let d = *p - from;
        let (along, across) = (d.dot(way), (d.x * way.y - d.y * way.x).abs());
        (along > 0.0 && across <= along).then_some(along + 2.0 * across)
    };
    let all = at.iter().enumerate().filter_map(|(i, p)| Some((cost(p)?, i)));
    all.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, i)| i)
}

/// The point nearest to the middle of what is seen.
fn middle(at: &[Pos2], place: LensPlace) -> Option<usize> {
    let centre = place.plane(place.rect.center());
    let all = at.iter().enumerate().map(|(i, p)| (p.distance_sq(centre), i));
    all.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, i)| i)
}

impl MapPanel {
    /// The image that the keys lead to, while the map has the keyboard.
    pub(super) fn walked(
        &mut self,
        ui: &Ui,
        cx: &PanelCtx<'_>,
        response: &Response,
        layout: &PlaneLayout,
        place: LensPlace,
    ) -> Option<usize> {
        if !response.has_focus() {
            return None;
        }
        focus_ring(ui, response, place.rect.shrink(4.0), size::RADIUS_INPUT);
        let keys = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, keys));
        let selected = match cx.selection.image {
            Some(ImageRef { split: Split::Train, index }) => layout.at.get(index as usize).copied(),
            _ => None,
        };
        let pressed = |key| ui.input(|i| i.key_pressed(key));
        let zoom = match () {
            () if pressed(Key::Plus) || pressed(Key::Equals) => ZOOM,
            () if pressed(Key::Minus) => 1.0 / ZOOM,
            () => 1.0,
        };
        if zoom != 1.0 {
            let held = selected.map_or(place.rect.center(), |p| place.screen(p));
            self.lens.zoom(place, held, zoom);
        }
        if pressed(Key::Home) {
            self.lens = Lens::default();
        }
        let ways = [
            (Key::ArrowLeft, vec2(-1.0, 0.0)),
            (Key::ArrowRight, vec2(1.0, 0.0)),
            (Key::ArrowUp, vec2(0.0, -1.0)),
            (Key::ArrowDown, vec2(0.0, 1.0)),
        ];
        let (_, way) = ways.into_iter().find(|(key, _)| pressed(*key))?;
        let found = match selected {
            Some(from) => next(&layout.at, from, way),
            None => middle(&layout.at, place),
        }?;
        let at = place.screen(layout.at[found]);
        if !place.rect.shrink(EDGE).contains(at) {
            self.lens.pan(place, place.rect.center() - at);
        }
        Some(found)
    }
}
