"""What runs on the machines of a Ray cluster, and answers while it works."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ray

from sensorium.core.errors import UsageError
from sensorium.ports import Equipment


class Bare:
    """Equipment of work that needs none."""

    def lacks(self) -> bool:
        return False

    def packed(self) -> bytes:
        return b""

    def unpack(self, data: bytes) -> None:
        """There is nothing to unpack."""


class RayWorker:
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

    def lacks(self, equipment: Equipment) -> bool:
        return equipment.lacks()

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
