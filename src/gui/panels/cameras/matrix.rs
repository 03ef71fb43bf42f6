//! A matrix over cameras: distance, mixing in clusters, precision at the matches.

use eframe::egui::{Align2, Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use crate::gui::panels::PanelCtx;
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::{EpochPart, Loaded};
use crate::run::event::Split;
use crate::study::cameras::{CameraGap, CameraMatrix, precision};

/// What the matrix holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum MatrixKind {
    #[default]
    Mixing,
    Distance,
    /// **Ground truth.**
    Precision,
}

impl MatrixKind {
    /// All of them, in the order of the list.
    pub const ALL: [Self; 3] = [Self::Mixing, Self::Distance, Self::Precision];

    /// In the list.
    pub fn words(self) -> &'static str {
        match self {
            Self::Mixing => "mixing in clusters",
            Self::Distance => "mean distance",
            Self::Precision => "AP",
        }
    }

    /// What it says.
    pub fn help(self) -> &'static str {
        match self {
            Self::Mixing => {
                "How often images of two cameras share a cluster, over how often they would if clusters did not care about \
                 cameras. 1 is even; a bright diagonal says that clusters are of one camera."
            }
            Self::Distance => "Mean Jaccard distance of the images of two cameras; pairs that are not kept count as 1.",
            Self::Precision => {
                "Precision at the matches by camera of the query (rows) and of the match (columns); the mean over the \
                 matches of a query is its AP."
            }
        }
    }

    fn decimals(self) -> usize {
        if self == Self::Mixing { 1 } else { 2 }
    }
}

/// Shows it in `area`.
pub fn show(ui: &Ui, cx: &PanelCtx<'_>, area: Rect, which: MatrixKind, gap: &CameraGap, epoch: usize) {
    let theme = cx.theme;
    let found;
    let matrix = match which {
        MatrixKind::Mixing => &gap.mixing,
        MatrixKind::Distance => &gap.distance,
        MatrixKind::Precision => {
            let at = cx.view.newest_snapshot(EpochPart::Ranks, Some(epoch)).unwrap_or(epoch);
            match (cx.snapshots.ranks(cx.view, at), cx.snapshots.images(cx.view)) {
                (Loaded::Ready(ranks), Loaded::Ready(images)) => {
                    found = precision(&ranks, images.split(Split::Query), images.split(Split::Gallery));
                    &found
                }
                (Loaded::Loading, _) | (_, Loaded::Loading) => return,
                _ => {
                    let words = "no rank lists at this epoch";
                    ui.painter().text(area.center(), Align2::CENTER_CENTER, words, Type::Small.font(ui), theme.t3);
                    return;
                }
            }
        }
    };
    draw(ui, theme, area, which, matrix);
}

fn draw(ui: &Ui, theme: &Theme, area: Rect, which: MatrixKind, matrix: &CameraMatrix) {
    let c = matrix.cameras.len();
    let small = Type::Small.font(ui);
    let margin = vec2(22.0, 34.0);
    let side = ((area.width() - margin.x) / c as f32).min((area.height() - margin.y) / c as f32).clamp(4.0, 72.0);
    let corner = area.min + margin;
    let painter = ui.painter();
    painter.text(area.min, Align2::LEFT_TOP, format!("{}, camera × camera", which.words()), small.clone(), theme.t2);
    let finite = || matrix.values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = finite().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    let camera = |at: usize| (matrix.cameras[at] + 1).to_string();
    for a in 0..c {
        let across = corner.x + (a as f32 + 0.5) * side;
        let down = corner.y + (a as f32 + 0.5) * side;
        painter.text(pos2(across, corner.y - 2.0), Align2::CENTER_BOTTOM, camera(a), small.clone(), theme.t3);
        painter.text(pos2(corner.x - 6.0, down), Align2::RIGHT_CENTER, camera(a), small.clone(), theme.t3);
        for b in 0..c {
            let value = matrix.at(a, b);
            let cell = Rect::from_min_size(corner + side * vec2(b as f32, a as f32), vec2(side, side)).shrink(0.5);
            let share = if high > low { ((value - low) / (high - low)) as f32 } else { 0.5 };
            let fill: Color32 = if value.is_finite() { theme.ramp(share) } else { theme.bg2 };
            painter.rect_filled(cell, size::RADIUS_CHIP, fill);
            let words = if value.is_finite() { ticks::number(value, which.decimals()) } else { "–".to_owned() };
            if side > 26.0 {
                painter.text(cell.center(), Align2::CENTER_CENTER, &words, small.clone(), theme.t1);
            }
            let response = ui.interact(cell, ui.scope_id().with(("camera cell", a, b)), Sense::hover());
            let said = format!("{}, camera {} and camera {}: {words}", which.words(), camera(a), camera(b));
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said.as_str()));
            response.on_hover_text(said);
        }
    }
}
