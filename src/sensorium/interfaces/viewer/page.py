"""A library as one HTML file that opens without a server and without a network."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sensorium.interfaces.text.timeline import Timeline, timelines
from sensorium.interfaces.text.units import clock, describe
from sensorium.interfaces.viewer import markup
from sensorium.interfaces.viewer.markup import escape, figure
from sensorium.interfaces.viewer.sheet import write_sheet as write_sheet
from sensorium.interfaces.viewer.style import css, script
from sensorium.interfaces.viewer.thumbnails import Picture, colours, faces, in_order, pictures, plan
from sensorium.library.library import Library
from sensorium.library.originals import changed
from sensorium.ports import Reader

PICTURES = 400  # in one page: some 8 MB
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "media-src 'self' file:"  # a page that is opened as a file has no 'self' in some browsers
)
_ZOOM = (
    '<button data-zoom="out" title="smaller">−</button>'
    '<button data-zoom="fit" title="all of it">fit</button>'
    '<button data-zoom="in" title="larger (or Ctrl and the wheel)">+</button>'
)


def write_page(
    library: Library,
    path: str | os.PathLike[str],
    reader: Reader,
    media: str | os.PathLike[str] | None = None,
) -> Path:
    """Writes one self-contained page of the library, or of the one input that `media` names.

    Pictures are read again from the media files through `reader`; where a file is gone or has
    changed, grey fields say so. Sound and pictures play where the original lies beside the page, or in a
    folder beside it; then both can be moved together. Nothing is embedded: sound would add some 15 MB an
    hour, and another copy of what is there already.

    A file shows at most 60 pictures and 20,000 words, the page 400 pictures; what is left out is
    said on the page.

    Raises:
        UsageError: no input of that name, or several.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    page = _Page(library, reader, library.chosen(media), target.parent)
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.writelines(page.parts())
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return target


class _Page:
    """The page in parts, one file in memory at a time."""

    def __init__(
        self, library: Library, reader: Reader, entries: Sequence[Mapping[str, Any]], folder: Path
    ) -> None:
        self._folder = folder.resolve()
        self._library = library
        self._reader = reader
        self._entries = in_order(entries)
        self._left = PICTURES

    def parts(self) -> Iterator[str]:
        yield self._head()
        open_grid = False
        for number, timeline in enumerate(timelines(self._library, self._entries)):
            if timeline.kind == "image" and not open_grid:
                yield '<section class="grid">'
            if timeline.kind != "image" and open_grid:
                yield "</section>"
            open_grid = timeline.kind == "image"
            yield self._image(timeline, number) if open_grid else self._file(timeline, number)
        if open_grid:
            yield "</section>"
        yield f"</main><dialog></dialog><script>{script()}</script></body></html>\n"

    def _head(self) -> str:
        title = escape(self._library.path.resolve().name)
        links = "".join(
            f'<a href="#f{number}">{escape(self._library.called(entry["uri"]))}</a>'
            for number, entry in enumerate(self._entries)
        )
        nav = f"<nav>{links}</nav>" if len(self._entries) > 1 else ""
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
            f"<title>{title} · Sensorium</title><style>{css()}</style></head><body><main>"
            f'<h1>{title}</h1><p class="soft">{escape(_sum(self._entries))}</p>{nav}'
        )

    def _pictures(self, timeline: Timeline, side: int) -> tuple[list[Picture], str]:
        """(pictures, what is to be said of those that are left out)."""
        times, num_all = plan(timeline)
        if times and self._left < len(times):
            return [], f"No pictures: this page has {PICTURES} already. Ask for this file alone."
        self._left -= len(times)
        note = f"{len(times)} of {num_all} pictures are shown." if num_all > len(times) else ""
        return pictures(timeline, self._reader, side, times), note

    def _image(self, timeline: Timeline, number: int) -> str:
        shown, note = self._pictures(timeline, 640)
        told = colours(timeline)
        frame = "".join(f"{figure(each, told, 640, _fitted(each))}</figure>" for each in shown)
        count = Counter(row["label"] for row in timeline.regions)
        found = ", ".join(f"{n} {label}{'s' * (n > 1)}" for label, n in count.items())
        return (
            f'<article id="f{number}"><div class="frame">{frame or escape(note)}</div>'
            f'<h2 title="{escape(timeline.uri)}">{escape(timeline.name)}</h2>'
            f'<p class="soft">{escape(describe(timeline.about))}</p>'
            f'<p class="soft">{escape(found or "no faces")}</p>{markup.errors(timeline)}</article>'
        )

    def _file(self, timeline: Timeline, number: int) -> str:
        path = (
            f'<p class="path">{escape(timeline.uri)}</p>' if timeline.name != timeline.uri else ""
        )
        head = (
            f'<article id="f{number}"><header><h2>{escape(timeline.name)}</h2>'
            f'<p class="soft">{escape(describe(timeline.about))}</p>{path}</header>'
        )
        body = self._body(timeline) if timeline.about else ""
        return f"{head}{body}{markup.errors(timeline)}</article>"

    def _body(self, timeline: Timeline) -> str:
        told, length = colours(timeline), max(timeline.duration, 0.001)
        shown, note = self._pictures(timeline, 400)
        cuts = faces(timeline, self._reader) if shown else {}
        rows = [('<div class="ruler"></div>', '<div class="lane ruler"></div>')]
        if shown:
            rows.insert(0, ('<div class="strip">pictures</div>', markup.strip(shown, told, length)))
        rows += markup.lanes(timeline, told, length)
        talk = markup.transcript(timeline, told)
        address = self._beside(timeline)
        player, notes = markup.player(timeline, address), [note] if note else []
        if not address:
            notes.append("To hear it here, write the page into the folder of the file.")
        if len(timeline.words) > markup.MOST_WORDS:
            notes.append(f"The first {markup.MOST_WORDS} of {len(timeline.words)} words are shown.")
        return (
            f"{markup.people(timeline, told, cuts)}"
            f'<div class="body av{"" if talk else " bare"}" data-length="{length:.3f}"><div>{player}'
            f'<div class="tools">{_ZOOM}</div><div class="board">'
            f'<div class="labels">{"".join(label for label, _ in rows)}</div>'
            f'<div class="scroll"><div class="track">{"".join(lane for _, lane in rows)}'
            f'<div class="cursor"></div></div></div></div>'
            f'<p class="note">{escape(" ".join(notes))}</p></div>{talk}</div>'
        )

    def _beside(self, timeline: Timeline) -> str:
        """The address of the original, relative to the page; empty where it does not lie beside or below."""
        original = Path(timeline.uri).resolve()
        if not original.is_relative_to(self._folder):
            return ""
        if changed(timeline.uri, timeline.digest, timeline.stat, self._reader):
            return ""
        return quote(original.relative_to(self._folder).as_posix())


def _sum(entries: Sequence[Mapping[str, Any]]) -> str:
    refs = [entry.get("ref") or {} for entry in entries]
    count = Counter(ref.get("kind", "") for ref in refs)
    named = {"video": "video", "audio": "recording", "image": "image"}
    parts = [f"{count[k]} {name}{'s' * (count[k] > 1)}" for k, name in named.items() if count[k]]
    if count[""]:
        parts.append(f"{count['']} could not be read")
    seconds = sum(ref.get("duration") or 0.0 for ref in refs if ref.get("kind") != "image")
    length = f", {clock(seconds, padded=False)} of video and sound" if seconds else ""
    return (", ".join(parts) or "nothing in it yet") + length


def _fitted(picture: Picture) -> str:
    """An image whole within its field of 230 pixels' height."""
    ratio = picture.width / picture.height
    return f"aspect-ratio:{ratio:.4f};max-width:100%;" + (
        "height:230px" if ratio < 1.1 else "width:100%"
    )
