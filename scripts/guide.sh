#!/usr/bin/env bash
# Draws docs/guide/pictures from the finished run that comes with the program.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build -q --bin reid-workbench
program=${CARGO_TARGET_DIR:-target}/debug/reid-workbench
out=docs/guide/pictures
shoot() { "$program" shot example "$@" > /dev/null; }
shoot --panel window --size 1600x1000 --out $out/first-window.png
shoot --panel window --layout tune --try eps=0.7 --size 1600x1000 --out $out/tune.png
shoot --panel reliability --epoch 1 --size 760x420 --theme light --out $out/histogram-epoch-1.png
shoot --panel reliability --epoch 10 --size 760x420 --theme light --out $out/histogram-epoch-10.png
shoot --panel eq8 --epoch 10 --select cluster=4 --size 900x560 --out $out/eq8.png
shoot --panel k-distance --epoch 10 --try eps=0.45 --size 760x420 --out $out/k-distance.png
shoot --panel sweep --epoch 10 --sweep --size 900x560 --out $out/sweep.png
shoot --panel rank-lists --size 900x560 --out $out/rank-lists.png
