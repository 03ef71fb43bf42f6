//! How well a few letters fit a name: in their order, with others between them where need be, as editors do it.

/// For each letter that is there.
const LETTER: i32 = 16;
/// For a letter that begins a word.
const BEGINS: i32 = 8;
/// For a letter beside the one before.
const BESIDE: i32 = 8;
/// For other letters between two, and for each of them.
const GAP: [i32; 2] = [3, 1];
/// Letters of a name that are looked at.
const LONGEST: usize = 160;

/// Where a word's letters are found, and how good that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    /// At least 1.
    pub(super) score: u32,
    /// Places of its letters in the name, ascending.
    pub(super) at: Vec<u32>,
}

/// The letters of a name, small, and which of them begin a word.
pub(super) fn letters(name: &str) -> Vec<(char, bool)> {
    let mut before = ' ';
    let mut out = Vec::new();
    for letter in name.chars().take(LONGEST) {
        let begins = letter.is_alphanumeric()
            && (!before.is_alphanumeric()
                || (before.is_lowercase() && letter.is_uppercase())
                || (before.is_alphabetic() && letter.is_ascii_digit()));
        // A letter whose small form is several keeps its place.
        out.push((letter.to_lowercase().next().unwrap_or(letter), begins));
        before = letter;
    }
    out
}

/// The best way to find the letters of `word`, which are small, in `name`, in their order; `None` where one is missing.
pub(super) fn fit(word: &[char], name: &[(char, bool)]) -> Option<Fit> {
    let (n, m) = (name.len(), word.len());
    if m == 0 || m > n {
        return None;
    }
    const NONE: i32 = i32::MIN / 2;
    // [letter of the word][letter of the name]: the best score that ends there, and where the letter before lies.
    let mut best = vec![(NONE, usize::MAX); n * m];
    for (i, letter) in word.iter().enumerate() {
        // The best of those that end two or more letters before, less the gap up to here.
        let (mut far, mut far_at) = (NONE, usize::MAX);
        for (j, (own, begins)) in name.iter().enumerate() {
            far -= GAP[1];
            if i > 0 && j > 1 {
                let (score, _) = best[(i - 1) * n + j - 2];
                if score - GAP[0] - GAP[1] > far {
                    (far, far_at) = (score - GAP[0] - GAP[1], j - 2);
                }
            }
            if own != letter {
                continue;
            }
            let here = LETTER + if *begins { BEGINS } else { 0 };
            best[i * n + j] = match i {
                0 => (here + if *begins { BEGINS } else { 0 }, usize::MAX),
                _ if j == 0 => continue,
                _ => {
                    let beside = best[(i - 1) * n + j - 1].0 + BESIDE;
                    let (before, at) = if beside >= far { (beside, j - 1) } else { (far, far_at) };
                    (before + here, at)
                }
            };
        }
    }
    let last = (0..n).max_by_key(|j| (best[(m - 1) * n + j].0, std::cmp::Reverse(*j)))?;
    let (score, _) = best[(m - 1) * n + last];
    if score < NONE / 2 {
        return None;
    }
    let mut at = vec![0; m];
    let mut j = last;
    for i in (0..m).rev() {
        at[i] = j as u32;
        j = best[i * n + j].1;
    }
    Some(Fit { score: score.max(1) as u32, at })
}

/// How well a name holds a word, which is small, letter by letter; `None` where it does not.
pub(super) fn holds(word: &str, name: &str) -> Option<u32> {
    let at = match name.is_ascii() && word.is_ascii() {
        true => name.as_bytes().windows(word.len()).position(|part| part.eq_ignore_ascii_case(word.as_bytes()))?,
        false => return name.to_lowercase().contains(word).then(|| (LETTER + BESIDE) as u32 * word.len() as u32),
    };
    let other = |at: Option<&u8>| at.is_none_or(|letter| !letter.is_ascii_alphanumeric());
    let begins = other(at.checked_sub(1).and_then(|before| name.as_bytes().get(before)));
    let ends = other(name.as_bytes().get(at + word.len()));
    let whole = if begins { BEGINS } else { 0 } + if ends { BEGINS } else { 0 };
    Some((LETTER + BESIDE) as u32 * word.len() as u32 + whole as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(word: &str, name: &str) -> Option<Fit> {
        fit(&word.chars().collect::<Vec<_>>(), &letters(name))
    }

    #[test]
    fn letters_are_found_in_their_order_where_they_tell_most() {
        assert_eq!(of("rl", "Rank lists").unwrap().at, [0, 5], "the beginnings of words");
        assert_eq!(of("list", "Rank lists").unwrap().at, [5, 6, 7, 8]);
        assert_eq!(of("tsil", "Rank lists"), None);
        assert!(of("map", "Cluster map").unwrap().score > of("map", "Make a pause").unwrap().score);
        assert!(of("check", "Checkpoints…").unwrap().score > of("check", "Choose the bed's colour k").unwrap().score);
        assert_eq!(of("", "x"), None);
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
