"""A picture with its labels, as a dataset for training holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "val"]


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class of a dataset: an identity of a library, under a `name` that no other class has."""

    identity: str
    name: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture of `width` x `height` pixels in the file `name`; without boxes it is a negative.

    `boxes` holds (number of the class from 0, (x0, y0, x1, y1) in pixels inside the picture).
    """

    split: Split
    name: str
    width: int
    height: int
    boxes: tuple[tuple[int, tuple[float, float, float, float]], ...] = ()
