"""What people do in the viewer, as decisions of the gallery, and what was done so far in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sensorium.core.errors import UsageError
from sensorium.core.time import Span
from sensorium.interfaces.viewer.told import entry_of
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.ops.people.known import Known
from sensorium.people.decision import BY_HAND, Corrections

Deed = Mapping[str, Any]


def decide(library: Library, deed: Deed) -> dict[str, Any]:
    """Does what `deed` says; ``do`` is one of `DEEDS`. Returns the decision's number and what it says.

    Raises:
        UsageError: something that is not there, or cannot be.
        LibraryError: another run is writing to the library.
    """
    DEEDS[deed["do"]](Corrections(library.path), library, deed)
    last = Gallery(Layout(library.path)).decisions()[-1]
    return {"number": last["number"], "text": _in_words(last, library.known())}


def undo(library: Library, number: int | None) -> dict[str, Any]:
    """Takes back the decision of that number, or the last one. Returns its number and what it said.

    Raises:
        UsageError: nothing to take back; a decision that no person made.
    """
    said, known = Corrections(library.path), library.known()
    kinds = {each["number"]: each["kind"] for each in Gallery(Layout(library.path)).decisions()}
    if number is not None and kinds.get(number) not in BY_HAND:
        raise UsageError(f"undo: expected the number of a correction, got {number}")
    gone = said.undo(number)
    return {"number": gone["number"], "text": _in_words(gone, known)}


def history(library: Library, limit: int = 200) -> list[dict[str, Any]]:
    """What can be taken back, the last first; ``undone`` where it was."""
    decisions, known = Gallery(Layout(library.path)).decisions(), library.known()
    gone = {each["target"] for each in decisions if each["kind"] == "undone"}
    hand = [each for each in decisions if each["kind"] in BY_HAND][::-1][:limit]
    return [
        {"number": n, "undone": n in gone, "text": _in_words(each, known), "kind": each["kind"]}
        for each in hand
        for n in (each["number"],)
    ]


def _word(said: Corrections, library: Library, deed: Deed) -> None:
    span, uri = Span(deed["start"], deed["end"]), entry_of(library, deed["file"])["uri"]
    said.fix_word(uri, span, deed["heard"], deed["to"], deed["channel"])


def _edge(said: Corrections, library: Library, deed: Deed) -> None:
    found, to = Span(deed["start"], deed["end"]), Span(deed["to_start"], deed["to_end"])
    said.move_turn(entry_of(library, deed["file"])["uri"], found, deed["speaker"], to)


DEEDS: Mapping[str, Callable[[Corrections, Library, Deed], object]] = {
    "name": lambda said, _, deed: said.name(deed["identity"], deed["name"]),
    "merge": lambda said, _, deed: said.merge(deed["identity"], deed["other"]),
    "split": lambda said, _, deed: said.split(deed["identity"], deed["samples"]),
    "apart": lambda said, _, deed: said.apart(deed["identity"], deed["other"]),
    "disown": lambda said, _, deed: said.disown(deed["sample"]),
    "confirm": lambda said, _, deed: said.confirm(deed["sample"]),
    "word": _word,
    "edge": _edge,
}


def _in_words(decision: Mapping[str, Any], known: Known) -> str:
    def who(key: str) -> str:
        found = known.identities.get(decision[key])
        return found.name if found and found.name else decision[key]

    kind = decision["kind"]
    if kind == "named":
        named = decision["name"]
        return f"{decision['identity']} is {named}" if named else f"{who('identity')} has no name"
    if kind in ("merged", "joined"):
        return f"{who('identity')} is the same as {who('into')}"
    if kind == "split":
        return f"{decision['into']} is not {who('identity')}"
    if kind == "apart":
        return f"{who('identity')} is not {who('other')}"
    if kind == "confirmed":
        return f"{decision['sample'].rpartition('/')[2]} surely is {who('identity')}"
    if kind == "word":
        same = decision["text"] == decision["to"]
        return (
            f"“{decision['text']}” is right"
            if same
            else f"“{decision['text']}” is “{decision['to']}”"
        )
    if kind == "edge":
        start, end = decision["to"]
        return f"a turn of {decision['speaker']} is {start:.2f} to {end:.2f} s"
    return f"{who('identity')} is forgotten"
