"""Every row of docs/PERFORMANCE.md that has a limit or a goal, in one run: the limit, a plain f32 matrix product of as
many operations by NumPy (OpenBLAS), our time, their ratio, and what is to be reached, as a Markdown table.

    python benches/reference/limits.py [--quick]

Needs numpy, and libtorch beside the sources (`make setup`). Takes about eight minutes beside the build, which it does
first; nothing else should run meanwhile. `--quick` leaves out all but 12,936 images and the start of the program.
RAYON_NUM_THREADS and OPENBLAS_NUM_THREADS set the threads.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import time

here = pathlib.Path(__file__).resolve().parent
root = here.parent.parent
quick = "--quick" in sys.argv
environment = dict(os.environ)
# Settings for old OpenBLAS builds would slow this one.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    environment.pop(name, None)


def lines_of(command, **more):
    done = subprocess.run(command, cwd=root, env={**environment, **more}, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def starts(command):
    """Wall and processor seconds of a command, best of ten."""
    best, silent = (1e9, 1e9), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for _ in range(10):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, cwd=root, env=environment, check=True, **silent)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = min(best[0], time.perf_counter() - began), min(best[1], used)
    return best


subprocess.run(["cargo", "build", "-q", "--bin", "reid-workbench"], cwd=root, env=environment, check=True)
bench = ["cargo", "bench", "-q", "--profile", "dev", "--bench", "method"]
subprocess.run([*bench, "--no-run"], cwd=root, env=environment, check=True)

# To reach: of the limit ("×") or seconds; of the first size that is named, or of any.
GOALS = {
    ("k-NN, f32 first pass", ""): (1.3, "×"),
    ("k-NN", "12936x2048"): (0.7, "×"),
    ("k-NN", ""): (1.3, "×"),
    ("features to pseudo-labels", "12936x2048"): (0.7, "s"),
    ("features to pseudo-labels", ""): (1.3, "×"),
    ("k1 or k2 changed", "12936x2048"): (0.08, "s"),
    ("evaluation: mAP, CMC, 50 ranks", ""): (1.3, "×"),
    ("t-SNE, one thread", "12936x2048"): (2.0, "s"),
    ("t-SNE, first picture", "12936x2048"): (0.3, "s"),
    ("t-SNE, one thread", "100000x512"): (20.0, "s"),
    ("start, `datasets list`", ""): (0.05, "s"),
}


def row(what, size, seconds, limit=None, note=""):
    """Prints one row of the table."""
    ratio = seconds / limit if limit else None
    goal = GOALS.get((what, size)) or GOALS.get((what, ""))
    reached = ""
    if goal:
        value, unit = goal
        met = (ratio if unit == "×" else seconds) <= value
        reached = f"≤ {value} {unit}: {'reached' if met else 'not reached'}"
    shown = (f"{limit:.2f}", f"{ratio:.2f}") if limit else ("", "")
    print(f"| {what} | {size.replace('x', ' × ')} | {shown[0]} | {seconds:.3f}{note} | {shown[1]} | {reached} |", flush=True)


sizes = ["12936x2048", "3368x15913x2048"] + ([] if quick else ["32621x2048", "100000x512", "100000x2048"])
limits = {}
print("| what | size | limit, s | ours, s | ratio | to reach |\n|---|---|---|---|---|---|")
for size in sizes:
    # Limit, ours, limit: the machine's own speed wanders.
    product = [sys.executable, str(here / "product.py"), size]
    before = lines_of(product)
    ours = lines_of(bench, REID_BENCH_LIMITS=size)
    limit = min(found["seconds"] for found in before + ([] if size == "100000x2048" else lines_of(product)))
    for found in ours:
        row(found["what"], size, found["seconds"], limit if found["limit"] else None)
binary = str(root / "target/debug/reid-workbench")
for what, arguments in [("start, `datasets list`", ["datasets", "list"]), ("start, `--version`", ["--version"])]:
    wall, used = starts([binary, *arguments])
    row(what, "", wall, note=f" ({used:.3f} of the processor)")
