"""Files of every kind, made on the spot: times and counts are those they were made with.

A pairwise choice of containers, codecs, rotations, starts, frame rates, layouts, sample formats, sizes and
lengths. What is true is known twice: from how a file was made, and from its packets, read with PyAV alone.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorium.adapters.media.notices import heard as heard_notices
from sensorium.adapters.media.reader import MediaReader
from sensorium.core.errors import MediaError
from sensorium.testing.made_media import squares, tone, usual_priority, write_sound, write_video

READER = MediaReader()


# ---------------------------------------------------------------- pictures


def gray(index):
    """Pictures tell their number by their brightness."""
    return 24 + 9 * index % 216


@usual_priority()
def write_pictures(path, times, codec="mpeg4", pix_fmt="yuv420p", size=(48, 32), base=1000):
    """Flat gray pictures at these seconds; `base` ticks a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.time_base = stream.codec_context.time_base = Fraction(1, base)
        if codec in ("mpeg4", "mpeg2video", "flv", "mjpeg"):
            stream.options = {"qscale": "2", "flags": "+qscale"}
        for index, seconds in enumerate(times):
            pixels = np.full((size[1], size[0], 3), gray(index), np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(seconds * base), Fraction(1, base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def packet_times(path, kind="video"):
    """(times of the packets in order, seconds until the last ends), from the start of the file's clock."""
    with av.open(str(path)) as container:
        stream = container.streams.get({kind: 0})[0]
        start = (container.start_time or 0) / av.time_base
        found = [p for p in container.demux(stream) if p.size and p.pts is not None]
        times = sorted(float(p.pts * p.time_base) - start for p in found)
        ends = [float((p.pts + (p.duration or 0)) * p.time_base) - start for p in found]
        return times, max(ends)


def seen(path):
    """(what the file is, times, brightness of each picture) by the reader."""
    ref = READER.probe(str(path))
    frames = list(READER.frames(ref, None))
    assert all(f.pixels.shape == (1, ref.height, ref.width, 3) for f in frames)
    return ref, [float(f.times[0]) for f in frames], [float(f.pixels.mean()) for f in frames]


def even(num, rate, start=0.0):
    return [start + index / rate for index in range(num)]


VARIABLE = [0.0, 0.02, 0.5, 0.54, 0.9, 2.0]
# name, codec, pixel format, (width, height), times, ticks a second
PICTURES = [
    ("a.mp4", "libx264", "yuv420p", (48, 32), even(12, 25), 12800),
    ("a.mp4", "libx264", "yuv444p", (33, 17), even(12, 120), 12000),
    ("a.mp4", "libx265", "yuv420p", (128, 128), even(9, 30), 30000),
    ("a.mp4", "libsvtav1", "yuv420p", (64, 64), even(6, 24), 24000),
    ("a.mp4", "mpeg4", "yuv420p", (49, 31), even(8, 1), 1000),
    ("a.mov", "prores", "yuv422p10le", (48, 32), VARIABLE, 600),
    ("a.mov", "qtrle", "rgb24", (17, 9), even(7, 12.5), 600),
    ("a.mov", "png", "rgb24", (1, 1), even(5, 25), 12800),
    ("a.mov", "libx264", "yuv420p", (48, 32), even(8, 25, 3.0), 12800),
    ("a.mkv", "libx264", "yuv420p", (48, 32), VARIABLE, 1000),
    ("a.mkv", "ffv1", "yuv444p", (1, 1), even(4, 25), 1000),
    ("a.mkv", "ffv1", "gray16le", (20, 10), even(3, 25), 1000),
    ("a.mov", "qtrle", "argb", (8, 9), even(3, 25), 600),
    ("a.mkv", "ffv1", "yuv420p10le", (21, 11), even(3, 25), 1000),
    ("a.mkv", "ffv1", "yuv420p", (10_000, 1), even(2, 25), 1000),
    ("a.avi", "png", "rgb24", (7, 5), even(5, 1), 1),
    ("a.mov", "png", "rgba", (1, 10_000), even(2, 25), 1000),
    ("a.mkv", "libvpx", "yuv420p", (35, 21), even(10, 120, 5.0), 1000),
    ("a.mkv", "mjpeg", "yuvj422p", (51, 33), VARIABLE, 1000),
    ("a.mkv", "rawvideo", "yuv420p", (5, 3), even(3, 25), 1000),
    ("a.webm", "libvpx-vp9", "yuv420p", (48, 33), VARIABLE, 1000),
    ("a.webm", "libvpx", "yuv420p", (48, 32), even(1, 25), 1000),
    ("a.avi", "mpeg4", "yuv420p", (48, 32), even(10, 25), 25),
    ("a.avi", "huffyuv", "rgb24", (31, 3), even(4, 1), 1),
    ("a.avi", "utvideo", "gbrp", (16, 10), even(6, 120), 120),
    ("a.ts", "mpeg2video", "yuv420p", (48, 32), even(10, 25), 25),
    ("a.ts", "libx264", "yuv420p", (48, 32), even(12, 25, 100.0), 90000),
    ("a.mpg", "mpeg2video", "yuv420p", (80, 48), even(10, 25), 25),
    ("a.flv", "flv", "yuv420p", (48, 32), even(10, 25), 1000),
    ("a.nut", "mpeg4", "yuv420p", (48, 32), VARIABLE, 1000),
    ("a.3gp", "mpeg4", "yuv420p", (176, 144), even(5, 15), 15000),
    ("a.asf", "mpeg4", "yuv420p", (48, 32), even(10, 25), 1000),
]


@pytest.mark.parametrize("case", PICTURES, ids=lambda c: f"{c[0][2:]}-{c[1]}-{c[3]}-{len(c[4])}")
def test_pictures_of_every_kind(tmp_path, case):
    """Every picture once, in order, at its time, of its size; the length as the packets have it."""
    name, codec, pix_fmt, size, times, base = case
    path = write_pictures(tmp_path / name, times, codec, pix_fmt, size, base)
    told, end = packet_times(path)
    ref, found, light = seen(path)
    made = [round((at - times[0]) * base) / base for at in times]
    assert len(found) == len(told) == len(times)
    assert found == pytest.approx(told, abs=1e-6)
    assert found == pytest.approx(made, abs=0.0011)
    assert light == pytest.approx([gray(i) for i in range(len(times))], abs=4)
    assert (ref.kind, ref.width, ref.height) == ("video", *size)
    if end > told[-1]:
        assert ref.duration == pytest.approx(end, abs=1e-6)
    else:  # transport streams do not say how long the last picture is shown
        assert found[-1] < ref.duration <= found[-1] + max(0.05, times[1] - times[0])
    assert ref.duration > found[-1]


@pytest.mark.parametrize("case", PICTURES[::3], ids=lambda c: f"{c[0][2:]}-{c[1]}-{c[3]}")
def test_pictures_at_times_are_those_on_display(tmp_path, case):
    """Asked in the middle between two pictures, the earlier one comes."""
    name, codec, pix_fmt, size, times, base = case
    path = write_pictures(tmp_path / name, times, codec, pix_fmt, size, base)
    ref, found, _ = seen(path)
    asked = [at + 0.4 * (after - at) for at, after in pairwise([*found, found[-1] + 1])]
    shown = [float(f.times[0]) for f in READER.frames(ref, 16, asked)]
    assert shown == pytest.approx(found)


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("case", PICTURES[:9:2], ids=lambda c: f"{c[0][2:]}-{c[1]}-{c[3]}")
def test_pictures_of_a_telephone_are_upright(tmp_path, case, degrees):
    """Sizes as displayed, whatever the codec and the size; the header says how to turn."""
    name, codec, pix_fmt, size, times, base = case
    path = write_pictures(tmp_path / name, times, codec, pix_fmt, size, base)
    data, one = bytearray(path.read_bytes()), 1 << 16
    a, b, c, d = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}[degrees]
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    ref, found, _ = seen(path)
    assert (ref.width, ref.height) == (size[::-1] if degrees % 180 else size)
    assert len(found) == len(times)


LONG = [("a.mp4", "libx264", 1000), ("a.mov", "mpeg4", 600), ("a.mkv", "libx264", 1000)]
LONG += [("a.webm", "libvpx", 1000), ("a.avi", "mpeg4", 2), ("a.ts", "libx264", 90000)]
LONG += [("a.flv", "flv", 1000), ("a.nut", "mpeg4", 1000), ("a.asf", "mpeg4", 1000)]


@pytest.mark.parametrize("start", [0.0, 40.0])
@pytest.mark.parametrize(("name", "codec", "base"), LONG, ids=lambda v: str(v))
def test_pictures_far_apart_are_found_by_seeking(tmp_path, name, codec, base, start):
    """The same as read from the beginning, whatever the container makes of seeking."""
    path = write_pictures(tmp_path / name, even(80, 2, start), codec, size=(32, 32), base=base)
    ref, found, _ = seen(path)
    asked = [0.0, 7.1, 7.2, 13.9, 20.0, 27.6, 39.4, 99.0]
    best = [max((at for at in found if at <= each + 1e-9), default=found[0]) for each in asked]
    assert [float(f.times[0]) for f in READER.frames(ref, 16, asked)] == pytest.approx(best)


@given(
    times=st.lists(st.integers(1, 3000), min_size=1, max_size=12),
    start=st.sampled_from([0, 1, 40, 999_999]),
    name=st.sampled_from(["a.mkv", "a.mp4", "a.nut"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_times_come_out(tmp_path_factory, times, start, name):
    """Milliseconds between pictures, as variable as they like."""
    made = np.cumsum([start, *times]) / 1000
    path = tmp_path_factory.mktemp("v") / name
    write_pictures(path, list(made), size=(16, 16))
    _, found, light = seen(path)
    assert found == pytest.approx(list(made - made[0]), abs=0.0011)
    assert light == pytest.approx([gray(i) for i in range(len(made))], abs=4)


@pytest.mark.parametrize(("name", "codec"), [("a.h264", "libx264"), ("a.m2v", "mpeg2video")])
def test_raw_streams_have_a_clock(tmp_path, name, codec):
    """Cameras write pictures without any time stamp: one follows the other at the stated rate."""
    path = write_pictures(tmp_path / name, even(300, 25), codec, base=25)
    ref, found, _ = seen(path)
    assert len(found) == 300
    late = (
        0.04 if name == "a.m2v" else 0.0
    )  # its clock begins with the picture that is decoded first
    assert found == pytest.approx(even(300, 25, late), abs=1e-6)
    assert ref.duration == pytest.approx(12 + late, abs=0.05)
    asked = [late, 3.21, 10.02, 11.9]
    shown = [float(f.times[0]) for f in READER.frames(ref, 16, asked)]
    assert shown == pytest.approx([late, 3.2, 10.0, 11.88])


def test_a_codec_that_nobody_knows_is_left_out(tmp_path):
    """The sound of a file whose pictures no decoder knows is used, and that is said."""
    path = write_video(tmp_path / "a.avi", squares(12), sound=(tone(0.5, 44100), 44100))
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"ZZZZ"))
    told = []
    with heard_notices(str(path), told):
        ref, samples = heard(path)
    assert (ref.kind, ref.has_sound) == ("audio", True)
    assert len(samples) == pytest.approx(8000, abs=1000)
    assert len(told) == 1
    assert "video in it cannot be decoded" in told[0]


# ---------------------------------------------------------------- sound


def wave(num, rate, num_channels):
    """float64 (channel, sample): a sine at a hundredth of the rate, each channel at its own level."""
    sine = np.sin(2 * np.pi * np.arange(num) / 100 + 0.5)
    return np.stack([sine * 0.8 / (1 + c) for c in range(num_channels)])


def write_wave(path, samples, rate, codec, layout, form, start=0.0):
    """Sound of a codec in one of its sample formats."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.codec_context.format = form
        resample = av.AudioResampler(format=form, layout=layout, rate=rate)
        step = 4096
        for first in range(0, samples.shape[1], step):
            part = samples[:, first : first + step].T.reshape(1, -1).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(part, format="flt", layout=layout)
            frame.sample_rate, frame.pts = rate, first + round(start * rate)
            frame.time_base = Fraction(1, rate)
            for ready in resample.resample(frame):
                container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path


def heard(path, rate=16000):
    """(what the file is, the samples) by the reader; chunks must join."""
    ref = READER.probe(str(path))
    chunks = list(READER.audio(ref, rate))
    for before, after in pairwise(chunks):
        assert after.start == pytest.approx(before.end, abs=1e-9)
    return ref, np.concatenate([np.zeros(0, np.float32), *(c.samples[0] for c in chunks)])


# name, codec, sample format, rate, layout
EXACT = [
    ("a.wav", "pcm_s16le", "s16", 8000, "mono"),
    ("a.wav", "pcm_u8", "u8", 11025, "stereo"),
    ("a.wav", "pcm_s24le", "s32", 44100, "5.1"),
    ("a.wav", "pcm_f32le", "flt", 48000, "quad"),
    ("a.wav", "pcm_f64le", "dbl", 96000, "7.1"),
    ("a.wav", "pcm_s64le", "s64", 8000, "mono"),
    ("b.wav", "pcm_s16le", "s16", 48000, "hexadecagonal"),
    ("a.au", "pcm_s8", "u8", 8000, "mono"),
    ("a.m4a", "alac", "s32p", 44100, "stereo"),
    ("a.wav", "pcm_mulaw", "s16", 8000, "stereo"),
    ("a.w64", "pcm_s32le", "s32", 22050, "3.0"),
    ("a.aiff", "pcm_s24be", "s32", 32000, "stereo"),
    ("a.au", "pcm_s16be", "s16", 8000, "mono"),
    ("a.caf", "pcm_f32be", "flt", 48000, "mono"),
    ("a.flac", "flac", "s16", 44100, "stereo"),
    ("a.flac", "flac", "s32", 96000, "5.1"),
    ("a.m4a", "alac", "s16p", 44100, "stereo"),
    ("a.mka", "flac", "s16", 16000, "mono"),
    ("a.mka", "pcm_s16le", "s16", 12345, "mono"),
    ("a.wv", "wavpack", "fltp", 48000, "stereo"),
    ("a.tta", "tta", "s16", 44100, "stereo"),
    ("a.mov", "pcm_s16le", "s16", 48000, "stereo"),
    ("a.avi", "pcm_s16le", "s16", 44100, "stereo"),
]
LENGTHS = [1, 2, 63, 1024, 4097, 20_000]


@pytest.mark.parametrize("case", EXACT, ids=lambda c: "-".join(map(str, c))[2:])
def test_sound_without_loss(tmp_path, case):
    """From one sample up: every sample is there, channels averaged, at the right level and place."""
    name, codec, form, rate, layout = case
    channels = av.AudioLayout(layout).nb_channels
    for num in LENGTHS:
        samples = wave(num, rate, channels)
        path = write_wave(tmp_path / f"{num}{name}", samples, rate, codec, layout, form)
        ref, found = heard(path, rate)
        assert (ref.kind, ref.sample_rate, ref.num_channels) == ("audio", rate, channels)
        assert len(found) == num
        assert found == pytest.approx(samples.mean(axis=0), abs=0.03)
        assert ref.duration == pytest.approx(num / rate, abs=max(1e-6, 0.0021 * ("mka" in name)))
        assert len(heard(path, 16000)[1]) == pytest.approx(num * 16000 / rate, abs=1)


@pytest.mark.parametrize(("name", "codec"), [("a.mka", "flac"), ("a.mov", "pcm_s16le")])
def test_sound_that_begins_late_alone_begins_at_zero(tmp_path, name, codec):
    """A recording that was cut out of a longer one keeps its clock; ours begins with it."""
    samples = wave(8000, 16000, 1)
    path = write_wave(tmp_path / name, samples, 16000, codec, "mono", "s16", start=30.0)
    ref, found = heard(path)
    assert len(found) == pytest.approx(8000, abs=2)
    assert ref.duration == pytest.approx(0.5, abs=0.002)


def test_a_long_pause_is_silence_in_little_memory(tmp_path):
    """What comes after an hour without sound is where it belongs; no chunk is an hour long."""
    rate = 8000
    with av.open(str(tmp_path / "a.mka"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        for start in (0, 3600 * rate):
            part = np.full((1, rate), 9000, np.int16)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    ref, loud, num = READER.probe(str(tmp_path / "a.mka")), [], 0
    for chunk in READER.audio(ref, rate):
        assert chunk.duration <= 10
        num += chunk.samples.shape[1]
        loud.append(np.flatnonzero(np.abs(chunk.samples[0]) > 0.2) / rate + chunk.start)
    loud = np.concatenate(loud)
    assert num == pytest.approx(3601 * rate, abs=2)
    assert loud[[0, -1]] == pytest.approx([0, 3601], abs=0.01)
    assert len(loud) == pytest.approx(2 * rate, abs=4)


LOSSY = [
    ("a.mp3", "libmp3lame", "fltp", 44100, "stereo"),
    ("a.mp3", "libmp3lame", "s16p", 8000, "mono"),
    ("a.m4a", "aac", "fltp", 48000, "5.1"),
    ("a.m4a", "aac", "fltp", 8000, "mono"),
    ("a.aac", "aac", "fltp", 44100, "stereo"),
    ("a.ogg", "libopus", "s16", 48000, "stereo"),
    ("a.opus", "libopus", "flt", 16000, "mono"),
    ("a.webm", "libopus", "flt", 48000, "mono"),
    ("a.mov", "aac", "fltp", 44100, "7.1"),
    ("a.ogg", "libopus", "s16", 24000, "stereo"),
    ("a.mka", "ac3", "fltp", 48000, "5.1"),
    ("a.mp2", "mp2", "s16", 48000, "stereo"),
    ("a.wav", "adpcm_ima_wav", "s16p", 22050, "mono"),
    ("a.asf", "ac3", "fltp", 44100, "stereo"),
    ("a.wv", "wavpack", "s16p", 44100, "7.1"),
    ("a.ts", "aac", "fltp", 48000, "stereo"),
]


# A few packets alone are not recognised as such a stream, or are all run-up to the encoder.
SHORT = ("a.aac", "a.mp2", "a.ts", "a.m4a", "a.mov")


@pytest.mark.parametrize("case", LOSSY, ids=lambda c: "-".join(map(str, c))[2:])
def test_sound_with_loss(tmp_path, case):
    """A codec adds at most some frames at its ends; a beep is where it was, within a frame."""
    name, codec, form, rate, layout = case
    channels = av.AudioLayout(layout).nb_channels
    for num in (1, 100, 3000, rate):
        if num < 3000 and name in SHORT:
            continue
        samples = np.zeros((channels, num))
        beep = slice(num // 2, num // 2 + rate // 10)
        samples[:, beep] = 0.7 * np.sin(np.arange(num)[beep] * 2 * np.pi * 440 / rate)
        path = write_wave(tmp_path / f"{num}{name}", samples, rate, codec, layout, form)
        ref, found = heard(path)
        times, end = packet_times(path, "audio")
        frame = 4096 / rate
        if end > 0:  # a millisecond, the tick of some containers, is longer than some sounds
            assert ref.duration == pytest.approx(end, abs=1e-6)
        assert ref.duration > 0
        assert len(found) / 16000 == pytest.approx(end - times[0], abs=frame + 0.01)
        assert num / rate - 0.01 <= len(found) / 16000 + 0.001
        assert len(found) / 16000 <= num / rate + 3 * frame
        if num == rate:
            loud = np.flatnonzero(np.abs(found) > 0.2) / 16000
            assert loud[0] == pytest.approx(0.5, abs=0.03)
            assert loud[-1] == pytest.approx(0.6, abs=0.03)


@given(
    num=st.integers(1, 3000),
    rate=st.sampled_from([8000, 11025, 16000, 44100, 48000, 192000]),
    channels=st.integers(1, 8),
    target=st.sampled_from([8000, 16000, 22050]),
)
@settings(max_examples=25, deadline=None)
def test_any_length_rate_and_number_of_channels(tmp_path_factory, num, rate, channels, target):
    """The number of samples after resampling is the length times the rate, to a sample."""
    layouts = ["mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1"]
    path = tmp_path_factory.mktemp("s") / "a.wav"
    samples = wave(num, rate, channels)
    write_wave(path, samples, rate, "pcm_s16le", layouts[channels - 1], "s16")
    ref, found = heard(path, target)
    assert len(found) == pytest.approx(num * target / rate, abs=1)
    assert ref.duration == pytest.approx(num / rate, abs=1e-6)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
@pytest.mark.parametrize(("late", "kind"), [(0.5, "sound"), (0.5, "pictures"), (0.0, "sound")])
def test_sound_and_pictures_keep_their_distance(tmp_path, name, late, kind):
    """One that begins later does so on the one clock of the file."""
    path = tmp_path / name
    rate, num = 48000, 48000
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4" if name != "a.ts" else "mpeg2video", rate=25)
        video.width, video.height, video.pix_fmt = 48, 32, "yuv420p"
        sound = container.add_stream("aac", rate=rate, layout="mono")
        shift = late if kind == "pictures" else 0.0
        for index in range(25):
            pixels = np.full((32, 48, 3), 200 if index == 10 else 30, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index + round(shift * 25), Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        shift = late if kind == "sound" else 0.0
        samples = np.zeros((1, num), np.float32)
        samples[0, 19200:24000] = 0.7 * np.sin(np.arange(4800) * 2 * np.pi * 440 / rate)
        for first in range(0, num, 1024):
            part = np.ascontiguousarray(samples[:, first : first + 1024])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, first + round(shift * rate)
            frame.time_base = Fraction(1, rate)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    _, times, light = seen(path)
    _, found = heard(path)
    flash = times[int(np.argmax(light))]
    loud = np.flatnonzero(np.abs(found) > 0.2)[0] / 16000
    lag = late if kind == "sound" else -late
    assert loud - flash == pytest.approx(lag, abs=0.045)


# ---------------------------------------------------------------- damage


def damaged(data, rng, number):
    """Cut short, or with some bytes changed, or both."""
    bad = data[: rng.integers(1, len(data))] if number % 2 else data
    bad = bad.copy()
    places = rng.integers(0, len(bad), number % 7)
    bad[places] = rng.integers(0, 255, len(places))
    return bad.tobytes()


def read_whole(path):
    """(pictures, seconds of sound), or why not."""
    try:
        ref = READER.probe(str(path))
        frames = [float(f.times[0]) for f in READER.frames(ref, 16)]
        assert frames == sorted(frames)
        chunks = list(READER.audio(ref, 16000))
    except MediaError as error:
        return None, str(error)
    assert all(np.isfinite(chunk.samples).all() for chunk in chunks)
    return frames, sum(chunk.duration for chunk in chunks)


@pytest.mark.parametrize(
    "name", ["a.mp4", "a.mkv", "a.avi", "a.ts", "a.flv", "a.wav", "a.mp3", "a.ogg"]
)
def test_damaged_files_are_read_or_refused(tmp_path, name):
    """No exception but ours, which names the file; what is read has times that can be."""
    sounds = {"a.wav": "pcm_f32le", "a.mp3": "libmp3lame", "a.ogg": "libopus"}
    if name in sounds:
        write_sound(tmp_path / name, tone(0.5, 48000), 48000, sounds[name])
    else:
        codec = "flv" if name == "a.flv" else "mpeg4"
        write_video(tmp_path / name, squares(12), sound=(tone(0.5, 44100), 44100), codec=codec)
    data = np.frombuffer((tmp_path / name).read_bytes(), np.uint8)
    rng = np.random.default_rng(5)
    for number in range(24):
        path = tmp_path / f"{number}{name}"
        path.write_bytes(damaged(data, rng, number))
        with heard_notices(str(path), []):
            frames, told = read_whole(path)
        if frames is None:
            assert str(path) in told
        else:
            assert all(np.isfinite(frames))
            assert told >= 0
