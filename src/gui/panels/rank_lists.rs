//! Rank lists: what each query finds, right, wrong or not counted, with distances, AP, and what it misses.
//!
//! The queries come from the snapshots of the run. Any other image (a hit that was clicked, a file that was
//! dropped) is asked of the engine and stands above them; [`history`] leads back and forth between those.

mod asked;
mod bar;
pub mod history;
mod hit;
mod row;

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{ScrollArea, Ui};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn, Pick};
use crate::engine::command::{Command, Request, RequestId};
use crate::engine::event::{ImageRef, RankQuery, Split};
use crate::gui::command::UiCommand;
use crate::gui::plot::ticks;
use crate::gui::view_model::{EpochPart, Loaded, RunView};
use crate::gui::widgets::filter_box::FilterBox;
use crate::gui::widgets::{icon, source_batch, tile};
use crate::gui::words::{is_over, measured_words};
use crate::run::images::Images;
use crate::run::snapshot::RankSnapshot;
use crate::study::hits::HitList;
use crate::study::queries::{QueryOrder, QuerySort, WantedQueries};
use asked::Picker;
use history::History;
use row::{QueryRow, RankSide};

/// State of the Rank lists panel that outlives the window.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct RankListsPanel {
    /// Junk is shown where it would rank.
    junk: bool,
    /// Only queries whose first hit is wrong.
    wrong_only: bool,
    sort: QuerySort,
    /// Lists after re-ranking are shown, where the run has them, compared with those before.
    reranked: bool,
    #[serde(skip)]
    filter: FilterBox,
    #[serde(skip)]
    order: QueryOrder,
    /// The query at the top of the list, the last time it was drawn.
    #[serde(skip)]
    top: usize,
    /// The query that was chosen then, and how many were seen.
    #[serde(skip)]
    chosen: (Option<u32>, usize),
    #[serde(skip)]
    picker: Picker,
    /// Photos that are to be asked about.
    #[serde(skip)]
    pub(super) given: Vec<PathBuf>,
    #[serde(skip)]
    history: History,
    /// What the engine was asked last, and under which name it answers.
    #[serde(skip)]
    asked: Option<(RankQuery, RequestId)>,
    /// The run that all this is about.
    #[serde(skip)]
    of: Option<PathBuf>,
    /// What is shown while the source is learnt.
    #[serde(skip)]
    batch: source_batch::BatchSheet,
}

impl Default for RankListsPanel {
    fn default() -> Self {
        Self {
            junk: true,
            wrong_only: false,
            sort: QuerySort::default(),
            reranked: false,
            filter: FilterBox::default(),
            order: QueryOrder::default(),
            top: 0,
            chosen: (None, 0),
            picker: Picker::default(),
            given: Vec::new(),
            history: History::default(),
            asked: None,
            of: None,
            batch: source_batch::BatchSheet::default(),
        }
    }
}

/// The lists of an epoch, of the epoch that it is compared with, and what is on the images.
struct Shown {
    epoch: usize,
    ranks: Arc<RankSnapshot>,
    against: Option<(usize, Arc<RankSnapshot>)>,
    /// Whether these are lists after re-ranking, compared with those of the same epoch before.
    reranked: bool,
    images: Option<Arc<Images>>,
}

impl Panel for RankListsPanel {
    const TITLE: &'static str = "Rank lists";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        self.follow(cx.view);
        if let Some(batch) = source_batch::of(cx.view) {
            cx.title(&source_batch::scope(batch)).plain(ui);
            self.batch.ui(ui, batch);
            return Ok(());
        }
        let shown = find(cx, self.reranked)?;
        let tile_at = ui.max_rect();
        self.filter.terms(&bar::vocabulary(cx.truth));
        let compare = shown.against.is_some();
        let sort = self.sort_in_force(compare);
        let count = row::columns(ui, ui.available_width(), compare).min(shown.ranks.top);
        self.order.refresh(&WantedQueries {
            ranks: &shown.ranks,
            against: shown.against.as_ref().map(|(_, ranks)| ranks),
            images: shown.images.as_ref(),
            sort,
            wrong_only: self.wrong_only,
            filter: self.filter.in_force(),
            text: self.filter.good(),
            truth: cx.truth,
            shown: (self.junk, count),
        });
        let queries = ticks::counted(self.order.queries.len(), "query", "queries");
        let scope = format!("{queries}, {}", measured_words(cx.view, shown.epoch));
        let mut pressed = bar::Pressed::default();
        let (truth, live) = (cx.truth, cx.answers);
        cx.title(&scope).truth(cx.theme, truth).show(ui, |ui| pressed = self.tools(ui, truth, live));
        self.bar(ui, cx, (shown.epoch, compare));
        let mut next = self.asked_row(ui, cx, &shown);
        let listed = self.rows(ui, cx, &shown, pressed.step);
        next = next.or(listed);
        asked::drop_hint(ui, tile_at, live);
        let given = std::mem::take(&mut self.given).into_iter();
        let files = given.chain(asked::dropped(ui)).chain(pressed.file).map(RankQuery::File);
        for query in files.chain(next) {
            self.history.go(query.clone());
            if asked::evaluated(&query, &shown.ranks).is_none() {
                self.ask(cx, &query);
            }
        }
        Ok(())
    }

    fn exchange(&mut self, kept: &mut Self) {
        std::mem::swap(&mut self.filter, &mut kept.filter);
        std::mem::swap(&mut self.top, &mut kept.top);
        std::mem::swap(&mut self.history, &mut kept.history);
        std::mem::swap(&mut self.asked, &mut kept.asked);
        std::mem::swap(&mut self.of, &mut kept.of);
    }
}

impl RankListsPanel {
    /// What was asked of one run means nothing for another.
    fn follow(&mut self, view: &RunView) {
        if self.of != view.folder {
            self.of.clone_from(&view.folder);
            self.history = History::default();
            self.asked = None;
        }
    }

    fn ask(&mut self, cx: &PanelCtx<'_>, query: &RankQuery) {
        if cx.answers {
            let request = Request::from(Command::Rank(query.clone()));
            self.asked = Some((query.clone(), request.id.clone()));
            cx.send(UiCommand::Engine(request));
        }
    }

    /// After a step back or forth: the answer may have been forgotten.
    fn ask_where_unknown(&mut self, cx: &PanelCtx<'_>) {
        let Some(query) = self.history.current().cloned() else { return };
        let evaluated = matches!(query, RankQuery::Image(ImageRef { split: Split::Query, .. }));
        if !evaluated && asked::answer(cx.view, &query).is_none() {
            self.ask(cx, &query);
        }
    }

    /// The image asked about, above the list.
    fn asked_row(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, shown: &Shown) -> Option<RankQuery> {
        let query = self.history.current()?;
        let asked = asked::RankSource {
            query,
            request: self.asked.as_ref().filter(|(of, _)| of == query).map(|(_, request)| request),
            ranks: &shown.ranks,
            epoch: shown.epoch,
            images: shown.images.as_deref(),
            junk: self.junk,
        };
        asked.show(ui, cx)
    }

    fn rows(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, shown: &Shown, step: isize) -> Option<RankQuery> {
        let queries = &self.order.queries;
        if queries.is_empty() {
            let (glyph, title, text) = if !self.filter.good().trim().is_empty() {
                let text = "Change or empty the filter to see more.";
                (icon::FUNNEL, "No query fits the filter", text)
            } else if self.wrong_only && cx.truth {
                let text = "Every query finds a true match first. Switch the filter off to see all of them.";
                (icon::CHECK, "No query is wrong at rank 1", text)
            } else {
                (icon::IMAGE, "No query counts", "No query has a match in the gallery seen by another camera.")
            };
            tile::empty_state(ui, glyph, title, text, None);
            return None;
        }
        let height = row::height(ui, shown.against.is_some());
        let mut area = ScrollArea::vertical().id_salt("rank lists").auto_shrink([false, false]);
        let chosen = cx.selection.query.and_then(|q| queries.iter().position(|known| *known == q));
        if step != 0 {
            let from = chosen.unwrap_or(self.top) as isize;
            let to = (from + step).clamp(0, queries.len() as isize - 1) as usize;
            cx.select(Pick::Query(queries[to]));
            area = area.vertical_scroll_offset(to as f32 * (height + ui.spacing().item_spacing.y));
        }
        // Chosen elsewhere: it comes into view.
        let moved = std::mem::replace(&mut self.chosen.0, cx.selection.query) != cx.selection.query;
        let hidden = |at: &usize| !(self.top..self.top + self.chosen.1).contains(at);
        if let (true, 0, Some(at)) = (moved, step, chosen.filter(hidden)) {
            area = area.vertical_scroll_offset(at as f32 * (height + ui.spacing().item_spacing.y));
        }
        let (mut top, mut seen, mut next) = (self.top, self.chosen.1, None);
        let images = shown.images.as_deref();
        area.show_rows(ui, height, queries.len(), |ui, range| {
            (top, seen) = (range.start, range.len().saturating_sub(1));
            for i in range {
                let query = RankQuery::Image(ImageRef { split: Split::Query, index: queries[i] });
                let side = |epoch: usize, ranks| {
                    let list = HitList::of_query(ranks, queries[i] as usize, images, cx.truth);
                    RankSide { list, epoch, iters: 0, reranked: false }
                };
                let list = QueryRow {
                    query: &query,
                    a: RankSide { reranked: shown.reranked, ..side(shown.epoch, &shown.ranks) },
                    b: shown.against.as_ref().map(|(epoch, ranks)| side(*epoch, ranks)),
                    images,
                    junk: self.junk,
                    pinned: false,
                };
                next = list.show(ui, cx).or(next.take());
            }
        });
        (self.top, self.chosen.1) = (top, seen);
        next
    }
}

/// What there is to show.
fn find(cx: &PanelCtx<'_>, reranked: bool) -> Result<Shown, Absence> {
    let view = cx.view;
    let epoch = view.newest_snapshot(EpochPart::Ranks, cx.selection.epoch);
    let loaded = epoch.map_or(Loaded::Absent, |epoch| cx.snapshots.ranks(view, epoch));
    let (epoch, ranks) = match (epoch, loaded) {
        (Some(epoch), Loaded::Ready(ranks)) => (epoch, ranks),
        (_, Loaded::Failed(why)) => return Err(Absence::failed("The rank lists cannot be read", why)),
        (_, Loaded::Loading) => return Err(Absence::Loading("reading…")),
        (None, _) | (_, Loaded::Absent) => {
            let (title, text) = if is_over(view) {
                ("No rank lists", "They come with each evaluation, and this run ended before one.")
            } else {
                let text =
                    "They come with each evaluation; the first follows pre-training, with the source-only model.";
                ("No rank lists yet", text)
            };
            return Err(Absence::nothing(icon::IMAGE, title, text));
        }
    };
    let images = match cx.snapshots.images(view) {
        Loaded::Ready(images) => Some(images),
        Loaded::Absent | Loaded::Failed(_) => None,
        // Without them right and wrong cannot be told apart yet.
        Loaded::Loading => return Err(Absence::Loading("reading…")),
    };
    if let Loaded::Ready(again) = cx.snapshots.reranked(view, epoch)
        && reranked
        && again.queries() == ranks.queries()
    {
        return Ok(Shown { epoch, ranks: again, against: Some((epoch, ranks)), reranked, images });
    }
    let other = cx.selection.against.and_then(|other| view.newest_snapshot(EpochPart::Ranks, Some(other)));
    let against = other.filter(|other| *other != epoch).and_then(|other| match cx.snapshots.ranks(view, other) {
        // Another test set would be another run.
        Loaded::Ready(b) if b.queries() == ranks.queries() => Some((other, b)),
        _ => None,
    });
    Ok(Shown { epoch, ranks, against, reranked: false, images })
}
