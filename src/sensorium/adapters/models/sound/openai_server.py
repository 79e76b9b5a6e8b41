"""Speech to text by a server with OpenAI's interface: a local one (vLLM, whisper.cpp, speaches) or theirs."""

from __future__ import annotations

import io
import json
import math
import os
import urllib.error
import urllib.request
import uuid
import wave
from functools import cached_property
from http.client import HTTPException
from typing import Any

import numpy as np

from sensorium.adapters.http import OPENER
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.speech import Transcript, Word
from sensorium.core.time import Span
from sensorium.ops.speech.languages import translated

_SECONDS = 60.0  # before a request counts as lost
_MOST = 10_000_000  # bytes of an answer; the words of 30 s take some thousand
_RATE = 16_000
_WINDOW = 30.0  # seconds that a recogniser takes at once


class ServerTranscriber:
    """Sends sound to ``<address>/v1/audio/transcriptions`` and reads words with times.

    `source` is the address, with the model's name after a #: ``"http://localhost:8000#small"``. A key is
    taken from the environment (OPENAI_API_KEY). The sound leaves the machine if the server is elsewhere.

    Raises:
        ModelError: the server cannot be reached, refuses, or answers something else.
    """

    def __init__(self, source: str, threads: int = 1) -> None:
        self._address, _, self._model = source.partition("#")
        if not self._address.startswith(("http://", "https://")):
            raise UsageError(f"server: expected http://HOST:PORT#MODEL, got {source!r}")

    @cached_property
    def provenance(self) -> Provenance:
        """The model's name; which weights stand behind it, the server does not say."""
        params = {"server": self._address}
        return Provenance(f"server:{self._model or 'whisper-1'}", "", params)

    def transcribe(
        self, audio: Audio, prompt: str = "", language: str = "", translate: bool = False
    ) -> Transcript:
        """The words of mono 16 kHz `audio` of at most 30 s, timed from the start of the source.

        A translation is asked of ``/v1/audio/translations``, which takes no language.
        """
        if audio.sample_rate != _RATE or audio.duration > _WINDOW + 1e-6:
            raise UsageError(f"transcribe: expected at most 30 s at 16000 Hz, got {audio!r}")
        if not audio.samples.shape[1]:
            return Transcript((), "und", 0)  # servers refuse a file without sound
        fields = {
            "model": self._model or "whisper-1",
            "response_format": "verbose_json",
            "timestamp_granularities[]": "word",
            "temperature": "0",
        }
        fields |= {"prompt": prompt} if prompt else {}
        fields |= {"language": language.split("-")[0]} if language and not translate else {}
        told = self._asked("translations" if translate else "transcriptions", fields, _wav(audio))
        try:
            heard = [_word(each, audio) for each in told["words"] or () if each["word"].strip()]
            words = tuple(sorted(heard, key=lambda word: word.span))  # no server promises an order
            if not words and str(told.get("text") or "").strip():
                raise KeyError("words")
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ModelError(
                f"{self._address}: expected verbose_json with words and their times, got "
                f"{json.dumps(told)[:200]}; does this server support timestamp_granularities?"
            ) from None
        spoken = str(told.get("language") or language or "und")
        return Transcript(words, translated(spoken) if translate else spoken, len(words))

    def _asked(self, task: str, fields: dict[str, str], sound: bytes) -> dict[str, Any]:
        border = uuid.uuid4().hex
        parts = [
            f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        head = 'Content-Disposition: form-data; name="file"; filename="sound.wav"'
        parts.append(f"--{border}\r\n{head}\r\nContent-Type: audio/wav\r\n\r\n".encode() + sound)
        body = b"".join(parts) + f"\r\n--{border}--\r\n".encode()
        request = urllib.request.Request(
            f"{self._address.rstrip('/')}/v1/audio/{task}", data=body, method="POST"
        )
        request.add_header("Content-Type", f"multipart/form-data; boundary={border}")
        if key := os.environ.get("OPENAI_API_KEY"):
            request.add_header("Authorization", f"Bearer {key}")
        try:
            with OPENER.open(request, timeout=_SECONDS) as answer:
                told = json.loads(answer.read(_MOST))
        except urllib.error.HTTPError as error:
            text = error.read(200).decode(errors="replace")
            raise ModelError(
                f"{self._address}: the server refused ({error.code}): {text}"
            ) from None
        except (OSError, ValueError, HTTPException) as error:
            raise ModelError(
                f"{self._address}: expected a transcription server, {type(error).__name__}: {error}"
            ) from None
        if not isinstance(told, dict):
            raise ModelError(f"{self._address}: expected a JSON object, got {str(told)[:200]}")
        return told


def _word(told: dict[str, Any], audio: Audio) -> Word:
    start, end = float(told["start"]), float(told["end"])
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ValueError("a time that is no number")
    start = min(max(start, 0.0), audio.duration)
    end = min(max(end, start), audio.duration)
    return Word(told["word"].strip(), Span(audio.start + start, audio.start + end), None)


def _wav(audio: Audio) -> bytes:
    """16-bit WAV."""
    told = io.BytesIO()
    with wave.open(told, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.sample_rate)
        file.writeframes((np.clip(audio.mono(), -1, 1) * 32767).astype("<i2").tobytes())
    return told.getvalue()
