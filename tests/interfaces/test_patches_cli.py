"""`sensorium patches`: tiles there and back, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from sensorium.core.errors import MediaError, SensoriumError, UsageError
from sensorium.interfaces.cli.patches_command import patches


def run(*arguments: Any) -> str:
    found = CliRunner().invoke(patches, [str(a) for a in arguments])
    if isinstance(found.exception, SensoriumError):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.output


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1", "I;16", "I", "F"])
@pytest.mark.parametrize("edge", ["pad", "shift", "ragged"])
def test_tiles_there_and_back(
    tmp_path: Path, mode: str, edge: str, rng: np.random.Generator
) -> None:
    kinds = {"I;16": "u2", "I": "i4", "F": "f4"}
    shape = (70, 50, len(mode)) if mode in ("RGB", "RGBA", "LA") else (70, 50)
    array = rng.integers(0, 2 if mode == "1" else 256, shape).astype(kinds.get(mode, "u1"))
    array = array.astype(bool) if mode == "1" else array * (257 if mode == "I;16" else 1)
    picture = Image.fromarray(array)
    assert picture.mode == mode
    suffix = "tif" if mode in ("I", "F") else "png"
    picture.save(tmp_path / f"in.{suffix}")
    tiles, out = tmp_path / "tiles", tmp_path / f"out.{suffix}"
    told = run(tmp_path / f"in.{suffix}", "--patch", "32", "--stride", "20,16", "--edge", edge,
               "--out", tiles)  # fmt: skip
    assert told == f"{len(list(tiles.glob('*.*'))) - 1} tiles in {tiles}\n"
    assert (tiles / f"0000_0001.{suffix}").exists()
    assert "50 x 70 pixels" in run("--merge", tiles, "--out", out)
    merged = Image.open(out)
    assert merged.mode == mode
    np.testing.assert_array_equal(np.asarray(merged), array)


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    Image.new("L", (50, 70)).save(tmp_path / "in.png")
    told = run(tmp_path / "in.png", "--patch", 32, "--edge", "drop", "--out", tmp_path / "tiles")
    assert "coverage 0.5851, (6, 18) pixels (height, width) are in no tile" in told


def test_wrong_use_is_one_clear_error(tmp_path: Path) -> None:
    Image.new("L", (5, 7)).save(tmp_path / "in.png")
    with pytest.raises(UsageError, match="either a picture or --merge"):
        run("--out", "x")
    with pytest.raises(UsageError, match="expected --patch"):
        run(tmp_path / "in.png", "--out", tmp_path / "tiles")
    with pytest.raises(MediaError, match=r"expected a folder of tiles with a grid\.json"):
        run("--merge", tmp_path, "--out", tmp_path / "out.png")
    with pytest.raises(UsageError, match="expected a new or empty folder"):
        run(tmp_path / "in.png", "--patch", 3, "--out", tmp_path)
    run(tmp_path / "in.png", "--patch", 3, "--out", tmp_path / "tiles")
    grid = json.loads((tmp_path / "tiles/grid.json").read_text())
    (tmp_path / "tiles/grid.json").write_text(json.dumps(grid | {"tiles": ["../in.png"]}))
    with pytest.raises(UsageError, match="outside of the folder"):
        run("--merge", tmp_path / "tiles", "--out", tmp_path / "out.png")
