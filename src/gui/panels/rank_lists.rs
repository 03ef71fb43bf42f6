//! Rank lists: what each query finds, right, wrong or not counted, with distances, AP, and what it misses.

mod row;

use std::sync::Arc;

use eframe::egui::{ScrollArea, Ui};
use serde::{Deserialize, Serialize};

use super::PanelCtx;
use crate::gui::plot::ticks;
use crate::gui::theme::Theme;
use crate::gui::view_model::{Loaded, Part};
use crate::gui::widgets::{button, chip, icon, tile};
use crate::gui::words::after_words;
use crate::run::images::Images;
use crate::run::snapshot::RankSnapshot;

/// State of the Rank lists tile that outlives the window.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct RankListsPanel {
    /// Junk is shown where it would rank.
    junk: bool,
    /// Only queries whose first hit is wrong.
    wrong_only: bool,
    #[serde(skip)]
    order: Order,
    /// The query at the top of the list, the last time it was drawn.
    #[serde(skip)]
    top: usize,
}

impl Default for RankListsPanel {
    fn default() -> Self {
        Self { junk: true, wrong_only: false, order: Order::default(), top: 0 }
    }
}

/// Queries sorted by AP, worst first; kept until the snapshot or the filter changes.
#[derive(Default)]
struct Order {
    of: Option<Arc<RankSnapshot>>,
    wrong_only: bool,
    queries: Vec<u32>,
}

impl Order {
    fn refresh(&mut self, ranks: &Arc<RankSnapshot>, wrong_only: bool) {
        let known = self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, ranks)) && self.wrong_only == wrong_only;
        if known {
            return;
        }
        self.queries = worst_first(ranks, wrong_only);
        self.wrong_only = wrong_only;
        self.of = Some(Arc::clone(ranks));
    }
}

/// The queries that count, worst AP first, equal ones in their order; perhaps only those whose first hit is wrong.
pub fn worst_first(ranks: &RankSnapshot, wrong_only: bool) -> Vec<u32> {
    let wrong = |q: usize| ranks.matches(q).all(|m| m.rank != 1);
    let mut queries: Vec<u32> = (0..ranks.queries())
        .filter(|&q| ranks.ap[q].is_finite() && (!wrong_only || wrong(q)))
        .map(|q| q as u32)
        .collect();
    queries.sort_by(|&a, &b| ranks.ap[a as usize].total_cmp(&ranks.ap[b as usize]).then(a.cmp(&b)));
    queries
}

impl RankListsPanel {
    /// Title of the tile.
    pub const TITLE: &str = "Rank lists";

    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCtx<'_>) {
        let view = cx.view;
        let epoch = view.newest_snapshot(Part::Ranks, cx.selection.epoch);
        let loaded = epoch.map_or(Loaded::Absent, |epoch| cx.snapshots.ranks(view, epoch));
        let (epoch, ranks) = match (epoch, loaded) {
            (Some(epoch), Loaded::Ready(ranks)) => (epoch, ranks),
            (_, Loaded::Failed(why)) => {
                tile::head(ui, cx.head, "", |_| {});
                tile::empty_state(ui, icon::WARNING, "The rank lists cannot be read", &why, None);
                return;
            }
            (_, Loaded::Loading) => {
                tile::head(ui, cx.head, "reading…", |_| {});
                return;
            }
            (None, _) | (_, Loaded::Absent) => {
                tile::head(ui, cx.head, "", |_| {});
                let text =
                    "They come with each evaluation; the first follows pre-training, with the source-only model.";
                tile::empty_state(ui, icon::IMAGE, "No rank lists yet", text, None);
                return;
            }
        };
        self.order.refresh(&ranks, self.wrong_only);
        let mut step = 0_isize;
        let scope = format!(
            "{}, worst first, {}",
            ticks::counted(self.order.queries.len(), "query", "queries"),
            after_words(epoch)
        );
        tile::head(ui, cx.head, &scope, |ui| self.tools(ui, &mut step));
        if self.order.queries.is_empty() {
            let (glyph, title, text) = if self.wrong_only {
                let text = "Every query finds a true match first. Switch the filter off to see all of them.";
                (icon::CHECK, "No query is wrong at rank 1", text)
            } else {
                (icon::IMAGE, "No query counts", "No query has a match in the gallery seen by another camera.")
            };
            tile::empty_state(ui, glyph, title, text, None);
            return;
        }
        let images = match cx.snapshots.images(view) {
            Loaded::Ready(images) => Some(images),
            Loaded::Absent | Loaded::Failed(_) => None,
            // Without them right and wrong cannot be told apart yet.
            Loaded::Loading => return,
        };
        self.rows(ui, cx, &ranks, images.as_deref(), step);
    }

    fn tools(&mut self, ui: &mut Ui, step: &mut isize) {
        let theme = Theme::of(ui.ctx());
        let on = |is: bool| is.then_some(theme.accent);
        if button::icon_button(ui, icon::CARET_RIGHT, "Next query").clicked() {
            *step = 1;
        }
        if button::icon_button(ui, icon::CARET_LEFT, "Previous query").clicked() {
            *step = -1;
        }
        let name = if self.junk { "Hide junk of the same camera" } else { "Show junk of the same camera" };
        if button::icon_button_colored(ui, icon::PROHIBIT, name, on(self.junk)).clicked() {
            self.junk = !self.junk;
        }
        let name = if self.wrong_only { "Show all queries" } else { "Only queries wrong at rank 1" };
        if button::icon_button_colored(ui, icon::FUNNEL, name, on(self.wrong_only)).clicked() {
            self.wrong_only = !self.wrong_only;
        }
        chip::ground_truth(ui);
    }

    fn rows(
        &mut self,
        ui: &mut Ui,
        cx: &mut PanelCtx<'_>,
        ranks: &Arc<RankSnapshot>,
        images: Option<&Images>,
        step: isize,
    ) {
        let queries = &self.order.queries;
        let height = row::height(ui);
        let mut area = ScrollArea::vertical().id_salt("rank lists").auto_shrink([false, false]);
        let chosen = cx.selection.query.and_then(|q| queries.iter().position(|known| *known == q));
        if step != 0 {
            let from = chosen.unwrap_or(self.top) as isize;
            let to = (from + step).clamp(0, queries.len() as isize - 1) as usize;
            cx.selection.query = Some(queries[to]);
            area = area.vertical_scroll_offset(to as f32 * (height + ui.spacing().item_spacing.y));
        }
        let mut top = self.top;
        area.show_rows(ui, height, queries.len(), |ui, range| {
            top = range.start;
            for i in range {
                let list = row::Row { ranks, images, query: queries[i] as usize, junk: self.junk };
                list.show(ui, cx);
            }
        });
        self.top = top;
    }
}
