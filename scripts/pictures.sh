#!/usr/bin/env bash
# Draws docs/pictures: every panel and the window, on a demo run made for it, and on another one beside it. RUN and OTHER
# name runs that are there already.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build -q --bin reid-workbench
program=(cargo run -q --bin reid-workbench --)
run=${RUN:-}
if [ -z "$run" ]; then
    run=$(mktemp -d)/demo
    "${program[@]}" train --preset demo --source synthetic-plaza --target synthetic-station --out "$run" > /dev/null
fi
other=${OTHER:-}
if [ -z "$other" ]; then
    other=$(mktemp -d)/baseline
    "${program[@]}" train --preset demo,baseline --source synthetic-plaza --target synthetic-station --out "$other" > /dev/null
fi
out=docs/pictures
small=(--size 900x560 --out)
shoot() { "${program[@]}" shot "$run" "$@" > /dev/null; }
for panel in loss retrieval clusters map browser exhibit; do
    shoot --panel $panel "${small[@]}" $out/$panel.png
done
shoot --panel map --try eps=0.5 "${small[@]}" $out/map-what-if.png
shoot --panel map --radii nested "${small[@]}" $out/map-nested.png
shoot --panel map --radii clustree "${small[@]}" $out/map-clustree.png
shoot --panel map --try eps=0.66 "${small[@]}" $out/map-merging.png
shoot --panel reliability "${small[@]}" $out/reliability.png
# A cluster that is neither the best nor the worst, an image of it, and values to try.
shoot --panel eq8 --epoch 4 "${small[@]}" $out/eq8.png
shoot --panel inspector --select image=train:20 "${small[@]}" $out/inspector.png
shoot --panel what-if --try eps=0.5 --size 420x900 --out $out/what-if.png
shoot --panel reachability --try eps=0.5 "${small[@]}" $out/reachability.png
shoot --panel why --select image=train:402 "${small[@]}" $out/why.png
shoot --panel condensed --try eps=0.5 "${small[@]}" $out/condensed.png
shoot --panel clustree "${small[@]}" $out/clustree.png
shoot --panel cameras "${small[@]}" $out/cameras.png
shoot --panel compass "${small[@]}" $out/compass.png
# Stable and not pure: three people in one coat (docs/guide/clusters.md says the number, of seed 1).
shoot --panel browser --select cluster=35 "${small[@]}" $out/stable.png
shoot --panel worth "${small[@]}" $out/worth.png
shoot --panel k-distance --try eps=0.5 "${small[@]}" $out/k-distance.png
shoot --panel sweep --sweep --try eps=0.54 --try delta_d=0.03 "${small[@]}" $out/sweep.png
shoot --panel lineage --against 3 "${small[@]}" $out/lineage.png
shoot --panel heat-maps "${small[@]}" $out/heat-maps.png
shoot --panel rank-lists "${small[@]}" $out/rank-lists.png
shoot --panel window --size 1600x1000 --out $out/window.png
shoot --panel window --layout tune --try eps=0.5 --sweep --size 1600x1000 --out $out/tune.png
shoot --panel window --layout teach --theme light --size 1600x1000 --out $out/teach.png
# Where people project: a small screen, and a large one at twice the size.
shoot --panel window --layout teach --size 1280x800 --out $out/teach-1280x800.png
shoot --panel window --zoom 2 --size 1600x1000 --out $out/zoom-200.png
# Two runs beside one another: their curves, and what they came to.
shoot --panel window --tick "$other" --size 1600x1000 --out $out/two-runs.png
shoot --panel compare --tick "$other" "${small[@]}" $out/compare.png
