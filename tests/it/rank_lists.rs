//! Rank lists: what the engine answers, and what the tile makes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use reid_workbench::data::cache::ImageCache;
use reid_workbench::data::{Dataset, Sample, registry};
use reid_workbench::engine::command::{Command, DeviceChoice, Request};
use reid_workbench::engine::features::Extraction;
use reid_workbench::engine::trained::Trained;
use reid_workbench::gui::command::UiCommand;
use reid_workbench::gui::panels::Pane;
use reid_workbench::gui::panels::rank_lists::history::History;
use reid_workbench::gui::view_model::RunView;
use reid_workbench::method::evaluate::{EvalOptions, EvalSet, Evaluation, Metric, evaluate};
use reid_workbench::method::rows::Rows;
use reid_workbench::run::RunReader;
use reid_workbench::run::event::*;
use reid_workbench::run::snapshot::RankSnapshot;
use reid_workbench::study::filter::{Terms, Vocabulary};
use reid_workbench::study::query_filter::{QUERY_FIELDS, QueryFacts};

use crate::sample_run::{self, EPOCHS, QUERIES};
use crate::support::bench::{Bench, wait_for, window_of};
use crate::support::dropped::drop_on;
use crate::support::engine::{Driver, Tiny, losses, steps, tiny_params};
use crate::support::play::engine_commands;
use crate::support::window::Window;

fn image(split: Split, index: u32) -> RankQuery {
    RankQuery::Image(ImageRef { split, index })
}

fn ask(driver: &mut Driver, query: RankQuery) -> Ranking {
    driver.send(Command::Rank(query.clone()));
    match driver.until("a rank list", |e| matches!(e, Event::Ranked(r) if r.query == query)) {
        Event::Ranked(ranking) => *ranking,
        _ => unreachable!(),
    }
}

/// A run of the tiny engine, done.
fn done(tiny: &Tiny) -> Driver {
    let mut driver = Driver::new();
    driver.start(tiny.request("run", tiny_params()));
    assert_eq!(driver.until_end(), State::Done);
    driver
}

/// Evaluation of the run's last checkpoint by the library, from the files.
fn evaluated(tiny: &Tiny) -> (Dataset, Evaluation) {
    let data = registry::open(tiny.path("target").to_str().unwrap()).unwrap();
    let trained = Trained::open(&tiny.path("run"), &[], DeviceChoice::Cpu).unwrap();
    let size = &trained.params.image;
    let features = |samples: &[Sample]| {
        let images = Arc::new(ImageCache::new(samples.into(), size.height, size.width, 1 << 30));
        let (domain, batch) = (trained.target_domain(), trained.params.eval.batch);
        Extraction { net: &trained.net, domain, images: &images, on_device: None, batch, whole: false }
            .run(|_| Ok(()))
            .unwrap()
    };
    let (query, gallery) = (features(&data.query), features(&data.gallery));
    let column = |samples: &[Sample], of: fn(&Sample) -> i32| samples.iter().map(of).collect::<Vec<i32>>();
    let d = trained.net.dim() as usize;
    let set = EvalSet {
        query: Rows::new(&query, d).unwrap(),
        gallery: Rows::new(&gallery, d).unwrap(),
        query_pid: &column(&data.query, |s| s.pid),
        query_camid: &column(&data.query, |s| s.camid),
        gallery_pid: &column(&data.gallery, |s| s.pid),
        gallery_camid: &column(&data.gallery, |s| s.camid),
    };
    let options = EvalOptions { metric: Metric::Euclidean, top: 50, same_camera_rule: data.has_cameras };
    let evaluation = evaluate(&set, &options, &|_, _| true).unwrap();
    (data, evaluation)
}

#[test]
fn the_engine_ranks_as_the_evaluation_does_and_no_image_finds_itself() {
    let tiny = Tiny::new();
    let mut driver = done(&tiny);
    let (data, expected) = evaluated(&tiny);
    for q in 0..data.query.len() {
        let answer = ask(&mut driver, image(Split::Query, q as u32));
        assert_eq!((answer.epoch, answer.iters), (3, 0));
        assert_eq!(answer.gallery, expected.ranks[q * expected.top..(q + 1) * expected.top]);
        let close = |a: &f32, b: &f32| (a - b).abs() < 1e-5;
        assert!(answer.distances.iter().zip(&expected.distances[q * expected.top..]).all(|(a, b)| close(a, b)));
        assert!((answer.ap.unwrap() - expected.ap[q]).abs() < 1e-12, "query {q}");
    }
    let ranked = data.gallery.iter().filter(|s| s.pid != -1).count();
    for (g, sample) in data.gallery.iter().enumerate() {
        let answer = ask(&mut driver, image(Split::Gallery, g as u32));
        let others = if sample.pid == -1 { ranked } else { ranked - 1 };
        assert_eq!(answer.gallery.len(), others.min(50), "gallery {g}");
        assert!(!answer.gallery.contains(&(g as u32)), "gallery image {g} found itself");
        assert!(answer.distances.windows(2).all(|w| w[0] <= w[1]));
        // By the evaluation's rule: other cameras' images of the same person, and nobody knows who distracts.
        let mut right: Vec<u32> = (0..data.gallery.len() as u32)
            .filter(|&o| {
                let other = &data.gallery[o as usize];
                sample.pid > 0 && other.pid == sample.pid && other.camid != sample.camid
            })
            .collect();
        let mut found: Vec<u32> = answer.matches.iter().map(|m| m.index).collect();
        found.sort_unstable();
        right.sort_unstable();
        assert_eq!(found, right, "gallery {g}");
        assert_eq!(answer.ap.is_some(), !right.is_empty());
    }
    let train = ask(&mut driver, image(Split::Train, 0));
    assert_eq!((train.ap, train.matches.len(), train.gallery.len()), (None, 0, ranked.min(50)));

    driver.send(Command::Rank(image(Split::Gallery, 9_999)));
    driver.until("a refusal", |e| matches!(e, Event::Refused { why, .. } if why.contains("9999")));
}

#[test]
fn a_file_is_ranked_and_one_that_is_no_image_gives_one_sentence() {
    let tiny = Tiny::new();
    let mut driver = done(&tiny);
    let (data, _) = evaluated(&tiny);
    let known = data.gallery.iter().position(|s| s.pid > 0).unwrap();
    let answer = ask(&mut driver, RankQuery::File(data.gallery[known].path.clone()));
    assert_eq!(answer.gallery[0], known as u32, "the same pixels are nearest");
    assert!(answer.distances[0] < 1e-4, "{}", answer.distances[0]);
    assert_eq!((answer.ap, answer.matches.len()), (None, 0));

    let bad = tiny.path("notes.jpg");
    std::fs::write(&bad, "no picture").unwrap();
    for path in [bad, tiny.path("nowhere.png")] {
        driver.send(Command::Rank(RankQuery::File(path.clone())));
        let name = path.file_name().unwrap().to_str().unwrap();
        driver.until("a sentence", |e| matches!(e, Event::Refused { why, .. } if why.contains(name)));
    }
    assert!(!driver.events.iter().any(|s| matches!(s.event, Event::State { state: State::Failed(_), .. })));
    let read = RunReader::open(&tiny.path("run")).unwrap();
    assert!(!read.events.iter().any(|s| matches!(s.event, Event::Ranked(_))), "answers are live only");
}

#[test]
fn questions_change_nothing_and_say_which_weights_answer() {
    let tiny = Tiny::new();
    let (_, untouched) = Driver::run(tiny.request("quiet", tiny_params()));

    let mut driver = Driver::new();
    driver.start(tiny.request("asked", tiny_params()));
    let file = std::fs::read_dir(tiny.path("target/query")).unwrap().next().unwrap().unwrap().path();
    // While training goes on: the features of the newest evaluation, and its weights for what they do not hold.
    driver.until("adaptation", |e| matches!(e, Event::Step(s) if s.phase == Phase::Adapt && s.epoch == 1));
    for query in [image(Split::Gallery, 1), RankQuery::File(file.clone()), image(Split::Train, 3)] {
        let answer = ask(&mut driver, query);
        assert_eq!(answer.iters, 0, "{answer:?}");
    }
    let known = registry::open(tiny.path("target").to_str().unwrap()).unwrap();
    let known = known.gallery.iter().find(|s| s.pid > 0).unwrap().path.clone();
    let answer = ask(&mut driver, RankQuery::File(known));
    assert!(answer.distances[0] < 1e-4, "query and gallery are of different weights: {}", answer.distances[0]);
    // At rest: the weights as they stand.
    driver.send(Command::Pause);
    driver.until_state(&State::Paused);
    driver.send(Command::StepBatch);
    driver.until_state(&State::Paused);
    let last = steps(&driver.events).pop().unwrap();
    let answer = ask(&mut driver, image(Split::Gallery, 1));
    let same = ask(&mut driver, RankQuery::File(file));
    assert_eq!((answer.epoch, answer.iters), (same.epoch, same.iters));
    if last.iter + 1 < last.iters {
        assert_eq!((answer.epoch, answer.iters), (last.epoch, last.iter + 1));
    }
    driver.send(Command::Resume);
    assert_eq!(driver.until_end(), State::Done);
    assert_eq!(losses(&driver.events), losses(&untouched), "the questions changed the training");
}

#[test]
fn a_question_before_there_is_a_model_is_answered_in_words() {
    let mut driver = Driver::new();
    driver.send(Command::Rank(image(Split::Query, 0)));
    driver.until("a refusal", |e| matches!(e, Event::Refused { why, .. } if why.contains("No model is loaded")));
}

#[test]
fn the_view_keeps_the_newest_answers() {
    let mut view = RunView::default();
    for index in (0..40).chain([20]) {
        view.fold(&ranked(answer_of(index)));
    }
    assert!(view.live);
    assert_eq!(view.rankings.len(), 32);
    assert_eq!(view.rankings.iter().filter(|r| r.query == image(Split::Gallery, 20)).count(), 1);
    assert_eq!(view.rankings.last().unwrap().query, image(Split::Gallery, 20));
    assert!(view.without_live().rankings.is_empty());
    // A folder that is read anew has no answers of its own.
    let mut again = view.without_live();
    again.keep_answers(&view);
    assert_eq!(again.rankings, view.rankings);
}

fn ranked(ranking: Ranking) -> Stamped {
    Stamped { run: Default::default(), seq: 0, t: 0.0, wall: 0.0, event: Event::Ranked(Box::new(ranking)) }
}

/// An answer for that gallery image: the two after it, the first of them right.
fn answer_of(index: u32) -> Ranking {
    let gallery = vec![(index + 12) % 60, (index + 1) % 60];
    let first = reid_workbench::run::snapshot::Match { index: gallery[0], rank: 1, distance: 0.1 };
    let (query, distances) = (image(Split::Gallery, index), vec![0.1, 0.2]);
    Ranking { query, epoch: 5, iters: 7, gallery, distances, ap: Some(1.0), matches: vec![first] }
}

#[test]
fn the_filter_says_what_it_does_not_understand() {
    let facts =
        QueryFacts { query: 7, ap: Some(0.25), pid: Some(12), cam: Some(2), missed: 3, matches: 4, first: Some(6) };
    let known = |truth| Vocabulary { fields: QUERY_FIELDS, words: false, truth };
    let read = |text: &str| Terms::parse(text, &known(true)).unwrap();
    let check = |text: &str, expected: bool| assert_eq!(facts.pass(&read(text)), expected, "{text}");
    check("", true);
    check("ap<0.3 pid=12 cam=2 missed>0", true);
    check("ap < 30% first>1", true);
    check("AP<=0.25", true);
    check("ap>=25.1%", false);
    check("cam!=2", false);
    check("query==7 matches>4", false);
    assert!(!QueryFacts::default().pass(&read("pid=12")), "what is not known does not hold");
    for (text, at, sentence) in [
        (
            "cam=2 apx<0.3",
            "apx",
            "“apx” is not known; perhaps ap. There are ap, pid, cam, missed, matches, first, query.",
        ),
        ("ap", "ap", "After “ap” comes a comparison and a value, as in ap<0.3."),
        ("cam=two", "two", "“two” is not a number; write cam<2."),
        ("ap<30", "30", "“ap” goes from 0 to 1: write ap<0.3 or ap<30%."),
        ("pid=5%", "5%", "“5%” is not a number; write pid<12."),
    ] {
        let mistake = Terms::parse(text, &known(true)).unwrap_err();
        assert_eq!((&text[mistake.at], mistake.why.as_str()), (at, sentence));
    }
    assert!(Terms::parse("cam=2", &known(false)).is_ok());
    assert!(Terms::parse("ap<0.3", &known(false)).unwrap_err().why.contains("switched off"));
}

#[test]
fn back_and_forward_lead_through_what_was_looked_at() {
    let mut history = History::default();
    assert!(history.current().is_none() && !history.has_back() && !history.has_forward());
    for index in 0..3 {
        history.go(image(Split::Gallery, index));
    }
    history.back();
    history.back();
    assert_eq!(history.current(), Some(&image(Split::Gallery, 0)));
    history.forward();
    assert_eq!(history.current(), Some(&image(Split::Gallery, 1)));
    history.go(image(Split::Gallery, 9));
    assert!(!history.has_forward(), "a new way forgets the old one");
    history.go(image(Split::Gallery, 9));
    history.back();
    assert_eq!(history.current(), Some(&image(Split::Gallery, 1)), "the same image twice is one step");
    for index in 0..200 {
        history.go(image(Split::Train, index));
    }
    (0..300).for_each(|_| history.back());
    assert!(history.current().is_none() && history.has_forward());
}

/// The tile, tall enough for many rows.
fn window(view: RunView) -> Harness<'static, Bench> {
    window_of(Pane::RankLists, view, vec2(900.0, 2000.0))
}

fn sample() -> (tempfile::TempDir, RunView) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("run");
    sample_run::write(&dir);
    let view = RunView::of_folder(&RunReader::open(&dir).unwrap());
    (home, view)
}

/// The same as a live window sees it.
fn live_sample() -> (tempfile::TempDir, RunView) {
    let (home, mut view) = sample();
    let event = Event::Device { name: "cpu".to_owned(), used: 1, total: 2, load: Default::default() };
    view.fold(&Stamped { run: Default::default(), seq: 0, t: 0.0, wall: 0.0, event });
    (home, view)
}

fn shows(harness: &Harness<'_, Bench>, words: &str) -> bool {
    harness.query_all_by_label_contains(words).next().is_some()
}

fn ranks_of(view: &RunView, epoch: usize) -> RankSnapshot {
    RankSnapshot::read(view.folder.as_ref().unwrap(), epoch).unwrap()
}

/// Numbers of the queries as they stand in the list, from above.
fn listed(harness: &Harness<'_, Bench>) -> Vec<u32> {
    let mut rows: Vec<(f32, u32)> = harness
        .query_all_by_label_contains("Query ")
        .filter_map(|node| {
            let label = egui_kittest::kittest::NodeT::accesskit_node(&node).label()?;
            let number = label.strip_prefix("Query ")?.split([',', ' ']).next()?.parse().ok()?;
            Some((node.rect().top(), number))
        })
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|(_, q)| q).collect()
}

#[test]
fn the_ap_in_the_tile_is_that_of_the_evaluation() {
    let tiny = Tiny::new();
    let driver = done(&tiny);
    let mut view = RunView::default();
    driver.events.iter().for_each(|e| view.fold(e));
    let (_, expected) = evaluated(&tiny);
    let ranks = ranks_of(&view, 3);
    let valid: Vec<f64> = ranks.ap.iter().copied().filter(|ap| ap.is_finite()).collect();
    let mean = valid.iter().sum::<f64>() / valid.len() as f64;
    assert!((mean - view.target_retrieval[&3].mAP).abs() < 1e-12, "the mean of the APs is the mAP");
    assert!((mean - expected.retrieval.mAP).abs() < 1e-12);
    let mut harness = window(view);
    wait_for(&mut harness, "Query ");
    let shown = listed(&harness);
    assert!(shown.len() >= 4, "{shown:?}");
    for q in shown {
        let ap = expected.ap[q as usize];
        let matches = expected.match_indptr[q as usize + 1] - expected.match_indptr[q as usize];
        harness.get_by_label(&format!("Query {q}, AP {:.1} percent, {matches} matches", 100.0 * ap));
    }
}

#[test]
fn a_dropped_file_is_answered_by_the_engine_and_stands_on_top() {
    let tiny = Tiny::new();
    let mut driver = done(&tiny);
    let mut view = RunView::default();
    driver.events.iter().for_each(|e| view.fold(e));
    let file = std::fs::read_dir(tiny.path("target/query")).unwrap().next().unwrap().unwrap().path();
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let mut harness = window(view);
    wait_for(&mut harness, "Query ");

    harness.input_mut().hovered_files.push(egui::HoveredFile { path: Some(file.clone()), ..Default::default() });
    harness.step();
    harness.get_by_label("Drop an image here to find this person in the gallery");
    harness.input_mut().hovered_files.clear();
    drop_on(&mut harness, &file);
    harness.step();
    assert!(!shows(&harness, "Drop an image here"));
    harness.get_by_label_contains(&format!("Asking for {name}"));
    let asked = Command::Rank(RankQuery::File(file.clone()));
    assert_eq!(engine_commands(&harness.state().actions), std::slice::from_ref(&asked));

    driver.send(asked);
    let before = driver.events.len();
    driver.until("an answer", |e| matches!(e, Event::Ranked(_)));
    for event in &driver.events[before..] {
        harness.state_mut().view.fold(event);
    }
    harness.step();
    let row = harness.query_all_by_label_contains(", asked, after 3 epochs").next().unwrap();
    let list = harness.query_all_by_label_contains("Query ").next().unwrap();
    assert!(row.rect().bottom() <= list.rect().top(), "it stands above the list");
    assert!(shows(&harness, "rank 1, distance "), "hits of an unknown person are neither right nor wrong");

    // One that the engine refuses says so in its place.
    let bad = tiny.path("notes.jpg");
    std::fs::write(&bad, "no picture").unwrap();
    drop_on(&mut harness, &bad);
    harness.step();
    // Under the name that the panel gave it, not under that of anything else that is refused meanwhile.
    let asked = Command::Rank(RankQuery::File(bad));
    let actions = harness.state().actions.iter().rev();
    let request = actions.clone().find_map(|action| match action {
        UiCommand::Engine(request) if request.command == asked => Some(request.clone()),
        _ => None,
    });
    let request = request.unwrap_or_else(|| panic!("{:?}", actions.collect::<Vec<_>>()));
    driver.send(Command::SetParam { key: "eps".to_owned(), value: reid_workbench::method::params::Value::Float(7.0) });
    let before = driver.events.len();
    driver.until("another refusal", |e| matches!(e, Event::Refused { .. }));
    driver.events[before..].iter().for_each(|event| harness.state_mut().view.fold(event));
    harness.step();
    assert!(!shows(&harness, "No answer for notes.jpg"));
    driver.request(request);
    let before = driver.events.len();
    driver.until("a sentence", |e| matches!(e, Event::Refused { .. }));
    for event in &driver.events[before..] {
        harness.state_mut().view.fold(event);
    }
    harness.step();
    harness.get_by_label_contains("No answer for notes.jpg");
}

#[test]
fn the_filter_stands_right_below_the_menus_where_there_is_little_room() {
    let (_home, view) = live_sample();
    let mut harness = window(view);
    harness.set_size(vec2(420.0, 560.0));
    wait_for(&mut harness, "rank 1, ");
    let menu = harness.get_by_label_contains("Order of the queries").rect();
    let filter = harness.get_by_label("Filter of the queries").rect();
    assert!((0.0..16.0).contains(&(filter.top() - menu.bottom())), "{menu} {filter}");
}

/// The gallery image whose hit is the first with these words, and a click on it.
fn click_first_hit(harness: &mut Harness<'_, Bench>, words: &str) -> u32 {
    harness.state_mut().actions.clear();
    harness.query_all_by_label_contains(words).next().unwrap().click();
    harness.run();
    match harness.state().selection.image {
        Some(ImageRef { split: Split::Gallery, index }) => index,
        other => panic!("{other:?} is selected"),
    }
}

#[test]
fn a_hit_becomes_the_query_and_the_way_back_is_open() {
    let (_home, view) = live_sample();
    let mut harness = window(view);
    wait_for(&mut harness, ", mismatch, distance");
    let first = click_first_hit(&mut harness, ", mismatch, distance");
    let rank = |index| Command::Rank(image(Split::Gallery, index));
    assert_eq!(engine_commands(&harness.state().actions), [rank(first)]);
    harness.get_by_label_contains(&format!("Asking for gallery {first}"));
    harness.state_mut().view.fold(&ranked(answer_of(first)));
    harness.run();
    let pinned = |index: u32| format!("Gallery {index}, AP 100.0 percent, 1 match, asked, after 5 epochs + 7 it");
    harness.get_by_label(&pinned(first));

    let second = (first + 12) % 60;
    assert_eq!(click_first_hit(&mut harness, "rank 1, match, distance 0.100"), second);
    harness.state_mut().view.fold(&ranked(answer_of(second)));
    harness.run();
    harness.get_by_label(&pinned(second));
    harness.state_mut().actions.clear();
    harness.get_by_label("Back to the query before, Alt+Left").click();
    harness.run();
    harness.get_by_label(&pinned(first));
    harness.key_press_modifiers(Modifiers::ALT, Key::ArrowLeft);
    harness.run();
    assert!(!shows(&harness, ", asked, "), "the list alone");
    harness.key_press_modifiers(Modifiers::ALT, Key::ArrowRight);
    harness.run();
    harness.get_by_label(&pinned(first));
    harness.get_by_label("Forward to the next query, Alt+Right").click();
    harness.run();
    harness.get_by_label(&pinned(second));
    assert!(harness.state().actions.is_empty(), "what is known is not asked again");
    harness.get_by_label("Ask again, with the newest features").click();
    harness.run();
    assert_eq!(engine_commands(&harness.state().actions), [rank(second)]);
    harness.get_by_label("Back to the list of queries alone").click();
    harness.run();
    assert!(!shows(&harness, ", asked, "));

    // Another run: nothing of it is left.
    harness.state_mut().view = RunView::default();
    harness.run();
    harness.get_by_label("No rank lists yet");
}

#[test]
fn without_a_model_a_hit_is_selected_and_its_tooltip_says_what_is_needed() {
    let (_home, view) = sample();
    let mut harness = window(view);
    wait_for(&mut harness, ", mismatch, distance");
    click_first_hit(&mut harness, ", mismatch, distance");
    assert!(harness.state().actions.is_empty());
    assert!(!shows(&harness, "Asking for"));
    harness.query_all_by_label_contains(", mismatch, distance").next().unwrap().hover();
    wait_for(&mut harness, "a model is needed: it is at hand when no run goes on");
}

#[test]
fn a_network_that_cannot_be_taken_up_is_told_once() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    crate::sample_run::write(&run);
    let mut window = Window::on(&run);
    window.until("Heat maps of query ");
    let name = window.label_with("Heat maps of query ");
    for refused in [true, false] {
        window.click(&name);
        let asked: Vec<Request> = window.engine.commands.try_iter().collect();
        let [network, question] = &asked[..] else { panic!("{asked:?}") };
        assert!(matches!((&network.command, &question.command), (Command::Consult(_), Command::HeatMaps(_))));
        let refuse = |request: &Request, why: &str| Event::Refused { request: request.id.clone(), why: why.to_owned() };
        if refused {
            window.engine.say(refuse(network, "It has no checkpoint."));
            window.engine.say(refuse(question, "No model is loaded."));
            window.until("It has no checkpoint.");
            window.harness.run_steps(3);
            assert!(!window.shows("No model is loaded."), "it follows from what was told");
        } else {
            window.engine.say(refuse(question, "The images are gone."));
            window.until("The images are gone.");
        }
        window.bring(Pane::RankLists);
    }
}

#[test]
fn heat_maps_of_query_and_hit_are_asked_for_and_shown() {
    let (_home, view) = live_sample();
    let mut harness = window(view);
    wait_for(&mut harness, "Heat maps of query ");
    harness.query_all_by_label_contains("Heat maps of query ").next().unwrap().click();
    harness.run();
    let actions = &harness.state().actions;
    assert!(
        matches!(&actions[..], [
            UiCommand::Engine(Request { command: Command::HeatMaps(images), .. }),
            UiCommand::ShowPane(Pane::HeatMaps),
        ] if images.len() == 2 && images[0].split == Split::Query && images[1].split == Split::Gallery),
        "{actions:?}"
    );
}

#[test]
fn queries_are_sorted_and_filtered() {
    let (_home, view) = sample();
    let ranks = ranks_of(&view, EPOCHS);
    let before = ranks_of(&view, 2);
    let mut harness = window(view);
    wait_for(&mut harness, "Query ");
    let choose = |harness: &mut Harness<'_, Bench>, menu: &str, option: &str| {
        harness.get_by_label_contains(menu).click();
        harness.run();
        harness.get_by_label(option).click();
        harness.run();
    };
    let ap = |q: u32| ranks.ap[q as usize];
    choose(&mut harness, "Order of the queries", "best first");
    let shown = listed(&harness);
    assert!(shown.len() > 5 && shown.windows(2).all(|w| ap(w[0]) >= ap(w[1])), "{shown:?}");
    choose(&mut harness, "Order of the queries", "by number");
    assert!(listed(&harness).is_sorted());

    // Against another epoch, by what it gained.
    let map = 100.0 * harness.state().view.target_retrieval[&2].mAP;
    choose(&mut harness, "Epoch of comparison, against epoch…", &format!("after 2 epochs, mAP {map:.1}"));
    assert_eq!(harness.state().selection.against, Some(2));
    // The menu says so at once; the hits say it when the other epoch's lists have been read.
    wait_for(&mut harness, ", up ");
    choose(&mut harness, "Order of the queries", "AP gained first");
    let gain = |q: u32| ap(q) - before.ap[q as usize];
    // The other epoch's lists are read beside the window.
    let by_gain = |shown: &[u32]| shown.len() > 3 && shown.windows(2).all(|w| gain(w[0]) >= gain(w[1]));
    let began = Instant::now();
    while !by_gain(&listed(&harness)) {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", listed(&harness));
        harness.step();
        std::thread::yield_now();
    }
    let shown = listed(&harness);
    let q = shown[0];
    let words = format!("{:+.1} against 2 epochs", 100.0 * gain(q));
    harness.get_by_label_contains(&words.replace('-', "−"));
    assert!(shows(&harness, ", up ") && shows(&harness, ", down "), "hits say how they moved");
    harness.state_mut().selection.against = None;
    harness.run();

    let filter = |harness: &mut Harness<'_, Bench>, text: &str| {
        harness.get_by_label("Filter of the queries").focus();
        harness.run();
        harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        harness.run();
        harness.get_by_label("Filter of the queries").type_text(text);
        harness.run();
    };
    filter(&mut harness, "cam=2");
    let shown = listed(&harness);
    assert!(!shown.is_empty() && shown.iter().all(|q| q % 4 == 1), "{shown:?}");
    filter(&mut harness, "cam=2 nose>3");
    harness.get_by_label_contains("“nose” is not known");
    assert_eq!(listed(&harness), shown, "the filter before stays in force");
    filter(&mut harness, "pid=3 ap<=100%");
    assert_eq!(listed(&harness), [3]);
    filter(&mut harness, "ap<0 cam=1");
    harness.get_by_label("No query fits the filter");
}

#[test]
fn without_ground_truth_hits_are_neither_right_nor_wrong() {
    let (_home, view) = live_sample();
    let mut harness = window(view);
    harness.state_mut().truth = false;
    wait_for(&mut harness, "rank 1, distance ");
    assert_eq!(listed(&harness), (0..listed(&harness).len() as u32).collect::<Vec<_>>(), "in their order");
    harness.get_by_label_contains(&format!("{QUERIES} queries, after {EPOCHS} epochs"));
    harness.state_mut().view.fold(&ranked(answer_of(5)));
    click_first_hit(&mut harness, "rank 1, distance ");
    for word in ["match", "junk", "missed", "AP ", "ground truth", "Order of the queries", "wrong at rank 1", "pid"] {
        assert!(!shows(&harness, word), "`{word}` is shown");
    }
    harness.get_by_label("Filter of the queries").focus();
    harness.run();
    harness.get_by_label("Filter of the queries").type_text("missed>0");
    harness.run();
    harness.get_by_label_contains("switched off");
}

/// A later engine, that trained nothing, answers for a finished run as the engine that trained it.
#[test]
fn a_finished_run_answers_from_its_checkpoint() {
    let tiny = Tiny::new();
    let mut trained = done(&tiny);
    let queries = [image(Split::Query, 3), image(Split::Gallery, 5), image(Split::Train, 2)];
    let expected: Vec<Ranking> = queries.iter().map(|q| ask(&mut trained, q.clone())).collect();
    let shown = vec![ImageRef { split: Split::Query, index: 1 }];
    trained.send(Command::HeatMaps(shown.clone()));
    let maps = trained.until("maps", |e| matches!(e, Event::HeatMaps { .. }));
    let before = crate::support::engine::files(&tiny.path("run"));

    let mut later = Driver::new();
    later.send(Command::Consult(tiny.path("run")));
    let answers: Vec<Ranking> = queries.iter().map(|q| ask(&mut later, q.clone())).collect();
    for (a, b) in answers.iter().zip(&expected) {
        assert_eq!((&a.query, a.epoch, &a.gallery, a.ap), (&b.query, b.epoch, &b.gallery, b.ap));
        // The engine that trained took the query's feature from the evaluation's batches.
        assert!(a.distances.iter().zip(&b.distances).all(|(x, y)| (x - y).abs() < 1e-5), "{a:?} {b:?}");
    }
    let of = later.events.iter().find(|e| matches!(e.event, Event::Ranked(_))).map(|e| e.run.clone());
    assert_eq!(of, Some(RunId::of(&tiny.path("run"))), "an answer says of which run it is");
    later.send(Command::Consult(tiny.path("run")));
    later.send(Command::HeatMaps(shown));
    assert_eq!(later.until("maps", |e| matches!(e, Event::HeatMaps { .. })), maps);
    assert_eq!(crate::support::engine::files(&tiny.path("run")), before, "nothing is written");

    // A run without a checkpoint has no network to ask, and says so; what was asked before is no answer for it.
    std::fs::create_dir_all(tiny.path("bare")).unwrap();
    for file in ["manifest.json", "params.toml"] {
        std::fs::copy(tiny.path("run").join(file), tiny.path("bare").join(file)).unwrap();
    }
    later.send(Command::Consult(tiny.path("bare")));
    let refused = later.until("a refusal", |e| matches!(e, Event::Refused { .. }));
    assert!(matches!(&refused, Event::Refused { why, .. } if why.contains("no checkpoint")), "{refused:?}");
    later.send(Command::Rank(image(Split::Query, 0)));
    let refused = later.until("a refusal", |e| matches!(e, Event::Refused { .. }));
    assert!(matches!(&refused, Event::Refused { why, .. } if why.contains("No model is loaded")), "{refused:?}");
}
