//! What can go wrong with data, each message one sentence with what was expected and what was found.

use std::path::{Path, PathBuf};

/// Why a dataset, a registry or an image could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A name that is neither registered nor a folder.
    #[error(
        "there is no dataset or folder `{name}`{}{}",
        near.as_ref().map_or_else(|| "; `datasets list` shows the registered names".to_owned(), |n| format!("; did you mean `{n}`?")),
        odd.as_ref().map(|o| format!(" ({o})")).unwrap_or_default()
    )]
    UnknownDataset {
        /// What was asked for.
        name: String,
        /// The registered name that is closest, if one is close.
        near: Option<String>,
        /// What could not be used of the registry's files, where it may have stood there.
        odd: Option<String>,
    },
    /// A registered dataset whose folder is not there.
    #[error(
        "the folder of `{name}` is not there: {}; put the data there, or give its place in {}",
        root.display(), edit.display()
    )]
    NoRoot {
        /// The dataset.
        name: String,
        /// Where its data should lie.
        root: PathBuf,
        /// The registry file in which the place can be changed.
        edit: PathBuf,
    },
    /// A folder that does not hold what its layout says.
    #[error("{} is not a {title} folder: expected {expected}, found {found}", root.display())]
    WrongLayout {
        /// The folder.
        root: PathBuf,
        /// The layout's title.
        title: String,
        /// What the layout needs.
        expected: String,
        /// What lies there.
        found: String,
    },
    /// A folder that fits no layout.
    #[error(
        "{} fits no known layout: expected {expected}, found {found}; give the layout in datasets.toml or write a CSV \
         manifest path,pid,camid,split", root.display()
    )]
    NoLayout {
        /// The folder.
        root: PathBuf,
        /// What would have been recognised.
        expected: String,
        /// What lies there.
        found: String,
    },
    /// A layout name that does not exist.
    #[error("there is no layout `{given}`: it is one of {known}")]
    UnknownLayout {
        /// What was asked for.
        given: String,
        /// The names that exist.
        known: String,
    },
    /// A line of a list or manifest that cannot be used.
    #[error("{} line {line}: {message}", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong and what was expected.
        message: String,
    },
    /// A setting that cannot be used.
    #[error("{0}")]
    BadSetting(String),
    /// A file of the registry that cannot be used.
    #[error("{} cannot be used: {message}", path.display())]
    BadRegistry {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// An image that cannot be decoded.
    #[error("{} is not a readable image: {message}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        message: String,
    },
    /// The file system said no.
    #[error("{doing} {} failed: {source}", path.display())]
    Io {
        /// What was tried, as "reading".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The caller's tick asked to stop.
    #[error("stopped before it was done")]
    Cancelled,
}

impl DataError {
    /// Wraps an I/O error with what was tried on which path.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { doing, path, source }
    }
}
