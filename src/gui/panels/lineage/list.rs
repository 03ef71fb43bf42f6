//! What happened, counted and line by line.

use eframe::egui::{Align2, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::river::color;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::button::focus_ring;
use crate::gui::widgets::line::line;
use crate::study::lineage::{Compared, Count, Item, LineageKind};

/// Width of a count at 100 %.
const CELL: f32 = 92.0;

/// The counts; a click on one shows that kind alone, another click all again. True when that changed.
pub fn counts(ui: &mut Ui, compared: &Compared, filter: &mut Option<LineageKind>) -> bool {
    let shown: Vec<(LineageKind, Count)> = LineageKind::ALL
        .into_iter()
        .map(|kind| (kind, compared.count(kind)))
        .filter(|(kind, count)| *kind != LineageKind::Regrouped || count.clusters > 0)
        .collect();
    let k = type_scale(ui);
    let width = ui.available_width();
    let columns = ((width / (k * CELL)) as usize).clamp(2, shown.len());
    // As even rows as there can be.
    let columns = shown.len().div_ceil(shown.len().div_ceil(columns));
    let cell = vec2(width / columns as f32, k * 34.0);
    let rows = shown.len().div_ceil(columns);
    let (area, _) = ui.allocate_exact_size(vec2(width, cell.y * rows as f32), Sense::hover());
    let before = *filter;
    for (n, (kind, count)) in shown.into_iter().enumerate() {
        let at = area.min + vec2((n % columns) as f32 * cell.x, (n / columns) as f32 * cell.y);
        let rect = Rect::from_min_size(at, cell - vec2(4.0, 2.0));
        if count_cell(ui, kind, count, rect, *filter == Some(kind)) {
            *filter = (*filter != Some(kind)).then_some(kind);
        }
    }
    *filter != before
}

fn count_cell(ui: &Ui, kind: LineageKind, count: Count, rect: Rect, on: bool) -> bool {
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let response = ui.interact(rect, ui.scope_id().with(("count", kind)), Sense::click());
    let images = ticks::counted(count.images, "image", "images");
    let words = if kind.of_clusters() {
        format!("{}: {}, {images}", kind.word(), ticks::counted(count.clusters, "cluster", "clusters"))
    } else {
        format!("{}: {images}", kind.word())
    };
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, words.as_str()));
    let painter = ui.painter_at(rect.expand(1.0));
    if on || response.hovered() {
        painter.rect_filled(rect, size::RADIUS_INPUT, theme.bg2);
    }
    if on {
        let stroke = Stroke::new(size::STROKE_CURVE, theme.accent);
        painter.rect_stroke(rect, size::RADIUS_INPUT, stroke, StrokeKind::Inside);
    }
    let bar = Rect::from_min_max(rect.min + vec2(3.0, 5.0), pos2(rect.left() + 6.0, rect.bottom() - 5.0));
    painter.rect_filled(bar, 1.5, color(theme, Some(kind)));
    let x = rect.left() + 11.0;
    let [first, second] = [rect.top() + k * 10.0, rect.bottom() - k * 9.0];
    let number = if kind.of_clusters() { count.clusters } else { count.images };
    let ink = if number > 0 { theme.t1 } else { theme.t3 };
    let at = painter.text(pos2(x, first), Align2::LEFT_CENTER, ticks::count(number), Type::Title.font(ui), ink);
    painter.text(pos2(at.right() + 5.0, first), Align2::LEFT_CENTER, kind.word(), Type::Small.font(ui), theme.t2);
    let under = if kind.of_clusters() { images } else { "images".to_owned() };
    painter.text(pos2(x, second), Align2::LEFT_CENTER, under, Type::Small.font(ui), theme.t3);
    focus_ring(ui, &response, rect, size::RADIUS_INPUT);
    let how = if on { "Click to show everything." } else { "Click to show these alone." };
    response.on_hover_text(format!("{} {how}", kind.help())).clicked()
}

/// The list; the answer is the item that was clicked. `chosen` is the cluster selected in the later epoch.
pub fn items<'a>(
    ui: &mut Ui,
    compared: &'a Compared,
    filter: Option<LineageKind>,
    chosen: Option<u32>,
) -> Option<&'a Item> {
    let theme = Theme::of(ui.ctx());
    let found: Vec<&Item> = compared.items.iter().filter(|i| filter.is_none_or(|kind| i.kind == kind)).collect();
    if found.is_empty() {
        ui.label(Type::Small.text("Nothing of this kind happened.", theme.t3));
        return None;
    }
    let mut clicked = None;
    let height = ui.spacing().interact_size.y;
    ui.spacing_mut().item_spacing.y = 0.0;
    let area = ScrollArea::vertical().id_salt("lineage").auto_shrink([false, false]);
    area.show_rows(ui, height, found.len(), |ui, range| {
        for item in &found[range] {
            let on = chosen.is_some() && item.later.first().copied() == chosen;
            if row(ui, item, height, on) {
                clicked = Some(*item);
            }
        }
    });
    clicked
}

fn row(ui: &mut Ui, item: &Item, height: f32, on: bool) -> bool {
    let theme = Theme::of(ui.ctx());
    let images = ticks::counted(item.images as usize, "image", "images");
    let words = in_words(item);
    let name = format!("{} {words}, {images}", item.kind.word());
    let (rect, response) = line(ui, height, Role::ListBoxOption, on, &name);
    let painter = ui.painter_at(rect);
    let y = rect.center().y;
    let bar = Rect::from_min_max(pos2(rect.left(), rect.top() + 4.0), pos2(rect.left() + 3.0, rect.bottom() - 4.0));
    painter.rect_filled(bar, 1.5, color(theme, Some(item.kind)));
    let k = type_scale(ui);
    let x = rect.left() + 9.0;
    painter.text(pos2(x, y), Align2::LEFT_CENTER, item.kind.word(), Type::Small.font(ui), theme.t3);
    let count =
        painter.text(pos2(rect.right() - 10.0, y), Align2::RIGHT_CENTER, images, Type::Small.font(ui), theme.t3);
    let from = x + k * 58.0;
    let galley = Type::Body.cut(ui, words, theme.t1, (count.left() - 8.0 - from).max(10.0));
    painter.galley(pos2(from, y - galley.size().y / 2.0), galley, theme.t1);
    response.on_hover_text(format!("{name}. Click to select the cluster and these images in all panels.")).clicked()
}

/// `3, 8 → 12`.
fn in_words(item: &Item) -> String {
    let side = |clusters: &[u32]| match clusters {
        [] => "outliers".to_owned(),
        some => some.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
    };
    format!("{} → {}", side(&item.earlier), side(&item.later))
}
