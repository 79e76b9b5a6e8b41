"""The bytes of one remote file, in blocks: fetched when they are asked for, each but once."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

from sensorium.adapters.remote.origin import Origin, Patience, Trouble
from sensorium.core.errors import FetchError
from sensorium.core.limits import Limits

_BLOCK = 1 << 18
_MOST_AHEAD = 32  # blocks of one request while a file is read from front to back
_KEPT = 12_288  # blocks on disk, 3 GiB; of a larger file those fetched first are fetched again


class Fetched:
    """One remote file. Blocks lie in a temporary file that goes with this object; threads may share it.

    Raises:
        LimitError: larger than `limits` allow.
        FetchError: the network, or the file changed since it was opened.
        MissingMediaError: it is not there, or may not be read.
    """

    def __init__(self, uri: str, origin: Origin, limits: Limits) -> None:
        self.uri = uri
        self._origin, self._limits = origin, limits
        self._patience = Patience(uri, limits.max_fetch)
        self.about = self._patience.tried(origin.about)
        limits.check_bytes(uri, self.about.num_bytes or 0)
        self._disk = tempfile.TemporaryFile(prefix="sensorium-")  # noqa: SIM115
        self._lock = threading.RLock()
        self._places: dict[int, int] = {}  # block -> where it lies, in the order of arrival
        self._sums: dict[int, bytes] = {}
        self._after, self._ahead = 0, 1
        self._num_bytes = self.about.num_bytes
        if not self.about.ranges:
            self._num_bytes = self._whole()

    @property
    def num_bytes(self) -> int:
        """Its size."""
        return self._num_bytes or 0

    def file(self) -> io.BufferedReader:
        """A new cursor in it, for whoever reads files."""
        return io.BufferedReader(_Cursor(self), _BLOCK)

    def read(self, start: int, size: int) -> bytes:
        """The bytes from `start` on, as many as there are."""
        stop = min(start + size, self.num_bytes)
        if stop <= start:
            return b""
        if not self.about.ranges:
            return self._kept(start, stop - start)
        with self._lock:
            blocks = range(start // _BLOCK, (stop - 1) // _BLOCK + 1)
            joined = b"".join(self._block(block) for block in blocks)
        return joined[start - blocks[0] * _BLOCK :][: stop - start]

    def digest(self) -> str:
        """The sha256 of all of it in hexadecimal; it stays the same file from front to back."""
        total = hashlib.sha256()
        for start in range(0, self.num_bytes, _BLOCK):
            total.update(self.read(start, _BLOCK))
        # what came as a whole came in one answer
        if self.about.ranges and self._patience.tried(self._origin.about) != self.about:
            raise self.changed()
        return total.hexdigest()

    def changed(self) -> FetchError:
        """The error for a file that is not the one that was opened."""
        return FetchError(f"{self.uri}: changed while it was read; try again")

    def _block(self, block: int) -> bytes:
        if block not in self._places:
            self._ahead = min(2 * self._ahead, _MOST_AHEAD) if block == self._after else 1
            stop = block + 1
            last = -(-self.num_bytes // _BLOCK)
            while stop < min(block + self._ahead, last) and stop not in self._places:
                stop += 1
            self._fetch(block, stop)
        return self._kept(self._places[block], _BLOCK)

    def _fetch(self, first: int, stop: int) -> None:
        """Blocks that follow one another, by one request if all goes well."""
        self._after = stop
        data = self._received(first * _BLOCK, min(stop * _BLOCK, self.num_bytes))
        for block in range(first, stop):
            mine = data[(block - first) * _BLOCK :][:_BLOCK]
            known = hashlib.blake2b(mine, digest_size=8).digest()
            if self._sums.setdefault(block, known) != known:
                raise self.changed()
            if len(self._places) < _KEPT:
                place = len(self._places) * _BLOCK
            else:
                place = self._places.pop(next(iter(self._places)))
            self._keep(mine, place)
            self._places[block] = place

    def _received(self, start: int, stop: int) -> bytes:
        """The bytes of a range; what has arrived before a trouble is kept."""
        data = bytearray()
        while start + len(data) < stop:
            try:
                for piece in self._timed(self._origin.pieces(start + len(data), stop)):
                    data += piece
                    self._patience.better()
                if start + len(data) < stop:
                    raise Trouble("the answer was cut short")
            except Trouble as trouble:
                self._patience.pause(trouble)
        return bytes(data[: stop - start])

    def _timed(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        while True:
            began = time.monotonic()
            try:
                piece = next(pieces, None)
            finally:
                self._patience.spend(time.monotonic() - began)
            if piece is None:
                return
            yield piece

    def _whole(self) -> int:
        """All of it, from a place that gives no parts."""
        while True:
            place = 0
            try:
                for piece in self._timed(self._origin.pieces(0, None)):
                    self._keep(piece, place)
                    place += len(piece)
                    self._limits.check_bytes(self.uri, place)
                if place < (self.about.num_bytes or 0):
                    raise Trouble("the answer was cut short")
                return place
            except Trouble as trouble:
                self._patience.pause(trouble)

    def _kept(self, place: int, size: int) -> bytes:
        with self._lock:
            self._disk.seek(place)
            return self._disk.read(size)

    def _keep(self, data: bytes, place: int) -> None:
        try:
            self._disk.seek(place)
            self._disk.write(data)
        except OSError as error:
            raise FetchError(
                f"{self.uri}: cannot be kept in {tempfile.gettempdir()} while it is read "
                f"({error.strerror}); make room, or set TMPDIR"
            ) from None


class _Cursor(io.RawIOBase):
    """A place in a remote file."""

    def __init__(self, source: Fetched) -> None:
        self._source, self._at = source, 0
        # Only the ending, for some formats are told by it; never a name that could be opened.
        ending = os.path.splitext(source.uri.partition("?")[0])[1]
        self.name = f"remote{ending}"

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.num_bytes}[whence]
        if base + offset < 0:
            raise ValueError(f"{self._source.uri}: a place before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
