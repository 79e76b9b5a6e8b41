"""The passes over speech, once for every channel that holds its own voice."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import Record
from sensorium.ops.speech.echo import ChannelVoice, echoes
from sensorium.pipelines.speech.own_voice import OwnVoices
from sensorium.ports import Earlier, Pass, Reader, Report

Bounds = tuple[int | None, int | None]
_Key = tuple[int, str]  # channel, label inside it


class SpeechPerChannel:
    """What was said, channel by channel, told in order of time; all channels as one if they are one sound.

    `make` gives the pass over what a reader reads.
    """

    def __init__(self, make: Callable[[Reader], Pass], reader: Reader, channels: OwnVoices) -> None:
        self._make = make
        self._whole = make(reader)
        self._channels = channels
        self.name = self._whole.name
        self.needs = self._whole.needs

    def recipe(self) -> Mapping[str, Any]:
        """That of the pass, and how channels are heard."""
        return {**self._whole.recipe(), "channels": self._channels.recipe()}

    def applies(self, ref: MediaRef) -> bool:
        """As the pass says."""
        return self._whole.applies(ref)

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Speech first, then words; the channels are heard side by side, none is held in memory."""
        heard = self._channels.of(ref)
        if not heard:
            yield from self._whole.run(ref, earlier, report)
            return
        done = _Least(report, len(heard))
        streams = [
            _of_channel(self._make(each).run(ref, earlier, done.of(number)), each.channel)
            for number, each in enumerate(heard)
        ]
        yield from heapq.merge(*streams, key=_when)


class SpeakersPerChannel:
    """Who spoke when, channel by channel; S1, S2, ... are numbered over the file as they appear.

    `make` gives the pass over what a reader reads, for a least and most number of voices. The
    voice of one channel that is heard in another one as an echo or a leak is no speaker there.
    """

    def __init__(
        self,
        make: Callable[[Reader, Bounds], Pass],
        reader: Reader,
        channels: OwnVoices,
        bounds: Bounds = (None, None),
    ) -> None:
        self._make = make
        self._whole = make(reader, bounds)
        self._channels = channels
        self._bounds = bounds
        self.name = self._whole.name
        self.needs = self._whole.needs

    def recipe(self) -> Mapping[str, Any]:
        """That of the pass, and how channels are heard."""
        return {**self._whole.recipe(), "channels": self._channels.recipe()}

    def applies(self, ref: MediaRef) -> bool:
        """As the pass says."""
        return self._whole.applies(ref)

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Turns in order of time, those where one speaks at a time in a channel, then the voices."""
        heard = self._channels.of(ref)
        if not heard:
            yield from self._whole.run(ref, earlier, report)
            return
        found: list[Record] = []
        for number, each in enumerate(heard):
            bounds = self._left(found, len(heard) - number - 1)
            share = _Share(report, number, len(heard), ref.duration or 0.0)
            one = self._make(each, bounds).run(ref, earlier, share)
            found += _of_channel(one, each.channel)
        yield from relabelled(found)

    def _left(self, found: Sequence[Record], num_after: int) -> Bounds:
        """How many voices the next channel may have, so that the bounds hold over the file."""
        low, high = self._bounds
        num = sum(record.kind == "voice" for record in found)
        low = max(1, low - num) if low is not None and not num_after else None
        high = max(1, high - num - num_after) if high is not None else None
        return low, high


def relabelled(records: Sequence[Record]) -> list[Record]:
    """Turns, exclusive turns and voices of several channels as those of one file."""
    of: dict[str, list[Record]] = {"turn": [], "exclusive_turn": [], "voice": []}
    for record in records:
        of[record.kind].append(record)
    turns = sorted(of["turn"], key=_when)
    spans: dict[_Key, list[Any]] = {}
    for record in turns:
        spans.setdefault(_key(record), []).append(record.span)
    voices = {
        _key(record): ChannelVoice(
            record.values["channel"],
            np.asarray(record.values["embedding"], np.float32),
            spans.get(_key(record), []),
        )
        for record in of["voice"]
    }
    gone = echoes(voices)
    order = {key: f"S{i}" for i, key in enumerate((k for k in spans if k not in gone), start=1)}
    told = [*turns, *sorted(of["exclusive_turn"], key=_when)]
    told += sorted(
        (each for each in of["voice"] if _key(each) in order),
        key=lambda each: int(order[_key(each)][1:]),
    )
    return [
        replace(each, values={**each.values, "speaker": order[_key(each)]})
        for each in told
        if _key(each) in order
    ]


def _key(record: Record) -> _Key:
    return record.values["channel"], record.values["speaker"]


def _of_channel(results: Iterator[Record | Features], channel: int) -> Iterator[Record]:
    """The same records, with the channel that they were heard in."""
    for each in results:
        if not isinstance(each, Record):
            raise TypeError(f"expected records of a pass over speech, got {each!r}")
        if "channel" in each.values:
            each = replace(each, values={**each.values, "channel": channel})
        yield each


def _when(record: Record) -> tuple[bool, float]:
    return record.kind != "speech", record.span.start if record.span else 0.0


class _Least:
    """Tells how far the slowest of several channels is."""

    def __init__(self, report: Report, num: int) -> None:
        self._report = report
        self._done = [0.0] * num

    def of(self, number: int) -> Report:
        """What one channel reports to."""

        def report(seconds: float) -> None:
            self._done[number] = seconds
            self._report(min(self._done))

        return report


class _Share:
    """Tells how far one channel after the other is, as seconds of the file."""

    def __init__(self, report: Report, number: int, num: int, duration: float) -> None:
        self._report, self._number, self._num, self._duration = report, number, num, duration

    def __call__(self, seconds: float) -> None:
        self._report((self._number * self._duration + seconds) / self._num)
