//! What a GPU may do to a run, rehearsed: it is full, too old, or lacks bfloat16.

use std::sync::Arc;

use reid_workbench::engine::command::{DeviceChoice, RunRequest};
use reid_workbench::engine::event::{Event, Severity, State};
use reid_workbench::engine::rehearsal::Rehearsal;
use reid_workbench::engine::worker::{Engine, Fault};

use crate::support::engine::{Driver, Tiny, steps, tiny_params};

fn driver(rehearsal: Rehearsal) -> Driver {
    Driver::of(Engine::rehearsing(Arc::new(|| {}), rehearsal).unwrap())
}

fn failed(end: State) -> String {
    match end {
        State::Failed(reason) => reason,
        other => panic!("it should have failed and is {other:?}"),
    }
}

#[test]
fn a_full_device_fails_the_run_with_cause_and_cure_and_the_next_run_works() {
    let tiny = Tiny::new();
    let mut params = tiny_params();
    params.assign("adapt.epochs=1").unwrap();
    // In pre-training after one step of three, and in adaptation, where there is a checkpoint to go on from.
    for (name, at) in [("pretrain", 1), ("adapt", 5)] {
        let mut driver = driver(Rehearsal { full_at: Some(at), ..Rehearsal::default() });
        driver.start(tiny.request(name, params.clone()));
        let reason = failed(driver.until_end());
        assert!(reason.starts_with("out of memory: Tried to allocate 2.00 GiB"), "{reason}");
        assert!(reason.ends_with("Use a smaller batch or smaller images, or another device."), "{reason}");
        assert_eq!(driver.fault(), Fault::Run);
        assert_eq!(steps(&driver.events).len() as u64, at, "all steps before it are told");
        driver.start(tiny.request(&format!("{name} again"), params.clone()));
        assert_eq!(driver.until_end(), State::Done, "the same engine runs on");
        let mut request = tiny.request(name, params.clone());
        request.begin = reid_workbench::engine::command::Begin::StartOrResume;
        driver.start(request);
        assert_eq!(driver.until_end(), State::Done, "and takes the failed run up");
    }
}

#[test]
fn a_gpu_that_does_not_compute_is_left_for_the_cpu_with_the_reason_in_the_run() {
    let tiny = Tiny::new();
    let words = "libtorch: CUDA error: no kernel image is available for execution on the device";
    let broken = Rehearsal { broken_gpu: Some(words.to_owned()), ..Rehearsal::default() };
    let mut params = tiny_params();
    params.assign("adapt.epochs=0").unwrap();
    let auto = RunRequest { device: DeviceChoice::Auto, ..tiny.request("run", params) };
    let mut driver = driver(broken);
    driver.start(auto.clone());
    assert_eq!(driver.until_end(), State::Done);
    let told = driver.events.iter().find_map(|s| match &s.event {
        Event::Notice { severity: Severity::Warning, text, .. } if text.contains("no kernel image") => {
            Some(text.clone())
        }
        _ => None,
    });
    assert!(told.unwrap().starts_with("Computing on the CPU: cuda:0 does not compute"));
    assert!(driver.events.iter().any(|s| matches!(&s.event, Event::Started { device, .. } if device == "cpu")));
    // Asked for by name it is refused, before anything is written.
    driver.start(RunRequest { device: DeviceChoice::Cuda(0), out: tiny.path("other"), ..auto });
    assert!(failed(driver.until_end()).contains("no kernel image"));
    assert_eq!(driver.fault(), Fault::Input);
    assert!(!tiny.path("other").exists());
}

#[test]
fn bfloat16_is_refused_where_the_gpu_has_none() {
    let tiny = Tiny::new();
    let mut params = tiny_params();
    params.assign("device.bf16=true").unwrap();
    let mut driver = driver(Rehearsal { capability: Some((7, 5)), ..Rehearsal::default() });
    driver.start(tiny.request("run", params));
    let reason = failed(driver.until_end());
    assert!(reason.starts_with("device.bf16: bfloat16 needs a GPU of compute capability 8.0"), "{reason}");
    assert!(reason.contains("this one has 7.5"), "{reason}");
    assert_eq!(driver.fault(), Fault::Input);
    assert!(!tiny.path("run").exists());
}
