//! One image of the train split in a cell: its photo, or its number on a plain ground where there is none.

use eframe::egui::{Align2, Rect, Ui, vec2};

use crate::engine::event::{ImageRef, Split};
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::images::{Thumbnails, Tone};
use crate::gui::widgets::photo;
use crate::run::images;

/// That row of the train split.
pub fn train(row: u32) -> ImageRef {
    ImageRef { split: Split::Train, index: row }
}

/// Paints image `row` into `cell` and says where it is.
pub fn paint(
    ui: &Ui,
    photos: &Thumbnails,
    images: Option<&images::Images>,
    row: u32,
    cell: Rect,
    opacity: f32,
) -> Rect {
    let path = images.and_then(|i| i.get(train(row))).map(|r| r.path.as_path());
    let path = path.filter(|p| !p.as_os_str().is_empty()); // of a run made of features alone
    if path.is_some_and(|p| photos.failure(p).is_none()) {
        return photo::paint(ui, photos, path, cell, Tone::Color, opacity);
    }
    let theme = Theme::of(ui.ctx());
    let painter = ui.painter();
    painter.rect_filled(cell, size::RADIUS_CHIP, theme.bg3.gamma_multiply(opacity));
    let ink = theme.t3.gamma_multiply(opacity);
    let words = ticks::count(row as usize);
    let galley = painter.layout_no_wrap(words.clone(), Type::Small.font(ui), ink);
    if galley.size().x + 2.0 <= cell.width() {
        painter.galley(cell.center() - galley.size() / 2.0, galley, ink);
    } else if let Some((thousands, rest)) = words.rsplit_once(',') {
        let line = vec2(0.0, galley.size().y / 2.0);
        let font = Type::Small.font(ui);
        painter.text(cell.center() - line, Align2::CENTER_CENTER, format!("{thousands},"), font.clone(), ink);
        painter.text(cell.center() + line, Align2::CENTER_CENTER, rest, font, ink);
    }
    cell
}
