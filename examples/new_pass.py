"""A new pass: how loud a file is, a value every second.

In the house it is one file in pipelines/<sense>/, its name in core/config.py, its line in run/plan.py, and a
row in the table of docs/concepts.md.

    python examples/new_pass.py SOUND
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import Record
from sensorium.core.time import Axis
from sensorium.ops.sound.window import cut, windows
from sensorium.ports import Earlier, Reader, Report


class Loudness:
    """Root mean square of every second, in decibels of full scale; -120 for silence."""

    name = "loudness"
    needs: tuple[str, ...] = ()  # passes whose records it reads

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def recipe(self) -> Mapping[str, Any]:
        """Everything that decides the result: a change computes it anew, and nothing else."""
        return {"name": self.name, "version": 1}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has sound."""
        return ref.has_sound

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """One row of features a second; the last may cover less."""
        for window in cut(self._reader.audio(ref, 16_000), windows(1.0, 1.0, ref.duration or 0.0)):
            level = 20 * np.log10(max(float(np.sqrt((window.mono() ** 2).mean())), 1e-6))
            axis = Axis("time", window.start, 1.0, 1.0, "s")
            yield Features(np.array([[level]], np.float32), (axis,), "loudness", "loudness")
            report(window.end)


if __name__ == "__main__":
    media = MediaReader()
    for row in Loudness(media).run(media.probe(sys.argv[1]), {}, lambda seconds: None):
        print(f"{row.axes[0].start:6.1f} s  {row.values[0, 0]:6.1f} dB")
