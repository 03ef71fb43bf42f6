//! Runs on other machines in words: how the line to them is, and what is on its way.

use std::path::Path;
use std::time::Instant;

use crate::base::text;
use crate::remote::line::{Line, LinePhase};
use crate::remote::pool;

/// How the line to a run's machine is.
#[derive(Clone, Debug, PartialEq)]
pub struct Far {
    /// A few words.
    pub words: String,
    /// All that is known.
    pub tip: String,
    /// Whether the line is there.
    pub up: bool,
    /// Why it is not.
    pub why: String,
    /// Whether time goes on in the words.
    pub counts: bool,
}

/// Of the run in that folder; `None` when it lies on this machine, or nobody keeps its mirror up to date.
pub fn of(folder: Option<&Path>) -> Option<Far> {
    let mirror = pool::of(folder?)?;
    let line = mirror.line();
    let address = line.address().join(mirror.run());
    let tip = format!("{address}, mirrored in {}", mirror.folder().display());
    let host = &line.address().host;
    let far = |words, up, why: &str| Far { words, tip: tip.clone(), up, why: why.to_owned(), counts: !up };
    Some(match line.phase() {
        LinePhase::Connecting => far(format!("reaching {host}…"), false, ""),
        LinePhase::Up => far(up(host, line), true, ""),
        LinePhase::Broken { why, again } => {
            let left = again.saturating_duration_since(Instant::now()).as_secs();
            let words = match left {
                0 => format!("line to {host} broken, trying again"),
                _ => format!("line to {host} broken, next try in {left} s"),
            };
            far(words, false, &why)
        }
        LinePhase::Ended { why } => Far { counts: false, ..far(format!("no line to {host}"), false, &why) },
    })
}

fn up(host: &str, line: &Line) -> String {
    if let Some(transfer) = line.transfer() {
        let name = transfer.file.rsplit('/').next().unwrap_or_default();
        let mb = |bytes: u64| text::number(bytes as f64 / 1e6, 1);
        return format!("on {host}, {name} {} of {} MB", mb(transfer.done), mb(transfer.total));
    }
    match line.latency() {
        Some(seconds) => format!("on {host}, {} ms", (1e3 * seconds).round().max(1.0)),
        None => format!("on {host}"),
    }
}
