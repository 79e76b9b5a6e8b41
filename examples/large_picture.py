"""A filter over a picture of any size, tile by tile and without seams: here, less noise.

python examples/large_picture.py PICTURE OUT.png
"""

import sys

import numpy as np
from PIL import Image, ImageFilter

import sensorium as sm


def calmer(tile: np.ndarray) -> np.ndarray:
    """What is done with each tile; a model of yours may stand here."""
    return np.asarray(Image.fromarray(tile).filter(ImageFilter.MedianFilter(3)))


def main(picture: str, out: str) -> None:
    """Tiles of 256 pixels that overlap by half, blended where they overlap."""
    patches = sm.patches.split(picture, patch=256, stride=128)
    tiles = np.stack([calmer(tile) for tile in patches]).reshape(patches.values.shape)
    Image.fromarray(sm.patches.merge(tiles, patches.grid, blend="hann")).save(out)
    print(f"{out}: {len(patches)} tiles")


if __name__ == "__main__":
    main(*sys.argv[1:])
