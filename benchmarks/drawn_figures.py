"""The drawn cast: figures out of games and of Live2D models, each in several moves, for `drawn_episodes`."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import puppets
from PIL import Image


@dataclass
class Move:
    """Pictures (RGBA) of one figure in one dress, one after the other; `head` is (x, y, height) in them."""

    dress: str
    pictures: list[np.ndarray]
    head: tuple[float, float, float]


Cast = dict[str, list[Move]]
# Share of the height of the whole figure that its head takes, where it is not that of most.
_HEADS = {"koharu": 0.42, "haruto": 0.42, "nico": 0.42, "nipsilon": 0.42, "unitychan": 0.42,
          "shizuku": 0.5, "izumi": 0.3, "chitose": 0.2}  # fmt: skip


def touhou(media: Path) -> Cast:
    """Eleven characters of Taisei with up to thirteen faces each, some in torn clothes too."""
    folder = _taisei(media)
    sheet = Image.open(folder / "atlas_portraits_0.webp").convert("RGBA")
    atlas = np.asarray(sheet)
    names = sorted(file.stem for file in (folder / "dialog").glob("*.spr"))
    cast: Cast = defaultdict(list)
    for who in sorted({name.split("_")[0] for name in names}):
        rng = np.random.default_rng(zlib.crc32(who.encode()))
        faces = [_sprite(folder, atlas, name) for name in names if name.startswith(f"{who}_face_")]
        body = _sprite(folder, atlas, who)
        rows, columns = np.nonzero(faces[0][..., 3] > 60)
        head = (float(columns.mean()), float((rows.min() + rows.max()) / 2 - 20), 150.0)
        for dress in [who, *[name for name in names if name.startswith(f"{who}_variant_")]]:
            figure = body if dress == who else _over(body, _sprite(folder, atlas, dress))
            for _ in range(6):
                chosen = rng.permutation(len(faces))[:3]
                cast[who].append(Move(dress, [_over(figure, faces[i]) for i in chosen], head))
    return dict(cast)


def _taisei(media: Path) -> Path:
    """The unpacked portraits; the archive is compressed by Zstandard, which zipfile reads from 3.14 on."""
    import zipfile

    import zstandard

    out = media / "taisei-portraits"
    if not out.exists():
        (source,) = media.rglob("00-taisei.zip")
        with zipfile.ZipFile(source) as archive, open(source, "rb") as raw:
            for info in archive.infolist():
                if (
                    not info.filename.startswith(("gfx/dialog/", "gfx/atlas_portr"))
                    or info.is_dir()
                ):
                    continue
                raw.seek(info.header_offset + 26)
                skipped = np.frombuffer(raw.read(4), "<u2").sum()
                raw.seek(info.header_offset + 30 + int(skipped))
                data = raw.read(info.compress_size)
                if info.compress_type == 93:
                    data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
                elif info.compress_type == zipfile.ZIP_DEFLATED:
                    data = zlib.decompress(data, -15)
                target = out / Path(info.filename).relative_to("gfx")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
    return out


def _sprite(folder: Path, atlas: np.ndarray, name: str) -> np.ndarray:
    lines = (folder / "dialog" / f"{name}.spr").read_text().splitlines()
    values = dict(line.replace(" ", "").split("=") for line in lines if "=" in line)
    high, wide = atlas.shape[:2]
    sides = {"x": wide, "y": high, "w": wide, "h": high}
    x, y, w, h = (round(float(values[f"region_{key}"]) * side) for key, side in sides.items())
    scale = w / float(values["w"])
    top, bottom, left, right = (
        round(float(values.get(f"padding_{side}", 0)) * scale)
        for side in ("top", "bottom", "left", "right")
    )
    grown = ((max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)), (0, 0))
    pixels = np.pad(atlas[y : y + h, x : x + w], grown)
    rows, columns = pixels.shape[:2]
    return pixels[max(-top, 0) : rows - max(-bottom, 0), max(-left, 0) : columns - max(-right, 0)]


def _over(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    rows, columns = (min(a, b) for a, b in zip(below.shape[:2], above.shape[:2], strict=True))
    out, top = below.copy(), above[:rows, :columns]
    cover = top[..., 3:] / 255
    part = out[:rows, :columns]
    part[..., :3] = part[..., :3] * (1 - cover) + top[..., :3] * cover
    part[..., 3:] = np.maximum(part[..., 3:], top[..., 3:])
    return out


def question(media: Path) -> Cast:
    """Eileen and Lucy of Ren'Py's demo, and Sylvie of The Question in two dresses."""
    cast: Cast = defaultdict(list)
    dresses: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
    for who in ("eileen", "lucy", "sylvie"):
        for file in sorted(media.rglob(f"{who} *.png")):
            dress = file.stem.split()[1] if who == "sylvie" else ""
            dresses[who, dress].append(np.asarray(Image.open(file).convert("RGBA")))
    for (who, dress), pictures in dresses.items():
        rng = np.random.default_rng(zlib.crc32(f"{who} {dress}".encode()))
        for _ in range(6):
            chosen = [pictures[i] for i in rng.permutation(len(pictures))[:3]]
            cast[who].append(_cropped(dress, chosen, 0.2))
    return dict(cast)


def live2d(media: Path, names: tuple[str, ...], height: int = 700) -> Cast:
    """Live2D models: heads that turn, faces that change; Haru has two dresses. Painted once, then kept."""
    cast: Cast = defaultdict(list)
    for file in sorted((media / "puppets").rglob("*.model.json")):
        dress = file.stem.removesuffix(".model").lower().replace("2.1", "")
        who = dress.rstrip("0123456789") if dress.startswith("haru0") else dress
        if who in names:
            kept = media / "painted" / dress
            if not (kept / "done").exists():
                _paint(puppets.Puppet(file, media / "live2d"), dress, kept, height)
            for folder in sorted(kept.glob("move*")):
                pictures = [np.asarray(Image.open(each)) for each in sorted(folder.glob("*.png"))]
                cast[who].append(_cropped(dress, pictures, _HEADS.get(dress, 0.19)))
    return dict(cast)


def _paint(puppet: puppets.Puppet, dress: str, kept: Path, height: int) -> None:
    rng = np.random.default_rng(zlib.crc32(dress.encode()))
    for number in range(6 if dress.startswith("haru0") else 10):
        folder = kept / f"move{number}"
        folder.mkdir(parents=True, exist_ok=True)
        face = int(rng.integers(9)) if rng.random() < 0.6 else None
        for step, values in enumerate(_turning(rng)):
            Image.fromarray(puppet.picture(values, face, height)).save(folder / f"{step}.png")
    (kept / "done").write_text(json.dumps({"height": height}))


def _turning(rng: np.random.Generator) -> Iterator[dict[str, float]]:
    """Three moments of a head that turns from one side to another, and may blink."""
    start, end = (rng.uniform(-1, 1, 3) * (30, 18, 12) for _ in range(2))
    look = rng.uniform(-1, 1, 2)
    for part in (0.0, 0.5, 1.0):
        x, y, z = start * (1 - part) + end * part
        left, right = (1.0 if rng.random() < 0.85 else 0.1 for _ in range(2))
        yield {
            "PARAM_ANGLE_X": x, "PARAM_ANGLE_Y": y, "PARAM_ANGLE_Z": z, "PARAM_BODY_ANGLE_X": x / 4,
            "PARAM_EYE_BALL_X": look[0], "PARAM_EYE_BALL_Y": look[1],
            "PARAM_MOUTH_OPEN_Y": rng.random(), "PARAM_EYE_L_OPEN": left, "PARAM_EYE_R_OPEN": right,
        }  # fmt: skip


def _cropped(dress: str, pictures: list[np.ndarray], head: float) -> Move:
    """What is not empty of a figure that stands upright, its head at the top."""
    solid = np.max([each[..., 3] for each in pictures], axis=0) > 40
    rows, columns = np.nonzero(solid.any(axis=1))[0], np.nonzero(solid.any(axis=0))[0]
    cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    pictures = [each[cut] for each in pictures]
    side = head * pictures[0].shape[0]
    top = pictures[0][: int(side), :, 3] > 40
    return Move(dress, pictures, (float(np.nonzero(top)[1].mean()), 0.55 * side, side))
