//! Clusters over eps: a row a radius, a disc a cluster, a line where images stay together from one row to the next (a
//! "clustree", Zappia and Oshlack 2018).

use std::sync::Arc;

use eframe::egui::{Align2, Color32, CursorIcon, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn, Pick};
use crate::gui::clustered::{ClusteringWatch, ShownClustering};
use crate::gui::plot::colours;
use crate::gui::plot::image_row::TreePlaces;
use crate::gui::plot::{Fixed, ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::what_if::Try;
use crate::gui::widgets::button::focus_ring;
use crate::gui::widgets::combo::Choice;
use crate::gui::widgets::hover_card;
use crate::gui::widgets::thumb;
use crate::gui::words::share;
use crate::method::lineage::{Flow, flows};
use crate::method::params::Value;
use crate::method::tree::ladder::{Ladder, Rung, RungCluster};

/// What the colour of a disc says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Colouring {
    #[default]
    Stability,
    Eq8,
}

impl Colouring {
    const ALL: [Self; 2] = [Self::Stability, Self::Eq8];

    fn words(self) -> &'static str {
        match self {
            Self::Stability => "colour stability",
            Self::Eq8 => "colour Eq. 8",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Stability => {
                "SC3's stability: how much of a cluster is one cluster at the other radii, too. Bright is stable."
            }
            Self::Eq8 => "Eq. 8 of the cluster at this radius, with Δd as it stands. Bright is reliable.",
        }
    }

    fn of(self, node: &RungCluster) -> f64 {
        match self {
            Self::Stability => node.stability,
            Self::Eq8 => node.score,
        }
    }
}

/// State of the Clustree panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClustreePanel {
    colouring: Colouring,
    #[serde(skip)]
    watch: ClusteringWatch,
    #[serde(skip)]
    places: TreePlaces,
    #[serde(skip)]
    drawn: Option<Drawn>,
}

/// The rows that are drawn and what flows between them.
struct Drawn {
    of: Arc<Ladder>,
    /// Rungs, ascending.
    rows: Vec<usize>,
    /// From each row to the next.
    flows: Vec<Vec<Flow>>,
}

/// A row needs so many points.
const ROW: f32 = 46.0;
/// Room for the radii at the left.
const LEFT: f32 = 46.0;

/// What one frame draws.
struct Picture<'a> {
    plot: Fixed<'a>,
    ladder: &'a Ladder,
    drawn: &'a Drawn,
    colouring: Colouring,
    /// Images in the largest cluster of all rows, and the radius of its disc.
    most: u32,
    largest: f32,
    run: &'a ShownClustering,
}

impl Panel for ClustreePanel {
    const TITLE: &'static str = "Clustree";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let (run, all) = self.watch.all_radii(ui, cx)?;
        let Some(ladder) = cx.what_if.ladder().filter(|l| l.rungs.iter().all(|r| r.labels.len() == all.tree.n)) else {
            return Err(Absence::Loading("cutting…"));
        };
        let scope = format!("epoch {}, clusters at {} radii", run.epoch + 1, ladder.rungs.len());
        cx.title(&scope).show(ui, |ui| {
            self.places.reset(ui);
            let (chosen, tip) = (self.colouring.words(), self.colouring.help());
            let list = Choice { salt: "clustree colours", name: "Colour of the discs", chosen, tip, width: 118.0 };
            list.show(ui, &mut self.colouring, Colouring::ALL.map(|by| (by, by.words(), by.help())));
        });
        let k = type_scale(ui);
        let (outer, frame) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
        let small = Type::Small.font(ui);
        let width = |text: &String| ui.painter().layout_no_wrap(text.clone(), small.clone(), cx.theme.t2).size().x;
        let right = ladder.rungs.iter().flat_map(found).map(|text| width(&text)).fold(0.0, f32::max) + 10.0;
        let inner = Rect::from_min_max(outer.min + k * vec2(LEFT, 4.0), outer.max - vec2(right, 4.0 * k));
        let eps = cx.what_if.draft().eps;
        let Some(middle) = ladder.nearest(eps) else { return Ok(()) };
        let fitting = (inner.height() / (k * ROW)) as usize;
        if inner.width() < 60.0 || fitting < 2 {
            return Ok(());
        }
        // Every so many rungs, the one of eps among them.
        let stride = ladder.rungs.len().div_ceil(fitting).max(1);
        let rows: Vec<usize> = (0..ladder.rungs.len()).filter(|r| r % stride == middle % stride).collect();
        let known = self.drawn.take().filter(|d| Arc::ptr_eq(&d.of, &ladder) && d.rows == rows);
        let drawn = known.unwrap_or_else(|| {
            let labels = |at: usize| &ladder.rungs[at].labels;
            let flows = rows.windows(2).map(|w| flows(labels(w[0]), labels(w[1]))).collect();
            Drawn { of: Arc::clone(&ladder), rows, flows }
        });
        let most = drawn.rows.iter().flat_map(|&r| &ladder.rungs[r].clusters).map(|c| c.size).max().unwrap_or(1);
        let plot = Fixed {
            outer,
            inner,
            x: self.places.range(all.tree.n),
            y: [0.0, drawn.rows.len().max(1) as f64],
            caption: "",
        };
        frame.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("clusters at {} radii", drawn.rows.len())));
        self.places.follow(ui, &frame, &plot, all.tree.n);
        // As large as the rows allow, and small enough that the discs of the fullest row stand side by side.
        let side = |n: &RungCluster| (n.size as f32 / most as f32).sqrt();
        let fullest = |row: &usize| ladder.rungs[*row].clusters.iter().map(side).sum::<f32>();
        let fullest = drawn.rows.iter().map(fullest).fold(1.0, f32::max);
        let seen = all.tree.n.max(1) as f32 / (plot.x[1] - plot.x[0]) as f32;
        let largest =
            (0.36 * inner.height() / drawn.rows.len().max(1) as f32).min(0.5 * inner.width() * seen / fullest);
        let colouring = self.colouring;
        let picture = Picture { plot, ladder: &ladder, drawn: &drawn, colouring, most, largest, run: &run };
        picture.show(ui, cx, middle);
        picture.hand(ui, cx, frame.hover_pos(), frame.clicked());
        self.drawn = Some(drawn);
        Ok(())
    }

    fn exchange(&mut self, kept: &mut Self) {
        std::mem::swap(&mut self.places, &mut kept.places);
    }
}

/// What stands at the right of a row: its clusters, and the images in none.
fn found(rung: &Rung) -> [String; 2] {
    let noise = format!("{} in none", ticks::count(rung.noise as usize));
    [ticks::counted(rung.clusters.len(), "cluster", "clusters"), noise]
}

impl Picture<'_> {
    fn y(&self, row: usize) -> f32 {
        self.plot.y_of(row as f64 + 0.5)
    }

    fn radius(&self, node: &RungCluster) -> f32 {
        (self.largest * (node.size as f32 / self.most as f32).sqrt()).max(1.5)
    }

    fn center(&self, row: usize, node: &RungCluster) -> Pos2 {
        pos2(self.plot.x_of(f64::from(node.place) + 0.5), self.y(row))
    }

    fn color(&self, theme: &Theme, node: &RungCluster) -> Color32 {
        match self.colouring.of(node) {
            value if value.is_nan() => theme.bg4,
            value => colours::score(theme, value as f32),
        }
    }

    fn show(&self, ui: &mut Ui, cx: &PanelCtx<'_>, middle: usize) {
        let theme = cx.theme;
        let tried = cx.what_if.base().is_some_and(|b| (b.params.eps - cx.what_if.draft().eps).abs() > 1e-9);
        for (row, &rung) in self.drawn.rows.iter().enumerate() {
            let y = self.y(row);
            if rung == middle {
                let band = self.plot.inner.with_min_y(y - 2.0).with_max_y(y + 2.0);
                let ink = if tried { theme.what_if } else { theme.t1 };
                ui.painter().rect_filled(band, 0.0, ink.gamma_multiply(0.25));
            }
            self.label(ui, cx, row, rung, rung == middle);
        }
        let painter = ui.painter().with_clip_rect(self.plot.inner.expand2(vec2(8.0, 4.0)));
        for (row, flows) in self.drawn.flows.iter().enumerate() {
            let [below, above] = [row, row + 1].map(|r| &self.ladder.rungs[self.drawn.rows[r]].clusters);
            for flow in flows {
                let (Some(from), Some(to)) = (flow.earlier, flow.later) else { continue };
                let (Some(from), Some(to)) = (below.get(from as usize), above.get(to as usize)) else { continue };
                let kept = flow.images as f32 / from.size.max(1) as f32;
                let width = (2.0 * self.radius(from).min(self.radius(to)) * 0.4 * kept).clamp(0.6, 10.0);
                let ink = theme.t3.gamma_multiply(0.25 + 0.55 * kept);
                painter.line_segment([self.center(row, from), self.center(row + 1, to)], Stroke::new(width, ink));
            }
        }
        for (row, &rung) in self.drawn.rows.iter().enumerate() {
            for node in &self.ladder.rungs[rung].clusters {
                painter.circle_filled(self.center(row, node), self.radius(node), self.color(theme, node));
            }
        }
        self.photos(ui, cx);
    }

    /// A photo beside a disc where no other is near.
    fn photos(&self, ui: &Ui, cx: &PanelCtx<'_>) {
        let [width, height] = size::THUMBS[0];
        for (row, &rung) in self.drawn.rows.iter().enumerate() {
            let mut nodes: Vec<(f32, f32, u32)> = self.ladder.rungs[rung]
                .clusters
                .iter()
                .map(|n| (self.center(row, n).x, self.radius(n), n.face))
                .collect();
            nodes.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (at, &(x, radius, face)) in nodes.iter().enumerate() {
                let left = x + radius + 2.0;
                let next = nodes.get(at + 1).map_or(self.plot.inner.right(), |n| n.0 - n.1);
                if left < self.plot.inner.left() || next - left < width + 3.0 {
                    continue;
                }
                let cell = Rect::from_min_size(pos2(left, self.y(row) - height / 2.0), vec2(width, height));
                thumb::paint(ui, cx.images, self.run.images.as_deref(), face, cell, 1.0);
            }
        }
    }

    /// The radius of a row, which a click tries, and the images in no cluster there.
    fn label(&self, ui: &mut Ui, cx: &PanelCtx<'_>, row: usize, rung: usize, on: bool) {
        let theme = cx.theme;
        let rung = &self.ladder.rungs[rung];
        let small = Type::Small.font(ui);
        let y = self.y(row);
        let place =
            Rect::from_min_max(pos2(self.plot.outer.left(), y - 11.0), pos2(self.plot.inner.left() - 4.0, y + 11.0));
        let name = format!("row{row}");
        let response = ui.interact(place, ui.scope_id().with(name), Sense::click());
        let clusters = ticks::counted(rung.clusters.len(), "cluster", "clusters");
        let words = format!("Try eps {}: {clusters}", ticks::number(rung.eps, 3));
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, words.as_str()));
        focus_ring(ui, &response, place, size::RADIUS_INPUT);
        if response.hovered() {
            ui.painter().rect_filled(place, size::RADIUS_INPUT, theme.bg3);
        }
        let ink = if on { theme.t1 } else { theme.t2 };
        ui.painter().text(place.right_center(), Align2::RIGHT_CENTER, ticks::number(rung.eps, 3), small.clone(), ink);
        let right = pos2(self.plot.outer.right(), y);
        let [clusters, noise] = found(rung);
        ui.painter().text(right - vec2(0.0, 1.0), Align2::RIGHT_BOTTOM, clusters, small.clone(), theme.t2);
        ui.painter().text(right + vec2(0.0, 1.0), Align2::RIGHT_TOP, noise, small, theme.t3);
        if response.clicked() {
            cx.attempt(Try::Value("eps", Value::Float(rung.eps)));
            cx.attempt(Try::LetGo);
        }
        response.on_hover_cursor(CursorIcon::PointingHand).on_hover_text(format!("{words}. Nothing is trained."));
    }

    /// A click selects the images of a disc; hovering says what it is.
    fn hand(&self, ui: &Ui, cx: &PanelCtx<'_>, pointer: Option<Pos2>, clicked: bool) {
        let Some(at) = pointer.filter(|p| self.plot.inner.expand(6.0).contains(*p)) else { return };
        let row = (self.plot.y_at(at.y).max(0.0) as usize).min(self.drawn.rows.len() - 1);
        let rung = &self.ladder.rungs[self.drawn.rows[row]];
        let near = |node: &RungCluster| self.center(row, node).distance(at) - self.radius(node);
        let found = rung.clusters.iter().enumerate().map(|(c, n)| (near(n), c, n)).min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, cluster, node)) = found.filter(|(away, ..)| *away < 5.0) else { return };
        if clicked {
            let of_cluster = |&(_, &l): &(u32, &i32)| usize::try_from(l) == Ok(cluster);
            cx.select(Pick::Images((0u32..).zip(&rung.labels).filter(of_cluster).map(|(i, _)| i).collect()));
            cx.select(Pick::Member(node.face, self.run.facts.cluster_of(node.face)));
        }
        let theme = cx.theme;
        let outline = Stroke::new(size::STROKE_HERO, theme.accent);
        ui.painter().circle_stroke(self.center(row, node), self.radius(node) + 1.0, outline);
        let lines = vec![
            ticks::counted(node.size as usize, "image", "images"),
            format!("eps {}", ticks::number(rung.eps, 3)),
            format!("Eq. 8 {}", share(node.score)),
            format!("stability {}", share(node.stability)),
        ];
        let face = (self.run.images.as_deref(), node.face);
        hover_card::show(ui, cx, face, (self.plot.outer, at, 14.0), hover_card::small(cx, lines));
    }
}
