//! The camera gap: distances of images of one and of two people, one and two cameras, over epochs, and what cameras make of
//! each other.

mod gaps;
mod matrix;

use eframe::egui::{Align2, Color32, Id, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use self::gaps::CameraGaps;
use self::matrix::MatrixKind;
use super::{Absence, Panel, PanelCtx, PanelDrawn};
use crate::gui::plot::epochs;
use crate::gui::plot::{self, EndLabel, Fixed, ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::EpochPart;
use crate::gui::widgets::combo::Choice;
use crate::gui::widgets::icon;
use crate::study::cameras::{CameraGap, PairDistances, STEPS};

/// State of the Cameras panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CamerasPanel {
    which: MatrixKind,
    #[serde(skip)]
    gaps: CameraGaps,
}

/// One kind of pairs: its name, its colour, whether it is dashed.
struct Kind {
    name: &'static str,
    ink: Color32,
    dashed: bool,
    of: fn(&CameraGap) -> PairDistances,
}

/// The kinds that are drawn: four with truth, two without.
fn kinds(theme: &Theme, truth: bool) -> Vec<Kind> {
    if truth {
        let (one, two) = (theme.match_, theme.mismatch);
        return vec![
            Kind { name: "one person, one camera", ink: one, dashed: true, of: |g| g.of(true, true).clone() },
            Kind { name: "one person, two cameras", ink: one, dashed: false, of: |g| g.of(true, false).clone() },
            Kind { name: "two people, one camera", ink: two, dashed: true, of: |g| g.of(false, true).clone() },
            Kind { name: "two people, two cameras", ink: two, dashed: false, of: |g| g.of(false, false).clone() },
        ];
    }
    vec![
        Kind { name: "one camera", ink: theme.series(0), dashed: true, of: |g| g.of_cameras(true) },
        Kind { name: "two cameras", ink: theme.series(1), dashed: false, of: |g| g.of_cameras(false) },
    ]
}

impl Panel for CamerasPanel {
    const TITLE: &'static str = "Cameras";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let Some(epoch) = cx.view.newest_snapshot(EpochPart::Clusters, cx.selection.epoch) else {
            let text = "Once an epoch has been clustered: how far images of one camera and of two lie from each other, and \
                        which cameras share clusters.";
            return Err(Absence::nothing(icon::GRID, "No distances yet", text));
        };
        self.gaps.read(ui.ctx(), cx.view);
        let Some(gap) = self.gaps.known().get(&epoch) else {
            let failed = |why: &str| Absence::failed("No distances of this epoch", why.to_owned());
            return Err(self.gaps.failure().map_or(Absence::Loading("reading…"), failed));
        };
        if gap.distance.cameras.len() < 2 {
            let text = "All images are of one camera, or the run does not say which: there is no gap to look at.";
            return Err(Absence::nothing(icon::GRID, "One camera", text));
        }
        let truth = cx.truth && gap.of(true, false).count + gap.of(true, true).count > 0;
        if !truth && self.which == MatrixKind::Precision {
            self.which = MatrixKind::default();
        }
        let cameras = ticks::counted(gap.distance.cameras.len(), "camera", "cameras");
        let scope = format!("epoch {}, {cameras}", epoch + 1);
        cx.title(&scope).truth(cx.theme, truth).show(ui, |ui| {
            let (chosen, tip) = (self.which.words(), self.which.help());
            let list = Choice { salt: "camera matrix", name: "Camera matrix", chosen, tip, width: 132.0 };
            let shown = MatrixKind::ALL.into_iter().filter(|w| truth || *w != MatrixKind::Precision);
            list.show(ui, &mut self.which, shown.map(|which| (which, which.words(), which.help())));
        });
        let room = ui.available_rect_before_wrap();
        ui.allocate_rect(room, Sense::hover());
        let wide = room.width() > 1.2 * room.height() && room.width() > 420.0;
        let side = if wide { (room.width() * 0.42).min(room.height() + 40.0) } else { room.height() * 0.5 };
        let (left, right) = match wide {
            true => room.split_left_right_at_x(room.right() - side),
            false => room.split_top_bottom_at_y(room.bottom() - side),
        };
        let kinds = kinds(cx.theme, truth);
        let (over, now) = match left.height() > 220.0 {
            true => left.split_top_bottom_at_fraction(0.5),
            false => (left, Rect::NOTHING),
        };
        if now.is_positive() {
            distances(ui, now, gap, &kinds);
        }
        let mut child = ui.new_child(eframe::egui::UiBuilder::new().id_salt("gap over epochs").max_rect(over));
        self.over_epochs(&mut child, cx, over, &kinds);
        let area = Rect::from_min_max(right.min + vec2(if wide { 12.0 } else { 0.0 }, 0.0), right.max);
        matrix::show(ui, cx, area, self.which, gap, epoch);
        Ok(())
    }
}

impl CamerasPanel {
    /// Mean distance of each kind over the epochs.
    fn over_epochs(&self, ui: &mut Ui, cx: &PanelCtx<'_>, area: Rect, kinds: &[Kind]) {
        let curve = |kind: &Kind| -> Vec<(f64, f64)> {
            self.gaps.known().iter().filter_map(|(e, g)| Some((*e as f64, (kind.of)(g).mean()?))).collect()
        };
        let curves: Vec<Vec<(f64, f64)>> = kinds.iter().map(curve).collect();
        let values = || curves.iter().flatten().map(|p| p.1);
        let (low, high) = values().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        let said: Vec<String> = kinds
            .iter()
            .zip(&curves)
            .filter_map(|(k, c)| Some(format!("{} {}", k.name, ticks::number(c.last()?.1, 3))))
            .collect();
        let name = format!("mean distance by epoch: {}", said.join(", "));
        let mut axes = epochs::axes(cx, "camera gap", &name, "mean Jaccard distance, by epochs done");
        axes.above = 4.0;
        let range = ticks::round_out(low.min(high), high.max(low), 3);
        plot::show(
            ui,
            area.size(),
            &axes,
            |_| range,
            |canvas| {
                let mut labels = Vec::new();
                for (kind, curve) in kinds.iter().zip(&curves) {
                    match kind.dashed {
                        true => canvas.dashed(curve, Stroke::new(size::STROKE_CURVE, kind.ink), 4.0, 3.0),
                        false => canvas.line(curve.iter().copied(), Stroke::new(size::STROKE_CURVE, kind.ink)),
                    }
                    if let Some(&(x, y)) = curve.last() {
                        canvas.inside.circle_filled(canvas.at(x, y), 2.0, kind.ink);
                        let value = ticks::number(y, 2);
                        labels.push(EndLabel {
                            y,
                            name: short(kind.name).into(),
                            value,
                            color: kind.ink,
                            hero: !kind.dashed,
                        });
                    }
                }
                canvas.end_labels(labels);
            },
        );
    }
}

fn short(name: &str) -> &str {
    match name {
        "one person, one camera" => "1 p, 1 c",
        "one person, two cameras" => "1 p, 2 c",
        "two people, one camera" => "2 p, 1 c",
        "two people, two cameras" => "2 p, 2 c",
        other => other,
    }
}

/// The distances of each kind at the epoch looked at, as shares of its pairs.
fn distances(ui: &Ui, area: Rect, gap: &CameraGap, kinds: &[Kind]) {
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let inner = Rect::from_min_max(area.min + k * vec2(34.0, 6.0), area.max - k * vec2(12.0, 32.0));
    if inner.width() < 60.0 || inner.height() < 30.0 {
        return;
    }
    let pairs: Vec<PairDistances> = kinds.iter().map(|kind| (kind.of)(gap)).collect();
    let share =
        |p: &PairDistances, step: usize| p.steps.get(step).copied().unwrap_or(0) as f64 / p.kept().max(1) as f64;
    let most = pairs.iter().flat_map(|p| (0..STEPS).map(|s| share(p, s))).fold(0.0, f64::max).max(0.01);
    let caption = "Jaccard distance of the pairs that are kept, as shares of each kind";
    let plot = Fixed { outer: area, inner, x: [0.0, 1.0], y: [0.0, most * 1.1], caption };
    let painter = ui.painter();
    let small = Type::Small.font(ui);
    for at in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let x = painter.round_to_pixel_center(plot.x_of(at));
        painter.vline(x, inner.y_range(), Stroke::new(size::STROKE, theme.line));
        painter.text(pos2(x, inner.bottom() + 2.0), Align2::CENTER_TOP, ticks::number(at, 2), small.clone(), theme.t3);
    }
    painter.text(pos2(inner.center().x, area.bottom()), Align2::CENTER_BOTTOM, caption, small.clone(), theme.t3);
    let mut y = inner.top() + 2.0;
    for (kind, pairs) in kinds.iter().zip(&pairs) {
        let points: Vec<_> = (0..STEPS).map(|s| plot.at((s as f64 + 0.5) / STEPS as f64, share(pairs, s))).collect();
        let stroke = Stroke::new(size::STROKE_CURVE, kind.ink);
        match kind.dashed {
            true => painter.extend(eframe::egui::Shape::dashed_line(&points, stroke, 4.0, 3.0)),
            false => {
                painter.line(points, stroke);
            }
        }
        let kept = 100.0 * pairs.kept() as f64 / pairs.count.max(1) as f64;
        let words = format!("{}: {} % kept", kind.name, ticks::number(kept, if kept < 10.0 { 1 } else { 0 }));
        let galley = painter.layout_no_wrap(words.clone(), small.clone(), kind.ink);
        let height = galley.size().y;
        painter.galley(pos2(inner.left() + 6.0, y), galley, kind.ink);
        y += height;
        let spoken = ui.interact(
            Rect::from_min_size(pos2(inner.left(), y), vec2(1.0, 1.0)),
            Id::unique(("kind of pairs", kind.name)),
            Sense::hover(),
        );
        spoken.widget_info(|| {
            WidgetInfo::labeled(
                Role::Label,
                true,
                format!("{words}, mean {}", ticks::number(pairs.mean().unwrap_or(f64::NAN), 3)),
            )
        });
    }
}
