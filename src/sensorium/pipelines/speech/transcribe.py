"""What was said: voice activity, the language, then words, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.features import Features
from sensorium.core.media import Audio, MediaRef
from sensorium.core.record import Provenance, Record
from sensorium.core.speech import Transcript, Word
from sensorium.core.time import Axis, Span
from sensorium.ops.sound.window import cut
from sensorium.ops.speech.agree import plausible
from sensorium.ops.speech.languages import glue
from sensorium.ops.speech.switching import Switching
from sensorium.ops.speech.turns import Hysteresis, active_spans, kept_to_speech, pieces, utterances
from sensorium.pipelines.speech.spoken import Spoken, Stretch
from sensorium.ports import (
    Earlier,
    LanguageDetector,
    Reader,
    Report,
    SpeechDetector,
    Transcriber,
)

_RATE = 16_000


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """`longest`: seconds of a piece that is handed to the recogniser, at most 30 with its padding.

    `language`: BCP-47 tag of all that is spoken, empty where it must be told from the sound;
    `translate`: into English; `switching`: how the language may change inside a file.
    """

    activity: Hysteresis = field(default_factory=lambda: Hysteresis(0.5, 0.35, 0.3, 0.2, 0.2))
    longest: float = 28.0
    language: str = ""
    translate: bool = False
    switching: Switching = field(default_factory=Switching)


class Speech:
    """Records of kinds speech, transcript, word, and a warning where the language is uncertain.

    Two walks over the sound: the first finds speech (32 ms rows, a megabyte for two hours), the
    second hears only the pieces with speech in them. Silence never reaches the recogniser. With
    `languages`, and no language given, a walk between them tells what is spoken where.
    """

    name = "speech"
    needs: tuple[str, ...] = ()

    def __init__(
        self,
        reader: Reader,
        detector: SpeechDetector,
        transcriber: Transcriber,
        options: SpeechOptions | None = None,
        languages: LanguageDetector | None = None,
    ) -> None:
        self._reader = reader
        self._detector = detector
        self._transcriber = transcriber
        self._options = options or SpeechOptions()
        asked = languages is not None and not self._options.language
        self._spoken = Spoken(languages, self._options.switching) if asked and languages else None

    def recipe(self) -> Mapping[str, Any]:
        """Models and parameters."""
        models = [self._detector.provenance.plain(), self._transcriber.provenance.plain()]
        params = {**asdict(self._options), "identified": self._spoken is not None}
        return {"name": self.name, "version": 3, "models": models, "params": params}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has sound."""
        return ref.has_sound

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Speech first, then the words of each piece in order of time."""
        rows = list(self._detector.probabilities(self._reader.audio(ref, _RATE)))
        if not rows:
            return
        values = np.concatenate([each.values[:, 0] for each in rows])
        axis = rows[0].axes[0]
        end = ref.duration if ref.duration is not None else axis.span(len(values) - 1).end
        spans = active_spans(values, axis, self._options.activity, end)
        for span in spans:
            score = _mean(values, axis, span)
            told = {"score": score, "channel": None}
            yield Record("speech", span, told, self._detector.provenance)
        stretches = [Stretch(tuple(spans), self._options.language)]
        if self._spoken is not None and spans:
            sound = self._reader.audio(ref, _RATE)
            stretches = self._spoken.stretches(sound, spans, values, axis)
            if doubt := self._spoken.doubt(stretches):
                said = {"step": self.name, "message": f"{ref.uri}: {doubt}"}
                yield Record("warning", None, said, self._transcriber.provenance)
        for piece, of in self._pieces(ref, stretches, values, axis):
            heard = self._heard(piece, of)
            words = kept_to_speech(plausible(heard.words), spans)
            yield from self._records(words, heard, of.score, end)
            report(piece.end)

    def _pieces(
        self, ref: MediaRef, stretches: Sequence[Stretch], values: NDArray, axis: Axis
    ) -> Iterator[tuple[Audio, Stretch]]:
        """Sound to be understood, with the language of it."""
        planned = [
            (piece, of)
            for of in stretches
            for piece in pieces(of.spans, values, axis, self._options.longest)
        ]
        sound = cut(self._reader.audio(ref, _RATE), [piece for piece, _ in planned])
        yield from zip(sound, [of for _, of in planned], strict=False)  # the file may end early

    def _heard(self, piece: Audio, of: Stretch) -> Transcript:
        """A transcriber that is asked for nothing in particular need not know of languages."""
        if not of.language and not self._options.translate:
            return self._transcriber.transcribe(piece)
        return self._transcriber.transcribe(
            piece, language=of.language, translate=self._options.translate
        )

    def _records(
        self, words: Sequence[Word], heard: Transcript, score: float | None, end: float
    ) -> Iterator[Record]:
        made_by: Provenance = heard.made_by or self._transcriber.provenance
        sure = heard.language_score if score is None else score
        for group in utterances(words):
            scores = [word.score for word in group if word.score is not None]
            text = glue(heard.language).join(word.text for word in group)
            mean = float(np.mean(scores)) if scores else None
            span = _whole(Span(group[0].span.start, max(w.span.end for w in group)), end)
            told = {"language": heard.language, "channel": None}
            values = {"text": text, "score": mean, "language_score": sure, **told}
            yield Record("transcript", span, values, made_by)
            for word in group:
                values = {"text": word.text, "score": word.score, **told}
                yield Record("word", _whole(word.span, end), values, made_by)


def _whole(span: Span, end: float) -> Span:
    """To the millisecond: no recogniser is more exact, and texts stay readable.

    Nothing past `end`, which is not a whole millisecond: there the end itself is told.
    """
    return Span(min(round(span.start, 3), end), min(round(span.end, 3), end))


def _mean(values: np.ndarray, axis: Axis, span: Span) -> float:
    first = max(0, axis.index(span.start))
    return float(values[first : max(first + 1, axis.index(span.end))].mean())
