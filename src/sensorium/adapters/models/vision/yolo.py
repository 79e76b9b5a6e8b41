"""Any YOLO detector from a file, as ONNX: run by onnxruntime alone, whoever trained it."""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sensorium.adapters.models.onnx_session import open_session
from sensorium.core.errors import ModelError
from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.vision import Regions
from sensorium.ops.vision.boxes import nms
from sensorium.ops.vision.resize import sampled

_GRAY = 114  # what YOLO models see beside the picture


class YoloDetector:
    """Boxes of the classes that a YOLO model was trained on; the label is the class.

    `path` is an ONNX file, the ``best.pt`` of a training of ours, beside which its ONNX file lies, or
    ``hub:OWNER/NAME/FILE.onnx`` on the Hugging Face hub.
    Understood are the outputs of libreyolo (corners), of ultralytics 8 and later (centres), of YOLOv5
    (centres with an objectness), and those that end in boxes without duplicates ``(n, 6)``.
    """

    def __init__(
        self, path: str, threads: int = 1, least_score: float = 0.25, most_iou: float = 0.5
    ) -> None:
        self._hub = path.removeprefix("hub:") if path.startswith("hub:") else ""
        self._path = Path(path).expanduser()
        self._threads = threads
        self._least_score = least_score
        self._most_iou = most_iou

    @cached_property
    def file(self) -> Path:
        """The ONNX file.

        Raises:
            ModelError: no such file, or weights of another form without an ONNX file beside them.
        """
        if self._hub:
            return _fetched(self._hub)
        path = self._path if self._path.suffix == ".onnx" else self._path.with_suffix(".onnx")
        if not path.is_file():
            beside = (
                "" if self._path.suffix == ".onnx" else f", or {path.name} beside {self._path.name}"
            )
            raise ModelError(
                f"{self._path}: expected a YOLO model as an ONNX file{beside}; found none; export it with "
                "its trainer (libreyolo or yolo: export format=onnx)"
            )
        return path

    @cached_property
    def provenance(self) -> Provenance:
        """The file by its content, and the thresholds."""
        content = hashlib.sha256(self.file.read_bytes()).hexdigest()[:12]
        params = {"least_score": self._least_score, "most_iou": self._most_iou}
        return Provenance("yolo", f"{self.file.name} sha256:{content}", params)

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_session(self.file, self._threads)

    @cached_property
    def _stated(self) -> dict[str, str]:
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes: from detector.json beside the file, or from the file itself.

        Raises:
            ModelError: neither says them.
        """
        beside = self.file.with_name("detector.json")
        if beside.is_file():
            return tuple(json.loads(beside.read_text(encoding="utf-8"))["classes"])
        try:
            names = ast.literal_eval(self._stated["names"])
        except (KeyError, ValueError, SyntaxError):
            raise ModelError(
                f"{self.file}: expected the names of the classes in it, or in detector.json beside it: "
                '{"classes": ["a", "b"]}'
            ) from None
        return tuple(names) if isinstance(names, list) else tuple(names[key] for key in names)

    @cached_property
    def identities(self) -> dict[str, str]:
        """Class -> identity, of a training of ours; empty for a model whose classes are no persons."""
        beside = self.file.with_name("detector.json")
        if not beside.is_file():
            return {}
        known = json.loads(beside.read_text(encoding="utf-8")).get("identities") or {}
        return {name: known.get(name, name) for name in self.classes} if known else {}

    @cached_property
    def _size(self) -> tuple[int, int]:
        """Height and width of the input."""
        shape = self._session.get_inputs()[0].shape[2:]
        stated = [self._stated.get("imgsz_h"), self._stated.get("imgsz_w")]
        fixed = [
            s if isinstance(s, int) else int(t or 640) for s, t in zip(shape, stated, strict=True)
        ]
        return fixed[0], fixed[1]

    def detect(self, frames: Frames) -> list[Regions]:
        """One Regions per frame, best first."""
        times = frames.times.tolist()
        return [self._detect(p, at) for p, at in zip(frames.pixels, times, strict=True)]

    def _detect(self, pixels: NDArray[np.uint8], at: float) -> Regions:
        canvas, scale, left, top = self._fitted(pixels)
        name = self._session.get_inputs()[0].name
        batch = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32) / 255
        output = self._session.run(None, {name: batch})[0][0]
        boxes, scores, classes = self._decoded(np.asarray(output, np.float32))
        boxes = (boxes - np.array([left, top] * 2, np.float32)) / scale
        limits = np.array(pixels.shape[1::-1] * 2, np.float32)
        boxes = np.clip(boxes, 0, limits)
        whole = (boxes[:, 2:] - boxes[:, :2] >= 2).all(axis=1)
        boxes, scores, classes = boxes[whole], scores[whole], classes[whole]
        kept = nms(boxes, scores, self._most_iou)
        labels = tuple(self._label(int(classes[i])) for i in kept)
        none = np.full(len(kept), -1, np.int64)
        return Regions(boxes[kept], scores[kept], labels, none, at)

    def _label(self, number: int) -> str:
        if number >= len(self.classes):
            raise ModelError(
                f"{self.file}: it found class {number}, but only {len(self.classes)} have names"
            )
        return self.classes[number]

    def _fitted(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float, int, int]:
        """(canvas, pixels of the canvas per pixel, left, top): the picture whole, the rest gray."""
        height, width = self._size
        scale = min(height / pixels.shape[0], width / pixels.shape[1])
        rows, columns = max(int(pixels.shape[0] * scale), 1), max(int(pixels.shape[1] * scale), 1)
        corner = self._stated.get("letterbox_pad", "center") == "topleft"
        left, top = (0, 0) if corner else ((width - columns) // 2, (height - rows) // 2)
        canvas = np.full((height, width, 3), _GRAY, np.float32)
        canvas[top : top + rows, left : left + columns] = sampled(pixels, rows, columns)
        return canvas, scale, left, top

    def _decoded(self, output: NDArray[np.float32]) -> tuple[NDArray, NDArray, NDArray]:
        """Corners (n, 4) in pixels of the canvas, scores (n,), classes (n,) above the threshold."""
        num = len(self.classes)
        if output.ndim == 2 and output.shape[1] == 6 and num + 4 != 6:  # without duplicates already
            rows = output[output[:, 4] >= self._least_score]
            return rows[:, :4], rows[:, 4], rows[:, 5]
        if output.ndim != 2 or not {num + 4, num + 5} & set(output.shape):
            raise ModelError(
                f"{self.file}: expected an output of {num} classes, (4 + {num}, n), (n, 5 + {num}) or "
                f"(n, 6); got {output.shape}; export a detection model"
            )
        rows = output.T if output.shape[0] in (num + 4, num + 5) else output
        scores = rows[:, 4:] if rows.shape[1] == num + 4 else rows[:, 5:] * rows[:, 4:5]
        best = scores.argmax(axis=1)
        sure = scores[np.arange(len(rows)), best]
        kept = np.flatnonzero(sure >= self._least_score)
        boxes = rows[kept, :4]
        if "libreyolo_version" not in self._stated:
            half = boxes[:, 2:] / 2
            boxes = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
        return boxes, sure[kept], best[kept]


def _fetched(name: str) -> Path:
    """A file of the hub, from the cache where it is there."""
    owner, _, rest = name.partition("/")
    repository, _, file = rest.partition("/")
    if not (owner and repository and file.endswith(".onnx")):
        raise ModelError(f"hub:{name}: expected hub:OWNER/NAME/FILE.onnx")
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(f"{owner}/{repository}", file))
    except Exception as error:  # the hub has many classes of errors
        raise ModelError(f"hub:{name}: cannot be fetched ({error})") from None
