"""Cast lists in the picture: ``Ann Lee as Mary``, ``Mary ........ Ann Lee``, or two columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from sensorium.core.people.evidence import Claim, Scene, Text
from sensorium.ops.people.person_names import Names, like_a_name, written
from sensorium.ops.people.wording.heard import spoken
from sensorium.ops.people.wording.labels import subtitles

_PLAYS = re.compile(
    r"^(?P<actor>.{3,40}?)\s+(?:as|als|como|como el|como la|dans le rôle de|dans le role de|nel ruolo di|"
    r"in the role of|в роли|у ролі|som|jako|饰|飾)\s+(?P<character>.{2,40})$",
    re.IGNORECASE,
)
_DOTS = re.compile(
    r"^(?P<character>.{2,40}?)\s*(?:[.·․•_]{3,}|(?:\.\s){3,}|…+)\s*(?P<actor>.{3,40})$"
)
_ROWS = 3  # lines that make two columns a cast list
_SCORE = 0.6


class Credit(NamedTuple):
    """A character, who plays it, and where that is written."""

    character: str
    actor: str
    text: Text


def credited(texts: Sequence[Text]) -> list[Credit]:
    """The characters of cast lists, each once."""
    found: dict[str, Credit] = {}
    for credit in [*_lines(texts), *_columns(texts)]:
        found.setdefault(credit.character, credit)
    return list(found.values())


def credit_of(text: Text) -> Credit | None:
    """What one line says: ``Ann Lee as Mary Weaver`` or ``Mary Weaver ..... Ann Lee``."""
    match = _DOTS.match(text.text.strip()) or _PLAYS.match(text.text.strip())
    if not match or text.score < 0.8:
        return None
    character, actor = match["character"].strip(" .…"), match["actor"].strip(" .…")
    whole = len(actor.split()) > 1 or not actor[:1].isascii()
    if not (like_a_name(character) and like_a_name(actor) and whole):
        return None
    return Credit(written(character), written(actor), text)


def _lines(texts: Sequence[Text]) -> Iterator[Credit]:
    return (credit for text in texts if (credit := credit_of(text)))


def _columns(texts: Sequence[Text]) -> Iterator[Credit]:
    """Pairs of names beside each other, where a picture has several: characters stand on the left."""
    for _, group in groupby(texts, key=lambda text: text.span):
        shown = sorted((t for t in group if t.score >= 0.8), key=lambda t: (t.xyxy[1], t.xyxy[0]))
        pairs = [
            Credit(written(left.text), written(right.text), left)
            for left in shown
            for right in shown
            if _beside(left, right) and like_a_name(left.text) and like_a_name(right.text)
            and len(right.text.split()) > 1
        ]  # fmt: skip
        if len({pair.character for pair in pairs}) == len(pairs) >= _ROWS:
            yield from pairs


def _beside(left: Text, right: Text) -> bool:
    """Whether two lines are one row: the middle of each lies within the other's height, apart."""
    middles = [(text.xyxy[1] + text.xyxy[3]) / 2 for text in (left, right)]
    level = left.xyxy[1] < middles[1] < left.xyxy[3] and right.xyxy[1] < middles[0] < right.xyxy[3]
    return level and left.xyxy[2] <= right.xyxy[0]


def with_credited(scene: Scene, names: Names) -> Names:
    """The names in play, and the characters of the file's own cast list."""
    more = [each.character for each in credited(scene.texts) if not names.meant(each.character)]
    return names.also(more) if more else names


def credits(scene: Scene, names: Names) -> Iterator[Claim]:
    """Whoever is called by a name that the cast list of the file has, once each.

    A cast list shows nobody; it says that there is a character of that name.
    """
    listed = {names.meant(each.character): each for each in credited(scene.texts)}
    done = set()
    for claim in [*subtitles(scene, names), *spoken(scene, names)] if listed else ():
        credit = listed.get(claim.name)
        if credit and claim.score > 0.5 and (claim.identity, claim.name) not in done:
            done.add((claim.identity, claim.name))
            span, quote = credit.text.span, f"{credit.character} is played by {credit.actor}"
            yield Claim(claim.identity, claim.name, _SCORE, "credits", scene.uri, span, quote)
