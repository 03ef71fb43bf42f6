"""Makes an evaluation file of a feature file: its first rows become queries, the rest the gallery.

    python split.py FEATURES.safetensors QUERIES OUT.safetensors
"""

import json
import sys

import numpy as np

from tensors import read

path, queries, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
arrays = {}
for name in ("features", "pid", "camid"):
    whole = read(path, name)
    # Someone seen once is a distractor (pid 0); junk would be dropped.
    whole = np.maximum(whole, 0) if name == "pid" else whole
    arrays["query_" + name], arrays["gallery_" + name] = whole[:queries], whole[queries:]
header, end = {}, 0
for name, array in arrays.items():
    kind = "F32" if array.dtype == np.float32 else "I32"
    header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [end, end + array.nbytes]}
    end += array.nbytes
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(out, "wb") as file:
    file.write(len(text).to_bytes(8, "little") + text)
    for array in arrays.values():
        file.write(array.tobytes())
