//! The system's trash, by the freedesktop.org Trash specification 1.0: what is put there can be put back, by us or by
//! any file manager. Nothing is copied: a folder goes to the trash of the disk that it lies on.

use std::io;
use std::path::{Path, PathBuf};

/// What was put into the trash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trashed {
    /// Where it was.
    pub from: PathBuf,
    /// Where it is.
    pub at: PathBuf,
    /// The file that says where it was.
    info: PathBuf,
}

impl Trashed {
    /// Puts it back where it was.
    ///
    /// # Errors
    /// When something else lies there now, or those of the file system.
    pub fn put_back(&self) -> io::Result<()> {
        if self.from.symlink_metadata().is_ok() {
            let why = format!("there is something else in {} now", self.from.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
        }
        std::fs::rename(&self.at, &self.from)?;
        std::fs::remove_file(&self.info)
    }
}

/// The user's own trash; `None` where the system does not say who the user is, or has another kind of trash.
pub fn home() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    if !cfg!(unix) {
        return None;
    }
    etcetera::choose_base_strategy().ok().map(|system| system.data_dir().join("Trash"))
}

/// Moves a file or folder to the trash: to that in `home`, or to the one of its own disk where that is another.
///
/// # Errors
/// Those of the file system; what could not be moved lies where it lay.
pub fn put(path: &Path, home: &Path) -> io::Result<Trashed> {
    // The folder's own name stays as it is: a link is moved, not what it leads to.
    let above = std::path::absolute(path)?;
    let (folder, name) = match (above.parent(), above.file_name()) {
        (Some(folder), Some(name)) => (folder.canonicalize()?, name.to_owned()),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "it has no name")),
    };
    let from = folder.join(&name);
    from.symlink_metadata()?;
    let place = Place::of(&from, home)?;
    std::fs::create_dir_all(place.trash.join("files"))?;
    std::fs::create_dir_all(place.trash.join("info"))?;
    let told = place.below.as_ref().and_then(|top| from.strip_prefix(top).ok()).unwrap_or(&from);
    let date = super::time::stamp(super::time::now());
    let date = date.split_once('T').map_or(date.clone(), |(day, clock)| format!("{day}T{}", clock.replace('-', ":")));
    let text = format!("[Trash Info]\nPath={}\nDeletionDate={date}\n", encoded(told));
    for copy in 1..10_000 {
        let mut own = name.clone();
        if copy > 1 {
            own.push(format!(".{copy}"));
        }
        let at = place.trash.join("files").join(&own);
        let mut file = own;
        file.push(".trashinfo");
        let info = place.trash.join("info").join(file);
        // Whoever makes this file owns the name.
        match std::fs::OpenOptions::new().write(true).create_new(true).open(&info) {
            Ok(mut file) => io::Write::write_all(&mut file, text.as_bytes())?,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(e) => return Err(e),
        }
        if at.symlink_metadata().is_ok() {
            std::fs::remove_file(&info)?;
            continue;
        }
        if let Err(error) = std::fs::rename(&from, &at) {
            // The move is what failed; an empty note left behind would be a second fault, not a second reason.
            let _ = std::fs::remove_file(&info);
            return Err(error);
        }
        return Ok(Trashed { from, at, info });
    }
    Err(io::Error::other("the trash holds too many things of that name"))
}

/// A trash, and the folder below which its paths are told; `None` for those from the root.
struct Place {
    trash: PathBuf,
    below: Option<PathBuf>,
}

impl Place {
    #[cfg(unix)]
    fn of(from: &Path, home: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let disk = |path: &Path| path.symlink_metadata().map(|m| m.dev());
        let there = home.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
        let own = disk(from)?;
        if disk(there)? == own {
            return Ok(Self { trash: home.to_owned(), below: None });
        }
        let top = from.ancestors().skip(1).take_while(|path| disk(path).is_ok_and(|d| d == own)).last();
        let top = top.ok_or_else(|| io::Error::other("it is the top of its disk"))?;
        let user = rustix::process::getuid().as_raw().to_string();
        let shared = top.join(".Trash");
        let sticky = shared.symlink_metadata().is_ok_and(|m| m.is_dir() && m.mode() & 0o1000 != 0);
        let trash = if sticky { shared.join(user) } else { top.join(format!(".Trash-{user}")) };
        Ok(Self { trash, below: Some(top.to_owned()) })
    }

    #[cfg(not(unix))]
    fn of(_: &Path, _: &Path) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system's trash is not known here; delete it by hand"))
    }
}

/// A path as a URL has it.
fn encoded(path: &Path) -> String {
    let mut out = String::new();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
