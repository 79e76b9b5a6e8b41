"""Which channels of a file are heard each for itself, and what is then heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.config import Channels
from sensorium.core.media import Audio, Frames, MediaRef
from sensorium.ops.sound.channels import (
    RATE,
    ROW,
    ChannelRule,
    Measured,
    Meter,
    apart,
    busy_rows,
    cancelling,
    copies,
    is_stereo,
    own_rows,
    sounding,
)
from sensorium.ports import Reader, SpeechDetector

_DETECTOR_RATE = 16_000
_LOOK = 600.0  # seconds of sound after which it is asked again whether the rest need be heard


@dataclass(frozen=True, slots=True)
class OneChannel:
    """A reader of one channel, silent where nothing but another channel is heard in it.

    `own` is ``(row,)`` bool, rows of 0.1 s; None: nothing is silenced.
    """

    reader: Reader
    channel: int
    own: NDArray[np.bool_] | None = None

    def probe(self, uri: str) -> MediaRef:
        """As the reader says."""
        return self.reader.probe(uri)

    def frames(
        self, ref: MediaRef, max_side: int | None, times: Sequence[float] | None = None
    ) -> Iterator[Frames]:
        """As the reader gives them."""
        return self.reader.frames(ref, max_side, times)

    def audio(self, ref: MediaRef, sample_rate: int, channel: int | None = None) -> Iterator[Audio]:
        """The sound of this channel, whatever `channel` says."""
        for chunk in self.reader.audio(ref, sample_rate, self.channel):
            yield chunk if self.own is None or self.own.all() else _faded(chunk, self.own)


def _faded(chunk: Audio, own: NDArray[np.bool_]) -> Audio:
    """The sound without what is not the channel's own; 0.1 s from full to silent, so that nothing clicks."""
    times = chunk.start + np.arange(chunk.samples.shape[1]) / chunk.sample_rate
    gain = np.interp(times, (np.arange(len(own)) + 0.5) * ROW, own.astype(np.float32))
    return Audio(chunk.samples * gain.astype(np.float32), chunk.sample_rate, chunk.start)


class OwnVoices:
    """Finds the channels of a file that each hold their own voice.

    With `choice` ``"auto"`` all channels that are not silent must be speech, and each another one than
    the others: stereo stays one sound. ``"split"`` takes every channel that is not silent and no copy of
    another one, ``"mix"`` none. Of two channels whose average is silence, ``"auto"`` hears the first one.
    """

    def __init__(
        self,
        reader: Reader,
        detector: SpeechDetector,
        choice: Channels = "auto",
        rule: ChannelRule | None = None,
    ) -> None:
        self._reader = reader
        self._detector = detector
        self._choice = choice
        self._rule = rule or ChannelRule()
        self._last: tuple[Any, list[OneChannel]] = (None, [])

    def recipe(self) -> Mapping[str, Any]:
        """All that decides which channels are heard."""
        if self._choice == "mix":
            return {"choice": "mix"}
        told = {"choice": self._choice, "version": 1, "rule": asdict(self._rule)}
        detector = {"detector": self._detector.provenance.plain()}
        return told | detector if self._choice == "auto" else told

    def of(self, ref: MediaRef) -> list[OneChannel]:
        """A reader for each channel that is to be heard for itself; none if all are heard as one.

        The answer for the last file is kept, as every pass over it asks.
        """
        asked = (ref.digest, ref.uri, ref.audio_track)
        if self._last[0] != asked:
            self._last = (asked, self._found(ref))
        return self._last[1]

    def _found(self, ref: MediaRef) -> list[OneChannel]:
        num = ref.num_channels or 1
        if self._choice == "mix" or num < 2 or not ref.has_sound:
            return []
        measured = self._measured(ref, num)
        auto, rule = self._choice == "auto", self._rule
        if auto and cancelling(measured, rule):
            return [OneChannel(self._reader, sounding(measured, rule)[0])]
        among = apart(measured, rule) if auto else copies(measured, rule)
        found = [
            OneChannel(self._reader, each, own_rows(measured, each, among, rule)) for each in among
        ]
        if auto and not all(self._is_speech(ref, each, measured) for each in found):
            return []
        return found

    def _measured(self, ref: MediaRef, num: int) -> Measured:
        """One walk over all channels, side by side, until they are one sound for certain."""
        meter, looked = Meter(num), 0.0
        streams = [self._reader.audio(ref, RATE, channel) for channel in range(num)]
        for chunks in zip(*streams, strict=False):
            length = min(chunk.samples.shape[1] for chunk in chunks)
            meter.add(np.concatenate([chunk.samples[:, :length] for chunk in chunks]))
            if self._choice == "auto" and chunks[0].end - looked > _LOOK and ref.duration:
                looked = chunks[0].end
                if is_stereo(meter.so_far(), int(ref.duration / ROW), self._rule):
                    return meter.so_far()
        return meter.finish()

    def _is_speech(self, ref: MediaRef, heard: OneChannel, measured: Measured) -> bool:
        """Whether most of what a channel holds of its own is speech."""
        busy = busy_rows(measured, heard.channel, self._rule)
        busy = busy if heard.own is None else busy & heard.own
        spoken, step = 0, 1.0
        for rows in self._detector.probabilities(heard.audio(ref, _DETECTOR_RATE)):
            axis = rows.axes[0]
            step = axis.step
            centers = axis.start + (np.arange(len(rows.values)) + 0.5) * step
            places = np.minimum((centers / ROW).astype(np.int64), len(busy) - 1)
            spoken += int(np.sum((rows.values[:, 0] > 0.5) & busy[places]))
        seconds = spoken * step
        return seconds >= max(self._rule.spoken, self._rule.voiced * float(busy.sum()) * ROW)
