"""``/v1/listen`` with a real websocket client: events, reconnects, slow and greedy clients."""

import contextlib
import io
import json
import socket
import threading
from urllib.parse import urlencode

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="pip install 'sensorium[serve]'")
pytest.importorskip("websockets")

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from running_server import pcm, running
from sensorium.testing.fake_hearing import FakeDetector, FakeTranscriber, script

WORDS = [(0.5 + i, 1.2 + i) for i in range(9)]
SAID = ["w1", "w2", "w3", "w4", "w5", "w6", "w7.", "w8", "w9"]
END = json.dumps({"event": "end"})


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("live") / "library") as found:
        yield found


def opened(server, **query):
    url = f"ws://127.0.0.1:{server.port}/v1/listen?{urlencode(query)}"
    return connect(url, compression=None, legacy=True)


def told(socket_):
    """Events up to the end."""
    events = []
    try:
        while True:
            events.append(json.loads(socket_.recv(timeout=60)))
    except ConnectionClosed:
        pass
    return events


def taken(server, socket_, seconds):
    """What is told by the time when so much sound has been taken in."""
    events = [json.loads(socket_.recv())]
    session = server.served.live._sessions[events[0]["session"]]
    while session.at < seconds:
        threading.Event().wait(0.01)
    try:
        while True:
            events.append(json.loads(socket_.recv(timeout=0.2)))
    except TimeoutError:
        return events


def words(events):
    return [each["text"] for each in events if each["event"] == "word"]


def send(socket_, data, size=3200):
    for first in range(0, len(data), size):
        socket_.send(data[first : first + size])


def end(socket_):
    """Says that no more comes; the server may have ended by itself already."""
    with contextlib.suppress(ConnectionClosed):
        socket_.send(END)


def test_words_turns_and_notes(server):
    """As `sensorium listen --json` tells them, each with a number; then the connection is closed."""
    with opened(server) as socket_:
        send(socket_, pcm(script(WORDS, 11.0).samples))
        socket_.send(END)
        events = told(socket_)
    assert events[0]["event"] == "session"
    assert words(events) == SAID
    # tentative words are there where the client is slower than the computing, which nobody can promise
    assert "turn" in {each["event"] for each in events}
    assert [e["n"] for e in events if "n" in e] == list(range(1, 1 + sum("n" in e for e in events)))
    assert (events[-1]["kind"], events[-1]["message"]) == ("ended", "heard 11.0 s")
    assert (socket_.close_code, socket_.close_reason) == (1000, "all was heard")


def test_another_rate_and_two_channels(server):
    """Half the rate, the same on both channels."""
    samples = np.repeat(script(WORDS, 11.0).samples[:, ::2], 2, axis=0)
    with opened(server, rate=8000, channels=2, turns="false") as socket_:
        send(socket_, pcm(samples))
        socket_.send(END)
        events = told(socket_)
    assert len(words(events)) >= 8  # a word's number is read from samples that were resampled
    assert "turn" not in {each["event"] for each in events}
    assert events[-1]["message"] == "heard 11.0 s"


@pytest.mark.parametrize(("container", "codec"), [("ogg", "libopus"), ("webm", "libopus")])
def test_opus(server, container, codec):
    """In Ogg and in WebM, as browsers record it."""
    import av

    data = io.BytesIO()
    with av.open(data, "w", format=container) as out:
        stream = out.add_stream(codec, rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48000 * 4), np.int16), "s16", "mono")
        frame.sample_rate = 48000
        out.mux([*stream.encode(frame), *stream.encode(None)])
    with opened(server, format="container", turns="false") as socket_:
        send(socket_, data.getvalue(), 500)
        with contextlib.suppress(ConnectionClosed):  # a container may say by itself that it ends
            socket_.send(END)
        events = told(socket_)
    assert events[-1]["message"] in ("heard 4.0 s", "heard 4.1 s")


def test_a_container_that_is_none(server):
    """An error event that says so, after what was heard; then the end."""
    with opened(server, format="container") as socket_:
        socket_.send(b"OggS" + bytes(9000))
        socket_.send(END)
        events = told(socket_)
    assert [each["event"] for each in events] == ["session", "error"]
    assert "the websocket" in events[-1]["error"]["message"]


def test_reconnect_with_a_position(server):
    """What is sent again is not heard again; what was not read comes again; nothing is lost."""
    sound = pcm(script(WORDS, 11.0).samples)
    with opened(server) as first:
        send(first, sound[: 32000 * 6])
        events = taken(server, first, 6.0)
    name, last = events[0]["session"], max(e.get("n", 0) for e in events)
    query = {"session": name, "from": 4.0, "after": last}
    with opened(server, **query) as second:
        send(second, sound[32000 * 4 :])
        second.send(END)
        more = told(second)
    assert more[0]["session"] == name
    assert more[0]["from"] == 4.0
    assert words(events) + words(more) == SAID
    assert more[-1]["message"] == "heard 11.0 s"
    with pytest.raises(InvalidStatus) as caught:
        opened(server, session="nobody")
    assert caught.value.response.status_code == 404


def test_what_a_client_lost_is_silence(server):
    """Times stay those of the client."""
    sound = pcm(script(WORDS, 11.0).samples)
    with opened(server) as first:
        send(first, sound[: 32000 * 6])
        events = taken(server, first, 6.0)
    with opened(server, **{"session": events[0]["session"], "from": 8.0}) as second:
        send(second, sound[32000 * 8 :])
        second.send(END)
        more = told(second)
    lost = [e for e in more if e.get("kind") == "lost"]
    assert len(lost) == 1
    assert [(w["text"], round(w["start"], 1)) for w in more if w["event"] == "word"][-1] == (
        "w9",
        8.5,
    )
    assert more[-1]["message"] == "heard 11.0 s"


def test_a_session_goes_to_who_comes_last(server):
    """The first connection is told so."""
    with opened(server) as first:
        hello = json.loads(first.recv())
        with opened(server, session=hello["session"]) as second:
            told(first)
            assert first.close_code == 4000
            second.send(END)
            told(second)
            assert second.close_code == 1000


def test_many_clients_share_models(tmp_path):
    """Each hears its own words; a model is opened once; one more than allowed is sent away."""
    with running(tmp_path / "library", live=5) as server:
        results, held = {}, [opened(server) for _ in range(5)]
        with pytest.raises(InvalidStatus) as caught:
            opened(server)
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"]

        def speak(number):
            said = [(0.5 + i, 1.2 + i) for i in range(number + 2)]
            send(held[number], pcm(script(said, 8.0).samples))
            held[number].send(END)
            results[number] = words(told(held[number]))

        threads = [threading.Thread(target=speak, args=(number,)) for number in range(5)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert {number: len(found) for number, found in results.items()} == {
            number: number + 2 for number in range(5)
        }
        assert sorted(server.opened) == sorted(set(server.opened))


def test_who_sends_faster_than_it_is_heard_has_to_wait(tmp_path):
    """Memory is bounded: with a model that stands still, sending stops; then everything is heard."""
    gate = threading.Event()

    class Slow(FakeDetector):
        def probabilities(self, chunks):
            for rows in super().probabilities(chunks):
                gate.wait()
                yield rows

    sound = pcm(script(WORDS, 400.0).samples)
    with (
        running(tmp_path / "library", {"speech_detector": Slow}, ahead=5.0) as server,
        opened(server) as socket_,
    ):
        sent, done = [0], threading.Event()

        def push():
            for first in range(0, len(sound), 32000):
                socket_.send(sound[first : first + 32000])
                sent[0] += 1
            socket_.send(END)
            done.set()

        threading.Thread(target=push, daemon=True).start()
        still, before = 0, -1
        while still < 20:  # until nothing moves
            threading.Event().wait(0.05)
            still, before = (still + 1, sent[0]) if sent[0] == before else (0, sent[0])
        (session,) = server.served.live._sessions.values()
        assert session.at < 40  # of 400 s: what is ahead, what was taken, one read
        assert not done.is_set()
        gate.set()
        assert words(told(socket_)) == SAID


def test_who_does_not_read_is_dropped_with_a_reason(tmp_path):
    """Small buffers on both sides, and more events than are kept for it."""
    small = {"unread": 30, "stall": 300.0}
    said = [(0.2 + 0.5 * i, 0.5 + 0.5 * i) for i in range(1500)]

    def prepare(bound):
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    with running(tmp_path / "library", prepare=prepare, **small) as server:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", server.port))
        url = f"ws://127.0.0.1:{server.port}/v1/listen?turns=false"
        with connect(url, sock=raw, compression=None, max_queue=1, ping_interval=None) as socket_:
            send(socket_, pcm(script(said, 751.0).samples), 320_000)
            while any(each.attached for each in server.served.live._sessions.values()):
                threading.Event().wait(0.05)
                try:
                    socket_.send(bytes(32000))
                except ConnectionClosed:
                    break
            told(socket_)
            # told with a reason (1008), unless it has not even read that when the patience ends (1006)
            assert socket_.close_code in (1006, 1008)
            assert "not read" in socket_.close_reason or socket_.close_code == 1006


def test_a_client_that_is_gone_leaves_nothing(tmp_path):
    """Its session is kept for a while, then it ends by itself; others go on."""
    with running(tmp_path / "library", keep=0.2) as server:
        with opened(server) as socket_:
            send(socket_, pcm(script(WORDS, 4.0).samples))
            socket_.socket.shutdown(socket.SHUT_RDWR)
        (session,) = server.served.live._sessions.values()
        while not session.over:
            threading.Event().wait(0.02)
        with opened(server) as other:
            other.send(END)
            told(other)
            assert other.close_code == 1000


def test_a_model_that_fails_is_told(tmp_path):
    """A note, then an error; what was understood before comes first."""

    class Failing(FakeTranscriber):
        def transcribe(self, audio, prompt="", **rest):
            raise MemoryError("no more")

    with (
        running(tmp_path / "library", {"transcriber": Failing}) as server,
        opened(server) as socket_,
    ):
        with contextlib.suppress(ConnectionClosed):  # it may fail before all is sent
            send(socket_, pcm(script(WORDS, 11.0).samples))
        end(socket_)
        events = told(socket_)
    assert "failed" in [each.get("kind") for each in events]
    assert events[-1]["event"] == "error"
    assert "Traceback" not in json.dumps(events)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"rate": "fast"}, "rate"),
        ({"rate": 1e9}, "rate"),
        ({"channels": 0}, "channels"),
        ({"format": "mp3"}, "format"),
        ({"latency": 99}, "latency"),
        ({"from": -1}, "from"),
        ({"from": "nan"}, "from"),
        ({"words": "false", "turns": "false"}, "words"),
    ],
)
def test_wrong_parameters(server, query, param):
    """Refused before anything is opened, in the shape of all errors."""
    with pytest.raises(InvalidStatus) as caught:
        opened(server, **query)
    assert caught.value.response.status_code == 400
    assert json.loads(caught.value.response.body)["error"]["param"] == param


def test_the_server_ends_and_tells_what_it_heard(tmp_path):
    """Clients get their words, and a reason."""
    with running(tmp_path / "library") as server:
        socket_ = opened(server)
        send(socket_, pcm(script(WORDS, 11.0).samples))
        got = taken(server, socket_, 11.0)
        server.serving.should_exit = True
        got += told(socket_)
    assert words(got) == SAID
    assert (socket_.close_code, socket_.close_reason) == (1012, "the server is ending")
