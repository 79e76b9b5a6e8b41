"""Where the picture is cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import Provenance, Record
from sensorium.ops.vision.cuts import CutRule, cuts, shots
from sensorium.ports import Earlier, Reader, Report

_SIDE = 96  # pixels: enough to see a cut, cheap to compare


class Shots:
    """Records of kind shot; together they cover the file from 0 to its end."""

    name = "shots"
    needs: tuple[str, ...] = ()

    def __init__(self, reader: Reader, rule: CutRule | None = None) -> None:
        self._reader = reader
        self._rule = rule or CutRule()

    def recipe(self) -> Mapping[str, Any]:
        """The rule."""
        return {"name": self.name, "version": 2, "models": [self._made_by.plain()]}

    @property
    def _made_by(self) -> Provenance:
        return Provenance("adaptive-cuts", "2", {**asdict(self._rule), "side": _SIDE})

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has moving pictures."""
        return ref.kind == "video"

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """One record per shot, in order."""

        def small() -> Iterator[tuple[float, Any]]:
            for frame in self._reader.frames(ref, _SIDE):
                report(float(frame.times[0]))
                yield float(frame.times[0]), frame.pixels[0]

        at = cuts(small(), self._rule)
        for index, span in enumerate(shots(at, ref.duration or 0.0, self._rule.apart)):
            yield Record("shot", span, {"index": index}, self._made_by)
