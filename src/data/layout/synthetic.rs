//! Synthetic pedestrians: a Market-1501 folder with the file that says how it was drawn.

use std::path::Path;

use super::{Layout, market1501};

/// The file that marks a folder of synthetic pedestrians and holds its specification.
pub const MARK: &str = "synthetic.json";

/// The layout.
pub const LAYOUT: Layout = Layout {
    name: "synthetic",
    title: "Synthetic pedestrians",
    expects: "a folder made by `datasets synthesize`: synthetic.json, bounding_box_train, query and bounding_box_test",
    notice: None,
    published: &[],
    detect: |root: &Path| root.join(MARK).is_file(),
    read: market1501::read,
};
