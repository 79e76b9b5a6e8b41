"""Everyone whom a library knows, by voice or face: who is who, why, and what people say about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sensorium.core.errors import UsageError
from sensorium.core.lazy import Shown
from sensorium.core.people.identity import Identity
from sensorium.people.decision import Corrections
from sensorium.people.name import explained, named

if TYPE_CHECKING:
    import pandas as pd


class Cast(Corrections, Shown):
    """The identities of a library: everyone who was heard or seen, over all its files.

    Whoever is named here is so named in all files of the library and in those to come. Every call
    is a decision that is added to the library's gallery and can be taken back with `undo`.

    An identity is given by its id (``"V3f2a91c0"``) or by its name, where only one has that name.

    Raises:
        LibraryError: no library, or another run is writing to it.

    Example::

        cast = sm.Cast("library")
        cast.table()                          # identity, name, kind, where
        cast.explain("V3f2a91c0")             # the evidence for every name
        cast.name("V3f2a91c0", "Barack Obama")
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._layout.root)!r}, {len(self.all())} identities)"

    def __getitem__(self, identity: str) -> Identity:
        """The identity of an id or name: ``cast["Barack Obama"]``."""
        return self.find(identity)

    def __iter__(self) -> Iterator[Identity]:
        return iter(self.all())

    def __contains__(self, identity: object) -> bool:
        """Whether it has somebody of that id or name, and just one."""
        try:
            return isinstance(identity, str) and bool(self.find(identity))
        except UsageError:
            return False

    def _ipython_key_completions_(self) -> list[str]:
        return [who.name or who.id for who in self.all()]

    def all(self) -> list[Identity]:
        """Every identity, the one heard longest first."""
        return self._gallery.known().all()

    def table(self) -> pd.DataFrame:
        """One row per voice or face of a file: identity, name, name_score, kind, uri, label, seconds,
        score, sample.

        `score` is the probability with which the sample was joined to its identity, empty for the one
        that founded it or was joined by the face that it spoke from; `name_score` that of the name.
        """
        return named(self._gallery.known())

    def explain(self, identity: str) -> pd.DataFrame:
        """Why an identity has its name, or none: one row per claim, the best names first.

        Columns: name, probability (of the name, from all its claims), source, score (of this claim
        alone), uri, start, end, quote.
        """
        return explained(self.find(identity))

    def unused(self) -> list[dict[str, str]]:
        """What of the cast list could not be used: `what`, and the `message` that says why."""
        return list(self._gallery.known().cast.get("unused", ()))
