#!/usr/bin/env python3
"""Whether runs show what Eq. 8 is for, out of what they recorded: scripts/demo-figures.py RUN...

For each epoch: clusters at eps, how many were not kept, the area under the curve of the clusters' scores for
"purity above 0.8" (0.5 is a coin), mean purity of kept and of dropped clusters, and the target's mAP after it.
With --masks DIR, the folder that `datasets synthesize --masks` filled, also the share of each attention map's mass
on the drawn person beside the share of the photo that the person takes. Needs Python 3 alone."""

import argparse
import csv
import json
import os
import struct
import sys

PURE = 0.8


def tensors(path):
    """The arrays of a safetensors file, flat."""
    codes = {"I32": "i", "U32": "I", "F32": "f", "F64": "d", "U8": "B", "I64": "q", "U64": "Q"}
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        head, body = json.loads(f.read(size)), f.read()
    out = {}
    for name, t in head.items():
        if name != "__metadata__":
            start, end = t["data_offsets"]
            code = codes[t["dtype"]]
            values = struct.unpack(f"<{(end - start) // struct.calcsize(code)}{code}", body[start:end])
            out[name] = (t["shape"], values)
    return out


def auc(scores, good):
    """The chance that a good one scores above a bad one, ties half; None without both."""
    yes = [s for s, g in zip(scores, good) if g]
    no = [s for s, g in zip(scores, good) if not g]
    if not yes or not no:
        return None
    return sum((y > n) + 0.5 * (y == n) for y in yes for n in no) / (len(yes) * len(no))


def purities(labels, pids, count):
    members = [{} for _ in range(count)]
    for label, pid in zip(labels, pids):
        if label >= 0:
            members[label][pid] = members[label].get(pid, 0) + 1
    return [max(m.values()) / sum(m.values()) for m in members]


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else None


def text(value, form="{:.2f}"):
    return "-" if value is None else form.format(value)


def epochs_of(run):
    with open(os.path.join(run, "images.csv"), newline="") as f:
        pids = [int(r["pid"]) for r in csv.DictReader(f) if r["split"] == "train"]
    scored = {}
    with open(os.path.join(run, "events.jsonl")) as f:
        for line in f:
            event = json.loads(line)
            if event.get("type") == "evaluated" and event.get("domain", "target") == "target":
                scored[event["epoch"]] = event["retrieval"]["mAP"]
    found = []
    for name in sorted(os.listdir(os.path.join(run, "epochs"))):
        path = os.path.join(run, "epochs", name, "clusters.safetensors")
        if not os.path.exists(path):
            continue
        t = tensors(path)
        reliable, score = t["reliable"][1], t["cluster_score"][1]
        purity = purities(t["labels"][1], pids, len(reliable))
        found.append({
            "epoch": int(name) + 1,
            "clusters": len(reliable),
            "dropped": len(reliable) - sum(reliable),
            "auc": auc(score, [p > PURE for p in purity]),
            "pure": mean(p > PURE for p in purity),
            "kept": mean(p for p, r in zip(purity, reliable) if r),
            "lost": mean(p for p, r in zip(purity, reliable) if not r),
            "mAP": scored.get(int(name) + 1),
        })
    return found, scored.get(0)


def report(run):
    found, before = epochs_of(run)
    print(f"{run}: source-only mAP {text(before and 100 * before, '{:.1f}')}")
    print("epoch clusters dropped  AUC  pure  purity kept/dropped  mAP")
    for e in found:
        print(f"{e['epoch']:5} {e['clusters']:8} {e['dropped']:7} {text(e['auc']):>5} {text(e['pure']):>5}"
              f" {text(e['kept']):>11}/{text(e['lost']):<7} {text(e['mAP'] and 100 * e['mAP'], '{:.1f}'):>5}")
    half = found[: (len(found) + 1) // 2]
    rest = found[len(half):]
    share = sum(e["dropped"] for e in half) / max(1, sum(e["clusters"] for e in half))
    later = sum(e["dropped"] for e in rest) / max(1, sum(e["clusters"] for e in rest))
    print(f"dropped in the first half {100 * share:.1f} %, in the second {100 * later:.1f} %;"
          f" mean AUC {text(mean(e['auc'] for e in found if e['auc'] is not None))}")


def masks(run, folder):
    """Share of the mass of every recorded map on the person, beside the share of the photo that they take."""
    from collections import defaultdict
    with open(os.path.join(run, "images.csv"), newline="") as f:
        paths = {(r["split"], int(r["index"])): r["path"] for r in csv.DictReader(f)}
    for name in sorted(os.listdir(os.path.join(run, "epochs"))):
        path = os.path.join(run, "epochs", name, "heat_maps.safetensors")
        if not os.path.exists(path):
            continue
        on, area = defaultdict(list), []
        seen = set()
        for key, (shape, values) in tensors(path).items():
            pieces = key.split("/")
            if len(pieces) < 5:
                continue
            photo = paths[(pieces[1], int(pieces[2]))]
            mask = os.path.join(folder, *photo.replace("\\", "/").split("/")[-2:])[:-4] + ".pgm"
            if not os.path.exists(mask):
                continue
            width, height, rows = pgm(mask)
            if min(shape) < 2:
                continue
            inside = cells(width, height, rows, shape)
            total = sum(values)
            if total > 0:
                on["/".join(pieces[4:])].append(sum(v * m for v, m in zip(values, inside)) / total)
            if photo not in seen:
                seen.add(photo)
                area.append(sum(rows) / 255 / (width * height))
        print(f"after {int(name)} epochs, {len(seen)} photos, the person takes {text(mean(area))} of them:")
        for key, values in on.items():
            print(f"  {key:28} {text(mean(values))}")


def pgm(path):
    with open(path, "rb") as f:
        kind, size, top, body = f.read().split(b"\n", 3)
    width, height = map(int, size.split())
    assert kind == b"P5" and top == b"255", path
    return width, height, body


def cells(width, height, rows, shape):
    """The share of each cell of a map that the person covers."""
    h, w = shape
    out = []
    for y in range(h):
        for x in range(w):
            box = [rows[py * width + px]
                   for py in range(y * height // h, max((y + 1) * height // h, y * height // h + 1))
                   for px in range(x * width // w, max((x + 1) * width // w, x * width // w + 1))]
            out.append(sum(box) / 255 / len(box))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--masks", metavar="DIR")
    args = parser.parse_args()
    for run in args.runs:
        report(run)
        if args.masks:
            masks(run, args.masks)


if __name__ == "__main__":
    sys.exit(main())
