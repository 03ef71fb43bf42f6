#!/usr/bin/env bash
# Says what the machine lacks, and installs it where that needs no password.
# setup-system.sh window | test
set -euo pipefail

headless='cargo run --bin reid-workbench -- train --preset demo --source synthetic-plaza --target synthetic-station --out runs/demo'

for tool in cargo c++; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install Rust (rustup) and a C++ compiler, then try again." >&2; exit 1; }
done
[ "$(uname -s)" = Linux ] || exit 0

if [ "$1" = window ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  echo "There is no display for a window; train without one: make setup && $headless" >&2
  exit 1
fi

# A library the window opens at run time, and the Debian package that holds it.
missing=()
need() { ldconfig -p | grep -q "$1" || missing+=("$2"); }
need libGL.so.1 libgl1
need libEGL.so.1 libegl1
need libxkbcommon.so.0 libxkbcommon0
need libxkbcommon-x11.so.0 libxkbcommon-x11-0
need libX11-xcb.so.1 libx11-xcb1
need libXcursor.so.1 libxcursor1
need libXi.so.6 libxi6
ls /usr/lib/*/dri/*_dri.so >/dev/null 2>&1 || missing+=(libgl1-mesa-dri)
if [ "$1" = test ]; then
  command -v Xvfb >/dev/null || missing+=(xvfb)
  # For runs on another machine: a server of ssh, which the tests start and stop themselves.
  [ -x /usr/sbin/sshd ] || missing+=(openssh-server)
  command -v ssh >/dev/null || missing+=(openssh-client)
  # For weights that are written for PyTorch: a PyTorch of its own, on the CPU.
  python3 -c 'import torch, torchvision' 2>/dev/null || /usr/bin/python3 -c 'import torch, torchvision' 2>/dev/null \
    || missing+=(python3-torch python3-torchvision)
  # For pages that are exported: a browser that needs no window.
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
  # For sweeps on a cluster: a Slurm, which the tests start and stop themselves.
  [ -z "$(tests/cluster/slurm.sh missing)" ] || missing+=(slurmctld slurmd slurm-client munge)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing ${missing[*]}" >&2
  apt-get update -qq >/dev/null || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  [ "$1" = test ] && who='Window and tests need' || who='The window needs'
  echo "$who these packages: sudo apt-get install ${missing[*]}" >&2
fi
