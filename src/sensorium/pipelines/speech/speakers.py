"""Who spoke when: local speakers in short windows, embeddings, groups over the whole file.

The scheme of pyannote.audio's diarization pipeline (Bredin 2023), with a grouping whose cost grows
with the length and not its square.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.features import Features
from sensorium.core.media import Audio, MediaRef
from sensorium.core.record import Record
from sensorium.core.time import Axis, Span
from sensorium.ops.sound.window import cut, padded, windows
from sensorium.ops.speech.diarize import Local, assign, founded, reconstruct
from sensorium.ops.speech.turns import Hysteresis, active_spans
from sensorium.ports import Earlier, Reader, Report, Segmenter, SpeakerEncoder

_RATE = 16_000
_BATCH = 8  # windows
_EXACT = Hysteresis(0.5, 0.5, 0.0, 0.0)  # every row as it is


@dataclass(frozen=True, slots=True)
class SpeakersOptions:
    """How voices are told apart.

    `hop` in seconds between windows; `alone` and `shortest`: seconds of sound that a voice needs to
    found a speaker, and to be compared at all; `distance`: cosine distance at which voices are two;
    `smallest`: seconds that a speaker must have in the file; `speakers`: least and most, None where open.
    """

    hop: float = 2.5
    alone: float = 0.6
    shortest: float = 0.5
    distance: float = 0.6
    smallest: float = 1.0
    speakers: tuple[int | None, int | None] = (None, None)
    activity: Hysteresis = field(default_factory=lambda: Hysteresis(0.01, 0.01, 0.25, 0.15))


class _Heard:
    """What is kept of the windows: activity as bytes, one embedding per local speaker."""

    def __init__(self) -> None:
        self.activity: list[NDArray[np.uint8]] = []
        self.first_rows: list[int] = []
        self.locals: list[Local] = []
        self.axis: Axis | None = None

    def add(self, features: Features) -> int:
        """Takes in one window's activity; its number."""
        axis = features.axes[0]
        if self.axis is None:
            self.axis = axis
        self.first_rows.append(round((axis.start - self.axis.start) / axis.step))
        self.activity.append(np.round(features.values * 255).astype(np.uint8))
        return len(self.activity) - 1


class Speakers:
    """Records of kinds turn, exclusive_turn and voice; speakers are S1, S2, ... as they appear."""

    name = "speakers"
    needs: tuple[str, ...] = ()

    def __init__(
        self,
        reader: Reader,
        segmenter: Segmenter,
        encoder: SpeakerEncoder,
        options: SpeakersOptions | None = None,
    ) -> None:
        self._reader = reader
        self._segmenter = segmenter
        self._encoder = encoder
        self._options = options or SpeakersOptions()

    def recipe(self) -> Mapping[str, Any]:
        """Models and parameters."""
        models = [self._segmenter.provenance.plain(), self._encoder.provenance.plain()]
        params = {**asdict(self._options), "window": self._segmenter.window}
        return {"name": self.name, "version": 2, "models": models, "params": params}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has sound."""
        return ref.has_sound

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Turns in order of time, those where one speaks at a time, then one voice per speaker."""
        heard, options = _Heard(), self._options
        planned = windows(self._segmenter.window, options.hop, ref.duration or 0.0)
        batch: list[Audio] = []
        for window in cut(self._reader.audio(ref, _RATE), planned):
            batch.append(window)
            if len(batch) == _BATCH:
                self._hear(batch, heard)
                report(window.end)
                batch = []
        self._hear(batch, heard)
        centers = founded(heard.locals, options.distance, options.smallest, options.speakers)
        if not len(centers) or heard.axis is None:
            return
        labels = assign(heard.locals, centers, len(heard.activity))
        rows, first = reconstruct(heard.activity, heard.first_rows, labels, len(centers))
        yield from self._records(rows, first, heard.axis, centers, ref.duration or 0.0)

    def _hear(self, batch: Sequence[Audio], heard: _Heard) -> None:
        """Segments some windows and embeds their local speakers."""
        whole = [padded(window, self._segmenter.window) for window in batch]
        for window, features in zip(batch, self._segmenter.segment(whole), strict=True):
            index = heard.add(features)
            active = np.asarray(features.values > 0.5)
            for speaker in range(active.shape[1]):
                others = np.asarray(np.delete(active, speaker, axis=1).any(axis=1))
                seconds = (self._options.alone, self._options.shortest)
                rows = (active[:, speaker], others)
                local = voice_of(self._encoder, window, features.axes[0], rows, seconds)
                if local is not None:
                    heard.locals.append(Local(index, speaker, *local))

    def _records(
        self, rows: NDArray, first: NDArray, axis: Axis, centers: NDArray, end: float
    ) -> Iterator[Record]:
        options, made_by = self._options, self._segmenter.provenance
        turns = list(_turns(lambda speaker: rows[:, speaker] / 255, len(centers), axis,
                            options.activity, end))  # fmt: skip
        turns.sort(key=lambda each: (each[0], each[1]))
        order = {number: f"S{i}" for i, number in enumerate(dict.fromkeys(t[1] for t in turns), 1)}
        for span, speaker, score in turns:
            values = {"speaker": order[speaker], "score": score, "channel": None}
            yield Record("turn", span, values, made_by)
        alone = _turns(lambda speaker: first == speaker, len(centers), axis, _EXACT, end)
        for span, speaker, _ in sorted(alone):
            if speaker in order:  # others are too short for a turn
                told = {"speaker": order[speaker], "channel": None}
                yield Record("exclusive_turn", span, told, made_by)
        for speaker, name in order.items():
            values = {
                "speaker": name,
                "duration": sum(span.duration for span, s, _ in turns if s == speaker),
                "embedding": [float(x) for x in centers[speaker].astype(np.float32)],
                "channel": None,
            }
            yield Record("voice", None, values, self._encoder.provenance)


def voice_of(
    encoder: SpeakerEncoder,
    window: Audio,
    axis: Axis,
    rows: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    seconds: tuple[float, float],
) -> tuple[NDArray, float, bool] | None:
    """(embedding, seconds, alone) of one local speaker; None if there is too little to hear.

    `rows` say where it is active and where others are; `seconds` how much it needs for a voice alone,
    and to be heard at all. Sound of it alone is preferred; with too little of that, all of it counts.
    """
    active, others = rows
    for chosen, needed, alone in (
        (active & ~others, seconds[0], True),
        (active & ~others, seconds[1], False),
        (active, seconds[1], False),
    ):
        clip = _only(window, axis, chosen)
        if clip.duration >= needed:
            return encoder.encode([clip])[0].values, clip.duration, alone
    return None


def _turns(
    activity: Callable[[int], NDArray], num_speakers: int, axis: Axis, rule: Hysteresis, end: float
) -> Iterator[tuple[Span, int, float]]:
    """(span, speaker, mean activity) of every turn, speaker by speaker."""
    for speaker in range(num_speakers):
        values = activity(speaker)
        for span in active_spans(values, axis, rule, end):
            low = max(axis.index(span.start), 0)
            high = max(axis.index(span.end), low + 1)
            yield span, speaker, min(float(values[low:high].mean()), 1.0)


def _only(window: Audio, axis: Axis, rows: NDArray[np.bool_]) -> Audio:
    """The sound of the rows that are True, joined."""
    num_samples = window.samples.shape[1]
    places = (np.arange(num_samples) / window.sample_rate + window.start - axis.start) / axis.step
    chosen = rows[np.clip(places.astype(np.int64), 0, len(rows) - 1)]
    return Audio(window.samples[:, chosen], window.sample_rate, window.start)
