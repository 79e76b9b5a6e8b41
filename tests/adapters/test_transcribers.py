"""Transcribers that are not bundled: random weights in the real format, and a server on this machine."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from sensorium.adapters.models.sound import openai_server
from sensorium.adapters.models.sound.openai_server import ServerTranscriber
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.media import Audio
from sensorium.models.registry import load_model

SOUND = Audio((0.1 * np.sin(np.arange(32_000) / 9))[None].astype(np.float32), 16_000, 5.0)


@pytest.fixture
def server():
    """Answers with whatever `answer` holds: (status, bytes)."""

    class Handler(BaseHTTPRequestHandler):
        answer = (200, b"{}")
        asked: list = []  # noqa: RUF012

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            Handler.asked.append((self.path, body))
            status, text = Handler.answer
            if status is None:  # not even HTTP, or nothing at all
                time.sleep(0.5 if not text else 0)
                self.wfile.write(text)
                return
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    Handler.address = f"http://127.0.0.1:{running.server_port}"
    Handler.asked.clear()
    yield Handler
    running.shutdown()


def test_words_of_a_server_come_with_times_of_the_source(server):
    words = [{"word": "ask", "start": 0.5, "end": 0.9}, {"word": " not", "start": 0.9, "end": 7.0}]
    server.answer = (200, json.dumps({"language": "en", "words": words}).encode())
    told = ServerTranscriber(f"{server.address}#small").transcribe(SOUND, "my fellow Americans")
    assert [(w.text, w.span.start, w.span.end) for w in told.words] == [
        ("ask", 5.5, 5.9),
        ("not", 5.9, 7.0),
    ]
    path, body = server.asked[0]
    assert path == "/v1/audio/transcriptions"
    assert b"my fellow Americans" in body
    assert b"RIFF" in body
    assert b"small" in body


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((500, b"out of memory"), r"refused \(500\): out of memory"),
        ((200, b"<html>"), "expected a transcription server"),
        ((200, b"[]"), "expected a JSON object"),
        ((200, b'{"text": "ask not"}'), "expected verbose_json with words"),
        ((200, b'{"words": [{"word": "a"}]}'), "expected verbose_json with words"),
        ((200, b'{"words": [{"word": 7, "start": 0, "end": 1}]}'), "expected verbose_json"),
        ((200, b'{"words": [{"word": "a", "start": NaN, "end": 1}]}'), "expected verbose_json"),
        ((200, b'{"words": null, "text": "ask not"}'), "expected verbose_json with words"),
        ((200, b"\xff\xfe"), "expected a transcription server"),
        ((302, b""), r"refused \(302\)"),
        ((None, b"garbage\r\n\r\n"), "expected a transcription server, BadStatusLine"),
        ((None, b""), "expected a transcription server"),
    ],
)
def test_a_server_that_answers_something_else_is_an_error_that_says_so(
    server, answer, message, monkeypatch
):
    """Or not at all in time."""
    monkeypatch.setattr(openai_server, "_SECONDS", 0.2)
    server.answer = answer
    with pytest.raises(ModelError, match=message):
        ServerTranscriber(server.address).transcribe(SOUND)


def test_a_server_that_is_not_there():
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:9: expected a transcription"):
        ServerTranscriber("http://127.0.0.1:9").transcribe(SOUND)
    with pytest.raises(UsageError, match="expected http://HOST:PORT#MODEL"):
        ServerTranscriber("localhost")


def test_silence_has_no_words(server):
    server.answer = (200, b'{"text": "", "words": []}')
    assert ServerTranscriber(server.address).transcribe(SOUND).words == ()


@pytest.fixture(scope="module")
def random_whisper(tmp_path_factory):
    """A Whisper of random weights with the bundled tokenizer, saved as transformers saves one."""
    transformers = pytest.importorskip("transformers")
    from sensorium.models.installing import installed

    folder = tmp_path_factory.mktemp("random-whisper")
    tokenizer = transformers.WhisperTokenizerFast(
        tokenizer_file=str(installed("whisper-tiny.en") / "tokenizer.json")
    )
    config = transformers.WhisperConfig(
        vocab_size=51864, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_target_positions=64,
        eos_token_id=50256, pad_token_id=50256, bos_token_id=50256, decoder_start_token_id=50257,
    )  # fmt: skip
    pytest.importorskip("torch").manual_seed(0)  # some random weights say nothing
    transformers.WhisperForConditionalGeneration(config).save_pretrained(folder)
    extractor = transformers.WhisperFeatureExtractor()
    transformers.WhisperProcessor(extractor, tokenizer).save_pretrained(folder)
    transformers.GenerationConfig(
        decoder_start_token_id=50257, eos_token_id=50256, pad_token_id=50256, max_length=24,
        no_timestamps_token_id=50362, is_multilingual=False,
    ).save_pretrained(folder)  # fmt: skip
    return folder


@pytest.mark.model
def test_transformers_whisper_loads_from_a_folder_and_times_lie_in_the_sound(random_whisper):
    transcriber = load_model("transcriber", f"transformers:{random_whisper}", 1)
    told = transcriber.transcribe(SOUND)
    assert told.words
    assert all(5.0 <= w.span.start <= w.span.end <= 7.0 + 1e-6 for w in told.words)
    assert told == transcriber.transcribe(SOUND)
    assert isinstance(transcriber.transcribe(SOUND, "my fellow").words, tuple)


@pytest.mark.model
def test_a_folder_without_weights_is_an_error_that_names_it(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(ModelError, match="expected a local folder or a hub name of a Whisper"):
        load_model("transcriber", f"transformers:{tmp_path}", 1).transcribe(SOUND)
