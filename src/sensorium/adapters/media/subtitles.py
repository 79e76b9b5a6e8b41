"""Subtitle files beside a media file, through pysubs2."""

from __future__ import annotations

import os
import re
from pathlib import Path

import charset_normalizer
import pysubs2

from sensorium.core.errors import MediaError
from sensorium.core.speech import Cue
from sensorium.core.time import Span

_VOICE = re.compile(r"<v(?:\.[\w.-]+)?\s+([^>\n]{1,80})>")  # WebVTT's; the reader would drop it
_OPEN, _SHUT = "\ue000", "\ue001"  # of private use: no text has them
_MARKED = re.compile(f"{_OPEN}(.*?){_SHUT}")
_SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")


class SubtitleFiles:
    """Finds ``talk.srt``, ``talk.en.vtt``, ... beside ``talk.mp4`` and reads them."""

    def beside(self, uri: str) -> list[str]:
        """Paths of the subtitle files of the media file, sorted."""
        media = Path(uri)
        if not media.parent.is_dir():
            return []
        return sorted(
            entry.path
            for entry in os.scandir(media.parent)
            if entry.name.lower().endswith(_SUFFIXES)
            and entry.name.startswith(media.stem + ".")
            and entry.name.count(".") - media.stem.count(".") <= 2
        )

    def read(self, path: str) -> list[Cue]:
        """The entries in order of time, without markup; comments and drawings are left out.

        Raises:
            MediaError: not a subtitle file, or an encoding that cannot be told.
        """
        try:
            subtitles = pysubs2.SSAFile.from_string(_VOICE.sub(_marked, _text(path)))
        except (pysubs2.exceptions.Pysubs2Error, ValueError) as error:
            raise MediaError(f"{path}: expected srt, vtt or ass subtitles ({error})") from error
        subtitles.sort()
        return [
            _cue(
                Span(line.start / 1000, line.end / 1000), line.plaintext.strip(), line.name.strip()
            )
            for line in subtitles
            if not line.is_comment
            and not line.is_drawing
            and line.plaintext.strip()
            and 0 <= line.start <= line.end
        ]


def _marked(voice: re.Match[str]) -> str:
    return f"{_OPEN}{voice[1].strip()}{_SHUT}"


def _cue(span: Span, text: str, name: str) -> Cue:
    """A cue; one voice of WebVTT is its name, several become labels before what each says."""
    voices = _MARKED.findall(text)
    if len(voices) == 1 and not name and text.startswith(_OPEN):
        return Cue(span, _MARKED.sub("", text).strip(), voices[0])
    return Cue(span, _MARKED.sub(r"- \1: ", text), name)


def _text(path: str) -> str:
    """UTF-8 or UTF-16 where the bytes say so, else the encoding that fits best, else an error."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise MediaError(f"{path}: cannot be opened ({error.strerror})") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        best = charset_normalizer.from_bytes(data).best()
    if best is None:
        raise MediaError(
            f"{path}: the encoding cannot be told; expected UTF-8; convert the file first"
        )
    return str(best)
