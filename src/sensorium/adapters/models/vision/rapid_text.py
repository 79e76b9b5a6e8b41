"""Text in pictures by PP-OCRv6 small (Apache-2.0), weights of the package rapidocr."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.adapters.models.onnx_session import open_session
from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.vision import Regions
from sensorium.models.store import folder, revision
from sensorium.ops.vision.boxes import iou

_DETECTOR = "PP-OCRv6_det_small.onnx"
_SIDE = 480  # longer side at which text is looked for; rapidocr's 736 costs eight times as much
_LEAST, _SHORTEST = 0.85, 2  # score and characters of a line that counts
_SAME_PLACE = 0.7  # IoU with a line that was read before
_UNCHANGED = 12.0  # of 255, mean over a cell: noise of a codec stays below, another letter does not
_CELLS = 160  # along the longer side of a picture: about the strokes of the smallest letters that are read


@dataclass(frozen=True, slots=True)
class _Line:
    """What was read at a place, left, top, right, bottom in pixels; also what will not count."""

    place: NDArray[np.float32]
    text: str
    score: float


class RapidTextReader:
    """Lines of text as regions whose label is what they say. Latin and Chinese script."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The package, its weights and the thresholds."""
        params = {"side": _SIDE, "least_score": _LEAST, "unchanged": _UNCHANGED}
        return Provenance("ppocr-v6-small", revision("ppocr-v6-small"), params)

    @cached_property
    def _engine(self) -> Any:
        from omegaconf import flag_override
        from rapidocr import RapidOCR  # a third of a second, beside the other passes' work

        engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                "Det.limit_type": "max",
                "Det.limit_side_len": _SIDE,
                "EngineConfig.onnxruntime.intra_op_num_threads": self._threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
        # A quarter of a million of its weights are denormal: flushed, it takes a quarter of the time.
        detector = open_session(folder("ppocr-v6-small") / _DETECTOR, self._threads, flush=True)
        with flag_override(engine.cfg, "allow_objects", True):
            engine.cfg.Det.session = detector
        return engine

    def detect(self, frames: Frames) -> list[Regions]:
        """One Regions per frame, from top to bottom. A line that stands in several frames is read once.

        A frame in which nothing has changed since the last one that was searched has the lines of that one.
        """
        found: list[Regions] = []
        before: NDArray[np.uint8] | None = None
        lines: list[_Line] = []
        for pixels, at in zip(frames.pixels, frames.times.tolist(), strict=True):
            if before is None or _stirred(before, pixels, max(pixels.shape) // _CELLS):
                lines = self._read(pixels, before, lines)
                before = pixels
            found.append(_regions(lines, at))
        return found

    def _read(
        self, pixels: NDArray[np.uint8], before: NDArray[np.uint8] | None, known: Sequence[_Line]
    ) -> list[_Line]:
        """Every line of a picture; those that stand in the one `before` it are `known`."""
        from rapidocr.main import RapidOCRError
        from rapidocr.utils.process_img import map_boxes_to_original

        image, record = self._engine.preprocess_img(np.ascontiguousarray(pixels[:, :, ::-1]))
        try:
            crops, found = self._engine.detect_and_crop(image, record)
        except RapidOCRError:
            return []  # nothing that could be text
        if found.boxes is None:
            return []
        boxes = map_boxes_to_original(found.boxes, record, *pixels.shape[:2])
        lines = []
        for crop, box in zip(crops, boxes, strict=True):
            place = np.array([*box.min(axis=0), *box.max(axis=0)], np.float32)
            same = None if before is None else _same(place, known, before, pixels)
            if same is None:
                read: Any = self._engine.recognize_txt([crop])
                same = _Line(place, read.txts[0].strip(), float(read.scores[0]))
            lines.append(_Line(place, same.text, same.score))
        return lines


def _regions(lines: Sequence[_Line], at: float) -> Regions:
    kept = [each for each in lines if each.score >= _LEAST and len(each.text) >= _SHORTEST]
    return Regions(
        np.array([each.place for each in kept], np.float32).reshape(-1, 4),
        np.array([each.score for each in kept], np.float32),
        tuple(each.text for each in kept),
        np.full(len(kept), -1, np.int64),
        at,
    )


def _same(
    place: NDArray[np.float32],
    known: Sequence[_Line],
    before: NDArray[np.uint8],
    pixels: NDArray[np.uint8],
) -> _Line | None:
    """The known line at a place, if no part of it has changed: cells of half its height."""
    for line in known:
        if iou(line.place[None], place[None])[0, 0] < _SAME_PLACE:
            continue
        left, top = (int(v) for v in np.minimum(line.place, place)[:2])
        right, bottom = (int(np.ceil(v)) for v in np.maximum(line.place, place)[2:])
        old, new = (each[top:bottom, left:right] for each in (before, pixels))
        if not _stirred(old, new, min(old.shape[:2]) // 2):
            return line
    return None


def _stirred(old: NDArray[np.uint8], new: NDArray[np.uint8], cell: int) -> bool:
    """Whether anything has changed, in square cells of so many pixels, 2 at least; green is looked at."""
    cell = max(2, cell)
    changed = np.abs(old[..., 1].astype(np.int32) - new[..., 1])
    changed = np.add.reduceat(changed, np.arange(0, changed.shape[0], cell), axis=0)
    changed = np.add.reduceat(changed, np.arange(0, changed.shape[1], cell), axis=1)
    return bool(changed.max() >= _UNCHANGED * cell * cell)
