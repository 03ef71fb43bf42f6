//! The title bar: menu, layouts, the run's name, search, theme.

use eframe::egui::{
    self, Align, Align2, Layout as Flow, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::{Pane, Pick};
use crate::gui::command::{COMMANDS, CommandEntry, Commands, UiCommand, WorkLayout, ZOOMS, pane_keys};
use crate::gui::far;
use crate::gui::setting;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::RunView;
use crate::gui::widgets::button::{ButtonLook, Push, icon_button, segment};
use crate::gui::widgets::icon::{self, Weight};

/// Shows the title bar: of the run that the engine works on and the one on screen, in that layout and zoom; `reaching`
/// tells of a run that is about to be shown, `selected` of what is selected.
pub fn ui(
    ui: &mut Ui,
    (live, shown): (&RunView, &RunView),
    (layout, zoom): (WorkLayout, f32),
    (reaching, selected): (Option<&str>, Option<&str>),
    actions: &Commands,
) {
    let bar = ui.max_rect();
    ui.with_layout(Flow::left_to_right(Align::Center), |ui| {
        ui.add_space(6.0);
        menu(ui, live, shown, actions);
        ui.add_space(4.0);
        let mut chosen = layout;
        let options = [(WorkLayout::Research, "Research"), (WorkLayout::Tune, "Tune"), (WorkLayout::Teach, "Teach")];
        if segment(ui, &options, &mut chosen) {
            actions.send(UiCommand::Layout(chosen));
        }
        let left = ui.cursor().left();
        ui.with_layout(Flow::right_to_left(Align::Center), |ui| {
            ui.add_space(6.0);
            let dark = Theme::of(ui.ctx()).dark;
            let (glyph, name) = if dark { (icon::SUN, "Light appearance") } else { (icon::MOON, "Dark appearance") };
            if icon_button(ui, glyph, name).clicked() {
                actions.send(UiCommand::ToggleTheme);
            }
            zoom_level(ui, zoom, actions);
            ui.add_space(4.0);
            search(ui, actions);
            if let Some(selected) = selected {
                selection(ui, selected, actions);
            }
            run_name(
                ui,
                Rect::from_x_y_ranges(left..=ui.cursor().right(), bar.y_range()),
                bar,
                (live, shown),
                reaching,
            );
        });
    });
}

/// What is selected, the same in all panels; a click ends it.
fn selection(ui: &mut Ui, words: &str, actions: &Commands) {
    if ui.available_width() < 420.0 {
        return;
    }
    let chip = ui.add(Push::new(words).icon(icon::CROSS, Weight::Bold).look(ButtonLook::Framed).small().tight());
    let chip = chip.accessible_name(format!("Selected: {words}"));
    if chip.on_hover_text("What is selected, in all panels. Click to select nothing.").clicked() {
        actions.send(UiCommand::Select(Pick::Nothing));
    }
}

/// The zoom, and the steps to choose from.
fn zoom_level(ui: &mut Ui, zoom: f32, actions: &Commands) {
    let now = (zoom * 100.0).round() as u32;
    let response = ui.add(Push::new(&format!("{now} %")).look(ButtonLook::Flat).small().tight());
    let response = response
        .accessible_name(format!("Zoom {now} %"))
        .on_hover_text("How large everything is drawn: Ctrl + and Ctrl −.");
    egui::Popup::menu(&response).show(|ui| {
        for step in ZOOMS {
            if ui.selectable_label(step == now, format!("{step} %")).clicked() {
                actions.send(UiCommand::Zoom(step));
            }
        }
    });
}

fn menu(ui: &mut Ui, live: &RunView, shown: &RunView, actions: &Commands) {
    let response = icon_button(ui, icon::MENU, "Menu");
    egui::Popup::menu(&response).show(|ui| {
        ui.set_min_width(140.0);
        let mut groups: Vec<&str> = COMMANDS.iter().map(|entry| entry.group).collect();
        groups.dedup();
        for group in groups {
            ui.menu_button(group, |ui| {
                ui.set_min_width(240.0);
                for entry in COMMANDS.iter().filter(|entry| entry.group == group) {
                    item(ui, entry, live, shown, actions);
                }
            });
            if group == "View" {
                panes(ui, actions);
            }
        }
        ui.separator();
        for entry in COMMANDS.iter().filter(|entry| matches!(entry.command, UiCommand::Palette | UiCommand::Quit)) {
            item(ui, entry, live, shown, actions);
        }
    });
}

fn item(ui: &mut Ui, entry: &CommandEntry, live: &RunView, shown: &RunView, actions: &Commands) {
    let refused = entry.command.refusal(live, shown);
    let keys = entry.keys.map(|k| ui.ctx().format_shortcut(&k)).unwrap_or_default();
    let button = egui::Button::new(entry.title).shortcut_text(keys);
    let response = ui.add_enabled(refused.is_none(), button).accessible_name(entry.title);
    let response = response.on_hover_text(entry.help).on_disabled_hover_text(refused.unwrap_or_default());
    if response.clicked() {
        actions.send(entry.command.clone());
    }
}

fn panes(ui: &mut Ui, actions: &Commands) {
    ui.menu_button("Panels", |ui| {
        ui.set_min_width(200.0);
        for &pane in Pane::ALL {
            let keys = pane_keys(pane).map(|k| ui.ctx().format_shortcut(&k)).unwrap_or_default();
            let button = egui::Button::new(pane.title()).shortcut_text(keys);
            if ui.add(button).accessible_name(pane.title()).on_hover_text(pane.help()).clicked() {
                actions.send(UiCommand::ShowPane(pane));
            }
        }
    });
}

fn search(ui: &mut Ui, actions: &Commands) {
    let theme = Theme::of(ui.ctx());
    let scale = Type::Body.font(ui).size / Type::Body.base().size;
    let width = if ui.available_width() > 620.0 { 244.0 * scale } else { 40.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(width, 24.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Search or run a command"));
    let painter = ui.painter_at(rect);
    let fill = if response.hovered() { theme.bg3 } else { theme.bg2 };
    painter.rect_filled(rect, size::RADIUS_BUTTON, fill);
    let y = rect.center().y;
    icon::paint(&painter, pos2(rect.left() + 14.0, y), icon::SEARCH, Weight::Regular, size::ICON_BUTTON, theme.t3);
    if width > 100.0 {
        let at = pos2(rect.left() + 28.0, y);
        painter.text(at, Align2::LEFT_CENTER, "Search or run a command", Type::Body.font(ui), theme.t3);
        let cap = painter.layout_no_wrap("Ctrl P".to_owned(), Type::Small.font(ui), theme.t3);
        let frame = Rect::from_center_size(
            pos2(rect.right() - 8.0 - (cap.size().x + 8.0) / 2.0, y),
            cap.size() + vec2(8.0, 2.0),
        );
        let line = Stroke::new(size::STROKE, theme.line2);
        painter.rect_stroke(frame, size::RADIUS_CHIP, line, StrokeKind::Inside);
        painter.galley(frame.center() - cap.size() / 2.0, cap, theme.t3);
    }
    crate::gui::widgets::button::focus_ring(ui, &response, rect, size::RADIUS_BUTTON);
    if response
        .on_hover_text(
            "Commands, panels, parameters, runs, datasets, clusters and images by name; eps 0.55 sets a value.",
        )
        .clicked()
    {
        actions.send(UiCommand::Palette);
    }
}

/// The name of the run on screen, in the middle of the bar where there is room.
fn run_name(ui: &Ui, room: Rect, bar: Rect, (live, shown): (&RunView, &RunView), reaching: Option<&str>) {
    let theme = Theme::of(ui.ctx());
    let (title, scope) = if shown.folder.is_none() {
        ("reid-workbench".to_owned(), "no run".to_owned())
    } else {
        let recorded = shown.folder != live.folder;
        (shown.title.clone(), scope(shown, recorded))
    };
    let far = far::of(shown.folder.as_deref());
    let (scope, ink) = match (&far, reaching) {
        (_, Some(words)) => (words.to_owned(), theme.t2),
        (Some(far), None) => (format!("{} · {scope}", far.words), if far.up { theme.t3 } else { theme.warn }),
        (None, None) => (scope, theme.t3),
    };
    // What does not fit ends in an ellipsis: the scope first, then the name.
    let room = room.shrink2(vec2(8.0, 0.0));
    let painter = ui.painter_at(room);
    let title = Type::Heading.cut(ui, title, theme.t1, room.width());
    let left = room.width() - title.size().x - 10.0;
    let drawn = (left > 40.0).then(|| Type::Small.cut(ui, scope.clone(), ink, left));
    let width = title.size().x + drawn.as_ref().map_or(0.0, |drawn| 10.0 + drawn.size().x);
    let x = (bar.center().x - width / 2.0).clamp(room.left(), (room.right() - width).max(room.left()));
    let y = bar.center().y;
    let end = x + title.size().x + 10.0;
    painter.galley(pos2(x, y - title.size().y / 2.0), title, theme.t1);
    let Some(drawn) = drawn else { return };
    let place = Rect::from_min_size(pos2(end, y - drawn.size().y / 2.0 + 0.5), drawn.size());
    painter.galley(place.min, drawn, ink);
    if far.is_some() || reaching.is_some() {
        let response = ui.interact(place, egui::Id::unique("the run's machine"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &scope));
        if let Some(far) = far {
            response.on_hover_text(if far.why.is_empty() { far.tip } else { format!("{}\n{}", far.why, far.tip) });
        }
    }
}

fn scope(status: &RunView, recorded: bool) -> String {
    let Some(params) = &status.params else { return String::new() };
    let parts = match (params.attention.enabled, params.refined) {
        (true, true) => "attention + refined",
        (true, false) => "attention",
        (false, true) => "refined",
        (false, false) => "neither attention nor refined",
    };
    let method = setting::method_of(params).map_or(parts, setting::title);
    if !status.trains() {
        return "features alone, nothing trained".to_owned();
    }
    let prefix = match (&status.trainer, recorded) {
        (Some(trainer), _) => format!("live elsewhere, process {} on {} · ", trainer.pid, trainer.host),
        (None, true) => "recorded · ".to_owned(),
        (None, false) => String::new(),
    };
    // The same seed gives the same run with the same number of threads only.
    let threads = match params.device.threads {
        0 => String::new(),
        1 => ", 1 thread".to_owned(),
        n => format!(", {n} threads"),
    };
    let by_hand = if status.by_hand { " · touched by hand, not unsupervised" } else { "" };
    format!("{prefix}{method}{by_hand} · seed {}{threads}", params.seed)
}
