//! Choosing a device on machines with and without a GPU.

use reid_workbench::base::device::DeviceChoice;
use reid_workbench::model::ModelError;
use reid_workbench::model::device::{self, Gauge, Machine};
use reid_workbench::model::profile::profiled;
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
    assert_eq!(device::choose(DeviceChoice::Cpu).unwrap().device, Device::Cpu);
    assert!(device::choose(DeviceChoice::Auto).is_ok());
    let sentence = device::choose(DeviceChoice::Cuda(99)).unwrap_err().to_string();
    assert!(sentence.starts_with("cuda:99 was asked for, but "), "{sentence}");
    assert!(!sentence.contains('\n'), "{sentence}");
}

#[test]
fn a_gpu_that_does_not_compute_is_left_and_the_reason_is_told() {
    let old = || Err("libtorch: CUDA error: no kernel image is available for execution on the device".to_owned());
    let ask = |request, devices, works: bool| {
        let try_out = |_| if works { Ok(()) } else { old() };
        device::choose_on(request, &Machine { devices, try_out: &try_out })
    };
    let good = ask(DeviceChoice::Auto, Ok(1), true).unwrap();
    assert_eq!((good.device, good.instead), (Device::Cuda(0), None));
    let left = ask(DeviceChoice::Auto, Ok(1), false).unwrap();
    let why = left.instead.unwrap();
    assert_eq!(left.device, Device::Cpu);
    assert!(
        why.starts_with("Computing on the CPU: cuda:0 does not compute") && why.contains("no kernel image"),
        "{why}"
    );
    let none = ask(DeviceChoice::Auto, Err("libtorch_cuda.so did not load: libcudnn.so.9".to_owned()), true).unwrap();
    assert!(none.instead.unwrap().contains("did not load"));
    assert_eq!(ask(DeviceChoice::Auto, Ok(0), true).unwrap().instead, None, "no GPU is no news");
    // Who asks for it by name is told, and does not get another.
    let sentence = ask(DeviceChoice::Cuda(0), Ok(1), false).unwrap_err().to_string();
    assert!(sentence.contains("no kernel image") && sentence.ends_with("use --device cpu"), "{sentence}");
    assert_eq!(ask(DeviceChoice::Cuda(1), Ok(2), true).unwrap().device, Device::Cuda(1));
}

#[test]
fn bfloat16_is_for_gpus_that_have_it() {
    assert!(device::refuses_bf16((7, 5)).unwrap().contains("has 7.5"));
    assert_eq!(device::refuses_bf16((8, 0)), None);
    assert_eq!(device::refuses_bf16((9, 0)), None);
    assert_eq!(device::capability(Device::Cpu), None);
}

#[test]
fn what_is_not_known_of_a_device_is_left_out() {
    assert_eq!(Gauge::open(Device::Cpu).read(), (None, None));
    assert_eq!(Gauge::open(Device::Cuda(99)).read(), (None, None));
}

#[test]
fn room_is_what_the_device_lends() {
    assert!(device::has_room(Device::Cpu, 1 << 20));
    assert!(!device::has_room(Device::Cpu, 1 << 60));
    assert!(!device::has_room(Device::Cpu, u64::MAX));
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
    let cuda = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139 GiB of which 1.20 GiB is free. Including non-PyTorch memory, this process has 138 GiB memory in use.\nException raised\nframe #0";
    let error = ModelError::from(TchError::Torch(cuda.to_owned()));
    assert!(matches!(error, ModelError::OutOfMemory(_)));
    let text = error.to_string();
    assert!(text.starts_with("out of memory: Tried to allocate 2.00 GiB. GPU 0 has"), "{text}");
    assert!(text.ends_with("1.20 GiB is free. Use a smaller batch or smaller images, or another device."), "{text}");
    let other = ModelError::from(TchError::Torch("shapes differ\nframe #0: c10::Error".to_owned()));
    assert_eq!(other.to_string(), "libtorch: shapes differ");
}

#[test]
fn settings_for_the_start_give_way_to_the_users() {
    let set = |name: &str| std::env::var_os(name).is_some();
    let names: Vec<&str> = device::start_settings().into_iter().map(|(name, _)| name).collect();
    let spins = cfg!(target_os = "linux") && !set("OMP_WAIT_POLICY") && !set("GOMP_SPINCOUNT");
    assert_eq!(names.contains(&"GOMP_SPINCOUNT"), spins);
    let malloc = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES", "MALLOC_ARENA_MAX"];
    let keeps = cfg!(all(target_os = "linux", target_env = "gnu")) && !malloc.into_iter().any(set);
    assert!(!keeps || names.contains(&"MALLOC_ARENA_MAX"));
    // With them set, as after a start with them, nothing is asked for again: a program cannot start over for ever.
    assert!(names.iter().all(|name| !set(name)), "{names:?}");
}

#[test]
fn the_profiler_counts_what_the_host_reads() {
    let reads = |n: usize| {
        let work = || {
            let x = Tensor::f_ones([8, 8], (Kind::Float, Device::Cpu))?;
            let y = x.f_matmul(&x)?;
            (0..n).try_for_each(|i| y.f_double_value(&[i as i64, 0]).map(|_| ()))?;
            Ok(())
        };
        profiled(Device::Cpu, work).unwrap()
    };
    assert_eq!((reads(0).reads(), reads(3).reads()), (0, 3));
    assert_eq!(reads(0).count("aten::matmul"), 1);
}
