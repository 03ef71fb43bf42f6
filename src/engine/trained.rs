//! A trained network outside of a run: for the command line.

use std::path::Path;

use tch::Device;

use super::checkpoint::{self, Checkpoint};
use super::command::DeviceChoice;
use super::error::EngineError;
use super::network::{refuse_bf16, untrained};
use crate::method::params::{Params, Pool};
use crate::model::device::{self, Chosen};
use crate::model::net::{Net, all_finite};
use crate::model::weights::{self, LoadReport, WeightsFile};

/// A network with its parameters.
pub struct Trained {
    /// The network.
    pub net: Net,
    /// The parameters it was trained with.
    pub params: Params,
    /// What loading a plain weights file did; nothing for a checkpoint, which is taken whole.
    pub weights: Option<LoadReport>,
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
        let Chosen { device, instead } = device::choose(device)?;
        if let Some(why) = instead {
            tracing::warn!("{why}");
        }
        let assign = |params: &mut Params| -> Result<(), EngineError> {
            for assignment in assignments {
                params.assign(assignment).map_err(|e| EngineError::Refused(e.to_string()))?;
            }
            Ok(())
        };
        let checkpoint =
            if file.extension().is_some_and(|e| e == "safetensors") { Checkpoint::read(&file)? } else { None };
        let trained = match checkpoint {
            Some(mut checkpoint) => {
                let mut params = checkpoint.plain.params.clone();
                assign(&mut params)?;
                refuse_bf16(&params, device::capability(device))?;
                let net = untrained(&params, device)?;
                checkpoint.fill(&net)?;
                Self { net, params, weights: None }
            }
            None => {
                // A plain weights file knows of one domain only.
                let mut params = Params { weights: file.display().to_string(), ..Params::default() };
                params.adapt.joint = false;
                assign(&mut params)?;
                refuse_bf16(&params, device::capability(device))?;
                Self::of_weights(params, &file, device)?
            }
        };
        if !all_finite(trained.net.named_variables().iter().map(|(_, t)| t))? {
            return Err(EngineError::Refused(format!("{} holds weights that are not finite", file.display())));
        }
        Ok(trained)
    }

    /// A plain weights file in a network; attention blocks that the file does not know are left out, since untrained
    /// ones would turn every feature into noise.
    fn of_weights(mut params: Params, path: &Path, device: Device) -> Result<Self, EngineError> {
        let file = WeightsFile::open(path)?;
        let mut net = untrained(&params, device)?;
        let mut report = weights::apply(&mut net, &file)?;
        if report.lacks_attention() {
            params.attention.enabled = false;
            net = untrained(&params, device)?;
            report = weights::apply(&mut net, &file)?;
            report.notes.push("it knows no attention blocks, so attention is left out".to_owned());
        }
        match (params.net.pool, report.gem) {
            (Pool::Gem, Some(p)) => net.learn_gem(p)?,
            (Pool::Gem, None) => report.notes.push("it tells no power for GeM pooling: 3 is taken".to_owned()),
            _ => {}
        }
        Ok(Self { net, params, weights: Some(report) })
    }

    /// The domain whose batch normalisation the target uses.
    pub fn target_domain(&self) -> usize {
        usize::from(self.params.adapt.joint)
    }
}
