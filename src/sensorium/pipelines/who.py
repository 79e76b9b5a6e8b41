"""Who said it: words to speakers, and turns to the face that was speaking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import Provenance, Record
from sensorium.core.time import Span
from sensorium.ops.link import LinkRule, Mouth, link, voices
from sensorium.ports import Earlier, Report

_NEAR = 0.3  # seconds by which a word may miss a turn and still be its own


class Who:
    """Records of kinds link (one per turn) and assignment (one per word); looks at records only.

    A link is left open (null) where no face in view clearly moves its mouth, so a voice from off
    screen stays off screen. A word is left open where no turn is near it.
    """

    name = "who"
    needs: tuple[str, ...] = ("speech", "speakers", "faces")

    def __init__(self, rule: LinkRule | None = None) -> None:
        self._rule = rule or LinkRule()

    @property
    def _made_by(self) -> Provenance:
        return Provenance("mouth-and-voice", "1", asdict(self._rule))

    def recipe(self) -> Mapping[str, Any]:
        """The rule."""
        return {"name": self.name, "version": 1, "models": [self._made_by.plain()]}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has sound."""
        return ref.has_sound

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Links, then assignments, in order of time."""
        turns = [(r.span, r.values["speaker"]) for r in earlier["turn"] if r.span]
        mouths = [_mouth(record) for record in earlier["mouth"] if record.span]
        faces = voices(turns, mouths, self._rule)
        links: list[str | None] = []
        for span, speaker in turns:
            found = link(span, faces.get(speaker), mouths, self._rule)
            person = _person(found[0].face) if found else None
            links.append(person)
            values = {
                "speaker": speaker,
                "person": person,
                "track": found[0].track if found else None,
                "score": found[1] if found else None,
            }
            yield Record("link", span, values, self._made_by)
        for word in earlier["word"]:
            if word.span is not None:
                yield self._assigned(word.span, word.values["text"], turns, links)

    def _assigned(
        self, span: Span, text: str, turns: Sequence[tuple[Span, str]], links: Sequence[str | None]
    ) -> Record:
        place = _turn_of(span, [turn for turn, _ in turns])
        values = {
            "text": text,
            "speaker": turns[place][1] if place is not None else None,
            "person": links[place] if place is not None else None,
        }
        return Record("assignment", span, values, self._made_by)


def _turn_of(word: Span, turns: Sequence[Span]) -> int | None:
    """The turn that shares most time with a word, else the nearest one within 0.3 s, else None."""
    if not turns:
        return None
    shared = [word.overlap(turn) for turn in turns]
    if max(shared) > 0:
        return int(np.argmax(shared))
    gaps = [max(turn.start - word.end, word.start - turn.end) for turn in turns]
    return int(np.argmin(gaps)) if min(gaps) <= _NEAR else None


def _mouth(record: Record) -> Mouth:
    values = record.values
    face = values["person"] or f"track {values['track']}"
    motion = np.asarray(values["motion"], np.float32)
    span = record.span
    if span is None:
        raise ValueError("a mouth record always has a span")
    return Mouth(span, values["track"], face, values["rate"], motion)


def _person(face: str) -> str | None:
    """The label of the person; None for a track that belongs to no person."""
    return None if face.startswith("track ") else face
