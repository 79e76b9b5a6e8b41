"""What was said: voice activity, then words, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import Record
from sensorium.core.speech import Word
from sensorium.core.time import Axis, Span
from sensorium.ops.sound.window import cut
from sensorium.ops.speech.agree import plausible
from sensorium.ops.speech.turns import Hysteresis, active_spans, kept_to_speech, pieces, utterances
from sensorium.ports import Earlier, Reader, Report, SpeechDetector, Transcriber

_RATE = 16_000


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """`longest`: seconds of a piece that is handed to the recogniser, at most 30 with its padding."""

    activity: Hysteresis = field(default_factory=lambda: Hysteresis(0.5, 0.35, 0.3, 0.2, 0.2))
    longest: float = 28.0


class Speech:
    """Records of kinds speech, transcript and word.

    Two walks over the sound: the first finds speech (32 ms rows, a megabyte for two hours), the
    second hears only the pieces with speech in them. Silence never reaches the recogniser.
    """

    name = "speech"
    needs: tuple[str, ...] = ()

    def __init__(
        self,
        reader: Reader,
        detector: SpeechDetector,
        transcriber: Transcriber,
        options: SpeechOptions | None = None,
    ) -> None:
        self._reader = reader
        self._detector = detector
        self._transcriber = transcriber
        self._options = options or SpeechOptions()

    def recipe(self) -> Mapping[str, Any]:
        """Models and parameters."""
        models = [self._detector.provenance.plain(), self._transcriber.provenance.plain()]
        return {"name": self.name, "version": 2, "models": models, "params": asdict(self._options)}

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
        planned = pieces(spans, values, axis, self._options.longest)
        for piece in cut(self._reader.audio(ref, _RATE), planned):
            heard = self._transcriber.transcribe(piece)
            words = kept_to_speech(plausible(heard.words), spans)
            yield from self._records(words, heard.language, end)
            report(piece.end)

    def _records(self, words: Sequence[Word], language: str, end: float) -> Iterator[Record]:
        made_by = self._transcriber.provenance
        for group in utterances(words):
            scores = [word.score for word in group if word.score is not None]
            text = " ".join(word.text for word in group)
            mean = float(np.mean(scores)) if scores else None
            span = _whole(Span(group[0].span.start, max(w.span.end for w in group)), end)
            told = {"language": language, "channel": None}
            yield Record("transcript", span, {"text": text, "score": mean, **told}, made_by)
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
