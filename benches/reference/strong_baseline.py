"""Writes the golden case of the strong baseline's losses, computed by the reference's own functions.

    python strong_baseline.py CHECKOUT OUT_DIR

CHECKOUT is open-mmlab/OpenUnReID; its `openunreid/models/losses/classification.py` and `triplet.py` are loaded unchanged.
One step of `apis/runner.py`: a classifier with a row for each source identity and, behind them, one for each cluster,
begun as the cluster's centre (`initialize_centers`); cross-entropy and softmax triplet over the images of both domains
together. Needs torch and safetensors.
"""

import importlib.util
import json
import pathlib
import sys
import types

import torch
import torch.nn.functional as F
from safetensors.torch import save_file


def reference(checkout, name):
    # What `triplet.py` asks of its package: one process.
    package, utils = types.ModuleType("reference"), types.ModuleType("reference.utils")
    dist = types.ModuleType("reference.utils.dist_utils")
    dist.get_dist_info = lambda: (0, 1, False)
    models, losses = types.ModuleType("reference.models"), types.ModuleType("reference.models.losses")
    for module in (package, utils, models, losses):
        module.__path__ = []
    sys.modules |= {m.__name__: m for m in (package, utils, dist, models, losses)}
    path = pathlib.Path(checkout) / f"openunreid/models/losses/{name}.py"
    spec = importlib.util.spec_from_file_location(f"reference.models.losses.{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(checkout, out):
    torch.manual_seed(20261)
    identities, clusters, d, images, batch = 5, 4, 12, 30, 8
    features = F.normalize(torch.randn(images, d), dim=1)
    labels = torch.randint(0, clusters, (images,))
    labels[:clusters] = torch.arange(clusters)
    labels[-6:] = -1
    # label_generators: the mean of a cluster's features, then of unit length (`norm_center`)
    centers = torch.stack([features[labels == c].mean(0) for c in range(clusters)])
    centers = F.normalize(centers, p=2, dim=1)
    source_rows = torch.randn(identities, d) * 0.001
    weight = torch.cat([source_rows, centers]).requires_grad_()

    def half(classes):
        pids = torch.randint(0, classes, (batch // 2,)).repeat_interleave(2)
        return pids, torch.randn(batch, d), torch.randn(batch, d)

    target_labels, target_pooled, target_bn = half(clusters)
    source_pids, source_pooled, source_bn = half(identities)
    parts = [target_pooled, target_bn, source_pooled, source_bn]
    for part in parts:
        part.requires_grad_()
    targets = torch.cat([source_pids, identities + target_labels])
    results = {
        "pooling": torch.cat([source_pooled, target_pooled]),
        "prob": F.linear(torch.cat([source_bn, target_bn]), weight),
    }
    cross_entropy = reference(checkout, "classification").CrossEntropyLoss(identities + clusters)
    triplet = reference(checkout, "triplet").SoftmaxTripletLoss(margin=0.0)
    losses = {"cross_entropy": cross_entropy(results, targets), "softmax_triplet": triplet(results, targets)}
    sum(losses.values()).backward()

    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    inputs = {
        "features": features, "labels": labels, "source_rows": source_rows,
        "target.labels": target_labels, "target.pooled": target_pooled, "target.bn": target_bn,
        "source.pids": source_pids, "source.pooled": source_pooled, "source.bn": source_bn,
    }
    names = ("target.pooled", "target.bn", "source.pooled", "source.bn")
    expected = {"weight": weight, "weight.grad": weight.grad}
    expected |= {f"{name}.grad": part.grad for name, part in zip(names, parts)}
    save_file({k: v.detach().clone() for k, v in inputs.items()}, out / "inputs.safetensors")
    save_file({k: v.detach().clone() for k, v in expected.items()}, out / "expected.safetensors")
    numbers = {name: float(loss) for name, loss in losses.items()} | {"identities": identities}
    (out / "expected.json").write_text(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
