//! Which clusters are shown: `size>10 score<0.5 reliable=no cameras>=2 purity<0.8 born=3 id=118`.

use crate::gui::panels::clustered::ClusterRow;
use crate::study::comparison::{BEGIN, FilterSign};

/// What a term looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    Size,
    Score,
    Reliable,
    Cameras,
    Purity,
    Born,
}

const FIELDS: [(&str, Field); 7] = [
    ("size", Field::Size),
    ("score", Field::Score),
    ("reliable", Field::Reliable),
    ("cameras", Field::Cameras),
    ("purity", Field::Purity),
    ("born", Field::Born),
    ("id", Field::Id),
];

#[derive(Clone, Debug, PartialEq)]
struct Term {
    field: Field,
    test: FilterSign,
    value: f64,
}

/// Terms that a cluster must all fulfil.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterFilter(Vec<Term>);

impl ClusterFilter {
    /// Reads terms with blanks between them. Without `truth` there is no purity.
    ///
    /// # Errors
    /// A sentence that says which term is not understood and what would be.
    pub fn parse(text: &str, truth: bool) -> Result<Self, String> {
        text.split_whitespace().map(|word| term(word, truth)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether cluster `id` passes; `born` is its epoch of birth from 0, where that is known. What is not known
    /// passes no test.
    pub fn passes(&self, id: u32, row: &ClusterRow, born: Option<usize>) -> bool {
        self.0.iter().all(|term| {
            let own = match term.field {
                Field::Id => Some(f64::from(id)),
                Field::Size => Some(f64::from(row.size)),
                Field::Score => Some(row.score),
                Field::Reliable => Some(f64::from(u8::from(row.reliable))),
                Field::Cameras => (row.cameras > 0).then_some(f64::from(row.cameras)),
                Field::Purity => row.purity,
                Field::Born => born.map(|epoch| (epoch + 1) as f64),
            };
            own.is_some_and(|own| term.holds(own))
        })
    }
}

impl Term {
    fn holds(&self, own: f64) -> bool {
        // Scores and purities are shown with two decimals; equal means that they read the same.
        let near = match self.field {
            Field::Score | Field::Purity => 0.005,
            _ => 1e-9,
        };
        self.test.holds_near(own, self.value, near)
    }
}

fn term(word: &str, truth: bool) -> Result<Term, String> {
    let Some(at) = word.find(BEGIN) else {
        return Err(format!("`{word}` has no comparison. Write for example size>10 or reliable=no."));
    };
    let (name, rest) = word.split_at(at);
    let Some((_, field)) = FIELDS.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known)) else {
        let names = FIELDS.map(|(known, _)| known).join(", ");
        return Err(format!("`{name}` is not known. There are {names}."));
    };
    if field == Field::Purity && !truth {
        return Err("`purity` uses ground truth, which is switched off.".to_owned());
    }
    let Some((_, test, value)) = FilterSign::begin(rest) else {
        return Err(format!("`{word}` has no comparison that is known: < <= > >= = !=."));
    };
    if value.is_empty() {
        return Err(format!("`{word}` ends before the value."));
    }
    if field == Field::Reliable {
        let value = match value.to_ascii_lowercase().as_str() {
            "yes" => 1.0,
            "no" => 0.0,
            _ => return Err(format!("`{word}`: reliable is yes or no.")),
        };
        return match test {
            FilterSign::Is | FilterSign::IsNot => Ok(Term { field, test, value }),
            _ => Err(format!("`{word}`: reliable is yes or no; write reliable=no.")),
        };
    }
    match value.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Term { field, test, value }),
        _ => Err(format!("`{value}` in `{word}` is not a number.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::panels::clustered::From;

    fn row(size: u32, score: f64, reliable: bool) -> ClusterRow {
        ClusterRow {
            size,
            score,
            reliable,
            cameras: 3,
            seen_by: 0b111,
            member: 0,
            radii: [1; 3],
            from: From::Best,
            pid: Some(1),
            purity: Some(0.75),
        }
    }

    fn passes(text: &str) -> bool {
        ClusterFilter::parse(text, true).unwrap().passes(118, &row(12, 0.444, false), Some(2))
    }

    #[test]
    fn terms_are_read_and_all_must_hold() {
        for yes in [
            "",
            "size>10",
            "score<0.5 reliable=no",
            "cameras>=3",
            "purity<0.8",
            "born=3",
            "id=118",
            "score=0.44",
            "SIZE>=12 size<=12",
            "reliable!=yes",
            "id!=3",
        ] {
            assert!(passes(yes), "{yes}");
        }
        for no in ["size>12", "size<12", "reliable=yes", "born=2", "score<0.5 size>100", "purity>0.75", "id=11"] {
            assert!(!passes(no), "{no}");
        }
    }

    #[test]
    fn what_is_not_known_passes_no_test() {
        let bare = ClusterRow { cameras: 0, purity: None, ..row(12, 0.4, true) };
        for text in ["cameras<2", "purity<1", "born>0"] {
            assert!(!ClusterFilter::parse(text, true).unwrap().passes(0, &bare, None), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_in_a_sentence() {
        let wrong = |text: &str| ClusterFilter::parse(text, true).unwrap_err();
        assert_eq!(wrong("size"), "`size` has no comparison. Write for example size>10 or reliable=no.");
        assert!(wrong("colour=red").starts_with("`colour` is not known. There are size, score,"));
        assert_eq!(wrong("size>"), "`size>` ends before the value.");
        assert_eq!(wrong("size>ten"), "`ten` in `size>ten` is not a number.");
        assert_eq!(wrong("reliable=maybe"), "`reliable=maybe`: reliable is yes or no.");
        assert!(wrong("reliable>no").contains("write reliable=no"));
        assert!(wrong("size!4").contains("< <= > >= = !="));
        assert_eq!(
            ClusterFilter::parse("purity<1", false).unwrap_err(),
            "`purity` uses ground truth, which is switched off."
        );
    }
}
