"""Pictures and sounds into a model's features, without a library."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.config import Config
from sensorium.core.features import Features
from sensorium.core.media import Audio, Frames

if TYPE_CHECKING:
    from sensorium.ports import SoundEncoder

_RATE = 16_000


def embed_audio(
    source: str | os.PathLike[str] | NDArray | Audio,
    *,
    model: str = Config().sound.sound_encoder,
    hop: float | None = None,
    sample_rate: int | None = None,
    channel: int | None = None,
) -> list[Features]:
    """What a sound encoder makes of a file or of samples, window by window.

    `source` is a path, bytes, an `Audio`, or samples ``(sample,)`` or ``(channel, sample)`` in [-1, 1]
    with their `sample_rate` in Hz. Any rate is resampled (soxr, HQ), channels are averaged unless
    `channel` chooses one. `model` is a sound encoder of ``sensorium models``.
    Windows lie back to back, or every `hop` seconds, see `sensorium.pipelines.sound.hear`; the last one is
    kept and its padding marked by `num_valid`.

    Raises:
        UsageError: samples without a rate, that are no numbers, or none at all; no such channel.
        MediaError: a file that cannot be read, or has no sound.
        ModelError: the model cannot be loaded.

    >>> import numpy as np
    >>> embed_audio(np.zeros(16000, np.float32), sample_rate=16000)[0].num_valid
    50
    """
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.adapters.media.values import sound
    from sensorium.models.registry import load_model
    from sensorium.pipelines.sound.hear import encoded

    encoder: SoundEncoder = load_model("sound_encoder", model, 1)
    is_array = hasattr(source, "__array__") and not isinstance(source, Audio)
    value = {"array": source, "sampling_rate": sample_rate} if is_array else source
    with sound(value, MediaReader(), _RATE, channel) as (seconds, chunks):
        return list(encoded(chunks, seconds, encoder, hop))


def embed_images(
    images: Sequence[Any], *, model: str = Config().pictures.image_encoder, threads: int = 1
) -> list[dict[str, Features]]:
    """What an image encoder makes of pictures of any sizes: per picture its outputs by name.

    A picture is a path, bytes, a PIL picture, or an array (uint8, uint16, floats 0..1, gray, with alpha).
    Pictures of one size go through together; a NaFlex model takes all in one batch. `model` is an image
    encoder of ``sensorium models``.

    Raises:
        MediaError: a picture that cannot be read.
        ModelError: the model cannot be loaded.

    >>> import numpy as np
    >>> told = embed_images([np.zeros((40, 60, 3), np.uint8)])
    >>> told[0]["patches"].values.shape, told[0]["class"].values.shape
    ((16, 16, 384), (384,))
    """
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.adapters.media.values import picture
    from sensorium.models.registry import load_model

    encoder, media = load_model("image_encoder", model, threads), MediaReader()
    pictures = [picture(each, media, None) for each in images]
    if hasattr(encoder, "encode_many"):
        found = encoder.encode_many(pictures) if pictures else []
        return [{each.name: each for each in outputs} for outputs in found]
    told: list[dict[str, Features]] = [{} for _ in pictures]
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, each in enumerate(pictures):
        groups.setdefault(each.pixels.shape, []).append(place)
    for places in groups.values():
        pixels = np.concatenate([pictures[place].pixels for place in places])
        for place, outputs in zip(
            places, encoder.encode(Frames(pixels, np.zeros(len(pixels)))), strict=True
        ):
            told[place] = {each.name: each for each in outputs}
    return told
