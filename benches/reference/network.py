"""The paper's network in eager PyTorch, for the scripts that time it: ResNet-50 with last stride 1, coordinate and
triplet attention before stage 1 and after stage 4, a batch-normalised feature."""

import torch
from torch import nn
from torch.nn import functional as F


class Bottleneck(nn.Module):
    def __init__(self, into, mid, stride):
        super().__init__()
        out = 4 * mid
        self.conv1, self.bn1 = nn.Conv2d(into, mid, 1, bias=False), nn.BatchNorm2d(mid)
        self.conv2, self.bn2 = nn.Conv2d(mid, mid, 3, stride, 1, bias=False), nn.BatchNorm2d(mid)
        self.conv3, self.bn3 = nn.Conv2d(mid, out, 1, bias=False), nn.BatchNorm2d(out)
        self.shortcut = None
        if stride != 1 or into != out:
            self.shortcut = nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


class Coordinate(nn.Module):
    def __init__(self, channels):
        super().__init__()
        mid = max(8, channels // 32)
        self.conv1, self.bn1 = nn.Conv2d(channels, mid, 1), nn.BatchNorm2d(mid)
        self.conv_h, self.conv_w = nn.Conv2d(mid, channels, 1), nn.Conv2d(mid, channels, 1)

    def forward(self, x):
        rows, columns = x.mean(3, keepdim=True), x.mean(2, keepdim=True).permute(0, 1, 3, 2)
        both = F.hardswish(self.bn1(self.conv1(torch.cat([rows, columns], 2))))
        rows, columns = both.split([x.shape[2], x.shape[3]], 2)
        return x * self.conv_w(columns.permute(0, 1, 3, 2)).sigmoid() * self.conv_h(rows).sigmoid()


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(2, 1, 7, padding=3, bias=False), nn.BatchNorm2d(1, momentum=0.01)

    def forward(self, x):
        pooled = torch.cat([x.max(1, keepdim=True)[0], x.mean(1, keepdim=True)], 1)
        return x * self.bn(self.conv(pooled)).sigmoid()


class Triplet(nn.Module):
    def __init__(self):
        super().__init__()
        self.cw, self.hc, self.hw = Gate(), Gate(), Gate()

    def forward(self, x):
        cw = self.cw(x.permute(0, 2, 1, 3).contiguous()).permute(0, 2, 1, 3)
        hc = self.hc(x.permute(0, 3, 2, 1).contiguous()).permute(0, 3, 2, 1)
        return (cw + hc + self.hw(x)) / 3


def stage(into, mid, blocks, stride):
    first = Bottleneck(into, mid, stride)
    return nn.Sequential(first, *[Bottleneck(4 * mid, mid, 1) for _ in range(blocks - 1)])


class Domains(nn.Module):
    """One batch normalisation a domain (SpCL spcl/models/dsbn.py)."""

    def __init__(self, norm, domains):
        super().__init__()
        copies = [norm] + [type(norm)(norm.num_features, momentum=norm.momentum) for _ in range(1, domains)]
        self.norms, self.domain = nn.ModuleList(copies), 0

    def forward(self, x):
        return self.norms[self.domain](x)


def by_domain(module, domains):
    for name, child in module.named_children():
        if isinstance(child, (nn.BatchNorm1d, nn.BatchNorm2d)):
            setattr(module, name, Domains(child, domains))
        else:
            by_domain(child, domains)


class Net(nn.Module):
    def __init__(self, attention, domains=1):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(True), nn.MaxPool2d(3, 2, 1)
        )
        block = lambda c: nn.Sequential(Coordinate(c), Triplet()) if attention else nn.Identity()
        self.first, self.last = block(64), block(2048)
        self.stages = nn.Sequential(
            stage(64, 64, 3, 1), stage(256, 128, 4, 2), stage(512, 256, 6, 2), stage(1024, 512, 3, 1)
        )
        self.bn, self.head = nn.BatchNorm1d(2048), nn.Linear(2048, 64, bias=False)
        if domains > 1:
            by_domain(self, domains)

    def forward(self, x, domain=0):
        for layer in self.modules():
            if isinstance(layer, Domains):
                layer.domain = domain
        pooled = self.last(self.stages(self.first(self.stem(x)))).mean((2, 3))
        return pooled, self.bn(pooled)


def triplet(x, labels, margin=0.3):
    distances = torch.cdist(x, x)
    same = labels[:, None] == labels[None, :]
    positive = distances.masked_fill(~same, -1e9).max(1)[0]
    negative = distances.masked_fill(same, 1e9).min(1)[0]
    return F.relu(positive - negative + margin).mean()
