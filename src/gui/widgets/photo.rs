//! Photographs in cells: never stretched, and an honest blank where the file is gone.

use std::path::Path;

use eframe::egui::{Color32, Painter, Pos2, Rect, Stroke, StrokeKind, Ui, pos2};

use crate::gui::theme::{Theme, size};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::images::{Thumbnails, Tone};

/// The whole of a texture.
pub const WHOLE: Rect = Rect { min: Pos2::ZERO, max: Pos2 { x: 1.0, y: 1.0 } };

/// Paints the picture of `path` as large as `cell` allows and says where it is; a blank while it loads.
pub fn paint(ui: &Ui, images: &Thumbnails, path: Option<&Path>, cell: Rect, tone: Tone, opacity: f32) -> Rect {
    let theme = Theme::of(ui.ctx());
    let path = path.filter(|p| !p.as_os_str().is_empty());
    let pixels = (cell.size() * ui.pixels_per_point()).ceil();
    let texture = path.and_then(|p| images.get_toned(ui.ctx(), p, [pixels.x as u32, pixels.y as u32], tone));
    let Some(texture) = texture else {
        ui.painter().rect_filled(cell, size::RADIUS_CHIP, theme.bg2);
        if path.is_none_or(|p| images.failure(p).is_some()) {
            icon::paint(ui.painter(), cell.center(), icon::IMAGE, Weight::Regular, size::ICON, theme.t4);
        }
        return cell;
    };
    let [width, height] = texture.size().map(|n| n as f32);
    let scale = (cell.width() / width).min(cell.height() / height);
    let rect = Rect::from_center_size(cell.center(), eframe::egui::vec2(width, height) * scale);
    let tint = Color32::WHITE.gamma_multiply(opacity);
    ui.painter().image(texture.id(), rect, WHOLE, tint);
    rect
}

/// Why the picture cannot be shown, if so.
pub fn missing(images: &Thumbnails, path: Option<&Path>) -> Option<String> {
    match path {
        None => Some("images.csv of the run does not list this image.".to_owned()),
        Some(path) if path.as_os_str().is_empty() => {
            Some("This run was made of features alone: it has no photos.".to_owned())
        }
        Some(path) => images.failure(path).map(|why| format!("The image cannot be shown: {why}")),
    }
}

/// A frame, dashed or not.
pub fn frame(painter: &Painter, rect: Rect, color: Color32, dashed: bool) {
    let stroke = Stroke::new(size::STROKE_HERO, color);
    if dashed {
        let r = rect.shrink(1.0);
        let path = [r.left_top(), r.right_top(), r.right_bottom(), r.left_bottom(), r.left_top()];
        painter.extend(eframe::egui::Shape::dashed_line(&path, Stroke::new(size::STROKE_CURVE, color), 4.0, 3.0));
    } else {
        painter.rect_stroke(rect, size::RADIUS_CHIP, stroke, StrokeKind::Inside);
    }
}

/// A glyph in the upper right corner, so that the frame's colour is not the only code.
pub fn corner(painter: &Painter, rect: Rect, glyph: &str, color: Color32, theme: &Theme) {
    let side = 15.0;
    let at = Rect::from_min_max(pos2(rect.right() - side, rect.top()), pos2(rect.right(), rect.top() + side));
    painter.rect_filled(at, size::RADIUS_CHIP, color);
    icon::paint(painter, at.center(), glyph, Weight::Bold, size::ICON_MARK, theme.corner_ink);
}
