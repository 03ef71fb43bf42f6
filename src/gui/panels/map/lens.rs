//! From the plane of a layout to the screen and back: what zoom and pan change.

use eframe::egui::{Pos2, Rect, Vec2, vec2};

/// How far one can go in and out.
const ZOOM: [f32; 2] = [0.5, 80.0];
/// Points kept free at the edge.
const MARGIN: f32 = 8.0;

/// What part of the plane is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lens {
    /// What lies in the middle, in the layout's plane.
    pub centre: Vec2,
    /// 1 shows the whole layout.
    pub zoom: f32,
}

impl Default for Lens {
    fn default() -> Self {
        Self { centre: Vec2::ZERO, zoom: 1.0 }
    }
}

/// A lens over a rectangle of the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LensPlace {
    /// The screen.
    pub rect: Rect,
    centre: Vec2,
    scale: f32,
}

impl Lens {
    /// Over `rect`, for a layout of half extents `half`.
    pub fn over(self, rect: Rect, half: Vec2) -> LensPlace {
        LensPlace { rect, centre: self.centre, scale: fit(rect, half) * self.zoom }
    }

    /// Moves what is seen by `delta` on the screen.
    pub fn pan(&mut self, place: LensPlace, delta: Vec2) {
        self.centre -= delta / place.scale;
    }

    /// Zooms so that what lies under `pointer` stays there.
    pub fn zoom(&mut self, place: LensPlace, pointer: Pos2, factor: f32) {
        let zoom = (self.zoom * factor).clamp(ZOOM[0], ZOOM[1]);
        let under = place.plane(pointer).to_vec2();
        self.centre = under - (under - self.centre) * (self.zoom / zoom);
        self.zoom = zoom;
    }
}

impl LensPlace {
    /// Where a point of the plane lies on the screen.
    pub fn screen(&self, at: Pos2) -> Pos2 {
        self.rect.center() + (at.to_vec2() - self.centre) * self.scale
    }

    /// What lies under a point of the screen.
    pub fn plane(&self, at: Pos2) -> Pos2 {
        ((at - self.rect.center()) / self.scale + self.centre).to_pos2()
    }

    /// A length of the screen in the plane.
    pub fn length(&self, points: f32) -> f32 {
        points / self.scale
    }
}

/// Points of the screen for 1 of the plane, so that all of it is seen.
fn fit(rect: Rect, half: Vec2) -> f32 {
    let room = (rect.size() / 2.0 - Vec2::splat(MARGIN)).max(vec2(4.0, 4.0));
    let needed = half.max(Vec2::splat(1e-3));
    (room.x / needed.x).min(room.y / needed.y)
}
