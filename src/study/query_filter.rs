//! What queries can be filtered by: `ap<0.3 pid=12 cam=2 missed>0`.

use super::filter::{FieldKind, FilterField, FilterOwn, Terms};

const NUMBER: FieldKind = FieldKind::Number(1e-9);

/// What can be asked of a query.
pub const QUERY_FIELDS: &[FilterField] = &[
    FilterField { name: "ap", help: "average precision", kind: FieldKind::Share, truth: true, example: "0.3" },
    FilterField { name: "pid", help: "identity", kind: NUMBER, truth: true, example: "12" },
    FilterField { name: "cam", help: "camera", kind: NUMBER, truth: false, example: "2" },
    FilterField { name: "missed", help: "true matches not shown in the row", kind: NUMBER, truth: true, example: "1" },
    FilterField { name: "matches", help: "true matches", kind: NUMBER, truth: true, example: "1" },
    FilterField { name: "first", help: "rank of the first match", kind: NUMBER, truth: true, example: "1" },
    FilterField { name: "query", help: "row of the query split", kind: NUMBER, truth: false, example: "12" },
];

/// What is known of a query; `None` where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueryFacts {
    /// Row of the query split.
    pub query: u32,
    /// Average precision, 0 to 1.
    pub ap: Option<f64>,
    /// Its identity.
    pub pid: Option<i32>,
    /// Its camera, from 1 as it is shown.
    pub cam: Option<i32>,
    /// True matches that its row does not show.
    pub missed: usize,
    /// True matches.
    pub matches: usize,
    /// Rank of the first of them, from 1.
    pub first: Option<u32>,
}

impl QueryFacts {
    /// Whether it passes.
    pub fn pass(&self, terms: &Terms) -> bool {
        terms.pass(|field| {
            let value = match field {
                "ap" => self.ap,
                "pid" => self.pid.map(f64::from),
                "cam" => self.cam.map(f64::from),
                "missed" => Some(self.missed as f64),
                "matches" => Some(self.matches as f64),
                "first" => self.first.map(f64::from),
                "query" => Some(f64::from(self.query)),
                _ => None,
            };
            value.map(FilterOwn::from)
        })
    }
}
