"""Activity to spans, spans to pieces, words to utterances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorium.core.speech import Word
from sensorium.core.time import Axis, Span
from sensorium.ops.speech.languages import SENTENCE_END


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """How activity becomes spans: begin at `onset`, end below `offset`; seconds for the rest.

    Spans closer than `min_gap` are joined, shorter ones than `min_span` dropped, and what is left is
    widened by `pad` on both sides without running into its neighbour.
    """

    onset: float = 0.5
    offset: float = 0.35
    min_gap: float = 0.1
    min_span: float = 0.1
    pad: float = 0.0


def runs(active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, one past the last) index of every run of True.

    >>> runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def active_spans(values: NDArray, axis: Axis, rule: Hysteresis, end: float) -> list[Span]:
    """Where `values` (time,) are active: in order, disjoint, inside the file.

    Nothing lies before the first row or 0 s, or past `end` seconds.

    Rows that lie wholly outside count for nothing, whatever their values are.
    """
    kept = [(a, b) for a, b in runs(values >= rule.offset) if values[a:b].max() >= rule.onset]
    begin = max(axis.start, 0.0)
    inside = [Span(axis.span(a).start, axis.span(b - 1).end).within(begin, end) for a, b in kept]
    # rows as wide as several steps overlap: what touches is one, also without a gap to join over
    spans = joined([span for span in inside if span], rule.min_gap)
    return _widened(
        [span for span in spans if span.duration >= rule.min_span], rule.pad, (begin, end)
    )


def joined(spans: Sequence[Span], gap: float) -> list[Span]:
    """Spans in order, those closer than `gap` seconds made one.

    >>> joined([Span(0, 1), Span(1.05, 2), Span(3, 4)], 0.1)
    [Span(start=0, end=2), Span(start=3, end=4)]
    """
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.start - result[-1].end < max(gap, 1e-9):
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        else:
            result.append(span)
    return result


def _widened(spans: Sequence[Span], pad: float, bounds: tuple[float, float]) -> list[Span]:
    widened, (begin, end) = [], bounds
    for index, span in enumerate(spans):
        before = spans[index - 1].end if index else 2 * begin - span.start
        after = spans[index + 1].start if index + 1 < len(spans) else 2 * end - span.end
        left, right = (span.start - before) / 2, (after - span.end) / 2
        widened.append(
            Span(max(begin, span.start - min(pad, left)), min(end, span.end + min(pad, right)))
        )
    return widened


def pieces(spans: Sequence[Span], values: NDArray, axis: Axis, longest: float) -> list[Span]:
    """Spans packed into pieces of at most `longest` seconds, cut where it is quiet.

    Neighbours go together while they fit and lie less than 3 s apart; a span that is too long by
    itself is cut at its quietest row in the last third of what fits.
    """
    result: list[Span] = []
    for span in spans:
        for part in _split(span, values, axis, longest):
            last = result[-1] if result else None
            if last and part.end - last.start <= longest and part.start - last.end < 3.0:
                result[-1] = Span(last.start, part.end)
            else:
                result.append(part)
    return result


def _split(span: Span, values: NDArray, axis: Axis, longest: float) -> list[Span]:
    parts = []
    while span.duration > longest:
        first = axis.index(span.start + longest * 2 / 3)
        last = max(first + 1, min(axis.index(span.start + longest), len(values)))
        quietest = axis.span(first + int(np.argmin(values[first:last]))).start
        parts.append(Span(span.start, quietest))
        span = Span(quietest, span.end)
    return [*parts, span]


def kept_to_speech(words: Sequence[Word], spans: Sequence[Span]) -> list[Word]:
    """Words shortened to the speech that they lie in.

    Recognisers stretch a word over the pause that follows or precedes it; of the stretches of speech
    that a word touches, the one it shares most time with is where it was said. A word outside all
    speech keeps its times.
    """
    result = []
    for word in words:
        shared = [(word.span.overlap(span), span) for span in spans if word.span.overlap(span) > 0]
        if shared:
            _, best = max(shared, key=lambda pair: pair[0])
            start, end = max(word.span.start, best.start), min(word.span.end, best.end)
            word = Word(word.text, Span(start, end), word.score)
        result.append(word)
    return result


def utterances(words: Sequence[Word], gap: float = 1.0, longest: float = 15.0) -> list[list[Word]]:
    """Words in groups that end with a sentence, before a pause, or when they get too long."""
    groups: list[list[Word]] = []
    for word in words:
        last = groups[-1] if groups else None
        if (
            last is None
            or last[-1].text.endswith(SENTENCE_END)
            or word.span.start - last[-1].span.end > gap
            or word.span.end - last[0].span.start > longest
        ):
            groups.append([])
        groups[-1].append(word)
    return groups
