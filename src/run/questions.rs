//! Questions to the network of a run that another process trains: asked by a request in the run's folder, answered by a
//! file beside it.
//!
//! `RUN/commands/ID.json` asks, `RUN/answers/ID.json` answers, and whoever asked removes it. Nothing of this is told in
//! the run's events: an answer is for one alone.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::event::{AttentionMap, Event, ImageMaps, MOST_EPOCHS};
use super::pulse::Pulse;
pub use super::requests::NetQuestion;
use super::requests::{self, Posted, RequestId, Steer};
use crate::base::fs::{read_regular, refuse_links, replace_unsynced};
use crate::base::supply;

/// Images whose attention maps are asked for at once, at most.
pub const MAPS: usize = 8;
/// How long an answer may take: a gallery may have to be described for it.
pub const LIMIT: Duration = Duration::from_secs(600);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Answers that may lie in a run folder: those of askers that have gone are removed, oldest first.
const KEPT: usize = 64;
/// Bytes of an answer at most.
const LARGEST: u64 = 64 << 20;

/// Rows or columns of an attention map at most.
const SIDE: usize = 1024;

/// The event that answers a question, or one sentence on why there is none.
pub type NetAnswer = Result<Event, String>;

/// Where answers lie in a run folder.
pub fn answers_dir(dir: &Path) -> PathBuf {
    dir.join("answers")
}

fn answer_path(dir: &Path, request: &RequestId) -> PathBuf {
    answers_dir(dir).join(format!("{request}.json"))
}

/// Puts an answer into a run folder; answers that nobody fetched go.
///
/// # Errors
/// Those of the file system.
pub fn put(dir: &Path, request: &RequestId, answer: &NetAnswer) -> std::io::Result<()> {
    let path = answer_path(dir, request);
    refuse_links(dir, &path)?;
    let text = serde_json::to_vec(answer).map_err(std::io::Error::other)?;
    std::fs::create_dir_all(answers_dir(dir))?;
    // Names sort by time.
    let mut old: Vec<PathBuf> = std::fs::read_dir(answers_dir(dir))?.filter_map(|e| Some(e.ok()?.path())).collect();
    old.sort();
    let surplus = (old.len() + 1).saturating_sub(KEPT);
    old.iter().take(surplus).for_each(|path| drop(std::fs::remove_file(path)));
    replace_unsynced(&path, &text)
}

/// Removes the answers that lie in a run folder: whoever asked has gone, or was told that the run has ended.
pub fn tidy(dir: &Path) {
    if refuse_links(dir, &answers_dir(dir)).is_ok() {
        let _ = std::fs::remove_dir_all(answers_dir(dir));
    }
}

fn take(dir: &Path, request: &RequestId) -> Option<NetAnswer> {
    let path = answer_path(dir, request);
    let bytes = read_regular(&path, LARGEST).ok()?;
    let _ = std::fs::remove_file(&path);
    // The last one takes the folder with it.
    let _ = std::fs::remove_dir(answers_dir(dir));
    Some(serde_json::from_slice(&bytes).unwrap_or_else(|e| Err(format!("the answer makes no sense ({e})"))))
}

/// Asks the process that trains a run, and waits for its answer; `None` when nobody trains it (any more). `stop` ends
/// the waiting when its other end is dropped.
pub fn ask_trainer(dir: &Path, question: NetQuestion, stop: &Receiver<()>) -> Option<NetAnswer> {
    let mut pulse = Pulse::default();
    let trainer = pulse.look(dir)?;
    let request = Posted::new(Steer::Ask(question));
    if let Err(e) = requests::send(dir, &request) {
        return Some(Err(format!("{} could not be written: {e}", requests::requests_dir(dir).display())));
    }
    let begun = Instant::now();
    loop {
        if let Some(answer) = take(dir, &request.id) {
            return Some(answer);
        }
        if pulse.look(dir).is_none() {
            requests::take_back(dir, &request);
            // It may have answered with its last breath.
            return take(dir, &request.id);
        }
        let why = match stop.recv_timeout(LOOK_EVERY) {
            Err(RecvTimeoutError::Timeout) if begun.elapsed() < LIMIT => continue,
            Err(RecvTimeoutError::Timeout) => {
                let (pid, host) = (trainer.pid, &trainer.host);
                format!("process {pid} on {host} did not answer within {} s", LIMIT.as_secs())
            }
            Ok(()) | Err(RecvTimeoutError::Disconnected) => "nobody waits for the answer any more".to_owned(),
        };
        requests::take_back(dir, &request);
        return Some(Err(why));
    }
}

/// Whether somebody else can be asked about a run: another process that trains it, or the machine where it lies.
pub fn is_asked_elsewhere(dir: &Path, trained: bool) -> bool {
    trained || supply::supplier(&answers_dir(dir)).is_some()
}

/// Asks whoever trains a run, or the machine where it lies, and waits for the answer. More images than are asked for at
/// once are asked for one part after the other.
pub fn ask(dir: &Path, question: &NetQuestion, stop: &Receiver<()>) -> NetAnswer {
    let NetQuestion::HeatMaps(images) = question else { return ask_one(dir, question, stop) };
    let mut all: Option<Event> = None;
    for part in images.chunks(MAPS) {
        match (ask_one(dir, &NetQuestion::HeatMaps(part.to_vec()), stop)?, &mut all) {
            (Event::HeatMaps { images: more, .. }, Some(Event::HeatMaps { images, .. })) => images.extend(more),
            (answer, _) => all = Some(answer),
        }
    }
    all.ok_or_else(|| "no image was named".to_owned())
}

fn ask_one(dir: &Path, question: &NetQuestion, stop: &Receiver<()>) -> NetAnswer {
    if let Some((supplier, _)) = supply::supplier(&answers_dir(dir)) {
        let text = serde_json::to_vec(question).map_err(|e| e.to_string())?;
        let told = supplier.ask(&text).map_err(|e| e.to_string())?;
        let event = serde_json::from_slice(&told).map_err(|e| format!("the answer makes no sense ({e})"))?;
        return checked(question, event);
    }
    let answer = ask_trainer(dir, question.clone(), stop);
    let ended = || Err("the run has just ended: ask again, and its checkpoint answers".to_owned());
    checked(question, answer.unwrap_or_else(ended)?)
}

/// An answer that came from elsewhere, if it is one to that question and holds together.
fn checked(question: &NetQuestion, event: Event) -> NetAnswer {
    let sound = match (question, &event) {
        (NetQuestion::HeatMaps(asked), Event::HeatMaps { epoch, images }) => {
            let side = |n: usize| (1..=SIDE).contains(&n);
            let whole =
                |map: &AttentionMap| side(map.height) && side(map.width) && map.values.len() == map.height * map.width;
            let known = |image: &ImageMaps| asked.contains(&image.image) && image.maps.iter().all(whole);
            *epoch <= MOST_EPOCHS && images.len() <= asked.len() && images.iter().all(known)
        }
        (NetQuestion::Rank(_), Event::Ranked(ranking)) => {
            let finite =
                ranking.distances.iter().chain(ranking.matches.iter().map(|m| &m.distance)).all(|d| d.is_finite());
            let ranked = ranking.matches.is_sorted_by(|a, b| a.rank < b.rank);
            let lengths = ranking.gallery.len() == ranking.distances.len();
            let fraction = ranking.ap.is_none_or(|ap| (0.0..=1.0).contains(&ap));
            ranking.epoch <= MOST_EPOCHS && finite && ranked && lengths && fraction
        }
        (NetQuestion::Likeness { query, hit }, Event::Likeness(found)) => {
            let whole = |map: &AttentionMap| {
                (1..=SIDE).contains(&map.height)
                    && (1..=SIDE).contains(&map.width)
                    && map.values.len() == map.height * map.width
                    && map.values.iter().all(|v| v.is_finite())
            };
            let asked = (found.query, found.hit) == (*query, *hit);
            asked && found.epoch <= MOST_EPOCHS && found.similarity.is_finite() && found.maps.iter().all(whole)
        }
        _ => false,
    };
    match (question, event) {
        (_, _) if !sound => Err("the answer does not hold together".to_owned()),
        // A picture has another path there.
        (NetQuestion::Rank(query), Event::Ranked(mut ranking)) => {
            ranking.query = query.clone();
            Ok(Event::Ranked(ranking))
        }
        (_, event) => Ok(event),
    }
}
