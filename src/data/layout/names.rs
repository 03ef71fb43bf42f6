//! What file names say: pid and camera. Always matched on the file name alone, from its beginning, never on its
//! folders: a name that is read from its middle tells the clothes for the person, or a hyphen for junk.

use std::sync::OnceLock;

use regex_lite::Regex;

/// What a name says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// Identity; `None` when the name alone does not tell it.
    pub pid: Option<i32>,
    /// Camera, 0-based; `None` when the name has none.
    pub camid: Option<i32>,
    /// Clothes, as numbered in the name, where it tells them.
    pub clothes: Option<i32>,
}

impl Name {
    /// A person, seen by a camera (0-based).
    pub fn new(pid: i32, camid: Option<i32>) -> Self {
        Self { pid: Some(pid), camid, clothes: None }
    }
}

/// What a group of a pattern captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Pid,
    /// Camera, counted from 1 in the name.
    Cam,
    /// A scene: cameras of different scenes are different cameras.
    Scene,
    Clothes,
    /// A pair of cameras: people of different pairs are different people.
    Pair,
}

use Part::{Cam, Clothes, Pair, Pid, Scene};

/// One way of writing names.
pub struct NamePattern {
    /// Whose it is.
    pub habit: &'static str,
    text: &'static str,
    parts: &'static [Part],
    /// A name and what it says.
    pub example: (&'static str, Name),
    compiled: OnceLock<Option<Regex>>,
}

const fn says(pid: i32, camid: Option<i32>, clothes: Option<i32>) -> Name {
    Name { pid: Some(pid), camid, clothes }
}

const fn row(
    habit: &'static str,
    text: &'static str,
    parts: &'static [Part],
    example: (&'static str, Name),
) -> NamePattern {
    NamePattern { habit, text, parts, example, compiled: OnceLock::new() }
}

/// The patterns, the more particular before the more general.
pub static PATTERNS: [NamePattern; 12] = [
    row(
        "Market-1501, DukeMTMC-reID, VeRi-776",
        r"^(-?\d+)_[cC](\d+)",
        &[Pid, Cam],
        ("0002_c1s1_000451_03.jpg", says(2, Some(0), None)),
    ),
    row("LTCC", r"^(\d+)_(\d+)_[cC](\d+)", &[Pid, Clothes, Cam], ("000_1_c1_000001.png", says(0, Some(0), Some(1)))),
    row(
        "RandPerson",
        r"^(\d+)_[sS](\d+)_[cC](\d+)",
        &[Pid, Scene, Cam],
        ("000017_s02_c03_f000264.jpg", says(17, Some(203), None)),
    ),
    row(
        "VC-Clothes",
        r"^(\d+)-(\d+)-(\d+)-\d+",
        &[Pid, Cam, Clothes],
        ("0001-02-03-04.jpg", says(1, Some(1), Some(3))),
    ),
    row("MARS", r"^(\d{4})[cC](\d)[tT]\d+", &[Pid, Cam], ("0001C2T0001F001.jpg", says(1, Some(1), None))),
    row(
        "DeepChange",
        r"^[pP](\d+)_[cC](\d+)_",
        &[Pid, Cam],
        ("P16_C05_20200713_T00010_F00001_b1.jpg", says(16, Some(4), None)),
    ),
    row(
        "camera before person (VIPeR)",
        r"^(?:[cC]|[cC]am|CAM|[cC]amera)[_\-. ]?(\d+)[_\-. ](?:[A-Za-z]+[_\-. ]?)?(\d+)",
        &[Cam, Pid],
        ("c1_003_90.png", says(3, Some(0), None)),
    ),
    row(
        "person, then a camera by any mark",
        r"^(\d+)[_\-. ]*(?:[cC]|[cC]am|CAM|[cC]amera)[_\-. ]?(\d+)",
        &[Pid, Cam],
        ("0002-cam3-0001.jpg", says(2, Some(2), None)),
    ),
    row(
        "a word before the person",
        r"^[A-Za-z]+[_\-. ]?(\d+)[_\-. ]+(?:[cC]|[cC]am|CAM|[cC]amera)[_\-. ]?(\d+)",
        &[Pid, Cam],
        ("person-001_c2_0003.jpg", says(1, Some(1), None)),
    ),
    row(
        "CUHK03 as torchreid writes it: pair of cameras, person, view, image",
        r"^([1-5])_(\d{3})_([12])_(\d{2})\.",
        &[Pair, Pid, Cam],
        ("2_017_1_03.png", says(2_017, Some(0), None)),
    ),
    row("person alone", r"^(-?\d+)[_.\- ]", &[Pid], ("0017_3.png", says(17, None, None))),
    row(
        "a word and the person",
        r"^(?i:person|people|pid|id|p|ped|identity|subject|label|vehicle|veh|car|track|object|obj)[_\- ]?(\d+)[_.\- ]",
        &[Pid],
        ("person_001_001.jpg", says(1, None, None)),
    ),
];

impl NamePattern {
    /// What the name says, when it is of this kind.
    pub fn parse(&self, name: &str) -> Option<Name> {
        let found = self.compiled.get_or_init(|| Regex::new(self.text).ok()).as_ref()?.captures(name)?;
        let (mut out, mut scene, mut pair) = (Name::default(), 0, 0);
        for (i, part) in self.parts.iter().enumerate() {
            let number: i32 = found[i + 1].parse().ok()?;
            match part {
                Pid => out.pid = Some(number),
                Cam => out.camid = Some(number.checked_sub(1)?),
                Scene => scene = number.checked_add(1)?.checked_mul(SCENE)?,
                Clothes => out.clothes = Some(number),
                Pair => pair = number,
            }
        }
        if pair > 0 {
            out.pid = Some(out.pid?.checked_add(pair * PAIR)?);
        }
        if scene > 0 {
            // Cameras of RandPerson count from 0 in each scene.
            out.camid = Some(out.camid?.checked_add(1 + scene - SCENE)?);
        }
        Some(out)
    }

    /// Whether it tells the camera.
    pub fn has_camera(&self) -> bool {
        self.parts.contains(&Cam)
    }

    /// The pattern that fits these names: the first that reads half of them, else the one that reads most.
    pub fn of<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'static NamePattern> {
        let mut counts = [0_usize; PATTERNS.len()];
        let mut all = 0;
        for name in names {
            all += 1;
            for (count, pattern) in counts.iter_mut().zip(&PATTERNS) {
                *count += usize::from(pattern.parse(name).is_some());
            }
        }
        let half = counts.iter().position(|&n| n > 0 && 2 * n >= all);
        let most = || (0..PATTERNS.len()).rev().max_by_key(|&i| counts[i]).filter(|&i| counts[i] > 0);
        half.or_else(most).map(|i| &PATTERNS[i])
    }
}

/// More people than a pair of cameras saw.
const PAIR: i32 = 1_000;
/// More cameras than a scene has.
const SCENE: i32 = 100;

/// `0002_c1s1_000451_03.jpg`, `0005_c2_f0046985.jpg`, `0001_c001_00016450_0.jpg`: pid, then camera from 1.
///
/// Anything may follow, so `.jpg.jpg` does no harm.
pub fn pid_cam(name: &str) -> Option<Name> {
    PATTERNS[0].parse(name)
}

/// A camera anywhere in a name: `img3_c2.png`, `cam1`; 0-based.
pub fn camera_in(name: &str) -> Option<i32> {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    let text = r"(?:^|[_\-])(?:[cC]|[cC]am|CAM|[cC]amera)[_\-]?(\d+)(?:[_\-.s]|$)";
    let pattern = PATTERN.get_or_init(|| Regex::new(text).ok()).as_ref()?;
    pattern.captures(name)?[1].parse::<i32>().ok()?.checked_sub(1)
}
