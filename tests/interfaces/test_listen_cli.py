"""``sensorium listen`` as a user meets it, with the real models on synthetic sound."""

import json
import signal
import subprocess
import sys
import wave

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.signal import lfilter

import sensorium as sm
from sensorium.interfaces.cli.main import main
from sensorium.models.registry import load_model
from sensorium.pipelines.live.live_turns import LiveTurns, LiveTurnsOptions
from sensorium.run import plan
from sensorium.run.listen import Hearing
from sensorium.testing.fake_hearing import FakeDetector

RATE = 16_000


def hum(seconds):
    t = np.arange(round(seconds * RATE)) / RATE
    return sum(0.1 / k * np.sin(2 * np.pi * 50 * k * t) for k in range(1, 6)).astype(np.float32)


def babble(seconds, pitch, formants, rng):
    """Pulses through resonances that change every syllable: to a model of voices, somebody speaks."""
    num, syllable = round(seconds * RATE), round(0.18 * RATE)
    wobble = 1 + 0.1 * np.sin(2 * np.pi * 0.7 * np.arange(num) / RATE)
    pulses = np.diff(np.floor(np.cumsum(pitch * wobble) / RATE), prepend=0)
    source, out = pulses + 0.02 * rng.standard_normal(num), np.zeros(num)
    for first in range(0, num, syllable):
        part = source[first : first + syllable]
        for frequency in formants * rng.uniform(0.7, 1.4, 3):
            angle, radius = 2 * np.pi * frequency / RATE, np.exp(-np.pi * 90 / RATE)
            part = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], part)
        out[first : first + syllable] = part * np.hanning(len(part)) ** 0.5
    return (0.3 * out / np.abs(out).max()).astype(np.float32)


def pcm(samples):
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def call(*words, **options):
    return CliRunner().invoke(main, ["listen", *map(str, words)], **options)


@pytest.fixture
def hum_file(tmp_path):
    path = tmp_path / "hum.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm(hum(12.0)))
    return path


@pytest.mark.model
def test_hum_has_no_words_and_every_line_is_an_event(hum_file):
    result = call(hum_file, "--json")
    assert result.exit_code == 0
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [e for e in events if e["event"] in ("word", "tentative")] == []
    assert (events[-1]["kind"], events[-1]["message"]) == ("ended", "heard 12.0 s")


@pytest.mark.model
def test_raw_and_wav_on_standard_input(hum_file):
    for data in (hum_file.read_bytes(), pcm(hum(12.0))):
        result = call("-", "--no-turns", input=data)
        assert (result.exit_code, result.stdout) == (0, "(heard 12.0 s)\n")


@pytest.mark.model
def test_a_pipe_that_breaks_tells_what_was_heard_then_exits_with_3():
    result = call("-", "--no-turns", "--json", input=pcm(hum(3.0)) + b"\0")
    assert result.exit_code == 3
    assert json.loads(result.stdout.splitlines()[-1])["message"] == "heard 3.0 s"
    assert "stopped in the middle of a sample" in result.stderr


@pytest.mark.model
def test_turns_without_words_are_shown_as_text(monkeypatch):
    """The detector of voices knows babble from speech, so a made-up one takes it for a voice."""
    load = plan.load_model
    monkeypatch.setattr(
        plan,
        "load_model",
        lambda job, *rest: FakeDetector() if job == "speech_detector" else load(job, *rest),
    )
    rng = np.random.default_rng(0)
    result = call("-", "--no-words", input=pcm(babble(6, 110, np.array([600, 1200, 2500]), rng)))
    assert result.exit_code == 0
    assert "  S1\n" in result.stdout


def test_what_cannot_be_meant_or_read_is_one_line(tmp_path):
    for words, code, message in (
        (("-", "--no-words", "--no-turns"), 2, "expected words, turns or both"),
        (("-", "--latency", 0.1), 2, "latency: expected 0.5 to 10 s, got 0.1"),
        (("-", "--rate", 0), 2, "expected a sample rate"),
        ((tmp_path / "none.wav",), 3, "none.wav"),
        (("-",), 3, "ended before any sound"),
    ):
        result = call(*words, input=b"")
        assert result.exit_code == code, words
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.model
@pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent otherwise there")
def test_an_interrupt_ends_with_all_that_was_heard():
    program = "from sensorium.interfaces.cli.main import main; main(['listen', '-', '--no-turns'])"
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    # Two clipped seconds, so that a note tells that listening has begun.
    running.stdin.write(pcm(np.sign(hum(2.0))))
    running.stdin.flush()
    assert b"clipped" in running.stderr.readline()
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 0
    assert running.stdout.read() == b"(heard 2.0 s)\n"
    assert running.stderr.read() == b""
    running.stdin.close()


@pytest.mark.model
def test_chunks_of_a_program_of_any_rate():
    chunks = (sm.Audio(hum(1.0)[None], RATE if i < 3 else 8_000) for i in range(6))
    told = [e.plain() for e in sm.listen(chunks, hearing=Hearing(turns=False))]
    kinds = [e["kind"] for e in told if e["event"] == "note"]
    assert kinds == ["rate", "ended"]
    assert told[-1]["message"] == "heard 9.0 s"


@pytest.mark.model
def test_real_turns_are_the_same_however_the_sound_is_cut():
    rng, quiet = np.random.default_rng(0), np.zeros(RATE // 2, np.float32)
    low = babble(4, 110, np.array([600, 1200, 2500]), rng)
    high = babble(4, 220, np.array([800, 1500, 2900]), rng)
    sound = np.concatenate([quiet, low, quiet, high, quiet, low, quiet])
    segmenter = load_model("segmenter", "pyannote-segmentation-3.0", 1)
    encoder = load_model("speaker_encoder", "campplus-zh-en", 1)
    told = []
    for size in (0.02, 0.5, 5.0):
        stage, found = LiveTurns(segmenter, encoder, LiveTurnsOptions(latency=2.0)), []
        for first in range(0, len(sound), round(size * RATE)):
            part = sound[None, first : first + round(size * RATE)]
            found += stage.step(sm.Audio(part, RATE, first / RATE))
        told.append(found + stage.finish())
    assert len(told[0]) >= 2
    assert told[0] == told[1] == told[2]
    assert all(0 <= t.span.start < t.span.end <= len(sound) / RATE for t in told[0])
