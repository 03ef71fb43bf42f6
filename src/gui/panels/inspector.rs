//! Inspector: one image, its cluster, its score as a fraction, its neighbours by Euclid and by Jaccard.

mod facts;
mod neighbours;

use std::sync::Arc;

use eframe::egui::{self, Rect, ScrollArea, Sense, Ui, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn};
use crate::engine::event::{ImageRef, Split};
use crate::gui::clustered::by_hand;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Type, size};
use crate::gui::view_model::{EpochPart, Loaded};
use crate::gui::widgets::icon;
use crate::gui::widgets::images::Tone;
use crate::gui::widgets::photo;
use crate::run::images::{ImageRow, Images};
use crate::run::snapshot::ClusterSnapshot;

/// State of the Inspector panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InspectorPanel {}

/// The image and what is known around it.
struct Subject {
    image: ImageRef,
    row: Option<ImageRow>,
    images: Option<Arc<Images>>,
    /// Images of its split; 0 when not known.
    of: usize,
    /// The clustering, for an image of the train split that it holds.
    clustering: Option<(usize, Arc<ClusterSnapshot>)>,
}

impl Panel for InspectorPanel {
    const TITLE: &'static str = "Inspector";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let Some(image) = cx.selection.image else {
            let text = "Click a point of the cluster map, a member of a cluster or a hit of a rank list: its cluster, \
                        score and neighbours are shown here.";
            return Err(Absence::nothing(icon::EYE, "No image is selected", text));
        };
        let subject = subject(cx, image);
        let scope = match &subject.clustering {
            Some((epoch, _)) => format!("{} image, epoch {}", split_words(image.split), epoch + 1),
            None => format!("{} image", split_words(image.split)),
        };
        let train = image.split == Split::Train;
        cx.title(&scope).show(ui, |ui| {
            if train {
                by_hand::button(ui, cx, &[image.index]);
            }
        });
        ScrollArea::vertical().id_salt("inspector").auto_shrink([false, false]).show(ui, |ui| {
            ui.horizontal_top(|ui| {
                picture(ui, cx, &subject);
                ui.add_space(4.0);
                ui.vertical(|ui| facts::show(ui, cx, &subject));
            });
            ui.add_space(4.0);
            match (image.split, &subject.clustering) {
                (_, Some((epoch, snapshot))) => neighbours::show(ui, cx, &subject, *epoch, snapshot),
                (Split::Train, None) => {
                    let text = "Its cluster and neighbours come with the first clustering.";
                    ui.label(Type::Small.text(text, cx.theme.t3));
                }
                (Split::Query | Split::Gallery, None) => {
                    let text = "Clusters, scores and neighbours are of the training images; this one is of the test \
                                set, which training never sees.";
                    ui.label(Type::Small.text(text, cx.theme.t3));
                }
            }
        });
        Ok(())
    }
}

/// A split in a word.
fn split_words(split: Split) -> &'static str {
    match split {
        Split::Train => "train",
        Split::Query => "query",
        Split::Gallery => "gallery",
    }
}

fn subject(cx: &PanelCtx<'_>, image: ImageRef) -> Subject {
    let view = cx.view;
    let images = cx.snapshots.images(view).ready().cloned();
    let mut clustering = None;
    if let (Split::Train, Some(epoch)) = (image.split, view.newest_snapshot(EpochPart::Clusters, cx.selection.epoch))
        && let Loaded::Ready(snapshot) = cx.snapshots.clusters(view, epoch)
        && (image.index as usize) < snapshot.labels.len()
    {
        clustering = Some((epoch, snapshot));
    }
    let listed = images.as_ref().map_or(0, |list| list.split(image.split).len());
    let of = clustering.as_ref().map_or(listed, |(_, snapshot)| snapshot.labels.len());
    let row = images.as_ref().and_then(|list| list.get(image)).cloned();
    Subject { image, row, images, of, clustering }
}

fn picture(ui: &mut Ui, cx: &PanelCtx<'_>, subject: &Subject) {
    let [width, height] = size::THUMBS[3].map(|x| x * type_scale(ui));
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let path = subject.row.as_ref().map(|row| row.path.as_path());
    let drawn: Rect = photo::paint(ui, cx.images, path, rect, Tone::Color, 1.0);
    let stroke = egui::Stroke::new(size::STROKE, cx.theme.line2);
    ui.painter().rect_stroke(drawn, size::RADIUS_CHIP, stroke, egui::StrokeKind::Inside);
    let number = ticks::count(subject.image.index as usize);
    let name = format!("Photo of {} image {number}", split_words(subject.image.split));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
    let missing = photo::missing(cx.images, path);
    response.on_hover_ui(|ui| {
        match (path, &missing) {
            (_, Some(why)) => ui.label(Type::Small.text(why, cx.theme.warn)),
            (Some(path), None) => ui.label(Type::Mono.text(path.display().to_string(), cx.theme.t2)),
            (None, None) => ui.label(name),
        };
    });
}
