//! The files of a run brought by rsync, where it is on both machines: it sends the parts that differ, and takes up what
//! was broken off.

use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use super::address::Address;

/// Seconds without any byte after which it gives up.
const SILENCE: &str = "--timeout=60";
/// Where a file lies that is not whole yet, in its folder.
const PARTIAL: &str = "--partial-dir=.rsync-partial";

/// Whether rsync is where programs are looked for on this machine.
pub fn is_here() -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|dir| dir.join("rsync").is_file())
}

/// Brings what lies in `folder` there into `out` here, but what `leave` names (paths from the run folder on) and what is
/// hidden, a link or no file. `tick` is told the bytes that came. Returns the bytes that went over the line.
///
/// # Errors
/// One sentence, in rsync's words; what has come by then is not sent again.
pub fn bring(address: &Address, folder: &str, out: &Path, leave: &[&str], tick: &dyn Fn(u64)) -> Result<u64, String> {
    let mut command = Command::new("rsync");
    // Folders and times; links, devices and the owners of that machine are left there.
    command.args(["-rt", "-s", "--no-motd", "--no-h", "--info=progress2", "--stats", SILENCE, PARTIAL, "--exclude=.*"]);
    command.args(leave.iter().map(|file| format!("--exclude=/{file}")));
    let (host, shell) = address.rsync_shell();
    command.arg("-e").arg(shell).arg("--");
    // What comes before the first colon is the machine; the path goes over the line, no shell reads it.
    command.arg(format!("{host}:{}/", folder.trim_end_matches('/'))).arg(out);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let words = |e: std::io::Error| format!("rsync: {e}");
    let mut child = command.spawn().map_err(words)?;
    let mut errors = child.stderr.take();
    let said = std::thread::Builder::new().name("rsync-words".to_owned()).spawn(move || {
        let mut said = Vec::new();
        if let Some(errors) = &mut errors {
            // It is read to its end, or rsync would wait; the beginning tells what is wrong.
            let _ = errors.by_ref().take(4096).read_to_end(&mut said);
            let _ = std::io::copy(errors, &mut std::io::sink());
        }
        String::from_utf8_lossy(&said).into_owned()
    });
    let mut received = 0;
    if let Some(progress) = child.stdout.take() {
        lines(progress, &mut |line| {
            if let Some(bytes) = line.strip_prefix("Total bytes received: ") {
                received = bytes.trim().parse().unwrap_or(received);
            } else if let Some(bytes) = line.split_whitespace().next().and_then(|word| word.parse().ok()) {
                tick(bytes);
            }
        });
    }
    let status = child.wait().map_err(words)?;
    if status.success() {
        return Ok(received);
    }
    let said = said.ok().and_then(|thread| thread.join().ok()).unwrap_or_default();
    let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing");
    let line: String = line.chars().filter(|c| !c.is_control()).take(300).collect();
    Err(format!("rsync ended with {}: {line}", status.code().map_or("a signal".to_owned(), |code| code.to_string())))
}

/// Lines as a terminal would show them: progress overwrites itself.
fn lines(from: impl Read, each: &mut dyn FnMut(&str)) {
    let mut line = Vec::new();
    for byte in BufReader::new(from).bytes() {
        let Ok(byte) = byte else { return };
        if matches!(byte, b'\r' | b'\n') {
            each(&String::from_utf8_lossy(&line));
            line.clear();
        } else if line.len() < 1000 {
            line.push(byte);
        }
    }
}
