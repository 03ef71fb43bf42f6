//! One tile, with what the window would hand to it.

use std::time::{Duration, Instant};

use eframe::egui::{self, Rect, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use reid_workbench::gui::book::Book;
use reid_workbench::gui::command::{Commands, UiCommand};
use reid_workbench::gui::fonts;
use reid_workbench::gui::panels::{Applies, Many, Pane, PanelCtx, Panels, Selection};
use reid_workbench::gui::plot::SharedCursor;
use reid_workbench::gui::queue::RunQueue;
use reid_workbench::gui::sweeps::Sweeps;
use reid_workbench::gui::theme::{self, Theme};
use reid_workbench::gui::view_model::{RunView, Snapshots};
use reid_workbench::gui::what_if::WhatIf;
use reid_workbench::gui::widgets::images::Thumbnails;
use reid_workbench::gui::widgets::tile::{self, TitlePlace};

/// The tile and all that it reads and writes.
pub struct Bench {
    pub pane: Pane,
    pub view: RunView,
    panels: Panels,
    pub images: Thumbnails,
    snapshots: Option<Snapshots>,
    what_if: Option<WhatIf>,
    pub selection: Selection,
    pub actions: Vec<UiCommand>,
    pub truth: bool,
}

fn show(ui: &mut egui::Ui, bench: &mut Bench) {
    bench.images.begin_frame(ui.ctx());
    let theme = Theme::of(ui.ctx());
    let full = ui.max_rect();
    let ctx = ui.ctx().clone();
    let snapshots = bench.snapshots.get_or_insert_with(|| Snapshots::new(move || ctx.request_repaint()));
    let ctx = ui.ctx().clone();
    let what_if = bench.what_if.get_or_insert_with(|| WhatIf::new(move || ctx.request_repaint()));
    what_if.look_at(&bench.view, bench.selection.epoch);
    let commands = Commands::default();
    tile::frame(theme).show(ui, |ui| {
        let head = Rect::from_min_max(full.min + vec2(80.0, 0.0), pos2(full.right(), full.top() + 30.0));
        let body = Rect::from_min_max(full.min + vec2(12.0, 30.0), full.max - vec2(12.0, 8.0));
        let mut child = ui.new_child(egui::UiBuilder::new().max_rect(body));
        let cx = PanelCtx {
            many: Many {
                book: &Book::default(),
                live: &RunView::default(),
                sweeps: &Sweeps::default(),
                queue: &RunQueue::default(),
                truth: bench.truth,
            },
            overlays: &[],
            view: &bench.view,
            theme,
            commands: &commands,
            images: &bench.images,
            snapshots,
            what_if,
            answers: bench.view.live,
            applies: Applies::ToRun,
            selection: &bench.selection,
            truth: bench.truth,
            cursor: &SharedCursor::default(),
            head: &TitlePlace::new(head, None),
        };
        bench.panels.show(bench.pane, &mut child, &cx);
    });
    carry_out(ui.ctx(), &commands, &mut bench.selection, what_if, &mut bench.actions);
}

/// Does what the window would after a frame: changes what is selected and what is tried; all else is kept.
pub fn carry_out(
    ctx: &egui::Context,
    commands: &Commands,
    selection: &mut Selection,
    what_if: &mut WhatIf,
    kept: &mut Vec<UiCommand>,
) {
    loop {
        let asked = commands.take();
        if asked.is_empty() {
            break;
        }
        for command in asked {
            ctx.request_repaint();
            match command {
                UiCommand::Select(pick) => selection.change(pick),
                UiCommand::Try(asked) => what_if.carry_out(asked, commands),
                other => kept.push(other),
            }
        }
    }
    what_if.put_questions();
}

/// The tile in a window of its own, without graphics.
pub fn window_of(pane: Pane, view: RunView, size: Vec2) -> Harness<'static, Bench> {
    let bench = Bench {
        pane,
        view,
        panels: Panels::default(),
        images: Thumbnails::default(),
        snapshots: None,
        what_if: None,
        selection: Selection::default(),
        actions: Vec::new(),
        truth: true,
    };
    Harness::builder()
        .with_size(size)
        .with_max_steps(64) // pictures that arrive ask for frames
        .with_context_setup(|ctx| {
            fonts::install(ctx);
            theme::apply(ctx, theme::Density::Compact);
        })
        .build_ui_state(show, bench)
}

/// As [`window_of`], of the usual size.
pub fn window(pane: Pane, view: RunView) -> Harness<'static, Bench> {
    window_of(pane, view, vec2(900.0, 520.0))
}

/// Draws frames until a node with these words is there: what other threads read needs its time.
pub fn wait_for(harness: &mut Harness<'_, Bench>, words: &str) {
    let began = Instant::now();
    loop {
        harness.step();
        if harness.query_all_by_label_contains(words).next().is_some() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "`{words}` did not appear");
        std::thread::yield_now();
    }
}
