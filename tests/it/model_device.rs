//! Choosing a device on machines with and without a GPU.

use reid_workbench::model::device::{self, DeviceRequest};
use tch::Device;

#[test]
fn devices_are_spelt_as_on_the_command_line() {
    let parse = |text: &str| text.parse::<DeviceRequest>();
    assert_eq!(parse("auto").unwrap(), DeviceRequest::Auto);
    assert_eq!(parse("cpu").unwrap(), DeviceRequest::Cpu);
    assert_eq!(parse("cuda").unwrap(), DeviceRequest::Cuda(0));
    assert_eq!(parse("cuda:3").unwrap(), DeviceRequest::Cuda(3));
    assert!(parse("gpu").unwrap_err().to_string().contains("write auto, cpu, cuda or cuda:0"));
    assert_eq!(device::name(Device::Cuda(3)), "cuda:3");
}

#[test]
fn a_device_that_is_not_there_is_one_sentence() {
    assert_eq!(device::choose(DeviceRequest::Cpu).unwrap(), Device::Cpu);
    assert!(device::choose(DeviceRequest::Auto).is_ok());
    let sentence = device::choose(DeviceRequest::Cuda(99)).unwrap_err().to_string();
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
