"""Writes the golden case of Cluster Contrast's memory, computed by the reference's own functions.

    python cluster_contrast.py CHECKOUT OUT_DIR

CHECKOUT is alibaba/cluster-contrast-reid; its `clustercontrast/models/cm.py` is loaded unchanged. What it asks of torch
is lent by numpy, in float32: `CM` and `CM_Hard` give similarities, gradients and moved rows; the cross-entropy between
them is written out here. Needs numpy and safetensors.
"""

import importlib.util
import json
import pathlib
import sys
import types

import numpy as np
from safetensors.numpy import save_file


class Lent(np.ndarray):
    """The few methods of a tensor that the reference calls."""

    def __getitem__(self, at):
        return np.asarray(super().__getitem__(at)).view(Lent)

    def mm(self, other):
        return np.matmul(self, other).view(Lent)

    def t(self):
        return self.T

    def norm(self):
        return np.sqrt(np.sum(np.square(self), dtype=np.float32))

    def unsqueeze(self, axis):
        return np.expand_dims(self, axis)

    def cpu(self):
        return self

    def numpy(self):
        return np.asarray(self)


def lent(x):
    return np.ascontiguousarray(x).view(Lent)


def reference(checkout):
    torch, nn, functional = types.ModuleType("torch"), types.ModuleType("torch.nn"), types.ModuleType("F")
    autograd = types.SimpleNamespace(Function=object)
    nn.Module, nn.functional, torch.nn, torch.autograd = type("Module", (), {}), functional, nn, autograd
    sys.modules |= {"torch": torch, "torch.nn": nn, "torch.nn.functional": functional}
    spec = importlib.util.spec_from_file_location("cm", pathlib.Path(checkout) / "clustercontrast/models/cm.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Context:
    needs_input_grad = (True, False, False, False)

    def save_for_backward(self, *tensors):
        self.saved_tensors = tensors


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def main(checkout, out):
    cm = reference(checkout)
    rng = np.random.default_rng(20260)
    clusters, d, batch, steps, temperature, momentum = 7, 16, 24, 3, 0.05, 0.2
    rows = unit(rng.standard_normal((clusters, d)).astype(np.float32))
    inputs, expected, losses = {"rows": rows}, {}, {"plain": [], "hard": []}
    for step in range(steps):
        labels = rng.integers(0, clusters, batch)
        x = unit(rows[labels] + 0.6 * rng.standard_normal((batch, d)).astype(np.float32))
        inputs |= {f"x{step}": x, f"labels{step}": labels.astype(np.int64)}
    for name, function in (("plain", cm.CM), ("hard", cm.CM_Hard)):
        features = lent(rows.copy())
        for step in range(steps):
            ctx = Context()
            x, labels = lent(inputs[f"x{step}"].copy()), lent(inputs[f"labels{step}"])
            outputs = np.asarray(function.forward(ctx, x, labels, features, lent(np.float32([momentum])))) / temperature
            shifted = outputs - outputs.max(1, keepdims=True)
            log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
            own = np.arange(batch), np.asarray(labels)
            losses[name].append(float(-log_p[own].mean()))
            grad = np.exp(log_p)
            grad[own] -= 1
            grad = lent((grad / (batch * temperature)).astype(np.float32))
            expected[f"{name}.grad{step}"] = np.asarray(function.backward(ctx, grad)[0]).astype(np.float32)
            expected[f"{name}.rows{step}"] = np.asarray(features).astype(np.float32).copy()
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    save_file(inputs, out / "inputs.safetensors")
    save_file(expected, out / "expected.safetensors")
    numbers = {"losses": losses, "temperature": temperature, "momentum": momentum, "steps": steps}
    (out / "expected.json").write_text(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
