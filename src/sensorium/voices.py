"""The same speaker across files: who is recognised, and what people say about it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorium.core.config import Config
from sensorium.core.errors import LibraryError, UsageError
from sensorium.core.identity import Identity, Sample
from sensorium.identification import heard, matched, plain
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.library.lock import held
from sensorium.ops.identities import Known, MatchRule, halves, new_id

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of an enrolment; `score` is how sure it is that the voice was known before."""

    identity: str
    name: str
    seconds: float
    score: float | None


class Voices:
    """The identities of a library: every voice that was heard, over all its files.

    Whoever is named here is so named in all files of the library and in those to come. Every call
    is a decision that is added to the library's gallery and can be taken back with `undo`.

    An identity is given by its id (``"V3f2a91c0"``) or by its name, where only one has that name.

    Raises:
        LibraryError: no library, or another run is writing to it.

    Example::

        voices = sm.Voices("library")
        voices.table()                        # id, name, seconds, files
        voices.name("V3f2a91c0", "Barack Obama")
    """

    def __init__(self, library: str | os.PathLike[str]) -> None:
        self._layout = Layout(library)
        if not self._layout.root.is_dir():
            raise LibraryError(f"{library}: no such folder; make a library with: sensorium extract")
        self._layout.check()
        self._gallery = Gallery(self._layout)

    def __repr__(self) -> str:
        return f"Voices({str(self._layout.root)!r}, {len(self.all())} identities)"

    def all(self) -> list[Identity]:
        """Every identity, the one heard longest first."""
        return self._gallery.known().all()

    def find(self, identity: str) -> Identity:
        """The identity of an id or name.

        Raises:
            UsageError: none, or several of that name.
        """
        return self._gallery.known().find(identity)

    def table(self) -> pd.DataFrame:
        """One row per voice of a file: identity, name, score, uri, speaker, seconds, sample.

        `score` is the probability with which the voice was joined to its identity; empty for the one
        that founded it.
        """
        import pandas as pd

        known = self._gallery.known()
        columns = ["identity", "name", "score", "uri", "speaker", "seconds", "sample"]
        rows = [
            (who.id, who.name, known.score[s.key], s.uri, s.label, s.seconds, s.key)
            for who in known.all()
            for s in who.samples
        ]
        return pd.DataFrame(rows, columns=columns)

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

    def forget(self, identity: str) -> str:
        """Its voices belong to nobody any more, and are not matched again. Returns its id."""
        with held(self._layout):
            who = self.find(identity)
            self._gallery.add("forgotten", identity=who.id, into=None)
        return who.id

    def undo(self, number: int | None = None) -> dict[str, Any]:
        """Takes a decision back: the one of that number, or the last one made by hand.

        Raises:
            UsageError: no such decision, or nothing left to take back.
        """
        with held(self._layout):
            decisions = self._gallery.decisions()
            gone = {each["target"] for each in decisions if each["kind"] == "undone"}
            open_ = [
                each
                for each in decisions
                if each["number"] not in gone and each["kind"] not in ("seen", "undone")
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

    def enroll(
        self, name: str, clip: str | os.PathLike[str], config: Config | None = None
    ) -> Enrolled:
        """Learns a voice from a recording in which one person speaks.

        Where the voice is that of an unnamed identity, that one gets the name.

        Raises:
            UsageError: no name, under a second of speech, two voices in the clip, or a voice that
                goes by another name already.
            MediaError: a clip that cannot be read or has no sound.
        """
        if not name.strip():
            raise UsageError("enroll: expected a name, got an empty one")
        sample = heard(clip, config or Config())
        with held(self._layout):
            known = self._gallery.known()
            if known.of.get(sample.key):
                raise UsageError(f"{clip}: enrolled already, as {known.of[sample.key]}")
            found = matched([sample], known, MatchRule(founding=0.0))
            if not found:
                raise UsageError(f"{sample.model}: no calibration is registered for this encoder")
            _, whose, score = found[0]
            before = known.identities.get(whose)
            if before is not None and before.name not in (None, name.strip()):
                raise UsageError(
                    f"{clip}: this voice is known as {before.name} ({whose}, probability {score:.2f}); "
                    f"rename it with: sensorium voices LIBRARY name {whose} {name.strip()!r}"
                )
            self._gallery.add("seen", samples=[plain(sample, whose, score)])
            self._gallery.add("named", identity=whose, name=name.strip())
        return Enrolled(whose, name.strip(), sample.seconds, score)

    def join(self, other: str | os.PathLike[str]) -> int:
        """Takes in the identities of another library, as they are there now: a copy, not a link.

        Each is matched to those known here; names come with them, and two who go by different names
        are never joined. Returns how many voices were taken in; those known already are not.
        """
        theirs = Voices(other)._gallery.known()
        with held(self._layout):
            mine = self._gallery.known()
            taken = {who.id: _counterpart(who, mine) for who in theirs.all()}
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


def _counterpart(who: Identity, mine: Known) -> str:
    """The id under which somebody of another library is known here, or is to be known."""
    if who.id in mine.identities:
        return who.id
    for model in dict.fromkeys(sample.model for sample in who.samples):
        center = who.centroid(model)
        if center is not None:
            whole = Sample(who.id, "", "", model, center[1], center[0])
            for _, found, score in matched([whole], mine, MatchRule(founding=0.0)):
                names = {who.name, mine.identities[found].name} - {None} if score else set()
                if score is not None and len(names) < 2:
                    return found
    return who.id
