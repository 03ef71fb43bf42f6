"""Times SpCL's own pseudo-label step on a file of features, stage by stage, as JSON.

    python cluster.py FEATURES.safetensors PATH_OF_A_SPCL_CHECKOUT

The Jaccard distance is SpCL's, imported from the checkout (spcl/utils/faiss_rerank.py, search_option=3). The three
DBSCANs and the scores follow examples/spcl_train_uda.py:179-246 with the same calls on the same N x N arrays.
"""

import json
import resource
import sys
import time
import types

import numpy as np
import torch
from sklearn.cluster import DBSCAN

from tensors import read

features = torch.from_numpy(read(sys.argv[1], "features"))
# The one module, without the data sets and models that its package would import.
for name, folder in (("spcl", "spcl"), ("spcl.utils", "spcl/utils")):
    package = types.ModuleType(name)
    package.__path__ = [f"{sys.argv[2]}/{folder}"]
    sys.modules[name] = package
from spcl.utils.faiss_rerank import compute_jaccard_distance  # noqa: E402

EPS, DELTA, K1, K2, WORST = 0.60, 0.02, 30, 6, 0.9
clock = time.perf_counter()
seconds = {}


def lap(name):
    global clock
    now = time.perf_counter()
    seconds[name] = now - clock
    clock = now


distances = compute_jaccard_distance(features, k1=K1, k2=K2, print_flag=False, search_option=3)
lap("knn and jaccard")

labels = []
for eps in (EPS, EPS - DELTA, EPS + DELTA):
    labels.append(DBSCAN(eps=eps, min_samples=4, metric="precomputed", n_jobs=-1).fit_predict(distances))
del distances
lap("dbscan")


def same_cluster(found):
    """N x N: 1 where two images share a cluster; noise images are alone in theirs."""
    found = found.copy()
    noise = found < 0
    found[noise] = found.max() + 1 + np.arange(noise.sum())
    found = torch.from_numpy(found)
    return found[:, None].eq(found[None, :]).float()


normal, tight, loose = (same_cluster(found) for found in labels)
comp = 1 - torch.min(normal, tight).sum(-1) / torch.max(normal, tight).sum(-1)
indep = 1 - torch.min(normal, loose).sum(-1) / torch.max(normal, loose).sum(-1)
clusters = labels[0].max() + 1
best = [indep[torch.from_numpy(labels[0] == c)].min().item() for c in range(clusters)]
limit = np.sort(best)[min(len(best) - 1, int(np.round(len(best) * WORST)))] if best else 0.0
reliable = sum(score <= limit for score in best)
lap("scores and filter")

seconds["total"] = sum(seconds.values())
print(json.dumps({
    "images": len(features),
    "clusters": int(clusters),
    "noise": int((labels[0] < 0).sum()),
    "reliable (SpCL's score)": int(reliable),
    "seconds": seconds,
    "peak GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
}))
