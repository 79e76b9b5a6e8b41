"""One sound into a model's features, without a library."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from sensorium.core.config import Config
from sensorium.core.features import Features
from sensorium.core.media import Audio

if TYPE_CHECKING:
    from sensorium.ports import SoundEncoder

_RATE = 16_000


def encode_audio(
    source: str | os.PathLike[str] | NDArray | Audio,
    *,
    model: str = Config().sound_encoder,
    hop: float | None = None,
    sample_rate: int | None = None,
    channel: int | None = None,
) -> list[Features]:
    """What a sound encoder makes of a file or of samples, window by window.

    `source` is a path, bytes, an `Audio`, or samples ``(sample,)`` or ``(channel, sample)`` in [-1, 1]
    with their `sample_rate` in Hz. Any rate is resampled (soxr, HQ), channels are averaged unless
    `channel` chooses one. `model` is a sound encoder of ``sensorium models``.
    Windows lie back to back, or every `hop` seconds, see `sensorium.pipelines.sound`; the last one is
    kept and its padding marked by `num_valid`.

    Raises:
        UsageError: samples without a rate, that are no numbers, or none at all; no such channel.
        MediaError: a file that cannot be read, or has no sound.
        ModelError: the model cannot be loaded.

    >>> import numpy as np
    >>> encode_audio(np.zeros(16000, np.float32), sample_rate=16000)[0].num_valid
    50
    """
    from sensorium.adapters.media.values import sound
    from sensorium.pipelines.sound import encoded
    from sensorium.recipes import load_model, reader

    encoder: SoundEncoder = load_model("sound_encoder", model, 1)
    is_array = hasattr(source, "__array__") and not isinstance(source, Audio)
    value = {"array": source, "sampling_rate": sample_rate} if is_array else source
    with sound(value, reader(), _RATE, channel) as (seconds, chunks):
        return list(encoded(chunks, seconds, encoder, hop))
