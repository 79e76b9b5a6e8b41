"""Words and turns together: who says a word, and turns that cut none."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from sensorium.core.speech import Word
from sensorium.core.time import Span
from sensorium.ops.speech.languages import SENTENCE_END

Spoken = Sequence[tuple[Span, str]]  # (span, speaker)

NEAR = 0.3  # seconds by which a word may miss a turn and still be its own
_CLEAR = 0.7  # share of the spoken part of a word that one speaker needs


def speakers_of(words: Sequence[Word], exclusive: Spoken) -> list[str | None]:
    """Who says each word: the speaker who holds most of it, one speaking at a time.

    Where nobody holds 70 % of what is spoken in a word, or it lies up to 0.3 s beside all turns, it goes
    with its sentence: the speaker of most of its clear words. A word far from all turns stays open.

    `exclusive` is in order of time and does not overlap; words are in order of their start.

    >>> turns = [(Span(0, 2), "S1"), (Span(2, 4), "S2")]
    >>> words = [Word("So", Span(0, 1)), Word("it", Span(1.9, 2.1)), Word("is.", Span(1, 1.9))]
    >>> speakers_of(words, turns)
    ['S1', 'S1', 'S1']
    """
    clear: list[str | None] = []
    likely: list[str | None] = []
    starts = [span.start for span, _ in exclusive]
    for word in words:
        shares = _shares(word.span, exclusive, starts)
        best = max(shares, key=lambda each: shares[each]) if shares else None
        sure = best is not None and shares[best] >= _CLEAR * sum(shares.values())
        likely.append(best or _nearest(word.span, exclusive, starts))
        clear.append(best if sure else None)
    result: list[str | None] = []
    for first, last in _sentences(words):
        votes = Counter(each for each in clear[first:last] if each)
        most = votes.most_common(1)[0][0] if votes else None
        for index in range(first, last):
            open_ = most if most and likely[index] else likely[index]
            result.append(clear[index] or open_)
    return result


def _shares(word: Span, exclusive: Spoken, starts: Sequence[float]) -> dict[str, float]:
    """Seconds of the word by speaker; a word without length counts where it stands."""
    shares: dict[str, float] = {}
    place = max(bisect_right(starts, word.start) - 1, 0)
    for span, speaker in exclusive[place:]:
        if span.start >= word.end and span.start > word.start:
            break
        held = span.overlap(word) or float(
            word.duration == 0 and span.start <= word.start < span.end
        )
        if held > 0:
            shares[speaker] = shares.get(speaker, 0.0) + held
    return shares


def _nearest(word: Span, exclusive: Spoken, starts: Sequence[float]) -> str | None:
    place = bisect_right(starts, word.start)
    around = exclusive[max(place - 1, 0) : place + 1]
    gaps = [(max(span.start - word.end, word.start - span.end), who) for span, who in around]
    return min(gaps)[1] if gaps and min(gaps)[0] <= NEAR else None


def _sentences(words: Sequence[Word]) -> list[tuple[int, int]]:
    """(first, one past the last) word of each sentence."""
    ends = [i + 1 for i, word in enumerate(words) if word.text.endswith(SENTENCE_END)]
    edges = [0, *ends] if ends and ends[-1] == len(words) else [0, *ends, len(words)]
    return [(a, b) for a, b in pairwise(edges) if b > a]


def whole(turns: Spoken, words: Sequence[Word], speakers: Sequence[str | None]) -> list[Span]:
    """The span of each turn, moved outwards where it would cut a word of its own speaker.

    >>> whole([(Span(1.0, 2.0), "S1")], [Word("hello", Span(0.8, 1.3))], ["S1"])
    [Span(start=0.8, end=2.0)]
    """
    mine: dict[str, list[Span]] = {}
    for word, speaker in zip(words, speakers, strict=True):
        if speaker is not None:
            mine.setdefault(speaker, []).append(word.span)
    starts = {speaker: [span.start for span in spans] for speaker, spans in mine.items()}
    result = []
    for span, speaker in turns:
        spans, places = mine.get(speaker, []), starts.get(speaker, [])
        first = max(bisect_right(places, span.start) - 1, 0)  # of one voice, words do not overlap
        near = spans[first : bisect_right(places, span.end)]
        cut = [each for each in near if each.overlap(span) > 0]
        low, high = [each.start for each in cut], [each.end for each in cut]
        result.append(Span(min([span.start, *low]), max([span.end, *high])))
    return result
