//! Every eps at once: the images in a row, as high as the radius that joins each to the one before. Valleys are
//! clusters, eps is a line to drag, eps ± Δd its band: a cluster is reliable when its valley is one through the band.

mod bars;
mod hover;
mod valleys;

use std::sync::Arc;

use eframe::egui::{self, Color32, PointerButton, Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};
use serde::{Deserialize, Serialize};

use super::{Panel, PanelCtx, PanelDrawn, Pick};
use crate::engine::event::Split;
use crate::gui::clustered::{ClusteringWatch, ShownClustering};
use crate::gui::plot::colours::{self, Colouring};
use crate::gui::plot::eps;
use crate::gui::plot::image_row::{self, TreePlaces};
use crate::gui::plot::{Fixed, ticks, type_scale};
use crate::gui::theme::{Theme, size};
use crate::gui::what_if::Try;
use crate::gui::what_if::worker::WhatIfOutcome;
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::gui::widgets::chip;
use crate::gui::widgets::combo::Choice;
use crate::method::params::Value;
use crate::method::tree::Hierarchy;

/// State of the Reachability panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReachabilityPanel {
    colouring: Colouring,
    #[serde(skip)]
    watch: ClusteringWatch,
    #[serde(skip)]
    places: TreePlaces,
    /// The places under the hand while it selects.
    #[serde(skip)]
    brush: Option<[f64; 2]>,
    #[serde(skip)]
    painted: Option<Painted>,
}

/// What depends on the clustering alone, kept until that changes.
struct Painted {
    of: Arc<Hierarchy>,
    run: Arc<ShownClustering>,
    tried: Option<Arc<WhatIfOutcome>>,
    colouring: Colouring,
    dark: bool,
    /// `[N]` colour of the image at each place.
    colours: Vec<Color32>,
    valleys: Vec<valleys::Valley>,
}

/// The clustering that is drawn: what is tried, else the run's.
struct Labels<'a> {
    labels: &'a [i32],
    reliable: &'a [bool],
    score: &'a [f64],
}

impl<'a> Labels<'a> {
    fn of(run: &'a ShownClustering, tried: Option<&'a WhatIfOutcome>) -> Self {
        match tried {
            Some(o) => Self {
                labels: &o.assignment.labels,
                reliable: &o.assignment.reliable,
                score: o.assignment.score.as_ref().map_or(&[], |s| &s.images),
            },
            None => Self { labels: &run.facts.labels, reliable: &run.facts.reliable, score: &run.facts.score },
        }
    }

    /// The cluster of an image, and whether it is kept.
    fn cluster(&self, image: u32) -> Option<(usize, bool)> {
        let label = usize::try_from(*self.labels.get(image as usize)?).ok()?;
        Some((label, self.reliable.get(label).copied().unwrap_or(false)))
    }
}

/// What one frame draws.
struct Picture<'a> {
    plot: &'a Fixed<'a>,
    all: &'a Hierarchy,
    painted: &'a Painted,
    /// eps − Δd, eps, eps + Δd.
    radii: [f64; 3],
}

impl Panel for ReachabilityPanel {
    const TITLE: &'static str = "Reachability";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let (run, all) = self.watch.all_radii(ui, cx)?;
        if !cx.truth && self.colouring == Colouring::Identity {
            self.colouring = Colouring::Cluster;
        }
        let tried =
            cx.what_if.outcome().map(|(o, _)| Arc::clone(o)).filter(|o| o.assignment.labels.len() == all.tree.n);
        let painted = self.painted(cx, &all, &run, tried);
        let draft = cx.what_if.draft();
        let (eps, delta_d) = (draft.eps, draft.delta_d);
        let kept = painted.valleys.iter().filter(|v| v.reliable).count();
        let words = format!(
            "{}, {} reliable, at eps {}",
            ticks::counted(painted.valleys.len(), "cluster", "clusters"),
            ticks::count(kept),
            ticks::number(eps, 2)
        );
        let scope = format!("epoch {}, {words}", run.epoch + 1);
        cx.title(&scope).show(ui, |ui| {
            self.places.reset(ui);
        });
        self.tools(ui, cx, &all);
        let k = type_scale(ui);
        let (outer, frame) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
        let x = self.places.range(all.tree.n);
        let scale = (outer.width() - k * 56.0) / (x[1] - x[0]).max(1.0) as f32;
        let below = k * (valleys::MARK + 18.0) + valleys::thumbs(&painted.valleys, outer.height(), scale);
        let inner = Rect::from_min_max(outer.min + k * vec2(34.0, 8.0), outer.max - vec2(k * 22.0, below));
        if inner.width() < 60.0 || inner.height() < 40.0 {
            self.painted = Some(painted);
            return Ok(());
        }
        let images = ticks::counted(all.tree.n, "image", "images");
        frame.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("reachability of {images}: {words}")));
        let plot =
            Fixed { outer, inner, x, y: [0.0, 1.0], caption: "images in a row, height: the radius that joins them" };
        let picture = Picture { plot: &plot, all: &all, painted: &painted, radii: [eps - delta_d, eps, eps + delta_d] };
        image_row::grid(ui, &plot);
        bars::draw(ui, &picture);
        bars::line(ui, cx, &picture);
        valleys::draw(ui, cx, &picture, &run);
        self.hand(ui, cx, &frame, &picture, &run);
        eps::handle(ui, cx, &plot, "eps across the valleys");
        self.painted = Some(painted);
        Ok(())
    }

    fn exchange(&mut self, kept: &mut Self) {
        std::mem::swap(&mut self.places, &mut kept.places);
    }
}

impl ReachabilityPanel {
    /// The rules of thumb with what each would give, and the colouring.
    fn tools(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, all: &Hierarchy) {
        let proposals = [
            ("most stable", all.suggested.stable, "Where the most stable branches of the condensed tree are cut."),
            (
                "knee",
                all.suggested.knee,
                "Where the k-distance curve bends upward; not there where it bends downward only.",
            ),
            (
                "mean of the smallest",
                all.suggested.mean_smallest,
                "SSG: the mean of the smallest 1.6 ‰ of all distances.",
            ),
        ];
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let chosen = format!("colour {}", self.colouring.words());
            let (name, tip) = ("Colour of the valleys", self.colouring.help());
            let list = Choice { salt: "reachability colours", name, chosen: &chosen, tip, width: 118.0 };
            list.show(ui, &mut self.colouring, Colouring::options(cx.truth));
            if self.colouring == Colouring::Identity {
                chip::ground_truth(ui);
            }
            for (name, eps, help) in proposals {
                let Some(eps) = eps.map(|e| (e * 100.0).round() / 100.0) else { continue };
                let words = format!("{name} {}", ticks::number(eps, 2));
                let tip = || {
                    let labels = all.tree.labels(eps);
                    let noise = labels.iter().filter(|&&l| l < 0).count();
                    let clusters = crate::method::cluster::count_clusters(&labels);
                    let found = ticks::counted(clusters, "cluster", "clusters");
                    format!(
                        "{help} It would give {found} and leave {} without one. Click to try it.",
                        ticks::count(noise)
                    )
                };
                let response = ui.add(Push::new(&words).look(ButtonLook::Flat).small()).on_hover_ui(|ui| {
                    ui.label(tip());
                });
                if response.clicked() {
                    cx.attempt(Try::Value("eps", Value::Float(eps.clamp(0.05, 0.95))));
                    cx.attempt(Try::LetGo);
                }
            }
        });
    }

    fn painted(
        &mut self,
        cx: &PanelCtx<'_>,
        all: &Arc<Hierarchy>,
        run: &Arc<ShownClustering>,
        tried: Option<Arc<WhatIfOutcome>>,
    ) -> Painted {
        let same = |a: &Option<Arc<WhatIfOutcome>>| match (a, &tried) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        if let Some(known) = self.painted.take()
            && Arc::ptr_eq(&known.of, all)
            && Arc::ptr_eq(&known.run, run)
            && same(&known.tried)
            && (known.colouring, known.dark) == (self.colouring, cx.theme.dark)
        {
            return known;
        }
        let labels = Labels::of(run, tried.as_deref());
        let eps = tried.as_ref().map_or(run.facts.eps, |o| o.params.eps);
        let valleys = valleys::of(all, &labels, eps);
        let colours = self.colours(cx.theme, all, run, &labels);
        Painted {
            of: Arc::clone(all),
            run: Arc::clone(run),
            colouring: self.colouring,
            dark: cx.theme.dark,
            colours,
            valleys,
            tried,
        }
    }

    fn colours(&self, theme: &Theme, all: &Hierarchy, run: &ShownClustering, labels: &Labels<'_>) -> Vec<Color32> {
        let rows = run.images.as_ref().map_or(&[][..], |i| i.split(Split::Train));
        // Numbered as they are met, so that valleys side by side differ.
        let mut number: Vec<Option<usize>> = vec![None; labels.reliable.len()];
        let mut next = 0;
        let one = |&image: &u32| {
            let row = rows.get(image as usize);
            match (self.colouring, labels.cluster(image)) {
                (Colouring::Camera, _) => row.map_or(theme.t4, |r| theme.series(r.camid.max(0) as usize)),
                (Colouring::Score, _) => {
                    colours::score(theme, labels.score.get(image as usize).copied().unwrap_or(0.0) as f32)
                }
                (Colouring::Identity, _) => match row.map(|r| r.pid) {
                    Some(pid @ 0..) => theme.series(pid as usize),
                    _ => theme.outlier,
                },
                (_, None) => theme.outlier,
                (Colouring::Reliability, Some((_, reliable))) => {
                    if reliable {
                        theme.reliable
                    } else {
                        theme.unreliable
                    }
                }
                (Colouring::Cluster, Some((cluster, _))) => {
                    let slot = number.get_mut(cluster);
                    let n = slot.map_or(0, |slot| {
                        *slot.get_or_insert_with(|| {
                            next += 1;
                            next - 1
                        })
                    });
                    theme.series(n)
                }
            }
        };
        all.order.image.iter().map(one).collect()
    }

    /// Zoom by the wheel, pan by the right button, select by a drag or a click, look by hovering.
    fn hand(
        &mut self,
        ui: &mut Ui,
        cx: &PanelCtx<'_>,
        response: &Response,
        picture: &Picture<'_>,
        run: &Arc<ShownClustering>,
    ) {
        let plot = picture.plot;
        let n = picture.all.tree.n;
        let place = |x: f32| plot.x_at(x.clamp(plot.inner.left(), plot.inner.right()));
        self.places.follow(ui, response, plot, n);
        if let (true, Some(at)) = (response.dragged_by(PointerButton::Primary), response.interact_pointer_pos()) {
            let origin = ui.input(|i| i.pointer.press_origin()).unwrap_or(at);
            self.brush = Some([place(origin.x), place(at.x)]);
        } else if let Some([a, b]) = self.brush.take() {
            let range = (a.min(b).round() as usize).min(n)..(a.max(b).round() as usize).min(n);
            let mut picked = picture.all.order.image[range].to_vec();
            picked.sort_unstable();
            cx.select(Pick::Images(picked));
        }
        if let Some([a, b]) = self.brush {
            let area = Rect::from_x_y_ranges(plot.x_of(a.min(b))..=plot.x_of(a.max(b)), plot.inner.y_range());
            let stroke = egui::Stroke::new(size::STROKE, cx.theme.accent);
            ui.painter().rect(area, 0.0, cx.theme.accent.gamma_multiply(0.12), stroke, egui::StrokeKind::Inside);
            return;
        }
        let under = |x: f32| picture.all.order.image.get(place(x) as usize).copied();
        if response.clicked()
            && let Some(image) = response.interact_pointer_pos().and_then(|p| under(p.x))
        {
            cx.select(Pick::Member(image, run.facts.cluster_of(image)));
        }
        if let Some(at) = response.hover_pos().filter(|p| plot.inner.x_range().contains(p.x))
            && let Some(image) = under(at.x)
        {
            hover::show(ui, cx, picture, run, image, at);
        }
    }
}
