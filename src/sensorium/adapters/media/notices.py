"""What is wrong with a file though it can be used: told to the log, or kept by whoever listens."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sensorium.core.record import Record

_LOG = logging.getLogger("sensorium.media")
_ONE_AT_A_TIME = threading.RLock()


def notice(uri: str, message: str) -> None:
    """Says what is wrong with the file `uri`; the one that listens to this file gets it, else the log.

    A file is read by several passes: the same thing must be told in the same words each time, so that
    it can be told once.
    """
    _LOG.warning("%s: %s", uri, message, extra={"sensorium_uri": uri})


class _Ear(logging.Filter):
    """Keeps what is said of one file away from the log, in whichever thread it is said: but what is said
    in a thread that listens to the file itself is heard there alone."""

    def __init__(self, uri: str) -> None:
        super().__init__()
        self._uri, self._owner = uri, threading.get_ident()
        self.heard: dict[str, None] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        mine = getattr(record, "sensorium_uri", None) == self._uri and not self._elsewhere(record)
        if mine:
            self.heard[record.getMessage()] = None
        return not mine

    def _elsewhere(self, record: logging.LogRecord) -> bool:
        ears = [each for each in list(_LOG.filters) if isinstance(each, _Ear)]
        owners = {each._owner for each in ears if each._uri == self._uri}
        return record.thread != self._owner and record.thread in owners


@contextmanager
def heard(uri: str, into: list[str]) -> Iterator[None]:
    """Everything said of `uri` in the meantime is added to `into`, each once, and not logged."""
    ear = _Ear(uri)
    with _ONE_AT_A_TIME:  # new lists: another thread may be walking over the old one
        _LOG.filters = [ear, *_LOG.filters]  # who begins to listen last hears first
    try:
        yield
    finally:
        with _ONE_AT_A_TIME:
            _LOG.filters = [each for each in _LOG.filters if each is not ear]
        into.extend(message for message in ear.heard if message not in into)


def without_warnings(results: Iterable[Any], into: list[str]) -> Iterator[Any]:
    """What a pass gives, without its records of kind warning: their messages are added to `into`."""
    for each in results:
        if isinstance(each, Record) and each.kind == "warning":
            into.append(each.values["message"])
        else:
            yield each


@contextmanager
def python_warnings(uri: str) -> Iterator[None]:
    """Python warnings of a library that reads the file `uri` become notices of that file.

    The list of warnings belongs to the whole process, so one thread at a time; keep the block short.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            messages = dict.fromkeys(" ".join(str(each.message).split()) for each in caught)
    for message in messages:
        notice(uri, f"the picture is not quite in order: {message}")
