//! What became of clusters from one epoch to the next, and what-if tables.

use reid_workbench::method::cluster::cluster;
use reid_workbench::method::error::{MethodError, no_tick};
use reid_workbench::method::jaccard::{Graph, jaccard};
use reid_workbench::method::knn::neighbours;
use reid_workbench::method::lineage::{Flow, flows, heir, lineage};
use reid_workbench::method::params::Params;
use reid_workbench::method::rows::Rows;
use reid_workbench::method::sweep::{SweepGrid, eps_delta_table, eps_sweep, k_distance};

use super::support::gen_features::{FeatureSpec, generate};

#[test]
fn kept_split_merged_born_and_died_clusters_are_told_apart() {
    //             kept     split       merged      died  born      won back / lost
    let earlier = [0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, -1, -1, -1, -1, 0];
    let later = [0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 3, -1, -1, 4, 4, -1, 0, -1];
    let found = lineage(&earlier, &later);
    assert_eq!(found.kept, [(0, 0)]);
    assert_eq!(found.split, [1]);
    assert_eq!(found.merged, [3]);
    assert_eq!(found.born, [4]);
    assert_eq!(found.died, [4]);
    assert_eq!(found.heir, [Some(0), Some(1), Some(3), Some(3), None]);
    assert_eq!([0, 1, 2, 3, 4].map(|cluster| heir(&earlier, &later, cluster)).to_vec(), found.heir);
    assert_eq!(heir(&earlier, &later, 9), None);
    assert_eq!(found.won_back, [13, 14, 16]);
    assert_eq!(found.lost, [11, 12, 17]);
    assert_eq!(found.clusters[3].heirs_of, [2, 3]);
    assert_eq!((found.clusters[0].size, found.clusters[0].main, found.clusters[0].shared), (4, Some(0), 3));
}

#[test]
fn flows_count_every_image_once() {
    let (earlier, later) = ([0, 0, 1, 1, -1, -1, 0], [1, 1, 1, -1, -1, 0, 1, 7]);
    let flow = |earlier, later, images| Flow { earlier, later, images };
    let expected = [
        flow(None, None, 1),
        flow(None, Some(0), 1),
        flow(Some(0), Some(1), 3),
        flow(Some(1), None, 1),
        flow(Some(1), Some(1), 1),
    ];
    assert_eq!(flows(&earlier, &later), expected);
}

#[test]
fn lineage_of_equal_or_empty_labels_is_plain() {
    let labels = [0, 1, 1, -1, 2, 0];
    let same = lineage(&labels, &labels);
    assert_eq!(same.kept, [(0, 0), (1, 1), (2, 2)]);
    assert!(same.born.is_empty() && same.died.is_empty() && same.won_back.is_empty() && same.lost.is_empty());
    assert_eq!(lineage(&[], &[]), Default::default());
    // A gap in the numbers is no cluster that died.
    assert!(lineage(&[0, 0, 3, 3], &[0, 0, 1, 1]).died.is_empty());
}

fn small_graph() -> Graph {
    let spec =
        FeatureSpec { seed: 5, n: 200, d: 32, r: 16, lo: 5, hi: 12, n_out: 20, A: 10, B: 6, C: 2, D: 6, n_cams: 4 };
    let features = generate(&spec).features;
    let rows = Rows::new(&features, spec.d).unwrap();
    let found = neighbours(rows, 20, &no_tick).unwrap();
    jaccard(rows, &found, 20, 4, 0.8, &no_tick).unwrap()
}

#[test]
fn tables_repeat_what_single_clusterings_say() {
    let graph = small_graph();
    let params = Params { k1: 20, k2: 4, ..Params::default() };
    let (eps, delta_d) = ([0.4, 0.5, 0.6], [0.0, 0.02, 0.1]);
    let grid = SweepGrid { eps: &eps, delta_d: &delta_d };
    let table = eps_delta_table(&graph, grid, &params, None, None, &no_tick).unwrap();
    let sweep = eps_sweep(&graph, &eps, params.min_samples, None, &no_tick).unwrap();
    for (r, &eps) in eps.iter().enumerate() {
        for (c, &delta_d) in delta_d.iter().enumerate() {
            let single = cluster(&graph, &Params { eps, delta_d, ..params.clone() }, None);
            let summary = single.summary(&params, None);
            let cell = &table[r][c];
            assert_eq!(
                (cell.clusters, cell.reliable, cell.kept),
                (summary.clusters[0], summary.reliable, summary.kept)
            );
            assert_eq!(cell.threshold, single.threshold);
            assert_eq!((sweep[r].clusters, sweep[r].noise), (summary.clusters[0], summary.noise[0]));
        }
    }
    assert!(table[2][2].clusters > 0, "the case must have clusters");
    let beyond = eps_sweep(&graph, &[0.81], 4, None, &no_tick);
    assert!(matches!(beyond, Err(MethodError::BadShape { .. })));
    let stopped = eps_delta_table(&graph, grid, &params, None, None, &|_, _| false);
    assert_eq!(stopped, Err(MethodError::Cancelled));
}

#[test]
fn the_k_distance_curve_counts_core_images() {
    let graph = small_graph();
    for min_samples in [1, 2, 4, 10] {
        let found = k_distance(&graph, min_samples);
        assert_eq!(found.curve.len() + found.beyond, graph.n);
        assert!(found.curve.is_sorted());
        let eps = 0.55f32;
        let core =
            (0..graph.n).filter(|&i| graph.row(i).1.iter().filter(|&&d| d <= eps).count() + 1 >= min_samples).count();
        assert_eq!(found.curve.iter().filter(|&&d| d <= eps).count(), core, "min_samples {min_samples}");
    }
}
