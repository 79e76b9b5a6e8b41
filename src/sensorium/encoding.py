"""One sound into a model's features, without a library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sensorium.core.config import Config
from sensorium.core.errors import UnsupportedMediaError, UsageError
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

    `source` is a path, an `Audio`, or samples ``(sample,)`` or ``(channel, sample)`` in [-1, 1] with their
    `sample_rate` in Hz. Any rate is resampled (soxr, HQ), channels are averaged unless `channel`
    chooses one. `model` is a sound encoder of ``sensorium models``, such as ``"transformers-sound:FOLDER"``.
    Windows lie back to back, or every `hop` seconds, see `sensorium.pipelines.sound`; the last one is
    kept and its padding marked by `num_valid`.

    Raises:
        UsageError: samples without a rate, that are no numbers, or none at all; no such channel.
        MediaError: a file that cannot be read, or has no sound.
        ModelError: the model cannot be loaded.

    >>> encode_audio(np.zeros(16000, np.float32), sample_rate=16000)[0].num_valid
    50
    """
    from sensorium.pipelines.sound import encoded
    from sensorium.recipes import load_model

    encoder: SoundEncoder = load_model("sound_encoder", model, 1)
    chunks, seconds = _sound(source, sample_rate, channel)
    return list(encoded(chunks, seconds, encoder, hop))


def _sound(
    source: str | os.PathLike[str] | NDArray | Audio, sample_rate: int | None, channel: int | None
) -> tuple[Iterator[Audio], float]:
    """(mono 16 kHz chunks, seconds)."""
    if isinstance(source, str | os.PathLike):
        from sensorium.recipes import reader

        media = reader()
        ref = media.probe(os.path.abspath(os.fspath(source)))
        if not ref.has_sound:
            raise UnsupportedMediaError(f"{os.fspath(source)}: expected sound, found none")
        return media.audio(ref, _RATE, channel), ref.duration or 0.0
    if isinstance(source, Audio):
        return _sound(source.samples, source.sample_rate, channel)
    whole = resampled(_mono(np.asarray(source), channel), sample_rate)
    return iter([whole]), whole.duration


def _mono(samples: NDArray, channel: int | None) -> NDArray[np.float32]:
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "f" or not samples.size:
        raise UsageError(
            "samples: expected floats in [-1, 1] as (sample,) or (channel, sample), "
            f"got {samples.dtype} {samples.shape}"
        )
    values = np.atleast_2d(samples).astype(np.float32)
    if channel is None:
        return values.mean(axis=0, dtype=np.float32)
    if not 0 <= channel < len(values):
        raise UsageError(f"channel: expected 0 to {len(values) - 1}, got {channel}")
    return values[channel]


def resampled(samples: NDArray[np.float32], sample_rate: int | None) -> Audio:
    """Mono samples at 16 kHz.

    Raises:
        UsageError: no rate, one that is not above 0, or samples that are no numbers.
    """
    from sensorium.adapters.media.live import Incoming

    if sample_rate is None:
        raise UsageError("sample_rate: expected the rate of the samples in Hz, got none")
    finite = np.isfinite(samples)
    if not finite.all():
        first = int(np.argmin(finite))
        raise UsageError(
            f"samples: expected finite numbers, sample {first} ({first / sample_rate:.3f} s) is "
            f"{samples[first]}"
        )
    if sample_rate == _RATE:
        return Audio(samples[None], _RATE)
    incoming = Incoming()
    parts = [*incoming.push(samples, sample_rate), *incoming.finish()]
    joined = [part.samples for part in parts] or [np.zeros((1, 0), np.float32)]
    return Audio(np.concatenate(joined, axis=1), _RATE)
