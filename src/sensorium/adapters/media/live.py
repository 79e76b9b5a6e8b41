"""Sound that is still arriving: standard input, a microphone, a file in small pieces."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from sensorium.adapters.media.av import mono_of
from sensorium.core.errors import MediaError, MissingDependencyError, MissingMediaError, UsageError
from sensorium.core.media import Audio

RATE = 16_000
_HEADERS = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"\x1aE\xdf\xa3", b"caff", b"FORM", b"\xff\xfb")


class Incoming:
    """Mono samples of any rate in, gapless 16 kHz chunks out; a rate that changes is followed."""

    def __init__(self) -> None:
        self._resample: soxr.ResampleStream | None = None
        self._rate = 0
        self._given = 0

    def push(self, samples: NDArray[np.float32], sample_rate: int) -> Iterator[Audio]:
        """What can be given out with these samples."""
        if sample_rate <= 0:
            raise UsageError(f"sample rate: expected Hz above 0, got {sample_rate}")
        if sample_rate != self._rate:
            yield from self.finish()
            self._rate = sample_rate
            self._resample = soxr.ResampleStream(
                sample_rate, RATE, 1, dtype="float32", quality="HQ"
            )
        if self._resample is not None:
            # The resampler spreads what is no number over everything: left to the listener to tell of.
            broken = ~np.isfinite(samples)
            clean = np.where(broken, np.float32(0), samples) if broken.any() else samples
            yield from self._chunk(self._resample.resample_chunk(clean), bool(broken.any()))

    def finish(self) -> Iterator[Audio]:
        """What the resampler still holds."""
        if self._resample is not None:
            rest, self._resample = self._resample, None
            yield from self._chunk(rest.resample_chunk(np.zeros(0, np.float32), last=True), False)

    def _chunk(self, samples: NDArray[np.float32], broken: bool) -> Iterator[Audio]:
        if len(samples):
            if broken:
                samples = samples.copy()
                samples[0] = np.nan
            yield Audio(samples[None], RATE, self._given / RATE)
            self._given += len(samples)


def rechunked(chunks: Iterator[Audio], seconds: float) -> Iterator[Audio]:
    """The same sound in pieces of `seconds`, the last one shorter."""
    held: Audio | None = None
    for chunk in chunks:
        held = chunk if held is None else held.followed_by(chunk)
        size = max(round(seconds * held.sample_rate), 1)
        for first in range(0, held.samples.shape[1] - size + 1, size):
            at = held.start + first / held.sample_rate
            yield Audio(held.samples[:, first : first + size], held.sample_rate, at)
        held = held.between(held.end - held.samples.shape[1] % size / held.sample_rate, held.end)
    if held is not None and held.samples.shape[1]:
        yield held


def from_stream(stream: BinaryIO, sample_rate: int, channels: int, name: str) -> Iterator[Audio]:
    """Sound from an open stream: a container by its first bytes, else raw 16-bit samples.

    Raises:
        MediaError: it ends in the middle of a sample, or a container that cannot be decoded. All
            sound before that has been given out.
    """
    head = stream.read(4)
    if not head:
        raise MediaError(f"{name}: the stream ended before any sound came")
    if head.startswith(_HEADERS):
        yield from _from_container(_Joined(head, stream), name)
    else:
        yield from _from_raw(_Joined(head, stream), sample_rate, channels, name)


class _Joined:
    """A stream with its first bytes put back; only read, never sought."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int) -> bytes:
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        return (
            self._stream.read1(size) if hasattr(self._stream, "read1") else self._stream.read(size)
        )


def _from_raw(stream: _Joined, sample_rate: int, channels: int, name: str) -> Iterator[Audio]:
    incoming, rest = Incoming(), b""
    width = 2 * channels
    while data := stream.read(65_536):
        data = rest + data
        whole = len(data) // width * width
        rest = data[whole:]
        if whole:
            values = np.frombuffer(data[:whole], "<i2").reshape(-1, channels)
            yield from incoming.push(values.mean(axis=1, dtype=np.float32) / 32768, sample_rate)
    yield from incoming.finish()
    if rest:
        raise MediaError(
            f"{name}: the stream stopped in the middle of a sample ({len(rest)} of {width} bytes); "
            "all before it was heard"
        )


def _from_container(stream: _Joined, name: str) -> Iterator[Audio]:
    incoming, heard = Incoming(), 0.0
    try:
        with av.open(stream, "r") as container:
            if not container.streams.audio:
                raise MediaError(f"{name}: expected sound in the stream, found none")
            for frame in container.decode(container.streams.audio[0]):
                for chunk in incoming.push(mono_of(frame), frame.sample_rate):
                    heard = chunk.end
                    yield chunk
    except av.FFmpegError as error:
        yield from incoming.finish()
        raise MediaError(
            f"{name}: the stream broke after {heard:.1f} s ({error.strerror}); all before it was heard"
        ) from error
    yield from incoming.finish()


def from_microphone(seconds: float) -> Iterator[Audio]:
    """The default microphone in pieces of `seconds`, until it is closed.

    Raises:
        MissingDependencyError: sounddevice (or its PortAudio) is not installed.
        MissingMediaError: there is no microphone.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            f'microphone: needs sounddevice with PortAudio ({error}); pip install "sensorium[microphone]"'
        ) from None
    arrived: queue.SimpleQueue[NDArray[np.float32]] = queue.SimpleQueue()

    def take(data: NDArray[np.float32], frames: int, time: Any, status: Any) -> None:
        arrived.put(data.mean(axis=1, dtype=np.float32))

    try:
        rate = int(sounddevice.query_devices(kind="input")["default_samplerate"])
        source = sounddevice.InputStream(
            samplerate=rate, blocksize=round(rate * seconds), dtype="float32", callback=take
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        raise MissingMediaError(
            f"microphone: expected an input device, found none that works ({error})"
        ) from None
    incoming = Incoming()
    with source:
        while True:
            yield from incoming.push(arrived.get(), rate)
