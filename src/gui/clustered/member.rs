//! One image of a cluster where it is shown: what it is there, how it is chosen, and what can be said of it.

use eframe::egui::{self, Color32, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo};

use super::{ScoreOrigin, ShownClustering, by_hand};
use crate::gui::panels::{PanelCtx, Pick};
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::{button, icon, photo, thumb};

/// What an image is in its clustering, in a word, with its glyph and colour.
pub fn mark(shown: &ShownClustering, theme: &Theme, image: u32) -> (&'static str, &'static str, Color32) {
    let cluster = shown.facts.cluster_of(image).and_then(|c| shown.table.row(c));
    match cluster {
        None => ("outlier", icon::CROSS, theme.outlier),
        Some(row) if !row.reliable => ("in an unreliable cluster", icon::CIRCLE, theme.unreliable),
        // SpCL's second test looks at single members.
        Some(_) if !shown.facts.keeps(image) => ("left out of its cluster", icon::MINUS, theme.unreliable),
        Some(_) => ("reliable", icon::CHECK, theme.reliable),
    }
}

/// Makes an image of `cell` selectable: click, tooltip, frame, and name.
pub fn pick(ui: &Ui, cx: &PanelCtx<'_>, shown: &ShownClustering, image: u32, cell: Rect) -> bool {
    let of = thumb::train(image);
    let response = ui.interact(cell, ui.scope_id().with(("member", image)), Sense::click());
    let score = shown.facts.score.get(image as usize).map_or("–".to_owned(), |s| ticks::number(*s, 2));
    let (word, ..) = mark(shown, cx.theme, image);
    let on = cx.selection.image == Some(of);
    response.widget_info(|| {
        let words = format!("Image {}, score {score}, {word}", ticks::count(image as usize));
        WidgetInfo::selected(Role::Button, true, on, words)
    });
    let other = cx.selection.image.filter(|i| i.split == of.split && *i != of).map(|i| i.index);
    let clicked = response.clicked();
    if clicked {
        cx.select(Pick::Image(Some(of)));
    }
    // With another image selected it is about the two.
    let images: Vec<u32> = other.into_iter().chain([image]).collect();
    response.context_menu(|ui| {
        by_hand::entries(ui, cx, &images);
        if other.is_some() {
            ui.separator();
            by_hand::entries(ui, cx, &[image]);
        }
    });
    if on {
        chosen_frame(ui, cell);
    }
    button::focus_ring(ui, &response, cell, size::RADIUS_CHIP);
    let truth = cx.truth;
    response.on_hover_ui(|ui| explain(ui, cx, shown, image, word, truth));
    clicked
}

fn explain(ui: &mut Ui, cx: &PanelCtx<'_>, shown: &ShownClustering, image: u32, word: &str, truth: bool) {
    ui.label(Type::Title.text(format!("image {}, {word}", ticks::count(image as usize)), cx.theme.t1));
    let name = match shown.table.kind {
        ScoreOrigin::Eq8 => "Score by Eq. 8",
        ScoreOrigin::Spcl => "SpCL's independence",
        ScoreOrigin::Other | ScoreOrigin::None => "Score",
    };
    if let Some(score) = shown.facts.score.get(image as usize) {
        ui.label(format!("{name} {}", ticks::number(*score, 3)));
    }
    if let Some(camera) = shown.camera(image) {
        ui.label(format!("camera {camera}"));
    }
    let row = shown.images.as_ref().and_then(|all| all.get(thumb::train(image)));
    if let (Some(row), true) = (row, truth) {
        let odd = if shown.is_odd(image) { ", not the cluster's majority" } else { "" };
        ui.label(Type::Small.text(format!("identity {}{odd} · ground truth", row.pid), cx.theme.truth));
    }
    if let Some(why) = photo::missing(cx.images, row.map(|r| r.path.as_path())) {
        ui.label(Type::Small.text(why, cx.theme.warn));
    }
}

/// **Ground truth**: the mark of an image that has not its cluster's identity.
pub fn odd(ui: &Ui, cell: Rect) {
    let theme = Theme::of(ui.ctx());
    photo::frame(ui.painter(), cell, theme.truth, true);
    let side = (0.5 * cell.width()).min(13.0);
    let at = Rect::from_min_size(cell.left_top(), egui::Vec2::splat(side));
    ui.painter().rect_filled(at, size::RADIUS_CHIP, theme.truth);
    icon::paint(ui.painter(), at.center(), icon::CROSS, icon::Weight::Bold, (side - 2.0).max(6.0), theme.corner_ink);
}

/// The frame of an image that is selected.
fn chosen_frame(ui: &Ui, cell: Rect) {
    let theme = Theme::of(ui.ctx());
    let stroke = egui::Stroke::new(size::STROKE_CURVE, theme.accent);
    ui.painter().rect_stroke(cell, size::RADIUS_CHIP, stroke, StrokeKind::Outside);
}
