"""Where patches lie: pure integers, computed before any pixel is touched."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.patch.spacing import axis_starts, covered, whole_numbers

Edge = Literal["pad", "shift", "drop", "ragged", "error"]
Order = Literal["raster", "column"]
EDGES: tuple[str, ...] = get_args(Edge)
ORDERS: tuple[str, ...] = get_args(Order)
BATCH = ("b", "n", "batch")  # leading axes of these names stay in front of the grid
WHOLE = (*BATCH, "c", "channel")  # axes of these names are never cut unless asked for
_NAMES = {1: ("x",), 2: ("h", "w"), 3: ("d", "h", "w"), 4: ("t", "d", "h", "w")}


@dataclass(frozen=True, slots=True, repr=False)
class PatchGrid:
    """Where the patches of an array lie. Hashable, compares by value, survives JSON.

    Every tuple has one entry per cut axis, in samples (pixels, rows, ...): `size` of the array,
    `patch`, `stride` from one patch to the next. `edge` says what becomes of a remainder:

    ``pad``     the last patch runs past the end and is filled up; a merge crops again
    ``shift``   the last patch is moved back so that it ends with the array
    ``drop``    the remainder is left out; `coverage` and `lost` say how much
    ``ragged``  the last patch is smaller
    ``error``   a remainder is an error

    `names` are the cut axes and `axes` all axes of the array, in its order; axes that are not in
    `names` are kept whole. `order` numbers the patches: ``raster`` (the last axis fastest) or
    ``column`` (the first axis fastest).

    >>> grid = PatchGrid.fit(size=(100, 130), patch=32, stride=16)
    >>> grid
    PatchGrid(h: 6 of 32/16 in 100, w: 8 of 32/16 in 130; 48 patches, edge='pad', coverage 1)
    >>> grid.boxes[-1].tolist(), grid.valid[-1].tolist()
    ([[80, 112], [112, 144]], [20, 18])
    >>> PatchGrid.from_json(grid.to_json()) == grid
    True
    """

    size: tuple[int, ...]
    patch: tuple[int, ...]
    stride: tuple[int, ...]
    edge: Edge = "pad"
    order: Order = "raster"
    names: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = self.names or _NAMES.get(len(self.size)) or _numbered(len(self.size))
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "axes", self.axes or names)
        _check_names(self)
        for name in ("size", "patch", "stride"):
            _check_positive(self, name)
        if self.edge not in EDGES:
            raise UsageError(f"edge: expected one of {', '.join(EDGES)}; got {self.edge!r}")
        if self.order not in ORDERS:
            raise UsageError(f"order: expected one of {', '.join(ORDERS)}; got {self.order!r}")
        for axis, size, patch, stride in zip(
            names, self.size, self.patch, self.stride, strict=True
        ):
            _check_edge(axis, size, patch, stride, self.edge)

    @classmethod
    def fit(
        cls,
        size: int | Sequence[int],
        patch: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        edge: Edge = "pad",
        order: Order = "raster",
        axes: str = "",
    ) -> PatchGrid:
        """The grid over `size`; one number for `patch` or `stride` counts for every axis.

        `axes` names all axes of the array, as in ``"h w c"``; batch (``b``, ``n``) and channel (``c``)
        are kept whole, `size` is that of the others. Without it the array has the cut axes only.

        >>> PatchGrid.fit(10, 4, edge="drop").lost
        (2,)
        """
        sizes = whole_numbers("size", size)
        patches = whole_numbers("patch", patch, len(sizes))
        strides = patches if stride is None else whole_numbers("stride", stride, len(sizes))
        every = tuple(axes.split())
        names = tuple(name for name in every if name not in WHOLE)
        return cls(sizes, patches, strides, edge, order, names, every)

    @property
    def starts(self) -> tuple[NDArray[np.int64], ...]:
        """Per axis the first sample of each patch, ascending, int64."""
        return _starts(self)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many patches there are along each axis."""
        return tuple(len(starts) for starts in _starts(self))

    @property
    def num_patches(self) -> int:
        """How many patches there are."""
        return math.prod(self.shape)

    @property
    def is_regular(self) -> bool:
        """Whether every patch is `stride` after the one before and all are of one size."""
        fits = [
            (n - p) % s == 0 for n, p, s in zip(self.size, self.patch, self.stride, strict=True)
        ]
        return self.edge in ("pad", "drop", "error") or all(fits)

    @property
    def padded(self) -> tuple[int, ...]:
        """Per axis the length that holds every patch whole; at least `size`."""
        ends = [max((int(s[-1]) + p) if len(s) else 0, n)
                for s, p, n in zip(_starts(self), self.patch, self.size, strict=True)]  # fmt: skip
        return self.size if self.edge == "ragged" else tuple(ends)

    @property
    def boxes(self) -> NDArray[np.int64]:
        """First sample and end of every patch, int64 (patch, axis, 2), in `order`.

        Under ``pad`` a box may end past the array; under ``ragged`` it is cut there.
        """
        starts = self.corners()
        stops = starts + np.asarray(self.patch, dtype=np.int64)
        if self.edge == "ragged":
            stops = np.minimum(stops, np.asarray(self.size, dtype=np.int64))
        return np.stack([starts, stops], axis=2)

    @property
    def valid(self) -> NDArray[np.int64]:
        """How much of each patch is array and not filling, int64 (patch, axis), in samples."""
        starts = self.corners()
        size, patch = np.asarray(self.size), np.asarray(self.patch)
        return np.minimum(starts + patch, size) - starts

    def corners(self) -> NDArray[np.int64]:
        """The first sample of every patch, int64 (patch, axis), in `order`."""
        index = self.indices()
        columns = [starts[index[:, axis]] for axis, starts in enumerate(_starts(self))]
        return np.stack(columns, axis=1)

    def indices(self) -> NDArray[np.int64]:
        """Where each patch stands in the grid, int64 (patch, axis), in `order`."""
        flat = np.arange(self.num_patches)
        places = np.unravel_index(flat, self.shape, order="C" if self.order == "raster" else "F")
        return np.stack(places, axis=1).astype(np.int64)

    def position(self, number: int) -> tuple[int, ...]:
        """Where patch `number` (counted in `order`) stands in the grid."""
        if not 0 <= number < self.num_patches:
            raise UsageError(f"patch: expected a number in 0..{self.num_patches - 1}, got {number}")
        order: Literal["C", "F"] = "C" if self.order == "raster" else "F"
        return tuple(int(i) for i in np.unravel_index(number, self.shape, order=order))

    def coverage(self) -> float:
        """The share of the array that at least one patch covers, 0..1.

        >>> PatchGrid.fit((10, 10), 4, edge="drop").coverage()
        0.64
        """
        return math.prod(
            n - lost for n, lost in zip(self.size, self.lost, strict=True)
        ) / math.prod(self.size)

    @property
    def lost(self) -> tuple[int, ...]:
        """Per axis how many samples no patch covers."""
        return tuple(int((counts == 0).sum()) for counts in self.counts())

    @property
    def kept(self) -> tuple[slice, ...]:
        """Per axis the slice up to the last covered sample."""
        ends = [min(int(s[-1]) + p, n) if len(s) else 0
                for s, p, n in zip(_starts(self), self.patch, self.size, strict=True)]  # fmt: skip
        return tuple(slice(0, end) for end in ends)

    def counts(self) -> tuple[NDArray[np.int64], ...]:
        """Per axis how many patches cover each sample, int64 (sample,)."""
        return tuple(
            covered(starts, patch, size)
            for starts, patch, size in zip(_starts(self), self.patch, self.size, strict=True)
        )

    def to_json(self) -> str:
        """The grid as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> PatchGrid:
        """The grid that `to_json` wrote."""
        try:
            read = json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(f"PatchGrid.from_json: this is no JSON ({error})") from None
        expected = {field.name for field in fields(cls)}
        if (
            not isinstance(read, Mapping)
            or not {"size", "patch", "stride"} <= set(read) <= expected
        ):
            raise UsageError(
                f"PatchGrid.from_json: expected an object with {sorted(expected)}, got {text[:80]!r}"
            )
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in read.items()}
        return cls(**given)

    def __repr__(self) -> str:
        cuts = ", ".join(
            f"{name}: {num} of {patch}/{stride} in {size}"
            for name, num, patch, stride, size in zip(
                self.names, self.shape, self.patch, self.stride, self.size, strict=True
            )
        )
        whole = f" of {' '.join(self.axes)}" if self.axes != self.names else ""
        order = f", order={self.order!r}" if self.order != "raster" else ""
        return (
            f"PatchGrid({cuts}{whole}; {self.num_patches} patches, "
            f"edge={self.edge!r}{order}, coverage {self.coverage():.4g})"
        )


def _numbered(num_axes: int) -> tuple[str, ...]:
    return tuple(f"axis{i}" for i in range(num_axes))


def _check_names(grid: PatchGrid) -> None:
    if len(grid.names) != len(grid.size) or not grid.size:
        raise UsageError(
            f"PatchGrid: expected one name per axis of size {grid.size}, got {grid.names}"
        )
    if len(set(grid.axes)) != len(grid.axes):
        raise UsageError(f"axes: expected every name once, got {' '.join(grid.axes)!r}")
    if [name for name in grid.axes if name in grid.names] != list(grid.names):
        raise UsageError(
            f"axes: expected the cut axes {' '.join(grid.names)!r} in this order "
            f"among {' '.join(grid.axes)!r}"
        )


def _check_positive(grid: PatchGrid, name: str) -> None:
    numbers = whole_numbers(name, getattr(grid, name), len(grid.names))
    object.__setattr__(grid, name, numbers)
    for axis, number in zip(grid.names, numbers, strict=True):
        if number < 1:
            raise UsageError(f"{name}: expected at least 1 along axis {axis!r}, got {number}")


def _check_edge(axis: str, size: int, patch: int, stride: int, edge: Edge) -> None:
    if edge == "shift" and patch > size:
        raise UsageError(
            f"patch: {patch} does not fit into axis {axis!r} of {size} and cannot be shifted in; "
            "use edge='pad' or 'ragged', or a smaller patch"
        )
    if edge == "error" and (patch > size or (size - patch) % stride):
        raise UsageError(
            f"axis {axis!r} of {size} is not cut evenly by patch {patch} with stride {stride}; "
            "choose edge='pad', 'shift', 'ragged' or 'drop'"
        )


@lru_cache(maxsize=512)
def _starts(grid: PatchGrid) -> tuple[NDArray[np.int64], ...]:
    per_axis = []
    for size, patch, stride in zip(grid.size, grid.patch, grid.stride, strict=True):
        starts = np.fromiter(axis_starts(size, patch, stride, grid.edge), dtype=np.int64)
        starts.flags.writeable = False
        per_axis.append(starts)
    return tuple(per_axis)
