//! The little geometry and noise that drawing needs.

use std::ops::{Add, Mul, Neg, Sub};

/// A point, a direction, or a linear RGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct V3 {
    /// Right, or red.
    pub x: f32,
    /// Up, or green.
    pub y: f32,
    /// Towards the viewer, or blue.
    pub z: f32,
}

/// Shorthand for a [`V3`].
pub const fn v3(x: f32, y: f32, z: f32) -> V3 {
    V3 { x, y, z }
}

impl Add for V3 {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        v3(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}

impl Sub for V3 {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        v3(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}

impl Neg for V3 {
    type Output = Self;
    fn neg(self) -> Self {
        v3(-self.x, -self.y, -self.z)
    }
}

impl Mul<f32> for V3 {
    type Output = Self;
    fn mul(self, s: f32) -> Self {
        v3(self.x * s, self.y * s, self.z * s)
    }
}

/// Component by component.
impl Mul for V3 {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        v3(self.x * o.x, self.y * o.y, self.z * o.z)
    }
}

impl V3 {
    /// Inner product.
    pub fn dot(self, o: Self) -> f32 {
        self.x * o.x + self.y * o.y + self.z * o.z
    }

    /// Euclidean length.
    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The same direction with length 1; itself when it has none.
    pub fn unit(self) -> Self {
        let l = self.length();
        if l > 0.0 { self * (1.0 / l) } else { self }
    }

    /// Vector product.
    pub fn cross(self, o: Self) -> Self {
        v3(self.y * o.z - self.z * o.y, self.z * o.x - self.x * o.z, self.x * o.y - self.y * o.x)
    }

    /// Turned about the vertical axis; positive turns the viewer's side (+z) to the right (+x).
    pub fn turn(self, angle: f32) -> Self {
        let (s, c) = angle.sin_cos();
        v3(c * self.x + s * self.z, self.y, c * self.z - s * self.x)
    }

    /// Tipped about the horizontal axis; positive shows more of the top.
    pub fn tip(self, angle: f32) -> Self {
        let (s, c) = angle.sin_cos();
        v3(self.x, c * self.y - s * self.z, c * self.z + s * self.y)
    }

    /// Mixture: 0 gives `self`, 1 gives `o`.
    pub fn mix(self, o: Self, t: f32) -> Self {
        self * (1.0 - t) + o * t
    }

    /// Brightness of a linear colour.
    pub fn luma(self) -> f32 {
        0.2126 * self.x + 0.7152 * self.y + 0.0722 * self.z
    }
}

/// Mixture of numbers: 0 gives `a`, 1 gives `b`.
pub fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `a`, 1 above `b`, smooth between.
pub fn smooth(a: f32, b: f32, x: f32) -> f32 {
    let t = ((x - a) / (b - a)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A linear colour from sRGB components in 0..1.
pub fn rgb(r: f32, g: f32, b: f32) -> V3 {
    v3(r.max(0.0).powf(2.2), g.max(0.0).powf(2.2), b.max(0.0).powf(2.2))
}

/// A linear colour from `0xRRGGBB`.
pub fn hex(code: u32) -> V3 {
    let part = |shift: u32| ((code >> shift) & 255) as f32 / 255.0;
    rgb(part(16), part(8), part(0))
}

/// Pseudo-random 0..1 of a lattice point.
pub fn lattice(x: i32, y: i32, z: i32, salt: u32) -> f32 {
    let mut h = salt ^ (x as u32).wrapping_mul(0x8DA6_B343);
    h = (h ^ (y as u32).wrapping_mul(0xD816_3841)).rotate_left(13);
    h = (h ^ (z as u32).wrapping_mul(0xCB1A_B31F)).wrapping_mul(0x7FEB_352D);
    h = (h ^ (h >> 15)).wrapping_mul(0x846C_A68B);
    ((h ^ (h >> 16)) >> 8) as f32 / 16_777_216.0
}

/// Largest whole number not above `x`; without the call that `f32::floor` is on an old processor.
pub fn floor(x: f32) -> i32 {
    let i = x as i32;
    i - i32::from((i as f32) > x)
}

/// Where `x` stands within its period, 0..1.
pub fn cycle(x: f32, period: f32) -> f32 {
    let t = x / period;
    t - floor(t) as f32
}

/// Smooth noise, 0..1, one lump a unit.
pub fn noise(p: V3, salt: u32) -> f32 {
    let (ix, iy, iz) = (floor(p.x), floor(p.y), floor(p.z));
    let (fx, fy, fz) = (ix as f32, iy as f32, iz as f32);
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v, w) = (ease(p.x - fx), ease(p.y - fy), ease(p.z - fz));
    let row = |dy: i32, dz: i32| mix(lattice(ix, iy + dy, iz + dz, salt), lattice(ix + 1, iy + dy, iz + dz, salt), u);
    mix(mix(row(0, 0), row(1, 0), v), mix(row(0, 1), row(1, 1), v), w)
}

/// Two octaves of [`noise`].
pub fn rough(p: V3, salt: u32) -> f32 {
    0.67 * noise(p, salt) + 0.33 * noise(p * 2.3, salt ^ 0x5bd1)
}
