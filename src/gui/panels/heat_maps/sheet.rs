//! What stands side by side: columns, their maps, and the ranges of their colours.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::maps::{self, Kind, Scale, Shown};
use super::paint;
use crate::engine::event::{AttentionMap, ImageMaps};
use crate::export::attention::Ramp;
use crate::gui::words::after_words;

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The photo.
    Photo,
    /// A map at the epoch looked at.
    Here,
    /// The same at the epoch it is compared with.
    There,
    /// The one less the other.
    Difference,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// What it shows.
    pub what: What,
    /// Over it.
    pub title: String,
    /// Which map.
    pub kind: Kind,
    /// Its name in the run.
    pub name: String,
    /// Its colours: a row of [`Sheet::bars`].
    pub bar: usize,
}

/// Colours that one or more columns share.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What they show.
    pub title: String,
    /// Which.
    pub ramp: Ramp,
}

/// The maps of a person: of the epoch looked at, and of the one it is compared with.
pub type Pair<'a> = (&'a ImageMaps, Option<&'a ImageMaps>);

/// Everything shown.
pub struct Sheet<'a> {
    /// The watched images.
    pub people: Vec<Pair<'a>>,
    /// What stands side by side.
    pub columns: Vec<Column>,
    /// The ranges of their colours.
    pub bars: Vec<Bar>,
}

/// What the user chose to see.
#[derive(Clone, Copy)]
pub struct Choice<'a> {
    /// One map or several.
    pub shown: Shown,
    /// Which one.
    pub kind: Kind,
    /// Where the block stands.
    pub position: &'a str,
    /// All positions, in network order.
    pub positions: &'a [String],
    /// The epochs compared.
    pub epochs: Option<[usize; 2]>,
}

impl<'a> Sheet<'a> {
    /// Lays out the columns; maps that no image has are left out.
    pub fn new(people: Vec<Pair<'a>>, choice: &Choice<'_>) -> Self {
        let mut sheet = Self { people, columns: Vec::new(), bars: Vec::new() };
        let position = choice.position;
        if let Some([a, b]) = choice.epochs {
            sheet.photo();
            let kind = sheet.known(choice.kind, position);
            sheet.column(What::Here, kind, position, &brief(a));
            sheet.bar(kind.title(), Ramp::Attention);
            sheet.column(What::There, kind, position, &brief(b));
            sheet.columns[2].bar = 0;
            sheet.column(What::Difference, kind, position, "difference");
            sheet.bar(&format!("{} − {}", after_words(a), after_words(b)), Ramp::Difference);
            return sheet;
        }
        let kinds: &[Kind] = match choice.shown {
            Shown::Overview => &[Kind::Coordinate, Kind::Triplet, Kind::Output],
            Shown::Branches => &[Kind::Hw, Kind::Hc, Kind::Cw],
            Shown::Fig6 => {
                sheet.photo();
                sheet.fig6(choice.positions);
                return sheet;
            }
            Shown::One => &[],
        };
        let kinds: Vec<Kind> = kinds.iter().copied().filter(|kind| sheet.has(*kind, position)).collect();
        if choice.shown != Shown::One {
            sheet.photo();
        }
        if kinds.is_empty() {
            let kind = sheet.known(choice.kind, position);
            sheet.single(kind, position, kind.title());
        }
        for kind in kinds {
            sheet.single(kind, position, kind.title());
        }
        sheet
    }

    /// Whether any image has that map.
    pub fn has(&self, kind: Kind, position: &str) -> bool {
        let name = kind.name(position);
        self.people.iter().any(|(image, _)| maps::find(image, &name).is_some())
    }

    /// `kind` where the run has it, else what leaves the block.
    fn known(&self, kind: Kind, position: &str) -> Kind {
        if self.has(kind, position) { kind } else { Kind::Output }
    }

    /// The paper's Fig. 6 shows where the network looks; beside it stands what enters the first block, which no
    /// attention has touched.
    fn fig6(&mut self, positions: &[String]) {
        if let Some(first) = positions.first().filter(|first| self.has(Kind::Input, first)) {
            self.single(Kind::Input, first, "input");
        }
        for position in positions.iter().filter(|p| self.has(Kind::Output, p)).cloned().collect::<Vec<_>>() {
            self.single(Kind::Output, &position, &position);
        }
    }

    fn single(&mut self, kind: Kind, position: &str, title: &str) {
        self.column(What::Here, kind, position, title);
        self.bar(title, Ramp::Attention);
    }

    fn photo(&mut self) {
        self.column(What::Photo, Kind::Output, "", "photo");
    }

    fn column(&mut self, what: What, kind: Kind, position: &str, title: &str) {
        let (title, name, bar) = (title.to_owned(), kind.name(position), self.bars.len());
        self.columns.push(Column { what, title, kind, name, bar });
    }

    fn bar(&mut self, title: &str, ramp: Ramp) {
        self.bars.push(Bar { title: title.to_owned(), ramp });
    }
}

/// An epoch over a column.
fn brief(epoch: usize) -> String {
    if epoch == 0 { "source" } else { return format!("after {epoch}") }.to_owned()
}

/// What is computed from the maps; kept until they or the choice change.
#[derive(Default)]
pub struct Derived {
    key: u64,
    differences: Vec<Option<AttentionMap>>,
    shared: Vec<[f32; 2]>,
    own: Vec<Vec<[f32; 2]>>,
}

impl Derived {
    /// Computes differences and ranges anew where anything has changed.
    pub fn refresh(&mut self, sheet: &Sheet<'_>, clip: f64) {
        let key = key(sheet, clip);
        if key == self.key && self.own.len() == sheet.people.len() {
            return;
        }
        self.key = key;
        let compared = sheet.columns.iter().find(|c| c.what == What::Difference);
        let of = |(a, b): &Pair<'_>, name: &str| maps::difference(maps::find(a, name)?, maps::find((*b)?, name)?);
        self.differences = sheet.people.iter().map(|pair| of(pair, &compared?.name)).collect();
        let people: Vec<usize> = (0..sheet.people.len()).collect();
        let bars = 0..sheet.bars.len();
        self.shared = bars.clone().map(|bar| self.span(sheet, &people, bar, clip)).collect();
        let own = |i: &usize| bars.clone().map(|bar| self.span(sheet, std::slice::from_ref(i), bar, clip)).collect();
        self.own = people.iter().map(own).collect();
    }

    fn span(&self, sheet: &Sheet<'_>, people: &[usize], bar: usize, clip: f64) -> [f32; 2] {
        let columns = sheet.columns.iter().filter(|c| c.bar == bar && c.what != What::Photo);
        let maps = columns.flat_map(|c| people.iter().filter_map(|i| self.map(sheet, *i, c)));
        let values = maps.flat_map(|m| m.values.iter().copied());
        match sheet.bars[bar].ramp {
            Ramp::Attention => maps::range(values, clip),
            Ramp::Difference => maps::symmetric(values, clip),
        }
    }

    /// The map of person `i` in a column.
    pub fn map<'m>(&'m self, sheet: &Sheet<'m>, i: usize, column: &Column) -> Option<&'m AttentionMap> {
        let (a, b) = sheet.people[i];
        match column.what {
            What::Photo => None,
            What::Here => maps::find(a, &column.name),
            What::There => maps::find(b?, &column.name),
            What::Difference => self.differences.get(i)?.as_ref(),
        }
    }

    /// The ends of the colours of a bar for person `i`.
    pub fn range(&self, scale: Scale, i: usize, bar: usize) -> [f32; 2] {
        let ranges = match scale {
            Scale::Shared => Some(&self.shared),
            Scale::PerImage => self.own.get(i),
        };
        ranges.and_then(|r| r.get(bar)).copied().unwrap_or([0.0, 1.0])
    }
}

fn key(sheet: &Sheet<'_>, clip: f64) -> u64 {
    let mut hasher = DefaultHasher::new();
    clip.to_bits().hash(&mut hasher);
    for column in &sheet.columns {
        (column.what as u8, column.bar).hash(&mut hasher);
        column.name.hash(&mut hasher);
        for (a, b) in &sheet.people {
            for map in [maps::find(a, &column.name), b.and_then(|b| maps::find(b, &column.name))] {
                map.is_some().hash(&mut hasher);
                if let Some(map) = map {
                    paint::mark(map, &mut hasher);
                }
            }
        }
    }
    hasher.finish()
}
