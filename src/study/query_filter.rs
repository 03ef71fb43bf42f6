//! The filter of the queries: `ap<0.3 pid=12 cam=2 missed>0`, all of which must hold.

use super::comparison::FilterSign;

/// What a term can ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Ap,
    Pid,
    Cam,
    Missed,
    Matches,
    First,
    Query,
}

const FIELDS: [(&str, Field); 7] = [
    ("ap", Field::Ap),
    ("pid", Field::Pid),
    ("cam", Field::Cam),
    ("missed", Field::Missed),
    ("matches", Field::Matches),
    ("first", Field::First),
    ("query", Field::Query),
];

/// What the words of the filter box mean.
pub const HELP: &str = "Shows only the queries for which all of it holds, as ap<0.3 cam=2. Fields: ap (0 to 1, or \
                        percent: ap<30%), pid, cam, missed (true matches not shown in the row), matches, first (rank \
                        of the first match), query. Comparisons: < <= = != >= >.";

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

#[derive(Clone, Copy, Debug)]
struct Term {
    field: Field,
    test: FilterSign,
    value: f64,
}

/// A filter that was understood.
#[derive(Clone, Debug, Default)]
pub struct QueryFilter {
    terms: Vec<Term>,
}

impl QueryFilter {
    /// Reads it; `truth` says whether fields that use target labels may be asked about.
    ///
    /// # Errors
    /// One sentence on what was not understood.
    pub fn parse(text: &str, truth: bool) -> Result<Self, String> {
        let mut terms = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (term, after) = term(rest, truth)?;
            terms.push(term);
            rest = after.trim_start();
        }
        Ok(Self { terms })
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether the answer depends on how many hits a row shows.
    pub fn asks_missed(&self) -> bool {
        self.terms.iter().any(|t| t.field == Field::Missed)
    }

    /// Whether a query stays. What is not known of it does not hold.
    pub fn fits(&self, facts: &QueryFacts) -> bool {
        self.terms.iter().all(|term| {
            let value = match term.field {
                Field::Ap => facts.ap,
                Field::Pid => facts.pid.map(f64::from),
                Field::Cam => facts.cam.map(f64::from),
                Field::Missed => Some(facts.missed as f64),
                Field::Matches => Some(facts.matches as f64),
                Field::First => facts.first.map(f64::from),
                Field::Query => Some(f64::from(facts.query)),
            };
            value.is_some_and(|value| term.test.holds_near(value, term.value, 0.0))
        })
    }
}

/// The first term of `text`, and what follows it.
fn term(text: &str, truth: bool) -> Result<(Term, &str), String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let known = FIELDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let Some(&(name, field)) = known else {
        let word = text.split_whitespace().next().unwrap_or(text);
        let names = FIELDS.map(|(name, _)| name).join(", ");
        return Err(format!("“{word}” is not known: a term begins with one of {names}."));
    };
    if !truth && !matches!(field, Field::Cam | Field::Query) {
        return Err(format!("“{name}” uses the target's labels, which are switched off."));
    }
    let rest = rest.trim_start();
    let Some((sign, test, rest)) = FilterSign::begin(rest) else {
        return Err(format!("After “{name}” comes a comparison and a number, as in {name}<{}.", example(field)));
    };
    let rest = rest.trim_start();
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    let (digits, percent) = number.strip_suffix('%').map_or((number, false), |digits| (digits, true));
    let value = digits.parse::<f64>().ok().filter(|v| v.is_finite() && (!percent || field == Field::Ap));
    let Some(value) = value else {
        return Err(format!("“{name}{sign}{number}” needs a number, as in {name}{sign}{}.", example(field)));
    };
    let value = if percent { value / 100.0 } else { value };
    if field == Field::Ap && !(0.0..=1.0).contains(&value) {
        return Err(format!("AP goes from 0 to 1: write ap{sign}0.3 or ap{sign}30%."));
    }
    Ok((Term { field, test, value }, rest))
}

fn example(field: Field) -> &'static str {
    match field {
        Field::Ap => "0.3",
        Field::Pid | Field::Query => "12",
        Field::Cam => "2",
        Field::Missed | Field::First | Field::Matches => "1",
    }
}
