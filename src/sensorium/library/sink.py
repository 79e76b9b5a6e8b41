"""The one place that writes results: shards aside, then a single rename."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from sensorium.adapters.stores.feature_shards import TensorWriter
from sensorium.adapters.stores.parquet import ParquetWriter
from sensorium.core.features import Features
from sensorium.core.record import Provenance, Record
from sensorium.library.layout import Layout, write_json

_RESULT = "result.json"
Results = Iterable[Record | Features]


def _sync(folder: Path) -> None:
    """Flushes the files of a folder to the disk, so that a rename never outlives its content."""
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class Source(Protocol):
    """What the rows of a result say of their file."""

    @property
    def uri(self) -> str: ...
    @property
    def digest(self) -> str: ...


class Sink:
    """Writes the result of one pass over one file, whole or not at all."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def finished(self, target: Path, retry_failed: bool = False) -> Mapping[str, Any] | None:
        """What is known of a finished result; None if it must be computed (again)."""
        try:
            state = json.loads((target / _RESULT).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        if state["status"] == "failed" and (state["again"] or retry_failed):
            return None
        return state

    def write(
        self,
        target: Path,
        source: Source,
        results: Results,
        recipe: Mapping[str, Any],
        error: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        """Writes all `results`, then makes them appear at `target` with one rename.

        `recipe` is kept beside them; the provenance of Features is looked up in its ``"models"``.
        `error` marks the result as a failed one: ``{"again": bool, ...}``. If `results` raises,
        nothing of it remains.
        """
        stage = self._layout.work / f"{target.name}-{uuid.uuid4().hex}"
        stage.mkdir(parents=True)
        try:
            counts = self._fill(stage, source, results, recipe)
            status = {"status": "failed", **error} if error else {"status": "done"}
            state = {**status, "counts": counts, "recipe": recipe, "media": source.digest}
            write_json(stage / _RESULT, state)
            _sync(stage)
            self._publish(stage, target)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        return state

    def _fill(
        self, stage: Path, source: Source, results: Results, recipe: Mapping[str, Any]
    ) -> dict[str, int]:
        models = {each["model"]: Provenance(**each) for each in recipe.get("models", ())}
        with (
            closing(ParquetWriter(stage, source.digest, source.uri)) as records,
            closing(TensorWriter(stage)) as tensors,
        ):
            for item in results:
                if isinstance(item, Features):
                    item = tensors.append(item, models[item.model])
                records.append(item)
        return records.counts

    def _publish(self, stage: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            # A failed result that was computed again, or a twin that another worker finished
            # first. Renamed away before it is deleted: no reader meets half of it.
            os.rename(target, self._layout.work / f"old-{uuid.uuid4().hex}")
        os.rename(stage, target)
