//! What stands side by side: columns, their maps, and the ranges of their colours.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::maps::{self, MapKind, Scale, ShownMaps};
use crate::engine::event::{AttentionMap, ImageMaps};
use crate::export::attention::Ramp;
use crate::gui::plot::heat;
use crate::gui::words::after_words;

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnShown {
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
    pub what: ColumnShown,
    /// Over it.
    pub title: String,
    /// Which map.
    pub kind: MapKind,
    /// Its name in the run.
    pub name: String,
    /// Its colours: a row of [`MapSheet::bars`].
    pub bar: usize,
}

/// Colours that one or more columns share.
#[derive(Clone, Debug)]
pub struct ColourBar {
    /// What they show.
    pub title: String,
    /// Which.
    pub ramp: Ramp,
}

/// The maps of a person: of the epoch looked at, and of the one it is compared with.
pub type Pair<'a> = (&'a ImageMaps, Option<&'a ImageMaps>);

/// Everything shown.
pub struct MapSheet<'a> {
    /// The watched images.
    pub people: Vec<Pair<'a>>,
    /// What stands side by side.
    pub columns: Vec<Column>,
    /// The ranges of their colours.
    pub bars: Vec<ColourBar>,
}

/// What the user chose to see.
#[derive(Clone, Copy)]
pub struct MapChoice<'a> {
    /// One map or several.
    pub shown: ShownMaps,
    /// Which one.
    pub kind: MapKind,
    /// Where the block stands.
    pub position: &'a str,
    /// All positions, in network order.
    pub positions: &'a [String],
    /// The epochs compared.
    pub epochs: Option<[usize; 2]>,
}

impl<'a> MapSheet<'a> {
    /// Lays out the columns; maps that no image has are left out.
    pub fn new(people: Vec<Pair<'a>>, choice: &MapChoice<'_>) -> Self {
        let mut sheet = Self { people, columns: Vec::new(), bars: Vec::new() };
        let position = choice.position;
        if let Some([a, b]) = choice.epochs {
            sheet.photo();
            let kind = sheet.known(choice.kind, position);
            sheet.column(ColumnShown::Here, kind, position, &brief(a));
            sheet.bar(kind.title(), Ramp::Attention);
            sheet.column(ColumnShown::There, kind, position, &brief(b));
            sheet.columns[2].bar = 0;
            sheet.column(ColumnShown::Difference, kind, position, "difference");
            sheet.bar(&format!("{} − {}", after_words(a), after_words(b)), Ramp::Difference);
            return sheet;
        }
        let kinds: &[MapKind] = match choice.shown {
            ShownMaps::Overview => &[MapKind::Coordinate, MapKind::Triplet, MapKind::Output],
            ShownMaps::Branches => &[MapKind::Hw, MapKind::Hc, MapKind::Cw],
            ShownMaps::Fig6 => {
                sheet.photo();
                sheet.fig6(choice.positions);
                return sheet;
            }
            ShownMaps::One => &[],
        };
        let kinds: Vec<MapKind> = kinds.iter().copied().filter(|kind| sheet.has(*kind, position)).collect();
        if choice.shown != ShownMaps::One {
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
    pub fn has(&self, kind: MapKind, position: &str) -> bool {
        let name = kind.name(position);
        self.people.iter().any(|(image, _)| maps::find(image, &name).is_some())
    }

    /// `kind` where the run has it, else what leaves the block.
    fn known(&self, kind: MapKind, position: &str) -> MapKind {
        if self.has(kind, position) { kind } else { MapKind::Output }
    }

    /// The paper's Fig. 6 shows where the network looks; beside it stands what enters the first block, which no
    /// attention has touched.
    fn fig6(&mut self, positions: &[String]) {
        if let Some(first) = positions.first().filter(|first| self.has(MapKind::Input, first)) {
            self.single(MapKind::Input, first, "input");
        }
        for position in positions.iter().filter(|p| self.has(MapKind::Output, p)).cloned().collect::<Vec<_>>() {
            self.single(MapKind::Output, &position, &position);
        }
    }

    fn single(&mut self, kind: MapKind, position: &str, title: &str) {
        self.column(ColumnShown::Here, kind, position, title);
        self.bar(title, Ramp::Attention);
    }

    fn photo(&mut self) {
        self.column(ColumnShown::Photo, MapKind::Output, "", "photo");
    }

    fn column(&mut self, what: ColumnShown, kind: MapKind, position: &str, title: &str) {
        let (title, name, bar) = (title.to_owned(), kind.name(position), self.bars.len());
        self.columns.push(Column { what, title, kind, name, bar });
    }

    fn bar(&mut self, title: &str, ramp: Ramp) {
        self.bars.push(ColourBar { title: title.to_owned(), ramp });
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
    pub fn refresh(&mut self, sheet: &MapSheet<'_>, clip: f64) {
        let key = key(sheet, clip);
        if key == self.key && self.own.len() == sheet.people.len() {
            return;
        }
        self.key = key;
        let compared = sheet.columns.iter().find(|c| c.what == ColumnShown::Difference);
        let of = |(a, b): &Pair<'_>, name: &str| maps::difference(maps::find(a, name)?, maps::find((*b)?, name)?);
        self.differences = sheet.people.iter().map(|pair| of(pair, &compared?.name)).collect();
        let people: Vec<usize> = (0..sheet.people.len()).collect();
        let bars = 0..sheet.bars.len();
        self.shared = bars.clone().map(|bar| self.span(sheet, &people, bar, clip)).collect();
        let own = |i: &usize| bars.clone().map(|bar| self.span(sheet, std::slice::from_ref(i), bar, clip)).collect();
        self.own = people.iter().map(own).collect();
    }

    fn span(&self, sheet: &MapSheet<'_>, people: &[usize], bar: usize, clip: f64) -> [f32; 2] {
        let columns = sheet.columns.iter().filter(|c| c.bar == bar && c.what != ColumnShown::Photo);
        let maps = columns.flat_map(|c| people.iter().filter_map(|i| self.map(sheet, *i, c)));
        let values = maps.flat_map(|m| m.values.iter().copied());
        match sheet.bars[bar].ramp {
            Ramp::Attention => maps::range(values, clip),
            Ramp::Difference => maps::symmetric(values, clip),
        }
    }

    /// The map of person `i` in a column.
    pub fn map<'m>(&'m self, sheet: &MapSheet<'m>, i: usize, column: &Column) -> Option<&'m AttentionMap> {
        let (a, b) = sheet.people[i];
        match column.what {
            ColumnShown::Photo => None,
            ColumnShown::Here => maps::find(a, &column.name),
            ColumnShown::There => maps::find(b?, &column.name),
            ColumnShown::Difference => self.differences.get(i)?.as_ref(),
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

fn key(sheet: &MapSheet<'_>, clip: f64) -> u64 {
    let mut hasher = DefaultHasher::new();
    clip.to_bits().hash(&mut hasher);
    for column in &sheet.columns {
        (column.what as u8, column.bar).hash(&mut hasher);
        column.name.hash(&mut hasher);
        for (a, b) in &sheet.people {
            for map in [maps::find(a, &column.name), b.and_then(|b| maps::find(b, &column.name))] {
                map.is_some().hash(&mut hasher);
                if let Some(map) = map {
                    heat::mark(map, &mut hasher);
                }
            }
        }
    }
    hasher.finish()
}
