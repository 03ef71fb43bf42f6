//! What can go wrong with tensors, told in one line.

use std::path::PathBuf;

use tch::TchError;

/// Why the model could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The device has no room left.
    #[error("out of memory: {0}. Use a smaller batch or smaller images, or another device.")]
    OutOfMemory(String),
    /// libtorch refused an operation; the first line of what it said.
    #[error("libtorch: {0}")]
    Torch(String),
    /// Sizes that do not fit together, found before libtorch was asked.
    #[error("{0}")]
    Shape(String),
    /// The device asked for is not there.
    #[error("{0}")]
    Device(String),
    /// A weights file that cannot be used, and why.
    #[error("{path}: {reason}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what was expected.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// The room's result.
pub type Result<T> = std::result::Result<T, ModelError>;

impl ModelError {
    /// The error for what libtorch said; its C++ stack trace is dropped, running out of memory is told apart.
    pub(crate) fn from_text(text: &str) -> Self {
        let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or("it failed without saying why");
        let low = text.to_ascii_lowercase();
        if low.contains("out of memory") || low.contains("can't allocate memory") || low.contains("alloc_failed") {
            // "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you …"
            let short = line.find("you tried").map_or(line, |at| &line[at..]);
            // Within the message of a panic the lines of its stack trace follow, their breaks written out.
            let short = short.split("\\n").next().unwrap_or(short);
            // "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has … is free. Including non-PyTorch memory, …"
            let short = short.strip_prefix("CUDA out of memory. ").unwrap_or(short);
            let short = short.find(" Including non-PyTorch").map_or(short, |at| &short[..at]);
            return Self::OutOfMemory(short.trim_end_matches('.').to_owned());
        }
        Self::Torch(line.to_owned())
    }
}

impl From<TchError> for ModelError {
    fn from(e: TchError) -> Self {
        match e {
            TchError::Torch(text) => Self::from_text(&text),
            other => Self::from_text(&other.to_string()),
        }
    }
}
