"""Who said it: words to speakers, and turns to the face that was speaking."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import Provenance, Record
from sensorium.core.speech import Word
from sensorium.core.time import Span
from sensorium.ops.people.link import LEARNED, LinkRule, Mouth, Mouths, link, voices
from sensorium.ops.speech.words import speakers_by_channel, whole
from sensorium.ports import Earlier, Report

_LONGEST = 120.0  # seconds: a longer turn of another voice is not looked for


class Who:
    """Records of kinds link (one per turn) and assignment (one per word); looks at records only.

    A link is left open (null) where no face in view clearly moves its mouth, so a voice from off
    screen stays off screen. A word is left open where no turn is near it.
    """

    name = "who"

    def __init__(self, rule: LinkRule | None = None, learned: bool = False) -> None:
        """`learned`: by the records of an active-speaker model, not by the motion of mouths."""
        needs = ("speech", "speakers", "faces")
        self.needs: tuple[str, ...] = (*needs, "speaking") if learned else needs
        self._rule = rule or (LEARNED if learned else LinkRule())
        self._learned = learned

    @property
    def _made_by(self) -> Provenance:
        name = "face-and-voice" if self._learned else "mouth-and-voice"
        return Provenance(name, "3", asdict(self._rule))

    def recipe(self) -> Mapping[str, Any]:
        """The rule."""
        return {"name": self.name, "version": 3, "models": [self._made_by.plain()]}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has sound."""
        return ref.has_sound

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Links, then assignments, in order of time."""
        turns = [(r.span, r.values["speaker"]) for r in earlier["turn"] if r.span]
        kind = "speaking" if self._learned else "mouth"
        mouths = Mouths([_mouth(record) for record in earlier[kind] if record.span])
        told = [(r, r.span) for r in earlier["word"] if r.span]
        words = [Word(r.values["text"], span, r.values["score"]) for r, span in told]
        channels = [r.values["channel"] for r, _ in told]
        alone = [
            (r.span, r.values["speaker"], r.values["channel"])
            for r in earlier["exclusive_turn"]
            if r.span
        ]
        said_by = speakers_by_channel(words, channels, alone)
        faces = voices(turns, mouths, self._rule)
        links: list[str | None] = []
        for (span, speaker), extent in zip(turns, whole(turns, words, said_by), strict=True):
            taken = _faces_heard(span, speaker, turns, faces)
            found = link(span, faces.get(speaker), mouths, self._rule, taken)
            person = _person(found[0].face) if found else None
            links.append(person)
            values = {
                "speaker": speaker,
                "person": person,
                "track": found[0].track if found else None,
                "score": found[1] if found else None,
                "whole_start": extent.start,
                "whole_end": extent.end,
            }
            yield Record("link", span, values, self._made_by)
        of_speaker: dict[str, list[tuple[Span, str | None]]] = {}
        for (span, speaker), person in zip(turns, links, strict=True):
            of_speaker.setdefault(speaker, []).append((span, person))
        for word, said, channel in zip(words, said_by, channels, strict=True):
            person = _face_of(word.span, of_speaker.get(said or "", ()))
            values = {"text": word.text, "speaker": said, "person": person, "channel": channel}
            yield Record("assignment", word.span, values, self._made_by)


def _faces_heard(
    span: Span, speaker: str, turns: Sequence[tuple[Span, str]], faces: Mapping[str, str]
) -> set[str]:
    """The faces of other voices that are heard in a turn; turns in order of time."""
    last = bisect_right(turns, span.end, key=lambda turn: turn[0].start)
    first = bisect_right(turns, span.start - _LONGEST, key=lambda turn: turn[0].start)
    near = turns[first:last]
    heard = {who for each, who in near if who != speaker and each.overlap(span) > 0}
    return {faces[who] for who in heard if who in faces}


def _face_of(word: Span, turns: Sequence[tuple[Span, str | None]]) -> str | None:
    """The face of the turn of the word's speaker that lies nearest to it; turns in order of time."""
    place = bisect_right(turns, word.start, key=lambda turn: turn[0].start)
    around = turns[max(place - 1, 0) : place + 1]
    gaps = [max(turn.start - word.end, word.start - turn.end) for turn, _ in around]
    return around[int(np.argmin(gaps))][1] if gaps else None


def _mouth(record: Record) -> Mouth:
    values = record.values
    face = values["person"] or f"track {values['track']}"
    motion = np.asarray(values["motion" if "motion" in values else "score"], np.float32)
    span = record.span
    if span is None:
        raise ValueError("a mouth record always has a span")
    return Mouth(span, values["track"], face, values["rate"], motion)


def _person(face: str) -> str | None:
    """The label of the person; None for a track that belongs to no person."""
    return None if face.startswith("track ") else face
