"""A reader that breaks as its file says: for tests of what is decoded behind a fence."""

import ctypes
import os
import socket
import time
from pathlib import Path

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.errors import MediaError


class BreakingReader(MediaReader):
    """``crash``, ``slow``, ``exit``, ``memory``, ``odd``, ``dial``, ``write PATH``: what the file says."""

    def probe(self, uri):
        """Reads whole files as ever."""
        told = Path(uri).read_bytes()[:200]
        deed, _, rest = told.partition(b" ")
        if deed == b"crash":
            ctypes.string_at(8)
        if deed == b"slow":
            time.sleep(600)
        if deed == b"exit":
            os._exit(0)
        if deed == b"memory":
            bytearray(3_000_000_000)
        if deed == b"odd":
            raise RuntimeError("as no decoder should")
        if deed == b"dial":
            raise MediaError(f"{uri}: {refused(socket.socket)} {refused(os.fork)}")
        if deed == b"write":
            raise MediaError(f"{uri}: {refused(Path(rest.decode()).write_text, 'x')}")
        return super().probe(uri)


def refused(deed, *arguments):
    """The name of the error that an attempt ends with."""
    try:
        deed(*arguments)
    except OSError as error:
        return type(error).__name__
    return "done"
