"""Where the work of a run is done: in this process, in processes of this machine, on a cluster."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

from sensorium.adapters.remote.address import is_remote
from sensorium.core.config import Config, Engine
from sensorium.core.errors import MissingDependencyError, UsageError
from sensorium.core.limits import Fence
from sensorium.library.layout import Layout
from sensorium.models.travelling import Luggage
from sensorium.ports import Executor
from sensorium.run.inputs import KIND_OF, Input, suffix_of
from sensorium.run.job import Job
from sensorium.run.plan import weights_for

ENGINES = get_args(Engine)


@dataclass(frozen=True, slots=True)
class Options:
    """How to run, as opposed to what to compute: none of it changes a result.

    `num_workers` is the number of processes, None for one here and all cores of a cluster, 0 for this
    process. `threads` is how many each worker's models may use; the bundled ones are so small that they
    gain nothing from more than one. `engine` is ``"local"`` or ``"ray"``; then `address` is that of the
    cluster. `fence`: whether workers live inside a fence, or which limits it has (None: where an input
    is an address), see `docs/security.md`. `allow_private`: HTTP addresses may lie in a private network.

    Raises:
        UsageError: a value out of its range, or two that do not go together.
    """

    num_workers: int | None = None
    threads: int = 1
    retry_failed: bool = False
    executor: Executor | None = None  # one of the caller's own, in place of the engine
    fence: Fence | bool | None = None
    engine: Engine = "local"
    address: str | None = None
    allow_private: bool = False

    def __post_init__(self) -> None:
        if self.num_workers is not None and self.num_workers < 0:
            raise UsageError(f"workers: expected 0 or more, got {self.num_workers}")
        if self.threads < 1:
            raise UsageError(f"threads: expected 1 or more, got {self.threads}")
        if self.engine not in ENGINES:
            raise UsageError(f"engine: expected {' or '.join(ENGINES)}, got {self.engine!r}")
        if self.address and self.engine != "ray":
            raise UsageError(f"address: expected with the engine ray, got {self.address!r} without")
        if self.fence and self.engine == "ray":
            raise UsageError(
                "fence: expected with the engine local; on a cluster, fence the machines"
            )

    def limits(self, found: Sequence[Input]) -> Fence | None:
        """Those of the fence around the work on some inputs; None: it is done without one.

        Raises:
            UsageError: a fence is asked for where there is no worker that could be inside.
        """
        asked, remote = self.fence, any(is_remote(each.uri) for each in found)
        if asked is None:
            asked = self.engine == "local" and self.num_workers != 0 and remote
        if asked and self.num_workers == 0:
            raise UsageError(
                "fence: expected 1 worker or more, for work in this process has no fence"
            )
        fence = asked if isinstance(asked, Fence) else Fence()
        return replace(fence, network=fence.network or remote) if asked else None


def weights_of(config: Config, found: Sequence[Input]) -> list[str]:
    """Names of the weights that the inputs will need, as far as their names tell."""
    kinds = [KIND_OF.get(suffix_of(each.uri)) for each in found]
    return weights_for(config, dict.fromkeys(kind for kind in kinds if kind))


def executor_for(
    options: Options, config: Config, found: Sequence[Input], layout: Layout
) -> Executor:
    """Who works on the inputs: what `options` say.

    One photo is done here before a process has begun, and the next one finds the models open.
    """
    if options.executor is not None:
        return options.executor
    if options.engine == "ray":
        return _cluster(options, weights_of(config, found))
    fence = options.limits(found)
    num_workers = 1 if options.num_workers is None else options.num_workers
    one = len(found) == 1 and KIND_OF.get(suffix_of(found[0].uri)) == "image"
    if fence is None and (not num_workers or (one and num_workers == 1)):
        from sensorium.adapters.engines.local import InProcess

        return InProcess()
    return pool(num_workers, layout, fence)


def _cluster(options: Options, weights: Sequence[str]) -> Executor:
    try:
        from sensorium.adapters.engines.ray_cluster import RayCluster
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise MissingDependencyError(
            "engine ray: needs ray, not installed; pip install 'sensorium[ray]'"
        ) from None
    num_workers = options.num_workers or 0
    return RayCluster(options.address, num_workers, equipment=Luggage.of(weights))


def pool(
    num_workers: int, layout: Layout, fence: Fence | None, stop: threading.Event | None = None
) -> Executor:
    """Worker processes for jobs on a library, inside a fence if one is given; `stop` ends them."""
    from sensorium.adapters.engines.local import LocalPool
    from sensorium.adapters.fencing.fence import Enclosed
    from sensorium.ops.sound.mel import warm

    if fence is None:
        return LocalPool(num_workers, stop)

    def late(job: Job, running: float) -> str:
        return fence.late(job.input.uri, running, job.duration())

    inside = Enclosed(fence, (str(layout.root.absolute()),), warm)
    return LocalPool(num_workers, stop, inside, late)
