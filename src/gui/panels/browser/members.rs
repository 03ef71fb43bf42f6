//! All images of one cluster, or all outliers.

use eframe::egui::{self, Align2, Color32, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use super::OUTLIERS;
use super::card::{chosen_frame, verdict};
use crate::gui::panels::clustered::{ScoreOrigin, ShownClustering, thumb};
use crate::gui::panels::{PanelCtx, Pick, by_hand, photo};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::{button, icon, tile};

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

/// What an image is in its clustering, in a word, with its glyph and colour.
fn mark(shown: &ShownClustering, theme: &Theme, image: u32) -> (&'static str, &'static str, Color32) {
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
            words.push(format!("score {}, {}", ticks::number(row.score, 2), verdict(row)));
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

/// **Ground truth**: the mark of an image that has not its cluster's identity.
pub fn odd(ui: &Ui, cell: Rect) {
    let theme = Theme::of(ui.ctx());
    photo::frame(ui.painter(), cell, theme.truth, true);
    let side = (0.5 * cell.width()).min(13.0);
    let at = Rect::from_min_size(cell.left_top(), egui::Vec2::splat(side));
    ui.painter().rect_filled(at, size::RADIUS_CHIP, theme.truth);
    icon::paint(ui.painter(), at.center(), icon::CROSS, icon::Weight::Bold, (side - 2.0).max(6.0), theme.corner_ink);
}
