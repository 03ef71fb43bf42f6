//! The filter of runs: words that must all occur, and comparisons of any figure or parameter: `baseline eps<0.6 mAP>40`.

use std::cmp::Ordering;

use super::comparison::{BEGIN, FilterSign};

/// What the words of the filter box mean.
pub const HELP: &str = "Shows only the runs in which all of it holds: words of the name, the note, the datasets or the \
                        state, and comparisons as eps<0.6 or mAP>=40 of any column or parameter. Comparisons: < <= = \
                        != >= >.";

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Word(String),
    Compares { field: String, test: FilterSign, value: String },
}

/// Terms that a run must all fulfil.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFilter(Vec<Term>);

impl RunFilter {
    /// Reads terms with blanks between them; `known` says which fields there are.
    ///
    /// # Errors
    /// A sentence that says which term is not understood.
    pub fn parse(text: &str, known: impl Fn(&str) -> bool) -> Result<Self, String> {
        let term = |word: &str| {
            let Some(at) = word.find(BEGIN) else { return Ok(Term::Word(word.to_lowercase())) };
            let (field, rest) = word.split_at(at);
            let Some((_, test, value)) = FilterSign::begin(rest) else {
                return Err(format!("`{word}` has no comparison that is known; there are < <= = != >= >."));
            };
            let (field, value) = (field.to_lowercase(), value.to_owned());
            match () {
                () if !known(&field) => Err(format!("`{field}` is no column and no parameter.")),
                () if value.is_empty() => Err(format!("`{word}` has nothing to compare with.")),
                () => Ok(Term::Compares { field, test, value }),
            }
        };
        text.split_whitespace().map(term).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a run passes: `text` is all that words are looked for in, `field` gives a figure or parameter as text.
    /// What is not known passes no comparison.
    pub fn passes(&self, text: &str, field: impl Fn(&str) -> Option<String>) -> bool {
        let text = text.to_lowercase();
        self.0.iter().all(|term| match term {
            Term::Word(word) => text.contains(word),
            Term::Compares { field: name, test, value } => field(name).is_some_and(|own| holds(&own, *test, value)),
        })
    }
}

fn holds(own: &str, test: FilterSign, value: &str) -> bool {
    let order = match (own.parse::<f64>(), value.parse::<f64>()) {
        (Ok(own), Ok(value)) if (own - value).abs() < 1e-9 => Some(Ordering::Equal),
        (Ok(own), Ok(value)) => own.partial_cmp(&value),
        _ => Some(own.to_lowercase().cmp(&value.to_lowercase())),
    };
    order.is_some_and(|order| test.holds(order))
}
