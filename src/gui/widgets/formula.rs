//! Equations as drawn formulas: fractions, sums with limits, indices and roots, from a small part of TeX.
//!
//! What is understood: `\frac{a}{b}`, `\sqrt{a}`, `\sum`, `\max`, `\min` with limits above and below, `x_{i}`, `x^{2}`,
//! `\text{words}`, and every other character as it is. One letter alone is slanted, as a variable is.

use std::sync::Arc;

use eframe::egui::{
    Color32, FontFamily, FontId, Galley, Painter, Pos2, Response, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2,
    text::{LayoutJob, TextFormat},
    vec2,
};

/// A piece of a formula.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// Characters; slanted where they are a variable.
    Text(String, bool),
    /// One after the other.
    Row(Vec<Node>),
    /// Above and below a line.
    Frac(Box<Node>, Box<Node>),
    /// Below a root.
    Root(Box<Node>),
    /// Small, below and above to the right.
    Scripts(Box<Node>, Option<Box<Node>>, Option<Box<Node>>),
    /// A large sign with its limits below and above.
    Large(&'static str, Option<Box<Node>>, Option<Box<Node>>),
}

/// Why a formula cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFormula(String);

impl std::fmt::Display for BadFormula {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A formula, ready to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    node: Node,
    spoken: String,
}

impl Formula {
    /// Reads it.
    ///
    /// # Errors
    /// When a brace has no partner or a command is not known.
    pub fn read(source: &str) -> Result<Self, BadFormula> {
        let mut reader = Reader { rest: source };
        let node = reader.row(false)?;
        Ok(Self { spoken: spoken(&node).trim().to_owned(), node })
    }

    /// Draws it, `height` points being the height of its letters; a screen reader says it in words.
    pub fn show(&self, ui: &mut Ui, height: f32, ink: Color32) -> Response {
        let mut pen = Pen { painter: ui.painter().clone(), ink, pieces: Vec::new(), lines: Vec::new() };
        let size = pen.lay(&self.node, height, Pos2::ZERO);
        let (rect, response) = ui.allocate_exact_size(size.whole(), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, self.spoken.as_str()));
        let base = rect.left_top() + vec2(0.0, size.up);
        for (at, galley) in pen.pieces {
            ui.painter().galley(base + at.to_vec2(), galley, ink);
        }
        for (points, width) in pen.lines {
            let points = points.into_iter().map(|p| base + p.to_vec2()).collect();
            ui.painter().line(points, Stroke::new(width, ink));
        }
        response
    }

    /// The formula in words and signs, on one line.
    pub fn spoken(&self) -> &str {
        &self.spoken
    }
}

fn spoken(node: &Node) -> String {
    let limits = |below: &Option<Box<Node>>, above: &Option<Box<Node>>| {
        let below = below.as_ref().map(|n| format!(" over {}", spoken(n))).unwrap_or_default();
        below + &above.as_ref().map(|n| format!(" up to {}", spoken(n))).unwrap_or_default() + " of "
    };
    match node {
        Node::Text(text, _) => text.clone(),
        Node::Row(nodes) => nodes.iter().map(spoken).collect(),
        Node::Frac(above, below) => format!("({}) / ({})", spoken(above), spoken(below)),
        Node::Root(inner) => format!("root of ({})", spoken(inner)),
        Node::Scripts(base, below, above) => {
            let below = below.as_ref().map(|n| format!("_{}", spoken(n))).unwrap_or_default();
            let above = above.as_ref().map(|n| format!("^{}", spoken(n))).unwrap_or_default();
            format!("{}{below}{above}", spoken(base))
        }
        Node::Large(sign, below, above) => format!("{sign}{}", limits(below, above)),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn row(&mut self, braced: bool) -> Result<Node, BadFormula> {
        let mut nodes = Vec::new();
        while let Some(c) = self.peek() {
            if c == '}' {
                if !braced {
                    return Err(BadFormula("a brace closes that was not opened".to_owned()));
                }
                self.next();
                return Ok(Node::Row(nodes));
            }
            let atom = self.atom()?;
            nodes.push(self.scripts(atom)?);
        }
        if braced { Err(BadFormula("a brace is not closed".to_owned())) } else { Ok(Node::Row(nodes)) }
    }

    fn group(&mut self) -> Result<Node, BadFormula> {
        if self.peek() == Some('{') {
            self.next();
            return self.row(true);
        }
        self.atom()
    }

    fn scripts(&mut self, base: Node) -> Result<Node, BadFormula> {
        let (mut below, mut above) = (None, None);
        while let Some(mark @ ('_' | '^')) = self.peek() {
            self.next();
            let script = Some(Box::new(self.group()?));
            if mark == '_' {
                below = script;
            } else {
                above = script;
            }
        }
        Ok(match (base, below, above) {
            (Node::Large(sign, ..), below, above) => Node::Large(sign, below, above),
            (base, None, None) => base,
            (base, below, above) => Node::Scripts(Box::new(base), below, above),
        })
    }

    fn atom(&mut self) -> Result<Node, BadFormula> {
        match self.next() {
            Some('\\') => self.command(),
            Some('{') => self.row(true),
            Some(c @ ('=' | '←' | '<' | '≤' | '≥' | '∈' | '>' | '≈')) => {
                Ok(Node::Text(format!("  {c}  "), false))
            }
            Some(c @ ('+' | '−' | '×' | '∩' | '∪' | '/')) => Ok(Node::Text(format!(" {c} "), false)),
            Some(c) => Ok(Node::Text(c.to_string(), c.is_alphabetic())),
            None => Err(BadFormula("it ends where something is awaited".to_owned())),
        }
    }

    fn command(&mut self) -> Result<Node, BadFormula> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(match name {
            "frac" => Node::Frac(Box::new(self.group()?), Box::new(self.group()?)),
            "sqrt" => Node::Root(Box::new(self.group()?)),
            "sum" => Node::Large("Σ", None, None),
            "max" => Node::Large("max", None, None),
            "min" => Node::Large("min", None, None),
            "text" => {
                if self.next() != Some('{') {
                    return Err(BadFormula("\\text has no braces".to_owned()));
                }
                let end = self.rest.find('}').ok_or_else(|| BadFormula("a brace is not closed".to_owned()))?;
                let words = self.rest[..end].to_owned();
                self.rest = &self.rest[end + 1..];
                Node::Text(words, false)
            }
            _ => return Err(BadFormula(format!("\\{name} is not known"))),
        })
    }
}

/// How far a piece reaches from its base line, and how wide it is.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    up: f32,
    down: f32,
    width: f32,
}

impl Extent {
    fn whole(self) -> Vec2 {
        vec2(self.width, self.up + self.down)
    }
}

struct Pen {
    painter: Painter,
    ink: Color32,
    /// From the base line.
    pieces: Vec<(Pos2, Arc<Galley>)>,
    lines: Vec<(Vec<Pos2>, f32)>,
}

/// Letters get no smaller than this.
const LEAST: f32 = 8.0;

impl Pen {
    fn text(&mut self, words: &str, slanted: bool, size: f32, at: Pos2) -> Extent {
        let font = FontId::new(size, FontFamily::Proportional);
        let format = TextFormat { italics: slanted, ..TextFormat::simple(font, self.ink) };
        let galley = self.painter.layout_job(LayoutJob::single_section(words.to_owned(), format));
        let (up, down) = (0.78 * size, 0.26 * size);
        let ascent = galley.rows.first().map_or(up, |row| row.pos.y + row.row.glyphs.first().map_or(up, |g| g.pos.y));
        let width = galley.size().x + if slanted { 0.06 * size } else { 0.0 };
        self.pieces.push((pos2(at.x, at.y - ascent), galley));
        Extent { up, down, width }
    }

    /// Lays a piece out with its base line beginning at `at`.
    fn lay(&mut self, node: &Node, size: f32, at: Pos2) -> Extent {
        match node {
            Node::Text(words, slanted) => self.text(words, *slanted, size, at),
            Node::Row(nodes) => {
                let mut whole = Extent::default();
                for node in nodes {
                    let part = self.lay(node, size, at + vec2(whole.width, 0.0));
                    whole = Extent {
                        up: whole.up.max(part.up),
                        down: whole.down.max(part.down),
                        width: whole.width + part.width,
                    };
                }
                whole
            }
            Node::Scripts(base, below, above) => {
                let base = self.lay(base, size, at);
                let small = (0.7 * size).max(LEAST);
                let mut whole = base;
                let x = base.width + 0.04 * size;
                if let Some(node) = above {
                    let rise = 0.42 * size;
                    let part = self.lay(node, small, at + vec2(x, -rise));
                    whole.up = whole.up.max(rise + part.up);
                    whole.width = whole.width.max(x + part.width);
                }
                if let Some(node) = below {
                    let drop = 0.2 * size;
                    let part = self.lay(node, small, at + vec2(x, drop));
                    whole.down = whole.down.max(drop + part.down);
                    whole.width = whole.width.max(x + part.width);
                }
                whole.width += 0.04 * size;
                whole
            }
            Node::Frac(above, below) => self.fraction(above, below, size, at),
            Node::Root(inner) => {
                let pad = 0.55 * size;
                let part = self.lay(inner, size, at + vec2(pad, 0.0));
                let top = at.y - part.up - 0.12 * size;
                let line = vec![
                    pos2(at.x, at.y - 0.2 * size),
                    pos2(at.x + 0.15 * size, at.y - 0.3 * size),
                    pos2(at.x + 0.3 * size, at.y + part.down),
                    pos2(at.x + 0.48 * size, top),
                    pos2(at.x + pad + part.width, top),
                ];
                self.lines.push((line, (size / 16.0).max(1.0)));
                Extent { up: part.up + 0.2 * size, down: part.down, width: pad + part.width + 0.1 * size }
            }
            Node::Large(sign, below, above) => self.large(sign, below.as_deref(), above.as_deref(), size, at),
        }
    }

    /// Lays out apart, then moves what was laid by `by`.
    fn lay_moved(&mut self, node: &Node, size: f32, place: impl FnOnce(Extent) -> Pos2) -> Extent {
        let (pieces, lines) = (self.pieces.len(), self.lines.len());
        let part = self.lay(node, size, Pos2::ZERO);
        let by = place(part).to_vec2();
        self.pieces[pieces..].iter_mut().for_each(|(at, _)| *at += by);
        self.lines[lines..].iter_mut().flat_map(|(points, _)| points).for_each(|p| *p += by);
        part
    }

    fn fraction(&mut self, above: &Node, below: &Node, size: f32, at: Pos2) -> Extent {
        let small = (0.92 * size).max(LEAST);
        let axis = at.y - 0.27 * size;
        let gap = 0.16 * size;
        let (mut widths, pieces, lines) = ([0.0; 2], self.pieces.len(), self.lines.len());
        for (i, node) in [above, below].into_iter().enumerate() {
            widths[i] = self.lay(node, small, Pos2::ZERO).width;
        }
        self.pieces.truncate(pieces);
        self.lines.truncate(lines);
        let width = widths[0].max(widths[1]) + 0.3 * size;
        let centred = |part: Extent| at.x + (width - part.width) / 2.0;
        let top = self.lay_moved(above, small, |part| pos2(centred(part), axis - gap - part.down));
        let bottom = self.lay_moved(below, small, |part| pos2(centred(part), axis + gap + part.up));
        self.lines.push((vec![pos2(at.x, axis), pos2(at.x + width, axis)], (size / 16.0).max(1.0)));
        let up = at.y - axis + gap + top.down + top.up;
        let down = axis + gap + bottom.up + bottom.down - at.y;
        Extent { up, down, width: width + 0.1 * size }
    }

    fn large(&mut self, sign: &str, below: Option<&Node>, above: Option<&Node>, size: f32, at: Pos2) -> Extent {
        let letter = if sign.len() > 2 { size } else { 1.35 * size };
        let small = (0.66 * size).max(LEAST);
        let (pieces, lines) = (self.pieces.len(), self.lines.len());
        let mut width = self.text(sign, false, letter, Pos2::ZERO).width;
        for node in [below, above].into_iter().flatten() {
            width = width.max(self.lay(node, small, Pos2::ZERO).width);
        }
        self.pieces.truncate(pieces);
        self.lines.truncate(lines);
        let node = Node::Text(sign.to_owned(), false);
        let own = self.lay_moved(&node, letter, |part| pos2(at.x + (width - part.width) / 2.0, at.y));
        let mut whole = Extent { width: width + 0.25 * size, ..own };
        if let Some(node) = above {
            let base = at.y - own.up - 0.1 * size;
            let part = self.lay_moved(node, small, |p| pos2(at.x + (width - p.width) / 2.0, base - p.down));
            whole.up = own.up + 0.1 * size + part.up + part.down;
        }
        if let Some(node) = below {
            let base = at.y + own.down;
            let part = self.lay_moved(node, small, |p| pos2(at.x + (width - p.width) / 2.0, base + p.up));
            whole.down = own.down + part.up + part.down;
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_said_in_words() {
        let said = |source: &str| Formula::read(source).map(|f| f.spoken);
        assert_eq!(said(r"J = 1 − \frac{m}{2−m}").as_deref(), Ok("J   =   1  −  (m) / (2 − m)"));
        assert_eq!(said(r"\sum_{k}^{n} x_k^2").as_deref(), Ok("Σ over k up to n of  x_k^2"));
        assert!(said("x}").is_err() && said(r"\frac{a").is_err() && said(r"\integral").is_err());
    }
}
