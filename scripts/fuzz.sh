#!/usr/bin/env bash
# Fuzzes the readers of tests/fuzz with libFuzzer, guided by coverage; on stable Rust, with a C++ compiler.
# fuzz.sh [SECONDS] [READER…]   so long for each reader (default 30), all of them unless some are named
# What makes one fail lies in target/fuzz/found/READER afterwards; exit code 1 then.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
shift $(( $# > 0 ? 1 : 0 ))
: "${LIBTORCH:=$PWD/.libtorch/torch}"
export LIBTORCH LD_LIBRARY_PATH="$LIBTORCH/lib:${LD_LIBRARY_PATH:-}"
out=$PWD/target/fuzz
around=$out/corpus/around
if [ ! -d "$out/corpus/seeds" ]; then
    mkdir -p "$around"
    REID_FUZZ_CORPUS=$out/corpus cargo test -q --test it -- --exact readers::write_the_corpus_of_the_fuzzer --ignored
fi
# cargo-fuzz asks for the same passes, and for sanitizers that stable Rust has not.
passes=(-Cpasses=sancov-module)
for flag in level=4 inline-8bit-counters pc-table trace-compares; do
    passes+=("-Cllvm-args=-sanitizer-coverage-$flag")
done
cp -n Cargo.lock tests/fuzz/Cargo.lock 2>/dev/null || true
target=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="${passes[*]}" CARGO_TARGET_DIR=$out cargo build -q --manifest-path tests/fuzz/Cargo.toml --release \
    --target "$target"
[ $# -gt 0 ] || set -- $(ls "$out/corpus/seeds")
failed=0
for reader in "$@"; do
    mkdir -p "$out/grown/$reader" "$out/found/$reader"
    REID_FUZZ_BODY=${reader//-/ } REID_FUZZ_AROUND=$around OMP_NUM_THREADS=1 \
        "$out/$target/release/reader" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1500 -max_len=400000 \
        -artifact_prefix="$out/found/$reader/" -print_final_stats=1 "$out/grown/$reader" "$out/corpus/seeds/$reader" \
        >"$out/found/$reader.log" 2>&1 || failed=1
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/found/$reader.log")
    cover=$(grep -o 'cov: [0-9]*' "$out/found/$reader.log" | tail -1)
    echo "$reader: ${runs:-0} files, ${cover:-no coverage}, $(ls "$out/found/$reader" | wc -l) found"
done
exit $failed
