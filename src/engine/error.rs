//! What ends a run before its time.

use crate::data::error::DataError;
use crate::method::error::MethodError;
use crate::model::error::ModelError;
use crate::run::error::RunError;

/// Why a run ended early. `Stopped` is no failure: somebody asked for it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A stop was asked for.
    #[error("the run was stopped")]
    Stopped,
    /// A dataset cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network or the device failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Clustering or evaluation failed.
    #[error(transparent)]
    Method(MethodError),
    /// The run folder cannot be written or read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The request cannot be carried out; says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// The training left the numbers that can be computed with; says where and the way out.
    #[error("{0}")]
    Diverged(String),
    /// A fault of this program, not of the request.
    #[error("{0}; please report it")]
    Internal(String),
}

impl From<MethodError> for EngineError {
    fn from(e: MethodError) -> Self {
        match e {
            MethodError::Cancelled => Self::Stopped,
            other => Self::Method(other),
        }
    }
}

impl EngineError {
    /// Whether the request was at fault rather than the run: exit code 2 on the command line.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Data(_) | Self::Refused(_) => true,
            Self::Run(e) => e.is_bad_input(),
            // The only files that the model reads are those of weights.
            Self::Model(e) => matches!(e, ModelError::Weights { .. } | ModelError::Io { .. } | ModelError::Device(_)),
            Self::Stopped | Self::Method(_) | Self::Diverged(_) | Self::Internal(_) => false,
        }
    }
}

impl From<tch::TchError> for EngineError {
    fn from(e: tch::TchError) -> Self {
        Self::Model(e.into())
    }
}
