//! Exports: what stands in the files is what stands in the run.

use std::path::{Path, PathBuf};

use reid_workbench::cli;
use reid_workbench::export::attention::{AttentionGrid, ColorBar, GridPicture, PersonRow, Ramp};
use reid_workbench::export::{self, ExportError, Photos, style};
use reid_workbench::gui::theme::Theme;
use reid_workbench::method::params::Params;
use reid_workbench::run::event::*;
use reid_workbench::run::images::Images;
use reid_workbench::run::snapshot::read_heat_maps;
use reid_workbench::run::{Manifest, RunWriter};

use crate::sample_run::{self, EPOCHS, ITERS};

struct Exported {
    _home: tempfile::TempDir,
    out: PathBuf,
    events: Vec<Stamped>,
}

fn exported() -> Exported {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let events = sample_run::write(&run);
    let out = home.path().join("out");
    export::figures(&run, &out, Photos::Hidden).unwrap();
    export::tables(&run, &out).unwrap();
    Exported { _home: home, out, events }
}

fn points(svg: &str, color: [u8; 3]) -> Vec<usize> {
    let [r, g, b] = color;
    let stroke = format!("stroke=\"#{r:02X}{g:02X}{b:02X}\"");
    svg.lines()
        .filter(|l| l.contains("<polyline") && l.contains(&stroke))
        .map(|l| l.split("points=\"").nth(1).unwrap().split('"').next().unwrap().split_whitespace().count())
        .collect()
}

#[test]
fn figures_hold_every_point_and_their_words() {
    let exported = exported();
    let Exported { out, events, .. } = &exported;
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let retrieval = read("retrieval.svg");
    for words in
        ["Retrieval", "mAP", "rank-1", "rank-5", "rank-10", "source only", "synthetic-plaza → synthetic-station"]
    {
        assert!(retrieval.contains(words), "`{words}` is missing");
    }
    assert!(points(&retrieval, style::SERIES).contains(&(EPOCHS + 1)), "{:?}", points(&retrieval, style::SERIES));
    let loss = read("loss_adaptation.svg");
    assert_eq!(points(&loss, style::SERIES), [EPOCHS * ITERS, EPOCHS * ITERS], "raw and smoothed");
    assert!(loss.contains("k1 15 → 20"), "the parameter change is marked");
    assert_eq!(points(&read("loss_pretraining.svg"), style::SERIES), [96, 96]);
    assert_eq!(points(&read("clusters.svg"), style::RELIABLE), [EPOCHS, EPOCHS]);
    let last = events.iter().rev().find_map(|e| match &e.event {
        Event::Clustered { summary, .. } => Some(summary),
        _ => None,
    });
    let summary = last.unwrap();
    let reliability = read("reliability.svg");
    assert!(reliability.contains(&format!("{} kept", summary.reliable)));
    assert!(reliability.contains(&format!("{} dropped", summary.clusters[0] - summary.reliable)));
    assert!(retrieval.contains("width=\"720\" height=\"420\"") && retrieval.contains(style::FAMILY));
}

#[test]
fn pictures_decode_and_are_not_blank() {
    let exported = exported();
    let out = &exported.out;
    for name in ["loss_pretraining", "loss_adaptation", "retrieval", "clusters", "reliability"] {
        let picture = image::open(out.join(format!("{name}.png"))).unwrap().to_rgb8();
        assert_eq!(picture.width(), 2160, "{name}");
        let ink = picture.pixels().filter(|p| p.0 != style::PAPER).count();
        let share = ink as f64 / f64::from(picture.width() * picture.height());
        assert!((0.005..0.5).contains(&share), "{name}: {share} of the picture is drawn");
        let colors: std::collections::HashSet<[u8; 3]> = picture.pixels().map(|p| p.0).collect();
        assert!(colors.len() > 20, "{name} has smooth text");
    }
}

fn rows(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let head = reader.headers().unwrap().iter().map(str::to_owned).collect();
    (head, reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect())
}

#[test]
fn tables_give_back_every_number() {
    let exported = exported();
    let Exported { out, events, .. } = &exported;
    let (head, epochs) = rows(&out.join("metrics.csv"));
    let column = |name: &str| head.iter().position(|h| h == name).unwrap_or_else(|| panic!("no column {name}"));
    assert_eq!((head[0].as_str(), epochs.len()), ("epoch", EPOCHS + 1));
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("metrics.json")).unwrap()).unwrap();
    assert_eq!(json["manifest"]["target"], "synthetic-station");
    assert_eq!((&json["params"]["k1"], &json["changes"][0]["new"]), (&15.into(), &20.into()));
    for event in events {
        match &event.event {
            Event::Evaluated { epoch, domain: Domain::Target, retrieval } => {
                assert_eq!(epochs[*epoch][column("target_mAP")].parse::<f64>().unwrap(), retrieval.mAP);
                assert_eq!(epochs[*epoch][column("target_rank10")].parse::<f64>().unwrap(), retrieval.cmc[2]);
                assert_eq!(json["epochs"][epoch]["target_mAP"], retrieval.mAP);
            }
            Event::Clustered { epoch, summary, .. } => {
                let row = &epochs[*epoch + 1];
                assert_eq!(row[column("reliable")], summary.reliable.to_string());
                assert_eq!(row[column("outliers_tight")], summary.noise[1].to_string());
                let purity: f64 = row[column("purity")].parse().unwrap();
                assert_eq!(purity, summary.quality.unwrap().purity);
            }
            _ => {}
        }
    }
    assert_eq!(epochs[0][column("clusters")], "", "the source-only model was evaluated, not clustered");
    assert_eq!((&json["changes"][0]["epoch"], &json["changes"][0]["iter"]), (&4.into(), &1.into()), "from 1");
    let (head, steps) = rows(&out.join("steps.csv"));
    assert_eq!(&head[..7], ["phase", "epoch", "iter", "iters", "step", "loss", "loss_target"]);
    let written: Vec<f64> = steps.iter().map(|r| r[5].parse().unwrap()).collect();
    let sent: Vec<f64> =
        events.iter().filter_map(|e| if let Event::Step(s) = &e.event { Some(s.loss) } else { None }).collect();
    assert_eq!(written, sent);
}

#[test]
fn a_loss_that_is_no_number_is_an_empty_cell_and_a_gap() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let mut writer = RunWriter::create(&run, &Manifest::new("a", "b", 1, "cpu"), &Params::default()).unwrap();
    for (iter, loss) in [2.0, 1.9, f64::NAN, 1.8, 1.7].into_iter().enumerate() {
        let (phase, step) = (Phase::Adapt, iter as u64);
        let (parts, lr, seconds, waited) = (vec![("target".to_owned(), loss)], 1e-3, 0.1, 0.0);
        let step = Step { phase, epoch: 0, iter, iters: 5, step, loss, parts, lr, seconds, waited, merged: 1 };
        writer.append(Event::Step(step)).unwrap();
    }
    let out = home.path().join("out");
    let files = export::figures(&run, &out, Photos::Hidden).unwrap();
    assert_eq!(files.len(), 2, "only what there is data for: {files:?}");
    let svg = std::fs::read_to_string(&files[1]).unwrap();
    assert_eq!(points(&svg, style::SERIES), [2, 2, 5], "the raw curve has a gap");
    export::tables(&run, &out).unwrap();
    let (_, steps) = rows(&out.join("steps.csv"));
    assert_eq!((steps[2][5].as_str(), steps[2][6].as_str()), ("", ""));
}

#[test]
fn a_run_that_has_done_nothing_says_so() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    drop(RunWriter::create(&run, &Manifest::new("a", "b", 1, "cpu"), &Params::default()).unwrap());
    for result in [export::figures(&run, home.path(), Photos::Hidden), export::tables(&run, home.path())] {
        assert!(matches!(result, Err(ExportError::Empty { .. })));
    }
    let args = |run: &Path, figures: Option<&Path>| cli::export::ExportArgs {
        run: run.to_owned(),
        figures: figures.map(Path::to_owned),
        ..Default::default()
    };
    for (run, figures) in [(run.as_path(), None), (run.as_path(), Some(home.path())), (home.path(), Some(home.path()))]
    {
        let error = cli::export::run(&args(run, figures)).unwrap_err();
        assert!(error.is::<cli::error::UsageError>(), "{error}");
    }
}

#[test]
fn print_colours_are_those_of_the_light_theme() {
    let light = Theme::light();
    for (paper, window) in [
        (style::LINE, light.line),
        (style::LINE2, light.line2),
        (style::T1, light.t1),
        (style::T2, light.t2),
        (style::T3, light.t3),
        (style::SERIES, light.series[0]),
        (style::RELIABLE, light.reliable),
        (style::UNRELIABLE, light.unreliable),
        (style::OUTLIER, light.outlier),
        (style::PENDING, light.pending),
        (style::ACCENT, light.accent),
        (style::WHAT_IF, light.what_if),
    ] {
        assert_eq!(paper, [window.r(), window.g(), window.b()]);
    }
}

#[test]
fn attention_of_several_people_is_one_picture() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    sample_run::write(&run);
    let photos = Images::read(&run).unwrap();
    let people = read_heat_maps(&run, EPOCHS).unwrap().into_iter().cycle().take(9).map(|of| {
        let row = photos.get(of.image).unwrap();
        let map = of.maps.into_iter().find(|m| m.name == "layer4.output").unwrap();
        let shown = |ramp| GridPicture::Map { map: map.clone(), range: [0.0, 40.0], ramp, over: true };
        PersonRow {
            photo: Some(row.path.clone()),
            words: format!("query {}", row.index),
            cells: vec![GridPicture::Photo, shown(Ramp::Attention), shown(Ramp::Difference), GridPicture::Missing],
        }
    });
    let mut grid = AttentionGrid {
        title: "Attention maps".into(),
        scope: "after 6 epochs".into(),
        columns: ["photo", "output", "difference", "none"].map(Into::into).to_vec(),
        people: people.collect(),
        bars: vec![ColorBar { words: "output".into(), low: "0".into(), high: "40".into(), ramp: Ramp::Attention }],
        opacity: 0.62,
    };
    let path = home.path().join("new/folder/grid.png");
    grid.save(&path).unwrap();
    let picture = image::open(&path).unwrap().into_rgb8();
    // photos of 64 × 128 are enlarged to the least height
    assert_eq!(picture.dimensions(), grid.pixels(456).into());
    assert!(grid.per_row() > 1 && picture.width() > picture.height(), "{:?}", picture.dimensions());
    let ink = picture.pixels().filter(|p| p.0 != style::PAPER).count();
    assert!(ink > picture.pixels().len() / 3, "{ink} pixels are drawn");
    let bright = picture.pixels().filter(|p| p.0[0] > 200 && p.0[1] > 100 && p.0[2] < 80).count();
    assert!(bright > 1000, "the bright end of inferno is there: {bright}");
    // without photos: the same size, maps on a plain ground
    grid.people.iter_mut().for_each(|p| p.photo = None);
    assert_eq!(grid.draw().unwrap().dimensions(), picture.dimensions());
    assert!(matches!(grid.save(home.path()), Err(ExportError::Write { .. })), "a folder is no file");
}

#[test]
fn a_run_that_names_a_monstrous_epoch_is_exported_in_no_time() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let mut writer = RunWriter::create(&run, &Manifest::new("a", "b", 1, "cpu"), &Params::default()).unwrap();
    for epoch in [3, 500_000, 1_000_000] {
        writer.append(crate::support::play::step(0, 0, 1)).unwrap();
        let mut evaluated = crate::support::play::evaluated(1);
        if let Event::Evaluated { epoch: e, .. } = &mut evaluated {
            *e = epoch;
        }
        writer.append(evaluated).unwrap();
    }
    let out = home.path().join("out");
    export::tables(&run, &out).unwrap();
    export::figures(&run, &out, Photos::Hidden).unwrap();
    let rows = std::fs::read_to_string(out.join("metrics.csv")).unwrap().lines().count();
    assert!(rows < 8, "{rows} rows");
    // What no run can have is damage, and said so.
    let mut evaluated = crate::support::play::evaluated(1);
    if let Event::Evaluated { epoch, .. } = &mut evaluated {
        *epoch = usize::MAX;
    }
    let refused = writer.append(evaluated).unwrap_err().to_string();
    assert!(refused.contains("no run has an epoch"), "{refused}");
}
