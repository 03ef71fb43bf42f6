//! How much memory is in use.

use tch::{Device, Kind, Tensor};

use super::loader;

/// Bytes in use and bytes there are: of this process and the machine for the CPU, of the whole device for CUDA.
/// `None` where the system does not say.
pub fn memory(device: Device) -> Option<(u64, u64)> {
    match device {
        Device::Cpu => {
            let status = std::fs::read_to_string("/proc/self/status").ok()?;
            let machine = std::fs::read_to_string("/proc/meminfo").ok()?;
            Some((kilobytes(&status, "VmRSS:")? * 1024, kilobytes(&machine, "MemTotal:")? * 1024))
        }
        Device::Cuda(index) => loader::cuda_memory(index).map(|(free, total)| (total.saturating_sub(free), total)),
        _ => None,
    }
}

/// Whether the device lends so many bytes at once. It is tried: only libtorch knows how much of what the driver counts as
/// used it merely keeps for later, and gives that back where there is no room otherwise.
pub fn has_room(device: Device, bytes: u64) -> bool {
    i64::try_from(bytes).is_ok_and(|bytes| Tensor::f_empty([bytes], (Kind::Uint8, device)).is_ok())
}

/// The number of the line `key   123 kB`.
fn kilobytes(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|l| l.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}
