//! What is known of the image: where it stands, its cluster, its score as a fraction of three sets.

use eframe::egui::{
    Align, Align2, Color32, Layout, Rect, Response, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::Subject;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::colours::{Glyph, glyph, state};
use crate::gui::plot::ticks;
use crate::gui::theme::Type;
use crate::gui::widgets::chip;
use crate::gui::words::share;
use crate::run::snapshot::ClusterSnapshot;
use crate::study::sets::sets;

const LABEL: f32 = 52.0;

/// Shows them, a row each.
pub fn show(ui: &mut Ui, cx: &PanelCtx<'_>, subject: &Subject) {
    let theme = cx.theme;
    ui.spacing_mut().item_spacing.y = 1.0;
    let number = ticks::count(subject.image.index as usize);
    let of = if subject.of > 0 { format!(" · {} in all", ticks::count(subject.of)) } else { String::new() };
    fact(ui, cx, "image", &format!("{number}{of}"), theme.t1, |_| {});
    if let Some(row) = &subject.row {
        fact(ui, cx, "camera", &(row.camid + 1).to_string(), theme.t1, |_| {});
    }
    let i = subject.image.index as usize;
    if let Some((_, snapshot)) = &subject.clustering {
        let (words, kind) = match glyph(snapshot, i) {
            Glyph::Disc => (snapshot.labels[i].to_string(), "reliable"),
            Glyph::Ring => (snapshot.labels[i].to_string(), "unreliable"),
            Glyph::Cross => ("none".to_owned(), "outlier"),
        };
        let color = state(theme, glyph(snapshot, i));
        fact(ui, cx, "cluster", &words, theme.t1, |ui| drop(chip::outline(ui, kind, color)));
    }
    if let Some(row) = subject.row.as_ref().filter(|_| cx.truth) {
        let identity = if row.pid < 0 { "none".to_owned() } else { row.pid.to_string() };
        fact(ui, cx, "identity", &identity, theme.truth, |ui| drop(chip::ground_truth(ui)));
    }
    match &subject.clustering {
        Some((_, snapshot)) if snapshot.has_radii() => score(ui, cx, snapshot, i),
        _ => {}
    }
}

/// A row: a word, a value, perhaps a chip at the right.
fn fact(ui: &mut Ui, cx: &PanelCtx<'_>, name: &str, value: &str, ink: Color32, more: impl FnOnce(&mut Ui)) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} {value}")));
    let painter = ui.painter();
    let left = rect.left() + LABEL;
    painter.text(rect.left_center(), Align2::LEFT_CENTER, name, Type::Small.font(ui), cx.theme.t3);
    painter.text(pos2(left, rect.center().y), Align2::LEFT_CENTER, value, Type::Body.font(ui), ink);
    let builder = UiBuilder::new().id_salt(name).max_rect(rect).layout(Layout::right_to_left(Align::Center));
    more(&mut ui.new_child(builder));
    response
}

/// `14 / 22 = 0.64` and a bar for each radius.
fn score(ui: &mut Ui, cx: &PanelCtx<'_>, snapshot: &ClusterSnapshot, i: usize) {
    let theme = cx.theme;
    let sets = sets(&snapshot.labels, &snapshot.labels_tight, &snapshot.labels_loose, i);
    let (found, sizes) = (sets.eq8(), sets.sizes());
    let eq8 = found.value();
    let words = format!("{} / {} = {}", ticks::count(found.inter), ticks::count(found.union), share(eq8));
    let used = snapshot.score.get(i).copied().unwrap_or(eq8);
    let other = (used - eq8).abs() > 5e-3;
    let tip = "Eq. 8: the images that share its cluster at all three radii, over those that share it at any.";
    if snapshot.labels[i] < 0 {
        let why = "It is in no cluster at eps, so Eq. 8 has nothing to judge; the bars say how many images each radius joins it to.";
        fact(ui, cx, "score", "none, an outlier", theme.t3, |_| {}).on_hover_text(why);
    } else {
        fact(ui, cx, "score", &words, theme.t1, |_| {}).on_hover_text(tip);
    }
    if other && snapshot.labels[i] >= 0 {
        let tip = "The score this run goes by: SpCL's independence in place of Eq. 8.";
        fact(ui, cx, "used", &share(used), theme.t2, |_| {}).on_hover_text(tip);
    }
    let color = state(theme, glyph(snapshot, i));
    let most = sizes.iter().copied().max().unwrap_or(1).max(1);
    for ((name, size), strength) in ["tight", "normal", "loose"].into_iter().zip(sizes).zip([1.0, 0.7, 0.45]) {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 14.0), Sense::hover());
        let members = ticks::counted(size, "image", "images");
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} cluster, {members}")));
        let room = (rect.width() - LABEL - 34.0).max(8.0);
        let bar = Rect::from_min_size(
            pos2(rect.left() + LABEL, rect.center().y - 4.0),
            vec2((room * size as f32 / most as f32).max(2.0), 8.0),
        );
        let painter = ui.painter();
        painter.text(rect.left_center(), Align2::LEFT_CENTER, name, Type::Small.font(ui), theme.t3);
        painter.rect_filled(bar, 1.0, color.gamma_multiply(strength));
        let at = pos2(bar.right() + 5.0, rect.center().y);
        painter.text(at, Align2::LEFT_CENTER, ticks::count(size), Type::Small.font(ui), theme.t2);
        response.on_hover_text(format!("{members} share its cluster at the {name} radius."));
    }
}
