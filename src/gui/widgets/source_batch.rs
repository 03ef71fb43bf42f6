//! While the source is learnt and the target has not been looked at: a batch as the network sees it, and the features of the
//! newest batches as points. They stand in panels that have nothing else to show yet.

use eframe::egui::{
    Color32, ColorImage, Rect, Sense, Shape, TextureHandle, TextureOptions, Ui, WidgetInfo, pos2, vec2,
};

use crate::engine::event::SourceBatch;
use crate::gui::theme::{Theme, Type};
use crate::gui::view_model::RunView;

/// Between the images of a person, and from person to person.
const GAPS: [f32; 2] = [2.0, 10.0];
/// Least height of an image; what does not fit then is left out.
const LEAST: f32 = 36.0;

/// Of a point of the map.
const RADIUS: f32 = 2.5;

/// What pre-training of that run works on, where the target was not clustered yet.
pub fn of(view: &RunView) -> Option<&SourceBatch> {
    view.source_batch.as_deref().filter(|_| view.clusters.is_empty())
}

/// When it was, in a few words.
pub fn scope(batch: &SourceBatch) -> String {
    format!("source, epoch {}, iteration {}", batch.epoch + 1, batch.iter + 1)
}

/// The colour of a person of the source.
fn colour(theme: &Theme, pid: i32) -> Color32 {
    theme.series(pid.unsigned_abs() as usize)
}

/// The features of the newest batches.
pub fn map(ui: &mut Ui, batch: &SourceBatch) {
    let theme = Theme::of(ui.ctx());
    let whole = ui.available_rect_before_wrap();
    let response = ui.allocate_rect(whole, Sense::hover());
    let words = "One colour a person: those of one move together as the source is learnt. Principal components of the features \
                 of the newest batches.";
    let said = format!("{} features of the source in the plane", batch.points.len());
    response.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::Image, true, said.as_str()));
    let line = Type::Small.font(ui).size + 6.0;
    let rect = whole.with_max_y(whole.bottom() - line).shrink(12.0);
    let reach = batch.points.iter().flatten().fold(1e-6f32, |reach, x| reach.max(x.abs()));
    let half = (rect.width().min(rect.height()) / 2.0).max(1.0);
    let points = batch.points.iter().zip(&batch.point_pids).map(|([x, y], pid)| {
        let at = rect.center() + half * vec2(x / reach, -y / reach);
        Shape::circle_filled(at, RADIUS, colour(theme, *pid))
    });
    ui.painter().extend(points);
    let foot = Rect::from_min_max(pos2(whole.left(), whole.bottom() - line), whole.max);
    let mut foot = ui.new_child(eframe::egui::UiBuilder::new().max_rect(foot));
    foot.add(eframe::egui::Label::new(Type::Small.text(words, theme.t3)).truncate());
    response.on_hover_text(words);
}

/// The images of the batch.
#[derive(Default)]
pub struct BatchSheet {
    drawn: Option<((usize, usize), TextureHandle)>,
}

impl BatchSheet {
    /// Shows them person by person, each under the bar of its colour in [`map`].
    pub fn ui(&mut self, ui: &mut Ui, batch: &SourceBatch) {
        let theme = Theme::of(ui.ctx());
        let words = "A batch as the network sees it: P people, K images each; mirrored, shifted, erased.";
        ui.add(eframe::egui::Label::new(Type::Small.text(words, theme.t3)).truncate()).on_hover_text(words);
        let Some(texture) = self.texture(ui, batch) else { return };
        let room = ui.available_rect_before_wrap();
        let response = ui.allocate_rect(room, Sense::hover());
        let said = format!("{} images of the source batch", batch.pids.len());
        response.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::Image, true, said.as_str()));
        let aspect = batch.size[1] as f32 / batch.size[0].max(1) as f32;
        let steps = (0..).map(|i| 220.0 - 4.0 * i as f32).take_while(|height| *height >= LEAST);
        let fits = |height: &f32| places(&batch.pids, room, *height, aspect).len() == batch.pids.len();
        let height = steps.clone().find(fits).unwrap_or(LEAST);
        let n = batch.pids.len() as f32;
        for (i, place) in places(&batch.pids, room, height, aspect).into_iter().enumerate() {
            let part = Rect::from_min_max(pos2(i as f32 / n, 0.0), pos2((i + 1) as f32 / n, 1.0));
            ui.painter().image(texture.id(), place, part, Color32::WHITE);
            let bar = Rect::from_min_max(pos2(place.left(), place.top() - 4.0), pos2(place.right(), place.top() - 2.0));
            ui.painter().rect_filled(bar, 0.0, colour(theme, batch.pids[i]));
        }
    }

    /// The images side by side in one texture; `None` where the event does not hold together.
    fn texture(&mut self, ui: &Ui, batch: &SourceBatch) -> Option<TextureHandle> {
        let key = (batch.epoch, batch.iter);
        if let Some((known, texture)) = &self.drawn
            && *known == key
        {
            return Some(texture.clone());
        }
        let ([height, width], n) = (batch.size, batch.pids.len());
        if n == 0 || width * height == 0 || batch.pixels.len() != n * height * width * 3 {
            return None;
        }
        let mut sheet = vec![Color32::BLACK; n * width * height];
        for (i, image) in batch.pixels.chunks_exact(3 * width * height).enumerate() {
            for (at, rgb) in image.chunks_exact(3).enumerate() {
                let (row, column) = (at / width, at % width);
                sheet[row * n * width + i * width + column] = Color32::from_rgb(rgb[0], rgb[1], rgb[2]);
            }
        }
        let image = ColorImage::new([n * width, height], sheet);
        let texture = ui.ctx().load_texture("source batch", image, TextureOptions::LINEAR);
        self.drawn = Some((key, texture.clone()));
        Some(texture)
    }
}

/// Where the images stand: people one after another, none torn apart by the end of a line; as many as there is room for.
fn places(pids: &[i32], room: Rect, height: f32, aspect: f32) -> Vec<Rect> {
    let size = vec2(height * aspect, height);
    let mut found = Vec::new();
    let (mut x, mut y) = (room.left(), room.top() + 6.0);
    for person in pids.chunk_by(|a, b| a == b) {
        let width = person.len() as f32 * (size.x + GAPS[0]);
        if x > room.left() && x + width > room.right() {
            (x, y) = (room.left(), y + height + GAPS[1]);
        }
        if y + height > room.bottom() || x + width > room.right() + GAPS[0] {
            return found;
        }
        for _ in person {
            found.push(Rect::from_min_size(pos2(x, y), size));
            x += size.x + GAPS[0];
        }
        x += GAPS[1];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_not_torn_apart_and_stay_in_the_panel() {
        let pids = [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3];
        let room = Rect::from_min_size(pos2(10.0, 10.0), vec2(300.0, 200.0));
        let places = places(&pids, room, 64.0, 0.5);
        assert_eq!(places.len(), 12);
        assert!(places.iter().all(|place| room.contains_rect(*place)));
        for person in places.chunks(4) {
            assert!(person.iter().all(|place| place.top() == person[0].top()));
        }
    }
}
