//! Python with packages of the registry, for tests that read our files with the programs they are made for.

use std::path::PathBuf;
use std::process::Command;

/// The `bin` folder of an environment that has these packages: the one that `REID_TEST_PYTHON` names, else one that is
/// made beside the test's other files and kept. A package that is imported by another name than its own is written
/// `skypilot=sky`. `None` where there is no Python or no registry; says so.
pub fn with(packages: &[&str], wanted_for: &str) -> Option<PathBuf> {
    let works = |bin: &PathBuf| {
        let imported =
            |p: &&str| p.split_once('=').map_or_else(|| p.replace('-', "_"), |(_, module)| module.to_owned());
        let imports = packages.iter().map(|p| format!("import {}", imported(p))).collect::<Vec<_>>().join(";");
        Command::new(bin.join("python")).args(["-c", &imports]).output().is_ok_and(|o| o.status.success())
    };
    if let Some(bin) = std::env::var_os("REID_TEST_PYTHON").map(PathBuf::from).filter(works) {
        return Some(bin);
    }
    let packages: Vec<&str> = packages.iter().map(|p| p.split_once('=').map_or(*p, |(name, _)| name)).collect();
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("python-{}", packages.join("-")));
    let bin = dir.join("bin");
    std::fs::create_dir_all(&dir).ok()?;
    // Several tests may want it at once; one makes it.
    let lock = std::fs::File::create(dir.join(".lock")).ok()?;
    lock.lock().ok()?;
    if works(&bin) {
        return Some(bin);
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&dir).output();
    let pip = |_| {
        Command::new(bin.join("pip"))
            .args(["install", "-q", "--timeout", "15", "--retries", "1"])
            .args(&packages)
            .output()
    };
    let installed = made.and_then(pip).is_ok_and(|o| o.status.success());
    if installed && works(&bin) {
        return Some(bin);
    }
    super::skipped(wanted_for, &format!("{} could not be installed for Python", packages.join(", ")));
    None
}
