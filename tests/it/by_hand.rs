//! A hand on the labels of a run: said through the engine and the command line, kept, undone, and never passed over.

use std::collections::BTreeMap;

use egui_kittest::kittest::Queryable;
use reid_workbench::engine::command::{Begin, Command, Fork};
use reid_workbench::engine::event::{Event, State};
use reid_workbench::gui::panels::Pane;
use reid_workbench::method::hand::{HandCounts, HandEdit};
use reid_workbench::run::checkpoints::At;
use reid_workbench::run::hand::read_hand;
use reid_workbench::run::snapshot::ClusterSnapshot;
use reid_workbench::run::{Manifest, RunReader, RunView};

use crate::support::engine::{Driver, Tiny, tiny_params};
use crate::support::window::Window;

/// What each epoch's clustering says of the hand.
fn told(events: &[reid_workbench::engine::event::Stamped]) -> BTreeMap<usize, Option<HandCounts>> {
    let of = |e: &Event| match e {
        Event::Clustered { epoch, summary, .. } => Some((*epoch, summary.hand)),
        _ => None,
    };
    events.iter().filter_map(|s| of(&s.event)).collect()
}

fn refused(driver: &mut Driver) -> String {
    match driver.until("a refusal", |e| matches!(e, Event::Refused { .. })) {
        Event::Refused { why, .. } => why,
        _ => unreachable!(),
    }
}

#[test]
fn what_is_said_counts_from_the_next_clustering_and_outlives_the_process() {
    let tiny = Tiny::new();
    let mut driver = Driver::new();
    driver.start(tiny.request("run", tiny_params()));
    driver.until("a clustering", |e| matches!(e, Event::Clustered { epoch: 0, .. }));
    driver.send(Command::Pause);
    driver.until_state(&State::Paused);
    driver.send(Command::UndoHand);
    assert_eq!(refused(&mut driver), "Nothing was said of single images.");
    driver.send(Command::Hand(HandEdit::Exclude(vec![3, 40])));
    driver.send(Command::Hand(HandEdit::MustLink(vec![0, 25, 46])));
    driver.send(Command::Hand(HandEdit::CannotLink(6, 7)));
    driver.send(Command::Hand(HandEdit::CannotLink(25, 0)));
    assert!(refused(&mut driver).contains("one person and two people"));
    driver.send(Command::Hand(HandEdit::Exclude(vec![9000])));
    assert!(refused(&mut driver).contains("no image 9000"));
    driver.send(Command::Stop);
    assert_eq!(driver.until_end(), State::Stopped);
    let run = tiny.path("run");
    assert!(Manifest::read(&run).unwrap().by_hand);
    assert_eq!(read_hand(&run).unwrap().edits.len(), 3);

    // Another process goes on with it.
    let mut request = tiny.request("run", tiny_params());
    request.begin = Begin::Resume;
    let mut driver = Driver::new();
    driver.start(request);
    driver.until("the next clustering", |e| matches!(e, Event::Clustered { epoch: 1, .. }));
    driver.send(Command::UndoHand);
    driver.until("the undoing", |e| matches!(e, Event::Hand { undone: true, .. }));
    assert_eq!(driver.until_end(), State::Done);

    let reader = RunReader::open(&run).unwrap();
    let told = told(&reader.events);
    assert_eq!(told[&0], None);
    assert_eq!(told[&1], Some(HandCounts { must_link: 3, cannot_link: 1, excluded: 2 }));
    let view = RunView::of_folder(&reader);
    assert!(view.by_hand && view.hands[&1].edits.len() == 3 && view.hand.edits.len() == 2, "{:?}", view.hand);
    let found = ClusterSnapshot::read(&run, 1).unwrap();
    for labels in [&found.labels, &found.labels_tight, &found.labels_loose] {
        assert_eq!([labels[3], labels[40]], [-1, -1]);
        assert!(labels[0] >= 0 && labels[0] == labels[25] && labels[0] == labels[46], "{labels:?}");
        assert!(labels[6] < 0 || labels[6] != labels[7], "{labels:?}");
    }

    // The chain between two of them says that a hand made its step.
    let mut window = Window::on(&run);
    let newest = *view.clusters.keys().max().unwrap();
    let cluster = ClusterSnapshot::read(&run, newest).unwrap().labels[25];
    window.click("Clusters");
    let open = format!("Open cluster {cluster}");
    window.until(&open);
    window.click(&open);
    for image in [25, 46] {
        let name = format!("Image {image}, score ");
        window.until(&name);
        window.harness.query_all_by_label_contains(&name).next().unwrap().click();
        window.harness.run_steps(2);
        if image == 25 {
            window.harness.state_mut().bring(Pane::Why);
            window.until("Hold image 25");
            window.click("Hold image 25");
        }
    }
    window.until(", made by hand");

    // A branch of it has learnt from what was said.
    let mut request = tiny.request("branch", tiny_params());
    request.begin = Begin::Fork(Fork { run: run.clone(), at: At::Name("last".to_owned()) });
    request.changes = vec![("adapt.epochs".to_owned(), reid_workbench::method::params::Value::Int(4))];
    let (end, events) = Driver::run(request);
    assert_eq!(end, State::Done);
    let branch = RunReader::open(&tiny.path("branch")).unwrap();
    assert!(branch.manifest.by_hand && RunView::of_folder(&branch).by_hand);
    let last = events.iter().rev().find_map(|s| match &s.event {
        Event::Clustered { summary, .. } => Some(summary.hand),
        _ => None,
    });
    assert!(last.is_none_or(|hand| hand.is_some()), "a branch forgot what was said");
}
