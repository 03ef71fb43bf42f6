//! The two places: a plaza in daylight and a station under lamps; four views of each.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::City;
use super::maths::{V3, hex, v3};
use super::surface::Skin;
use super::world::{Pinhole, Solid, World};

/// Width and height of a camera's picture, pixels.
const FRAME: (usize, usize) = (560, 420);

fn solid(low: (f32, f32, f32), high: (f32, f32, f32), skin: Skin) -> Solid {
    Solid { low: v3(low.0, low.1, low.2), high: v3(high.0, high.1, high.2), skin }
}

/// What camera `number` of a domain sees, with everything that stands there.
pub fn place(domain: City, number: usize, rng: &mut ChaCha8Rng) -> (World, Pinhole) {
    match domain {
        City::Plaza => (plaza(number, rng), lens(rng, (2.6, 4.2), (5.5, 7.5))),
        City::Station => (station(number, rng), lens(rng, (2.4, 3.1), (5.0, 6.5))),
    }
}

/// A camera at the origin that looks at the ground `ahead` metres away.
fn lens(rng: &mut ChaCha8Rng, height: (f32, f32), ahead: (f32, f32)) -> Pinhole {
    let eye = v3(0.0, rng.random_range(height.0..height.1), 0.0);
    let aim = rng.random_range(ahead.0..ahead.1);
    let pitch = ((eye.y - 0.9) / aim).atan();
    Pinhole { eye, yaw: rng.random_range(-0.35..0.35), pitch, focal: rng.random_range(430.0..520.0), frame: FRAME }
}

fn plaza(number: usize, rng: &mut ChaCha8Rng) -> World {
    let stones: [(u32, u32, f32); 4] =
        [(0xb3aa9b, 0x8f867a, 1.0), (0xa3a19c, 0xbcb6aa, 0.6), (0xbf9f84, 0xa18268, 0.8), (0x98a09f, 0x7d8483, 1.2)];
    let walls = [0xc9b493, 0xb7a99a, 0xa9796a, 0xd3cdbd];
    let (c, second, size) = stones[number % 4];
    let mut solids = Vec::new();
    let back = -rng.random_range(11.0..16.0);
    solids.push(solid(
        (-40.0, 0.0, back - 8.0),
        (40.0, 18.0, back),
        Skin::Front(hex(walls[number % 4]), hex(0x33424f)),
    ));
    if number.is_multiple_of(2) {
        solids.push(solid((-12.0, 0.0, back), (-4.0, 2.9, back + 0.3), Skin::Shop(rng.random())));
        solids.push(solid((2.0, 0.0, back), (9.0, 2.9, back + 0.3), Skin::Shop(rng.random())));
    } else {
        let side = if number % 4 == 1 { 1.0_f32 } else { -1.0 };
        let (near, far) = (side * 6.5, side * 16.0);
        let (low, high) = ((near.min(far), 0.0, -30.0), (near.max(far), 12.0, -3.0));
        solids.push(solid(low, high, Skin::Brick(hex(0x8d5443))));
    }
    for _ in 0..4 {
        tree(rng, &mut solids);
    }
    for _ in 0..3 {
        let (x, z) = spot(rng, 5.0);
        let w = rng.random_range(0.5..1.1);
        solids.push(solid((x - w, 0.0, z - 0.4), (x + w, 0.48, z + 0.4), Skin::Plain(hex(0x8a6a4a))));
        solids.push(solid((x - w + 0.08, 0.48, z - 0.3), (x + w - 0.08, 0.9, z + 0.3), Skin::Leaves(hex(0x4f7a3a))));
    }
    for k in 0..5 {
        let x = -6.0 + 3.0 * k as f32 + rng.random_range(-0.4..0.4);
        solids.push(solid((x, 0.0, back + 3.0), (x + 0.16, 0.95, back + 3.16), Skin::Plain(hex(0x3a3d42))));
    }
    let sun = v3(rng.random_range(-0.8..0.8), rng.random_range(0.7..1.2), rng.random_range(-0.1..0.9)).unit();
    let shine = number != 3;
    World {
        solids,
        floor: Skin::Slabs(hex(c), hex(second), size),
        gloss: 0.0,
        sun: shine.then_some(sun),
        key: if shine { v3(1.35, 1.24, 1.05) } else { v3(0.35, 0.36, 0.38) },
        ambient: if shine { v3(0.40, 0.45, 0.54) } else { v3(0.62, 0.65, 0.70) },
        ceiling: None,
        sky: (hex(0xd7e2ea), hex(0x86aed6)),
        salt: rng.random(),
    }
}

fn tree(rng: &mut ChaCha8Rng, solids: &mut Vec<Solid>) {
    let (x, z) = spot(rng, 8.0);
    let (trunk, r) = (rng.random_range(2.0..2.8), rng.random_range(1.1..1.9));
    solids.push(solid((x - 0.11, 0.0, z - 0.11), (x + 0.11, trunk + 0.5, z + 0.11), Skin::Plain(hex(0x5d4a38))));
    let green = hex([0x5c7c38, 0x476b33, 0x7a8a40][rng.random_range(0..3)]);
    solids.push(solid((x - r, trunk, z - r), (x + r, trunk + 2.2 * r, z + r), Skin::Leaves(green)));
}

/// A place for something to stand, at least `near` metres away or well to the side.
fn spot(rng: &mut ChaCha8Rng, near: f32) -> (f32, f32) {
    (rng.random_range(-7.0..7.0), -rng.random_range(near..near + 7.0))
}

fn station(number: usize, rng: &mut ChaCha8Rng) -> World {
    let floors: [(u32, u32, f32); 4] =
        [(0x6e6b66, 0x57544f, 0.6), (0x7c7a78, 0x8d8a85, 0.9), (0x5f6466, 0x4b5052, 0.45), (0x76706a, 0x5f5a54, 1.2)];
    let bands = [0x1f4e79, 0x8a2b2b, 0x2f6b3c, 0xb8862b];
    let (c, second, size) = floors[number % 4];
    let mut solids = Vec::new();
    let back = -rng.random_range(8.5..12.0);
    let height = rng.random_range(3.4..4.4);
    let tiles = Skin::Tiles(hex([0xb9b7ad, 0xa7b0b0, 0xc1b9a4, 0x9aa3a8][number % 4]), hex(bands[number % 4]));
    if number % 4 == 1 {
        let livery = Skin::Train(hex(0xa8adb2), hex(0xa22f2f));
        solids.push(solid((-30.0, 0.15, back - 3.0), (30.0, 3.1, back), livery));
        solids.push(solid((-30.0, 0.0, back + 0.5), (30.0, 0.012, back + 0.9), Skin::Plain(hex(0xc9a22f))));
    } else {
        solids.push(solid((-30.0, 0.0, back - 1.0), (30.0, height, back), tiles));
        for k in 0..4 {
            let x = -7.5 + 4.0 * k as f32 + rng.random_range(-0.5..0.5);
            solids.push(solid((x, 0.5, back), (x + 1.5, 2.3, back + 0.06), Skin::Poster(rng.random())));
        }
    }
    let wall = if number.is_multiple_of(2) { 4.6 } else { -4.8 };
    let (near, far) = (wall, wall * 1.6);
    solids.push(solid((f32::min(near, far), 0.0, -30.0), (f32::max(near, far), height, -2.0), tiles));
    for k in 0..3 {
        let z = -4.6 - 2.6 * k as f32;
        let x = if number.is_multiple_of(2) { -2.9 } else { 2.7 };
        solids.push(solid((x - 0.26, 0.0, z - 0.26), (x + 0.26, height, z + 0.26), tiles));
    }
    for _ in 0..2 {
        let (x, z) = spot(rng, 5.5);
        solids.push(solid((x - 0.8, 0.32, z - 0.22), (x + 0.8, 0.44, z + 0.22), Skin::Plain(hex(0x6b4b33))));
        solids.push(solid((x - 0.7, 0.0, z - 0.15), (x - 0.6, 0.32, z + 0.15), Skin::Plain(hex(0x2a2b2e))));
        solids.push(solid((x + 0.6, 0.0, z - 0.15), (x + 0.7, 0.32, z + 0.15), Skin::Plain(hex(0x2a2b2e))));
    }
    let x = rng.random_range(-3.0..3.0);
    solids.push(solid((x, 0.0, back), (x + 0.9, 1.85, back + 0.7), Skin::Shop(rng.random())));
    solids.push(solid((-1.0, 2.6, back + 2.0), (0.4, 2.9, back + 2.1), Skin::Lamp(hex(0x2fae62))));
    World {
        solids,
        floor: Skin::Slabs(hex(c), hex(second), size),
        gloss: 0.28,
        sun: None,
        key: lamps(number),
        ambient: v3(0.22, 0.23, 0.25),
        ceiling: Some(height),
        sky: (hex(0x3a3b3d), hex(0x6d6e6c)),
        salt: rng.random(),
    }
}

/// Warm or cold tubes, as each hall has them.
fn lamps(number: usize) -> V3 {
    [v3(0.80, 0.74, 0.58), v3(0.66, 0.74, 0.74), v3(0.86, 0.72, 0.50), v3(0.64, 0.72, 0.80)][number % 4]
}
