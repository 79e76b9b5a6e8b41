"""Where to look for faces: all over now and then, and in between only where they were last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sensorium.core.media import Frames
from sensorium.core.vision import Regions
from sensorium.ops.vision.boxes import iou, nms, widened
from sensorium.ops.vision.resize import pooled
from sensorium.ops.vision.stir import blocks, covered
from sensorium.ops.vision.track import Track
from sensorium.ports import Detector

IN_A_WINDOW = ""  # label of what another detector than that of whole pictures found
_MOST_IOU = 0.3  # boxes of two windows that share more are one face
_LEAST_WINDOW = 96.0  # pixels: a detector wants something around a face


@dataclass(frozen=True, slots=True)
class GazeRule:
    """When a whole picture is searched: after `every` seconds; where a face is lost; where a block of
    the picture outside the faces changed by `stir` (of 255) since the last time. In between, windows of
    `room` times a face are searched, made smaller by a whole factor while the face keeps `side` pixels.
    A picture in which no block changed by `still` shows what the one before it shows.
    """

    every: float = 1.0
    stir: float = 40.0
    still: float = 0.25
    room: float = 1.8
    side: float = 40.0


class Gaze:
    """A detector that looks at the pictures of one video, in order, no more than it must.

    `near` searches the windows in place of a `detector` that knows who is who in whole pictures: what it
    finds is labelled `IN_A_WINDOW`, and says nothing of who it is.
    """

    def __init__(self, detector: Detector, rule: GazeRule, near: Detector | None = None) -> None:
        self._detector = detector
        self._near_detector = near
        self._rule = rule
        self._searched: tuple[float, NDArray[np.float32]] | None = None
        self._last: tuple[Regions, NDArray[np.float32]] | None = None
        self.num_pixels = 0  # that the detector was shown

    def forget(self) -> None:
        """What comes is another shot: all of it is new."""
        self._searched = self._last = None

    def look(self, frame: Frames, tracks: Sequence[Track]) -> Regions:
        """The faces of a picture, given the tracks that are alive."""
        at, light = float(frame.times[0]), blocks(frame.pixels[0, :, :, 1])
        found = self._same(at, light)
        if found is None and not self._is_due(frame, light, tracks):
            found = self._near(frame, tracks)
        if found is None:
            found = self._detected(self._detector, frame.pixels[0], at)
            self._searched = (at, light)
        self._last = (found, light)
        return found

    def _same(self, at: float, light: NDArray) -> Regions | None:
        """What was found last, if the picture is the same."""
        if self._last is None or np.abs(self._last[1] - light).max() >= self._rule.still:
            return None
        return replace(self._last[0], at=at)

    def _is_due(self, frame: Frames, light: NDArray, tracks: Sequence[Track]) -> bool:
        at, size = float(frame.times[0]), frame.pixels.shape[1:3]
        if self._searched is None or at - self._searched[0] >= self._rule.every - 1e-6:
            return True
        changed = np.abs(self._searched[1] - light) >= self._rule.stir
        windows = [self._window(track.expected(at), size) for track in tracks]
        boxes = np.array(windows, np.float64).reshape(-1, 4)
        return bool((changed & ~covered(light.shape, size, boxes)).any())

    def _window(self, box: NDArray, size: tuple[int, int]) -> tuple[int, int, int, int]:
        middle, wide = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
        half = max(wide * self._rule.room, _LEAST_WINDOW) / 2
        return widened(np.concatenate([middle - half, middle + half]), 1.0, *size)

    def _near(self, frame: Frames, tracks: Sequence[Track]) -> Regions | None:
        """The faces of the tracks; None if one that was there a moment ago is not found."""
        at = float(frame.times[0])
        before = self._last[0].at if self._last else at
        parts: list[Regions] = []
        for track in tracks:
            box = track.expected(at)
            found = self._face(frame, box)
            if found is not None:
                parts.append(found)
            elif track.times[-1] >= before - 1e-6:
                return None
        if not parts:
            return Regions(
                np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), np.zeros(0, np.int64), at
            )
        return _joined(parts, at)

    def _face(self, frame: Frames, box: NDArray) -> Regions | None:
        """The face that is where one is expected."""
        left, top, right, bottom = self._window(box, frame.pixels.shape[1:3])
        if right - left < 2 or bottom - top < 2:
            return None
        factor = max(1, int((box[2:] - box[:2]).max() / self._rule.side))
        pixels = pooled(frame.pixels[0, top:bottom, left:right], factor)
        detector = self._near_detector or self._detector
        found = self._detected(detector, pixels, float(frame.times[0]))
        if not len(found):
            return None
        corner = np.array([left, top], np.float32)
        boxes = found.xyxy * factor + np.tile(corner, 2)
        shared = iou(boxes, box[None])[:, 0]
        best = int(shared.argmax())
        if shared[best] < 0.2:
            return None
        points = found.landmarks[[best]] * factor + corner
        return Regions(
            boxes[[best]],
            found.score[[best]],
            (IN_A_WINDOW if self._near_detector else found.label[best],),
            found.track[[best]],
            found.at,
            points,
        )

    def _detected(self, detector: Detector, pixels: NDArray[np.uint8], at: float) -> Regions:
        self.num_pixels += pixels.shape[0] * pixels.shape[1]
        return detector.detect(Frames(pixels[None], np.array([at])))[0]


def _joined(parts: Sequence[Regions], at: float) -> Regions:
    """The faces of all windows, each once, the surest first."""
    boxes = np.concatenate([each.xyxy for each in parts])
    scores = np.concatenate([each.score for each in parts])
    points = np.concatenate([each.landmarks for each in parts])
    kept = nms(boxes, scores, _MOST_IOU)
    labels = tuple(parts[index].label[0] for index in kept)
    tracks = np.full(len(kept), -1, np.int64)
    return Regions(boxes[kept], scores[kept], labels, tracks, at, points[kept])
