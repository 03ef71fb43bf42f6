//! Solid shapes as signed distances: negative inside, and never more than the true distance by much outside, so
//! that a ray can step along them.

use super::maths::{V3, mix, v3};

/// A solid. Lengths in metres, y up from the ground, z the way the person faces.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A capsule from `a` to `b` whose radius goes from `ra` to `rb`.
    Limb {
        /// One end.
        a: V3,
        /// The other end.
        b: V3,
        /// Radius at `a`.
        ra: f32,
        /// Radius at `b`.
        rb: f32,
    },
    /// An ellipsoid.
    Ellipsoid {
        /// Centre.
        c: V3,
        /// Half axes.
        r: V3,
    },
    /// A box with round edges, turned about the vertical.
    Block {
        /// Centre.
        c: V3,
        /// Half sizes.
        half: V3,
        /// Radius of the edges.
        round: f32,
        /// Angle.
        turn: f32,
    },
    /// A hanging skirt: round above and below, flattened in depth.
    Skirt {
        /// Middle of the waist.
        top: V3,
        /// Middle of the hem.
        bottom: V3,
        /// Half widths at waist and hem.
        r: (f32, f32),
        /// Depth over width.
        flat: f32,
    },
    /// Shapes flowing into each other over a length of `k`.
    Blend {
        /// The shapes.
        parts: Vec<Shape>,
        /// How far the joint reaches.
        k: f32,
    },
}

impl Shape {
    /// Signed distance of `p`.
    pub fn distance(&self, p: V3) -> f32 {
        match self {
            Self::Limb { a, b, ra, rb } => {
                let (pa, ba) = (p - *a, *b - *a);
                let t = (pa.dot(ba) / ba.dot(ba).max(1e-9)).clamp(0.0, 1.0);
                (pa - ba * t).length() - mix(*ra, *rb, t)
            }
            Self::Ellipsoid { c, r } => {
                let q = p - *c;
                let k0 = v3(q.x / r.x, q.y / r.y, q.z / r.z).length();
                let k1 = v3(q.x / (r.x * r.x), q.y / (r.y * r.y), q.z / (r.z * r.z)).length();
                if k1 > 0.0 { k0 * (k0 - 1.0) / k1 } else { -r.x.min(r.y).min(r.z) }
            }
            Self::Block { c, half, round, turn } => {
                let q = (p - *c).turn(-turn);
                let out = v3(q.x.abs() - half.x + round, q.y.abs() - half.y + round, q.z.abs() - half.z + round);
                let far = v3(out.x.max(0.0), out.y.max(0.0), out.z.max(0.0)).length();
                far + out.x.max(out.y).max(out.z).min(0.0) - round
            }
            Self::Skirt { top, bottom, r, flat } => {
                let t = ((top.y - p.y) / (top.y - bottom.y)).clamp(0.0, 1.0);
                let axis = top.mix(*bottom, t);
                let side = ((p.x - axis.x).powi(2) + ((p.z - axis.z) / flat).powi(2)).sqrt() - mix(r.0, r.1, t);
                let ends = (p.y - top.y).max(bottom.y - p.y);
                let far = (side.max(0.0).powi(2) + ends.max(0.0).powi(2)).sqrt();
                (far + side.max(ends).min(0.0)) * flat.min(1.0)
            }
            Self::Blend { parts, k } => parts.iter().map(|s| s.distance(p)).fold(f32::MAX, |a, b| {
                let h = (k - (a - b).abs()).max(0.0) / k;
                a.min(b) - h * h * k * 0.25
            }),
        }
    }

    /// A ball that holds the shape: centre and radius.
    pub fn ball(&self) -> (V3, f32) {
        match self {
            Self::Limb { a, b, ra, rb } => ((*a + *b) * 0.5, (*b - *a).length() * 0.5 + ra.max(*rb)),
            Self::Ellipsoid { c, r } => (*c, r.x.max(r.y).max(r.z)),
            Self::Block { c, half, .. } => (*c, half.length()),
            Self::Skirt { top, bottom, r, .. } => {
                let half = (*top - *bottom).length() * 0.5;
                ((*top + *bottom) * 0.5, (half * half + r.0.max(r.1).powi(2)).sqrt())
            }
            Self::Blend { parts, k } => {
                let balls: Vec<(V3, f32)> = parts.iter().map(Self::ball).collect();
                let sum = balls.iter().fold(V3::default(), |s, b| s + b.0);
                let c = sum * (1.0 / balls.len().max(1) as f32);
                let r = balls.iter().map(|b| (b.0 - c).length() + b.1).fold(0.0, f32::max);
                (c, r + k * 0.25)
            }
        }
    }

    /// Outward direction at a point of the surface.
    pub fn normal(&self, p: V3) -> V3 {
        const E: f32 = 0.002;
        let corners = [v3(1.0, -1.0, -1.0), v3(-1.0, -1.0, 1.0), v3(-1.0, 1.0, -1.0), v3(1.0, 1.0, 1.0)];
        corners.iter().fold(V3::default(), |n, &c| n + c * self.distance(p + c * E)).unit()
    }
}
