//! Draws a figure: a ray for every fine pixel, marched to the nearest part, shaded with soft light.

use super::figure::{BodyPart, Pose};
use super::maths::{V3, noise, v3};
use super::paint;
use super::person::Person;

/// A picture of linear colours.
#[derive(Clone, Debug)]
pub struct LinearImage {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row.
    pub pixels: Vec<V3>,
}

impl LinearImage {
    /// A black canvas.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![V3::default(); width * height] }
    }

    /// The colour between pixels, `x` and `y` in pixels; the edge goes on for ever.
    pub fn sample(&self, x: f32, y: f32) -> V3 {
        let (x, y) = (x.clamp(0.0, self.width as f32 - 1.001), y.clamp(0.0, self.height as f32 - 1.001));
        let (ix, iy) = (x as usize, y as usize);
        let (fx, fy) = (x - ix as f32, y - iy as f32);
        let at = |dx: usize, dy: usize| self.pixels[(iy + dy) * self.width + ix + dx];
        at(0, 0).mix(at(1, 0), fx).mix(at(0, 1).mix(at(1, 1), fx), fy)
    }
}

/// Where a figure stands on a canvas.
#[derive(Clone, Copy, Debug)]
pub struct FigurePlace {
    /// Column of the feet, pixels.
    pub x: f32,
    /// Row of the feet, pixels.
    pub y: f32,
    /// Pixels of a metre.
    pub scale: f32,
}

/// The light a figure stands in.
#[derive(Clone, Copy, Debug)]
pub struct Light {
    /// Towards the light, in the viewer's frame.
    pub direction: V3,
    /// Its linear colour and strength.
    pub key: V3,
    /// Light from above on all sides.
    pub sky: V3,
    /// Light thrown back by the ground.
    pub bounce: V3,
}

/// Everything about a figure's picture but the figure.
#[derive(Clone, Copy, Debug)]
pub struct FigureStage {
    /// How they hold themself.
    pub pose: Pose,
    /// Where they stand.
    pub place: FigurePlace,
    /// The light.
    pub light: Light,
    /// Seeds the creases of the cloth, which change with each picture.
    pub folds: u32,
}

#[derive(Clone, Copy)]
struct Hit {
    z: f32,
    part: u16,
    point: V3,
}

const MISS: Hit = Hit { z: f32::MIN, part: u16::MAX, point: v3(0.0, 0.0, 0.0) };

/// Draws the parts of `person` over `canvas`, and says which pixels are theirs.
pub fn draw(canvas: &mut LinearImage, person: &Person, parts: &[BodyPart], stage: &FigureStage) -> Vec<bool> {
    let FigureStage { pose, place, light, folds } = stage;
    let mut hits = vec![MISS; canvas.width * canvas.height];
    for (index, part) in parts.iter().enumerate() {
        march(canvas, part, index as u16, (pose, *place), &mut hits);
    }
    let soft = near_depth(&hits, canvas.width, canvas.height, (0.035 * place.scale) as usize + 1);
    for (at, hit) in hits.iter().enumerate().filter(|(_, h)| h.part != u16::MAX) {
        let part = &parts[hit.part as usize];
        let base = paint::colour(person, part.paint, hit.point);
        let normal = part.shape.normal(hit.point).turn(pose.yaw).tip(pose.pitch);
        let sunk = ((soft[at] - hit.z - 0.012) / 0.10).clamp(0.0, 1.0);
        let crease = noise(v3(hit.point.x * 21.0, hit.point.y * 11.0, hit.point.z * 21.0), folds ^ person.salt);
        canvas.pixels[at] = base * lit(normal, light) * (1.0 - 0.55 * sunk) * (0.84 + 0.32 * crease);
    }
    hits.iter().map(|h| h.part != u16::MAX).collect()
}

/// Wrapped diffuse light, so that the dark side keeps its form.
fn lit(normal: V3, light: &Light) -> V3 {
    let wrap = ((normal.dot(light.direction) + 0.25) / 1.25).max(0.0);
    let up = 0.5 + 0.5 * normal.y;
    // Surfaces that turn away from the viewer get a little less: a soft outline.
    let rim = 0.72 + 0.28 * normal.z.clamp(0.0, 1.0);
    (light.key * wrap + light.sky * up + light.bounce * (1.0 - up)) * rim
}

fn march(canvas: &LinearImage, part: &BodyPart, index: u16, (pose, place): (&Pose, FigurePlace), hits: &mut [Hit]) {
    // The viewer's axes in the person's own frame.
    let own = |axis: V3| axis.tip(-pose.pitch).turn(-pose.yaw);
    let (right, up, out) = (own(v3(1.0, 0.0, 0.0)), own(v3(0.0, 1.0, 0.0)), own(v3(0.0, 0.0, 1.0)));
    let (left, top) = (part.shape.extent(right), part.shape.extent(up));
    let (back, front) = part.shape.extent(out);
    let span =
        |from: f32, to: f32, end: usize| (from.max(0.0) as usize).min(end)..((to + 1.0).max(0.0) as usize).min(end);
    let rows = span(place.y - top.1 * place.scale, place.y - top.0 * place.scale, canvas.height);
    let columns = span(place.x + left.0 * place.scale, place.x + left.1 * place.scale, canvas.width);
    for row in rows {
        let y = (place.y - row as f32 - 0.5) / place.scale;
        for column in columns.clone() {
            let x = (column as f32 + 0.5 - place.x) / place.scale;
            let hit = &mut hits[row * canvas.width + column];
            if front < hit.z {
                continue;
            }
            let start = right * x + up * y + out * front;
            if let Some(t) = part.shape.meet(start, -out, front - back) {
                let z = front - t;
                if z > hit.z {
                    *hit = Hit { z, part: index, point: start - out * t };
                }
            }
        }
    }
}

/// The mean depth of the figure round each pixel: what lies behind it sits in a crease. Nothing counts where the
/// figure is not.
fn near_depth(hits: &[Hit], width: usize, height: usize, radius: usize) -> Vec<f32> {
    let own = |at: usize| if hits[at].part == u16::MAX { (0.0, 0.0) } else { (hits[at].z, 1.0) };
    let rows = blur(width, height, radius, 1, width, own);
    let both = blur(height, width, radius, width, 1, |at| rows[at]);
    both.iter().map(|&(z, n)| if n > 0.0 { z / n } else { 0.0 }).collect()
}

/// Running sums along lines of `length`, `step` apart, `lines` of them `stride` apart.
fn blur(
    length: usize,
    lines: usize,
    radius: usize,
    step: usize,
    stride: usize,
    value: impl Fn(usize) -> (f32, f32),
) -> Vec<(f32, f32)> {
    let mut out = vec![(0.0, 0.0); length * lines];
    for line in 0..lines {
        let at = |i: usize| line * stride + i * step;
        let mut sum = (0.0_f32, 0.0_f32);
        for i in 0..length + radius {
            if i < length {
                let v = value(at(i));
                sum = (sum.0 + v.0, sum.1 + v.1);
            }
            if i > 2 * radius {
                let v = value(at(i - 2 * radius - 1));
                sum = (sum.0 - v.0, sum.1 - v.1);
            }
            if i >= radius {
                out[at(i - radius)] = sum;
            }
        }
    }
    out
}
