"""The `Reader` whose work is done behind a fence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from sensorium.adapters.fencing.decoding import Part
from sensorium.core.errors import MediaError
from sensorium.core.limits import Limits
from sensorium.core.media import Audio, Frames, MediaRef

Ask = Callable[[str, dict[str, Any]], Iterator[Part]]


class FencedReader:
    """Asks `ask` for every file, by its name and the question, and checks what comes."""

    def __init__(self, ask: Ask, limits: Limits) -> None:
        self._ask, self._limits = ask, limits

    def _parts(self, uri: str, do: str, **more: Any) -> Iterator[Part]:
        yield from self._ask(uri, {"do": do, "limits": asdict(self._limits), **more})

    def probe(self, uri: str) -> MediaRef:
        """What the file is. Raises a MediaError, also where the decoder died or took too long."""
        found = [header["ref"] for header, _ in self._parts(uri, "probe")]
        try:
            return MediaRef(**found[0])
        except (IndexError, TypeError, ValueError):
            raise MediaError(f"{uri}: its decoder told nothing of it; is it damaged?") from None

    def audio(self, ref: MediaRef, sample_rate: int, channel: int | None = None) -> Iterator[Audio]:
        """The sound, as the port has it."""
        asked = {"ref": asdict(ref), "rate": sample_rate, "channel": channel}
        for header, values in self._parts(ref.uri, "audio", **asked):
            if values is not None:
                yield Audio(values, header["rate"], header["start"])

    def frames(
        self, ref: MediaRef, max_side: int | None, times: Sequence[float] | None = None
    ) -> Iterator[Frames]:
        """The pictures, as the port has it."""
        at = None if times is None else [float(each) for each in times]
        for header, values in self._parts(
            ref.uri, "frames", ref=asdict(ref), max_side=max_side, times=at
        ):
            if values is not None:
                yield Frames(values, np.array(header["times"], np.float64))
