"""What an agent may ask of a library. Nothing outside of its inputs is read; nothing is written."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.errors import UsageError
from sensorium.core.people.identity import Identity
from sensorium.interfaces.agent.answers import Answer, begin, page
from sensorium.interfaces.text.timeline import (
    rows,
    timelines,
    utterances,
    words_and_turns,
)
from sensorium.interfaces.text.units import clock
from sensorium.interfaces.viewer.thumbnails import pictures
from sensorium.library.library import Library
from sensorium.library.library_file import names
from sensorium.ops.speech.utterance import Row, called

MOST_FRAMES = 8
SMALLEST, LARGEST = 64, 1280  # pixels of a picture's longer side


class LibraryTools:
    """The tools, each a method whose docstring is what the agent reads.

    A file is given by its name as `list_files` tells it, its path, or its digest, and is one of the
    library's inputs. `extract_from` are the folders whose files may be added, none: nothing may.
    """

    def __init__(
        self, library: Library, extract_from: Sequence[str | os.PathLike[str]] = ()
    ) -> None:
        self._library = library
        self._extract_from = [Path(each).expanduser().resolve() for each in extract_from]

    @property
    def may_extract(self) -> bool:
        """Whether files may be added."""
        return bool(self._extract_from)

    def list_files(self, cursor: str = "", limit: int = 50) -> Answer:
        """List the files of the library: name, kind, length in seconds.

        Use the names with the other tools. `next` in the answer is the cursor of the next page.
        """
        entries = self._library.inputs()
        told = names(entries)

        def shown(entry: Row) -> Answer:
            ref = entry.get("ref") or {}
            kind = ref.get("kind") or "could not be read"
            return {"file": told[entry["uri"]], "kind": kind, "seconds": ref.get("duration")}

        return {**page(entries, cursor, limit, shown), "total": len(entries)}

    def transcript(
        self,
        file: str,
        start: float = 0.0,
        end: float | None = None,
        cursor: str = "",
        limit: int = 40,
    ) -> Answer:
        """What is said in a file, utterance by utterance, with the speaker and the time in seconds.

        `start` and `end` narrow it to a span. Speakers without a known name are S1, S2, ... in a file.
        """
        entry = self._entry(file)
        words, _ = words_and_turns(self._library, entry, self._library.who_is_who([entry]))
        until = float("inf") if end is None else end
        if not start < until:
            raise UsageError(f"start, end: expected seconds, start first; got {start:g}, {end}")
        said = (row for row in utterances(words) if row["start"] < until and row["end"] > start)

        def shown(row: Row) -> Answer:
            who = {"speaker": called(row), "face": row["person"]}
            return {"start": row["start"], "end": row["end"], **who, "text": row["text"]}

        return page(said, cursor, limit, shown)

    def who_appears(self, file: str, cursor: str = "", limit: int = 50) -> Answer:
        """Who is heard and who is seen in a file, for how many seconds, and when first or best.

        A voice (S1) and a face (P1) with one `identity` are one person.
        """
        return page(self._appear(self._entry(file)), cursor, limit, dict)

    def _appear(self, entry: Row) -> Iterator[Answer]:
        known = self._library.who_is_who([entry])
        who = known.of(entry)
        turns: dict[str, list[Row]] = {}
        for turn in words_and_turns(self._library, entry, known)[1]:
            turns.setdefault(turn["speaker"], []).append(turn)
        for label, mine in turns.items():
            seconds = sum(turn["end"] - turn["start"] for turn in mine)
            times = {"heard_seconds": seconds, "first_at": mine[0]["start"]}
            yield {"label": label, **_identity(who.get(label)), **times}
        persons = rows(self._library, entry, "person")
        for row in sorted(persons, key=lambda row: -(row["duration"] or 0.0)):
            times = {"seen_seconds": row["duration"], "best_picture_at": row["at"]}
            yield {"label": row["person"], **_identity(who.get(row["person"])), **times}

    def find(
        self,
        text: str,
        speaker: str = "",
        file: str = "",
        kind: str = "",
        between: list[float] | None = None,
        cursor: str = "",
        limit: int = 20,
    ) -> Answer:
        """Search all files for what was said, written on the screen, in subtitles, and for names.

        `text`: words that must all be there, "phrases in quotes" and prefixes (clim*), any language.
        `speaker` narrows it to somebody (a name, or S1, P1), `kind` to word, text, subtitle or name,
        `between` to [start, end] in seconds of the file. Matches stand between ** in the text.
        """
        first = begin(cursor)
        between_ = None if between is None else tuple(between)
        options: dict[str, Any] = {"speaker": speaker or None, "kind": kind or None}
        options |= {"media": self._entry(file)["uri"] if file else None, "between": between_}
        found = self._library.find(text, **options, limit=min(first + max(limit, 1) + 1, 10_000))

        def shown(hit: Row) -> Answer:
            who = hit["name"] or hit["speaker"] or hit["person"]
            file = self._library.called(hit["uri"])
            place = {"file": file, "at": hit["at"], "kind": hit["kind"]}
            return {**place, "who": who, "text": hit["marked"]}

        return page(found.to_dict("records"), cursor, limit, shown)

    def cast(self, cursor: str = "", limit: int = 50) -> Answer:
        """Everyone whom the library knows: name, how sure it is, in how many files, heard and seen."""

        def shown(who: Identity) -> Answer:
            files = {sample.uri for sample in who.samples}
            times = {"heard_seconds": who.seconds, "seen_seconds": who.on_screen}
            return {**_identity(who), "probability": who.score, **times, "files": len(files)}

        return page(self._library.known().all(), cursor, limit, shown)

    def digest(self, file: str, budget: int = 1500) -> str:
        """What happens in a file, in order of time, in at most `budget` tokens; start with this.

        What is left out stands as [...]; `transcript` has all that is said.
        """
        return str(self._library.prompt(self._entry(file)["uri"], budget))

    def frames(
        self,
        file: str,
        start: float = 0.0,
        end: float | None = None,
        num: int = 4,
        max_side: int = 512,
    ) -> list[tuple[str, bytes]]:
        """Pictures of a video between `start` and `end` in seconds, or an image itself, as JPEG.

        `num` (1 to 8) pictures at even distances, `max_side` pixels (64 to 1280) on the longer side.
        """
        if not 1 <= num <= MOST_FRAMES or not SMALLEST <= max_side <= LARGEST:
            raise UsageError(
                f"num, max_side: expected 1 to {MOST_FRAMES} pictures of {SMALLEST} to {LARGEST} pixels, "
                f"got {num} of {max_side}"
            )
        timeline = next(timelines(self._library, [self._entry(file)]))
        if timeline.kind not in ("video", "image"):
            raise UsageError(
                f"{file}: expected a file with pictures, it is {timeline.kind or 'unread'}"
            )
        until = min(timeline.duration if end is None else end, timeline.duration)
        still = timeline.kind == "image"
        if not still and not 0 <= start < until:
            raise UsageError(
                f"start, end: expected seconds within 0 to {timeline.duration:.2f}, got {start:g}, {end}"
            )
        times = [0.0] if still else [start + (i + 0.5) * (until - start) / num for i in range(num)]
        shown = pictures(timeline, MediaReader(), max_side, times)
        missing = next((each.missing for each in shown if each.pixels is None), None)
        if missing is not None and all(each.pixels is None for each in shown):
            raise UsageError(f"{file}: no picture can be shown: {missing}")
        return [
            (timeline.name if still else f"{timeline.name} at {clock(each.at)}", _jpeg(each.pixels))
            for each in shown
            if each.pixels is not None
        ]

    def extract(self, path: str) -> Answer:
        """Add a file of this machine to the library: takes about as long as the file itself.

        Only files in the folders that were allowed when the server was started.
        """
        from sensorium.core.config import Config
        from sensorium.run.executors import Options
        from sensorium.run.extract import run
        from sensorium.run.progress import Watcher

        file = self._allowed(path)
        (outcome,) = run([file], self._library.path, Config(), Options(num_workers=1), Watcher())
        failures = [failure.message for failure in outcome.failures]
        return {"file": self._library.called(outcome.uri), "failures": failures}

    def _allowed(self, path: str) -> Path:
        """The file itself, whatever links lead to it."""
        file = Path(path).expanduser().resolve()
        if not any(file.is_relative_to(folder) for folder in self._extract_from):
            where = ", ".join(str(each) for each in self._extract_from) or "no folder"
            raise UsageError(f"{path}: expected a file in {where}; nothing else may be read")
        if not file.is_file():
            raise UsageError(f"{path}: expected a file, there is none")
        return file

    def _entry(self, file: str) -> Row:
        return self._library.chosen(file)[0]


def _identity(who: Identity | None) -> Answer:
    return {"name": who.name if who else None, "identity": who.id if who else None}


def _jpeg(pixels: Any) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=85)
    return data.getvalue()
