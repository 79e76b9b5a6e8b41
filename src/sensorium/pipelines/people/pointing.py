"""Landmarks of faces whose boxes are known already: looked for in the box alone, which costs little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorium.core.media import Frames
from sensorium.ops.vision.boxes import iou, widened
from sensorium.ops.vision.resize import pooled
from sensorium.ports import Detector

_ROOM = 2.0  # a crop is so many times the face: detectors want surroundings
_SIDE = 96  # pixels that a face has at most in the crop
_LEAST_IOU = 0.35
# Eyes, nose and corners of the mouth of a face as CenterFace draws it, as shares of its box.
_PLACES = np.array(
    [[0.31, 0.41], [0.69, 0.41], [0.5, 0.61], [0.35, 0.79], [0.65, 0.79]], np.float32
)


def pointed(frame: Frames, box: NDArray[np.float32], detector: Detector) -> NDArray[np.float32]:
    """(5, 2): eyes, nose, corners of the mouth of the face in `box`, in pixels of the one picture.

    `detector` finds faces with five landmarks. Where it finds none in the box, they lie where they would
    in a face that looks at us.
    """
    left, top, right, bottom = widened(box, _ROOM, *frame.pixels.shape[1:3])
    factor = max(1, -(-int(max(box[2:] - box[:2])) // _SIDE))
    crop = pooled(frame.pixels[0, top:bottom, left:right], factor)
    if not crop.size:
        return usual(box)
    found = detector.detect(Frames(np.ascontiguousarray(crop)[None], frame.times))[0]
    corner = np.array([left, top], np.float32)
    boxes = found.xyxy * factor + np.tile(corner, 2)
    shared = iou(box[None], boxes)[0] if len(found) else np.zeros(0)
    if not len(shared) or shared.max() < _LEAST_IOU or found.landmarks.shape[1] != 5:
        return usual(box)
    return found.landmarks[int(shared.argmax())] * factor + corner


def usual(box: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where landmarks would be in a face that looks at us."""
    return box[:2] + _PLACES * (box[2:] - box[:2])
