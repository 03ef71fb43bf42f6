//! The far end of `ssh://`: answers on its standard streams what is asked about the runs of one folder.
//!
//! One thread reads what is asked, into a bounded queue; this one answers, and looks at the logs that are followed in
//! between. Whoever sends what is no question is cut off. No port is opened: who may log in there may ask.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::frame::{self, DATA_MOST, Fold, Frame};
use super::photos::RemotePhotos;
use super::protocol::{
    Ask, AskedFrame, FOLLOWED, Fate, LISTED, Offer, RemoteRow, StartOrder, Tell, Told, greet, greeted,
};
use super::root::{Root, is_name};
use super::rsync;
use crate::base::fs::{open_regular, refuse_links};
use crate::base::guard::guarded;
use crate::run::event::RankQuery;
use crate::run::folder::events_path;
use crate::run::pulse::{Pulse, Trainer};
use crate::run::questions::{MAPS, NetAnswer, NetQuestion};
use crate::run::requests;
use crate::run::summary::{Summary, folders};

/// How often the logs that are followed are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often those are that nobody writes.
const RESTING_EVERY: Duration = Duration::from_secs(1);
/// After its last event a log is looked at often for so long.
const WARM: Duration = Duration::from_secs(5);
/// Bytes of events told at once.
const AT_ONCE: u64 = 256 << 10;
/// Questions that may wait.
const WAITING: usize = 32;

/// Takes the answer of a network.
pub type Then = Box<dyn FnOnce(NetAnswer) + Send>;

/// What a relay needs of the program beyond run folders.
pub trait Desk {
    /// Datasets, devices and presets here.
    fn offer(&mut self) -> Offer;

    /// Starts a run in `dir`, detached from this process; its name, and whether it waits for another.
    ///
    /// # Errors
    /// One sentence.
    fn start(&mut self, dir: &Path, order: &StartOrder) -> Result<(String, bool), String>;

    /// What became of a run that was started here.
    fn fate(&mut self, dir: &Path, run: &str) -> Fate;

    /// Asks the network of the run in `folder`, on another thread; the answer goes to `then` when it is there.
    ///
    /// # Errors
    /// One sentence, when too many questions wait already.
    fn question(&mut self, folder: PathBuf, question: NetQuestion, then: Then) -> Result<(), String>;
}

/// Serves one line until it ends.
///
/// # Errors
/// One sentence, when the other end speaks another language or sends rubbish.
pub fn serve(
    dir: &Path,
    mut input: impl Read + Send + 'static,
    out: impl Write,
    desk: &mut dyn Desk,
) -> Result<(), String> {
    let (say, said) = bounded(WAITING);
    let answers = say.clone();
    let mut relay =
        Relay { root: Root::new(dir), out, desk, photos: RemotePhotos::default(), followed: BTreeMap::new(), answers };
    // Its greeting first: whoever is there learns the version even where the other end is not spoken with.
    greet(&mut relay.out).map_err(|e| e.to_string())?;
    let read = move || {
        let say = Saying(say);
        let mut next = greeted(&mut input).map_or_else(Heard::Rubbish, |()| Heard::Greeting);
        loop {
            let last = matches!(next, Heard::Rubbish(_) | Heard::End);
            if say.0.send(next).is_err() || last {
                return;
            }
            next = match frame::read(&mut input) {
                Ok(Some(frame)) => question(frame).map_or_else(Heard::Rubbish, Heard::Question),
                Err(e) if e.kind() == io::ErrorKind::InvalidData => Heard::Rubbish(e.to_string()),
                // The line ended or broke: nobody is there to be told.
                Ok(None) | Err(_) => Heard::End,
            };
        }
    };
    std::thread::Builder::new().name("relay-reader".to_owned()).spawn(read).map_err(|e| e.to_string())?;
    relay.work(&said)
}

fn question(frame: Frame) -> Result<(AskedFrame, Vec<u8>), String> {
    let asked: AskedFrame =
        serde_json::from_slice(&frame.head).map_err(|e| format!("it is no question that this program knows ({e})"))?;
    if !frame.data.is_empty() && !matches!(asked.ask, Ask::Question { .. }) {
        return Err("this question carries no data".to_owned());
    }
    Ok((asked, frame.data))
}

/// The end is told however the reader ends.
struct Saying(Sender<Heard>);

impl Drop for Saying {
    fn drop(&mut self) {
        // The relay may have ended before.
        let _ = self.0.send(Heard::End);
    }
}

/// What a relay hears.
enum Heard {
    Greeting,
    Question((AskedFrame, Vec<u8>)),
    /// The answer of a network to the question of that number.
    Answer(u64, NetAnswer),
    Rubbish(String),
    End,
}

struct Relay<'a, W> {
    root: Root,
    out: W,
    desk: &'a mut dyn Desk,
    photos: RemotePhotos,
    followed: BTreeMap<String, Followed>,
    /// Where networks' answers go.
    answers: Sender<Heard>,
}

/// The log of a run, told as it grows.
struct Followed {
    folder: PathBuf,
    told: u64,
    file: Option<u64>,
    grown: Instant,
    due: Instant,
    pulse: Pulse,
    trainer: Option<Trainer>,
    /// Nothing was told yet: the first word says how long the log is, however short.
    first: bool,
}

impl<W: Write> Relay<'_, W> {
    fn work(&mut self, said: &Receiver<Heard>) -> Result<(), String> {
        loop {
            let next = match self.followed.values().map(|f| f.due).min() {
                Some(due) => said.recv_deadline(due),
                None => said.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let lost = |_: io::Error| String::new();
            let done = match next {
                Ok(Heard::Greeting) => Ok(()),
                Ok(Heard::Question((asked, data))) => self.answer(asked, data).map_err(lost),
                Ok(Heard::Answer(id, answer)) => self.tell_answer(id, answer).map_err(lost),
                Ok(Heard::End) => return Ok(()),
                Ok(Heard::Rubbish(why)) => {
                    // Said once, and then the line is cut.
                    let _ = self.tell(0, Tell::Refused { why: why.clone() }, &[], Fold::No);
                    return Err(format!("the other end sent rubbish and was cut off: {why}"));
                }
                Err(RecvTimeoutError::Timeout) => self.look().map_err(lost),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            if done.is_err() {
                return Ok(()); // nobody reads any more
            }
        }
    }

    fn tell(&mut self, id: u64, tell: Tell, data: &[u8], fold: Fold) -> io::Result<()> {
        frame::write(&mut self.out, &Told { id, tell }, data, fold)
    }

    /// Tells what a network answered.
    fn tell_answer(&mut self, id: u64, answer: NetAnswer) -> io::Result<()> {
        let text = answer.and_then(|event| serde_json::to_vec(&event).map_err(|e| e.to_string()));
        match text {
            Ok(text) if text.len() <= DATA_MOST as usize => self.tell(id, Tell::Answer, &text, Fold::Yes),
            Ok(_) => {
                self.tell(id, Tell::Refused { why: "the answer is too long for the line".to_owned() }, &[], Fold::No)
            }
            Err(why) => self.tell(id, Tell::Refused { why }, &[], Fold::No),
        }
    }

    /// Hands a question to whoever has the network; the answer comes later.
    fn ask_network(&mut self, id: u64, run: &str, mut question: NetQuestion, photo: &[u8]) -> Result<(), String> {
        let folder = self.root.run(run)?;
        let mut lent = None;
        match &mut question {
            NetQuestion::HeatMaps(images) if !(1..=MAPS).contains(&images.len()) => {
                return Err(format!("the maps of 1 to {MAPS} images can be asked for at once"));
            }
            NetQuestion::Rank(RankQuery::File(path)) => {
                // The picture that was sent, never a file of this machine.
                image::guess_format(photo).map_err(|_| "it is no picture".to_owned())?;
                let mut file = tempfile::NamedTempFile::new().map_err(|e| e.to_string())?;
                file.write_all(photo).map_err(|e| e.to_string())?;
                *path = file.path().to_owned();
                lent = Some(file);
            }
            NetQuestion::HeatMaps(_) | NetQuestion::Rank(RankQuery::Image(_)) | NetQuestion::Likeness { .. } => {}
        }
        let answers = self.answers.clone();
        let then = move |answer| {
            drop(lent);
            // Nobody is there any more when it cannot be sent.
            let _ = answers.send(Heard::Answer(id, answer));
        };
        self.desk.question(folder, question, Box::new(then))
    }

    fn answer(&mut self, AskedFrame { id, ask }: AskedFrame, data: Vec<u8>) -> io::Result<()> {
        if let Ask::Question { run, question } = ask {
            let handed = guarded("Asking it", || self.ask_network(id, &run, question, &data)).and_then(|handed| handed);
            return handed.or_else(|why| self.tell(id, Tell::Refused { why }, &[], Fold::No));
        }
        let answered = guarded("Answering it", || self.found(ask)).and_then(|found| found);
        match answered {
            Ok((tell, data, fold)) => self.tell(id, tell, &data, fold),
            Err(why) => self.tell(id, Tell::Refused { why }, &[], Fold::No),
        }
    }

    fn found(&mut self, ask: Ask) -> Result<(Tell, Vec<u8>, Fold), String> {
        let plain = |tell| Ok((tell, Vec::new(), Fold::No));
        let rows = |e: serde_json::Error| e.to_string();
        match ask {
            Ask::Ping => plain(Tell::Done),
            Ask::List => Ok((Tell::Runs, serde_json::to_vec(&self.list()).map_err(rows)?, Fold::Yes)),
            Ask::Follow { run, from } => self.follow(run, from).map(|()| (Tell::Done, Vec::new(), Fold::No)),
            Ask::Forget { run } => {
                self.followed.remove(&run);
                plain(Tell::Done)
            }
            Ask::Read { run, file, at, most } => {
                let (bytes, size, stamp) = self.root.piece(&run, &file, at, most)?;
                Ok((Tell::Piece { size, stamp }, bytes, Fold::Yes))
            }
            Ask::Photos { run, split, indices } => {
                let folder = self.root.run(&run)?;
                let (data, lengths) = self.photos.get(&folder, split, &indices)?;
                Ok((Tell::Photos { lengths }, data, Fold::No))
            }
            Ask::Files { run } => {
                Ok((Tell::Files, serde_json::to_vec(&self.root.files(&run)?).map_err(rows)?, Fold::Yes))
            }
            Ask::Put { run, request } => {
                let folder = self.commands(&run, &request)?;
                requests::send(&folder, &request).map_err(|e| e.to_string())?;
                plain(Tell::Done)
            }
            Ask::TakeBack { run, request } => {
                let folder = self.commands(&run, &request)?;
                plain(Tell::TakenBack { taken: requests::take_back(&folder, &request) })
            }
            Ask::Offer => plain(Tell::Offer(self.desk.offer())),
            Ask::Start(order) => {
                if let Some(run) = &order.resume {
                    self.root.run(run)?;
                }
                let (run, queued) = self.desk.start(self.root.dir(), &order)?;
                plain(Tell::Started { run, queued })
            }
            // It was handed on before.
            Ask::Question { .. } => Err("it is no question for the relay itself".to_owned()),
            Ask::Place { run } => {
                let folder = self.root.run(&run)?;
                let folder = folder.to_str().ok_or("its path is not UTF-8")?.to_owned();
                plain(Tell::Place { folder, rsync: rsync::is_here() })
            }
            Ask::Fate { run } => {
                self.root.place(&run)?;
                plain(Tell::Fate(self.desk.fate(self.root.dir(), &run)))
            }
        }
    }

    /// The run folder that a request goes to; its name becomes a file's there.
    fn commands(&self, run: &str, request: &requests::Posted) -> Result<PathBuf, String> {
        let folder = self.root.run(run)?;
        if !is_name(&request.id.to_string()) {
            return Err("the request has no proper name".to_owned());
        }
        refuse_links(&folder, &requests::requests_dir(&folder)).map_err(|e| e.to_string())?;
        Ok(folder)
    }

    fn list(&self) -> Vec<RemoteRow> {
        let row = |folder: &PathBuf| {
            let run = folder.file_name()?.to_str()?.to_owned();
            self.root.run(&run).ok()?;
            let summary = Summary::read(folder).ok()?;
            Some(RemoteRow {
                run,
                mean_ap: summary.mean_ap(),
                trainer: Pulse::default().look(folder),
                title: summary.title,
                outcome: summary.outcome,
                epochs: summary.epochs,
                planned: summary.planned,
            })
        };
        folders(self.root.dir()).iter().filter_map(row).take(LISTED).collect()
    }

    fn follow(&mut self, run: String, from: u64) -> Result<(), String> {
        let folder = self.root.run(&run)?;
        if self.followed.len() >= FOLLOWED && !self.followed.contains_key(&run) {
            return Err(format!("{FOLLOWED} runs are followed on this line already"));
        }
        let now = Instant::now();
        let mut pulse = Pulse::default();
        let trainer = pulse.look(&folder);
        let followed = Followed { folder, told: from, file: None, grown: now, due: now, pulse, trainer, first: true };
        self.followed.insert(run, followed);
        Ok(())
    }

    /// Tells what is new of the logs that are followed.
    fn look(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let due: Vec<String> = self.followed.iter().filter(|(_, f)| f.due <= now).map(|(run, _)| run.clone()).collect();
        for run in due {
            let Some(mut followed) = self.followed.remove(&run) else { continue };
            self.look_at(&run, &mut followed)?;
            self.followed.insert(run, followed);
        }
        Ok(())
    }

    fn look_at(&mut self, run: &str, followed: &mut Followed) -> io::Result<()> {
        if followed.first {
            let trainer = followed.trainer.clone();
            self.tell(0, Tell::Trainer { run: run.to_owned(), trainer }, &[], Fold::No)?;
        }
        // A log that cannot be read just now may be there again at the next look.
        if let Ok((bytes, at, size, anew)) = followed.grown() {
            if !bytes.is_empty() || anew || followed.first {
                followed.told = at + bytes.len() as u64;
                followed.grown = Instant::now();
                self.tell(0, Tell::Events { run: run.to_owned(), at, size, anew }, &bytes, Fold::Yes)?;
            }
            followed.first = false;
            if followed.told < size {
                followed.due = Instant::now(); // there is more
                return Ok(());
            }
        }
        let trainer = followed.pulse.look(&followed.folder);
        if trainer != followed.trainer {
            followed.trainer.clone_from(&trainer);
            self.tell(0, Tell::Trainer { run: run.to_owned(), trainer }, &[], Fold::No)?;
        }
        let warm = followed.trainer.is_some() || followed.grown.elapsed() < WARM;
        followed.due = Instant::now() + if warm { LOOK_EVERY } else { RESTING_EVERY };
        Ok(())
    }
}

impl Followed {
    /// New bytes, where they begin, how long the log is, and whether it is another one.
    fn grown(&mut self) -> io::Result<(Vec<u8>, u64, u64, bool)> {
        let path = events_path(&self.folder);
        refuse_links(&self.folder, &path)?;
        let mut file = open_regular(&path)?;
        let found = file.metadata()?;
        let (mut size, which) = (found.len(), number(&file));
        let anew = size < self.told || (self.file.is_some() && self.file != which);
        self.file = which;
        let at = if anew { 0 } else { self.told };
        let mut bytes = Vec::new();
        if at < size {
            file.seek(SeekFrom::Start(at))?;
            file.take(AT_ONCE.min(size - at)).read_to_end(&mut bytes)?;
        }
        if at + bytes.len() as u64 >= size {
            // A line without its end is no news yet: whoever goes on with a killed run takes it back.
            bytes.truncate(bytes.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1));
            size = at + bytes.len() as u64;
        }
        Ok((bytes, at, size, anew))
    }
}

#[cfg(unix)]
fn number(file: &File) -> Option<u64> {
    file.metadata().ok().map(|m| std::os::unix::fs::MetadataExt::ino(&m))
}

#[cfg(not(unix))]
fn number(_: &File) -> Option<u64> {
    None
}
