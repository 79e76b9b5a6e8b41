"""A file as FFmpeg opens it: which streams count, where its clock starts, what its tags and tracks are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import av

from sensorium.core.errors import UnsupportedMediaError
from sensorium.core.media import Track
from sensorium.ops.charset import guessed
from sensorium.ops.sound.audio_tracks import default_track

# Formats that name other files or addresses, or that take any text for pictures: a file must never
# make us open what it names, and some open it while they look at the header.
_REFUSED = frozenset(
    {
        "applehttp",
        "concat",
        "concatf",
        "dash",
        "ffmetadata",
        "hls",
        "imf",
        "lavfi",
        "rtsp",
        "sdp",
        "tty",
    }
    | {"webm_dash_manifest"}
)
SAFE = {
    "protocol_whitelist": "file,pipe",
    "format_whitelist": ",".join(sorted(av.formats_available - _REFUSED)),
}
# Demuxers of single pictures: FFmpeg goes by the name of the file there, whatever is in it.
_SINGLE = ("image2", "_pipe")


@contextmanager
def opened(uri: str) -> Iterator[Any]:
    """The container of a file, opened as a plain file and closed whatever happens."""
    try:
        # Bytes of a tag that are no UTF-8 are kept as surrogates; `title` tells what they mean.
        container = av.open(
            f"file:{uri}",
            options=dict(SAFE),
            metadata_errors="surrogateescape",
        )
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnsupportedMediaError(
            f"{uri}: expected an image, audio or video file; FFmpeg says: {reason} "
            "(so look a video cut short before its index, and a playlist: what it names is not opened)"
        ) from error
    try:
        yield container
    finally:
        container.close()


def is_single(container: Any) -> bool:
    """Whether FFmpeg takes the file for one picture, perhaps only because of its name."""
    return container.format.name.endswith(_SINGLE)


def picture_stream(container: Any) -> Any:
    """The first stream of moving pictures that can be decoded, or None; cover art is none."""
    cover = av.stream.Disposition.attached_pic
    moving = (s for s in container.streams.video if not s.disposition & cover)
    return next((s for s in moving if s.codec_context is not None), None)


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
            title=_title(stream.metadata),
            default=bool(stream.disposition & default),
        )
        for index, stream in enumerate(container.streams.audio)
        if stream.codec_context is not None
    )


def _language(stream: Any) -> str:
    told = (stream.language or "").strip().lower()
    return "" if told == "und" else told  # ISO 639-2: undetermined


def unknown(container: Any) -> list[str]:
    """What is in the file and cannot be decoded at all: ``"video"``, ``"sound"``."""
    both = (("video", container.streams.video), ("sound", container.streams.audio))
    return [name for name, streams in both if streams and not any(map(_known, streams))]


def _known(stream: Any) -> bool:
    return stream.codec_context is not None


def start_of(container: Any) -> float:
    """Where the file's clock begins, so that sound and pictures share one zero."""
    return (container.start_time or 0) / av.time_base


def picture_seconds(stream: Any) -> float:
    """Seconds that a picture is shown for where its packet does not say, as in transport streams."""
    rate = stream.guessed_rate if stream.type == "video" else None
    return min(1 / float(rate), 1.0) if rate else 0.0


def frame_seconds(frame: Any, stream: Any) -> float:
    """Seconds of a decoded frame of sound or pictures."""
    if stream.type == "audio":
        return frame.samples / frame.sample_rate
    stated = float(frame.duration * frame.time_base) if frame.duration else 0.0
    return stated or picture_seconds(stream) or 0.04


def title(container: Any) -> str:
    """The title as the file states it, in whichever encoding; empty if none."""
    return _title(container.metadata)


def _title(metadata: Mapping[str, str]) -> str:
    tags = {key: _bytes(value) for key, value in metadata.items()}
    told = tags.pop("title", b"")
    return guessed(told, b"\n".join(tags.values())).strip("\0 \t\r\n")


def _bytes(tag: str) -> bytes:
    return tag.encode("utf-8", "surrogateescape")


def sought(container: Any, stream: Any, seconds: float) -> bool:
    """Goes to the key frame before that second of a stream; False where the file knows no places."""
    try:
        container.seek(int(seconds / stream.time_base), stream=stream)
    except av.FFmpegError:
        return False
    return True
