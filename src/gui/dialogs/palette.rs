//! The command palette: commands, panels, parameters and what the run has, by name.

mod find;
mod fuzzy;
pub mod images;
mod items;
mod values;

use std::sync::Arc;

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    self, Align2, Area, Id, Key, Modifiers, Order, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use self::find::TypedWords;
use crate::gui::book::Book;
use crate::gui::command::{Commands, UiCommand};
use crate::gui::panels::Selection;
use crate::gui::panels::library::Library;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::{RunView, Snapshots};
use crate::gui::what_if::WhatIf;
use crate::gui::widgets::button::key_cap;
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::tile;
use crate::method::params::Params;
use crate::run::images::Images;

/// The palette while it is open.
#[derive(Default)]
pub struct Palette {
    query: String,
    chosen: usize,
    /// Runs and images that fit, which are many: looked for anew when something else is typed or shown.
    many: Option<(ManyKey, Vec<(u32, Item)>)>,
}

/// What the palette looks through.
pub struct PaletteScope<'a> {
    /// The run that the engine works on.
    pub live: &'a RunView,
    /// The one on screen.
    pub shown: &'a RunView,
    /// Datasets.
    pub library: &'a Library,
    /// Runs.
    pub book: &'a Book,
    /// What each parameter has or is about to get.
    pub values: &'a Params,
    /// Whether a run goes on that a change of a parameter would reach.
    pub running: bool,
    /// What other parameters would make of the clusters.
    pub what_if: &'a WhatIf,
    /// What the epochs computed.
    pub snapshots: &'a Snapshots,
    /// What is selected.
    pub selection: &'a Selection,
    /// Whether what target labels say may be shown.
    pub truth: bool,
}

/// What the list of runs and images was made of.
struct ManyKey {
    query: String,
    runs: usize,
    images: Option<Arc<Images>>,
    epoch: Option<usize>,
    truth: bool,
}

/// A line of the palette.
#[derive(Clone)]
struct Item {
    group: &'static str,
    icon: &'static str,
    title: String,
    detail: String,
    /// What is said of it under the pointer.
    help: String,
    keys: String,
    /// Whether it is what was typed, not what is like it.
    exact: bool,
    /// What picking it does, in that order; nothing where it says what cannot be.
    commands: Vec<UiCommand>,
}

impl Item {
    fn new(
        group: &'static str,
        icon: &'static str,
        title: impl Into<String>,
        detail: impl Into<String>,
        commands: Vec<UiCommand>,
    ) -> Self {
        let (title, detail, help, keys) = (title.into(), detail.into(), String::new(), String::new());
        Self { group, icon, title, detail, help, keys, exact: false, commands }
    }
}

impl Palette {
    /// Shows it; false when it is to close.
    pub fn show(&mut self, ctx: &egui::Context, known: &PaletteScope<'_>, actions: &Commands) -> bool {
        let theme = Theme::of(ctx);
        let found = self.found(ctx, known);
        let (mut pick, mut close) = (self.keys(ctx, &found), ctx.input(|i| i.key_pressed(Key::Escape)));
        let frame = tile::floating(theme).inner_margin(egui::Margin::ZERO);
        let width = size::PALETTE.min(ctx.content_rect().width() - 24.0);
        let area =
            Area::new(Id::unique("palette")).order(Order::Foreground).anchor(Align2::CENTER_TOP, vec2(0.0, 64.0));
        let response = area.show(ctx, |ui| {
            frame.show(ui, |ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing.y = 0.0;
                self.query_box(ui);
                tile::rule(ui);
                let room = (ui.ctx().content_rect().height() - 64.0 - 70.0).clamp(120.0, 380.0);
                let list = ScrollArea::vertical().max_height(room).auto_shrink([false, true]);
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
        if let Some(item) = pick.and_then(|n| found.into_iter().nth(n)).filter(|item| !item.commands.is_empty()) {
            item.commands.into_iter().for_each(|command| actions.send(command));
            close = true;
        }
        !close
    }

    /// What fits, in the order of the list.
    fn found(&mut self, ctx: &egui::Context, known: &PaletteScope<'_>) -> Vec<Item> {
        let images = known.snapshots.images(known.shown).ready().cloned();
        let key = ManyKey {
            query: self.query.clone(),
            runs: known.book.rows().len(),
            images: images.clone(),
            epoch: known.selection.epoch,
            truth: known.truth,
        };
        let fresh = self.many.as_ref().is_some_and(|(old, _)| {
            let same = match (&old.images, &key.images) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                (a, b) => a.is_none() && b.is_none(),
            };
            same && (&old.query, old.runs, old.epoch, old.truth) == (&key.query, key.runs, key.epoch, key.truth)
        });
        if !fresh {
            let mut many = Vec::new();
            items::runs(&TypedWords::of(&self.query), known, &mut many);
            if let Some(images) = &images {
                items::images(images, &self.query, known, &mut many);
            }
            self.many = Some((key, many));
        }
        let mut found = items::few(ctx, &TypedWords::of(&self.query), known);
        found.extend(self.many.iter().flat_map(|(_, many)| many.iter().cloned()));
        if !self.query.trim().is_empty() {
            find::sort(&mut found);
        }
        found.into_iter().map(|(_, item)| item).collect()
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
                .desired_width(ui.available_width() - 62.0);
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
        let (on, can) = (n == self.chosen, !item.commands.is_empty());
        let said = if item.detail.is_empty() { item.title.clone() } else { format!("{}, {}", item.title, item.detail) };
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, can, on, &said));
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
        let (glyph, ink) = if can { (item.icon, theme.t3) } else { (icon::WARNING, theme.warn) };
        icon::paint(&painter, pos2(rect.left() + 22.0, y), glyph, Weight::Regular, size::ICON, ink);
        let left = rect.left() + 44.0;
        let mut job = self.marked(ui, &item.title);
        job.wrap = egui::text::TextWrapping::truncate_at_width((x - left).max(0.0));
        let title = painter.layout_job(job);
        let end = left + title.size().x + 10.0;
        painter.galley(pos2(left, y - title.size().y / 2.0), title, theme.t1);
        if x - end > 30.0 {
            let detail = Type::Small.cut(ui, item.detail.as_str(), theme.t3, x - end);
            painter.galley(pos2(end, y - detail.size().y / 2.0), detail, theme.t3);
        }
        let clicked = response.clicked();
        if !item.help.is_empty() {
            response.on_hover_text(&item.help);
        }
        clicked
    }

    /// The title with what was typed in the accent colour.
    fn marked(&self, ui: &Ui, title: &str) -> LayoutJob {
        let theme = Theme::of(ui.ctx());
        let plain = TextFormat::simple(Type::Body.font(ui), theme.t1);
        let hit = TextFormat::simple(Type::Title.font(ui), theme.accent);
        let typed = TypedWords::of(&self.query).letters_of(title);
        let mut job = LayoutJob::default();
        let (mut part, mut part_is_hit) = (String::new(), false);
        for (n, letter) in (0u32..).zip(title.chars()) {
            let is_hit = typed.binary_search(&n).is_ok();
            if is_hit != part_is_hit && !part.is_empty() {
                job.append(&part, 0.0, if part_is_hit { hit.clone() } else { plain.clone() });
                part.clear();
            }
            part_is_hit = is_hit;
            part.push(letter);
        }
        job.append(&part, 0.0, if part_is_hit { hit } else { plain });
        job
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
