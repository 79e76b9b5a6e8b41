"""``sensorium patches``: a picture to a folder of tiles, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensorium.core.errors import MissingMediaError, UsageError
from sensorium.core.patch.grid import EDGES
from sensorium.interfaces.cli.terminal.console import echo_json, json_option

if TYPE_CHECKING:
    from sensorium.core.patch.grid import PatchGrid

GRID = "grid.json"


def _numbers(context: click.Context, option: click.Parameter, text: str | None) -> Any:
    """'128' or '128,64' (height, width)."""
    if text is None:
        return None
    try:
        numbers = [int(part) for part in text.replace("x", ",").split(",")]
    except ValueError:
        raise click.BadParameter(f"expected 128 or 128,64 (height, width); got {text!r}") from None
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


@click.command()
@click.argument("picture", required=False)
@click.option("--patch", callback=_numbers, metavar="N|H,W", help="Size of a tile in pixels.")
@click.option("--stride", callback=_numbers, metavar="N|H,W", help="Step; as --patch if left out.")
@click.option("--edge", type=click.Choice(EDGES), default="pad", show_default=True)
@click.option("--out", required=True, help="The folder of tiles; with --merge the picture.")
@click.option("--merge", "tiles", metavar="FOLDER", help="Put the tiles of this folder together.")
@click.option("--blend", default="mean", show_default=True, help="What an overlap gets (--merge).")
@json_option()
def patches(picture: str | None, out: str, tiles: str | None, blend: str, **cut: Any) -> None:
    """Cut a picture into tiles and a grid.json; with --merge put them together again."""
    as_json = cut.pop("as_json")
    if (picture is None) == (tiles is None):
        raise UsageError("patches: expected either a picture or --merge FOLDER")
    if tiles is not None:
        size, num = merge_tiles(tiles, out, blend)
        told = f"{out}: {size[0]} x {size[1]} pixels from {num} tiles"
        whole = {"picture": out, "width": size[0], "height": size[1], "tiles": num}
        echo_json(whole) if as_json else click.echo(told)
        return
    if cut["patch"] is None:
        raise UsageError("patches: expected --patch, the size of a tile in pixels")
    assert picture is not None  # one of the two was given
    grid, num = write_tiles(picture, out, **cut)
    told = f"{num} tiles in {out}"
    if any(grid.lost):
        told += (
            f"; coverage {grid.coverage():.4g}, {grid.lost} pixels (height, width) are in no tile"
        )
    lost = {"coverage": grid.coverage(), "lost": list(grid.lost)}
    echo_json({"folder": out, "tiles": num, **lost}) if as_json else click.echo(told)


def write_tiles(
    picture: str, out: str, patch: Any, stride: Any, edge: Any
) -> tuple[PatchGrid, int]:
    """Writes the tiles of a picture as ``ROW_COLUMN.png`` and their grid; gives it and their number."""
    from sensorium.adapters.media.picture_array import write
    from sensorium.patches.door import split

    cut = split(picture, patch, stride, edge=edge)
    grid, folder = cut.grid, Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{out}: expected a new or empty folder for the tiles")
    folder.mkdir(parents=True, exist_ok=True)
    kind = cut.source().dtype
    # PNG holds no floats and no 32-bit integers.
    suffix = (
        "png" if kind.kind == "b" or kind.itemsize <= (2 if len(grid.axes) == 2 else 1) else "tif"
    )
    names = [f"{row:04d}_{column:04d}.{suffix}" for row, column in grid.indices().tolist()]
    for name, tile in zip(names, cut, strict=True):
        write(str(folder / name), tile)
    written = {"grid": json.loads(grid.to_json()), "tiles": names}
    (folder / GRID).write_text(json.dumps(written, indent=1), encoding="utf-8")
    return grid, len(names)


def merge_tiles(folder: str, out: str, blend: str) -> tuple[tuple[int, int], int]:
    """Reads the tiles of a folder and writes the picture `out`; gives its size and their number."""
    import numpy as np

    from sensorium.adapters.media.picture_array import as_array, read, write
    from sensorium.core.patch.grid import PatchGrid
    from sensorium.patches.door import merge

    try:
        told = json.loads((Path(folder) / GRID).read_text(encoding="utf-8"))
        grid, names = PatchGrid.from_json(json.dumps(told["grid"])), told["tiles"]
    except (FileNotFoundError, NotADirectoryError):
        raise MissingMediaError(f"{folder}: expected a folder of tiles with a {GRID}") from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UsageError(
            f"{folder}: {GRID} is not what `sensorium patches` writes ({error})"
        ) from None
    if any(Path(name).name != name for name in names):
        raise UsageError(f"{folder}: {GRID} names tiles outside of the folder")
    tiles = [as_array(read(str(Path(folder) / name)))[0] for name in names]
    image = merge(tiles, grid, blend)  # type: ignore[arg-type]
    write(out, np.asarray(image))
    return (int(image.shape[1]), int(image.shape[0])), len(names)
