//! One query and what it finds, at one epoch or at two.

use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{
    self, Align2, Color32, FontId, Rect, Response, Role, Sense, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use super::hit::HitCell;
use crate::engine::command::{Command, Request};
use crate::engine::event::{ImageRef, RankQuery, Split};
use crate::gui::command::UiCommand;
use crate::gui::panels::{Pane, PanelCtx, Pick};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::images::Tone;
use crate::gui::widgets::photo;
use crate::gui::widgets::{button, icon};
use crate::gui::words::{after_words, against_words};
use crate::run::images::{ImageRow, Images};
use crate::study::hits::{Hit, HitList, HitVerdict};

/// From this rank on, numbers are wide.
pub const FAR: u32 = 1_000;
/// Room for the words at the left.
const WORDS: f32 = 92.0;
/// Between hits.
const GAP: f32 = 8.0;
/// Room for the words beside a small photo.
const BESIDE: f32 = 38.0;
/// Ranks that a tooltip lists.
const LISTED: usize = 24;

/// A rank list and when its features were computed.
#[derive(Clone, Copy)]
pub struct RankSide<'a> {
    /// The list.
    pub list: HitList<'a>,
    /// Adaptation epochs done.
    pub epoch: usize,
    /// Iterations trained beyond them.
    pub iters: usize,
    /// Whether the gallery was ranked anew.
    pub reranked: bool,
}

/// One query's row.
pub struct QueryRow<'a> {
    /// The query.
    pub query: &'a RankQuery,
    /// What it finds.
    pub a: RankSide<'a>,
    /// What it finds at the epoch of comparison.
    pub b: Option<RankSide<'a>>,
    /// The target's images, where the run lists them.
    pub images: Option<&'a Images>,
    /// Whether junk is shown.
    pub junk: bool,
    /// Whether it stands above the list, as the answer to a question.
    pub pinned: bool,
}

/// Height of a row: the query, two lines below it, and room between rows; or two lists with a line over each.
pub fn height(ui: &Ui, compare: bool) -> f32 {
    let one = query_size(ui).y + 2.0 * line(ui) + 10.0;
    if compare { one.max(2.0 * (half(ui) + 4.0)) } else { one }
}

/// How many hits stand side by side in that width.
pub fn columns(ui: &Ui, width: f32, compare: bool) -> usize {
    let room = width - type_scale(ui) * WORDS - query_size(ui).x - 16.0;
    ((room + GAP) / (slot(ui, compare) + GAP)).max(0.0) as usize
}

pub(super) fn line(ui: &Ui) -> f32 {
    Type::Small.font(ui).size + 3.0
}

fn query_size(ui: &Ui) -> Vec2 {
    type_scale(ui) * Vec2::from(size::QUERY)
}

fn hit_size(ui: &Ui, compare: bool) -> Vec2 {
    type_scale(ui) * Vec2::from(size::THUMBS[if compare { 2 } else { 3 }])
}

fn slot(ui: &Ui, compare: bool) -> f32 {
    hit_size(ui, compare).x + if compare { 4.0 + type_scale(ui) * BESIDE } else { 0.0 }
}

/// Height of one of two lists.
fn half(ui: &Ui) -> f32 {
    line(ui) + 4.0 + hit_size(ui, true).y
}

impl QueryRow<'_> {
    /// Shows it; the answer is the image that is to be the query next.
    pub fn show(&self, ui: &mut Ui, cx: &PanelCtx<'_>) -> Option<RankQuery> {
        let theme = Theme::of(ui.ctx());
        let compare = self.b.is_some();
        let size = vec2(ui.available_width(), height(ui, compare));
        let (area, response) = ui.allocate_exact_size(size, Sense::click());
        let info = self.info();
        let photo_at =
            Rect::from_min_size(pos2(area.left() + type_scale(ui) * WORDS, area.top() + 2.0), query_size(ui));
        let count = columns(ui, area.width(), compare);
        let hits = self.a.list.shown(self.images, self.junk, count);
        let chosen = self.row().is_some_and(|row| cx.selection.query == Some(row)) && !self.pinned;
        let name = self.name(cx.truth);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, name.as_str()));
        if chosen {
            let bar =
                Rect::from_min_max(pos2(area.left() - 6.0, photo_at.top()), pos2(area.left() - 3.0, photo_at.bottom()));
            ui.painter().rect_filled(bar, 0, theme.series(0));
        }
        let column = Rect::from_min_max(area.min, pos2(photo_at.left() - 4.0, area.bottom()));
        self.words(ui, cx, column, &hits);
        let path = self.path();
        let drawn = photo::paint(ui, cx.images, path, photo_at, Tone::Color, 1.0);
        photo::frame(ui.painter(), drawn.expand(2.0), theme.t1, false);
        let camera = match (self.query, info) {
            (RankQuery::File(_), _) => "a file".to_owned(),
            (_, Some(row)) => format!("camera {}", row.camid + 1),
            (_, None) => "query".to_owned(),
        };
        let below = pos2(photo_at.center().x, photo_at.bottom() + 4.0);
        ui.painter().text(below, Align2::CENTER_TOP, camera, Type::Small.font(ui), theme.t3);
        let first = pos2(photo_at.right() + 16.0, photo_at.top() + 2.0);
        let next = match &self.b {
            None => self.strip(ui, cx, &hits, None, first),
            Some(b) => self.two(ui, cx, &hits, b, (first, count)),
        };
        if response.clicked() {
            if let Some(row) = self.row() {
                cx.select(Pick::Query(row));
            }
            if let RankQuery::Image(image) = self.query {
                cx.select(Pick::Image(Some(*image)));
            }
        }
        response.context_menu(|ui| self.menu(ui, cx, hits.first()));
        let over_words = response.hover_pos().is_some_and(|at| at.x < first.x - 8.0);
        if over_words {
            self.explain(response, cx, &hits);
        }
        next
    }

    /// The row of the query split, if it is one.
    fn row(&self) -> Option<u32> {
        match self.query {
            RankQuery::Image(ImageRef { split: Split::Query, index }) => Some(*index),
            RankQuery::Image(_) | RankQuery::File(_) => None,
        }
    }

    fn info(&self) -> Option<&ImageRow> {
        match self.query {
            RankQuery::Image(image) => self.images.and_then(|i| i.get(*image)),
            RankQuery::File(_) => None,
        }
    }

    fn path(&self) -> Option<&std::path::Path> {
        match self.query {
            RankQuery::Image(_) => self.info().map(|row| row.path.as_path()),
            RankQuery::File(path) => Some(path),
        }
    }

    fn ap(side: &RankSide<'_>) -> f64 {
        side.list.ranks.ap.get(side.list.row).copied().filter(|_| side.list.judged).unwrap_or(f64::NAN)
    }

    /// What a screen reader says.
    fn name(&self, truth: bool) -> String {
        let mut words = title(self.query);
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let ap = Self::ap(&self.a);
        if truth && ap.is_finite() {
            let matches = ticks::counted(self.a.list.matches().count(), "match", "matches");
            words += &format!(", AP {} percent, {matches}", ticks::number(100.0 * ap, 1));
        }
        if let Some(b) = self.b.filter(|b| truth && Self::ap(b).is_finite()) {
            let change = ticks::signed(100.0 * (ap - Self::ap(&b)), 1);
            let other = if self.a.reranked { "by re-ranking".to_owned() } else { against_words(b.epoch) };
            words += &format!(", {change} {other}");
        }
        if self.pinned {
            words += &format!(", asked, {}", when(&self.a));
        }
        words
    }

    fn words(&self, ui: &mut Ui, cx: &PanelCtx<'_>, column: Rect, hits: &[Hit]) {
        let theme = Theme::of(ui.ctx());
        let painter = ui.painter().with_clip_rect(column.intersect(ui.clip_rect()));
        let small = Type::Small.font(ui);
        let mut y = column.top() + 2.0;
        let mut say = |words: String, font: FontId, color: Color32| {
            let mut job = LayoutJob::simple_singleline(words, font, color);
            // When it was is longer than the column: it takes a second line.
            job.wrap = TextWrapping { max_rows: 2, ..TextWrapping::truncate_at_width(column.width()) };
            let galley = painter.layout_job(job);
            let height = galley.size().y;
            painter.galley(pos2(column.left(), y), galley, color);
            y += height + 1.0;
        };
        say(title(self.query), small.clone(), theme.t3);
        let ap = Self::ap(&self.a);
        if cx.truth && ap.is_finite() {
            say(ticks::number(100.0 * ap, 1), Type::Figure.font(ui), theme.t1);
            // Beside two lists the epochs stand in full over them.
            let of = match self.b {
                Some(_) if self.a.reranked => "re-ranked".to_owned(),
                Some(_) => brief(self.a.epoch),
                None if self.pinned => when(&self.a),
                None => "percent".to_owned(),
            };
            say(format!("AP, {of}"), small.clone(), theme.t3);
        } else if self.pinned {
            say(when(&self.a), small.clone(), theme.t2);
        }
        if let Some(b) = self.b.filter(|_| cx.truth) {
            let before = Self::ap(&b);
            let of_b = if self.a.reranked { "before".to_owned() } else { brief(b.epoch) };
            say(format!("{}, {}", ticks::number(100.0 * before, 1), of_b), small.clone(), theme.t3);
            let change = 100.0 * (ap - before);
            let color = match change {
                c if c >= 0.05 => theme.match_,
                c if c <= -0.05 => theme.mismatch,
                _ => theme.t2,
            };
            say(ticks::signed(change, 1), FontId::new(small.size, crate::gui::theme::medium()), color);
        }
        if cx.truth && self.a.list.judged {
            let total = self.a.list.matches().count();
            say(ticks::counted(total, "match", "matches"), small.clone(), theme.t2);
            let missed = self.a.list.missed(hits);
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
            let junk = hits.iter().filter(|h| h.verdict == HitVerdict::Junk).count();
            if junk > 0 {
                say(format!("{junk} junk shown"), small.clone(), theme.t3);
            }
            if let Some(row) = self.info() {
                say(format!("pid {}", row.pid), small.clone(), theme.truth);
            }
        } else if cx.truth && self.pinned {
            say("nobody is known".to_owned(), small.clone(), theme.t3);
            say("to match: no AP".to_owned(), small, theme.t3);
        }
        self.maps_button(ui, cx, column, hits);
    }

    /// In the corner of the words: heat maps of the query and of the selected hit, else of the first.
    fn maps_button(&self, ui: &mut Ui, cx: &PanelCtx<'_>, column: Rect, hits: &[Hit]) {
        let selected = hits.iter().find(|h| cx.selection.image == Some(gallery(h.index)));
        let Some(hit) = selected.or(hits.first()) else { return };
        let place = Rect::from_min_size(pos2(column.right() - 24.0, column.top() - 2.0), Vec2::splat(22.0));
        let salt = ("maps", self.query, self.pinned);
        let mut child = ui.new_child(UiBuilder::new().id_salt(salt).max_rect(place));
        if cx.answers {
            let name =
                format!("Heat maps of {} and {}", title(self.query), title(&RankQuery::Image(gallery(hit.index))));
            if button::icon_button(&mut child, icon::HEAT, &name).clicked() {
                self.ask_maps(cx, hit.index);
            }
        } else {
            let name = "Heat maps of query and hit need a model, which is at hand when no run goes on";
            button::icon_button_colored(&mut child, icon::HEAT, name, Some(cx.theme.t4));
        }
    }

    fn ask_maps(&self, cx: &PanelCtx<'_>, hit: u32) {
        let query = match self.query {
            RankQuery::Image(image) => Some(*image),
            // Only images of the dataset have maps.
            RankQuery::File(_) => None,
        };
        let images = query.into_iter().chain([gallery(hit)]).collect();
        cx.send(UiCommand::Engine(Command::HeatMaps(images).into()));
        cx.send(UiCommand::ShowPane(Pane::HeatMaps));
    }

    fn menu(&self, ui: &mut Ui, cx: &PanelCtx<'_>, hit: Option<&Hit>) {
        let maps = ui.add_enabled(cx.answers && hit.is_some(), egui::Button::new("Heat maps of query and hit"));
        let maps = maps.on_disabled_hover_text("A model is needed: it is at hand when no run goes on.");
        if let (true, Some(hit)) = (maps.clicked(), hit) {
            self.ask_maps(cx, hit.index);
        }
    }

    /// The list of this epoch over that of the other.
    fn two(
        &self,
        ui: &mut Ui,
        cx: &PanelCtx<'_>,
        hits: &[Hit],
        b: &RankSide<'_>,
        (at, count): (egui::Pos2, usize),
    ) -> Option<RankQuery> {
        let theme = Theme::of(ui.ctx());
        let below = vec2(0.0, half(ui) + 4.0);
        let small = Type::Small.font(ui);
        for (side, at) in [(&self.a, at), (b, at + below)] {
            let painter = ui.painter();
            painter.text(at - vec2(0.0, 4.0), Align2::LEFT_TOP, when(side), small.clone(), theme.t3);
        }
        let down = vec2(0.0, line(ui));
        let other = b.list.ranked(self.images);
        let next = self.strip(ui, cx, hits, Some((b, &other)), at + down);
        let hits = b.list.shown(self.images, self.junk, count);
        next.or(self.strip(ui, cx, &hits, None, at + below + down))
    }

    fn strip(
        &self,
        ui: &mut Ui,
        cx: &PanelCtx<'_>,
        hits: &[Hit],
        against: Option<(&RankSide<'_>, &[Hit])>,
        at: egui::Pos2,
    ) -> Option<RankQuery> {
        let compare = self.b.is_some();
        let mut next = None;
        let below = compare && against.is_none();
        for (i, hit) in hits.iter().enumerate() {
            let cell = HitCell {
                row: self,
                hit,
                rank_before: against.map(|(side, ranked)| side.list.rank_of(hit.index, ranked)),
                place: Rect::from_min_size(at + vec2((slot(ui, compare) + GAP) * i as f32, 0.0), hit_size(ui, compare)),
                beside: compare.then_some(type_scale(ui) * BESIDE),
                salt: (self.pinned, below),
            };
            let response = cell.show(ui, cx);
            if response.clicked() {
                next = cell.becomes_query(cx);
                cx.select(Pick::Image(Some(gallery(hit.index))));
            }
            response.context_menu(|ui| {
                let query = ui.add_enabled(cx.answers, egui::Button::new("Make it the query"));
                if query.on_disabled_hover_text("A model is needed: it is at hand when no run goes on.").clicked() {
                    next = cell.becomes_query(cx);
                }
                if let RankQuery::Image(query) = self.query {
                    let why = ui.add_enabled(cx.answers, egui::Button::new("Why this hit"));
                    if why.on_disabled_hover_text("A model is needed: it is at hand when no run goes on.").clicked() {
                        ask_why(cx, *query, gallery(hit.index));
                        ui.close();
                    }
                }
                self.menu(ui, cx, Some(hit));
            });
            cell.explain(response, cx);
        }
        next
    }

    fn explain(&self, response: Response, cx: &PanelCtx<'_>, hits: &[Hit]) {
        response.on_hover_ui(|ui| {
            ui.label(Type::Title.text(title(self.query), cx.theme.t1));
            if let RankQuery::File(path) = self.query {
                ui.label(Type::Mono.text(path.display().to_string(), cx.theme.t2));
            }
            if let Some(row) = self.info() {
                who(ui, cx, row);
            }
            let mut missed: Vec<String> = self.a.list.missed(hits).iter().map(|r| ticks::count(*r as usize)).collect();
            if !missed.is_empty() {
                let more = missed.len().saturating_sub(LISTED);
                missed.truncate(LISTED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                ui.label(format!("True matches that are not shown stand at rank {}{more}.", missed.join(", ")));
            }
            if self.pinned {
                let words = format!("Query and gallery were described by the weights of {}.", when(&self.a));
                ui.label(Type::Small.text(words, cx.theme.t3));
            }
            if let Some(why) = photo::missing(cx.images, self.path()) {
                ui.label(Type::Small.text(why, cx.theme.warn));
            }
        });
    }
}

/// An image of the gallery.
pub(super) fn gallery(index: u32) -> ImageRef {
    ImageRef { split: Split::Gallery, index }
}

/// `query 1,204`, `gallery 7`, or a file's name.
pub fn title(query: &RankQuery) -> String {
    match query {
        RankQuery::Image(image) => {
            let split = match image.split {
                Split::Train => "train",
                Split::Query => "query",
                Split::Gallery => "gallery",
            };
            format!("{split} {}", ticks::count(image.index as usize))
        }
        RankQuery::File(path) => {
            path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
        }
    }
}

/// When it was evaluated, in few words.
fn brief(epoch: usize) -> String {
    if epoch == 0 { "source".to_owned() } else { format!("after {}", ticks::count(epoch)) }
}

/// `after 3 epochs`, `after 3 epochs + 12 it`.
pub fn when(side: &RankSide<'_>) -> String {
    if side.reranked {
        return format!("re-ranked, {}", after_words(side.epoch));
    }
    let words = after_words(side.epoch);
    if side.iters > 0 { format!("{words} + {} it", side.iters) } else { words }
}

/// Identity and camera, in the colour of what uses labels; the camera alone where they are not to be shown.
pub(super) fn who(ui: &mut Ui, cx: &PanelCtx<'_>, row: &ImageRow) {
    if cx.truth {
        ui.label(Type::Small.text(format!("identity {} · camera {}", row.pid, row.camid + 1), cx.theme.truth));
    } else {
        ui.label(Type::Small.text(format!("camera {}", row.camid + 1), cx.theme.t2));
    }
}

/// Asks the engine, and brings the panel to the front.
fn ask_why(cx: &PanelCtx<'_>, query: ImageRef, hit: ImageRef) {
    cx.send(UiCommand::Engine(Request::from(Command::Likeness { query, hit })));
    cx.send(UiCommand::ShowPane(Pane::Alike));
}
