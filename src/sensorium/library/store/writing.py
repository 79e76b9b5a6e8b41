"""Writing to a library: what the holder of its lock does while results come in."""

from __future__ import annotations

import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from sensorium.adapters.stores.parquet import packed
from sensorium.library.layout import Layout
from sensorium.library.store.journal import Journal, frame
from sensorium.library.store.keeper import Keeper
from sensorium.library.store.shelf import Shelf
from sensorium.library.store.sink import Carried, Sink

_EVERY = 20.0  # seconds between two compactions of a run


class Writing:
    """The shelf of a library during one run: what a killed run left is taken up before it begins.

    Workers that see the disk write journals of their own; what others send is added to one of ours.
    Journals become shards in a thread of its own while the run goes on, and to the end in `finish`.
    """

    def __init__(self, layout: Layout) -> None:
        self.run = uuid.uuid4().hex
        self._layout = layout
        self._keeper = Keeper(layout)
        self._keeper.compact(last=True)
        self._journal: Journal | None = None
        self._last = time.monotonic()
        self._thread: threading.Thread | None = None
        self._failed: BaseException | None = None

    def sink(self) -> Sink:
        """Where results of this process go."""
        return Sink(self._ours(), Shelf(self._layout))

    def add(self, frames: bytes) -> None:
        """Keeps the frames that a worker sent."""
        if frames:
            self._ours().append(frames)

    def _ours(self) -> Journal:
        if self._journal is None:
            self._journal = Journal.new(self._layout.journals, f"{self.run}-{uuid.uuid4().hex}")
        return self._journal

    def poke(self) -> None:
        """Begins a compaction if it is time for one and none is under way; raises what went wrong in one."""
        if self._thread is not None and not self._thread.is_alive():
            self._join()
        if self._thread is None and time.monotonic() - self._last > _EVERY:
            self._thread = threading.Thread(target=self._compact, name="compaction", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Moves all that is left onto the shelf; no worker writes to a journal any more."""
        try:
            self._join()
            if self._journal is not None:
                self._journal.sync()
                self._journal.close()
            self._keeper.compact(last=True)
        finally:
            self._keeper.close()

    def _compact(self) -> None:
        try:
            self._keeper.compact()
        except BaseException as error:
            self._failed = error
        self._last = time.monotonic()

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise failed


def sink_of(library: str, run: str, known: bytes) -> tuple[Journal, Sink]:
    """Where a worker's results go: a journal of this process in a library's folder, for all its files of
    one run; or, without a library, one that is sent back; `known` is what `carried` gave."""
    if library:
        return _of_process(library, run)
    journal = Journal(tempfile.TemporaryFile())  # noqa: SIM115
    return journal, Sink(journal, Carried(known))


@lru_cache(maxsize=1)
def _of_process(library: str, run: str) -> tuple[Journal, Sink]:
    layout = Layout(library)
    journal = Journal.new(layout.journals, f"{run}-{uuid.uuid4().hex}")
    return journal, Sink(journal, Shelf(layout))


@contextmanager
def adding(layout: Layout) -> Iterator[Sink]:
    """A sink whose results are on the shelf when the block ends; the caller holds the lock, or is alone."""
    writing = Writing(layout)
    try:
        yield writing.sink()
    finally:
        writing.finish()


def carried(shelf: Shelf, uri: str) -> bytes:
    """What is known of an input, as frames, for a worker that does not see the library: see `Carried`.

    Its entry, and of every result of its file the state and the records; tensors stay, no pass reads them.
    """
    entry = shelf.entry(uri)
    if entry is None:
        return b""
    with shelf.catalogue() as catalogue:
        states = catalogue.states(entry["digest"][:32]) if entry["digest"] else {}
        for key in entry["results"].values():
            if key not in states and (state := catalogue.state(key)):
                states[key] = state
    found = [frame({"what": "input", "entry": entry})]
    for key, state in states.items():
        found.append(frame({"what": "begin"}))
        for kind in state["counts"]:
            found.append(frame({"what": "rows", "kind": kind}, packed(shelf.table(kind, [key]))))
        found.append(frame({"what": "result", "key": key, "state": state, "recipe": {}}))
    return b"".join(found)
