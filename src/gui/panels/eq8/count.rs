//! The count: unit squares for numerator and denominator, the fraction, the verdict and its reason.

use eframe::egui::{self, Align2, FontId, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::Eq8Picture;
use super::verdict::sentence;
use crate::gui::clustered::ScoreOrigin;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::words::share;

/// From this width on squares and fraction stand beside each other.
const WIDE: f32 = 520.0;

/// Room that it takes of a tile `room` high.
pub fn height(ui: &Ui, room: f32) -> f32 {
    let k = type_scale(ui);
    let squares = if is_wide(ui) || room < 240.0 * k { 0.0 } else { 58.0 * k };
    (if room < 240.0 * k { 58.0 } else { 106.0 }) * k + squares
}

/// Whether squares and fraction stand beside each other.
pub fn is_wide(ui: &Ui) -> bool {
    ui.available_width() >= WIDE * type_scale(ui)
}

/// Draws it.
pub fn show(ui: &mut Ui, picture: &Eq8Picture<'_>, room: f32) {
    let k = type_scale(ui);
    let width = ui.available_width();
    let fraction_height = 58.0 * k;
    let with_squares = room >= 240.0 * k;
    if is_wide(ui) && with_squares {
        let (rect, _) = ui.allocate_exact_size(vec2(width, fraction_height), Sense::hover());
        let middle = rect.left() + (width * 0.48).floor();
        squares(ui, picture, Rect::from_min_max(rect.min, pos2(middle - 16.0, rect.bottom())));
        fraction(ui, picture, Rect::from_min_max(pos2(middle, rect.top()), rect.max));
    } else {
        if with_squares {
            let (rect, _) = ui.allocate_exact_size(vec2(width, fraction_height), Sense::hover());
            squares(ui, picture, rect);
        }
        let (rect, _) = ui.allocate_exact_size(vec2(width, 44.0 * k), Sense::hover());
        fraction(ui, picture, rect);
    }
    let theme = Theme::of(ui.ctx());
    if room >= 180.0 * k {
        ui.add(egui::Label::new(Type::Body.text(sentence(picture), theme.t2)).wrap());
    }
}

/// One square an image, those in all three sets filled; a bar where they are too many to be counted by eye.
fn squares(ui: &Ui, picture: &Eq8Picture<'_>, room: Rect) {
    let theme = Theme::of(ui.ctx());
    let counted = picture.fraction();
    let (inter, union) = (counted.inter, counted.union.max(1));
    let spcl = picture.shown.table.kind == ScoreOrigin::Spcl;
    let words = [
        format!("{} in {}", ticks::count(inter), if spcl { "both" } else { "all three" }),
        format!("{} in {}", ticks::count(union - inter), if spcl { "one" } else { "some" }),
    ];
    let response = ui.interact(room, ui.scope_id().with("eq8 squares"), Sense::hover());
    let name = format!("{}, {}", words[0], words[1]);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name.as_str()));
    let painter = ui.painter();
    let small = FontId::new(Type::Small.font(ui).size, theme::medium());
    let top = room.top() + small.size + 6.0;
    let area = Rect::from_min_max(pos2(room.left(), top), pos2(room.right(), room.bottom() - small.size - 14.0));
    let (right, bottom, first_end) = match fit(union, area.size()) {
        Some((side, across)) => {
            let at = |i: usize| area.min + vec2((i % across) as f32, (i / across) as f32) * (side + 2.0);
            for i in 0..union {
                let rect = Rect::from_min_size(at(i), Vec2::splat(side));
                if i < inter {
                    painter.rect_filled(rect, 2, theme.match_);
                } else {
                    let stroke = Stroke::new(size::STROKE, theme.unreliable);
                    painter.rect_stroke(rect, 2, stroke, StrokeKind::Inside);
                }
            }
            let right = area.left() + union.min(across) as f32 * (side + 2.0) - 2.0;
            (right, at(union - 1).y + side, at(inter.min(across)).x)
        }
        None => {
            let bar = Rect::from_min_size(area.min, vec2(area.width(), 10.0));
            let cut = bar.left() + bar.width() * inter as f32 / union as f32;
            painter.rect_filled(Rect::from_min_max(bar.min, pos2(cut, bar.bottom())), 2, theme.match_);
            let rest = Rect::from_min_max(pos2(cut, bar.top()), bar.max);
            painter.rect_stroke(rest, 2, Stroke::new(size::STROKE, theme.unreliable), StrokeKind::Inside);
            (bar.right(), bar.bottom(), cut)
        }
    };
    let left = painter.text(room.min, Align2::LEFT_TOP, &words[0], small.clone(), theme.match_);
    if union > inter {
        let galley = painter.layout_no_wrap(words[1].clone(), small, theme.unreliable);
        let x = first_end.min(room.right() - galley.size().x).max(left.right() + 12.0);
        painter.galley(pos2(x, room.top()), galley, theme.unreliable);
    }
    let line = Stroke::new(size::STROKE, theme.t4);
    let y = painter.round_to_pixel_center(bottom + 9.0);
    painter.hline(room.left()..=right, y, line);
    for x in [room.left(), right] {
        painter.vline(painter.round_to_pixel_center(x), y - 5.0..=y, line);
    }
    let below = format!("{} in any of the {}", ticks::count(union), if spcl { "two" } else { "three" });
    let at = pos2(((room.left() + right) / 2.0).max(room.left() + 50.0), y + 3.0);
    painter.text(at, Align2::CENTER_TOP, below, Type::Small.font(ui), theme.t2);
}

/// The largest square of which `count` fit, and how many stand beside each other.
fn fit(count: usize, room: Vec2) -> Option<(f32, usize)> {
    [10.0_f32, 8.0, 6.0, 4.0].into_iter().find_map(|side| {
        let across = ((room.x + 2.0) / (side + 2.0)).floor() as usize;
        let rows = count.div_ceil(across.max(1));
        (across > 0 && rows as f32 * (side + 2.0) <= room.y + 2.0).then_some((side, across))
    })
}

fn fraction(ui: &Ui, picture: &Eq8Picture<'_>, room: Rect) {
    let theme = Theme::of(ui.ctx());
    let counted = picture.fraction();
    let kind = picture.shown.table.kind;
    let score = picture.shown.facts.score.get(picture.member as usize).copied().unwrap_or(f64::NAN);
    let formula = match kind {
        ScoreOrigin::Spcl => "SpCL: |normal ∩ loose| / |normal ∪ loose|",
        ScoreOrigin::Eq8 | ScoreOrigin::Other | ScoreOrigin::None => {
            "|tight ∩ normal ∩ loose| / |tight ∪ normal ∪ loose|"
        }
    };
    let mut words = format!(
        "score = {} / {} = {}",
        ticks::count(counted.inter),
        ticks::count(counted.union),
        share(counted.value())
    );
    if kind == ScoreOrigin::Other {
        // Never two numbers that pretend to be one.
        words = format!("Eq. 8 = {}, recorded {}", share(counted.value()), share(score));
    }
    let painter = ui.painter();
    let small = Type::Small.font(ui);
    let (ink, glyph, verdict) = match picture.row.reliable {
        true => (theme.reliable, icon::CHECK, "reliable"),
        false => (theme.unreliable, icon::CIRCLE, "unreliable"),
    };
    let strong = FontId::new(Type::Body.font(ui).size, theme::medium());
    let y = room.top() + small.size + 14.0;
    let drawn = painter.text(pos2(room.right(), y), Align2::RIGHT_CENTER, verdict, strong, ink);
    let mark = pos2(drawn.left() - 4.0 - size::ICON_MARK / 2.0, y);
    icon::paint(painter, mark, glyph, Weight::Bold, size::ICON_MARK, ink);
    let alpha = picture.shown.facts.threshold;
    let alpha = alpha.map_or("no threshold".to_owned(), |a| format!("threshold {}", share(a)));
    let at = pos2(room.right(), y + drawn.height() / 2.0 + 1.0);
    painter.text(at, Align2::RIGHT_TOP, &alpha, small.clone(), theme.t3);
    let left = painter.with_clip_rect(Rect::from_min_max(room.min, pos2(mark.x - 10.0, room.bottom() + 4.0)));
    painter.with_clip_rect(room).text(room.min, Align2::LEFT_TOP, formula, small.clone(), theme.t3);
    let at = pos2(room.left(), room.top() + small.size + 4.0);
    let large = left.text(at, Align2::LEFT_TOP, &words, Type::Figure.font(ui), theme.t1);
    if kind == ScoreOrigin::Spcl {
        let comp = picture.sets.comp();
        let text = format!(
            "compactness, |normal ∩ tight| / |normal ∪ tight| = {} / {} = {}",
            comp.inter,
            comp.union,
            share(comp.value())
        );
        left.text(pos2(room.left(), large.bottom()), Align2::LEFT_TOP, text, small, theme.t3);
    }
    let response = ui.interact(room, ui.scope_id().with("eq8 fraction"), Sense::hover());
    let name = format!("{words}, {verdict}, {alpha}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, name.as_str()));
    response.on_hover_ui(|ui| explain(ui, picture));
}

fn explain(ui: &mut Ui, picture: &Eq8Picture<'_>) {
    let theme = Theme::of(ui.ctx());
    match picture.shown.table.kind {
        ScoreOrigin::Eq8 => {
            ui.label(Type::Title.text("Eq. 8, the independence score", theme.t1));
            ui.label("Of all images that share a cluster with this member at any of the three radii, the share that does at all three. 1 means that the cluster is the same at every radius.");
        }
        ScoreOrigin::Spcl => {
            ui.label(Type::Title.text("SpCL's pair of scores", theme.t1));
            ui.label("This run scores with reliability.score = spcl: a cluster is judged by the overlap of its normal and its loose set, and a member keeps its label only if the overlap of normal and tight reaches the cluster's.");
        }
        ScoreOrigin::Other | ScoreOrigin::None => {
            ui.label(Type::Title.text("Not the numbers of these labels", theme.t1));
            ui.label(
                "The scores that were recorded follow neither from Eq. 8 nor from SpCL's pair on the recorded labels.",
            );
        }
    }
}
