//! Takes one picture: a person in a place, seen by a camera, cut out by a detector.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, GrayImage, ImageEncoder, RgbImage};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::figure::{self, Pose};
use super::maths::{V3, mix, smooth, v3};
use super::person::Person;
use super::places;
use super::render::{self, FigurePlace, FigureStage, Light, LinearImage};
use super::world::{Pinhole, World};
use super::{City, SyntheticSpec};
use crate::data::DataError;

/// Fine pixels to a pixel of the picture, in each direction.
const FINE: usize = 2;
/// Quality of the JPEG files.
const QUALITY: u8 = 94;

/// How a camera renders light.
#[derive(Clone, Copy, Debug)]
struct Grade {
    gain: V3,
    gamma: f32,
    saturation: f32,
    blur: f32,
    noise: f32,
    vignette: f32,
}

/// A place as one camera sees it.
pub struct CameraScene {
    world: World,
    lens: Pinhole,
    picture: LinearImage,
    grade: Grade,
    /// Which way people walk here, as the camera sees it.
    flow: f32,
}

/// What a picture is taken with.
pub struct PhotoFrame<'a> {
    /// The set.
    pub spec: &'a SyntheticSpec,
    /// The camera's place.
    pub scene: &'a CameraScene,
    /// 0..1: which way this person walks past this camera.
    pub heading: f32,
}

impl CameraScene {
    /// Draws the empty place of a camera.
    pub fn new(spec: &SyntheticSpec, camera: usize, rng: &mut ChaCha8Rng) -> Self {
        let (world, lens) = places::place(spec.domain, camera, rng);
        let grade = grade(spec, rng);
        let flow = match spec.domain {
            City::Plaza => rng.random_range(-0.5..0.5),
            City::Station => rng.random_range(0.5..1.3) * if camera.is_multiple_of(2) { 1.0 } else { -1.0 },
        };
        let picture = world.picture(&lens);
        Self { world, lens, picture, grade, flow }
    }
}

fn grade(spec: &SyntheticSpec, rng: &mut ChaCha8Rng) -> Grade {
    let k = &spec.knobs;
    let spread = k.spread as f32;
    let mut off = |size: f32| 1.0 + size * spread * rng.random_range(-1.0_f32..1.0);
    let cast = match spec.domain {
        City::Plaza => v3(1.03, 1.0, 0.96),
        City::Station => v3(1.10, 1.0, 0.78),
    };
    let tint = v3(off(0.10), off(0.03), off(0.12));
    let light = off(0.16) * (1.0 - 0.7 * k.darkness as f32);
    Grade {
        gain: v3(1.0, 1.0, 1.0).mix(cast, k.cast as f32) * tint * light,
        gamma: off(0.10),
        saturation: off(0.18) * if spec.domain == City::Station { 0.88 } else { 1.0 },
        blur: k.blur as f32 * off(0.4),
        noise: k.noise as f32 * off(0.4),
        vignette: 0.12,
    }
}

/// Where the detector's box lies in the camera's picture, pixels.
#[derive(Clone, Copy)]
struct Cut {
    left: f32,
    top: f32,
    /// Pixels of the camera's picture to a fine pixel.
    step: f32,
}

/// A picture, and where the person is on it.
pub struct MaskedPhoto {
    /// The picture.
    pub picture: RgbImage,
    /// Of each pixel the share that shows the person who is sought, 0 to 255: nothing that stands before them.
    pub mask: GrayImage,
}

/// Takes a picture of `person`, or of the ground when there is none; `bad` boxes miss much of the person.
pub fn take(frame: &PhotoFrame, person: Option<&Person>, bad: bool, rng: &mut ChaCha8Rng) -> MaskedPhoto {
    let (spec, scene) = (frame.spec, frame.scene);
    let feet = stand(scene, rng);
    let height = person.map_or(1.7, |p| p.height);
    let cut = detect(spec, scene, feet, height, bad, rng);
    let mut canvas = background(spec, scene, cut);
    let (x, y, depth) = scene.lens.project(feet);
    let place = FigurePlace {
        x: (x - cut.left) / cut.step,
        y: (y - cut.top) / cut.step,
        scale: scene.lens.focal / depth / cut.step,
    };
    let mut shown = vec![false; canvas.pixels.len()];
    if let Some(person) = person {
        let light = light(scene, feet, rng);
        let pose = pose(frame, feet, rng);
        shadow(&mut canvas, scene, place, pose.pitch, height, light.key.luma() > 0.5);
        let stage = FigureStage { pose, place, light, folds: rng.random() };
        let hidden = rng.random_bool(spec.knobs.occlusion.clamp(0.0, 1.0));
        shown = render::draw(&mut canvas, person, &figure::build(person, &stage.pose), &stage);
        if hidden {
            let before = canvas.pixels.clone();
            occlude(&mut canvas, spec.domain, &stage, rng);
            let same = canvas.pixels.iter().zip(&before).map(|(now, was)| now == was);
            shown.iter_mut().zip(same).for_each(|(shown, same)| *shown &= same);
        }
    }
    let mask = coverage(&shown, spec);
    MaskedPhoto { picture: develop(&canvas, spec, scene.grade, cut.step * FINE as f32, rng), mask }
}

/// The share of each pixel whose fine pixels are `shown`.
fn coverage(shown: &[bool], spec: &SyntheticSpec) -> GrayImage {
    GrayImage::from_fn(spec.width as u32, spec.height as u32, |x, y| {
        let fine = |k: usize| (y as usize * FINE + k / FINE) * spec.width * FINE + x as usize * FINE + k % FINE;
        let count = (0..FINE * FINE).filter(|&k| shown[fine(k)]).count();
        image::Luma([(255 * count / (FINE * FINE)) as u8])
    })
}

/// A free spot of the ground that the camera sees, with room round it in the picture.
fn stand(scene: &CameraScene, rng: &mut ChaCha8Rng) -> V3 {
    let (w, h) = (scene.lens.frame.0 as f32, scene.lens.frame.1 as f32);
    let mut last = v3(0.0, 0.0, -6.0);
    for _ in 0..60 {
        let away = rng.random_range(4.2..8.8);
        let p = v3(rng.random_range(-0.5..0.5) * away, 0.0, -away);
        let (x, y, _) = scene.lens.project(p);
        let (_, top, _) = scene.lens.project(p + v3(0.0, 1.85, 0.0));
        if !(w * 0.1..w * 0.9).contains(&x) || y > h * 1.05 || top < -h * 0.12 {
            continue;
        }
        last = p;
        let eye = scene.lens.eye;
        let seen = [0.1, 1.0, 1.7].iter().all(|&up| scene.world.sees(eye, p + v3(0.0, up, 0.0)));
        if scene.world.free(p, 0.35) && seen {
            break;
        }
    }
    last
}

/// The detector's box: a little too large or small and off the middle, now and then cutting off feet or head.
fn detect(spec: &SyntheticSpec, scene: &CameraScene, feet: V3, height: f32, bad: bool, rng: &mut ChaCha8Rng) -> Cut {
    let (x, low, _) = scene.lens.project(feet);
    let (_, high, _) = scene.lens.project(feet + v3(0.0, height, 0.0));
    let tall = (low - high).abs().max(8.0);
    let j = spec.knobs.jitter as f32;
    let mut off = |size: f32| size * j * rng.random_range(-1.0_f32..1.0);
    let (mut share, mut dx, mut dy) = (0.88 + off(0.05), off(0.05), off(0.025));
    let slip = off(1.0);
    if bad {
        (share, dx, dy) = (1.5 + slip.abs() * 0.6, slip * 0.35, slip * 0.4 - 0.1);
    } else if slip > 0.93 * j {
        (share, dy) = (1.12, -0.10);
    } else if slip < -0.95 * j {
        (share, dy) = (1.06, 0.06);
    }
    let box_height = tall / share;
    let step = box_height / (spec.height * FINE) as f32;
    let box_width = step * (spec.width * FINE) as f32;
    let middle = (low + high) * 0.5 + dy * box_height + 0.01 * box_height;
    dx *= box_width;
    Cut { left: x + dx - box_width * 0.5, top: middle - box_height * 0.5, step }
}

fn background(spec: &SyntheticSpec, scene: &CameraScene, cut: Cut) -> LinearImage {
    let mut canvas = LinearImage::new(spec.width * FINE, spec.height * FINE);
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            let (fx, fy) = (cut.left + (x as f32 + 0.5) * cut.step, cut.top + (y as f32 + 0.5) * cut.step);
            canvas.pixels[y * canvas.width + x] = scene.picture.sample(fx - 0.5, fy - 0.5);
        }
    }
    canvas
}

fn light(scene: &CameraScene, feet: V3, rng: &mut ChaCha8Rng) -> Light {
    let world = &scene.world;
    let breast = feet + v3(0.0, 1.2, 0.0);
    match world.sun {
        Some(sun) => {
            let open = world.sees(breast, breast + sun * 40.0);
            let key = if open { world.key * 0.95 } else { v3(0.06, 0.06, 0.06) };
            let (sky, bounce) = (world.ambient * 1.05, world.ambient * 0.7 + key * 0.12);
            Light { direction: scene.lens.inward(sun), key, sky, bounce }
        }
        None => {
            let lean = rng.random_range(-0.5..0.5);
            let direction = v3(lean, 0.85, 0.55).unit();
            Light { direction, key: world.key * 0.8, sky: world.ambient, bounce: world.ambient * 0.7 }
        }
    }
}

fn pose(frame: &PhotoFrame, feet: V3, rng: &mut ChaCha8Rng) -> Pose {
    let scene = frame.scene;
    let turn = frame.spec.knobs.turn as f32;
    // Most come towards the camera of a plaza; in the station as many leave.
    let away = if frame.spec.domain == City::Plaza { 0.38 } else { 0.55 };
    let mut backward = frame.heading < away;
    if rng.random_bool(0.15) {
        backward = !backward;
    }
    let sway: f32 = (0..3).map(|_| rng.random_range(-0.5_f32..0.5)).sum();
    let yaw = scene.flow + if backward { std::f32::consts::PI } else { 0.0 } + 0.75 * turn * sway;
    let across = (feet.x * feet.x + feet.z * feet.z).sqrt();
    let pitch = ((scene.lens.eye.y - 0.9) / across.max(1.0)).atan().clamp(0.0, 0.9);
    let standing = rng.random_bool(0.18);
    let mut elbows = [rng.random_range(0.0..0.35), rng.random_range(0.0..0.35)];
    if rng.random_bool(0.14) {
        elbows[usize::from(rng.random_bool(0.5))] = rng.random_range(1.3..1.9);
    }
    Pose {
        yaw,
        pitch,
        phase: rng.random_range(0.0..1.0),
        stride: if standing { 0.12 } else { rng.random_range(0.65..1.15) },
        elbows,
        lean: rng.random_range(-0.01..0.07),
    }
}

/// Darkens the ground about the feet, and along the shadow when the sun shines.
fn shadow(canvas: &mut LinearImage, scene: &CameraScene, place: FigurePlace, pitch: f32, height: f32, sunny: bool) {
    let flat = pitch.sin().max(0.12);
    let along = match (scene.world.sun, sunny) {
        (Some(sun), true) => {
            let s = scene.lens.inward(sun);
            let long = height / s.y.max(0.25);
            (-s.x * long, -s.z * long)
        }
        _ => (0.0, 0.0),
    };
    for y in 0..canvas.height {
        for x in 0..canvas.width {
            // Ground position relative to the feet, metres: right and towards the viewer.
            let (gx, gz) = ((x as f32 - place.x) / place.scale, (y as f32 - place.y) / place.scale / flat);
            let contact = 1.0 - smooth(0.08, 0.42, (gx * gx + gz * gz).sqrt());
            let length = (along.0 * along.0 + along.1 * along.1).max(1e-6);
            let t = ((gx * along.0 + gz * along.1) / length).clamp(0.0, 1.0);
            let off = ((gx - along.0 * t).powi(2) + (gz - along.1 * t).powi(2)).sqrt();
            let cast = if sunny { 1.0 - smooth(0.12, 0.3, off) } else { 0.0 };
            let dark = (0.5 * contact).max(0.48 * cast);
            let pixel = &mut canvas.pixels[y * canvas.width + x];
            *pixel = *pixel * (1.0 - dark);
        }
    }
}

/// Puts something before the person: another passer-by at the side, a post, or a box at their feet.
fn occlude(canvas: &mut LinearImage, domain: City, stage: &FigureStage, rng: &mut ChaCha8Rng) {
    let side = if rng.random_bool(0.5) { 1.0_f32 } else { -1.0 };
    let m = stage.place.scale;
    match rng.random_range(0..4) {
        0 | 1 => {
            let other = Person::draw(rng, domain);
            let nearer = rng.random_range(1.04..1.16);
            let place = FigurePlace {
                x: stage.place.x + side * m * rng.random_range(0.34..0.52),
                y: stage.place.y + m * rng.random_range(0.03..0.14),
                scale: m * nearer,
            };
            let pose = Pose {
                yaw: stage.pose.yaw + rng.random_range(-0.6..0.6),
                phase: rng.random_range(0.0..1.0),
                ..stage.pose
            };
            let front = FigureStage { pose, place, light: stage.light, folds: rng.random() };
            // Whoever passes by is not the person who is sought.
            let _ = render::draw(canvas, &other, &figure::build(&other, &pose), &front);
        }
        2 => {
            let x = stage.place.x + side * m * rng.random_range(0.05..0.3);
            let colour = super::maths::hex([0x3a3d42, 0x8b8a86, 0x6b4b33][rng.random_range(0..3)]);
            slab(canvas, (x - 0.05 * m, x + 0.05 * m), (0.0, canvas.height as f32), colour, &stage.light);
        }
        _ => {
            let x = stage.place.x + side * m * rng.random_range(0.0..0.35);
            let (half, up) = (m * rng.random_range(0.25..0.5), m * rng.random_range(0.35..0.75));
            let colour = super::maths::hex([0x55605a, 0x8b8a86, 0x6b4b33, 0x394a63][rng.random_range(0..4)]);
            slab(
                canvas,
                (x - half, x + half),
                (stage.place.y + 0.12 * m - up, stage.place.y + 0.14 * m),
                colour,
                &stage.light,
            );
        }
    }
}

/// An upright thing between columns and rows, round to the light.
fn slab(canvas: &mut LinearImage, columns: (f32, f32), rows: (f32, f32), colour: V3, light: &Light) {
    let ends = |v: (f32, f32), end: usize| (v.0.max(0.0) as usize).min(end)..(v.1.max(0.0) as usize).min(end);
    let width = canvas.width;
    for y in ends(rows, canvas.height) {
        for x in ends(columns, width) {
            let u = mix(-1.0, 1.0, (x as f32 - columns.0) / (columns.1 - columns.0));
            let top = y as f32 - rows.0 < 0.05 * (rows.1 - rows.0) && rows.0 > 0.0;
            let shade = if top { 1.15 } else { 0.75 - 0.3 * u * u + 0.2 * u * light.direction.x };
            canvas.pixels[y * width + x] = colour * (light.key * 0.55 + light.sky) * shade;
        }
    }
}

/// From light to bytes: averages fine pixels, blurs, grades, adds noise.
fn develop(fine: &LinearImage, spec: &SyntheticSpec, grade: Grade, step: f32, rng: &mut ChaCha8Rng) -> RgbImage {
    let mut canvas = LinearImage::new(spec.width, spec.height);
    for y in 0..spec.height {
        for x in 0..spec.width {
            let mut sum = V3::default();
            for k in 0..FINE * FINE {
                sum = sum + fine.pixels[(y * FINE + k / FINE) * fine.width + x * FINE + k % FINE];
            }
            canvas.pixels[y * spec.width + x] = sum * (1.0 / (FINE * FINE) as f32);
        }
    }
    // A person far away was few pixels to the camera: enlarging blurs.
    let far = (0.45 / step.max(0.2) - 0.35).clamp(0.0, 0.9);
    let exposure = 1.0 + 0.08 * rng.random_range(-1.0_f32..1.0);
    blur(&mut canvas, (grade.blur * grade.blur + far * far).sqrt());
    let mut bytes = Vec::with_capacity(spec.width * spec.height * 3);
    for y in 0..spec.height {
        for x in 0..spec.width {
            let (u, v) = (x as f32 / spec.width as f32 - 0.5, y as f32 / spec.height as f32 - 0.5);
            let c = canvas.pixels[y * spec.width + x]
                * grade.gain
                * (exposure * (1.0 - grade.vignette * (u * u + v * v) * 2.0));
            let grey = c.luma();
            let c = v3(grey, grey, grey).mix(c, grade.saturation);
            let common = gauss(rng);
            for value in [c.x, c.y, c.z] {
                let tone = shoulder(value.max(0.0)).powf(grade.gamma / 2.2) * 255.0;
                let noisy = tone + grade.noise * (0.8 * common + 0.6 * gauss(rng));
                bytes.push((noisy + 0.5).clamp(0.0, 255.0) as u8);
            }
        }
    }
    RgbImage::from_raw(spec.width as u32, spec.height as u32, bytes).unwrap_or_default()
}

/// Lets highlights roll off instead of clipping.
fn shoulder(x: f32) -> f32 {
    if x < 0.7 { x } else { 0.7 + 0.3 * (1.0 - (-(x - 0.7) / 0.3).exp()) }
}

/// Roughly normal, deviation 1: three uniforms.
fn gauss(rng: &mut ChaCha8Rng) -> f32 {
    let bits: u64 = rng.random();
    let part = |shift: u32| ((bits >> shift) & 0xFFFF) as f32 / 65_536.0;
    (part(0) + part(16) + part(32) - 1.5) * 2.0
}

/// Gaussian blur of deviation `sigma` pixels.
fn blur(canvas: &mut LinearImage, sigma: f32) {
    if sigma < 0.15 {
        return;
    }
    let reach = (3.0 * sigma).ceil() as isize;
    let weights: Vec<f32> = (-reach..=reach).map(|i| (-0.5 * (i as f32 / sigma).powi(2)).exp()).collect();
    let total: f32 = weights.iter().sum();
    let (w, h) = (canvas.width as isize, canvas.height as isize);
    for (dx, dy) in [(1, 0), (0, 1)] {
        let from = canvas.pixels.clone();
        for y in 0..h {
            for x in 0..w {
                let mut sum = V3::default();
                for (i, weight) in (-reach..=reach).zip(&weights) {
                    let (sx, sy) = ((x + i * dx).clamp(0, w - 1), (y + i * dy).clamp(0, h - 1));
                    sum = sum + from[(sy * w + sx) as usize] * *weight;
                }
                canvas.pixels[(y * w + x) as usize] = sum * (1.0 / total);
            }
        }
    }
}

/// Writes a mask as PGM (P5), which any program reads in five lines.
///
/// # Errors
/// When the file cannot be written.
pub fn write_mask(path: &Path, mask: &GrayImage) -> Result<(), DataError> {
    let mut bytes = format!("P5\n{} {}\n255\n", mask.width(), mask.height()).into_bytes();
    bytes.extend_from_slice(mask.as_raw());
    std::fs::write(path, bytes).map_err(DataError::io("writing", path))
}

/// Writes a picture as JPEG.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, picture: &RgbImage) -> Result<(), DataError> {
    let bad = |message: String| DataError::Image { path: path.to_path_buf(), message };
    let file = File::create(path).map_err(DataError::io("writing", path))?;
    let encoder = JpegEncoder::new_with_quality(BufWriter::new(file), QUALITY);
    let (w, h) = picture.dimensions();
    encoder.write_image(picture.as_raw(), w, h, ExtendedColorType::Rgb8).map_err(|e| bad(e.to_string()))
}
