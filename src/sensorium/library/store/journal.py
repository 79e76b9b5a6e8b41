"""A file that is only ever added to: what is finished, in frames that say whether they are whole.

A frame is 20 bytes (mark, lengths of its two parts, crc32 of both), a part of JSON that says what it is,
and a part of bytes. A process that is killed while it writes leaves a frame that is cut; it and all behind
it count for nothing. Frames:

=========== ================================================== ===========================
``what``    and                                                bytes
=========== ================================================== ===========================
``begin``   a result begins; what came before is void
``void``    a result that began and will not end
``rows``    ``kind``                                           Arrow table
``tensor``  ``tensor``, ``dtype``, ``shape``                   its numbers in C order
``result``  ``key``, ``state``, ``recipe``: it is finished
``input``   ``entry``, or ``gone``: path of one to forget
=========== ================================================== ===========================

Two results may be written side by side: the frames of the first five kinds belong to the result
whose ``part`` they name, 0 if they name none.
"""

from __future__ import annotations

import json
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

_HEAD = struct.Struct("<4sIQI")
_MARK = b"SJ2\n"
SUFFIX = ".journal"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a frame says, and where its bytes lie."""

    meta: Mapping[str, Any]
    begin: int  # offset of the frame
    at: int  # offset of its bytes
    size: int
    end: int  # offset behind it


def frame(meta: Mapping[str, Any], data: bytes = b"") -> bytes:
    """One frame."""
    said = json.dumps({**meta, "time": time.time_ns()}, separators=(",", ":")).encode()
    crc = zlib.crc32(data, zlib.crc32(said))
    return b"".join((_HEAD.pack(_MARK, len(said), len(data), crc), said, data))


def frames(file: BinaryIO, begin: int = 0) -> Iterator[Frame]:
    """The whole frames from an offset on, each checked; ends at the first that is not whole."""
    at = begin
    file.seek(at)
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        mark, num_said, num_bytes, crc = _HEAD.unpack(head)
        if mark != _MARK:
            return
        said = file.read(num_said)
        found, left = zlib.crc32(said), num_bytes
        while left and (part := file.read(min(left, 1 << 20))):
            found, left = zlib.crc32(part, found), left - len(part)
        if left or found != crc:
            return
        place = at + _HEAD.size + num_said
        begin, at = at, place + num_bytes
        yield Frame(json.loads(said), begin, place, num_bytes, at)


class Journal:
    """What one process has finished: `file` is open for writing and reading."""

    _AT_LEAST = 1.0  # seconds between two waits for the disk, within one input

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._turn = threading.RLock()  # passes of one file may write side by side
        self._synced = 0.0

    @classmethod
    def new(cls, folder: Path, stem: str) -> Journal:
        """A journal of its own in a folder."""
        return cls(open(folder / f"{stem}{SUFFIX}", "x+b"))

    def add(self, meta: Mapping[str, Any], data: bytes = b"") -> int:
        """Appends a frame; returns the offset of its bytes. It is on disk after `sync`."""
        with self._turn:
            self._file.seek(0, os.SEEK_END)
            self._file.write(frame(meta, data))
            return self._file.tell() - len(data)

    def append(self, whole: bytes) -> None:
        """Appends frames that were made elsewhere, and waits for the disk."""
        self._file.seek(0, os.SEEK_END)
        self._file.write(whole)
        self.sync()

    def read(self, at: int, size: int) -> bytes:
        """Bytes of a frame."""
        with self._turn:
            self._file.seek(at)
            return self._file.read(size)

    def sync(self, now: bool = True) -> None:
        """Shows what was written to the other processes; waits for the disk if `now`, or it has been long."""
        with self._turn:
            self._file.flush()
        if (now or time.monotonic() - self._synced > self._AT_LEAST) and _on_disk(self._file):
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def taken(self) -> bytes:
        """All of it, and nothing is left: for who writes it elsewhere."""
        self._file.seek(0)
        data = self._file.read()
        self._file.seek(0)
        self._file.truncate()
        return data

    def close(self) -> None:
        """Ends it."""
        self._file.close()


def _on_disk(file: BinaryIO) -> bool:
    return isinstance(getattr(file, "name", None), str)
