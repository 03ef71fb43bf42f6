"""Times SpCL's adaptation step in eager PyTorch with a DataLoader, as JSON: what `gpu-check step` is compared with.

    python step_spcl.py [--device cuda] [--bf16] [--dry-run]

ResNet-50 with the paper's attention, one batch normalisation a domain, 64 target and 64 source images of 256 x 128 in two
passes, a hybrid memory of 12,936 images and 751 classes, batch-hard triplet loss, Adam. The loader crops, flips, erases
and normalises uint8 images that lie decoded in memory, with 16 workers; decoding would only slow it.
"""

import argparse
import json
import time

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from network import Net, triplet

arguments = argparse.ArgumentParser()
arguments.add_argument("--device", default="cuda")
arguments.add_argument("--bf16", action="store_true")
arguments.add_argument("--dry-run", action="store_true")
args = arguments.parse_args()
height, width, batch, steps, warm, workers, images, classes = (
    (64, 32, 8, 2, 1, 0, 64, 16) if args.dry_run else (256, 128, 64, 40, 5, 16, 12936, 751))
device = torch.device(args.device)
torch.backends.cudnn.benchmark = True
torch.backends.cudnn.allow_tf32 = True


class Images(Dataset):
    """Decoded images, cropped, mirrored, erased and normalised when they are asked for."""

    def __init__(self):
        self.pixels = torch.randint(0, 256, (256, 3, height, width), dtype=torch.uint8)

    def __len__(self):
        return batch * (steps + 8)

    def __getitem__(self, index):
        x = F.pad(self.pixels[index % 256].float().div(255), (10, 10, 10, 10))
        top, left = (int(torch.randint(0, 21, ())) for _ in range(2))
        x = x[:, top:top + height, left:left + width]
        x = x.flip(2) if torch.rand(()) < 0.5 else x
        x = (x - 0.45) / 0.225
        if torch.rand(()) < 0.5:
            x[:, height // 4:height // 2, width // 4:width // 2] = 0
        return x, index % images


class Memory(torch.autograd.Function):
    """SpCL's bank (spcl/models/hm.py): inner products forwards, momentum updates backwards."""

    @staticmethod
    def forward(ctx, x, rows, bank):
        ctx.bank = bank
        ctx.save_for_backward(x, rows)
        return x @ bank.t()

    @staticmethod
    def backward(ctx, grad):
        x, rows = ctx.saved_tensors
        for row, feature in zip(rows, x):
            ctx.bank[row] = F.normalize(0.2 * ctx.bank[row] + 0.8 * feature, dim=0)
        return grad @ ctx.bank, None, None


def memory_loss(x, rows, bank, labels):
    similar = Memory.apply(x, rows, bank).div(0.05)
    count = torch.zeros(int(labels.max()) + 1, device=device).index_add_(0, labels, torch.ones_like(labels, dtype=torch.float))
    mean = torch.zeros(count.numel(), x.shape[0], device=device).index_add_(0, labels, similar.t()) / count[:, None]
    exps = mean.t().exp()
    chosen = exps / (exps.sum(1, keepdim=True) + 1e-6)
    return F.nll_loss((chosen + 1e-6).log(), labels[rows])


torch.manual_seed(1)
net = Net(True, domains=2).to(device).train()
adam = torch.optim.Adam(net.parameters(), 3.5e-4, weight_decay=5e-4)
bank = F.normalize(torch.randn(classes + images, 2048, device=device))
labels = torch.cat([torch.arange(classes), classes + torch.arange(images) // 8]).to(device)
loaders = [iter(DataLoader(Images(), batch, num_workers=workers, pin_memory=device.type == "cuda", drop_last=True)) for _ in range(2)]
times = []
for step in range(steps + warm):
    began = time.perf_counter()
    loss = 0
    for domain, loader in enumerate(loaders):
        x, index = next(loader)
        x, index = x.to(device, non_blocking=True), index.to(device, non_blocking=True)
        rows = index % classes if domain == 0 else classes + index
        with torch.autocast(device.type, torch.bfloat16, enabled=args.bf16):
            pooled, feature = net(x, domain)
        feature = F.normalize(feature.float())
        loss = loss + memory_loss(feature, rows, bank, labels)
        if domain == 1:
            loss = loss + triplet(pooled.float(), torch.arange(batch, device=device) // 4)
    adam.zero_grad(set_to_none=True)
    loss.backward()
    adam.step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    if step >= warm:
        times.append(time.perf_counter() - began)
times.sort()
middle = times[len(times) // 2]
print(json.dumps({
    "step_ms": 1e3 * middle,
    "images_per_second": 2 * batch / middle,
    "bf16": args.bf16,
    "memory_bytes": (lambda free, total: total - free)(*torch.cuda.mem_get_info()) if device.type == "cuda" else None,
    "torch": torch.__version__,
}))
