//! How this process reaches other machines and where it keeps what it mirrors: as the environment says, unless it was
//! said otherwise first.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use crate::base::dirs;

/// Bytes of brought files that are kept.
const MOST: u64 = 4 << 30;

/// How other machines are reached.
#[derive(Clone, Debug)]
pub struct RemoteSetup {
    /// The program that is called as ssh; `REID_SSH`.
    pub ssh: OsString,
    /// Our own program, as it is called there; `REID_REMOTE_PROGRAM`.
    pub program: String,
    /// Where mirrors lie: `mirrors` in the folder for caches.
    pub mirrors: Option<PathBuf>,
    /// Bytes of brought files that are kept; `REID_MIRROR_BYTES`.
    pub most: u64,
}

impl RemoteSetup {
    /// As the environment says.
    pub fn from_env() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let mirrors = dirs::cache().map(|cache| cache.join("mirrors"));
        Self {
            ssh: dirs::from_env("REID_SSH").map_or_else(|| "ssh".into(), PathBuf::into_os_string),
            program: text("REID_REMOTE_PROGRAM").unwrap_or_else(|| "reid-workbench".to_owned()),
            mirrors: mirrors.map(|path| std::path::absolute(&path).unwrap_or(path)),
            most: text("REID_MIRROR_BYTES").and_then(|text| text.parse().ok()).unwrap_or(MOST),
        }
    }
}

static SETUP: RwLock<Option<Arc<RemoteSetup>>> = RwLock::new(None);

/// The one in force.
pub fn setup() -> Arc<RemoteSetup> {
    if let Some(setup) = SETUP.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
        return Arc::clone(setup);
    }
    let mut in_force = SETUP.write().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(in_force.get_or_insert_with(|| Arc::new(RemoteSetup::from_env())))
}

/// Puts another one in force for what is reached from now on.
pub fn set(setup: RemoteSetup) {
    *SETUP.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(setup));
}
