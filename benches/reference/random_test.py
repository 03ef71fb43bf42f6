"""Makes an evaluation file of random unit features, for the time and memory of large sizes.

    python random_test.py QUERIES GALLERY DIM OUT.safetensors
"""

import sys

import numpy as np

from tensors import write

queries, gallery, dim = map(int, sys.argv[1:4])
draw = np.random.default_rng(1)
arrays = {}
for name, rows in (("query", queries), ("gallery", gallery)):
    features = draw.standard_normal((rows, dim), dtype=np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    arrays[name + "_features"] = features
    arrays[name + "_pid"] = draw.integers(1, 3060, rows, dtype=np.int32)
    arrays[name + "_camid"] = draw.integers(0, 15, rows, dtype=np.int32)
write(sys.argv[4], arrays)
