#!/usr/bin/env python3
"""How much of its speed a training keeps with the window open: the demo once headless and once in the window, by turns.

    benches/beside.py [PROGRAM]        needs Xvfb and xdotool; LIBTORCH and LD_LIBRARY_PATH as `cargo run` sets them

A machine's own speed wanders by more than is to be measured, so both runs are begun, and then one is stopped while the
other goes on, five seconds each, until one has ended. Steps that a stop interrupted do not count. Nothing else may run.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TURN = 5.0  # seconds
DISPLAY = ":97"
DOMAINS = ["--source", "synthetic-plaza", "--target", "synthetic-station"]


def events(home):
    for file in home.glob("runs/*/events.jsonl"):
        for line in file.read_text().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                pass  # the last line, half written


def steps(home):
    return [e for e in events(home) if e["type"] == "step"]


def wait_for_steps(home, process):
    while not steps(home):
        if process.poll() is not None:
            sys.exit(f"{home.name}: ended before its first step; see {home}/log")
        time.sleep(0.2)


def start(home, command, **more):
    home.mkdir()
    apart = {"REID_CACHE_DIR": str(home / "cache"), "XDG_DATA_HOME": str(home / "xdg")}
    log = (home / "log").open("w")
    return subprocess.Popen(command, cwd=home, env=os.environ | apart | more, stdout=log, stderr=log)


def xdotool(*words):
    subprocess.run(["xdotool", *words], env=os.environ | {"DISPLAY": DISPLAY}, check=True, stdout=subprocess.DEVNULL)


def by_turns(runs):
    """Lets them work in turn until one has ended; gives each one's spans of wall time."""
    spans = {name: [] for name in runs}
    for process in runs.values():
        process.send_signal(signal.SIGSTOP)
    while True:
        for name, process in runs.items():
            process.send_signal(signal.SIGCONT)
            begun = time.time()
            time.sleep(TURN)
            spans[name].append((begun, time.time()))
            done = process.poll() is not None or any(e.get("state") == "done" for e in list(events(homes[name]))[-5:])
            if done:
                return spans
            process.send_signal(signal.SIGSTOP)


def worked(spans, begin, end):
    return sum(max(0.0, min(b, end) - max(a, begin)) for a, b in spans)


program = str(Path(sys.argv[1] if len(sys.argv) > 1 else "target/debug/reid-workbench").resolve())
folder = Path(tempfile.mkdtemp(prefix="beside-"))
homes = {"headless": folder / "headless", "window": folder / "window"}
screen = subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", "1600x1000x24"], stderr=subprocess.DEVNULL)
runs = {}
try:
    runs["headless"] = start(homes["headless"], [program, "train", "--preset", "demo", *DOMAINS, "--out", "runs/demo"])
    wait_for_steps(homes["headless"], runs["headless"])
    runs["headless"].send_signal(signal.SIGSTOP)
    runs["window"] = start(homes["window"], [program], DISPLAY=DISPLAY, LIBGL_ALWAYS_SOFTWARE="1")
    xdotool("search", "--sync", "--onlyvisible", "--name", "reid-workbench", "windowfocus")
    time.sleep(3)  # the window has no word for being ready
    xdotool("key", "ctrl+n")
    time.sleep(1)
    xdotool("key", "Return")
    wait_for_steps(homes["window"], runs["window"])
    spans = by_turns(runs)
finally:
    for process in [*runs.values(), screen]:
        process.kill()
        process.wait()

for phase in ("pretrain", "adapt"):
    seconds = {}
    for name, home in homes.items():
        own = [e for e in steps(home) if e["phase"] == phase]
        whole = [e for e in own if any(a < e["wall"] - e["seconds"] and e["wall"] < b for a, b in spans[name])]
        seconds[name] = [e["seconds"] for e in whole]
    if all(seconds.values()):
        for name, s in seconds.items():
            print(f"{phase:9} {name:9} {len(s):4} steps, median {statistics.median(s):.4f} s, mean {statistics.mean(s):.4f} s")
begun = max(span[0][0] for span in spans.values())
when = {name: {(e["phase"], e["epoch"], e["iter"]): e["wall"] for e in steps(home)} for name, home in homes.items()}
both = [k for k, wall in when["window"].items() if k in when["headless"] and min(wall, when["headless"][k]) > begun]
took = {name: worked(spans[name], when[name][both[0]], when[name][both[-1]]) for name in homes}
print(f"from {both[0]} to {both[-1]}: headless {took['headless']:.1f} s, window {took['window']:.1f} s")
print(f"speed kept with the window open: {100 * took['headless'] / took['window']:.1f} %")
