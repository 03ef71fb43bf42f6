//! The condensed tree: every cluster that lasts, as long as it lasts and as wide as it has images, with its photo. eps
//! is a line to drag across it.

mod draw;

use std::sync::Arc;

use eframe::egui::{Rect, Role, Sense, Ui, WidgetInfo, vec2};
use serde::{Deserialize, Serialize};

use super::{Panel, PanelCtx, PanelDrawn};
use crate::gui::clustered::{ClusteringWatch, ShownClustering};
use crate::gui::plot::eps;
use crate::gui::plot::image_row::{self, TreePlaces};
use crate::gui::plot::{Fixed, ticks, type_scale};
use crate::gui::widgets::combo::Choice;
use crate::method::cluster::count_clusters;
use crate::method::tree::Hierarchy;
use crate::method::tree::icicle::{BranchPiece, pieces};
use crate::method::tree::ladder::Ladder;

/// What the colour of a branch says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Colouring {
    #[default]
    Eq8,
    Stability,
}

impl Colouring {
    const ALL: [Self; 2] = [Self::Eq8, Self::Stability];

    fn words(self) -> &'static str {
        match self {
            Self::Eq8 => "colour Eq. 8",
            Self::Stability => "colour stability",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Eq8 => {
                "Eq. 8 of the cluster that a branch is at each radius, with Δd as it stands. Bright is reliable."
            }
            Self::Stability => "Excess of mass of each branch, in proportion to the most stable one. Bright is stable.",
        }
    }
}

/// State of the Condensed tree panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CondensedPanel {
    colouring: Colouring,
    #[serde(skip)]
    watch: ClusteringWatch,
    #[serde(skip)]
    places: TreePlaces,
    #[serde(skip)]
    made: Option<Made>,
}

/// What depends on the hierarchy alone.
struct Made {
    of: Arc<Hierarchy>,
    pieces: Vec<BranchPiece>,
    /// `[branches]` the densest image.
    faces: Vec<u32>,
    /// The largest stability of a branch.
    most: f64,
    /// The radius of the last count, the clusters there, and the images in none.
    cut: (f64, usize, usize),
}

impl Made {
    fn new(all: &Arc<Hierarchy>) -> Self {
        let core = |i: u32| all.tree.core[i as usize];
        let face = |start: u32, size: u32| {
            let images = &all.order.image[start as usize..(start + size) as usize];
            images.iter().copied().min_by(|&a, &b| core(a).total_cmp(&core(b)).then(a.cmp(&b))).unwrap_or(0)
        };
        let branches = &all.condensed.branches;
        Self {
            pieces: pieces(&all.condensed, &all.order),
            faces: branches.iter().map(|b| face(b.start, b.size)).collect(),
            most: branches.iter().skip(1).map(|b| b.stability).fold(0.0, f64::max),
            cut: (f64::NAN, 0, 0),
            of: Arc::clone(all),
        }
    }
}

/// What one frame draws.
struct Picture<'a> {
    plot: &'a Fixed<'a>,
    all: &'a Hierarchy,
    made: &'a Made,
    ladder: Option<&'a Ladder>,
    colouring: Colouring,
    run: &'a ShownClustering,
}

impl Panel for CondensedPanel {
    const TITLE: &'static str = "Condensed tree";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let (run, all) = self.watch.all_radii(ui, cx)?;
        let known = self.made.take().filter(|m| Arc::ptr_eq(&m.of, &all));
        let mut made = known.unwrap_or_else(|| Made::new(&all));
        let ladder = cx.what_if.ladder();
        let draft = cx.what_if.draft();
        let (eps, delta_d) = (draft.eps, draft.delta_d);
        if made.cut.0 != eps {
            let labels = all.tree.labels(eps);
            made.cut = (eps, count_clusters(&labels), labels.iter().filter(|&&l| l < 0).count());
        }
        let (_, clusters, noise) = made.cut;
        let words = format!(
            "{} at eps {}, {} in none",
            ticks::counted(clusters, "cluster", "clusters"),
            ticks::number(eps, 2),
            ticks::counted(noise, "image", "images"),
        );
        let scope = format!("epoch {}, {words}", run.epoch + 1);
        cx.title(&scope).show(ui, |ui| {
            self.places.reset(ui);
            let (chosen, tip) = (self.colouring.words(), self.colouring.help());
            let list = Choice { salt: "condensed colours", name: "Colour of the branches", chosen, tip, width: 118.0 };
            list.show(ui, &mut self.colouring, Colouring::ALL.map(|by| (by, by.words(), by.help())));
        });
        let k = type_scale(ui);
        let (outer, frame) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
        let inner = Rect::from_min_max(outer.min + k * vec2(34.0, 8.0), outer.max - k * vec2(22.0, 18.0));
        if inner.width() < 60.0 || inner.height() < 40.0 {
            self.made = Some(made);
            return Ok(());
        }
        let branches = ticks::counted(all.condensed.branches.len().saturating_sub(1), "branch", "branches");
        let images = ticks::counted(all.tree.n, "image", "images");
        let said = format!("condensed tree of {images}: {branches}, {words}");
        frame.widget_info(|| WidgetInfo::labeled(Role::Image, true, said.as_str()));
        let x = self.places.range(all.tree.n);
        let caption = "images in a row; height: the radius up to which a branch is a cluster of its own";
        let plot = Fixed { outer, inner, x, y: [0.0, 1.0], caption };
        let picture = Picture {
            plot: &plot,
            all: &all,
            made: &made,
            ladder: ladder.as_deref(),
            colouring: self.colouring,
            run: &run,
        };
        image_row::grid(ui, &plot);
        draw::branches(ui, cx, &picture);
        eps::line(ui, cx, &plot, [eps - delta_d, eps, eps + delta_d]);
        self.places.follow(ui, &frame, &plot, all.tree.n);
        draw::hand(ui, cx, &frame, &picture);
        eps::handle(ui, cx, &plot, "eps across the branches");
        self.made = Some(made);
        Ok(())
    }

    fn exchange(&mut self, kept: &mut Self) {
        std::mem::swap(&mut self.places, &mut kept.places);
    }
}
