"""Makes ``format1.zip``: a library as the version before shards wrote it, and what that version read in it.

Nothing in it was measured: fakes made the results. To be run with the code of that version::

    git worktree add /tmp/format1 574d885
    PYTHONPATH=/tmp/format1/src python tests/golden/make_format1.py
"""

import json
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from sensorium.core.config import Config
from sensorium.core.features import Features
from sensorium.core.record import KINDS
from sensorium.core.time import Axis
from sensorium.library.library import Library
from sensorium.people.cast import Cast
from sensorium.run import extract, work
from sensorium.run.plan import Built
from sensorium.run.progress import Watcher
from sensorium.testing.fake_passes import CountingPass, FakeReader, NoSubtitles
from sensorium.testing.sample_gallery import known_library
from sensorium.testing.sample_library import add_synthetic, synthetic_library, synthetic_ref

OUT = Path(__file__).with_name("format1.zip")


def run(folder, out, size):
    """Files that fakes heard, of which one fails; another `size` is another recipe."""
    passes = [CountingPass("speech", size=size), CountingPass("who", ("speech",))]
    passes[0].fail = {"2.wav": OSError("disk full")}
    work._built = lambda config, threads: Built(FakeReader(), NoSubtitles(), passes)
    extract.check = lambda config: None
    extract.run([folder], out, Config(), extract.Options(num_workers=0), Watcher())


def make(root):
    """The library: talks with known people, features, a broken file, results of two recipes."""
    synthetic_library(root)
    known_library(root)
    values = np.arange(24, dtype=np.float16).reshape(4, 6)
    features = Features(values, (Axis("time", 0.0, 0.5, 0.5, "s"),), "synthetic sound", "encoder")
    add_synthetic(root, synthetic_ref("/synthetic/tone.wav", "audio"), [features], "sound")
    files = root.parent / "heard"
    files.mkdir()
    for number in range(3):
        (files / f"{number}.wav").write_text(f"content {number}")
    run(files, root, 1)
    run(files, root, 2)
    Cast(root).name("V1", "Ada")


def read(root):
    """What a reader sees."""
    library = Library(root)
    return {
        "inputs": [[each["uri"], sorted(each["results"])] for each in library.inputs()],
        "tables": {kind: library.table(kind).to_pylist() for kind in KINDS if kind != "feature"},
        "features": [each.values.tolist() for each in library.iter_features()],
        "people": library.people().to_dict("records"),
    }


def main():
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "library"
        make(root)
        expected = json.dumps(read(root))
        with zipfile.ZipFile(OUT, "w", zipfile.ZIP_DEFLATED) as pack:
            for file in sorted(root.rglob("*")):
                if file.is_file() and file.name != "lock":
                    pack.write(file, f"library/{file.relative_to(root)}")
            pack.writestr("expected.json", expected)
    print(f"{OUT}: {OUT.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
