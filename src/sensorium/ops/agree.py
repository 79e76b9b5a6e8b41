"""LocalAgreement: what successive hypotheses share (Machacek, Dabre and Bojar 2023)."""

from __future__ import annotations

from collections.abc import Sequence

from sensorium.core.speech import Word

_REPEATED = 5  # words: a recogniser repeats at most so many of those that were committed
_CLOSE = 1.0  # seconds after the last committed word within which a repetition is looked for


def key(word: Word) -> str:
    """What is compared of a word: letters and digits without case; of others the text itself.

    >>> from sensorium.core.time import Span
    >>> key(Word("Hello,", Span(0, 1))), key(Word("...", Span(0, 1)))
    ('hello', '...')
    """
    plain = "".join(c for c in word.text.casefold() if c.isalnum())
    return plain or word.text


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


def continued(words: Sequence[Word], committed: Sequence[Word]) -> list[Word]:
    """`words` of a new hypothesis that come after those `committed` already.

    By time first; then, as times waver, without the longest run of up to five words at the start that
    repeats the end of what was committed.
    """
    if not committed:
        return list(words)
    end = committed[-1].span.end
    new = [word for word in words if (word.span.start + word.span.end) / 2 > end - 0.1]
    if new and new[0].span.start < end + _CLOSE:
        for num in range(min(_REPEATED, len(new), len(committed)), 0, -1):
            before, after = committed[-num:], new[:num]
            if [key(word) for word in before] == [key(word) for word in after]:
                return new[num:]
    return new
