//! A training that outlives whoever started it.

use std::path::Path;
use std::process::{Command, Stdio};

use super::error::LaunchError;
use crate::base::fs::append_regular;

/// Goes on with a run in a process of its own, which neither the end of this one nor a closed terminal ends; what it
/// says goes to the run folder's `train.log`. Gives its number.
///
/// # Errors
/// When no process can be started.
pub fn go_on(program: &Path, run: &Path, device: &str) -> Result<u32, LaunchError> {
    let log = run.join("train.log");
    let file = append_regular(&log).map_err(LaunchError::io("write", &log))?;
    let mut command = apart(program);
    command.args(["train", "--resume", "--device", device, "--out"]).arg(run);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
    Ok(command.spawn().map_err(LaunchError::io("start", program))?.id())
}

/// The program in a process group of its own, to which no terminal's end is told.
#[cfg(unix)]
fn apart(program: &Path) -> Command {
    use std::os::unix::process::CommandExt;
    // What is ignored when a program begins stays ignored: as with `nohup`.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(program).process_group(0);
    command
}

#[cfg(not(unix))]
fn apart(program: &Path) -> Command {
    Command::new(program)
}
