//! What other programs read: TensorBoard, its projector, numpy, a browser, LaTeX and Markdown, lists of files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use reid_workbench::export::selection::{self, ChosenImages};
use reid_workbench::export::tensorboard::record;
use reid_workbench::export::{self, Photos, paper, repeat};
use reid_workbench::method::params::Params;
use reid_workbench::run::event::{Domain, Event, Phase, Stamped};
use reid_workbench::run::graph::write_features;
use reid_workbench::run::{RunReader, RunView};

use crate::cli_cluster::{json, program, usage_error};
use crate::sample_run::{self, EPOCHS, ITERS};
use crate::support::skipped;

struct Sample {
    home: tempfile::TempDir,
    events: Vec<Stamped>,
}

impl Sample {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let events = sample_run::write(&home.path().join("run"));
        Self { home, events }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn with_features(self, n: usize, d: usize) -> (Self, Vec<f32>) {
        let values: Vec<f32> = (0..n * d).map(|i| sample_run::noise(i as u64) as f32 - 0.5).collect();
        write_features(&self.path("run"), EPOCHS - 1, d, &values, &vec![0; n], &vec![0; n]).unwrap();
        (self, values)
    }
}

/// Fields of a protocol buffer message: number, and the bytes or the number that it holds.
#[derive(Clone, Debug, PartialEq)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Field {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) => panic!("a number where bytes were expected"),
        }
    }

    fn number(&self) -> u64 {
        match self {
            Self::Number(n) => *n,
            Self::Bytes(_) => panic!("bytes where a number was expected"),
        }
    }
}

fn fields(mut bytes: &[u8]) -> Vec<(u32, Field)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 | 5 => {
                let size = if key & 7 == 1 { 8 } else { 4 };
                let mut whole = [0; 8];
                whole[..size].copy_from_slice(&bytes[..size]);
                bytes = &bytes[size..];
                Field::Number(u64::from_le_bytes(whole))
            }
            2 => {
                let size = varint(&mut bytes) as usize;
                let (head, rest) = bytes.split_at(size);
                bytes = rest;
                Field::Bytes(head.to_vec())
            }
            wire => panic!("wire type {wire}"),
        };
        out.push(((key >> 3) as u32, field));
    }
    out
}

fn get(fields: &[(u32, Field)], number: u32) -> Option<&Field> {
    fields.iter().find(|(n, _)| *n == number).map(|(_, f)| f)
}

/// The records of an event file, their checksums compared with crc32c of what they cover.
fn records(path: &Path) -> Vec<Vec<(u32, Field)>> {
    let bytes = std::fs::read(path).unwrap();
    let masked = |data: &[u8]| (crc32c::crc32c(data).rotate_right(15)).wrapping_add(0xA282_EAD8).to_le_bytes();
    let (mut at, mut out) = (0, Vec::new());
    while at < bytes.len() {
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        assert_eq!(bytes[at + 8..at + 12], masked(&bytes[at..at + 8]));
        let data = &bytes[at + 12..at + 12 + length];
        assert_eq!(bytes[at + 12 + length..at + 16 + length], masked(data));
        out.push(fields(data));
        at += 16 + length;
    }
    out
}

/// A value of a summary: step and fields.
type Valued = (u64, Vec<(u32, Field)>);

fn by_tag(path: &Path) -> BTreeMap<String, Vec<Valued>> {
    let mut out: BTreeMap<String, Vec<Valued>> = BTreeMap::new();
    for event in records(path) {
        let step = get(&event, 2).map_or(0, Field::number);
        let Some(summary) = get(&event, 5) else { continue };
        for (_, value) in fields(summary.bytes()) {
            let value = fields(value.bytes());
            let tag = String::from_utf8(get(&value, 1).unwrap().bytes().to_vec()).unwrap();
            out.entry(tag).or_default().push((step, value));
        }
    }
    out
}

#[test]
fn a_checksum_is_that_of_the_record_format() {
    // "123456789" has CRC-32C E3069283 (RFC 3720).
    let crc: u32 = 0xE306_9283;
    assert_eq!(record::masked_crc(b"123456789"), crc.rotate_right(15).wrapping_add(0xA282_EAD8));
    let message = record::Message::default().int(1, 300).data(2, "ab").int(3, -1);
    let long = [&[0x18][..], &[0xFF; 9], &[0x01]].concat();
    assert_eq!(message.bytes(), [&[0x08, 0xAC, 0x02, 0x12, 2, b'a', b'b'][..], &long].concat());
}

#[test]
fn an_event_file_holds_every_number_and_no_photo_unasked() {
    let sample = Sample::new();
    let files = export::tensorboard(&sample.path("run"), &sample.path("logs"), Photos::Hidden).unwrap();
    let again = export::tensorboard(&sample.path("run"), &sample.path("logs"), Photos::Hidden).unwrap();
    assert_eq!((&files, std::fs::read_dir(sample.path("logs")).unwrap().count()), (&again, 1));
    let version = &records(&files[0])[0];
    assert_eq!(get(version, 3).unwrap().bytes(), b"brain.Event:2");
    let tags = by_tag(&files[0]);
    assert_eq!(tags["loss/adaptation"].len(), EPOCHS * ITERS);
    let sent: Vec<f32> = sample
        .events
        .iter()
        .filter_map(|e| if let Event::Step(s) = &e.event { Some(s.loss as f32) } else { None })
        .collect();
    let value = |v: &Valued| f32::from_bits(get(&v.1, 2).unwrap().number() as u32);
    let losses = ["loss/pretraining", "loss/adaptation"].iter().flat_map(|tag| &tags[*tag]);
    assert_eq!(losses.map(value).collect::<Vec<_>>(), sent);
    for event in &sample.events {
        match &event.event {
            Event::Evaluated { epoch, domain: Domain::Target, retrieval } => {
                let found = tags["retrieval_target/mAP"].iter().find(|(step, _)| *step == *epoch as u64).unwrap();
                assert_eq!(value(found), retrieval.mAP as f32);
            }
            Event::Clustered { epoch, summary, .. } => {
                let of = |tag: &str| tags[tag].iter().find(|(step, _)| *step == *epoch as u64 + 1).unwrap().clone();
                assert_eq!(value(&of("clusters/reliable")), summary.reliable as f32);
                let histogram = fields(get(&of("clusters/score").1, 5).unwrap().bytes());
                assert_eq!(f64::from_bits(get(&histogram, 3).unwrap().number()), summary.cluster_score.len() as f64);
                let buckets = get(&histogram, 7).unwrap().bytes().as_chunks::<8>().0;
                let counted: f64 = buckets.iter().map(|b| f64::from_le_bytes(*b)).sum();
                assert_eq!(counted, summary.cluster_score.len() as f64);
            }
            _ => {}
        }
    }
    for tag in ["_hparams_/experiment", "_hparams_/session_start_info", "parameters/text_summary"] {
        assert_eq!(tags[tag].len(), 1, "{tag}");
    }
    assert!(!tags.contains_key("rank_lists"));
    let files = export::tensorboard(&sample.path("run"), &sample.path("shown"), Photos::Shown).unwrap();
    let images = &by_tag(&files[0])["rank_lists"];
    let image = fields(get(&images[0].1, 4).unwrap().bytes());
    let decoded = image::load_from_memory(get(&image, 4).unwrap().bytes()).unwrap();
    assert_eq!(u64::from(decoded.height()), get(&image, 1).unwrap().number());
}

/// A Python with TensorBoard as its makers publish it, made once; `None` where it cannot be had.
fn stock_tensorboard() -> Option<PathBuf> {
    let import = "import tensorboard, numpy; from tensorboard.backend.event_processing import event_accumulator";
    stock("tensorboard-venv", "tensorboard", import)
}

/// A Python with a package as its makers publish it, made once; `None` where it cannot be had.
fn stock(venv: &str, package: &str, import: &str) -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(venv);
    let python = home.join("bin/python");
    let works = |python: &Path| Command::new(python).args(["-c", import]).output().is_ok_and(|o| o.status.success());
    if works(&python) {
        return Some(python);
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&home).output().is_ok_and(|o| o.status.success());
    let install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "1", package];
    let installed = made && Command::new(&python).args(install).output().is_ok_and(|o| o.status.success());
    (installed && works(&python)).then_some(python)
}

/// Imports a folder of event files, and tells what is then in Trackio's own store.
const IMPORT: &str = r#"
import contextlib, json, sys
import trackio
from trackio.sqlite_storage import SQLiteStorage
with contextlib.redirect_stdout(sys.stderr):
    trackio.import_tf_events(sys.argv[1], project='reid')
runs = SQLiteStorage.get_runs('reid')
rows = SQLiteStorage.get_logs('reid', runs[0])
of = lambda key: [[row['step'], row[key]] for row in rows if key in row]
print(json.dumps({'runs': runs, 'mAP': of('retrieval_target/mAP'), 'loss': of('loss/adaptation')}))
"#;

#[test]
fn trackio_imports_the_event_file_and_keeps_its_values() {
    let what = "importing an event file into Trackio";
    // 75 MB to fetch, 340 MB on the disk, with the TensorBoard that it reads event files by.
    let found = stock("trackio-venv", "trackio[tensorboard]==0.43.0", "import trackio, tbparse, tensorboard");
    let Some(python) = found else { return skipped(what, "it cannot be installed here") };
    let sample = Sample::new();
    export::tensorboard(&sample.path("run"), &sample.path("logs"), Photos::Hidden).unwrap();
    let mut import = Command::new(python);
    import.args(["-c", IMPORT]).arg(sample.path("logs")).current_dir(sample.path(""));
    // It keeps all it knows there, and asks nobody.
    import.env("TRACKIO_DIR", sample.path("trackio")).env("HF_HUB_OFFLINE", "1").env("HOME", sample.path(""));
    let output = import.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let kept: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(kept["runs"].as_array().unwrap().len(), 1);
    let pairs = |key: &str| -> Vec<(u64, f64)> {
        let pair = |p: &serde_json::Value| (p[0].as_u64().unwrap(), p[1].as_f64().unwrap());
        let mut pairs: Vec<_> = kept[key].as_array().unwrap().iter().map(pair).collect();
        pairs.sort_by_key(|(step, _)| *step);
        pairs
    };
    let view = RunView::of_folder(&RunReader::open(&sample.path("run")).unwrap());
    let map: Vec<_> = view.target_retrieval.iter().map(|(e, r)| (*e as u64, f64::from(r.mAP as f32))).collect();
    assert_eq!(pairs("mAP"), map);
    let losses = view.curves(Phase::Adapt).steps(Phase::Adapt).map(|s| (s.step, f64::from(s.loss as f32)));
    assert_eq!(pairs("loss"), losses.collect::<Vec<_>>());
}

const READ: &str = r#"
import json, sys
import numpy as np
from tensorboard.backend.event_processing import event_accumulator as ea
from tensorboard.plugins.hparams import plugin_data_pb2 as hp
logs, vectors = sys.argv[1:]
acc = ea.EventAccumulator(logs, size_guidance={ea.SCALARS: 0, ea.TENSORS: 0, ea.HISTOGRAMS: 0, ea.IMAGES: 0})
acc.Reload()
tags = acc.Tags()
meta = acc.summary_metadata
def content(tag):
    data = hp.HParamsPluginData.FromString(meta[tag].plugin_data.content)
    return data
start = content('_hparams_/session_start_info').session_start_info
value = lambda v: getattr(v, v.WhichOneof('kind'))
from tensorboard.plugins.projector import projector_config_pb2 as pc
from google.protobuf import text_format
config = text_format.Parse(open(vectors + '/projector_config.pbtxt').read(), pc.ProjectorConfig())
table = [line.split('\t') for line in open(vectors + '/' + config.embeddings[0].tensor_path).read().splitlines()]
npy = np.load(vectors + '/features.npy')
print(json.dumps({
    'loss': [[e.step, e.value] for e in acc.Scalars('loss/adaptation')],
    'mAP': [[e.step, e.value] for e in acc.Scalars('retrieval_target/mAP')],
    'score': [[e.step, e.histogram_value.num, sum(e.histogram_value.bucket)] for e in acc.Histograms('clusters/score')],
    'images': len(acc.Images('rank_lists')),
    'text': acc.Tensors('parameters/text_summary')[0].tensor_proto.string_val[0].decode(),
    'plugins': {t: m.plugin_data.plugin_name for t, m in meta.items()},
    'hparams': {k: value(v) for k, v in start.hparams.items()},
    'metrics': [m.name.tag for m in content('_hparams_/experiment').experiment.metric_infos],
    'status': content('_hparams_/session_end_info').session_end_info.status,
    'npy': [list(npy.shape), npy.dtype.str, float(npy.sum(dtype='f8')), bool((npy == np.array(table, dtype='f4')).all())],
    'rows': len(open(vectors + '/' + config.embeddings[0].metadata_path).read().splitlines()),
    'sprite': list(config.embeddings[0].sprite.single_image_dim),
}))
"#;

#[test]
fn stock_tensorboard_and_numpy_read_what_was_written() {
    let what = "reading event files by TensorBoard itself";
    let Some(python) = stock_tensorboard() else { return skipped(what, "it cannot be installed here") };
    let (sample, values) = Sample::new().with_features(400, 8);
    export::tensorboard(&sample.path("run"), &sample.path("logs"), Photos::Shown).unwrap();
    export::projector(&sample.path("run"), &sample.path("vectors"), Photos::Shown).unwrap();
    let output = Command::new(python).args(["-c", READ]).args([sample.path("logs"), sample.path("vectors")]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let reader = RunReader::open(&sample.path("run")).unwrap();
    let view = RunView::of_folder(&reader);
    let map: Vec<_> =
        view.target_retrieval.iter().map(|(e, r)| serde_json::json!([e, f64::from(r.mAP as f32)])).collect();
    assert_eq!(read["mAP"], serde_json::Value::from(map));
    assert_eq!(read["loss"].as_array().unwrap().len(), EPOCHS * ITERS);
    let clusters = &view.clusters[&0].summary;
    let count = clusters.cluster_score.len() as f64;
    assert_eq!(read["score"][0], serde_json::json!([1, count, count]));
    assert_eq!(read["images"], view.target_retrieval.len());
    assert!(read["text"].as_str().unwrap().contains("eps = 0.6"), "{}", read["text"]);
    assert_eq!(read["plugins"]["parameters/text_summary"], "text");
    assert_eq!(read["hparams"]["k1"], 15.0);
    assert_eq!(read["hparams"]["backbone"], "resnet50-lite");
    assert_eq!(read["hparams"]["refined"], true);
    assert_eq!(read["metrics"][0], "retrieval_target/mAP");
    assert_eq!(read["status"], 1);
    assert_eq!((&read["npy"][0], &read["npy"][1]), (&serde_json::json!([400, 8]), &"<f4".into()));
    let sum: f64 = values.iter().map(|x| f64::from(*x)).sum();
    assert!((read["npy"][2].as_f64().unwrap() - sum).abs() < 1e-9);
    assert_eq!(read["npy"][3], true, "the table has the same values");
    assert_eq!(read["rows"], 401);
}

#[test]
fn a_table_of_features_has_a_row_an_image_and_its_labels() {
    let (sample, _) = Sample::new().with_features(400, 4);
    let files = export::projector(&sample.path("run"), &sample.path("vectors"), Photos::Hidden).unwrap();
    assert!(!files.iter().any(|f| f.ends_with("sprite.png")));
    let text = std::fs::read_to_string(sample.path("vectors/metadata.tsv")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|l| l.split('\t').collect()).collect();
    assert_eq!(rows[0], ["row", "file", "camera", "cluster", "pseudo_label", "score", "pid_ground_truth"]);
    assert_eq!((rows.len(), rows[8][0], rows[8][1], rows[8][2], rows[8][6]), (401, "7", "Train-7.png", "3", "1"));
    let npy = std::fs::read(sample.path("vectors/features.npy")).unwrap();
    assert_eq!((&npy[..8], npy.len() % 64), (&b"\x93NUMPY\x01\x00"[..], 0));
    let header = std::str::from_utf8(&npy[10..128]).unwrap();
    assert!(header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (400, 4), }"), "{header}");
    assert_eq!(npy.len(), 128 + 400 * 4 * 4);
    let empty = Sample::new();
    let error = export::projector(&empty.path("run"), &empty.path("x"), Photos::Hidden).unwrap_err();
    assert!(matches!(error, export::ExportError::Empty { .. }));
}

/// Values of `src`, `href` and `url(…)` in a page.
fn addresses(page: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for (begin, end) in [("src=\"", '"'), ("href=\"", '"'), ("url(", ')')] {
        out.extend(page.match_indices(begin).map(|(at, _)| page[at + begin.len()..].split(end).next().unwrap()));
    }
    out
}

#[test]
fn a_report_is_one_page_that_asks_the_network_for_nothing() {
    let sample = Sample::new();
    export::report(&sample.path("run"), &sample.path("r.html"), Photos::Hidden).unwrap();
    let page = std::fs::read_to_string(sample.path("r.html")).unwrap();
    assert!(addresses(&page).iter().all(|a| a.starts_with("data:font/")), "{:?}", addresses(&page).len());
    assert!(!page.contains("http:") && !page.contains("https:"), "no address of any kind");
    assert!(!page.contains("<img"), "no photo unasked");
    for words in [
        "synthetic-plaza → synthetic-station",
        "What differs from the paper",
        "resnet50-lite",
        "How to repeat it",
        "--preset demo",
        "adapt.epochs=6",
        "k1 15 → 20 from epoch 4, iteration 1",
        "Rank lists after 6 epochs",
        "not counted",
        "Environment",
        "10.1109/ACCESS.2022.3209239",
    ] {
        assert!(page.contains(words), "`{words}` is missing");
    }
    for figure in ["retrieval", "loss_adaptation", "reliability", "reliability_strip", "eq8", "lineage"] {
        assert!(page.contains(&format!("<figure id=\"{figure}\">")), "{figure}");
    }
    let view = RunView::of_folder(&RunReader::open(&sample.path("run")).unwrap());
    let last = view.target_retrieval[&EPOCHS].mAP * 100.0;
    assert!(page.contains(&format!("{last:.1}")), "the newest mAP");
    export::report(&sample.path("run"), &sample.path("shown.html"), Photos::Shown).unwrap();
    let page = std::fs::read_to_string(sample.path("shown.html")).unwrap();
    let photo = addresses(&page).into_iter().find_map(|a| a.strip_prefix("data:image/jpeg;base64,")).unwrap();
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(photo).unwrap();
    assert!(image::load_from_memory(&bytes).unwrap().width() > 1000);
}

#[test]
fn names_of_a_run_cannot_break_out_of_the_page() {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("run");
    let manifest = reid_workbench::run::Manifest::new("<script>alert(1)</script>", "</script><b>", 1, "cpu");
    let mut writer = reid_workbench::run::RunWriter::create(&run, &manifest, &Params::default()).unwrap();
    writer.append(crate::support::play::step(0, 0, 1)).unwrap();
    export::report(&run, &home.path().join("r.html"), Photos::Hidden).unwrap();
    let page = std::fs::read_to_string(home.path().join("r.html")).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains("<b>"), "escaped");
    assert!(page.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn a_table_for_a_paper_has_a_row_an_epoch() {
    let sample = Sample::new();
    export::tables(&sample.path("run"), &sample.path("out")).unwrap();
    let text = std::fs::read_to_string(sample.path("out/metrics.md")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|l| l.trim_matches('|').split('|').map(str::trim).collect()).collect();
    assert_eq!(rows.len(), 2 + 1 + EPOCHS);
    let view = RunView::of_folder(&RunReader::open(&sample.path("run")).unwrap());
    for (row, epoch) in rows[2..].iter().zip(0..) {
        assert_eq!(row[1], format!("{:.1}", 100.0 * view.target_retrieval[&epoch].mAP));
        let clusters =
            epoch.checked_sub(1).map_or("–".to_owned(), |e| view.clusters[&e].summary.clusters[0].to_string());
        assert_eq!(row[5], clusters);
    }
    let latex = std::fs::read_to_string(sample.path("out/metrics.tex")).unwrap();
    assert_eq!(latex.matches("\\\\\n").count(), 2 + EPOCHS);
    assert!(latex.contains("synthetic-plaza $\\to$ synthetic-station, seed 1") && latex.contains("lrrrrrrrrr"));
    let table = paper::Text { head: vec!["a_b".into(), "50 %".into()], rows: vec![vec!["x|y".into(), "{1}".into()]] };
    assert!(paper::markdown(&table).contains("| x\\|y |"));
    assert!(paper::latex(&table, "").contains("a\\_b & 50 \\%") && paper::latex(&table, "").contains("\\{1\\}"));
}

#[test]
fn a_selection_is_a_list_of_files_with_labels() {
    let sample = Sample::new();
    let run = sample.path("run");
    let labels = reid_workbench::run::snapshot::read_labels(&run, EPOCHS - 1).unwrap();
    let members = selection::rows(&run, ChosenImages::Cluster(3), None).unwrap();
    assert_eq!(members.len(), labels.iter().filter(|l| **l == 3).count());
    assert!(members.iter().all(|m| m.cluster == Some(3) && m.split == "train" && labels[m.index as usize] == 3));
    assert!(members[0].path.ends_with(&format!("Train-{}.png", members[0].index)));
    let earlier = reid_workbench::run::snapshot::read_labels(&run, 1).unwrap();
    let outliers = selection::rows(&run, ChosenImages::Outliers, Some(2)).unwrap();
    assert_eq!(outliers.len(), earlier.iter().filter(|l| **l < 0).count());
    let wrong = selection::rows(&run, ChosenImages::WrongQueries, Some(0)).unwrap();
    assert!(wrong.iter().all(|q| q.split == "query" && q.first_match.unwrap() > 1 && q.ap.unwrap() < 1.0));
    let mut command = program();
    command.current_dir(sample.home.path());
    command.args(["export", "run", "--selection", "c.csv", "--select", "cluster=3"]);
    assert_eq!(json(&mut command)["selected"], members.len());
    let written = std::fs::read_to_string(sample.path("c.csv")).unwrap();
    assert_eq!(written.lines().count(), 1 + members.len());
    assert!(written.starts_with("split,index,path,pid,camid,cluster,pseudo_label,score,ap,first_match\n"));
    for (args, words) in [
        (&["--select", "cluster=900"][..], "the run has no cluster 900; the epoch has"),
        (&["--select", "outliers", "--epoch", "7"], "the run has no clustering of epoch 7"),
        (&["--select", "wrong-queries", "--epoch", "9"], "the run has no evaluation of epoch 9"),
        (&["--select", "all"], "write cluster=3, outliers or wrong-queries"),
        (&[], "--select"),
    ] {
        let mut command = program();
        command.current_dir(sample.home.path()).args(["export", "run", "--selection", "x.csv"]).args(args);
        let said = usage_error(&mut command);
        assert!(said.contains(words), "{args:?}: {said}");
    }
}

#[test]
fn the_command_to_repeat_a_run_gives_its_parameters() {
    for assignments in [&[][..], &["eps=0.45", "attention.enabled=false"], &["weights=a b.pth"]] {
        let mut params = Params::default();
        params.apply_presets("demo").unwrap();
        assignments.iter().for_each(|a| params.assign(a).unwrap());
        let (preset, keys) = repeat::nearest_preset(&params);
        let mut again = Params::default();
        again.apply_presets(&preset).unwrap();
        for key in keys {
            again.set(key, &params.get(key).unwrap()).unwrap();
        }
        assert_eq!(again, params);
        assert!(preset.starts_with("demo"), "{preset}");
    }
    let manifest = reid_workbench::run::Manifest::new("synthetic-plaza", "it's here", 1, "cpu");
    let words = repeat::command(&manifest, &Params::default());
    assert!(words.contains("--preset paper") && words.contains(r"--target 'it'\''s here'"), "{words}");
}

#[test]
fn every_figure_of_a_run_is_drawn() {
    let sample = Sample::new();
    let files = export::figures(&sample.path("run"), &sample.path("f"), Photos::Shown).unwrap();
    let names: Vec<_> = files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
    for name in ["reliability_strip.svg", "eq8.png", "lineage.svg", "rank_lists.png"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "png")) {
        let picture = image::open(file).unwrap().into_rgb8();
        assert_eq!(picture.get_pixel(0, 0).0, [255; 3], "{} stands on white", file.display());
        assert!(picture.pixels().any(|p| p.0 != [255; 3]), "{}", file.display());
    }
    let eq8 = std::fs::read_to_string(sample.path("f/eq8.svg")).unwrap();
    assert!(eq8.contains("kept") && eq8.contains("dropped") && eq8.contains(" = "));
    let retrieval = std::fs::read_to_string(sample.path("f/clusters.svg")).unwrap();
    assert!(retrieval.contains(&format!("epoch {EPOCHS}")), "epochs count from 1");
}

#[test]
fn the_example_is_a_whole_run_and_shows_its_photos() {
    use reid_workbench::run::event::{Split, State};
    use reid_workbench::run::graph::{read_features, read_graph};
    use reid_workbench::run::images::Images;
    use reid_workbench::run::snapshot::{ClusterSnapshot, RankSnapshot, read_heat_maps};
    let home = tempfile::tempdir().unwrap();
    let folder = reid_workbench::run::example::ensure(home.path()).unwrap();
    assert!(reid_workbench::run::example::is_example(&folder));
    assert_eq!(reid_workbench::run::example::ensure(home.path()).unwrap(), folder, "once");
    for epoch in 0..10 {
        let training = reid_workbench::run::training::TrainingSnapshot::read(&folder, epoch).unwrap();
        assert!(!training.memory.iters.is_empty() && !training.batch.images.is_empty(), "epoch {epoch}");
    }
    let reader = RunReader::open(&folder).unwrap();
    assert!(reader.warnings.is_empty(), "{:?}", reader.warnings);
    let view = RunView::of_folder(&reader);
    assert_eq!((view.state, view.target_retrieval.len(), view.clusters.len()), (State::Done, 11, 10));
    let images = Images::read(&folder).unwrap();
    for row in images.all() {
        assert!(row.path.is_absolute() && row.path.is_file(), "{}", row.path.display());
    }
    assert!(image::open(&images.split(Split::Query)[0].path).unwrap().height() == 128);
    for epoch in 0..10 {
        let clusters = ClusterSnapshot::read(&folder, epoch).unwrap();
        assert_eq!(clusters.labels.len(), images.split(Split::Train).len());
        assert_eq!(read_graph(&folder, epoch).unwrap().n, clusters.labels.len());
        assert_eq!(RankSnapshot::read(&folder, epoch).unwrap().queries(), images.split(Split::Query).len());
        assert!(!read_heat_maps(&folder, epoch).unwrap().is_empty());
    }
    assert_eq!(read_features(&folder).unwrap().epoch, 9);
    let size =
        std::fs::metadata(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/example-run.tar.gz")).unwrap().len();
    assert!(size <= 6_000_000, "{size} bytes");
    let events = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
    assert!(!events.contains("/tmp") && !events.contains("/home"), "no path of the machine that recorded it");
}

#[test]
fn a_run_packed_as_an_example_comes_out_as_it_was() {
    let (sample, _) = Sample::new().with_features(400, 4);
    let (run, out) = (sample.path("run"), sample.path("example.tar.gz"));
    for split in ["Train"] {
        for i in 0..400 {
            image::RgbImage::new(32, 64).save(sample.path(&format!("station/{split}-{i}.png"))).unwrap();
        }
    }
    export::pack_example(&run, &out).unwrap();
    let archive = std::fs::read(&out).unwrap();
    export::pack_example(&run, &out).unwrap();
    assert_eq!(std::fs::read(&out).unwrap(), archive, "the same bytes");
    let back = sample.path("back/run");
    reid_workbench::run::example::unpack(&archive, &back).unwrap();
    assert_eq!(RunReader::open(&back).unwrap().events, RunReader::open(&run).unwrap().events);
    let images = reid_workbench::run::images::Images::read(&back).unwrap();
    assert!(images.all().all(|row| row.path.starts_with(&back) && row.path.is_file()));
    let read = |dir: &Path| reid_workbench::run::snapshot::ClusterSnapshot::read(dir, 2).unwrap();
    assert_eq!(read(&back), read(&run));
}
