//! The method's heavy steps. `cargo bench --bench method` runs them at a quarter of Market-1501's size;
//! `REID_BENCH_SIZES` gives others: `NxD` for clustering, `QxGxD` for evaluation, separated by commas, for example
//! `REID_BENCH_SIZES=12936x2048,32621x2048,100000x512,3368x15913x2048`.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use reid_workbench::data::synthetic::features::{FeatureSpec, generate};
use reid_workbench::method::cluster::{cluster, refine, three_dbscans};
use reid_workbench::method::error::no_tick;
use reid_workbench::method::evaluate::{EvalOptions, EvalSet, evaluate};
use reid_workbench::method::graph::Graph;
use reid_workbench::method::jaccard::jaccard;
use reid_workbench::method::knn::neighbours;
use reid_workbench::method::params::Params;
use reid_workbench::method::rows::Rows;
use reid_workbench::run::graph::REACH;

const SIZES: &str = "3234x2048,842x3978x2048";

fn group<'a>(c: &'a mut Criterion, name: String) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_secs(3));
    group
}

fn clustering(c: &mut Criterion, n: usize, d: usize) {
    let made = generate(&FeatureSpec::market(n, d));
    let params = Params::default();
    let Ok(rows) = Rows::new(&made.features, d) else { return };
    let reach = (params.eps + params.delta_d) as f32;
    let mut group = group(c, format!("cluster/{n}x{d}"));
    group.bench_function("from features to pseudo-labels", |b| {
        b.iter(|| {
            let nb = neighbours(rows, params.k1, &no_tick)?;
            let graph = jaccard(rows, &nb, params.k1, params.k2, reach, &no_tick)?;
            Ok::<_, reid_workbench::method::error::MethodError>(black_box(cluster(&graph, &params, None)))
        });
    });
    group.bench_function("k-NN", |b| b.iter(|| neighbours(rows, params.k1, &no_tick).map(black_box)));
    let Ok(nb) = neighbours(rows, params.k1, &no_tick) else { return };
    group.bench_function("k1 changed, neighbours cached", |b| {
        b.iter(|| {
            let graph = jaccard(rows, &nb, params.k1, params.k2, reach, &no_tick);
            black_box(graph.map(|graph| cluster(&graph, &params, None)))
        });
    });
    let Ok(graph) = jaccard(rows, &nb, params.k1, params.k2, reach, &no_tick) else { return };
    group.bench_function("eps changed, graph cached", |b| {
        b.iter(|| {
            let clustering = refine(three_dbscans(&graph, &params), &params, None);
            black_box(clustering.summary(&params, None))
        });
    });
    group.finish();
    let Ok(wide) = jaccard(rows, &nb, params.k1, params.k2, REACH, &no_tick) else { return };
    dragged(&wide, &params);
}

/// What a hand on the sliders waits for, on the graph as a run stores it: the slowest of many, not the average.
fn dragged(graph: &Graph, params: &Params) {
    let mut times: Vec<f64> = (0..400)
        .map(|i| {
            let mut tried = params.clone();
            tried.eps = 0.45 + 0.3 * f64::from(i % 100) / 100.0;
            tried.delta_d = 0.01 * f64::from(1 + i % 5);
            tried.min_samples = 3 + (i % 4) as usize;
            let began = Instant::now();
            let clustering = refine(three_dbscans(graph, &tried), &tried, None);
            black_box(clustering.summary(&tried, None));
            1e3 * began.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "eps, Δd and min_samples dragged over {} images: median {:.1} ms, 95 % {:.1} ms, longest {:.1} ms",
        graph.n,
        at(0.5),
        at(0.95),
        at(1.0)
    );
}

fn evaluation(c: &mut Criterion, nq: usize, ng: usize, d: usize) {
    let made = generate(&FeatureSpec::market(nq + ng, d));
    let Ok(rows) = Rows::new(&made.features, d) else { return };
    let pid: Vec<i32> = made.pid.iter().map(|&p| p.max(0)).collect();
    let set = EvalSet {
        query: rows.slice(0, nq),
        gallery: rows.slice(nq, ng),
        query_pid: &pid[..nq],
        query_camid: &made.camid[..nq],
        gallery_pid: &pid[nq..],
        gallery_camid: &made.camid[nq..],
    };
    let mut group = group(c, format!("evaluate/{nq}x{ng}x{d}"));
    group.bench_function("mAP, CMC, 50 ranks", |b| {
        b.iter(|| evaluate(&set, &EvalOptions::default(), &no_tick).map(black_box));
    });
    group.finish();
}

fn method(c: &mut Criterion) {
    let sizes = std::env::var("REID_BENCH_SIZES").unwrap_or_else(|_| SIZES.to_owned());
    for size in sizes.split(',') {
        let numbers: Vec<usize> = size.trim().split('x').filter_map(|s| s.parse().ok()).collect();
        match numbers[..] {
            [n, d] => clustering(c, n, d),
            [nq, ng, d] => evaluation(c, nq, ng, d),
            _ => eprintln!("`{size}` is neither NxD nor QxGxD"),
        }
    }
}

criterion_group!(benches, method);
criterion_main!(benches);
