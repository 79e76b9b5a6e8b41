"""A folder that appears when all of it is written."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sensorium.core.errors import UsageError


@contextmanager
def staged(out: str | os.PathLike[str]) -> Iterator[Path]:
    """The path of a folder, not made yet, that becomes `out` at the end, and goes if anything fails.

    Raises:
        UsageError: `out` is there and not empty.
    """
    target = Path(out).expanduser()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target}: expected a new or an empty folder; it is there and not empty")
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = target.resolve().with_name(f".{target.resolve().name}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield stage
        if target.is_dir():
            target.rmdir()  # empty, as above
        os.replace(stage, target)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
