//! Where to compute: the CPU, or a CUDA device found at run time.
//!
//! The program is linked against the CPU part of libtorch only. When an NVIDIA driver is there and
//! `libtorch_cuda.so` of the same version can be found, [`choose`] loads it, and libtorch registers its CUDA half;
//! so one binary serves machines with and without a GPU.

mod gauge;
mod loader;
mod memory;

use std::panic::{AssertUnwindSafe, catch_unwind};

use tch::{Cuda, Device, Kind, Tensor};

use super::error::{ModelError, Result};

use crate::base::device::DeviceChoice;
pub use gauge::Gauge;
pub use memory::{has_room, memory};

/// A device to compute on.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The device.
    pub device: Device,
    /// Why `auto` took the CPU though there is a GPU: a sentence for the user.
    pub instead: Option<String>,
}

/// What is known of the CUDA devices of a machine.
pub struct Machine<'a> {
    /// How many libtorch can use, or why none, as half a sentence.
    pub devices: std::result::Result<usize, String>,
    /// Computes something small on one of them; the reason when that fails.
    pub try_out: &'a dyn Fn(usize) -> std::result::Result<(), String>,
}

/// The device to compute on. `Auto` never fails.
///
/// Call it before anything else of libtorch asks for CUDA: libtorch looks for its CUDA half once.
///
/// # Errors
/// One sentence when the CUDA device asked for is not there or does not compute, with the reason.
pub fn choose(request: DeviceChoice) -> Result<Chosen> {
    let devices = if request == DeviceChoice::Cpu { Ok(0) } else { cuda_devices() };
    choose_on(request, &Machine { devices, try_out: &try_out })
}

/// As [`choose`], on a machine that is described.
///
/// # Errors
/// As [`choose`].
pub fn choose_on(request: DeviceChoice, machine: &Machine) -> Result<Chosen> {
    let plain = |device| Ok(Chosen { device, instead: None });
    let instead =
        |why: String| Ok(Chosen { device: Device::Cpu, instead: Some(format!("Computing on the CPU: {why}.")) });
    match (request, &machine.devices) {
        (DeviceChoice::Cpu, _) | (DeviceChoice::Auto, Ok(0)) => plain(Device::Cpu),
        (DeviceChoice::Auto, Err(reason)) if reason == loader::NO_DRIVER => plain(Device::Cpu),
        (DeviceChoice::Auto, Err(reason)) => instead(reason.clone()),
        (DeviceChoice::Auto, Ok(_)) => match (machine.try_out)(0) {
            Ok(()) => plain(Device::Cuda(0)),
            Err(reason) => instead(format!("cuda:0 does not compute with this libtorch ({reason})")),
        },
        (DeviceChoice::Cuda(index), &Ok(count)) if index < count => match (machine.try_out)(index) {
            Ok(()) => plain(Device::Cuda(index)),
            Err(reason) => Err(ModelError::Device(format!(
                "cuda:{index} was asked for, but it does not compute with this libtorch ({reason}); use --device cpu"
            ))),
        },
        (DeviceChoice::Cuda(index), Ok(0)) => Err(ModelError::Device(format!(
            "cuda:{index} was asked for, but the driver shows no CUDA device; use --device cpu"
        ))),
        (DeviceChoice::Cuda(index), Ok(count)) => Err(ModelError::Device(format!(
            "cuda:{index} was asked for, but there {}: cuda:0{}",
            if *count == 1 { "is one CUDA device".to_owned() } else { format!("are {count} CUDA devices") },
            if *count == 1 { String::new() } else { format!(" to cuda:{}", count - 1) }
        ))),
        (DeviceChoice::Cuda(index), Err(reason)) => {
            Err(ModelError::Device(format!("cuda:{index} was asked for, but {reason}; use --device cpu")))
        }
    }
}

/// Whether a CUDA device computes: a driver may show one that this libtorch has no code for.
fn try_out(index: usize) -> std::result::Result<(), String> {
    let small = |device: Device| -> Result<f64> {
        let _guard = tch::no_grad_guard();
        let (x, kernel) = (Tensor::f_ones([2, 4, 8, 8], (Kind::Float, device))?, [4, 4, 3, 3]);
        let kernel = Tensor::f_ones(kernel, (Kind::Float, device))?;
        let y = x.f_conv2d(&kernel, None::<&Tensor>, [1, 1], [1, 1], [1, 1], 1)?.f_view([8, 64])?;
        Ok(y.f_matmul(&y.f_transpose(0, 1)?)?.f_relu()?.f_sum(Kind::Float)?.f_double_value(&[])?)
    };
    let both = || Ok::<_, ModelError>((small(Device::Cpu)?, small(Device::Cuda(index))?));
    // tch turns some exceptions of the driver into panics
    match catch_unwind(AssertUnwindSafe(both)) {
        Ok(Ok((here, there))) if (here - there).abs() < 1e-2 * here => Ok(()),
        Ok(Ok(_)) => Err("a small product came out wrong".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the CUDA driver failed".to_owned()),
    }
}

/// Compute capability of a CUDA device; `None` for the CPU, or where the driver does not say.
pub fn capability(device: Device) -> Option<(i32, i32)> {
    match device {
        Device::Cuda(index) => loader::cuda_capability(index),
        _ => None,
    }
}

/// Why a GPU of this compute capability cannot compute in bfloat16; `None` when it can.
pub fn refuses_bf16((major, minor): (i32, i32)) -> Option<String> {
    (major < 8).then(|| {
        format!(
            "bfloat16 needs a GPU of compute capability 8.0 or above, and this one has {major}.{minor}; leave it off"
        )
    })
}

/// Makes CUDA known to libtorch where there is a driver, whatever is computed on first: libtorch asks once, at the
/// first convolution, and a process that began on the CPU without this could not train on a GPU later. What is wrong
/// with CUDA is said by [`choose`].
pub fn prepare() {
    let _ = loader::load_cuda();
}

/// Sends a tensor of the host to the device without waiting for what the device has still to do. The bytes were
/// copied when this returns: the driver keeps a few of unpinned memory for itself, and many go through pinned memory,
/// for which it would wait otherwise.
pub(crate) fn send(host: &Tensor, device: Device) -> Result<Tensor> {
    /// The driver's own room, in bytes.
    const KEPT: usize = 64 << 10;
    let many = device.is_cuda() && host.numel() * host.f_kind()?.elt_size_in_bytes() > KEPT;
    let pinned = if many { host.f_pin_memory(device).ok() } else { None };
    let host = pinned.as_ref().unwrap_or(host);
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
///   step's activations are cleared page by page again. Kept blocks make a step of ResNet-50 a tenth shorter. All threads
///   share one arena, as the others hold no blocks above 64 MB: those came from the system each time, a third of the
///   processor time of an extraction.
pub fn start_settings() -> Vec<(&'static str, &'static str)> {
    let chosen = |names: &[&str]| names.iter().any(|k| std::env::var_os(k).is_some());
    let mut settings = Vec::new();
    if cfg!(target_os = "linux") && !chosen(&["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"]) {
        settings.push(("GOMP_SPINCOUNT", "5000"));
    }
    if cfg!(all(target_os = "linux", target_env = "gnu"))
        && !chosen(&["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
    {
        settings.push(("MALLOC_MMAP_THRESHOLD_", "536870912"));
        settings.push(("MALLOC_TRIM_THRESHOLD_", "2147483648"));
        if !chosen(&["MALLOC_ARENA_MAX"]) {
            settings.push(("MALLOC_ARENA_MAX", "1"));
        }
    }
    settings
}
