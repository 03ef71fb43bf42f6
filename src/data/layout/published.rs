//! Published counts, against which a folder on disk is checked.

/// A published number, and how far it can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Read in the dataset's own documents or loaders: a difference is a fault.
    Sure(usize),
    /// General knowledge: a difference is worth a remark.
    Hint(usize),
    /// Not published.
    Unknown,
}

impl Figure {
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
    pub ids: Figure,
    /// Images.
    pub images: Figure,
}

/// Published counts of one form of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Which form: "Market-1501", "MSMT17, train and val".
    pub form: &'static str,
    /// Training.
    pub train: SplitFigures,
    /// Query.
    pub query: SplitFigures,
    /// Gallery after junk is dropped.
    pub gallery: SplitFigures,
    /// Cameras over all splits.
    pub cameras: Figure,
}

/// Shorthand for the tables: ids and images, both sure.
pub const fn sure(ids: usize, images: usize) -> SplitFigures {
    SplitFigures { ids: Figure::Sure(ids), images: Figure::Sure(images) }
}

/// Shorthand for the tables: ids a hint, images sure.
pub const fn hint_ids(ids: usize, images: usize) -> SplitFigures {
    SplitFigures { ids: Figure::Hint(ids), images: Figure::Sure(images) }
}

/// Shorthand for the tables: ids unknown, images sure.
pub const fn images_only(images: usize) -> SplitFigures {
    SplitFigures { ids: Figure::Unknown, images: Figure::Sure(images) }
}
