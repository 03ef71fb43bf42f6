//! Solid shapes as signed distances: negative inside, and never more than the true distance by much outside, so
//! that a ray can step along them.

use super::maths::{V3, mix, v3};

/// A solid. Lengths in metres, y up from the ground, z the way the person faces.
#[derive(Clone, Debug)]
pub enum BodySolid {
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
        parts: Vec<BodySolid>,
        /// How far the joint reaches.
        k: f32,
    },
}

impl BodySolid {
    /// Signed distance of `p`.
    pub fn distance(&self, p: V3) -> f32 {
        match self {
            Self::Limb { a, b, ra, rb } => {
                let (pa, ba) = (p - *a, *b - *a);
                let t = (pa.dot(ba) / ba.dot(ba).max(1e-9)).clamp(0.0, 1.0);
                (pa - ba * t).length() - mix(*ra, *rb, t)
            }
            Self::Ellipsoid { c, r } => {
                let inverse = v3(1.0 / r.x, 1.0 / r.y, 1.0 / r.z);
                let q = (p - *c) * inverse;
                let (k0, k1) = (q.length(), (q * inverse).length());
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

    /// How far the shape reaches along a unit direction: least and greatest `p · along`.
    pub fn extent(&self, along: V3) -> (f32, f32) {
        let about = |c: V3, r: f32| (c.dot(along) - r, c.dot(along) + r);
        let both = |a: (f32, f32), b: (f32, f32)| (a.0.min(b.0), a.1.max(b.1));
        match self {
            Self::Limb { a, b, ra, rb } => both(about(*a, *ra), about(*b, *rb)),
            Self::Ellipsoid { c, r } => about(*c, (*r * along).length()),
            Self::Block { c, half, turn, .. } => {
                let d = along.turn(-turn);
                about(*c, half.x * d.x.abs() + half.y * d.y.abs() + half.z * d.z.abs())
            }
            Self::Skirt { top, bottom, r, flat } => {
                let disc = |r: f32| r * (along.x * along.x + (flat * along.z).powi(2)).sqrt();
                both(about(*top, disc(r.0)), about(*bottom, disc(r.1)))
            }
            Self::Blend { parts, k } => {
                let all = parts.iter().map(|p| p.extent(along)).fold((f32::MAX, f32::MIN), both);
                (all.0 - k * 0.25, all.1 + k * 0.25)
            }
        }
    }

    /// How far along the ray the shape begins, looked for up to `end`.
    pub fn meet(&self, start: V3, along: V3, end: f32) -> Option<f32> {
        let mut t = self.hull(start, along, 0.0)?;
        if let Self::Ellipsoid { .. } = self {
            return Some(t);
        }
        // The distance to a convex shape falls along a ray that meets it; once it grows, the ray has missed. Blends
        // are nearly convex.
        let slack = if matches!(self, Self::Blend { .. }) { 0.03 } else { 0.0 };
        let mut last = f32::MAX;
        for _ in 0..32 {
            let d = self.distance(start + along * t);
            // Half a fine pixel: closer cannot be seen.
            if d < 0.004 {
                return Some(t);
            }
            t += d * 0.92;
            if t > end || d > last + slack {
                return None;
            }
            last = d;
        }
        None
    }

    /// Where the ray enters a simple hull of the shape grown by `grow`; `None` when it passes by.
    fn hull(&self, start: V3, along: V3, grow: f32) -> Option<f32> {
        match self {
            Self::Ellipsoid { c, r } => {
                let inverse = v3(1.0 / (r.x + grow), 1.0 / (r.y + grow), 1.0 / (r.z + grow));
                let (o, d) = ((start - *c) * inverse, along * inverse);
                quadratic(d.dot(d), o.dot(d), o.dot(o) - 1.0)
            }
            Self::Limb { a, b, ra, rb } => capsule(start - *a, along, *b - *a, ra.max(*rb) + grow),
            Self::Blend { parts, k } => {
                let entries = parts.iter().filter_map(|p| p.hull(start, along, grow + k * 0.25));
                entries.reduce(f32::min).map(|t| t.max(0.0))
            }
            Self::Block { .. } | Self::Skirt { .. } => Some(0.0),
        }
    }

    /// Outward direction at a point near the surface.
    pub fn normal(&self, p: V3) -> V3 {
        self.slope(p).1.unit()
    }

    /// Distance and the direction in which it grows.
    fn slope(&self, p: V3) -> (f32, V3) {
        match self {
            Self::Limb { a, b, ra, rb } => {
                let (pa, ba) = (p - *a, *b - *a);
                let t = (pa.dot(ba) / ba.dot(ba).max(1e-9)).clamp(0.0, 1.0);
                let off = pa - ba * t;
                (off.length() - mix(*ra, *rb, t), off.unit())
            }
            Self::Ellipsoid { c, r } => {
                let inverse = v3(1.0 / r.x, 1.0 / r.y, 1.0 / r.z);
                (self.distance(p), ((p - *c) * inverse * inverse).unit())
            }
            Self::Block { .. } | Self::Skirt { .. } => {
                const E: f32 = 0.002;
                let corners = [v3(1.0, -1.0, -1.0), v3(-1.0, -1.0, 1.0), v3(-1.0, 1.0, -1.0), v3(1.0, 1.0, 1.0)];
                let n = corners.iter().fold(V3::default(), |n, &c| n + c * self.distance(p + c * E));
                (self.distance(p), n.unit())
            }
            Self::Blend { parts, k } => parts.iter().map(|s| s.slope(p)).fold((f32::MAX, V3::default()), |a, b| {
                let (near, far) = if a.0 < b.0 { (a, b) } else { (b, a) };
                let h = (k - (far.0 - near.0)).max(0.0) / k;
                (near.0 - h * h * k * 0.25, near.1.mix(far.1, h * 0.5))
            }),
        }
    }
}

/// The nearer root of `a t² + 2 b t + c`.
fn quadratic(a: f32, b: f32, c: f32) -> Option<f32> {
    let root = b * b - a * c;
    (root > 0.0).then(|| (-b - root.sqrt()) / a)
}

/// Where a ray from `o` (relative to one end) enters the capsule of that `axis` and radius.
fn capsule(o: V3, along: V3, axis: V3, radius: f32) -> Option<f32> {
    let (long, lean, ahead) = (axis.dot(axis), axis.dot(along), axis.dot(o));
    let a = long - lean * lean;
    let side = quadratic(a, long * along.dot(o) - ahead * lean, long * (o.dot(o) - radius * radius) - ahead * ahead);
    if let Some(t) = side {
        let at = ahead + t * lean;
        if (0.0..long).contains(&at) {
            return Some(t.max(0.0));
        }
    }
    let ball = |o: V3| quadratic(1.0, along.dot(o), o.dot(o) - radius * radius);
    [ball(o), ball(o - axis)].into_iter().flatten().reduce(f32::min).map(|t| t.max(0.0))
}
