//! A run from its beginning to its end, stage after stage.

use super::adapt::Adaptation;
use super::checkpoint::Checkpoint;
use super::error::EngineError;
use super::event::Phase;
use super::link::Link;
use super::pretrain::Pretraining;
use super::session::{Saves, Session};

/// The stage at which a run stands, with exactly what that stage needs.
pub(super) enum TrainingStage {
    /// Learning the source.
    Pretrain(Pretraining),
    /// Learning the target.
    Adapt(Adaptation),
    /// Nothing is left to do.
    Finished,
}

/// A run.
pub(super) struct Training {
    pub session: Session,
    stage: TrainingStage,
}

impl Training {
    /// A run at its beginning.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn new(session: Session) -> Result<Self, EngineError> {
        let stage = TrainingStage::Pretrain(Pretraining::new(&session)?);
        Ok(Self { session, stage })
    }

    /// A run as a checkpoint left it.
    ///
    /// # Errors
    /// When the checkpoint is not of this run, or lacks something.
    pub fn restore(mut session: Session, mut checkpoint: Checkpoint) -> Result<Self, EngineError> {
        session.take_up(&mut checkpoint)?;
        let stage = match session.position.phase {
            Phase::Pretrain => TrainingStage::Pretrain(Pretraining::restore(&session, &mut checkpoint)?),
            Phase::Adapt => TrainingStage::Adapt(Adaptation::restore(&session, &mut checkpoint)?),
        };
        Ok(Self { session, stage })
    }

    /// Carries the run to its end.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] when that was asked for; a checkpoint is then written. Else what went wrong.
    pub fn run(&mut self, link: &mut Link) -> Result<(), EngineError> {
        let result = self.stages(link);
        if matches!(result, Err(EngineError::Stopped)) {
            let saves: &dyn Saves = match &self.stage {
                TrainingStage::Pretrain(stage) => stage,
                TrainingStage::Adapt(stage) => stage,
                TrainingStage::Finished => return result,
            };
            self.session.try_checkpoint(saves, link)?;
        }
        result
    }

    fn stages(&mut self, link: &mut Link) -> Result<(), EngineError> {
        loop {
            let next = match &mut self.stage {
                TrainingStage::Pretrain(stage) => {
                    stage.run(&mut self.session, link)?;
                    let adapt = Adaptation::new(&mut self.session)?;
                    self.session.write_checkpoint(&adapt, link)?;
                    TrainingStage::Adapt(adapt)
                }
                TrainingStage::Adapt(stage) => {
                    stage.run(&mut self.session, link)?;
                    TrainingStage::Finished
                }
                TrainingStage::Finished => return Ok(()),
            };
            self.stage = next;
        }
    }
}
