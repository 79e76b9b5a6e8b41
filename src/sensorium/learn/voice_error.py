"""How wrong who-spoke-when is on labelled recordings, whole files and streams, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sensorium.core.errors import MissingDependencyError, UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio, MediaRef
from sensorium.core.record import Record
from sensorium.core.speech import Turn
from sensorium.learn.voice_data import LabelledVoices, sound
from sensorium.ops.learning.voice_windows import RATE
from sensorium.pipelines.live.live_turns import LiveTurns, LiveTurnsOptions
from sensorium.pipelines.speech.speakers import Speakers, SpeakersOptions

Row = Mapping[str, float]
_CHUNK = 30.0  # seconds that a reader gives at once
_ARRIVING = 0.5  # seconds that a stream gives at once
_DRAWS = 2000  # of the bootstrap


class Remembered:
    """A segmenter or speaker encoder that computes each input once: a search hears the same sound often."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._known: dict[tuple[float, int, bytes], Features] = {}
        self.provenance = inner.provenance
        self.window: float = getattr(inner, "window", 0.0)

    def segment(self, windows: Sequence[Audio]) -> list[Features]:
        """As the inner one."""
        return self._each(self._inner.segment, windows)

    def encode(self, clips: Sequence[Audio]) -> list[Features]:
        """As the inner one."""
        return self._each(self._inner.encode, clips)

    def _each(self, work: Any, items: Sequence[Audio]) -> list[Features]:
        # the hash alone is kept, not the sound: twenty bytes a window instead of 640 000
        keys = [(i.start, i.samples.shape[1], _name(i)) for i in items]
        new = {key: item for key, item in zip(keys, items, strict=True) if key not in self._known}
        if new:
            self._known.update(zip(new, work(list(new.values())), strict=True))
        return [self._known[key] for key in keys]


def _name(item: Audio) -> bytes:
    from hashlib import blake2b

    return blake2b(np.ascontiguousarray(item.samples).tobytes(), digest_size=20).digest()


class HeldSound:
    """A reader whose sound is in memory: decoded once, heard often."""

    def __init__(self, files: Sequence[LabelledVoices]) -> None:
        self._sound = {each.ref.digest: sound(each.ref) for each in files}

    def probe(self, uri: str) -> MediaRef:
        """Nothing is opened here."""
        raise UsageError(f"{uri}: only recordings that were read beforehand can be heard")

    def audio(self, ref: MediaRef, sample_rate: int, channel: int | None = None) -> Iterator[Audio]:
        """The sound in chunks, 16 kHz."""
        samples, size = self._sound[ref.digest], round(_CHUNK * RATE)
        for first in range(0, len(samples), size):
            part = samples[first : first + size].astype(np.float32) / np.float32(32768)
            yield Audio(part[None], RATE, first / RATE)

    def frames(self, ref: MediaRef, max_side: int | None, times: Any = None) -> Iterator[Any]:
        """No pictures."""
        return iter(())


def whole_turns(
    file: LabelledVoices, reader: Any, models: tuple[Any, Any], options: SpeakersOptions
) -> list[Turn]:
    """What is found in a whole file; `models` are segmenter and speaker encoder."""
    records = Speakers(reader, *models, options).run(file.ref, {}, lambda seconds: None)
    return [
        Turn(each.span, each.values["speaker"])
        for each in records
        if isinstance(each, Record) and each.kind == "turn" and each.span
    ]


def live_turns(
    file: LabelledVoices, reader: Any, models: tuple[Any, Any], options: LiveTurnsOptions
) -> list[Turn]:
    """What is found in a file that is heard as a stream."""
    stage, found = LiveTurns(*models, options), list[Turn]()
    for chunk in reader.audio(file.ref, RATE):
        at = chunk.start
        while at < chunk.end:
            found += stage.step(chunk.between(at, at + _ARRIVING))
            at += _ARRIVING
    return [*found, *stage.finish()]


def error(file: LabelledVoices, turns: Sequence[Turn]) -> Row:
    """Diarization error rate of a file without collar, overlap counted: `der`, its parts, `speech` seconds.

    Raises:
        MissingDependencyError: pyannote.metrics is not installed.
    """
    try:
        from sensorium.adapters.metrics.turn_error import TurnScore
    except ImportError as missing:
        raise MissingDependencyError(
            f"measuring needs {missing.name}, not installed; pip install 'sensorium[train]'"
        ) from None
    return TurnScore().add(file.turns, turns, file.end)


def total(rows: Sequence[Row]) -> dict[str, float]:
    """The same over several files, each second of speech weighing the same."""
    speech = sum(row["speech"] for row in rows)
    shares = {
        name: sum(row[name] * row["speech"] for row in rows) / speech if speech else 0.0
        for name in ("der", "missed", "false_alarm", "confusion")
    }
    return {**shares, "speech": speech, "files": float(len(rows))}


def change(
    before: Sequence[Row], after: Sequence[Row], seed: int = 0
) -> tuple[float, float | None, float | None]:
    """(how much the error rate changed, low, high): below 0 is better; a 95 % interval.

    Bootstrap over files, both measures of a file drawn together (Efron 1979): files differ far more from each
    other than one measure from the other. With one file there is no interval: None.
    """
    speech = np.array([row["speech"] for row in before])
    came = np.array([new["der"] - old["der"] for old, new in zip(before, after, strict=True)])
    came *= speech
    told = float(came.sum() / speech.sum())
    if len(speech) < 2:
        return told, None, None
    rng = np.random.default_rng([seed, 3])
    drawn = rng.integers(len(speech), size=(_DRAWS, len(speech)))
    low, high = np.quantile(came[drawn].sum(axis=1) / speech[drawn].sum(axis=1), [0.025, 0.975])
    return told, float(low), float(high)
