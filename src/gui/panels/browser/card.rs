//! One cluster as a card.

use eframe::egui::{Align2, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::OUTLIERS;
use crate::gui::clustered::member;
use crate::gui::clustered::{ClusterRow, ShownClustering};
use crate::gui::panels::PanelCtx;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::what_if::worker::ClusterVerdict;
use crate::gui::widgets::button::focus_ring;
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::thumb;
use crate::gui::words::share;

const PAD: f32 = 8.0;
const GAP: f32 = 3.0;
const COLUMNS: usize = 4;
/// Images on a card.
pub const IMAGES: usize = 2 * COLUMNS;
/// Room between cards.
pub const BETWEEN: f32 = 8.0;

/// How cards lie in a width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CardGrid {
    /// Cards beside each other.
    pub columns: usize,
    /// Size of a card.
    pub card: Vec2,
    thumb: Vec2,
}

impl CardGrid {
    /// As many cards as fit, and those as wide as that leaves room for.
    pub fn of(ui: &Ui, width: f32) -> Self {
        let k = type_scale(ui);
        let inner = |thumb: f32| COLUMNS as f32 * thumb + (COLUMNS - 1) as f32 * GAP + 2.0 * PAD;
        let least = inner(k * size::THUMBS[1][0]).ceil();
        let columns = (((width + BETWEEN) / (least + BETWEEN)).floor() as usize).max(1);
        let wide = ((width - (columns - 1) as f32 * BETWEEN) / columns as f32).floor().max(least);
        let thumb = ((wide - inner(0.0)) / COLUMNS as f32).floor().min(k * size::THUMBS[2][0] * 1.5);
        let thumb = vec2(thumb, 2.0 * thumb);
        let line = line(ui);
        let height = PAD + line + 4.0 + 2.0 * thumb.y + GAP + 8.0 + line + 4.0 + BARS + 6.0 + line + PAD - 2.0;
        Self { columns, card: vec2(wide, height.ceil()), thumb }
    }
}

const BARS: f32 = 3.0 * 4.0 + 2.0 * 1.0;

fn line(ui: &Ui) -> f32 {
    Type::Body.font(ui).size + 4.0
}

/// What was done to a card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// It was clicked.
    pub chosen: bool,
    /// All its images were asked for.
    pub opened: bool,
}

/// A card to draw.
pub struct Card<'a> {
    /// The clustering.
    pub shown: &'a ShownClustering,
    /// Epoch of birth, from 0.
    pub born: Option<usize>,
    /// The cluster, or [`OUTLIERS`].
    pub cluster: u32,
    /// How large.
    pub grid: CardGrid,
}

impl Card<'_> {
    /// Draws it into `rect`.
    pub fn show(&self, ui: &mut Ui, cx: &PanelCtx<'_>, rect: Rect) -> Done {
        let theme = Theme::of(ui.ctx());
        let row = self.shown.table.row(self.cluster);
        let on = self.cluster != OUTLIERS && cx.selection.cluster == Some(self.cluster);
        let name = self.name(row);
        let response = ui.interact(rect, ui.scope_id().with(("card", self.cluster)), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, name.as_str()));
        let fill = if response.hovered() { theme.bg3 } else { theme.bg2 };
        ui.painter().rect_filled(rect, size::RADIUS_BUTTON, fill);
        if on {
            let stroke = Stroke::new(size::STROKE_CURVE, theme.accent);
            ui.painter().rect_stroke(rect, size::RADIUS_BUTTON, stroke, StrokeKind::Inside);
        }
        focus_ring(ui, &response, rect, size::RADIUS_BUTTON);
        let mut done = Done { chosen: response.clicked(), opened: response.double_clicked() };
        let inner = rect.shrink(PAD);
        let caret = self.head(ui, inner, row);
        let images = match row {
            Some(_) => self.shown.table.members(self.cluster),
            None => &self.shown.table.outliers,
        };
        self.thumbs(ui, cx, inner, images, on);
        self.foot(ui, cx, inner, row, cx.truth);
        done.opened |= caret.clicked();
        caret.on_hover_text("All images of it. A double click does the same.");
        response.on_hover_ui(|ui| self.explain(ui, row, cx.truth));
        done
    }

    fn name(&self, row: Option<&ClusterRow>) -> String {
        match row {
            None => format!("Outliers, {}", ticks::counted(self.shown.table.outliers.len(), "image", "images")),
            Some(row) => {
                let images = ticks::counted(row.size as usize, "image", "images");
                let (score, verdict) = (share(row.score), row.verdict());
                format!("Cluster {}, {images}, score {score}, {verdict}", self.cluster)
            }
        }
    }

    /// Number, size, a dot a camera, and the caret that opens it.
    fn head(&self, ui: &Ui, inner: Rect, row: Option<&ClusterRow>) -> Response {
        let theme = Theme::of(ui.ctx());
        let painter = ui.painter();
        let y = inner.top() + line(ui) / 2.0;
        let title = if row.is_some() { self.cluster.to_string() } else { "outliers".to_owned() };
        let drawn = painter.text(pos2(inner.left(), y), Align2::LEFT_CENTER, title, Type::Title.font(ui), theme.t1);
        let at = pos2(drawn.right() + 6.0 + size::ICON_MARK / 2.0, y);
        icon::paint(painter, at, icon::IMAGE, Weight::Regular, size::ICON_MARK, theme.t3);
        let count = row.map_or(self.shown.table.outliers.len(), |r| r.size as usize);
        let at = pos2(at.x + size::ICON_MARK / 2.0 + 3.0, y);
        let drawn = painter.text(at, Align2::LEFT_CENTER, ticks::count(count), Type::Body.font(ui), theme.t3);
        let caret = Rect::from_center_size(pos2(inner.right() - 4.0, y), Vec2::splat(16.0));
        let response = ui.interact(caret, ui.scope_id().with(("open", self.cluster)), Sense::click());
        let name =
            if row.is_some() { format!("Open cluster {}", self.cluster) } else { "Open the outliers".to_owned() };
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name.as_str()));
        let ink = if response.hovered() { theme.t1 } else { theme.t3 };
        icon::paint(painter, caret.center(), icon::CARET_RIGHT, Weight::Regular, size::ICON_MARK, ink);
        focus_ring(ui, &response, caret, size::RADIUS_INPUT);
        let Some(row) = row.filter(|r| r.cameras > 0) else { return response };
        let room =
            Rect::from_x_y_ranges(drawn.right() + 6.0..=caret.left() - 2.0, inner.top()..=inner.top() + line(ui));
        self.cameras(ui, room, row);
        response
    }

    fn cameras(&self, ui: &Ui, room: Rect, row: &ClusterRow) {
        let theme = Theme::of(ui.ctx());
        let all = self.shown.table.cameras;
        let step = 5.0;
        if all as f32 * step <= room.width() {
            for camera in 0..all {
                let x = room.right() - step * (all - camera) as f32 + step / 2.0;
                let seen = row.seen_by >> camera & 1 == 1;
                let (radius, ink) = if seen { (2.0, theme.t2) } else { (1.4, theme.t4) };
                ui.painter().circle_filled(pos2(x, room.center().y), radius, ink);
            }
        } else {
            let words = format!("{}/{all}", row.cameras);
            let font = Type::Small.font(ui);
            let galley = ui.painter().layout_no_wrap(words, font, theme.t3);
            if galley.size().x <= room.width() {
                ui.painter().galley(
                    room.right_center() - vec2(galley.size().x, galley.size().y / 2.0),
                    galley,
                    theme.t3,
                );
            }
        }
    }

    fn thumbs(&self, ui: &Ui, cx: &PanelCtx<'_>, inner: Rect, images: &[u32], on: bool) {
        let cells = self.cells(inner, inner.top() + line(ui) + 4.0, images.len());
        for (&image, cell) in images.iter().zip(cells) {
            thumb::paint(ui, cx.images, self.shown.images.as_deref(), image, cell, 1.0);
            if on {
                member::pick(ui, cx, self.shown, image, cell);
            }
        }
    }

    /// Where images stand: two rows of four; up to five fill them with a large one or two.
    fn cells(&self, inner: Rect, top: f32, images: usize) -> Vec<Rect> {
        let spread = (inner.width() - COLUMNS as f32 * self.grid.thumb.x) / (COLUMNS - 1) as f32;
        let cell = |column: usize, line: usize| {
            let x = inner.left() + column as f32 * (self.grid.thumb.x + spread);
            Rect::from_min_size(pos2(x, top + line as f32 * (self.grid.thumb.y + GAP)), self.grid.thumb)
        };
        let large = |column: usize| cell(column, 0).union(cell(column + 1, 1));
        match images {
            1 | 2 => vec![large(0), large(2)],
            3..=5 => [large(0), cell(2, 0), cell(2, 1), cell(3, 0), cell(3, 1)].into(),
            _ => (0..IMAGES).map(|i| cell(i % COLUMNS, i / COLUMNS)).collect(),
        }
    }

    /// Score against the threshold, the three radii, birth and purity.
    fn foot(&self, ui: &Ui, cx: &PanelCtx<'_>, inner: Rect, row: Option<&ClusterRow>, truth: bool) {
        let theme = cx.theme;
        let painter = ui.painter();
        let small = Type::Small.font(ui);
        let y = inner.top() + line(ui) + 4.0 + 2.0 * self.grid.thumb.y + GAP + 8.0;
        let Some(row) = row else {
            let words = ["in no cluster at eps:", "each is an instance", "of its own"];
            for (i, words) in words.into_iter().enumerate() {
                let at = pos2(inner.left(), y + i as f32 * (small.size + 3.0));
                painter.text(at, Align2::LEFT_TOP, words, small.clone(), theme.t3);
            }
            return;
        };
        let ink = if row.reliable { theme.reliable } else { theme.unreliable };
        let middle = y + line(ui) / 2.0;
        let strong = FontId::new(Type::Body.font(ui).size, theme::medium());
        let score = painter.text(pos2(inner.right(), middle), Align2::RIGHT_CENTER, share(row.score), strong, ink);
        let glyph = if row.reliable { icon::CHECK } else { icon::CIRCLE };
        let mark = pos2(score.left() - 4.0 - size::ICON_MARK / 2.0, middle);
        icon::paint(painter, mark, glyph, Weight::Bold, size::ICON_MARK, ink);
        let rail = Rect::from_x_y_ranges(inner.left()..=mark.x - 12.0, middle - 1.5..=middle + 1.5);
        painter.rect_filled(rail, 1.5, theme.bg4);
        let part = |share: f32| rail.left() + share.clamp(0.0, 1.0) * rail.width();
        painter.rect_filled(Rect::from_x_y_ranges(rail.left()..=part(row.score as f32), rail.y_range()), 1.5, ink);
        if let Some(alpha) = self.shown.facts.threshold {
            let x = painter.round_to_pixel_center(part(alpha as f32));
            painter.vline(x, middle - 5.0..=middle + 5.0, Stroke::new(size::STROKE, theme.t1));
        }
        let top = y + line(ui) + 4.0;
        let most = row.radii.iter().copied().max().unwrap_or(1).max(1) as f32;
        for (i, (&count, shade)) in row.radii.iter().zip([1.0, 0.62, 0.4]).enumerate() {
            let width = (inner.width() * count as f32 / most).max(2.0);
            let bar = Rect::from_min_size(pos2(inner.left(), top + 5.0 * i as f32), vec2(width, 4.0));
            painter.rect_filled(bar, 1.0, ink.gamma_multiply(shade));
        }
        let below = top + BARS + 6.0;
        let mut room = inner.right();
        if let Some(purity) = row.purity.filter(|_| truth) {
            let at = pos2(inner.right(), below);
            let words = format!("purity {}", ticks::number(purity, 2));
            room = painter.text(at, Align2::RIGHT_TOP, words, small.clone(), theme.truth).left() - 8.0;
        }
        // What is tried says more than where the cluster comes from, as long as something is tried.
        let (words, ink) = match self.would(cx) {
            Some(verdict) => (would_words(verdict), theme.what_if),
            None => {
                let born = self.born.map_or("–".to_owned(), |epoch| (epoch + 1).to_string());
                let whole = format!("since epoch {born}");
                let width = painter.layout_no_wrap(whole.clone(), small.clone(), theme.t3).size().x;
                (if width > room - inner.left() { format!("epoch {born}") } else { whole }, theme.t3)
            }
        };
        let galley = Type::Small.cut(ui, words, ink, room - inner.left());
        painter.galley(pos2(inner.left(), below), galley, ink);
    }

    /// What becomes of the cluster with the parameters that are tried.
    fn would(&self, cx: &PanelCtx<'_>) -> Option<ClusterVerdict> {
        cx.what_if.base().filter(|b| b.epoch == self.shown.epoch)?;
        let (outcome, _) = cx.what_if.outcome()?;
        outcome.verdicts.get(self.cluster as usize).copied()
    }

    fn explain(&self, ui: &mut Ui, row: Option<&ClusterRow>, truth: bool) {
        let theme = Theme::of(ui.ctx());
        ui.label(Type::Title.text(self.name(row), theme.t1));
        let Some(row) = row else {
            ui.label("Images that DBSCAN put in no cluster at eps. Each stays in training as an instance of its own.");
            return;
        };
        let alpha = self.shown.facts.threshold;
        let alpha =
            alpha.map_or("no threshold was applied".to_owned(), |a| format!("threshold {}", ticks::number(a, 2)));
        ui.label(format!("Score {}, {alpha}: {}.", ticks::number(row.score, 3), row.verdict()));
        let [tight, normal, loose] = row.radii;
        ui.label(format!(
            "Around image {} there are {tight} images at the tight radius, {normal} at the normal, {loose} at the loose.",
            ticks::count(row.member as usize)
        ));
        if row.cameras > 0 {
            ui.label(format!("Seen by {} of {} cameras.", row.cameras, self.shown.table.cameras));
        }
        if let Some(epoch) = self.born {
            let text = format!("Descends from epoch {} on without being new, by its main origin in each.", epoch + 1);
            ui.label(text);
        }
        if let (Some(purity), Some(pid), true) = (row.purity, row.pid, truth) {
            let text = format!("purity {} · identity {pid} · ground truth", ticks::number(purity, 3));
            ui.label(Type::Small.text(text, theme.truth));
        }
        ui.label(Type::Small.text("Click selects it in all panels; a double click shows all its images.", theme.t3));
    }
}

/// What becomes of a cluster with the parameters that are tried.
fn would_words(verdict: ClusterVerdict) -> String {
    match verdict {
        ClusterVerdict::Same => "no change".to_owned(),
        ClusterVerdict::Keeps(images) => format!("keeps {images}"),
        ClusterVerdict::Splits(parts) => format!("splits in {parts}"),
        ClusterVerdict::Merges => "merges".to_owned(),
        ClusterVerdict::Dissolves => "dissolves".to_owned(),
    }
}
