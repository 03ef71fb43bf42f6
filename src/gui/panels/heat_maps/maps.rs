//! Which maps there are, how they are called, and the ranges that their colours span.

use serde::{Deserialize, Serialize};

use crate::engine::event::{AttentionMap, ImageMaps};

/// What the panel shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShownMaps {
    /// Coordinate, triplet, and what leaves the block.
    #[default]
    Overview,
    /// The three branches of triplet attention.
    Branches,
    /// Photo, input, and the outputs of both blocks, several people a row.
    Fig6,
    /// One map of all images.
    One,
}

impl ShownMaps {
    /// Those that show several maps.
    pub const SETS: [Self; 3] = [Self::Overview, Self::Branches, Self::Fig6];

    /// In the menu.
    pub fn words(self) -> &'static str {
        match self {
            Self::Overview => "overview: coordinate, triplet, output",
            Self::Branches => "triplet branches: H × W, H × C, C × W",
            Self::Fig6 => "Fig. 6 grid: photo, input, both outputs",
            Self::One => "one map",
        }
    }

    /// On the menu's button.
    pub fn brief(self) -> &'static str {
        self.words().split(':').next().unwrap_or_default()
    }
}

/// A map of an attention block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum MapKind {
    Input,
    Coordinate,
    Triplet,
    Hw,
    Hc,
    Cw,
    #[default]
    Output,
}

impl MapKind {
    /// In network order.
    pub const ALL: [Self; 7] =
        [Self::Input, Self::Coordinate, Self::Triplet, Self::Hw, Self::Hc, Self::Cw, Self::Output];

    /// Its name at a position, as the run stores it.
    pub fn name(self, position: &str) -> String {
        let kind = match self {
            Self::Input => "input",
            Self::Coordinate => "coordinate",
            Self::Triplet => "triplet",
            Self::Hw => "triplet.hw",
            Self::Hc => "triplet.hc",
            Self::Cw => "triplet.cw",
            Self::Output => "output",
        };
        format!("{position}.{kind}")
    }

    /// Over its column.
    pub fn title(self) -> &'static str {
        match self {
            Self::Input => "block input",
            Self::Coordinate => "coordinate",
            Self::Triplet => "triplet mean",
            Self::Hw => "H × W",
            Self::Hc => "H × C",
            Self::Cw => "C × W",
            Self::Output => "block output",
        }
    }

    /// What it is, for the tooltip.
    pub fn help(self) -> &'static str {
        match self {
            Self::Input => "Σ x² over the channels of what enters the block.",
            Self::Coordinate => {
                "The gates by height and by width as edge profiles, and the mean over channels of their product."
            }
            Self::Triplet => "The mean of the three branches of triplet attention, over channels.",
            Self::Hw => "The branch that pools the channels: a gate for each place.",
            Self::Hc => "The branch that pools the width: height downwards, channels to the right.",
            Self::Cw => "The branch that pools the height: channels downwards, width to the right.",
            Self::Output => "Σ x² over the channels of what leaves the block: how strongly each place answers.",
        }
    }

    /// Whether the map's rows and columns are those of the image.
    pub fn is_spatial(self) -> bool {
        !matches!(self, Self::Hc | Self::Cw)
    }
}

/// What the ends of the colours mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Over all images shown: they can be compared.
    #[default]
    Shared,
    /// Each image's own.
    PerImage,
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

/// A map of an image by name.
pub fn find<'a>(of: &'a ImageMaps, name: &str) -> Option<&'a AttentionMap> {
    of.maps.iter().find(|m| m.name == name)
}

/// The ends of the colours over `values`: from the (100 − `clip`)th to the `clip`th percentile, so 100 is from the
/// least to the largest. What is not finite does not count; without values it is 0 to 1.
pub fn range(values: impl Iterator<Item = f32>, clip: f64) -> [f32; 2] {
    let mut values: Vec<f32> = values.filter(|v| v.is_finite()).collect();
    let Some(last) = values.len().checked_sub(1) else { return [0.0, 1.0] };
    let rank = (clip.clamp(50.0, 100.0) / 100.0 * last as f64).round() as usize;
    let mut at = |rank: usize| *values.select_nth_unstable_by(rank, f32::total_cmp).1;
    [at(last - rank), at(rank)]
}

/// As [`range`], with 0 in the middle: both ends as far out as the `clip`th percentile of what is left and right of it.
pub fn symmetric(values: impl Iterator<Item = f32>, clip: f64) -> [f32; 2] {
    let mut sizes: Vec<f32> = values.filter(|v| v.is_finite()).map(f32::abs).collect();
    let Some(last) = sizes.len().checked_sub(1) else { return [-1.0, 1.0] };
    let rank = (clip.clamp(50.0, 100.0) / 100.0 * last as f64).round() as usize;
    let most = *sizes.select_nth_unstable_by(rank, f32::total_cmp).1;
    [-most, most]
}

/// `a − b`, place by place; `None` where they are not of one shape.
pub fn difference(a: &AttentionMap, b: &AttentionMap) -> Option<AttentionMap> {
    let alike = (a.height, a.width, a.values.len()) == (b.height, b.width, b.values.len());
    alike.then(|| AttentionMap {
        name: a.name.clone(),
        height: a.height,
        width: a.width,
        values: a.values.iter().zip(&b.values).map(|(a, b)| a - b).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{ImageRef, Split};

    fn map(name: &str, values: &[f32]) -> AttentionMap {
        AttentionMap { name: name.into(), height: values.len(), width: 1, values: values.to_vec() }
    }

    #[test]
    fn positions_stand_in_network_order() {
        let maps = vec![map("layer1.output", &[0.0]), map("layer1.triplet.hw", &[0.0]), map("layer4.output", &[0.0])];
        let image = ImageMaps { image: ImageRef { split: Split::Query, index: 0 }, maps };
        assert_eq!(positions(&[&image]), ["layer1", "layer4"]);
        for kind in MapKind::ALL {
            assert!(kind.name("layer1").starts_with("layer1."));
        }
        assert!(find(&image, &MapKind::Hw.name("layer1")).is_some());
    }

    #[test]
    fn outliers_stretch_the_range_until_they_are_clipped() {
        let mut values: Vec<f32> = (0..=100).map(|i| i as f32 / 100.0).collect();
        (values[0], values[100]) = (-900.0, 900.0);
        assert_eq!(range(values.iter().copied(), 100.0), [-900.0, 900.0]);
        assert_eq!(range(values.iter().copied(), 99.0), [0.01, 0.99]);
        assert_eq!(range(values.iter().copied(), 90.0), [0.1, 0.9]);
        assert_eq!(range(values.iter().copied(), 50.0), [0.5, 0.5]);
        assert_eq!(range([f32::NAN, 3.0, f32::INFINITY, 1.0].into_iter(), 100.0), [1.0, 3.0]);
        assert_eq!(range(std::iter::empty(), 99.0), [0.0, 1.0]);
    }

    #[test]
    fn a_difference_has_zero_in_the_middle_of_its_range() {
        let d = difference(&map("x", &[0.25, 1.0, 0.5]), &map("x", &[0.125, 0.25, 1.0])).unwrap();
        assert_eq!(symmetric(d.values.iter().copied(), 100.0), [-0.75, 0.75]);
        assert_eq!(symmetric(d.values.iter().copied(), 50.0), [-0.5, 0.5]);
        assert_eq!(symmetric([0.0, 0.0].into_iter(), 100.0), [0.0, 0.0]);
        assert!(difference(&map("x", &[1.0]), &map("x", &[1.0, 2.0])).is_none());
    }
}
