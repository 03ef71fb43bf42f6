//! How well what was typed fits a name: its letters in their order, by nucleo's matcher, or the word as it stands.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// For each letter of a word that stands in a name, for the letter beside the one before, and for an end of the word that
/// is one of the name's, on the scale of nucleo.
const LETTER: u32 = 16;
const BESIDE: u32 = 8;
const END: u32 = 8;

/// Finds words in names, letter by letter.
pub(super) struct LetterMatcher {
    matcher: Matcher,
    letters: Vec<char>,
}

impl Default for LetterMatcher {
    fn default() -> Self {
        Self { matcher: Matcher::new(Config::DEFAULT), letters: Vec::new() }
    }
}

impl LetterMatcher {
    /// How well the letters of `word` are found in `name`, in their order, with others between them where need be; `None`
    /// where one is missing. Their places in the name come to `at`.
    pub(super) fn fit(&mut self, word: &str, name: &str, at: &mut Vec<u32>) -> Option<u32> {
        let atom = Atom::new(word, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy, false);
        let name = Utf32Str::new(name, &mut self.letters);
        atom.indices(name, &mut self.matcher, at).map(u32::from)
    }
}

/// How well a name holds a word, which is small, letter by letter; `None` where it does not.
pub(super) fn holds(word: &str, name: &str) -> Option<u32> {
    let at = match name.is_ascii() && word.is_ascii() {
        true => name.as_bytes().windows(word.len()).position(|part| part.eq_ignore_ascii_case(word.as_bytes()))?,
        false => return name.to_lowercase().contains(word).then(|| (LETTER + BESIDE) * word.len() as u32),
    };
    let other = |at: Option<&u8>| at.is_none_or(|letter| !letter.is_ascii_alphanumeric());
    let begins = other(at.checked_sub(1).and_then(|before| name.as_bytes().get(before)));
    let ends = other(name.as_bytes().get(at + word.len()));
    let whole = END * (u32::from(begins) + u32::from(ends));
    Some((LETTER + BESIDE) * word.len() as u32 + whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(word: &str, name: &str) -> Option<(u32, Vec<u32>)> {
        let mut at = Vec::new();
        LetterMatcher::default().fit(word, name, &mut at).map(|score| (score, at))
    }

    #[test]
    fn letters_are_found_in_their_order_where_they_tell_most() {
        assert_eq!(of("rl", "Rank lists").unwrap().1, [0, 5], "the beginnings of words");
        assert_eq!(of("list", "Rank lists").unwrap().1, [5, 6, 7, 8]);
        assert_eq!(of("tsil", "Rank lists"), None);
        assert!(of("map", "Cluster map").unwrap().0 > of("map", "Make a pause").unwrap().0);
        assert!(of("check", "Checkpoints…").unwrap().0 > of("check", "Choose the bed's colour k").unwrap().0);
        assert_eq!(of("xx", "x"), None);
    }

    #[test]
    fn a_name_holds_a_word_whatever_the_case() {
        assert!(holds("0003_c2", "0003_C2s1.jpg").is_some());
        assert!(holds("1", "Cluster 1") > holds("1", "Cluster 12"));
        assert_eq!(holds("1", "Cluster 2"), None);
        assert!(holds("straße", "Straße.jpg").is_some());
        assert_eq!(holds("longer than it", "it"), None);
    }
}
