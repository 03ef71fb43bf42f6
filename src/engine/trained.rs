//! A trained network outside of a run: for the command line.

use std::path::Path;

use super::checkpoint;
use super::command::DeviceChoice;
use super::error::EngineError;
use super::open::{device_request, network};
use crate::method::params::Params;
use crate::model::device;
use crate::model::net::Net;

/// A network with its parameters.
pub struct Trained {
    /// The network.
    pub net: Net,
    /// The parameters it was trained with.
    pub params: Params,
}

impl Trained {
    /// Opens a run folder's last checkpoint, a checkpoint file, or a weights file; `assignments` are
    /// `key=value` on top of the checkpoint's parameters, or of the defaults for a weights file.
    ///
    /// # Errors
    /// When the file is no such thing, or does not fit the parameters.
    pub fn open(path: &Path, assignments: &[String], device: DeviceChoice) -> Result<Self, EngineError> {
        let file = if path.is_dir() { checkpoint::last(path) } else { path.to_owned() };
        if !file.is_file() {
            return Err(EngineError::Refused(format!(
                "{} is not there; give a run folder, a checkpoint or a weights file",
                file.display()
            )));
        }
        let device = device::choose(device_request(device))?;
        let assign = |params: &mut Params| -> Result<(), EngineError> {
            for assignment in assignments {
                params.assign(assignment).map_err(|e| EngineError::Refused(e.to_string()))?;
            }
            Ok(())
        };
        match checkpoint::read_network(&file)? {
            Some((mut params, tensors)) => {
                assign(&mut params)?;
                let (net, _) = network(&Params { weights: String::new(), ..params.clone() }, device)?;
                checkpoint::fill(&net, tensors, &file)?;
                Ok(Self { net, params })
            }
            None => {
                // A plain weights file knows of one domain only.
                let mut params = Params { weights: file.display().to_string(), ..Params::default() };
                params.adapt.joint = false;
                assign(&mut params)?;
                let (net, _) = network(&params, device)?;
                Ok(Self { net, params })
            }
        }
    }

    /// The domain whose batch normalisation the target uses.
    pub fn target_domain(&self) -> usize {
        usize::from(self.params.adapt.joint)
    }
}
