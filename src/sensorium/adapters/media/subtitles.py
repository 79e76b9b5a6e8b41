"""Subtitle files beside a media file, through pysubs2."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import charset_normalizer
import pysubs2

from sensorium.adapters.remote.address import is_remote
from sensorium.core.errors import LimitError, MediaError
from sensorium.core.speech import Cue
from sensorium.core.time import Span

_MOST = 20_000_000  # bytes; a film of three hours has 200,000
_LONGEST, _FEW = 5000, 10  # characters of an entry; braces that nothing closes
_VOICE = re.compile(r"<v(?:\.[\w.-]+)?\s+([^>\n]{1,80})>")  # WebVTT's; the reader would drop it
_OPEN, _SHUT = "\ue000", "\ue001"  # of private use: no text has them
_MARKED = re.compile(f"{_OPEN}(.*?){_SHUT}")
_SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")
_SETTLED = 2_000_000_000  # nanoseconds in which a second change may bear the time of the first


def _there(folder: Path) -> Sequence[str]:
    """The subtitle files of a folder; one that has not changed for some time is gone through once."""
    changed = folder.stat().st_mtime_ns
    if time.time_ns() - changed < _SETTLED:
        return _listed.__wrapped__(folder, changed)
    return _listed(folder, changed)


@lru_cache(maxsize=64)
def _listed(folder: Path, changed: int) -> tuple[str, ...]:
    return tuple(each.name for each in os.scandir(folder) if each.name.lower().endswith(_SUFFIXES))


class SubtitleFiles:
    """Finds ``talk.srt``, ``talk.en.vtt``, ... beside ``talk.mp4`` and reads them."""

    def beside(self, uri: str) -> list[str]:
        """Paths of the subtitle files of the media file, sorted; none are looked for beside a remote one."""
        if is_remote(uri):
            return []
        media = Path(uri)
        if not media.parent.is_dir():
            return []
        return sorted(
            os.path.join(media.parent, name)
            for name in _there(media.parent)
            if name.startswith(media.stem + ".") and name.count(".") - media.stem.count(".") <= 2
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
        for line in subtitles:
            if len(line.text) > _LONGEST:
                raise LimitError(
                    f"{path}: an entry of {len(line.text):,} characters at {line.start / 1000:.1f} s; "
                    f"expected at most {_LONGEST:,}; is it a subtitle file?"
                )
            line.text = _closed(line.text)
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


def _closed(text: str) -> str:
    """Without braces that nothing closes, if there are many: pysubs2 looks for the end of each anew."""
    head, brace, tail = text.rpartition("}")
    return head + brace + tail.replace("{", "") if tail.count("{") > _FEW else text


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
        with open(path, "rb") as file:
            data = file.read(_MOST + 1)
    except OSError as error:
        raise MediaError(f"{path}: cannot be opened ({error.strerror})") from error
    if len(data) > _MOST:
        raise LimitError(f"{path}: expected at most {_MOST:,} bytes of subtitles; cut the file")
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
