"""``/v1/embeddings`` of pictures and sound, and ``/v1/models``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray

from sensorium.adapters.media.values import picture, sound
from sensorium.core.features import Features
from sensorium.interfaces.server.desk import Desk, Stop
from sensorium.interfaces.server.problems import Problem, named
from sensorium.interfaces.server.shared_models import SharedModels
from sensorium.pipelines.sound.hear import encoded
from sensorium.ports import Reader

_MOST = 64  # inputs of one request
_RATE = 16_000


@dataclass(frozen=True)
class Wanted:
    """One request, checked: (name for errors, path or bytes) of each input."""

    job: str
    items: Sequence[tuple[str, Path | bytes]]
    base64: bool


def embedding_router(models: SharedModels, desk: Desk, media: Reader) -> APIRouter:
    """One vector a picture or sound."""
    router = APIRouter(prefix="/v1")
    eye = _Encoding(models, media)

    @router.post("/embeddings")
    async def embeddings(request: Request) -> dict[str, Any]:
        async with desk.place():
            if request.headers.get("content-type", "").startswith("multipart/form-data"):
                async with desk.form(request) as form:
                    files: list[tuple[str, Path | bytes]] = [*form.files]
                    shape = form.one("encoding_format", "float")
                    wanted = eye.wanted(form.one("model"), files, shape)
                    return await desk.computed(request, lambda stop: eye.answer(wanted, stop))
            body = await _json(request)
            items = _from_urls(body.get("input"))
            if body.get("dimensions") is not None:
                raise Problem(
                    400, "expected none: vectors come as the model makes them", "dimensions"
                )
            wanted = eye.wanted(
                str(body.get("model", "")), items, str(body.get("encoding_format") or "float")
            )
            return await desk.computed(request, lambda stop: eye.answer(wanted, stop))

    @router.get("/models")
    async def list_models() -> dict[str, Any]:
        return {"object": "list", "data": _listed(models)}

    @router.get("/models/{name:path}")
    async def one_model(name: str) -> dict[str, Any]:
        found = [each for each in _listed(models) if each["id"] == name]
        if not found:
            raise Problem(404, f"there is no model {name!r}", "model", code="model_not_found")
        return found[0]

    return router


def _listed(models: SharedModels) -> list[dict[str, Any]]:
    """The models that clients may name, with what each is for."""
    chosen = models.config.models()
    jobs = ("transcriber", "image_encoder", "sound_encoder")
    about = {"object": "model", "created": 0, "owned_by": "sensorium"}
    return [{"id": chosen[job], **about, "job": job} for job in jobs]


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise Problem(400, "expected JSON, or multipart/form-data with files") from None
    if not isinstance(body, dict):
        raise Problem(400, f"expected a JSON object, got {type(body).__name__}")
    return body


def _from_urls(given: Any) -> list[tuple[str, Path | bytes]]:
    """The bytes of data URLs; nothing is ever fetched from elsewhere."""
    urls = [given] if isinstance(given, str) else given
    if not isinstance(urls, list) or not all(isinstance(each, str) for each in urls):
        raise Problem(400, "expected a data URL, or a list of them", "input")
    items: list[tuple[str, Path | bytes]] = []
    for number, url in enumerate(urls):
        head, comma, data = url.partition(",")
        if not (comma and head.startswith("data:") and head.endswith(";base64")):
            raise Problem(
                400,
                f"input[{number}]: expected data:image/png;base64,... or data:audio/wav;base64,..., got "
                f"{url[:40]!r}; this server embeds pictures and sound, no text, and fetches nothing",
                "input",
            )
        try:
            items.append((f"input[{number}]", base64.b64decode(data, validate=True)))
        except binascii.Error as error:
            raise Problem(400, f"input[{number}]: no base64 ({error})", "input") from None
    return items


class _Encoding:
    def __init__(self, models: SharedModels, media: Reader) -> None:
        self._models, self._media = models, media

    def wanted(self, model: str, items: Sequence[tuple[str, Path | bytes]], form: str) -> Wanted:
        """The request, if it can be meant. Raises Problem."""
        job = self._models.named(model, "image_encoder", "sound_encoder")
        if not 1 <= len(items) <= _MOST:
            raise Problem(
                400, f"expected 1 to {_MOST} pictures or sounds, got {len(items)}", "input"
            )
        if form not in ("float", "base64"):
            raise Problem(400, f"expected float or base64, got {form!r}", "encoding_format")
        return Wanted(job, items, form == "base64")

    def answer(self, wanted: Wanted, stop: Stop) -> dict[str, Any]:
        """The vectors in the order of the inputs; the number of rows that they are made of as usage."""
        make: Callable[[Any], tuple[NDArray[np.float32], int]] = (
            self._seen if wanted.job == "image_encoder" else self._heard
        )
        data: list[dict[str, Any]] = []
        total = 0
        for index, (name, item) in enumerate(wanted.items):
            stop.check()
            value = {"bytes": item, "path": name} if isinstance(item, bytes) else str(item)
            with named(str(item) if isinstance(item, Path) else name, name):
                vector, num = make(value)
            told = (
                base64.b64encode(vector.astype("<f4").tobytes()).decode()
                if wanted.base64
                else [float(each) for each in vector]
            )
            data.append({"object": "embedding", "index": index, "embedding": told})
            total += num
        usage = {"prompt_tokens": total, "total_tokens": total}
        name = self._models.config.models()[wanted.job]
        return {"object": "list", "data": data, "model": name, "usage": usage}

    def _seen(self, value: Any) -> tuple[NDArray[np.float32], int]:
        frames = picture(value, self._media, None)
        outputs = self._models.get("image_encoder").encode(frames)[0]
        return _pooled([outputs])

    def _heard(self, value: Any) -> tuple[NDArray[np.float32], int]:
        encoder = self._models.get("sound_encoder")
        with sound(value, self._media, _RATE) as (seconds, chunks):
            return _pooled([(each,) for each in encoded(chunks, seconds, encoder)])


def _pooled(outputs: Sequence[Sequence[Features]]) -> tuple[NDArray[np.float32], int]:
    """(vector ``(dim,)`` of unit norm, rows): the output without axes, else the mean of all rows.

    Rows that stand for padding do not count.
    """
    whole = [each for group in outputs for each in group if not each.axes]
    rows = [
        np.asarray(each.values, np.float32).reshape(-1, each.values.shape[-1])[: each.num_valid]
        for each in whole or [each for group in outputs for each in group]
    ]
    if not rows:
        raise Problem(400, "expected a picture or sound, there is nothing in it", "input")
    joined = np.concatenate(rows)
    mean = joined.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12), len(joined)
