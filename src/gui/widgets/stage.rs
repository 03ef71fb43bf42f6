//! One stage of the run strip: its name, its time, a thin bar.

use eframe::egui::{Align2, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::icon::{self, Weight};
use crate::gui::theme::{Theme, Type, size};

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// Not begun in this cycle.
    ToCome,
    /// Under way, 0..=1.
    Running(f32),
    /// Ended.
    Done,
}

/// Shows a stage `width` wide; `time` says how long it took, has left, or will take.
pub fn stage(ui: &mut Ui, name: &str, time: &str, progress: Progress, width: f32) -> Response {
    let theme = Theme::of(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(width, 30.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, format!("{name}, {time}")));
    let painter = ui.painter();
    let baseline = rect.top() + 9.0;
    let mut x = rect.left();
    let (font, ink) = match progress {
        Progress::Running(_) => (Type::Title.font(ui), theme.t1),
        Progress::Done => (Type::Body.font(ui), theme.t2),
        Progress::ToCome => (Type::Body.font(ui), theme.t3),
    };
    if progress == Progress::Done {
        icon::paint(painter, pos2(x + 5.0, baseline), icon::CHECK, Weight::Bold, size::ICON_MARK, theme.match_);
        x += 15.0;
    }
    let name_at = painter.text(pos2(x, baseline), Align2::LEFT_CENTER, name, font, ink);
    let time = painter.layout_no_wrap(time.to_owned(), Type::Small.font(ui), theme.t3);
    if name_at.right() + 6.0 + time.size().x <= rect.right() {
        painter.galley(pos2(rect.right() - time.size().x, baseline - time.size().y / 2.0), time, theme.t3);
    }
    let rail = Rect::from_min_size(pos2(rect.left(), rect.top() + 20.0), vec2(width, 3.0));
    painter.rect_filled(rail, 1.5, theme.bg3);
    let (share, color) = match progress {
        Progress::ToCome => (0.0, theme.bg3),
        Progress::Running(t) => (t.clamp(0.0, 1.0), theme.accent),
        Progress::Done => (1.0, theme.t4),
    };
    painter.rect_filled(Rect::from_min_size(rail.min, vec2(width * share, 3.0)), 1.5, color);
    response
}
