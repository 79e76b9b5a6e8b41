"""Sound from a microphone, through sounddevice (PortAudio)."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import numpy as np
import sounddevice
from numpy.typing import NDArray

from sensorium.adapters.media.arriving import Incoming, Sound
from sensorium.core.errors import MediaError, MissingMediaError
from sensorium.core.events import NoteEvent

_DEAD = 5.0  # seconds without a sample: even a muted microphone sends zeros


def from_microphone(seconds: float) -> Iterator[Sound]:
    """The default microphone in pieces of `seconds`, until it is closed.

    Raises:
        MissingMediaError: there is no microphone, or it may not be used.
        MediaError: it stopped, for example because it was unplugged.
    """
    arrived: queue.SimpleQueue[NDArray[np.float32] | None] = queue.SimpleQueue()

    def take(data: NDArray[np.float32], frames: int, time: Any, status: Any) -> None:
        if status.input_overflow:
            arrived.put(None)
        arrived.put(data.mean(axis=1, dtype=np.float32))

    try:
        rate = int(sounddevice.query_devices(kind="input")["default_samplerate"])
        source = sounddevice.InputStream(
            samplerate=rate, channels=1, blocksize=round(rate * seconds), dtype="float32",
            callback=take,
        )  # fmt: skip
        source.start()
    except (sounddevice.PortAudioError, ValueError) as error:
        raise MissingMediaError(
            f"microphone: expected an input device, found none that works ({error}); plug one in, or "
            "choose it in the system's sound settings"
        ) from None
    incoming = Incoming()
    with source:
        while True:
            try:
                samples = arrived.get(timeout=_DEAD)
            except queue.Empty:
                break
            if samples is None:
                message = (
                    f"the microphone lost some sound at {incoming.end:.1f} s before it came here"
                )
                yield NoteEvent("lost", message, incoming.end)
            else:
                yield from incoming.push(samples, rate)
    yield from incoming.finish()
    raise MediaError(
        f"microphone: it stopped after {incoming.end:.1f} s, nothing came for {_DEAD:g} s; was it "
        "unplugged? All before it was heard"
    )
