//! The program itself: the window under a virtual display, and one sentence where there is none.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const PROGRAM: &str = env!("CARGO_BIN_EXE_reid-workbench");

/// A process that ends with the test.
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A virtual display and its name, or `None` where the machine has no Xvfb.
fn display() -> Option<(Owned, String)> {
    let spawned = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut server) = spawned else {
        crate::support::skipped("the window under a virtual display", "there is no Xvfb on this machine");
        return None;
    };
    let mut number = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
    assert!(!number.trim().is_empty(), "Xvfb did not start");
    Some((Owned(server), format!(":{}", number.trim())))
}

fn program(home: &std::path::Path) -> Command {
    let mut command = Command::new(PROGRAM);
    for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME"] {
        command.env(name, home);
    }
    command.current_dir(home).env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    command
}

#[test]
fn the_window_comes_up_under_a_virtual_display() {
    let Some((_server, name)) = display() else { return };
    let home = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let child = program(home.path())
        .env("DISPLAY", name)
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("RUST_LOG", "reid_workbench=info")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Owned(child);
    let mut said = Vec::new();
    for line in BufReader::new(child.0.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        let shown = line.contains("first frame");
        said.push(line);
        if shown {
            println!("first frame {:.2} s after the start", began.elapsed().as_secs_f64());
            // Nobody has worked here yet: the finished run that comes with the program is shown.
            let examples = home.path().join("reid-workbench/examples");
            assert_eq!(std::fs::read_dir(examples).unwrap().count(), 1);
            return;
        }
    }
    panic!("the window ended before its first frame:\n{}", said.join("\n"));
}

#[test]
fn without_a_display_one_sentence_names_the_headless_command() {
    let home = tempfile::tempdir().unwrap();
    let mut child = program(home.path()).env_remove("DISPLAY").stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!child.wait().unwrap().success());
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("reid-workbench train"), "{said}");
}
