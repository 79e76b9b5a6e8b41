"""The page of a title, without a script: its characters, the doubtful first, where and with whom they are."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from numpy.typing import NDArray

from sensorium.core.people.identity import Identity
from sensorium.core.time import Span
from sensorium.interfaces.text.timeline import timelines
from sensorium.interfaces.text.units import clock
from sensorium.interfaces.viewer.markup import escape
from sensorium.interfaces.viewer.thumbnails import faces, jpeg_uri
from sensorium.library.library import Library
from sensorium.library.library_file import names
from sensorium.people.title import Episode, Title, common, length
from sensorium.ports import Reader

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_PEOPLE, _PICTURES, _FILES, _NODES, _EPISODES, _LINES, _BARS = 100, 4, 24, 24, 100, 5, 400
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}article{border-top:1px solid #bbb;padding:1rem 0}h2{font-size:1.2rem}h3{margin:0}"
    "img{height:96px;border-radius:6px;margin:.4rem .4rem .2rem 0}.doubt,.doubt a{color:#a4380a}"
    "td,th{text-align:left;padding:.1rem .8rem .1rem 0}svg{max-width:100%;height:auto}"
    ".bar{position:relative;display:block;height:12px;background:#8883;border-radius:3px;min-width:12rem}"
    ".bar i{position:absolute;top:0;bottom:0;min-width:1px;background:#2a6fb0}.bar i.say{top:70%;"
    "background:#c2701c}a{color:#1a5a99}a:focus-visible{outline:3px solid #c2701c}text{fill:#222}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}a{color:#8ec1f5}"
    ".doubt,.doubt a{color:#f0a070}text{fill:#ddd}}"
)


def write_title(
    library: Library, path: str | os.PathLike[str], reader: Reader, folder: str | None = None
) -> Path:
    """Writes the page of a title as one file, which needs no network; pictures are read again from the media.

    Raises:
        UsageError: no input lies in `folder`.
    """
    target = Path(path)
    parts = title_parts(library, reader, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.writelines(parts)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def title_parts(library: Library, reader: Reader, folder: str | None = None) -> Iterator[str]:
    """The page in parts. At most 100 people, 100 files, pictures of 24 files: what is left out is said."""
    title = Title(library, folder)
    return _parts(title, library, reader, folder)


def _parts(title: Title, library: Library, reader: Reader, folder: str | None) -> Iterator[str]:
    everyone = title.people()
    episodes = [_light(each) for each, _ in zip(title.episodes(), range(_EPISODES), strict=False)]
    called = names(library.inputs())
    name = escape(Path(folder).name if folder else library.path.resolve().name)
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield f"<title>{name} · Sensorium</title><style>{_STYLE}</style></head><body><main><h1>{name}</h1>"
    yield f"<p>{len(title.entries)} files, {len(everyone)} people; the least sure come first.</p>"
    left = [f"{n} more {what} are not shown." for n, what in (
        (len(everyone) - _PEOPLE, "people"), (len(title.entries) - _EPISODES, "files")) if n > 0]  # fmt: skip
    yield "".join(f"<p>{each}</p>" for each in left)
    shown = everyone[:_PEOPLE]
    yield _overview(shown, episodes)
    yield _graph(shown, episodes)
    pictures = _pictures(title, library, reader)
    yield "<h2>Characters</h2>"
    for who in shown:
        yield _article(who, episodes, called, pictures.get(who.id, []))
    yield "</main></body></html>\n"


def _light(episode: Episode) -> Episode:
    """An episode with the first lines of everybody only; whole films of words need not stay in memory."""
    count: dict[str, int] = {}
    kept = []
    for line in episode.lines:
        count[line[1]] = count.get(line[1], 0) + 1
        if count[line[1]] <= _LINES:
            kept.append(line)
    return Episode(episode.entry, episode.duration, episode.seen, episode.heard, tuple(kept))


def _called(who: Identity) -> str:
    return who.name or f"unknown {who.id}"


def _link(who: Identity) -> str:
    doubt = "" if who.name else ' class="doubt"'
    return f'<span{doubt}><a href="#{escape(who.id)}">{escape(_called(who))}</a></span>'


def _sum(episodes: Sequence[Episode], who: Identity) -> tuple[float, float, int]:
    """(seconds seen, seconds heard, files) of somebody."""
    seen = sum(length(each.seen.get(who.id, ())) for each in episodes)
    heard = sum(length(each.heard.get(who.id, ())) for each in episodes)
    return seen, heard, sum(who.id in each.seen or who.id in each.heard for each in episodes)


def _overview(everyone: Sequence[Identity], episodes: Sequence[Episode]) -> str:
    rows = []
    for who in everyone:
        seen, heard, files = _sum(episodes, who)
        sure = "by hand" if who.score == 1.0 else f"{who.score:.2f}" if who.score else "unknown"
        rows.append(
            f'<tr><th scope="row">{_link(who)}</th><td>{sure}</td><td>{clock(seen)}</td>'
            f"<td>{clock(heard)}</td><td>{files}</td></tr>"
        )
    heads = "".join(
        f'<th scope="col">{each}</th>' for each in ("Who", "Name is", "Seen", "Speaks", "Files")
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _graph(everyone: Sequence[Identity], episodes: Sequence[Episode]) -> str:
    """Who is to be seen with whom, as a circle, and as a list for whoever cannot see it."""
    seen = {who.id: who for who in everyone if any(who.id in each.seen for each in episodes)}
    most = sorted(seen.values(), key=lambda who: -_sum(episodes, who)[0])[:_NODES]
    edges = {
        (a, b): seconds
        for (a, one), (b, other) in combinations(enumerate(most), 2)
        if (seconds := sum(_shared(each, one.id, other.id) for each in episodes))
    }
    if not edges:
        return "<h2>Together</h2><p>No two of them are to be seen at once.</p>"
    place = [
        (300 + 190 * math.cos(turn), 260 + 190 * math.sin(turn))
        for turn in (2 * math.pi * n / len(most) for n in range(len(most)))
    ]
    top = max(edges.values())
    lines = "".join(
        f'<line x1="{place[a][0]:.0f}" y1="{place[a][1]:.0f}" x2="{place[b][0]:.0f}" '
        f'y2="{place[b][1]:.0f}" stroke="#2a6fb0" stroke-opacity=".6" '
        f'stroke-width="{1 + 9 * seconds / top:.1f}"/>'
        for (a, b), seconds in edges.items()
    )
    nodes = "".join(
        f'<a href="#{escape(who.id)}"><circle cx="{x:.0f}" cy="{y:.0f}" r="7" fill="#c2701c"/>'
        f'<text x="{x:.0f}" y="{y + (22 if y >= 260 else -12):.0f}" text-anchor="middle">'
        f"{escape(_called(who)[:24])}</text></a>"
        for who, (x, y) in zip(most, place, strict=True)
    )
    told = sorted(edges.items(), key=lambda each: -each[1])[:40]
    rows = "".join(
        f"<li>{_link(most[a])} and {_link(most[b])}: {clock(seconds)}</li>"
        for (a, b), seconds in told
    )
    return (
        f'<h2>Together</h2><svg viewBox="0 0 600 520" width="600" aria-label="Who is seen with '
        f'whom; the list below says the same">{lines}{nodes}</svg><ul>{rows}</ul>'
    )


def _shared(episode: Episode, one: str, other: str) -> float:
    return common(episode.seen.get(one, ()), episode.seen.get(other, ()))


def _article(
    who: Identity, episodes: Sequence[Episode], called: Mapping[str, str], pictures: list[NDArray]
) -> str:
    shown = "".join(f'<img alt="" src="{jpeg_uri(pixels, 192)}">' for pixels in pictures)
    rows, said = [], []
    for episode in episodes:
        seen, heard = episode.seen.get(who.id, []), episode.heard.get(who.id, [])
        if not seen and not heard:
            continue
        bars = "".join(_bars(seen, episode.duration, "") + _bars(heard, episode.duration, "say"))
        told = f"seen {clock(length(seen))}, speaks {clock(length(heard))}"
        name = escape(called.get(episode.uri, episode.uri))
        rows.append(
            f'<tr><th scope="row">{name}</th><td><span class="bar" role="img" '
            f'aria-label="{told}">{bars}</span></td><td>{told}</td></tr>'
        )
        said += [(name, span, text) for span, whose, text in episode.lines if whose == who.id]
    lines = "".join(
        f"<li>{name} {clock(span.start)}: {escape(text[:200])}</li>"
        for name, span, text in said[:_LINES]
    )
    evidence = "".join(
        f"<li>{escape(c.name)} ({who.names[c.name]:.2f}): {escape(c.source)}, {escape(c.quote)}</li>"
        for c in sorted(who.claims, key=lambda each: -who.names[each.name])[:5]
    )
    doubt = "" if who.name else ' class="doubt"'
    return (
        f'<article id="{escape(who.id)}"><h3{doubt}>{escape(_called(who))}</h3>{shown}'
        f"<table><tbody>{''.join(rows)}</tbody></table>"
        + (f"<p>Says, for example</p><ul>{lines}</ul>" if lines else "")
        + (f"<p>Why this name</p><ul>{evidence}</ul>" if evidence else "")
        + "</article>"
    )


def _bars(spans: Sequence[Span], duration: float, kind: str) -> list[str]:
    whole = max(duration, 0.001)
    return [
        f'<i class="{kind}" style="left:{span.start / whole:.3%};width:{span.duration / whole:.3%}"></i>'
        for span in spans[:_BARS]
    ]


def _pictures(title: Title, library: Library, reader: Reader) -> dict[str, list[NDArray]]:
    """Identity -> its best pictures, one a file."""
    whose = {(s.uri, s.label): who.id for who in title.known.all() for s in who.samples}
    found: dict[str, list[NDArray]] = {}
    for timeline in timelines(library, title.entries[:_FILES]):
        for person, pixels in faces(timeline, reader).items():
            identity = whose.get((timeline.uri, person))
            if identity and pixels is not None and len(found.setdefault(identity, [])) < _PICTURES:
                found[identity].append(pixels)
    return found
