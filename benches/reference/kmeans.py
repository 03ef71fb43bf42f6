"""Writes the golden case of k-means, computed by scikit-learn from given centres.

    python kmeans.py OUT_DIR

Needs numpy, scikit-learn and safetensors.
"""

import pathlib
import sys

import numpy as np
from safetensors.numpy import save_file
from sklearn.cluster import KMeans

rng = np.random.default_rng(7)
n, k, d = 300, 12, 8
centres = rng.standard_normal((k, d))
points = centres[rng.integers(0, k, n)] + 0.5 * rng.standard_normal((n, d))
points = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
start = points[rng.choice(n, k, replace=False)]
found = KMeans(k, init=start, n_init=1, max_iter=300, tol=0, algorithm="lloyd").fit(points)
out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
save_file({"features": points, "centres": start}, out / "inputs.safetensors")
save_file(
    {"labels": found.labels_.astype(np.int32), "centres": found.cluster_centers_.astype(np.float32)},
    out / "expected.safetensors",
)
