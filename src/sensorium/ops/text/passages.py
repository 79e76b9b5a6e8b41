"""The parts of a long text that have to do with something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sensorium.ops.text.tokens import indexed

_LENGTH = 600  # characters


def passages(text: str, about: Iterable[str], most: int = 6) -> list[str]:
    """At most so many parts of up to 600 characters, as they stand, in the order in which they stand.

    Those that hold most of the phrases in `about` come first to be taken, then those with more of their
    words; where nothing is held at all, the beginning of the text is.

    >>> passages("A film of 1999.\\nSung by Ann Lee.", ["ann lee"], 1)
    ['A film of 1999.\\nSung by Ann Lee.']
    """
    phrases = {indexed(each) for each in about} - {""}
    words = {
        word for phrase in phrases for word in phrase.split() if len(word) > 2 or not word.isascii()
    }
    ranked = []
    parts = list(_parts(text))
    for place, part in enumerate(parts):
        there = f" {indexed(part)} "
        held = sum(f" {phrase} " in there for phrase in phrases)
        ranked.append((-held, -len(words.intersection(there.split())), place))
    taken = sorted(place for held, shared, place in sorted(ranked)[:most] if held or shared)
    return [parts[place] for place in taken or range(len(parts))][:most]


def _parts(text: str) -> Iterator[str]:
    """Whole lines as long as they fit, and longer lines in pieces that share a quarter."""
    part = ""
    for line in text.splitlines():
        if part and len(part) + len(line) >= _LENGTH:
            yield part
            part = ""
        while len(line) > _LENGTH:
            end = line.rfind(" ", _LENGTH // 2, _LENGTH)
            end = end if end > 0 else _LENGTH
            yield line[:end].strip()
            line = line[end - _LENGTH // 4 :]
        part = f"{part}\n{line}".strip()
    if part:
        yield part
