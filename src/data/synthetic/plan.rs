//! Which pictures a synthetic set has: who, by which camera, in which split, under which name.

use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::SyntheticSpec;
use super::person::Person;
use super::photo::{self, CameraScene, MaskedPhoto, PhotoFrame};
use crate::base::rng;
use crate::data::layout::folders::MARKET;

/// Names the streams of random numbers, so that a new use does not disturb the others.
#[derive(Clone, Copy)]
enum Use {
    Split = 1,
    Person = 2,
    Sharing = 3,
    Scene = 4,
    Shot = 5,
    Stranger = 6,
}

/// What a picture is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One of the people, by index.
    Somebody(usize),
    /// A passer-by whom nobody seeks.
    Stranger,
    /// A bad box round somebody.
    BadBox(usize),
    /// Ground without a person.
    Nobody,
}

/// One picture to be taken.
#[derive(Clone, Debug)]
pub struct Shot {
    /// 0 train, 1 query, 2 gallery.
    pub split: usize,
    /// File name.
    pub name: String,
    /// What it is of.
    pub subject: Subject,
    /// Which camera, 0-based.
    pub camera: usize,
    /// Names its stream of random numbers.
    number: u64,
    /// Pictures of one person in one camera share this, and with it a walking direction.
    pub track: u64,
}

impl Shot {
    /// The folder it belongs in.
    pub fn folder(&self) -> &'static str {
        MARKET[self.split]
    }
}

/// The whole set.
pub struct SetPlan {
    spec: SyntheticSpec,
    people: Vec<Person>,
    /// All pictures.
    pub shots: Vec<Shot>,
}

impl SetPlan {
    /// Decides on everything but pixels.
    pub fn new(spec: &SyntheticSpec) -> Self {
        let mut plan = Self { spec: *spec, people: people(spec), shots: Vec::new() };
        let mut pids: Vec<usize> = (1..=spec.train_ids + spec.test_ids).collect();
        pids.shuffle(&mut rng::stream(spec.seed, &[spec.domain as u64, Use::Split as u64]));
        for (index, &pid) in pids.iter().enumerate() {
            let training = index < spec.train_ids;
            for camera in 0..spec.cameras {
                for k in 0..spec.per_camera {
                    let split = if training { 0 } else { 1 + usize::from(k > 0) };
                    plan.shoot(split, pid as i32, Subject::Somebody(index), camera, k);
                }
            }
        }
        for k in 0..spec.distractors {
            let subject = match k % 5 {
                0 => Subject::Nobody,
                1 => Subject::BadBox(k * 7 % pids.len()),
                _ => Subject::Stranger,
            };
            plan.shoot(2, 0, subject, k % spec.cameras, k);
        }
        for k in 0..spec.junk {
            plan.shoot(2, -1, Subject::BadBox(k * 5 % pids.len()), k % spec.cameras, k);
        }
        plan
    }

    fn shoot(&mut self, split: usize, pid: i32, subject: Subject, camera: usize, k: usize) {
        let number = self.shots.len() as u64;
        let who = if pid < 0 { "-1".to_owned() } else { format!("{pid:04}") };
        let name = format!("{who}_c{}s1_{number:06}_{:02}.jpg", camera + 1, k % 100);
        let track = number / self.spec.per_camera as u64;
        self.shots.push(Shot { split, name, subject, camera, number, track });
    }

    /// The places as each camera sees them when nobody is there.
    pub fn scenes(&self) -> Vec<CameraScene> {
        let make = |camera: usize| CameraScene::new(&self.spec, camera, &mut self.stream(Use::Scene, camera as u64));
        (0..self.spec.cameras).into_par_iter().map(make).collect()
    }

    /// Takes a picture.
    pub fn take(&self, shot: &Shot, scenes: &[CameraScene]) -> MaskedPhoto {
        let mut rng = self.stream(Use::Shot, shot.number);
        let heading = self.stream(Use::Sharing, 1_000 + shot.track).random();
        let frame = PhotoFrame { spec: &self.spec, scene: &scenes[shot.camera], heading };
        match shot.subject {
            Subject::Somebody(i) => photo::take(&frame, Some(&self.people[i]), false, &mut rng),
            Subject::BadBox(i) => photo::take(&frame, Some(&self.people[i]), true, &mut rng),
            Subject::Nobody => photo::take(&frame, None, false, &mut rng),
            Subject::Stranger => {
                let person = Person::draw(&mut self.stream(Use::Stranger, shot.number), self.spec.domain);
                photo::take(&frame, Some(&person), false, &mut rng)
            }
        }
    }

    /// How many pictures each folder gets.
    pub fn written(&self) -> super::Written {
        let count = |split: usize| self.shots.iter().filter(|s| s.split == split).count();
        super::Written { train: count(0), query: count(1), gallery: count(2) }
    }

    fn stream(&self, purpose: Use, number: u64) -> rand_chacha::ChaCha8Rng {
        rng::stream(self.spec.seed, &[self.spec.domain as u64, purpose as u64, number])
    }
}

/// Everybody, training people first. Some wear the clothes of the one before them, who is of the same split, so
/// that clothes alone do not tell people apart.
fn people(spec: &SyntheticSpec) -> Vec<Person> {
    let path = |purpose: Use, i: usize| [spec.domain as u64, purpose as u64, i as u64];
    let mut people: Vec<Person> = Vec::new();
    for i in 0..spec.train_ids + spec.test_ids {
        let mut person = Person::draw(&mut rng::stream(spec.seed, &path(Use::Person, i)), spec.domain);
        let first = i == 0 || i == spec.train_ids;
        let mut sharing = rng::stream(spec.seed, &path(Use::Sharing, i));
        if !first && sharing.random_bool(spec.knobs.shared_clothes.clamp(0.0, 1.0)) {
            person.clothes = people[i - 1].clothes;
        }
        people.push(person);
    }
    people
}
