//! The parameters of a run on screen that no longer trains: to be read, and to be taken for the next run.

use eframe::egui::{self, Align2, FontId, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{Parameters, name, row};
use crate::gui::command::{Commands, UiCommand};
use crate::gui::theme::{self, Theme, Type, size};
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::method::params::table::ROWS;
use crate::method::params::{ParamRow, Params, Value};

/// The rows that the next run would have otherwise. How many threads there are is the machine's, not the method's.
fn differing(own: &Params, next: &Params) -> Vec<&'static ParamRow> {
    ROWS.iter().filter(|row| row.key != "device.threads" && (row.get)(own) != (row.get)(next)).collect()
}

impl Parameters {
    /// How the run on screen differs from the next one; a look at its values, and their use for the next run.
    pub(super) fn beside_screen(&mut self, ui: &mut Ui, own: &Params, next: &Params, actions: &Commands) {
        let theme = Theme::of(ui.ctx());
        let differing = differing(own, next);
        let words = match differing.len() {
            0 => "The run on screen has the same values.".to_owned(),
            1 => "The run on screen has 1 other value.".to_owned(),
            n => format!("The run on screen has {n} other values."),
        };
        ui.add(egui::Label::new(Type::Small.text(words, theme.t3)).truncate());
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let (label, tip) = match self.of_screen {
                true => ("Show the next run's", "The values that the next run begins with."),
                false => ("Show them", "The values of the run on screen, to be read."),
            };
            if ui.add(Push::new(label).look(ButtonLook::Framed).small().tight()).on_hover_text(tip).clicked() {
                self.of_screen ^= true;
            }
            let able = !differing.is_empty();
            let take = Push::new("Use for the next run").look(ButtonLook::Flat).small().tight().enabled(able);
            let tip = if able { "The next run begins with these values." } else { "The next run has them already." };
            if ui.add(take).on_hover_text(tip).clicked() {
                let changes = differing.iter().map(|row| (row.key.to_owned(), (row.get)(own)));
                actions.send(UiCommand::Mend(changes.collect()));
            }
        });
        ui.add_space(4.0);
    }

    /// The values of the run on screen, those that differ from the next run's marked.
    pub(super) fn own_rows(&mut self, ui: &mut Ui, own: &Params, next: &Params) {
        let theme = Theme::of(ui.ctx());
        let width = ui.available_width();
        ScrollArea::vertical().id_salt("values on screen").auto_shrink([false; 2]).show(ui, |ui| {
            ui.set_max_width(width - ui.spacing().scroll.allocated_width());
            ui.spacing_mut().item_spacing.y = 0.0;
            let mut group = "";
            for row in ROWS {
                if row.group != group {
                    group = row.group;
                    ui.add_space(6.0);
                    ui.label(Type::Title.text(group, theme.t1));
                }
                value_row(ui, row, own, next);
            }
            ui.add_space(8.0);
        });
    }
}

fn value_row(ui: &mut Ui, row: &ParamRow, own: &Params, next: &Params) {
    let theme = Theme::of(ui.ctx());
    let height = size::PARAM_ROW.max(Type::Body.font(ui).size + 8.0);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let written = |value: Value| match value {
        Value::Bool(on) => if on { "on" } else { "off" }.to_owned(),
        value => row::number(row, &value),
    };
    let [mine, other] = [own, next].map(|params| written((row.get)(params)));
    let differs = (row.get)(own) != (row.get)(next);
    let said = match differs {
        true => format!("{} {mine} in the run on screen, {other} in the next", name(row)),
        false => format!("{} {mine} in the run on screen", name(row)),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said.as_str()));
    if response.hovered() {
        ui.painter().rect_filled(rect.expand2(vec2(4.0, 0.0)), size::RADIUS_INPUT, theme.bg2);
    }
    let painter = ui.painter_at(rect);
    let y = rect.center().y;
    painter.text(pos2(rect.left(), y), Align2::LEFT_CENTER, row.label, Type::Body.font(ui), theme.t2);
    let strong = FontId::new(Type::Body.font(ui).size, theme::semibold());
    let (font, ink) = if differs { (strong, theme.accent) } else { (Type::Body.font(ui), theme.t1) };
    let mine = painter.layout_no_wrap(mine, font, ink);
    let x = rect.left() + 0.62 * rect.width();
    painter.galley(pos2(x - mine.size().x, y - mine.size().y / 2.0), mine, ink);
    if differs {
        let galley = Type::Small.cut(ui, format!("next {other}"), theme.t3, rect.right() - x - 10.0);
        painter.galley(pos2(x + 10.0, y - galley.size().y / 2.0), galley, theme.t3);
    }
    response.on_hover_ui(|ui| row::tooltip(ui, row));
}
