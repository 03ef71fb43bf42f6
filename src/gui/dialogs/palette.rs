//! The command palette: commands, panels, parameters and presets by name.

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    self, Align2, Area, Id, Key, Modifiers, Order, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use crate::gui::book::Book;
use crate::gui::command::{COMMANDS, Commands, UiCommand, pane_keys};
use crate::gui::panels::Pane;
use crate::gui::panels::library::Library;
use crate::gui::selection::Pick;
use crate::gui::setting;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::RunView;
use crate::gui::widgets::button::key_cap;
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::tile;
use crate::method::params::Params;
use crate::method::params::presets::PRESETS;
use crate::method::params::table::ROWS;
use crate::run::summary::Summary;

/// The palette while it is open.
#[derive(Default)]
pub struct Palette {
    query: String,
    chosen: usize,
}

struct Item {
    group: &'static str,
    icon: &'static str,
    title: String,
    detail: String,
    keys: String,
    command: UiCommand,
}

impl Palette {
    /// Shows it; false when it is to close.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        (live, shown): (&RunView, &RunView),
        (library, book, draft): (&Library, &Book, &Params),
        actions: &Commands,
    ) -> bool {
        let theme = Theme::of(ctx);
        let mut found = found(ctx, &self.query, live, shown, draft);
        things(&self.query, shown, (library, book), &mut found);
        let (mut pick, mut close) = (self.keys(ctx, &found), ctx.input(|i| i.key_pressed(Key::Escape)));
        let frame = tile::floating(theme).inner_margin(egui::Margin::ZERO);
        let area =
            Area::new(Id::unique("palette")).order(Order::Foreground).anchor(Align2::CENTER_TOP, vec2(0.0, 64.0));
        let response = area.show(ctx, |ui| {
            frame.show(ui, |ui| {
                ui.set_width(size::DIALOG);
                ui.spacing_mut().item_spacing.y = 0.0;
                self.query_box(ui);
                tile::rule(ui);
                let list = ScrollArea::vertical().max_height(380.0).auto_shrink([false, true]);
                list.show(ui, |ui| {
                    let mut group = "";
                    for (n, item) in found.iter().enumerate() {
                        if item.group != group {
                            group = item.group;
                            head(ui, group);
                        }
                        if self.item(ui, n, item) {
                            pick = Some(n);
                        }
                    }
                    if found.is_empty() {
                        head(ui, "Nothing by that name.");
                    }
                    ui.add_space(6.0);
                });
            });
        });
        close |= response.response.clicked_elsewhere();
        if let Some(item) = pick.and_then(|n| found.into_iter().nth(n)) {
            actions.send(item.command);
            close = true;
        }
        !close
    }

    fn keys(&mut self, ctx: &egui::Context, found: &[Item]) -> Option<usize> {
        let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
        if pressed(Key::ArrowDown) {
            self.chosen += 1;
        }
        if pressed(Key::ArrowUp) {
            self.chosen = self.chosen.saturating_sub(1);
        }
        self.chosen = self.chosen.min(found.len().saturating_sub(1));
        (pressed(Key::Enter) && !found.is_empty()).then_some(self.chosen)
    }

    fn query_box(&mut self, ui: &mut Ui) {
        let theme = Theme::of(ui.ctx());
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            ui.add_space(14.0);
            ui.label(icon::text(icon::SEARCH, Weight::Regular, size::ICON, theme.t3));
            let edit = egui::TextEdit::singleline(&mut self.query)
                .frame(egui::Frame::NONE)
                .font(Type::Heading.style())
                .hint_text(Type::Heading.text("Search or run a command", theme.t3))
                .desired_width(size::DIALOG - 110.0);
            let response = ui.add(edit).accessible_name("Command");
            if response.changed() {
                self.chosen = 0;
            }
            response.request_focus();
            key_cap(ui, "Esc");
        });
    }

    fn item(&self, ui: &mut Ui, n: usize, item: &Item) -> bool {
        let theme = Theme::of(ui.ctx());
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::click());
        let on = n == self.chosen;
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, &item.title));
        let painter = ui.painter_at(rect);
        if on {
            painter.rect_filled(rect, 0.0, theme.accent_bg);
            let bar = Rect::from_min_size(rect.min, vec2(3.0, rect.height()));
            painter.rect_filled(bar, 0.0, theme.accent);
            response.scroll_to_me(None);
        } else if response.hovered() {
            painter.rect_filled(rect, 0.0, theme.bg3);
        }
        let y = rect.center().y;
        icon::paint(&painter, pos2(rect.left() + 22.0, y), item.icon, Weight::Regular, size::ICON, theme.t3);
        let title = painter.layout_job(marked(ui, &item.title, &self.query));
        let end = rect.left() + 44.0 + title.size().x;
        painter.galley(pos2(rect.left() + 44.0, y - title.size().y / 2.0), title, theme.t1);
        painter.text(pos2(end + 10.0, y), Align2::LEFT_CENTER, &item.detail, Type::Small.font(ui), theme.t3);
        let mut x = rect.right() - 14.0;
        for key in item.keys.split('+').filter(|k| !k.is_empty()).rev() {
            let galley = painter.layout_no_wrap(key.to_owned(), Type::Small.font(ui), theme.t3);
            let cap = Rect::from_min_max(pos2(x - galley.size().x - 10.0, y - 8.0), pos2(x, y + 8.0));
            painter.rect_filled(cap, size::RADIUS_CHIP, theme.bg2);
            let line = Stroke::new(size::STROKE, theme.line2);
            painter.rect_stroke(cap, size::RADIUS_CHIP, line, egui::StrokeKind::Inside);
            painter.galley(cap.center() - galley.size() / 2.0, galley, theme.t3);
            x = cap.left() - 6.0;
        }
        response.clicked()
    }
}

fn head(ui: &mut Ui, text: &str) {
    ui.add_space(6.0);
    ui.horizontal(|ui| {
        ui.add_space(14.0);
        ui.label(Type::Small.text(text, Theme::of(ui.ctx()).t3));
    });
    ui.add_space(2.0);
}

/// The title with what was typed in the accent colour.
fn marked(ui: &Ui, title: &str, query: &str) -> LayoutJob {
    let theme = Theme::of(ui.ctx());
    let plain = TextFormat::simple(Type::Body.font(ui), theme.t1);
    let hit = TextFormat::simple(Type::Title.font(ui), theme.accent);
    let mut job = LayoutJob::default();
    let lower = title.to_lowercase();
    match lower.find(&query.trim().to_lowercase()).filter(|_| !query.trim().is_empty() && lower.len() == title.len()) {
        Some(at) => {
            let end = at + query.trim().len();
            job.append(&title[..at], 0.0, plain.clone());
            job.append(&title[at..end], 0.0, hit);
            job.append(&title[end..], 0.0, plain);
        }
        None => job.append(title, 0.0, plain),
    }
    job
}

/// Datasets, runs and clusters by name, once something was typed.
fn things(query: &str, shown: &RunView, (library, book): (&Library, &Book), into: &mut Vec<Item>) {
    let query = query.trim().to_lowercase();
    if query.is_empty() {
        return;
    }
    let fits = |text: &str| query.split_whitespace().all(|word| text.to_lowercase().contains(word));
    let item = |group, icon, title: String, detail: String, command| Item {
        group,
        icon,
        title,
        detail,
        keys: String::new(),
        command,
    };
    for row in library.datasets().iter().filter(|row| fits(&format!("{} dataset", row.name))) {
        let there = row.builtin || row.found;
        let name = row.name.clone();
        let command = if there { UiCommand::OpenDataset(name) } else { UiCommand::LocateDataset(name) };
        let detail = if there { row.layout.clone() } else { "not found".to_owned() };
        into.push(item("Datasets", icon::FOLDER, row.name.clone(), detail, command));
    }
    let runs = book.rows().iter().map(|(run, _)| (book.name(&run.folder), run));
    let words = |name: &str, row: &Summary| format!("{name} {} {} run", row.title, row.folder.display());
    for (name, row) in runs.filter(|(name, row)| fits(&words(name, row))).take(20) {
        let folder = row.folder.clone();
        let below = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let detail = format!("{} · {below}", row.title);
        into.push(item("Runs", icon::CHART, name, detail, UiCommand::OpenRun(folder)));
    }
    let number = query.strip_prefix("cluster").and_then(|rest| rest.trim().parse::<u32>().ok());
    let count = shown.newest_clusters().map_or(0, |(_, c)| c.summary.clusters[0]);
    if let Some(cluster) = number.filter(|n| (*n as usize) < count) {
        let (title, detail) = (format!("Cluster {cluster}"), "of the epoch looked at".to_owned());
        into.push(item("Clusters", icon::STACK, title, detail, UiCommand::Select(Pick::Cluster(Some(cluster)))));
    }
}

fn found(ctx: &egui::Context, query: &str, live: &RunView, shown: &RunView, draft: &Params) -> Vec<Item> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let fits = |item: &Item| {
        let text = format!("{} {} {}", item.title, item.detail, item.group).to_lowercase();
        words.iter().all(|w| text.contains(w))
    };
    let keys = |k: Option<egui::KeyboardShortcut>| k.map(|k| ctx.format_shortcut(&k)).unwrap_or_default();
    let mut items = Vec::new();
    for entry in COMMANDS.iter().filter(|e| e.command.refusal(live, shown).is_none() && e.command != UiCommand::Palette)
    {
        items.push(Item {
            group: "Commands",
            icon: entry.icon,
            title: entry.title.to_owned(),
            detail: String::new(),
            keys: keys(entry.keys),
            command: entry.command.clone(),
        });
    }
    for &pane in Pane::ALL {
        items.push(Item {
            group: "Panels",
            icon: pane.icon(),
            title: pane.title().to_owned(),
            detail: String::new(),
            keys: keys(pane_keys(pane)),
            command: UiCommand::ShowPane(pane),
        });
    }
    // Parameters and presets are many: they come once something was typed.
    if !words.is_empty() {
        for row in ROWS {
            items.push(Item {
                group: "Parameters",
                icon: icon::CROSSHAIR,
                title: format!("Set {}…", row.label),
                detail: format!("{} · now {}", row.key, (row.get)(draft)),
                keys: String::new(),
                command: UiCommand::FocusParam(row.key.to_owned()),
            });
        }
        for preset in PRESETS {
            items.push(Item {
                group: "Presets",
                icon: icon::TRIANGLE,
                title: setting::title(preset).to_owned(),
                detail: preset.help.to_owned(),
                keys: String::new(),
                command: UiCommand::Preset(preset.name.to_owned()),
            });
        }
    }
    items.retain(fits);
    items
}
