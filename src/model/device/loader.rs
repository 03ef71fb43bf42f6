//! Loads libtorch's CUDA half, once.
//!
//! `unsafe`, since loading a shared library runs its initialisers, which Rust cannot vouch for. What is loaded is
//! libtorch's own library and what it needs, from beside the libtorch already in the process or from where the user
//! points `LIBTORCH` or `LD_LIBRARY_PATH`: the same trust as the linked half has.
#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[cfg(target_os = "linux")]
const DRIVER: &str = "libcuda.so.1";
#[cfg(target_os = "linux")]
const CUDA_HALF: &str = "libtorch_cuda.so";
#[cfg(not(target_os = "linux"))]
const DRIVER: &str = "nvcuda.dll";
#[cfg(not(target_os = "linux"))]
const CUDA_HALF: &str = "torch_cuda.dll";

/// The reason on a machine that has no NVIDIA GPU.
pub const NO_DRIVER: &str = "there is no NVIDIA driver on this machine";

/// Loads the CUDA half if it is not in yet; the reason, as half a sentence, when it cannot be used.
pub fn load_cuda() -> Result<(), String> {
    static OUTCOME: OnceLock<Result<(), String>> = OnceLock::new();
    OUTCOME.get_or_init(load).clone()
}

fn load() -> Result<(), String> {
    if open(OsStr::new(DRIVER)).is_err() {
        return Err(NO_DRIVER.to_owned());
    }
    load_from(&places())
}

/// The first of these files that loads, or else what the system finds by name.
fn load_from(places: &[PathBuf]) -> Result<(), String> {
    let mut refusal = None;
    for place in places.iter().filter(|p| p.is_file()) {
        match open_with_needs(place) {
            Ok(()) => {
                open_compilers(place);
                return Ok(());
            }
            Err(reason) => refusal = refusal.or(Some(reason)),
        }
    }
    if open(OsStr::new(CUDA_HALF)).is_ok() {
        return Ok(());
    }
    Err(match refusal {
        Some(reason) => format!("{CUDA_HALF} did not load: {reason}"),
        None => format!("{CUDA_HALF} was not found beside libtorch, in $LIBTORCH/lib or on LD_LIBRARY_PATH"),
    })
}

/// Opens a library; what it needs and the system cannot find is first opened from the folders of pip's layout,
/// `torch/lib` and `nvidia/*/lib`. (The library looks there itself, but only from its place in `torch/lib`, where the
/// linker would take it for a library to link.)
fn open_with_needs(library: &Path) -> Result<(), String> {
    let folders = neighbours(library);
    let mut tried: Vec<PathBuf> = Vec::new();
    let mut pending = vec![library.to_owned()];
    while let Some(next) = pending.last().cloned() {
        match open(next.as_os_str()) {
            Ok(()) => {
                pending.pop();
            }
            Err(reason) => {
                // "libcublas.so.13: cannot open shared object file: …"
                let missing = reason.split(':').next().unwrap_or_default().trim().to_owned();
                let found = folders.iter().map(|f| f.join(&missing)).find(|p| p.is_file() && !tried.contains(p));
                let Some(found) = found else { return Err(reason) };
                tried.push(found.clone());
                pending.push(found);
            }
        }
    }
    Ok(())
}

/// Opens NVIDIA's run-time compiler and linker from the same folders, if they are there: cuDNN asks for them by their
/// bare names, and only what is loaded already is found by that.
fn open_compilers(library: &Path) {
    let files = neighbours(library).into_iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let mut compilers: Vec<PathBuf> = files
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ["libnvJitLink.so", "libnvrtc.so"].iter().any(|start| name.starts_with(start))
        })
        .collect();
    // The linker first, wherever it lies: the compiler may need it.
    compilers.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    for compiler in compilers {
        let _ = open(compiler.as_os_str()); // cuDNN does without, slower
    }
}

/// `torch/lib` above the library, and the `nvidia/*/lib` beside `torch`.
fn neighbours(library: &Path) -> Vec<PathBuf> {
    let Some(lib) = library.ancestors().find(|a| a.file_name() == Some(OsStr::new("lib"))) else { return Vec::new() };
    let mut folders = vec![lib.to_owned()];
    let packages = lib.join("../../nvidia");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(packages).into_iter().flatten().flatten().map(|e| e.path().join("lib")).collect();
    found.sort();
    folders.extend(found);
    folders
}

/// Where the CUDA half may lie, in order: beside the libtorch that is in this process, in `cuda/` below that (where
/// the set-up puts it, so that the build does not link it), and below `$LIBTORCH`.
fn places() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    folders.extend(loaded_libtorch());
    if let Some(root) = std::env::var_os("LIBTORCH") {
        folders.push(Path::new(&root).join("lib"));
    }
    folders.iter().flat_map(|f| [f.join(CUDA_HALF), f.join("cuda").join(CUDA_HALF)]).collect()
}

/// The folder of the `libtorch_cpu.so` that this process runs on.
fn loaded_libtorch() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|l| l.ends_with("/libtorch_cpu.so"))?;
    Path::new(&line[line.find('/')?..]).parent().map(Path::to_owned)
}

/// Loads a library for the rest of the process, its symbols visible to all others: libtorch's halves find each other
/// through them.
#[cfg(unix)]
fn open(library: &OsStr) -> Result<(), String> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: libtorch and the NVIDIA driver are made to be loaded at run time, from any thread; see the module's head.
    match unsafe { Library::open(Some(library), RTLD_NOW | RTLD_GLOBAL) } {
        Ok(loaded) => {
            std::mem::forget(loaded);
            Ok(())
        }
        Err(error) => {
            tracing::debug!("{}: {error}", library.to_string_lossy());
            Err(error.to_string())
        }
    }
}

/// As on Unix; Windows has one space of symbols.
#[cfg(not(unix))]
fn open(library: &OsStr) -> Result<(), String> {
    // SAFETY: as on Unix.
    match unsafe { libloading::Library::new(library) } {
        Ok(loaded) => {
            std::mem::forget(loaded);
            Ok(())
        }
        Err(error) => {
            tracing::debug!("{}: {error}", library.to_string_lossy());
            Err(error.to_string())
        }
    }
}

/// Free and total bytes of a CUDA device, from the CUDA runtime that libtorch brought along.
pub fn cuda_memory(index: usize) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use libloading::os::unix::{Library, Symbol};
        type GetInfo = unsafe extern "C" fn(*mut usize, *mut usize) -> i32;
        type SetDevice = unsafe extern "C" fn(i32) -> i32;
        type GetDevice = unsafe extern "C" fn(*mut i32) -> i32;
        load_cuda().ok()?;
        let process = Library::this();
        let (mut free, mut total, mut current) = (0usize, 0usize, 0i32);
        // SAFETY: the symbols are the CUDA runtime's, whose signatures these are; libtorch keeps it in the process. The
        // current device of this thread is put back.
        unsafe {
            let info: Symbol<GetInfo> = process.get(b"cudaMemGetInfo\0").ok()?;
            let set: Symbol<SetDevice> = process.get(b"cudaSetDevice\0").ok()?;
            let get: Symbol<GetDevice> = process.get(b"cudaGetDevice\0").ok()?;
            if get(&mut current) != 0 || set(i32::try_from(index).ok()?) != 0 {
                return None;
            }
            let outcome = info(&mut free, &mut total);
            let restored = set(current);
            (outcome == 0 && restored == 0).then_some((free as u64, total as u64))
        }
    }
    #[cfg(not(unix))]
    {
        let _ = index;
        None
    }
}

/// Compute capability of a CUDA device, as (8, 0).
pub fn cuda_capability(index: usize) -> Option<(i32, i32)> {
    #[cfg(unix)]
    {
        use libloading::os::unix::{Library, Symbol};
        type GetAttribute = unsafe extern "C" fn(*mut i32, i32, i32) -> i32;
        /// `cudaDevAttrComputeCapabilityMajor`, `…Minor`.
        const MAJOR_MINOR: [i32; 2] = [75, 76];
        load_cuda().ok()?;
        let process = Library::this();
        let index = i32::try_from(index).ok()?;
        let mut found = [0i32; 2];
        // SAFETY: as in `cuda_memory`; both numbers are written to a place of their own.
        unsafe {
            let ask: Symbol<GetAttribute> = process.get(b"cudaDeviceGetAttribute\0").ok()?;
            for (value, attribute) in found.iter_mut().zip(MAJOR_MINOR) {
                if ask(value, attribute, index) != 0 {
                    return None;
                }
            }
        }
        Some((found[0], found[1]))
    }
    #[cfg(not(unix))]
    {
        let _ = index;
        None
    }
}

/// Where a CUDA device sits on the bus, as the driver's other libraries name it: CUDA's own numbers are others there.
pub fn cuda_bus(index: usize) -> Option<String> {
    #[cfg(unix)]
    {
        use libloading::os::unix::{Library, Symbol};
        type GetBusId = unsafe extern "C" fn(*mut u8, i32, i32) -> i32;
        load_cuda().ok()?;
        let process = Library::this();
        let mut text = [0u8; 64];
        // SAFETY: as in `cuda_memory`; no more than the given 64 bytes are written, a zero at the end.
        unsafe {
            let ask: Symbol<GetBusId> = process.get(b"cudaDeviceGetPCIBusId\0").ok()?;
            if ask(text.as_mut_ptr(), text.len() as i32, i32::try_from(index).ok()?) != 0 {
                return None;
            }
        }
        let end = text.iter().position(|&b| b == 0)?;
        String::from_utf8(text[..end].to_vec()).ok()
    }
    #[cfg(not(unix))]
    {
        let _ = index;
        None
    }
}
