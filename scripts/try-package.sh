#!/usr/bin/env bash
# Starts the packed program in a root in which nothing else is but the C and C++ libraries: what it needs is packed.
# Needs root for chroot.
set -euo pipefail
cd "$(dirname "$0")/.."
package=$(ls target/package/reid-workbench-*.tar.gz | head -1)
[ "$(id -u)" = 0 ] || { echo "try-package.sh: chroot needs root" >&2; exit 1; }
root=$(mktemp -d)
trap 'umount "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
mkdir -p "$root"/{opt,tmp,home,proc}
# The loader finds the libraries beside the program by asking where the program lies.
mount -t proc proc "$root/proc"
tar -C "$root/opt" -xzf "$package"
program=$(echo "$root"/opt/*/bin/reid-workbench)
for library in libc.so.6 libm.so.6 libstdc++.so.6 libgcc_s.so.1 libdl.so.2 libpthread.so.0 librt.so.1 libutil.so.1; do
    path=$(ldconfig -p | sed -n "s|.*$library (.*x86-64.*) => ||p" | head -1)
    mkdir -p "$root$(dirname "$path")" && cp -L "$path" "$root$path"
done
mkdir -p "$root/lib64" && cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
inside=${program#"$root"}
run() { env -i HOME=/home "$(command -v chroot)" "$root" "$inside" "$@"; }
run --version
run datasets list > /dev/null
run shot example --panel window --size 800x500 --out /tmp/window.png > /dev/null
run export example --csv /tmp/tables > /dev/null
run train --preset demo --source synthetic-plaza --target synthetic-station --out /tmp/run --device cpu \
    --set pretrain.epochs=1 --set pretrain.iters=1 --set adapt.epochs=1 --set adapt.iters=1 --set pretrain.batch=16 --set adapt.batch=16 > "$root/tmp/train.json"
grep -q '"state": "done"' "$root/tmp/train.json"
[ -s "$root/tmp/window.png" ] && [ -s "$root/tmp/tables/metrics.md" ]
echo "the package works in an empty root"
