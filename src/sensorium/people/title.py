"""A title, a film or a series, as numbers: who is seen how long, who says what, who is there with whom."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorium.core.errors import UsageError
from sensorium.core.people.identity import Identity
from sensorium.core.time import Span
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.library.together import Together
from sensorium.people.claim import read_scene

if TYPE_CHECKING:
    import pandas as pd

Spans = dict[str, list[Span]]


@dataclass(frozen=True, slots=True)
class Episode:
    """One file of a title: by identity, when somebody is `seen` and `heard`, in order and without overlap,
    and what is said, (span, identity, text) each. `duration` in seconds.
    """

    entry: Mapping[str, Any]
    duration: float
    seen: Spans
    heard: Spans
    lines: tuple[tuple[Span, str, str], ...]

    @property
    def uri(self) -> str:
        """The path of the file."""
        return str(self.entry["uri"])


class Title:
    """All files of a library, or those below one folder, as one film or series.

    `folder` is its path, or the end of it (``"series/season 1"``). Files are read one at a time and again
    for each table; names are those of now. Every table is a pandas DataFrame, times are in seconds.

    Raises:
        UsageError: no input lies in the folder.

    Example::

        title = sm.Library("library").title("series/season 1")
        title.screen_time()      # one row a file and person
        title.together()         # who is to be seen with whom
    """

    def __init__(self, library: Library, folder: str | os.PathLike[str] | None = None) -> None:
        self._library = library
        self.known = library.known()
        inputs = [entry for entry in library.inputs() if entry.get("results")]
        self.entries = [
            entry for entry in inputs if folder is None or _within(entry["uri"], folder)
        ]
        if folder is not None and not self.entries:
            folders = sorted({os.path.dirname(entry["uri"]) for entry in inputs})[:5]
            raise UsageError(
                f"title: expected a folder of inputs of {library.path}, got {os.fspath(folder)!r}; "
                f"there are: {', '.join(folders) or 'none'}"
            )

    def episodes(self) -> Iterator[Episode]:
        """The files, in order of their paths, one in memory at a time."""
        layout = Layout(self._library.path)
        for entry in self.entries:
            scene = read_scene(Together(layout, [entry]), entry)
            lines = []
            for key, group in groupby(scene.words, key=lambda word: word[2]):
                said, whose = list(group), self.known.of.get(key or "")
                if whose:
                    text = " ".join(text for _, text, _ in said)
                    lines.append((Span(said[0][0].start, said[-1][0].end), whose, text))
            seen, heard = self._by_identity(scene.faces), self._by_identity(scene.turns)
            ends = [span.end for some in (seen, heard) for spans in some.values() for span in spans]
            length = (entry.get("ref") or {}).get("duration") or 0.0
            yield Episode(entry, max([length, *ends]), seen, heard, tuple(lines))

    def _by_identity(self, found: Sequence[tuple[Span, str]]) -> Spans:
        whose: Spans = {}
        for span, key in found:
            if identity := self.known.of.get(key):
                whose.setdefault(identity, []).append(span)
        return {identity: _merged(spans) for identity, spans in whose.items()}

    def people(self) -> list[Identity]:
        """Who is in it, whom to look at first: names in dispute, the unknown, then the least sure."""
        keys = {entry["uri"] for entry in self.entries}
        there = [who for who in self.known.all() if any(s.uri in keys for s in who.samples)]
        return sorted(there, key=doubtful)

    def screen_time(self) -> pd.DataFrame:
        """One row a file and person: uri, identity, name, seconds (on screen), spoken (seconds), first
        and last (when seen or heard).
        """
        rows = []
        for episode in self.episodes():
            for who in dict.fromkeys([*episode.seen, *episode.heard]):
                seen, heard = episode.seen.get(who, []), episode.heard.get(who, [])
                both = [*seen, *heard]
                first, last = min(s.start for s in both), max(s.end for s in both)
                rows.append(
                    (episode.uri, who, self._name(who), length(seen), length(heard), first, last)
                )
        columns = ["uri", "identity", "name", "seconds", "spoken", "first", "last"]
        return _frame(rows, columns)

    def lines(self) -> pd.DataFrame:
        """What is said, one row for what somebody says in one go: uri, start, end, identity, name, text."""
        rows = [
            (episode.uri, span.start, span.end, who, self._name(who), text)
            for episode in self.episodes()
            for span, who, text in episode.lines
        ]
        return _frame(rows, ["uri", "start", "end", "identity", "name", "text"])

    def together(self) -> pd.DataFrame:
        """Who is to be seen with whom, the most first: identity, name, other, other_name, seconds, files."""
        found: dict[tuple[str, str], list[float]] = {}
        for episode in self.episodes():
            for pair in combinations(sorted(episode.seen), 2):
                if seconds := common(*(episode.seen[each] for each in pair)):
                    found.setdefault(pair, []).append(seconds)
        rows = [
            (a, self._name(a), b, self._name(b), sum(times), len(times))
            for (a, b), times in sorted(found.items(), key=lambda each: -sum(each[1]))
        ]
        return _frame(rows, ["identity", "name", "other", "other_name", "seconds", "files"])

    def _name(self, identity: str) -> str | None:
        who = self.known.identities.get(identity)
        return who.name if who else None


def doubtful(who: Identity) -> tuple[int, float]:
    """The place of somebody where the doubtful come first: names in dispute, the unknown, the named."""
    rank = 2 if who.name else 0 if who.claims else 1
    return rank, who.score or -(who.on_screen + who.seconds)


def length(spans: Sequence[Span]) -> float:
    """Seconds of spans that do not overlap."""
    return sum(span.duration for span in spans)


def common(some: Sequence[Span], others: Sequence[Span]) -> float:
    """Seconds that two lists of spans share, both in order and without overlap.

    >>> common([Span(0, 2), Span(5, 9)], [Span(1, 6)])
    2.0
    """
    total, i, j = 0.0, 0, 0
    while i < len(some) and j < len(others):
        total += max(some[i].overlap(others[j]), 0.0)
        if some[i].end <= others[j].end:
            i += 1
        else:
            j += 1
    return total


def _merged(spans: Sequence[Span]) -> list[Span]:
    done: list[Span] = []
    for span in sorted(spans):
        if done and span.start <= done[-1].end:
            done[-1] = Span(done[-1].start, max(done[-1].end, span.end))
        else:
            done.append(span)
    return done


def _within(uri: str, folder: str | os.PathLike[str]) -> bool:
    parts, wanted = Path(uri).parent.parts, Path(folder).expanduser().parts
    if Path(folder).expanduser().is_absolute():
        return parts[: len(wanted)] == wanted
    at = range(len(parts) - len(wanted) + 1)
    absolute = Path(os.path.abspath(folder)).parts
    return parts[: len(absolute)] == absolute or any(
        parts[i : i + len(wanted)] == wanted for i in at
    )


def _frame(rows: list[Any], columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=columns)
