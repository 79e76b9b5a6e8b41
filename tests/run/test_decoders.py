"""Files and streams of strangers decoded behind a fence: the same numbers, and a fault costs one file."""

import io
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from breaking_reader import BreakingReader
from sensorium.adapters.fencing import kernel_fence
from sensorium.adapters.fencing.decoders import FENCE, Decoders, _Decoder
from sensorium.adapters.media.arriving import from_stream
from sensorium.adapters.media.reader import MediaReader
from sensorium.core.errors import LimitError, MediaError, MissingMediaError
from sensorium.core.limits import Limits
from sensorium.testing.made_media import squares, tone, write_sound, write_video

linux = pytest.mark.skipif(sys.platform != "linux", reason="of the Linux kernel")


@pytest.fixture(scope="module")
def decoders():
    """One that waits; the same for all tests."""
    made = Decoders(keep=1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def breaking():
    """Decoders that break as their files say."""
    made = Decoders(keep=1, opened=BreakingReader)
    yield made
    made.close()


def told(decoders, path, deed):
    """The error that a file ends with."""
    path.write_text(deed)
    with pytest.raises(MediaError) as caught:
        decoders.reader(Limits()).probe(str(path))
    return caught.value


def test_what_comes_out_is_the_same(decoders, tmp_path):
    """What a file is, its sound of one channel and of all, its pictures at times; whatever is left early."""
    video = write_video(tmp_path / "a.mp4", squares(12), sound=(tone(1, 16000), 16000))
    Image.new("RGB", (50, 40), "red").save(tmp_path / "a.png")
    ours, plain = decoders.reader(Limits()), MediaReader()
    for path in (str(video), str(tmp_path / "a.png")):
        ref = plain.probe(path)
        assert ours.probe(path) == ref
        for arguments in ((ref, None), (ref, 20, [0.0])):
            pairs = zip(ours.frames(*arguments), plain.frames(*arguments), strict=True)
            for mine, its in pairs:
                np.testing.assert_array_equal(mine.pixels, its.pixels)
                np.testing.assert_array_equal(mine.times, its.times)
        for channel in (None, 0):
            pairs = zip(
                ours.audio(ref, 16000, channel), plain.audio(ref, 16000, channel), strict=True
            )
            for mine, its in pairs:
                np.testing.assert_array_equal(mine.samples, its.samples)
                assert (mine.sample_rate, mine.start) == (its.sample_rate, its.start)
    assert next(iter(ours.frames(plain.probe(str(video)), None))).times == [0.0]
    assert len(decoders._idle) == 1  # who was left early was not lost


def test_a_stream_is_heard_as_it_arrives(decoders, tmp_path):
    """Sound comes out before the last byte went in; notes and errors come through."""
    data = write_sound(tmp_path / "a.ogg", tone(4, 48000), 48000, "libopus").read_bytes()
    whole = [each.samples for each in from_stream(io.BytesIO(data), 16000, 1, "x")]
    stream, found, early = io.BytesIO(data), [], []
    for each in decoders.arriving(stream, 16000, 1, "x"):
        found.append(each.samples)
        early.append(stream.tell() < len(data))
    np.testing.assert_array_equal(np.concatenate(found, 1), np.concatenate(whole, 1))
    assert len(found) == len(whole)
    with pytest.raises(MediaError, match="x: the stream ended before any sound came"):
        list(decoders.arriving(io.BytesIO(), 16000, 1, "x"))
    left = decoders.arriving(io.BytesIO(data), 16000, 1, "x")
    next(left)
    left.close()
    assert len(list(decoders.arriving(io.BytesIO(data), 16000, 1, "x"))) == len(whole)


def test_our_errors_and_notices_come_through(decoders, tmp_path, caplog):
    """Of their own kind, with their own words; a warning is logged here, once."""
    reader = decoders.reader(Limits(max_pixels=1000))
    with pytest.raises(MissingMediaError, match="no such file"):
        reader.probe(str(tmp_path / "none.wav"))
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.jpg")
    with pytest.raises(LimitError, match=r"large\.jpg.*expected at most 1,000 pixels"):
        reader.probe(str(tmp_path / "large.jpg"))
    path = tmp_path / "cut.jpg"
    path.write_bytes((tmp_path / "large.jpg").read_bytes()[:-1500])
    reader = decoders.reader(Limits())
    list(reader.frames(reader.probe(str(path)), None))
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{path}: the picture is cut short")


def test_each_fault_costs_its_file(breaking, tmp_path):
    """A fault of memory, a sudden end, an error of a library; the file after it is read."""
    good = str(write_sound(tmp_path / "good.wav", tone(1, 16000), 16000, "pcm_s16le"))
    path = tmp_path / "bad"
    died = "its decoder died" if sys.platform == "win32" else r"its decoder died \(SIGSEGV\)"
    with pytest.raises(MediaError, match=rf"bad: {died}"):
        raise told(breaking, path, "crash")
    assert breaking.reader(Limits()).probe(good).duration == 1.0
    assert "exit code 0" in str(told(breaking, path, "exit"))
    assert "cannot be decoded (RuntimeError: as no decoder should)" in str(
        told(breaking, path, "odd")
    )
    assert breaking.reader(Limits()).probe(good).duration == 1.0


@linux
def test_no_memory_no_network_no_programs_no_writing(breaking, tmp_path):
    """Each of them is an error inside; a decoder goes on after too much memory."""
    assert isinstance(told(breaking, tmp_path / "bad", "memory"), LimitError)
    assert "more memory than the 2 GB" in str(told(breaking, tmp_path / "bad", "memory"))
    assert "PermissionError PermissionError" in str(told(breaking, tmp_path / "bad", "dial"))
    if kernel_fence.landlock_version() >= 2:
        deed = f"write {tmp_path}/made"
        assert "PermissionError" in str(told(breaking, tmp_path / "bad", deed))
        assert not (tmp_path / "made").exists()


def test_who_takes_too_long_is_ended(tmp_path):
    """The time of a step; waiting for bytes of a stream does not count."""
    quick = Decoders(replace(FENCE, seconds=3), opened=BreakingReader)
    try:
        error = told(quick, tmp_path / "bad", "slow")
        assert isinstance(error, LimitError)
        assert "not done within 3 s" in str(error)
        data = write_sound(tmp_path / "a.ogg", tone(1, 48000), 48000, "libopus").read_bytes()

        class Slow(io.BytesIO):
            def read(self, size=-1):
                time.sleep(4 if self.tell() == 0 else 0)
                return super().read(size)

        assert list(quick.arriving(Slow(data), 16000, 1, "x"))
    finally:
        quick.close()


def test_many_at_once_and_few_stay(decoders, tmp_path):
    """Ten files side by side; as many decoders as are kept wait afterwards."""
    path = str(write_sound(tmp_path / "a.wav", tone(1, 16000), 16000, "pcm_s16le"))
    found, reader = [], decoders.reader(Limits())
    threads = [threading.Thread(target=lambda: found.append(reader.probe(path))) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.duration for each in found] == [1.0] * 10
    assert len(decoders._idle) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"no json", b"[]", b'{"is": "owned"}', b'{"is": "audio", "rate": 16000, "start": 0}',
        b'{"is": "audio", "rate": 16000, "start": 0, "shape": [1, 1000000000]}',
        b'{"is": "audio", "rate": 16000, "start": 0, "shape": [1, -1]}',
        b'{"is": "frames", "times": [0], "shape": [1, 1000000, 1000000, 3]}',
        b'{"is": "ref"}', b'{"is": "error", "error": 1, "message": 2, "notices": []}', b"\x80\x04N.",
    ],
)  # fmt: skip
def test_a_decoder_that_was_taken_over_is_believed_nothing(answer):
    """Whatever it says that has no meaning is one error of its file, and the end of it."""
    decoder = object.__new__(_Decoder)
    ended = []

    class Liar:
        def recv_bytes(self, most):
            return answer

    decoder._line, decoder.end = Liar(), lambda: ended.append(True)
    with pytest.raises(MediaError, match=r"a\.wav: its decoder gave no answer"):
        decoder._heard("a.wav")
    assert ended
