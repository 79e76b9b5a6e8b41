"""Sound and moving pictures through PyAV (FFmpeg)."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
import soxr
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from sensorium.adapters.media.container import (
    audio_tracks,
    frame_seconds,
    is_single,
    opened,
    picture_seconds,
    picture_stream,
    sought,
    sound_stream,
    start_of,
    title,
    unknown,
)
from sensorium.adapters.media.notices import heard, notice
from sensorium.adapters.media.planes import finite, mono_of, rgb
from sensorium.core.errors import MediaError, UnsupportedMediaError
from sensorium.core.limits import Limits
from sensorium.core.media import Audio, Frames, MediaRef
from sensorium.ops.sound.audio_tracks import default_track

# Containers whose header states the true length, so that a file that was cut short is noticed.
_STATES_LENGTH = frozenset({"mov", "mp4", "matroska", "wav", "flac", "avi"})
_CHUNK_SECONDS = 10.0
_JUMP_SECONDS = 0.02  # time stamps further off than this are a hole; closer, they are rounding
_SEEK_SECONDS = 5.0  # nearer than this it is cheaper to decode on than to seek
_MAX_BROKEN = 0.02  # part of the packets that may be broken before the file counts as broken


def describe(uri: str, digest: str, num_bytes: int, limits: Limits) -> MediaRef:
    """What the file holds: headers, the first frame of each stream, and all time stamps. Without a digest
    the file is not to be read through.

    Raises:
        UnsupportedMediaError: no sound and no moving pictures.
        MediaError: a stream without content, a file that ends before its header says.
    """
    with opened(uri) as container:
        pictures, sound = picture_stream(container), sound_stream(container)
        tracks = audio_tracks(container)
        heard_ones = [container.streams.audio[track.index] for track in tracks]
        if not (streams := [*([pictures] if pictures is not None else []), *heard_ones]):
            raise UnsupportedMediaError(f"{uri}: expected sound or pictures, found neither")
        for what in unknown(container):
            notice(uri, f"the {what} in it cannot be decoded (of an unknown kind) and is left out")
        if is_single(container):
            _refuse_no_picture(uri)
        seconds = _length(uri, container, streams, glance=not digest)
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
            title=title(container),
            tracks=tracks,
            audio_track=default_track(tracks),
        )


def _refuse_no_picture(uri: str) -> None:
    """One error, and none about packets, for what is a picture by its name only."""
    with heard(uri, []):
        first = next(_decoded(uri, "video"), None)
    if first is None:
        raise UnsupportedMediaError(
            f"{uri}: expected an image, audio or video file; it is named or begins like a picture, and "
            "none can be read from it"
        )


def _length(uri: str, container: Any, streams: Sequence[Any], glance: bool) -> float:
    """Seconds until the last packet ends, read from the packets themselves; at a `glance` as stated."""
    if glance and container.duration and _STATES_LENGTH & set(container.format.name.split(",")):
        return container.duration / av.time_base
    start, end = start_of(container), 0.0
    shown = {stream.index: picture_seconds(stream) for stream in streams}
    ends = dict.fromkeys(shown, 0.0)  # where the next packet begins if it does not say so
    try:
        for packet in container.demux(*streams):
            at, track = packet.pts if packet.pts is not None else packet.dts, packet.stream.index
            begins = ends[track] if at is None else float(at * packet.time_base) - start
            lasts = packet.duration * packet.time_base if packet.duration else shown[track]
            if packet.size:
                ends[track] = begins + float(lasts)
                end = max(end, ends[track])
    except av.FFmpegError as error:
        raise MediaError(
            f"{uri}: the file is broken after {end:.1f} s ({error.strerror})"
        ) from error
    stated = (container.duration or 0) / av.time_base
    names = set(container.format.name.split(","))
    # Some count the stated length from 0, some from where the file's clock begins.
    if names & _STATES_LENGTH and end + max(start, 0.0) < stated - max(1.0, 0.02 * stated):
        raise MediaError(
            f"{uri}: the file was cut short: its header says {stated:.1f} s, its data end at {end:.1f} s"
        )
    if end <= 0:  # shorter than a tick of the container's clock, or packets that state no length
        end = _decoded_length(uri, streams)
    if end <= 0:
        raise MediaError(f"{uri}: expected sound or pictures of some length, found 0 s")
    return end


def _decoded_length(uri: str, streams: Sequence[Any]) -> float:
    """Seconds until the last frame ends, by decoding all of them."""
    end = 0.0
    for stream in streams:
        for frame, seconds in _decoded(uri, stream.type):
            end = max(end, seconds + frame_seconds(frame, stream))
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
    is an error. `skip_to` starts at the key frame before that second, or at the beginning where the
    file knows no places; a frame of which the time is unknown then is at infinity. `track` chooses the
    sound.
    """
    with opened(uri) as container:
        stream = picture_stream(container) if kind == "video" else sound_stream(container, track)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = 2
        start, shown = start_of(container), -math.inf
        following = 0.0  # where a frame without a time stamp goes: raw streams have none at all
        if skip_to and sought(container, stream, skip_to + start):
            following = math.inf
        num_packets = num_broken = 0
        for packet in container.demux(stream):
            num_packets += 1
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                num_broken += 1
                at = (
                    following
                    if packet.pts is None
                    else float(packet.pts * packet.time_base) - start
                )
                if num_broken > 3 + _MAX_BROKEN * num_packets:
                    raise MediaError(
                        f"{uri}: the {kind} is broken near {at:.1f} s ({error.strerror})"
                    ) from error
                notice(uri, f"a broken {kind} packet near {at:.2f} s was skipped")
                continue
            for frame in frames:
                stamped = None if frame.pts is None else float(frame.pts * frame.time_base)
                seconds = following if stamped is None else stamped - start
                if kind == "video":  # in a damaged file some lie before the file's own beginning
                    seconds = max(seconds, 0.0)
                following = seconds + frame_seconds(frame, stream)
                if kind == "video" and seconds < shown:  # only a damaged file goes back in time
                    notice(uri, f"a picture out of order near {seconds:.2f} s was skipped")
                    continue
                shown = seconds
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
        heard = finite(uri, mono_of(frame, channel), seconds)
        limits.check_seconds(uri, max(seconds, position / source_rate))
        for samples in _in_place(heard, seconds, position, source_rate):
            position += len(samples)
            waiting.append(resample.resample_chunk(samples))
            if sum(map(len, waiting)) >= _CHUNK_SECONDS * sample_rate:
                yield from chunks(last=False)
    if resample is not None:
        waiting.append(resample.resample_chunk(np.zeros(0, np.float32), last=True))
        yield from chunks(last=True)


def _in_place(
    samples: NDArray[np.float32], seconds: float, position: int, sample_rate: int
) -> Iterator[NDArray[np.float32]]:
    """The samples, after silence where the time stamps jump, without what overlaps.

    The silence comes in pieces: a recording may pause for hours, and a damaged time stamp say so.
    """
    ahead = seconds - position / sample_rate
    num_missing = round(ahead * sample_rate) if abs(ahead) > _JUMP_SECONDS else 0
    most = round(_CHUNK_SECONDS * sample_rate)
    for first in range(0, num_missing, most):
        yield np.zeros(min(most, num_missing - first), np.float32)
    yield samples[max(-num_missing, 0) :]


def pictures(
    uri: str, limits: Limits, max_side: int | None, times: Sequence[float] | None
) -> Iterator[Frames]:
    """One upright picture after the other; with `times`, the one on display at each of them."""
    ratio = _pixel_ratio(uri)
    scaler = VideoReformatter()  # one for all pictures: what it prepares costs as much as a picture
    source = _decoded(uri, "video") if times is None else _on_display(uri, times)
    for frame, seconds in source:
        limits.check_size(uri, frame.width, frame.height)
        pixels = rgb(scaler, frame, _width(frame, ratio), max_side)
        yield Frames(pixels[None], np.array([seconds]))


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
