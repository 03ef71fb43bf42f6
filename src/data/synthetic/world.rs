//! A place: ground, boxes, sky or ceiling, and the pinhole camera that looks at it.

use super::maths::{V3, mix, noise, v3};
use super::render::LinearImage;
use super::surface::{self, Skin};

/// A box standing in a place. Metres; y up.
#[derive(Clone, Copy, Debug)]
pub struct Solid {
    /// Least corner.
    pub low: V3,
    /// Greatest corner.
    pub high: V3,
    /// What its faces look like.
    pub skin: Skin,
}

/// A place. The camera looks towards −z.
#[derive(Clone, Debug)]
pub struct World {
    /// What stands there.
    pub solids: Vec<Solid>,
    /// The floor.
    pub floor: Skin,
    /// How much of a mirror the floor is, 0..1.
    pub gloss: f32,
    /// Towards the sun, if it shines.
    pub sun: Option<V3>,
    /// Light of the sun or of the lamps.
    pub key: V3,
    /// Light from everywhere.
    pub ambient: V3,
    /// Height of the ceiling, if there is one.
    pub ceiling: Option<f32>,
    /// Sky at the horizon and overhead.
    pub sky: (V3, V3),
    /// Seeds the textures.
    pub salt: u32,
}

/// A pinhole camera.
#[derive(Clone, Copy, Debug)]
pub struct Pinhole {
    /// Where it hangs.
    pub eye: V3,
    /// To the right, radians.
    pub yaw: f32,
    /// Down, radians.
    pub pitch: f32,
    /// Focal length, pixels.
    pub focal: f32,
    /// Width and height of its picture, pixels.
    pub frame: (usize, usize),
}

/// What a ray meets first.
struct Meeting {
    t: f32,
    point: V3,
    normal: V3,
    skin: Option<Skin>,
}

impl Pinhole {
    /// Direction of the ray through a pixel.
    pub fn ray(&self, x: f32, y: f32) -> V3 {
        let (w, h) = (self.frame.0 as f32, self.frame.1 as f32);
        v3((x - w * 0.5) / self.focal, (h * 0.5 - y) / self.focal, -1.0).tip(-self.pitch).turn(-self.yaw).unit()
    }

    /// Pixel and depth of a point; depth is below 0 behind the camera.
    pub fn project(&self, p: V3) -> (f32, f32, f32) {
        let q = (p - self.eye).turn(self.yaw).tip(self.pitch);
        let depth = -q.z;
        let scale = self.focal / depth.max(0.05);
        (self.frame.0 as f32 * 0.5 + q.x * scale, self.frame.1 as f32 * 0.5 - q.y * scale, depth)
    }

    /// A direction of the world in the camera's own frame.
    pub fn inward(&self, direction: V3) -> V3 {
        direction.turn(self.yaw).tip(self.pitch)
    }
}

impl World {
    /// The empty place through a camera, linear colours.
    pub fn picture(&self, lens: &Pinhole) -> LinearImage {
        let mut canvas = LinearImage::new(lens.frame.0, lens.frame.1);
        for y in 0..lens.frame.1 {
            for x in 0..lens.frame.0 {
                // Two rays a pixel, on a diagonal, are enough under the lens blur.
                let first = self.colour(lens.eye, lens.ray(x as f32 + 0.25, y as f32 + 0.75), true);
                let second = self.colour(lens.eye, lens.ray(x as f32 + 0.75, y as f32 + 0.25), true);
                canvas.pixels[y * lens.frame.0 + x] = (first + second) * 0.5;
            }
        }
        canvas
    }

    fn colour(&self, from: V3, along: V3, mirror: bool) -> V3 {
        let Some(hit) = self.meet(from, along) else {
            return self.backdrop(from, along);
        };
        let skin = hit.skin.unwrap_or(self.floor);
        let base = surface::colour(skin, hit.point, hit.normal, hit.t, self.salt);
        if let Some(glow) = surface::glow(skin) {
            return base * glow;
        }
        let mut light = self.light(hit.point, hit.normal);
        let grounded = hit.skin.is_none();
        if grounded {
            light = light * self.nearby(hit.point);
        }
        let mut colour = base * light;
        if grounded && mirror && self.gloss > 0.0 {
            let wobble = noise(hit.point * 3.0, self.salt) * 0.04;
            let up = v3(along.x + wobble, along.y.abs(), along.z).unit();
            let seen = self.colour(hit.point + v3(0.0, 0.01, 0.0), up, false);
            colour = colour.mix(seen, self.gloss * (1.0 - along.y.abs()).powi(2));
        }
        colour
    }

    fn backdrop(&self, from: V3, along: V3) -> V3 {
        let Some(height) = self.ceiling else {
            let up = along.y.max(0.0);
            let cloud = noise(v3(along.x * 4.0, along.y * 9.0, along.z * 4.0), self.salt ^ 7);
            return self.sky.0.mix(self.sky.1, (up * 2.2).min(1.0)) * (0.92 + 0.16 * cloud);
        };
        if along.y <= 0.0 {
            return self.sky.0;
        }
        let t = (height - from.y) / along.y;
        let p = from + along * t;
        // Rows of light tubes across the ceiling.
        let lamp = (p.z / 2.4).rem_euclid(1.0) < 0.10 && (p.x / 3.0).rem_euclid(1.0) < 0.62;
        let far = (t / 40.0).min(1.0);
        if lamp { self.key * 2.6 } else { self.sky.1.mix(self.sky.0, far) }
    }

    /// Light at a surface.
    pub fn light(&self, point: V3, normal: V3) -> V3 {
        match self.sun {
            Some(sun) => {
                let lean = normal.dot(sun).max(0.0);
                let open = lean > 0.0 && self.meet(point + normal * 0.02, sun).is_none();
                let up = 0.65 + 0.35 * normal.y;
                if open { self.key * lean + self.ambient * up } else { self.ambient * up }
            }
            None => {
                let pool = 0.8 + 0.2 * ((point.z / 2.4) * std::f32::consts::TAU).cos();
                let up = 0.6 + 0.4 * normal.y.max(0.0);
                self.key * (up * pool) + self.ambient * up
            }
        }
    }

    /// The floor darkens towards what stands on it.
    fn nearby(&self, p: V3) -> f32 {
        self.solids.iter().filter(|s| s.low.y < 0.3).fold(1.0_f32, |shade, s| {
            let dx = (s.low.x - p.x).max(p.x - s.high.x).max(0.0);
            let dz = (s.low.z - p.z).max(p.z - s.high.z).max(0.0);
            shade.min(mix(0.55, 1.0, ((dx * dx + dz * dz).sqrt() / 0.7).min(1.0)))
        })
    }

    /// Whether the straight line between two points is free.
    pub fn sees(&self, from: V3, to: V3) -> bool {
        let way = to - from;
        self.meet(from, way.unit()).is_none_or(|hit| hit.t > way.length() - 0.05)
    }

    /// Whether a person could stand there.
    pub fn free(&self, p: V3, room: f32) -> bool {
        !self.solids.iter().any(|s| {
            s.low.y < 1.9
                && (s.low.x - room..s.high.x + room).contains(&p.x)
                && (s.low.z - room..s.high.z + room).contains(&p.z)
        })
    }

    fn meet(&self, from: V3, along: V3) -> Option<Meeting> {
        let mut best: Option<Meeting> = None;
        if along.y < -1e-4 {
            let t = -from.y / along.y;
            best = (t > 0.0 && t < 120.0).then(|| Meeting {
                t,
                point: from + along * t,
                normal: v3(0.0, 1.0, 0.0),
                skin: None,
            });
        }
        let inverse = v3(1.0 / along.x, 1.0 / along.y, 1.0 / along.z);
        for solid in &self.solids {
            let Some((t, normal)) = solid.enter(from, along, inverse) else { continue };
            if best.as_ref().is_none_or(|b| t < b.t) {
                best = Some(Meeting { t, point: from + along * t, normal, skin: Some(solid.skin) });
            }
        }
        best
    }
}

impl Solid {
    /// Where a ray from outside enters, and the face's direction. `inverse` holds 1 over each part of `along`; where
    /// that is infinite the comparisons still come out right.
    fn enter(&self, from: V3, along: V3, inverse: V3) -> Option<(f32, V3)> {
        let (a, b) = ((self.low - from) * inverse, (self.high - from) * inverse);
        let enter = v3(a.x.min(b.x), a.y.min(b.y), a.z.min(b.z));
        let near = enter.x.max(enter.y).max(enter.z);
        let far = a.x.max(b.x).min(a.y.max(b.y)).min(a.z.max(b.z));
        if near <= 1e-3 || near >= far {
            return None;
        }
        if let Skin::Leaves(_) = self.skin {
            return self.enter_crown(from, along);
        }
        let normal = if near <= enter.x {
            v3(-along.x.signum(), 0.0, 0.0)
        } else if near <= enter.y {
            v3(0.0, -along.y.signum(), 0.0)
        } else {
            v3(0.0, 0.0, -along.z.signum())
        };
        Some((near, normal))
    }

    /// A tree's crown: the ellipsoid inside the box.
    fn enter_crown(&self, from: V3, along: V3) -> Option<(f32, V3)> {
        let (c, r) = ((self.low + self.high) * 0.5, (self.high - self.low) * 0.5);
        let scale = v3(1.0 / r.x, 1.0 / r.y, 1.0 / r.z);
        let (o, d) = ((from - c) * scale, along * scale);
        let (a, b, k) = (d.dot(d), o.dot(d), o.dot(o) - 1.0);
        let root = b * b - a * k;
        if root <= 0.0 {
            return None;
        }
        let t = (-b - root.sqrt()) / a;
        (t > 1e-3).then(|| (t, ((o + d * t) * scale).unit()))
    }
}
