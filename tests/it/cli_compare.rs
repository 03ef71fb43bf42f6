//! `compare` through the command line, on recorded runs.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use reid_workbench::run::snapshot::{ClusterSnapshot, RankSnapshot};
use serde_json::Value;

use crate::sample_run;

fn compare(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_reid-workbench")).current_dir(dir).arg("compare").args(args).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Two runs: the second with another eps and seed, AP better for two people and worse for one, mAP one point up, and
/// one cluster that fell apart.
fn two_runs() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("plain"), dir.path().join("tried"));
    sample_run::write(&a);
    sample_run::write(&b);
    change(&b.join("params.toml"), &[("eps = 0.6", "eps = 0.55"), ("seed = 1", "seed = 2")]);
    change(&b.join("manifest.json"), &[("\"seed\": 1", "\"seed\": 2")]);
    let last = sample_run::EPOCHS;
    let mut ranks = RankSnapshot::read(&b, last).unwrap();
    for (query, by) in [(2, 0.25), (5, 0.125), (7, -0.0625)] {
        ranks.ap[query] += by;
    }
    ranks.write(&b, last).unwrap();
    let mut clusters = ClusterSnapshot::read(&b, last - 1).unwrap();
    let next = clusters.cluster_score.len() as i32;
    let members: Vec<usize> = (0..clusters.labels.len()).filter(|&i| clusters.labels[i] == 4).collect();
    members[..members.len() / 2].iter().for_each(|&i| clusters.labels[i] = next);
    clusters.write(&b, last - 1).unwrap();
    let events = b.join("events.jsonl");
    let whole = std::fs::read_to_string(&events).unwrap();
    let (mut lines, mut seen) = (Vec::new(), 0);
    for line in whole.lines() {
        let mut event: Value = serde_json::from_str(line).unwrap();
        if event["type"] == "evaluated" && event["domain"] == "target" {
            seen += 1;
            if seen == last + 1 {
                event["retrieval"]["mAP"] = (event["retrieval"]["mAP"].as_f64().unwrap() + 0.01).into();
            }
        }
        lines.push(event.to_string());
    }
    std::fs::write(&events, lines.join("\n") + "\n").unwrap();
    dir
}

fn change(file: &Path, changes: &[(&str, &str)]) {
    let mut text = std::fs::read_to_string(file).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{}: no {from} in {text}", file.display());
        text = text.replace(from, to);
    }
    std::fs::write(file, text).unwrap();
}

#[test]
fn two_runs_are_compared_in_full() {
    let dir = two_runs();
    let all = json(&compare(dir.path(), &["plain", "tried"]));
    assert_eq!(all["baseline"], "plain");
    assert_eq!(all["runs"][0]["difference"], Value::Null);
    let difference = all["runs"][1]["difference"]["mAP"].as_f64().unwrap();
    assert!((difference - 0.01).abs() < 1e-12, "{difference}");

    // Only what differs.
    let keys: Vec<&str> = all["parameters"].as_array().unwrap().iter().map(|p| p["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["eps", "seed"]);
    assert_eq!(all["parameters"][0]["values"], serde_json::json!(["0.6", "0.55"]));

    let queries = &all["per_query"][0];
    // Twelve queries of twelve people, of which the last has no match; few enough that all signs are tried.
    assert_eq!(queries["by_query"]["pairs"], 11);
    assert_eq!(queries["by_query"]["exact"], true);
    let mean = queries["by_person"]["mean"].as_f64().unwrap();
    assert!((mean - (0.25 + 0.125 - 0.0625) / 11.0).abs() < 1e-12, "{mean}");
    // Of the eight sign patterns of three differences that are not 0, four sums reach the observed one.
    assert_eq!(queries["by_query"]["p"], 0.5);
    assert_eq!((&queries["by_query"]["won"], &queries["by_query"]["lost"]), (&2.into(), &1.into()));
    let person = |side: &str, i: usize| queries[side][i]["pid"].as_i64();
    assert_eq!([person("gained", 0), person("gained", 1), person("gained", 2)], [Some(2), Some(5), None]);
    assert_eq!([person("lost", 0), person("lost", 1)], [Some(7), None]);

    let clusters = &all["clusters"][0];
    assert_eq!(clusters["epochs"], serde_json::json!([6, 6]));
    assert_eq!((&clusters["split"], &clusters["merged"], &clusters["born"]), (&1.into(), &0.into(), &0.into()));
    let ari = clusters["ari"].as_f64().unwrap();
    assert!((0.9..1.0).contains(&ari), "{ari}");
    assert_eq!(all["warnings"], serde_json::json!([]));
    assert_eq!(all["seeds"], serde_json::json!([]));
}

#[test]
fn runs_that_differ_in_their_seed_alone_are_taken_together() {
    let dir = two_runs();
    change(&dir.path().join("tried/params.toml"), &[("eps = 0.55", "eps = 0.6")]);
    let all = json(&compare(dir.path(), &["plain", "tried"]));
    let group = &all["seeds"][0];
    assert_eq!(group["seeds"], serde_json::json!([1, 2]));
    let mean = group["mAP"]["mean"].as_f64().unwrap();
    let base = all["runs"][0]["metrics"]["mAP"].as_f64().unwrap();
    assert!((mean - base - 0.005).abs() < 1e-12);
    let deviation = group["mAP"]["deviation"].as_f64().unwrap();
    assert!((deviation - 0.01 / 2f64.sqrt()).abs() < 1e-9, "{deviation}");
}

#[test]
fn tables_have_signed_differences() {
    let dir = two_runs();
    let markdown = text(&compare(dir.path(), &["plain", "tried", "--format", "markdown"]));
    let row = markdown.lines().find(|l| l.starts_with("| tried ")).unwrap();
    assert!(
        row.contains("| 0.55 |") && row.contains("(+1.0)") && row.contains("(0.0)") && row.contains(" to "),
        "{row}"
    );
    let latex = text(&compare(dir.path(), &["plain", "tried", "--format", "latex"]));
    assert!(latex.starts_with("\\begin{tabular}{lrrrrrrrr}\n\\toprule") && latex.contains("mAP (\\%)"), "{latex}");
    // The other way round the signs turn.
    let turned = text(&compare(dir.path(), &["plain", "tried", "--baseline", "tried", "--format", "markdown"]));
    assert!(turned.lines().any(|l| l.starts_with("| plain ") && l.contains("(−1.0)")), "{turned}");
    let csv = text(&compare(dir.path(), &["plain", "tried", "--format", "csv"]));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let at = reader.headers().unwrap().iter().position(|h| h == "mAP difference").unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(&rows[0][at], "");
    assert!((rows[1][at].parse::<f64>().unwrap() - 0.01).abs() < 1e-12);
}

#[test]
fn what_cannot_be_paired_is_told_and_the_rest_is_compared() {
    let dir = two_runs();
    change(&dir.path().join("tried/images.csv"), &[("Query-3.png", "Query-33.png")]);
    let all = json(&compare(dir.path(), &["plain", "tried"]));
    assert_eq!(all["per_query"], serde_json::json!([]));
    let warnings = all["warnings"].to_string();
    assert!(warnings.contains("not tested on the same queries"), "{warnings}");
    assert!(all["runs"][1]["difference"]["mAP"].is_number());
    let epoch = json(&compare(dir.path(), &["plain", "tried", "--epoch", "2"]));
    assert_eq!(epoch["runs"][1]["epoch"], 2);

    let output = compare(dir.path(), &["plain", "nowhere"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere is not a run folder"));
}

#[test]
fn a_run_stands_among_published_results_with_what_differs() {
    let dir = two_runs();
    let placed = json(&compare(dir.path(), &["tried", "--published", "market1501"]));
    let lines = placed["lines"].as_array().unwrap();
    let values: Vec<f64> = lines.iter().map(|l| l["values"][0].as_f64().unwrap()).collect();
    assert!(values.is_sorted_by(|a, b| a >= b), "{values:?}");
    let named = |name: &str| lines.iter().find(|l| l["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(named("the paper")["values"], serde_json::json!([70.7, 87.1, 94.0, 96.4]));
    assert_eq!(named("SpCL")["chosen"], "test");
    assert_eq!(named("SpCL (OpenUnReID)")["chosen"], "validation");
    let own = named("tried");
    assert_eq!((&own["own"], &own["chosen"]), (&true.into(), &"last".into()));
    // Tables 4 and 5 name thirteen methods beside the paper's own.
    let quoted = lines.iter().filter(|l| l["about"].as_str().unwrap().starts_with("Table 4")).count();
    assert_eq!(quoted, 14);
    let warnings = placed["warnings"].to_string();
    for reason in
        ["its target is synthetic-station", "began from scratch", "backbone is resnet50-lite", "not 256 × 128"]
    {
        assert!(warnings.contains(reason), "no `{reason}` in {warnings}");
    }
    let duke = json(&compare(dir.path(), &["tried", "--published", "DukeMTMC-reID"]));
    assert_eq!(duke["target"], "dukemtmc");
    let output = compare(dir.path(), &["tried", "--published", "cuhk03"]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}
