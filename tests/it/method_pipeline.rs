//! From features to pseudo-labels in one go: the same as step by step, watched, given up; and methods without radii.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use reid_workbench::base::tensors::Archive;
use reid_workbench::data::synthetic::features::{FeatureSpec, Generated, generate};
use reid_workbench::method::cluster::{Assignment, ClusterSummary, Details, Judged, cluster, judge};
use reid_workbench::method::error::{MethodError, no_tick};
use reid_workbench::method::jaccard::jaccard;
use reid_workbench::method::knn::{Neighbours, neighbours};
use reid_workbench::method::labels::Labelled;
use reid_workbench::method::params::{EpsRule, Params, Rule};
use reid_workbench::method::pipeline::{self, ClusteringPlan, ClusteringStep, ClusteringWatcher, Unwatched};
use reid_workbench::method::rows::Rows;
use reid_workbench::method::sweep::k_distance;
use reid_workbench::method::tree::radii::{SSG_SHARE, knee, mean_smallest};
use reid_workbench::run::event::SnapshotPart;
use reid_workbench::run::snapshot::{ClusterSnapshot, part_path};

fn features() -> Generated {
    generate(&FeatureSpec {
        seed: 5,
        n: 700,
        d: 64,
        r: 24,
        lo: 3,
        hi: 24,
        n_out: 60,
        A: 10,
        B: 7,
        C: 3,
        D: 5,
        n_cams: 4,
    })
}

/// Notes the steps, and gives up at one of them.
#[derive(Default)]
struct Notes {
    begun: Mutex<Vec<ClusteringStep>>,
    ticks: AtomicU64,
    until: Option<ClusteringStep>,
}

impl ClusteringWatcher for Notes {
    fn begin(&self, step: ClusteringStep) {
        self.begun.lock().unwrap().push(step);
    }

    fn tick(&self, step: ClusteringStep, _: u64, _: u64) -> bool {
        self.ticks.fetch_add(1, Ordering::Relaxed);
        self.until != Some(step)
    }
}

#[test]
fn the_pipeline_finds_what_its_steps_find() {
    let made = features();
    let rows = Rows::new(&made.features, 64).unwrap();
    let params = Params::default();
    let notes = Notes::default();
    let found = pipeline::run(rows, None, &ClusteringPlan::of(&params, None), &notes).unwrap();
    let nb = neighbours(rows, params.k1, &no_tick).unwrap();
    let reach = (params.eps + params.delta_d) as f32;
    let graph = jaccard(rows, &nb, params.k1, params.k2, reach, &no_tick).unwrap();
    assert_eq!(found.assignment, cluster(&graph, &params, None));
    assert_eq!(found.graph, Some(graph));
    assert!(found.assignment.reliable.len() > 5, "there is something to compare");
    let steps = [ClusteringStep::Neighbours, ClusteringStep::Distances, ClusteringStep::Labels, ClusteringStep::Scores];
    assert_eq!(*notes.begun.lock().unwrap(), steps);
    assert!(notes.ticks.load(Ordering::Relaxed) > 0);
    // Neighbours that another device found are taken as they are, and that step does not begin.
    let notes = Notes::default();
    let again = pipeline::run(rows, Some(nb), &ClusteringPlan::of(&params, None), &notes).unwrap();
    assert_eq!(again.assignment, found.assignment);
    assert_eq!(*notes.begun.lock().unwrap(), steps[1..]);
}

#[test]
fn a_step_that_is_given_up_ends_it() {
    let made = features();
    let rows = Rows::new(&made.features, 64).unwrap();
    let params = Params::default();
    for step in [ClusteringStep::Neighbours, ClusteringStep::Distances] {
        let notes = Notes { until: Some(step), ..Notes::default() };
        let given_up = pipeline::run(rows, None, &ClusteringPlan::of(&params, None), &notes);
        assert_eq!(given_up.unwrap_err(), MethodError::Cancelled);
        assert_eq!(notes.begun.lock().unwrap().last(), Some(&step));
    }
}

#[test]
fn the_graph_reaches_as_far_as_is_asked() {
    let made = features();
    let rows = Rows::new(&made.features, 64).unwrap();
    let params = Params::default();
    let plan = ClusteringPlan { neighbours: 40, reach: 0.9, ..ClusteringPlan::of(&params, None) };
    let found = pipeline::run(rows, None, &plan, &Unwatched).unwrap();
    assert_eq!((found.neighbours.k, found.graph.unwrap().max), (40, 0.9));
}

#[test]
fn a_rule_finds_eps_among_the_distances() {
    let made = features();
    let rows = Rows::new(&made.features, 64).unwrap();
    let mut params = Params::default();
    let of = |params: &Params| pipeline::run(rows, None, &ClusteringPlan::of(params, None), &Unwatched).unwrap();
    assert_eq!(of(&params).assignment.eps, None);
    for (rule, name) in [(EpsRule::Knee, "knee"), (EpsRule::MeanSmallest, "mean-smallest")] {
        params.assign(&format!("eps_rule={name}")).unwrap();
        assert_eq!(params.eps_rule, rule);
        let found = of(&params);
        let eps = found.assignment.eps.unwrap();
        let graph = found.graph.unwrap();
        let expected = match rule {
            EpsRule::Knee => knee(&k_distance(&graph, 4)).unwrap(),
            _ => mean_smallest(&graph, SSG_SHARE).unwrap(),
        };
        // Within what the graph reaches, and not so small that eps − Δd is nothing.
        assert_eq!(eps, expected.min(f64::from(0.9f32) - params.delta_d).max(0.05), "{name}");
        let by_hand = cluster(&graph, &Params { eps, ..Params::default() }, None);
        assert_eq!(found.assignment.labels, by_hand.labels);
        assert_eq!(found.assignment.summary(&params, None).used.eps, eps);
    }
}

/// Two clusters and an image in none, of a method that labels once.
pub fn plain() -> Assignment {
    judge(Labelled::Plain(vec![0, 0, 1, -1, 1]), &Params::default(), Some(0.9))
}

#[test]
fn labels_without_radii_are_all_kept_and_have_no_score() {
    let found = plain();
    assert_eq!(found.pseudo_labels, found.labels);
    assert_eq!(found.reliable, [true; 2]);
    assert_eq!((found.score.as_ref(), found.threshold, &found.details), (None, None, &Details::Plain));
    let summary = found.summary(&Params::default(), None);
    assert_eq!((&summary.clusters, &summary.noise, summary.reliable, summary.kept), (&vec![2], &vec![1], 2, 4));
    assert!(!summary.has_radii() && summary.cluster_score.is_empty());
    let text = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<ClusterSummary>(&text).unwrap(), summary);
}

#[test]
fn a_snapshot_without_radii_leaves_their_arrays_out() {
    let dir = tempfile::tempdir().unwrap();
    let nb = Neighbours { n: 5, k: 1, index: (0..5).collect(), dist: vec![0.0; 5] };
    let snapshot = ClusterSnapshot::new(&plain(), &nb, &[]);
    snapshot.write(dir.path(), 0).unwrap();
    let file = Archive::open(&part_path(dir.path(), 0, SnapshotPart::Clusters)).unwrap();
    assert_eq!(file.names().collect::<Vec<_>>(), ["knn_dist", "knn_index", "labels", "pseudo_labels", "reliable"]);
    let read = ClusterSnapshot::read(dir.path(), 0).unwrap();
    assert_eq!(read, snapshot);
    assert!(!read.has_radii());
}

#[test]
fn summaries_of_older_runs_are_read() {
    let found = plain();
    let mut json = serde_json::to_value(found.summary(&Params::default(), None)).unwrap();
    json.as_object_mut().unwrap().remove("judged");
    json["clusters"] = serde_json::json!([7, 9, 5]);
    json["noise"] = serde_json::json!([3, 4, 2]);
    let old: ClusterSummary = serde_json::from_value(json.clone()).unwrap();
    assert!(old.has_radii() && old.judged.is_none());
    for odd in [serde_json::json!([]), serde_json::json!([1, 2])] {
        json["clusters"] = odd;
        assert!(serde_json::from_value::<ClusterSummary>(json.clone()).is_err());
    }
}

#[test]
fn what_judged_an_epoch_is_recorded_with_it() {
    let mut params = Params::default();
    params.reliability.rule = Rule::Fixed;
    params.reliability.threshold = 0.7;
    params.refined = false;
    let judged = plain().summary(&params, None).judged.unwrap();
    let mut today = Params::default();
    judged.apply(&mut today);
    assert_eq!((Judged::of(&today), today.refined, today.reliability.threshold), (judged, false, 0.7));
}

#[test]
fn a_fixed_threshold_is_carried_nowhere() {
    let found = Assignment { threshold: Some(0.7), ..plain() };
    let mut params = Params::default();
    assert_eq!([found.carries(&params, None), found.carries(&params, Some(0.2))], [Some(0.7), Some(0.2)]);
    params.reliability.rule = Rule::Fixed;
    assert_eq!([found.carries(&params, None), found.carries(&params, Some(0.2))], [None, Some(0.2)]);
}
