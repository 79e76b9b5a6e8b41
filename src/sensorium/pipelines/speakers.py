"""Who spoke when: how many speak in every row, the voice of every half second, and who there is.

A segmentation model says in windows of 10 s where one and where two speak (Bredin 2023). Who it is is
not asked of its windows but of a speaker encoder, for pieces of 1.5 s; ops/diarize.py puts both together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio, MediaRef
from sensorium.core.record import Record
from sensorium.core.time import Axis, Span
from sensorium.ops.crowd import Windows, crowd
from sensorium.ops.diarize import Pieces, Telling, founded, joined_rows, told
from sensorium.ops.turns import Hysteresis, active_spans
from sensorium.ops.window import padded, rolling
from sensorium.ports import Earlier, Reader, Report, Segmenter, SpeakerEncoder

_RATE = 16_000
_BATCH = 8  # windows
_EXACT = Hysteresis(0.5, 0.5, 0.0, 0.0)  # every row as it is
_ROUNDING = 0.1  # seconds by which a stated length may miss the sound and still be right


@dataclass(frozen=True, slots=True)
class SpeakersOptions:
    """How voices are told apart; seconds unless it says otherwise.

    `hop` between windows; a `piece` every `every`; `heard`: share of a piece in which somebody must
    speak for its voice to be asked; `active`: expected number of people from which on a row is one's,
    and from which on a second one's too; `gap`: a shorter pause ends no turn; `shortest`: no turn is
    shorter; `speakers`: least and most, None where open; `telling`: the rest.
    """

    hop: float = 2.0
    piece: float = 1.5
    every: float = 0.5
    heard: float = 0.3
    active: tuple[float, float] = (0.35, 1.35)
    gap: float = 0.3
    shortest: float = 0.1
    speakers: tuple[int | None, int | None] = (None, None)
    telling: Telling = field(default_factory=Telling)


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
        if self._options.hop + self._options.piece > segmenter.window:
            raise UsageError(
                f"hop: expected at most the window of {segmenter.window:g} s less a piece of "
                f"{self._options.piece:g} s, got {self._options.hop:g}"
            )

    def recipe(self) -> Mapping[str, Any]:
        """Models and parameters."""
        models = [self._segmenter.provenance.plain(), self._encoder.provenance.plain()]
        params = {**asdict(self._options), "window": self._segmenter.window}
        return {"name": self.name, "version": 3, "models": models, "params": params}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has sound."""
        return ref.has_sound

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Turns in order of time, those where one speaks at a time, then one voice per speaker."""
        options, heard = self._options, Heard(self._segmenter, self._encoder, self._options)
        batch: list[Audio] = []
        chunks = self._reader.audio(ref, _RATE)
        for window in rolling(chunks, self._segmenter.window, options.hop):
            batch.append(window)
            if len(batch) > _BATCH:  # one is kept back: the last window is treated as such
                heard.add(batch[:-1], last=False)
                report(batch[-2].end)
                batch = batch[-1:]
        if not batch:
            return
        heard.add(batch, last=True)
        yield from self._records(heard, _end(ref.duration, batch[-1].end))
        report(batch[-1].end)

    def _records(self, heard: Heard, end: float) -> Iterator[Record]:
        pieces, axis, options = heard.pieces(), heard.windows.axis, self._options
        rule = options.telling.bounded(options.speakers)
        centers = founded(pieces, options.every, rule)
        if not len(centers) or axis is None:
            return
        num_rows = max(min(axis.index(end) + 1, heard.windows.num_rows), 1)
        first, second, centers = told(heard.windows, pieces, centers, num_rows, rule)
        many = crowd(heard.windows, num_rows)
        turns = self._turns(joined_rows(first, second, many, options.active), axis, end)
        order = {number: f"S{i}" for i, number in enumerate(dict.fromkeys(t[1] for t in turns), 1)}
        made_by = self._segmenter.provenance
        for span, speaker, score in turns:
            yield Record("turn", span, {"speaker": order[speaker], "score": score}, made_by)
        for span, speaker in _alone(first, many >= options.active[0], axis, end):
            if speaker in order:  # others are too short for a turn
                yield Record("exclusive_turn", span, {"speaker": order[speaker]}, made_by)
        for speaker, name in order.items():
            values = {
                "speaker": name,
                "duration": sum(span.duration for span, s, _ in turns if s == speaker),
                "embedding": [float(x) for x in centers[speaker].astype(np.float32)],
            }
            yield Record("voice", None, values, self._encoder.provenance)

    def _turns(
        self, activities: Iterator[tuple[int, NDArray[np.float32]]], axis: Axis, end: float
    ) -> list[tuple[Span, int, float]]:
        """(span, speaker, mean activity) in order of time; those of one speaker are disjoint."""
        rule = Hysteresis(1e-6, 1e-6, self._options.gap, self._options.shortest)
        found = []
        for speaker, values in activities:
            for span in active_spans(values, axis, rule, end):
                low = min(max(axis.index(span.start), 0), len(values) - 1)
                high = max(axis.index(span.end), low + 1)
                found.append((span, speaker, min(float(values[low:high].mean()), 1.0)))
        return sorted(found)


class Heard:
    """What is kept of the sound: how many speak where, as bytes, and one voice per piece."""

    def __init__(
        self, segmenter: Segmenter, encoder: SpeakerEncoder, options: SpeakersOptions
    ) -> None:
        self._segmenter, self._encoder, self._options = segmenter, encoder, options
        self.windows = Windows()
        self._next: float | None = None  # start of the next piece
        self._found: list[tuple[int, int, NDArray[np.float32], float, float]] = []

    def add(self, batch: Sequence[Audio], last: bool) -> None:
        """Segments some windows, in order, and hears the pieces that no later one sees better."""
        whole = [padded(window, self._segmenter.window) for window in batch]
        clips, about = [], []
        for index, features in enumerate(self._segmenter.segment(whole)):
            self.windows.add(features)
            ends = last and index == len(batch) - 1
            for clip, spoken, crowded in self._pieces(batch[index], features, ends):
                clips.append(clip)
                about.append((spoken, crowded))
        axis = self.windows.axis
        if axis is None or not clips:
            return
        for clip, voice, shares in zip(clips, self._encoder.encode(clips), about, strict=True):
            first = max(round((clip.start - axis.start) / axis.step), 0)
            past = first + max(round(self._options.piece / axis.step), 1)
            self._found.append((first, past, voice.values.astype(np.float32), *shares))

    def _pieces(
        self, window: Audio, features: Features, last: bool
    ) -> Iterator[tuple[Audio, float, float]]:
        """(sound, share in which somebody speaks, in which two do) of the pieces of one window."""
        options, width = self._options, self._options.piece
        spare = self._segmenter.window - options.hop
        margin = 0.0 if last else max(0.0, min(spare / 2, spare - width))
        start = window.start if self._next is None else self._next
        starts = []
        while start + width <= window.end - margin + 1e-6:
            starts.append(start)
            start += options.every
        self._next = start
        if last and (not starts or window.end - starts[-1] - width > 1e-3):
            starts.append(max(window.end - width, window.start))  # nothing is lost at the end
        axis, many = features.axes[0], np.asarray(features.values).sum(axis=1)
        for start in starts:
            clip = window.between(start, start + width)
            rows = slice(max(axis.index(clip.start), 0), max(axis.index(clip.end), 0) + 1)
            part = many[rows]
            spoken = float((part >= options.active[0]).mean()) if len(part) else 0.0
            if spoken >= options.heard and clip.samples.shape[1]:
                yield _long(clip, width), spoken, float((part >= options.active[1]).mean())

    def pieces(self) -> Pieces:
        """All of them, in order of time."""
        first, last, voices, spoken, crowded = (
            zip(*self._found, strict=True) if self._found else [()] * 5
        )
        values = np.stack(voices) if voices else np.zeros((0, 1), np.float32)
        values = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
        return Pieces(
            np.array(first, np.int64), np.array(last, np.int64), values.astype(np.float32),
            np.array(spoken, np.float32), np.array(crowded, np.float32),
        )  # fmt: skip


def _end(stated: float | None, heard: float) -> float:
    """Where the sound ends: what is heard, less what resampling added to what is stated."""
    return stated if stated and abs(heard - stated) < _ROUNDING and stated < heard else heard


def _long(clip: Audio, seconds: float) -> Audio:
    """Sound shorter than a piece is repeated: the encoder hears a voice, not silence."""
    size = round(seconds * clip.sample_rate)
    if clip.samples.shape[1] == size:
        return clip
    samples = np.resize(clip.samples[0], (1, size)).astype(np.float32)
    return Audio(samples, clip.sample_rate, clip.start)


def _alone(
    first: NDArray, active: NDArray[np.bool_], axis: Axis, end: float
) -> list[tuple[Span, int]]:
    """One speaker at a time: whoever is likeliest, wherever somebody speaks."""
    who = np.where(active, first, -1)
    return sorted(
        (span, int(speaker))
        for speaker in np.unique(who[who >= 0])
        for span in active_spans((who == speaker).astype(np.float32), axis, _EXACT, end)
    )
