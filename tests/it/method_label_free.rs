//! Scores without truth, and the condensed tree, against scikit-learn, hdbscan and plain numpy:
//! `benches/reference/label_free.py` makes the fixture.

use reid_workbench::method::cluster::{Assignment, cluster};
use reid_workbench::method::error::no_tick;
use reid_workbench::method::jaccard::{Graph, jaccard};
use reid_workbench::method::knn::{Neighbours, neighbours};
use reid_workbench::method::label_free::{agreement, dbcv, label_free, silhouette, silhouettes, snd};
use reid_workbench::method::params::Params;
use reid_workbench::method::rows::Rows;
use reid_workbench::method::tree::Tree;
use reid_workbench::method::tree::condensed::Condensed;
use reid_workbench::method::tree::order::{Dendrogram, ReachabilityOrder};

use super::method_tree::canonical;
use super::support::golden::{Case, fixtures};

struct Made {
    case: Case,
    graph: Graph,
    params: Params,
}

impl Made {
    fn new() -> Self {
        let case = Case::open(fixtures().parent().unwrap(), "label_free");
        let number = |name: &str| case.number(&format!("/{name}"));
        let params = Params {
            eps: number("eps"),
            delta_d: number("delta_d"),
            k1: number("k1") as usize,
            k2: number("k2") as usize,
            min_samples: number("min_samples") as usize,
            ..Params::default()
        };
        let x = case.input_f32("features");
        let rows = Rows::new(&x, 12).unwrap();
        let nb = neighbours(rows, params.k1, &no_tick).unwrap();
        let graph = jaccard(rows, &nb, params.k1, params.k2, number("reach") as f32, &no_tick).unwrap();
        Self { case, graph, params }
    }

    fn neighbours(&self, name: &str, k: usize) -> Neighbours {
        neighbours(Rows::new(&self.case.input_f32(name), 12).unwrap(), k, &no_tick).unwrap()
    }

    fn list<T>(&self, at: &str, read: fn(&serde_json::Value) -> Option<T>) -> Vec<T> {
        self.case.json.pointer(at).unwrap().as_array().unwrap().iter().map(|v| read(v).unwrap()).collect()
    }

    fn labels(&self, at: &str) -> Vec<i32> {
        self.list(at, |v| v.as_i64().map(|l| l as i32))
    }

    fn close(&self, at: &str, found: &[f64], bar: f64) {
        let expected = self.list(at, serde_json::Value::as_f64);
        assert_eq!(found.len(), expected.len(), "{at}");
        for (i, (f, e)) in found.iter().zip(&expected).enumerate() {
            assert!((f - e).abs() <= bar * e.abs().max(1.0), "{at}[{i}] is {f}, not {e}");
        }
    }
}

fn clustering(made: &Made) -> Assignment {
    cluster(&made.graph, &made.params, None)
}

#[test]
fn silhouettes_are_those_of_scikit_learn() {
    let made = Made::new();
    let labels = clustering(&made).labels;
    assert_eq!(labels, made.labels("/labels"));
    made.close("/silhouettes", &silhouettes(&made.graph, &labels), 1e-5);
    assert!((silhouette(&made.graph, &labels).unwrap() - made.case.number("/silhouette")).abs() < 1e-5);
}

#[test]
fn validity_is_that_of_hdbscan() {
    let made = Made::new();
    let found = dbcv(&made.graph, &made.labels("/labels")).unwrap();
    for name in ["/dbcv", "/dbcv_hdbscan"] {
        assert!((found - made.case.number(name)).abs() < 1e-5, "{name}: {found}");
    }
}

#[test]
fn soft_neighbourhood_density_over_all_images_is_the_papers() {
    let made = Made::new();
    let all = snd(&made.neighbours("features", made.graph.n), 0.05).unwrap();
    assert!((all - made.case.number("/snd")).abs() < 1e-5, "{all}");
}

#[test]
fn neighbours_of_two_epochs_agree_as_numpy_counts() {
    let made = Made::new();
    let [before, now] = ["before", "features"].map(|name| made.neighbours(name, 21));
    assert!((agreement(&before, &now, 20).unwrap() - made.case.number("/agreement")).abs() < 1e-12);
    assert_eq!(agreement(&now, &now, 20), Some(1.0));
    assert_eq!(agreement(&now, &Neighbours { n: 1, k: 1, index: vec![0], dist: vec![0.0] }, 20), None);
}

#[test]
fn the_condensed_tree_is_that_of_hdbscan() {
    let made = Made::new();
    let tree = Tree::new(&made.graph, made.params.min_samples);
    let dendrogram = Dendrogram::new(&tree);
    let condensed =
        Condensed::new(&dendrogram, &ReachabilityOrder::new(&dendrogram), made.case.number("/hdbscan/least") as usize);
    made.close("/hdbscan/lambda", &condensed.lambda, 1e-4);
    // An image that its core distance joins to two clusters at once goes with either: three of them here.
    let (found, expected) = (canonical(&condensed.labels()), canonical(&made.labels("/hdbscan/labels")));
    let differing: Vec<usize> = (0..found.len()).filter(|&i| found[i] != expected[i]).collect();
    assert!(differing.len() <= 3, "{differing:?}");
    let of = |i: usize| tree.core[i].min(1.0);
    assert!(differing.iter().all(|&i| (condensed.lambda[i] * f64::from(of(i)) - 1.0).abs() < 1e-5), "{differing:?}");
    let outlier = made.list("/hdbscan/outlier", serde_json::Value::as_f64);
    let off = (0..found.len()).filter(|&i| (condensed.outlier[i] - outlier[i]).abs() > 1e-4).count();
    assert!(off <= found.len() / 32, "{off} outlier scores differ");
    // hdbscan splits in two where we split in many; those between begin and end at one λ and weigh nothing.
    let mut stability: Vec<f64> = condensed.branches[1..].iter().map(|b| b.stability).collect();
    stability.sort_unstable_by(f64::total_cmp);
    let expected: Vec<f64> =
        made.list("/hdbscan/stability", serde_json::Value::as_f64).into_iter().filter(|&s| s > 1e-9).collect();
    stability.retain(|&s| s > 1e-9);
    assert_eq!(stability.len(), expected.len());
    for (f, e) in stability.iter().zip(&expected) {
        assert!((f - e).abs() <= 0.02 * e, "stability {f}, not {e}");
    }
}

#[test]
fn a_score_without_meaning_is_none() {
    let graph = Graph { n: 3, max: 0.9, indptr: vec![0; 4], ..Graph::default() };
    let found = cluster(&graph, &Params::default(), None);
    let nb = Neighbours { n: 3, k: 1, index: vec![0, 1, 2], dist: vec![0.0; 3] };
    let scores = label_free(&found, Some(&graph), &nb, None);
    assert_eq!(scores.unclustered, Some(1.0));
    assert_eq!([scores.eq8, scores.silhouette, scores.dbcv, scores.snd, scores.agreement], [None; 5]);
    // One cluster has nothing to be apart from.
    assert_eq!((silhouette(&graph, &[0, 0, 0]), dbcv(&graph, &[0, 0, 0])), (None, None));
}
