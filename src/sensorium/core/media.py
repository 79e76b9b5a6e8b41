"""What comes in: a file's identity, a stretch of sound, pictures with their times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.lazy import Shown, loaded

Kind = Literal["image", "audio", "video"]


def read_only(array: NDArray) -> NDArray:
    """A view of `array` that refuses to be written; the data is not copied."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Track:
    """One audio track as the headers tell it.

    `index` counts the audio tracks of the file from 0; `language` is a code of ISO 639 or a BCP-47 tag,
    empty where the file states none; `default`: the container marks it as the one to be played.
    """

    index: int
    codec: str = ""
    num_channels: int = 1
    sample_rate: int = 0  # Hz
    language: str = ""
    title: str = ""
    default: bool = False


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A file's identity, independent of where it lies, and what its headers say.

    `digest` is the sha256 of the bytes in hexadecimal; `kind` comes from the content, not from
    the name: ``"video"`` has moving pictures, ``"audio"`` has sound only (cover art does not
    make a video), ``"image"`` is a still picture. `tracks` are the audio tracks; `audio_track` is the
    index of the one that is heard, whose rate and channels stand here (None: that of the file's choice).
    """

    uri: str
    digest: str
    kind: Kind
    container: str = ""
    num_bytes: int = 0
    duration: float | None = None  # seconds; None for an image
    width: int | None = None  # pixels, as displayed (after rotation and EXIF orientation)
    height: int | None = None
    frame_rate: float | None = None  # average pictures per second
    sample_rate: int | None = None  # Hz, of the sound as stored
    num_channels: int | None = None
    has_sound: bool = False
    title: str = ""  # as the file states it
    tracks: tuple[Track, ...] = ()
    audio_track: int | None = None

    def __post_init__(self) -> None:  # tracks come back from JSON as mappings
        made = (each if isinstance(each, Track) else Track(**each) for each in self.tracks)
        object.__setattr__(self, "tracks", tuple(made))

    def scale(self, frame: Frames) -> tuple[float, float]:
        """Pixels as displayed per pixel of a frame that was read smaller, across and down."""
        height, width = frame.pixels.shape[1:3]
        return (self.width or width) / width, (self.height or height) / height


@dataclass(frozen=True, slots=True)
class Audio(Shown):
    """A stretch of sound; a chunk is a short `Audio` that knows where it starts.

    `samples` is float32 ``(channel, sample)`` in [-1, 1]; `sample_rate` in Hz; `start` in seconds
    from the start of the source.
    """

    samples: NDArray[np.float32] = field(repr=False)
    sample_rate: int
    start: float = 0.0

    def __post_init__(self) -> None:
        samples = self.samples
        if samples.ndim != 2 or samples.dtype != np.float32:
            raise UsageError(
                "Audio.samples: expected float32 (channel, sample), "
                f"got {samples.dtype} {samples.shape}"
            )
        if self.sample_rate <= 0:
            raise UsageError(f"Audio.sample_rate: expected Hz above 0, got {self.sample_rate}")
        object.__setattr__(self, "samples", read_only(samples))

    def __repr__(self) -> str:
        return (
            f"Audio(samples={self.samples.shape}, sample_rate={self.sample_rate}, "
            f"start={self.start:.3f}, duration={self.duration:.3f})"
        )

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / self.sample_rate

    @property
    def end(self) -> float:
        """Where the next chunk starts, in seconds."""
        return self.start + self.duration

    def mono(self) -> NDArray[np.float32]:
        """Samples averaged over the channels, float32 ``(sample,)``."""
        if self.samples.shape[0] == 1:
            return self.samples[0]
        return self.samples.mean(axis=0, dtype=np.float32)

    def between(self, start: float, end: float) -> Audio:
        """The part in ``[start, end)`` seconds of the source, clipped to what there is."""
        first = min(max(round((start - self.start) * self.sample_rate), 0), self.samples.shape[1])
        last = min(max(round((end - self.start) * self.sample_rate), first), self.samples.shape[1])
        return Audio(
            self.samples[:, first:last], self.sample_rate, self.start + first / self.sample_rate
        )

    def followed_by(self, chunk: Audio) -> Audio:
        """This stretch and the next chunk as one."""
        if (chunk.sample_rate, chunk.samples.shape[0]) != (self.sample_rate, self.samples.shape[0]):
            raise UsageError(f"Audio.followed_by: {chunk!r} does not continue {self!r}")
        joined = np.concatenate([self.samples, chunk.samples], axis=1)
        return Audio(joined, self.sample_rate, self.start)

    def plot(self) -> Any:
        """Its log-mel spectrogram, as Whisper hears it, as a PIL picture with seconds and Hz."""
        return loaded("interfaces.notebook.plots:log_mel")(self)


@dataclass(frozen=True, slots=True)
class Frames(Shown):
    """Pictures with their times; a still image is one frame at 0 seconds.

    `pixels` is uint8 ``(frame, height, width, 3)`` RGB, upright as displayed; `times` is float64
    ``(frame,)`` in seconds, as the file states them (a variable frame rate keeps its true times).
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    times: NDArray[np.float64] = field(repr=False)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.shape[3] != 3 or self.pixels.dtype != np.uint8:
            raise UsageError(
                "Frames.pixels: expected uint8 (frame, height, width, 3), "
                f"got {self.pixels.dtype} {self.pixels.shape}"
            )
        if self.times.shape != self.pixels.shape[:1]:
            raise UsageError(
                f"Frames.times: expected shape {self.pixels.shape[:1]}, got {self.times.shape}"
            )
        object.__setattr__(self, "pixels", read_only(self.pixels))
        object.__setattr__(self, "times", read_only(np.asarray(self.times, dtype=np.float64)))

    def __repr__(self) -> str:
        return f"Frames(pixels={self.pixels.shape}, times={self.times.shape})"

    def __len__(self) -> int:
        return self.pixels.shape[0]
