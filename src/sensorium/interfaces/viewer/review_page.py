"""A page to look over who is who: every identity with its faces, names and evidence."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from numpy.typing import NDArray

from sensorium.core.people.identity import Identity
from sensorium.interfaces.text.timeline import timelines
from sensorium.interfaces.viewer.markup import escape
from sensorium.interfaces.viewer.thumbnails import faces, jpeg_uri
from sensorium.library.library import Library
from sensorium.people.cast import Cast
from sensorium.people.title import doubtful
from sensorium.ports import Reader

_MOST = 8  # faces of one identity that are shown
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}article{border-top:1px solid #bbb;padding:1rem 0}"
    "h2{font-size:1.1rem;margin:0}img{height:96px;border-radius:6px;margin:.5rem .4rem .2rem 0}"
    "code{background:#eee;padding:.1rem .3rem;border-radius:3px}li{margin:.1rem 0}"
    ".doubt{color:#a4380a}@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}"
    "code{background:#333}.doubt{color:#f0a070}}"
)


def write_review(
    cast: Cast, library: str | os.PathLike[str], path: str | os.PathLike[str], reader: Reader
) -> Path:
    """Writes one self-contained page; pictures are read again from the media files.

    The identities that most need a look come first: names in dispute, then those without a name.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.writelines(_parts(cast, Library(library), reader))
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def _parts(cast: Cast, library: Library, reader: Reader) -> Iterator[str]:
    cut = _faces(cast, library, reader)
    everyone = sorted(cast.all(), key=doubtful)
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield f"<title>Who is who</title><style>{_STYLE}</style><h1>Who is who: {len(everyone)}</h1>"
    folder = escape(os.fspath(library.path))
    yield f"<p>Commands take <code>--library {folder}</code>; every decision can be undone.</p>"
    for who in everyone:
        yield _article(who, cut.get(who.id, []))


def _faces(cast: Cast, library: Library, reader: Reader) -> dict[str, list[NDArray]]:
    """Identity -> its best pictures, one per file."""
    whose = {(s.uri, s.label): who.id for who in cast.all() for s in who.samples}
    found: dict[str, list[NDArray]] = {}
    for timeline in timelines(library, library.chosen()):
        for person, pixels in faces(timeline, reader).items():
            identity = whose.get((timeline.uri, person))
            if identity and pixels is not None and len(found.setdefault(identity, [])) < _MOST:
                found[identity].append(pixels)
    return found


def _article(who: Identity, pictures: list[NDArray]) -> str:
    shown = "".join(f'<img alt="" src="{jpeg_uri(pixels, 192)}">' for pixels in pictures)
    sure = "by hand" if who.score == 1.0 else f"{who.score:.2f}" if who.score else "unknown"
    heard = f"heard {who.seconds:.1f} s, seen {who.on_screen:.1f} s"
    doubt = "" if who.name else ' class="doubt"'
    return (
        f"<article><h2{doubt}>{escape(who.name or '(unknown)')} <small>{escape(who.id)}, {sure}; "
        f"{heard}</small></h2>{shown}{_evidence(who, who.names)}"
        f'<p><code>sensorium cast name {escape(who.id)} "..."</code></p></article>'
    )


def _evidence(who: Identity, names: Mapping[str, float]) -> str:
    rows = [
        f"<li>{escape(claim.name)} ({names[claim.name]:.2f}): {escape(claim.source)}, "
        f"{escape(claim.quote)}</li>"
        for claim in sorted(who.claims, key=lambda each: (-names[each.name], -each.score))[:12]
    ]
    return f"<ul>{''.join(rows)}</ul>" if rows else ""
