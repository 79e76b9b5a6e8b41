"""A fence around this process, for work on files of strangers: a fault in a decoder costs one file.

What each platform gives, see `docs/security.md`:

- memory (Linux), size of files, no core dumps (POSIX): resource limits;
- no network, no programs, no look into other processes (Linux on x86-64 and ARM64): seccomp;
- writing in the library alone, or nowhere, no signals to others (Linux 5.19 and 6.12 with Landlock);
- time: the pool looks from outside (`local.LocalPool`), on every platform.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sensorium.core.limits import Fence

# A library of numbers must start no threads before the fence is up: those would be outside of Landlock.
ALONE = {"OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Enclosed:
    """How a pool fences its workers; picklable.

    `folders`: where they may write (none: nowhere), the first one is also where temporary files go (its
    folder ``work``);
    `before`: called ahead of the fence, for what writes caches; no file of a stranger is open then.
    """

    limits: Fence = field(default_factory=Fence)
    folders: Sequence[str] = ()
    before: Callable[[], None] | None = None

    def enter(self) -> tuple[str, ...]:
        """Puts the fence around this process, for good; names what stands of it."""
        if self.before is not None:
            self.before()
        self._temporary_files()
        stands = [*_limited(self.limits)]
        if sys.platform == "linux":
            from sensorium.adapters.fencing import kernel_fence

            if kernel_fence.write_only_to([*self.folders, os.devnull]):
                stands.append("writes")
            if kernel_fence.no_network_no_programs(self.limits.network):
                stands += ["programs"] if self.limits.network else ["network", "programs"]
        return tuple(stands)

    def _temporary_files(self) -> None:
        if self.folders:
            place = Path(self.folders[0], "work", "tmp")
            place.mkdir(parents=True, exist_ok=True)
            os.environ["TMPDIR"] = tempfile.tempdir = str(place)


def _limited(limits: Fence) -> list[str]:
    """Resource limits, never above those that hold already."""
    if sys.platform == "win32":
        return []
    import resource

    def lower(which: int, value: float) -> None:
        hard = resource.getrlimit(which)[1]
        most = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
        resource.setrlimit(which, (most, most))

    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    if sys.platform != "linux":
        return ["file size"]  # macOS takes a limit of memory and does not keep it
    # What is written to, not what is mapped: models and the libraries' reserves are no use of memory.
    lower(resource.RLIMIT_DATA, limits.memory)
    return ["file size", "memory"]


def memory_limit() -> str:
    """How much memory this process may hold, in words."""
    if sys.platform == "linux":
        import resource

        most = resource.getrlimit(resource.RLIMIT_DATA)[0]
        if most != resource.RLIM_INFINITY:
            return f"the {most / 1e9:g} GB that the fence leaves to a worker"
    return "this machine has"


def leave_with(parent: int) -> None:
    """Ends this process when the one that started it is gone, whatever it is computing."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
