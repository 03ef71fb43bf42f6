//! Files that are there whole or not at all, and files that are opened without a trap.

mod folder;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::supply;
pub use folder::StagedFolder;

/// Writes `path` through `write`: into a temporary file beside it, synced, then renamed over the old one, and the
/// folder synced.
///
/// Whoever reads `path` meanwhile, and whoever opens it after a crash at any moment, finds the old content or the
/// new one, never a mixture. Two writers of one path do not meet: each has a temporary file of its own. Where `path`
/// is a link, the link is replaced and the file behind it left alone. The folder is made when it is missing.
///
/// # Errors
/// Those of `write` and of the file system; the old file is then untouched and the temporary one removed.
pub fn atomic_write<T>(path: &Path, write: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let mut staged = Staged::beside(path)?;
    let result = write(staged.file())?;
    staged.keep()?;
    Ok(result)
}

/// As [`atomic_write`], of bytes that are there.
///
/// # Errors
/// Those of the file system.
pub fn write_bytes(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    atomic_write(path, |file| file.write_all(bytes.as_ref()))
}

/// As [`write_bytes`] for what tells of the present (a sign of life, a request) or can be made anew: readers find the
/// old content or the new one, but nothing waits for the disk, and no folder is made.
///
/// # Errors
/// Those of the file system.
pub fn replace_unsynced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"))?;
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(SUFFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder_of(path))?;
    temporary.write_all(bytes)?;
    temporary.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// A file being written beside the one that it is to replace; removed unless it is kept.
///
/// For writers that want a path rather than an open file; [`atomic_write`] serves all others.
pub struct Staged {
    temporary: tempfile::NamedTempFile,
    target: PathBuf,
}

impl Staged {
    /// An empty file beside `path`, whose folder is made when it is missing.
    ///
    /// # Errors
    /// Those of the file system, and when `path` has no file name.
    pub fn beside(path: &Path) -> io::Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"));
        };
        let dir = folder_of(path);
        std::fs::create_dir_all(dir)?;
        // The name says whose litter it is, should the writer be killed; see [`sweep_litter`].
        let prefix = format!(".{}.", name.to_string_lossy());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX);
        // A temporary file is private to its owner unless told otherwise; ours are meant to be copied and shared.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        Ok(Self { temporary: builder.tempfile_in(dir)?, target: path.to_owned() })
    }

    /// Where it lies until it is kept.
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// The open file.
    pub fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Puts it on the disk and in its place; returns its size in bytes.
    ///
    /// # Errors
    /// Those of the file system; what was there before is then untouched.
    pub fn keep(self) -> io::Result<u64> {
        let file = self.temporary.as_file();
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        self.temporary.persist(&self.target).map_err(|e| e.error)?;
        sync_folder(folder_of(&self.target))?;
        Ok(bytes)
    }
}

/// Gives a file a second name in place of what bears it: a link of the file system, or a copy where there are none.
/// Whoever writes the file anew by [`atomic_write`] leaves the second name with what was there.
///
/// # Errors
/// Those of the file system; what bore the name is then untouched.
pub fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    let staged = Staged::beside(to)?;
    let beside = staged.path().with_extension("link.tmp");
    if std::fs::hard_link(from, &beside).is_ok() {
        let renamed = std::fs::rename(&beside, to);
        // Two names of one file: such a rename does nothing.
        let _ = std::fs::remove_file(&beside);
        return renamed.and_then(|()| sync_folder(folder_of(to)));
    }
    let mut staged = staged;
    io::copy(&mut open_regular(from)?, staged.file())?;
    staged.keep().map(|_| ())
}

const SUFFIX: &str = ".tmp";

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A rename is on the disk only once the folder is.
#[cfg(unix)]
fn sync_folder(dir: &Path) -> io::Result<()> {
    match File::open(dir)?.sync_all() {
        // Some network file systems cannot sync a folder; the rename is theirs to keep.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Removes what killed writers left in a folder and, `depth` levels down, in its sub-folders: `.NAME.XXXXXX.tmp`
/// files that nobody has written to for `idle`. Links are neither followed nor removed. Returns how many files went.
///
/// The caller sees to it that nobody else writes there meanwhile, or gives an `idle` that no writer reaches.
///
/// # Errors
/// When the folder cannot be read. A file that cannot be removed stays.
pub fn sweep_litter(dir: &Path, depth: usize, idle: Duration) -> io::Result<usize> {
    let mut swept = 0;
    for entry in std::fs::read_dir(dir)? {
        let Ok(entry) = entry else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 {
            swept += sweep_litter(&entry.path(), depth - 1, idle).unwrap_or(0);
        }
        let name = entry.file_name();
        let is_litter = name.to_str().is_some_and(|n| n.starts_with('.') && n.ends_with(SUFFIX));
        if kind.is_file() && is_litter && rests(&entry.path(), idle) && std::fs::remove_file(entry.path()).is_ok() {
            swept += 1;
        }
    }
    Ok(swept)
}

fn rests(path: &Path, idle: Duration) -> bool {
    let written = std::fs::symlink_metadata(path).and_then(|m| m.modified());
    written.is_ok_and(|at| at.elapsed().is_ok_and(|since| since >= idle) || idle.is_zero())
}

/// Opens a file to read, only if it is a regular one: a named pipe would block for ever, a device never end. One that
/// is not here is brought first, where somebody brings files of its folder ([`supply`]).
///
/// # Errors
/// Those of the file system; [`io::ErrorKind::InvalidInput`] with one sentence for what is no regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Opened without waiting for a writer at the other end, and looked at afterwards: no gap between look and open.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = match options.open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound && bring(path)? => options.open(path)?,
        opened => opened?,
    };
    if let Some((supplier, name)) = supply::supplier(path) {
        supplier.used(&name);
    }
    regular(file)
}

/// Opens a file to write at its end, made where it is missing, only if it is a regular one.
///
/// # Errors
/// As [`open_regular`].
pub fn append_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    // A named pipe that nobody reads is refused by the system itself then, in words that do not say why.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    match options.open(path) {
        Ok(file) => regular(file),
        #[cfg(unix)]
        Err(e) if e.raw_os_error() == Some(libc::ENXIO) => Err(not_regular("a pipe, a device or a socket")),
        Err(e) => Err(e),
    }
}

fn regular(file: File) -> io::Result<File> {
    let kind = file.metadata()?.file_type();
    match kind.is_file() {
        true => Ok(file),
        false if kind.is_dir() => Err(not_regular("a folder")),
        false => Err(not_regular("a pipe, a device or a socket")),
    }
}

fn not_regular(found: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {found}, not a file"))
}

/// Has a file brought that is not here, where somebody brings files of its folder; whether it was.
fn bring(path: &Path) -> io::Result<bool> {
    supply::supplier(path).map_or(Ok(false), |(supplier, name)| supplier.fetch(&name))
}

/// The bytes of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open_regular`]; [`io::ErrorKind::FileTooLarge`] when it is larger.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    let expected = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(expected.min(limit) as usize);
    // It may grow while it is read.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let words = format!("it is larger than {limit} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    Ok(bytes)
}

/// As [`read_regular`], as text.
///
/// # Errors
/// As [`read_regular`]; [`io::ErrorKind::InvalidData`] when it is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let bytes = read_regular(path, limit)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Refuses a `path` below `root` that a link would lead elsewhere, itself or a folder on its way; parts that are not
/// there yet are no links. What leads to `root` is the user's choice and not looked at.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] with one sentence that names the link, or when `path` is not below `root`.
pub fn refuse_links(root: &Path, path: &Path) -> io::Result<()> {
    let refused = |words: String| Err(io::Error::new(io::ErrorKind::InvalidInput, words));
    let Ok(below) = path.strip_prefix(root) else {
        return refused(format!("it does not lie in {}", root.display()));
    };
    let mut at = root.to_owned();
    for part in below.components() {
        let Component::Normal(name) = part else {
            return refused(format!("it does not lie in {}", root.display()));
        };
        at.push(name);
        match std::fs::symlink_metadata(&at) {
            Ok(found) if found.is_symlink() => {
                return refused(format!("{} is a link, which would be followed out of the folder", at.display()));
            }
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
