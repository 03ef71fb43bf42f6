//! Clusters and outliers of each epoch, and how well they agree with the truth where that is known.

use eframe::egui::{self, Color32, Rect, Sense, Stroke, Ui, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn};
use crate::engine::event::{ClusterSummary, Phase, Quality};
use crate::gui::plot::epochs;
use crate::gui::plot::overlay;
use crate::gui::plot::{self, Canvas, EndLabel, ticks};
use crate::gui::theme::{Type, size};
use crate::gui::view_model::{ClusterView, RunView};
use crate::gui::widgets::{chip, icon};
use crate::gui::words::{by_index, epoch_words, is_active, is_over};

/// State of the Cluster counts panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClustersPanel {}

/// A curve: its name, its value, its colour, whether it is the hero.
type Curve = (&'static str, fn(&ClusterSummary) -> usize, Color32, bool);

impl Panel for ClustersPanel {
    const TITLE: &'static str = "Cluster counts";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let view = cx.view;
        let shown = match cx.selection.epoch {
            Some(epoch) => view.clusters.get_key_value(&epoch).map(|(e, c)| (*e, c)),
            None => view.newest_clusters(),
        };
        let Some((epoch, clusters)) = shown else {
            let text = match cx.selection.epoch {
                Some(epoch) => format!("Epoch {} has no clustering in this run.", epoch + 1),
                None if is_active(view) => "Each epoch of adaptation begins with a clustering; the first comes after \
                                              pre-training and extraction."
                    .to_owned(),
                None if is_over(view) => "This run ended before an epoch was clustered.".to_owned(),
                None => {
                    "Start a run: the clusters, reliable ones and outliers of each epoch are drawn here.".to_owned()
                }
            };
            return Err(Absence::nothing(icon::STACK, "No clusters yet", text));
        };
        let several = if cx.overlays.is_empty() { String::new() } else { overlay::scope(cx.overlays) };
        let scope = format!("{} images, {}{several}", ticks::count(clusters.summary.images), epoch_words(epoch));
        cx.title(&scope).plain(ui);
        let known = clusters.summary.quality.filter(|_| cx.truth);
        let truth = if known.is_some() { 44.0 } else { 0.0 };
        let caption = 18.0;
        let room = ui.available_height() - truth - caption - 8.0;
        let both = room > 150.0;
        if !cx.overlays.is_empty() {
            let each = vec2(ui.available_width(), if both { (room - 4.0) / 2.0 } else { room.max(60.0) });
            overlaid(ui, cx, each, "clusters", if both { "" } else { "epochs done" }, |s| s.clusters[0]);
            if both {
                overlaid(ui, cx, each, "outliers", "outliers, by epochs done", |s| s.noise[0]);
            }
        } else if both {
            let each = vec2(ui.available_width(), (room - 4.0) / 2.0);
            cluster_plot(ui, cx, each, "");
            image_plot(ui, cx, each);
        } else {
            cluster_plot(ui, cx, vec2(ui.available_width(), room.max(60.0)), "epochs done");
        }
        in_words(ui, clusters, both);
        if let Some(quality) = &known {
            let before = epoch.checked_sub(1).and_then(|e| view.clusters.get(&e)).and_then(|c| c.summary.quality);
            quality_row(ui, quality, before.as_ref());
        }
        Ok(())
    }
}

fn cluster_plot(ui: &mut Ui, cx: &PanelCtx<'_>, size: egui::Vec2, caption: &str) {
    let theme = cx.theme;
    let curves: [Curve; 2] =
        [("clusters", |s| s.clusters[0], theme.t2, false), ("reliable", |s| s.reliable, theme.reliable, true)];
    counts(ui, cx, size, "cluster", caption, &curves);
}

fn image_plot(ui: &mut Ui, cx: &PanelCtx<'_>, size: egui::Vec2) {
    let theme = cx.theme;
    let curves: [Curve; 2] =
        [("kept", |s| s.kept, theme.reliable, false), ("outliers", |s| s.noise[0], theme.outlier, false)];
    counts(ui, cx, size, "image", "images, by epochs done", &curves);
}

/// One count of the ticked runs.
fn overlaid(
    ui: &mut Ui,
    cx: &PanelCtx<'_>,
    size: egui::Vec2,
    what: &str,
    caption: &str,
    of: fn(&ClusterSummary) -> usize,
) {
    let by_epoch = |view: &RunView| -> Vec<(usize, f64)> {
        view.clusters.iter().map(|(epoch, c)| (*epoch, of(&c.summary) as f64)).collect()
    };
    let curves: Vec<_> = cx.overlays.iter().map(|overlay| overlay::by_epoch(overlay, by_epoch)).collect();
    let name = format!("{what} of {}: {}", overlay::count(cx.overlays), overlay::said(cx.overlays, &curves, 0));
    let axes = epochs::axes(cx, what, &name, caption);
    let [_, high] = overlay::extent(&curves).unwrap_or([0.0, 1.0]);
    let range = ticks::round_out(0.0, high.max(1.0), 3);
    plot::show(
        ui,
        size,
        &axes,
        |_| range,
        |canvas| {
            epochs::marks(canvas, cx.view, Phase::Adapt);
            overlay::draw(canvas, cx.overlays, &curves, 0, |x| epoch_words(x as usize));
        },
    );
}

fn counts(ui: &mut Ui, cx: &PanelCtx<'_>, size: egui::Vec2, what: &str, caption: &str, curves: &[Curve]) {
    let view = cx.view;
    let last = view.newest_clusters().map(|(_, c)| &c.summary);
    let said: Vec<String> = curves
        .iter()
        .map(|(name, of, ..)| format!("{name} {}", last.map_or("–".to_owned(), |s| ticks::count(of(s)))))
        .collect();
    let name = format!("Plot of {what} counts by epoch, {}", said.join(", "));
    let axes = epochs::axes(cx, what, &name, caption);
    let highest = view.clusters.values().flat_map(|c| curves.iter().map(|(_, of, ..)| of(&c.summary))).max();
    let range = ticks::round_out(0.0, highest.unwrap_or(1).max(1) as f64, 3);
    plot::show(
        ui,
        size,
        &axes,
        |_| range,
        |canvas| {
            epochs::marks(canvas, view, Phase::Adapt);
            draw(canvas, view, curves);
        },
    );
}

fn draw(canvas: &mut Canvas<'_>, view: &RunView, curves: &[Curve]) {
    let mut labels = Vec::new();
    for (name, of, color, hero) in curves {
        let points = || view.clusters.iter().map(|(e, c)| (*e as f64, of(&c.summary) as f64));
        let width = if *hero { size::STROKE_HERO } else { size::STROKE_CURVE };
        // An epoch's clusters hold until it is done: from its beginning on the axis to its end.
        canvas.line(points().flat_map(|(x, y)| [(x, y), (x + 1.0, y)]), Stroke::new(width, *color));
        if let Some((x, y)) = canvas.spoken(points()) {
            canvas.inside.circle_filled(canvas.at(x + 1.0, y), width + 0.6, *color);
            let value = ticks::number(y, 0);
            labels.push(EndLabel { y, name: (*name).into(), value, color: *color, hero: *hero });
        }
    }
    canvas.end_labels(labels);
    let near = canvas.cursor.and_then(|x| {
        let middle = |epoch: &usize| (*epoch as f64 + 0.5 - x).abs();
        view.clusters.iter().min_by(|a, b| middle(a.0).total_cmp(&middle(b.0)))
    });
    if let Some((epoch, clusters)) = near {
        canvas.heading(epoch_words(*epoch));
        for (name, of, color, _) in curves {
            let y = of(&clusters.summary);
            canvas.reading(*epoch as f64 + 0.5, y as f64, *color, format!("{name} {}", ticks::count(y)));
        }
    }
}

/// What the plots leave out: images where there is no room for their plot, the three radii, the time.
fn in_words(ui: &mut Ui, clusters: &ClusterView, images_drawn: bool) {
    let theme = crate::gui::theme::Theme::of(ui.ctx());
    let summary = &clusters.summary;
    let [knn, jaccard, dbscan, scores] = clusters.seconds.map(ticks::duration);
    let total = ticks::duration(clusters.seconds.iter().sum());
    let (kept, outliers) = (ticks::count(summary.kept), ticks::count(summary.noise[0]));
    let radii = match summary.clusters[..] {
        [normal, tight, loose] => {
            let [tight, normal, loose] = [tight, normal, loose].map(ticks::count);
            format!("tight {tight}, normal {normal}, loose {loose} clusters")
        }
        _ => ticks::counted(summary.clusters[0], "cluster", "clusters"),
    };
    let apart = summary.label_free.silhouette.map(|s| format!("; silhouette {}", ticks::number(s, 2)));
    let radii = radii + apart.as_deref().unwrap_or_default();
    let text = if images_drawn {
        format!("{radii}; clustered in {total}")
    } else {
        format!("{kept} images kept, {outliers} outliers; {radii}")
    };
    let index = summary.index.map(|index| format!(" {}.", by_index(&index))).unwrap_or_default();
    let tip = format!(
        "{kept} images kept, {outliers} outliers. {radii}. Clustered in {total}: k-NN {knn}, Jaccard {jaccard}, \
         labels {dbscan}, scores and refinement {scores}.{index}"
    );
    ui.add(egui::Label::new(Type::Small.text(text, theme.t3)).truncate()).on_hover_text(tip);
}

/// A number: its name, its value, what it says.
type Number = (&'static str, fn(&Quality) -> f64, &'static str);

/// The four numbers that need the target's labels, with the change since the epoch before.
fn quality_row(ui: &mut Ui, now: &Quality, before: Option<&Quality>) {
    let theme = crate::gui::theme::Theme::of(ui.ctx());
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), 38.0));
    let chip_at = Rect::from_min_size(pos2(rect.left(), rect.top() + 10.0), vec2(84.0, 16.0));
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(chip_at));
    chip::ground_truth(&mut child);
    let items: [Number; 4] = [
        ("purity", |q| q.purity, "Share of clustered images whose identity is their cluster's majority."),
        ("NMI", |q| q.nmi, "Normalised mutual information of clusters and identities, outliers as singletons."),
        ("ARI", |q| q.ari, "Adjusted Rand index, outliers as singletons."),
        ("pair F", |q| q.pairwise_f, "F1 over pairs of images, outliers as singletons."),
    ];
    let left = chip_at.right() + 12.0;
    let column = ((rect.right() - left) / 4.0).max(40.0);
    for (i, (name, of, tip)) in items.into_iter().enumerate() {
        let x = left + column * i as f32;
        let area = Rect::from_min_size(pos2(x, rect.top()), vec2(column, rect.height()));
        let value = ticks::number(of(now), 3);
        let change = before.map(|b| ticks::signed(of(now) - of(b), 3));
        let response = ui.interact(area, ui.scope_id().with(("quality", name)), Sense::hover());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{name} {value}, ground truth"))
        });
        let painter = ui.painter();
        let small = Type::Small.font(ui);
        painter.text(area.left_top(), egui::Align2::LEFT_TOP, name, small.clone(), theme.t3);
        let at = pos2(x, rect.top() + 15.0);
        let drawn = painter.text(at, egui::Align2::LEFT_TOP, value, Type::Title.font(ui), theme.truth);
        if let Some(change) = change.filter(|_| column > 72.0) {
            let at = pos2(drawn.right() + 4.0, drawn.center().y);
            painter.text(at, egui::Align2::LEFT_CENTER, change, small, theme.t3);
        }
        response.on_hover_text(tip);
    }
}
