"""Makes an evaluation file of a feature file: its first rows become queries, the rest the gallery.

    python split.py FEATURES.safetensors QUERIES OUT.safetensors
"""

import sys

import numpy as np

from tensors import read, write

path, queries, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
arrays = {}
for name in ("features", "pid", "camid"):
    whole = read(path, name)
    # Someone seen once is a distractor (pid 0); junk would be dropped.
    whole = np.maximum(whole, 0) if name == "pid" else whole
    arrays["query_" + name], arrays["gallery_" + name] = whole[:queries], whole[queries:]
write(out, arrays)
