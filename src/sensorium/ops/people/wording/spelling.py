"""How names are written, by what Unicode says of their letters: large and small ones, blanks or none."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from sensorium.ops.people.wording.role_words import is_title

_INSIDE = frozenset("'’-‐‑·・‧׳״\"\u200c\u200d")  # within a word, between letters
PARTICLES = frozenset(
    """
    de del della di da do dos das du des la le von van der den ter ten zu zum zur af av bin ibn al el y e i
    """.split()  # noqa: SIM905 - a list of quoted words reads worse
)
_OWNING = ("'s", "’s")
_MOST = 4  # words of a name
_LONGEST = {
    "CJK": 4,
    "HIRAGANA": 8,
    "KATAKANA": 16,
    "HANGUL": 5,
    "THAI": 20,
    "LAO": 20,
    "KHMER": 20,
    "MYANMAR": 20,
}


class Word(NamedTuple):
    """A word, or a name of several, and the characters ``[start, end)`` where it stands."""

    text: str
    start: int
    end: int


@cache
def script(letter: str) -> str:
    """The script of a letter, as its Unicode name begins: LATIN, CYRILLIC, CJK, HANGUL, ...

    >>> [script(letter) for letter in "AЖ李한अ"]
    ['LATIN', 'CYRILLIC', 'CJK', 'HANGUL', 'DEVANAGARI']
    """
    return unicodedata.name(letter, "").partition(" ")[0].partition("-")[0]


def unspaced(letter: str) -> bool:
    """Whether a letter is of a script without blanks between words; Korean has some."""
    return script(letter) in _LONGEST and script(letter) != "HANGUL"


def cased(text: str) -> bool:
    """Whether a script of the text has large and small letters in use; Georgian's large ones are for titles.

    >>> cased("Anna"), cased("安娜"), cased("ნინო")
    (True, False, False)
    """
    return any(
        unicodedata.category(each) in ("Lu", "Ll", "Lt") and script(each) != "GEORGIAN"
        for each in text
    )


def words(text: str, start: int = 0, kinds: str = "LM") -> Iterator[Word]:
    """Runs of letters and their marks, with apostrophes, hyphens and the like between them.

    `kinds` are the Unicode categories that a word is made of; "LMN" has digits too.

    >>> [word.text for word in words("Jean-Luc O’Neil, राहुल! अ1")]
    ['Jean-Luc', 'O’Neil', 'राहुल', 'अ']
    """
    begin = None
    for place in range(start, len(text) + 1):
        inside = _is(text, place, kinds) or (
            begin is not None and text[place : place + 1] in _INSIDE and _is(text, place + 1, kinds)
        )
        if inside and begin is None:
            begin = place
        elif not inside and begin is not None:
            yield Word(text[begin:place], begin, place)
            begin = None


def _is(text: str, place: int, kinds: str) -> bool:
    return place < len(text) and unicodedata.category(text[place])[0] in kinds


def proper(word: str) -> bool:
    """Whether a word is written as a name may be: it begins large where its script has large letters;
    in other scripts it is not longer than names are, and all of one script.

    >>> [proper(word) for word in ("Anna", "anna", "O’Neil", "李明", "今天天气很好", "John's", "ของเ")]
    [True, False, True, True, False, False, True]
    """
    if word.endswith(_OWNING):
        return False
    first = next((each for each in word if unicodedata.category(each)[0] == "L"), "")
    if cased(word):
        return unicodedata.category(first) in ("Lu", "Lt") if first else False
    scripts = {script(each) for each in word if unicodedata.category(each)[0] == "L"}
    longest = max((_LONGEST.get(each, 15) for each in scripts), default=0)
    kana = scripts <= {"CJK", "HIRAGANA", "KATAKANA"}
    return (len(scripts) == 1 or kana) and len(word) <= (8 if len(scripts) > 1 else longest)


def spelled(text: str, start: int) -> Word | None:
    """The words at a place that are written as a name may be, one to four of them, titles before them too.

    >>> spelled("I am Dr. Anna van Laar, and", 5)
    Word(text='Dr. Anna van Laar', start=5, end=22)
    >>> spelled("I am fine", 5), spelled("I am Anna's brother", 5)
    (None, None)
    """
    taken: list[Word] = []
    for word in words(text, start):
        last = taken[-1] if taken else Word("", start, start)
        between = text[last.end : word.start]
        dotted = between in (".", ". ") and (is_title(last.text) or len(last.text) == 1)
        if (between.strip(" ") if taken else between) and not dotted:
            break
        if word.text.endswith(_OWNING):  # Anna's brother
            return None
        title = is_title(word.text) and all(is_title(each.text) for each in taken)
        if not (proper(word.text) or title or (taken and word.text in PARTICLES)):
            break
        taken.append(word)
        if unspaced(word.text[0]) or len(taken) > _MOST:
            break
    while taken and taken[-1].text in PARTICLES:
        taken.pop()
    titles = sum(is_title(each.text) for each in taken)
    unclear = len(taken) > 2 + titles or (taken and _goes_on(text, taken[-1].end))
    if taken and unclear and not cased(taken[-1].text):
        # without large letters nobody knows where the name ends: "اسمي أحمد وأنا من مصر"
        taken = taken[: 1 + titles]
    return Word(text[start : taken[-1].end], start, taken[-1].end) if taken else None


def _goes_on(text: str, place: int) -> bool:
    rest = text[place:].lstrip()
    return bool(rest) and _is(rest, 0, "LM")
