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
from sensorium.ops.sound.window import padded, rolling
from sensorium.ops.speech.turns import Hysteresis, active_spans
from sensorium.ops.voices.cluster import unit
from sensorium.ops.voices.crowd import Windows, crowd, near_voice, on_grid, own_share
from sensorium.ops.voices.diarize import Pieces, Telling, founded, joined_rows, told
from sensorium.ops.voices.telephone import Band
from sensorium.ports import Earlier, Reader, Report, Segmenter, SpeakerEncoder, SpeechDetector

_RATE = 16_000
_BATCH = 8  # windows
_EXACT = Hysteresis(0.5, 0.5, 0.0, 0.0)  # every row as it is
_ROUNDING = 0.1  # seconds by which a stated length may miss the sound and still be right


@dataclass(frozen=True, slots=True)
class SpeakersOptions:
    """How voices are told apart; seconds unless it says otherwise.

    `hop` between windows; a `piece` every `every`; `heard`: share of a piece in which somebody must
    speak for its voice to be asked; `active`: expected number of people from which on a row is one's,
    and from which on a second one's too; `voice`: probability of a detector that is reached
    within two seconds of all that counts, and its mean where a speaker speaks; `gap`: a shorter pause
    ends no turn; `shortest`: no turn is shorter; `speakers`: least and most, None where open; `telling`:
    the rest.
    """

    hop: float = 2.0
    piece: float = 1.5
    every: float = 0.5
    heard: float = 0.3
    active: tuple[float, float] = (0.35, 1.3)
    voice: tuple[float, float] = (0.2, 0.1)
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
        detector: SpeechDetector | None = None,
    ) -> None:
        """`detector`: who does not speak by it, as music does not, has no turn."""
        self._reader = reader
        self._segmenter = segmenter
        self._encoder = encoder
        self._detector = detector
        self._options = options or SpeakersOptions()
        if self._options.hop + self._options.piece > segmenter.window:
            raise UsageError(
                f"hop: expected at most the window of {segmenter.window:g} s less a piece of "
                f"{self._options.piece:g} s, got {self._options.hop:g}"
            )

    def recipe(self) -> Mapping[str, Any]:
        """Models and parameters."""
        made_by = [self._segmenter.provenance, self._encoder.provenance]
        made_by += [self._detector.provenance] if self._detector else []
        models = [each.plain() for each in made_by]
        params = {**asdict(self._options), "window": self._segmenter.window}
        return {"name": self.name, "version": 4, "models": models, "params": params}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has sound."""
        return ref.has_sound

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Turns in order of time, those where one speaks at a time, then one voice per speaker."""
        options = self._options
        heard = Heard(self._segmenter, self._encoder, options, self._detector)
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
        axis, options = heard.windows.axis, self._options
        if axis is None:
            return
        rule = options.telling.of(options.speakers, heard.band.narrow)
        num_rows = max(min(axis.index(end) + 1, heard.windows.num_rows), 1)
        voice = heard.voice(num_rows)
        voiced = near_voice(voice, axis.step, options.voice[0])
        pieces = heard.pieces(voiced)
        centers = founded(pieces, options.every, rule)
        if not len(centers):
            return
        first, second, centers = told(heard.windows, pieces, centers, num_rows, rule)
        many = np.where(voiced, crowd(heard.windows, num_rows), 0)
        heard_by = joined_rows(first, second, many, options.active)
        people = [
            (who, rows) for who, rows in heard_by if voice[rows > 0].mean() >= options.voice[1]
        ]
        turns = self._turns(people, axis, end)
        order = {number: f"S{i}" for i, number in enumerate(dict.fromkeys(t[1] for t in turns), 1)}
        made_by = self._segmenter.provenance
        for span, speaker, score in turns:
            values = {"speaker": order[speaker], "score": score, "channel": None}
            yield Record("turn", span, values, made_by)
        for span, speaker in _alone(first, many >= options.active[0], axis, end):
            if speaker in order:  # others are too short for a turn
                values = {"speaker": order[speaker], "channel": None}
                yield Record("exclusive_turn", span, values, made_by)
        for speaker, name in order.items():
            values = {
                "speaker": name,
                "duration": sum(span.duration for span, s, _ in turns if s == speaker),
                "embedding": [float(x) for x in centers[speaker].astype(np.float32)],
                "channel": None,
            }
            yield Record("voice", None, values, self._encoder.provenance)

    def _turns(
        self, activities: Sequence[tuple[int, NDArray[np.float32]]], axis: Axis, end: float
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
        self,
        segmenter: Segmenter,
        encoder: SpeakerEncoder,
        options: SpeakersOptions,
        detector: SpeechDetector | None = None,
    ) -> None:
        self._segmenter, self._encoder, self._detector = segmenter, encoder, detector
        self._options = options
        self.windows, self.band = Windows(), Band()
        self._next: float | None = None  # start of the next piece
        self._until = -np.inf  # where the detector is
        self._voice: list[Features] = []
        self._found: list[tuple[int, int, NDArray[np.float16], tuple[float, float, float]]] = []

    def add(self, batch: Sequence[Audio], last: bool) -> None:
        """Segments some windows, in order, and hears the pieces that no later one sees better."""
        unheard = list(self._unheard(batch))
        for each in unheard:
            self.band.add(each.mono(), each.sample_rate)
        if self._detector is not None:
            self._voice += self._detector.probabilities(unheard)
        whole = [padded(window, self._segmenter.window) for window in batch]
        clips, about = [], []
        for index, features in enumerate(self._segmenter.segment(whole)):
            self.windows.add(features)
            ends = last and index == len(batch) - 1
            for clip, shares in self._pieces(batch[index], features, ends):
                clips.append(clip)
                about.append(shares)
        axis = self.windows.axis
        if axis is None or not clips:
            return
        for clip, heard, shares in zip(clips, self._encoder.encode(clips), about, strict=True):
            voice = unit(heard.values)
            first = max(round((clip.start - axis.start) / axis.step), 0)
            past = first + max(round(self._options.piece / axis.step), 1)
            self._found.append((first, past, voice.astype(np.float16), shares))

    def _unheard(self, batch: Sequence[Audio]) -> Iterator[Audio]:
        for window in batch:
            yield window.between(max(self._until, window.start), window.end)
            self._until = window.end

    def _pieces(
        self, window: Audio, features: Features, last: bool
    ) -> Iterator[tuple[Audio, tuple[float, float, float]]]:
        """(sound, (share in which somebody speaks, in which two do, in which one alone does)).

        Of the pieces of one window, those in which enough is said.
        """
        axis, values = features.axes[0], np.asarray(features.values)
        many, (one, two) = values.sum(axis=1), self._options.active
        for start in self._starts(window, last):
            clip = window.between(start, start + self._options.piece)
            rows = slice(max(axis.index(clip.start), 0), max(axis.index(clip.end), 0) + 1)
            part = many[rows]
            spoken = float((part >= one).mean()) if len(part) else 0.0
            if spoken >= self._options.heard and clip.samples.shape[1]:
                shares = (spoken, float((part >= two).mean()), own_share(values[rows] >= one))
                yield _long(clip, self._options.piece), shares

    def _starts(self, window: Audio, last: bool) -> list[float]:
        """Where the pieces begin that this window sees better than later ones."""
        width, spare = self._options.piece, self._segmenter.window - self._options.hop
        margin = 0.0 if last else max(0.0, min(spare / 2, spare - width))
        start = window.start if self._next is None else self._next
        starts = []
        while start + width <= window.end - margin + 1e-6:
            starts.append(start)
            start += self._options.every
        self._next = start
        if last and (not starts or window.end - starts[-1] - width > 1e-3):
            starts.append(max(window.end - width, window.start))  # nothing is lost at the end
        return starts

    def voice(self, num_rows: int) -> NDArray[np.float32]:
        """(row,) probability of a voice by the detector; 1 everywhere without one."""
        if not self._voice or self.windows.axis is None:
            return np.ones(num_rows, np.float32)
        axis, last = self._voice[0].axes[0], self._voice[-1]
        seconds = last.axes[0].start - axis.start + len(last.values) * axis.step
        values = np.zeros(max(round(seconds / axis.step), 1), np.float32)
        for each in self._voice:  # batches begin where they begin: rows to the nearest
            first = max(round((each.axes[0].start - axis.start) / axis.step), 0)
            part = values[first : first + len(each.values)]
            np.maximum(part, each.values[: len(part), 0], out=part)
        return on_grid(values, axis, self.windows.axis, num_rows)

    def pieces(self, voiced: NDArray[np.bool_]) -> Pieces:
        """All of them, in order of time, less those without a voice."""
        middle = [min((first + last) // 2, len(voiced) - 1) for first, last, _, _ in self._found]
        kept = [each for each, at in zip(self._found, middle, strict=True) if voiced[at]]
        if not kept:
            empty = np.zeros(0, np.float32)
            none = np.zeros(0, np.int64)
            return Pieces(none, none, np.zeros((0, 1), np.float16), empty, empty, empty)
        values = np.stack([each[2] for each in kept])
        first, last = (np.array([each[i] for each in kept], np.int64) for i in (0, 1))
        shares = np.array([each[3] for each in kept], np.float32)
        return Pieces(first, last, values, *shares.T)


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
