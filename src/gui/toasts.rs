//! Messages that float up at the lower left, over the end of the list of runs rather than over parameters and scrubber:
//! title says what happened, text why and what is safe, button what
//! to do. Info goes after 5 s, warnings after 12 s, errors stay. All of them stay in the log.
//!
//! Ours rather than a crate's: the design's toast has a title, a text, a time and a button of its own.

use eframe::egui::{self, Align, Align2, Area, Id, Layout, Order, Stroke, Ui, vec2};

use super::command::{Commands, UiCommand};
use super::panels::log::{LogEntry, glyph};
use super::theme::{Theme, Type, size};
use super::widgets::button::{Push, icon_button};
use super::widgets::icon::{self, Weight};
use super::widgets::tile;
use crate::base::time as clock;
use crate::engine::event::Severity;

/// How many are shown at once; older ones are in the log.
const SHOWN: usize = 4;

struct Toast {
    entry: LogEntry,
    button: Option<(String, UiCommand)>,
    until: Option<f64>,
    number: u64,
}

/// Where messages float: the lower left corner of their stack, and the width that there is for them.
#[derive(Clone, Copy, Debug)]
pub struct ToastPlace {
    /// From the left edge of the window, points.
    pub left: f32,
    /// From its lower edge.
    pub bottom: f32,
    /// Of each of them, without its margins.
    pub width: f32,
}

/// The toasts on screen.
#[derive(Default)]
pub struct Toasts {
    toasts: Vec<Toast>,
    count: u64,
}

impl Toasts {
    /// Shows an entry at `time` (the window's clock), perhaps with a button.
    pub fn push(&mut self, entry: LogEntry, button: Option<(String, UiCommand)>, time: f64) {
        let until = match entry.severity {
            Severity::Info => Some(time + 5.0),
            Severity::Warning => Some(time + 12.0),
            Severity::Error => None,
        };
        self.count += 1;
        self.toasts.push(Toast { entry, button, until, number: self.count });
    }

    /// Takes away what would have gone by itself, where something else is to be seen now; the log keeps it.
    pub fn clear_infos(&mut self) {
        self.toasts.retain(|toast| toast.entry.severity != Severity::Info);
    }

    /// Draws them, the newest lowest.
    pub fn show(&mut self, ctx: &egui::Context, place: ToastPlace, actions: &Commands) {
        let now = ctx.input(|i| i.time);
        self.toasts.retain(|t| t.until.is_none_or(|until| now < until));
        if let Some(next) = self.toasts.iter().filter_map(|t| t.until).reduce(f64::min) {
            ctx.request_repaint_after_secs((next - now).max(0.05) as f32);
        }
        let mut closed = None;
        let mut bottom = place.bottom;
        for toast in self.toasts.iter().rev().take(SHOWN) {
            let response = Area::new(Id::unique("toast").with(toast.number))
                .order(Order::Foreground)
                .anchor(Align2::LEFT_BOTTOM, vec2(place.left, -bottom))
                .show(ctx, |ui| {
                    let frame = tile::floating(Theme::of(ctx));
                    let inner = frame.show(ui, |ui| body(ui, toast, place.width, actions));
                    let rect = inner.response.rect;
                    let bar = egui::Rect::from_min_max(rect.min, egui::pos2(rect.left() + 3.0, rect.bottom()));
                    let radius = egui::CornerRadius { nw: 8, sw: 8, ne: 0, se: 0 };
                    ui.painter().rect_filled(bar, radius, glyph(Theme::of(ctx), toast.entry.severity).1);
                    inner.inner
                });
            bottom += response.response.rect.height() + 8.0;
            if response.inner {
                closed = Some(toast.number);
            }
        }
        self.toasts.retain(|t| Some(t.number) != closed);
    }
}

/// True when it is to go.
fn body(ui: &mut Ui, toast: &Toast, width: f32, actions: &Commands) -> bool {
    let theme = Theme::of(ui.ctx());
    let entry = &toast.entry;
    let (mark, color) = glyph(theme, entry.severity);
    let mut close = false;
    let narrow = width < size::TOAST;
    ui.set_width(width);
    ui.visuals_mut().widgets.noninteractive.bg_stroke = Stroke::NONE;
    ui.horizontal(|ui| {
        ui.label(icon::text(mark, Weight::Fill, size::ICON, color));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            close |= icon_button(ui, icon::CROSS, &format!("Dismiss {}", entry.title)).clicked();
            if !narrow {
                ui.label(Type::Small.text(clock::hm(entry.wall), theme.t3));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = egui::Label::new(Type::Title.text(&entry.title, theme.t1));
                ui.add(if narrow { title.wrap() } else { title.truncate() });
            });
        });
    });
    ui.horizontal_top(|ui| {
        // Where it is narrow, the words take all of the width.
        ui.add_space(if narrow { 0.0 } else { 22.0 });
        ui.vertical(|ui| {
            if !entry.text.is_empty() {
                ui.label(Type::Body.text(&entry.text, theme.t2));
            }
            if toast.button.is_none() && entry.severity != Severity::Error {
                return;
            }
            ui.horizontal_wrapped(|ui| {
                if let Some((label, command)) = &toast.button
                    && ui.add(Push::new(label).small()).clicked()
                {
                    actions.send(command.clone());
                    close = true;
                }
                if entry.severity == Severity::Error && ui.add(Push::new("Copy details").small()).clicked() {
                    ui.ctx().copy_text(format!("{}\n{}", entry.title, entry.text));
                }
            });
        });
    });
    close
}
