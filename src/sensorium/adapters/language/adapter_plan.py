"""What an adapter is, as plain data: written beside its weights and read by people."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from sensorium.core.errors import ModelError, UsageError

KINDS = ("linear", "mlp", "unshuffle", "pool", "resampler")
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of an adapter, and whose features it is for.

    `dim` is the width of the features, `hidden` that of the language model. `encoder` and `output` name the
    model and the output (``"patches"``) it was trained for; empty: anything of the right width.
    `factor` is how many cells of each axis become one token (kinds ``unshuffle`` and ``pool``; the time
    axis of a video is left alone), `num_axes` 2 for pictures, 1 for sound, 3 for video; `num_queries` and
    `num_layers` belong to the ``resampler``.
    """

    dim: int
    hidden: int
    kind: str = "linear"
    encoder: str = ""
    output: str = ""
    factor: int = 2
    num_axes: int = 2
    num_queries: int = 64
    num_layers: int = 2

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"kind: expected one of {', '.join(KINDS)}; got {self.kind!r}")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, str):
                if not isinstance(value, str):
                    raise UsageError(f"{field.name}: expected a text, got {value!r}")
            elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise UsageError(f"{field.name}: expected a whole number above 0, got {value!r}")

    @property
    def keeps_grid(self) -> bool:
        """Whether the adapter has to know which token is where."""
        return self.kind in ("unshuffle", "pool", "resampler")

    @property
    def factors(self) -> tuple[int, ...]:
        """Cells per token along each axis."""
        flat = min(self.num_axes, 2)
        return (1,) * (self.num_axes - flat) + (self.factor,) * flat

    @property
    def num_heads(self) -> int:
        """Of the resampler's attention: as many of up to 16 as leave each at least 16 values."""
        return next(
            n
            for n in (16, 8, 4, 2, 1)
            if (self.hidden % n == 0 and n * 16 <= self.hidden) or n == 1
        )

    def grid(self, grid: Sequence[int]) -> tuple[int, ...]:
        """The grid of tokens that a grid of features becomes.

        >>> Plan(384, 768, "unshuffle").grid((17, 16))
        (9, 8)
        """
        if self.kind == "resampler":
            return (self.num_queries,)
        if not self.keeps_grid or not grid:
            return tuple(grid) or (1,)
        return tuple(math.ceil(size / f) for size, f in zip(grid, self.factors, strict=True))

    def to_json(self) -> str:
        """Readable text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> Plan:
        """Reads what `to_json` wrote; `where` names the file in errors.

        Raises:
            ModelError: not such a text, or of a newer format.
        """
        try:
            found: dict[str, Any] = json.loads(text)
            written = found.pop("format")
            if written != FORMAT:
                raise ModelError(
                    f"{where}: format {written!r}, this version reads {FORMAT}; upgrade sensorium"
                )
            return cls(**found)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelError(f"{where}: expected what Adapter.save writes; {error}") from None
