//! The network of a run that rests, asked without a window: an engine of its own takes up the run's last checkpoint.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, select};

use super::command::{Command, Request, RequestId};
use super::event::{Event, RunId};
use super::worker::Engine;
use crate::run::questions::{LIMIT, NetAnswer, NetQuestion};

/// Answers questions about runs that nobody trains. The engine begins with the first question and ends with this.
#[derive(Default)]
pub struct Oracle {
    engine: Option<Engine>,
}

impl Oracle {
    /// Answers from the last checkpoint of the run in that folder, which is only read. Waits for the answer; the network
    /// stays at hand for the next question about the same run. `stop` breaks the work off when its other end is dropped.
    ///
    /// # Errors
    /// One sentence: there is no checkpoint, its data is not there, the network fails, or it takes too long.
    pub fn ask(&mut self, folder: &Path, question: NetQuestion, stop: &Receiver<()>) -> NetAnswer {
        let engine = match self.engine.take() {
            Some(engine) => engine,
            None => Engine::spawn(Arc::new(|| {})).map_err(|e| format!("no thread for it: {e}"))?,
        };
        let engine = self.engine.insert(engine);
        let command = match question {
            NetQuestion::HeatMaps(images) => Command::HeatMaps(images),
            NetQuestion::Rank(query) => Command::Rank(query),
            NetQuestion::Likeness { query, hit } => Command::Likeness { query, hit },
        };
        let requests = [Command::Consult(folder.to_owned()), command].map(Request::from);
        let ids = requests.each_ref().map(|request| request.id.clone());
        let handle = engine.handle();
        let ended = || "the engine has ended".to_owned();
        for request in requests {
            handle.commands.send(request).map_err(|_| ended())?;
        }
        self.answer(&ids, &RunId::of(folder), stop)
    }

    /// Waits for the answer to the second of two requests; a refusal of the first is one of both.
    fn answer(&mut self, ids: &[RequestId; 2], run: &RunId, stop: &Receiver<()>) -> NetAnswer {
        let Some(handle) = self.engine.as_ref().map(Engine::handle) else {
            return Err("the engine has ended".to_owned());
        };
        let (deadline, mut first) = (Instant::now() + LIMIT, None);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (stamped, why) = select! {
                recv(handle.events) -> stamped => (stamped.ok(), "the engine has ended".to_owned()),
                recv(stop) -> _ => (None, "nobody waits for the answer any more".to_owned()),
                default(left) => (None, format!("it took longer than {} s", LIMIT.as_secs())),
            };
            let Some(stamped) = stamped else {
                // What is under way looks for a stop, and the engine ends with it.
                self.rest();
                return Err(why);
            };
            match stamped.event {
                Event::Refused { request, why } if request == ids[0] => first = Some(why),
                Event::Refused { request, why } if request == ids[1] => return Err(first.unwrap_or(why)),
                event @ (Event::Ranked(_) | Event::HeatMaps { .. } | Event::Likeness(_)) if stamped.run == *run => {
                    return Ok(event);
                }
                _ => {}
            }
        }
    }

    /// Lets the network go.
    pub fn rest(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.shut_down();
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        self.rest();
    }
}
