//! Where a run lies on another machine: `ssh://[USER@]HOST[:PORT]/PATH`, and how ssh is called to get there.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use super::setup::setup;
use crate::base::rng::Fnv;

/// A machine and a folder there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// `HOST` or `USER@HOST`; a name of ssh's configuration, too.
    pub host: String,
    /// Another port than ssh's.
    pub port: Option<u16>,
    /// The folder: absolute, or below the home folder there as `~/…`.
    pub path: String,
}

const SCHEME: &str = "ssh://";
/// Of ssh: nothing but the two streams; a line that is dead is noticed.
#[rustfmt::skip]
const OPTIONS: [&str; 11] = [
    "-T", "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none", "-o", "ConnectTimeout=15",
    "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3",
];

/// Whether a path names something on another machine.
pub fn is_remote(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.starts_with(SCHEME))
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| Err(format!("`{}`: {what}; write ssh://HOST/PATH", text.escape_debug()));
        let Some((host, path)) = text.trim().strip_prefix(SCHEME).and_then(|rest| rest.split_once('/')) else {
            return wrong("it is no address of a folder on another machine");
        };
        let (host, port) = match host.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            None => (host, None),
            Some((host, port)) => match port.parse() {
                Ok(port) => (host, Some(port)),
                Err(_) => return wrong("its port is no number"),
            },
        };
        let host = host.replace(['[', ']'], "");
        // What begins with a dash would be an option of ssh.
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-@:%+".contains(c);
        if host.is_empty() || host.starts_with('-') || host.contains("@-") || !host.chars().all(plain) {
            return wrong("that is no name of a machine");
        }
        if path.chars().any(char::is_control) {
            return wrong("its path holds control characters");
        }
        let path = path.trim_end_matches('/');
        let path = if path == "~" || path.starts_with("~/") { path.to_owned() } else { format!("/{path}") };
        if path.split('/').any(|part| part == "..") {
            return wrong("its path climbs");
        }
        Ok(Self { host, port, path })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.contains(':') {
            match self.host.split_once('@') {
                Some((user, host)) => format!("{user}@[{host}]"),
                None => format!("[{}]", self.host),
            }
        } else {
            self.host.clone()
        };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        write!(f, "{SCHEME}{host}{port}/{}", self.path.trim_start_matches('/'))
    }
}

impl Address {
    /// The folder of runs and the run's name in it.
    ///
    /// # Errors
    /// When the path is the root, or the home folder.
    pub fn split(&self) -> Result<(Self, String), String> {
        match self.path.rsplit_once('/') {
            Some((dir, run)) if super::root::is_name(run) => {
                let path = if dir.is_empty() { "/".to_owned() } else { dir.to_owned() };
                Ok((Self { path, ..self.clone() }, run.to_owned()))
            }
            _ => Err(format!("{self} names no run folder")),
        }
    }

    /// A run in this folder.
    pub fn join(&self, run: &str) -> Self {
        Self { path: format!("{}/{run}", self.path.trim_end_matches('/')), ..self.clone() }
    }

    /// Where the runs of this folder are mirrored, below the folder of mirrors.
    pub fn mirrored(&self, mirrors: &Path) -> PathBuf {
        let mut hash = Fnv::new();
        hash.eat_field(self.to_string().as_bytes());
        let host: String = self.host.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        mirrors.join(format!("{host}-{:016x}", hash.value()))
    }

    /// The relay of this folder, as a process of ssh that is yet to be started.
    pub(super) fn relay(&self) -> Command {
        let mut command = Command::new(&setup().ssh);
        command.args(OPTIONS);
        if let Some(port) = self.port {
            command.arg("-p").arg(port.to_string());
        }
        // A shell without login knows fewer folders with programs than one's own.
        let script = r#"PATH="$PATH:$HOME/.local/bin:$HOME/bin:/usr/local/bin"; exec "$0" relay -- "$1""#;
        let words = ["exec sh -c".to_owned(), quoted(script), quoted(&setup().program), quoted(&self.path)];
        command.arg("--").arg(&self.host).arg(words.join(" "));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C in the terminal is meant for us: what is on its way is still brought.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }
}

impl Address {
    /// The machine as rsync names it, and the ssh that rsync is to call.
    pub(super) fn rsync_shell(&self) -> (String, OsString) {
        let (user, host) = self.host.split_once('@').map_or((None, &*self.host), |(user, host)| (Some(user), host));
        let mut shell = OsString::from("\"");
        shell.push(&setup().ssh);
        shell.push("\" ");
        shell.push(OPTIONS.join(" "));
        if let Some(port) = self.port {
            shell.push(format!(" -p {port}"));
        }
        if let Some(user) = user {
            shell.push(format!(" -l '{user}'"));
        }
        // What comes after is the machine, whatever it looks like.
        shell.push(" --");
        (if host.contains(':') { format!("[{host}]") } else { host.to_owned() }, shell)
    }
}

/// One word for the shell there.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
