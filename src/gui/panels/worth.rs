//! What is worth a look: the heaviest findings of an epoch, each with the button that leads to it.

mod photos;
mod said;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, UiBuilder, vec2};
use serde::{Deserialize, Serialize};

use self::photos::OddPhotos;
use self::said::SaidByHand;
use super::{Absence, Pane, Panel, PanelCtx, PanelDrawn, Pick};
use crate::engine::event::{ImageRef, Split};
use crate::gui::clustered::by_hand;
use crate::gui::command::UiCommand;
use crate::gui::job::Job;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Type, size};
use crate::gui::view_model::{EpochPart, Loaded, RunView};
use crate::gui::what_if::Base;
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::gui::widgets::icon;
use crate::gui::widgets::images::Tone;
use crate::gui::widgets::photo;
use crate::gui::widgets::thumb;
use crate::run::graph::read_graph;
use crate::run::images::Images;
use crate::run::snapshot::{ClusterSnapshot, RankSnapshot};
use crate::study::worth::{WorthEvidence, WorthItem, WorthLooking, worth_looking};

/// Epochs that are looked back on.
const BACK: usize = 12;

/// State of the panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WorthPanel {
    /// Folder, epoch and event of the newest snapshot, and of the newest evaluation.
    #[serde(skip)]
    of: Option<(PathBuf, usize, u64, Option<u64>)>,
    #[serde(skip)]
    job: Job<Result<Vec<WorthLooking>, String>>,
    #[serde(skip)]
    found: Option<Result<Arc<Vec<WorthLooking>>, String>>,
    #[serde(skip)]
    photos: OddPhotos,
    #[serde(skip)]
    said: SaidByHand,
}

impl Panel for WorthPanel {
    const TITLE: &'static str = "Worth a look";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let epoch = cx.view.newest_snapshot(EpochPart::Clusters, cx.selection.epoch);
        let base = epoch.and_then(|epoch| Base::of(cx.view, epoch)).filter(|base| base.radii);
        let Some(base) = base else {
            let text = "Once an epoch has been clustered by distances, the few things a person would find by looking at all \
                        of it are listed here.";
            return Err(Absence::nothing(icon::EYE, "Nothing to look at yet", text));
        };
        self.read(ui, cx.view, &base);
        let found = match &self.found {
            None => return Err(Absence::Loading("looking…")),
            Some(Err(why)) => return Err(Absence::failed("No list of this epoch", why.clone())),
            Some(Ok(found)) => Arc::clone(found),
        };
        let photos = self.photos.of(ui, &base.folder);
        let of_photos = photos.iter().flat_map(|found| found.iter());
        let shown: Vec<&WorthLooking> = found.iter().filter(|w| cx.truth || !w.truth).chain(of_photos).collect();
        let things = ticks::counted(shown.len(), "thing", "things");
        let more = if photos.is_none() { ", looking through the photos…" } else { "" };
        let scope = format!("epoch {}, {things} worth a look{more}", base.epoch + 1);
        cx.title(&scope).truth(cx.theme, shown.iter().any(|w| w.truth)).plain(ui);
        if shown.is_empty() && cx.view.hand.is_empty() {
            let text = "No bridge with images behind it, no impure-looking cluster, no likely copies, no odd photo.";
            return Err(Absence::nothing(icon::CHECK, "Nothing stands out", text));
        }
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            for (at, worth) in shown.into_iter().enumerate() {
                row(ui, cx, at, worth);
            }
            self.said.show(ui, cx);
        });
        Ok(())
    }
}

impl WorthPanel {
    /// Takes in what was found, and has the epoch looked at where it is another one.
    fn read(&mut self, ui: &Ui, view: &RunView, base: &Base) {
        if let Some(found) = self.job.poll() {
            self.found = Some(found.map(Arc::new));
        }
        if let Some(why) = self.job.take_failure() {
            self.found = Some(Err(why));
        }
        let ranked =
            view.newest_snapshot(EpochPart::Ranks, None).and_then(|e| view.snapshots.get(&(e, EpochPart::Ranks)));
        let of = (base.folder.clone(), base.epoch, base.seq, ranked.copied());
        if self.of.as_ref() == Some(&of) || self.job.busy() {
            return;
        }
        if self.of.as_ref().is_none_or(|known| (&known.0, known.1) != (&of.0, of.1)) {
            self.found = None;
        }
        self.of = Some(of);
        let epochs = |part: EpochPart| -> Vec<usize> {
            let all = view.snapshots.keys().filter(|(e, p)| *p == part && *e <= base.epoch + 1).map(|(e, _)| *e);
            let all: Vec<usize> = all.collect();
            all[all.len().saturating_sub(BACK)..].to_vec()
        };
        let clusters = epochs(EpochPart::Clusters).into_iter().filter(|e| *e <= base.epoch).collect();
        let (ranks, base) = (epochs(EpochPart::Ranks), base.clone());
        self.job.start("worth a look", ui.ctx(), move || look(&base.folder, &base, clusters, ranks));
    }
}

fn look(folder: &Path, base: &Base, clusters: Vec<usize>, ranks: Vec<usize>) -> Result<Vec<WorthLooking>, String> {
    let read = |epoch: &usize| ClusterSnapshot::read(folder, *epoch);
    let clusterings: Vec<ClusterSnapshot> = clusters.iter().filter_map(|e| read(e).ok()).collect();
    let graph = read_graph(folder, base.epoch).map_err(|e| e.to_string())?;
    if clusterings.last().is_none_or(|c| c.labels.len() != graph.n) {
        return Err("The clusters of this epoch are not those of its distances.".to_owned());
    }
    let images = Images::read(folder).ok();
    let rows = images.as_ref().map_or(&[][..], |i| i.split(Split::Train));
    let aps: Vec<Vec<f64>> = ranks.iter().filter_map(|e| RankSnapshot::read(folder, *e).ok()).map(|r| r.ap).collect();
    let evidence = WorthEvidence { clusterings: &clusterings, graph: &graph, params: &base.params, rows, aps: &aps };
    Ok(worth_looking(&evidence))
}

/// One finding: its photos, what it is, and its buttons.
fn row(ui: &mut Ui, cx: &PanelCtx<'_>, at: usize, worth: &WorthLooking) {
    let theme = cx.theme;
    let k = type_scale(ui);
    let [width, height] = size::THUMBS[0];
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), (k * 46.0).max(height + 8.0)), Sense::hover());
    ui.painter().hline(area.x_range(), area.top(), eframe::egui::Stroke::new(size::STROKE, theme.line));
    let images = cx.snapshots.images(cx.view);
    let images = match &images {
        Loaded::Ready(images) => Some(&**images),
        _ => None,
    };
    let faces: Vec<ImageRef> = match worth.finding {
        WorthItem::Pair(a, b) => vec![thumb::train(a), thumb::train(b)],
        WorthItem::Image(i) => vec![thumb::train(i)],
        WorthItem::Query(q) => vec![ImageRef { split: Split::Query, index: q }],
        WorthItem::Cluster(_) => Vec::new(),
    };
    let mut left = area.left();
    for face in &faces {
        let cell = Rect::from_min_size(eframe::egui::pos2(left, area.center().y - height / 2.0), vec2(width, height));
        let path = images.and_then(|i| i.get(*face)).map(|r| r.path.as_path()).filter(|p| !p.as_os_str().is_empty());
        match (path, face.split) {
            (Some(_), _) => drop(photo::paint(ui, cx.images, path, cell, Tone::Color, 1.0)),
            (None, Split::Train) => drop(thumb::paint(ui, cx.images, images, face.index, cell, 1.0)),
            (None, _) => {}
        }
        left += width + 3.0;
    }
    let words =
        Rect::from_min_max(eframe::egui::pos2(area.left() + 2.0 * (width + 3.0) + 6.0, area.top() + 4.0), area.max);
    let builder = UiBuilder::new().id_salt(("worth", at)).max_rect(words).layout(Layout::right_to_left(Align::Center));
    let mut line = ui.new_child(builder);
    line.spacing_mut().item_spacing.x = 4.0;
    let (name, pane) = match worth.finding {
        WorthItem::Cluster(_) => ("Show cluster", Pane::Browser),
        WorthItem::Pair(..) => ("Show chain", Pane::Why),
        WorthItem::Image(_) => ("Show image", Pane::Inspector),
        WorthItem::Query(_) => ("Show query", Pane::RankLists),
    };
    if line.add(Push::new(name).look(ButtonLook::Flat).small()).on_hover_text(&worth.words).clicked() {
        go(cx, &worth.finding);
        cx.send(UiCommand::ShowPane(pane));
    }
    match worth.finding {
        WorthItem::Pair(a, b) => by_hand::button(&mut line, cx, &[a, b]),
        WorthItem::Image(i) => by_hand::button(&mut line, cx, &[i]),
        WorthItem::Cluster(_) | WorthItem::Query(_) => {}
    }
    let ink = if worth.truth { theme.truth } else { theme.t1 };
    line.with_layout(Layout::top_down(Align::Min), |ui| {
        ui.label(Type::Small.text(worth.kind, theme.t3));
        ui.add(eframe::egui::Label::new(Type::Body.text(&worth.words, ink)).truncate());
    });
}

/// Selects what a finding is about.
fn go(cx: &PanelCtx<'_>, finding: &WorthItem) {
    match *finding {
        WorthItem::Cluster(cluster) => cx.select(Pick::Cluster(Some(cluster))),
        WorthItem::Pair(a, b) => {
            cx.select(Pick::Image(Some(thumb::train(b))));
            cx.select(Pick::Images(vec![a.min(b), a.max(b)]));
        }
        WorthItem::Image(i) => cx.select(Pick::Image(Some(thumb::train(i)))),
        WorthItem::Query(q) => cx.select(Pick::Query(q)),
    }
}
