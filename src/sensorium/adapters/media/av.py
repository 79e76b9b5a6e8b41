"""Sound and moving pictures through PyAV (FFmpeg)."""

from __future__ import annotations

import logging
import math
from collections.abc import Generator, Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from sensorium.adapters.media.container import (
    audio_tracks,
    opened,
    picture_stream,
    sound_stream,
    start_of,
)
from sensorium.core.errors import MediaError, UnsupportedMediaError, UsageError
from sensorium.core.limits import Limits
from sensorium.core.media import Audio, Frames, MediaRef
from sensorium.ops.sound.audio_tracks import default_track

_LOG = logging.getLogger("sensorium")

# Containers whose header states the true length, so that a file that was cut short is noticed.
_STATES_LENGTH = frozenset({"mov", "mp4", "matroska", "wav", "flac", "avi"})
_CHUNK_SECONDS = 10.0
_JUMP_SECONDS = 0.02  # time stamps further off than this are a hole; closer, they are rounding
_SEEK_SECONDS = 5.0  # nearer than this it is cheaper to decode on than to seek
_MAX_BROKEN = 0.02  # part of the packets that may be broken before the file counts as broken


def describe(uri: str, digest: str, num_bytes: int, limits: Limits) -> MediaRef:
    """What the file holds: headers, the first frame of each stream, and all time stamps.

    Raises:
        UnsupportedMediaError: no sound and no moving pictures.
        MediaError: a stream without content, a file that ends before its header says.
    """
    with opened(uri) as container:
        pictures, sound = picture_stream(container), sound_stream(container)
        tracks = audio_tracks(container)
        heard = [container.streams.audio[track.index] for track in tracks]
        if not (streams := [*([pictures] if pictures is not None else []), *heard]):
            raise UnsupportedMediaError(f"{uri}: expected sound or pictures, found neither")
        seconds = _length(uri, container, streams)
        limits.check_seconds(uri, seconds)
        shape = _displayed(uri, limits) if pictures is not None else (None, None)
        rate = pictures.average_rate if pictures is not None else None
        if sound is not None and next(_decoded(uri, "audio"), None) is None:
            raise MediaError(f"{uri}: the sound track holds no samples; expected at least one")
        return MediaRef(
            uri=uri,
            digest=digest,
            kind="video" if pictures is not None else "audio",
            container=container.format.name.split(",")[0],
            num_bytes=num_bytes,
            duration=seconds,
            width=shape[0],
            height=shape[1],
            frame_rate=float(rate) if rate else None,
            sample_rate=sound.codec_context.sample_rate if sound is not None else None,
            num_channels=sound.codec_context.channels if sound is not None else None,
            has_sound=sound is not None,
            title=container.metadata.get("title", "").strip(),
            tracks=tracks,
            audio_track=default_track(tracks),
        )


def _length(uri: str, container: Any, streams: Sequence[Any]) -> float:
    """Seconds until the last packet ends, read from the packets themselves."""
    start, end = start_of(container), 0.0
    try:
        for packet in container.demux(*streams):
            if packet.pts is not None:
                stop = (packet.pts + (packet.duration or 0)) * packet.time_base - start
                end = max(end, float(stop))
    except av.FFmpegError as error:
        raise MediaError(
            f"{uri}: the file is broken after {end:.1f} s ({error.strerror})"
        ) from error
    stated = (container.duration or 0) / av.time_base
    names = set(container.format.name.split(","))
    if names & _STATES_LENGTH and end < stated - max(1.0, 0.02 * stated):
        raise MediaError(
            f"{uri}: the file was cut short: its header says {stated:.1f} s, its data end at {end:.1f} s"
        )
    if end <= 0:
        raise MediaError(f"{uri}: expected sound or pictures of some length, found 0 s")
    return end


def _displayed(uri: str, limits: Limits) -> tuple[int, int]:
    """(width, height) of the first picture as displayed."""
    first = next(_decoded(uri, "video"), None)
    if first is None:
        raise MediaError(f"{uri}: the video track holds no picture; expected at least one")
    frame, _ = first
    limits.check_size(uri, frame.width, frame.height)
    width = _width(frame, _pixel_ratio(uri))
    return (frame.height, width) if frame.rotation % 180 else (width, frame.height)


def _pixel_ratio(uri: str) -> Fraction | None:
    """Width of a pixel over its height; None where the file does not say."""
    with opened(uri) as container:  # read while it is open: a closed stream must not be touched
        return picture_stream(container).sample_aspect_ratio


def _width(frame: Any, ratio: Fraction | None) -> int:
    """Columns as displayed: pixels that are not square are made square."""
    return max(1, round(frame.width * ratio)) if ratio else frame.width


def _decoded(
    uri: str, kind: str, skip_to: float | None = None, track: int | None = None
) -> Generator[tuple[Any, float], None, None]:
    """(frame, seconds) of the sound or the pictures, in order, to the very end.

    Single broken packets are skipped and logged, their time stays empty; a file with many of them
    is an error. `skip_to` starts at the key frame before that second; `track` chooses the sound.
    """
    with opened(uri) as container:
        stream = picture_stream(container) if kind == "video" else sound_stream(container, track)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 2
        start, last = start_of(container), 0.0
        if skip_to:
            container.seek(int((skip_to + start) / stream.time_base), stream=stream)
        num_packets = num_broken = 0
        for packet in container.demux(stream):
            num_packets += 1
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                num_broken += 1
                if num_broken > 3 + _MAX_BROKEN * num_packets:
                    raise MediaError(
                        f"{uri}: the {kind} is broken near {last:.1f} s ({error.strerror})"
                    ) from error
                _LOG.warning("%s: a broken %s packet near %.1f s was skipped", uri, kind, last)
                continue
            for frame in frames:
                seconds = last if frame.pts is None else float(frame.pts * frame.time_base) - start
                last = seconds
                yield frame, seconds


def sound(
    uri: str, sample_rate: int, limits: Limits, channel: int | None = None, track: int | None = None
) -> Iterator[Audio]:
    """Mono chunks of 10 s at `sample_rate`, without gap: holes in the time stamps are silence."""
    resample, source_rate, position, given = None, 0, 0, 0
    waiting: list[NDArray[np.float32]] = []

    def chunks(last: bool) -> Iterator[Audio]:
        nonlocal given, waiting
        size = round(_CHUNK_SECONDS * sample_rate)
        ready = np.concatenate(waiting) if waiting else np.zeros(0, np.float32)
        while len(ready) >= size or (last and len(ready)):
            yield Audio(ready[None, :size], sample_rate, given / sample_rate)
            given += len(ready[:size])
            ready = ready[size:]
        waiting = [ready]

    for frame, seconds in _decoded(uri, "audio", track=track):
        if resample is None:
            source_rate = frame.sample_rate
            resample = soxr.ResampleStream(
                source_rate, sample_rate, 1, dtype="float32", quality="HQ"
            )
        if frame.sample_rate != source_rate:
            raise MediaError(
                f"{uri}: the sample rate changes from {source_rate} to {frame.sample_rate} Hz "
                f"at {seconds:.1f} s; expected one rate; convert the file first"
            )
        heard = _finite(uri, mono_of(frame, channel), seconds)
        samples = _in_place(heard, seconds, position, source_rate)
        position += len(samples)
        limits.check_seconds(uri, position / source_rate)
        waiting.append(resample.resample_chunk(samples))
        if sum(map(len, waiting)) >= _CHUNK_SECONDS * sample_rate:
            yield from chunks(last=False)
    if resample is not None:
        waiting.append(resample.resample_chunk(np.zeros(0, np.float32), last=True))
        yield from chunks(last=True)


def _in_place(
    samples: NDArray[np.float32], seconds: float, position: int, sample_rate: int
) -> NDArray[np.float32]:
    """The samples with silence before them where the time stamps jump; without what overlaps."""
    ahead = seconds - position / sample_rate
    if abs(ahead) <= _JUMP_SECONDS:
        return samples
    num_missing = round(ahead * sample_rate)
    if num_missing > 0:
        return np.concatenate([np.zeros(num_missing, np.float32), samples])
    return samples[-num_missing:]


def mono_of(frame: Any, channel: int | None = None) -> NDArray[np.float32]:
    """All channels averaged, or the one asked for, in [-1, 1] for every sample format."""
    values, kind = frame.to_ndarray(), frame.format.name.removesuffix("p")
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if kind == "u8":
        scaled = (values.astype(np.float32) - 128.0) / 128.0
    elif values.dtype.kind == "i":
        scaled = values.astype(np.float32) / np.float32(-float(np.iinfo(values.dtype).min))
    else:
        scaled = values.astype(np.float32)
    if channel is None:
        return scaled.mean(axis=0, dtype=np.float32)
    if not 0 <= channel < len(scaled):
        raise UsageError(f"channel: expected 0 to {len(scaled) - 1}, got {channel}")
    return scaled[channel]


def _finite(uri: str, samples: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    if not math.isfinite(float(samples.sum(dtype=np.float64))):
        raise MediaError(
            f"{uri}: expected finite samples, found NaN or infinity near {seconds:.1f} s"
        )
    return samples


def pictures(
    uri: str, limits: Limits, max_side: int | None, times: Sequence[float] | None
) -> Iterator[Frames]:
    """One upright picture after the other; with `times`, the one on display at each of them."""
    ratio = _pixel_ratio(uri)
    source = _decoded(uri, "video") if times is None else _on_display(uri, times)
    for frame, seconds in source:
        limits.check_size(uri, frame.width, frame.height)
        yield Frames(_rgb(frame, _width(frame, ratio), max_side)[None], np.array([seconds]))


def _on_display(uri: str, times: Sequence[float]) -> Iterator[tuple[Any, float]]:
    """For each of the ascending `times` the last picture at or before it, else the first one."""
    source = _decoded(uri, "video")
    held = following = next(source, None)
    for wanted in times:
        if following is not None and wanted - following[1] > _SEEK_SECONDS:
            source.close()
            source = _decoded(uri, "video", skip_to=wanted)
            first = next(source, None)
            if first is None or first[1] > wanted:  # the container seeks badly: from the start
                source = _decoded(uri, "video")
                first = next(source, None)
            held = following = first
        while following is not None and following[1] <= wanted:
            held, following = following, next(source, None)
        if held is not None:
            yield held
    source.close()


def _rgb(frame: Any, width: int, max_side: int | None) -> NDArray[np.uint8]:
    """uint8 (height, width, 3), scaled by swscale and turned upright."""
    height = frame.height
    scale = min(1.0, max_side / max(width, height)) if max_side else 1.0
    size = {"width": max(1, round(width * scale)), "height": max(1, round(height * scale))}
    values = frame.reformat(format="rgb24", **size).to_ndarray()
    return np.ascontiguousarray(np.rot90(values, k=round(frame.rotation / 90) % 4))
