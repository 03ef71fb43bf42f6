//! How busy and how warm an NVIDIA GPU is, by the driver's own library, which is looked for at run time. Where it is not
//! there, or says nothing of this GPU, that is no error.

use tch::Device;

/// Asks for one device.
pub struct Gauge(#[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code))] Option<Source>);

#[cfg(any(target_os = "linux", windows))]
struct Source {
    library: nvml_wrapper::Nvml,
    bus: String,
}

#[cfg(not(any(target_os = "linux", windows)))]
struct Source;

impl Gauge {
    /// Looks for the library where the device is a GPU.
    pub fn open(device: Device) -> Self {
        Self(match device {
            Device::Cuda(index) => source(index),
            _ => None,
        })
    }

    /// Utilisation in percent and temperature in degrees Celsius, as far as they are known.
    pub fn read(&self) -> (Option<u32>, Option<u32>) {
        #[cfg(any(target_os = "linux", windows))]
        if let Some(Source { library, bus }) = &self.0
            && let Ok(gpu) = library.device_by_pci_bus_id(bus.as_str())
        {
            use nvml_wrapper::enum_wrappers::device::TemperatureSensor::Gpu;
            return (gpu.utilization_rates().ok().map(|rates| rates.gpu), gpu.temperature(Gpu).ok());
        }
        (None, None)
    }
}

#[cfg(any(target_os = "linux", windows))]
fn source(index: usize) -> Option<Source> {
    let bus = super::loader::cuda_bus(index)?;
    let mut builder = nvml_wrapper::Nvml::builder();
    // A driver brings this name; the one without a number is of the developers' kit.
    #[cfg(target_os = "linux")]
    builder.lib_path(std::ffi::OsStr::new("libnvidia-ml.so.1"));
    let library = builder.init().map_err(|e| tracing::debug!("utilisation is not known: {e}")).ok()?;
    Some(Source { library, bus })
}

#[cfg(not(any(target_os = "linux", windows)))]
fn source(_: usize) -> Option<Source> {
    None
}
