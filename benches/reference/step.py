"""Times a training step of the paper's network in eager PyTorch on the CPU, as JSON.

    python step.py BATCH HEIGHT WIDTH ATTENTION(0|1) THREADS

ResNet-50 with last stride 1, coordinate and triplet attention before stage 1 and after stage 4, a batch-normalised
feature, cross entropy with smoothing over 64 classes, batch-hard triplet loss, Adam: the step that
`SPEED=resnet50,… cargo test --test it model_speed -- --ignored` times. Both memory formats are tried; the best step of
each counts, since what else runs on the machine only ever adds.
"""

import json
import sys
import time

import torch
from torch.nn import functional as F

from network import Net, triplet

batch, height, width, attention, threads = map(int, sys.argv[1:6])
torch.set_num_threads(threads)


def measure(form):
    torch.manual_seed(1)
    net = Net(attention).to(memory_format=form).train()
    adam = torch.optim.Adam(net.parameters(), 3e-4, weight_decay=5e-4)
    x = torch.randn(batch, 3, height, width).to(memory_format=form)
    labels = torch.arange(batch) // 4 % 64
    steps = []
    for _ in range(6):
        began = time.perf_counter()
        adam.zero_grad(set_to_none=True)
        pooled, bn = net(x)
        loss = F.cross_entropy(net.head(bn), labels, label_smoothing=0.1) + triplet(pooled, labels)
        loss.backward()
        adam.step()
        steps.append(time.perf_counter() - began)
    return 1e3 * min(steps[2:])


print(json.dumps({
    "step ms, contiguous": measure(torch.contiguous_format),
    "step ms, channels last": measure(torch.channels_last),
    "threads": torch.get_num_threads(),
    "torch": torch.__version__,
}))
