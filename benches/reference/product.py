"""The limit of this machine for what our k-NN and evaluation must at least compute: a plain f32 matrix product of as
many operations by NumPy (OpenBLAS), best of several, as JSON.

    python product.py 12936x2048 3368x15913x2048 …

NxD is k-NN of N features of D numbers, each pair once; QxGxD the distances of Q queries to G images.
OPENBLAS_NUM_THREADS sets the threads; run it beside ours, on a quiet machine.
"""

import json
import os
import sys
import time

import numpy as np

for size in sys.argv[1:]:
    numbers = [int(n) for n in size.split("x")]
    rows, columns, d = (numbers[0] // 2, numbers[0], numbers[1]) if len(numbers) == 2 else numbers
    random = np.random.default_rng(1)
    a = random.standard_normal((rows, d), dtype=np.float32)
    b = random.standard_normal((columns, d), dtype=np.float32)
    # In strips, so that the product of 100,000 rows needs no 20 GB.
    strip = max(1, min(rows, 2**28 // columns))
    out = np.empty((strip, columns), dtype=np.float32)

    def product():
        began = time.perf_counter()
        for start in range(0, rows, strip):
            part = a[start:start + strip]
            np.matmul(part, b.T, out=out[:len(part)])
        return time.perf_counter() - began

    # What takes half a minute is measured once.
    seconds = min(product() for _ in range(3 if rows * columns * d < 2**42 else 1))
    print(json.dumps({
        "size": size, "threads": os.environ.get("OPENBLAS_NUM_THREADS", "all"), "seconds": round(seconds, 3),
        "GFLOP/s": round(2e-9 * rows * columns * d / seconds, 1),
    }))
