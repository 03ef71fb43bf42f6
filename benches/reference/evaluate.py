"""Times torchreid's evaluation on a file of query and gallery features, as JSON.

    python evaluate.py TEST.safetensors PATH_OF_A_TORCHREID_CHECKOUT [--cython]

Squared Euclidean distances as torchreid computes them, then its `eval_market1501`, in Python or in its Cython (build it
first: `cd torchreid/metrics/rank_cylib && make`).
"""

import importlib.util
import json
import pathlib
import resource
import sys
import time

import numpy as np

from tensors import read

path, checkout = sys.argv[1:3]
names = ["query_features", "gallery_features", "query_pid", "gallery_pid", "query_camid", "gallery_camid"]
query, gallery, *ids = (read(path, name) for name in names)
folder = pathlib.Path(checkout) / "torchreid/metrics"
clock = time.perf_counter()
distances = (query**2).sum(1)[:, None] + (gallery**2).sum(1)[None, :] - 2 * query @ gallery.T
between = time.perf_counter()
if "--cython" in sys.argv:
    sys.path.insert(0, str(folder / "rank_cylib"))
    from rank_cy import evaluate_cy

    columns = [np.ascontiguousarray(column, dtype=np.int64) for column in ids]
    cmc, mean_ap = evaluate_cy(distances.astype(np.float32), *columns, 50, False)
else:
    spec = importlib.util.spec_from_file_location("rank", folder / "rank.py")
    rank = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rank)
    cmc, mean_ap = rank.eval_market1501(distances, *ids, 50)
end = time.perf_counter()
print(json.dumps({
    "mAP": float(mean_ap),
    "rank-1": float(cmc[0]),
    "seconds": {"distances": between - clock, "evaluation": end - between, "total": end - clock},
    "peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
}))
