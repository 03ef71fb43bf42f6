//! Lineage: what became of the clusters between any two epochs, as counts, as a flow picture and as a list.

mod list;
mod river;
mod scene;

use std::sync::Arc;

use eframe::egui::{Rect, Ui, UiBuilder};
use serde::{Deserialize, Serialize};

use self::river::{River, RiverAsk};
use self::scene::ShownScene;
use super::{Absence, Panel, PanelCtx, PanelDrawn, Pick};
use crate::gui::plot::type_scale;
use crate::gui::theme::Type;
use crate::gui::view_model::{EpochPart, Loaded};
use crate::gui::widgets::{button, combo, icon};
use crate::run::snapshot::ClusterSnapshot;
use crate::study::lineage::{Compared, Item, LabelChoice, LineageKind};

/// From this width on the list stands beside the picture, at 100 %.
const BESIDE: f32 = 560.0;

/// State of the Lineage panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LineagePanel {
    labels: LabelChoice,
    filter: Option<LineageKind>,
    #[serde(skip)]
    pair: Option<Pair>,
}

/// The two epochs last compared.
struct Pair {
    earlier: Arc<ClusterSnapshot>,
    later: Arc<ClusterSnapshot>,
    labels: LabelChoice,
    compared: Compared,
    shown: ShownScene,
}

impl Pair {
    /// 16 ms at 13,000 images: once, when the epochs or the labels change.
    fn new(earlier: &Arc<ClusterSnapshot>, later: &Arc<ClusterSnapshot>, labels: LabelChoice) -> Self {
        let compared = Compared::new(labels.of(earlier), labels.of(later));
        Self { earlier: Arc::clone(earlier), later: Arc::clone(later), labels, compared, shown: ShownScene::default() }
    }

    fn is_of(&self, earlier: &Arc<ClusterSnapshot>, later: &Arc<ClusterSnapshot>, labels: LabelChoice) -> bool {
        Arc::ptr_eq(&self.earlier, earlier) && Arc::ptr_eq(&self.later, later) && self.labels == labels
    }
}

impl Panel for LineagePanel {
    const TITLE: &'static str = "Lineage";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let view = cx.view;
        let there: Vec<usize> =
            view.snapshots.keys().filter(|(_, p)| *p == EpochPart::Clusters).map(|(e, _)| *e).collect();
        let later = view.newest_snapshot(EpochPart::Clusters, cx.selection.epoch).or(there.first().copied());
        let Some(later) = later.filter(|_| there.len() > 1) else {
            let text = "Each epoch clusters anew. With the second one it can be said which clusters were kept, \
                        split, merged, born or died.";
            let title = if there.is_empty() { "No clusters yet" } else { "Only one epoch yet" };
            return Err(Absence::nothing(icon::BRANCH, title, text));
        };
        let before = there.iter().copied().rfind(|e| *e < later);
        let earlier = cx.selection.against.filter(|e| there.contains(e) && *e != later).or(before);
        let scope = match earlier {
            Some(earlier) => format!("epoch {} to {}", earlier + 1, later + 1),
            None => format!("epoch {}", later + 1),
        };
        cx.title(&scope).plain(ui);
        self.bar(ui, cx, &there, earlier, later);
        let Some(earlier) = earlier else {
            let text = "Look at a later epoch, or choose above which one this is compared with.";
            return Err(Absence::nothing(icon::BRANCH, "Nothing came before the first epoch", text));
        };
        let found = [earlier, later].map(|epoch| cx.snapshots.clusters(view, epoch));
        let [before, after] = match &found {
            [Loaded::Ready(before), Loaded::Ready(after)] => [before, after],
            [Loaded::Failed(why), _] | [_, Loaded::Failed(why)] => {
                return Err(Absence::failed("The clusters cannot be read", why.clone()));
            }
            _ => {
                ui.label(Type::Small.text("Reading the clusters…", cx.theme.t3));
                return Ok(());
            }
        };
        let pair = self.pair.take().filter(|pair| pair.is_of(before, after, self.labels));
        let pair = self.pair.insert(pair.unwrap_or_else(|| Pair::new(before, after, self.labels)));
        list::counts(ui, &pair.compared, &mut self.filter);
        ui.add_space(4.0);
        let answer = body(ui, pair, self.filter, [earlier, later], cx.selection.cluster);
        match answer {
            Some(RiverAsk::Filter(kind)) => self.filter = (self.filter != Some(kind)).then_some(kind),
            Some(RiverAsk::Pick { cluster, images }) => {
                cx.select(Pick::Cluster(cluster));
                cx.select(Pick::Images(images));
            }
            None => {}
        }
        Ok(())
    }

    fn exchange(&mut self, kept: &mut Self) {
        std::mem::swap(&mut self.filter, &mut kept.filter);
    }
}

impl LineagePanel {
    /// Which epochs, which labels.
    fn bar(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, there: &[usize], earlier: Option<usize>, later: usize) {
        let (theme, view) = (cx.theme, cx.view);
        ui.horizontal_wrapped(|ui| {
            let others: Vec<usize> = there.iter().copied().filter(|e| *e != later).collect();
            let tip = "The epoch to compare with; the one before unless another is chosen.";
            if let Some(chosen) = epoch_menu(ui, "Earlier epoch", tip, &others, earlier) {
                let before = others.iter().copied().rfind(|e| *e < later);
                cx.select(Pick::Against((Some(chosen) != before).then_some(chosen)));
            }
            ui.label(icon::text(icon::ARROW_RIGHT, icon::Weight::Regular, 12.0, theme.t3));
            let tip = "The epoch looked at, the same in all panels.";
            if let Some(chosen) = epoch_menu(ui, "Later epoch", tip, there, Some(later)) {
                let newest = view.newest_clusters().map(|(epoch, _)| epoch);
                cx.select(Pick::Epoch((Some(chosen) != newest).then_some(chosen)));
            }
            button::segment(
                ui,
                &[(LabelChoice::Refined, "refined"), (LabelChoice::Dbscan, "DBSCAN")],
                &mut self.labels,
            );
        });
    }
}

/// A menu of epochs; the one that was chosen anew.
fn epoch_menu(ui: &mut Ui, name: &str, tip: &str, epochs: &[usize], chosen: Option<usize>) -> Option<usize> {
    let words = |epoch: usize| format!("epoch {}", epoch + 1);
    let text = chosen.map_or("epoch …".to_owned(), words);
    let mut asked = None;
    let width = type_scale(ui) * 84.0;
    let answer = combo::dressed(name, &text, width).show_ui(ui, |ui| {
        for &epoch in epochs.iter().rev() {
            if ui.selectable_label(Some(epoch) == chosen, words(epoch)).clicked() {
                asked = Some(epoch);
            }
        }
    });
    answer.response.accessible_name(name).on_hover_text(tip);
    asked.filter(|epoch| Some(*epoch) != chosen)
}

/// Picture and list, beside each other where there is room.
fn body(
    ui: &mut Ui,
    pair: &mut Pair,
    filter: Option<LineageKind>,
    epochs: [usize; 2],
    cluster: Option<u32>,
) -> Option<RiverAsk> {
    let Pair { compared, shown, .. } = pair;
    let room = ui.available_rect_before_wrap();
    let beside = room.width() > BESIDE * type_scale(ui);
    let (picture, list) = if beside {
        let x = room.left() + (room.width() * 0.62).round();
        (room.with_max_x(x), room.with_min_x(x + 16.0))
    } else if room.height() < 190.0 {
        (Rect::NOTHING, room)
    } else {
        let y = room.top() + (room.height() * 0.62).round();
        (room.with_max_y(y), room.with_min_y(y + 6.0))
    };
    let mut asked = None;
    if picture.is_positive() {
        let mut child = ui.new_child(UiBuilder::new().id_salt("picture").max_rect(picture));
        let scene = shown.get(compared, filter, river::most(&child, picture.height()));
        let river = River { compared, scene, epochs, chosen: cluster };
        asked = river::show(&mut child, river, picture.size());
    }
    let mut child = ui.new_child(UiBuilder::new().id_salt("list").max_rect(list));
    child.set_clip_rect(ui.clip_rect().intersect(list));
    if let Some(item) = list::items(&mut child, compared, filter, cluster) {
        asked = Some(pick(compared, item));
    }
    ui.advance_cursor_after_rect(room);
    asked
}

fn pick(compared: &Compared, item: &Item) -> RiverAsk {
    RiverAsk::Pick { cluster: item.later.first().copied(), images: compared.images_of(item) }
}
