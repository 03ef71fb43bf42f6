//! The loop as a picture (Fig. 2 of the paper, drawn anew): a box a stage, holding what it has made in the epoch looked
//! at. The stage at work is lit; a click opens the panel that shows more.

use std::sync::Arc;

use eframe::egui::{
    Align2, Pos2, Rect, Role, ScrollArea, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use serde::{Deserialize, Serialize};

use super::{Absence, Pane, Panel, PanelCtx, PanelDrawn};
use crate::gui::clustered::{ClusteringWatch, ShownClustering};
use crate::gui::command::UiCommand;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::recorded;
use crate::gui::theme::{Type, size};
use crate::gui::view_model::EpochPart;
use crate::gui::widgets::button::{ButtonLook, Push, focus_ring};
use crate::gui::widgets::{icon, thumb};
use crate::gui::words::epoch_words;
use crate::run::event::{Phase, Stage};
use crate::run::training::TrainingSnapshot;

/// State of the Loop panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LoopPanel {
    #[serde(skip)]
    watch: ClusteringWatch,
}

/// A box of the picture.
#[derive(Clone, Copy, PartialEq)]
enum LoopBox {
    Photos,
    Extract,
    Cluster,
    Keep,
    Remember,
    Train,
}

impl LoopBox {
    const ALL: [Self; 6] = [Self::Photos, Self::Extract, Self::Cluster, Self::Keep, Self::Remember, Self::Train];

    fn title(self) -> &'static str {
        match self {
            Self::Photos => "photos",
            Self::Extract => "extract",
            Self::Cluster => "cluster",
            Self::Keep => "keep",
            Self::Remember => "remember",
            Self::Train => "train",
        }
    }

    fn pane(self) -> Pane {
        match self {
            Self::Photos => Pane::Batch,
            Self::Extract => Pane::Map,
            Self::Cluster => Pane::Browser,
            Self::Keep => Pane::Reliability,
            Self::Remember => Pane::Memory,
            Self::Train => Pane::Loss,
        }
    }

    /// Whether it is at work in that stage.
    fn works(self, stage: Stage) -> bool {
        match stage {
            Stage::Prepare | Stage::Evaluate => false,
            Stage::Pretrain => matches!(self, Self::Photos | Self::Train),
            Stage::Extract => matches!(self, Self::Photos | Self::Extract),
            Stage::Cluster => matches!(self, Self::Cluster | Self::Keep),
            Stage::Adapt => matches!(self, Self::Photos | Self::Remember | Self::Train),
        }
    }
}

impl Panel for LoopPanel {
    const TITLE: &'static str = "The loop";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let shown = match self.watch.get(ui, cx) {
            Ok(shown) => Some(shown),
            Err(Absence::Loading(_)) => None,
            Err(_) if cx.view.folder.is_none() => {
                let text = "Extract, cluster, keep, remember, train: once a run goes on, each box shows what it holds.";
                return Err(Absence::nothing(icon::RESET, "No run on screen", text));
            }
            Err(_) => None,
        };
        let epoch = cx.view.newest_snapshot(EpochPart::Clusters, cx.selection.epoch);
        let scope = epoch.map_or("before the first epoch".to_owned(), epoch_words);
        cx.title(&scope).plain(ui);
        let training = epoch.and_then(|e| cx.snapshots.training(cx.view, e).ready().cloned());
        let picture = Picture { cx, shown: shown.as_deref(), training, epoch };
        picture.show(ui);
        Ok(())
    }
}

struct Picture<'a> {
    cx: &'a PanelCtx<'a>,
    shown: Option<&'a ShownClustering>,
    training: Option<Arc<TrainingSnapshot>>,
    epoch: Option<usize>,
}

impl Picture<'_> {
    /// Three boxes above, from left to right; three below, back again.
    fn show(&self, ui: &mut Ui) {
        let k = type_scale(ui);
        let room = ui.available_rect_before_wrap().shrink2(vec2(4.0, 6.0));
        let gap = vec2((0.06 * room.width()).clamp(18.0, 54.0), (0.09 * room.height()).clamp(16.0, 44.0));
        let cell = vec2((room.width() - 2.0 * gap.x) / 3.0, (room.height() - gap.y) / 2.0);
        if cell.x < k * 84.0 || cell.y < k * 40.0 {
            return self.names(ui);
        }
        let place = |which: LoopBox| {
            let (column, row) = match which {
                LoopBox::Photos => (0, 0),
                LoopBox::Extract => (1, 0),
                LoopBox::Cluster => (2, 0),
                LoopBox::Keep => (2, 1),
                LoopBox::Remember => (1, 1),
                LoopBox::Train => (0, 1),
            };
            let min = room.min + vec2(column as f32 * (cell.x + gap.x), row as f32 * (cell.y + gap.y));
            Rect::from_min_size(min, cell)
        };
        for (i, which) in LoopBox::ALL.into_iter().enumerate() {
            self.draw(ui, which, place(which), k);
            let next = LoopBox::ALL[(i + 1) % LoopBox::ALL.len()];
            self.arrow(ui, place(which), place(next));
        }
    }

    /// The boxes by name alone, where there is no room for pictures.
    fn names(&self, ui: &mut Ui) {
        ScrollArea::vertical().id_salt("boxes").auto_shrink([false, false]).show(ui, |ui| {
            for which in LoopBox::ALL {
                let button = ui.add(Push::new(which.title()).look(ButtonLook::Framed).small());
                let said = format!("{}: {}", which.title(), self.told(which));
                if button.accessible_name(&said).on_hover_text(said).clicked() {
                    self.cx.send(UiCommand::ShowPane(which.pane()));
                }
            }
        });
    }

    fn arrow(&self, ui: &Ui, from: Rect, to: Rect) {
        let (a, b) = if (from.center().y - to.center().y).abs() < 1.0 {
            let y = from.center().y;
            let (x0, x1) = if from.left() < to.left() { (from.right(), to.left()) } else { (from.left(), to.right()) };
            (pos2(x0, y), pos2(x1, y))
        } else {
            let x = from.center().x;
            let (y0, y1) = if from.top() < to.top() { (from.bottom(), to.top()) } else { (from.top(), to.bottom()) };
            (pos2(x, y0), pos2(x, y1))
        };
        let along = (b - a).normalized();
        let stroke = Stroke::new(size::STROKE_HERO, self.cx.theme.t3);
        ui.painter().arrow(a + 3.0 * along, b - a - 6.0 * along, stroke);
    }

    fn draw(&self, ui: &mut Ui, which: LoopBox, place: Rect, k: f32) {
        let theme = self.cx.theme;
        let lit = self.cx.view.is_running() && self.cx.view.stage.is_some_and(|stage| which.works(stage));
        let response = ui.interact(place, ui.scope_id().with(which.title()), Sense::click());
        let told = self.told(which);
        let now = if lit { ", at work" } else { "" };
        let said = format!("{}: {told}{now}. Opens {}", which.title(), which.pane().title());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, said.as_str()));
        let fill = match (lit, response.hovered()) {
            (true, _) => theme.accent_bg,
            (_, true) => theme.bg3,
            _ => theme.bg2,
        };
        let edge =
            if lit { Stroke::new(size::STROKE_HERO, theme.accent) } else { Stroke::new(size::STROKE, theme.line2) };
        ui.painter().rect(place, size::RADIUS_FLOAT, fill, edge, StrokeKind::Inside);
        focus_ring(ui, &response, place, size::RADIUS_FLOAT);
        let head = k * 18.0;
        let at = place.left_top() + vec2(10.0, 4.0 + head / 2.0);
        let painter = ui.painter_at(place.shrink(2.0));
        let name = painter.text(at, Align2::LEFT_CENTER, which.title(), Type::Title.font(ui), theme.t1);
        let galley = painter.layout_no_wrap(told, Type::Small.font(ui), theme.t3);
        if name.right() + 10.0 + galley.size().x < place.right() - 8.0 {
            painter.galley(pos2(name.right() + 10.0, at.y - galley.size().y / 2.0), galley, theme.t3);
        }
        let inside = place.shrink(10.0).with_min_y(place.top() + head + 10.0);
        if inside.height() > 20.0 {
            self.contents(ui, which, inside);
        }
        if response.on_hover_text(format!("Opens {}: {}", which.pane().title(), which.pane().help())).clicked() {
            self.cx.send(UiCommand::ShowPane(which.pane()));
        }
    }

    /// One number of the box.
    fn told(&self, which: LoopBox) -> String {
        let summary = self.epoch.and_then(|e| self.cx.view.clusters.get(&e)).map(|c| &c.summary);
        let Some(s) = summary else { return "to come".to_owned() };
        match which {
            LoopBox::Photos => ticks::counted(s.images, "photo without a name", "photos without names"),
            LoopBox::Extract => ticks::counted(s.images, "point", "points"),
            LoopBox::Cluster => format!(
                "{}, {} in none",
                ticks::counted(s.clusters[0], "cluster", "clusters"),
                ticks::count(s.noise[0])
            ),
            LoopBox::Keep => format!("{} of {} kept", ticks::count(s.reliable), ticks::count(s.clusters[0])),
            LoopBox::Remember => match &self.training {
                Some(t) if !t.memory.row_turned.is_empty() => {
                    let last = t.memory.row_turned.last().copied().unwrap_or(0.0);
                    format!("a row turns {}°", ticks::number(f64::from(last), 1))
                }
                _ => "rows and centroids".to_owned(),
            },
            LoopBox::Train => {
                let loss = self.losses().last().map(|(_, y)| *y);
                loss.map_or("to come".to_owned(), |y| format!("loss {}", ticks::number(y, 2)))
            }
        }
    }

    /// The smoothed loss up to the end of the epoch looked at.
    fn losses(&self) -> Vec<(f64, f64)> {
        let end = self.epoch.map_or(f64::INFINITY, |e| (e + 1) as f64);
        self.cx.view.curves(Phase::Adapt).loss.smoothed().filter(|(x, _)| *x <= end).collect()
    }

    fn contents(&self, ui: &mut Ui, which: LoopBox, room: Rect) {
        match which {
            LoopBox::Photos => self.photos(ui, room),
            LoopBox::Extract => self.points(ui, room),
            LoopBox::Cluster => self.clusters(ui, room),
            LoopBox::Keep => self.bars(ui, room),
            LoopBox::Remember => match &self.training {
                Some(t) if !t.memory.iters.is_empty() => {
                    let last = t.memory.iters.len() - 1;
                    recorded::trails(ui.painter(), room, &t.memory, last, None, self.cx.theme);
                }
                _ => self.blank(ui, room, "not recorded in this run"),
            },
            LoopBox::Train => self.curve(ui, room),
        }
    }

    fn blank(&self, ui: &Ui, room: Rect, words: &str) {
        let painter = ui.painter_at(room);
        let galley = painter.layout(words.to_owned(), Type::Small.font(ui), self.cx.theme.t3, room.width());
        if galley.size().y <= room.height() && galley.size().x <= room.width() {
            painter.galley(room.center() - galley.size() / 2.0, galley, self.cx.theme.t3);
        }
    }

    /// Photos of a batch, else the first of the split, in as many cells as there is room for.
    fn photos(&self, ui: &Ui, room: Rect) {
        let Some(shown) = self.shown else { return };
        let batch = self.training.as_ref().map(|t| t.batch.images.as_slice()).unwrap_or_default();
        let any: Vec<u32> = (0..shown.facts.labels.len().min(64) as u32).collect();
        let rows = if batch.is_empty() { &any } else { batch };
        strip(ui, self.cx, shown, room, rows);
    }

    fn points(&self, ui: &Ui, room: Rect) {
        let Some(shown) = self.shown.filter(|s| !s.facts.points.is_empty()) else { return };
        let painter = ui.painter_at(room);
        // Enough for a picture of this size.
        let every = (shown.facts.labels.len() / 600).max(1);
        for at in places(&shown.facts.points, room).into_iter().step_by(every) {
            painter.circle_filled(at, 1.6, self.cx.theme.t3);
        }
    }

    /// The largest clusters, a row each.
    fn clusters(&self, ui: &Ui, room: Rect) {
        let Some(shown) = self.shown else { return };
        let mut order: Vec<u32> = (0..shown.table.rows.len() as u32).collect();
        order.sort_by_key(|c| std::cmp::Reverse(shown.table.row(*c).map_or(0, |row| row.size)));
        let rows = ((room.height() / 44.0).floor() as usize).clamp(1, 4);
        let height = room.height() / rows as f32;
        for (i, cluster) in order.into_iter().take(rows).enumerate() {
            let line = Rect::from_min_size(room.min + vec2(0.0, i as f32 * height), vec2(room.width(), height - 4.0));
            let ink = self.cx.theme.series(i);
            ui.painter().rect_filled(line.with_max_x(line.left() + 4.0), 2.0, ink);
            strip(ui, self.cx, shown, line.with_min_x(line.left() + 8.0), shown.table.members(cluster));
        }
    }

    fn bars(&self, ui: &Ui, room: Rect) {
        let summary = self.epoch.and_then(|e| self.cx.view.clusters.get(&e)).map(|c| &c.summary);
        let Some(s) = summary.filter(|s| !s.cluster_score.is_empty()) else { return };
        const BARS: usize = 20;
        let alpha = s.threshold.unwrap_or(0.0);
        // Of each bar all clusters, and those that are dropped.
        let mut counts = [[0usize; 2]; BARS];
        for score in &s.cluster_score {
            let bar = &mut counts[((score * BARS as f64) as usize).min(BARS - 1)];
            bar[0] += 1;
            bar[1] += usize::from(*score < alpha);
        }
        let most = counts.iter().map(|bar| bar[0]).max().unwrap_or(1).max(1) as f32;
        let unit = room.width() / BARS as f32;
        let painter = ui.painter_at(room);
        for (i, [all, dropped]) in counts.into_iter().enumerate().filter(|(_, bar)| bar[0] > 0) {
            // By the square root: one cluster alone is seen beside fifty.
            let height = (all as f32 / most).sqrt() * (room.height() - 4.0);
            let x = room.left() + i as f32 * unit;
            let bar = Rect::from_min_max(pos2(x + 1.0, room.bottom() - height), pos2(x + unit - 1.0, room.bottom()));
            let middle = bar.bottom() - height * dropped as f32 / all as f32;
            painter.rect_filled(bar.with_max_y(middle), 1.0, self.cx.theme.reliable);
            painter.rect_filled(bar.with_min_y(middle), 1.0, self.cx.theme.unreliable);
        }
        let x = room.left() + alpha as f32 * room.width();
        painter.vline(x, room.y_range(), Stroke::new(size::STROKE_CURVE, self.cx.theme.t1));
    }

    fn curve(&self, ui: &Ui, room: Rect) {
        let points = self.losses();
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
        let finite = || points.iter().map(|p| p.1).filter(|y| y.is_finite());
        let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let span = [(last.0 - first.0).max(1e-9), (high - low).max(1e-9)];
        let at = |&(x, y): &(f64, f64)| {
            pos2(
                room.left() + ((x - first.0) / span[0]) as f32 * room.width(),
                room.bottom() - 2.0 - ((y - low) / span[1]) as f32 * (room.height() - 4.0),
            )
        };
        let line: Vec<Pos2> = points.iter().filter(|p| p.1.is_finite()).map(at).collect();
        let stroke = Stroke::new(size::STROKE_CURVE, self.cx.theme.series(0));
        ui.painter_at(room).add(Shape::line(line, stroke));
    }
}

/// Photos beside each other, as many as there is room for.
fn strip(ui: &Ui, cx: &PanelCtx<'_>, shown: &ShownClustering, room: Rect, rows: &[u32]) {
    // One row, or more where the room is high.
    let lines = (room.height() / 72.0).floor().max(1.0);
    let height = room.height() / lines - 3.0;
    let width = height / 2.0;
    let columns = ((room.width() + 3.0) / (width + 3.0)).floor().max(1.0) as usize;
    for (i, &image) in rows.iter().take(columns * lines as usize).enumerate() {
        let min = room.min + vec2((i % columns) as f32 * (width + 3.0), (i / columns) as f32 * (height + 3.0));
        thumb::paint(ui, cx.images, shown.images.as_deref(), image, Rect::from_min_size(min, vec2(width, height)), 1.0);
    }
}

/// Where points lie in a room, each axis as large as fits.
pub fn places(points: &[f32], room: Rect) -> Vec<Pos2> {
    let finite = || points.chunks_exact(2).filter(|p| p[0].is_finite() && p[1].is_finite());
    let mut bounds = Rect::NOTHING;
    finite().for_each(|p| bounds.extend_with(pos2(p[0], p[1])));
    let span = bounds.size().max(vec2(f32::MIN_POSITIVE, f32::MIN_POSITIVE));
    let at = |p: &[f32]| {
        pos2(
            room.left() + (p[0] - bounds.left()) / span.x * room.width(),
            room.bottom() - (p[1] - bounds.top()) / span.y * room.height(),
        )
    };
    finite().map(at).collect()
}
