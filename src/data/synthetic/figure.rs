//! From a person and a pose to solid parts.

use super::maths::{V3, v3};
use super::person::{Bag, Hair, Hat, Legs, Person, Sleeve};
use super::shape::BodySolid;

/// How a person holds themself at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Where they face: 0 the viewer, π/2 the viewer's right, π away.
    pub yaw: f32,
    /// How far down the viewer looks, radians.
    pub pitch: f32,
    /// Place in the gait, 0..1 for two steps.
    pub phase: f32,
    /// Length of the steps, 0 stands.
    pub stride: f32,
    /// Bend of each elbow beyond the natural, radians: left, right.
    pub elbows: [f32; 2],
    /// Forward lean, radians.
    pub lean: f32,
}

/// What a part's surface shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Paint {
    /// Bare skin.
    Skin,
    /// Face in front, hair above and behind.
    Head,
    /// Hair.
    Hair,
    /// The upper garment down to its hem, below it the lower one.
    Torso,
    /// The upper garment on an arm; `v` runs down from the shoulder `a` to `b`.
    Sleeve {
        /// Shoulder end.
        a: V3,
        /// Wrist end.
        b: V3,
    },
    /// The upper garment hanging below the hips.
    Tail,
    /// The lower garment.
    Leg,
    /// A shoe whose sole is below this height.
    Shoe {
        /// Top of the sole, metres.
        sole: f32,
    },
    /// A thing of one colour.
    Thing(V3),
}

/// A solid part of a figure.
#[derive(Clone, Debug)]
pub struct BodyPart {
    /// Its shape, metres, the person facing +z, feet on y = 0.
    pub shape: BodySolid,
    /// Its surface.
    pub paint: Paint,
}

/// The parts under construction; lengths are given as shares of the height.
struct Builder<'a> {
    person: &'a Person,
    pose: &'a Pose,
    parts: Vec<BodyPart>,
}

impl Builder<'_> {
    fn at(&self, x: f32, y: f32, z: f32) -> V3 {
        v3(x, y, z) * self.person.height
    }

    /// A point of the upper body, leaned forward about the hips.
    fn upper(&self, x: f32, y: f32, z: f32) -> V3 {
        let hips = 0.5;
        let (s, c) = self.pose.lean.sin_cos();
        let up = y - hips;
        self.at(x, hips + up * c - z * s, z * c + up * s)
    }

    fn add(&mut self, shape: BodySolid, paint: Paint) {
        self.parts.push(BodyPart { shape, paint });
    }

    fn limb(&mut self, a: V3, b: V3, r: (f32, f32), paint: Paint) {
        let h = self.person.height;
        self.add(BodySolid::Limb { a, b, ra: r.0 * h, rb: r.1 * h }, paint);
    }

    fn egg(&mut self, c: V3, r: (f32, f32, f32), paint: Paint) {
        let r = self.at(r.0, r.1, r.2);
        self.add(BodySolid::Ellipsoid { c, r }, paint);
    }

    fn block(&mut self, c: V3, half: (f32, f32, f32), round: f32, paint: Paint) {
        let half = self.at(half.0, half.1, half.2);
        self.add(BodySolid::Block { c, half, round: round * self.person.height, turn: 0.0 }, paint);
    }
}

/// The parts of a person in a pose, feet on the ground at the origin.
pub fn build(person: &Person, pose: &Pose) -> Vec<BodyPart> {
    let mut b = Builder { person, pose, parts: Vec::with_capacity(32) };
    legs(&mut b);
    torso(&mut b);
    let hands = [arm(&mut b, -1.0, pose.elbows[0]), arm(&mut b, 1.0, pose.elbows[1])];
    head(&mut b);
    hat(&mut b);
    bag(&mut b, hands);
    ground(&mut b.parts);
    b.parts
}

/// Puts the lower foot on the ground.
fn ground(parts: &mut [BodyPart]) {
    let foot = |p: &BodyPart| match (&p.shape, p.paint) {
        (BodySolid::Limb { a, b, ra, rb }, Paint::Shoe { .. }) => (a.y - ra).min(b.y - rb),
        _ => f32::MAX,
    };
    let lowest = parts.iter().map(foot).fold(f32::MAX, f32::min);
    if lowest == f32::MAX {
        return;
    }
    let down = v3(0.0, -lowest, 0.0);
    for part in parts {
        shift(&mut part.shape, down);
        match &mut part.paint {
            Paint::Shoe { sole } => *sole += down.y,
            Paint::Sleeve { a, b } => (*a, *b) = (*a + down, *b + down),
            _ => {}
        }
    }
}

fn shift(shape: &mut BodySolid, by: V3) {
    match shape {
        BodySolid::Limb { a, b, .. } => (*a, *b) = (*a + by, *b + by),
        BodySolid::Ellipsoid { c, .. } | BodySolid::Block { c, .. } => *c = *c + by,
        BodySolid::Skirt { top, bottom, .. } => (*top, *bottom) = (*top + by, *bottom + by),
        BodySolid::Blend { parts, .. } => parts.iter_mut().for_each(|p| shift(p, by)),
    }
}

fn legs(b: &mut Builder) {
    let Person { height, build, hips, clothes, .. } = b.person;
    let (height, girth, hips, legs, wide) = (*height, build.sqrt(), *hips, clothes.legs, clothes.wide);
    for side in [-1.0_f32, 1.0] {
        let angle = std::f32::consts::TAU * (b.pose.phase + if side > 0.0 { 0.5 } else { 0.0 });
        // A skirt shortens the step.
        let stride = b.pose.stride * if legs == Legs::Skirt { 0.6 } else { 1.0 };
        let swing = 0.46 * stride * angle.sin();
        let bend = 0.06 + 0.85 * stride * angle.cos().max(0.0);
        let along = |t: f32| v3(0.0, -t.cos(), t.sin());
        let hip = b.at(side * 0.05 * hips * girth, 0.50, 0.0);
        let knee = hip + along(swing) * (0.235 * height) + v3(side * 0.004 * height, 0.0, 0.0);
        let ankle = knee + along(swing - bend) * (0.225 * height);
        let (thigh, shin) = match legs {
            Legs::Trousers => ((0.058 * girth, 0.043 * wide), (0.043 * wide, 0.033 * wide)),
            Legs::Shorts | Legs::Skirt => ((0.054 * girth, 0.037), (0.036, 0.022)),
        };
        let covered = if legs == Legs::Trousers { Paint::Leg } else { Paint::Skin };
        if legs == Legs::Skirt {
            // The bare thigh begins inside the skirt, so that none of it shows above.
            b.limb(hip + (knee - hip) * 0.3, knee, thigh, Paint::Skin);
        } else {
            b.limb(hip, knee, thigh, Paint::Leg);
        }
        if legs == Legs::Shorts {
            b.limb(hip, hip + (knee - hip) * 0.86, (0.06 * girth, 0.054 * wide), Paint::Leg);
        }
        b.limb(knee, ankle, shin, covered);
        let tilt = ((swing - bend) * 0.75).clamp(-0.9, 0.35);
        let toe = v3(0.0, tilt.sin(), tilt.cos());
        let heel = ankle + v3(0.0, -0.012, -0.012) * height;
        let sole = heel.y.min((heel + toe * (0.075 * height)).y) - 0.008 * height;
        b.limb(heel, heel + toe * (0.088 * height) - v3(0.0, 0.006 * height, 0.0), (0.026, 0.02), Paint::Shoe { sole });
    }
    if legs == Legs::Skirt {
        let (w, hem) = (0.09 * hips * girth, 0.29 + 0.05 * (wide - 1.0));
        let r = (w * height, (0.095 + 0.035 * wide) * height);
        let (top, bottom) = (b.at(0.0, 0.56, 0.0), b.at(0.0, hem, 0.0));
        b.add(BodySolid::Skirt { top, bottom, r, flat: 0.95 }, Paint::Leg);
    }
}

fn torso(b: &mut Builder) {
    let Person { height, build, shoulders, hips, belly, bust, clothes, .. } = *b.person;
    let (t, waist) = (clothes.thick, if bust { 0.88 } else { 0.98 });
    let egg = |b: &Builder, c: (f32, f32, f32), r: (f32, f32, f32)| BodySolid::Ellipsoid {
        c: b.upper(c.0, c.1, c.2),
        r: b.at(r.0 + t, r.1, r.2 + t),
    };
    let yoke = 0.088 * shoulders;
    let mut parts = vec![
        BodySolid::Limb {
            a: b.upper(-yoke, 0.795, -0.004),
            b: b.upper(yoke, 0.795, -0.004),
            ra: (0.036 + t) * height,
            rb: (0.036 + t) * height,
        },
        egg(b, (0.0, 0.73, 0.0), (0.094 * shoulders * build.sqrt(), 0.105, 0.062 * build.sqrt())),
        egg(b, (0.0, 0.62, 0.004), (0.084 * build * waist, 0.10, 0.056 * build * belly)),
        egg(b, (0.0, 0.525, -0.004), (0.09 * hips * build.sqrt(), 0.07, 0.068 * build.sqrt())),
    ];
    if bust {
        parts.extend([-0.038, 0.038].map(|x| egg(b, (x, 0.728, 0.042), (0.036, 0.036, 0.036))));
    }
    b.add(BodySolid::Blend { parts, k: 0.045 * height }, Paint::Torso);
    if clothes.hem < 0.505 {
        // Below the hips the garment hangs free of the legs, a coat wider than a shirt.
        let flare = 0.098 + 0.1 * (0.5 - clothes.hem).max(0.0);
        let r = ((0.088 * hips * build.sqrt() + t) * height, (flare * hips * build.sqrt() + t) * height);
        let (top, bottom) = (b.at(0.0, 0.57, 0.0), b.at(0.0, clothes.hem, 0.0));
        b.add(BodySolid::Skirt { top, bottom, r, flat: 0.8 }, Paint::Tail);
    }
    let (low, high) = (b.upper(0.0, 0.81, 0.0), b.upper(0.0, 0.885, 0.01));
    b.limb(low, high, (0.032, 0.028), Paint::Skin);
    if let Some(colour) = b.person.scarf {
        let c = b.upper(0.0, 0.845, 0.006);
        b.egg(c, (0.056, 0.028, 0.052), Paint::Thing(colour));
    }
}

/// Adds an arm and returns where its hand is.
fn arm(b: &mut Builder, side: f32, extra: f32) -> V3 {
    let Person { height, build, shoulders, clothes, .. } = *b.person;
    // Arms swing against the leg of their side.
    let angle = std::f32::consts::TAU * (b.pose.phase + if side > 0.0 { 0.0 } else { 0.5 });
    let swing = 0.42 * b.pose.stride * angle.sin() + 0.12 * extra;
    let spread = 0.07 + 0.10 * (build - 0.84) + clothes.thick * 2.0;
    let along = |t: f32, out: f32| v3(side * out.sin(), -t.cos() * out.cos(), t.sin());
    let shoulder = b.upper(side * (0.104 * shoulders + clothes.thick), 0.795, 0.0);
    let elbow = shoulder + along(swing, spread) * (0.165 * height);
    let bend = 0.22 + 0.3 * b.pose.stride * angle.sin().max(0.0) + extra;
    let wrist = elbow + along(swing + bend, spread * 0.4 - 0.1 * extra) * (0.14 * height);
    let (t, m) = (clothes.thick, build.sqrt());
    let sleeve = |a: V3, b: V3| Paint::Sleeve { a, b };
    match clothes.sleeve {
        Sleeve::Long => {
            b.limb(shoulder, elbow, (0.032 * m + t, 0.026 * m + t), sleeve(shoulder, elbow));
            b.limb(elbow, wrist, (0.027 * m + t, 0.021 * m + t * 0.8), sleeve(shoulder, wrist));
        }
        Sleeve::Short => {
            let end = shoulder + (elbow - shoulder) * 0.72;
            b.limb(shoulder, end, (0.032 * m + t, 0.031 * m + t), sleeve(shoulder, end));
            b.limb(shoulder, elbow, (0.029 * m, 0.024 * m), Paint::Skin);
            b.limb(elbow, wrist, (0.024 * m, 0.017 * m), Paint::Skin);
        }
        Sleeve::None => {
            b.limb(shoulder, elbow, (0.031 * m, 0.024 * m), Paint::Skin);
            b.limb(elbow, wrist, (0.024 * m, 0.017 * m), Paint::Skin);
        }
    }
    let hand = wrist + (wrist - elbow).unit() * (0.03 * height);
    b.limb(wrist, hand, (0.017, 0.021), Paint::Skin);
    hand
}

fn head(b: &mut Builder) {
    let c = b.upper(0.0, 0.933, 0.014);
    b.egg(c, (0.045, 0.066, 0.054), Paint::Head);
    let nose = b.upper(0.0, 0.925, 0.066);
    b.egg(nose, (0.009, 0.014, 0.011), Paint::Skin);
    for x in [-0.045, 0.045] {
        let ear = b.upper(x, 0.93, 0.008);
        b.egg(
            ear,
            (0.008, 0.015, 0.011),
            if b.person.cut == Hair::Short || b.person.cut == Hair::Bald { Paint::Skin } else { Paint::Hair },
        );
    }
    let hair = Paint::Hair;
    match b.person.cut {
        Hair::Bald => {}
        Hair::Short => {
            let c = b.upper(0.0, 0.953, -0.002);
            b.egg(c, (0.048, 0.052, 0.052), hair);
        }
        Hair::Medium => {
            let c = b.upper(0.0, 0.935, -0.014);
            b.egg(c, (0.057, 0.074, 0.052), hair);
        }
        Hair::Long => {
            let (c, d) = (b.upper(0.0, 0.945, -0.012), b.upper(0.0, 0.865, -0.036));
            b.egg(c, (0.055, 0.063, 0.052), hair);
            b.egg(d, (0.058, 0.095, 0.036), hair);
        }
        Hair::Bun => {
            let (c, d) = (b.upper(0.0, 0.953, -0.004), b.upper(0.0, 0.99, -0.034));
            b.egg(c, (0.048, 0.052, 0.052), hair);
            b.egg(d, (0.027, 0.026, 0.026), hair);
        }
        Hair::Tail => {
            let (c, from, to) = (b.upper(0.0, 0.952, -0.004), b.upper(0.0, 0.96, -0.052), b.upper(0.0, 0.85, -0.074));
            b.egg(c, (0.049, 0.053, 0.052), hair);
            b.limb(from, to, (0.021, 0.012), hair);
        }
        Hair::Afro => {
            let c = b.upper(0.0, 0.958, -0.012);
            b.egg(c, (0.074, 0.07, 0.066), hair);
        }
    }
}

fn hat(b: &mut Builder) {
    let (kind, colour) = b.person.hat;
    let paint = Paint::Thing(colour);
    match kind {
        Hat::None => {}
        Hat::Cap => {
            let (dome, peak) = (b.upper(0.0, 0.97, 0.008), b.upper(0.0, 0.966, 0.07));
            b.egg(dome, (0.051, 0.04, 0.06), paint);
            b.egg(peak, (0.038, 0.006, 0.04), paint);
        }
        Hat::Beanie => {
            let dome = b.upper(0.0, 0.97, 0.006);
            b.egg(dome, (0.053, 0.048, 0.061), paint);
        }
        Hat::Brim => {
            let (dome, brim) = (b.upper(0.0, 0.982, 0.008), b.upper(0.0, 0.966, 0.008));
            b.egg(dome, (0.05, 0.042, 0.058), paint);
            b.egg(brim, (0.09, 0.008, 0.096), paint);
        }
    }
}

fn bag(b: &mut Builder, hands: [V3; 2]) {
    let Person { height, side, .. } = *b.person;
    let (kind, colour) = b.person.bag;
    let (paint, strap) = (Paint::Thing(colour), Paint::Thing(colour * 0.6));
    let hand = hands[usize::from(side > 0.0)];
    match kind {
        Bag::None => {}
        Bag::Backpack => {
            let depth = 0.062 * b.person.build.sqrt() + b.person.clothes.thick + 0.034;
            let (c, pocket) = (b.upper(0.0, 0.705, -depth), b.upper(0.0, 0.665, -depth - 0.042));
            b.block(c, (0.078, 0.105, 0.044), 0.034, paint);
            b.block(pocket, (0.055, 0.05, 0.018), 0.016, strap);
        }
        Bag::Across => {
            let c = b.at(side * (0.10 * b.person.hips * b.person.build.sqrt() + 0.03), 0.52, 0.01);
            b.block(c, (0.022, 0.046, 0.062), 0.014, paint);
        }
        Bag::Hand => {
            let c = hand + v3(0.0, -0.095, 0.0) * height;
            b.block(c, (0.02, 0.05, 0.068), 0.012, paint);
            b.limb(hand, c + v3(0.0, 0.04, 0.035) * height, (0.006, 0.006), strap);
            b.limb(hand, c + v3(0.0, 0.04, -0.035) * height, (0.006, 0.006), strap);
        }
        Bag::Trolley => {
            let c = v3(hand.x + side * 0.03 * height, 0.17 * height, hand.z - 0.16 * height);
            b.block(c, (0.062, 0.13, 0.085), 0.02, paint);
            b.limb(hand, c + v3(0.0, 0.12, 0.0) * height, (0.008, 0.008), Paint::Thing(v3(0.05, 0.05, 0.055)));
        }
    }
}
