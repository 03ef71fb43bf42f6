#!/usr/bin/env bash
# Everything we want to know of a GPU, in one command of at most eight minutes: docs/GPU.md says how to read it.
#
#   OUT=DIR scripts/gpu-check.sh [--dry-run] [PROGRAM]
#
# PROGRAM is the (stripped) binary, by default target/release/reid-workbench or target/debug/reid-workbench. PYTHON
# (default python3) needs torch; the program computes with that torch's libraries. Each part is bounded, writes its JSON
# into $OUT at once, and the next goes on if it fails; the table at the end stands in $OUT/summary.txt. --dry-run walks
# all of it on the CPU in small sizes.
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
dry=
if [ "${1:-}" = --dry-run ]; then
    dry=--dry-run
    shift
fi
program=${1:-}
for guess in "$here/target/release/reid-workbench" "$here/target/debug/reid-workbench"; do
    [ -n "$program" ] || { [ -x "$guess" ] && program=$guess; }
done
[ -x "$program" ] || { echo "no program: build it, or name it" >&2; exit 2; }
python=${PYTHON:-python3}
out=${OUT:-$(mktemp -d)}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
torch=$("$python" -c 'import os, torch; print(os.path.dirname(torch.__file__))' 2>/dev/null || true)
[ -z "$torch" ] || export LD_LIBRARY_PATH="$torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
device=${DEVICE:-cuda}
[ -z "$dry" ] || device=cpu
export XDG_CACHE_HOME="$work/cache"

# part FILE NAME SECONDS COMMAND…: appends one line of JSON to FILE: the name, seconds, exit code, and what was printed.
# Past eight minutes in all a part is not begun.
part() {
    local file=$1 name=$2 limit=$3 left=$((480 - SECONDS)) began ended rc
    shift 3
    [ "$limit" -le "$left" ] || limit=$left
    if [ "$limit" -le 0 ]; then
        : > "$work/stdout"
        echo "not begun: the time was over" > "$work/stderr"
        line "$name" 0 124 >> "$out/$file"
        return
    fi
    began=$(date +%s%N)
    timeout --kill-after=5 "$limit" "$@" > "$work/stdout" 2> "$work/stderr"
    rc=$?
    ended=$(date +%s%N)
    line "$name" "$(((ended - began) / 1000000))" "$rc" >> "$out/$file"
    echo "$name: exit $rc after $(((ended - began) / 1000000)) ms"
}
# One line of JSON by awk alone, so that a machine without Python keeps what was measured.
line() {
    awk -v name="$1" -v ms="$2" -v rc="$3" -v work="$work" 'BEGIN {
        while ((getline row < (work "/stdout")) > 0) said = said row
        while ((getline row < (work "/stderr")) > 0) last = row
        gsub(/[\\"]/, "\\\\&", last)
        gsub(/[[:cntrl:]]/, " ", last)
        if (said !~ /^[[:space:]]*[\[{]/) said = "null"
        printf "{\"part\": \"%s\", \"ms\": %s, \"exit\": %s, \"found\": %s, \"stderr\": \"%s\"}\n", name, ms, rc, said, last
    }'
}
check() { part "$1" "$2" "$3" "$program" gpu-check "${@:4}" --device "$device" $dry; }

: > "$out/busy.csv"
watcher=
if command -v nvidia-smi > /dev/null; then
    nvidia-smi --query-gpu=timestamp,name,utilization.gpu,memory.used,power.draw --format=csv -lms 500 > "$out/busy.csv" &
    watcher=$!
fi

rm -f "$out"/*.json
# 1. Does it compute, and the same as the CPU?
check device.json devices 60 devices
check device.json agreement 90 agreement

# 3. The adaptation step, ours and eager PyTorch's, in the same minute.
groups=(16 0)
[ -z "$dry" ] || groups=(4)
for group in "${groups[@]}"; do
    check step.json "step TF32, groups of $group" 45 step --group "$group"
    check step.json "step bf16, groups of $group" 45 step --group "$group" --bf16
    NVIDIA_TF32_OVERRIDE=0 check step.json "step f32, groups of $group" 45 step --group "$group"
done
eager=("$python" -B "$here/benches/reference/step_spcl.py" --device "$device")
if [ -n "$torch" ]; then
    part step.json "eager TF32 with its loader" 60 "${eager[@]}" $dry
    [ -n "$dry" ] || part step.json "eager bf16 with its loader" 60 "${eager[@]}" --bf16
elif [ -n "$dry" ]; then
    echo "eager PyTorch: left out, $python has no torch"
fi

# 7. Where the step's time goes.
check profile.json "profile TF32, groups of ${groups[0]}" 45 profile --group "${groups[0]}"
[ -n "$dry" ] || check profile.json "profile bf16, groups of 64" 45 profile --group 0 --bf16

# 4. and 5. What an epoch does beside its steps.
check extraction.json "extraction TF32" 45 extraction
check extraction.json "extraction bf16" 45 extraction --bf16
[ -n "$dry" ] || NVIDIA_TF32_OVERRIDE=0 check extraction.json "extraction f32" 45 extraction
check clustering.json clustering 120 clustering

# 2. and 6. Whole runs: paused, changed, stopped, resumed; without room.
check run.json run 90 run
check run.json exhaustion 90 exhaustion
check extraction.json evaluation 45 evaluation

[ -z "$watcher" ] || kill "$watcher"

# The table: a part that did not end says so.
{
    echo "part | exit | ms | found"
    cat "$out"/*.json | awk '{
        match($0, /"part": "[^"]*"/); name = substr($0, RSTART + 9, RLENGTH - 10)
        match($0, /"exit": [0-9]+/); rc = substr($0, RSTART + 8, RLENGTH - 8)
        match($0, /"ms": [0-9]+/); ms = substr($0, RSTART + 6, RLENGTH - 6)
        say = ""
        for (key in want) delete want[key]
        n = split("step_ms images_per_second seconds gradient extracted_feature entries_unlike_the_cpus busy_share host_waits host_reads memory_bytes map_device map_cpu failed next", want, " ")
        for (i = 1; i <= n; i++) {
            rest = $0
            while (match(rest, "\"" want[i] "\": *([[][^]]*[]]|[^,}]*)")) {
                piece = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH)
                gsub(/"/, "", piece); gsub(/ +/, " ", piece); sub(/ $/, "", piece); say = say piece "; "
            }
        }
        printf "%s | %s | %s | %s\n", name, rc, ms, say
    }'
    echo
    echo "to reach: adaptation step at least 2 times eager's images a second; extraction of 12,936 images in 8 s;"
    echo "clustering of 12,936 x 2048 within 1 s, 1,000,000 x 512 within 60 s; no entry unlike the CPU's but ties; the host"
    echo "reads nothing from the device within a step."
} | tee "$out/summary.txt"
grep -hq '"exit": 0' "$out"/*.json && ! grep -hqv '"exit": 0' "$out"/*.json
