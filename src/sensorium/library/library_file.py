"""One file of a library."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium.core.errors import MediaError
from sensorium.core.features import Features
from sensorium.core.lazy import Shown, loaded
from sensorium.core.media import Audio, Frames, MediaRef

if TYPE_CHECKING:
    import pandas as pd

    from sensorium.library.library import Library


def names(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Path of each input -> its file name, or the whole path where two files have one name."""
    count = Counter(os.path.basename(entry["uri"]) for entry in entries)
    return {
        entry["uri"]: base if count[base := os.path.basename(entry["uri"])] == 1 else entry["uri"]
        for entry in entries
    }


class LibraryFile(Shown):
    """What a library holds of one file: ``library["talk.mp4"]``.

    The tables are those of `Library`, narrowed to it. `audio` and `frames` read the file itself.
    """

    def __init__(self, library: Library, entry: Mapping[str, Any]) -> None:
        self.library = library
        self.uri: str = entry["uri"]
        self.digest: str = entry["digest"]
        self.ref = MediaRef(**entry["ref"]) if entry.get("ref") else None  # None: unreadable

    def __repr__(self) -> str:
        kind = self.ref.kind if self.ref else "could not be read"
        return f"LibraryFile({self.uri!r}, {kind})"

    def turns(self) -> pd.DataFrame:
        """Who spoke when."""
        return self.library.turns(self.uri)

    def words(self) -> pd.DataFrame:
        """What was said, word by word."""
        return self.library.words(self.uri)

    def people(self) -> pd.DataFrame:
        """Who its voices and faces are."""
        return self.library.people(self.uri)

    def records(self, kind: str) -> pd.DataFrame:
        """All records of one kind: ``"shot"``, ``"region"``, ``"text"``, ...; see docs/formats.md."""
        return self.library.records(kind, self.uri)

    def features(self, name: str | None = None) -> list[Features]:
        """Its features; `name` keeps one output."""
        return self.library.features(self.uri, name)

    def find(self, text: str = "", **narrow: Any) -> pd.DataFrame:
        """What was said or written in it; see `Library.find`."""
        return self.library.find(text, media=self.uri, **narrow)

    def prompt(self, budget: int = 2000, **how: Any) -> str | list[dict[str, Any]]:
        """What happened in it, for a language model's context; see `Library.prompt`."""
        return self.library.prompt(self.uri, budget, **how)

    def audio(
        self, start: float = 0.0, end: float | None = None, sample_rate: int = 16_000
    ) -> Audio:
        """Its sound between two times in seconds, all of it without them.

        Raises:
            MediaError: the file cannot be read any more, or has no sound there.
        """
        chunks = []
        for chunk in self._reader().audio(self._readable(), sample_rate):
            if chunk.end > start:
                chunks.append(chunk)
            if end is not None and chunk.end >= end:
                break
        if not chunks:
            raise MediaError(f"{self.uri}: no sound from {start:g} s on")
        joined = np.concatenate([chunk.samples for chunk in chunks], axis=1)
        whole = Audio(joined, chunks[0].sample_rate, chunks[0].start)
        return whole.between(start, whole.end if end is None else end)

    def frames(self, times: Sequence[float] = (0.0,), max_side: int = 640) -> Frames:
        """Its pictures at some times in seconds, the longer side of at most `max_side` pixels.

        Raises:
            MediaError: the file cannot be read any more, or has no picture there.
        """
        ref = self._readable()
        wanted = None if ref.kind == "image" else sorted(times)
        found = list(self._reader().frames(ref, max_side, wanted))
        if not found:
            raise MediaError(f"{self.uri}: no picture at {list(times)} s")
        return Frames(
            np.concatenate([each.pixels for each in found]),
            np.concatenate([each.times for each in found]),
        )

    def plot(self) -> Any:
        """Its pictures, and who was heard and seen when, as one PIL picture."""
        return loaded("interfaces.notebook.plots:timeline")(self)

    def _readable(self) -> MediaRef:
        if self.ref is None:
            raise MediaError(f"{self.uri}: could not be read; library.errors() says why")
        return self.ref

    @staticmethod
    def _reader() -> Any:
        from sensorium.adapters.media.reader import MediaReader

        return MediaReader()
