//! The window at every size: no text over another, none cut without an ellipsis, no control outside its panel or dialog,
//! no panel with nothing in it.
//!
//! Looked at are all layouts and every panel alone at three sizes and three zooms, with a run and without, and every dialog
//! at the largest, the smallest and one between.
//! The two appearances take turns: they differ in colours alone, and both see every layout, panel and dialog.
//! `REID_SIZES=all` looks at all of it in both.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::epaint::{ClippedShape, Shape};
use eframe::egui::{Key, Modifiers, Rect, Role, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use reid_workbench::gui::WindowOptions;
use reid_workbench::gui::app::App;
use reid_workbench::gui::panels::Pane;

use crate::support::play::{FakeEngine, FakeRegistry};
use crate::support::window::settle;

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
        self.harness.run_steps(3);
        settle(&mut self.harness);
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
        let painted = Painted::of(&self.harness.output().shapes);
        let mut faults = painted.overlaps();
        faults.extend(painted.cut(&self.boxes()));
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

    /// Boxes of text: what is typed may be longer than its box.
    fn boxes(&self) -> Vec<Rect> {
        self.harness.query_all_by_role(Role::TextInput).map(|node| node.rect()).collect()
    }

    /// What is wrong with the dialog that stands over the panels.
    fn faults_of_dialog(&mut self) -> Vec<String> {
        self.settle();
        let window = self.harness.ctx.content_rect();
        let painted = Painted::of(&self.harness.output().shapes).over_backdrop(window);
        if painted.texts.is_empty() {
            return vec!["there is no dialog".to_owned()];
        }
        let mut faults = painted.overlaps();
        faults.extend(painted.cut(&self.boxes()));
        let out = |text: &&Text| !window.expand(1.0).contains_rect(text.seen());
        faults.extend(painted.texts.iter().filter(out).map(|t| format!("“{}” is outside the window", t.words)));
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
    /// Its place in the order of painting.
    place: usize,
}

impl Text {
    fn seen(&self) -> Rect {
        self.rect.intersect(self.clip)
    }
}

/// What was painted, in its order.
#[derive(Default)]
struct Painted {
    texts: Vec<Text>,
    /// What hides all that is below it: a message, a menu, a dialog.
    floating: Vec<(usize, Rect)>,
    /// What dims the whole window.
    backdrops: Vec<(usize, Rect)>,
}

impl Painted {
    fn of(shapes: &[ClippedShape]) -> Self {
        let mut painted = Self::default();
        let mut place = 0;
        shapes.iter().for_each(|s| painted.take(&s.shape, s.clip_rect, &mut place));
        painted.texts.retain(|text| text.seen().is_positive());
        painted
    }

    fn take(&mut self, shape: &Shape, clip: Rect, place: &mut usize) {
        *place += 1;
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| self.take(shape, clip, place)),
            Shape::Rect(rect) if rect.fill.a() == 255 && rect.rect.width() > 120.0 && rect.rect.height() > 40.0 => {
                self.floating.push((*place, rect.rect.intersect(clip)));
            }
            Shape::Rect(rect) if rect.fill.a() > 0 => self.backdrops.push((*place, rect.rect)),
            Shape::Text(text) if text.angle == 0.0 => {
                let words = text.galley.text().to_owned();
                // Icons and marks stand on what they mark.
                let icon = |c: char| ('\u{e000}'..='\u{f8ff}').contains(&c) || c.is_whitespace();
                if !words.chars().all(icon) && text.opacity_factor > 0.0 {
                    let rect = text.galley.mesh_bounds.translate(text.pos.to_vec2());
                    self.texts.push(Text { words, rect, clip, place: *place });
                }
            }
            _ => {}
        }
    }

    /// Only what was painted after the window was dimmed.
    fn over_backdrop(mut self, window: Rect) -> Self {
        let dims = |(_, rect): &&(usize, Rect)| rect.expand(1.0).contains_rect(window);
        let from = self.backdrops.iter().rfind(dims).map_or(usize::MAX, |(place, _)| *place);
        self.texts.retain(|text| text.place > from);
        self
    }

    fn overlaps(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (i, a) in self.texts.iter().enumerate() {
            for b in &self.texts[i + 1..] {
                let both = a.seen().intersect(b.seen());
                if both.width() <= 2.0 || both.height() <= 3.0 {
                    continue;
                }
                let hidden = |(place, rect): &(usize, Rect)| {
                    (a.place..b.place).contains(place) && rect.expand(0.5).contains_rect(both)
                };
                if !self.floating.iter().any(hidden) {
                    faults.push(format!("“{}” lies over “{}” at {both}", b.words, a.words));
                }
            }
        }
        faults
    }

    /// Text that ends at an edge without an ellipsis, but for what is typed into `boxes`. Lists that are scrolled cut at
    /// the top and bottom alone.
    fn cut(&self, boxes: &[Rect]) -> Vec<String> {
        let is_cut = |t: &&Text| t.rect.left() < t.clip.left() - 1.5 || t.rect.right() > t.clip.right() + 1.5;
        let typed = |t: &Text| boxes.iter().any(|edit| edit.expand(2.0).contains_rect(t.seen()));
        let cut = self.texts.iter().filter(is_cut).filter(|t| !typed(t));
        cut.map(|t| format!("“{}” is cut: {} in {}", t.words, t.rect, t.clip)).collect()
    }
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

/// Every size at every zoom.
fn combinations() -> impl Iterator<Item = ([f32; 2], f32)> {
    SIZES.into_iter().flat_map(|size| ZOOMS.map(|zoom| (size, zoom)))
}

/// Draws what is on screen at these sizes, the appearances by turns or, if all is looked at, both.
fn look(
    window: &mut Window,
    what: &str,
    sizes: &[([f32; 2], f32)],
    faults: fn(&mut Window) -> Vec<String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for &(size, zoom) in sizes {
        window.resize(size, zoom);
        for _ in 0..if all() { 2 } else { 1 } {
            window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::T);
            found.extend(faults(window).into_iter().map(|f| format!("{what} {size:?} × {zoom}: {f}")));
        }
    }
    found
}

fn layouts(run: Option<&Path>) {
    let mut window = Window::open(run);
    let sizes: Vec<_> = combinations().collect();
    let mut found = Vec::new();
    for (key, layout) in LAYOUTS {
        window.press(Modifiers::COMMAND, key);
        found.extend(look(&mut window, layout, &sizes, Window::faults));
    }
    report(found);
}

/// Every `of`-th panel alone, from the `from`-th on.
fn panels(run: Option<&Path>, from: usize, of: usize) {
    let mut window = Window::open(run);
    let sizes: Vec<_> = combinations().collect();
    let mut found = Vec::new();
    for &pane in Pane::ALL.iter().skip(from).step_by(of) {
        window.harness.state_mut().enlarge(pane);
        window.harness.run_steps(2);
        found.extend(look(&mut window, &format!("{} alone", pane.title()), &sizes, Window::faults));
    }
    report(found);
}

#[test]
fn every_layout_is_right_at_every_size_and_zoom() {
    let dir = tempfile::tempdir().unwrap();
    crate::sample_run::write(dir.path());
    layouts(Some(dir.path()));
}

#[test]
fn every_layout_is_right_without_a_run() {
    layouts(None);
}

#[test]
fn every_panel_alone_is_right() {
    let dir = tempfile::tempdir().unwrap();
    crate::sample_run::write(dir.path());
    panels(Some(dir.path()), 0, 2);
}

#[test]
fn every_other_panel_alone_is_right() {
    let dir = tempfile::tempdir().unwrap();
    crate::sample_run::write(dir.path());
    panels(Some(dir.path()), 1, 2);
}

#[test]
fn every_panel_alone_is_right_without_a_run() {
    panels(None, 0, 1);
}

#[test]
fn every_dialog_is_right() {
    let dir = tempfile::tempdir().unwrap();
    crate::sample_run::write(dir.path());
    let mut window = Window::open(Some(dir.path()));
    let sizes: Vec<_> = match all() {
        true => combinations().collect(),
        false => vec![(SIZES[0], 1.0), (SIZES[1], 1.5), (SIZES[2], 2.0)],
    };
    let (command, none) = (Modifiers::COMMAND, Modifiers::NONE);
    let dialogs = [
        (command, Key::N, "New run"),
        (command, Key::O, "Open run"),
        (command, Key::D, "Add dataset"),
        (command, Key::E, "Export"),
        (none, Key::F1, "Shortcuts"),
    ];
    let mut found = Vec::new();
    for (modifiers, key, name) in dialogs {
        window.press(modifiers, key);
        found.extend(look(&mut window, name, &sizes, Window::faults_of_dialog));
        window.press(none, Key::Escape);
    }
    // The palette hangs from the title bar and dims nothing.
    window.press(command, Key::P);
    found.extend(look(&mut window, "Palette", &sizes, Window::faults));
    window.press(none, Key::Escape);
    window.harness.state_mut().ask_to_quit();
    found.extend(look(&mut window, "Quit", &sizes, Window::faults_of_dialog));
    report(found);
}
