//! How the filters of clusters, queries and runs compare: the sign after a field's name.

use std::cmp::Ordering;

/// A comparison of what something has with what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FilterSign {
    Less,
    AtMost,
    More,
    AtLeast,
    Is,
    IsNot,
}

/// Longer signs first: `<=` is not `<`.
const SIGNS: [(&str, FilterSign); 7] = [
    ("<=", FilterSign::AtMost),
    (">=", FilterSign::AtLeast),
    ("!=", FilterSign::IsNot),
    ("==", FilterSign::Is),
    ("<", FilterSign::Less),
    (">", FilterSign::More),
    ("=", FilterSign::Is),
];

/// The characters that a sign can begin with.
pub const BEGIN: [char; 4] = ['<', '>', '=', '!'];

impl FilterSign {
    /// The sign that `text` begins with, its comparison, and what follows.
    pub fn begin(text: &str) -> Option<(&'static str, Self, &str)> {
        let found = SIGNS.into_iter().find(|(sign, _)| text.starts_with(sign));
        found.map(|(sign, comparison)| (sign, comparison, &text[sign.len()..]))
    }

    /// Whether it holds of two values that stand in that order.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Is => order.is_eq(),
            Self::IsNot => order.is_ne(),
        }
    }

    /// Whether it holds of two numbers; those nearer to each other than `near` are equal. Of NaN only `!=` holds.
    pub fn holds_near(self, own: f64, value: f64, near: f64) -> bool {
        let same = own == value || (own - value).abs() < near;
        match self {
            Self::Is => same,
            Self::IsNot => !same,
            _ => own.partial_cmp(&value).is_some_and(|order| self.holds(order)),
        }
    }
}
