//! One hit: its photo, frame and glyph, rank, distance and camera.

use eframe::egui::{self, Align2, Color32, FontId, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2};

use super::row::{FAR, QueryRow, gallery, line, who};
use crate::engine::event::{ImageRef, RankQuery, Split};
use crate::gui::panels::PanelCtx;
use crate::gui::plot::ticks;
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::widgets::icon;
use crate::gui::widgets::images::Tone;
use crate::gui::widgets::photo;
use crate::gui::words::after_words;
use crate::run::images::ImageRow;
use crate::study::hits::{Hit, HitVerdict};

/// One hit at its place.
pub(super) struct HitCell<'a> {
    pub row: &'a QueryRow<'a>,
    pub hit: &'a Hit,
    /// Where two epochs are compared: its rank at the other one; `None` in it when that is not known.
    pub rank_before: Option<Option<u32>>,
    /// Where the photo goes.
    pub place: Rect,
    /// Room for the words beside the photo; else they stand below.
    pub beside: Option<f32>,
    /// Tells the same hit of two lists apart.
    pub salt: (bool, bool),
}

/// How a verdict looks: colour, glyph, whether dashed, opacity, word.
fn look(theme: &Theme, verdict: HitVerdict) -> (Color32, Option<&'static str>, bool, f32, &'static str) {
    match verdict {
        HitVerdict::Match => (theme.match_, Some(icon::CHECK), false, 1.0, "match"),
        HitVerdict::Mismatch => (theme.mismatch, Some(icon::CROSS), false, 1.0, "mismatch"),
        HitVerdict::Junk => (theme.junk, Some(icon::PROHIBIT), true, 0.45, "junk"),
        HitVerdict::Missed => (theme.match_, Some(icon::ARROW_RIGHT), true, 1.0, "missed"),
        HitVerdict::Unknown => (theme.junk, Some(icon::INFO), false, 1.0, "no match"),
        HitVerdict::Unjudged => (theme.line2, None, false, 1.0, ""),
    }
}

/// Decimals that leave a distance as long as one below 10: features of other programs are of any length.
fn decimals(distance: f32, far: bool) -> usize {
    let most = if far { 2 } else { 3 };
    match distance.abs() {
        d if d < 10.0 => most,
        d if d < 100.0 => most - 1,
        d if d < 1_000.0 => 1_usize.min(most - 1),
        _ => 0,
    }
}

impl HitCell<'_> {
    /// Paints it.
    pub fn show(&self, ui: &mut Ui, cx: &PanelCtx<'_>) -> Response {
        let theme = Theme::of(ui.ctx());
        let hit = self.hit;
        let (color, glyph, dashed, opacity, word) = look(theme, hit.verdict);
        let path = self.info().map(|row| row.path.as_path());
        let drawn = photo::paint(ui, cx.images, path, self.place, Tone::Color, opacity);
        let framed = drawn.expand(2.0);
        photo::frame(ui.painter(), framed, color, dashed);
        if let Some(glyph) = glyph {
            photo::corner(ui.painter(), framed, glyph, color, theme);
        }
        // Rank and distance share one line: a far rank takes the room of the distance's last decimal.
        let far = hit.rank.is_some_and(|r| r >= FAR);
        let distance = ticks::number(f64::from(hit.distance), decimals(hit.distance, far));
        match self.beside {
            None => self.below(ui, cx, &distance, word),
            Some(width) => self.beside(ui, &distance, width),
        }
        let id = ui.scope_id().with((self.row.query, hit.index, "hit", self.salt));
        let response = ui.interact(framed, id, Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, self.name(word, &distance)));
        if cx.selection.image == Some(gallery(hit.index)) {
            let stroke = egui::Stroke::new(size::STROKE_CURVE, theme.accent);
            ui.painter().rect_stroke(framed.expand(2.0), size::RADIUS_CHIP, stroke, egui::StrokeKind::Outside);
        }
        response
    }

    fn info(&self) -> Option<&ImageRow> {
        self.row.images.and_then(|i| i.get(gallery(self.hit.index)))
    }

    fn camera(&self) -> String {
        self.info().map_or(String::new(), |row| format!("c{}", row.camid + 1))
    }

    /// Places gained (above 0) or lost since the other epoch; `None` where that cannot be said.
    fn risen(&self) -> Option<i64> {
        Some(i64::from(self.rank_before??) - i64::from(self.hit.rank?))
    }

    fn name(&self, word: &str, distance: &str) -> String {
        let mut words = self.hit.rank.map_or("not ranked".to_owned(), |r| format!("rank {r}"));
        for part in [word, &format!("distance {distance}")] {
            if !part.is_empty() {
                words += &format!(", {part}");
            }
        }
        match self.risen() {
            Some(n) if n > 0 => words += &format!(", up {n}"),
            Some(n) if n < 0 => words += &format!(", down {}", -n),
            Some(_) => words += ", same rank",
            None => {}
        }
        words
    }

    fn rank(&self) -> String {
        match self.hit.rank {
            Some(r) if r >= 10 * FAR => r.to_string(),
            Some(r) => ticks::count(r as usize),
            None => "–".to_owned(),
        }
    }

    fn below(&self, ui: &Ui, cx: &PanelCtx<'_>, distance: &str, word: &str) {
        let theme = cx.theme;
        let (small, cell) = (Type::Small.font(ui), self.place);
        let strong = FontId::new(small.size, theme::medium());
        let ink = if self.hit.verdict == HitVerdict::Junk { theme.t3 } else { theme.t1 };
        let painter = ui.painter();
        let y = cell.bottom() + 5.0;
        painter.text(pos2(cell.left(), y), Align2::LEFT_TOP, self.rank(), small.clone(), theme.t2);
        painter.text(pos2(cell.right(), y), Align2::RIGHT_TOP, distance, strong, ink);
        let y = y + line(ui);
        let below = match self.hit.verdict {
            HitVerdict::Junk | HitVerdict::Missed => format!("{word}, {}", self.camera()),
            _ => self.camera(),
        };
        let taken = painter.text(pos2(cell.right(), y), Align2::RIGHT_TOP, below, small.clone(), theme.t3);
        if let (true, Some(row)) = (cx.truth, self.info()) {
            let pid = painter.layout_no_wrap(format!("pid {}", row.pid), small, theme.t3);
            if cell.left() + pid.size().x + 4.0 <= taken.left() {
                painter.galley(pos2(cell.left(), y), pid, theme.t3);
            }
        }
    }

    fn beside(&self, ui: &Ui, distance: &str, width: f32) {
        let theme = Theme::of(ui.ctx());
        let (small, cell) = (Type::Small.font(ui), self.place);
        let strong = FontId::new(small.size, theme::medium());
        let x = cell.right() + 7.0;
        let painter = ui.painter().with_clip_rect(cell.with_max_x(x + width).expand(3.0).intersect(ui.clip_rect()));
        let mut y = cell.top() - 1.0;
        let mut say = |words: String, font: &FontId, color: Color32| {
            painter.text(pos2(x, y), Align2::LEFT_TOP, words, font.clone(), color);
            y += line(ui) + 3.0;
        };
        say(self.rank(), &small, theme.t2);
        let ink = if self.hit.verdict == HitVerdict::Junk { theme.t3 } else { theme.t1 };
        say(distance.to_owned(), &strong, ink);
        say(self.camera(), &small, theme.t3);
        let matched = matches!(self.hit.verdict, HitVerdict::Match | HitVerdict::Missed);
        match (self.risen(), self.rank_before) {
            (Some(0), _) => say("=".to_owned(), &small, theme.t3),
            // A rise is good news of a match alone.
            (Some(n), _) if n > 0 => say(format!("▲ {n}"), &small, if matched { theme.match_ } else { theme.t2 }),
            (Some(n), _) => say(format!("▼ {}", -n), &small, if matched { theme.mismatch } else { theme.t2 }),
            (None, Some(None)) if self.hit.rank.is_some() => say("new".to_owned(), &small, theme.t2),
            (None, _) => {}
        }
    }

    /// What a click makes the query: the image, if the engine can be asked; else a query with the same file, which
    /// the evaluation has ranked already.
    pub fn becomes_query(&self, cx: &PanelCtx<'_>) -> Option<RankQuery> {
        let image = gallery(self.hit.index);
        if cx.answers {
            return Some(RankQuery::Image(image));
        }
        let images = self.row.images?;
        let path = &images.get(image)?.path;
        let same = images.split(Split::Query).iter().find(|row| row.path == *path)?;
        Some(RankQuery::Image(ImageRef { split: Split::Query, index: same.index }))
    }

    /// Its tooltip.
    pub fn explain(&self, response: Response, cx: &PanelCtx<'_>) {
        let (.., word) = look(cx.theme, self.hit.verdict);
        response.on_hover_ui(|ui| {
            let comma = if word.is_empty() { "" } else { ", " };
            let name = format!("gallery image {}{comma}{word}", ticks::count(self.hit.index as usize));
            ui.label(Type::Title.text(name, cx.theme.t1));
            let why = match self.hit.verdict {
                HitVerdict::Match => "The same person, seen by another camera.",
                HitVerdict::Mismatch => "Another person.",
                HitVerdict::Junk => "The same person, seen by the same camera: not counted.",
                HitVerdict::Missed => "The same person, farther down than what is shown here.",
                HitVerdict::Unknown => {
                    "No match. The run's images.csv is missing, so junk cannot be told from another person."
                }
                HitVerdict::Unjudged => "",
            };
            if !why.is_empty() {
                ui.label(why);
            }
            if let Some(row) = self.info() {
                who(ui, cx, row);
            }
            if let (Some(before), Some(rank)) = (self.rank_before, self.hit.rank) {
                let when = after_words(self.row.b.map_or(0, |b| b.epoch));
                ui.label(match before {
                    Some(before) => format!("Rank {rank}; {when} it was {before}."),
                    None => format!("Rank {rank}; {when} it was not among the ranks that were kept."),
                });
            }
            let click = if self.becomes_query(cx).is_some() {
                "Click to make it the query."
            } else {
                "Click selects it. To see what it finds in turn a model is needed: it is at hand when no run goes on."
            };
            ui.label(Type::Small.text(click, cx.theme.t3));
            if let Some(why) = photo::missing(cx.images, self.info().map(|r| r.path.as_path())) {
                ui.label(Type::Small.text(why, cx.theme.warn));
            }
        });
    }
}
