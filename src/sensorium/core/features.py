"""A model's output rows, each located in the picture or in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.lazy import Shown, loaded
from sensorium.core.media import read_only
from sensorium.core.time import Axis, Span


@dataclass(frozen=True, slots=True)
class Features(Shown):
    """Model outputs ``(*axes, dim)``; with no axes it is an embedding ``(dim,)``.

    `axes` locate every row: ``(height, width)`` in pixels for image patches, ``(time,)`` in seconds
    for sound. `model` names what computed them: features of different models are never
    compared. `name` says which output it is (``"patches"``, ``"class"``, ``"encoder"``); `span` is the
    stretch of the source that was looked at (None for a still image). `num_valid` counts the
    places along the time axis that cover real input; the rest cover padding (None: all are real).

    >>> import numpy as np
    >>> rows = Axis("time", 0.0, 0.02, 0.025, "s")
    >>> Features(np.zeros((1500, 384), np.float32), (rows,), "whisper-tiny.en", "encoder")
    Features(encoder, time=1500, dim=384, float32, model='whisper-tiny.en')
    """

    values: NDArray = field(repr=False)
    axes: tuple[Axis, ...]
    model: str
    name: str = ""
    span: Span | None = None
    num_valid: int | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != len(self.axes) + 1:
            raise UsageError(
                f"Features.values: expected {len(self.axes) + 1} dimensions for axes "
                f"{[axis.name for axis in self.axes]} + dim, got shape {self.values.shape}"
            )
        if self.values.dtype.kind != "f":
            raise UsageError(f"Features.values: expected floats, got {self.values.dtype}")
        object.__setattr__(self, "values", read_only(self.values))

    def __repr__(self) -> str:
        names = [axis.name for axis in self.axes] + ["dim"]
        sizes = ", ".join(f"{n}={s}" for n, s in zip(names, self.values.shape, strict=True))
        where = f", span=[{self.span.start:.2f}, {self.span.end:.2f})" if self.span else ""
        return f"Features({self.name}, {sizes}, {self.values.dtype}{where}, model={self.model!r})"

    def plot(self, picture: Any = None, at: tuple[float, float] | None = None) -> Any:
        """These features as a PIL picture.

        Of patches, how alike each is to the one `at` (x, y) in pixels (yellow: the same), or without it the
        three directions in which they differ most as red, green and blue; laid over `picture` (a path,
        array or PIL picture) if there is one. Of sound, the strongest features along the time.
        """
        return loaded("interfaces.notebook.plots:features")(self, picture, at)
