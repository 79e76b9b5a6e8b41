"""Voices of several channels: which of them are only the sound of another channel."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sensorium.core.time import Span
from sensorium.ops.speech.turns import joined

Key = TypeVar("Key", bound=Hashable)

_DISTANCE = 0.5  # cosine distance up to which an echo has the voice of what it repeats
_COVERED = 0.5  # share of an echo in which the voice itself is heard
_DELAY = 0.6  # seconds by which an echo may be late


@dataclass(frozen=True, slots=True)
class ChannelVoice:
    """A voice as one channel holds it: `embedding` of unit norm, `turns` in order of time."""

    channel: int
    embedding: NDArray[np.float32]
    turns: Sequence[Span]

    @property
    def seconds(self) -> float:
        """How long it speaks."""
        return sum(turn.duration for turn in self.turns)


def echoes(voices: Mapping[Key, ChannelVoice]) -> set[Key]:
    """Those that sound like a voice of another channel that speaks longer, at the same time as it.

    A person is heard on the own channel, and now and then, as an echo or a leak, on another one; the
    same person at another time is none.
    """
    found: set[Key] = set()
    for key, voice in voices.items():
        for other_key, other in voices.items():
            if other_key in found or other.channel == voice.channel:
                continue
            longer = (other.seconds, -other.channel) > (voice.seconds, -voice.channel)
            distance = 1.0 - float(np.dot(voice.embedding, other.embedding))
            if longer and distance <= _DISTANCE and _covered(voice, other) >= _COVERED:
                found.add(key)
                break
    return found


def _covered(voice: ChannelVoice, other: ChannelVoice) -> float:
    """Share of the first voice during which the second one speaks, or has just spoken."""
    late = joined([Span(turn.start, turn.end + _DELAY) for turn in other.turns], 0.0)
    shared, first = 0.0, 0
    for turn in voice.turns:
        while first < len(late) and late[first].end <= turn.start:
            first += 1
        for span in late[first:]:
            if span.start >= turn.end:
                break
            shared += span.overlap(turn)
    return shared / voice.seconds if voice.seconds else 0.0
