#!/usr/bin/env bash
# Packs the program with libtorch's CPU part, desktop entry, icon, man pages, completions and licences into
# target/package: a tarball, and a .deb where dpkg-deb is there. Needs no network once the program is built.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || { echo "packages are made on Linux x86-64 only" >&2; exit 1; }
cargo build -q --bin reid-workbench
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
torch=${LIBTORCH:-.libtorch/torch}
out=target/package
name=reid-workbench-$version-x86_64-linux
tree=$out/$name
rm -rf "$tree" && mkdir -p "$tree"/{bin,lib/reid-workbench/torch/lib,share/{applications,icons/hicolor/scalable/apps,man/man1,bash-completion/completions,doc/reid-workbench/licences}}

install -m 755 "${CARGO_TARGET_DIR:-target}/debug/reid-workbench" "$tree/bin/"
strip "$tree/bin/reid-workbench"
# What the program needs of libtorch, found as the loader finds it: nothing of CUDA's half.
ldd "$tree/bin/reid-workbench" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | while read -r library; do
    case "$library" in
        */torch/lib/../../nvidia/*) dir=nvidia/${library#*/nvidia/}; dir=${dir%/*} ;;
        */torch/lib/*) dir=torch/lib ;;
        *) continue ;;
    esac
    mkdir -p "$tree/lib/reid-workbench/$dir"
    cp -L "$library" "$tree/lib/reid-workbench/$dir/"
done
[ -e "$tree/lib/reid-workbench/torch/lib/libtorch_cpu.so" ] || { echo "libtorch was not found beside the program" >&2; exit 1; }

program=(env "LD_LIBRARY_PATH=$PWD/$torch/lib" "$tree/bin/reid-workbench")
[ -d "$torch/lib" ] && case "$torch" in /*) program[1]="LD_LIBRARY_PATH=$torch/lib" ;; esac
"${program[@]}" man "$tree/share/man/man1" > /dev/null
"${program[@]}" completions bash > "$tree/share/bash-completion/completions/reid-workbench"
cp assets/desktop/reid-workbench.desktop "$tree/share/applications/"
cp assets/desktop/reid-workbench.svg "$tree/share/icons/hicolor/scalable/apps/"
cp README.md CHANGELOG.md "$tree/share/doc/reid-workbench/"
licences=$tree/share/doc/reid-workbench/licences
cp assets/fonts/LICENSE-* "$licences/"
cp "$torch"/../torch-*.dist-info/licenses/* "$licences/" 2>/dev/null || echo "note: libtorch's licence texts were not found beside it" >&2
cargo tree --prefix none --edges normal --format '{p} – {l}' | sed 's/ (.*) – / – /' | sort -u > "$licences/crates.txt"

tar -C "$out" --owner=0 --group=0 --sort=name -czf "$out/$name.tar.gz" "$name"
echo "$out/$name.tar.gz"
if command -v dpkg-deb > /dev/null; then
    deb=$out/deb
    rm -rf "$deb" && mkdir -p "$deb/DEBIAN" && cp -a "$tree" "$deb/usr"
    cat > "$deb/DEBIAN/control" <<CONTROL
Package: reid-workbench
Version: $version
Architecture: amd64
Maintainer: the maintainers of reid-workbench <noreply@example.org>
Section: science
Priority: optional
Depends: libc6 (>= 2.31), libstdc++6, libgcc-s1
Recommends: libgl1, libegl1, libxkbcommon0, libxkbcommon-x11-0, libx11-xcb1, libxcursor1, libxi6, libgl1-mesa-dri
Description: workbench for unsupervised cross-domain person re-identification
 Attention blocks and refined clustering, live in a window and headless on the
 command line: extract, cluster, keep the reliable clusters, train, repeat.
CONTROL
    dpkg-deb --root-owner-group -Zgzip -z6 --build "$deb" "$out/reid-workbench_${version}_amd64.deb" > /dev/null
    rm -rf "$deb"
    echo "$out/reid-workbench_${version}_amd64.deb"
fi
