"""Which pictures look like each other: every picture with the one that is nearest to it.

python examples/alike.py PICTURE PICTURE [PICTURE ...]
"""

import sys

import numpy as np

import sensorium as sm


def main(*pictures: str) -> None:
    """By the cosine of what the image encoder makes of the whole picture."""
    rows = [each["class"].values.astype(np.float32) for each in sm.embed_images(pictures)]
    unit = np.stack([row / np.linalg.norm(row) for row in rows])
    alike = unit @ unit.T
    np.fill_diagonal(alike, -1.0)
    for picture, nearest in zip(pictures, alike.argmax(axis=1), strict=True):
        best = alike[pictures.index(picture), nearest]
        print(f"{best:.2f}  {picture}  {pictures[nearest]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
