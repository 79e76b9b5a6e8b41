"""Geometry of boxes ``(box, 4)``: left, top, right, bottom in pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def area(boxes: NDArray) -> NDArray:
    """(box,) in square pixels."""
    return np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)


def iou(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """(a, b): shared area over joint area.

    >>> iou(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2], [5, 5, 6, 6]])).round(3).tolist()
    [[0.333, 0.0]]
    """
    left = np.maximum(a[:, None, :2], b[None, :, :2])
    right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.maximum(right - left, 0), axis=-1)
    joint = area(a)[:, None] + area(b)[None] - shared
    return np.where(joint > 0, shared / np.maximum(joint, 1e-9), 0.0)


def nms(boxes: NDArray, scores: NDArray, most: float) -> NDArray[np.int64]:
    """Indices of the boxes that stay, best first, when none may share more than `most` IoU."""
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    for index in order:
        if not kept or iou(boxes[[index]], boxes[kept]).max() <= most:
            kept.append(int(index))
    return np.array(kept, np.int64)


def widened(box: NDArray, factor: float, height: int, width: int) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of a box grown about its middle, whole pixels, inside the picture."""
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * factor
    left, top = np.floor(np.maximum(middle - half, 0)).astype(int)
    right, bottom = np.ceil(np.minimum(middle + half, (width, height))).astype(int)
    return int(left), int(top), int(right), int(bottom)
