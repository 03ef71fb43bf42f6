//! A chart as plain data: what is drawn, before how.

use super::style::Rgb;

/// One figure: charts below each other that share a title.
pub struct Figure {
    /// The file's name without its ending.
    pub name: &'static str,
    /// What it shows.
    pub title: String,
    /// Of which run and data.
    pub scope: String,
    /// From top to bottom.
    pub charts: Vec<Chart>,
}

/// Axes with curves or bars.
#[derive(Default)]
pub struct Chart {
    /// Range of x.
    pub x: [f64; 2],
    /// Range of y.
    pub y: [f64; 2],
    /// Under the x axis.
    pub caption: String,
    /// Curves, the last on top.
    pub curves: Vec<Curve>,
    /// Bars, each from x to x.
    pub bars: Vec<ChartBar>,
    /// Vertical lines with words.
    pub marks: Vec<ChartMark>,
    /// Rectangles, below everything else.
    pub cells: Vec<ChartCell>,
    /// Dots, the last on top.
    pub dots: Vec<Dot>,
    /// Words under the x axis in place of numbers, with a line each.
    pub x_words: Vec<(f64, Vec<String>)>,
    /// Words left of the y axis in place of numbers.
    pub y_words: Vec<(f64, String)>,
    /// What the colours mean, right of the chart.
    pub legend: Vec<(String, Rgb)>,
}

/// A rectangle from x to x and from y to y, with words in its middle.
pub struct ChartCell {
    /// Across.
    pub x: [f64; 2],
    /// Up.
    pub y: [f64; 2],
    /// Its colour.
    pub color: Rgb,
    /// 0..=1.
    pub opacity: f64,
    /// In its middle; empty for none.
    pub words: String,
}

/// A dot.
pub struct Dot {
    /// Where.
    pub x: f64,
    /// Where.
    pub y: f64,
    /// Its colour.
    pub color: Rgb,
    /// Points.
    pub radius: f64,
    /// A ring rather than a disc.
    pub hollow: bool,
}

/// A curve.
pub struct Curve {
    /// At its end; empty for none.
    pub name: String,
    /// Its last value, beside the name.
    pub value: String,
    /// Its colour.
    pub color: Rgb,
    /// 0..=1.
    pub opacity: f64,
    /// Points wide.
    pub width: f64,
    /// Dashed.
    pub dashed: bool,
    /// What is not finite is a gap.
    pub points: Vec<(f64, f64)>,
}

/// A bar.
pub struct ChartBar {
    /// From this x.
    pub from: f64,
    /// To this one.
    pub to: f64,
    /// As high as this.
    pub count: f64,
    /// Its colour.
    pub color: Rgb,
}

/// A vertical line.
pub struct ChartMark {
    /// Where.
    pub x: f64,
    /// At its top: pieces, each in its colour, left and right of the line.
    pub left: (String, Rgb),
    /// Right of the line.
    pub right: (String, Rgb),
    /// Its colour.
    pub color: Rgb,
    /// Dashed.
    pub dashed: bool,
}
