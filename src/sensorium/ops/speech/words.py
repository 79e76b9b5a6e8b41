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


def speakers_by_channel(
    words: Sequence[Word],
    channels: Sequence[int | None],
    exclusive: Sequence[tuple[Span, str, int | None]],
) -> list[str | None]:
    """Who says each word, where words and turns are of several channels: a word is said in its own.

    A word of no channel in particular, or of one without turns of its own, may be of any speaker.
    """
    result: list[str | None] = [None] * len(words)
    there = {channel for *_, channel in exclusive}
    for channel in dict.fromkeys(channels):
        mine = [index for index, each in enumerate(channels) if each == channel]
        every = channel not in there
        spoken = [(span, who) for span, who, where in exclusive if every or where == channel]
        said_by = speakers_of([words[index] for index in mine], spoken)
        for index, speaker in zip(mine, said_by, strict=True):
            result[index] = speaker
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

    A word belongs to the turn that holds most of it, and no turn runs into another one of the same
    speaker: nobody overlaps himself. Turns are in order of time, those of one speaker disjoint.

    >>> whole([(Span(1.0, 2.0), "S1")], [Word("hello", Span(0.8, 1.3))], ["S1"])
    [Span(start=0.8, end=2.0)]
    """
    mine: dict[str, list[int]] = {}
    for index, (_, speaker) in enumerate(turns):
        mine.setdefault(speaker, []).append(index)
    result = [span for span, _ in turns]
    said: dict[str, list[Span]] = {}
    for word, who in zip(words, speakers, strict=True):
        if who is not None:
            said.setdefault(who, []).append(word.span)
    for speaker, places in mine.items():
        own = [turns[place][0] for place in places]
        for place, span in zip(places, _widened(own, said.get(speaker, ())), strict=True):
            result[place] = span
    return result


def _widened(own: Sequence[Span], words: Sequence[Span]) -> list[Span]:
    """Disjoint spans of one speaker with the words that lie most in each.

    A word that lies in two turns is whole in the one that holds most of it, and the other yields: one
    that such a word covers is left without length.
    """
    starts, ends = [span.start for span in own], [span.end for span in own]
    held: dict[int, Span] = {}
    for word in words:
        near = range(bisect_right(ends, word.start), bisect_right(starts, word.end))
        shared = [(own[i].overlap(word), -i) for i in near if own[i].overlap(word) > 0]
        if shared:
            best = -max(shared)[1]
            so_far = held.get(best, word)
            held[best] = Span(min(so_far.start, word.start), max(so_far.end, word.end))
    until, after = 0.0, [float("inf")] * (len(own) + 1)
    for i in range(len(own) - 1, -1, -1):  # where the words of later turns begin
        after[i] = min(after[i + 1], held[i].start if i in held else after[i + 1])
    result = []
    for i, span in enumerate(own):
        words_of = held.get(i, span)
        start = max(min(span.start, words_of.start, after[i + 1]), until)
        until = max(min(max(span.end, words_of.end), after[i + 1]), start)
        result.append(Span(start, until))
    return result
