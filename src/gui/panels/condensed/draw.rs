//! Branches, their photos, and what lies under the pointer.

use eframe::egui::{Mesh, Pos2, Rect, Response, Shape, Stroke, StrokeKind, Ui, pos2, vec2};

use super::{Colouring, Picture};
use crate::gui::panels::{PanelCtx, Pick};
use crate::gui::plot::colours;
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, size};
use crate::gui::widgets::hover_card;
use crate::gui::widgets::thumb;
use crate::gui::words::share;
use crate::method::tree::icicle::BranchPiece;

/// A piece thinner than this many points is not drawn.
const THIN: f32 = 0.4;

impl Picture<'_> {
    /// Where a piece lies on the screen, a gap of a point to the next where there is room.
    fn rect(&self, piece: &BranchPiece) -> Rect {
        let plot = self.plot;
        let [left, right] = [piece.start, piece.start + piece.count].map(|p| plot.x_of(f64::from(p)));
        let gap = if right - left > 4.0 { 1.0 } else { 0.0 };
        let [top, bottom] = [piece.top, piece.bottom].map(|r| plot.y_of(f64::from(r)));
        Rect::from_min_max(pos2(left, top), pos2(right - gap, bottom))
    }

    /// Eq. 8 of a branch at a radius, where it is known.
    fn eq8(&self, branch: u32, radius: f64) -> Option<f32> {
        let ladder = self.ladder?;
        let score = *ladder.branch.get(branch as usize)?.get(ladder.nearest(radius)?)?;
        (!score.is_nan()).then_some(score)
    }

    /// The piece under a point.
    fn under(&self, at: Pos2) -> Option<&BranchPiece> {
        let (place, radius) = (self.plot.x_at(at.x), self.plot.y_at(at.y) as f32);
        self.made.pieces.iter().rev().find(|p| {
            let places = f64::from(p.start)..f64::from(p.start + p.count);
            places.contains(&place) && radius < p.top && radius >= p.bottom
        })
    }
}

/// The branches, then their photos.
pub fn branches(ui: &Ui, cx: &PanelCtx<'_>, picture: &Picture<'_>) {
    let theme = Theme::of(ui.ctx());
    let inner = picture.plot.inner;
    let mut mesh = Mesh::default();
    let plain = theme.bg4;
    for piece in &picture.made.pieces {
        let rect = picture.rect(piece).intersect(inner);
        if rect.width() < THIN || rect.height() <= 0.0 {
            continue;
        }
        match (picture.colouring, picture.ladder) {
            (Colouring::Stability, _) => {
                let share =
                    picture.all.condensed.branches[piece.branch as usize].stability / picture.made.most.max(1e-9);
                let color = if piece.branch == 0 { plain } else { colours::score(theme, share.sqrt() as f32) };
                mesh.add_colored_rect(rect, color);
            }
            (Colouring::Eq8, Some(ladder)) => {
                // The colour changes half way between two rungs.
                let mut top = piece.top;
                for (at, rung) in ladder.rungs.iter().enumerate().rev() {
                    let below = at.checked_sub(1).map_or(0.0, |b| (ladder.rungs[b].eps + rung.eps) as f32 / 2.0);
                    if below >= top {
                        continue;
                    }
                    let bottom = below.max(piece.bottom);
                    let score = ladder.branch[piece.branch as usize][at];
                    let color = if score.is_nan() { plain } else { colours::score(theme, score) };
                    let y = [top, bottom].map(|r| picture.plot.y_of(f64::from(r)));
                    mesh.add_colored_rect(Rect::from_x_y_ranges(rect.x_range(), y[0]..=y[1]), color);
                    top = bottom;
                    if top <= piece.bottom {
                        break;
                    }
                }
            }
            (Colouring::Eq8, None) => mesh.add_colored_rect(rect, plain),
        }
    }
    ui.painter().with_clip_rect(inner).add(Shape::mesh(mesh));
    photos(ui, cx, picture);
}

/// A frame around the most stable branches, and a photo in each piece with room for one.
fn photos(ui: &Ui, cx: &PanelCtx<'_>, picture: &Picture<'_>) {
    let theme = Theme::of(ui.ctx());
    let painter = ui.painter().with_clip_rect(picture.plot.inner);
    let branches = &picture.all.condensed.branches;
    let [width, height] = size::THUMBS[0];
    for of_branch in picture.made.pieces.chunk_by(|a, b| a.branch == b.branch) {
        let branch = of_branch[0].branch as usize;
        let mut whole = picture.rect(&of_branch[0]);
        for piece in of_branch {
            whole = whole.union(picture.rect(piece));
        }
        if branches[branch].chosen && whole.width() > 5.0 {
            painter.rect_stroke(whole, 1.0, Stroke::new(size::STROKE_CURVE, theme.t1), StrokeKind::Inside);
        }
        // The tallest piece of the branch is what it looks like for the most part.
        let rects = of_branch.iter().map(|p| picture.rect(p).intersect(picture.plot.inner));
        let fits = rects.filter(|r| r.width() >= width + 4.0 && r.height() >= height + 4.0);
        let Some(room) = fits.max_by(|a, b| a.height().total_cmp(&b.height())) else { continue };
        let larger =
            size::THUMBS.iter().rev().skip(1).find(|[w, h]| *w + 6.0 <= room.width() && *h + 6.0 <= room.height());
        let [w, h] = larger.copied().unwrap_or([width, height]);
        let cell = Rect::from_center_size(room.center(), vec2(w, h));
        thumb::paint(ui, cx.images, picture.run.images.as_deref(), picture.made.faces[branch], cell, 1.0);
    }
}

/// A click selects the images of a piece; hovering says what it is.
pub fn hand(ui: &Ui, cx: &PanelCtx<'_>, response: &Response, picture: &Picture<'_>) {
    let inside = |p: &Pos2| picture.plot.inner.contains(*p);
    if response.clicked()
        && let Some(piece) = response.interact_pointer_pos().filter(inside).and_then(|p| picture.under(p))
    {
        let mut picked = picture.all.order.image[piece.start as usize..(piece.start + piece.count) as usize].to_vec();
        picked.sort_unstable();
        let face = picture.made.faces[piece.branch as usize];
        cx.select(Pick::Images(picked));
        cx.select(Pick::Member(face, picture.run.facts.cluster_of(face)));
    }
    let Some(at) = response.hover_pos().filter(inside) else { return };
    let Some(piece) = picture.under(at) else { return };
    about(ui, cx, picture, piece, at);
}

fn about(ui: &Ui, cx: &PanelCtx<'_>, picture: &Picture<'_>, piece: &BranchPiece, at: Pos2) {
    let theme = cx.theme;
    let branch = &picture.all.condensed.branches[piece.branch as usize];
    let radius = picture.plot.y_at(at.y);
    let images = ticks::counted(piece.count as usize, "image", "images");
    let range = [branch.death, branch.birth].map(|l| if l > 1.0 { 1.0 / l } else { 1.0 });
    let mut lines = vec![
        format!("{images} at {}", ticks::number(radius, 2)),
        format!("a cluster of its own from {:.3} to {:.3}", range[0], range[1]),
    ];
    if let Some(score) = picture.eq8(piece.branch, radius) {
        lines.push(format!("Eq. 8 there {}", share(f64::from(score))));
    }
    if piece.branch > 0 {
        let chosen = if branch.chosen { ", one of the most stable" } else { "" };
        lines.push(format!("stability {}{chosen}", ticks::number(branch.stability, 1)));
    }
    lines.push("click selects its images".to_owned());
    let outline = Stroke::new(size::STROKE_HERO, theme.accent);
    let around = picture.rect(piece).intersect(picture.plot.inner);
    ui.painter().rect_stroke(around, 1.0, outline, StrokeKind::Outside);
    let face = (picture.run.images.as_deref(), picture.made.faces[piece.branch as usize]);
    hover_card::show(ui, cx, face, (picture.plot.outer, at, 14.0), hover_card::small(cx, lines));
}
