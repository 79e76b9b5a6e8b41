"""Live2D models of format 2 drawn without a graphics card: bending is live2d-py's, the painting is here."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def _core(package: Path) -> Any:
    """The model class of live2d-py, without what it would load of OpenGL."""
    for name in ("live2d", "live2d.v2"):
        module = types.ModuleType(name)
        module.__path__ = [str(package / name.replace(".", "/"))]
        sys.modules.setdefault(name, module)
    from live2d.v2.core.alive2d_model import ALive2DModel
    from live2d.v2.core.live2d import Live2D

    Live2D.init()

    class Model(ALive2DModel):
        def draw(self) -> None: ...
        def getDrawParam(self) -> None: ...

    return Model


class Puppet:
    """One model: a figure that turns its head, looks about and changes its face."""

    def __init__(self, file: Path, package: Path) -> None:
        about = _json(file)
        model = _core(package)
        self._model = model()
        model.loadModel_exe(self._model, (file.parent / about["model"]).read_bytes())
        self._textures = [cv2.imread(str(file.parent / t), -1) for t in about["textures"]]
        faces = [file.parent / each["file"] for each in about.get("expressions", ())]
        self._faces = [_json(each).get("params", ()) for each in faces if each.exists()]
        self._default = list(self._model.modelContext.paramValues)
        if about.get("pose"):
            self._pose(_json(file.parent / about["pose"]))

    def _pose(self, pose: Mapping[str, Any]) -> None:
        for group in pose["parts_visible"]:
            for number, part in enumerate(group["group"]):
                for name in (part["id"], *part.get("link", ())):
                    self._model.setPartsOpacity(name, 0.0 if number else 1.0)

    def picture(self, values: Mapping[str, float], face: int | None, height: int) -> np.ndarray:
        """RGBA of the whole figure; `values` as Live2D names them, `face` one of its expressions."""
        context = self._model.modelContext
        for place, value in enumerate(self._default):
            context.setParamFloat(place, value)
        for name, value in values.items():
            self._model.setParamFloat(name, value)
        for change in (
            self._faces[face % len(self._faces)] if face is not None and self._faces else ()
        ):
            how, value = change.get("calc", "add"), change["val"]
            before = change.get("def", 1 if how == "mult" else 0)
            if how == "add":
                self._model.addToParamFloat(change["id"], value - before)
            elif how == "mult":
                self._model.multParamFloat(change["id"], value / before if before else value)
            else:
                self._model.setParamFloat(change["id"], value)
        self._model.update()
        scale = height / self._model.getCanvasHeight()
        size = (height, int(self._model.getCanvasWidth() * scale))
        return _Painting(context, self._textures, scale, size).painted()


class _Painting:
    def __init__(
        self, context: Any, textures: Sequence[np.ndarray], scale: float, size: tuple[int, int]
    ) -> None:
        self._context, self._textures, self._scale = context, textures, scale
        self._out = np.zeros((*size, 4), np.float32)
        self._masks: dict[str, np.ndarray] = {}
        names = (getattr(mesh.getId(), "id", None) for mesh in context.drawDataList)
        self._place = {name: place for place, name in enumerate(names)}

    def painted(self) -> np.ndarray:
        context = self._context
        for place in context.orderList_firstDrawIndex:
            while place >= 0:
                if context.drawContextList[place].isAvailable():
                    self._draw(place)
                after = context.nextList_drawIndex[place]
                place = after if after > place else -1
        cover = np.maximum(self._out[..., 3:], 1e-3)
        colours = np.clip(self._out[..., :3] / cover, 0, 1)[..., ::-1]
        return (np.concatenate([colours, self._out[..., 3:]], axis=-1) * 255).astype(np.uint8)

    def _draw(self, place: int) -> None:
        mesh, state = self._context.drawDataList[place], self._context.drawContextList[place]
        part = self._context.partsContextList[state.partsIndex]
        cover = part.getPartsOpacity() * mesh.getOpacity(state) * state.baseOpacity
        found = self._laid(place) if cover > 0.01 else None
        if found is None:
            return
        where, pixels = found
        alpha = pixels[..., 3:] * cover
        if mesh.clipIDList:
            alpha = alpha * self._mask(mesh.clipIDList)[where][..., None]
        below, colour = self._out[where], pixels[..., :3]
        if mesh.colorCompositionType == 1:  # adds light
            below[..., :3] = np.clip(below[..., :3] + colour * alpha, 0, 1)
            return
        if mesh.colorCompositionType == 2:  # multiplies
            colour, alpha = colour * below[..., :3], alpha * below[..., 3:]
        below[..., :3] = below[..., :3] * (1 - alpha) + colour * alpha
        below[..., 3:] = below[..., 3:] * (1 - alpha) + alpha

    def _mask(self, names: Sequence[str]) -> np.ndarray:
        key = ",".join(names)
        if key not in self._masks:
            mask = np.zeros(self._out.shape[:2], np.float32)
            for name in names:
                found = self._laid(self._place[name]) if name in self._place else None
                if found:
                    mask[found[0]] = np.maximum(mask[found[0]], found[1][..., 3])
            self._masks[key] = mask
        return self._masks[key]

    def _laid(self, place: int) -> tuple[Any, np.ndarray] | None:
        """(where, RGBA) of one mesh: its texture, bent over its triangles."""
        mesh, state = self._context.drawDataList[place], self._context.drawContextList[place]
        if state.paramOutside[0]:
            return None
        bent = state.transformedPoints
        points = np.array(state.interpolatedPoints if bent is None else bent, np.float32)
        points = points.reshape(-1, 2) * self._scale
        texture = self._textures[max(mesh.textureNo, 0)]
        on_it = np.array(mesh.uvs, np.float32).reshape(-1, 2)
        on_it = np.array([0, 1]) + on_it * np.array(
            [1, -1]
        )  # the rows of a texture count from below
        on_it = on_it * np.array(texture.shape[1::-1]) - 0.5
        limits = np.array(self._out.shape[1::-1])
        first = np.clip(np.floor(points.min(axis=0)).astype(int), 0, limits)
        last = np.clip(np.ceil(points.max(axis=0)).astype(int) + 1, 0, limits)
        if (last <= first).any():
            return None
        across = np.full((last - first)[::-1], -5, np.float32)
        down = across.copy()
        for corners in np.array(mesh.indexArray).reshape(-1, 3):
            _fill(across, down, points[corners] - first, on_it[corners])
        pixels = cv2.remap(
            texture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
        )
        where = np.s_[first[1] : last[1], first[0] : last[0]]
        return where, np.where((across < -3)[..., None], 0, pixels.astype(np.float32) / 255)


def _fill(across: np.ndarray, down: np.ndarray, points: np.ndarray, on_it: np.ndarray) -> None:
    """Writes for every pixel of one triangle where on the texture it comes from."""
    limits = np.array(across.shape[::-1])
    left, top = np.clip(np.floor(points.min(axis=0)).astype(int), 0, limits)
    right, bottom = np.clip(np.ceil(points.max(axis=0)).astype(int) + 1, 0, limits)
    one, two = points[1] - points[0], points[2] - points[0]
    twice = one[0] * two[1] - one[1] * two[0]
    if right <= left or bottom <= top or abs(twice) < 1e-6:
        return
    x = np.arange(left, right)[None] - points[0, 0]
    y = np.arange(top, bottom)[:, None] - points[0, 1]
    u, v = (x * two[1] - y * two[0]) / twice, (y * one[0] - x * one[1]) / twice
    inside = (u >= -0.02) & (v >= -0.02) & (u + v <= 1.02)
    where = np.s_[top:bottom, left:right]
    for axis, values in enumerate((across, down)):
        low, ahead, aside = on_it[0, axis], *(on_it[1:, axis] - on_it[0, axis])
        values[where] = np.where(inside, low + u * ahead + v * aside, values[where])


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8-sig"))
