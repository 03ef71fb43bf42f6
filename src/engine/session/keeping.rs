//! The checkpoints of a run: what is written when, what is kept, and what is owed when the disk refuses.

use super::Session;
use super::{Saves, in_place};
use crate::base::fs::refuse_links;
use crate::engine::checkpoint::{self, Checkpoint, NamedTensors, Next, Plain, Position};
use crate::engine::error::EngineError;
use crate::engine::event::{Event, Severity};
use crate::engine::link::Link;
use crate::engine::owed::reason;
use crate::model::net::all_finite;
use crate::run::checkpoints::{self, Stand};
use crate::run::error::RunError;

impl Session {
    /// The run as it stands.
    fn checkpoint(&self, saves: &dyn Saves) -> Result<Checkpoint, EngineError> {
        let network = self.setup.net.named_variables();
        if !all_finite(network.iter().map(|(_, t)| t))? {
            return Err(self.diverged("the network holds values that are not finite in"));
        }
        let mut tensors: NamedTensors = network.into_iter().map(|(name, t)| (format!("net.{name}"), t)).collect();
        tensors.extend(saves.tensors()?);
        let plain = Plain {
            position: self.position,
            params: self.params().clone(),
            pending: self.settings.pending().to_vec(),
            threshold: self.threshold,
            best_map: self.best_map,
            best_score: self.best_score,
            kept_as: self.kept_as.clone(),
            unknown: self.unknown.clone(),
        };
        Ok(Checkpoint::new(plain, tensors))
    }

    /// Writes `checkpoints/last.safetensors` and announces it; when the disk refuses, that is announced and tried
    /// again later. The checkpoint before is then untouched.
    ///
    /// # Errors
    /// When the training has diverged or the run folder is gone.
    pub fn write_checkpoint(&mut self, saves: &dyn Saves, link: &mut Link) -> Result<(), EngineError> {
        match self.try_checkpoint(saves, link) {
            Err(e @ EngineError::Run(RunError::Io { .. })) => {
                link.outbox.notice(Severity::Error, "The checkpoint could not be written", reason(&e));
                Ok(())
            }
            result => result,
        }
    }

    /// As [`Session::write_checkpoint`], where nothing follows that could try again.
    ///
    /// # Errors
    /// Also when the disk refuses.
    pub fn try_checkpoint(&mut self, saves: &dyn Saves, link: &mut Link) -> Result<(), EngineError> {
        let checkpoint = self.checkpoint(saves)?;
        in_place(link)?;
        let path = checkpoint::last(&self.folder);
        refuse_links(&self.folder, &path).map_err(RunError::io("write", &path))?;
        let result = checkpoint.write(&path);
        self.owed.checkpoint(&result);
        let file = "checkpoints/last.safetensors".to_owned();
        Ok(link.outbox.emit(Event::Checkpoint { file, epoch: self.epoch(), bytes: result? })?)
    }

    /// Keeps the checkpoint that was just written under a name of its own, until somebody removes it.
    pub(super) fn keep_by_hand(&mut self, link: &mut Link) {
        let Position { phase, epoch, iter, next, .. } = self.position;
        let done = next == Next::Evaluate;
        let stand = Stand { phase, epoch: epoch + usize::from(done), iter: if done { 0 } else { iter } };
        self.keep_last_as(&checkpoints::hand_name(stand), link);
    }

    /// Between two epochs, once its checkpoint is written: keeps it where its turn has come, and removes the oldest of
    /// those beyond what is to be kept.
    pub fn keep_by_rule(&mut self, link: &mut Link) {
        let (every, most) = (self.params().checkpoint.every, self.params().checkpoint.keep);
        let epochs = self.position.epoch;
        if every == 0 || epochs == 0 || !epochs.is_multiple_of(every) {
            return;
        }
        self.keep_last_as(&checkpoints::every_name(epochs), link);
        if let Err(error) = checkpoints::prune(&self.folder, most) {
            tracing::warn!("an old checkpoint stays: {error}");
        }
    }

    fn keep_last_as(&mut self, name: &str, link: &mut Link) {
        // One that could not be written is not the newest.
        if self.owed.owes_checkpoint() {
            return;
        }
        if let Err(e) = checkpoints::keep_last_as(&self.folder, name) {
            link.outbox.notice(Severity::Warning, "The checkpoint could not be kept", format!("{e}."));
        }
    }

    /// Keeps the run as it stands, before its epoch's training, where its clusters are the best so far by a score that
    /// needs no truth.
    ///
    /// # Errors
    /// When the training has diverged or the run folder is gone.
    pub fn keep_best(&mut self, score: Option<f64>, saves: &dyn Saves, link: &mut Link) -> Result<(), EngineError> {
        let Some(score) = score.filter(|score| self.best_score.is_none_or(|best| *score > best)) else {
            return Ok(());
        };
        self.best_score = Some(score);
        self.keep_checkpoint(checkpoints::BEST, saves, link)
    }

    /// Keeps the run as it stands under another name.
    pub fn keep_checkpoint(
        &mut self,
        name: &'static str,
        saves: &dyn Saves,
        link: &mut Link,
    ) -> Result<(), EngineError> {
        let checkpoint = self.checkpoint(saves)?.own()?;
        let path = checkpoints::path_of(&self.folder, name);
        let what = if name == checkpoints::BEST { "checkpoint of the best clusters" } else { "best checkpoint" };
        self.owed.write(what, None, move || checkpoint.write(&path).map(|_| ()), link)
    }
}
