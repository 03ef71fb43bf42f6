//! Charts onto paper, by `plotters`: the same strokes for PNG and SVG.

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Rectangle};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontStyle, IntoTextStyle, ShapeStyle};

use super::chart::{Chart, ChartCell, ChartMark, Curve, Dot, Figure};
use super::style::{self, Rgb};
use super::ticks;

/// Points wide.
const WIDTH: f64 = 720.0;
/// Points high, for one chart; each further one adds half of it.
const HEIGHT: f64 = 420.0;
/// Pixels a point in PNG files.
const PNG_SCALE: f64 = 3.0;
/// Units a point in SVG files: `plotters` knows whole coordinates only.
const SVG_SCALE: f64 = 8.0;

type Area<'a, DB> = DrawingArea<DB, plotters::coord::Shift>;

fn size(figure: &Figure) -> (f64, f64) {
    (WIDTH, HEIGHT * (0.5 + 0.5 * figure.charts.len().max(1) as f64))
}

/// The figure as a PNG file's bytes.
pub fn png(figure: &Figure) -> Result<Vec<u8>, String> {
    let (width, height) = size(figure);
    let (w, h) = ((width * PNG_SCALE) as u32, (height * PNG_SCALE) as u32);
    let mut pixels = vec![0; (w * h * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (w, h)).into_drawing_area();
        ExportSheet { area: &area, scale: PNG_SCALE }.figure(figure)?;
        area.present().map_err(|e| e.to_string())?;
    }
    let image = image::RgbImage::from_raw(w, h, pixels).ok_or("the picture has an odd size")?;
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).map_err(|e| e.to_string())?;
    Ok(bytes.into_inner())
}

/// The figure as an SVG document.
pub fn svg(figure: &Figure) -> Result<String, String> {
    let (width, height) = size(figure);
    let (w, h) = ((width * SVG_SCALE) as u32, (height * SVG_SCALE) as u32);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (w, h)).into_drawing_area();
        ExportSheet { area: &area, scale: SVG_SCALE }.figure(figure)?;
        area.present().map_err(|e| e.to_string())?;
    }
    // The units are finer than the points: the picture keeps its size on paper.
    Ok(text.replacen(&format!("width=\"{w}\" height=\"{h}\""), &format!("width=\"{width}\" height=\"{height}\""), 1))
}

pub(super) struct ExportSheet<'a, DB: DrawingBackend> {
    pub area: &'a Area<'a, DB>,
    /// Pixels a point.
    pub scale: f64,
}

/// The area of one chart's curves, in points, and its axes.
struct Frame<'a> {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    chart: &'a Chart,
}

/// The charts' places on a figure, from top to bottom.
fn frames(figure: &Figure) -> Vec<Frame<'_>> {
    let (width, height) = size(figure);
    let each = (height - 60.0) / figure.charts.len().max(1) as f64;
    let place = |(i, chart): (usize, _)| {
        let top = 60.0 + each * i as f64;
        Frame { left: 64.0, right: width - 130.0, top: top + 22.0, bottom: top + each - 42.0, chart }
    };
    figure.charts.iter().enumerate().map(place).collect()
}

/// Left, top, right and bottom of each chart on its figure, in points: where a reader's pointer can be.
pub fn places(figure: &Figure) -> Vec<[f64; 4]> {
    frames(figure).iter().map(|f| [f.left, f.top, f.right, f.bottom]).collect()
}

impl Frame<'_> {
    fn x(&self, x: f64) -> f64 {
        let [from, to] = self.chart.x;
        self.left + (x - from) / (to - from) * (self.right - self.left)
    }

    fn y(&self, y: f64) -> f64 {
        let [from, to] = self.chart.y;
        self.bottom - (y - from) / (to - from) * (self.bottom - self.top)
    }
}

impl<DB: DrawingBackend> ExportSheet<'_, DB> {
    fn figure(&self, figure: &Figure) -> Result<(), String> {
        self.area.fill(&style::color(style::PAPER)).map_err(|e| e.to_string())?;
        self.text(&figure.title, (24.0, 26.0), 15.0, style::T1, (HPos::Left, true))?;
        self.text(&figure.scope, (24.0, 44.0), 11.0, style::T3, (HPos::Left, false))?;
        frames(figure).iter().try_for_each(|frame| self.chart(frame))
    }

    fn chart(&self, frame: &Frame<'_>) -> Result<(), String> {
        for cell in &frame.chart.cells {
            self.cell(frame, cell)?;
        }
        self.axes(frame)?;
        for dot in &frame.chart.dots {
            self.dot(frame, dot)?;
        }
        self.legend(frame)?;
        for bar in &frame.chart.bars {
            let corners = [(frame.x(bar.from) + 0.8, frame.y(bar.count)), (frame.x(bar.to) - 0.8, frame.y(0.0))];
            let fill = style::color(bar.color).mix(0.85).filled();
            self.draw(Rectangle::new(corners.map(|p| self.pixel(p)), fill))?;
        }
        for curve in &frame.chart.curves {
            self.curve(frame, curve)?;
        }
        self.end_labels(frame)?;
        let mut end = f64::NEG_INFINITY;
        for mark in &frame.chart.marks {
            end = self.mark(frame, mark, end)?;
        }
        Ok(())
    }

    fn cell(&self, frame: &Frame<'_>, cell: &ChartCell) -> Result<(), String> {
        let [x0, x1] = cell.x.map(|x| frame.x(x));
        let [y0, y1] = cell.y.map(|y| frame.y(y));
        let fill = style::color(cell.color).mix(cell.opacity.clamp(0.0, 1.0)).filled();
        let corners = [(x0 + 0.5, y1 + 0.5), (x1 - 0.5, y0 - 0.5)].map(|p| self.pixel(p));
        self.draw(Rectangle::new(corners, fill))?;
        let ink = if cell.opacity > 0.55 { style::PAPER } else { style::T1 };
        self.text(&cell.words, ((x0 + x1) / 2.0, (y0 + y1) / 2.0), 9.0, ink, (HPos::Center, false))
    }

    fn dot(&self, frame: &Frame<'_>, dot: &Dot) -> Result<(), String> {
        let style = ShapeStyle {
            color: style::color(dot.color).mix(0.75),
            filled: !dot.hollow,
            stroke_width: (0.6 * self.scale).round().max(1.0) as u32,
        };
        let radius = (dot.radius * self.scale).round().max(1.0) as i32;
        self.draw(Circle::new(self.pixel((frame.x(dot.x), frame.y(dot.y))), radius, style))
    }

    fn legend(&self, frame: &Frame<'_>) -> Result<(), String> {
        for (i, (words, color)) in frame.chart.legend.iter().enumerate() {
            let y = frame.top + 8.0 + 14.0 * i as f64;
            self.text(words, (frame.right + 10.0, y), 11.0, *color, (HPos::Left, false))?;
        }
        Ok(())
    }

    fn axes(&self, frame: &Frame<'_>) -> Result<(), String> {
        if !frame.chart.dots.is_empty() {
            // Coordinates of a map mean nothing by themselves.
            let at = ((frame.left + frame.right) / 2.0, frame.bottom + 30.0);
            return self.text(&frame.chart.caption, at, 11.0, style::T3, (HPos::Center, false));
        }
        self.y_axis(frame)?;
        self.x_axis(frame)
    }

    fn y_axis(&self, frame: &Frame<'_>) -> Result<(), String> {
        for (value, words) in &frame.chart.y_words {
            self.text(words, (frame.left - 8.0, frame.y(*value)), 11.0, style::T3, (HPos::Right, false))?;
        }
        if !frame.chart.y_words.is_empty() {
            return Ok(());
        }
        let values = ticks::linear(frame.chart.y[0], frame.chart.y[1], 5);
        let step = values.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        for value in values {
            let y = frame.y(value);
            self.path(&[(frame.left, y), (frame.right, y)], style::LINE, 0.8, 1.0)?;
            self.text(&ticks::axis(value, step), (frame.left - 8.0, y), 11.0, style::T3, (HPos::Right, false))?;
        }
        Ok(())
    }

    fn x_axis(&self, frame: &Frame<'_>) -> Result<(), String> {
        let at = ((frame.left + frame.right) / 2.0, frame.bottom + 30.0);
        for (value, lines) in &frame.chart.x_words {
            for (i, words) in lines.iter().enumerate() {
                let at = (frame.x(*value), frame.bottom + 12.0 + 13.0 * i as f64);
                self.text(words, at, 10.0, style::T3, (HPos::Center, false))?;
            }
        }
        if !frame.chart.x_words.is_empty() {
            return self.text(&frame.chart.caption, at, 11.0, style::T3, (HPos::Center, false));
        }
        let values = ticks::epochs(frame.chart.x[0], frame.chart.x[1], 8);
        let step = values.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        for value in values {
            let x = frame.x(value);
            self.path(&[(x, frame.bottom), (x, frame.bottom + 4.0)], style::LINE2, 0.8, 1.0)?;
            let at = (x, frame.bottom + 13.0);
            self.text(&ticks::axis(value, step), at, 11.0, style::T3, (HPos::Center, false))?;
        }
        self.text(&frame.chart.caption, at, 11.0, style::T3, (HPos::Center, false))
    }

    fn curve(&self, frame: &Frame<'_>, curve: &Curve) -> Result<(), String> {
        let draw = |run: &[(f64, f64)]| match run {
            [] => Ok(()),
            _ if curve.dashed => self.dashes(run, curve.color, curve.width),
            _ => self.path(run, curve.color, curve.width, curve.opacity),
        };
        let mut run = Vec::new();
        for (x, y) in &curve.points {
            if y.is_finite() {
                run.push((frame.x(*x), frame.y(*y).clamp(frame.top - 4.0, frame.bottom + 4.0)));
            } else {
                draw(&run)?;
                run.clear();
            }
        }
        draw(&run)
    }

    fn end_labels(&self, frame: &Frame<'_>) -> Result<(), String> {
        let mut labels: Vec<(f64, &Curve)> = frame
            .chart
            .curves
            .iter()
            .filter(|c| !c.name.is_empty())
            .filter_map(|c| Some((frame.y(c.points.iter().rev().find(|(_, y)| y.is_finite())?.1), c)))
            .collect();
        labels.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut lowest = frame.bottom;
        for (y, curve) in labels {
            let y = y.min(lowest);
            lowest = y - 14.0;
            let strong = curve.width > 1.9;
            let ink = if strong { style::T1 } else { style::T2 };
            self.text(&curve.name, (frame.right + 10.0, y), 11.0, curve.color, (HPos::Left, false))?;
            self.text(&curve.value, (WIDTH - 24.0, y), 11.0, ink, (HPos::Right, strong))?;
        }
        Ok(())
    }

    /// Draws a mark; its words are left out where they would cover those before. Says where its words end.
    fn mark(&self, frame: &Frame<'_>, mark: &ChartMark, taken: f64) -> Result<f64, String> {
        let x = frame.x(mark.x);
        let ends = [(x, frame.top - 6.0), (x, frame.bottom)];
        if mark.dashed {
            self.dashes(&ends, mark.color, 1.0)?
        } else {
            self.path(&ends, mark.color, 1.2, 1.0)?
        }
        if x < taken {
            return Ok(taken);
        }
        let y = frame.top - 13.0;
        self.text(&mark.left.0, (x - 6.0, y), 11.0, mark.left.1, (HPos::Right, true))?;
        self.text(&mark.right.0, (x + 6.0, y), 11.0, mark.right.1, (HPos::Left, true))?;
        Ok(x + 14.0 + 6.5 * mark.right.0.chars().count() as f64)
    }

    fn dashes(&self, points: &[(f64, f64)], color: Rgb, width: f64) -> Result<(), String> {
        for pair in points.windows(2) {
            let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
            let length = (x1 - x0).hypot(y1 - y0);
            let at = |d: f64| (x0 + (x1 - x0) * d / length, y0 + (y1 - y0) * d / length);
            let mut d = 0.0;
            while d < length {
                self.path(&[at(d), at((d + 4.0).min(length))], color, width, 1.0)?;
                d += 7.0;
            }
        }
        Ok(())
    }

    fn path(&self, points: &[(f64, f64)], color: Rgb, width: f64, opacity: f64) -> Result<(), String> {
        let stroke_width = (width * self.scale).round().max(1.0) as u32;
        let style = ShapeStyle { color: style::color(color).mix(opacity), filled: false, stroke_width };
        self.draw(PathElement::new(points.iter().map(|p| self.pixel(*p)).collect::<Vec<_>>(), style))
    }

    /// Words at `at`, in points, in the middle of their line.
    pub(super) fn text(
        &self,
        text: &str,
        at: (f64, f64),
        size: f64,
        color: Rgb,
        look: (HPos, bool),
    ) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        let (anchor, strong) = look;
        let weight = if strong { FontStyle::Bold } else { FontStyle::Normal };
        // `plotters` divides by 1.24 in SVG and measures em boxes in bitmaps: this gives points in both.
        let font = (FontFamily::Name(style::FAMILY), size * self.scale * 1.24, weight);
        let ink = style::color(color);
        let style = font.into_text_style(self.area).color(&ink).pos(Pos::new(anchor, VPos::Center));
        self.area.draw_text(text, &style, self.pixel(at)).map_err(|e| e.to_string())
    }

    /// A filled rectangle between two corners in points.
    pub(super) fn fill(&self, from: (f64, f64), to: (f64, f64), color: Rgb) -> Result<(), String> {
        self.draw(Rectangle::new([self.pixel(from), self.pixel(to)], style::color(color).filled()))
    }

    fn pixel(&self, (x, y): (f64, f64)) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    fn draw<E>(&self, element: E) -> Result<(), String>
    where
        for<'e> &'e E: plotters::element::PointCollection<'e, (i32, i32)>,
        E: plotters::element::Drawable<DB>,
    {
        self.area.draw(&element).map_err(|e| e.to_string())
    }
}
