//! What was typed against names: fuzzy for words, as they stand for numbers and files.

use std::cell::RefCell;

use super::Item;
use super::fuzzy::{LetterMatcher, holds};

/// What is shown of the best alone: a score below this share of it is noise.
const SHARE: u32 = 3;

/// What was typed.
pub(super) struct TypedWords {
    /// In small letters, without blanks around it.
    pub(super) text: String,
    matcher: RefCell<LetterMatcher>,
}

impl TypedWords {
    pub(super) fn of(query: &str) -> Self {
        Self { text: query.trim().to_lowercase(), matcher: RefCell::default() }
    }

    /// Whether anything was typed.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// How well a thing fits: by its title, else by further words for it, else by what is said of it.
    pub(super) fn score(&self, title: &str, words: &str, said: &str) -> Option<u32> {
        if let Some(score) = self.fits(title) {
            return Some(2 * score);
        }
        self.fits(&format!("{title} {words}")).or_else(|| self.holds(said).map(|_| 1))
    }

    fn fits(&self, name: &str) -> Option<u32> {
        self.letters(name).map(|(score, _)| score)
    }

    /// How well a name fits that must hold each word as it was typed.
    pub(super) fn holds(&self, name: &str) -> Option<u32> {
        self.text.split_whitespace().try_fold(0, |sum, word| Some(sum + holds(word, name)?))
    }

    /// Which letters of a title were typed, ascending.
    pub(super) fn letters_of(&self, title: &str) -> Vec<u32> {
        let mut at = self.letters(title).map_or(Vec::new(), |(_, at)| at);
        at.sort_unstable();
        at.dedup();
        at
    }

    /// How well the letters of all words are found in a name, and where.
    fn letters(&self, name: &str) -> Option<(u32, Vec<u32>)> {
        let (mut matcher, mut at) = (self.matcher.borrow_mut(), Vec::new());
        let score = |sum, word: &str| Some(sum + matcher.fit(word, name, &mut at)?);
        let score = self.text.split_whitespace().try_fold(0, score)?;
        Some((score, at))
    }
}

/// Best first, what belongs together side by side; what fits far worse than the best is left out.
pub(super) fn sort(found: &mut Vec<(u32, Item)>) {
    let best = found.iter().filter(|(_, item)| !item.exact).map(|(score, _)| *score).max().unwrap_or(0);
    found.retain(|(score, item)| item.exact || SHARE * score >= best);
    let mut groups: Vec<(&'static str, u32)> = Vec::new();
    for (score, item) in found.iter() {
        match groups.iter_mut().find(|(group, _)| *group == item.group) {
            Some((_, top)) => *top = (*top).max(*score),
            None => groups.push((item.group, *score)),
        }
    }
    groups.sort_by_key(|(_, top)| std::cmp::Reverse(*top)); // stable: else as they came
    let place = |group| groups.iter().position(|(g, _)| *g == group);
    found.sort_by_key(|(score, item)| (place(item.group), std::cmp::Reverse(*score)));
}
