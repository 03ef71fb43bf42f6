"""Makes tests/fixtures/label_free: scores that need no truth, and hdbscan's condensed tree, on made features.

    python label_free.py OUT_DIR

Needs numpy, scikit-learn and hdbscan. The Jaccard distance is written out on dense arrays as SpCL states it
(spcl/utils/faiss_rerank.py, search_option=3); silhouettes are scikit-learn's, the condensed tree is hdbscan's, DBCV
is written out below with one rule for edges of one weight, beside hdbscan's own, which takes such edges as they come.
"""

import json
import sys
from pathlib import Path

import hdbscan
import numpy as np
from sklearn.cluster import DBSCAN
from sklearn.metrics import silhouette_samples

from tensors import write

N, D, PEOPLE, K1, K2, EPS, DELTA, LEAST, REACH, FLOOR = 320, 12, 24, 20, 4, 0.55, 0.02, 4, 0.9, 1e-3


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def squared(x):
    x = x.astype(np.float64)
    return ((x[:, None] - x[None]) ** 2).sum(-1)


def jaccard(x):
    d = squared(x)
    rank = np.argsort(d, axis=1, kind="stable")

    def reciprocal(i, k):
        near = rank[i, :k]
        return near[[i in rank[j, :k] for j in near]]

    v = np.zeros((N, N))
    for i in range(N):
        own = reciprocal(i, K1)
        all_ = own
        for j in own:
            half = reciprocal(j, int(np.around(K1 / 2)) + 1)
            if len(np.intersect1d(half, own)) > 2 / 3 * len(half):
                all_ = np.append(all_, half)
        all_ = np.unique(all_)
        w = np.exp(-d[i, all_])
        v[i, all_] = w / w.sum()
    v = np.stack([v[rank[i, :K2]].mean(0) for i in range(N)])
    overlap = np.minimum(v[:, None], v[None]).sum(-1)
    j = np.maximum(1 - overlap / (2 - overlap), 0)
    np.fill_diagonal(j, 0)
    return np.where(j > REACH, 1.0, j)


def dbcv(j, labels):
    j = np.maximum(j, FLOOR)
    np.fill_diagonal(j, 0)
    members = [np.flatnonzero(labels == c) for c in range(labels.max() + 1)]
    core, inner, sparse = np.zeros(N), [], []
    for own in members:
        sub = j[np.ix_(own, own)]
        power = np.zeros_like(sub)
        power[sub != 0] = (1 / sub[sub != 0]) ** 2
        core[own] = (power.sum(1) / (len(own) - 1)) ** -0.5
        edges = sorted(
            (max(j[a, b], core[a], core[b]), a, b) for x, a in enumerate(own) for b in own[x + 1:])
        part = {a: a for a in own}

        def root(a):
            while part[a] != a:
                a = part[a]
            return a

        tree, degree = [], dict.fromkeys(own, 0)
        for w, a, b in edges:
            if root(a) != root(b):
                part[root(a)] = root(b)
                tree.append((w, a, b))
                degree[a] += 1
                degree[b] += 1
        within = [w for w, a, b in tree if degree[a] > 1 and degree[b] > 1]
        sparse.append(max(within or [w for w, _, _ in tree]))
        inner.append([a for a in own if degree[a] > 1])
    total = 0
    for c, own in enumerate(members):
        apart = min(max(j[a, b], core[a], core[b]) for e in range(len(members)) if e != c for a in inner[c] for b in inner[e])
        total += len(own) / N * (apart - sparse[c]) / max(apart, sparse[c])
    return total


def entropy(x):
    s = x.astype(np.float64) @ x.astype(np.float64).T / 0.05
    np.fill_diagonal(s, -np.inf)
    p = np.exp(s - s.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return -(p * np.log(np.where(p > 0, p, 1))).sum(1).mean()


def agreement(x, y, k):
    a, b = (np.argsort(squared(f), axis=1, kind="stable")[:, 1:k + 1] for f in (x, y))
    both = [len(np.intersect1d(p, q)) for p, q in zip(a, b)]
    return float(np.mean([n / (2 * k - n) for n in both]))


random = np.random.RandomState(7)
centres = unit(random.randn(PEOPLE, D))
person = random.randint(0, PEOPLE, N)
features = unit(centres[person] + random.randn(N, D) * random.uniform(0.05, 0.35, (N, 1)))
before = unit(features + 0.12 * random.randn(N, D))

j = jaccard(features)
labels = DBSCAN(eps=EPS, min_samples=LEAST, metric="precomputed").fit_predict(j)
kept = labels >= 0
silhouettes = np.zeros(N)
silhouettes[kept] = silhouette_samples(j[np.ix_(kept, kept)], labels[kept], metric="precomputed")

# min_samples counts the image itself with us, and not with hdbscan.
floored = np.maximum(j, FLOOR)
np.fill_diagonal(floored, 0)
model = hdbscan.HDBSCAN(metric="precomputed", min_cluster_size=5, min_samples=LEAST - 1).fit(floored)
rows = model.condensed_tree_.to_numpy()
leaves = {int(r["child"]): float(r["lambda_val"]) for r in rows if r["child"] < N}
stability = hdbscan._hdbscan_tree.compute_stability(rows)

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
write(out / "inputs.safetensors", {"features": features, "before": before})
expected = {
    "k1": K1, "k2": K2, "eps": EPS, "delta_d": DELTA, "min_samples": LEAST, "reach": REACH,
    "labels": labels.tolist(),
    "silhouettes": silhouettes.tolist(),
    "silhouette": float(silhouettes[kept].mean()),
    "dbcv": float(dbcv(j, labels)),
    "dbcv_hdbscan": float(hdbscan.validity.validity_index(np.ascontiguousarray(floored), labels.astype(np.intp), metric="precomputed", d=2)),
    "snd": float(entropy(features)),
    "agreement": agreement(before, features, 20),
    "hdbscan": {
        "least": 5,
        "labels": model.labels_.tolist(),
        "outlier": model.outlier_scores_.tolist(),
        "lambda": [leaves[i] for i in range(N)],
        "stability": sorted(float(s) for c, s in stability.items() if c != N),
    },
}
(out / "expected.json").write_text(json.dumps(expected))
print({k: v for k, v in expected.items() if not isinstance(v, (list, dict))}, "clusters", labels.max() + 1,
      "noise", int((labels < 0).sum()), "zeros", int((j == 0).sum() - N), "hdbscan clusters", model.labels_.max() + 1)
