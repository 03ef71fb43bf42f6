//! The window at every size: no text over another, none cut without an ellipsis, no control outside its panel, no
//! panel with nothing in it.
//!
//! Looked at are all layouts at three sizes and three zooms on a run with data, in both appearances by turns, the same
//! without a run at one size, and every panel alone, with a run and without. `REID_SIZES=all` looks at every combination.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::epaint::{ClippedShape, Shape};
use eframe::egui::{Key, Modifiers, Rect, Role, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::gui::WindowOptions;
use reid_workbench::gui::app::App;
use reid_workbench::gui::job::Works;
use reid_workbench::gui::panels::Pane;

use crate::support::play::{FakeEngine, FakeRegistry};

const LIMIT: Duration = Duration::from_secs(30);
const SIZES: [[f32; 2]; 3] = [[1600.0, 1000.0], [1280.0, 800.0], [1024.0, 700.0]];
const ZOOMS: [f32; 3] = [1.0, 1.5, 2.0];

struct Window {
    harness: Harness<'static, App>,
    _engine: FakeEngine,
}

impl Window {
    fn open(run: Option<&Path>) -> Self {
        let (handle, engine) = FakeEngine::new();
        let options = WindowOptions {
            connect: Box::new(|_| handle),
            registry: Arc::new(FakeRegistry::default()),
            runs_dir: Path::new("no-runs-here").to_owned(),
            run: run.map(Path::to_owned),
        };
        let mut harness = Harness::builder()
            .with_size(vec2(1600.0, 1000.0))
            .with_max_steps(48)
            .build_eframe(|cc| App::new(cc, options));
        harness.state_mut().wait_for_lists(LIMIT);
        let mut window = Self { harness, _engine: engine };
        if run.is_some() {
            let began = Instant::now();
            while window.harness.query_all_by_label_contains("Done").next().is_none() {
                assert!(began.elapsed() < LIMIT, "the run did not come");
                window.harness.step();
            }
        }
        window.settle();
        window
    }

    /// Draws until nothing is being read for the panels.
    fn settle(&mut self) {
        let began = Instant::now();
        self.harness.run_steps(3);
        let works = Works::of(&self.harness.ctx);
        // What a panel computes by itself is waited for, too, and what that asks for.
        let mut rests = 0;
        while rests < 3 {
            assert!(began.elapsed() < LIMIT, "the panels are still reading");
            self.harness.step();
            let [begun, ended] = works.counts();
            rests = if begun != ended || self.harness.state().reads() { 0 } else { rests + 1 };
            std::thread::yield_now();
        }
        self.harness.run_steps(2);
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(2);
    }

    /// As a window of that many pixels at that zoom.
    fn resize(&mut self, [width, height]: [f32; 2], zoom: f32) {
        self.harness.set_size(vec2(width, height) / zoom);
    }

    fn faults(&mut self) -> Vec<String> {
        self.settle();
        let texts = texts(&self.harness.output().shapes);
        let mut faults = overlaps(&texts);
        faults.extend(cut(&texts));
        for &pane in Pane::ALL {
            let Some(rect) = self.harness.state_mut().tile_at(pane) else { continue };
            faults.extend(self.outside(pane, rect));
            let inside = rect.with_min_y(rect.top() + 2.0);
            let drawn = self.harness.output().shapes.iter().any(|s| shows_in(s, inside));
            if !drawn {
                faults.push(format!("{} has nothing in it: {rect}", pane.title()));
            }
        }
        faults
    }

    /// Controls that begin in the panel and end outside it.
    fn outside(&self, pane: Pane, rect: Rect) -> Vec<String> {
        let roles = [Role::Button, Role::ComboBox, Role::TextInput, Role::Slider, Role::RadioButton, Role::CheckBox];
        let mut faults = Vec::new();
        for node in roles.into_iter().flat_map(|role| self.harness.query_all_by_role(role)) {
            let at = node.rect();
            let begins = rect.shrink(1.0).contains(at.left_top());
            if begins && at.right() > rect.right() + 1.0 {
                let name = node.accesskit_node().label().unwrap_or_default();
                faults.push(format!("{name} is outside {}: {at} of {rect}", pane.title()));
            }
        }
        faults
    }
}

#[derive(Debug)]
struct Text {
    words: String,
    rect: Rect,
    clip: Rect,
}

impl Text {
    fn seen(&self) -> Rect {
        self.rect.intersect(self.clip)
    }
}

fn texts(shapes: &[ClippedShape]) -> Vec<Text> {
    fn collect(shape: &Shape, clip: Rect, into: &mut Vec<Text>) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect(shape, clip, into)),
            Shape::Text(text) if text.angle == 0.0 => {
                let words = text.galley.text().to_owned();
                // Icons and marks stand on what they mark.
                let icon = |c: char| ('\u{e000}'..='\u{f8ff}').contains(&c) || c.is_whitespace();
                if !words.chars().all(icon) && text.opacity_factor > 0.0 {
                    let rect = text.galley.mesh_bounds.translate(text.pos.to_vec2());
                    into.push(Text { words, rect, clip });
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    shapes.iter().for_each(|s| collect(&s.shape, s.clip_rect, &mut found));
    found.retain(|text| text.seen().is_positive());
    found
}

fn overlaps(texts: &[Text]) -> Vec<String> {
    let mut faults = Vec::new();
    for (i, a) in texts.iter().enumerate() {
        for b in &texts[i + 1..] {
            let both = a.seen().intersect(b.seen());
            if both.width() > 2.0 && both.height() > 3.0 {
                faults.push(format!("“{}” lies over “{}” at {both}", b.words, a.words));
            }
        }
    }
    faults
}

/// Text that ends at an edge without an ellipsis. Lists that are scrolled cut at the top and bottom alone.
fn cut(texts: &[Text]) -> Vec<String> {
    let is_cut = |t: &&Text| t.rect.left() < t.clip.left() - 1.5 || t.rect.right() > t.clip.right() + 1.5;
    texts.iter().filter(is_cut).map(|t| format!("“{}” is cut: {} in {}", t.words, t.rect, t.clip)).collect()
}

fn shows_in(clipped: &ClippedShape, rect: Rect) -> bool {
    fn shows(shape: &Shape, seen: Rect) -> bool {
        match shape {
            Shape::Vec(shapes) => shapes.iter().any(|shape| shows(shape, seen)),
            Shape::Text(text) => text.visual_bounding_rect().intersect(seen).is_positive(),
            Shape::Mesh(mesh) => mesh.calc_bounds().intersect(seen).is_positive(),
            _ => false,
        }
    }
    let seen = clipped.clip_rect.intersect(rect);
    seen.is_positive() && shows(&clipped.shape, seen)
}

fn all() -> bool {
    std::env::var("REID_SIZES").is_ok_and(|value| value == "all")
}

fn report(found: Vec<String>) {
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
}

const LAYOUTS: [(Key, &str); 3] = [(Key::Num1, "Research"), (Key::Num2, "Tune"), (Key::Num3, "Teach")];

#[test]
fn every_layout_is_right_at_every_size_and_zoom() {
    let dir = tempfile::tempdir().unwrap();
    crate::sample_run::write(dir.path());
    let mut window = Window::open(Some(dir.path()));
    let mut found = Vec::new();
    for (key, layout) in LAYOUTS {
        window.press(Modifiers::COMMAND, key);
        for size in SIZES {
            for zoom in ZOOMS {
                window.resize(size, zoom);
                for _ in 0..if all() { 2 } else { 1 } {
                    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::T);
                    let faults = window.faults();
                    found.extend(faults.into_iter().map(|f| format!("{layout} {size:?} × {zoom}: {f}")));
                }
            }
        }
    }
    report(found);
}

#[test]
fn every_layout_is_right_without_a_run() {
    let mut window = Window::open(None);
    let mut found = Vec::new();
    for (key, layout) in LAYOUTS {
        window.press(Modifiers::COMMAND, key);
        for size in if all() { &SIZES[..] } else { &SIZES[1..2] } {
            for zoom in ZOOMS {
                window.resize(*size, zoom);
                let faults = window.faults();
                found.extend(faults.into_iter().map(|f| format!("{layout} {size:?} × {zoom}: {f}")));
            }
        }
    }
    report(found);
}

#[test]
fn every_panel_alone_is_right() {
    let dir = tempfile::tempdir().unwrap();
    crate::sample_run::write(dir.path());
    let mut window = Window::open(Some(dir.path()));
    let mut found = Vec::new();
    for &pane in Pane::ALL {
        window.harness.state_mut().enlarge(pane);
        window.harness.run_steps(2);
        for (size, zoom) in SIZES.into_iter().flat_map(|s| ZOOMS.map(|z| (s, z))) {
            if !all() && !matches!((size, zoom), ([1600.0, _], 1.0) | ([1280.0, _], 2.0)) {
                continue;
            }
            window.resize(size, zoom);
            let faults = window.faults();
            found.extend(faults.into_iter().map(|f| format!("{} alone {size:?} × {zoom}: {f}", pane.title())));
        }
    }
    report(found);
}

#[test]
fn every_panel_alone_is_right_without_a_run() {
    let mut window = Window::open(None);
    let mut found = Vec::new();
    for &pane in Pane::ALL {
        window.harness.state_mut().enlarge(pane);
        window.harness.run_steps(2);
        for (size, zoom) in SIZES.into_iter().flat_map(|s| ZOOMS.map(|z| (s, z))) {
            if !all() && !matches!((size, zoom), ([1024.0, _], 2.0)) {
                continue;
            }
            window.resize(size, zoom);
            let faults = window.faults();
            found.extend(faults.into_iter().map(|f| format!("{} alone {size:?} × {zoom}: {f}", pane.title())));
        }
    }
    report(found);
}
