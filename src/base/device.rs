//! Which device to compute on, as a user names it: `auto`, `cpu`, `cuda` or `cuda:N`.

use std::fmt;
use std::str::FromStr;

/// Where somebody wants to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeviceChoice {
    /// CUDA when there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// That CUDA device.
    Cuda(usize),
}

/// A text that names no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a device; write auto, cpu, cuda or cuda:N")]
pub struct UnknownDevice(String);

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let index = text.strip_prefix("cuda:").and_then(|n| n.parse().ok());
                index.map(Self::Cuda).ok_or_else(|| UnknownDevice(text.to_owned()))
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

/// The devices to choose from here, `auto` first: CUDA devices where the system has them, as far as
/// `CUDA_VISIBLE_DEVICES` allows. Nothing is loaded for it.
pub fn present() -> Vec<DeviceChoice> {
    let there = (0..16).filter(|n| std::path::Path::new(&format!("/dev/nvidia{n}")).exists()).count();
    let visible = std::env::var("CUDA_VISIBLE_DEVICES").ok();
    let allowed = visible.map_or(there, |list| list.split(',').filter(|part| !part.trim().is_empty()).count());
    let cuda = (0..there.min(allowed)).map(DeviceChoice::Cuda);
    [DeviceChoice::Auto, DeviceChoice::Cpu].into_iter().chain(cuda).collect()
}
