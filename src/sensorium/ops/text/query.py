"""What somebody looks for: words, "phrases" and prefix*, and where they are in a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sensorium.core.errors import UsageError
from sensorium.ops.text.tokens import Token, tokens

MOST = 64  # tokens of a query: more is no search but a text
_PARTS = re.compile(r'"([^"]*)"(\*?)|([^\s"]+)')
_EXPECTED = 'expected words, a "phrase" or a prefix*'


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens that follow one another; the last may go on where `prefix` is set."""

    tokens: tuple[str, ...]
    prefix: bool = False


def parse(text: str) -> tuple[Phrase, ...]:
    """The phrases of a query, all of which must be in what is found.

    A word that consists of several tokens (``well-known``, ``東京``) is a phrase of these.

    Raises:
        UsageError: nothing to look for, a quote that is not closed, a ``*`` elsewhere than at the end.

    >>> parse('"good evening" pat*')
    (Phrase(tokens=('good', 'evening'), prefix=False), Phrase(tokens=('pat',), prefix=True))
    """
    if text.count('"') % 2:
        raise UsageError(f'{_short(text)}: {_EXPECTED}; a quote (") is opened and not closed')
    found = []
    for quoted, star, word in _PARTS.findall(text):
        bare = word.removesuffix("*") if word else quoted
        if word and ("*" in bare or not bare):
            raise UsageError(f"{_short(text)}: {_EXPECTED}; a * stands at the end of a word only")
        parts = tuple(token.text for token in tokens(bare))
        if parts:
            found.append(Phrase(parts, bool(star) or word.endswith("*")))
    num = sum(len(phrase.tokens) for phrase in found)
    if not found:
        raise UsageError(f"{_short(text)}: {_EXPECTED}, with a letter or a digit in it")
    if num > MOST:
        raise UsageError(f"{_short(text)}: {_EXPECTED} of at most {MOST} words, got {num}")
    return tuple(found)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def places(phrases: Sequence[Phrase], found: Sequence[Token]) -> list[tuple[int, int]]:
    """Where the phrases are among the tokens of a text: half-open ranges of characters, in order.

    Ranges that overlap or touch are one. Empty if any phrase is missing.

    >>> places(parse("be* here"), tokens("It's good to be here, believe me"))
    [(13, 15), (16, 20), (22, 29)]
    """
    ranges: list[tuple[int, int]] = []
    for phrase in phrases:
        mine = _matches(phrase, found)
        if not mine:
            return []
        ranges += mine
    return _united(sorted(set(ranges)))


def _matches(phrase: Phrase, found: Sequence[Token]) -> list[tuple[int, int]]:
    first, num = phrase.tokens[0], len(phrase.tokens)
    mine = []
    for place in range(len(found) - num + 1):
        if num > 1 and found[place].text != first:
            continue
        head = tuple(token.text for token in found[place : place + num])
        whole = head == phrase.tokens
        begun = phrase.prefix and head[:-1] == phrase.tokens[:-1]
        if whole or (begun and head[-1].startswith(phrase.tokens[-1])):
            mine.append((found[place].start, found[place + num - 1].end))
    return mine


def _united(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    done: list[tuple[int, int]] = []
    for start, end in ranges:
        if done and start <= done[-1][1]:
            done[-1] = (done[-1][0], max(end, done[-1][1]))
        else:
            done.append((start, end))
    return done


def marked(text: str, ranges: Sequence[tuple[int, int]], before: str, after: str) -> str:
    """The text with `before` and `after` around each of the ranges.

    >>> marked("good evening", [(5, 12)], "**", "**")
    'good **evening**'
    """
    bounds = [0, *(bound for each in ranges for bound in each), len(text)]
    parts = [text[low:high] for low, high in pairwise(bounds)]
    return "".join(f"{before}{p}{after}" if i % 2 else p for i, p in enumerate(parts))
