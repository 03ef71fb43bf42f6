//! Synthetic pedestrians: two places full of drawn people, written as a Market-1501 folder.
//!
//! Nothing in them comes from a photograph. The same [`SyntheticSpec`] gives the same bytes. `person` says who is
//! drawn, `figure` and `shape` give them a body, `places`, `world` and `surface` what stands behind them, `photo` takes the
//! picture, `plan` says which pictures there are.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::layout::synthetic::MARK;
use super::{DataError, Tick};
use crate::base::fs::read_text;

pub mod features;
mod figure;
pub mod histogram;
pub mod maths;
pub mod paint;
pub mod person;
pub mod photo;
pub mod places;
pub mod plan;
pub mod render;
pub mod shape;
pub mod surface;
pub mod world;

/// Changes whenever the same specification gives other pictures, so that old ones are not taken for new.
pub const VERSION: u32 = 1;

/// A place, with its light, its cameras and the clothes people wear there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum City {
    /// A square in daylight; the usual source.
    Plaza,
    /// A station under lamps; the usual target.
    Station,
}

impl City {
    /// The spelling in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaza => "plaza",
            Self::Station => "station",
        }
    }

    /// The domain of that spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Plaza, Self::Station].into_iter().find(|d| d.name() == name)
    }
}

/// How hard the pictures are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Difficulty {
    /// Share of people who wear another's clothes, 0..1.
    pub shared_clothes: f64,
    /// Share of pictures in which something stands before the person, 0..1.
    pub occlusion: f64,
    /// How far the detector's box is off; 1 is usual.
    pub jitter: f64,
    /// How far people turn from the way everybody walks; 1 is usual.
    pub turn: f64,
    /// Strength of the domain's colour cast; 0 is none.
    pub cast: f64,
    /// Loss of light, 0..1.
    pub darkness: f64,
    /// Lens blur, pixels of the finished picture.
    pub blur: f64,
    /// Noise of the sensor, grey levels.
    pub noise: f64,
    /// How much the cameras of the domain differ in colour and light; 1 is usual.
    pub spread: f64,
}

impl Difficulty {
    /// The usual difficulty of a domain.
    pub fn of(domain: City) -> Self {
        let shared = Self {
            shared_clothes: 0.34,
            occlusion: 0.18,
            jitter: 1.0,
            turn: 1.0,
            cast: 1.0,
            darkness: 0.0,
            blur: 0.5,
            noise: 2.5,
            spread: 1.0,
        };
        match domain {
            City::Plaza => shared,
            City::Station => Self { darkness: 0.25, blur: 0.8, noise: 4.5, ..shared },
        }
    }
}

impl Difficulty {
    /// Sets one knob from `name=value`.
    ///
    /// # Errors
    /// When there is no such knob, or the value is no number from 0 to 100.
    pub fn assign(&mut self, assignment: &str) -> Result<(), DataError> {
        let bad = |message: String| DataError::BadSetting(message);
        let (name, text) =
            assignment.split_once('=').ok_or_else(|| bad(format!("`{assignment}` is not of the form knob=value")))?;
        let knobs = [
            ("shared_clothes", &mut self.shared_clothes),
            ("occlusion", &mut self.occlusion),
            ("jitter", &mut self.jitter),
            ("turn", &mut self.turn),
            ("cast", &mut self.cast),
            ("darkness", &mut self.darkness),
            ("blur", &mut self.blur),
            ("noise", &mut self.noise),
            ("spread", &mut self.spread),
        ];
        let known = knobs.iter().map(|k| k.0).collect::<Vec<_>>().join(", ");
        let Some((_, knob)) = knobs.into_iter().find(|k| k.0 == name) else {
            return Err(bad(format!("there is no knob `{name}`: it is one of {known}")));
        };
        let value = text.parse().ok().filter(|v| (0.0..=100.0).contains(v));
        *knob =
            value.ok_or_else(|| bad(format!("knob `{name}` cannot be `{text}`: it takes a number from 0 to 100")))?;
        Ok(())
    }
}

impl Default for Difficulty {
    fn default() -> Self {
        Self::of(City::Plaza)
    }
}

/// Everything the pictures depend on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticSpec {
    /// The place.
    pub domain: City,
    /// Seeds everything drawn at random.
    pub seed: u64,
    /// Training identities.
    pub train_ids: usize,
    /// Test identities.
    pub test_ids: usize,
    /// Cameras.
    pub cameras: usize,
    /// Pictures of an identity in a camera.
    pub per_camera: usize,
    /// Gallery pictures of nobody who is sought (pid 0): passers-by, bad boxes, empty ground.
    pub distractors: usize,
    /// Gallery pictures that do not count (pid −1).
    pub junk: usize,
    /// Rows of a picture.
    pub height: usize,
    /// Columns of a picture.
    pub width: usize,
    /// How hard the pictures are.
    pub knobs: Difficulty,
}

impl SyntheticSpec {
    /// The built-in set of a domain: 64 + 48 people, 4 cameras, 4 pictures each, 128 × 64.
    pub fn new(domain: City, seed: u64) -> Self {
        Self {
            domain,
            seed,
            train_ids: 64,
            test_ids: 48,
            cameras: 4,
            per_camera: 4,
            distractors: 60,
            junk: 16,
            height: 128,
            width: 64,
            knobs: Difficulty::of(domain),
        }
    }

    /// Says in one sentence what cannot be drawn.
    ///
    /// # Errors
    /// When a size is zero or too large for the names of Market-1501.
    pub fn validate(&self) -> Result<(), DataError> {
        let bad = |message: &str| Err(DataError::BadSetting(message.to_owned()));
        if self.train_ids + self.test_ids == 0 || self.train_ids + self.test_ids > 9_999 {
            return bad("the synthetic set needs 1 to 9,999 people in all");
        }
        if self.cameras == 0 || self.cameras > 9 {
            return bad("the synthetic set needs 1 to 9 cameras");
        }
        if self.per_camera == 0 || self.per_camera > 99 {
            return bad("the synthetic set needs 1 to 99 pictures of a person in a camera");
        }
        if !(32..=1024).contains(&self.height) || !(16..=1024).contains(&self.width) {
            return bad("synthetic pictures are 32 to 1,024 pixels high and 16 to 1,024 wide");
        }
        Ok(())
    }
}

/// What [`synthesize`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Training pictures.
    pub train: usize,
    /// Query pictures.
    pub query: usize,
    /// Gallery pictures, distractors and junk included.
    pub gallery: usize,
}

/// The specification with the version of the drawing, as `synthetic.json` holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpecMark {
    /// [`VERSION`] at the time.
    pub version: u32,
    /// What was drawn.
    pub spec: SyntheticSpec,
}

/// Reads `synthetic.json` of a folder; `None` when there is none that can be read.
pub fn mark(dir: &Path) -> Option<SpecMark> {
    serde_json::from_str(&read_text(&dir.join(MARK), 1 << 20).ok()?).ok()
}

/// Draws the set of `spec` into `dir`, which is made if need be: `bounding_box_train`, `query`, `bounding_box_test`,
/// and last `synthetic.json`, which says that the set is complete.
///
/// # Errors
/// When `dir` holds other files, a file cannot be written, or `tick` asks to stop.
pub fn synthesize(dir: &Path, spec: &SyntheticSpec, tick: Tick) -> Result<Written, DataError> {
    synthesize_with(dir, None, spec, tick)
}

/// As [`synthesize`]; into `masks`, laid out alike, go grey pictures (PGM) of where the person is on each, to hold
/// attention maps against.
///
/// # Errors
/// As [`synthesize`], also for `masks`.
pub fn synthesize_with(
    dir: &Path,
    masks: Option<&Path>,
    spec: &SyntheticSpec,
    tick: Tick,
) -> Result<Written, DataError> {
    spec.validate()?;
    prepare(dir)?;
    masks.map(prepare).transpose()?;
    let plan = plan::SetPlan::new(spec);
    let scenes = plan.scenes();
    let total = plan.shots.len() as u64;
    let (done, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
    plan.shots.par_iter().try_for_each(|shot| {
        if stopped.load(Ordering::Relaxed) {
            return Err(DataError::Cancelled);
        }
        let photo = plan.take(shot, &scenes);
        photo::write(&dir.join(shot.folder()).join(&shot.name), &photo.picture)?;
        if let Some(masks) = masks {
            let path = masks.join(shot.folder()).join(&shot.name).with_extension("pgm");
            photo::write_mask(&path, &photo.mask)?;
        }
        if !tick(done.fetch_add(1, Ordering::Relaxed) + 1, total) {
            stopped.store(true, Ordering::Relaxed);
        }
        Ok(())
    })?;
    let text = serde_json::to_string_pretty(&SpecMark { version: VERSION, spec: *spec })
        .map_err(|e| DataError::BadSetting(format!("the specification cannot be written: {e}")))?;
    let file = dir.join(MARK);
    fs::write(&file, text + "\n").map_err(DataError::io("writing", &file))?;
    Ok(plan.written())
}

/// Makes the folders; refuses to mix pictures with what already lies there.
fn prepare(dir: &Path) -> Result<(), DataError> {
    let taken = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if taken {
        return Err(DataError::BadSetting(format!(
            "{} is not empty: name a new folder for the synthetic set",
            dir.display()
        )));
    }
    for folder in super::layout::folders::MARKET {
        let folder = dir.join(folder);
        fs::create_dir_all(&folder).map_err(DataError::io("making", &folder))?;
    }
    Ok(())
}
