//! Ctrl-C, a polite kill, a terminal that goes away: each asks the run to end with a checkpoint.

use std::io;

use crossbeam_channel::Receiver;
#[cfg(unix)]
use crossbeam_channel::bounded;

/// Batch systems signal the job and its steps at once: what comes so soon after the first is one wish.
#[cfg(unix)]
const ONE_WISH: std::time::Duration = std::time::Duration::from_secs(2);

/// Listens for SIGINT, SIGTERM and (unless it was ignored when the program began, as under `nohup`) SIGHUP.
///
/// The first gives a message; the third, or one that comes more than two seconds after the first, ends the program
/// at once with exit code 130.
///
/// # Errors
/// When the system refuses handlers or a thread.
#[cfg(unix)]
pub fn interrupts() -> io::Result<Receiver<()>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut wanted = vec![SIGINT, SIGTERM];
    if !hangup_is_ignored() {
        wanted.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(wanted)?;
    let (tell, told) = bounded(1);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut first: Option<std::time::Instant> = None;
        let mut count = 0;
        for _ in signals.forever() {
            count += 1;
            let first = *first.get_or_insert_with(std::time::Instant::now);
            if count > 2 || (count == 2 && first.elapsed() >= ONE_WISH) {
                signal_hook::low_level::exit(130);
            }
            // The first message is still there when a second wish follows it.
            let _ = tell.try_send(());
        }
    })?;
    Ok(told)
}

/// Elsewhere Ctrl-C alone is known: the first gives a message, the second ends the program.
///
/// # Errors
/// When the system refuses the handler or a thread.
#[cfg(not(unix))]
pub fn interrupts() -> io::Result<Receiver<()>> {
    use signal_hook::consts::SIGINT;
    use std::sync::atomic::{AtomicBool, Ordering};
    let came = std::sync::Arc::new(AtomicBool::new(false));
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, std::sync::Arc::clone(&came))?;
    signal_hook::flag::register(SIGINT, std::sync::Arc::clone(&came))?;
    let (tell, told) = crossbeam_channel::bounded(1);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let tick = crossbeam_channel::tick(std::time::Duration::from_millis(100));
        while !came.load(Ordering::Relaxed) && tick.recv().is_ok() {}
        let _ = tell.try_send(());
    })?;
    Ok(told)
}

/// Whether the program was started so that it outlives its terminal.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Bit 0 is signal 1. Where the system does not tell, a handler would undo `nohup`.
    mask.map(str::trim).and_then(|hex| u64::from_str_radix(hex, 16).ok()).is_none_or(|mask| mask & 1 != 0)
}
