"""Who speaks, from a stream: a rolling window, incremental clustering, a latency after which all stands.

The scheme of diart (Coria et al. 2021): local segmentation of a rolling window at every step, each
local speaker matched to the speakers so far, overlapping windows averaged before they are given out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from sensorium.core.errors import UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.speech import Turn
from sensorium.core.time import Axis, Span
from sensorium.ops.cluster import unit
from sensorium.ops.turns import runs
from sensorium.ports import Segmenter, SpeakerEncoder


@dataclass(frozen=True, slots=True)
class LiveTurnsOptions:
    """How turns settle; seconds unless it says otherwise.

    `latency`: a turn does not change once the stream is this far past it; `step`: between two looks at
    a rolling `window`; `distance`: cosine distance from which a voice is a new one; `founding` and
    `updating`: sound of a voice alone that founds a speaker, and that moves its center; `most`:
    speakers (a further voice joins the nearest); `active`: activity 0..1 from which a voice counts as
    speaking; `embedded`: the latest sound of a voice that tells it, more costs time and gains nothing;
    `gap`: pause that ends a turn; `shortest`: turns below are dropped; `longest`: a turn is given out
    in parts of this length.
    """

    latency: float = 1.0
    step: float = 0.5
    window: float = 10.0
    distance: float = 0.6
    founding: float = 1.0
    updating: float = 0.6
    most: int = 20
    active: float = 0.5
    embedded: float = 5.0
    gap: float = 0.25
    shortest: float = 0.15
    longest: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.step <= self.latency <= self.window:
            raise UsageError(
                f"latency: expected {self.step:g} to {self.window:g} s, got {self.latency:g}"
            )


class LiveTurns:
    """Mono 16 kHz chunks in; turns that will not change any more out. Memory does not grow."""

    def __init__(
        self,
        segmenter: Segmenter,
        encoder: SpeakerEncoder,
        options: LiveTurnsOptions | None = None,
    ) -> None:
        self._segmenter = segmenter
        self._options = options or LiveTurnsOptions()
        self._encoder = _Latest(encoder, self._options.embedded)
        self._heard: Audio | None = None
        self._next = self._options.step
        self._voices = Voices(self._options)
        self._rows: Rows | None = None
        self._open: dict[int, tuple[float, float, float, int]] = {}  # start, end, activity, rows
        self._begun = 0.0
        self.settled = 0.0  # seconds up to which everything stands
        self.alone: list[tuple[Span, str]] = []  # who spoke most of all, of the last half minute

    def step(self, chunk: Audio) -> list[Turn]:
        """Turns that settled with this chunk, of any length; how it is cut makes no difference."""
        if self._heard is None:
            self._heard, self._next = chunk, chunk.start + self._options.step
            self._begun = self.settled = chunk.start
        else:
            self._heard = self._heard.followed_by(chunk)
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
        window = self._window(end)
        features = self._segmenter.segment([window])[0]
        axis, values = features.axes[0], features.values
        if self._rows is None:
            grid = Axis("time", axis.start, axis.step, axis.width, "s")
            self._rows = Rows(grid, self._options.active)
        active = np.asarray(values > self._options.active)
        found = []
        for local in range(active.shape[1]):
            others = np.asarray(np.delete(active, local, axis=1).any(axis=1))
            heard = _voice_of(self._encoder, window, axis, (active[:, local], others), (0.5, 0.5))
            if heard is not None:
                found.append((local, *heard))
        self._rows.add(axis, values, self._voices.assigned(found))
        return self._settle(min(stands, end))

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
        self.settled = stands
        for speaker in range(rows.shape[1]):
            for first, last in runs(rows[:, speaker] > 0):
                span = Span(axis.span(first).start, axis.span(last - 1).start + axis.step)
                self._extend(speaker, span, float(rows[first:last, speaker].sum()), last - first)
        self._exclusive(axis, rows)
        return self._closed(stands)

    def _extend(self, speaker: int, span: Span, activity: float, num_rows: int) -> None:
        first = max(span.start, self._begun)  # the first windows have silence in front
        start, end, total, num = self._open.get(speaker, (first, first, 0.0, 0))
        self._open[speaker] = (start, max(end, span.end), total + activity, num + num_rows)

    def _closed(self, stands: float) -> list[Turn]:
        """Turns whose pause is long enough, and parts of long ones."""
        options, turns = self._options, []
        for speaker, (start, end, total, num) in list(self._open.items()):
            over = stands - end >= options.gap
            if over or end - start >= options.longest:
                if end - start >= options.shortest:
                    score = min(total / max(num, 1), 1.0)
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


class Voices:
    """The speakers so far: incremental clustering with two of one window never the same."""

    def __init__(self, options: LiveTurnsOptions) -> None:
        self._options = options
        self._sums: list[NDArray] = []

    def assigned(self, found: list[tuple[int, NDArray, float, bool]]) -> dict[int, int]:
        """Local speaker -> speaker; `found` holds (local, embedding, seconds, alone)."""
        if not found:
            return {}
        values = unit(np.stack([embedding for _, embedding, _, _ in found]).astype(np.float64))
        result, taken = self._matched(values, found)
        for row in sorted(range(len(found)), key=lambda row: -found[row][2]):
            local, _, seconds, alone = found[row]
            if local in result:
                continue
            if alone and seconds >= self._options.founding and len(self._sums) < self._options.most:
                self._sums.append(values[row] * seconds)
                result[local] = len(self._sums) - 1
                taken.add(result[local])
            else:
                near = self._nearest(values[row], taken)
                if near is not None:
                    result[local] = near
                    taken.add(near)
        return result

    def _matched(
        self, values: NDArray, found: list[tuple[int, NDArray, float, bool]]
    ) -> tuple[dict[int, int], set[int]]:
        """Those close enough to a speaker; their voices move its center."""
        if not self._sums:
            return {}, set()
        similarity = values @ unit(np.stack(self._sums)).T
        result = {}
        for row, speaker in zip(*linear_sum_assignment(-similarity), strict=True):
            if 1 - similarity[row, speaker] < self._options.distance:
                local, _, seconds, alone = found[row]
                result[local] = int(speaker)
                if alone and seconds >= self._options.updating:
                    self._sums[speaker] = self._sums[speaker] + values[row] * seconds
        return result, set(result.values())

    def _nearest(self, value: NDArray, taken: set[int]) -> int | None:
        """The most similar speaker that nobody else in this window is."""
        free = [speaker for speaker in range(len(self._sums)) if speaker not in taken]
        if not free:
            return None
        return max(free, key=lambda speaker: float(unit(self._sums[speaker]) @ value))


class _Latest:
    """A speaker encoder that hears at most so many seconds of a voice, the latest."""

    def __init__(self, encoder: SpeakerEncoder, seconds: float) -> None:
        self._encoder = encoder
        self._seconds = seconds
        self.provenance = encoder.provenance

    def encode(self, clips: Sequence[Audio]) -> list[Features]:
        """As the encoder does."""
        return self._encoder.encode([c.between(c.end - self._seconds, c.end) for c in clips])


class Rows:
    """Activity of the rows that have not settled, averaged over the windows that see them.

    A window counts least at its edges, where it knows only one side of what it hears (a Hamming
    window, as in diart's delayed aggregation).
    """

    def __init__(self, axis: Axis, active: float) -> None:
        self._axis = axis
        self._active = active
        self._first = 0  # number of the first row that is held
        self._total = np.zeros((0, 0), np.float32)
        self._seen = np.zeros(0, np.float32)
        self._count = np.zeros(0, np.float32)

    def add(self, axis: Axis, values: NDArray, speakers: dict[int, int]) -> None:
        """Takes in one window."""
        first = round((axis.start - self._axis.start) / self._axis.step)
        gone = max(0, self._first - first)
        weights, values = np.hamming(len(values))[gone:].astype(np.float32), values[gone:]
        first = max(first, self._first)
        self._grow(first + len(values) - self._first, 1 + max(speakers.values(), default=-1))
        rows = slice(first - self._first, first - self._first + len(values))
        self._seen[rows] += weights
        self._count[rows] += weights * (values > self._active).sum(axis=1)
        for local, speaker in speakers.items():
            self._total[rows, speaker] += weights * values[:, local]

    def _grow(self, num_rows: int, num_speakers: int) -> None:
        rows = max(num_rows - len(self._seen), 0)
        columns = max(num_speakers - self._total.shape[1], 0)
        self._total = np.pad(self._total, ((0, rows), (0, columns)))
        self._seen, self._count = np.pad(self._seen, (0, rows)), np.pad(self._count, (0, rows))

    def take(self, end: float) -> tuple[Axis, NDArray[np.float32]]:
        """The rows that begin before `end` as activity (row, speaker); they are let go.

        As many speakers as speak in the mean of the windows are kept, the most active ones.
        """
        high = min(self._axis.index(end) + 1, self._first + len(self._seen))
        part = slice(0, max(high - self._first, 0))
        seen = np.where(self._seen[part] > 0, self._seen[part], 1)
        mean = self._total[part] / seen[:, None]
        num = np.round(self._count[part] / seen).astype(np.int64)
        rank = np.argsort(np.argsort(-mean, axis=1, kind="stable"), axis=1, kind="stable")
        axis = Axis(
            "time", self._axis.span(self._first).start, self._axis.step, self._axis.width, "s"
        )
        gone = part.stop
        self._first += gone
        self._total, self._seen = self._total[gone:], self._seen[gone:]
        self._count = self._count[gone:]
        return axis, np.where(rank < num[:, None], mean, 0).astype(np.float32)


def _voice_of(
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


def _only(window: Audio, axis: Axis, rows: NDArray[np.bool_]) -> Audio:
    """The sound of the rows that are True, joined."""
    num_samples = window.samples.shape[1]
    places = (np.arange(num_samples) / window.sample_rate + window.start - axis.start) / axis.step
    chosen = rows[np.clip(places.astype(np.int64), 0, len(rows) - 1)]
    return Audio(window.samples[:, chosen], window.sample_rate, window.start)
