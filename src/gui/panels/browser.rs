//! The clusters as cards: which are large, doubtful, seen by one camera alone; and all images of one of them.

mod card;
pub mod filter;
pub mod members;
pub mod order;

use std::sync::Arc;

use eframe::egui::{self, Rect, ScrollArea, Sense, Ui, pos2, vec2};
use serde::{Deserialize, Serialize};

use self::card::{Card, CardGrid};
use self::order::{CardOrder, CardSort, Wish};
use super::{Absence, Panel, PanelCtx, PanelDrawn, Pick};
use crate::gui::clustered::{Births, ClusteringWatch, ShownClustering};
use crate::gui::plot::ticks;
use crate::gui::theme::Theme;
use crate::gui::widgets::filter_box::{FilterBox, FilterDress};
use crate::gui::widgets::{button, chip, combo, icon};

/// The number of the pseudo-cluster of all outliers.
pub const OUTLIERS: u32 = u32::MAX;

/// State of the Clusters panel that outlives the window.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct BrowserPanel {
    sort: CardSort,
    reversed: bool,
    /// Whether the filter's box is shown.
    filtering: bool,
    #[serde(rename = "typed")]
    filter: FilterBox,
    /// Only clusters with images that were picked, when some were.
    picked_only: bool,
    /// The cluster whose images are shown.
    #[serde(skip)]
    open: Option<u32>,
    /// The selected cluster, the last time it was drawn.
    #[serde(skip)]
    seen: Option<u32>,
    #[serde(skip)]
    watch: ClusteringWatch,
    #[serde(skip)]
    births: Births,
    #[serde(skip)]
    order: CardOrder,
}

impl Default for BrowserPanel {
    fn default() -> Self {
        Self {
            sort: CardSort::default(),
            reversed: false,
            filtering: false,
            filter: FilterBox::default(),
            picked_only: true,
            open: None,
            seen: None,
            watch: ClusteringWatch::default(),
            births: Births::default(),
            order: CardOrder::default(),
        }
    }
}

impl Panel for BrowserPanel {
    const TITLE: &'static str = "Clusters";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let shown = self.watch.get(ui, cx)?;
        let births = self.births.get(ui.ctx(), cx.view, shown.epoch);
        let picked = (!cx.selection.picked.is_empty()).then(|| Arc::clone(&cx.selection.picked));
        self.order.refresh(Wish {
            shown: Arc::clone(&shown),
            births: births.clone(),
            sort: self.sort,
            reversed: self.reversed,
            terms: self.filter.terms(&filter::vocabulary(cx.truth)).clone(),
            truth: cx.truth,
            picked: picked.clone().filter(|_| self.picked_only),
        });
        self.head(ui, cx, &shown);
        if self.open.is_some_and(|c| c != OUTLIERS && shown.table.row(c).is_none()) {
            self.open = None;
        }
        if let Some(cluster) = self.open {
            self.members(ui, cx, &shown, cluster);
            return Ok(());
        }
        if self.filtering || picked.is_some() || self.filter.problem().is_some() {
            self.filter_row(ui, cx.truth, picked.as_ref().map(|p| p.len()));
        }
        if self.order.clusters.is_empty() && !self.order.outliers {
            let (title, text) = if shown.table.rows.is_empty() {
                ("No cluster at all", "DBSCAN found no cluster at eps. Raise eps, or look at the k-distance plot.")
            } else {
                ("No cluster passes the filter", "Take a term out of the filter to see more of them.")
            };
            return Err(Absence::nothing(icon::FUNNEL, title, text));
        }
        self.cards(ui, cx, &shown, births.as_ref().map(|b| b.as_slice()));
        Ok(())
    }

    fn exchange(&mut self, kept: &mut Self) {
        std::mem::swap(&mut self.filtering, &mut kept.filtering);
        std::mem::swap(&mut self.filter, &mut kept.filter);
        std::mem::swap(&mut self.picked_only, &mut kept.picked_only);
        std::mem::swap(&mut self.open, &mut kept.open);
        std::mem::swap(&mut self.seen, &mut kept.seen);
    }
}

impl BrowserPanel {
    fn head(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, shown: &ShownClustering) {
        let all = shown.table.rows.len();
        let count = match self.order.clusters.len() {
            some if some == all => ticks::counted(all, "cluster", "clusters"),
            some => format!("{} of {}", ticks::count(some), ticks::counted(all, "cluster", "clusters")),
        };
        let scope = format!("{count}, epoch {}", shown.epoch + 1);
        let truth = cx.truth && shown.table.rows.iter().any(|r| r.purity.is_some());
        cx.title(&scope).truth(cx.theme, truth).least(330.0).show(ui, |ui| {
            let theme = Theme::of(ui.ctx());
            let on = self.filtering || !self.filter.is_empty();
            let name = if self.filtering { "Hide the filter" } else { "Filter clusters" };
            if button::icon_button_colored(ui, icon::FUNNEL, name, on.then_some(theme.accent)).clicked() {
                self.filtering = !self.filtering;
                if !self.filtering {
                    self.filter.text.clear();
                }
            }
            self.sort_menu(ui, cx.truth);
            if (self.sort, self.reversed) != (CardSort::Score, false)
                && button::icon_button(ui, icon::WARNING, "Worst score first").clicked()
            {
                (self.sort, self.reversed) = (CardSort::Score, false);
            }
        });
    }

    fn sort_menu(&mut self, ui: &mut Ui, truth: bool) {
        let words = self.sort.words(self.reversed);
        let width = 148.0_f32.min(ui.available_width() - 8.0).max(40.0);
        let list = combo::dressed("cluster sort", words, width).show_ui(ui, |ui| {
            for sort in CardSort::ALL.into_iter().filter(|s| truth || *s != CardSort::Purity) {
                for reversed in [false, true] {
                    let on = (self.sort, self.reversed) == (sort, reversed);
                    if ui.selectable_label(on, sort.words(reversed)).clicked() {
                        (self.sort, self.reversed) = (sort, reversed);
                    }
                }
            }
        });
        list.response.accessible_name("Order of the clusters").on_hover_text("What the cards are sorted by.");
    }

    fn filter_row(&mut self, ui: &mut Ui, truth: bool, picked: Option<usize>) {
        let theme = Theme::of(ui.ctx());
        ui.horizontal(|ui| {
            if let Some(count) = picked {
                let words = format!("only picked images ({})", ticks::count(count));
                let chip = chip::outline(ui, &words, if self.picked_only { theme.accent } else { theme.t3 });
                let chip = chip.interact(Sense::click());
                chip.widget_info(|| {
                    egui::WidgetInfo::selected(egui::Role::CheckBox, true, self.picked_only, "only picked images")
                });
                let tip = "Clusters that contain images picked on the map. Click to switch it on or off.";
                if chip.on_hover_text(tip).clicked() {
                    self.picked_only = !self.picked_only;
                }
            }
            if !self.filtering {
                return;
            }
            let hint = if truth { "size>10 score<0.5 reliable=no purity<0.8" } else { "size>10 score<0.5 reliable=no" };
            let dress = FilterDress { name: "Filter", hint, width: ui.available_width() };
            self.filter.show(ui, &filter::vocabulary(truth), dress);
        });
        self.filter.say_problem(ui);
        ui.add_space(2.0);
    }

    fn cards(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, shown: &ShownClustering, births: Option<&[usize]>) {
        let width = ui.available_width() - ui.spacing().scroll.allocated_width();
        let grid = CardGrid::of(ui, width);
        let order = &self.order;
        let count = order.clusters.len() + usize::from(order.outliers);
        ui.spacing_mut().item_spacing.y = card::BETWEEN;
        let mut area = ScrollArea::vertical().id_salt("cluster cards").auto_shrink([false, false]);
        if cx.selection.cluster != self.seen {
            // Chosen in another panel: its card comes into sight.
            let at = cx.selection.cluster.and_then(|c| order.clusters.iter().position(|known| *known == c));
            if let Some(at) = at {
                area = area.vertical_scroll_offset((at / grid.columns) as f32 * (grid.card.y + card::BETWEEN));
            }
        }
        let mut open = None;
        area.show_rows(ui, grid.card.y, count.div_ceil(grid.columns), |ui, range| {
            for r in range {
                let (rect, _) = ui.allocate_exact_size(vec2(width, grid.card.y), Sense::hover());
                for column in 0..grid.columns.min(count - r * grid.columns) {
                    let cluster = order.clusters.get(r * grid.columns + column).copied().unwrap_or(OUTLIERS);
                    let at = pos2(rect.left() + column as f32 * (grid.card.x + card::BETWEEN), rect.top());
                    let born = births.and_then(|b| b.get(cluster as usize)).copied();
                    let done = Card { shown, born, cluster, grid }.show(ui, cx, Rect::from_min_size(at, grid.card));
                    if done.chosen && cluster != OUTLIERS {
                        cx.select(Pick::Cluster(Some(cluster)));
                    }
                    if done.opened || (done.chosen && cluster == OUTLIERS) {
                        open = Some(cluster);
                    }
                }
            }
        });
        if let Some(cluster) = open {
            self.open = Some(cluster);
            if cluster != OUTLIERS {
                cx.select(Pick::Cluster(Some(cluster)));
            }
        }
        self.seen = cx.selection.cluster;
    }

    fn members(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, shown: &ShownClustering, cluster: u32) {
        // Another cluster chosen elsewhere is the one to show.
        if let Some(chosen) = shown.chosen(cx).filter(|c| cluster != OUTLIERS && Some(*c) != self.seen) {
            self.open = Some(chosen);
        }
        let cluster = self.open.unwrap_or(cluster);
        match members::show(ui, cx, shown, cluster) {
            members::Go::Stay => {}
            members::Go::Back => self.open = None,
            members::Go::Step(by) => {
                let clusters = &self.order.clusters;
                let at = clusters.iter().position(|c| *c == cluster).map_or(0, |at| at as isize + by);
                if let Some(&next) = usize::try_from(at).ok().and_then(|at| clusters.get(at)) {
                    self.open = Some(next);
                    cx.select(Pick::Cluster(Some(next)));
                }
            }
        }
        self.seen = cx.selection.cluster;
    }
}
