//! `export --weights`: the network of a run for PyTorch, under the names of other programs.

use std::path::{Path, PathBuf};

use super::error::UsageError;
use super::progress::note;
use crate::engine::command::DeviceChoice;
use crate::engine::trained::Trained;
use crate::model::weights::{self, names::Style};

/// What `export` is asked about weights.
#[derive(clap::Args, Debug, Default)]
pub struct WeightsArgs {
    /// The network of the newest checkpoint, for PyTorch, into this file
    #[arg(long, value_name = "F.safetensors")]
    pub weights: Option<PathBuf>,
    /// Whose names its tensors get; torchvision's unless given
    #[arg(long, value_enum, requires = "weights")]
    pub names: Option<NamesArg>,
}

/// Whose names tensors get.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum NamesArg {
    /// conv1, layer1.0.conv1 …, and feat_bn for the normalisation after pooling
    Torchvision,
    /// SpCL, Cluster-Contrast, ICE: base.0, base.4.0.conv1 …, feat_bn
    Spcl,
    /// fast-reid: backbone.conv1 …, heads.bottleneck.0
    Fastreid,
    /// torchreid: as torchvision
    Torchreid,
}

impl WeightsArgs {
    /// Writes what was asked for; the file, if one was.
    ///
    /// # Errors
    /// When the run has no checkpoint, or the file cannot be written.
    pub fn write(&self, run: &Path) -> anyhow::Result<Option<PathBuf>> {
        let Some(out) = &self.weights else { return Ok(None) };
        if out.extension().is_none_or(|e| e != "safetensors") {
            let text = "weights are written as safetensors: give the file that ending (PyTorch reads it by safetensors.torch.load_file)";
            return Err(UsageError(text.to_owned()).into());
        }
        let style = match self.names.unwrap_or(NamesArg::Torchvision) {
            NamesArg::Torchvision => Style::Torchvision,
            NamesArg::Spcl => Style::Spcl,
            NamesArg::Fastreid => Style::FastReid,
            NamesArg::Torchreid => Style::Torchreid,
        };
        let trained = Trained::open(run, &[], DeviceChoice::Cpu)?;
        let alone = weights::export(&trained.net, out, style)?;
        if let Some(first) = alone.first() {
            let n = alone.len();
            note(&format!(
                "{n} tensors are of attention blocks ({first}, …), which no other program has: without them features differ"
            ));
        }
        Ok(Some(out.clone()))
    }
}
