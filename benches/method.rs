//! The method's heavy steps. `cargo bench --bench method` runs them at a quarter of Market-1501's size;
//! `REID_BENCH_SIZES` gives others: `NxD` for clustering, `QxGxD` for evaluation, separated by commas, for example
//! `REID_BENCH_SIZES=12936x2048,32621x2048,100000x512,3368x15913x2048`.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use reid_workbench::data::synthetic::features::{FeatureSpec, generate};
use reid_workbench::method::cluster::{cluster, refine, three_dbscans};
use reid_workbench::method::embed::{Lists, Start, TsneOptions, pca, tsne};
use reid_workbench::method::error::{MethodError, no_tick};
use reid_workbench::method::evaluate::{EvalOptions, EvalSet, evaluate};
use reid_workbench::method::graph::Graph;
use reid_workbench::method::jaccard::jaccard;
use reid_workbench::method::knn::{FirstPass, neighbours, neighbours_by};
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

fn test_set<'a>(rows: Rows<'a>, nq: usize, ng: usize, pid: &'a [i32], camid: &'a [i32]) -> EvalSet<'a> {
    EvalSet {
        query: rows.slice(0, nq),
        gallery: rows.slice(nq, ng),
        query_pid: &pid[..nq],
        query_camid: &camid[..nq],
        gallery_pid: &pid[nq..],
        gallery_camid: &camid[nq..],
    }
}

fn evaluation(c: &mut Criterion, nq: usize, ng: usize, d: usize) {
    let made = generate(&FeatureSpec::market(nq + ng, d));
    let Ok(rows) = Rows::new(&made.features, d) else { return };
    let pid: Vec<i32> = made.pid.iter().map(|&p| p.max(0)).collect();
    let set = test_set(rows, nq, ng, &pid, &made.camid);
    let mut group = group(c, format!("evaluate/{nq}x{ng}x{d}"));
    group.bench_function("mAP, CMC, 50 ranks", |b| {
        b.iter(|| evaluate(&set, &EvalOptions::default(), &no_tick).map(black_box));
    });
    group.finish();
}

/// Seconds of the rows that `benches/reference/limits.py` compares with the limit of the machine, one JSON line each.
fn limits(size: &str) {
    let numbers: Vec<usize> = size.split('x').filter_map(|s| s.parse().ok()).collect();
    let tell = |what: &str, limit: bool, seconds: f64| {
        println!("{{\"what\": \"{what}\", \"limit\": {limit}, \"seconds\": {seconds:.4}}}");
    };
    match numbers[..] {
        [n, d] => {
            let made = generate(&FeatureSpec::market(n, d));
            let Ok(rows) = Rows::new(&made.features, d) else { return };
            let params = Params::default();
            let reach = (params.eps + params.delta_d) as f32;
            let times = if n < 50_000 { 5 } else { 1 };
            for (what, pass) in [("k-NN, f32 first pass", FirstPass::Wide), ("k-NN", FirstPass::Rounded)] {
                let search = || black_box(neighbours_by(pass, rows, params.k1, &no_tick)).is_ok();
                tell(what, true, best(times, search));
            }
            let whole = || {
                let nb = neighbours(rows, params.k1, &no_tick)?;
                let graph = jaccard(rows, &nb, params.k1, params.k2, reach, &no_tick)?;
                Ok::<_, MethodError>(black_box(cluster(&graph, &params, None)))
            };
            tell("features to pseudo-labels", true, best(times, || whole().is_ok()));
            let Ok(nb) = neighbours(rows, params.k1, &no_tick) else { return };
            for (what, reach) in [("k1 or k2 changed", reach), ("k1 or k2 changed, distances up to 0.9", REACH)] {
                let mut k1 = params.k1;
                let mut again = || {
                    k1 = if k1 > 20 { k1 - 1 } else { params.k1 };
                    let graph = jaccard(rows, &nb, k1, params.k2, reach, &no_tick)?;
                    Ok::<_, MethodError>(black_box(cluster(&graph, &params, None)))
                };
                tell(what, false, best(2 * times, || again().is_ok()));
            }
            // A layout does not see how many numbers a feature has: one size of each number of images is enough.
            if n > 20_000 && d > 512 {
                return;
            }
            let Ok(start) = pca(rows, &no_tick) else { return };
            let lists = Lists { index: &nb.index, dist: &nb.dist, n, k: nb.k };
            let mut first = None;
            let began = Instant::now();
            let layout = tsne(lists, Start::Shape(&start), TsneOptions::fresh(), &mut |_, _| {
                first.get_or_insert_with(|| began.elapsed().as_secs_f64());
                true
            });
            tell("t-SNE, one thread", false, began.elapsed().as_secs_f64());
            tell("t-SNE, first picture", false, first.unwrap_or_default());
            black_box(layout).ok();
        }
        [nq, ng, d] => {
            let made = generate(&FeatureSpec::market(nq + ng, d));
            let Ok(rows) = Rows::new(&made.features, d) else { return };
            let pid: Vec<i32> = made.pid.iter().map(|&p| p.max(0)).collect();
            let set = test_set(rows, nq, ng, &pid, &made.camid);
            let measure = || black_box(evaluate(&set, &EvalOptions::default(), &no_tick)).is_ok();
            tell("evaluation: mAP, CMC, 50 ranks", true, best(5, measure));
        }
        _ => eprintln!("`{size}` is neither NxD nor QxGxD"),
    }
}

/// The shortest of some times.
fn best(times: usize, mut work: impl FnMut() -> bool) -> f64 {
    let one = |_| {
        let began = Instant::now();
        let done = work();
        if done { began.elapsed().as_secs_f64() } else { f64::NAN }
    };
    (0..times).map(one).fold(f64::INFINITY, f64::min)
}

fn method(c: &mut Criterion) {
    if let Ok(size) = std::env::var("REID_BENCH_LIMITS") {
        return limits(&size);
    }
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
