//! Maps as pictures: which there are, their range, their colours.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use eframe::egui::{
    Color32, ColorImage, Mesh, Rect, Shape, Stroke, TextureHandle, TextureOptions, Ui, epaint::Vertex, pos2,
};
use serde::{Deserialize, Serialize};

use crate::engine::event::{AttentionMap, ImageMaps};
use crate::gui::panels::photo::WHOLE;
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, size};

/// Between columns.
pub const GAP: f32 = 16.0;
/// Above and at the left of a map, for the profiles of the gates.
pub const PROFILE: f32 = 12.0;
/// Textures kept.
const KEPT: usize = 256;

/// Which maps stand side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Columns {
    /// Coordinate, triplet, and what leaves the block.
    #[default]
    Overview,
    /// The three branches of triplet attention.
    Triplet,
    /// What leaves the block, alone and large.
    Output,
}

impl Columns {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Overview, Self::Triplet, Self::Output];

    /// In the menu.
    pub fn words(self) -> &'static str {
        match self {
            Self::Overview => "Coordinate, triplet and output",
            Self::Triplet => "The three triplet branches",
            Self::Output => "The block's output alone",
        }
    }

    /// The maps' names at a position.
    pub fn names(self, position: &str) -> Vec<String> {
        let kinds: &[&str] = match self {
            Self::Overview => &["coordinate", "triplet", "output"],
            Self::Triplet => &["triplet.hw", "triplet.hc", "triplet.cw"],
            Self::Output => &["output"],
        };
        kinds.iter().map(|kind| format!("{position}.{kind}")).collect()
    }
}

/// What the ends of the colours mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// The least and largest value over all images shown: they can be compared.
    #[default]
    Shared,
    /// Each image's own.
    PerImage,
}

/// The range of a map over all images.
pub fn range_of_all(images: &[&ImageMaps], name: &str) -> [f32; 2] {
    range(images.iter().copied(), name)
}

/// The range of a map of one image.
pub fn range_of(image: &ImageMaps, name: &str) -> [f32; 2] {
    range(std::iter::once(image), name)
}

fn range<'a>(images: impl Iterator<Item = &'a ImageMaps>, name: &str) -> [f32; 2] {
    let values = images.flat_map(|i| &i.maps).filter(|m| m.name == name).flat_map(|m| &m.values);
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    if low <= high { [low, high] } else { [0.0, 1.0] }
}

/// Where attention blocks stand, in network order.
pub fn positions(images: &[&ImageMaps]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for map in images.iter().flat_map(|i| &i.maps) {
        let position = map.name.split('.').next().unwrap_or_default();
        if !found.iter().any(|f| f == position) {
            found.push(position.to_owned());
        }
    }
    found
}

/// Whether a map's rows and columns are those of the image.
pub fn is_spatial(name: &str) -> bool {
    !name.ends_with(".hc") && !name.ends_with(".cw")
}

/// Over its column.
pub fn title(name: &str) -> String {
    match name.split_once('.').map_or(name, |(_, kind)| kind) {
        "output" => "block output".to_owned(),
        "triplet.hw" => "H × W".to_owned(),
        "triplet.hc" => "H × C".to_owned(),
        "triplet.cw" => "C × W".to_owned(),
        other => other.to_owned(),
    }
}

/// A value at the end of a colour bar.
pub fn short(value: f32) -> String {
    let value = f64::from(value);
    match value.abs() {
        x if x >= 1000.0 => ticks::scientific(value),
        x if x >= 10.0 => ticks::number(value, 0),
        _ => ticks::number(value, 2),
    }
}

/// Textures of maps, by what they show.
#[derive(Default)]
pub struct Painted {
    textures: HashMap<u64, TextureHandle>,
}

impl Painted {
    /// Paints `map` over `rect`, smoothed between its values; `range` spans the colours.
    pub fn paint(&mut self, ui: &Ui, map: &AttentionMap, rect: Rect, range: [f32; 2], opacity: f32) {
        if map.width * map.height != map.values.len() || map.values.is_empty() {
            return;
        }
        let mut hasher = DefaultHasher::new();
        (map.height, map.width, range.map(f32::to_bits)).hash(&mut hasher);
        map.values.iter().for_each(|v| v.to_bits().hash(&mut hasher));
        let key = hasher.finish();
        if self.textures.len() > KEPT && !self.textures.contains_key(&key) {
            self.textures.clear();
        }
        let texture = self.textures.entry(key).or_insert_with(|| {
            let span = (range[1] - range[0]).max(f32::MIN_POSITIVE);
            let colors = map.values.iter().map(|v| Theme::inferno((v - range[0]) / span)).collect();
            let image = ColorImage::new([map.width, map.height], colors);
            ui.ctx().load_texture(map.name.as_str(), image, TextureOptions::LINEAR)
        });
        ui.painter().image(texture.id(), rect, WHOLE, Color32::WHITE.gamma_multiply(opacity));
    }
}

/// The gates g^h and g^w beside and above the coordinate map, as grey profiles.
pub fn gates(ui: &Ui, of: &ImageMaps, name: &str, rect: Rect) {
    if !name.ends_with(".coordinate") {
        return;
    }
    let theme = Theme::of(ui.ctx());
    let gate = |axis: &str| of.maps.iter().find(|m| m.name == format!("{name}.{axis}"));
    let deep = PROFILE - 2.0;
    if let Some(g) = gate("h") {
        profile(ui, &g.values, theme, |t, v| pos2(rect.left() - 1.0 - v * deep, rect.top() + t * rect.height()));
    }
    if let Some(g) = gate("w") {
        profile(ui, &g.values, theme, |t, v| pos2(rect.left() + t * rect.width(), rect.top() - 1.0 - v * deep));
    }
}

/// A filled profile; gates lie between 0 and 1, so its scale is fixed.
fn profile(ui: &Ui, values: &[f32], theme: &Theme, at: impl Fn(f32, f32) -> eframe::egui::Pos2) {
    let n = values.len() as f32;
    let mut mesh = Mesh::default();
    let color = theme.t3.gamma_multiply(0.55);
    let mut line = Vec::with_capacity(values.len());
    for (i, value) in values.iter().enumerate() {
        let (t, v) = ((i as f32 + 0.5) / n, value.clamp(0.0, 1.0));
        for (t, v) in [(t, 0.0), (t, v)] {
            mesh.vertices.push(Vertex { pos: at(t, v), uv: eframe::egui::epaint::WHITE_UV, color });
        }
        line.push(at(t, v));
        if i > 0 {
            let k = 2 * i as u32;
            mesh.add_triangle(k - 2, k - 1, k);
            mesh.add_triangle(k - 1, k, k + 1);
        }
    }
    ui.painter().add(Shape::mesh(mesh));
    ui.painter().line(line, Stroke::new(size::STROKE, theme.t3));
}

/// Inferno from left to right.
pub fn color_bar(ui: &Ui, rect: Rect) {
    const STEPS: u32 = 32;
    let mut mesh = Mesh::default();
    for i in 0..=STEPS {
        let t = i as f32 / STEPS as f32;
        let x = rect.left() + t * rect.width();
        mesh.colored_vertex(pos2(x, rect.top()), Theme::inferno(t));
        mesh.colored_vertex(pos2(x, rect.bottom()), Theme::inferno(t));
        if i > 0 {
            let k = 2 * i;
            mesh.add_triangle(k - 2, k - 1, k);
            mesh.add_triangle(k - 1, k, k + 1);
        }
    }
    ui.painter().add(Shape::mesh(mesh));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{ImageRef, Split};

    fn image(index: u32, values: [f32; 2]) -> ImageMaps {
        let map = |name: &str| AttentionMap { name: name.into(), height: 2, width: 1, values: values.to_vec() };
        ImageMaps {
            image: ImageRef { split: Split::Query, index },
            maps: vec![map("layer1.output"), map("layer4.triplet")],
        }
    }

    #[test]
    fn a_shared_scale_spans_all_images_and_its_own_only_one() {
        let (first, second) = (image(0, [0.0, 1.0]), image(1, [0.5, 3.0]));
        let images = [&first, &second];
        assert_eq!(range_of_all(&images, "layer1.output"), [0.0, 3.0]);
        assert_eq!(range_of(&first, "layer1.output"), [0.0, 1.0]);
        assert_eq!(range_of_all(&images, "nothing"), [0.0, 1.0]);
        assert_eq!(positions(&images), ["layer1", "layer4"]);
    }
}
