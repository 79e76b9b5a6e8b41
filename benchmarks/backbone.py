"""How well the bundled picture encoder finds the same thing again, beside a colour histogram.

    python benchmarks/backbone.py

28 real pictures of three packages. Each is changed six ways (crops, mirrored, turned by 15 degrees, gray,
darker, small) and all 196 pictures are looked up among each other, leaving the picture itself out: right is
another version of the same. This says how stable the embedding is, not how well it tells apart kinds of
things: no package carries a labelled set of several pictures per kind that a licence lets us fetch.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pictures import pictures
from PIL import Image, ImageEnhance, ImageOps

import sensorium as sm
from sensorium.adapters.media.reader import MediaReader


def versions(image: Image.Image) -> list[Image.Image]:
    """The picture and six changes of it."""
    width, height = image.size
    left = image.crop((0, 0, round(width * 0.6), round(height * 0.6)))
    right = image.crop((round(width * 0.4), round(height * 0.4), width, height))
    small = image.resize((max(width // 8, 16), max(height // 8, 16))).resize((width, height))
    turned = image.rotate(15, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128))
    gray = ImageOps.grayscale(image).convert("RGB")
    dark = ImageEnhance.Brightness(ImageOps.mirror(image)).enhance(0.5)
    return [image, left, right, small, turned, gray, dark]


def opened(path: Path) -> Image.Image:
    """A picture; of a video the one at one second."""
    media = MediaReader()
    ref = media.probe(str(path))
    frame = next(iter(media.frames(ref, 640, [1.0] if ref.kind == "video" else None)))
    return Image.fromarray(frame.pixels[0])


def histogram(image: Image.Image) -> np.ndarray:
    """Colours in 8 x 8 x 8 bins."""
    pixels = np.asarray(image).reshape(-1, 3) // 32
    counts = np.bincount(pixels @ np.array([64, 8, 1]), minlength=512)
    return np.sqrt(counts / counts.sum())


def scores(values: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """(share whose nearest other picture is of the same thing, mean average precision)."""
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    order = np.argsort(-similarity, axis=1)[:, :-1]
    right = labels[order] == labels[:, None]
    ranks = np.arange(1, right.shape[1] + 1)
    precision = (np.cumsum(right, axis=1) / ranks * right).sum(axis=1) / right.sum(axis=1)
    return float(right[:, 0].mean()), float(precision.mean())


def main() -> None:
    """One table."""
    found = pictures()
    images = [each for path in found for each in versions(opened(path))]
    labels = np.repeat(np.arange(len(found)), len(images) // len(found))
    told = sm.embed_images(images)
    ways: dict[str, Callable[[int], np.ndarray]] = {
        "bundled ViT, class token": lambda i: told[i]["class"].values.astype(np.float32),
        "bundled ViT, mean of the patches": lambda i: (
            told[i]["patches"].values.astype(np.float32).mean((0, 1))
        ),
        "colour histogram": lambda i: histogram(images[i]),
    }
    print(f"{len(found)} pictures, {len(images)} versions\n")
    print("| embedding | nearest is the same | mean average precision |\n|---|---|---|")
    for name, value in ways.items():
        values = np.stack([value(i) for i in range(len(images))])
        nearest, precision = scores(values, labels)
        print(f"| {name} | {nearest:.3f} | {precision:.3f} |")


if __name__ == "__main__":
    main()
