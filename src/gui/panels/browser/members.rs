//! All images of one cluster, or all outliers.

use eframe::egui::{self, Align2, Rect, ScrollArea, Sense, Ui, pos2, vec2};

use super::OUTLIERS;
use crate::gui::clustered::ShownClustering;
use crate::gui::clustered::member::{mark, odd, pick};
use crate::gui::panels::PanelCtx;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Type, size};
use crate::gui::widgets::photo;
use crate::gui::widgets::thumb;
use crate::gui::widgets::{button, icon, tile};
use crate::gui::words::share;

const GAP: f32 = 8.0;

/// Where the reader wants to go from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Stay.
    Stay,
    /// Back to the cards.
    Back,
    /// To the cluster that many places on.
    Step(isize),
}

/// Shows all images of `cluster`.
pub fn show(ui: &mut Ui, cx: &PanelCtx<'_>, shown: &ShownClustering, cluster: u32) -> Go {
    let mut go = Go::Stay;
    let row = shown.table.row(cluster);
    let images = match row {
        Some(_) => shown.table.members(cluster),
        None => &shown.table.outliers,
    };
    ui.horizontal(|ui| {
        if button::icon_button(ui, icon::CARET_LEFT, "Back to all clusters").clicked() {
            go = Go::Back;
        }
        let title = if cluster == OUTLIERS { "Outliers".to_owned() } else { format!("Cluster {cluster}") };
        ui.label(Type::Title.text(title, cx.theme.t1));
        let mut words = vec![ticks::counted(images.len(), "image", "images")];
        if let Some(row) = row {
            words.push(format!("score {}, {}", share(row.score), row.verdict()));
            if row.cameras > 0 {
                words.push(format!("{} of {} cameras", row.cameras, shown.table.cameras));
            }
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if cluster != OUTLIERS {
                if button::icon_button(ui, icon::CARET_DOWN, "Next cluster of the cards").clicked() {
                    go = Go::Step(1);
                }
                if button::icon_button(ui, icon::CARET_UP, "Previous cluster of the cards").clicked() {
                    go = Go::Step(-1);
                }
            }
            if let Some(purity) = row.and_then(|r| r.purity).filter(|_| cx.truth) {
                ui.label(Type::Small.text(format!("purity {}", ticks::number(purity, 2)), cx.theme.truth));
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(Type::Small.text(words.join(" · "), cx.theme.t3)).truncate());
            });
        });
    });
    tile::rule(ui);
    let k = type_scale(ui);
    let cell = k * egui::Vec2::from(size::THUMBS[2]);
    let line = Type::Small.font(ui).size + 3.0;
    let width = ui.available_width();
    let columns = (((width + GAP) / (cell.x + GAP)).floor() as usize).max(1);
    let height = cell.y + line + 4.0;
    ui.spacing_mut().item_spacing.y = GAP;
    let area = ScrollArea::vertical().id_salt(("members", cluster)).auto_shrink([false, false]);
    area.show_rows(ui, height, images.len().div_ceil(columns), |ui, range| {
        for r in range {
            let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
            for (column, &image) in images.iter().skip(r * columns).take(columns).enumerate() {
                let at = pos2(rect.left() + column as f32 * (cell.x + GAP), rect.top() + 1.0);
                member(ui, cx, shown, image, Rect::from_min_size(at, cell));
            }
        }
    });
    go
}

fn member(ui: &Ui, cx: &PanelCtx<'_>, shown: &ShownClustering, image: u32, cell: Rect) {
    let theme = cx.theme;
    thumb::paint(ui, cx.images, shown.images.as_deref(), image, cell, 1.0);
    let (_, glyph, color) = mark(shown, theme, image);
    photo::corner(ui.painter(), cell, glyph, color, theme);
    if cx.truth && shown.is_odd(image) {
        odd(ui, cell);
    }
    let score = shown.facts.score.get(image as usize).map_or("–".to_owned(), |s| ticks::number(*s, 2));
    let at = pos2(cell.center().x, cell.bottom() + 3.0);
    ui.painter().text(at, Align2::CENTER_TOP, score, Type::Small.font(ui), theme.t2);
    pick(ui, cx, shown, image, cell);
}
