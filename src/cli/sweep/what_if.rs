//! `sweep --what-if RUN@EPOCH`: settings judged on a stored graph, before anything is trained.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{SweepArgs, SweepFormat};
use crate::base::fs::write_bytes;
use crate::cli::compare::{csv, sort};
use crate::cli::error::usage;
use crate::cli::progress::{print_json, with_bar};
use crate::launch::SweepSpec;
use crate::study::outline::Outline;
use crate::study::search::{Scored, Search, Space, search, survivors};

pub(super) fn run(args: &SweepArgs, at: &str) -> anyhow::Result<()> {
    let (dir, epoch) = place(at)?;
    let run = Outline::read(&dir).map_err(sort)?;
    let epoch = match epoch {
        Some(epoch) => epoch,
        None => *run.clusters.keys().next_back().ok_or_else(|| usage(format!("{} has no clustering", run.name)))?,
    };
    let mut space = Space::default();
    for grid in &args.grid {
        set(&mut space, grid)?;
    }
    let found = with_bar("what if", |tick| search(&run, epoch, &space, &tick)).map_err(usage)?;
    let best: Vec<Scored> = survivors(&found, args.keep).into_iter().cloned().collect();
    if let Some(path) = &args.survivors {
        write_bytes(path, spec(&run, epoch, &best)?.to_toml().map_err(|e| usage(e.to_string()))?)?;
    }
    match args.format {
        SweepFormat::Csv => csv(&records(&found)),
        SweepFormat::Json => {
            let front: Vec<&Scored> = found.settings.iter().filter(|s| s.front).collect();
            print_json(&json!({
                "run": found.run, "epoch": found.epoch, "images": found.images, "settings": found.settings.len(),
                "beyond_the_graph": found.beyond, "seconds": found.seconds, "survivors": best, "front": front,
            }))
        }
    }
}

/// `RUN@EPOCH`, the epoch counted from 1; `RUN` alone is its newest clustering.
fn place(text: &str) -> anyhow::Result<(PathBuf, Option<usize>)> {
    if Path::new(text).is_dir() {
        return Ok((text.into(), None));
    }
    let epoch = |e: &str| e.parse::<usize>().ok().and_then(|e| e.checked_sub(1));
    match text.rsplit_once('@').map(|(dir, e)| (dir, epoch(e))) {
        Some((dir, Some(epoch))) => Ok((dir.into(), Some(epoch))),
        Some(_) => Err(usage(format!("`{text}` is not RUN@EPOCH: epochs are counted from 1"))),
        None => Ok((text.into(), None)),
    }
}

fn set(space: &mut Space, grid: &str) -> anyhow::Result<()> {
    let (key, values) = grid.split_once('=').ok_or_else(|| usage(format!("`{grid}` is not KEY=V1,V2,…")))?;
    let bad = |value: &str| usage(format!("`{value}` is no value of {key}"));
    let reals =
        || values.split(',').map(|v| v.trim().parse::<f64>().map_err(|_| bad(v))).collect::<Result<Vec<_>, _>>();
    let whole = || {
        let all = values.split(',').map(|v| v.trim().parse::<usize>().ok().filter(|n| *n > 0).ok_or_else(|| bad(v)));
        all.collect::<Result<Vec<_>, _>>()
    };
    match key.trim() {
        "eps" => space.eps = reals()?,
        "delta_d" => space.delta_d = reals()?,
        "threshold" => space.threshold = reals()?,
        "min_samples" => space.min_samples = whole()?,
        "k1" => space.k1 = whole()?,
        "k2" => space.k2 = whole()?,
        other => {
            let text = format!(
                "`{other}` cannot be tried on a stored graph; eps, delta_d, min_samples, k1, k2 and threshold can"
            );
            return Err(usage(text));
        }
    }
    Ok(())
}

fn records(found: &Search) -> Vec<Vec<String>> {
    let head = "eps,delta_d,min_samples,k1,k2,threshold,clusters,unclustered,kept,eq8,silhouette,agreement,front";
    let real = |x: Option<f64>| x.map_or_else(String::new, |x| x.to_string());
    let row = |s: &Scored| {
        vec![
            s.eps.to_string(),
            s.delta_d.to_string(),
            s.min_samples.to_string(),
            s.k1.to_string(),
            s.k2.to_string(),
            s.threshold.to_string(),
            s.clusters.to_string(),
            s.unclustered.to_string(),
            s.kept.to_string(),
            real(s.eq8),
            real(s.silhouette),
            real(s.agreement),
            s.front.to_string(),
        ]
    };
    let head = head.split(',').map(str::to_owned).collect();
    std::iter::once(head).chain(found.settings.iter().map(row)).collect()
}

/// A sweep that trains the settings in earnest, with everything else as the run had it.
fn spec(run: &Outline, epoch: usize, best: &[Scored]) -> anyhow::Result<SweepSpec> {
    let mut set: toml::Table = run.params.to_toml().parse()?;
    let list = best.iter().map(|s| {
        let text = format!(
            "eps = {:?}\ndelta_d = {:?}\nmin_samples = {}\nk1 = {}\nk2 = {}\n\"reliability.rule\" = \"fixed\"\n\
             \"reliability.threshold\" = {:?}\n",
            s.eps, s.delta_d, s.min_samples, s.k1, s.k2, s.threshold
        );
        text.parse::<toml::Table>()
    });
    let list = list.collect::<Result<Vec<_>, _>>()?;
    for key in ["eps", "delta_d", "min_samples", "k1", "k2"] {
        set.remove(key);
    }
    if let Some(reliability) = set.get_mut("reliability").and_then(toml::Value::as_table_mut) {
        reliability.remove("rule");
        reliability.remove("threshold");
    }
    let given = |given: &Option<String>, name: &str| Some(given.clone().unwrap_or_else(|| name.to_owned()));
    let about = format!("The settings that looked best without truth in epoch {} of {}", epoch + 1, run.name);
    let source = given(&run.manifest.source_given, &run.manifest.source);
    let target = given(&run.manifest.target_given, &run.manifest.target);
    Ok(SweepSpec { name: "survivors".to_owned(), about, source, target, set, list, ..SweepSpec::default() })
}
