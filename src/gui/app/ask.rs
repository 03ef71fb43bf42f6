//! Questions to a network that is not this window's: of a run that another process trains, or of another machine's.

use crossbeam_channel::{Sender, bounded};
use eframe::egui;

use super::App;
use crate::base::time;
use crate::engine::command::{Request, RequestId};
use crate::engine::event::{Event, RunId, Stamped};
use crate::gui::job::Job;
use crate::run::questions;

/// Questions that may wait at once.
const AT_ONCE: usize = 4;

/// A question on its way.
struct Waiting {
    request: RequestId,
    run: RunId,
    job: Job<Event>,
    /// Dropped with this: nobody waits any more.
    _stop: Sender<()>,
}

/// The questions that wait for their answers.
#[derive(Default)]
pub(super) struct Asking(Vec<Waiting>);

/// What is said of a run, but not in its log.
fn told(run: RunId, event: Event) -> Stamped {
    Stamped { run, seq: 0, t: 0.0, wall: time::now(), event }
}

impl App {
    /// Asks whoever has the network of the run on screen; false where the engine of this window is to answer.
    pub(super) fn ask_elsewhere(&mut self, ctx: &egui::Context, request: &Request) -> bool {
        let (Some(question), Some(view)) = (request.command.question(), &self.opened) else { return false };
        let Some(folder) = view.folder.clone().filter(|f| questions::is_asked_elsewhere(f, view.trainer.is_some()))
        else {
            return false;
        };
        let (id, run) = (request.id.clone(), RunId::of(&folder));
        if self.asking.0.len() >= AT_ONCE {
            let why = format!("{AT_ONCE} questions wait for their answers already; ask again in a moment.");
            self.on_answer(ctx, &told(run, Event::Refused { request: id, why }));
            return true;
        }
        let (stop, stopped) = bounded(0);
        let mut job = Job::default();
        let refused = id.clone();
        job.start("question", ctx, move || {
            questions::ask(&folder, &question, &stopped).unwrap_or_else(|why| {
                let why = format!("There is no answer: {why}.");
                Event::Refused { request: refused, why }
            })
        });
        self.asking.0.push(Waiting { request: id, run, job, _stop: stop });
        true
    }

    /// Takes in the answers that have come.
    pub(super) fn poll_asked(&mut self, ctx: &egui::Context) {
        let mut come = Vec::new();
        self.asking.0.retain_mut(|waiting| {
            let event = waiting.job.poll().or_else(|| {
                let why = waiting.job.take_failure()?;
                Some(Event::Refused { request: waiting.request.clone(), why })
            });
            let still = event.is_none();
            come.extend(event.map(|event| told(waiting.run.clone(), event)));
            still
        });
        come.iter().for_each(|stamped| self.on_answer(ctx, stamped));
    }
}
