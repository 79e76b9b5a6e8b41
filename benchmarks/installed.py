"""What an installation weighs: megabytes on disk by package, and of the model store.

    python benchmarks/installed.py                      # the environment that runs it
    python benchmarks/installed.py --most 30

Counted are the files that pip recorded, bytecode included, and the libraries beside them. The table of
docs/dependencies.md is made of two such lists: one of a fresh `make demo` before the store, one after.
"""

from __future__ import annotations

import argparse
from importlib.metadata import Distribution, distributions
from pathlib import Path

from sensorium.models.store import where


def bytes_of(dist: Distribution) -> int:
    """Bytes of the files of one package; what lies outside the environment does not count."""
    paths = {Path(str(file.locate())).resolve() for file in dist.files or ()}
    cached = {path for each in paths for path in each.parent.glob(f"__pycache__/{each.stem}.*.pyc")}
    return sum(path.stat().st_size for path in paths | cached if path.is_file())


def main() -> None:
    """Prints the list, the largest first."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--most", type=int, default=20)
    most = options.parse_args().most
    sizes = {dist.metadata["Name"]: bytes_of(dist) for dist in distributions()}
    ranked = sorted(sizes.items(), key=lambda each: -each[1])
    for name, size in ranked[:most]:
        print(f"{name:28} {size / 1e6:8.0f} MB")
    print(f"{f'{len(ranked) - most} others':28} {sum(s for _, s in ranked[most:]) / 1e6:8.0f} MB")
    store = sum(path.stat().st_size for path in where().rglob("*") if path.is_file())
    print(f"{'packages':28} {sum(sizes.values()) / 1e6:8.0f} MB")
    print(f"{'model store':28} {store / 1e6:8.0f} MB")


if __name__ == "__main__":
    main()
