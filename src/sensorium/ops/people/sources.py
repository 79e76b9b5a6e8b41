"""Sources of evidence: each reads what one file holds and claims names for its voices and faces.

A source is a function of (`Scene`, `Names`) that returns claims, whose `identity` is the key of a
voice or face. Other packages add theirs through the entry point group ``sensorium.evidence``. The
scores are first guesses of how often such a claim is right; `benchmarks/characters.py` shows how
often they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from sensorium.core.people.evidence import Claim, Scene, Text
from sensorium.core.time import Span
from sensorium.ops.people.person_names import Names, like_a_name, written
from sensorium.ops.people.wording.credits import credit_of
from sensorium.ops.people.wording.labels import label_of


def screen(scene: Scene, names: Names) -> Iterator[Claim]:
    """Text on the screen beside one face (lower thirds), or beside several of whom one is speaking."""
    for text in scene.texts:
        label, credit = label_of(text.text), credit_of(text)
        if label and label.rest and not credit:
            continue  # a subtitle: of whom it says that he speaks need not be seen
        known = names.within(text.text)
        if credit:
            name, score = names.meant(credit.character) or credit.character, 0.65
        elif len(known) == 1:
            name, score = known[0], 0.85 if names.meant(text.text) else 0.65
        elif not known and _caption(text):
            name, score = written(text.text), 0.65
        else:
            continue
        seen = {key for span, key in scene.faces if _at(text, span)}
        if len(seen) > 1:  # then it is the one who speaks, less surely
            speaking = {scene.speaks_as.get(key) for span, key in scene.turns if _at(text, span)}
            seen, score = seen & speaking, score - 0.1
        if len(seen) == 1:
            yield Claim(seen.pop(), name, score, "screen", scene.uri, text.span, text.text)


def _caption(text: Text) -> bool:
    """Whether a line is a name and nothing else: two or three words, surely read."""
    return 2 <= len(text.text.split()) <= 3 and text.score >= 0.9 and like_a_name(text.text)


def _at(text: Text, span: Span) -> bool:
    return span.start - 0.1 <= text.span.start <= span.end + 0.1


def file_name(scene: Scene, names: Names) -> Iterator[Claim]:
    """A known name in the file's name or title, for the one who is heard or seen most of the time."""
    for text in (PurePath(scene.uri).stem.replace("_", " ").replace("-", " "), scene.title):
        known = names.within(text)
        if len(known) != 1:
            continue
        for stretches in (scene.turns, scene.faces):
            key = _most(stretches)
            if key:
                yield Claim(key, known[0], 0.6, "file", scene.uri, None, text)


def detector(scene: Scene, names: Names) -> Iterator[Claim]:
    """The class of a trained detector, where it is a name."""
    for key, called, score in scene.detected:
        claimed = names.meant(called) or called
        yield Claim(key, claimed, min(score, 0.9), "detector", scene.uri, None, f"class {called}")


def _most(stretches: tuple[tuple[Span, str], ...]) -> str | None:
    """The key that holds at least 60 % of the time of all."""
    shares: dict[str, float] = {}
    for span, key in stretches:
        shares[key] = shares.get(key, 0.0) + span.duration
    best = max(shares, key=lambda key: shares[key], default=None)
    return best if best is not None and shares[best] >= 0.6 * sum(shares.values()) else None
