//! Sweeps as the window sees them: which there are, how the one looked at stands, and the processes that run them.
//!
//! A sweep is our own program as a process of its own: it goes on when the window is closed, and what it does is read
//! from its folder, whoever began it.

use std::cell::Cell;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use eframe::egui;

use super::job::Job;
use super::pace::Pace;
use crate::base::guard::guarded;
use crate::launch::pictures;
use crate::launch::watch::{SweepStanding, Watched, sweeps};

/// How often a sweep that is run is looked at, and one that rests.
const EVERY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// How a sweep is begun or gone on with.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// A spec: a file, the name of one that comes with the program, or the folder of a sweep.
    pub spec: PathBuf,
    /// The sweep's folder.
    pub dir: PathBuf,
    /// Run failed trials again.
    pub retry: bool,
}

/// What the thread tells.
enum Told {
    /// The sweeps there are.
    Known(Vec<PathBuf>),
    /// How the one looked at stands.
    Stands(Box<SweepStanding>),
    /// It cannot be read.
    Unread(PathBuf, String),
}

/// What is known of sweeps.
pub struct Sweeps {
    dir: PathBuf,
    program: Option<PathBuf>,
    /// The panel was drawn since the last frame: only then somebody looks.
    seen: Cell<bool>,
    watcher: Option<(Sender<Option<PathBuf>>, Receiver<Told>)>,
    known: Vec<PathBuf>,
    listed: bool,
    chosen: Option<PathBuf>,
    standing: Option<SweepStanding>,
    unread: Option<String>,
    ends: Vec<Receiver<(PathBuf, Result<(), String>)>>,
    dashboard: Job<Result<String, String>>,
    dashboard_program: PathBuf,
    served: Option<Served>,
}

/// A study that an optuna-dashboard of ours serves.
struct Served {
    study: PathBuf,
    server: Child,
    url: String,
}

impl Served {
    fn is_alive(&mut self) -> bool {
        matches!(self.server.try_wait(), Ok(None))
    }

    fn end(mut self) {
        // Its page is of no use to anybody once we are gone.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Default for Sweeps {
    fn default() -> Self {
        Self::new(PathBuf::from("sweeps"))
    }
}

impl Drop for Sweeps {
    fn drop(&mut self) {
        if let Some(served) = self.served.take() {
            served.end();
        }
    }
}

impl Sweeps {
    /// Those in a folder; nothing is read before somebody looks.
    pub fn new(dir: PathBuf) -> Self {
        // Named from the root, a trial's run is the same wherever it is listed.
        let dir = std::path::absolute(&dir).unwrap_or(dir);
        Self {
            dir,
            program: std::env::current_exe().ok(),
            seen: Cell::new(false),
            watcher: None,
            known: Vec::new(),
            listed: false,
            chosen: None,
            standing: None,
            unread: None,
            ends: Vec::new(),
            dashboard: Job::default(),
            dashboard_program: PathBuf::from("optuna-dashboard"),
            served: None,
        }
    }

    /// The folder in which sweeps lie.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Begins sweeps with that program, for tests.
    pub fn run_with(&mut self, program: PathBuf) {
        self.program = Some(program);
    }

    /// Serves studies with that program, for tests.
    pub fn serve_with(&mut self, program: PathBuf) {
        self.dashboard_program = program;
    }

    /// Somebody looks at the sweeps.
    pub fn look(&self) {
        self.seen.set(true);
    }

    /// The sweeps there are.
    pub fn known(&self) -> &[PathBuf] {
        &self.known
    }

    /// Whether they were looked for.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// The sweep that is looked at.
    pub fn chosen(&self) -> Option<&Path> {
        self.chosen.as_deref()
    }

    /// How it stands, once it was read.
    pub fn standing(&self) -> Option<&SweepStanding> {
        self.standing.as_ref().filter(|s| Some(&s.dir) == self.chosen.as_ref())
    }

    /// Why it cannot be read, if so.
    pub fn unread(&self) -> Option<&str> {
        self.unread.as_deref()
    }

    /// Whether it is being read.
    pub fn busy(&self) -> bool {
        (self.watcher.is_none() && self.seen.get())
            || self.watcher.is_some()
                && (!self.listed || (self.chosen.is_some() && self.standing().is_none() && self.unread.is_none()))
    }

    /// Looks at another sweep.
    pub fn choose(&mut self, dir: PathBuf) {
        self.unread = None;
        self.chosen = Some(dir);
        self.ask();
    }

    fn ask(&self) {
        if let Some((ask, _)) = &self.watcher
            && ask.send_timeout(self.chosen.clone(), Duration::from_millis(50)).is_err()
        {
            tracing::warn!("the thread that watches sweeps does not answer");
        }
    }

    /// Takes in what is new; the answers are what is to be said: a heading, a sentence, whether all is well.
    pub fn poll(&mut self, ctx: &egui::Context) -> Vec<(String, String, bool)> {
        let mut news = Vec::new();
        if self.seen.take() && self.watcher.is_none() {
            self.watcher = watcher(self.dir.clone(), ctx);
            self.ask();
        }
        let told: Vec<Told> = self.watcher.iter().flat_map(|(_, told)| told.try_iter()).collect();
        for told in told {
            match told {
                Told::Known(known) => {
                    (self.known, self.listed) = (known, true);
                    if self.chosen.is_none() && !self.known.is_empty() {
                        self.choose(self.known[self.known.len() - 1].clone());
                    }
                }
                Told::Stands(standing) => {
                    self.unread = None;
                    self.standing = Some(*standing);
                }
                Told::Unread(dir, why) if Some(&dir) == self.chosen.as_ref() => self.unread = Some(why),
                Told::Unread(..) => {}
            }
        }
        self.ends.retain(|ends| match ends.try_recv() {
            Ok((dir, Ok(()))) => {
                news.push(("A sweep has ended".to_owned(), format!("{} is through.", dir.display()), true));
                false
            }
            Ok((_, Err(why))) => {
                news.push(("A sweep has ended early".to_owned(), why, false));
                false
            }
            Err(error) => error.is_empty(),
        });
        match self.dashboard.poll() {
            Some(Ok(url)) => {
                // Where there is no browser to be opened, the address is of use all the same.
                news.push(("optuna-dashboard serves the sweep".to_owned(), url.clone(), true));
                ctx.open_url(egui::OpenUrl::new_tab(url));
            }
            Some(Err(why)) => news.push(("optuna-dashboard could not be opened".to_owned(), why, false)),
            None => {}
        }
        news
    }

    /// Begins a sweep, or goes on with it, as a process of its own.
    ///
    /// # Errors
    /// A sentence when no process can be started.
    pub fn launch(&mut self, ctx: &egui::Context, launch: &Launch) -> Result<(), String> {
        let failed = |e: &dyn std::fmt::Display| format!("{} could not be begun: {e}", launch.dir.display());
        let program = self.program.as_ref().ok_or_else(|| failed(&"this program does not know where it lies"))?;
        std::fs::create_dir_all(&launch.dir).map_err(|e| failed(&e))?;
        let log = launch.dir.join("sweep.log");
        let out = std::fs::OpenOptions::new().create(true).append(true).open(&log).map_err(|e| failed(&e))?;
        let mut command = Command::new(program);
        command.arg("sweep").arg(&launch.spec);
        if launch.spec != launch.dir {
            command.arg("--out").arg(&launch.dir);
        }
        if launch.retry {
            command.arg("--retry");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(out);
        // Ctrl-C in the terminal that the window was opened from is for the window.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|e| failed(&e))?;
        let (say, ends) = bounded(1);
        let (dir, pace, ctx) = (launch.dir.clone(), Pace::of(ctx), ctx.clone());
        let waiting = std::thread::Builder::new().name("sweep".to_owned()).spawn(move || {
            let end = match child.wait() {
                Ok(status) if status.success() => Ok(()),
                Ok(status) => {
                    let said = crate::base::fs::read_text(&log, 16 << 20).unwrap_or_default();
                    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
                    let last = last.map_or(String::new(), |line| format!(" It said: {line}"));
                    Err(format!("The sweep in {} ended with {status}.{last}", dir.display()))
                }
                Err(error) => Err(error.to_string()),
            };
            // Nobody listens when the window is gone: the sweep's folder says the same.
            let _ = say.send((dir, end));
            pace.wake(&ctx);
        });
        waiting.map_err(|e| failed(&e))?;
        self.ends.push(ends);
        self.choose(launch.dir.clone());
        Ok(())
    }

    /// Serves the chosen sweep's study by an installed optuna-dashboard, on this machine alone, and opens its page.
    pub fn open_dashboard(&mut self, ctx: &egui::Context, dir: &Path) {
        let study = dir.join("study.log");
        if self.dashboard.busy() {
            return;
        }
        if let Some(mut served) = self.served.take() {
            if served.study == study && served.is_alive() {
                ctx.open_url(egui::OpenUrl::new_tab(&served.url));
                self.served = Some(served);
                return;
            }
            served.end();
        }
        let failed = |e: &dyn std::fmt::Display| format!("{e}; install it with `pip install optuna-dashboard`");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map(|a| a.port());
        let mut command = Command::new(&self.dashboard_program);
        command.arg(&study);
        let pictures = pictures::dir_of(dir);
        if pictures.is_dir() {
            command.arg("--artifact-dir").arg(pictures);
        }
        command.args(["--host", "127.0.0.1", "--port"]);
        let spawned = port.and_then(|port| {
            command.arg(port.to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().map(|server| (port, server))
        });
        let (port, server) = match spawned {
            Ok(spawned) => spawned,
            Err(error) => {
                let why = failed(&error);
                return self.dashboard.start("dashboard", ctx, move || Err(why));
            }
        };
        let url = format!("http://127.0.0.1:{port}/");
        self.served = Some(Served { study, server, url: url.clone() });
        self.dashboard.start("dashboard", ctx, move || {
            let since = Instant::now();
            while since.elapsed() < Duration::from_secs(30) {
                let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
                if TcpStream::connect_timeout(&address, Duration::from_millis(250)).is_ok() {
                    return Ok(url);
                }
                // A server says nothing before it listens.
                std::thread::sleep(Duration::from_millis(100));
            }
            Err("it did not begin to serve within 30 s".to_owned())
        });
    }
}

/// The thread that looks at sweeps; `None` where there is no thread to be had.
#[allow(clippy::type_complexity)]
fn watcher(dir: PathBuf, ctx: &egui::Context) -> Option<(Sender<Option<PathBuf>>, Receiver<Told>)> {
    let (ask, asked) = bounded(16);
    let (tell, told) = bounded(64);
    let (pace, ctx) = (Pace::of(ctx), ctx.clone());
    let work = move || {
        let mut thread = Thread { dir, known: None, watched: None, told: None, failed: None };
        let mut wait = Duration::ZERO;
        loop {
            match asked.recv_timeout(wait) {
                Ok(chosen) => thread.choose(chosen),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let looked = guarded("Looking at sweeps", || thread.look());
            let (news, running) = looked.unwrap_or_else(|why| {
                tracing::error!("{why}");
                (Vec::new(), false)
            });
            wait = EVERY[usize::from(!running)];
            let any = !news.is_empty();
            for told in news {
                if tell.send(told).is_err() {
                    return;
                }
            }
            if any {
                pace.wake(&ctx);
            }
        }
    };
    match std::thread::Builder::new().name("sweep-watch".to_owned()).spawn(work) {
        Ok(_) => Some((ask, told)),
        Err(error) => {
            tracing::error!(%error, "no thread to watch sweeps");
            None
        }
    }
}

struct Thread {
    dir: PathBuf,
    known: Option<Vec<PathBuf>>,
    watched: Option<(PathBuf, Option<Watched>)>,
    told: Option<SweepStanding>,
    failed: Option<String>,
}

impl Thread {
    fn choose(&mut self, chosen: Option<PathBuf>) {
        self.watched = chosen.map(|dir| (dir, None));
        (self.told, self.failed) = (None, None);
    }

    /// What is new, and whether the sweep is run just now.
    fn look(&mut self) -> (Vec<Told>, bool) {
        let mut news = Vec::new();
        let known = sweeps(&self.dir);
        if self.known.as_ref() != Some(&known) {
            self.known = Some(known.clone());
            news.push(Told::Known(known));
        }
        let Some((dir, watched)) = &mut self.watched else { return (news, false) };
        if watched.is_none() {
            match Watched::open(dir) {
                Ok(opened) => *watched = Some(opened),
                Err(error) => {
                    let why = Some(error.to_string());
                    if self.failed != why {
                        self.failed.clone_from(&why);
                        news.extend(why.map(|why| Told::Unread(dir.clone(), why)));
                    }
                }
            }
        }
        let Some(standing) = watched.as_mut().map(Watched::look) else { return (news, true) };
        let running = standing.runner.is_some();
        if self.told.as_ref() != Some(&standing) {
            self.told = Some(standing.clone());
            news.push(Told::Stands(Box::new(standing)));
        }
        (news, running)
    }
}
