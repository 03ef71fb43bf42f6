//! Where the time of a computation goes, by libtorch's own profiler: operations on the host, kernels on a GPU, and how
//! often the host waits for the device.
//!
//! `unsafe`, since the Rust bindings leave the profiler out: `profile.cpp` beside this file calls it, two functions that
//! throw nothing.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int};
use std::path::Path;

use serde::Deserialize;
use tch::Device;

use super::error::{ModelError, Result};

unsafe extern "C" {
    fn reid_profile_start(cuda: c_int, said: *mut c_char, room: usize) -> c_int;
    fn reid_profile_stop(path: *const c_char, said: *mut c_char, room: usize) -> c_int;
}

/// Operations that make the host wait for what the device has computed. (Inside them libtorch reads a scalar, or asks how
/// many elements there are.)
const READS: [&str; 5] =
    ["aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::unique2", "aten::equal"];
/// Calls of the CUDA runtime in which the host waits.
const WAITS: [&str; 3] = ["cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize"];

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Operations by name, how often each ran and microseconds of its own, operations inside it left out.
    pub operations: BTreeMap<String, (u64, f64)>,
    /// Kernels and copies of the GPU by name, how often and microseconds; none on the CPU.
    pub kernels: BTreeMap<String, (u64, f64)>,
    /// Microseconds in which the GPU did anything.
    pub busy: f64,
    /// Kernels that the host has launched.
    pub launches: u64,
    /// How often the host waited for the device.
    pub waits: u64,
}

impl Profile {
    /// How often operations ran that read something back from the device.
    pub fn reads(&self) -> u64 {
        READS.iter().filter_map(|name| self.operations.get(*name)).map(|(count, _)| count).sum()
    }

    /// How often an operation ran.
    pub fn count(&self, name: &str) -> u64 {
        self.operations.get(name).map_or(0, |(count, _)| *count)
    }

    /// Milliseconds by class of kernel, or by class of operation where no kernel ran; the largest first.
    pub fn classes(&self) -> Vec<(&'static str, f64)> {
        let of = if self.kernels.is_empty() { &self.operations } else { &self.kernels };
        let mut classes: BTreeMap<&'static str, f64> = BTreeMap::new();
        for (name, (_, micros)) in of {
            *classes.entry(class(name)).or_default() += micros / 1e3;
        }
        let mut classes: Vec<_> = classes.into_iter().collect();
        classes.sort_by(|a, b| b.1.total_cmp(&a.1));
        classes
    }
}

/// What a kernel or an operation does, by what its name holds; the first that fits counts.
fn class(name: &str) -> &'static str {
    const CLASSES: [(&str, &[&str]); 9] = [
        ("convolution", &["conv", "fprop", "dgrad", "wgrad", "winograd", "implicit", "Fprop", "Dgrad", "Wgrad"]),
        ("batch normalisation", &["batch_norm", "batchnorm", "bn_fw", "bn_bw", "bnorm"]),
        (
            "product",
            &["gemm", "gemv", "nvjet", "cutlass", "splitK", "aten::mm", "aten::addmm", "aten::bmm", "aten::dot"],
        ),
        ("pooling", &["pool"]),
        (
            "copy",
            &["copy", "Copy", "Cat", "aten::cat", "Memcpy", "Memset", "transpose", "nchwToNhwc", "nhwcToNchw", "fill"],
        ),
        ("indexing", &["index", "gather", "scatter", "topk", "sort"]),
        ("reduction", &["reduce", "aten::sum", "aten::mean", "aten::max", "aten::min", "norm"]),
        (
            "element by element",
            &[
                "elementwise",
                "aten::add",
                "aten::mul",
                "aten::div",
                "aten::sub",
                "aten::relu",
                "aten::sigmoid",
                "hardswish",
                "threshold",
                "sigmoid",
                "aten::lerp",
                "aten::sqrt",
                "aten::where",
                "aten::square",
                "aten::pow",
            ],
        ),
        ("softmax", &["softmax", "Softmax", "SoftMax"]),
    ];
    let holds = |words: &[&str]| words.iter().any(|word| name.contains(word));
    CLASSES.iter().find(|(_, words)| holds(words)).map_or("other", |(class, _)| class)
}

/// Runs `work` and says what it did. The device is waited for at its end.
///
/// # Errors
/// What `work` fails with, or the profiler.
pub fn profiled(device: Device, work: impl FnOnce() -> Result<()>) -> Result<Profile> {
    let folder = tempfile::tempdir().map_err(|source| ModelError::Io { path: std::env::temp_dir(), source })?;
    let path = folder.path().join("trace.json");
    let name = CString::new(path.to_string_lossy().as_bytes())
        .map_err(|_| ModelError::Shape("the folder for temporary files has a name with a zero".to_owned()))?;
    // SAFETY: `said` is called with room for what is written there, an end included.
    said(|text, room| unsafe { reid_profile_start(c_int::from(device.is_cuda()), text, room) })?;
    let outcome = work();
    super::device::synchronize(device);
    // SAFETY: as above, and the path ends with a zero.
    said(|text, room| unsafe { reid_profile_stop(name.as_ptr(), text, room) })?;
    outcome?;
    read(&path)
}

fn said(call: impl FnOnce(*mut c_char, usize) -> c_int) -> Result<()> {
    let mut text = [0u8; 256];
    match call(text.as_mut_ptr().cast(), text.len()) {
        0 => Ok(()),
        _ => {
            let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
            Err(ModelError::from_text(&String::from_utf8_lossy(&text[..end])))
        }
    }
}

#[derive(Deserialize)]
struct Trace {
    #[serde(rename = "traceEvents")]
    events: Vec<TraceEvent>,
}

#[derive(Deserialize)]
struct TraceEvent {
    #[serde(default)]
    cat: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    tid: serde_json::Value,
    #[serde(default)]
    ts: f64,
    #[serde(default)]
    dur: f64,
}

fn read(path: &Path) -> Result<Profile> {
    let text = std::fs::read_to_string(path).map_err(|source| ModelError::Io { path: path.to_owned(), source })?;
    let trace: Trace = serde_json::from_str(&text)
        .map_err(|e| ModelError::Shape(format!("the profiler's trace cannot be read: {e}")))?;
    Ok(summed(trace.events))
}

fn summed(events: Vec<TraceEvent>) -> Profile {
    let mut profile = Profile::default();
    let mut threads: BTreeMap<String, Vec<TraceEvent>> = BTreeMap::new();
    let mut spans = Vec::new();
    for event in events {
        match event.cat.as_str() {
            "cpu_op" => threads.entry(event.tid.to_string()).or_default().push(event),
            "kernel" | "gpu_memcpy" | "gpu_memset" => {
                spans.push((event.ts, event.ts + event.dur));
                book(&mut profile.kernels, event.name, event.dur);
            }
            "cuda_runtime" | "cuda_driver" => {
                profile.launches += u64::from(event.name.contains("LaunchKernel"));
                profile.waits += u64::from(WAITS.contains(&event.name.as_str()));
            }
            _ => {}
        }
    }
    for events in threads.into_values() {
        own_times(events, &mut profile.operations);
    }
    profile.busy = covered(spans);
    profile
}

fn book(of: &mut BTreeMap<String, (u64, f64)>, name: String, micros: f64) {
    let entry = of.entry(name).or_default();
    entry.0 += 1;
    entry.1 += micros;
}

/// Operations of a thread lie in one another; each is booked with the time of those inside it taken off.
fn own_times(mut events: Vec<TraceEvent>, operations: &mut BTreeMap<String, (u64, f64)>) {
    events.sort_by(|a, b| a.ts.total_cmp(&b.ts).then(b.dur.total_cmp(&a.dur)));
    // Those that have begun and not ended: name, end, time of its own so far.
    let mut open: Vec<(String, f64, f64)> = Vec::new();
    for event in events {
        while let Some((name, _, own)) = open.pop_if(|(_, end, _)| *end <= event.ts) {
            book(operations, name, own);
        }
        if let Some((_, _, own)) = open.last_mut() {
            *own -= event.dur;
        }
        open.push((event.name, event.ts + event.dur, event.dur));
    }
    open.into_iter().for_each(|(name, _, own)| book(operations, name, own));
}

/// How much of the time these spans cover, each moment counted once.
fn covered(mut spans: Vec<(f64, f64)>) -> f64 {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut until) = (0.0, f64::NEG_INFINITY);
    for (from, to) in spans {
        if to > until {
            sum += to - from.max(until);
            until = to;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(cat: &str, name: &str, ts: f64, dur: f64) -> TraceEvent {
        TraceEvent { cat: cat.to_owned(), name: name.to_owned(), tid: 1.into(), ts, dur }
    }

    #[test]
    fn a_trace_of_a_gpu_is_summed_by_class_of_kernel() {
        let profile = summed(vec![
            event("cpu_op", "aten::conv2d", 0.0, 10.0),
            event("cpu_op", "aten::cudnn_convolution", 2.0, 6.0),
            event("cpu_op", "aten::_local_scalar_dense", 20.0, 1.0),
            event("cuda_runtime", "cudaLaunchKernel", 3.0, 1.0),
            event("cuda_runtime", "cudaStreamSynchronize", 20.0, 1.0),
            event("kernel", "sm90_xmma_fprop_implicit_gemm_f32", 5.0, 30.0),
            event("kernel", "void at::native::vectorized_elementwise_kernel<4>", 20.0, 20.0),
            event("kernel", "void at::native::bn_fw_tr_1C11_kernel_NCHW", 50.0, 10.0),
            event("gpu_memcpy", "Memcpy DtoH (Device -> Pageable)", 60.0, 1.0),
        ]);
        assert_eq!(profile.operations["aten::conv2d"], (1, 4.0));
        assert_eq!((profile.launches, profile.waits, profile.reads()), (1, 1, 1));
        assert_eq!(profile.busy, 46.0, "two kernels ran at once for 15 µs");
        let expected =
            [("convolution", 0.03), ("element by element", 0.02), ("batch normalisation", 0.01), ("copy", 0.001)];
        assert_eq!(profile.classes(), expected);
    }
}
