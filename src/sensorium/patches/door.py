"""Cut anything into patches, put it back exactly.

>>> import numpy as np
>>> image = np.arange(100 * 130 * 3, dtype=np.uint8).reshape(100, 130, 3)
>>> patches = split(image, patch=32, stride=16, axes="h w c")
>>> patches
Patches(values=(6, 8, 32, 32, 3) uint8, 48 of 32x32 every 16x16 in 100x130, edge='pad')
>>> bool((merge(patches.values, patches.grid, blend="hann") == image).all())
True
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any

import numpy as np

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import Edge, PatchGrid
from sensorium.ops.patch import bands, drawing, fast, merging, numpy_patches, torch_patches
from sensorium.ops.patch.axes import Numbers, grid_for, plain
from sensorium.ops.patch.bands import Merger, Rows
from sensorium.ops.patch.join import checked_out, loaded, merge
from sensorium.ops.patch.packing import Packed
from sensorium.ops.patch.packing import pack as _pack

__all__ = ["Merger", "Packed", "PatchGrid", "Patches", "Rows", "draw", "merge", "pack", "split"]


class Patches:
    """The patches of one array: where they lie (`grid`) and what is in them (`values`).

    Nothing is read or copied before it is asked for. `values` has the axes
    ``(*batch, *grid.shape, *array axes)``: leading batch axes first, then the place in the grid, then
    one patch in the array's own axis order. It is a read-only view of the array wherever every patch
    lies inside it at even steps; where the grid runs past the array (``pad``) a view of a filled-up
    copy; under ``shift`` with an uneven last step a copy; under ``ragged`` a list in `grid.order`.
    """

    __slots__ = ("_fill", "_source", "_values", "grid")

    def __init__(self, source: Any, grid: PatchGrid, fill: numpy_patches.Fill = 0) -> None:
        self._source = source
        self._fill = fill
        self._values: Any = None
        self.grid = grid

    @property
    def values(self) -> Any:
        """What is in the patches; reads the whole array if it lies on disk."""
        if self._values is None:
            self._values = _values(self._source, self.grid, self._fill)
        return self._values

    def source(self) -> Any:
        """The array that was cut; read whole if it lies on disk."""
        tensor = torch_patches.is_tensor(self._source)
        return self._source.detach().cpu().numpy() if tensor else loaded(self._source)

    @property
    def flat(self) -> Any:
        """`values` with the patches numbered along one axis, in `grid.order`."""
        return (
            self.values
            if self.grid.edge == "ragged"
            else numpy_patches.flat(self.values, self.grid)
        )

    @property
    def is_view(self) -> bool:
        """Whether `values` needs no copy of the array."""
        grid = self.grid
        return grid.edge == "ragged" or (grid.is_regular and grid.padded == grid.size)

    def contiguous(self, out: Any = None) -> Any:
        """`values` as an array of its own in one piece, written to `out` if given."""
        if self.grid.edge == "ragged":
            raise UsageError("contiguous: the patches of edge='ragged' have different sizes")
        if torch_patches.is_tensor(self._source):
            source = self.values
            return source.contiguous() if out is None else out.copy_(source)
        array = loaded(self._source)
        shape = numpy_patches.values_shape(self.grid, array.shape)
        out = np.empty(shape, array.dtype) if out is None else checked_out(out, shape, array.dtype)
        fast.copy_into(out, array, self.grid, self._fill)
        return out

    def bands(self) -> Iterator[tuple[int, Any]]:
        """Each row of the grid and its values; only that row's samples are read and kept.

        Values are ``(*batch, *grid.shape[1:], *patch)``, what `Merger.add_band` takes.
        """
        if torch_patches.is_tensor(self._source) or self.grid.edge == "ragged":
            num_batch = numpy_patches.layout(self.grid).num_batch
            if self.grid.edge == "ragged":
                raise UsageError("bands: expected patches of one size, got edge='ragged'")
            for row in range(self.grid.shape[0]):
                yield row, self.values.select(num_batch, row)
            return
        yield from bands.bands(self._source, self.grid, self._fill)

    def __iter__(self) -> Iterator[Any]:
        """Every patch in `grid.order`, read a row of the grid at a time where the order allows."""
        grid = self.grid
        num_batch = numpy_patches.layout(grid).num_batch
        if grid.edge == "ragged":
            yield from self.values
        elif grid.order == "raster" and not torch_patches.is_tensor(self._source):
            for _, band in self.bands():
                for place in np.ndindex(*grid.shape[1:]):
                    yield band[(slice(None),) * num_batch + place]
        else:
            for place in grid.indices().tolist():
                yield self.values[(slice(None),) * num_batch + tuple(place)]

    def __len__(self) -> int:
        return self.grid.num_patches

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        grid, shape = self.grid, tuple(self._source.shape)
        kind = str(self._source.dtype).removeprefix("torch.")
        sizes = ["x".join(map(str, numbers)) for numbers in (grid.patch, grid.stride, grid.size)]
        lost = f", coverage {grid.coverage():.4g}" if any(grid.lost) else ""
        values = "ragged" if grid.edge == "ragged" else numpy_patches.values_shape(grid, shape)
        return (
            f"Patches(values={values} {kind}, {grid.num_patches} of {sizes[0]} every {sizes[1]} "
            f"in {sizes[2]}, edge={grid.edge!r}{lost})"
        )

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows: the grid over the picture; nothing where it is no picture."""
        import io

        try:
            picture = draw(self)
        except UsageError:
            return None
        picture.thumbnail((1024, 1024))
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        return buffer.getvalue()


def split(
    image: Any,
    patch: Numbers | PatchGrid,
    stride: Numbers | None = None,
    axes: str | None = None,
    edge: Edge = "pad",
    fill: numpy_patches.Fill = 0,
    out: Any = None,
) -> Patches:
    """Cuts an array of any number of axes into patches.

    Args:
        image: a numpy array or memmap, a torch tensor, a PIL image, the path of a picture, or whatever
            has ``shape``, ``dtype`` and slices (Zarr, HDF5).
        patch: samples along each cut axis: one number, one per axis, ``{"h": 32, "w": 16}`` (then
            only the axes named are cut), or a `PatchGrid`.
        stride: samples from one patch to the next, like `patch` (None: as `patch`, no overlap).
        axes: a name for each axis of `image`. ``b``, ``n`` (batch) and ``c`` (channel) are kept whole,
            every other is cut. May be left out for a PIL image, a path, and where all axes are cut.
        edge: what becomes of a remainder, see `PatchGrid`.
        fill: what ``pad`` fills up with: a number, ``"reflect"`` or ``"edge"``.
        out: an array of the shape of the values, which they are written to.

    >>> sound = np.arange(10.0)
    >>> split(sound, 4, 3, edge="shift").values[:, 0].tolist()
    [0.0, 3.0, 6.0]

    Raises:
        UsageError: an argument that cannot be meant; the message names the axis.
        MediaError: a path that is no picture.
    """
    if isinstance(image, Patches):
        raise UsageError("split: expected an image, got Patches; split their `values`")
    array, known = _opened(image)
    if isinstance(array, np.ndarray):
        merging.check_dtype(array.dtype, "first")
    elif not all(hasattr(array, name) for name in ("shape", "dtype", "__getitem__")):
        raise UsageError(
            f"image: expected an array, tensor, PIL image or path, got {type(image).__name__}"
        )
    if isinstance(patch, PatchGrid):
        grid = patch
        numpy_patches.check_array(array, grid)
    else:
        grid = grid_for(tuple(array.shape), plain(patch), plain(stride), axes or known, edge)
    if isinstance(fill, str) and fill not in ("reflect", "edge"):
        raise UsageError(f"fill: expected a number, 'reflect' or 'edge'; got {fill!r}")
    patches = Patches(array, grid, fill)
    if out is not None:
        patches._values = patches.contiguous(out)
    return patches


def _values(source: Any, grid: PatchGrid, fill: numpy_patches.Fill) -> Any:
    if isinstance(source, np.ndarray) and numpy_patches.layout(grid).fits and grid.edge != "ragged":
        return numpy_patches.view(source, grid)
    if torch_patches.is_tensor(source):
        return (
            numpy_patches.ragged(source, grid)
            if grid.edge == "ragged"
            else torch_patches.split(source, grid, fill)
        )
    array = loaded(source)
    if grid.edge == "ragged":
        return numpy_patches.ragged(array, grid)
    if grid.is_regular:
        return numpy_patches.view(numpy_patches.padded(array, grid, fill), grid)
    out = np.empty(numpy_patches.values_shape(grid, array.shape), array.dtype)
    fast.copy_into(out, array, grid, fill)
    return out


def _opened(image: Any) -> tuple[Any, str | None]:
    """The array that `image` stands for, and the names of its axes where they are known."""
    if isinstance(image, np.ndarray):
        return image, None
    kinds = type(image).__mro__
    if not isinstance(image, str | PathLike) and not any(
        kind.__module__.partition(".")[0] == "PIL" for kind in kinds
    ):
        return image, None
    from sensorium.adapters.media.picture_array import as_array, read

    return as_array(read(str(image)) if isinstance(image, str | PathLike) else image)


def pack(
    images: Sequence[Any], patch: Numbers, axes: str | None = None, fill: numpy_patches.Fill = 0
) -> Packed:
    """Pictures of different sizes as one run of patch tokens, with nothing between them.

    Args:
        images: arrays, PIL images or paths; all of one dtype and number of channels.
        patch: samples along each cut axis, as in `split`; there is no overlap.
        axes: of every image; None: ``h w c`` for three axes, ``h w`` for two.
        fill: what a last patch is filled up with.

    >>> packed = pack([np.ones((32, 48, 3), np.uint8), np.ones((20, 16, 3), np.uint8)], patch=16)
    >>> packed.tokens.shape, packed.cumulative.tolist(), packed.spatial_shapes.tolist()
    ((8, 768), [0, 6, 8], [[2, 3], [2, 1]])
    """
    arrays, grids = [], []
    for image in images:
        array, known = _opened(image)
        array = (
            array.detach().cpu().numpy() if torch_patches.is_tensor(array) else np.asarray(array)
        )
        merging.check_dtype(array.dtype, "first")
        names = axes or known or ("h w c" if array.ndim == 3 else "h w")
        grids.append(grid_for(tuple(array.shape), plain(patch), None, names, "pad"))
        arrays.append(array)
    return _pack(arrays, grids, fill)


def draw(patches: Patches, sheet: bool = False, columns: int | None = None) -> Any:
    """The outlines of the patches over the picture, or the patches side by side, as a PIL image.

    `sheet` shows the patches themselves, `columns` in a row (None: as in the grid).
    """
    from PIL import Image

    grid = patches.grid
    channel = drawing.channel_of(grid)
    if sheet:
        values = patches.values
        if grid.edge == "ragged":
            raise UsageError("draw: a sheet needs patches of one size, got edge='ragged'")
        values = values.detach().cpu().numpy() if torch_patches.is_tensor(values) else values
        values = numpy_patches.flat(values, grid)
        pixels = drawing.rgb(values, None if channel is None else channel + 1)
        return Image.fromarray(drawing.sheet(pixels, columns or max(grid.shape[1], 1)))
    pixels = drawing.rgb(patches.source(), channel)
    return Image.fromarray(drawing.outlined(pixels, grid, (255, 64, 64)))
