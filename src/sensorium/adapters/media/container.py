"""A file as FFmpeg opens it: which streams count, where its clock starts, what its tracks are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av

from sensorium.core.errors import UnsupportedMediaError
from sensorium.core.media import Track
from sensorium.ops.sound.audio_tracks import default_track

# Formats that name other files or addresses, or that take any text for pictures: a file must never
# make us open what it names.
_REFUSED = frozenset({"hls", "dash", "concat", "concatf", "sdp", "rtsp", "imf", "tty", "applehttp"})


@contextmanager
def opened(uri: str) -> Iterator[Any]:
    """The container of a file, opened as a plain file and closed whatever happens."""
    try:
        container = av.open(f"file:{uri}", options={"protocol_whitelist": "file,pipe"})
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnsupportedMediaError(
            f"{uri}: expected an image, audio or video file; FFmpeg says: {reason} "
            "(a video that was cut short before its index can look so as well)"
        ) from error
    try:
        if names := _REFUSED & set(container.format.name.split(",")):
            raise UnsupportedMediaError(
                f"{uri}: expected media, found a {min(names)} text or playlist; what such a file names "
                "is not opened"
            )
        yield container
    finally:
        container.close()


def picture_stream(container: Any) -> Any:
    """The first stream of moving pictures, or None; cover art is none."""
    cover = av.stream.Disposition.attached_pic
    return next((s for s in container.streams.video if not s.disposition & cover), None)


def sound_stream(container: Any, track: int | None = None) -> Any:
    """The stream of one audio track (None: of the one that counts unless another is asked for), or None."""
    if track is None:
        track = default_track(audio_tracks(container))
    return None if track is None else container.streams.audio[track]


def audio_tracks(container: Any) -> tuple[Track, ...]:
    """The audio tracks that can be decoded, in the order of the file."""
    default = av.stream.Disposition.default
    return tuple(
        Track(
            index=index,
            codec=stream.codec_context.name,
            num_channels=stream.codec_context.channels,
            sample_rate=stream.codec_context.sample_rate,
            language=_language(stream),
            title=stream.metadata.get("title", "").strip(),
            default=bool(stream.disposition & default),
        )
        for index, stream in enumerate(container.streams.audio)
        if stream.codec_context is not None
    )


def _language(stream: Any) -> str:
    told = (stream.language or "").strip().lower()
    return "" if told == "und" else told  # ISO 639-2: undetermined


def start_of(container: Any) -> float:
    """Where the file's clock begins, so that sound and pictures share one zero."""
    return (container.start_time or 0) / av.time_base
