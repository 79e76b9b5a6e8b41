"""Seconds, and the only conversions between seconds and indices."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sensorium.core.errors import UsageError


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open interval ``[start, end)`` in seconds from the start of the source.

    >>> Span(1.0, 3.0).overlap(Span(2.0, 5.0))
    1.0
    >>> Span(1.0, 3.0).shift(0.5)
    Span(start=1.5, end=3.5)

    Raises:
        UsageError: a bound that is not finite, or ``end < start``.
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.end)):
            raise UsageError(f"Span: expected finite seconds, got [{self.start}, {self.end})")
        if self.end < self.start:
            raise UsageError(f"Span: expected start <= end, got [{self.start}, {self.end})")

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start

    def overlap(self, other: Span) -> float:
        """Seconds that both spans cover."""
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))

    def within(self, start: float, end: float) -> Span | None:
        """The part in ``[start, end)``; None if nothing of it lies there.

        Rows of a model reach past the end of a recording, by padding or by rounding: what is cut to
        a recording goes through here, so that a row wholly beyond the end is no error and no time.

        >>> Span(9.0, 11.0).within(0.0, 10.0), Span(10.0, 11.0).within(0.0, 10.0)
        (Span(start=9.0, end=10.0), None)
        """
        low, high = max(self.start, start), min(self.end, end)
        return Span(low, high) if low < high else None

    def shift(self, seconds: float) -> Span:
        """The same length, `seconds` later."""
        return Span(self.start + seconds, self.end + seconds)


@dataclass(frozen=True, slots=True)
class Axis:
    """A regular grid: index ``i`` covers ``[start + i*step, start + i*step + width)``.

    One type for the windows of an audio model (unit ``"s"``), the rows and columns of
    image patches (``"px"``) and mel bands (``"bin"``).

    >>> rows = Axis("height", start=0.0, step=14.0, width=14.0, unit="px")
    >>> rows.span(5)
    Span(start=70.0, end=84.0)
    >>> rows.index(71.0)
    5
    """

    name: str
    start: float
    step: float
    width: float
    unit: str

    def __post_init__(self) -> None:
        if not (self.step > 0 and self.width > 0 and math.isfinite(self.start)):
            raise UsageError(
                f"Axis {self.name!r}: expected a finite start and positive step and width, "
                f"got start={self.start}, step={self.step}, width={self.width}"
            )

    def span(self, index: int) -> Span:
        """What row `index` covers, in `unit`."""
        start = self.start + index * self.step
        return Span(start, start + self.width)

    def index(self, position: float) -> int:
        """The last row that starts at or before `position` (may lie outside the data)."""
        # 1e-9 of a step: positions that were computed as start + i*step must give back i.
        return math.floor((position - self.start) / self.step + 1e-9)
