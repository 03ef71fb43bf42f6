//! The batch: photos as the network saw them, mirrored, shifted and with patches erased, and of each the two that the
//! triplet loss compares it with.

use eframe::egui::{Align2, Color32, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn, Pick};
use crate::engine::event::{ImageRef, Split};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::recorded::record;
use crate::gui::theme::{Type, size};
use crate::gui::widgets::button::focus_ring;
use crate::gui::widgets::{icon, thumb};
use crate::gui::words::epoch_words;
use crate::method::params::TripletForm;
use crate::run::images::Images;
use crate::run::training::{BatchRecord, MOVES};

/// State of the Batch panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchPanel {
    /// The anchor, by its place in the batch.
    #[serde(skip)]
    anchor: Option<usize>,
}

impl Panel for BatchPanel {
    const TITLE: &'static str = "Batch";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let (epoch, record) = record(cx)?;
        let batch = &record.batch;
        if batch.images.is_empty() {
            return Err(Absence::nothing(icon::GRID, "No batch", "This epoch trained on no image."));
        }
        let mut labels = batch.labels.clone();
        labels.sort_unstable();
        labels.dedup();
        let scope = format!(
            "{} of {}, {}, iteration {}",
            ticks::counted(batch.images.len(), "photo", "photos"),
            ticks::counted(labels.len(), "class", "classes"),
            epoch_words(epoch),
            batch.iter + 1
        );
        cx.title(&scope).plain(ui);
        let images = cx.snapshots.images(cx.view);
        let images = images.ready().map(|i| &**i);
        let anchor = self.anchor.filter(|a| *a < batch.images.len()).unwrap_or_else(|| hardest(batch, cx));
        let k = type_scale(ui);
        let room = ui.available_rect_before_wrap();
        let high = (0.46 * room.height()).clamp(k * 90.0, k * 300.0);
        // The frames reach beyond the photos.
        let room = room.with_min_y(room.top() + 3.0);
        let top = room.with_max_y(room.top() + high);
        compare(ui, cx, top, batch, images, anchor);
        let below = room.with_min_y(top.bottom() + 8.0);
        let mut child = ui.new_child(eframe::egui::UiBuilder::new().max_rect(below));
        child.set_clip_rect(below.intersect(ui.clip_rect()));
        self.grid(&mut child, cx, batch, images, anchor);
        Ok(())
    }
}

/// The anchor that costs most.
fn hardest(batch: &BatchRecord, cx: &PanelCtx<'_>) -> usize {
    let costs = (0..batch.images.len()).map(|i| (i, loss(batch, cx, i).unwrap_or(f64::NEG_INFINITY)));
    costs.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(i, _)| i)
}

/// What the triplet loss makes of an anchor; `None` where it has no pair.
fn loss(batch: &BatchRecord, cx: &PanelCtx<'_>, anchor: usize) -> Option<f64> {
    if batch.positive[anchor] < 0 || batch.negative[anchor] < 0 {
        return None;
    }
    let apart = f64::from(batch.positive_distance[anchor]) - f64::from(batch.negative_distance[anchor]);
    let triplet = cx.view.params.as_ref().map(|p| p.triplet.clone()).unwrap_or_default();
    Some(match triplet.form {
        TripletForm::Margin => (apart + triplet.margin).max(0.0),
        TripletForm::Softmax => apart.exp().ln_1p(),
    })
}

/// The anchor between the two that it is compared with, large.
fn compare(ui: &mut Ui, cx: &PanelCtx<'_>, room: Rect, batch: &BatchRecord, images: Option<&Images>, anchor: usize) {
    let theme = cx.theme;
    let k = type_scale(ui);
    let caption = k * 34.0;
    let height = (room.height() - caption).max(30.0);
    let width = height * batch.size[1].max(1) as f32 / batch.size[0].max(1) as f32;
    let gap = (0.05 * room.width()).clamp(10.0, 50.0);
    let [positive, negative] = [batch.positive[anchor], batch.negative[anchor]];
    let mut x = room.left();
    let columns = [
        (positive, "furthest of its cluster", theme.match_, Some(batch.positive_distance[anchor])),
        (anchor as i32, "anchor", theme.accent, None),
        (negative, "nearest of another", theme.mismatch, Some(batch.negative_distance[anchor])),
    ];
    for (place, name, ink, distance) in columns {
        let cell = Rect::from_min_size(pos2(x, room.top()), vec2(width, height));
        x += width + gap;
        let Ok(place) = usize::try_from(place) else {
            ui.painter().rect_filled(cell, size::RADIUS_CHIP, theme.bg2);
            ui.painter().text(cell.center(), Align2::CENTER_CENTER, "none", Type::Small.font(ui), theme.t3);
            continue;
        };
        seen(ui, cx, cell, batch, images, place);
        ui.painter().rect_stroke(cell, size::RADIUS_CHIP, Stroke::new(size::STROKE_HERO, ink), StrokeKind::Outside);
        let under = pos2(cell.left(), cell.bottom() + 4.0);
        let first = ui.painter().text(under, Align2::LEFT_TOP, name, Type::Small.font(ui), ink);
        let words = match distance {
            Some(d) => format!("{} away", ticks::number(f64::from(d), 2)),
            None => changed(batch, place),
        };
        ui.painter().text(pos2(cell.left(), first.bottom()), Align2::LEFT_TOP, words, Type::Small.font(ui), theme.t2);
    }
    let beside = Rect::from_min_max(pos2(x, room.top()), room.max);
    if beside.width() < 90.0 {
        return;
    }
    let mut child = ui.new_child(eframe::egui::UiBuilder::new().max_rect(beside));
    child.set_clip_rect(beside.intersect(ui.clip_rect()));
    for (words, ink) in verdict(cx, batch, images, anchor) {
        child.add(eframe::egui::Label::new(Type::Body.text(words, ink)).wrap());
    }
}

/// What the loss does with the anchor, and whether it is right to.
fn verdict(cx: &PanelCtx<'_>, batch: &BatchRecord, images: Option<&Images>, anchor: usize) -> Vec<(String, Color32)> {
    let theme = cx.theme;
    let (Some(loss), Some(params)) = (loss(batch, cx, anchor), cx.view.params.as_ref()) else {
        return vec![("This photo has no other of its class in the batch: it does not count.".to_owned(), theme.t2)];
    };
    let (p, n) = (f64::from(batch.positive_distance[anchor]), f64::from(batch.negative_distance[anchor]));
    let number = |x: f64| ticks::number(x, 2);
    let sum = match params.triplet.form {
        TripletForm::Margin => {
            format!("max(0, {} − {} + {}) = {}", number(p), number(n), number(params.triplet.margin), number(loss))
        }
        TripletForm::Softmax => format!("log(1 + exp({} − {})) = {}", number(p), number(n), number(loss)),
    };
    let mut lines = vec![(sum, theme.t1)];
    let pulls = "It is pulled towards the left photo and pushed from the right one.";
    let rests = "The margin is kept: this anchor asks for nothing.";
    lines.push(((if loss > 0.0 { pulls } else { rests }).to_owned(), theme.t2));
    let pid = |place: i32| {
        let image = *batch.images.get(usize::try_from(place).ok()?)?;
        images?.get(thumb::train(image)).map(|row| row.pid)
    };
    if let (true, Some(own)) = (cx.truth, pid(anchor as i32)) {
        if pid(batch.negative[anchor]) == Some(own) {
            let words = "By the truth the right photo shows the same person: a wrong pseudo-label at work.";
            lines.push((words.to_owned(), theme.truth));
        }
        if pid(batch.positive[anchor]).is_some_and(|other| other != own) {
            let words = "By the truth the left photo shows somebody else: the cluster is not pure.";
            lines.push((words.to_owned(), theme.truth));
        }
    }
    lines
}

/// How a photo was changed, in words.
fn changed(batch: &BatchRecord, place: usize) -> String {
    let [flip, pad, top, left, .., erased, _] = moves(batch, place);
    let mut words = Vec::new();
    if flip == 1 {
        words.push("mirrored".to_owned());
    }
    let by = [pad as i64 - left as i64, pad as i64 - top as i64];
    if by != [0, 0] {
        words.push(format!("shifted {} {}", by[0], by[1]));
    }
    if erased > 0 {
        words.push("erased".to_owned());
    }
    if words.is_empty() { "as it is".to_owned() } else { words.join(", ") }
}

fn moves(batch: &BatchRecord, place: usize) -> [u32; MOVES] {
    let mut all = [0; MOVES];
    all.copy_from_slice(&batch.moves[place * MOVES..(place + 1) * MOVES]);
    all
}

/// Paints a photo of the batch as the network saw it.
fn seen(ui: &Ui, cx: &PanelCtx<'_>, cell: Rect, batch: &BatchRecord, images: Option<&Images>, place: usize) {
    let theme = cx.theme;
    let image = batch.images[place];
    let path = images.and_then(|i| i.get(thumb::train(image))).map(|row| row.path.as_path());
    let pixels = (cell.size() * ui.pixels_per_point()).ceil();
    let path = path.filter(|p| !p.as_os_str().is_empty() && cx.images.failure(p).is_none());
    let Some(texture) = path.and_then(|p| cx.images.get(ui.ctx(), p, [pixels.x as u32, pixels.y as u32])) else {
        thumb::paint(ui, cx.images, images, image, cell, 1.0);
        return;
    };
    let [flip, pad, top, left, erase_top, erase_left, erase_height, erase_width] =
        moves(batch, place).map(|n| n as f32);
    let scale = vec2(cell.width() / batch.size[1].max(1) as f32, cell.height() / batch.size[0].max(1) as f32);
    let painter = ui.painter_at(cell.intersect(ui.clip_rect()));
    painter.rect_filled(cell, 0.0, theme.padded());
    let whole = cell.translate(vec2((pad - left) * scale.x, (pad - top) * scale.y));
    let (from, to) = if flip > 0.5 { (1.0, 0.0) } else { (0.0, 1.0) };
    painter.image(texture.id(), whole, Rect::from_min_max(pos2(from, 0.0), pos2(to, 1.0)), Color32::WHITE);
    if erase_height > 0.0 {
        let min = cell.min + vec2(erase_left * scale.x, erase_top * scale.y);
        let patch = Rect::from_min_size(min, vec2(erase_width * scale.x, erase_height * scale.y));
        painter.rect_filled(patch, 0.0, theme.erased());
    }
}

impl BatchPanel {
    /// All photos; a click makes one the anchor.
    fn grid(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>, batch: &BatchRecord, images: Option<&Images>, anchor: usize) {
        let theme = cx.theme;
        let height = type_scale(ui) * 64.0;
        let width = height * batch.size[1].max(1) as f32 / batch.size[0].max(1) as f32;
        let columns = ((ui.available_width() + 6.0) / (width + 6.0)).floor().max(1.0) as usize;
        let rows = batch.images.len().div_ceil(columns);
        ScrollArea::vertical().id_salt("batch").auto_shrink([false, false]).show_rows(ui, height, rows, |ui, range| {
            for row in range {
                let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
                for place in row * columns..((row + 1) * columns).min(batch.images.len()) {
                    let x = line.left() + (place % columns) as f32 * (width + 6.0);
                    let cell = Rect::from_min_size(pos2(x, line.top()), vec2(width, height - 4.0));
                    seen(ui, cx, cell, batch, images, place);
                    let ink = match place as i32 {
                        _ if place == anchor => Some(theme.accent),
                        at if at == batch.positive[anchor] => Some(theme.match_),
                        at if at == batch.negative[anchor] => Some(theme.mismatch),
                        _ if batch.labels[place] == batch.labels[anchor] => Some(theme.line2),
                        _ => None,
                    };
                    if let Some(ink) = ink {
                        let stroke = Stroke::new(size::STROKE_HERO, ink);
                        ui.painter().rect_stroke(cell, size::RADIUS_CHIP, stroke, StrokeKind::Outside);
                    }
                    let response = ui.interact(cell, ui.scope_id().with(("photo", place)), Sense::click());
                    let said = format!("Photo {} of the batch, class {}", place + 1, batch.labels[place]);
                    response.widget_info(|| WidgetInfo::selected(Role::Button, true, place == anchor, said.as_str()));
                    focus_ring(ui, &response, cell, size::RADIUS_CHIP);
                    let image = batch.images[place];
                    let words = format!(
                        "Image {}, {}. Click to compare it.",
                        ticks::count(image as usize),
                        changed(batch, place)
                    );
                    if response.on_hover_text(words).clicked() {
                        self.anchor = Some(place);
                        cx.select(Pick::Image(Some(ImageRef { split: Split::Train, index: image })));
                    }
                }
            }
        });
    }
}
