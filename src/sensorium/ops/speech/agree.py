"""LocalAgreement: what successive hypotheses share (Machacek, Dabre and Bojar 2023)."""

from __future__ import annotations

from collections.abc import Sequence

from sensorium.core.speech import Word
from sensorium.ops.speech.languages import SENTENCE_END

_REPEATED = 5  # words: a recogniser repeats at most so many of those that were committed
_UNLIKELY = 0.05
_CLOSE = 0.5  # seconds after the last committed word within which a repetition is looked for


def key(word: Word) -> str:
    """What is compared of a word: letters and digits without case; of others the text itself.

    >>> from sensorium.core.time import Span
    >>> key(Word("Hello,", Span(0, 1))), key(Word("...", Span(0, 1)))
    ('hello', '...')
    """
    plain = "".join(c for c in word.text.casefold() if c.isalnum())
    return plain or word.text


def plausible(words: Sequence[Word]) -> list[Word]:
    """Without a short last sentence that begins with a word of next to no probability.

    Whisper likes to end on a sentence that nobody said ("Thank you."): the first word of it is
    unlikely (0.02 and less), the rest follows with certainty.
    """
    first = max((i for i, word in enumerate(words[:-1], 1) if _ends(words[i - 1])), default=0)
    score = words[first].score if words else None
    invented = score is not None and score < _UNLIKELY and len(words) - first <= _REPEATED
    return plausible(words[:first]) if invented else list(words)


def _ends(word: Word) -> bool:
    return word.text.endswith(SENTENCE_END)


def agreed(hypotheses: Sequence[Sequence[Word]]) -> int:
    """How many leading words all hypotheses share, whatever their case and punctuation.

    >>> from sensorium.core.time import Span
    >>> before = [Word("so", Span(0, 0.2)), Word("fell", Span(0.2, 0.4))]
    >>> after = [Word("So,", Span(0, 0.2)), Word("fellow", Span(0.2, 0.6))]
    >>> agreed([before, after])
    1
    """
    num = 0
    for words in zip(*hypotheses, strict=False):
        if len({key(word) for word in words}) != 1:
            break
        num += 1
    return num


def continued(words: Sequence[Word], inside: Sequence[Word], before: Sequence[Word]) -> list[Word]:
    """The part of a new hypothesis that comes after what is committed already.

    `inside` are the committed words that lie in the sound of the hypothesis: its beginning is aligned
    with them by their text, as word times waver from one hypothesis to the next. `before` are those
    committed earlier: where nothing lies inside, a repetition of their last words is taken off.
    """
    if inside:
        return list(words[_aligned(words, inside) :])
    if before and words and words[0].span.start < before[-1].span.end + _CLOSE:
        for num in range(min(_REPEATED, len(words), len(before)), 0, -1):
            if [key(word) for word in before[-num:]] == [key(word) for word in words[:num]]:
                return list(words[num:])
    return list(words)


def _aligned(words: Sequence[Word], inside: Sequence[Word]) -> int:
    """How many leading words are `inside` said again: the fewest edits, then the nearest end."""
    row = list(range(len(words) + 1))  # edits from nothing to each leading part of words
    for num, old in enumerate(inside, start=1):
        diagonal, row[0] = row[0], num
        for place, new in enumerate(words, start=1):
            changed = diagonal + (key(old) != key(new))
            diagonal = row[place]
            row[place] = min(changed, row[place] + 1, row[place - 1] + 1)
    end = inside[-1].span.end
    ends = [words[0].span.start if words else end, *(word.span.end for word in words)]
    return min(range(len(row)), key=lambda place: (row[place], abs(ends[place] - end)))
