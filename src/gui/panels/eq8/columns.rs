//! Three columns with equal slots: a sample has the same place at all three radii.

use eframe::egui::{
    Align2, FontId, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::Eq8Picture;
use crate::gui::clustered::member::odd;
use crate::gui::panels::{PanelCtx, Pick};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::photo;
use crate::gui::widgets::thumb;
use crate::study::sets::Slot;

const NAMES: [&str; 3] = ["tight", "normal", "loose"];
const RADII: [&str; 3] = ["eps − Δd", "eps", "eps + Δd"];
const BETWEEN: f32 = 20.0;
const GAP: f32 = 4.0;
/// How much of an image is left that is out.
const OUT: f32 = 0.16;

/// Draws them into `height`; more slots than fit are scrolled, all three columns together.
pub fn show(ui: &mut Ui, cx: &PanelCtx<'_>, picture: &Eq8Picture<'_>, height: f32) {
    let theme = Theme::of(ui.ctx());
    let width = ui.available_width() - ui.spacing().scroll.allocated_width();
    let column = ((width - 2.0 * BETWEEN) / 3.0).floor().max(40.0);
    let below = !fits(ui, picture, column);
    let small = Type::Small.font(ui).size + 6.0;
    let line = Type::Body.font(ui).size + 10.0 + if below { small } else { 0.0 };
    let (top, _) = ui.allocate_exact_size(vec2(width, line), Sense::hover());
    let left = |i: usize| top.left() + i as f32 * (column + BETWEEN);
    for i in 0..3 {
        let room = Rect::from_min_size(pos2(left(i), top.top()), vec2(column, line));
        title(ui, picture, i, room, below);
    }
    let slots = &picture.sets.slots;
    let room = height - line - 6.0;
    let (cell, across) = cells(ui, slots.len(), vec2(column, room));
    let rows = slots.len().div_ceil(across);
    let bottom = ui.cursor().top() + room;
    for i in 1..3 {
        let x = ui.painter().round_to_pixel_center(left(i) - BETWEEN / 2.0);
        ui.painter().vline(x, top.top()..=bottom, Stroke::new(size::STROKE, theme.line));
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = GAP;
        ui.set_min_height(room);
        let area =
            ScrollArea::vertical().id_salt(("eq8", picture.cluster)).max_height(room).auto_shrink([false, false]);
        area.show_rows(ui, cell.y, rows, |ui, range| {
            for r in range {
                let (rect, _) = ui.allocate_exact_size(vec2(width, cell.y), Sense::hover());
                for (place, slot) in slots.iter().skip(r * across).take(across).enumerate() {
                    for i in 0..3 {
                        let at = pos2(left(i) + place as f32 * (cell.x + GAP), rect.top());
                        draw(ui, cx, picture, *slot, i, Rect::from_min_size(at, cell));
                    }
                }
            }
        });
    });
}

/// The largest cell whose slots all fit the room, and how many stand beside each other; the smallest thumbnail is
/// scrolled where even that does not fit.
fn cells(ui: &Ui, slots: usize, room: Vec2) -> (Vec2, usize) {
    let k = type_scale(ui);
    let (most, least) = (2.0 * k * size::THUMBS[4][0], k * size::THUMBS[0][0]);
    let width = |across: usize| ((room.x + GAP) / across as f32 - GAP).floor();
    let mut across = 1;
    while width(across) > least {
        let cell = width(across).min(most);
        let rows = slots.div_ceil(across);
        if rows as f32 * (2.0 * cell + GAP) <= room.y + GAP {
            return (vec2(cell, 2.0 * cell), across);
        }
        across += 1;
    }
    // At the smallest, fewer rows may just fit; if not, the sizes between would only be scrolled longer.
    (vec2(least, 2.0 * least), ((room.x + GAP) / (least + GAP)).floor().max(1.0) as usize)
}

/// Whether name, radius and count of each column have room beside each other: all three stand alike.
fn fits(ui: &Ui, picture: &Eq8Picture<'_>, column: f32) -> bool {
    let radii = picture.shown.facts.radii().map(|r| ticks::number(r, 2));
    let width = |words: String, step: Type| {
        ui.painter().layout_no_wrap(words, step.font(ui), ui.visuals().text_color()).size().x
    };
    let count = picture.sets.sizes().into_iter().max().unwrap_or(0);
    let radius = width(format!("{} = {}", RADII[2], radii[2]), Type::Small);
    // The strong type is a little wider.
    1.06 * width(format!("normal{} in", ticks::count(count)), Type::Body) + radius + 20.0 <= column
}

fn title(ui: &Ui, picture: &Eq8Picture<'_>, i: usize, room: Rect, below: bool) {
    let theme = Theme::of(ui.ctx());
    let painter = ui.painter();
    let y = room.top() + Type::Body.font(ui).size / 2.0 + 2.0;
    let strong = FontId::new(Type::Body.font(ui).size, theme::semibold());
    let count = picture.sets.sizes()[i];
    let words = format!("{} in", ticks::count(count));
    painter.text(pos2(room.right(), y), Align2::RIGHT_CENTER, &words, strong.clone(), theme.t1);
    let name = painter.text(pos2(room.left(), y), Align2::LEFT_CENTER, NAMES[i], strong, theme.t1);
    let radii = picture.shown.facts.radii().map(|r| ticks::number(r, 2));
    let small = Type::Small.font(ui);
    let galley = painter.layout_no_wrap(format!("{} = {}", RADII[i], radii[i]), small, theme.t3);
    // What the radius is made of is what one has come to read: it gets a line of its own where there is no room.
    let at = match below {
        true => pos2(room.left(), room.bottom() - galley.size().y - 4.0),
        false => pos2(name.right() + 8.0, y - galley.size().y / 2.0),
    };
    painter.galley(at, galley, theme.t3);
    let response = ui.interact(room, ui.scope_id().with(("eq8 column", i)), Sense::hover());
    let words = format!("{}, {} = {}, {} in", NAMES[i], RADII[i], radii[i], count);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words.as_str()));
    response.on_hover_text(match i {
        0 => "Images in one cluster with this member when DBSCAN runs at eps − Δd. In a noise image's set is it alone.",
        1 => "Images in one cluster with this member at eps: the cluster itself.",
        _ => "Images in one cluster with this member when DBSCAN runs at eps + Δd.",
    });
}

fn draw(ui: &Ui, cx: &PanelCtx<'_>, picture: &Eq8Picture<'_>, slot: Slot, column: usize, cell: Rect) {
    let theme = Theme::of(ui.ctx());
    let is_in = slot.radii()[column];
    let opacity = if is_in { 1.0 } else { OUT };
    thumb::paint(ui, cx.images, picture.shown.images.as_deref(), slot.image, cell, opacity);
    let painter = ui.painter();
    if !is_in {
        photo::frame(painter, cell, theme.t4, true);
        icon::paint(
            painter,
            cell.center(),
            icon::CROSS,
            Weight::Bold,
            size::ICON_MARK.min(cell.width() * 0.6),
            theme.t3,
        );
    } else {
        let (glyph, color) = if slot.in_all() { (icon::CHECK, theme.match_) } else { (icon::PLUS, theme.unreliable) };
        if !slot.in_all() {
            let stroke = Stroke::new(size::STROKE_CURVE, color);
            painter.rect_stroke(cell, size::RADIUS_CHIP, stroke, StrokeKind::Inside);
        }
        let side = (cell.width() * 0.5).min(13.0);
        let at = Rect::from_min_max(cell.max - Vec2::splat(side), cell.max);
        painter.rect_filled(at, size::RADIUS_CHIP, color);
        icon::paint(painter, at.center(), glyph, Weight::Bold, (side - 3.0).max(6.0), theme.corner_ink);
    }
    if is_in && cx.truth && column == 1 && picture.shown.is_odd(slot.image) {
        odd(ui, cell);
    }
    if slot.image == picture.member {
        let stroke = Stroke::new(size::STROKE_CURVE, theme.accent);
        painter.rect_stroke(cell, size::RADIUS_CHIP, stroke, StrokeKind::Outside);
    }
    let response = ui.interact(cell, ui.scope_id().with(("slot", column, slot.image)), Sense::click());
    let state = if is_in { "in" } else { "out" };
    let words = format!("Image {}, {}: {state}", ticks::count(slot.image as usize), NAMES[column]);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, words.as_str()));
    if response.clicked() {
        // An image of this cluster is looked at within it; another one takes its own cluster along.
        cx.select(Pick::Member(slot.image, picture.shown.facts.cluster_of(slot.image).or(Some(picture.cluster))));
    }
    response.on_hover_ui(|ui| {
        ui.label(Type::Title.text(format!("image {}", ticks::count(slot.image as usize)), cx.theme.t1));
        let at: Vec<&str> = NAMES.into_iter().zip(slot.radii()).filter(|(_, yes)| *yes).map(|(name, _)| name).collect();
        ui.label(format!("In the set at {}: {}.", at.join(", "), counted(slot)));
        if let Some(camera) = picture.shown.camera(slot.image) {
            ui.label(format!("camera {camera}"));
        }
        let row = picture.shown.images.as_ref().and_then(|all| all.get(thumb::train(slot.image)));
        if let (Some(row), true) = (row, cx.truth) {
            ui.label(Type::Small.text(format!("identity {} · ground truth", row.pid), cx.theme.truth));
        }
    });
}

fn counted(slot: Slot) -> &'static str {
    if slot.in_all() { "counted above and below the line" } else { "counted below the line alone" }
}
