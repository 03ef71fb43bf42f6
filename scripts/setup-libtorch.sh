#!/usr/bin/env bash
# Fetches libtorch (PyTorch 2.11.0) into .libtorch/ with pip, once. Only the CPU part is kept for
# linking; the CUDA part, on machines with an NVIDIA driver, lies beside it and is loaded at run time.
set -euo pipefail
cd "$(dirname "$0")/.."

version=2.11.0
dest=.libtorch
stamp=$dest/.complete-$version
[ -e "$stamp" ] && exit 0
if [ -n "${LIBTORCH:-}" ] && [ -e "$LIBTORCH/lib/libtorch_cpu.so" ]; then
  echo "libtorch: using $LIBTORCH" >&2
  exit 0
fi
command -v python3 >/dev/null || { echo "libtorch: python3 with pip is needed to fetch PyTorch $version; install it, or set LIBTORCH to an unpacked libtorch $version." >&2; exit 1; }
python3 -m pip --version >/dev/null 2>&1 || { echo "libtorch: python3 has no pip; install python3-pip, or set LIBTORCH to an unpacked libtorch $version." >&2; exit 1; }

gpu=no
if command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then gpu=yes; fi
[ "${REID_CUDA:-}" = 1 ] && gpu=yes
[ "${REID_CUDA:-}" = 0 ] && gpu=no

echo "libtorch: fetching PyTorch $version with pip (about half a minute; CUDA libraries: $gpu)…" >&2
part=$dest.part
rm -rf "$part"
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64)
    if [ "$gpu" = yes ]; then
      python3 -m pip install -q --disable-pip-version-check --root-user-action=ignore --target "$part" --only-binary=:all: --python-version 3.12 "torch==$version"
    else
      python3 -m pip install -q --disable-pip-version-check --root-user-action=ignore --target "$part" --no-deps --only-binary=:all: --python-version 3.12 "torch==$version" "nvidia-cuda-runtime==13.0.*" "nvidia-cuda-cupti==13.0.*"
    fi ;;
  *)
    python3 -m pip install -q --disable-pip-version-check --target "$part" --no-deps --only-binary=:all: --python-version 3.12 "torch==$version" ;;
esac

# The linker must not see libtorch_cuda.so, or the program would need CUDA to start.
if [ "$(uname -s)" = Linux ]; then
  if [ "$gpu" = yes ]; then
    mkdir -p "$part/torch/lib/cuda"
    mv "$part"/torch/lib/libtorch_cuda*.so "$part/torch/lib/cuda/"
  else
    rm -f "$part"/torch/lib/libtorch_cuda*.so "$part"/torch/lib/libtorch_nvshmem.so
  fi
fi
# Python sources are not needed for linking; dropping them halves the folder.
find "$part/torch" -name '*.py' -delete
rm -rf "$part/bin" "$part/functorch" "$part/torchgen" "$part/torch/test" "$part"/torch/bin
rm -rf "$dest"
mv "$part" "$dest"
touch "$stamp"
