"""Sound that is still arriving: standard input, chunks of a program, a file in small pieces."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from select import select
from typing import BinaryIO, Protocol

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from sensorium.adapters.media.container import SAFE
from sensorium.adapters.media.planes import mono_of
from sensorium.core.errors import MediaError, UsageError
from sensorium.core.events import NoteEvent
from sensorium.core.media import Audio

RATE = 16_000
Sound = Audio | NoteEvent
_HEAD = 12  # bytes that tell a container from raw samples
_HEADERS = (
    b"RIFF", b"RF64", b"fLaC", b"OggS", b"ID3", b"\x1aE\xdf\xa3", b"caff", b"FORM", b".snd", b"#!AMR",
)  # fmt: skip
_WAKE = 0.1  # seconds between two looks at whether to stop
_PROBE = {
    **SAFE,
    "probesize": "65536",
    "analyzeduration": "1000000",
}  # a live stream must not wait long


class Incoming:
    """Mono samples of any rate in, gapless 16 kHz chunks out; a rate that changes is followed."""

    def __init__(self) -> None:
        self._resample: soxr.ResampleStream | None = None
        self._rate = 0
        self._given = 0
        self._broken = False  # samples that were no numbers are not passed on yet

    @property
    def end(self) -> float:
        """Seconds that were given out."""
        return self._given / RATE

    def push(self, samples: NDArray[np.float32], sample_rate: int) -> Iterator[Sound]:
        """What can be given out with these samples; what is no number comes out as no number."""
        if sample_rate <= 0:
            raise UsageError(f"sample rate: expected Hz above 0, got {sample_rate}")
        if sample_rate != self._rate:
            yield from self.finish()
            if self._rate:
                message = f"the sample rate changed from {self._rate} to {sample_rate} Hz; followed"
                yield NoteEvent("rate", message, self.end)
            self._rate = sample_rate
        if self._resample is None and sample_rate != RATE:
            self._resample = soxr.ResampleStream(
                sample_rate, RATE, 1, dtype="float32", quality="HQ"
            )
        if sample_rate == RATE:
            yield from self._chunk(samples)
        elif self._resample is not None:
            # The resampler spreads what is no number over everything after it.
            broken = np.flatnonzero(~np.isfinite(samples))
            self._broken = self._broken or bool(len(broken))
            clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
            yield from self._chunk(self._marked(self._resample.resample_chunk(clean), broken))

    def finish(self) -> Iterator[Sound]:
        """What the resampler still holds."""
        rest, self._resample = self._resample, None
        if rest is not None:
            last = rest.resample_chunk(np.zeros(0, np.float32), last=True)
            yield from self._chunk(self._marked(last, np.zeros(0, np.int64)))

    def _marked(
        self, samples: NDArray[np.float32], broken: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """With about as many samples that are no numbers as came in."""
        if not self._broken or not len(samples):
            return samples
        self._broken, samples = False, samples.copy()
        places = np.unique(broken * RATE // self._rate) if len(broken) else np.zeros(1, np.int64)
        samples[np.minimum(places, len(samples) - 1)] = np.nan
        return samples

    def _chunk(self, samples: NDArray[np.float32]) -> Iterator[Sound]:
        if len(samples):
            yield Audio(samples[None], RATE, self.end)
            self._given += len(samples)


def from_chunks(chunks: Iterable[Audio]) -> Iterator[Sound]:
    """Chunks that a program makes, of any rate and number of channels, as one stream.

    Where they start does not count: they follow one another.
    """
    incoming = Incoming()
    try:
        for chunk in chunks:
            if not isinstance(chunk, Audio):
                raise UsageError(f"listen: expected chunks of Audio, got {type(chunk).__name__}")
            yield from incoming.push(chunk.mono(), chunk.sample_rate)
    except Exception:
        yield from incoming.finish()
        raise
    yield from incoming.finish()


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


class Bytes(Protocol):
    """What a stream must be able to do; at its end it gives nothing."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes, as soon as there are any."""


class Interruptible:
    """A pipe that ends when it shall stop, also while it waits for more.

    A thread that is left waiting in a read makes the interpreter complain, or crash, at its end.
    """

    def __init__(self, stream: BinaryIO, stopped: Callable[[], bool]) -> None:
        self._stream = getattr(stream, "raw", stream)
        self._stopped = stopped
        self._waits = self._stream is not stream and os.name == "posix"

    def read(self, size: int, /) -> bytes:
        """What is there; nothing at the end."""
        while self._waits and not select([self._stream], [], [], _WAKE)[0]:
            if self._stopped():
                return b""
        return self._stream.read(size) or b""


def from_stream(stream: Bytes, sample_rate: int, channels: int, name: str) -> Iterator[Sound]:
    """Sound from an open stream: a container by its first bytes, else raw 16-bit samples.

    Raises:
        MediaError: it ends in the middle of a sample, or a container that cannot be decoded. All
            sound before that has been given out.
    """
    head = b""
    while len(head) < _HEAD and (more := stream.read(_HEAD - len(head))):
        head += more
    if not head:
        raise MediaError(f"{name}: the stream ended before any sound came")
    if head.startswith(_HEADERS) or head[4:8] == b"ftyp" or _is_mpeg(head):
        yield from _from_container(_Joined(head, stream), name)
    else:
        yield from from_raw(_Joined(head, stream), sample_rate, channels, name)


def _is_mpeg(head: bytes) -> bool:
    """Whether it begins with the header of an MPEG or AAC frame, as internet radio does."""
    mpeg = head[:2] in (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2") and len(head) > 2
    valid = mpeg and 0 < head[2] >> 4 < 15 and head[2] >> 2 & 3 != 3  # bit rate, sample rate
    return valid or head[:2] in (b"\xff\xf1", b"\xff\xf9")


class _Joined:
    """A stream with its first bytes put back; only read, never sought."""

    def __init__(self, head: bytes, stream: Bytes) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int) -> bytes:
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        return self._stream.read(size)


def from_raw(stream: Bytes, sample_rate: int, channels: int, name: str) -> Iterator[Sound]:
    """Raw 16-bit samples, little endian, channels interleaved; see `from_stream`."""
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


def _from_container(stream: _Joined, name: str) -> Iterator[Sound]:
    incoming = Incoming()
    try:
        with av.open(stream, "r", options=_PROBE, metadata_errors="replace") as container:
            if not container.streams.audio:
                raise MediaError(f"{name}: expected sound in the stream, found none")
            for frame in container.decode(container.streams.audio[0]):
                yield from incoming.push(mono_of(frame), frame.sample_rate)
    except av.FFmpegError as error:
        yield from incoming.finish()
        raise MediaError(
            f"{name}: the stream broke after {incoming.end:.1f} s ({error.strerror}); all before it "
            "was heard"
        ) from error
    yield from incoming.finish()
