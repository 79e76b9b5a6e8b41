"""Sources of evidence: each reads what one file holds and claims names for its voices and faces.

A source is a function of (`Scene`, `Names`) that returns claims, whose `identity` is the key of a
voice or face. Other packages add theirs through the entry point group ``sensorium.evidence``. The
scores are first guesses of how often such a claim is right; `benchmarks/characters.py` shows how
often they were.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import PurePath

from sensorium.core.people.evidence import Claim, Scene, Text
from sensorium.core.speech import Cue
from sensorium.core.time import Span
from sensorium.ops.people.person_names import Names, describes, like_a_name, written

_LABEL = re.compile(
    r"^[\s>»–—-]*(?:\[([^\]]{2,40})\]|\(([^)]{2,40})\)|([^:\n\[\]()]{2,40}):)\s*(?=\S)"
)
_NAME = r"((?:[A-Z][\w'’-]+)(?:\s+[A-Z][\w'’-]+){0,2})"
_MYSELF = re.compile(rf"\b(?:I am|I'm|I’m|[Mm]y name is|[Mm]y name's)\s+{_NAME}")
_THIS = re.compile(rf"\b[Tt]his is\s+{_NAME}")
_YOU = re.compile(
    r"\b(?:[Tt]hank you|[Tt]hanks|[Hh]ello|[Hh]i|[Hh]ey|[Gg]ood (?:morning|evening|afternoon)|"
    rf"[Gg]oodbye|[Ww]elcome)(?:,? (?:so|very) much)?,?\s+{_NAME}"
)
_CLEAR = 0.7  # share of what is spoken in a cue that one voice needs to be its speaker
_ANSWER = 4.0  # seconds within which somebody who is addressed speaks, or spoke


def subtitles(scene: Scene, names: Names) -> Iterator[Claim]:
    """Speaker labels, ``JOHN: ...`` and ``[John] ...``, and the Name field of .ass files.

    Only where one voice holds a cue; labels such as NARRATOR or MAN 2 name nobody.
    """
    for cue in scene.cues:
        label, score = (cue.name, 0.85) if cue.name else (_label(cue), 0.8)
        name = _named(label, names) if label else None
        key = _speaker(cue.span, scene)
        if name and key:
            quote = _short(f"{cue.name}: {cue.text}" if cue.name else cue.text)
            yield Claim(key, name, score, "subtitles", scene.uri, cue.span, quote)


def _label(cue: Cue) -> str:
    lines = [match for line in cue.text.splitlines() if (match := _LABEL.match(line))]
    if len(lines) != 1 or not _LABEL.match(cue.text):
        return ""  # none, or two who speak in one cue
    return next(group for group in lines[0].groups() if group).strip()


def _named(text: str, names: Names) -> str | None:
    """The known name that a label means, or a new one; None for what names nobody, or may mean two."""
    if known := names.meant(text):
        return known
    if names.unclear(text) or not like_a_name(text):
        return None
    return written(text)


def _speaker(span: Span, scene: Scene) -> str | None:
    shares: Counter[str] = Counter()
    for turn, key in scene.turns:
        shares[key] += max(turn.overlap(span), 0.0)  # type: ignore[assignment]
    best = max(shares, key=lambda key: shares[key], default=None)
    if best is None or shares[best] < max(0.3, _CLEAR * sum(shares.values())):
        return None
    return best


def spoken(scene: Scene, names: Names) -> Iterator[Claim]:
    """ "I'm John", "my name is John", "this is John"; "thank you, Mary" is about the one who is addressed.

    A name that nobody knows counts less: recognisers misspell them.
    """
    said = [
        (Span(words[0][0].start, words[-1][0].end), key, " ".join(text for _, text, _ in words))
        for key, group in groupby(scene.words, key=lambda word: word[2])
        if (words := list(group))
    ]
    for place, (span, key, text) in enumerate(said):
        for pattern, known, unknown in ((_MYSELF, 0.9, 0.65), (_THIS, 0.6, 0.0)):
            for match in pattern.finditer(text):
                name, score = _heard(match[1], names, known, unknown)
                if name and key and score:
                    yield Claim(key, name, score, "speech", scene.uri, span, _about(text, match))
        for match in _YOU.finditer(text):
            name, score = _heard(match[1], names, 0.65, 0.55)
            if name is None:
                continue
            other = _addressed(said, place)
            if key:
                yield Claim(
                    key, name, 0.1, "speech", scene.uri, span, f"says: {_about(text, match)}"
                )
            if other:
                quote = f"is told: {_about(text, match)}"
                yield Claim(other, name, score, "speech", scene.uri, span, quote)


def _heard(text: str, names: Names, known: float, unknown: float) -> tuple[str | None, float]:
    text = text.strip(".,!?")
    if name := names.meant(text):
        return name, known
    if names.unclear(text) or describes(text) or not like_a_name(text):
        return None, 0.0
    return written(text), unknown


def _addressed(said: list[tuple[Span, str | None, str]], place: int) -> str | None:
    """Who speaks next, or spoke before: the nearer one, if it is another voice."""
    span, key, _ = said[place]
    around = [(said[i][0].start - span.end, said[i][1]) for i in (place + 1,) if i < len(said)]
    around += [(span.start - said[i][0].end, said[i][1]) for i in (place - 1,) if i >= 0]
    near = [(max(gap, 0.0), who) for gap, who in around if who and who != key and gap <= _ANSWER]
    return min(near)[1] if near else None


def _about(text: str, match: re.Match[str]) -> str:
    return text[max(match.start() - 20, 0) : match.end() + 20].strip()


def screen(scene: Scene, names: Names) -> Iterator[Claim]:
    """Text on the screen beside one face (lower thirds), or beside several of whom one is speaking."""
    for text in scene.texts:
        known = names.within(text.text)
        if len(known) == 1:
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


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:77] + "..."
