//! Another machine, played by this one: a stand-in for ssh that does here what it is told to do there, or says what a
//! test wants said; and a real server of ssh on the loopback.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use reid_workbench::remote::line::Wake;
use reid_workbench::remote::protocol::{AskedFrame, greet, greeted};
use reid_workbench::remote::setup::{RemoteSetup, set};
use reid_workbench::remote::{Address, frame};

const STAND_IN: &str = r#"#!/bin/sh
# ssh [options] -- HOST COMMAND; a host here... is this machine, and its processes are noted
while [ "$1" != -- ]; do
    [ "$1" = -p ] && port=$2
    shift
done
host=$2
shift 2
echo $$ >> "DIR/$host.pids"
case $host in
here*) exec sh -c "$*" ;;
says*) cat "DIR/$host"; exec cat >&2 ;;
played*) cat "DIR/$host.out" & exec cat > "DIR/$host.in" ;;
endless*) exec yes "$host" ;;
real*) exec ssh -F "DIR/$host.config" -T -- "$host" "$@" ;;
absent*) echo "sh: 1: exec: reid-workbench: not found" >&2; exit 127 ;;
*) echo "ssh: Could not resolve hostname $host: Name or service not known" >&2; exit 255 ;;
esac
"#;

/// Where the stand-in and what belongs to it lie; put in force for this whole process of tests.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path();
            executable(&path.join("ssh"), &STAND_IN.replace("DIR", path.to_str().unwrap()));
            let setup = RemoteSetup {
                ssh: path.join("ssh").into(),
                program: env!("CARGO_BIN_EXE_reid-workbench").to_owned(),
                mirrors: Some(path.join("mirrors")),
                most: 1 << 30,
            };
            set(setup);
            dir
        })
        .path()
}

/// Writes a program.
pub fn executable(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

/// A folder on that machine.
pub fn at(host: &str, dir: &Path) -> Address {
    folder();
    format!("ssh://{host}{}", dir.display()).parse().unwrap()
}

/// Nobody to wake.
pub fn nobody() -> Wake {
    Arc::new(|| {})
}

/// Lets a machine say just this, whoever calls.
pub fn can(host: &str, bytes: &[u8]) {
    std::fs::write(folder().join(host), bytes).unwrap();
}

/// Plays the relay of a machine: greets, and answers each question with the bytes that `answer` makes of it.
pub fn play(host: &str, answer: impl Fn(AskedFrame) -> Vec<u8> + Send + 'static) -> Address {
    let [from, to] = ["in", "out"].map(|end| folder().join(format!("{host}.{end}")));
    for pipe in [&from, &to] {
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    std::thread::spawn(move || {
        // Opened in the order in which the stand-in opens them.
        let ends = [to.clone(), from.clone()];
        let mut to = std::fs::OpenOptions::new().write(true).open(to).unwrap();
        let mut from = std::fs::File::open(from).unwrap();
        // A line that is begun anew finds nobody, and no stand-in waits for ever to open them.
        ends.iter().for_each(|pipe| std::fs::remove_file(pipe).unwrap());
        greet(&mut to).unwrap();
        greeted(&mut from).unwrap();
        while let Ok(Some(frame)) = frame::read(&mut from) {
            let asked: AskedFrame = serde_json::from_slice(&frame.head).unwrap();
            // Whoever was cut off hears nothing more.
            if to.write_all(&answer(asked)).is_err() {
                return;
            }
        }
    });
    at(host, Path::new("/runs"))
}

/// The processes of the stand-in that were started for a host.
pub fn pids(host: &str) -> Vec<i32> {
    let text = std::fs::read_to_string(folder().join(format!("{host}.pids"))).unwrap_or_default();
    text.lines().map(|line| line.trim().parse().unwrap()).collect()
}

/// Kills the newest process of ssh to a host: the line breaks in the midst.
pub fn cut(host: &str) {
    let pid = *pids(host).last().unwrap();
    let killed = Command::new("kill").arg("-9").arg(pid.to_string()).status().unwrap();
    assert!(killed.success());
}

/// Environment of a process of our program that is to reach the same machines.
pub fn environment(cache: &Path) -> Vec<(&'static str, PathBuf)> {
    vec![
        ("REID_SSH", folder().join("ssh")),
        ("REID_REMOTE_PROGRAM", env!("CARGO_BIN_EXE_reid-workbench").into()),
        ("REID_CACHE_DIR", cache.to_owned()),
    ]
}

/// Bytes of a frame.
pub fn bytes_of(head: &str, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for length in [head.len(), data.len(), 0] {
        out.write_all(&(length as u32).to_le_bytes()).unwrap();
    }
    out.write_all(head.as_bytes()).unwrap();
    out.write_all(data).unwrap();
    out
}

/// A server of ssh on the loopback with keys and settings of its own; it ends with its test.
pub struct Server {
    child: std::process::Child,
    _dir: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts one that the stand-in reaches under the name `host`; `None` where none is installed, which is said.
    pub fn start(host: &str, slow: bool) -> Option<Self> {
        let Some(sshd) =
            ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"].into_iter().find(|p| Path::new(p).exists())
        else {
            super::skipped(
                "a run over a real server of ssh",
                "openssh-server is not installed: scripts/setup-system.sh test",
            );
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        for key in ["host", "user"] {
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &at(key)]).status().unwrap();
            assert!(made.success());
        }
        std::fs::copy(at("user.pub"), at("authorized")).unwrap();
        // Where the server runs as root it wants this folder, which its service would make.
        let _ = std::fs::create_dir("/run/sshd");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile {}\nUsePAM no\n\
             StrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n",
            at("host"),
            at("authorized"),
            at("pid")
        );
        std::fs::write(at("sshd_config"), settings).unwrap();
        let log = std::fs::File::create(at("log")).unwrap();
        let child = Command::new(sshd).args(["-D", "-e", "-f", &at("sshd_config")]).stderr(log).spawn().unwrap();
        let server = Self { child, _dir: dir };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the server of ssh does not listen");
            std::thread::yield_now();
        }
        let reached = if slow { slowed(port) } else { port };
        let config = format!(
            "Host {host}\nHostName 127.0.0.1\nPort {reached}\nIdentityFile {}\nIdentitiesOnly yes\n\
             UserKnownHostsFile {}\nStrictHostKeyChecking no\nLogLevel ERROR\n",
            server._dir.path().join("user").display(),
            server._dir.path().join("known").display()
        );
        std::fs::write(folder().join(format!("{host}.config")), config).unwrap();
        Some(server)
    }
}

/// One way, so that a ping takes twice as long.
const ONE_WAY: Duration = Duration::from_millis(25);
const BITS_A_SECOND: f64 = 20e6;

/// A port that leads to another, over a long and narrow line.
fn slowed(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((near, _)) = listener.accept() {
            let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
            pump(near.try_clone().unwrap(), far.try_clone().unwrap());
            pump(far, near);
        }
    });
    own
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let (say, said) = crossbeam_channel::bounded::<(Instant, Vec<u8>)>(64);
    std::thread::spawn(move || {
        let mut free = Instant::now();
        for (came, bytes) in said {
            free = free.max(came) + Duration::from_secs_f64(8.0 * bytes.len() as f64 / BITS_A_SECOND);
            std::thread::sleep((free + ONE_WAY).saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    std::thread::spawn(move || {
        let mut buffer = vec![0; 8 << 10];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            if say.send((Instant::now(), buffer[..n].to_vec())).is_err() {
                return;
            }
        }
    });
}
