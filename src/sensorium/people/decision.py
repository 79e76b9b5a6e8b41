"""Decisions: all that is ever written of who is who, at the end of a run or by a person.

The gallery keeps them in order and forgets none; what is known is their fold (`ops.people.known`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sensorium.core.errors import LibraryError, UsageError
from sensorium.core.people.identity import Identity, Sample
from sensorium.core.time import Span
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.library.lock import held
from sensorium.ops.people.everybody import Everybody
from sensorium.ops.people.known import Known
from sensorium.ops.people.similarity import MatchRule, halves, new_id
from sensorium.ops.people.voice_and_face import JoinRule, joins
from sensorium.people.match import Found, matched
from sensorium.people.sample import Links, plain

Claims = Mapping[tuple[str, str], list[dict[str, Any]]]  # (media, source) -> claims as plain data

_AT_ONCE = 5000  # samples of one decision: what is read as one piece stays small


def keep_claims(gallery: Gallery, known: Known, claimed: Claims) -> None:
    """Writes what each source says of each file now, as far as it is not what is known already."""
    entries = [
        {"media": media, "source": source, "claims": rows}
        for (media, source), rows in claimed.items()
        if rows != known.claimed.get((media, source), [])
    ]
    if entries:
        gallery.add("claimed", entries=entries)


def keep_samples(gallery: Gallery, found: Found) -> None:
    """Writes whose the voices and faces of some files are."""
    for first in range(0, len(found), _AT_ONCE):
        gallery.add("seen", samples=[plain(*each) for each in found[first : first + _AT_ONCE]])


def keep_links(gallery: Gallery, known: Known, links: Links) -> None:
    """Writes which voices were seen to come from which faces, as far as it is new."""
    fresh = {pair: seconds for pair, seconds in links.items() if known.links.get(pair) != seconds}
    if fresh:
        rows = [{"voice": v, "face": f, "seconds": s} for (v, f), s in fresh.items()]
        gallery.add("linked", links=rows)


def join_clear(gallery: Gallery) -> None:
    """Joins the identities of voices and faces that go together, the clearest first."""
    found = [
        {"kind": "joined", "identity": identity, "into": into, "seconds": seconds}
        for into, identity, seconds in joins(gallery.known(), JoinRule())
    ]
    if found:
        gallery.add_all(found)


class Corrections:
    """What people say about who is who and what was said. Every call is one decision; `undo` takes it back.

    An identity is given by its id (``"V3f2a91c0"``) or by its name, where only one has that name.

    Raises:
        LibraryError: no library, or another run is writing to it.
    """

    def __init__(self, library: str | os.PathLike[str]) -> None:
        self._layout = Layout(library)
        if not self._layout.root.is_dir():
            raise LibraryError(f"{library}: no such folder; make a library with: sensorium extract")
        self._layout.check()
        self._gallery = Gallery(self._layout)

    def known(self) -> Known:
        """Who is who after every decision."""
        return self._gallery.known()

    def find(self, identity: str) -> Identity:
        """The identity of an id or name.

        Raises:
            UsageError: none, or several of that name.
        """
        return self._gallery.known().find(identity)

    def apart(self, identity: str, other: str) -> tuple[str, str]:
        """Two identities are not the same person, whatever is seen or heard later. Returns their ids."""
        with held(self._layout):
            one, two = self.find(identity), self.find(other)
            if one.id == two.id:
                raise UsageError(
                    f"apart: {identity!r} and {other!r} are one identity {one.id}; split it first with: "
                    f"sensorium cast split {one.id}"
                )
            self._gallery.add("apart", identity=one.id, other=two.id)
        return one.id, two.id

    def name(self, identity: str, name: str) -> str:
        """Gives an identity a name; an empty one takes it away. Returns its id."""
        with held(self._layout):
            who = self.find(identity)
            self._gallery.add("named", identity=who.id, name=name.strip() or None)
        return who.id

    def merge(self, into: str, other: str) -> str:
        """Two identities are one person: the samples of `other` go to `into`. Returns its id."""
        with held(self._layout):
            kept, gone = self.find(into), self.find(other)
            if kept.id == gone.id:
                raise UsageError(f"merge: {into!r} and {other!r} are the same identity {kept.id}")
            if any(a.cannot_be(b) for a in kept.samples for b in gone.samples if a.kind != "voice"):
                raise UsageError(
                    f"merge: {kept.id} and {gone.id} were seen in one picture; they are two people"
                )
            self._gallery.add("merged", identity=gone.id, into=kept.id)
        return kept.id

    def split(self, identity: str, samples: Sequence[str] = ()) -> str:
        """Some samples of an identity are somebody else, who becomes a new identity. Returns its id.

        `samples` are names from `table` (``sample``); with none given, the two groups that lie farthest
        apart are taken.
        """
        with held(self._layout):
            who = self.find(identity)
            moved = [sample for sample in who.samples if sample.key in samples]
            if not samples:
                moved = halves(who.samples)[1]
            if len(moved) != len(set(samples) or moved) or len(moved) == len(who.samples):
                raise UsageError(
                    f"split: expected some but not all of the samples of {who.id} "
                    f"({', '.join(s.key for s in who.samples)}), got {list(samples)}"
                )
            new = new_id(moved[0])
            while new in self._gallery.known().identities or new == who.id:
                new += "x"  # this sample has founded an identity before
            self._gallery.add(
                "split", identity=who.id, into=new, samples=[sample.key for sample in moved]
            )
        return new

    def disown(self, sample: str) -> str:
        """A voice or face is not the person it is taken for. Returns the id that it has now.

        It becomes somebody else; where it is all that is known of that person, the name goes.

        Raises:
            UsageError: no such sample, or it belongs to nobody.
        """
        who = self._owner(sample)
        if len(who.samples) > 1:
            return self.split(who.id, [sample])
        return self.name(who.id, "")

    def confirm(self, sample: str) -> str:
        """A voice or face is the person it is taken for: that is sure from now on. Returns the id."""
        with held(self._layout):
            who = self._owner(sample)
            self._gallery.add("confirmed", identity=who.id, sample=sample)
        return who.id

    def _owner(self, sample: str) -> Identity:
        known = self._gallery.known()
        who = known.identities.get(known.of.get(sample) or "")
        if who is None:
            raise UsageError(f"{sample!r}: expected a sample of `table`; no identity has it")
        return who

    def fix_word(
        self, media: str, span: Span, heard: str, to: str, channel: int | None = None
    ) -> dict[str, Any]:
        """A word is another one, or is right as it was heard. Returns the decision.

        It is given by its file and its record: span, text as `heard`, channel; `to` is what was said.

        Raises:
            UsageError: no such word in this file, or `to` is empty.
        """
        if not to.strip():
            raise UsageError(f"word {heard!r}: expected what was said instead, got an empty text")
        row = {"text": heard, "channel": channel}
        return self._amend("word", (media, span), row, " ".join(to.split()))

    def move_turn(self, media: str, found: Span, speaker: str, to: Span) -> dict[str, Any]:
        """A turn begins or ends elsewhere. Returns the decision.

        It is given by its file and its record of kind ``turn``: the span as `found`, the `speaker`.

        Raises:
            UsageError: no such turn in this file, or `to` is empty or begins before the file.
        """
        if to.start < 0 or to.duration <= 0:
            raise UsageError(f"turn: expected it to end after it begins, at 0 or later; got {to}")
        return self._amend("edge", (media, found), {"speaker": speaker}, [to.start, to.end])

    def _amend(
        self, kind: str, where: tuple[str, Span], row: Mapping[str, Any], to: Any
    ) -> dict[str, Any]:
        """Adds a decision about the record of this place and these values, if there is one."""
        library, (media, span) = Library(self._layout.root), where
        entry = library.chosen(media)[0]
        record = {"start": span.start, "end": span.end, **row}
        what = "turn" if kind == "edge" else "word"
        if record not in library.table(what, media).select(list(record)).to_pylist():
            raise UsageError(f"{entry['uri']}: expected a {what} as it was found, got {record}")
        with held(self._layout):
            return self._gallery.add(kind, media=entry["digest"], **record, to=to)

    def forget(self, identity: str) -> str:
        """Its voices belong to nobody any more, and are not matched again. Returns its id."""
        with held(self._layout):
            who = self.find(identity)
            self._gallery.add("forgotten", identity=who.id, into=None)
        return who.id

    def undo(self, number: int | None = None) -> dict[str, Any]:
        """Takes a decision back: the one of that number, or the last one that a person could make.

        Raises:
            UsageError: no such decision, or nothing left to take back.
        """
        with held(self._layout):
            decisions = self._gallery.decisions()
            gone = {each["target"] for each in decisions if each["kind"] == "undone"}
            open_ = [
                each for each in decisions if each["number"] not in gone and each["kind"] in BY_HAND
            ]
            if number is not None:
                open_ = [each for each in decisions if each["number"] == number]
                open_ = [each for each in open_ if number not in gone]
            if not open_:
                what = "nothing was decided by hand" if number is None else f"no decision {number}"
                raise UsageError(
                    f"undo: {what} in {self._layout.root}, or it is taken back already"
                )
            self._gallery.add("undone", target=open_[-1]["number"])
        return open_[-1]

    def join(self, other: str | os.PathLike[str]) -> int:
        """Takes in the identities of another library, as they are there now: a copy, not a link.

        Each is matched to those known here; names come with them, and two who go by different names
        are never joined. Returns how many voices were taken in; those known already are not.
        """
        theirs = Corrections(other).known()
        with held(self._layout):
            mine = self._gallery.known()
            everybody = Everybody(mine.identities, mine.of)
            taken = {who.id: _counterpart(who, mine, everybody) for who in theirs.all()}
            rows = [
                plain(sample, taken[who.id], theirs.score[sample.key])
                for who in theirs.all()
                for sample in who.samples
                if sample.key not in mine.of
            ]
            if rows:
                self._gallery.add("seen", samples=rows, origin=str(Path(other).absolute()))
            after = self._gallery.known().identities
            for who in theirs.all():
                if who.name and taken[who.id] in after and after[taken[who.id]].name is None:
                    self._gallery.add("named", identity=taken[who.id], name=who.name)
        return len(rows)


# What can be taken back; the last two are of one file, the others of the whole library.
BY_HAND = (
    "named", "merged", "split", "apart", "forgotten", "joined", "confirmed", "word", "edge",
)  # fmt: skip


def _counterpart(who: Identity, mine: Known, everybody: Everybody) -> str:
    """The id under which somebody of another library is known here, or is to be known."""
    if who.id in mine.identities:
        return who.id
    for model in dict.fromkeys(sample.model for sample in who.samples):
        center = who.centroid(model)
        if center is not None:
            kind = next(sample.kind for sample in who.samples if sample.model == model)
            whole = Sample(who.id, "", "", model, center[1], center[0], kind)
            for _, found, score in matched([whole], everybody, MatchRule(founding=0.0)):
                names = {who.name, mine.identities[found].name} - {None} if score else set()
                if score is not None and len(names) < 2:
                    return found
    return who.id
