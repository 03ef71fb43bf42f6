//! What walls, floors and things of a place look like.

use super::maths::{V3, cycle, floor, hex, lattice, mix, noise, rough, v3};

/// A surface.
#[derive(Clone, Copy, Debug)]
pub enum Skin {
    /// One colour, a little uneven.
    Plain(V3),
    /// Stone slabs of that size in metres: colour, second colour of every other row or so.
    Slabs(V3, V3, f32),
    /// Wall tiles with a coloured band at breast height: colour, band.
    Tiles(V3, V3),
    /// Bricks.
    Brick(V3),
    /// A house front: wall, glass.
    Front(V3, V3),
    /// A shop window behind glass, lit: seeds its wares.
    Shop(u32),
    /// A poster; seeds its colours.
    Poster(u32),
    /// A train: body, stripe.
    Train(V3, V3),
    /// A tree's crown.
    Leaves(V3),
    /// Shines by itself.
    Lamp(V3),
}

/// How strongly a surface shines by itself, if it does.
pub fn glow(skin: Skin) -> Option<f32> {
    match skin {
        Skin::Lamp(_) => Some(1.6),
        Skin::Poster(_) => Some(0.55),
        Skin::Shop(_) => Some(0.5),
        _ => None,
    }
}

/// Colour of a surface at a point; `far` is the distance from the eye, over which fine lines fade.
pub fn colour(skin: Skin, p: V3, normal: V3, far: f32, salt: u32) -> V3 {
    let fade = (1.0 - far / 28.0).clamp(0.0, 1.0);
    // Across and up the surface.
    let (u, v) = if normal.y.abs() > 0.5 {
        (p.x, p.z)
    } else if normal.x.abs() > 0.5 {
        (p.z, p.y)
    } else {
        (p.x, p.y)
    };
    let dirt = 0.86 + 0.28 * rough(v3(u * 1.3, v * 1.3, 0.0), salt);
    match skin {
        Skin::Plain(c) | Skin::Lamp(c) => c * dirt,
        Skin::Slabs(c, second, size) => slabs(c, second, size, (u, v), fade, salt) * dirt,
        Skin::Tiles(c, band) => {
            let base = if normal.y.abs() < 0.5 && (1.15..1.42).contains(&p.y) { band } else { c };
            let grid = line(u, 0.30, 0.02) || line(v, 0.30, 0.02);
            let tone = 0.92 + 0.16 * lattice(floor(u / 0.30), floor(v / 0.30), 0, salt);
            base * (tone * if grid { mix(1.0, 0.72, fade) } else { 1.0 }) * dirt
        }
        Skin::Brick(c) => {
            let row = floor(v / 0.09);
            let shift = u + row as f32 * 0.13;
            let joint = line(shift, 0.26, 0.018) || line(v, 0.09, 0.014);
            let tone = 0.75 + 0.5 * lattice(floor(shift / 0.26), row, 0, salt);
            if joint { c.mix(hex(0xb0a698), 0.6 * fade) * dirt } else { c * (tone * dirt) }
        }
        Skin::Front(wall, glass) => front(wall, glass, (u, v), dirt, salt),
        Skin::Shop(seed) => wares((u, v), seed),
        Skin::Poster(seed) => poster((u, v), seed),
        Skin::Train(body, stripe) => train(body, stripe, (u, v), dirt),
        Skin::Leaves(c) => {
            let lumps = rough(p * 3.2, salt) * 0.9 + noise(p * 9.0, salt) * 0.5;
            c * (0.35 + lumps)
        }
    }
}

fn line(x: f32, period: f32, width: f32) -> bool {
    cycle(x, period) * period < width
}

fn slabs(c: V3, second: V3, size: f32, (u, v): (f32, f32), fade: f32, salt: u32) -> V3 {
    let (i, j) = (floor(u / size), floor(v / size));
    let joint = line(u, size, 0.025) || line(v, size, 0.025);
    let banded = j.rem_euclid(5) == 0 || i.rem_euclid(6) == 0;
    let tone = 0.88 + 0.24 * lattice(i, j, 3, salt);
    let base = if banded { second } else { c } * tone;
    if joint { base * mix(1.0, 0.66, fade) } else { base }
}

fn front(wall: V3, glass: V3, (u, v): (f32, f32), dirt: f32, salt: u32) -> V3 {
    let (bay, storey) = (2.6, 3.1);
    let (x, y) = (cycle(u, bay), cycle(v, storey));
    let window = (0.2..0.8).contains(&x) && (0.3..0.86).contains(&y);
    if !window {
        return wall * dirt;
    }
    let frame = (x - 0.5).abs() < 0.02 || !(0.23..0.77).contains(&x) || !(0.33..0.83).contains(&y);
    if frame {
        return hex(0xc9c5bc);
    }
    let pane = lattice(floor(u / bay), floor(v / storey), 1, salt);
    glass * (0.45 + 0.9 * pane) + hex(0x9fb6cc) * (0.25 * y)
}

fn wares((u, v): (f32, f32), seed: u32) -> V3 {
    let (i, j) = (floor(u / 0.38), floor(v / 0.42));
    let (x, y) = (cycle(u, 0.38), cycle(v, 0.42));
    let thing = (0.15..0.85).contains(&x) && y < 0.2 + 0.7 * lattice(i, j, 9, seed);
    if !thing {
        return hex(0xcdbf9f) * 0.55;
    }
    vivid(i, j, seed) * 0.9
}

/// A colour of the lattice, saturated.
fn vivid(i: i32, j: i32, seed: u32) -> V3 {
    let part = |k: i32| 0.15 + 0.75 * lattice(i, j, k, seed);
    let c = v3(part(11), part(12), part(13));
    c.mix(v3(1.0, 1.0, 1.0) * c.luma(), 0.25)
}

fn poster((u, v): (f32, f32), seed: u32) -> V3 {
    let (i, j) = (floor(u / 1.5), 0);
    let (x, y) = (cycle(u, 1.5), (v - 0.5) / 1.8);
    let (ground, figure) = (vivid(i, j, seed), vivid(i, j + 1, seed));
    let disc = ((x - 0.5).powi(2) + ((y - 0.6) * 1.2).powi(2)).sqrt();
    if !(0.03..0.97).contains(&x) {
        hex(0x55585c)
    } else if y < 0.2 && cycle(y, 0.05) < 0.5 && (0.15..0.85).contains(&x) {
        hex(0xf0ece2)
    } else if disc < 0.25 + 0.1 * lattice(i, j, 5, seed) {
        figure
    } else {
        ground
    }
}

fn train(body: V3, stripe: V3, (u, v): (f32, f32), dirt: f32) -> V3 {
    let x = cycle(u, 4.2);
    let door = (0.38..0.62).contains(&x);
    let window = (1.35..2.15).contains(&v) && ((0.06..0.32).contains(&x) || (0.68..0.94).contains(&x));
    let pane = (1.1..2.1).contains(&v) && door && ((x - 0.5).abs() > 0.015);
    if window || pane {
        hex(0x20262d)
    } else if (x - 0.38).abs() < 0.006 || (x - 0.62).abs() < 0.006 || (x - 0.5).abs() < 0.005 {
        hex(0x303338)
    } else if (0.75..1.05).contains(&v) && !door {
        stripe * dirt
    } else if v < 0.35 {
        hex(0x2a2b2d)
    } else {
        body * dirt
    }
}
