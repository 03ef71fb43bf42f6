"""Makes an evaluation file of random unit features, for the time and memory of large sizes.

    python random_test.py QUERIES GALLERY DIM OUT.safetensors
"""

import json
import sys

import numpy as np

queries, gallery, dim = map(int, sys.argv[1:4])
draw = np.random.default_rng(1)
arrays = {}
for name, rows in (("query", queries), ("gallery", gallery)):
    features = draw.standard_normal((rows, dim), dtype=np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    arrays[name + "_features"] = features
    arrays[name + "_pid"] = draw.integers(1, 3060, rows, dtype=np.int32)
    arrays[name + "_camid"] = draw.integers(0, 15, rows, dtype=np.int32)
header, end = {}, 0
for name, array in arrays.items():
    kind = "F32" if array.dtype == np.float32 else "I32"
    header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [end, end + array.nbytes]}
    end += array.nbytes
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[4], "wb") as file:
    file.write(len(text).to_bytes(8, "little") + text)
    for array in arrays.values():
        file.write(array.tobytes())
