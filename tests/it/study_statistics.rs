//! Paired tests and spreads against scipy and numpy; `tests/fixtures/statistics/make.py` wrote what is expected.

use std::time::Instant;

use reid_workbench::study::statistics::{DRAWS, paired, quantile, spread};
use serde_json::Value;

fn expected() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/statistics/expected.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn reals(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn near(found: f64, expected: f64, within: f64, what: &str) {
    assert!((found - expected).abs() <= within, "{what}: {found}, expected {expected} ± {within}");
}

#[test]
fn paired_tests_agree_with_scipy() {
    for (i, case) in expected()["paired"].as_array().unwrap().iter().enumerate() {
        let differences = reals(&case["differences"]);
        let found = paired(&differences, None, 5).unwrap();
        let (p, mean) = (case["p"].as_f64().unwrap(), case["mean"].as_f64().unwrap());
        near(found.mean, mean, 1e-12, "mean");
        assert_eq!(found.exact, case["exact"].as_bool().unwrap(), "case {i}");
        // Drawn figures differ by what drawing leaves: five standard errors of 10,000 draws.
        let error = if found.exact { 1e-12 } else { 5.0 * (p * (1.0 - p) / DRAWS as f64).sqrt() };
        near(found.p, p, error, "p");
        let interval = reals(&case["interval"]);
        let width = interval[1] - interval[0];
        near(found.interval[0], interval[0], 0.04 * width, "low");
        near(found.interval[1], interval[1], 0.04 * width, "high");
        if let Some(grouped) = case.get("grouped") {
            let groups: Vec<i32> = reals(&grouped["groups"]).into_iter().map(|g| g as i32).collect();
            let whole = paired(&differences, Some(&groups), 5).unwrap();
            assert_eq!((whole.pairs, whole.units), (120, 30));
            let (interval, p) = (reals(&grouped["interval"]), grouped["p"].as_f64().unwrap());
            let width = interval[1] - interval[0];
            near(whole.interval[0], interval[0], 0.04 * width, "low of groups");
            near(whole.interval[1], interval[1], 0.04 * width, "high of groups");
            near(whole.p, p, 5.0 * (p * (1.0 - p) / DRAWS as f64).sqrt(), "p of groups");
            let alone = found.interval[1] - found.interval[0];
            assert!(whole.interval[1] - whole.interval[0] > 1.5 * alone, "alike queries count as fewer");
        }
    }
}

#[test]
fn spreads_and_quantiles_are_those_of_numpy() {
    let expected = expected();
    for case in expected["spread"].as_array().unwrap() {
        let found = spread(&reals(&case["values"])).unwrap();
        near(found.mean, case["mean"].as_f64().unwrap(), 1e-12, "mean");
        near(found.deviation.unwrap(), case["deviation"].as_f64().unwrap(), 1e-12, "deviation");
        for (f, e) in found.interval.unwrap().iter().zip(reals(&case["interval"])) {
            near(*f, e, 1e-9, "interval");
        }
    }
    for (share, value) in [0.0, 0.025, 0.5, 0.9, 1.0].iter().zip(reals(&expected["quantile"])) {
        near(quantile(&[1.0, 2.0, 4.0, 8.0], *share), value, 1e-12, "quantile");
    }
    assert_eq!(spread(&[0.7]).unwrap().interval, None);
    assert_eq!(spread(&[f64::NAN]), None);
}

#[test]
fn what_is_drawn_depends_on_the_seed_alone() {
    let differences: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 101) / 101.0 - 0.45).collect();
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let with = |threads: usize, seed| pool(threads).install(|| paired(&differences, None, seed).unwrap());
    assert_eq!(with(1, 3), with(3, 3));
    assert_ne!(with(1, 3).interval, with(1, 4).interval);
}

#[test]
fn nothing_and_no_difference_are_told() {
    assert_eq!(paired(&[], None, 1), None);
    assert_eq!(paired(&[f64::NAN, f64::INFINITY], None, 1), None);
    let same = paired(&[0.0; 40], None, 1).unwrap();
    assert_eq!((same.p, same.interval, same.won, same.lost), (1.0, [0.0, 0.0], 0, 0));
    let one = paired(&[0.3, f64::NAN], None, 1).unwrap();
    assert_eq!((one.pairs, one.p, one.exact), (1, 1.0, true));
}

#[test]
fn market_size_takes_less_than_a_second() {
    let differences: Vec<f64> = (0..3368).map(|i| f64::from(i * 7919 % 3368) / 3368.0 - 0.49).collect();
    let people: Vec<i32> = (0..3368).map(|i| i % 750).collect();
    let begun = Instant::now();
    let (by_query, by_person) =
        (paired(&differences, None, 1).unwrap(), paired(&differences, Some(&people), 1).unwrap());
    let seconds = begun.elapsed().as_secs_f64();
    println!("3,368 queries and 750 people, {DRAWS} draws each: {seconds:.3} s");
    assert_eq!((by_query.units, by_person.units), (3368, 750));
    assert!(seconds < 1.0 || cfg!(debug_assertions) && seconds < 6.0, "{seconds} s");
}
