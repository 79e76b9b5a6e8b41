"""A pass that hears one audio track of a file, the one that was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import Provenance, Record
from sensorium.ops.sound.audio_tracks import Wanted, told, unlike, with_track
from sensorium.ports import Earlier, Pass, Reader, Report, SpeechDetector

_RATE = 16_000
_SPOKEN = 1.0  # seconds of speech on another track that are worth a warning
_MADE_BY = Provenance("sensorium")


class OfTrack:
    """Another pass, on the audio track that is `wanted`; see `ops.sound.audio_tracks`.

    With `elsewhere`, a reader and a detector of speech, a record of kind warning says so if the track has
    no speech and another one has.
    """

    def __init__(
        self,
        inner: Pass,
        wanted: Wanted,
        elsewhere: tuple[Reader, SpeechDetector] | None = None,
    ) -> None:
        self.name = inner.name
        self.needs = inner.needs
        self._inner = inner
        self._wanted = wanted
        self._elsewhere = elsewhere

    def recipe(self) -> Mapping[str, Any]:
        """That of the pass, and what was asked for."""
        return {**self._inner.recipe(), "audio_track": self._wanted}

    def applies(self, ref: MediaRef) -> bool:
        """As the pass says."""
        return self._inner.applies(ref)

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """What the pass gives, then warnings. Raises MediaError if there is no such track."""
        chosen, spoken = with_track(ref, self._wanted), False
        for each in self._inner.run(chosen, earlier, report):
            spoken = spoken or (isinstance(each, Record) and each.kind == "speech")
            yield each
        if self._elsewhere is None:
            return
        if message := unlike(chosen, self._wanted):
            yield self._warning(message)
        if not spoken and len(chosen.tracks) > 1:
            yield from self._said_elsewhere(chosen, *self._elsewhere)

    def _said_elsewhere(
        self, ref: MediaRef, reader: Reader, detector: SpeechDetector
    ) -> Iterator[Record]:
        heard = next(each for each in ref.tracks if each.index == ref.audio_track)
        for track in ref.tracks:
            other = replace(ref, audio_track=track.index)
            if track is not heard and _speaks(reader, detector, other):
                yield self._warning(
                    f"{ref.uri}: no speech on the audio track {told(heard)}, but on {told(track)}; "
                    f"to hear that one: --audio-track {track.index}"
                )
                return

    def _warning(self, message: str) -> Record:
        return Record("warning", None, {"step": self.name, "message": message}, _MADE_BY)


def _speaks(reader: Reader, detector: SpeechDetector, ref: MediaRef) -> bool:
    """Whether a track holds a second of speech; no more of it is heard than that takes."""
    seconds = 0.0
    for rows in detector.probabilities(reader.audio(ref, _RATE)):
        seconds += float(np.sum(rows.values > 0.5)) * rows.axes[0].step
        if seconds >= _SPOKEN:
            return True
    return False
