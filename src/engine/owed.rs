//! Writes that failed and wait for another try: a full disk costs a picture for a while, not a run.

use std::time::{Duration, Instant};

use super::error::EngineError;
use super::event::{Event, Severity};
use super::link::Link;
use crate::run::error::RunError;

/// A checkpoint is not tried again sooner than this, but at the end of an epoch.
const AGAIN_AFTER: Duration = Duration::from_secs(20);

/// Writes something, as often as it takes.
type Write = Box<dyn Fn() -> Result<(), EngineError>>;

struct Waiting {
    what: &'static str,
    write: Write,
    /// What is said when it is written.
    then: Option<Event>,
}

/// What could not be written yet: of each kind the newest.
#[derive(Default)]
pub(super) struct Owed {
    waiting: Vec<Waiting>,
    checkpoint_failed: Option<Instant>,
}

/// What ends a run where others only owe: a folder that is gone.
fn end_of_run(error: &EngineError) -> bool {
    matches!(error, EngineError::Run(RunError::Gone { .. }) | EngineError::Stopped)
}

/// Why it failed, with the way out where the disk is full.
pub(super) fn reason(error: &EngineError) -> String {
    let full = match error {
        EngineError::Run(RunError::Io { source, .. }) => {
            use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
            matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
        }
        _ => false,
    };
    let way_out = if full { " Make room; it is tried again at the next boundary." } else { "" };
    format!("{error}.{way_out} The training goes on.")
}

impl Owed {
    /// Writes something that the run can do without; when that fails, says so and owes it.
    ///
    /// # Errors
    /// When the run folder is gone, or the event cannot be written.
    pub fn write(
        &mut self,
        what: &'static str,
        then: Option<Event>,
        write: impl Fn() -> Result<(), EngineError> + 'static,
        link: &mut Link,
    ) -> Result<(), EngineError> {
        in_place(link)?;
        // An older one of the kind has its last chance now: what is owed is bounded by the kinds.
        let (older, others) = std::mem::take(&mut self.waiting).into_iter().partition(|w| w.what == what);
        self.waiting = older;
        self.try_again(link)?;
        self.waiting = others;
        match write() {
            Ok(()) => then.map_or(Ok(()), |event| Ok(link.outbox.emit(event)?)),
            Err(e) if end_of_run(&e) => Err(e),
            Err(e) => {
                link.outbox.notice(Severity::Warning, &format!("The {what} could not be written"), reason(&e));
                self.waiting.push(Waiting { what, write: Box::new(write), then });
                Ok(())
            }
        }
    }

    /// Tries everything again that is owed; what fails again stays.
    ///
    /// # Errors
    /// As [`Owed::write`].
    pub fn try_again(&mut self, link: &mut Link) -> Result<(), EngineError> {
        for Waiting { what, write, then } in std::mem::take(&mut self.waiting) {
            in_place(link)?;
            match write() {
                Ok(()) => {
                    let text = "What could not be written before has been written.";
                    link.outbox.notice(Severity::Info, &format!("Written now: {what}"), text);
                    if let Some(event) = then {
                        link.outbox.emit(event)?;
                    }
                }
                Err(e) if end_of_run(&e) => return Err(e),
                Err(e) => {
                    tracing::warn!("the {what} could not be written again: {e}");
                    self.waiting.push(Waiting { what, write, then });
                }
            }
        }
        Ok(())
    }

    /// A checkpoint was written, or could not be.
    pub fn checkpoint(&mut self, result: &Result<u64, EngineError>) {
        self.checkpoint_failed = result.is_err().then(Instant::now);
    }

    /// Whether the newest checkpoint could not be written.
    pub fn owes_checkpoint(&self) -> bool {
        self.checkpoint_failed.is_some()
    }

    /// Whether a checkpoint that failed is to be tried again now.
    pub fn checkpoint_is_due(&self, epoch_ends: bool) -> bool {
        self.checkpoint_failed.is_some_and(|at| epoch_ends || at.elapsed() >= AGAIN_AFTER)
    }
}

/// Whether the run folder is still where the run was begun.
///
/// # Errors
/// When it was removed or moved.
pub(super) fn in_place(link: &mut Link) -> Result<(), EngineError> {
    link.outbox.writer().map_or(Ok(()), |writer| Ok(writer.in_place()?))
}
