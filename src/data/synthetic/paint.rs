//! The colour of a point on a figure's surface: cloth patterns, faces, straps.

use super::figure::Paint;
use super::maths::{V3, cycle, floor, noise, smooth, v3};
use super::person::{Bag, Cloth, ClothPattern, Hair, Legs, Person, Sleeve};

/// Linear colour of the surface at `p` (metres, in the person's own frame).
pub fn colour(person: &Person, paint: Paint, p: V3) -> V3 {
    let q = p * (1.0 / person.height);
    match paint {
        Paint::Skin => person.skin,
        Paint::Hair => strands(person, q),
        Paint::Head => face(person, q),
        Paint::Torso => torso(person, q),
        Paint::Tail => upper(person, q, q.x.atan2(q.z) * 0.1, q.y),
        Paint::Sleeve { a, b } => sleeve(person, a, b, p),
        Paint::Leg => legs(person, q),
        Paint::Shoe { sole } if person.soles && p.y < sole => v3(0.75, 0.74, 0.72),
        Paint::Shoe { .. } => person.shoes,
        Paint::Thing(colour) => colour,
    }
}

fn strands(person: &Person, q: V3) -> V3 {
    person.hair * (0.8 + 0.5 * noise(v3(q.x * 160.0, q.y * 30.0, q.z * 160.0), person.salt))
}

/// Eyes, brows and mouth are a pixel or two in the picture; they still tell front from back.
fn face(person: &Person, q: V3) -> V3 {
    let (x, y, z) = (q.x, q.y - 0.933, q.z - 0.014);
    let line = if z > 0.0 { 0.034 } else { -0.035 } - x.abs() * 0.25;
    if person.cut != Hair::Bald && y > line.min(0.034) && z < 0.045 - 0.2 * y.max(0.0) {
        return strands(person, q);
    }
    let mut skin = person.skin;
    if z > 0.0 {
        let spot = |cx: f32, cy: f32, rx: f32, ry: f32| {
            let d = (((x.abs() - cx) / rx).powi(2) + ((y - cy) / ry).powi(2)).sqrt();
            1.0 - smooth(0.5, 1.2, d)
        };
        skin = skin.mix(person.hair, 0.75 * spot(0.018, 0.018, 0.013, 0.004));
        skin = skin.mix(v3(0.02, 0.015, 0.012), 0.8 * spot(0.018, 0.006, 0.009, 0.006));
        skin = skin.mix(v3(0.32, 0.09, 0.08), 0.6 * spot(0.0, -0.032, 0.017, 0.005));
        // Beards follow short hair on some.
        if !person.bust && person.salt.is_multiple_of(4) {
            skin = skin.mix(person.hair, 0.6 * smooth(-0.018, -0.03, y));
        }
    }
    skin
}

fn torso(person: &Person, q: V3) -> V3 {
    let around = q.x.atan2(q.z) * 0.1;
    let clothes = &person.clothes;
    if q.y < clothes.hem.max(0.44) {
        return lower(person, q);
    }
    let neck = ((q.x / 0.05).powi(2) + ((q.y - 0.845) / 0.05).powi(2)).sqrt();
    if q.z > 0.0 && neck < 1.0 && clothes.top.pattern != ClothPattern::Open {
        return person.skin;
    }
    // A belt line where shirt and trousers meet reads as two garments even when their colours are close.
    let shade = 1.0 - 0.35 * (1.0 - smooth(0.0, 0.012, q.y - clothes.hem));
    strap(person, q).unwrap_or_else(|| upper(person, q, around, q.y) * shade)
}

/// Backpack straps over both shoulders, a bag's strap across.
fn strap(person: &Person, q: V3) -> Option<V3> {
    let colour = person.bag.1 * 0.6;
    match person.bag.0 {
        Bag::Backpack if q.z > -0.02 && q.y > 0.66 && (q.x.abs() - 0.06).abs() < 0.0125 => Some(colour),
        Bag::Across => {
            let line = q.y - (0.68 - person.side * q.x * 1.45);
            (line.abs() < 0.021).then_some(colour)
        }
        _ => None,
    }
}

/// The upper garment at `u` round the body and `v` up it.
fn upper(person: &Person, q: V3, u: f32, v: f32) -> V3 {
    let Cloth { colour, second, pattern } = person.clothes.top;
    let front = q.z > 0.0;
    match pattern {
        ClothPattern::Halves if v < 0.665 => second,
        ClothPattern::Band if (0.685..0.755).contains(&v) => second,
        ClothPattern::Print { back, round } if front || back => {
            let (x, y) = (q.x / 0.045, (v - 0.705) / 0.042);
            let inside = if round { x * x + y * y < 1.0 } else { x.abs().max(y.abs()) < 1.0 };
            if inside { second } else { colour }
        }
        ClothPattern::Open if front && q.x.abs() < 0.022 + 0.05 * (v - 0.6).abs() => second,
        ClothPattern::Open if front && q.x.abs() < 0.03 + 0.05 * (v - 0.6).abs() => colour * 0.55,
        _ => repeat(person, person.clothes.top, u, v),
    }
}

fn sleeve(person: &Person, a: V3, b: V3, p: V3) -> V3 {
    let axis = b - a;
    let t = (p - a).dot(axis) / axis.dot(axis).max(1e-9);
    let top = person.clothes.top;
    if person.clothes.sleeve == Sleeve::Long && t > 0.97 {
        return top.colour * 0.7;
    }
    let off = (p - a) - axis * t;
    let (u, v) = (off.x.atan2(off.z) * 0.035, 0.8 - t * axis.length() / person.height);
    match top.pattern {
        ClothPattern::Raglan => top.second,
        ClothPattern::Band | ClothPattern::Print { .. } | ClothPattern::Open | ClothPattern::Halves => top.colour,
        _ => repeat(person, top, u, v),
    }
}

/// A leg's cloth; where a thigh stands out under the upper garment, that garment covers it.
fn legs(person: &Person, q: V3) -> V3 {
    if q.y > person.clothes.hem.max(0.44) && person.clothes.legs != Legs::Skirt {
        return upper(person, q, q.x.atan2(q.z) * 0.1, q.y);
    }
    lower(person, q)
}

fn lower(person: &Person, q: V3) -> V3 {
    let bottom = person.clothes.bottom;
    repeat(person, bottom, q.x.atan2(q.z + 0.02) * 0.06 + q.x, q.y)
}

/// Patterns that repeat over the whole garment.
fn repeat(person: &Person, cloth: Cloth, u: f32, v: f32) -> V3 {
    let Cloth { colour, second, pattern } = cloth;
    let on = |x: f32, period: f32, share: f32| cycle(x, period) < share;
    let take = |yes: bool| if yes { second } else { colour };
    match pattern {
        ClothPattern::Stripes { period } => take(on(v, period, 0.45)),
        ClothPattern::Pinstripes { period } => take(on(u, period, 0.35)),
        ClothPattern::Check { period } => {
            let crossed = f32::from(u8::from(on(u, period, 0.4))) + f32::from(u8::from(on(v, period, 0.4)));
            colour.mix(second, crossed * 0.45)
        }
        ClothPattern::Dots { period } => {
            let row = floor(v / period) as f32;
            let (x, y) = (cycle(u / period + row * 0.5, 1.0) - 0.5, cycle(v, period) - 0.5);
            take(x * x + y * y < 0.085)
        }
        ClothPattern::Blotches => take(noise(v3(u * 34.0, v * 30.0, 0.0), person.salt) > 0.56),
        _ => colour,
    }
}
