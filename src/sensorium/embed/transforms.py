"""Features made when a row is touched: for `datasets`, streams and PyTorch's DataLoader.

>>> import sensorium as sm
>>> photos = photos.with_transform(sm.transforms.image(columns={"path": "features"}))  # doctest: +SKIP
>>> photos[17]["features"].shape  # decodes and encodes this one picture  # doctest: +SKIP
(16, 16, 384)

Nothing is written to the disk. Models are loaded in the process that needs them, when it first does.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.config import Config
from sensorium.core.errors import MediaError, SensoriumError, UsageError
from sensorium.core.features import Features
from sensorium.core.media import Frames
from sensorium.core.time import Axis, Span
from sensorium.models.registry import find_model, load_model
from sensorium.pipelines.sound.hear import encoded

Form = Literal["array", "features"]
OnError = Literal["raise", "none"]
Columns = str | Mapping[str, str]
_RATE = 16_000


def image(
    model: str | None = None,
    columns: Columns = "image",
    *,
    output: str = "patches",
    form: Form = "array",
    on_error: OnError = "raise",
    max_side: int | None = 1024,
    threads: int = 1,
) -> Transform:
    """A function of rows that puts an image encoder's output where a picture was.

    Give it to ``Dataset.set_transform``, ``Dataset.with_transform`` or ``IterableDataset.map``; it takes one
    row (a dict) or many (a dict of lists). `model` is a name of ``sensorium models`` (None: the default),
    `columns` the column that is replaced, or a mapping of column to new column. A picture is a path,
    bytes, ``{"path", "bytes"}``, a PIL picture, or an array. `form` is ``"array"`` (float32, ``(height,
    width, dim)`` for ``output="patches"``, ``(dim,)`` for ``"class"``) or ``"features"`` (`Features`, for
    `Adapter`). With ``on_error="none"`` a row that cannot be read gives None and a warning that names
    the row.
    `max_side` is as in ``extract``: the features are the same.

    Raises:
        UsageError, ModelError: here, for a model that is not known or not installed.
        MediaError: when a row is touched that cannot be read; the message names the row.
    """
    chosen = model or Config().pictures.image_encoder
    return Transform(
        "image_encoder", chosen, _pairs(columns), output, form, on_error, (max_side, threads)
    )


def audio(
    model: str | None = None,
    columns: Columns = "audio",
    *,
    form: Form = "array",
    on_error: OnError = "raise",
    threads: int = 1,
) -> Transform:
    """Like `image`, for sound: the rows of a sound encoder, ``(time, dim)``.

    A sound is a path (of a video as well), bytes, ``{"path", "bytes"}``, ``{"array", "sampling_rate"}``,
    `Audio`, or a decoder of torchcodec. It is cut into the encoder's windows; rows over padding are left out.
    """
    chosen = model or Config().sound.sound_encoder
    return Transform("sound_encoder", chosen, _pairs(columns), "", form, on_error, (None, threads))


@dataclass(frozen=True)
class Transform:
    """Made by `image` and `audio`; plain data, so it can be pickled and sent to workers."""

    job: str
    model: str
    columns: tuple[tuple[str, str], ...]
    output: str
    form: Form
    on_error: OnError
    sizes: tuple[int | None, int]  # max_side, threads

    def __post_init__(self) -> None:
        if self.form not in ("array", "features"):
            raise UsageError(f"form: expected array or features, got {self.form!r}")
        if self.on_error not in ("raise", "none"):
            raise UsageError(f"on_error: expected raise or none, got {self.on_error!r}")
        find_model(self.job, self.model)

    def __call__(self, rows: Mapping[str, Any]) -> dict[str, Any]:
        """The row, or the rows, with features; columns that are not there are not touched."""
        if len(rows) > 1 and not any(source in rows for source, _ in self.columns):
            names = ", ".join(source for source, _ in self.columns)
            raise UsageError(f"columns: expected {names}; the rows have {', '.join(rows)}")
        done = dict(rows)
        for source, target in self.columns:
            if source not in rows:
                continue  # the dataset was asked for other columns
            values = rows[source]
            if isinstance(values, list):
                done[target] = self._features(values, rows, source)
            else:
                done[target] = self._features([values], {k: [v] for k, v in rows.items()}, source)[
                    0
                ]
        return done

    def _features(self, values: list[Any], rows: Mapping[str, Any], source: str) -> list[Any]:
        made = self._pictures if self.job == "image_encoder" else self._sounds
        found: list[Any] = [None] * len(values)
        for index, result in made(values):
            if isinstance(result, Features):
                found[index] = result if self.form == "features" else _array(result)
                continue
            told = f"row {index}{_described(rows, index)}, column {source!r}: {result}"
            if self.on_error == "raise":
                raise type(result)(told) from result
            warnings.warn(told, stacklevel=4)
        return found

    def _pictures(self, values: list[Any]) -> Iterator[tuple[int, Features | SensoriumError]]:
        """(place, features or what was wrong); pictures of one size go through the encoder together."""
        from sensorium.adapters.media.values import picture

        groups: dict[tuple[int, ...], list[tuple[int, Frames]]] = {}
        for index, value in enumerate(values):
            try:
                frame = picture(value, MediaReader(), self.sizes[0])
                groups.setdefault(frame.pixels.shape, []).append((index, frame))
            except (MediaError, UsageError) as error:
                yield index, error
        for group in groups.values():
            pixels = np.concatenate([frame.pixels for _, frame in group])
            outputs = self._encoder().encode(Frames(pixels, np.zeros(len(pixels))))
            for (index, _), each in zip(group, outputs, strict=True):
                yield index, self._chosen(each)

    def _sounds(self, values: list[Any]) -> Iterator[tuple[int, Features | SensoriumError]]:
        from sensorium.adapters.media.values import sound

        for index, value in enumerate(values):
            try:
                with sound(value, MediaReader(), _RATE) as (duration, chunks):
                    yield index, self._joined(duration, chunks)
            except (MediaError, UsageError) as error:
                yield index, error

    def _joined(self, duration: float, chunks: Any) -> Features:
        """The features of all windows, one after the other."""
        outputs = encoded(chunks, duration, self._encoder())
        found = [each for each in outputs if any(axis.name == "time" for axis in each.axes)]
        if not found:
            raise MediaError("expected sound, there is not one sample")
        return joined(found)

    def _chosen(self, outputs: Sequence[Features]) -> Features:
        for each in outputs:
            if each.name == self.output:
                return each
        names = ", ".join(each.name for each in outputs)
        raise UsageError(f"output: {self.model} gives {names}; got {self.output!r}")

    def _encoder(self) -> Any:
        return _loaded(os.getpid(), self.job, self.model, self.sizes[1])


@lru_cache(maxsize=4)
def _loaded(process: int, job: str, model: str, threads: int) -> Any:
    """One encoder per process: what a worker inherits by a fork may hold locks of its parent."""
    return load_model(job, model, threads)


def joined(windows_: Sequence[Features]) -> Features:
    """Windows that follow one another as one, without the rows that cover padding."""
    first = windows_[0]
    axis = [each.name for each in first.axes].index("time")
    parts = [each.values[(*([slice(None)] * axis), slice(each.num_valid))] for each in windows_]
    spans = [each.span for each in windows_ if each.span is not None]
    span = Span(spans[0].start, spans[-1].end) if spans else None
    axes: tuple[Axis, ...] = first.axes
    return Features(np.concatenate(parts, axis), axes, first.model, first.name, span)


def collate(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows as one batch for a DataLoader: arrays of different sizes are padded with zeros.

    A column of arrays or `Features` becomes a float32 tensor ``(row, *longest, dim)``, with
    ``<column>_mask``, bool ``(row, *longest)``, true where there is something; None is masked
    altogether. Other columns become lists.

    >>> batch = collate([{"x": np.ones((2, 4))}, {"x": np.ones((3, 4))}, {"x": None}])
    >>> tuple(batch["x"].shape), batch["x_mask"].sum(1).tolist()
    ((3, 3, 4), [2, 3, 0])
    """
    import torch

    batch: dict[str, Any] = {}
    for name in rows[0]:
        column = [row[name] for row in rows]
        values = [_array(each) if isinstance(each, Features) else each for each in column]
        arrays = [each for each in values if each is not None]
        if not arrays or not all(isinstance(each, np.ndarray) for each in arrays):
            batch[name] = column
            continue
        shape = [max(sizes) for sizes in zip(*(each.shape for each in arrays), strict=True)]
        padded = torch.zeros(len(values), *shape)
        mask = torch.zeros(len(values), *shape[:-1], dtype=torch.bool)
        for index, each in enumerate(values):
            if each is not None:
                padded[index][tuple(map(slice, each.shape))] = torch.from_numpy(each).float()
                mask[index][tuple(map(slice, each.shape[:-1]))] = True
        batch[name], batch[f"{name}_mask"] = padded, mask
    return batch


def _array(features: Features) -> np.ndarray:
    return features.values.astype(np.float32)


def _pairs(columns: Columns) -> tuple[tuple[str, str], ...]:
    if isinstance(columns, str):
        return ((columns, columns),)
    if not columns:
        raise UsageError("columns: expected a column, got none")
    return tuple(columns.items())


def _described(rows: Mapping[str, Any], index: int) -> str:
    """What is short in a row, so that a person can find it again."""
    found = []
    for name, values in rows.items():
        value = values[index] if isinstance(values, list) else None
        if isinstance(value, (str, int, float)) and len(str(value)) <= 200:
            found.append(f"{name}={value!r}")
    return f" ({', '.join(found[:4])})" if found else ""
