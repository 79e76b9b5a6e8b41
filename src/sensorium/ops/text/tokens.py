"""Text of any language as the tokens that a search compares: without case and accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

from sensorium.ops.folding import fold

VERSION = 2  # of the rules below: an index that was made by others is made anew

_ASCII = re.compile("[a-z0-9]+")
# Written without blanks, or (Korean) with endings that grow onto the word: one token a character, so
# that whatever is looked for is found as a phrase, however short, without a dictionary.
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1100, 0x115F), (0x1780, 0x17FF), (0x1950, 0x19DF),
    (0x1A20, 0x1AAF), (0x3005, 0x3007), (0x3021, 0x303B), (0x3040, 0x312F), (0x3130, 0x318F),
    (0x31A0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA960, 0xA9FF), (0xAA60, 0xAA7F),
    (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0xFF66, 0xFFDC), (0x1B000, 0x1B16F), (0x20000, 0x3FFFF),
)  # fmt: skip
# The vowel am of Thai and Lao is one character, and two in its normal form: one token either way.
_AM = ("\u0e4d\u0e32", "\u0ecd\u0eb2")
# Letters that follow as a mark: vowels and finals of decomposed Hangul, half-width voicing.
_FOLLOWING = ((0x1160, 0x11FF), (0xD7B0, 0xD7FF), (0xFF9E, 0xFF9F))


class Token(NamedTuple):
    """One token: its folded `text`, and the characters ``[start, end)`` that it was made of."""

    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The tokens of a text, in order.

    A token is a run of letters, digits and their marks; of scripts that are written without blanks
    (Chinese, Japanese, Thai, Lao, Khmer, Burmese, ...) and of Korean it is one character.

    >>> [token.text for token in tokens("L'École, 東京 2026")]
    ['l', 'ecole', '東', '京', '2026']
    """
    if text.isascii():
        return [Token(m[0], m.start(), m.end()) for m in _ASCII.finditer(text.lower())]
    found = ((fold(text[start:end]), start, end) for start, end in _runs(text))
    return [Token(*each) for each in found if each[0]]


def indexed(text: str) -> str:
    """The tokens of a text with a blank between them, as they stand in an index."""
    if text.isascii():
        return " ".join(_ASCII.findall(text.lower()))
    return " ".join(token.text for token in tokens(text))


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every token, in characters."""
    start: int | None = None
    alone = False  # whether the token that is open takes no further letter
    what: Literal["", "letter", "alone", "mark"]
    for place, each in enumerate(text):
        what = _what(each)
        if text[place : place + 2] in _AM:
            what = "alone"
        elif text[max(place - 1, 0) : place + 1] in _AM:
            what = "mark"
        if start is not None and what != "mark" and (what != "letter" or alone):
            yield start, place
            start = None
        if start is None and what:
            start, alone = place, what == "alone"
    if start is not None:
        yield start, len(text)


@cache
def _what(each: str) -> Literal["", "letter", "alone", "mark"]:
    """What a character does to a token: ends it, goes on with it, is one by itself, or clings to it."""
    code, category = ord(each), unicodedata.category(each)[0]
    if category == "M" or _within(code, _FOLLOWING):
        return "mark"
    if category not in "LN":
        return ""
    return "alone" if _within(code, _UNSPACED) else "letter"


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= code <= high for low, high in ranges)
