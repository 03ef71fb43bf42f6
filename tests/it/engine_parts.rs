//! The engine's mouth and memory: events under back-pressure, parameter changes at their boundary.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reid_workbench::engine::event::{Event, Phase, Severity, Stage, Stamped, State, Step};
use reid_workbench::engine::outbox::Outbox;
use reid_workbench::engine::settings::{Boundary, Settings};
use reid_workbench::method::params::{Effect, Params, Value};

fn point(step: u64, loss: f64) -> Event {
    Event::Step(Step {
        phase: Phase::Adapt,
        epoch: 0,
        iter: step as usize,
        iters: 10_000,
        step,
        loss,
        parts: vec![("target".to_owned(), loss)],
        lr: 1e-3,
        seconds: 0.1,
        waited: 0.0,
        merged: 1,
    })
}

fn drain(outbox: &mut Outbox, events: &crossbeam_channel::Receiver<Stamped>) -> Vec<Event> {
    let mut heard = Vec::new();
    loop {
        heard.extend(events.try_iter().map(|s| s.event));
        let Some((to, event)) = outbox.waiting() else { return heard };
        to.send(event).unwrap();
        outbox.sent();
    }
}

/// What a night in front of a closed laptop sends, whatever alternates with what.
#[test]
fn a_listener_that_sleeps_costs_no_memory() {
    let (to, events) = crossbeam_channel::bounded(4);
    let mut outbox = Outbox::new(to, Arc::new(|| {}));
    for i in 0..20_000u64 {
        outbox.emit(point(i, i as f64)).unwrap();
        // Told at once, as between two slow steps: the end of a stage is never held back.
        outbox.progress(Stage::Adapt, 1, 1);
        outbox.progress(Stage::Evaluate, 1, 1);
        outbox.emit(Event::Device { name: "cpu".into(), used: i, total: 1 << 40, load: Default::default() }).unwrap();
        outbox.emit(Event::HeatMaps { epoch: i as usize, images: Vec::new() }).unwrap();
    }
    assert!(outbox.backlog() < 300, "{} events wait", outbox.backlog());
    let heard = drain(&mut outbox, &events);
    let points = heard.iter().map(|e| if let Event::Step(s) = e { u64::from(s.merged) } else { 0 });
    assert_eq!(points.sum::<u64>(), 20_000, "each iteration is in some point");
    let used = heard.iter().rev().find_map(|e| if let Event::Device { used, .. } = e { Some(*used) } else { None });
    assert_eq!(used, Some(19_999), "the newest memory in use is told");
}

#[test]
fn a_slow_listener_gets_merged_points_and_everything_else_whole() {
    let (to, events) = crossbeam_channel::bounded(4);
    let mut outbox = Outbox::new(to, Arc::new(|| {}));
    for i in 0..5000u64 {
        outbox.emit(point(i, i as f64)).unwrap();
        if i % 1000 == 999 {
            outbox.emit(Event::State { state: State::Paused, epoch: i as usize }).unwrap();
            outbox.notice(Severity::Error, "disk", "full");
        }
        outbox.progress(Stage::Adapt, i, 5000);
    }
    let heard = drain(&mut outbox, &events);
    let steps: Vec<&Step> = heard.iter().filter_map(|e| if let Event::Step(s) = e { Some(s) } else { None }).collect();
    let stands_for: u64 = steps.iter().map(|s| u64::from(s.merged)).sum();
    assert_eq!(stands_for, 5000, "each iteration is in some point");
    assert!(steps.len() < 1000, "{} points were kept for a listener that does not listen", steps.len());
    let mean = steps.iter().map(|s| s.loss * f64::from(s.merged)).sum::<f64>() / 5000.0;
    assert!((mean - 2499.5).abs() < 1e-6, "merging keeps the mean, found {mean}");
    let states = heard.iter().filter(|e| matches!(e, Event::State { .. })).count();
    let notices = heard.iter().filter(|e| matches!(e, Event::Notice { .. })).count();
    assert_eq!((states, notices), (5, 5));
}

#[test]
fn each_delivery_wakes_the_listener() {
    let (to, events) = crossbeam_channel::bounded(8);
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    let mut outbox = Outbox::new(
        to,
        Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        }),
    );
    outbox.emit(point(0, 1.0)).unwrap();
    assert_eq!(events.len(), 1);
    assert!(woken.load(Ordering::Relaxed) >= 1);
}

#[test]
fn changes_take_effect_at_their_boundary() {
    let mut settings = Settings::new(Params::default());
    assert_eq!(settings.request("eps", &Value::Float(0.5)), Ok(Effect::NextEpoch));
    assert_eq!(settings.request("beta", &Value::Float(0.4)), Ok(Effect::NextBatch));
    let at_batch = settings.take(Boundary::Batch);
    assert_eq!(at_batch.len(), 1);
    assert_eq!((at_batch[0].key.as_str(), settings.now().beta, settings.now().eps), ("beta", 0.4, 0.6));
    let at_epoch = settings.take(Boundary::Epoch);
    assert_eq!((at_epoch[0].old.clone(), at_epoch[0].new.clone()), (Value::Float(0.6), Value::Float(0.5)));
    assert!(settings.pending().is_empty());
}

#[test]
fn impossible_changes_are_refused_with_the_way_out() {
    let mut settings = Settings::new(Params::default());
    let refused =
        settings.request("delta_d", &Value::Float(0.29)).and_then(|_| settings.request("eps", &Value::Float(0.2)));
    assert!(refused.unwrap_err().contains("must exceed"), "the pending Δd counts too");
    assert!(settings.request("backbone", &Value::Text("resnet18".to_owned())).unwrap_err().contains("next run"));
    assert!(settings.request("epss", &Value::Float(0.5)).is_err());
}
