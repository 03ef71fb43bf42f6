//! Choosing a device on machines with and without a GPU.

use reid_workbench::base::device::DeviceChoice;
use reid_workbench::model::ModelError;
use reid_workbench::model::device;
use tch::{Device, Kind, TchError, Tensor};

#[test]
fn devices_are_spelt_as_on_the_command_line() {
    let parse = |text: &str| text.parse::<DeviceChoice>();
    assert_eq!(parse("auto").unwrap(), DeviceChoice::Auto);
    assert_eq!(parse("cpu").unwrap(), DeviceChoice::Cpu);
    assert_eq!(parse("cuda").unwrap(), DeviceChoice::Cuda(0));
    assert_eq!(parse("cuda:3").unwrap(), DeviceChoice::Cuda(3));
    assert!(parse("gpu").unwrap_err().to_string().contains("write auto, cpu, cuda or cuda:N"));
    assert_eq!(device::name(Device::Cuda(3)), "cuda:3");
}

#[test]
fn a_device_that_is_not_there_is_one_sentence() {
    assert_eq!(device::choose(DeviceChoice::Cpu).unwrap(), Device::Cpu);
    assert!(device::choose(DeviceChoice::Auto).is_ok());
    let sentence = device::choose(DeviceChoice::Cuda(99)).unwrap_err().to_string();
    assert!(sentence.starts_with("cuda:99 was asked for, but "), "{sentence}");
    assert!(!sentence.contains('\n'), "{sentence}");
}

#[test]
fn memory_of_the_cpu_is_known() {
    if cfg!(target_os = "linux") {
        let (used, total) = device::memory(Device::Cpu).unwrap();
        assert!(used > 1 << 20 && used < total, "{used} of {total}");
    }
}

#[test]
fn running_out_of_memory_is_told_apart_and_says_what_to_do() {
    let too_much = Tensor::f_zeros([1 << 46], (Kind::Float, Device::Cpu)).unwrap_err();
    let error = ModelError::from(too_much);
    assert!(matches!(error, ModelError::OutOfMemory(_)), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("out of memory: you tried to allocate 281474976710656 bytes"), "{text}");
    assert!(text.contains("smaller batch") && !text.contains('\n'), "{text}");
    let cuda = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139 GiB.\nException raised\nframe #0";
    assert!(matches!(ModelError::from(TchError::Torch(cuda.to_owned())), ModelError::OutOfMemory(_)));
    let other = ModelError::from(TchError::Torch("shapes differ\nframe #0: c10::Error".to_owned()));
    assert_eq!(other.to_string(), "libtorch: shapes differ");
}

#[test]
fn settings_for_the_start_give_way_to_the_users() {
    let set = |name: &str| std::env::var_os(name).is_some();
    let names: Vec<&str> = device::start_settings().into_iter().map(|(name, _)| name).collect();
    let spins = cfg!(target_os = "linux") && !set("OMP_WAIT_POLICY") && !set("GOMP_SPINCOUNT");
    assert_eq!(names.contains(&"GOMP_SPINCOUNT"), spins);
    // With them set, as after a start with them, nothing is asked for again: a program cannot start over for ever.
    assert!(names.iter().all(|name| !set(name)), "{names:?}");
}
