"""Passes and readers that stand in for the real ones: they look at bytes, never at media."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sensorium.core.errors import (
    MediaError,
    MissingMediaError,
    UnsupportedMediaError,
    UsageError,
)
from sensorium.core.features import Features
from sensorium.core.media import Audio, Frames, MediaRef
from sensorium.core.record import Provenance, Record
from sensorium.core.speech import Cue
from sensorium.core.time import Span
from sensorium.ports import Earlier, Report


class FakeReader:
    """Calls every file audio, a second of silence, unless it holds the text ``no media``."""

    def probe(self, uri: str) -> MediaRef:
        if not os.path.exists(uri):
            raise MissingMediaError(f"{uri}: no such file")
        data = Path(uri).read_bytes()
        if data == b"no media":
            raise UnsupportedMediaError(f"{uri}: expected image, audio or video, found text")
        return MediaRef(
            uri, hashlib.sha256(data).hexdigest(), "audio", duration=1.0, sample_rate=16_000,
            num_channels=1, has_sound=True,
        )  # fmt: skip

    def audio(self, ref: MediaRef, sample_rate: int, channel: int | None = None) -> Iterator[Audio]:
        if channel not in (None, 0):
            raise UsageError(f"channel: expected 0 to 0, got {channel}")
        yield Audio(np.zeros((1, sample_rate), np.float32), sample_rate)

    def frames(
        self, ref: MediaRef, max_side: int | None, times: Sequence[float] | None = None
    ) -> Iterator[Frames]:
        return iter(())


class NoSubtitles:
    """There never are any."""

    def beside(self, uri: str) -> list[str]:
        return []

    def read(self, path: str) -> list[Cue]:
        raise MediaError(f"{path}: expected subtitles, and there never are any")


class CountingPass:
    """Yields `size` transcripts per file and counts its runs; fails for the files named in `fail`."""

    def __init__(
        self,
        name: str,
        needs: tuple[str, ...] = (),
        size: int = 1,
        fail: Mapping[str, Exception] | None = None,
        pause: float = 0.0,
    ) -> None:
        self.name = name
        self.needs = needs
        self.size = size
        self.fail = dict(fail or {})
        self.pause = pause
        self.num_runs = 0
        self.provenance = Provenance(f"fake-{name}", "1", {"size": size})

    def recipe(self) -> Mapping[str, Any]:
        return {"name": self.name, "version": 1, "models": [self.provenance.plain()]}

    def applies(self, ref: MediaRef) -> bool:
        return True

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        self.num_runs += 1
        for index in range(self.size):
            values = {"text": f"{self.name} {index}", "language": "en", "score": 1.0}
            values |= {"language_score": None, "channel": None}
            yield Record("transcript", Span(index, index + 1), values, self.provenance)
            time.sleep(self.pause)
            report(float(index))
        if error := self.fail.get(os.path.basename(ref.uri)):
            raise error
