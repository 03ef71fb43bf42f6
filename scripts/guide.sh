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
shoot --panel window --layout teach --step 4 --size 1280x800 --theme light --out $out/teach.png
shoot --panel rank-lists --size 900x560 --out $out/rank-lists.png
# A run on another machine, played by this one.
there=$(mktemp -d)
"$program" shot example --panel loss --out "$there/unpacked.png" > /dev/null
run=$(ls -dt "${REID_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/reid-workbench}"/examples/demo-*| head -1)
printf '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nexec sh -c "$3"\n' > "$there/ssh"
chmod +x "$there/ssh"
mkdir "$there/runs"
cp -r "$run" "$there/runs/demo"
REID_SSH="$there/ssh" REID_REMOTE_PROGRAM="$(realpath "$program")" REID_CACHE_DIR="$there/cache" \
  "$program" shot "ssh://gpu1$there/runs/demo" --panel window --size 1600x1000 --out $out/remote.png > /dev/null
rm -rf "$there"

# Comparing and sweeps need runs: two radii with two seeds each, three short epochs on the built-in people.
[ "${1:-}" = --runs ] || exit 0
out=$PWD/$out
program=$(realpath "$program")
slurm=$PWD/tests/cluster/slurm.sh
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
cd "$home"
cat > eps.toml <<'SPEC'
name = "eps"
about = "Two radii, two seeds, three short epochs on the built-in people"
source = "synthetic-plaza"
target = "synthetic-station"
preset = "demo"
[set]
"adapt.epochs" = 3
"adapt.iters" = 12
"pretrain.epochs" = 2
"pretrain.iters" = 16
[grid]
eps = [0.5, 0.6]
seed = [1, 2]
SPEC
"$program" sweep eps.toml --out sweeps/eps > /dev/null
mkdir runs
for trial in 0 1 2 3; do cp -r "sweeps/eps/trials/000$trial" "runs/trial-$trial"; done
beside=(--tick runs/trial-0 --tick runs/trial-1 --tick runs/trial-3)
"$program" shot runs/trial-2 "${beside[@]}" --panel retrieval --size 760x420 --out "$out/overlaid.png" > /dev/null
"$program" shot runs/trial-2 "${beside[@]}" --panel compare --size 1100x420 --out "$out/compare.png" > /dev/null
"$program" shot --panel sweeps --size 1100x360 --out "$out/sweeps.png" > /dev/null

# An array under way, on a Slurm of four nodes that is begun for it.
cluster=$slurm
[ -z "$("$cluster" missing)" ] || { echo "cluster.png is left as it is: Slurm is not installed" >&2; exit 0; }
"$cluster" start "$home/slurm" $$
rm -rf sweeps/eps
sed -e 's/"eps"/"array"/; s/^seed.*/seed = [1, 2, 3, 4]/; s/adapt.epochs" = 3/adapt.epochs" = 6/' eps.toml > array.toml
printf '[slurm]\npartition = "night"\n' >> array.toml
SLURM_CONF=$home/slurm/slurm.conf REID_SLURM_POLL=1 "$program" sweep array.toml --out sweeps/array --launcher slurm --at-once 8 \
  --threads 1 > /dev/null 2> said &
follower=$!
until grep -q "trial 5 .*running, epoch 3" said; do kill -0 $follower; sleep 1; done
"$program" shot --panel sweeps --size 1100x285 --out "$out/cluster.png" > /dev/null
kill -INT $follower
"$cluster" stop "$home/slurm"
