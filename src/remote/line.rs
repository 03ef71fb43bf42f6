//! The line to a relay: one process of ssh, kept, and begun anew when it breaks.
//!
//! Questions are asked from any thread and answered under their numbers; what is told unasked goes to whoever listens.
//! A line that has answered once is begun anew whenever it breaks, after one second, then two, four, up to thirty.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufReader, Read};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::address::Address;
use super::frame::{self, Fold};
use super::protocol::{Ask, Asked, Tell, Told, greet, greeted};

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
pub enum Phase {
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
pub trait Listener: Send + Sync {
    /// Called on the line's thread, which waits meanwhile.
    fn hear(&self, tell: Tell, data: Vec<u8>) -> Result<(), String>;
    /// The line is there, perhaps anew; what must be asked again. The line is held meanwhile.
    fn again(&self) -> Vec<Ask>;
    /// Called twice a second, whether or not the line is there.
    fn beat(&self);
}

/// An answer on its way.
pub(super) type Answer = Result<(Tell, Vec<u8>), LineError>;

/// Called when something changed that a window shows.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

struct State {
    phase: Phase,
    child: Option<Child>,
    to: Option<ChildStdin>,
    /// When the relay last said anything.
    heard: Instant,
    /// Seconds there and back, smoothed.
    latency: Option<f64>,
    /// Questions that wait for answers.
    open: BTreeMap<u64, Sender<Answer>>,
    /// Signs of life that were asked for: their numbers and when.
    pings: VecDeque<(u64, Instant)>,
    listeners: BTreeMap<String, Arc<dyn Listener>>,
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
                phase: Phase::Connecting,
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
    pub fn phase(&self) -> Phase {
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
                Phase::Up => return Ok(()),
                Phase::Connecting => state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner),
                Phase::Broken { why, .. } | Phase::Ended { why } => return Err(LineError::Broken(why.clone())),
            }
        }
    }

    /// Ends it: the process of ssh goes, and it is not begun anew.
    pub fn end(&self, why: &str) {
        let mut state = self.lock();
        state.phase = Phase::Ended { why: why.to_owned() };
        state.hang_up();
        drop(state);
        self.bell.notify_all();
    }

    /// Tries again now, where it is broken.
    pub fn again(&self) {
        let mut state = self.lock();
        if let Phase::Broken { again, .. } = &mut state.phase {
            *again = Instant::now();
        }
        drop(state);
        self.bell.notify_all();
    }

    /// From now on what is told of that run goes to `listener`.
    pub fn listen(&self, run: &str, listener: Arc<dyn Listener>) {
        self.lock().listeners.insert(run.to_owned(), listener);
    }

    /// Asks; the answer comes to the receiver.
    ///
    /// # Errors
    /// When the line is broken.
    pub fn send(&self, ask: Ask) -> Result<Receiver<Answer>, LineError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (say, said) = bounded(1);
        let mut state = self.lock();
        if let Phase::Broken { why, .. } | Phase::Ended { why } = &state.phase {
            return Err(LineError::Broken(why.clone()));
        }
        let Some(to) = &mut state.to else {
            return Err(LineError::Broken(format!("the line to {} is not there yet", self.address.host)));
        };
        if let Err(error) = frame::write(to, &Asked { id, ask }, &[], Fold::No) {
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
    pub fn answer(&self, said: &Receiver<Answer>, limit: Duration) -> Result<(Tell, Vec<u8>), LineError> {
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

    fn work(self: &Arc<Self>) {
        let mut tries = 0;
        loop {
            let begun = Instant::now();
            let mut was_up = false;
            let why = match self.connect() {
                Err(why) => why,
                Ok(input) => {
                    was_up = true;
                    self.read(input)
                }
            };
            let mut state = self.lock();
            state.hang_up();
            if let Phase::Ended { why } = &state.phase {
                let why = why.clone();
                state.fail_open(&why);
                return;
            }
            let first = matches!(state.phase, Phase::Connecting);
            state.fail_open(&why);
            if first {
                state.phase = Phase::Ended { why };
                drop(state);
                self.bell.notify_all();
                (self.wake)();
                return;
            }
            // One that was there for a while begins with a short wait again.
            tries = if was_up && begun.elapsed() > Duration::from_secs(10) { 0 } else { tries };
            let wait = Duration::from_secs(BACKOFF[tries.min(BACKOFF.len() - 1)]);
            tries += 1;
            if was_up {
                state.breaks += 1;
            }
            state.latency = None;
            state.phase = Phase::Broken { why, again: Instant::now() + wait };
            drop(state);
            self.bell.notify_all();
            (self.wake)();
            if !self.wait_to_try() {
                return;
            }
        }
    }

    /// Waits until it is to be tried again; false when it is not.
    fn wait_to_try(&self) -> bool {
        let mut state = self.lock();
        loop {
            let Phase::Broken { again, .. } = &state.phase else { return false };
            let left = again.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            state = self.bell.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Starts ssh and waits for the relay's greeting.
    fn connect(self: &Arc<Self>) -> Result<BufReader<ChildStdout>, String> {
        let host = &self.address.host;
        let mut command = self.address.relay();
        let mut child = command
            .spawn()
            .map_err(|e| format!("{} cannot be started: {e}", command.get_program().to_string_lossy()))?;
        let (to, from, words) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut to), Some(from), Some(words)) = (to, from, words) else {
            return Err("ssh was started without its streams".to_owned());
        };
        let said = Arc::new(Mutex::new(Vec::new()));
        let noting = Arc::clone(&said);
        let spawned = std::thread::Builder::new().name("line-words".to_owned()).spawn(move || note(words, &noting));
        {
            let mut state = self.lock();
            state.heard = Instant::now();
            state.child = Some(child);
            if let Phase::Ended { why } = &state.phase {
                return Err(why.clone());
            }
        }
        let mut input = BufReader::new(from);
        let greeting = greet(&mut to).map_err(|e| e.to_string());
        // What was said before the line broke says more than that it broke.
        let greeting = greeted(&mut input).and(greeting);
        if let Err(why) = greeting {
            drop(to);
            let code = self.farewell();
            if let Ok(thread) = spawned {
                let _ = thread.join();
            }
            let said = said.lock().unwrap_or_else(PoisonError::into_inner);
            return Err(reason(host, code, &String::from_utf8_lossy(&said), &why));
        }
        let again: Vec<Ask> = {
            let mut state = self.lock();
            state.to = Some(to);
            state.heard = Instant::now();
            state.pings.clear();
            if matches!(state.phase, Phase::Ended { .. }) {
                return Err("it was ended".to_owned());
            }
            state.phase = Phase::Up;
            state.listeners.values().flat_map(|listener| listener.again()).collect()
        };
        for ask in again {
            // Whether it went well is told by what comes, or does not.
            let _ = self.send(ask);
        }
        self.bell.notify_all();
        (self.wake)();
        Ok(input)
    }

    /// The exit code of a process of ssh that is about to end by itself; one that is not is ended.
    fn farewell(&self) -> Option<i32> {
        let begun = Instant::now();
        let mut state = self.lock();
        while begun.elapsed() < Duration::from_millis(500) {
            match state.child.as_mut().map(Child::try_wait) {
                Some(Ok(None)) => {}
                Some(Ok(Some(status))) => return status.code(),
                _ => break,
            }
            let pause = Duration::from_millis(10);
            state = self.bell.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.hang_up();
        None
    }

    /// Takes answers in until the line ends; why it did.
    fn read(&self, mut input: BufReader<ChildStdout>) -> String {
        let host = &self.address.host;
        loop {
            let frame = match frame::read(&mut input) {
                Ok(Some(frame)) => frame,
                Ok(None) => return format!("the line to {host} broke"),
                Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
                    return format!("{host} sent what a relay does not send ({e}) and was cut off");
                }
                Err(e) => return format!("the line to {host} broke: {e}"),
            };
            let Ok(Told { id, tell }) = serde_json::from_slice::<Told>(&frame.head) else {
                return format!("{host} sent what a relay does not send and was cut off");
            };
            let now = Instant::now();
            let mut state = self.lock();
            state.heard = now;
            if let Some((_, asked)) = state.pings.iter().find(|(ping, _)| *ping == id) {
                let seconds = asked.elapsed().as_secs_f64();
                let before = state.latency;
                state.latency = Some(before.map_or(seconds, |before| 0.7 * before + 0.3 * seconds));
                state.pings.retain(|(ping, _)| *ping > id);
                drop(state);
                // A window that rests is woken for what it would show otherwise, not for each sign of life.
                if before.is_none_or(|before| (seconds - before).abs() > 0.2 * before + 2e-3) {
                    (self.wake)();
                }
                continue;
            }
            if id > 0 {
                // One that came too late for whoever asked finds nobody.
                let waiting = state.open.remove(&id);
                drop(state);
                if let Some(say) = waiting {
                    let _ = say.send(Ok((tell, frame.data)));
                }
                continue;
            }
            let run = match &tell {
                Tell::Events { run, .. } | Tell::Trainer { run, .. } => run,
                Tell::Refused { why } => return format!("{host} has cut the line: {why}"),
                _ => return format!("{host} sent what a relay does not send and was cut off"),
            };
            let listener = state.listeners.get(run).cloned();
            drop(state);
            if let Some(listener) = listener
                && let Err(why) = listener.hear(tell, frame.data)
            {
                return format!("{host}: {why}");
            }
        }
    }

    /// Asks for signs of life, and hangs up where none come.
    fn pulse(self: Arc<Self>) {
        let mut beaten = Instant::now();
        let mut state = self.lock();
        loop {
            state = self.bell.wait_timeout(state, BEAT_EVERY).unwrap_or_else(PoisonError::into_inner).0;
            if beaten.elapsed() >= BEAT_EVERY {
                beaten = Instant::now();
                let listeners: Vec<Arc<dyn Listener>> = state.listeners.values().cloned().collect();
                drop(state);
                listeners.iter().for_each(|listener| listener.beat());
                state = self.lock();
            }
            match state.phase {
                Phase::Ended { .. } => return,
                Phase::Connecting | Phase::Broken { .. } => {
                    if state.child.is_some() && state.heard.elapsed() > GREETING {
                        state.hang_up();
                    }
                    continue;
                }
                Phase::Up => {}
            }
            if state.heard.elapsed() > SILENCE {
                state.hang_up();
                continue;
            }
            if state.pings.back().is_some_and(|(_, asked)| asked.elapsed() < PING_EVERY) {
                continue;
            }
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            if let Some(to) = &mut state.to
                && frame::write(to, &Asked { id, ask: Ask::Ping }, &[], Fold::No).is_ok()
            {
                state.pings.push_back((id, Instant::now()));
            }
        }
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

/// Keeps the last of what ssh says.
fn note(mut words: ChildStderr, said: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = words.read(&mut buffer) {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&buffer[..n]);
        let surplus = said.len().saturating_sub(WORDS);
        said.drain(..surplus);
    }
}

/// Why no relay greeted, in the words of whoever knows most.
fn reason(host: &str, code: Option<i32>, said: &str, why: &str) -> String {
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let last: String = last.chars().filter(|c| !c.is_control()).take(300).collect();
    match code {
        Some(126 | 127) => format!(
            "{host} has no reid-workbench where programs are looked for: put it into ~/.local/bin there, or name it by \
             REID_REMOTE_PROGRAM ({last})"
        ),
        _ if why.starts_with("there is reid-workbench") => format!("on {host} {why}"),
        _ if last.is_empty() => format!("{host} was not reached: {why}"),
        _ if why == "nobody answered as a relay" => format!("{host} was not reached: {last}"),
        _ => format!("{host} was not reached: {why} ({last})"),
    }
}
