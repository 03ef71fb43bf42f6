//! The user's folders. `REID_CONFIG_DIR`, `REID_DATA_DIR` and `REID_CACHE_DIR` name them outright; else they are
//! `reid-workbench` below the folders of the system: the XDG ones on Linux and macOS, `AppData` on Windows.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

const NAME: &str = "reid-workbench";

/// Where the user's settings lie.
pub fn config() -> Option<PathBuf> {
    ours("REID_CONFIG_DIR", |system| system.config_dir().join(NAME))
}

/// Where drawn datasets are kept.
pub fn data() -> Option<PathBuf> {
    ours("REID_DATA_DIR", |system| system.data_dir().join(NAME))
}

/// Where pre-trained networks are kept for later runs.
pub fn cache() -> Option<PathBuf> {
    ours("REID_CACHE_DIR", |system| system.cache_dir().join(NAME))
}

/// The folder that an environment variable names; an empty one counts as not set.
pub fn from_env(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|v| !v.is_empty()).map(PathBuf::from)
}

/// `None` only where the system does not say who the user is.
fn ours(variable: &str, below: impl FnOnce(&dyn System) -> PathBuf) -> Option<PathBuf> {
    let given = from_env(variable).map(|path| expand(&path));
    given.or_else(|| etcetera::choose_base_strategy().ok().map(|system| below(&system)))
}

/// [`BaseStrategy`], so that one closure serves whichever strategy the system has.
trait System {
    fn config_dir(&self) -> PathBuf;
    fn data_dir(&self) -> PathBuf;
    fn cache_dir(&self) -> PathBuf;
}

impl<S: BaseStrategy> System for S {
    fn config_dir(&self) -> PathBuf {
        BaseStrategy::config_dir(self)
    }

    fn data_dir(&self) -> PathBuf {
        BaseStrategy::data_dir(self)
    }

    fn cache_dir(&self) -> PathBuf {
        BaseStrategy::cache_dir(self)
    }
}

/// `~` and `~/…` as the home folder, as a shell has it; every other path as it is.
pub fn expand(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), etcetera::home_dir()) {
        (Ok(rest), Ok(home)) if rest.as_os_str().is_empty() => home,
        (Ok(rest), Ok(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}
