//! Files that are not here yet: a folder that mirrors another machine's has somebody who brings what is asked for.
//!
//! Whoever opens a file ([`crate::base::fs::open_regular`]) need not know: where it is missing below such a folder, it
//! is brought first. That may take as long as the line is slow, so it happens on threads that may wait.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Who brings the files of one folder.
pub trait Supplier: Send + Sync {
    /// Brings a file, whose path within the folder is given; false when there is none to bring.
    ///
    /// # Errors
    /// When it cannot be brought now; one sentence.
    fn fetch(&self, name: &Path) -> io::Result<bool>;

    /// Brings several that will be wanted soon, where that is cheaper than one by one.
    fn fetch_soon(&self, names: &[PathBuf]);

    /// Puts a file at the far end, in a folder that is there for messages.
    ///
    /// # Errors
    /// When it cannot be put there; one sentence.
    fn put(&self, name: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Takes a message back; whether nobody had taken it yet.
    fn take_back(&self, name: &Path, bytes: &[u8]) -> bool;

    /// Asks who is at the far end, and waits for the answer; both are JSON that this room does not know.
    ///
    /// # Errors
    /// When there is no answer; one sentence.
    fn ask(&self, question: &[u8]) -> io::Result<Vec<u8>>;

    /// A file that is here was used.
    fn used(&self, name: &Path);
}

static ANY: AtomicBool = AtomicBool::new(false);
static SUPPLIED: RwLock<BTreeMap<PathBuf, Arc<dyn Supplier>>> = RwLock::new(BTreeMap::new());

/// From now on `supplier` brings what is missing below `folder`, an absolute path.
pub fn supply(folder: &Path, supplier: Arc<dyn Supplier>) {
    SUPPLIED.write().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned(), supplier);
    ANY.store(true, Ordering::Release);
}

/// Nobody brings what is missing below `folder` any more.
pub fn end(folder: &Path) {
    SUPPLIED.write().unwrap_or_else(PoisonError::into_inner).remove(folder);
}

/// Who brings what is missing there, and the path within the folder.
pub fn supplier(path: &Path) -> Option<(Arc<dyn Supplier>, PathBuf)> {
    if !ANY.load(Ordering::Acquire) {
        return None;
    }
    let supplied = SUPPLIED.read().unwrap_or_else(PoisonError::into_inner);
    path.ancestors().skip(1).find_map(|folder| {
        let supplier = supplied.get(folder)?;
        Some((Arc::clone(supplier), path.strip_prefix(folder).ok()?.to_owned()))
    })
}

/// Whether a regular file is there, or can be brought.
pub fn is_there(path: &Path) -> bool {
    path.is_file() || supplier(path).is_some_and(|(supplier, name)| supplier.fetch(&name).unwrap_or(false))
}
