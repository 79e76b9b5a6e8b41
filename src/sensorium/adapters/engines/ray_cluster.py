"""Executor on a Ray cluster: one actor for each core or GPU, which keeps its models from item to item.

Ray places and watches processes on many machines; what was lost and what is tried again is decided here,
since Ray's own retries know nothing of an item that kills every worker it meets.
"""

from __future__ import annotations

import secrets
import socket
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from sensorium.core.errors import UsageError, WorkerError
from sensorium.ports import Equipment

_LOOK = 5.0  # seconds between two looks at how many workers the cluster has room for
_ASK = 0.5  # seconds between two questions how far an item is, where somebody wants to know
_TRIES = 2  # an item is tried once more after it was on a worker that died
_STARTS = 3  # workers in a row that cannot start are the cluster's fault, not bad luck
_PATIENCE = 60.0  # seconds without any worker before we say that we wait


class _Worker:
    """The process on the other side, an actor; it lives as long as it can.

    Its actor needs the concurrency group ``asked``, where `told` answers while `work` goes on.
    """

    def __init__(self, here: str) -> None:
        if (mine := version("sensorium")) != here:
            raise UsageError(
                f"a machine of the cluster has sensorium {mine}, this one {here}; "
                "install the same on all"
            )
        # Not a folder to be cleared: a worker is killed, it does not end.
        self._told = Path(tempfile.gettempdir()) / f"sensorium-{secrets.token_hex(8)}.json"

    def lacks(self, equipment: Equipment | None) -> bool:
        return equipment is not None and equipment.lacks()

    def unpack(self, equipment: Equipment, data: bytes) -> None:
        equipment.unpack(data)

    def work(self, function: Callable[[Any], Any], item: Any) -> Any:
        """The result or the exception, so that what Ray raises is about the cluster only."""
        if getattr(item, "progress", ""):  # a path of the machine of the run
            item = replace(item, progress=str(self._told))
        try:
            return function(item)
        except Exception as error:
            return error

    @ray.method(concurrency_group="asked")
    def told(self) -> bytes:
        """What the work said last of how far it is; empty if it said nothing yet."""
        try:
            return self._told.read_bytes()
        except FileNotFoundError:
            return b""


@dataclass(frozen=True, slots=True)
class RayCluster:
    """Runs items on a Ray cluster; one that kills its worker twice is answered with a WorkerError.

    `address` is as `ray.init` takes it: ``"auto"``, ``"HOST:6379"``, ``"ray://HOST:10001"``; None starts a
    Ray of its own on this machine. There are `num_workers` workers, 0 for as many as the cluster has cores
    (GPUs, if each holds `gpus_each` of one), and each has one item at a time, so that no answers pile up.
    Machines may come and go. All need the same sensorium, and the files under the same names. An item
    with a path as `progress` is told there, on this machine, how far the work is.

    Example::

        sm.run.extract.run(files, out, config, Options(executor=RayCluster("auto")), watch)
    """

    address: str | None = None
    num_workers: int = 0
    gpus_each: float = 0.0
    equipment: Equipment | None = None
    shares_disk: bool = field(
        default=False, init=False
    )  # what is finished comes back, and is kept here

    def map(
        self, function: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        """(index, result or the exception that came instead), as they are finished.

        Raises:
            WorkerError: the cluster cannot be reached, or its workers cannot start.
        """
        if not items:
            return
        with _connected(self.address):
            run = _Run(self, function, items)
            try:
                yield from run.answers()
            finally:
                run.dismiss()


@contextmanager
def _connected(address: str | None) -> Iterator[None]:
    """A connection of this process; one that the user opened before is used, and stays open."""
    if ray.is_initialized():
        yield
        return
    try:
        _reached(address)
        ray.init(address, log_to_driver=False, configure_logging=False, include_dashboard=False)
    except (RayError, OSError, ValueError, RuntimeError) as error:
        raise WorkerError(
            f"ray: expected a cluster at {address or 'this machine'}; {_line(error)}; "
            "start one with: ray start --head"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _reached(address: str | None) -> None:
    """Raises OSError if nobody answers there; Ray itself would go on trying for minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_LOOK).close()


class _Run:
    """One `map`: who is free, who is at work on what, and what waits."""

    def __init__(
        self, cluster: RayCluster, function: Callable[[Any], Any], items: Sequence[Any]
    ) -> None:
        self._cluster, self._items = cluster, items
        self._function = ray.put(function)  # sent to each machine once
        self._equipment = ray.put(cluster.equipment)
        self._pack: Any = None
        self._waiting = list(range(len(items)))[::-1]
        self._tries: dict[int, int] = {}
        self._starting: dict[Any, Any] = {}  # ref -> worker
        self._running: dict[Any, tuple[Any, int]] = {}  # ref -> worker, index
        self._free: list[Any] = []
        self._asked: dict[Any, int] = {}  # ref -> index of the item that a worker was asked about
        self._files: dict[int, Path] = {}  # index -> where it is told how far that item is
        self._failed_starts = 0
        self._looked = 0.0
        self._alone_since: float | None = None

    def answers(self) -> Iterator[tuple[int, Any]]:
        """(index, result or exception) of every item, once."""
        while self._waiting or self._running:
            self._staff()
            while self._free and self._waiting:
                self._give(self._free.pop(), self._waiting.pop())
            refs = [*self._starting, *self._running]
            if not refs:
                time.sleep(_LOOK)  # a cluster without a core; one may come
                continue
            for ref in ray.wait(refs, timeout=_ASK if self._files else _LOOK)[0]:
                if ref in self._starting:
                    self._started(ref)
                else:
                    yield from self._ended(ref)
            self._ask()

    def dismiss(self) -> None:
        """Ends every worker, whatever it is computing: nothing goes on unseen."""
        at_work = [worker for worker, _ in self._running.values()]
        for worker in [*self._free, *self._starting.values(), *at_work]:
            ray.kill(worker)

    def _staff(self) -> None:
        """Hires as many workers as there is work and room for; machines come and go, so now and then anew."""
        now = time.monotonic()
        num_workers = len(self._free) + len(self._starting) + len(self._running)
        if num_workers and now - self._looked < _LOOK:
            return
        self._looked = now
        there = ray.cluster_resources()
        share = self._cluster.gpus_each
        room = int(there.get("GPU", 0) / share) if share else int(there.get("CPU", 0))
        wanted = min(self._cluster.num_workers or room, len(self._waiting) + len(self._running))
        for _ in range(wanted - num_workers):
            self._hire()
        self._say_if_alone(now, bool(self._free or self._running))

    def _say_if_alone(self, now: float, at_work: bool) -> None:
        if at_work:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since > _PATIENCE:
            what = "GPU" if self._cluster.gpus_each else "core"
            warnings.warn(f"ray: the cluster has no free {what}; waiting for one", stacklevel=2)
            self._alone_since = now

    def _hire(self) -> None:
        share = {"num_gpus": self._cluster.gpus_each} if self._cluster.gpus_each else {}
        # Ray must not start a dead one again nor repeat its task by itself: we count the tries.
        limits = {"num_cpus": 1, "max_restarts": 0, "max_task_retries": 0, **share}
        actor: Any = ray.remote(concurrency_groups={"asked": 1}, **limits)(_Worker)  # type: ignore[call-overload]
        worker = actor.remote(version("sensorium"))
        self._starting[worker.lacks.remote(self._equipment)] = worker

    def _started(self, ref: Any) -> None:
        worker = self._starting.pop(ref)
        try:
            lacking = ray.get(ref)
        except RayError as error:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS:
                raise WorkerError(f"ray: no worker could start; {_line(error)}") from error
            self._looked = 0.0
            return
        equipment = self._cluster.equipment
        if lacking and equipment is not None:
            self._pack = self._pack or ray.put(equipment.packed())
            again = worker.unpack.remote(self._equipment, self._pack)
            self._starting[again] = worker
        else:
            self._failed_starts = 0
            self._free.append(worker)

    def _give(self, worker: Any, index: int) -> None:
        self._tries[index] = self._tries.get(index, 0) + 1
        item = self._items[index]
        if told := getattr(item, "progress", ""):
            self._files[index] = Path(told)
        ref = worker.work.remote(self._function, item)
        self._running[ref] = worker, index

    def _ask(self) -> None:
        """Writes down how far the items are, as far as workers answered, and asks those that did."""
        for ref in ray.wait(list(self._asked), num_returns=len(self._asked), timeout=0)[0]:
            told = self._files.get(self._asked.pop(ref))
            with suppress(RayError):  # that it died, its work says too
                if (state := ray.get(ref)) and told:
                    told.write_bytes(state)
        waiting = set(self._asked.values())
        for worker, index in self._running.values():
            if index in self._files and index not in waiting:
                self._asked[worker.told.remote()] = index

    def _ended(self, ref: Any) -> Iterator[tuple[int, Any]]:
        worker, index = self._running.pop(ref)
        if told := self._files.pop(index, None):
            told.unlink(missing_ok=True)
        try:
            answer = ray.get(ref)
        except RayError as error:
            # Died, or its machine did, or it cannot be reached, or its answer is lost.
            ray.kill(worker)
            self._looked = 0.0
            if self._tries[index] < _TRIES:
                self._waiting.append(index)
            else:
                yield index, _put_aside(self._items[index], error)
            return
        self._free.append(worker)
        yield index, answer


def _put_aside(item: Any, error: RayError) -> WorkerError:
    return WorkerError(
        f"{item}: the worker process died while it worked on this input, twice ({_line(error)}); "
        "out of memory, a crash in a native library, or its machine was lost"
    )


def _line(error: Exception) -> str:
    """What says something in Ray's paragraphs: of an error over there the error, else the first sentence."""
    if isinstance(error, RayTaskError):
        return f"{type(error.cause).__name__}: {error.cause}"
    lines = [each.strip() for each in str(error).splitlines() if each.strip()]
    if not lines:
        return type(error).__name__
    return lines[-1] if "creation task" in lines[0] else lines[0].split(". ")[0]
