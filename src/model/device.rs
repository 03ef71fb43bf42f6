//! Where to compute: the CPU, or a CUDA device found at run time.
//!
//! The program is linked against the CPU part of libtorch only. When an NVIDIA driver is there and
//! `libtorch_cuda.so` of the same version can be found, [`choose`] loads it, and libtorch registers its CUDA half;
//! so one binary serves machines with and without a GPU.

mod loader;
mod memory;

use std::panic::{AssertUnwindSafe, catch_unwind};

use tch::{Cuda, Device, Tensor};

use super::error::{ModelError, Result};

use crate::base::device::DeviceChoice;
pub use memory::memory;

/// The device to compute on. `Auto` never fails.
///
/// Call it before anything else of libtorch asks for CUDA: libtorch looks for its CUDA half once.
///
/// # Errors
/// One sentence when the CUDA device asked for is not there, with the reason.
pub fn choose(request: DeviceChoice) -> Result<Device> {
    match request {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Auto => Ok(match cuda_devices() {
            Ok(n) if n > 0 => Device::Cuda(0),
            Ok(_) => Device::Cpu,
            Err(reason) => {
                if reason != loader::NO_DRIVER {
                    tracing::warn!("computing on the CPU, since {reason}");
                }
                Device::Cpu
            }
        }),
        DeviceChoice::Cuda(index) => match cuda_devices() {
            Ok(count) if index < count => Ok(Device::Cuda(index)),
            Ok(0) => Err(ModelError::Device(format!(
                "cuda:{index} was asked for, but the driver shows no CUDA device; use --device cpu"
            ))),
            Ok(count) => Err(ModelError::Device(format!(
                "cuda:{index} was asked for, but there {}: cuda:0{}",
                if count == 1 { "is one CUDA device".to_owned() } else { format!("are {count} CUDA devices") },
                if count == 1 { String::new() } else { format!(" to cuda:{}", count - 1) }
            ))),
            Err(reason) => {
                Err(ModelError::Device(format!("cuda:{index} was asked for, but {reason}; use --device cpu")))
            }
        },
    }
}

/// Makes CUDA known to libtorch where there is a driver, whatever is computed on first: libtorch asks once, at the
/// first convolution, and a process that began on the CPU without this could not train on a GPU later. What is wrong
/// with CUDA is said by [`choose`].
pub fn prepare() {
    let _ = loader::load_cuda();
}

/// Sends a tensor of the host to the device without waiting for what the device has still to do. The bytes were
/// copied when this returns: the driver keeps those of unpinned memory for itself.
pub(crate) fn send(host: &Tensor, device: Device) -> Result<Tensor> {
    Ok(host.f_to_device_(device, host.f_kind()?, true, false)?)
}

/// How many CUDA devices libtorch can use, or why none, as half a sentence.
fn cuda_devices() -> std::result::Result<usize, String> {
    loader::load_cuda()?;
    // tch turns an exception of the driver into a panic here
    let count = catch_unwind(AssertUnwindSafe(Cuda::device_count)).map_err(|_| "the CUDA driver failed".to_owned())?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// `cpu`, `cuda:0`: as events and manifests name it.
pub fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        Device::Cpu => "cpu".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Waits until everything queued on the device is done, so that a clock shows what was computed.
pub fn synchronize(device: Device) {
    if let Device::Cuda(index) = device {
        // a failure here shows up again, with its reason, at the next operation
        let _ = catch_unwind(AssertUnwindSafe(|| Cuda::synchronize(index as i64)));
    }
}

/// Settings for speed on this device: cuDNN may try its algorithms out, since all batches have one shape.
pub fn tune(device: Device) {
    if device.is_cuda() {
        let _ = catch_unwind(AssertUnwindSafe(|| Cuda::cudnn_set_benchmark(true)));
    }
}

/// How many threads one operation on the CPU uses.
pub fn threads() -> usize {
    usize::try_from(tch::get_num_threads()).unwrap_or(1).max(1)
}

/// How many threads one operation on the CPU uses unless told otherwise: those that libtorch began with, one a core or
/// what `OMP_NUM_THREADS` says.
pub fn all_threads() -> usize {
    static BEGAN: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *BEGAN.get_or_init(threads)
}

/// From now on one operation on the CPU uses so many threads; libtorch's own default is one a core.
pub fn set_threads(threads: usize) {
    all_threads();
    let threads = i32::try_from(threads.max(1)).unwrap_or(i32::MAX);
    let _ = catch_unwind(|| tch::set_num_threads(threads));
}

/// Settings of the run-time libraries below libtorch that must be in the environment when the program starts: a
/// program that wants them restarts itself with them. Those that the user has chosen already are left out, and there
/// are none where they do not apply.
///
/// - OpenMP, libtorch's threads on the CPU: by default each thread that waits for the others spins for milliseconds.
///   When something else uses the cores (the loader, the window, another program) the spinning takes the very time
///   that is waited for: with two threads on two busy cores a step was seen to take two to three times as long, and
///   five times the processor time. A few thousand turns bridge the gap between two operations; then the thread
///   sleeps.
/// - glibc's malloc: by default it gives blocks above 32 MB back to the system when they are freed, and the next
///   step's activations are cleared page by page again. Kept blocks make a step of ResNet-50 a tenth shorter.
pub fn start_settings() -> Vec<(&'static str, &'static str)> {
    let chosen = |names: &[&str]| names.iter().any(|k| std::env::var_os(k).is_some());
    let mut settings = Vec::new();
    if cfg!(target_os = "linux") && !chosen(&["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"]) {
        settings.push(("GOMP_SPINCOUNT", "5000"));
    }
    if cfg!(all(target_os = "linux", target_env = "gnu"))
        && !chosen(&["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
    {
        settings.push(("MALLOC_MMAP_THRESHOLD_", "268435456"));
        settings.push(("MALLOC_TRIM_THRESHOLD_", "2147483648"));
    }
    settings
}
