//! The line to a relay: one process of ssh, kept, and begun anew when it breaks.
//!
//! Questions are asked from any thread and answered under their numbers; what is told unasked goes to whoever listens.
//! A line that has answered once is begun anew whenever it breaks, after one second, then two, four, up to thirty.

mod threads;

use std::collections::{BTreeMap, VecDeque};
use std::process::{Child, ChildStdin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::address::Address;
use super::frame::{self, Fold};
use super::protocol::{Ask, AskedFrame, Tell};

/// How long a relay may take to greet: somebody may be typing a passphrase.
const GREETING: Duration = Duration::from_secs(60);
/// How often listeners are called.
const BEAT_EVERY: Duration = Duration::from_millis(500);
/// How often the line is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(2);
/// Without any answer for so long, the line is broken.
const SILENCE: Duration = Duration::from_secs(20);
/// Waits before the line is begun anew.
const BACKOFF: [u64; 6] = [1, 2, 4, 8, 16, 30];
/// Bytes kept of what ssh says.
const WORDS: usize = 4096;

/// Why there is no answer; one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line is broken, or never was there.
    #[error("{0}")]
    Broken(String),
    /// The relay says no.
    #[error("{0}")]
    Refused(String),
    /// The relay does not answer in time.
    #[error("{host} did not answer within {seconds} s")]
    Late {
        /// The machine.
        host: String,
        /// How long was waited.
        seconds: u64,
    },
}

/// How the line is.
#[derive(Clone, Debug, PartialEq)]
pub enum LinePhase {
    /// It is being made for the first time.
    Connecting,
    /// It is there.
    Up,
    /// It broke; it is begun anew at that time.
    Broken {
        /// Why, one sentence.
        why: String,
        /// When it is tried again.
        again: Instant,
    },
    /// It is not made anew.
    Ended {
        /// Why, one sentence.
        why: String,
    },
}

/// A file on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Which.
    pub file: String,
    /// Bytes that are here.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// What is told unasked: of a run, by its name.
pub trait LineListener: Send + Sync {
    /// Called on the line's thread, which waits meanwhile.
    fn hear(&self, tell: Tell, data: Vec<u8>) -> Result<(), String>;
    /// The line is there, perhaps anew; what must be asked again. The line is held meanwhile.
    fn again(&self) -> Vec<Ask>;
    /// Called twice a second, whether or not the line is there.
    fn beat(&self);
}

/// An answer on its way.
pub(super) type LineAnswer = Result<(Tell, Vec<u8>), LineError>;

/// Called when something changed that a window shows.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

struct State {
    phase: LinePhase,
    child: Option<Child>,
    to: Option<ChildStdin>,
    /// When the relay last said anything.
    heard: Instant,
    /// Seconds there and back, smoothed.
    latency: Option<f64>,
    /// Questions that wait for answers.
    open: BTreeMap<u64, Sender<LineAnswer>>,
    /// Signs of life that were asked for: their numbers and when.
    pings: VecDeque<(u64, Instant)>,
    listeners: BTreeMap<String, Arc<dyn LineListener>>,
    transfer: Option<Transfer>,
    /// How often it broke.
    breaks: u64,
}

/// A line to one folder of another machine.
pub struct Line {
    address: Address,
    state: Mutex<State>,
    bell: Condvar,
    next: AtomicU64,
    wake: Wake,
}

impl Line {
    /// Begins a line; it is made on a thread of its own.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn begin(address: Address, wake: Wake) -> std::io::Result<Arc<Self>> {
        let line = Arc::new(Self {
            address,
            state: Mutex::new(State {
                phase: LinePhase::Connecting,
                child: None,
                to: None,
                heard: Instant::now(),
                latency: None,
                open: BTreeMap::new(),
                pings: VecDeque::new(),
                listeners: BTreeMap::new(),
                transfer: None,
                breaks: 0,
            }),
            bell: Condvar::new(),
            next: AtomicU64::new(1),
            wake,
        });
        let (working, pinging) = (Arc::clone(&line), Arc::clone(&line));
        std::thread::Builder::new().name("line".to_owned()).spawn(move || working.work())?;
        std::thread::Builder::new().name("line-pulse".to_owned()).spawn(move || pinging.pulse())?;
        Ok(line)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it leads.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How it is.
    pub fn phase(&self) -> LinePhase {
        self.lock().phase.clone()
    }

    /// Seconds there and back.
    pub fn latency(&self) -> Option<f64> {
        self.lock().latency
    }

    /// What is on its way just now, if anything.
    pub fn transfer(&self) -> Option<Transfer> {
        self.lock().transfer.clone()
    }

    pub(super) fn set_transfer(&self, transfer: Option<Transfer>) {
        self.lock().transfer = transfer;
        (self.wake)();
    }

    /// How often it broke so far.
    pub fn breaks(&self) -> u64 {
        self.lock().breaks
    }

    /// Waits until it is there.
    ///
    /// # Errors
    /// Why it is not.
    pub fn ready(&self) -> Result<(), LineError> {
        let mut state = self.lock();
        loop {
            match &state.phase {
                LinePhase::Up => return Ok(()),
                LinePhase::Connecting => state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner),
                LinePhase::Broken { why, .. } | LinePhase::Ended { why } => return Err(LineError::Broken(why.clone())),
            }
        }
    }

    /// Ends it: the process of ssh goes, and it is not begun anew.
    pub fn end(&self, why: &str) {
        let mut state = self.lock();
        state.phase = LinePhase::Ended { why: why.to_owned() };
        state.hang_up();
        drop(state);
        self.bell.notify_all();
    }

    /// Tries again now, where it is broken.
    pub fn again(&self) {
        let mut state = self.lock();
        if let LinePhase::Broken { again, .. } = &mut state.phase {
            *again = Instant::now();
        }
        drop(state);
        self.bell.notify_all();
    }

    /// From now on what is told of that run goes to `listener`.
    pub fn listen(&self, run: &str, listener: Arc<dyn LineListener>) {
        self.lock().listeners.insert(run.to_owned(), listener);
    }

    /// Asks; the answer comes to the receiver.
    ///
    /// # Errors
    /// When the line is broken.
    pub fn send(&self, ask: Ask) -> Result<Receiver<LineAnswer>, LineError> {
        self.send_with(ask, &[])
    }

    /// As [`Line::send`], with data that goes along.
    ///
    /// # Errors
    /// When the line is broken.
    pub fn send_with(&self, ask: Ask, data: &[u8]) -> Result<Receiver<LineAnswer>, LineError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (say, said) = bounded(1);
        let mut state = self.lock();
        if let LinePhase::Broken { why, .. } | LinePhase::Ended { why } = &state.phase {
            return Err(LineError::Broken(why.clone()));
        }
        let Some(to) = &mut state.to else {
            return Err(LineError::Broken(format!("the line to {} is not there yet", self.address.host)));
        };
        if let Err(error) = frame::write(to, &AskedFrame { id, ask }, data, Fold::No) {
            return Err(LineError::Broken(format!("the line to {} broke: {error}", self.address.host)));
        }
        state.open.insert(id, say);
        Ok(said)
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// When the line is broken, the relay says no, or `limit` is over.
    pub fn ask(&self, ask: Ask, limit: Duration) -> Result<(Tell, Vec<u8>), LineError> {
        self.answer(&self.send(ask)?, limit)
    }

    /// Waits for an answer.
    ///
    /// # Errors
    /// As [`Line::ask`].
    pub fn answer(&self, said: &Receiver<LineAnswer>, limit: Duration) -> Result<(Tell, Vec<u8>), LineError> {
        match said.recv_timeout(limit) {
            Ok(Ok((Tell::Refused { why }, _))) => Err(LineError::Refused(why)),
            Ok(answer) => answer,
            Err(_) => Err(LineError::Late { host: self.address.host.clone(), seconds: limit.as_secs() }),
        }
    }

    /// An answer that makes no sense: the other end is no relay of ours, and the line is cut.
    pub fn cut(&self, why: &str) -> LineError {
        let why = format!("{} sent what a relay does not send ({why}) and was cut off", self.address.host);
        self.lock().hang_up();
        LineError::Broken(why)
    }
}

impl State {
    /// Ends the process of ssh.
    fn hang_up(&mut self) {
        self.to = None;
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn fail_open(&mut self, why: &str) {
        for (_, say) in std::mem::take(&mut self.open) {
            let _ = say.send(Err(LineError::Broken(why.to_owned())));
        }
        self.transfer = None;
    }
}
