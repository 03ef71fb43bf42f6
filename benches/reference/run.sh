#!/usr/bin/env bash
# Ours beside the reference, on this machine, in one run: what docs/PERFORMANCE.md shows.
#
#   PYTHON=…/bin/python SPCL=…/SpCL TORCHREID=…/deep-person-reid benches/reference/run.sh [OUT_DIR]
#
# PYTHON needs numpy, scipy, scikit-learn, faiss-cpu, torch 2.11.0 and cython; SPCL and TORCHREID are checkouts of
# yxgeee/SpCL and KaiyangZhou/deep-person-reid. Takes about ten minutes; nothing else should run meanwhile.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
python=${PYTHON:-python3}
out=${1:-$(mktemp -d)}
mkdir -p "$out"
ours() { cargo run -q --bin reid-workbench -- "$@"; }
timed() { /usr/bin/time -f '  wall %e s, peak %M kB' "$@"; }
binary=$(pwd)/target/debug/reid-workbench
cargo build -q --bin reid-workbench

echo "clustering, 12,936 x 2048"
[ -f "$out/market/features.safetensors" ] || ours datasets features "$out/market" > "$out/market.json"
for _ in 1 2 3; do timed "$binary" cluster "$out/market/features.safetensors" --out "$out/o.safetensors" | tr -d '\n '; echo; done
(cd "$here" && timed "$python" cluster.py "$out/market/features.safetensors" "${SPCL:?a checkout of SpCL}")

echo "evaluation, 3,368 x 15,913 x 2048"
[ -f "$out/pool/features.safetensors" ] || ours datasets features "$out/pool" --images 19281 > "$out/pool.json"
(cd "$here" && "$python" split.py "$out/pool/features.safetensors" 3368 "$out/test.safetensors")
for _ in 1 2 3; do timed "$binary" evaluate "$out/test.safetensors" --ranks 50 --out "$out/r.safetensors" | tr -d '\n '; echo; done
(cd "$here" && timed "$python" evaluate.py "$out/test.safetensors" "${TORCHREID:?a checkout of deep-person-reid}" --cython)
(cd "$here" && timed "$python" evaluate.py "$out/test.safetensors" "$TORCHREID")

echo "training step, 256 x 128, batch 16"
for attention in 0 1; do
    (cd "$here" && "$python" step.py 16 256 128 $attention 2)
    SPEED=resnet50,16,256,128,$attention,0,2 cargo test -q --test it model_speed -- --ignored --nocapture | grep ms
done
