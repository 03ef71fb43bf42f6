//! Cluster map: the training images of the target as points, near where their features are near.
//!
//! Principal components are there at once; t-SNE goes on from them, or from the layout of the epoch before, on a
//! thread of its own. What is drawn is one mesh, made anew only when something in it changes.

mod bar;
pub mod grid;
mod hover;
pub mod keys;
mod layouts;
mod lens;
mod nested;
mod outlines;
mod picture;
pub mod points;
mod tried;

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{
    Align2, ComboBox, Key as Button, PointerButton, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn, Pick};
use crate::engine::event::{ImageRef, Split};
use crate::export::PointRow;
use crate::gui::plot::colours::{self, Colouring, Glyph};
use crate::gui::plot::ticks;
use crate::gui::theme::{Type, size};
use crate::gui::view_model::{EpochPart, Loaded};
use crate::gui::widgets::combo;
use crate::gui::widgets::filter_box::{FilterBox, FilterDress};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::{button, chip, source_batch};
use crate::run::images::Images;
use crate::run::snapshot::ClusterSnapshot;
use crate::study::filter::Vocabulary;
use crate::study::image_filter::{IMAGE_FIELDS, picked};
pub use layouts::{Key, PlaneLayout};
use layouts::{Standing, Tsne};
pub use lens::{Lens, LensPlace};
use nested::MapNested;
pub use nested::MapRadii;
use picture::{MapPicture, Seen};
use tried::MapTried;

/// Reach of the pointer, in points.
const REACH: f32 = 10.0;

/// How the images are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Method {
    Pca,
    #[default]
    Tsne,
}

/// State of the Cluster map panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MapPanel {
    method: Method,
    colouring: Colouring,
    /// What of the other radii is drawn.
    pub(super) radii: MapRadii,
    /// A drag draws a line around the images, not a box.
    lasso: bool,
    #[serde(skip)]
    lens: Lens,
    #[serde(skip)]
    tsne: Tsne,
    #[serde(skip)]
    picture: MapPicture,
    #[serde(skip)]
    tried: MapTried,
    #[serde(skip)]
    nested: MapNested,
    #[serde(skip)]
    bar: bar::MapBar,
    /// Picks images by what they have.
    #[serde(skip)]
    filter: FilterBox,
    /// The line under the hand: two corners of a box, or a lasso.
    #[serde(skip)]
    line: Option<Vec<Pos2>>,
}

/// What is shown of which clustering.
struct Shown {
    key: Key,
    /// The run's.
    snapshot: Arc<ClusterSnapshot>,
    /// Those that are tried in its place.
    tried: Option<Arc<ClusterSnapshot>>,
    images: Option<Arc<Images>>,
}

impl Shown {
    /// Images in no cluster of the clustering drawn.
    fn outliers(&self) -> usize {
        self.tried.as_ref().unwrap_or(&self.snapshot).labels.iter().filter(|l| **l < 0).count()
    }
}

impl Panel for MapPanel {
    const TITLE: &'static str = "Cluster map";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        if let Some(batch) = source_batch::of(cx.view) {
            cx.title(&source_batch::scope(batch)).plain(ui);
            source_batch::map(ui, batch);
            return Ok(());
        }
        let mut shown = find(cx)?;
        shown.tried = self.tried.snapshot(cx, &shown.key, &shown.snapshot);
        if !cx.truth && self.colouring == Colouring::Identity {
            self.colouring = Colouring::Cluster;
        }
        let components = self.picture.components(&shown.snapshot);
        let (layout, standing) = self.layout(ui, &shown, components);
        self.head(ui, cx, &shown, &standing);
        self.tools(ui, cx, &shown);
        let Some(layout) = layout else {
            let (title, text) = match standing {
                Some(Standing::Failed(why)) => ("t-SNE is not possible", why),
                Some(_) => ("t-SNE has begun", "The first picture comes in a moment.".to_owned()),
                None => (
                    "No principal components",
                    "This run was made by a version that did not store them. t-SNE works without.".to_owned(),
                ),
            };
            return Err(Absence::nothing(icon::SCATTER, title, text));
        };
        let whole = ui.available_rect_before_wrap();
        let rect = whole.with_max_y((whole.bottom() - 20.0).max(whole.top() + 40.0));
        let became = self.plot(ui, cx, &shown, &layout, rect);
        if !cx.selection.picked.is_empty() {
            // Over the map: points must not move because some of them were picked.
            let area = rect.with_min_y(rect.bottom() - 28.0);
            let offered = csv_file(&shown.key);
            let at = Arc::clone(&layout);
            self.bar.ui(ui, cx, area, &offered, |cx| table(cx, &shown, &at));
        }
        let line = Rect::from_min_max(pos2(whole.left(), whole.bottom() - 16.0), whole.max);
        self.legend(ui, cx, &shown, (&standing, &became), line);
        Ok(())
    }

    fn exchange(&mut self, kept: &mut Self) {
        std::mem::swap(&mut self.lens, &mut kept.lens);
        std::mem::swap(&mut self.filter, &mut kept.filter);
    }
}

impl MapPanel {
    /// The newest layout of t-SNE of a clustering; `None` where none was computed.
    pub fn known(&self, key: &Key) -> Option<Arc<PlaneLayout>> {
        self.tsne.known(key)
    }

    /// How many layouts of t-SNE are in memory.
    pub fn held(&self) -> usize {
        self.tsne.held()
    }

    /// The layout to draw, and how t-SNE stands when that is what is asked for.
    fn layout(
        &mut self,
        ui: &Ui,
        shown: &Shown,
        components: Option<Arc<PlaneLayout>>,
    ) -> (Option<Arc<PlaneLayout>>, Option<Standing>) {
        if self.method == Method::Pca {
            return (components, None);
        }
        let standing = self.tsne.want(ui.ctx(), &shown.key, &shown.snapshot);
        let own = self.tsne.known(&shown.key);
        // Until its first picture: where the points were, else the components.
        let last =
            || self.picture.last(shown.snapshot.labels.len()).filter(|_| !matches!(standing, Standing::Failed(_)));
        (own.or_else(last).or(components), Some(standing))
    }

    fn head(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, shown: &Shown, standing: &Option<Standing>) {
        let epoch = shown.key.epoch + 1;
        let scope = match standing {
            Some(Standing::Running(share)) => format!("t-SNE {:.0} %, epoch {epoch}", 100.0 * share),
            _ => format!("epoch {epoch}"),
        };
        let moved = self.lens != Lens::default();
        cx.title(&scope).show(ui, |ui| {
            let on = self.lasso.then_some(cx.theme.accent);
            let name = if self.lasso { "Select with a box" } else { "Select with a lasso (Shift and drag)" };
            if button::icon_button_colored(ui, icon::LASSO, name, on).clicked() {
                self.lasso = !self.lasso;
            }
            if moved && button::icon_button(ui, icon::RESET, "Show the whole map (double click)").clicked() {
                self.lens = Lens::default();
            }
        });
    }

    fn tools(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, shown: &Shown) {
        ui.horizontal(|ui| {
            button::segment(ui, &[(Method::Pca, "PCA"), (Method::Tsne, "t-SNE")], &mut self.method);
            let chosen = format!("colour {}", self.colouring.words());
            let list: ComboBox = combo::dressed("map colours", &chosen, 118.0);
            let response = list.show_ui(ui, |ui| {
                for by in Colouring::ALL.into_iter().filter(|by| cx.truth || *by != Colouring::Identity) {
                    ui.selectable_value(&mut self.colouring, by, by.words()).on_hover_text(by.help());
                }
                ui.separator();
                for what in MapRadii::ALL.into_iter().filter(|_| cx.what_if.has_radii()) {
                    ui.selectable_value(&mut self.radii, what, what.words()).on_hover_text(what.help());
                }
            });
            response.response.accessible_name("Colour of the points").on_hover_text(self.colouring.help());
            if self.colouring == Colouring::Identity {
                chip::ground_truth(ui);
            }
            self.pick(ui, cx, shown);
        });
        self.filter.say_problem(ui);
    }

    /// The box whose filter picks images.
    fn pick(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, shown: &Shown) {
        let width = (ui.available_width() - 6.0).min(240.0);
        if width < 110.0 {
            return;
        }
        let known = Vocabulary { fields: IMAGE_FIELDS, words: false, truth: cx.truth };
        let before = self.filter.good().to_owned();
        self.filter.show(ui, &known, FilterDress { name: "Pick images", hint: "pick: cam=2 score<0.5", width });
        if self.filter.good() == before {
            return;
        }
        let rows = shown.images.as_ref().map_or(&[][..], |i| i.split(Split::Train));
        cx.select(Pick::Images(match self.filter.is_empty() {
            true => Vec::new(),
            false => picked(self.filter.in_force(), &shown.snapshot, rows),
        }));
    }

    /// The points and what lies over them; says what merges and splits in what is tried.
    fn plot(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, shown: &Shown, layout: &Arc<PlaneLayout>, rect: Rect) -> String {
        let response = ui.allocate_rect(rect, Sense::click_and_drag());
        let place = self.lens.over(rect, layout.half);
        self.navigate(ui, &response, place);
        let rows = shown.images.as_ref().map_or(&[][..], |i| i.split(Split::Train));
        let seen = Seen {
            key: (self.method == Method::Tsne, &shown.key),
            snapshot: shown.tried.as_ref().unwrap_or(&shown.snapshot),
            run: &shown.snapshot,
            layout,
            rows,
            colouring: self.colouring,
            lens: self.lens,
            settled: self.method == Method::Pca || !self.tsne.busy(),
        };
        let settled = seen.settled;
        let place = self.picture.paint(ui, cx, &seen, rect);
        let rests = settled && !self.picture.travels();
        let over = if rests { self.nested.show(ui, cx, self.radii, layout, place) } else { None };
        let became = match &shown.tried {
            Some(_) => self.tried.words(&shown.snapshot, layout),
            None => String::new(),
        };
        let besides: String = [became.clone(), over.unwrap_or_default()]
            .iter()
            .filter(|words| !words.is_empty())
            .map(|words| format!(", {words}"))
            .collect();
        let words = format!(
            "Cluster map{}, {}, {} images, colour {}, {}{besides}",
            if shown.tried.is_some() { " of the what-if" } else { "" },
            if self.method == Method::Pca { "PCA" } else { "t-SNE" },
            ticks::count(layout.at.len()),
            self.colouring.words(),
            ticks::counted(shown.outliers(), "outlier", "outliers")
        );
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &words));
        if shown.tried.is_some() && !self.picture.travels() {
            self.tried.outline(ui, cx, &shown.snapshot, layout, place);
        }
        self.select(ui, cx, &response, place, layout);
        if self.picture.travels() || self.line.is_some() {
            return became;
        }
        let under = |p: Pos2| self.picture.nearest(layout, place.plane(p), place.length(REACH));
        let hovered = response.hover_pos().and_then(under);
        self.mark_selected(ui, cx, layout, place);
        let found = match response.clicked() {
            true => Some(response.interact_pointer_pos().and_then(under)),
            false => self.walked(ui, cx, &response, layout, place).map(Some),
        };
        if let Some(found) = found {
            cx.select(Pick::Image(found.map(|i| ImageRef { split: Split::Train, index: i as u32 })));
            cx.select(Pick::Cluster(found.and_then(|i| u32::try_from(shown.snapshot.labels[i]).ok())));
        }
        if let Some(i) = hovered {
            let under =
                hover::Hovered { i, images: shown.images.as_deref(), at: place.screen(layout.at[i]), room: rect };
            hover::show(ui, cx, (&shown.snapshot, shown.tried.as_deref()), &under);
        }
        became
    }

    fn navigate(&mut self, ui: &Ui, response: &Response, place: LensPlace) {
        let space = ui.input(|i| i.key_down(Button::Space)) && !ui.ctx().egui_wants_keyboard_input();
        let pan = response.dragged_by(PointerButton::Middle) || response.dragged_by(PointerButton::Secondary);
        if pan || (space && response.dragged_by(PointerButton::Primary)) {
            self.line = None;
            self.lens.pan(place, response.drag_delta());
        }
        if let Some(pointer) = response.hover_pos() {
            let factor = ui.input(|i| (0.005 * i.smooth_scroll_delta().y).exp() * i.zoom_delta());
            if (factor - 1.0).abs() > 1e-4 {
                self.lens.zoom(place, pointer, factor);
            }
        }
        if response.double_clicked() {
            self.lens = Lens::default();
        }
        let draws = response.dragged_by(PointerButton::Primary) && !space;
        if let (true, Some(at)) = (draws, response.interact_pointer_pos()) {
            let origin = ui.input(|i| i.pointer.press_origin()).unwrap_or(at);
            let lasso = self.lasso || ui.input(|i| i.modifiers.shift);
            let line = self.line.get_or_insert_with(|| vec![origin, origin]);
            match (lasso || line.len() > 2, line.last_mut()) {
                (true, Some(last)) if last.distance(at) > 2.0 => line.push(at),
                (false, Some(last)) => *last = at,
                _ => {}
            }
        }
    }

    /// The box or lasso under the hand; when it is let go, the images within are picked.
    fn select(&mut self, ui: &Ui, cx: &PanelCtx<'_>, response: &Response, place: LensPlace, layout: &PlaneLayout) {
        let Some(line) = &self.line else { return };
        let painter = ui.painter().with_clip_rect(place.rect);
        let stroke = Stroke::new(size::STROKE, cx.theme.accent);
        let boxed = line.len() == 2;
        if boxed {
            let area = Rect::from_two_pos(line[0], line[1]);
            painter.rect(area, 0.0, cx.theme.accent.gamma_multiply(0.12), stroke, StrokeKind::Inside);
        } else {
            painter.add(Shape::closed_line(line.clone(), stroke));
        }
        if ui.input(|i| i.key_pressed(Button::Escape)) {
            self.line = None;
        } else if !response.dragged() {
            let at = layout.at.iter().map(|p| place.screen(*p));
            let picked = match boxed {
                true => grid::in_box(at, Rect::from_two_pos(line[0], line[1])),
                false => grid::in_lasso(at, line),
            };
            cx.select(Pick::Images(picked));
            self.line = None;
        }
    }

    fn mark_selected(&self, ui: &Ui, cx: &PanelCtx<'_>, layout: &PlaneLayout, place: LensPlace) {
        let Some(ImageRef { split: Split::Train, index }) = cx.selection.image else { return };
        if let Some(p) = layout.at.get(index as usize) {
            let painter = ui.painter().with_clip_rect(place.rect);
            painter.circle_stroke(place.screen(*p), 6.0, Stroke::new(size::STROKE_HERO, cx.theme.accent));
        }
    }

    fn legend(
        &self,
        ui: &Ui,
        cx: &PanelCtx<'_>,
        shown: &Shown,
        (standing, became): (&Option<Standing>, &str),
        area: Rect,
    ) {
        let theme = cx.theme;
        let painter = ui.painter();
        let small = Type::Small.font(ui);
        let y = area.center().y;
        // Said here too: beside many tabs the head has no room for it.
        let how = match (self.method, standing) {
            (Method::Pca, _) => "PCA".to_owned(),
            (_, Some(Standing::Failed(_))) => "PCA: t-SNE is not possible".to_owned(),
            (_, Some(Standing::Running(share))) => format!("t-SNE {:.0} %", 100.0 * share),
            _ => "t-SNE".to_owned(),
        };
        let images = ticks::counted(shown.snapshot.labels.len(), "image", "images");
        let right = painter.text(
            pos2(area.right(), y),
            Align2::RIGHT_CENTER,
            format!("{how} · {images}"),
            small.clone(),
            theme.t3,
        );
        let outliers = ticks::count(shown.outliers());
        let mut x = area.left();
        if shown.tried.is_some() {
            let ink = theme.what_if;
            let words = if became.is_empty() { "what-if".to_owned() } else { format!("what-if: {became}") };
            let said = painter.text(pos2(x, y), Align2::LEFT_CENTER, words, small.clone(), ink);
            x = said.right() + 10.0;
        }
        for (glyph, words) in [
            (Glyph::Disc, "reliable".to_owned()),
            (Glyph::Ring, "unreliable".to_owned()),
            (Glyph::Cross, format!("outlier {outliers}")),
        ] {
            let galley = painter.layout_no_wrap(words, small.clone(), theme.t2);
            if x + 14.0 + galley.size().x > right.left() - 8.0 {
                return;
            }
            let states = self.colouring == Colouring::Reliability || glyph == Glyph::Cross;
            let ink = if states { colours::state(theme, glyph) } else { theme.t2 };
            let at = pos2(x + 4.0, y);
            match glyph {
                Glyph::Disc => drop(painter.circle_filled(at, 3.5, ink)),
                Glyph::Ring => drop(painter.circle_stroke(at, 3.0, Stroke::new(size::STROKE_CURVE, ink))),
                Glyph::Cross => icon::paint(painter, at, icon::CROSS, Weight::Bold, 9.0, ink),
            }
            x = at.x + 8.0 + galley.size().x + 12.0;
            painter.galley(pos2(at.x + 8.0, y - galley.size().y / 2.0), galley, theme.t2);
        }
        if self.colouring == Colouring::Score && x + 100.0 < right.left() {
            let steps = 24;
            for i in 0..steps {
                let left = x + 2.0 * i as f32;
                let color = colours::score(theme, i as f32 / (steps - 1) as f32);
                painter.rect_filled(Rect::from_min_size(pos2(left, y - 4.0), vec2(2.0, 8.0)), 0.0, color);
            }
            painter.text(pos2(x + 52.0, y), Align2::LEFT_CENTER, "score 0–1", small, theme.t3);
        }
    }
}

/// The clustering of the epoch looked at; or what to say instead, nothing while it is read.
fn find(cx: &PanelCtx<'_>) -> Result<Shown, Absence> {
    let view = cx.view;
    let absent = || {
        let text =
            "The map appears after the first extraction and clustering of the target, which follow pre-training.";
        Absence::nothing(icon::SCATTER, "No clusters yet", text)
    };
    let epoch = view.newest_snapshot(EpochPart::Clusters, cx.selection.epoch).ok_or_else(absent)?;
    let snapshot = match cx.snapshots.clusters(view, epoch) {
        Loaded::Ready(snapshot) => snapshot,
        Loaded::Loading => return Err(Absence::Loading("reading…")),
        Loaded::Absent => return Err(absent()),
        Loaded::Failed(why) => return Err(Absence::failed("The clusters cannot be read", why)),
    };
    let (Some(folder), Some(seq)) = (view.folder.clone(), view.snapshots.get(&(epoch, EpochPart::Clusters))) else {
        return Err(absent());
    };
    let images = cx.snapshots.images(view).ready().cloned();
    Ok(Shown { key: Key { folder, epoch, seq: *seq }, snapshot, tried: None, images })
}

fn csv_file(key: &Key) -> PathBuf {
    key.folder.join("export").join(format!("images-of-epoch-{}.csv", key.epoch + 1))
}

/// The picked images as rows of a table.
fn table(cx: &PanelCtx<'_>, shown: &Shown, layout: &PlaneLayout) -> Vec<PointRow> {
    let Shown { snapshot, images, .. } = shown;
    let row = |&i: &u32| {
        let info = images.as_ref().and_then(|list| list.get(ImageRef { split: Split::Train, index: i }));
        let at = i as usize;
        let (x, y) = (layout.values.get(2 * at), layout.values.get(2 * at + 1));
        Some(PointRow {
            row: i,
            path: info.map(|r| r.path.display().to_string()).unwrap_or_default(),
            pid: info.map(|r| r.pid).filter(|_| cx.truth),
            camid: info.map(|r| r.camid),
            cluster: *snapshot.labels.get(at)?,
            score: *snapshot.score.get(at)?,
            x: *x?,
            y: *y?,
        })
    };
    cx.selection.picked.iter().filter_map(row).collect()
}
