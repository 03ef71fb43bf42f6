//! The one filter language, of clusters, queries, images and runs: `size>10 score<0.5 cam=2 baseline`.
//!
//! Terms stand with blanks between them and must all hold. A term is a field, a comparison and a value, without
//! blanks around the comparison or with them; where words are looked for, any other word is one. What is not known of a
//! thing passes no comparison.

use std::cmp::Ordering;
use std::ops::Range;

use super::comparison::{BEGIN, FilterSign};

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldKind {
    /// Numbers; those nearer to each other than this are equal, as they read the same.
    Number(f64),
    /// 0 to 1, or percent: `0.3`, `30%`.
    Share,
    /// `yes` or `no`.
    YesNo,
    /// Numbers where both sides are, else words, in any case of letters.
    Any,
}

/// A field that terms can ask about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FilterField {
    /// As it is written, in small letters.
    pub name: &'static str,
    /// What it is, a few words.
    pub help: &'static str,
    /// What its values are.
    pub kind: FieldKind,
    /// Whether it uses the target's labels.
    pub truth: bool,
    /// A value as one would write it.
    pub example: &'static str,
}

/// What can be asked about.
#[derive(Clone, Copy)]
pub struct Vocabulary<'a> {
    /// The fields.
    pub fields: &'a [FilterField],
    /// Whether any other word is looked for in names.
    pub words: bool,
    /// Whether fields that use the target's labels may be asked about.
    pub truth: bool,
}

/// What a thing has.
#[derive(Clone, Debug, PartialEq)]
pub enum FilterOwn {
    /// A number; of `yes` and `no`, 1 and 0.
    Number(f64),
    /// Words.
    Text(String),
}

impl FilterOwn {
    /// A number where it reads as one, else words.
    pub fn read(text: &str) -> Self {
        text.parse().ok().filter(|x: &f64| x.is_finite()).map_or_else(|| Self::Text(text.to_owned()), Self::Number)
    }
}

impl From<f64> for FilterOwn {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Word(String),
    Compares { field: FilterField, test: FilterSign, value: FilterOwn },
}

/// Terms that must all hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms(Vec<Term>);

/// What of a filter is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands, in bytes of the text.
    pub at: Range<usize>,
    /// What is wrong, and what would be right.
    pub why: String,
}

impl Terms {
    /// Reads a filter.
    ///
    /// # Errors
    /// The first term that is not understood.
    pub fn parse(text: &str, known: &Vocabulary<'_>) -> Result<Self, Mistake> {
        let mut terms = Vec::new();
        let mut at = skip_blanks(text, 0);
        while at < text.len() {
            let (term, end) = term(text, at, known)?;
            terms.push(term);
            at = skip_blanks(text, end);
        }
        Ok(Self(terms))
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it asks about that field.
    pub fn asks(&self, name: &str) -> bool {
        self.0.iter().any(|term| matches!(term, Term::Compares { field, .. } if field.name == name))
    }

    /// Whether a thing passes: `own` gives what it has under the name of a field.
    pub fn pass(&self, own: impl Fn(&'static str) -> Option<FilterOwn>) -> bool {
        self.pass_named("", own)
    }

    /// The same of a thing with a name, or other `text` that words are looked for in.
    pub fn pass_named(&self, text: &str, own: impl Fn(&'static str) -> Option<FilterOwn>) -> bool {
        let text = if self.0.iter().any(|t| matches!(t, Term::Word(_))) { text.to_lowercase() } else { String::new() };
        self.0.iter().all(|term| match term {
            Term::Word(word) => text.contains(word),
            Term::Compares { field, test, value } => {
                own(field.name).is_some_and(|own| holds(field, &own, *test, value))
            }
        })
    }
}

fn holds(field: &FilterField, own: &FilterOwn, test: FilterSign, value: &FilterOwn) -> bool {
    let near = match field.kind {
        FieldKind::Number(near) => near,
        _ => 1e-9,
    };
    match (own, value) {
        (FilterOwn::Number(own), FilterOwn::Number(value)) => test.holds_near(*own, *value, near),
        (own, value) => test.holds(lower(own).cmp(&lower(value)) as Ordering),
    }
}

fn lower(own: &FilterOwn) -> String {
    match own {
        FilterOwn::Number(x) => x.to_string(),
        FilterOwn::Text(text) => text.to_lowercase(),
    }
}

fn skip_blanks(text: &str, from: usize) -> usize {
    text[from..].find(|c: char| !c.is_whitespace()).map_or(text.len(), |by| from + by)
}

fn word_end(text: &str, from: usize) -> usize {
    text[from..].find(char::is_whitespace).map_or(text.len(), |by| from + by)
}

/// The term that begins at `at`, and where it ends.
fn term(text: &str, at: usize, known: &Vocabulary<'_>) -> Result<(Term, usize), Mistake> {
    let end = word_end(text, at);
    let name_end = text[at..end].find(BEGIN).map_or(end, |by| at + by);
    let name = &text[at..name_end];
    let sign_at = if name_end < end { name_end } else { skip_blanks(text, end) };
    let compares = text[sign_at..].starts_with(BEGIN);
    if !compares {
        return match (known.words, find(known, name)) {
            (true, _) => Ok((Term::Word(name.to_lowercase()), end)),
            (false, Some(field)) => {
                let words = format!("After “{name}” comes a comparison and a value, as in {}.", example(&field, "<"));
                Err(Mistake { at: at..end, why: words })
            }
            (false, None) => Err(unknown(known, at..end, name)),
        };
    }
    let Some(field) = find(known, name) else { return Err(unknown(known, at..name_end.max(at + 1), name)) };
    if field.truth && !known.truth {
        let why = format!("“{name}” uses the target's labels, which are switched off.");
        return Err(Mistake { at: at..name_end, why });
    }
    let Some((sign, test, _)) = FilterSign::begin(&text[sign_at..]) else {
        let why = format!("After “{name}” comes one of < <= = != >= >, as in {}.", example(&field, "<"));
        return Err(Mistake { at: sign_at..word_end(text, sign_at), why });
    };
    let value_at = skip_blanks(text, sign_at + sign.len());
    let value_end = word_end(text, value_at);
    let value = &text[value_at..value_end];
    match read(&field, test, value) {
        Ok(value) => Ok((Term::Compares { field, test, value }, value_end)),
        Err(why) if value.is_empty() => Err(Mistake { at: at..sign_at + sign.len(), why }),
        Err(why) => Err(Mistake { at: value_at..value_end, why }),
    }
}

fn find(known: &Vocabulary<'_>, name: &str) -> Option<FilterField> {
    known.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).copied()
}

fn unknown(known: &Vocabulary<'_>, at: Range<usize>, name: &str) -> Mistake {
    let near = nearest(known, name).map(|field| format!("; perhaps {field}")).unwrap_or_default();
    let names: Vec<&str> = known.fields.iter().map(|field| field.name).take(12).collect();
    let more = if known.fields.len() > names.len() { ", …" } else { "" };
    let why = format!("“{name}” is not known{near}. There are {}{more}.", names.join(", "));
    Mistake { at, why }
}

/// The field whose name is one or two letters away.
fn nearest(known: &Vocabulary<'_>, name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let names = known.fields.iter().map(|field| (strsim::damerau_levenshtein(field.name, &name), field.name));
    names.filter(|(by, field)| *by <= 2 && *by < field.len()).min().map(|(_, field)| field)
}

fn example(field: &FilterField, sign: &str) -> String {
    let sign = if matches!(field.kind, FieldKind::YesNo) { "=" } else { sign };
    format!("{}{sign}{}", field.name, field.example)
}

/// The value of a term.
fn read(field: &FilterField, test: FilterSign, value: &str) -> Result<FilterOwn, String> {
    let like = || example(field, "<");
    if value.is_empty() {
        return Err(format!("It ends before the value; write {}.", like()));
    }
    let number = |text: &str| text.parse::<f64>().ok().filter(|x| x.is_finite());
    match field.kind {
        FieldKind::YesNo => match (value.to_lowercase().as_str(), test) {
            ("yes", FilterSign::Is | FilterSign::IsNot) => Ok(FilterOwn::Number(1.0)),
            ("no", FilterSign::Is | FilterSign::IsNot) => Ok(FilterOwn::Number(0.0)),
            _ => Err(format!("“{}” is yes or no: write {}.", field.name, like())),
        },
        FieldKind::Number(_) => {
            number(value).map(FilterOwn::Number).ok_or_else(|| format!("“{value}” is not a number; write {}.", like()))
        }
        FieldKind::Share => {
            let (digits, by) = value.strip_suffix('%').map_or((value, 1.0), |digits| (digits, 100.0));
            match number(digits).map(|x| x / by) {
                Some(share) if (0.0..=1.0).contains(&share) => Ok(FilterOwn::Number(share)),
                Some(_) => {
                    let percent = number(field.example).map_or(0.0, |x| 100.0 * x);
                    Err(format!("“{0}” goes from 0 to 1: write {1} or {0}<{percent}%.", field.name, like()))
                }
                None => Err(format!("“{value}” is not a number; write {}.", like())),
            }
        }
        FieldKind::Any => Ok(FilterOwn::read(value)),
    }
}

/// A word that could be put where the cursor stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What it takes the place of, in bytes of the text.
    pub at: Range<usize>,
    /// The word.
    pub word: String,
    /// What it means.
    pub help: &'static str,
}

/// What could be written where the cursor stands, at that byte of the text.
pub fn complete(text: &str, cursor: usize, known: &Vocabulary<'_>) -> Vec<Completion> {
    let Some(before) = text.get(..cursor) else { return Vec::new() };
    let from =
        before.rfind(char::is_whitespace).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[from..];
    if let Some(sign) = word.find(BEGIN) {
        // Of values, only the words of a field that has a few are known.
        let field = find(known, &word[..sign]).filter(|field| field.kind == FieldKind::YesNo);
        let value = sign + word[sign..].find(|c| !BEGIN.contains(&c)).unwrap_or(word.len() - sign);
        let begun = &word[value..];
        let answers = field.into_iter().flat_map(|field| [("yes", field.help), ("no", field.help)]);
        let fits = answers.filter(|(answer, _)| answer.starts_with(begun) && *answer != begun);
        return fits
            .map(|(answer, help)| Completion { at: from + value..cursor, word: answer.to_owned(), help })
            .collect();
    }
    let begun = word.to_lowercase();
    let fields = known.fields.iter().filter(|field| known.truth || !field.truth);
    let fits = fields.filter(|field| field.name.starts_with(&begun) && (!begun.is_empty() || !known.words));
    fits.map(|field| Completion {
        at: from..cursor,
        word: format!("{}{}", field.name, if field.kind == FieldKind::YesNo { "=" } else { "" }),
        help: field.help,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[FilterField] = &[
        FilterField { name: "size", help: "images", kind: FieldKind::Number(1e-9), truth: false, example: "10" },
        FilterField { name: "score", help: "Eq. 8", kind: FieldKind::Number(0.005), truth: false, example: "0.5" },
        FilterField { name: "ap", help: "AP", kind: FieldKind::Share, truth: true, example: "0.3" },
        FilterField { name: "reliable", help: "kept", kind: FieldKind::YesNo, truth: false, example: "no" },
        FilterField { name: "state", help: "how it stands", kind: FieldKind::Any, truth: false, example: "done" },
    ];

    fn known(words: bool, truth: bool) -> Vocabulary<'static> {
        Vocabulary { fields: FIELDS, words, truth }
    }

    fn passes(text: &str) -> bool {
        let own = |name: &str| match name {
            "size" => Some(FilterOwn::Number(12.0)),
            "score" => Some(FilterOwn::Number(0.444)),
            "reliable" => Some(FilterOwn::Number(0.0)),
            "state" => Some(FilterOwn::Text("Done".to_owned())),
            _ => None,
        };
        Terms::parse(text, &known(true, true)).unwrap().pass_named("Whole method, eps 0.5", own)
    }

    #[test]
    fn terms_are_read_and_all_must_hold() {
        for yes in [
            "",
            "size>10",
            "size > 10",
            "score<0.5 reliable=no",
            "score=0.44",
            "SIZE>=12 size<=12",
            "reliable!=yes",
            "state=done whole",
            "state!=failed METHOD",
        ] {
            assert!(passes(yes), "{yes}");
        }
        for no in ["size>12", "size<12", "reliable=yes", "ap<1", "baseline", "score<0.5 size>100", "state=failed"] {
            assert!(!passes(no), "{no}");
        }
    }

    #[test]
    fn a_mistake_says_where_and_what_would_be_right() {
        let wrong = |text: &str, known: Vocabulary<'_>| {
            let Mistake { at, why } = Terms::parse(text, &known).unwrap_err();
            (text[at].to_owned(), why)
        };
        let plain = known(false, true);
        assert_eq!(wrong("size>10 colour=red", plain).0, "colour");
        assert_eq!(
            wrong("size>1 scor<1", plain),
            ("scor".into(), "“scor” is not known; perhaps score. There are size, score, ap, reliable, state.".into())
        );
        assert_eq!(
            wrong("size", plain),
            ("size".into(), "After “size” comes a comparison and a value, as in size<10.".into())
        );
        assert_eq!(
            wrong("reliable=no size>", plain),
            ("size>".into(), "It ends before the value; write size<10.".into())
        );
        assert_eq!(wrong("size>ten", plain).0, "ten");
        assert_eq!(wrong("size!4", plain).0, "!4");
        assert_eq!(wrong("ap<30", plain).1, "“ap” goes from 0 to 1: write ap<0.3 or ap<30%.");
        assert_eq!(
            wrong("reliable=maybe", plain),
            ("maybe".into(), "“reliable” is yes or no: write reliable=no.".into())
        );
        assert_eq!(wrong("reliable>no", plain).0, "no");
        assert!(wrong("ap<0.3", known(false, false)).1.contains("switched off"));
        assert_eq!(wrong("大<3", plain).0, "大");
    }

    #[test]
    fn what_can_be_written_is_offered() {
        let offered = |text: &str, words: bool| -> Vec<String> {
            complete(text, text.len(), &known(words, false)).into_iter().map(|c| c.word).collect()
        };
        assert_eq!(offered("", false), ["size", "score", "reliable=", "state"], "not ap: labels are switched off");
        assert_eq!(offered("size>3 s", true), ["size", "score", "state"]);
        assert_eq!(offered("reliable=", true), ["yes", "no"]);
        assert_eq!(offered("reliable=y", true), ["yes"]);
        assert!(
            offered("size>", true).is_empty() && offered("", true).is_empty() && offered("size>1大", true).is_empty()
        );
        let found = complete("size>3 re", 9, &known(false, true)).remove(0);
        assert_eq!((found.at, found.word.as_str()), (7..9, "reliable="));
    }
}
