//! One query and what it finds.

use eframe::egui::{self, Align2, Color32, FontId, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::engine::event::{ImageRef, Split};
use crate::gui::panels::{PanelCtx, photo};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::widgets::icon;
use crate::gui::widgets::images::Tone;
use crate::run::images::{ImageRow, Images};
use crate::run::snapshot::RankSnapshot;

/// From this rank on, numbers are wide.
const FAR: u32 = 1_000;

/// What a hit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same person, seen by another camera.
    Match,
    /// Another person.
    Mismatch,
    /// The same person, seen by the same camera: not counted.
    Junk,
    /// The same person, farther down than what is shown.
    Missed,
    /// No match; whether it is junk cannot be told without the list of images.
    Unknown,
}

/// An image of the gallery at its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Row of the gallery.
    pub index: u32,
    /// From 1, junk not counted; `None` for junk.
    pub rank: Option<u32>,
    /// Distance to the query.
    pub distance: f32,
    /// What it is.
    pub verdict: Verdict,
}

/// The first `count` hits of a query. When true matches lie farther down, the last place goes to the first of
/// them.
pub fn hits(ranks: &RankSnapshot, images: Option<&Images>, query: usize, junk: bool, count: usize) -> Vec<Hit> {
    let matches: Vec<_> = ranks.matches(query).collect();
    let pid = |split: Split, index: u32| images.and_then(|i| i.get(ImageRef { split, index })).map(|row| row.pid);
    let own = pid(Split::Query, query as u32);
    let mut rank = 0;
    let mut all: Vec<Hit> = Vec::new();
    for (index, distance) in ranks.hits(query) {
        let verdict = if matches.iter().any(|m| m.index == index) {
            Verdict::Match
        } else if own.is_none() {
            Verdict::Unknown
        } else if pid(Split::Gallery, index) == own {
            Verdict::Junk
        } else {
            Verdict::Mismatch
        };
        rank += u32::from(verdict != Verdict::Junk);
        let place = match verdict {
            Verdict::Match => matches.iter().find(|m| m.index == index).map(|m| m.rank),
            Verdict::Mismatch | Verdict::Missed => Some(rank),
            Verdict::Junk | Verdict::Unknown => None,
        };
        if verdict != Verdict::Junk || junk {
            all.push(Hit { index, rank: place, distance, verdict });
        }
    }
    all.truncate(count);
    let seen = |index: u32, all: &[Hit]| all.iter().any(|h| h.index == index);
    if matches.iter().any(|m| !seen(m.index, &all)) && count > 1 {
        all.truncate(count - 1);
        let missed = matches.iter().find(|m| !seen(m.index, &all));
        all.extend(missed.map(|m| Hit {
            index: m.index,
            rank: Some(m.rank),
            distance: m.distance,
            verdict: Verdict::Missed,
        }));
    }
    all
}

/// One query's row.
pub struct Row<'a> {
    /// All queries' rank lists.
    pub ranks: &'a RankSnapshot,
    /// The target's images, where the run lists them.
    pub images: Option<&'a Images>,
    /// Row of the query split.
    pub query: usize,
    /// Whether junk is shown.
    pub junk: bool,
}

const WORDS: f32 = 92.0;
const GAP: f32 = 8.0;

/// Height of a row: the query, two lines below it, and room between rows.
pub fn height(ui: &Ui) -> f32 {
    query_size(ui).y + 2.0 * line(ui) + 10.0
}

fn query_size(ui: &Ui) -> Vec2 {
    type_scale(ui) * Vec2::from(size::QUERY)
}

fn hit_size(ui: &Ui) -> Vec2 {
    type_scale(ui) * Vec2::from(size::THUMBS[3])
}

fn line(ui: &Ui) -> f32 {
    Type::Small.font(ui).size + 3.0
}

impl Row<'_> {
    /// Shows it.
    pub fn show(&self, ui: &mut Ui, cx: &mut PanelCtx<'_>) {
        let theme = Theme::of(ui.ctx());
        let (area, response) = ui.allocate_exact_size(vec2(ui.available_width(), height(ui)), Sense::click());
        let of_query = ImageRef { split: Split::Query, index: self.query as u32 };
        let info = self.images.and_then(|i| i.get(of_query));
        let photo_at =
            Rect::from_min_size(pos2(area.left() + type_scale(ui) * WORDS, area.top() + 2.0), query_size(ui));
        let first = photo_at.right() + 16.0;
        let count = (((area.right() - first + GAP) / (hit_size(ui).x + GAP)).max(0.0) as usize).min(self.ranks.top);
        let hits = hits(self.ranks, self.images, self.query, self.junk, count);
        let ap = ticks::number(100.0 * self.ranks.ap[self.query], 1);
        let total = self.ranks.matches(self.query).count();
        let matches = ticks::counted(total, "match", "matches");
        response.widget_info(|| {
            let words = format!("Query {}, AP {ap} percent, {matches}", ticks::count(self.query));
            WidgetInfo::selected(Role::Button, true, cx.selection.query == Some(of_query.index), words)
        });
        if cx.selection.query == Some(of_query.index) {
            let bar =
                Rect::from_min_max(pos2(area.left() - 6.0, photo_at.top()), pos2(area.left() - 3.0, photo_at.bottom()));
            ui.painter().rect_filled(bar, 0, theme.series(0));
        }
        self.words(ui, area, &ap, &matches, &hits);
        let drawn = photo::paint(ui, cx.images, info.map(|r| r.path.as_path()), photo_at, Tone::Color, 1.0);
        photo::frame(ui.painter(), drawn.expand(2.0), theme.t1, false);
        let camera = info.map_or("query".to_owned(), |r| format!("camera {}", r.camid + 1));
        let below = pos2(photo_at.center().x, photo_at.bottom() + 4.0);
        ui.painter().text(below, Align2::CENTER_TOP, camera, Type::Small.font(ui), theme.t3);
        for (i, hit) in hits.iter().enumerate() {
            let x = first + (hit_size(ui).x + GAP) * i as f32;
            self.hit(ui, cx, hit, pos2(x, photo_at.top() + 2.0));
        }
        if response.clicked() {
            cx.selection.query = Some(of_query.index);
            cx.selection.image = Some(of_query);
        }
    }

    fn words(&self, ui: &Ui, area: Rect, ap: &str, matches: &str, hits: &[Hit]) {
        let theme = Theme::of(ui.ctx());
        let painter = ui.painter().with_clip_rect(area.intersect(ui.clip_rect()));
        let small = Type::Small.font(ui);
        let mut y = area.top() + 2.0;
        let mut say = |words: String, font: FontId, color: Color32| {
            y += painter.text(pos2(area.left(), y), Align2::LEFT_TOP, words, font, color).height() + 1.0;
        };
        say(format!("query {}", ticks::count(self.query)), small.clone(), theme.t3);
        say(ap.to_owned(), Type::Figure.font(ui), theme.t1);
        say("AP, percent".to_owned(), small.clone(), theme.t3);
        say(matches.to_owned(), small.clone(), theme.t2);
        let shown = |index: u32| hits.iter().any(|h| h.index == index && h.verdict == Verdict::Match);
        let missed: Vec<u32> = self.ranks.matches(self.query).filter(|m| !shown(m.index)).map(|m| m.rank).collect();
        if !missed.is_empty() {
            say(format!("{} missed here", ticks::count(missed.len())), small.clone(), theme.t2);
            // Two ranks of a large gallery do not fit the column.
            let fit = if missed.iter().take(2).any(|&r| r >= FAR) { 1 } else { 2 };
            let mut ranks: Vec<String> = missed.iter().take(fit).map(|r| ticks::count(*r as usize)).collect();
            if missed.len() > fit {
                ranks.push("…".to_owned());
            }
            say(format!("rank {}", ranks.join(", ")), small.clone(), theme.t3);
        }
        let junk = hits.iter().filter(|h| h.verdict == Verdict::Junk).count();
        if junk > 0 {
            say(format!("{junk} junk shown"), small, theme.t3);
        }
    }

    fn hit(&self, ui: &mut Ui, cx: &mut PanelCtx<'_>, hit: &Hit, at: egui::Pos2) {
        let theme = Theme::of(ui.ctx());
        let image = ImageRef { split: Split::Gallery, index: hit.index };
        let info = self.images.and_then(|i| i.get(image));
        let cell = Rect::from_min_size(at, hit_size(ui));
        let (color, glyph, dashed, opacity, word) = match hit.verdict {
            Verdict::Match => (theme.match_, icon::CHECK, false, 1.0, "match"),
            Verdict::Mismatch => (theme.mismatch, icon::CROSS, false, 1.0, "mismatch"),
            Verdict::Junk => (theme.junk, icon::PROHIBIT, true, 0.45, "junk"),
            Verdict::Missed => (theme.match_, icon::ARROW_RIGHT, true, 1.0, "missed"),
            Verdict::Unknown => (theme.junk, icon::INFO, false, 1.0, "no match"),
        };
        let path = info.map(|r| r.path.as_path());
        let drawn = photo::paint(ui, cx.images, path, cell, Tone::Color, opacity);
        let framed = drawn.expand(2.0);
        photo::frame(ui.painter(), framed, color, dashed);
        photo::corner(ui.painter(), framed, glyph, color, theme);
        let small = Type::Small.font(ui);
        let strong = FontId::new(small.size, theme::medium());
        // Rank and distance share one line: a far rank takes the room of the distance's last decimal.
        let far = hit.rank.is_some_and(|r| r >= FAR);
        let rank = match hit.rank {
            Some(r) if r >= 10 * FAR => r.to_string(),
            Some(r) => ticks::count(r as usize),
            None => "–".to_owned(),
        };
        let distance = ticks::number(f64::from(hit.distance), if far { 2 } else { 3 });
        let ink = if hit.verdict == Verdict::Junk { theme.t3 } else { theme.t1 };
        let painter = ui.painter();
        let y = cell.bottom() + 5.0;
        painter.text(pos2(cell.left(), y), Align2::LEFT_TOP, &rank, small.clone(), theme.t2);
        painter.text(pos2(cell.right(), y), Align2::RIGHT_TOP, &distance, strong, ink);
        let camera = info.map_or(String::new(), |r| format!("c{}", r.camid + 1));
        let below = match hit.verdict {
            Verdict::Junk | Verdict::Missed => format!("{word}, {camera}"),
            Verdict::Match | Verdict::Mismatch | Verdict::Unknown => camera,
        };
        painter.text(pos2(cell.right(), y + line(ui)), Align2::RIGHT_TOP, below, small, theme.t3);
        let id = ui.scope_id().with((self.query, hit.index, "hit"));
        let response = ui.interact(framed, id, Sense::click());
        let place = hit.rank.map_or("not ranked".to_owned(), |r| format!("rank {r}"));
        response
            .widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{place}, {word}, distance {distance}")));
        if response.clicked() {
            cx.selection.image = Some(image);
        }
        if cx.selection.image == Some(image) {
            let stroke = egui::Stroke::new(size::STROKE_CURVE, theme.accent);
            ui.painter().rect_stroke(framed.expand(2.0), size::RADIUS_CHIP, stroke, egui::StrokeKind::Outside);
        }
        explain(response, cx, hit, info, word);
    }
}

fn explain(response: Response, cx: &PanelCtx<'_>, hit: &Hit, info: Option<&ImageRow>, word: &str) {
    response.on_hover_ui(|ui| {
        let name = format!("gallery image {}, {word}", ticks::count(hit.index as usize));
        ui.label(Type::Title.text(name, cx.theme.t1));
        let why = match hit.verdict {
            Verdict::Match => "The same person, seen by another camera.",
            Verdict::Mismatch => "Another person.",
            Verdict::Junk => "The same person, seen by the same camera: not counted.",
            Verdict::Missed => "The same person, farther down than what is shown here.",
            Verdict::Unknown => {
                "No match. The run's images.csv is missing, so junk cannot be told from another person."
            }
        };
        ui.label(why);
        if let Some(row) = info {
            ui.label(Type::Small.text(format!("identity {} · camera {}", row.pid, row.camid + 1), cx.theme.truth));
        }
        if let Some(why) = photo::missing(cx.images, info.map(|r| r.path.as_path())) {
            ui.label(Type::Small.text(why, cx.theme.warn));
        }
    });
}
