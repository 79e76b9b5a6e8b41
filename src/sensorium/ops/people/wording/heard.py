"""What is said of names: who says his own, who is introduced, who is talked to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import NamedTuple

from sensorium.core.people.evidence import Claim, Scene
from sensorium.core.time import Span
from sensorium.ops.people.person_names import Names, like_a_name, written
from sensorium.ops.people.wording.phrases import Kind, Said, said_names
from sensorium.ops.people.wording.role_words import describes, of_people
from sensorium.ops.people.wording.spelling import cased, unspaced

# Probability that a name is right which is known, or that nobody knows: recognisers misspell them, and
# of scripts without large letters only "my name is ..." tells a name from another word.
_WORTH: dict[Kind, tuple[float, float]] = {
    "name": (0.9, 0.65),
    "am": (0.9, 0.55),
    "noun": (0.8, 0.0),
    "here": (0.6, 0.0),
    "other": (0.6, 0.55),
    "you": (0.65, 0.55),
    "declined": (0.65, 0.0),
}
_CASELESS = (
    "noun",
    "other",
    "you",
)  # what nothing but a known name is read from without large letters
_ANSWER = 4.0  # seconds within which somebody who is addressed speaks, or spoke
_NOT_ME = 0.1  # who says a name to somebody does not bear it
_SENTENCE = re.compile(r"[.!?…。！？؟۔।]+")
_COMMA = re.compile(r"\s*[,，、،]\s*")


class _Part(NamedTuple):
    """What one voice says in one go."""

    span: Span
    key: str | None
    text: str


def spoken(scene: Scene, names: Names) -> Iterator[Claim]:
    """ "I'm John" and "my name is John" are about who speaks, in some thirty languages; "please welcome
    John" is about who speaks next, "thank you, Mary" about the one who is addressed.

    A name that nobody knows counts less, and often nothing: see `phrases`.
    """
    parts = [
        _Part(
            Span(found[0][0].start, found[-1][0].end), key, _joined([text for _, text, _ in found])
        )
        for key, group in groupby(scene.words, key=lambda word: word[2])
        if (found := list(group))
    ]
    for place, part in enumerate(parts):
        for said in [*said_names(part.text), *_called(part.text, names)]:
            name, score = _heard(said, names)
            if name is None or not score:
                continue
            quote = part.text[max(said.start - 20, 0) : said.end + 20].strip()
            if said.kind in ("name", "am", "noun", "here"):
                if part.key:
                    yield Claim(part.key, name, score, "speech", scene.uri, part.span, quote)
                continue
            other = _other(parts, place, said.kind == "other")
            if part.key:
                quote_ = f"says: {quote}"
                yield Claim(part.key, name, _NOT_ME, "speech", scene.uri, part.span, quote_)
            if other:
                told = "is introduced" if said.kind == "other" else "is told"
                yield Claim(other, name, score, "speech", scene.uri, part.span, f"{told}: {quote}")


def _joined(words: list[str]) -> str:
    """Words with blanks between them where their script has some."""
    text = words[0]
    for before, word in pairwise(words):
        tight = before and word and unspaced(before[-1]) and unspaced(word[0])
        text += word if tight or not word[:1].strip() else f" {word}"
    return text


def _called(text: str, names: Names) -> Iterator[Said]:
    """Known names that a sentence begins or ends with, apart by a comma: "Anna, come here"."""
    begin = 0
    for end in [*(match.start() for match in _SENTENCE.finditer(text)), len(text)]:
        pieces = _COMMA.split(text[begin:end].strip())
        meant = [
            len(piece) >= 2 and like_a_name(piece) and bool(names.meant(piece)) for piece in pieces
        ]
        if len(pieces) > 1 and sum(meant) == 1 and (meant[0] or meant[-1]):
            piece = pieces[0] if meant[0] else pieces[-1]
            kin = meant[-1] and any(map(of_people, pieces[-2].split()))  # "this is my sister, Anna"
            start = text.find(piece, begin)
            ends = range(start, start + len(piece) + 1)
            if not kin and not any(said.end in ends for said in said_names(text[: ends.stop])):
                yield Said("declined", piece, start, start + len(piece))
        begin = end + 1


def _heard(said: Said, names: Names) -> tuple[str | None, float]:
    """(name, score) of what was heard as one; None where it is none, or may be that of several."""
    known, unknown = _WORTH[said.kind]
    if name := names.meant(said.name):
        # سعيد is a name, and happy
        return name, min(known, 0.55) if said.kind == "noun" and not cased(said.name) else known
    if names.unclear(said.name) or describes(said.name) or not like_a_name(said.name):
        return None, 0.0
    if not cased(said.name) and said.kind in _CASELESS:
        return None, 0.0
    return written(said.name), unknown


def _other(parts: list[_Part], place: int, later: bool) -> str | None:
    """Who speaks next, or spoke before: the nearer one, if it is another voice. `later`: next only."""
    span, key, _ = parts[place]
    around = [
        (parts[i].span.start - span.end, parts[i].key) for i in (place + 1,) if i < len(parts)
    ]
    if not later:
        around += [(span.start - parts[i].span.end, parts[i].key) for i in (place - 1,) if i >= 0]
    near = [(max(gap, 0.0), who) for gap, who in around if who and who != key and gap <= _ANSWER]
    return min(near)[1] if near else None
