//! The two threads of a line: one begins ssh and takes in what comes, the other asks for signs of life.

use std::io::{BufReader, Read};
use std::process::{Child, ChildStderr, ChildStdout};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{BACKOFF, BEAT_EVERY, GREETING, Line, LineListener, LinePhase, PING_EVERY, SILENCE, WORDS};
use crate::remote::frame::{self, Fold};
use crate::remote::protocol::{Ask, AskedFrame, Tell, Told, greet, greeted};

impl Line {
    pub(super) fn work(self: &Arc<Self>) {
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
            if let LinePhase::Ended { why } = &state.phase {
                let why = why.clone();
                state.fail_open(&why);
                return;
            }
            let first = matches!(state.phase, LinePhase::Connecting);
            state.fail_open(&why);
            if first {
                state.phase = LinePhase::Ended { why };
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
            state.phase = LinePhase::Broken { why, again: Instant::now() + wait };
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
            let LinePhase::Broken { again, .. } = &state.phase else { return false };
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
            if let LinePhase::Ended { why } = &state.phase {
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
            if matches!(state.phase, LinePhase::Ended { .. }) {
                return Err("it was ended".to_owned());
            }
            state.phase = LinePhase::Up;
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
    pub(super) fn pulse(self: Arc<Self>) {
        let mut beaten = Instant::now();
        let mut state = self.lock();
        loop {
            state = self.bell.wait_timeout(state, BEAT_EVERY).unwrap_or_else(PoisonError::into_inner).0;
            if beaten.elapsed() >= BEAT_EVERY {
                beaten = Instant::now();
                let listeners: Vec<Arc<dyn LineListener>> = state.listeners.values().cloned().collect();
                drop(state);
                listeners.iter().for_each(|listener| listener.beat());
                state = self.lock();
            }
            match state.phase {
                LinePhase::Ended { .. } => return,
                LinePhase::Connecting | LinePhase::Broken { .. } => {
                    if state.child.is_some() && state.heard.elapsed() > GREETING {
                        state.hang_up();
                    }
                    continue;
                }
                LinePhase::Up => {}
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
                && frame::write(to, &AskedFrame { id, ask: Ask::Ping }, &[], Fold::No).is_ok()
            {
                state.pings.push_back((id, Instant::now()));
            }
        }
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
