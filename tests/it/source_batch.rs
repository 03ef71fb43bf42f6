//! While the source is learnt: the batch as the network sees it and the features of the newest batches, told now and then
//! and shown where there is nothing else to show yet.

use reid_workbench::engine::event::{Event, SourceBatch, State};
use reid_workbench::gui::panels::Pane;
use reid_workbench::method::params::Params;

use crate::support::engine::{Driver, Tiny, tiny_params};
use crate::support::play::clustered;
use crate::support::window::Window;

#[test]
fn pre_training_shows_its_batches_and_their_features_and_keeps_neither() {
    let tiny = Tiny::new();
    let (end, events) = Driver::run(tiny.request("run", tiny_params()));
    assert_eq!(end, State::Done);
    let batches: Vec<&SourceBatch> =
        events.iter().filter_map(|s| if let Event::SourceBatch(b) = &s.event { Some(&**b) } else { None }).collect();
    assert!(!batches.is_empty(), "the first batch is shown at once");
    let params = tiny_params();
    for batch in batches {
        let [height, width] = batch.size;
        assert_eq!(batch.pixels.len(), batch.pids.len() * 3 * height * width);
        assert_eq!(batch.size, [params.image.height, params.image.width]);
        assert_eq!(batch.points.len(), batch.point_pids.len());
        assert!(batch.points.iter().flatten().all(|x| x.is_finite()));
        assert!(batch.pids.chunks(params.pretrain.instances).all(|p| p.iter().all(|pid| *pid == p[0])), "P × K");
        let [least, most] = [batch.pixels.iter().min(), batch.pixels.iter().max()];
        assert!(least < most, "pictures, not one colour");
    }
    let log = std::fs::read_to_string(tiny.path("run").join("events.jsonl")).unwrap();
    assert!(!log.contains("source-batch"));
}

#[test]
fn the_window_shows_them_until_the_target_is_clustered() {
    let runs = tempfile::tempdir().unwrap();
    let params = Params::default();
    let mut window = Window::among(runs.path(), None);
    window.engine.start(&runs.path().join("first"), &params);
    window.engine.say(Event::State { state: State::Pretraining, epoch: 0 });
    let batch = |iter: usize| {
        let pids = vec![3, 3, 3, 3, 7, 7, 7, 7];
        let points: Vec<[f32; 2]> = (0..8).map(|i| [i as f32, (i * i) as f32]).collect();
        let pixels = (0..8 * 3 * 16 * 8).map(|i| (i % 251) as u8).collect();
        let batch = SourceBatch { epoch: 2, iter, size: [16, 8], pixels, point_pids: pids.clone(), pids, points };
        Event::SourceBatch(Box::new(batch))
    };
    for iter in 0..2 {
        window.engine.say(batch(iter));
        window.until("8 images of the source batch");
        window.until("8 features of the source in the plane");
        window.until(&format!("source, epoch 3, iteration {}", iter + 1));
    }
    // One that does not hold together shows nothing and harms nobody.
    let Event::SourceBatch(mut odd) = batch(2) else { unreachable!() };
    odd.pixels.pop();
    window.engine.say(Event::SourceBatch(odd));
    window.until("iteration 3");
    window.engine.say(clustered(0, &params));
    window.until_it("8 images of the source batch", false);
    window.bring(Pane::Map);
    assert!(!window.shows("8 features of the source"));
}
