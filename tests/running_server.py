"""`sensorium serve` in a thread of the test, on models that hear and see what was made for them."""

from __future__ import annotations

import asyncio
import io
import threading
import wave
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from sensorium.core.config import Config
from sensorium.interfaces.server.entrance import Settings
from sensorium.interfaces.server.http_app import Serving, listening, service
from sensorium.interfaces.server.shared_models import SharedModels
from sensorium.models.registry import Deferred
from sensorium.testing.fake_encoders import FakeImageEncoder, FakeSoundEncoder
from sensorium.testing.fake_hearing import (
    RATE,
    FakeDetector,
    FakeSegmenter,
    FakeTranscriber,
    FakeVoices,
)

FAKES = {
    "speech_detector": FakeDetector,
    "transcriber": FakeTranscriber,
    "segmenter": FakeSegmenter,
    "speaker_encoder": FakeVoices,
    "image_encoder": FakeImageEncoder,
    "sound_encoder": FakeSoundEncoder,
}


CONFIG = Config.flat(transcriber="whisper-tiny.en")  # knows one language, as the fake does


@dataclass
class Running:
    """A server that runs; `opened` counts how often each model was opened."""

    port: int
    served: object
    opened: list
    serving: object
    loop: asyncio.AbstractEventLoop

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running(library, fakes=None, prepare=lambda bound: None, copies=1, decoders=None, **settings):
    """A server for a library; it is ended as a signal would end it."""
    opened, known = [], {**FAKES, **(fakes or {})}

    def open_fake(job, name, threads):
        opened.append(job)
        return known[job]() if job in known else Deferred(job, name, threads)

    bound, ready, found = listening("127.0.0.1", 0), threading.Event(), []
    prepare(bound)

    async def main():
        try:
            served = service(
                library, SharedModels(CONFIG, 1, copies, open_fake), Settings(**settings), decoders
            )
            serving = Serving(served)
            found.append((served, serving, asyncio.get_running_loop()))
            ready.set()
            await serving.serve([bound])
        finally:
            ready.set()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    ready.wait()
    served, serving, loop = found[0]
    while thread.is_alive() and not serving.started:
        threading.Event().wait(0.01)
    try:
        yield Running(bound.getsockname()[1], served, opened, serving, loop)
    finally:
        serving.should_exit = True
        thread.join(60)
        bound.close()
        assert not thread.is_alive(), "the server did not end"


def wav(samples, rate=RATE):
    """16-bit WAV of ``(channel, sample)``."""
    told = io.BytesIO()
    with wave.open(told, "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm(samples))
    return told.getvalue()


def pcm(samples):
    """Raw 16-bit samples, interleaved."""
    return np.round(samples.T * 32768).astype("<i2").tobytes()
