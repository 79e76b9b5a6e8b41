"""Who speaks, from a stream: a rolling window, incremental clustering, a latency after which all stands.

The segmentation of a rolling window and its delayed aggregation are those of diart (Coria et al. 2021);
who it is comes from the voices of pieces of 1.5 s, as in pipelines/speakers.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.media import Audio
from sensorium.core.speech import Turn
from sensorium.core.time import Axis, Span
from sensorium.ops.speech.turns import runs
from sensorium.ops.voices.crowd import latest_alone
from sensorium.ops.voices.diarize import Pieces, by_locals, by_pieces
from sensorium.ops.voices.telephone import Band
from sensorium.pipelines.live.along import Along
from sensorium.pipelines.live.live_rows import Rows
from sensorium.pipelines.live.live_voices import Voices
from sensorium.ports import Segmenter, SpeakerEncoder, SpeechDetector

_SHORTEST = 0.5  # seconds of sound that a voice is asked of
_SMOOTH = 0.08  # of the cosines, as offline
_TRUST = 0.6  # in the local speakers: with half, the edges are those of pieces


@dataclass(frozen=True, slots=True)
class LiveTurnsOptions:
    """How turns settle; seconds unless it says otherwise.

    `latency`: a turn does not change once the stream is this far past it; `step`: between two looks at
    a rolling `window`; a `piece` of it tells the voice where somebody speaks in a share `heard` of it;
    `distance`: cosine distance from which a voice is a new one, less `narrow` over a telephone; `most`:
    speakers (a further voice joins the nearest); `active`: expected number of people from which one
    speaks, and two; `gap`: pause that ends a turn; `shortest`: turns below are dropped; `longest`: a
    turn is given out in parts of this length; `voice`: probability of a detector that is reached within
    two seconds of all that counts, and its mean in a turn.
    """

    latency: float = 1.0
    step: float = 0.5
    window: float = 10.0
    piece: float = 1.5
    heard: float = 0.3
    distance: float = 0.74
    narrow: float = 0.1
    most: int = 20
    active: tuple[float, float] = (0.35, 1.3)
    gap: float = 0.3
    shortest: float = 0.15
    longest: float = 10.0
    voice: tuple[float, float] = (0.2, 0.1)

    def __post_init__(self) -> None:
        if not 0 < self.step <= self.latency <= self.window:
            raise UsageError(
                f"latency: expected {self.step:g} to {self.window:g} s, got {self.latency:g}"
            )


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one piece sounds like, and where it lies."""

    start: float
    end: float
    voice: NDArray[np.float32]


class LiveTurns:
    """Mono 16 kHz chunks in; turns that will not change any more out. Memory does not grow."""

    def __init__(
        self,
        segmenter: Segmenter,
        encoder: SpeakerEncoder,
        options: LiveTurnsOptions | None = None,
        detector: SpeechDetector | None = None,
    ) -> None:
        """`detector`: what it does not take for a voice, as music, is nobody's turn."""
        self._segmenter = segmenter
        self._options = options or LiveTurnsOptions()
        self._encoder = encoder
        self._along = Along(detector, self._options.voice[0])
        self._band = Band()
        self._heard: Audio | None = None
        self._next = self._options.step
        self._voices = Voices(self._options.distance, self._options.most)
        self._pieces: list[_Piece] = []
        self._rows: Rows | None = None
        self._open: dict[int, tuple[float, float, NDArray[np.float64]]] = {}  # start, end, sums
        self._begun = 0.0
        self._looked = 0.0  # end of the last window
        self.settled = 0.0  # seconds up to which everything stands
        self.alone: list[tuple[Span, str]] = []  # who spoke most of all, of the last half minute

    def step(self, chunk: Audio) -> list[Turn]:
        """Turns that settled with this chunk, of any length; how it is cut makes no difference."""
        if self._heard is None:
            self._heard, self._next = chunk, chunk.start + self._options.step
            self._begun = self.settled = chunk.start
        else:
            self._heard = self._heard.followed_by(chunk)
        self._along.step(chunk)
        self._band.add(chunk.mono(), chunk.sample_rate)
        turns: list[Turn] = []
        while self._heard.end >= self._next - 1e-6:
            turns += self._look(self._next, self._next - self._options.latency)
            self._next += self._options.step
            self._heard = self._heard.between(self._next - self._options.window, self._heard.end)
        return turns

    def finish(self) -> list[Turn]:
        """What had not settled yet; nothing at the end is lost."""
        turns: list[Turn] = []
        if self._heard is not None and self._heard.end > self.settled:
            end = self._heard.end
            turns = self._look(end, end)
        return [*turns, *self._closed(float("inf"))]

    def abandon(self) -> list[Turn]:
        """What is known without asking the models again: for when one failed."""
        turns = self._settle(self._heard.end) if self._heard is not None else []
        return [*turns, *self._closed(float("inf"))]

    def _look(self, end: float, stands: float) -> list[Turn]:
        """One window that ends at `end`; rows before `stands` are settled."""
        window, self._looked = self._window(end), end
        features = self._segmenter.segment([window])[0]
        axis, values = features.axes[0], np.asarray(features.values, np.float64)
        if self._rows is None:
            grid = Axis("time", axis.start, axis.step, axis.width, "s")
            self._rows = Rows(grid, self._options.active)
        self._hear(end, axis, values)
        self._pieces = [each for each in self._pieces if each.end > window.start]
        if self._voices.num:
            self._rows.add(axis, values, self._who(axis, values))
        else:
            self._rows.add(axis, values, np.zeros((len(values), 0)))
        return self._settle(min(stands, end))

    def _hear(self, end: float, axis: Axis, values: NDArray) -> None:
        """The voice of the last piece before `end`, if enough is said in it."""
        options, heard = self._options, self._heard
        if heard is None:
            return
        begin = max(end - options.piece, heard.start)
        low = max(axis.index(begin), 0)
        part = values[low : max(axis.index(end), 0)]
        many = part.sum(axis=1)
        spoken = float((many >= options.active[0]).mean()) if len(part) else 0.0
        if end - begin < _SHORTEST or spoken < options.heard:
            return
        if not self._along.voiced(axis, len(values), end)[low + len(part) // 2]:
            return
        clip, first = heard.between(begin, end), 0
        crowded = float((many >= options.active[1]).mean())
        rows = latest_alone(part >= options.active[0])
        clear = rows.sum() * axis.step >= _SHORTEST
        if clear:  # not what another one said before
            clip, first = only(clip, axis, low, rows), int(np.argmax(rows))
        size = round(options.piece * clip.sample_rate)
        whole = Audio(np.resize(clip.samples[0], (1, size)), clip.sample_rate, clip.start)
        voice = self._encoder.encode([whole])[0].values.astype(np.float32)
        voice = voice / max(float(np.linalg.norm(voice)), 1e-12)
        nearer = options.narrow if self._band.narrow else 0.0
        self._voices.add(voice, bool(clear and crowded < 0.3), nearer)
        start = max(axis.span(low + first).start, begin)
        self._pieces.append(_Piece(start, end, voice))

    def _who(self, axis: Axis, values: NDArray) -> NDArray[np.float64]:
        """(row, speaker) probabilities, by the pieces that lie in the window and its local speakers."""
        first = [max(axis.index(each.start), 0) for each in self._pieces]
        last = [max(axis.index(each.end), 1) for each in self._pieces]
        voices = np.array([each.voice for each in self._pieces], np.float16)
        voices = voices.reshape(len(first), self._voices.centers.shape[1])
        none = np.zeros(len(first), np.float32)
        pieces = Pieces(
            np.array(first, np.int64), np.array(last, np.int64), voices, none, none, none
        )
        known = np.exp(by_pieces(pieces, self._voices.centers, (0, len(values)), _SMOOTH))
        local = by_locals(values, known) + 1e-3
        return (1 - _TRUST) * known + _TRUST * local / local.sum(axis=1, keepdims=True)

    def _window(self, end: float) -> Audio:
        """The last seconds before `end`, with silence in front where there is not as much."""
        heard = self._heard
        if heard is None:
            raise RuntimeError("a window needs sound")
        width = round(self._segmenter.window * heard.sample_rate)
        part = heard.between(end - self._options.window, end)
        samples = np.zeros((1, width), np.float32)
        samples[:, width - part.samples.shape[1] :] = part.mono()
        return Audio(samples, heard.sample_rate, end - self._segmenter.window)

    def _settle(self, stands: float) -> list[Turn]:
        if self._rows is None or stands <= self.settled:
            return []
        axis, rows = self._rows.take(stands)
        rows[~self._along.voiced(axis, len(rows), self._looked)] = 0.0
        self.settled = stands
        chance = self._along.chance(axis, len(rows), self._looked)
        for speaker in range(rows.shape[1]):
            for first, last in runs(rows[:, speaker] > 0):
                span = Span(axis.span(first).start, axis.span(last - 1).start + axis.step)
                sums = rows[first:last, speaker].sum(), chance[first:last].sum(), last - first
                self._extend(speaker, span, np.array(sums, np.float64))
        self._exclusive(axis, rows)
        return self._closed(stands)

    def _extend(self, speaker: int, span: Span, sums: NDArray[np.float64]) -> None:
        """`sums`: activity, probability of a voice, and number of rows."""
        first = max(span.start, self._begun)  # the first windows have silence in front
        heard = self._heard.end if self._heard is not None else span.end
        span = Span(min(span.start, heard), min(span.end, heard))  # and rows reach past the end
        start, end, before = self._open.get(speaker, (first, first, np.zeros(3)))
        self._open[speaker] = (start, max(end, span.end), before + sums)

    def _closed(self, stands: float) -> list[Turn]:
        """Turns whose pause is long enough, and parts of long ones."""
        options, turns = self._options, []
        for speaker, (start, end, sums) in list(self._open.items()):
            over = stands - end >= options.gap
            if over or end - start >= options.longest:
                activity, chance = sums[:2] / max(sums[2], 1)
                if end - start >= options.shortest and chance >= options.voice[1]:
                    score = min(float(activity), 1.0)
                    turns.append(Turn(Span(start, end), f"S{speaker + 1}", None, score))
                del self._open[speaker]
        return sorted(turns, key=lambda turn: (turn.span, turn.speaker))

    def _exclusive(self, axis: Axis, rows: NDArray[np.float32]) -> None:
        if not rows.shape[1]:
            return
        most = np.where(rows.max(axis=1) > 0, rows.argmax(axis=1), -1)
        for speaker in np.unique(most[most >= 0]):
            for first, last in runs(most == speaker):
                span = Span(axis.span(first).start, axis.span(last - 1).start + axis.step)
                self.alone.append((span, f"S{speaker + 1}"))
        self.alone = sorted(each for each in self.alone if each[0].end > self.settled - 30.0)


def only(clip: Audio, axis: Axis, low: int, rows: NDArray[np.bool_]) -> Audio:
    """The sound of the rows that are True, joined; row 0 is row `low` of the axis."""
    times = np.arange(clip.samples.shape[1]) / clip.sample_rate + clip.start - axis.start
    places = (times / axis.step).astype(np.int64) - low
    chosen = rows[np.clip(places, 0, len(rows) - 1)]
    return Audio(clip.samples[:, chosen], clip.sample_rate, clip.start)
