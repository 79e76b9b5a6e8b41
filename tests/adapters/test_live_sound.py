"""Sound that arrives: raw, in containers, broken off, of changing rate, from no microphone."""

import io
import sys
import types
import wave
from importlib import import_module
from itertools import pairwise

import av
import numpy as np
import pytest

from sensorium.adapters.media.arriving import Incoming, from_chunks, from_stream
from sensorium.core.errors import MediaError, MissingDependencyError, MissingMediaError, UsageError
from sensorium.core.events import NoteEvent
from sensorium.core.media import Audio
from sensorium.run.listen import listen


def tone(seconds, rate):
    return np.sin(np.arange(round(seconds * rate)) / 20) * 0.25


def raw(seconds, rate, channels=1):
    values = (tone(seconds, rate) * 32767).astype("<i2")
    return np.repeat(values[:, None], channels, axis=1).tobytes()


class Trickle(io.BytesIO):
    """A pipe: gives a few bytes at a time, cannot be sought."""

    def read(self, size=-1, /):
        return super().read(min(size, 777))

    def seekable(self):
        return False

    def seek(self, *_):
        raise OSError("a pipe")


def heard(stream, rate=16_000, channels=1):
    """Seconds of sound; every chunk starts where the one before it ended."""
    parts = [
        each for each in from_stream(stream, rate, channels, "pipe") if isinstance(each, Audio)
    ]
    for before, after in pairwise(parts):
        assert after.start == pytest.approx(before.end)
    return sum(part.duration for part in parts)


def encoded(name, codec, seconds=3.0, rate=16_000):
    """A file of one tone in a container that a pipe can carry."""
    told = io.BytesIO()
    with av.open(told, "w", format=name) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        for first in range(0, round(seconds * rate), 4096):
            part = (tone(seconds, rate)[first : first + 4096] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(part[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, first
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return told.getvalue()


def wav(seconds, rate, unknown_length):
    told = io.BytesIO()
    with wave.open(told, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(raw(seconds, rate))
    data = bytearray(told.getvalue())
    if unknown_length:
        data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    return bytes(data)


def test_raw_samples_are_resampled_and_mixed():
    assert heard(Trickle(raw(3.0, 44_100, 2)), 44_100, 2) == pytest.approx(3.0, abs=0.001)


@pytest.mark.parametrize("unknown_length", [False, True])
def test_a_wav_whose_header_does_not_know_the_length_is_read_to_its_end(unknown_length):
    data = wav(3.0, 22_050, unknown_length)
    assert heard(Trickle(data)) == pytest.approx(3.0, abs=0.001)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("flac", "flac"),
        ("ogg", "libopus"),
        ("matroska", "flac"),
        ("mp3", "libmp3lame"),
        ("adts", "aac"),
    ],
)
def test_a_container_is_known_by_its_first_bytes(name, codec):
    rate = 48_000 if codec == "libopus" else 44_100
    assert heard(Trickle(encoded(name, codec, rate=rate))) == pytest.approx(3.0, abs=0.12)


def test_a_pipe_that_stops_in_a_sample_gives_all_before_it():
    found = []
    with pytest.raises(MediaError, match=r"in the middle of a sample \(1 of 2 bytes\)"):
        found.extend(from_stream(io.BytesIO(raw(2.0, 16_000) + b"\0"), 16_000, 1, "pipe"))
    assert sum(part.duration for part in found) == pytest.approx(2.0)
    with pytest.raises(MediaError, match="ended before any sound"):
        list(from_stream(io.BytesIO(b""), 16_000, 1, "pipe"))


def test_a_container_that_breaks_off_gives_what_was_before():
    data, found = encoded("flac", "flac"), []
    with pytest.raises(MediaError, match=r"pipe: the stream broke after \d\.\d s"):
        found.extend(from_stream(Trickle(data[: len(data) * 3 // 4]), 16_000, 1, "pipe"))
    assert 0.5 < sum(part.duration for part in found) < 2.5
    with pytest.raises(MediaError, match=r"pipe: .*stream broke after 0\.0 s"):
        heard(Trickle(b"RIFF" + bytes(200)))


def test_a_rate_that_changes_is_followed_and_told():
    chunks = [Audio(np.zeros((1, rate), np.float32), rate) for rate in (16_000, 48_000, 8_000)]
    told = list(from_chunks(chunks))
    assert sum(t.duration for t in told if isinstance(t, Audio)) == pytest.approx(3.0, abs=0.001)
    notes = [t.message for t in told if isinstance(t, NoteEvent)]
    assert notes == [
        "the sample rate changed from 16000 to 48000 Hz; followed",
        "the sample rate changed from 48000 to 8000 Hz; followed",
    ]
    with pytest.raises(UsageError, match="sample rate"):
        list(Incoming().push(np.zeros(10, np.float32), 0))


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_what_is_no_number_comes_out_as_no_number_and_poisons_nothing(rate):
    samples = tone(2.0, rate).astype(np.float32)
    samples[rate : rate + 441] = np.nan
    parts = [samples[None, first : first + 200] for first in range(0, len(samples), 200)]
    out = np.concatenate([a.mono() for a in from_chunks(Audio(p, rate) for p in parts)])
    broken = np.flatnonzero(~np.isfinite(out))
    assert 1 <= len(broken) <= 441
    assert np.all(np.abs(broken / 16_000 - 1.0) < 0.3)


def test_chunks_of_a_program_that_fails_are_given_out_before_its_error():
    def chunks():
        yield Audio(np.ones((1, 8000), np.float32), 48_000)
        raise OSError("socket closed")

    found = []
    with pytest.raises(OSError, match="socket closed"):
        found.extend(from_chunks(chunks()))
    assert sum(part.duration for part in found) == pytest.approx(8000 / 48_000, abs=0.001)
    with pytest.raises(UsageError, match="expected chunks of Audio, got ndarray"):
        list(from_chunks([np.zeros(5)]))


class FakePortAudio(types.ModuleType):
    """What is used of sounddevice; `pieces` are what the device hears."""

    class PortAudioError(Exception):
        pass

    def __init__(self, pieces):
        super().__init__("sounddevice")
        self.pieces = pieces

    def query_devices(self, kind):
        if self.pieces is None:
            raise self.PortAudioError("Error querying device -1")
        return {"default_samplerate": 16_000.0}

    def InputStream(self, callback, **_):
        pieces = self.pieces

        class Stream:
            def start(self):
                for overflow, piece in pieces:
                    callback(
                        piece, len(piece), None, types.SimpleNamespace(input_overflow=overflow)
                    )

            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

        return Stream()


def test_a_microphone_that_is_not_there_is_one_clear_error(monkeypatch):
    monkeypatch.delitem(sys.modules, "sensorium.adapters.media.microphone", raising=False)
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "sensorium\[microphone\]"'):
        list(listen("microphone"))
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio(None))
    with pytest.raises(MissingMediaError, match="microphone: expected an input device"):
        list(listen("microphone"))
    sys.modules.pop("sensorium.adapters.media.microphone", None)


def test_a_microphone_that_is_unplugged_says_so_after_what_was_heard(monkeypatch):
    piece = np.full((8000, 1), 0.1, np.float32)
    fake = FakePortAudio([(False, piece), (True, piece)])
    monkeypatch.delitem(sys.modules, "sensorium.adapters.media.microphone", raising=False)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    microphone = import_module("sensorium.adapters.media.microphone")
    monkeypatch.setattr(microphone, "_DEAD", 0.1)
    found = []
    with pytest.raises(MediaError, match=r"stopped after 1\.0 s.*unplugged"):
        found.extend(microphone.from_microphone(0.5))
    assert [type(each).__name__ for each in found] == ["Audio", "NoteEvent", "Audio"]
    sys.modules.pop("sensorium.adapters.media.microphone", None)
