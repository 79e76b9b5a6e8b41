"""Whose a voice or a face of a file is, without reading any result: by the keys in the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensorium.adapters.stores.full_text import Filter, FullText, Label
from sensorium.core.errors import UsageError
from sensorium.core.people.identity import Identity
from sensorium.library.library import Library
from sensorium.ops.text.tokens import indexed

Pair = tuple[str, str]  # (path of the input, label in it or name in its subtitles)


class Whose:
    """The identities behind the labels of some files; `labels` are all labels of the index."""

    def __init__(self, library: Library, index: FullText) -> None:
        self.known = library.known()
        self.labels: list[tuple[str, Label]] = list(index.labels())
        self._who: dict[Pair, Identity] = {}
        for uri, label in self.labels:
            identity = self.known.identities.get(self.known.of.get(label.key) or "")
            if identity is not None:
                self._who[uri, label.label] = identity

    def of(self, uri: str, label: str | None) -> Identity | None:
        """The identity of a label; None where it is not known, or there is no label."""
        return self._who.get((uri, label)) if label else None

    def of_key(self, key: str) -> Identity | None:
        """The identity of a voice or face by its key."""
        return self.known.identities.get(self.known.of.get(key) or "")

    def pairs(self, speaker: str) -> list[Pair]:
        """Where somebody is, given by name, id, label in a file (S1, P1), or name in subtitles.

        Names are compared without case and accents.

        Raises:
            UsageError: nobody of that name; the message lists who there is.
        """
        wanted = indexed(speaker)
        found = [
            pair
            for pair, who in self._who.items()
            if speaker == who.id or (wanted and wanted == indexed(who.name or ""))
        ]
        for uri, each in self.labels:
            alike = each.kind == "subtitle" and wanted == indexed(each.label)
            if each.label == speaker or (wanted and alike):
                found.append((uri, each.label))
        if not found:
            raise UsageError(
                f"{speaker!r}: expected the name, the id or the label of somebody; there are: "
                f"{', '.join(self._there()) or 'none'}"
            )
        return list(dict.fromkeys(found))

    def _there(self, num: int = 12) -> Sequence[str]:
        called = [f"{who.name} ({who.id})" if who.name else who.id for who in self.known.all()]
        names = dict.fromkeys([*called, *(each.label for _, each in self.labels)])
        return [*list(names)[:num], *(["..."] if len(names) > num else [])]


def told(who: Identity | None) -> Mapping[str, Any]:
    """Name and id of an identity as columns of a hit."""
    return {"name": who.name if who else None, "identity": who.id if who else None}


def allowed(uri: str, label: Label, wanted: Filter) -> bool:
    """Whether a voice or face is among what may be found, whatever its kind."""
    if wanted.uris is not None and uri not in wanted.uris:
        return False
    if wanted.labels is not None and (uri, label.label) not in wanted.labels:
        return False
    return within(label.start, label.end, wanted)


def within(start: float | None, end: float | None, wanted: Filter) -> bool:
    """Whether a stretch touches the one that may be found; what has no time does not."""
    if wanted.between is None:
        return True
    if start is None or end is None:
        return False
    return start < wanted.between[1] and max(start, end) >= wanted.between[0]
