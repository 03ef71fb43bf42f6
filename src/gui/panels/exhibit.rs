//! Reliable or not: what Figs. 7 and 8 of the paper show. A map of all images with the clusters' verdicts, and
//! sample clusters of each kind.
//!
//! The paper calls clusters with a score between 0 and 1 reliable, which Eq. 8 always gives; here, as in the code it
//! builds on, the threshold decides.

pub mod map;
pub mod sample;
mod shelf;

use eframe::egui::{Rect, Ui, UiBuilder, pos2};
use serde::{Deserialize, Serialize};

use self::sample::How;
use super::{Absence, Panel, PanelCtx, PanelDrawn, Pick};
use crate::gui::clustered::{ClusteringWatch, ShownClustering};
use crate::gui::plot::ticks;
use crate::gui::widgets::combo::Choice;
use crate::gui::widgets::{button, icon};

/// State of the Reliable or not panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExhibitPanel {
    how: How,
    /// Seed of random samples.
    seed: u64,
    #[serde(skip)]
    watch: ClusteringWatch,
    #[serde(skip)]
    map: map::ExhibitMap,
}

impl Panel for ExhibitPanel {
    const TITLE: &'static str = "Reliable or not";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let shown = self.watch.get(ui, cx)?;
        self.head(ui, cx, &shown);
        if shown.table.rows.is_empty() {
            let text = "DBSCAN found no cluster at eps, so there is nothing to tell apart. Raise eps, or look at the \
                        k-distance plot.";
            return Err(Absence::nothing(icon::CIRCLE, "No cluster at all", text));
        }
        let room = ui.available_rect_before_wrap();
        let points = &shown.facts.points;
        let shelves = match !points.is_empty() && room.width() > 420.0 {
            true => {
                let middle = room.left() + (room.width() * 0.46).floor();
                let at = Rect::from_min_max(room.min, pos2(middle - 8.0, room.bottom()));
                let mut left = ui.new_child(UiBuilder::new().id_salt("exhibit map").max_rect(at));
                if let Some(cluster) =
                    map::map(&mut left, &mut self.map, points, &shown, (cx.selection.cluster, cx.images))
                {
                    cx.select(Pick::Cluster(Some(cluster)));
                }
                Rect::from_min_max(pos2(middle + 8.0, room.top()), room.max)
            }
            false => room,
        };
        let mut right = ui.new_child(UiBuilder::new().id_salt("exhibit samples").max_rect(shelves));
        shelf::show(&mut right, cx, &shown, self.how, self.seed);
        Ok(())
    }
}

impl ExhibitPanel {
    fn head(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, shown: &ShownClustering) {
        let reliable = shown.table.rows.iter().filter(|r| r.reliable).count();
        let scope = format!(
            "{} reliable, {} unreliable, epoch {}; as Figs. 7 and 8",
            ticks::count(reliable),
            ticks::count(shown.table.rows.len() - reliable),
            shown.epoch + 1
        );
        let truth = cx.truth && shown.table.rows.iter().any(|r| r.pid.is_some());
        cx.title(&scope).truth(cx.theme, truth).least(330.0).show(ui, |ui| {
            if self.how == How::Random && button::icon_button(ui, icon::RESET, "Draw other clusters").clicked() {
                self.seed = self.seed.wrapping_add(1);
            }
            let (name, tip) = ("Choice of the sample clusters", "Which clusters stand for their kind.");
            let list = Choice { salt: "exhibit samples", name, chosen: self.how.words(), tip, width: 132.0 };
            list.show(ui, &mut self.how, How::ALL.map(|how| (how, how.words(), "")));
        });
    }
}
