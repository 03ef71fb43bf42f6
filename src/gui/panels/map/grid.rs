//! Which points are here: a grid of cells for the pointer, boxes and lassos for many.

use eframe::egui::{Pos2, Rect};

/// Cells along each side of the plane −1..1.
const SIDE: usize = 96;

/// Points by cell.
#[derive(Clone, Debug, Default)]
pub struct PointGrid {
    /// `[SIDE² + 1]`: where each cell begins.
    begin: Vec<u32>,
    /// Points, cell after cell.
    points: Vec<u32>,
}

fn cell(x: f32) -> usize {
    (((x + 1.0) / 2.0 * SIDE as f32).max(0.0) as usize).min(SIDE - 1)
}

impl PointGrid {
    /// Of points in the plane −1..1.
    pub fn of(at: &[Pos2]) -> Self {
        let of = |p: &Pos2| cell(p.y) * SIDE + cell(p.x);
        let mut begin = vec![0u32; SIDE * SIDE + 1];
        at.iter().for_each(|p| begin[of(p) + 1] += 1);
        (0..SIDE * SIDE).for_each(|c| begin[c + 1] += begin[c]);
        let mut next = begin.clone();
        let mut points = vec![0u32; at.len()];
        for (i, p) in at.iter().enumerate() {
            let slot = &mut next[of(p)];
            points[*slot as usize] = i as u32;
            *slot += 1;
        }
        Self { begin, points }
    }

    /// The point nearest to `pointer`, not farther than `reach`; `at` are the points it was made of.
    pub fn nearest(&self, at: &[Pos2], pointer: Pos2, reach: f32) -> Option<usize> {
        let mut best: Option<(f32, usize)> = None;
        for y in cell(pointer.y - reach)..=cell(pointer.y + reach) {
            for x in cell(pointer.x - reach)..=cell(pointer.x + reach) {
                let c = y * SIDE + x;
                for &i in &self.points[self.begin[c] as usize..self.begin[c + 1] as usize] {
                    let far = at[i as usize].distance_sq(pointer);
                    if far <= reach * reach && best.is_none_or(|b| (far, i as usize) < b) {
                        best = Some((far, i as usize));
                    }
                }
            }
        }
        best.map(|(_, i)| i)
    }
}

/// Rows of the points within a box, ascending.
pub fn in_box(at: impl Iterator<Item = Pos2>, area: Rect) -> Vec<u32> {
    at.enumerate().filter(|(_, p)| area.contains(*p)).map(|(i, _)| i as u32).collect()
}

/// Rows of the points within a closed line, ascending (even-odd rule).
pub fn in_lasso(at: impl Iterator<Item = Pos2>, line: &[Pos2]) -> Vec<u32> {
    let around = Rect::from_points(line);
    at.enumerate().filter(|(_, p)| around.contains(*p) && inside(*p, line)).map(|(i, _)| i as u32).collect()
}

fn inside(p: Pos2, line: &[Pos2]) -> bool {
    let mut odd = false;
    let mut from = line.len().wrapping_sub(1);
    for to in 0..line.len() {
        let (a, b) = (line[from], line[to]);
        if (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x {
            odd = !odd;
        }
        from = to;
    }
    odd
}
