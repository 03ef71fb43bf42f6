"""Every row of docs/PERFORMANCE.md that has a limit, in one run: the limit, a plain f32 matrix product of as many
operations by NumPy (OpenBLAS), our time, and the ratio, as a Markdown table.

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

sizes = ["12936x2048", "3368x15913x2048"] + ([] if quick else ["32621x2048", "100000x512", "100000x2048"])
limits = {}
print("| what | size | limit, s | ours, s | ratio |\n|---|---|---|---|---|")
for size in sizes:
    # Limit, ours, limit: the machine's own speed wanders.
    product = [sys.executable, str(here / "product.py"), size]
    before = lines_of(product)
    ours = lines_of(bench, REID_BENCH_LIMITS=size)
    limit = min(found["seconds"] for found in before + ([] if size == "100000x2048" else lines_of(product)))
    for row in ours:
        has_limit = row["limit"]
        shown, ratio = (f"{limit:.2f}", f"{row['seconds'] / limit:.2f}") if has_limit else ("", "")
        print(f"| {row['what']} | {size} | {shown} | {row['seconds']:.3f} | {ratio} |", flush=True)
binary = str(root / "target/debug/reid-workbench")
wall, used = starts([binary, "datasets", "list"])
print(f"| start, `datasets list` | | | {wall:.3f} ({used:.3f} of the processor) | |")
wall, used = starts([binary, "--version"])
print(f"| start, `--version` | | | {wall:.3f} ({used:.3f} of the processor) | |")
