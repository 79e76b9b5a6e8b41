"""A library as text: for people, players, scorers and programs."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sensorium.core.errors import UsageError
from sensorium.interfaces.text.cues import SubtitleCue, cues
from sensorium.interfaces.text.screen import Look, screen
from sensorium.interfaces.text.timeline import Timeline, tables, timelines, to_timeline
from sensorium.library.library import Library
from sensorium.ops.speech.utterance import Row
from sensorium.ops.text.harmless import cell

FORMATS = ("text", "vtt", "srt", "rttm", "json", "csv")
CSV_COLUMNS = (
    "uri", "start", "end", "text", "speaker", "identity", "name", "person", "score", "language",
    "channel",
)  # fmt: skip

Media = str | os.PathLike[str] | None


def render(
    library: Library,
    format: str,
    media: Media = None,
    *,
    embeddings: bool = False,
    look: Look | None = None,
) -> str:
    """The library, or the one input that `media` names, in one of the formats of docs/formats.md.

    ``text`` every file in one screen, or as `look` says; ``vtt`` and ``srt`` subtitles of one file;
    ``rttm`` who spoke when; ``json`` every table (with the lists of numbers only if `embeddings`);
    ``csv`` every word with its speaker and person.

    Raises:
        UsageError: an unknown format, no such input, or subtitles of several inputs at once.
    """
    if format not in FORMATS:
        raise UsageError(f"format: expected one of {', '.join(FORMATS)}; got {format!r}")
    if format == "json":
        return _json(library, media, embeddings)
    if format in ("vtt", "srt"):
        timeline = _only_one(library, format, media)
        return SUBTITLES[format](cues(timeline.words) if timeline else ())
    if format == "text":
        chosen, where = timelines(library, library.chosen(media)), str(library.path)
        return "\n".join(screen(each, where, look or Look()) for each in chosen)
    return {"rttm": _rttm, "csv": _csv}[format](library, media)


def _only_one(library: Library, format: str, media: Media) -> Timeline | None:
    entries = library.chosen(media)
    if len(entries) > 1:
        listed = "".join(f"\n  {entry['uri']}" for entry in entries[:20])
        more = f"\n  and {len(entries) - 20} more" if len(entries) > 20 else ""
        raise UsageError(
            f"{format}: subtitles belong to one file, {library.path} has {len(entries)}; "
            f"choose one (--media NAME, or media=): {listed}{more}"
        )
    return to_timeline(library, entries[0]["uri"]) if entries else None


def _vtt(found: Sequence[SubtitleCue]) -> str:
    """WebVTT (https://www.w3.org/TR/webvtt1/), the speaker as a voice span."""
    blocks = ["WEBVTT\n"]
    for cue in found:
        text = "\n".join(_escaped(line) for line in cue.lines)
        voice = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
        blocks.append(f"{_stamp(cue.start, '.')} --> {_stamp(cue.end, '.')}\n{voice}{text}\n")
    return "\n".join(blocks)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _srt(found: Sequence[SubtitleCue]) -> str:
    """SubRip: it has no voices, so a new speaker is written in front of what it says."""
    blocks = []
    for number, cue in enumerate(found, start=1):
        text = "\n".join(cue.lines_with_name).replace("-->", "→")  # would start a new entry
        blocks.append(f"{number}\n{_stamp(cue.start, ',')} --> {_stamp(cue.end, ',')}\n{text}\n")
    return "\n".join(blocks)


SUBTITLES: Mapping[str, Callable[..., str]] = {"vtt": _vtt, "srt": _srt}


def _stamp(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{point}{rest:03d}"


def _rttm(library: Library, media: Media) -> str:
    """Rich Transcription Time Marked, SPEAKER lines (NIST RT-09 evaluation plan, appendix A)."""
    ids = file_ids(library.inputs())
    return "".join(
        f"SPEAKER {ids[timeline.uri]} {1 + (turn['channel'] or 0)} "
        f"{turn['start']:.3f} {turn['end'] - turn['start']:.3f} "
        f"<NA> <NA> {'_'.join(_label(turn).split())} <NA> <NA>\n"
        for timeline in timelines(library, library.chosen(media))
        for turn in timeline.turns
    )


def _label(turn: Row) -> str:
    """The name, else the identity, which is the same in all files, else the label in this file."""
    return turn["name"] or turn["identity"] or turn["speaker"]


def file_ids(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Path of each input -> a name without blanks and unlike any other, as RTTM wants it.

    The name of the file without its ending where that tells all inputs apart, else with it, else the
    whole path.
    """
    uris = [entry["uri"] for entry in entries]
    for name in (lambda uri: Path(uri).stem, os.path.basename, str):
        ids = {uri: "_".join(name(uri).split()) or "_" for uri in uris}
        if len(set(ids.values())) == len(uris):
            return ids
    return {uri: f"{'_'.join(uri.split())}#{number}" for number, uri in enumerate(uris)}


def _csv(library: Library, media: Media) -> str:
    """RFC 4180: a header, CRLF, quotes where they are needed; empty where nothing is known.

    A text that a spreadsheet would take for a formula has an apostrophe in front.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, CSV_COLUMNS, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    for timeline in timelines(library, library.chosen(media)):
        rows = sorted(timeline.words, key=lambda word: word["start"])
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return cell(value) if isinstance(value, str) else value


def _json(library: Library, media: Media, embeddings: bool) -> str:
    entries = library.chosen(media)
    inputs = [{"uri": entry["uri"], "media": entry["digest"]} for entry in entries]
    document = {"inputs": inputs, "tables": tables(library, entries, embeddings)}
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
