//! The points as they stand: travelling from layout to layout, coloured, and kept as a mesh until something changes.

use std::sync::Arc;

use eframe::egui::{Mesh, Pos2, Rect, Shape, Ui, Vec2};

use super::grid::PointGrid;
use super::layouts::{Key, PlaneLayout};
use super::lens::{Lens, LensPlace};
use super::points::{GlyphSheets, mesh, radius};
use crate::gui::job::Job;
use crate::gui::pace::Pace;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::colours::{self, Colouring, PointMark, Scheme, dense, greedy};
use crate::run::images::ImageRow;
use crate::run::snapshot::ClusterSnapshot;

/// Seconds that points travel.
const TRAVEL: f64 = 0.4;

/// What is to be seen in a frame.
pub struct Seen<'a> {
    /// Whether it is t-SNE, and of which clustering: when that changes, points travel.
    pub key: (bool, &'a Key),
    /// The clustering: the run's, or the one that is tried.
    pub snapshot: &'a Arc<ClusterSnapshot>,
    /// The run's, whose clusters are selected.
    pub run: &'a Arc<ClusterSnapshot>,
    /// Where the points are.
    pub layout: &'a Arc<PlaneLayout>,
    /// The images of the train split; empty when they are not known.
    pub rows: &'a [ImageRow],
    /// What the colour says.
    pub colouring: Colouring,
    /// What part is seen.
    pub lens: Lens,
    /// Whether the layout will stay.
    pub settled: bool,
}

/// Points on their way.
struct Travel {
    from: Vec<Pos2>,
    half: Vec2,
    began: f64,
}

/// What colours were made of.
#[derive(Clone)]
struct Basis {
    snapshot: Arc<ClusterSnapshot>,
    colouring: Colouring,
    images: bool,
    settled: bool,
}

impl Basis {
    fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.snapshot, &other.snapshot)
            && (self.colouring, self.images, self.settled) == (other.colouring, other.images, other.settled)
    }
}

/// The look of all points, and what it was made of.
struct Look {
    basis: Basis,
    dark: bool,
    scheme: Option<Arc<Scheme>>,
    marks: Arc<Vec<PointMark>>,
}

/// Layout, marks and picked rows of the mesh.
type Held = (Arc<PlaneLayout>, Arc<Vec<PointMark>>, Arc<Vec<u32>>);

/// All that decides what the mesh looks like.
#[derive(PartialEq)]
struct Frame {
    layout: usize,
    marks: usize,
    picked: usize,
    place: LensPlace,
    zoom: f32,
    pixels: f32,
    cluster: Option<u32>,
}

/// What is drawn, and what it was drawn from.
#[derive(Default)]
pub struct MapPicture {
    components: Option<(Arc<ClusterSnapshot>, Option<Arc<PlaneLayout>>)>,
    /// The layout on screen and whose it is.
    layout: Option<(bool, Key, Arc<PlaneLayout>)>,
    travel: Option<Travel>,
    grid: Option<(Arc<PlaneLayout>, PointGrid)>,
    scheme: Option<(Basis, Arc<Scheme>)>,
    making: Option<Basis>,
    job: Job<Scheme>,
    look: Option<Look>,
    mesh: Option<(Frame, Arc<Mesh>)>,
    sheets: GlyphSheets,
    /// What `Frame` names by address is kept, so that no address comes to mean something else.
    held: Option<Held>,
}

impl MapPicture {
    /// The layout of the snapshot's principal components; `None` when it has none.
    pub fn components(&mut self, snapshot: &Arc<ClusterSnapshot>) -> Option<Arc<PlaneLayout>> {
        if let Some((of, layout)) = &self.components
            && Arc::ptr_eq(of, snapshot)
        {
            return layout.clone();
        }
        let whole = !snapshot.pca.is_empty() && snapshot.pca.len() == 2 * snapshot.labels.len();
        let layout = whole.then(|| Arc::new(PlaneLayout::of(&snapshot.pca)));
        self.components = Some((Arc::clone(snapshot), layout.clone()));
        layout
    }

    /// The layout that was shown last, if it is of as many images.
    pub fn last(&self, n: usize) -> Option<Arc<PlaneLayout>> {
        self.layout.as_ref().map(|(.., layout)| Arc::clone(layout)).filter(|l| l.at.len() == n)
    }

    /// Whether points are on their way.
    pub fn travels(&self) -> bool {
        self.travel.is_some()
    }

    /// The point nearest to a place in the plane, within `reach`.
    pub fn nearest(&self, layout: &PlaneLayout, at: Pos2, reach: f32) -> Option<usize> {
        let (_, grid) = self.grid.as_ref()?;
        grid.nearest(&layout.at, at, reach)
    }

    /// Paints the points and says where the plane lies on the screen.
    pub fn paint(&mut self, ui: &Ui, cx: &PanelCtx<'_>, seen: &Seen<'_>, rect: Rect) -> LensPlace {
        self.follow(ui, seen);
        let marks = self.marks(ui, cx, seen);
        let zoom = seen.lens.zoom;
        let n = seen.layout.at.len();
        let bright = bright(cx, seen.run);
        let bright = bright.as_ref().map(|b| b as &dyn Fn(usize) -> bool);
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        if let Some((at, half)) = self.on_the_way(ui, seen) {
            let place = seen.lens.over(rect, half);
            let drawn = mesh((ui.ctx(), &mut self.sheets), &place, &at, &marks, radius(&place, n, zoom), bright);
            painter.add(Shape::Mesh(Arc::new(drawn)));
            return place;
        }
        let place = seen.lens.over(rect, seen.layout.half);
        if self.grid.as_ref().is_none_or(|(of, _)| !Arc::ptr_eq(of, seen.layout)) {
            self.grid = Some((Arc::clone(seen.layout), PointGrid::of(&seen.layout.at)));
        }
        let frame = Frame {
            layout: Arc::as_ptr(seen.layout) as usize,
            marks: Arc::as_ptr(&marks) as usize,
            picked: Arc::as_ptr(&cx.selection.picked) as usize,
            place,
            zoom,
            pixels: ui.pixels_per_point(),
            cluster: cx.selection.cluster,
        };
        let drawn = match &self.mesh {
            Some((of, mesh)) if *of == frame => Arc::clone(mesh),
            _ => {
                let r = radius(&place, n, zoom);
                let drawn = Arc::new(mesh((ui.ctx(), &mut self.sheets), &place, &seen.layout.at, &marks, r, bright));
                self.mesh = Some((frame, Arc::clone(&drawn)));
                self.held = Some((Arc::clone(seen.layout), marks, Arc::clone(&cx.selection.picked)));
                drawn
            }
        };
        painter.add(Shape::Mesh(drawn));
        place
    }

    /// Begins a journey when the points are those of another epoch or method.
    fn follow(&mut self, ui: &Ui, seen: &Seen<'_>) {
        let (tsne, key) = seen.key;
        let moved = match &self.layout {
            Some((was, of, layout)) => {
                if Arc::ptr_eq(layout, seen.layout) {
                    return;
                }
                let other = *was != tsne || of != key;
                (other && layout.at.len() == seen.layout.at.len()).then(|| Arc::clone(layout))
            }
            None => None,
        };
        // No motion where the user asked for none, or where it would hold up the training.
        let moves = ui.style().animation_time > 0.0 && Pace::of(ui.ctx()).moves();
        if let Some(old) = moved.filter(|_| moves) {
            let (from, half) = self.on_the_way(ui, seen).unwrap_or_else(|| (old.at.clone(), old.half));
            self.travel = Some(Travel { from, half, began: ui.input(|i| i.time) });
        }
        self.layout = Some((tsne, key.clone(), Arc::clone(seen.layout)));
    }

    /// Where the points are while they travel.
    fn on_the_way(&mut self, ui: &Ui, seen: &Seen<'_>) -> Option<(Vec<Pos2>, Vec2)> {
        let travel = self.travel.as_ref()?;
        let t = (ui.input(|i| i.time) - travel.began) / TRAVEL;
        if t >= 1.0 || travel.from.len() != seen.layout.at.len() {
            self.travel = None;
            return None;
        }
        ui.ctx().request_repaint();
        let eased = 1.0 - (1.0 - t.max(0.0)).powi(3);
        let eased = eased as f32;
        let at = travel.from.iter().zip(&seen.layout.at).map(|(a, b)| a.lerp(*b, eased)).collect();
        Some((at, travel.half + (seen.layout.half - travel.half) * eased))
    }

    /// The look of all points, made anew when something it says has changed.
    fn marks(&mut self, ui: &Ui, cx: &PanelCtx<'_>, seen: &Seen<'_>) -> Arc<Vec<PointMark>> {
        let basis = Basis {
            snapshot: Arc::clone(seen.snapshot),
            colouring: seen.colouring,
            images: !seen.rows.is_empty(),
            settled: seen.settled,
        };
        let scheme = self.scheme_of(ui, &basis, seen);
        let same = |a: &Option<Arc<Scheme>>| match (a, &scheme) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        if let Some(look) = &self.look
            && look.basis.same(&basis)
            && look.dark == cx.theme.dark
            && same(&look.scheme)
        {
            return Arc::clone(&look.marks);
        }
        let marks = colours::marks(cx.theme, seen.colouring, seen.snapshot, scheme.as_deref(), seen.rows);
        self.look = Some(Look { basis, dark: cx.theme.dark, scheme, marks: Arc::clone(&marks) });
        marks
    }

    /// The colours of clusters or identities, worked out on a thread of their own; until then those of before.
    fn scheme_of(&mut self, ui: &Ui, basis: &Basis, seen: &Seen<'_>) -> Option<Arc<Scheme>> {
        if !matches!(basis.colouring, Colouring::Cluster | Colouring::Identity) {
            return None;
        }
        if let Some(found) = self.job.poll() {
            self.scheme = self.making.take().map(|of| (of, Arc::new(found)));
        }
        if self.scheme.as_ref().is_some_and(|(of, _)| of.same(basis)) {
            return self.scheme.as_ref().map(|(_, scheme)| Arc::clone(scheme));
        }
        let kind = |(of, scheme): &(Basis, Arc<Scheme>)| (of.colouring == basis.colouring).then(|| Arc::clone(scheme));
        let before = self.scheme.as_ref().and_then(kind);
        if self.making.as_ref().is_none_or(|of| !of.same(basis)) {
            let labels = match basis.colouring {
                Colouring::Identity => dense(seen.rows.iter().map(|r| r.pid)),
                _ => seen.snapshot.labels.clone(),
            };
            let (snapshot, layout, old) = (Arc::clone(seen.snapshot), Arc::clone(seen.layout), before.clone());
            self.job.start("colours of the map", ui.ctx(), move || {
                greedy(&labels, &snapshot.knn_index, snapshot.k, Some(&layout.at), old.as_deref())
            });
            self.making = Some(basis.clone());
        }
        // Colours of another clustering would say something wrong: they go on only over the same labels.
        let fits = |s: &Arc<Scheme>| s.labels.len() == seen.snapshot.labels.len();
        before.filter(fits)
    }
}

/// Which points stand out, where not all do: those picked, else those of the selected cluster.
fn bright(cx: &PanelCtx<'_>, snapshot: &Arc<ClusterSnapshot>) -> Option<impl Fn(usize) -> bool + use<>> {
    let picked = Arc::clone(&cx.selection.picked);
    let snapshot = Arc::clone(snapshot);
    let cluster = cx.selection.cluster.and_then(|c| i32::try_from(c).ok());
    let some = !picked.is_empty() || cluster.is_some();
    some.then_some(move |i: usize| match picked.is_empty() {
        true => snapshot.labels.get(i).copied() == cluster,
        false => picked.binary_search(&(i as u32)).is_ok(),
    })
}
