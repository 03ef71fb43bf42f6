//! What a fuzzer would call: each reader of this program on one file of any content. A body must not panic, hang, or
//! take memory out of proportion; whether it succeeds is its own affair.
//!
//! `tests/it/readers.rs` drives them on stable with damaged files, so many a reader; a fuzzer can call them as they are.

use std::path::{Path, PathBuf};

use reid_workbench::base::device::DeviceChoice;
use reid_workbench::cli::tensors::TensorReader;
use reid_workbench::data::registry::{Places, Registry};
use reid_workbench::data::{decode, layout};
use reid_workbench::engine::trained::Trained;
use reid_workbench::launch::journal::Journal;
use reid_workbench::launch::spec::SweepSpec;
use reid_workbench::method::params::Params;
use reid_workbench::model::weights;
use reid_workbench::run::event::SnapshotPart;
use reid_workbench::run::graph::{features_path, graph_path, read_features, read_graph};
use reid_workbench::run::images::Images;
use reid_workbench::run::snapshot::{ClusterSnapshot, RankSnapshot, part_path, read_heat_maps, read_labels};
use reid_workbench::run::summary::{Summary, summary_path};
use reid_workbench::run::{RunReader, RunView, checkpoints, folder, pulse};

/// A reader: its name, and where the file must lie in a folder of its own for `read` to find it.
pub struct Body {
    /// What it reads.
    pub name: &'static str,
    /// The file, within the folder.
    pub place: fn(&Path) -> PathBuf,
    /// Reads it; the folder holds what else is needed.
    pub read: fn(&Path),
}

fn run_of(dir: &Path) -> PathBuf {
    dir.join("run")
}

fn whole_run(dir: &Path) {
    if let Ok(reader) = RunReader::open(&run_of(dir)) {
        let _ = RunView::of_folder(&reader);
    }
    let _ = Summary::read(&run_of(dir));
}

/// All readers.
pub const BODIES: &[Body] = &[
    Body {
        name: "weights of torch.save",
        place: |dir| dir.join("w.pth"),
        read: |dir| drop(weights::read_tensors(&dir.join("w.pth"))),
    },
    Body {
        name: "weights of safetensors",
        place: |dir| dir.join("w.safetensors"),
        read: |dir| drop(weights::read_tensors(&dir.join("w.safetensors"))),
    },
    Body {
        name: "a list of shards",
        place: |dir| dir.join("w.safetensors.index.json"),
        read: |dir| drop(weights::read_tensors(&dir.join("w.safetensors.index.json"))),
    },
    Body {
        name: "a checkpoint",
        place: |dir| checkpoints::path_of(&run_of(dir), "last"),
        read: |dir| {
            checkpoints::list(&run_of(dir));
            drop(Trained::open(&checkpoints::path_of(&run_of(dir), "last"), &[], DeviceChoice::Cpu));
        },
    },
    Body { name: "events", place: |dir| folder::events_path(&run_of(dir)), read: whole_run },
    Body { name: "a manifest", place: |dir| run_of(dir).join("manifest.json"), read: whole_run },
    Body { name: "parameters", place: |dir| folder::params_path(&run_of(dir)), read: whole_run },
    Body { name: "a summary", place: |dir| summary_path(&run_of(dir)), read: whole_run },
    Body {
        name: "a list of images",
        place: |dir| Images::path(&run_of(dir)),
        read: |dir| drop(Images::read(&run_of(dir))),
    },
    Body {
        name: "clusters",
        place: |dir| part_path(&run_of(dir), 0, SnapshotPart::Clusters),
        read: |dir| {
            let _ = ClusterSnapshot::read(&run_of(dir), 0);
            let _ = read_labels(&run_of(dir), 0);
        },
    },
    Body {
        name: "ranks",
        place: |dir| part_path(&run_of(dir), 1, SnapshotPart::Ranks),
        read: |dir| {
            if let Ok(ranks) = RankSnapshot::read(&run_of(dir), 1) {
                for query in 0..ranks.queries().min(64) {
                    let _ = ranks.hits(query).count() + ranks.matches(query).count();
                }
            }
        },
    },
    Body {
        name: "heat maps",
        place: |dir| part_path(&run_of(dir), 1, SnapshotPart::HeatMaps),
        read: |dir| drop(read_heat_maps(&run_of(dir), 1)),
    },
    Body { name: "a graph", place: |dir| graph_path(&run_of(dir), 0), read: |dir| drop(read_graph(&run_of(dir), 0)) },
    Body {
        name: "features of a run",
        place: |dir| features_path(&run_of(dir)),
        read: |dir| drop(read_features(&run_of(dir))),
    },
    Body {
        name: "a sign of life",
        place: |dir| pulse::beat_path(&run_of(dir)),
        read: |dir| drop(pulse::Pulse::default().look(&run_of(dir))),
    },
    Body {
        name: "features of numpy",
        place: |dir| dir.join("f.npy"),
        read: |dir| {
            if let Ok(mut file) = TensorReader::open(&dir.join("f.npy")) {
                let name = file.features();
                let _ = file.matrix(name);
            }
        },
    },
    Body {
        name: "a picture",
        place: |dir| dir.join("a.jpg"),
        read: |dir| drop(decode::load_resized(&dir.join("a.jpg"), 64, 32)),
    },
    Body {
        name: "a list of a dataset",
        place: |dir| dir.join("manifest.csv"),
        read: |dir| drop(layout::manifest::read(&dir.join("manifest.csv"))),
    },
    Body {
        name: "registered datasets",
        place: |dir| dir.join("datasets.toml"),
        read: |dir| {
            let places = Places {
                project: dir.join("none.toml"),
                user: dir.join("datasets.toml"),
                base: dir.to_owned(),
                data: dir.join("data"),
            };
            drop(Registry::load_from(places));
        },
    },
    Body {
        name: "parameters of a user",
        place: |dir| dir.join("p.toml"),
        read: |dir| {
            if let Ok(text) = reid_workbench::base::fs::read_text(&dir.join("p.toml"), 1 << 20) {
                let _ = Params::default().overlay_toml(&text);
                let _ = Params::default().overlay_saved(&text);
            }
        },
    },
    Body {
        name: "a sweep",
        place: |dir| dir.join("spec.toml"),
        read: |dir| {
            if let Ok(spec) = SweepSpec::read(&dir.join("spec.toml")) {
                let _ = spec.trials();
            }
        },
    },
    Body {
        name: "a study",
        place: |dir| dir.join("study.log"),
        read: |dir| drop(Journal::open(&dir.join("study.log"))),
    },
];
