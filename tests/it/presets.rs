//! Other methods of the field on the same house: each against its reference, and trained from features to retrieval.

use reid_workbench::engine::command::{Begin, Command};
use reid_workbench::engine::event::{Event, State};
use reid_workbench::method::labels::kmeans::lloyd;
use reid_workbench::method::params::Params;
use reid_workbench::method::pipeline::{ClusteringPlan, Unwatched, run};
use reid_workbench::method::rows::Rows;
use reid_workbench::model::cluster_memory::ClusterMemory;
use reid_workbench::model::net::generalised_mean;
use reid_workbench::run::snapshot::ClusterSnapshot;
use tch::{Kind, Tensor};

use crate::golden::{fixture, json, max_diff, tensors};
use crate::support::engine::{Driver, Tiny, losses, steps, tiny_params};

fn floats(t: &Tensor) -> Vec<f32> {
    Vec::<f32>::try_from(t.contiguous().view([-1])).unwrap()
}

#[test]
fn k_means_from_given_centres_ends_as_scikit_learn_s() {
    let folder = fixture("kmeans");
    let (inputs, expected) =
        (tensors(&folder.join("inputs.safetensors")), tensors(&folder.join("expected.safetensors")));
    let features = floats(&inputs["features"]);
    let rows = Rows::new(&features, inputs["features"].size()[1] as usize).unwrap();
    let labels = lloyd(rows, floats(&inputs["centres"]), &|_, _| true).unwrap();
    assert_eq!(labels, Vec::<i32>::try_from(&expected["labels"]).unwrap());
}

#[test]
fn k_means_finds_well_kept_apart_groups_whatever_the_seed() {
    let (n, k, d) = (60, 5, 8);
    let features: Vec<f32> = (0..n)
        .flat_map(|i| (0..d).map(move |j| if j == i % k { 1.0 } else { 0.01 * ((i * 7 + j) % 5) as f32 }))
        .collect();
    let rows = Rows::new(&features, d).unwrap();
    for seed in 0..20 {
        let mut params = Params::default();
        params.apply_presets("kmeans").unwrap();
        params.assign(&format!("labels.k={k}")).unwrap();
        params.seed = seed;
        let found = run(rows, None, &ClusteringPlan::of(&params, None), &Unwatched).unwrap();
        let labels = &found.assignment.labels;
        assert!(found.graph.is_none() && found.assignment.radii().is_none());
        assert!((0..n).all(|i| labels[i] == labels[i % k]) && (1..k).all(|c| labels[c] != labels[0]), "{labels:?}");
        assert_eq!(found.assignment.pseudo_labels, *labels, "every cluster is kept");
    }
    let mut params = Params::default();
    params.apply_presets("kmeans").unwrap();
    assert!(
        run(rows, None, &ClusteringPlan::of(&params, None), &Unwatched).unwrap_err().to_string().contains("labels.k")
    );
}

#[test]
fn the_memory_of_clusters_equals_the_reference() {
    let folder = fixture("memory/cluster_contrast");
    let (inputs, expected) =
        (tensors(&folder.join("inputs.safetensors")), tensors(&folder.join("expected.safetensors")));
    let numbers = json(&folder.join("expected.json"));
    let (temperature, momentum) = (numbers["temperature"].as_f64().unwrap(), numbers["momentum"].as_f64().unwrap());
    for form in ["plain", "hard"] {
        let mut memory = ClusterMemory::from_rows(inputs["rows"].shallow_clone()).unwrap();
        for step in 0..numbers["steps"].as_u64().unwrap() {
            let x = inputs[&format!("x{step}")].copy().set_requires_grad(true);
            let labels = Vec::<i64>::try_from(&inputs[&format!("labels{step}")]).unwrap();
            let loss = memory.loss(&x, &labels, temperature).unwrap();
            let (want, got) = (numbers["losses"][form][step as usize].as_f64().unwrap(), loss.double_value(&[]));
            assert!((got - want).abs() <= 1e-5 * want, "{form} step {step}: loss {got} instead of {want}");
            loss.backward();
            assert!(max_diff(&x.grad(), &expected[&format!("{form}.grad{step}")]) <= 1e-5, "{form} step {step}");
            match form {
                "plain" => memory.update(&x, &labels, momentum).unwrap(),
                _ => memory.update_hard(&x, &labels, momentum).unwrap(),
            }
            let off = max_diff(memory.rows(), &expected[&format!("{form}.rows{step}")]);
            assert!(off <= 1e-6, "{form} step {step}: rows off by {off}");
        }
    }
}

#[test]
fn an_empty_cluster_is_compared_with_no_image() {
    let features = Tensor::from_slice(&[1f32, 0.0, 0.0, 1.0]).view([2, 2]);
    let with_gap = ClusterMemory::of_means(&features, &[0, 2]).unwrap();
    let without = ClusterMemory::of_means(&features, &[0, 1]).unwrap();
    let loss = |memory: &ClusterMemory, labels: &[i64]| memory.loss(&features, labels, 0.5).unwrap().double_value(&[]);
    assert_eq!(loss(&with_gap, &[0, 2]), loss(&without, &[0, 1]));
}

#[test]
fn the_generalised_mean_lies_between_average_and_maximum() {
    let x = Tensor::from_slice(&[1f32, 2.0, 3.0, 6.0]).view([1, 1, 2, 2]);
    let pooled = |p: f64| generalised_mean(&x, &Tensor::from_slice(&[p as f32])).unwrap().double_value(&[0, 0]);
    assert!((pooled(1.0) - 3.0).abs() < 1e-6);
    assert!((pooled(3.0) - ((1.0 + 8.0 + 27.0 + 216.0) / 4.0f64).cbrt()).abs() < 1e-5);
    assert!((pooled(30.0) - 6.0).abs() < 0.3);
    let p = Tensor::from_slice(&[3f32]).set_requires_grad(true);
    generalised_mean(&x, &p).unwrap().sum(Kind::Float).backward();
    assert!(p.grad().double_value(&[0]) > 0.0, "p is learned");
}

#[test]
fn the_presets_train_stop_and_go_on_as_if_they_had_not_stopped() {
    let tiny = Tiny::new();
    for preset in ["kmeans", "cluster-contrast", "cluster-contrast,cluster-contrast-hard", "strong-baseline"] {
        let mut params = tiny_params();
        params.apply_presets(preset).unwrap();
        for a in ["labels.k=8", "adapt.epochs=2", "adapt.iters=2", "k1=8", "k2=2", "eps=0.7"] {
            params.assign(a).unwrap();
        }
        let (end, whole) = Driver::run(tiny.request(&format!("{preset} whole"), params.clone()));
        assert_eq!(end, State::Done, "{preset}: {:?}", whole.last());
        assert!(steps(&whole).iter().all(|s| s.loss.is_finite()), "{preset}");

        let mut request = tiny.request(&format!("{preset} cut"), params);
        let mut driver = Driver::new();
        driver.start(request.clone());
        driver.until("a step", |e| matches!(e, Event::Step(s) if s.step == 3));
        driver.send(Command::Stop);
        assert_eq!(driver.until_end(), State::Stopped, "{preset}");
        let mut heard = std::mem::take(&mut driver.events);
        request.begin = Begin::Resume;
        heard.append(&mut Driver::run(request).1);
        assert_eq!(losses(&whole), losses(&heard), "{preset}");

        let snapshot = ClusterSnapshot::read(&tiny.path(&format!("{preset} whole")), 1).unwrap();
        assert_eq!(snapshot.has_radii(), preset != "kmeans", "{preset}");
    }
}
