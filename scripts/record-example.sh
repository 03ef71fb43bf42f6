#!/usr/bin/env bash
# Records the finished run that comes with the program: the demo preset, packed with its photos into assets/.
# RUN names a run folder that is there already.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
cargo build -q --bin reid-workbench
program=$root/target/debug/reid-workbench
run=${RUN:-}
if [ -z "$run" ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    # Trained from within its folder, so that no path of this machine stands in the recording.
    (cd "$folder" && "$program" train --preset demo --source synthetic-plaza --target synthetic-station --device cpu --out run)
    run=$folder/run
fi
"$program" pack-example "$run" assets/example-run.tar.gz
bytes=$(stat -c %s assets/example-run.tar.gz)
[ "$bytes" -le 6000000 ] || { echo "assets/example-run.tar.gz has $bytes bytes, more than 6 MB" >&2; exit 1; }
