"""The one door through which files come in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence

import numpy as np

from sensorium.adapters.media import animation, av, pillow
from sensorium.adapters.media.notices import notice
from sensorium.adapters.remote.address import is_remote, remember
from sensorium.adapters.remote.opening import fetched, opened_bytes
from sensorium.core.errors import MediaError, MissingMediaError, UnsupportedMediaError, UsageError
from sensorium.core.limits import Limits
from sensorium.core.media import Audio, Frames, MediaRef
from sensorium.ops.charset import text_kind

_MAX_HELD = 40_000_000  # pixels of a decoded picture that is kept, 120 MB


class MediaReader:
    """Reads pictures and animations through Pillow, audio and video through PyAV, by content.

    Nothing larger or longer than `limits` is decoded.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._held: tuple[tuple[str, str], pillow.Picture] | None = None

    def probe(self, uri: str) -> MediaRef:
        """What the file is.

        Raises:
            MissingMediaError: no such file, or it may not be read.
            UnsupportedMediaError: no image, audio or video.
            LimitError: a picture too large or a recording too long.
            MediaError: empty, cut short, or broken.
            FetchError: a remote file that did not arrive; it may be tried again.
        """
        uri = remember(os.fspath(uri))
        if is_remote(uri):
            remote = fetched(uri, self._limits)
            return self._described(uri, remote.digest(), remote.num_bytes)
        return self._described(uri, *_digest(uri))

    def glance(self, uri: str) -> MediaRef:
        """Like `probe`, but of a remote file only what its headers need is read: the digest stays empty,
        and the length is the stated one, where the container states it.
        """
        uri = remember(os.fspath(uri))
        if not is_remote(uri):
            return self.probe(uri)
        return self._described(uri, "", fetched(uri, self._limits).num_bytes)

    def _described(self, uri: str, digest: str, num_bytes: int) -> MediaRef:
        if not num_bytes:
            raise MediaError(f"{uri}: the file is empty; expected an image, audio or video")
        found = pillow.describe(uri, self._limits)
        if found is None:
            _refuse_text(uri)
            ref = av.describe(uri, digest, num_bytes, self._limits)
            self._limits.check_filled(uri, num_bytes, seconds=ref.duration or 0.0)
            return ref
        name, width, height, moves = found
        if moves:
            num, seconds = animation.length(uri, self._limits)
            self._limits.check_filled(uri, num_bytes, seconds=seconds)
            return MediaRef(
                uri, digest, "video", name, num_bytes, seconds, width, height, num / seconds
            )
        return MediaRef(uri, digest, "image", name, num_bytes, width=width, height=height)

    def audio(self, ref: MediaRef, sample_rate: int, channel: int | None = None) -> Iterator[Audio]:
        """The sound of the track that `ref` names, mono (the average of the channels, or one), resampled
        by soxr, in chunks of 10 s."""
        if not ref.has_sound:
            return iter(())
        self._reach(ref.uri)
        track = next((each for each in ref.tracks if each.index == ref.audio_track), None)
        num = (track.num_channels if track else ref.num_channels) or 1
        if channel is not None and not 0 <= channel < num:
            raise UsageError(f"channel: expected 0 to {num - 1}, got {channel}")
        return av.sound(ref.uri, sample_rate, self._limits, channel, ref.audio_track)

    def frames(
        self, ref: MediaRef, max_side: int | None, times: Sequence[float] | None = None
    ) -> Iterator[Frames]:
        """The pictures one at a time, upright; of an image the one picture, at 0 seconds."""
        self._reach(ref.uri)
        if ref.kind == "video":
            opened = animation if ref.container in pillow.ANIMATED else av
            found = opened.pictures(ref.uri, self._limits, max_side, times)
            yield from _of_one_size(ref, found, max_side)
        elif ref.kind == "image":
            pixels = pillow.scaled(self._still(ref), max_side)
            for _ in [0.0] if times is None else times:
                yield Frames(pixels[None], np.zeros(1))

    def _reach(self, uri: str) -> None:
        """Opens a remote file within the limits of this reader; who reads it now finds it open."""
        if is_remote(uri):
            fetched(uri, self._limits)

    def _still(self, ref: MediaRef) -> pillow.Picture:
        """The picture, decoded; the last one is kept, for several passes look at it in turn."""
        key, held = (ref.uri, ref.digest), self._held
        if held is not None and held[0] == key:
            return held[1]
        picture = pillow.read(ref.uri, self._limits)
        small = picture.width * picture.height <= _MAX_HELD
        self._held = (key, picture) if small and ref.digest else None
        return picture


def _of_one_size(ref: MediaRef, found: Iterator[Frames], max_side: int | None) -> Iterator[Frames]:
    """The pictures, those of another size than the file says scaled to it, as players do, with a notice."""
    size = pillow.shown_size(ref.width or 0, ref.height or 0, max_side)
    for frames in found:
        if size[0] and frames.pixels.shape[2:0:-1] != size:
            notice(
                ref.uri,
                "its pictures change their size on the way; all are scaled to that of the first",
            )
            picture = pillow.Image.fromarray(frames.pixels[0]).resize(size)
            frames = Frames(np.asarray(picture)[None], frames.times)
        yield frames


def _refuse_text(uri: str) -> None:
    """A page of an error in place of a picture is common; FFmpeg would go by its name."""
    with opened_bytes(uri) as file:
        kind = text_kind(file.read(4096))
    if kind is not None:
        fetched = "; was it fetched from a place that is gone, or wants a login?"
        raise UnsupportedMediaError(
            f"{uri}: expected an image, audio or video file, found {kind}"
            + (fetched if "HTML" in kind else "")
        )


def _digest(uri: str) -> tuple[str, int]:
    """(sha256 in hexadecimal, number of bytes)."""
    total, num_bytes = hashlib.sha256(), 0
    if os.path.isdir(uri):
        raise UnsupportedMediaError(f"{uri}: expected a file, found a folder without any files")
    if os.path.exists(uri) and not os.path.isfile(uri):  # its end may never come
        raise UnsupportedMediaError(
            f"{uri}: expected a file, found a pipe or a device; it is read more than once: "
            "write it to a file"
        )
    try:
        with open(uri, "rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
                num_bytes += len(block)
    except FileNotFoundError:
        raise MissingMediaError(f"{uri}: no such file") from None
    except OSError as error:
        raise MissingMediaError(f"{uri}: cannot be opened ({error.strerror})") from error
    return total.hexdigest(), num_bytes
