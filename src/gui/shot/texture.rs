//! Textures as a graphics card would hold and sample them.

use std::collections::BTreeMap;

use eframe::egui::epaint::ImageDelta;
use eframe::egui::{Color32, ImageData, TextureFilter, TextureId, TextureOptions, TextureWrapMode, TexturesDelta};

/// Weights between texels have this many steps, as on graphics cards: what lies on a texel is that texel
/// exactly, wherever in the font atlas a glyph came to lie.
const STEPS: f32 = 256.0;

/// All textures of one window.
#[derive(Default)]
pub struct Textures(BTreeMap<TextureId, Texture>);

impl Textures {
    /// Takes in new and changed textures; before painting.
    pub fn set(&mut self, delta: &TexturesDelta) {
        // Of each texture in the order of its changes; textures do not depend on one another.
        #[allow(clippy::iter_over_hash_type)]
        for (id, changes) in &delta.set {
            for change in changes {
                self.change(*id, change);
            }
        }
    }

    /// Lets go of textures; after painting.
    pub fn free(&mut self, delta: &TexturesDelta) {
        self.0.retain(|id, _| !delta.free.contains(id));
    }

    /// One of them.
    pub fn get(&self, id: TextureId) -> Option<&Texture> {
        self.0.get(&id)
    }

    fn change(&mut self, id: TextureId, delta: &ImageDelta) {
        let ImageData::Color(image) = &delta.image;
        let [width, height] = image.size;
        match (delta.pos, self.0.get_mut(&id)) {
            (Some([left, top]), Some(texture)) => {
                texture.options = delta.options;
                let base = &mut texture.levels[0];
                for (y, row) in image.pixels.chunks_exact(width.max(1)).enumerate() {
                    let from = (top + y) * base.width + left;
                    if left + width <= base.width && top + y < base.height {
                        base.texels[from..from + width].copy_from_slice(row);
                    }
                }
                texture.reduce();
            }
            (Some(_), None) => tracing::warn!(?id, "a part of a texture that is not there"),
            (None, _) if width * height == 0 => tracing::warn!(?id, "an empty texture"),
            (None, _) => {
                let base = Level { width, height, texels: image.pixels.clone() };
                let mut texture = Texture { options: delta.options, levels: vec![base] };
                texture.reduce();
                self.0.insert(id, texture);
            }
        }
    }
}

/// One texture with its smaller copies, if it asks for them.
pub struct Texture {
    options: TextureOptions,
    levels: Vec<Level>,
}

struct Level {
    width: usize,
    height: usize,
    texels: Vec<Color32>,
}

impl Texture {
    /// Size of the texture itself in texels.
    pub fn size(&self) -> [usize; 2] {
        [self.levels[0].width, self.levels[0].height]
    }

    /// Halves it down to one texel, where its options ask for that.
    fn reduce(&mut self) {
        self.levels.truncate(1);
        if self.options.mipmap_mode.is_none() {
            return;
        }
        while let Some(last) = self.levels.last().filter(|l| l.width.max(l.height) > 1) {
            let half = last.half();
            self.levels.push(half);
        }
    }

    /// How it is sampled where one pixel covers `texels` of its texels, in the direction that covers more.
    pub fn sampler(&self, texels: f32) -> TextureSampler<'_> {
        let smaller = texels > 1.0;
        let filter = if smaller { self.options.minification } else { self.options.magnification };
        let last = (self.levels.len() - 1) as f32;
        let depth = if smaller { texels.log2().min(last) } else { 0.0 };
        let (first, second) = match self.options.mipmap_mode {
            Some(TextureFilter::Linear) if depth > 0.0 => {
                let low = (depth.floor() as usize).min(self.levels.len() - 1);
                (low, self.levels.get(low + 1).map(|level| (level, depth - depth.floor())))
            }
            Some(TextureFilter::Nearest) => (depth.round() as usize, None),
            _ => (0, None),
        };
        TextureSampler {
            first: &self.levels[first],
            second,
            linear: filter == TextureFilter::Linear,
            wrap: self.options.wrap_mode,
        }
    }
}

impl Level {
    fn half(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let texel = |x: usize, y: usize| {
            let (right, below) = ((2 * x + 1).min(self.width - 1), (2 * y + 1).min(self.height - 1));
            let four = [(2 * x, 2 * y), (right, 2 * y), (2 * x, below), (right, below)];
            let mut sum = [0u32; 4];
            for (x, y) in four {
                for (sum, c) in sum.iter_mut().zip(self.texels[y * self.width + x].to_array()) {
                    *sum += u32::from(c);
                }
            }
            let [r, g, b, a] = sum.map(|s| ((s + 2) / 4) as u8);
            Color32::from_rgba_premultiplied(r, g, b, a)
        };
        let texels = (0..width * height).map(|i| texel(i % width, i / width)).collect();
        Self { width, height, texels }
    }

    fn texel(&self, x: i64, y: i64, wrap: TextureWrapMode) -> [f32; 4] {
        let at = wrapped(y, self.height, wrap) * self.width + wrapped(x, self.width, wrap);
        self.texels[at].to_array().map(f32::from)
    }

    fn sample(&self, uv: [f32; 2], linear: bool, wrap: TextureWrapMode) -> [f32; 4] {
        let (x, y) = (uv[0] * self.width as f32, uv[1] * self.height as f32);
        if !linear {
            return self.texel(x.floor() as i64, y.floor() as i64, wrap);
        }
        let split = |v: f32| {
            let low = (v - 0.5).floor();
            (low as i64, ((v - 0.5 - low) * STEPS).round() / STEPS)
        };
        let ((x, right), (y, below)) = (split(x), split(y));
        let across = |y: i64| mix(self.texel(x, y, wrap), || self.texel(x + 1, y, wrap), right);
        mix(across(y), || across(y + 1), below)
    }
}

/// A way to sample a texture.
pub struct TextureSampler<'a> {
    first: &'a Level,
    second: Option<(&'a Level, f32)>,
    linear: bool,
    wrap: TextureWrapMode,
}

impl TextureSampler<'_> {
    /// The premultiplied colour at `uv`, each part 0..=255.
    pub fn at(&self, uv: [f32; 2]) -> [f32; 4] {
        let first = self.first.sample(uv, self.linear, self.wrap);
        match self.second {
            Some((level, share)) => mix(first, || level.sample(uv, self.linear, self.wrap), share),
            None => first,
        }
    }
}

fn mix(a: [f32; 4], b: impl FnOnce() -> [f32; 4], share: f32) -> [f32; 4] {
    if share == 0.0 {
        return a;
    }
    let b = b();
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * share)
}

fn wrapped(at: i64, count: usize, wrap: TextureWrapMode) -> usize {
    let n = count as i64;
    let at = match wrap {
        TextureWrapMode::ClampToEdge => at.clamp(0, n - 1),
        TextureWrapMode::Repeat => at.rem_euclid(n),
        TextureWrapMode::MirroredRepeat => {
            let folded = at.rem_euclid(2 * n);
            folded.min(2 * n - 1 - folded)
        }
    };
    at as usize
}
