//! Many runs, each followed as its folder grows, whoever writes it.
//!
//! A thread looks at the folders and tells what is new; nothing is needed of the file system but that it can be read
//! (network file systems have no events to offer). A run that somebody trains is looked at ten times a second, one
//! that rests every two seconds; a window that does not listen costs no memory: what it has not taken is not read.

mod listing;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use self::listing::Listing;
use super::event::Stamped;
use super::label::{Label, label_path};
use super::pulse::{Pulse, Trainer};
use super::reader::{Grown, RunReader, Tail};
use super::requests::{self, Posted, RequestId};
use super::summary::Summary;
use super::view::RunView;
use crate::base::trash::{self, Trashed};

/// How often a run that is trained is looked at: half of what may pass between a line and its picture.
const LIVE_EVERY: Duration = Duration::from_millis(100);
/// How often a run that rests is looked at.
const RESTING_EVERY: Duration = Duration::from_secs(2);
/// How often the list is looked over for new folders and runs that are taken up.
const LIST_EVERY: Duration = Duration::from_secs(1);
/// The same while one of them is trained.
const LIVE_LIST_EVERY: Duration = Duration::from_millis(200);
/// After its last event a run is looked at often for so long, whatever the signs of life.
const WARM: Duration = Duration::from_secs(5);
/// What may wait to be taken.
const WAITING: usize = 64;

/// What the thread tells.
#[derive(Debug)]
pub enum Update {
    /// A run that was asked for, whole.
    Opened(Box<Opened>),
    /// It cannot be shown; why.
    NotOpened {
        /// The folder.
        folder: PathBuf,
        /// One sentence.
        why: String,
    },
    /// A followed run has grown.
    Grown {
        /// Its folder.
        folder: PathBuf,
        /// The new events, in order.
        events: Vec<Stamped>,
    },
    /// Somebody has begun to train a followed run, or has ended.
    Trainer {
        /// Its folder.
        folder: PathBuf,
        /// Who, if anybody.
        trainer: Option<Trainer>,
    },
    /// The runs there are, newest first, with who trains them.
    Listed {
        /// A row a run.
        rows: Vec<ListedRun>,
        /// How many lists had been asked for.
        asked: u64,
    },
    /// A run was put into the trash.
    Trashed {
        /// Its folder, as it was named.
        folder: PathBuf,
        /// Where it is.
        trashed: Trashed,
    },
    /// What was asked for could not be done with a folder.
    NotDone {
        /// What, as a heading.
        what: &'static str,
        /// One sentence.
        why: String,
    },
    /// A request could not be put into a run folder.
    NotPosted {
        /// Which.
        request: RequestId,
        /// One sentence.
        why: String,
    },
}

/// A run of the list, and who trains it, if anybody.
pub type ListedRun = (Summary, Option<Trainer>);

/// A run as it was read.
#[derive(Debug)]
pub struct Opened {
    /// Its folder.
    pub folder: PathBuf,
    /// Its events, folded; it says who trains it.
    pub view: RunView,
}

enum Ask {
    Follow(PathBuf),
    Forget(PathBuf),
    Post(PathBuf, Posted),
    List(u64),
    Also(Vec<PathBuf>),
    Label(PathBuf, Label),
    Trash(PathBuf, PathBuf),
    PutBack(Trashed),
}

/// The runs. Dropping it ends its thread.
#[derive(Debug)]
pub struct Store {
    ask: Sender<Ask>,
    updates: Receiver<Update>,
    lists: u64,
    /// Something was sent for which the reader is still to be woken.
    telling: Arc<AtomicBool>,
}

impl Store {
    /// Starts the thread. Runs are listed from `runs_dir`; `wake` is called there when something can be taken.
    pub fn start(runs_dir: PathBuf, wake: impl Fn() + Send + 'static) -> Self {
        let (ask, asked) = bounded(WAITING);
        let (tell, updates) = bounded(WAITING);
        let telling = Arc::new(AtomicBool::new(false));
        let mut thread = Thread {
            tell,
            telling: Arc::clone(&telling),
            wake: Box::new(wake),
            followed: BTreeMap::new(),
            list: Listing::of(runs_dir),
        };
        let work = move || thread.work(&asked);
        if let Err(error) = std::thread::Builder::new().name("run-store".to_owned()).spawn(work) {
            tracing::error!(%error, "no thread to follow runs");
        }
        Self { ask, updates, lists: 0, telling }
    }

    /// Reads a run and follows it; [`Update::Opened`] comes first. A run that is followed already is read anew.
    pub fn follow(&self, folder: PathBuf) {
        self.send(Ask::Follow(folder));
    }

    /// Follows a run no longer.
    pub fn forget(&self, folder: &Path) {
        self.send(Ask::Forget(folder.to_owned()));
    }

    /// Puts a request into a run folder.
    pub fn post(&self, folder: &Path, request: Posted) {
        self.send(Ask::Post(folder.to_owned(), request));
    }

    /// Lists the runs anew, now; the answer counts the lists that were asked for.
    pub fn list(&mut self) -> u64 {
        self.lists += 1;
        self.send(Ask::List(self.lists));
        self.lists
    }

    /// Lists these run folders, too, after those in the folder of runs.
    pub fn list_also(&mut self, elsewhere: Vec<PathBuf>) -> u64 {
        self.send(Ask::Also(elsewhere));
        self.list()
    }

    /// Gives a run another name and note; the list says so.
    pub fn label(&self, folder: &Path, label: Label) {
        self.send(Ask::Label(folder.to_owned(), label));
    }

    /// Puts a run that nobody trains into the trash in `home`, or into that of its disk.
    pub fn trash(&self, folder: &Path, home: PathBuf) {
        self.send(Ask::Trash(folder.to_owned(), home));
    }

    /// Puts a run back where it was.
    pub fn put_back(&self, trashed: Trashed) {
        self.send(Ask::PutBack(trashed));
    }

    fn send(&self, ask: Ask) {
        if self.ask.send_timeout(ask, Duration::from_millis(50)).is_err() {
            tracing::warn!("the thread that follows runs does not answer");
        }
    }

    /// Whether the reader is about to be woken.
    pub fn busy(&self) -> bool {
        self.telling.load(Ordering::SeqCst)
    }

    /// The next thing that is new, if there is one.
    pub fn take(&self) -> Option<Update> {
        self.updates.try_recv().ok()
    }

    /// Waits for the next thing that is new; for tests and programs without a window.
    pub fn wait(&self, limit: Duration) -> Option<Update> {
        self.updates.recv_timeout(limit).ok()
    }
}

struct Thread {
    tell: Sender<Update>,
    telling: Arc<AtomicBool>,
    wake: Box<dyn Fn() + Send>,
    followed: BTreeMap<PathBuf, Followed>,
    list: Listing,
}

/// A run that is followed.
struct Followed {
    tail: Tail,
    pulse: Pulse,
    trainer: Option<Trainer>,
    grown: Instant,
    due: Instant,
    /// Could not be told yet: the window does not listen.
    waiting: Vec<Update>,
}

impl Thread {
    fn work(&mut self, asked: &Receiver<Ask>) {
        loop {
            let due = self.followed.values().map(|f| f.due).chain(self.list.due).min();
            let ask = match due {
                Some(due) => asked.recv_deadline(due),
                None => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let about = if let Ok(Ask::Follow(folder)) = &ask { Some(folder.clone()) } else { None };
            let step = || match ask {
                Ok(Ask::Follow(folder)) => self.follow(folder),
                Ok(Ask::Forget(folder)) => {
                    self.followed.remove(&folder);
                    true
                }
                Ok(Ask::Post(folder, request)) => self.post(&folder, &request),
                Ok(Ask::Also(elsewhere)) => {
                    self.list.elsewhere = elsewhere;
                    true
                }
                Ok(Ask::Label(folder, label)) => {
                    let done = label
                        .write(&folder)
                        .map_err(|e| format!("The name could not be kept in {}: {e}", label_path(&folder).display()));
                    self.done("The run was not renamed", done.map(|()| None))
                }
                Ok(Ask::Trash(folder, home)) => {
                    let done = discard(&folder, &home);
                    if done.is_ok() {
                        self.followed.remove(&folder);
                    }
                    self.done("The run was not deleted", done.map(|trashed| Some(Update::Trashed { folder, trashed })))
                }
                Ok(Ask::PutBack(trashed)) => {
                    let done = trashed.put_back().map_err(|e| format!("{}: {e}", trashed.from.display()));
                    self.done("The run was not put back", done.map(|()| None))
                }
                Ok(Ask::List(asked)) => {
                    (self.list.fresh, self.list.told, self.list.asked) = (true, None, asked);
                    self.list.due = Some(Instant::now());
                    true
                }
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => false,
            };
            // A file that makes us panic must not stop all runs from being followed.
            match catch_unwind(AssertUnwindSafe(step)) {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => {
                    tracing::error!("following a run panicked; please report it");
                    if let Some(folder) = about {
                        let why = "something unforeseen happened while it was read; please report it".to_owned();
                        // A window that does not listen now has other troubles.
                        let _ = self.tell(Update::NotOpened { folder, why });
                    }
                    let later = Instant::now() + RESTING_EVERY;
                    self.followed.values_mut().for_each(|f| f.due = f.due.max(later));
                    self.list.due = self.list.due.map(|due| due.max(later));
                }
            }
        }
    }

    /// Something was done with a folder: the list is looked over anew.
    fn done(&mut self, what: &'static str, done: Result<Option<Update>, String>) -> bool {
        self.list.fresh = true;
        self.list.due = Some(Instant::now());
        match done {
            Ok(None) => true,
            Ok(Some(update)) => self.tell(update).unwrap_or(true),
            Err(why) => self.tell(Update::NotDone { what, why }).unwrap_or(true),
        }
    }

    fn post(&self, folder: &Path, request: &Posted) -> bool {
        let Err(error) = requests::send(folder, request) else { return true };
        let why = format!("{} could not be written: {error}", requests::requests_dir(folder).display());
        self.tell(Update::NotPosted { request: request.id.clone(), why }).unwrap_or(true)
    }

    /// False when nobody listens any more.
    fn tell(&self, update: Update) -> Result<bool, Update> {
        self.telling.store(true, Ordering::SeqCst);
        let told = match self.tell.try_send(update) {
            Ok(()) => {
                (self.wake)();
                Ok(true)
            }
            Err(TrySendError::Full(update)) => Err(update),
            Err(TrySendError::Disconnected(_)) => Ok(false),
        };
        self.telling.store(false, Ordering::SeqCst);
        told
    }

    fn follow(&mut self, folder: PathBuf) -> bool {
        let mut pulse = Pulse::default();
        let trainer = pulse.look(&folder);
        let read = if trainer.is_some() { RunReader::open_live(&folder) } else { RunReader::open(&folder) };
        let reader = match read {
            Ok(reader) => reader,
            Err(error) => {
                let update = Update::NotOpened { folder, why: error.to_string() };
                // A window that asks and does not listen will ask again.
                return self.tell(update).unwrap_or(true);
            }
        };
        let mut view = RunView::of_folder(&reader);
        view.set_trainer(trainer.clone());
        let opened = Box::new(Opened { folder: folder.clone(), view });
        let now = Instant::now();
        let due = now + if trainer.is_some() { LIVE_EVERY } else { RESTING_EVERY };
        let mut followed = Followed { tail: reader.tail(), pulse, trainer, grown: now, due, waiting: Vec::new() };
        let told = self.tell(Update::Opened(opened));
        let listens = match told {
            Ok(listens) => listens,
            Err(update) => {
                followed.waiting.push(update);
                true
            }
        };
        self.followed.insert(folder, followed);
        listens
    }

    fn look(&mut self) -> bool {
        let now = Instant::now();
        let due: Vec<PathBuf> = self.followed.iter().filter(|(_, f)| f.due <= now).map(|(p, _)| p.clone()).collect();
        for folder in due {
            let Some(mut followed) = self.followed.remove(&folder) else { continue };
            let (again, listens) = self.look_at(&folder, &mut followed);
            if !listens {
                return false;
            }
            if again {
                if !self.follow(folder) {
                    return false;
                }
            } else {
                let warm =
                    followed.trainer.is_some() || followed.grown.elapsed() < WARM || !followed.waiting.is_empty();
                followed.due = Instant::now() + if warm { LIVE_EVERY } else { RESTING_EVERY };
                self.followed.insert(folder, followed);
            }
        }
        if self.list.due.is_some_and(|due| due <= now) {
            let rows = self.list.look();
            self.list.due = Some(Instant::now() + self.list.pace());
            if let Some(rows) = rows {
                match self.tell(Update::Listed { rows, asked: self.list.asked }) {
                    Ok(listens) => return listens,
                    // Told whole again next time.
                    Err(_) => self.list.told = None,
                }
            }
        }
        true
    }

    /// What is new of one run: whether it must be read anew, and whether anybody listens.
    fn look_at(&self, folder: &Path, followed: &mut Followed) -> (bool, bool) {
        for update in std::mem::take(&mut followed.waiting) {
            match self.tell(update) {
                Ok(true) => {}
                Ok(false) => return (false, false),
                Err(update) => followed.waiting.push(update),
            }
        }
        if !followed.waiting.is_empty() {
            return (false, true);
        }
        let updates = match followed.tail.poll() {
            Grown::Not => Vec::new(),
            Grown::By(events) => {
                followed.grown = Instant::now();
                vec![Update::Grown { folder: folder.to_owned(), events }]
            }
            Grown::Anew => return (true, true),
        };
        let trainer = followed.pulse.look(folder);
        let changed = trainer != followed.trainer;
        followed.trainer.clone_from(&trainer);
        let changed = changed.then(|| Update::Trainer { folder: folder.to_owned(), trainer });
        for update in updates.into_iter().chain(changed) {
            match self.tell(update) {
                Ok(true) => {}
                Ok(false) => return (false, false),
                Err(update) => followed.waiting.push(update),
            }
        }
        (false, true)
    }
}

/// To the trash with a run, unless somebody trains it.
fn discard(folder: &Path, home: &Path) -> Result<Trashed, String> {
    if Pulse::default().look(folder).is_some() {
        return Err(format!("{} is being trained; stop it first.", folder.display()));
    }
    trash::put(folder, home).map_err(|e| format!("{} could not be moved to the trash: {e}", folder.display()))
}
