"""Builds a library of many inputs without working on each: for the steps of `many.py` that only read.

    python many_direct.py INPUTS LIBRARY CONFIG

A picture and a sound for each length of number are worked on. What that gave is written again for every
other input, with its own path, digest and face in place of those, through the same journals, shards and
gallery as in a run: the library is the one that a run would leave, but for what the fakes would have heard.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import many_fakes
import numpy as np
from PIL import Image

from sensorium.library.layout import Layout
from sensorium.library.lock import held
from sensorium.library.store.journal import frame, frames
from sensorium.library.store.writing import Writing
from sensorium.people.recognise import recognise
from sensorium.run.config_file import as_config
from sensorium.run.inputs import Input, find
from sensorium.run.job import Job
from sensorium.run.parts.keys import stat_of
from sensorium.run.work import work_on

_AT_ONCE = 200  # inputs whose frames are added at once
_FACE = np.array([[8, 8, 56, 56]], np.float32)


def _face(path: str) -> bytes:
    """The embedding that the fake encoder gives the face of a picture."""
    with Image.open(path) as picture:
        values = many_fakes._embedding(np.asarray(picture), _FACE[0])
    return (np.asarray(values, np.float32)).tobytes()


class Pattern:
    """What work on one input gave, to be said of others whose path is as long."""

    def __init__(self, file: Input, config: Any) -> None:
        data = work_on(Job(file, config, "", 1)).frames
        found = frames(io.BytesIO(data))
        self._parts = [(dict(f.meta), data[f.at : f.at + f.size]) for f in found]
        self._uri = file.uri
        entry = next(m["entry"] for m, _ in reversed(self._parts) if m["what"] == "input")
        self._digest = entry["digest"]
        self._face = _face(file.uri) if file.uri.endswith(".png") else b""
        if self._face and not any(self._face in each for _, each in self._parts):
            raise SystemExit(f"{file.uri}: its face is not in what was found")

    def of(self, file: Input) -> Iterator[bytes]:
        """The frames of another input."""
        digest, stat = hashlib.sha256(file.uri.encode()).hexdigest(), stat_of(file)
        face = _face(file.uri) if self._face else b""
        for meta, data in self._parts:
            said = {name: value for name, value in meta.items() if name != "time"}
            if "entry" in said:
                ref = {**said["entry"]["ref"], "digest": digest, "uri": file.uri}
                results = {
                    step: digest[:32] + key[32:] for step, key in said["entry"]["results"].items()
                }
                said["entry"] = {
                    **said["entry"], "ref": ref, "results": results, "digest": digest, "stat": stat,
                    "uri": file.uri,
                }  # fmt: skip
            if "key" in said:
                said["key"] = digest[:32] + said["key"][32:]
                said["state"] = {**said["state"], "media": digest}
            fresh = data.replace(self._digest.encode(), digest.encode())
            fresh = fresh.replace(self._uri.encode(), file.uri.encode())
            yield frame(said, fresh.replace(self._face, face) if face else fresh)


def main() -> None:
    """Builds one."""
    inputs, library, config = sys.argv[1:]
    layout, found = Layout(library), find(inputs, leave_out=Path(library))
    layout.create()
    patterns: dict[tuple[int, str], Pattern] = {}
    with held(layout):
        writing, waiting = Writing(layout), []
        for number, file in enumerate(found, 1):
            like = len(file.uri), Path(file.uri).suffix
            if like not in patterns:
                patterns[like] = Pattern(file, as_config(config))
            waiting += patterns[like].of(file)
            if number % _AT_ONCE == 0 or number == len(found):
                writing.add(b"".join(waiting))
                writing.poke()
                waiting = []
        writing.finish()
        if failed := recognise(layout, [file.uri for file in found]):
            raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main()
