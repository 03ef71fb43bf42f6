//! Published counts, against which a folder on disk is checked.

/// A published number, and how far it can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishedNumber {
    /// Read in the dataset's own documents or loaders: a difference is a fault.
    Sure(usize),
    /// General knowledge: a difference is worth a remark.
    Hint(usize),
    /// Not published.
    Unknown,
}

impl PublishedNumber {
    /// The number, if there is one.
    pub fn value(self) -> Option<usize> {
        match self {
            Self::Sure(n) | Self::Hint(n) => Some(n),
            Self::Unknown => None,
        }
    }
}

/// Published counts of a split. Distractors (pid 0 of a gallery) count as images, not as ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitFigures {
    /// Identities.
    pub ids: PublishedNumber,
    /// Images.
    pub images: PublishedNumber,
}

/// Published counts of one form of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedCounts {
    /// Which form: "Market-1501", "MSMT17, train and val".
    pub form: &'static str,
    /// Training.
    pub train: SplitFigures,
    /// Query.
    pub query: SplitFigures,
    /// Gallery after junk is dropped.
    pub gallery: SplitFigures,
    /// Cameras over all splits.
    pub cameras: PublishedNumber,
}

/// Shorthand for the tables: ids and images, both sure.
pub const fn sure(ids: usize, images: usize) -> SplitFigures {
    SplitFigures { ids: PublishedNumber::Sure(ids), images: PublishedNumber::Sure(images) }
}

/// Shorthand for the tables: ids a hint, images sure.
pub const fn hint_ids(ids: usize, images: usize) -> SplitFigures {
    SplitFigures { ids: PublishedNumber::Hint(ids), images: PublishedNumber::Sure(images) }
}

/// Shorthand for the tables: ids unknown, images sure.
pub const fn images_only(images: usize) -> SplitFigures {
    SplitFigures { ids: PublishedNumber::Unknown, images: PublishedNumber::Sure(images) }
}
