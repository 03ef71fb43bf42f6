//! What a frame of the window costs: CPU time of `logic` and `ui`, and of the tessellation after it, with Market-1501's
//! 13,000 points on the map, 21 curves of 100,000 points, the cluster browser, rank lists and What-if on screen.
//!
//! `make bench`, or `cargo bench --profile dev --bench window -- [--quick]`.

mod folder;
mod stage;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use eframe::egui::{
    self, Event, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, Pos2, TouchPhase, pos2, vec2,
};
use egui_tiles::{LinearDir, Tiles, Tree};
use reid_workbench::gui::panels::{Pane, Panels};
use reid_workbench::gui::view_model::RunView;

use folder::Size;
use stage::{Clock, Cost, Stage};

/// How long the layout of the map, the photos and the first answers may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Frames of a scene.
const FRAMES: usize = 240;
/// Events that come with a frame of a live run: more than any engine says.
const STREAM: usize = 20;
/// Milliseconds that a frame may take, at the 95th percentile.
const TARGET: f64 = 8.0;

fn main() -> anyhow::Result<()> {
    let quick = std::env::args().any(|a| a == "--quick");
    let size = if quick { Size::QUICK } else { Size::FULL };
    let clock = Clock::default();
    tracing::subscriber::set_global_default(clock.clone())?;
    let home = tempfile::tempdir()?;
    let began = Instant::now();
    let dir = folder::write(home.path(), size)?;
    println!("{size:?}; the run folder took {:.0} s", began.elapsed().as_secs_f64());

    let began = Instant::now();
    let mut stage = Stage::new(&clock, home.path().join("runs"), Some(dir.clone()), None);
    stage.frame(Vec::new());
    println!("first frame {:.0} ms after the start", began.elapsed().as_secs_f64() * 1e3);
    drop(stage);

    let began = Instant::now();
    let reader = folder::read(&dir)?;
    let read = began.elapsed();
    let view = RunView::of_folder(&reader);
    let (read, folded) = (read.as_secs_f64() * 1e3, (began.elapsed() - read).as_secs_f64() * 1e3);
    println!("the run's events: read in {read:.0} ms, folded in {folded:.0} ms, on a thread of their own");

    println!("{:<28}{:>27}{:>27}", "ms of CPU", "logic + ui", "tessellation");
    println!(
        "{:<28}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>10}",
        "", "median", "p95", "max", "median", "p95", "max", "vertices"
    );
    let open = |view| {
        let mut stage = Stage::new(&clock, home.path().join("runs"), None, view);
        stage.app.arrange(arrangement(), panels("pca")?);
        anyhow::Ok(stage)
    };
    let mut late = Vec::new();
    let mut tell = |name: &'static str, costs: &[Cost]| late.extend(row(name, costs).then_some(name));

    let mut stage = open(Some(view.clone()))?;
    ensure!(stage.settle(PATIENCE), "the window does not come to rest");
    for (name, moves) in scenes(&mut stage)? {
        stage.settle(PATIENCE);
        let costs: Vec<Cost> = moves.into_iter().map(|events| stage.frame(events)).collect();
        tell(name, &costs);
    }

    stage.app.arrange(arrangement(), panels("tsne")?);
    let costs = (0..FRAMES).map(|_| {
        std::thread::park_timeout(Duration::from_millis(16)); // layouts come as their thread has them
        stage.frame(Vec::new())
    });
    tell("t-SNE under way", &costs.collect::<Vec<_>>());
    drop(stage);

    let mut stage = open(None)?;
    let (past, new) = reader.events.split_at(reader.events.len().saturating_sub(FRAMES * STREAM));
    stage.say(past);
    tell("a whole run caught up", &(0..FRAMES).map(|_| stage.frame(Vec::new())).collect::<Vec<_>>());
    stage.settle(PATIENCE);
    let costs = new.chunks(STREAM).map(|events| {
        stage.say(events);
        stage.frame(Vec::new())
    });
    tell("live, 20 events a frame", &costs.collect::<Vec<_>>());

    match &late[..] {
        [] => println!("\nlogic + ui stay under {TARGET} ms at the 95th percentile"),
        late => println!("\nover {TARGET} ms at the 95th percentile: {}", late.join(", ")),
    }
    Ok(())
}

/// The tiles' state: all parts of the loss are drawn, and the map by that method.
fn panels(method: &str) -> anyhow::Result<Panels> {
    Ok(serde_json::from_str(&format!(r#"{{"loss": {{"parts": true}}, "map": {{"method": "{method}"}}}}"#))?)
}

/// Prints what a scene cost; whether that is too much.
fn row(name: &str, costs: &[Cost]) -> bool {
    let (ui, tessellation) = (spread(costs, |c| c.ui), spread(costs, |c| c.tessellation));
    let columns: String = ui.iter().chain(&tessellation).map(|ms| format!("{ms:>9.2}")).collect();
    let vertices = spread(costs, |c| c.vertices as f64)[0];
    println!("{name:<28}{columns}{vertices:>10.0}   {}", by_tile(costs));
    ui[1] > TARGET
}

/// Loss, What-if, map, browser and rank lists side by side.
fn arrangement() -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let mut column = |panes: &[Pane]| {
        let stacks = panes.iter().map(|&pane| {
            let pane = tiles.insert_pane(pane);
            tiles.insert_tab_tile(vec![pane])
        });
        let stacks: Vec<_> = stacks.collect();
        tiles.insert_container(egui_tiles::Linear::new(LinearDir::Vertical, stacks))
    };
    let columns =
        vec![column(&[Pane::Loss, Pane::WhatIf]), column(&[Pane::Map]), column(&[Pane::Browser, Pane::RankLists])];
    let root = tiles.insert_container(egui_tiles::Linear::new(LinearDir::Horizontal, columns));
    Tree::new(egui::Id::unique("measured tiles"), root, tiles)
}

type Scene = (&'static str, Vec<Vec<Event>>);

/// What the hand does in each frame of each scene.
fn scenes(stage: &mut Stage) -> anyhow::Result<Vec<Scene>> {
    let mut middle = |pane: Pane| {
        let rect = stage.app.tile_at(pane).with_context(|| format!("{} is not on screen", pane.title()))?;
        anyhow::Ok(rect.center())
    };
    let (map, loss, browser, ranks) =
        (middle(Pane::Map)?, middle(Pane::Loss)?, middle(Pane::Browser)?, middle(Pane::RankLists)?);
    let mut widget = |name: &str| stage.find(name).ok_or_else(|| anyhow!("no widget `{name}`"));
    let (eps, track) = (widget("Try eps")?, widget("Epoch")?);
    let wave = |i: usize, reach: f32| vec2((i as f32 * 0.11).sin() * reach, (i as f32 * 0.07).cos() * reach);
    let hovered = |at: Pos2| move |i: usize| vec![Event::PointerMoved(at + wave(i, 160.0))];
    let wheel = |at: Pos2, step: f32| {
        move |i: usize| {
            let delta = vec2(0.0, if i % 120 < 60 { -step } else { step });
            vec![
                Event::PointerMoved(at),
                Event::MouseWheel {
                    unit: MouseWheelUnit::Point,
                    delta,
                    phase: TouchPhase::Move,
                    source: MouseWheelSource::Unknown,
                    modifiers: Modifiers::NONE,
                },
            ]
        }
    };
    let eps_at = |i: usize| eps.center() + vec2((i as f32 * 0.05).sin() * 0.4 * eps.width(), 0.0);
    let track_at = |i: usize| pos2(track.left() + track.width() * ((i / 12) % 9 + 1) as f32 / 10.0, track.center().y);
    Ok(vec![
        ("idle", frames(|_| Vec::new())),
        ("map hovered", frames(hovered(map))),
        ("map panned", dragged(PointerButton::Secondary, |i| map + wave(i, 200.0))),
        (
            "map zoomed",
            frames(move |i| vec![Event::PointerMoved(map), Event::Zoom(if i % 60 < 30 { 1.05 } else { 0.95 })]),
        ),
        ("curves hovered", frames(hovered(loss))),
        (
            "curves zoomed",
            frames(move |i| vec![Event::PointerMoved(loss), Event::Zoom(if i % 120 < 60 { 1.05 } else { 0.96 })]),
        ),
        ("browser scrolled", frames(wheel(browser, 90.0))),
        ("browser scrolled fast", frames(wheel(browser, 900.0))),
        ("rank list scrolled", frames(wheel(ranks, 90.0))),
        ("rank list scrolled fast", frames(wheel(ranks, 900.0))),
        ("eps dragged in What-if", dragged(PointerButton::Primary, eps_at)),
        ("scrubber dragged", dragged(PointerButton::Primary, track_at)),
    ])
}

fn frames(events: impl Fn(usize) -> Vec<Event>) -> Vec<Vec<Event>> {
    (0..FRAMES).map(events).collect()
}

/// The button goes down with the second frame and up with the last.
fn dragged(button: PointerButton, at: impl Fn(usize) -> Pos2) -> Vec<Vec<Event>> {
    frames(|i| {
        let pos = at(i);
        let press = |pressed| Event::PointerButton { pos, button, pressed, modifiers: Modifiers::NONE };
        let button = (i == 1).then(|| press(true)).or((i + 1 == FRAMES).then(|| press(false)));
        std::iter::once(Event::PointerMoved(pos)).chain(button).collect()
    })
}

/// Median, 95th percentile, maximum.
fn spread(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> [f64; 3] {
    let mut sorted: Vec<f64> = costs.iter().map(of).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get(((sorted.len() - 1) as f64 * share).round() as usize).copied().unwrap_or(0.0);
    [at(0.5), at(0.95), at(1.0)]
}

fn by_tile(costs: &[Cost]) -> String {
    let mut names: BTreeMap<&str, f64> = BTreeMap::new();
    for name in costs.iter().flat_map(|c| c.tiles.keys()) {
        names.entry(name).or_insert_with(|| spread(costs, |c| c.tiles.get(name).copied().unwrap_or(0.0))[0]);
    }
    names.iter().map(|(name, ms)| format!("{name} {ms:.2}")).collect::<Vec<_>>().join(", ")
}
