"""Words from a stream: voice activity opens and closes utterances, LocalAgreement settles words."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from sensorium.core.media import Audio
from sensorium.core.speech import Word
from sensorium.core.time import Span
from sensorium.ops.agree import agreed, continued, plausible
from sensorium.ops.turns import kept_to_speech
from sensorium.ports import SpeechDetector, Transcriber

_SENTENCE_END = (".", "?", "!", "…", "。", "？", "！")
_PROMPT = 200  # characters of committed text that the recogniser is given
_MOST = 28.0  # seconds that a recogniser is given at once
_EDGE = 0.1  # seconds by which word times may miss a cut or the end of the voice
_LEAST = 0.15  # seconds of voice that may hold a word
_ROW = 512  # samples: every chunk goes to the detector in whole rows of its own


@dataclass(frozen=True, slots=True)
class LiveWordsOptions:
    """How words settle; seconds throughout.

    `agree`: hypotheses that must share a word; `interval`: new sound between two of them; `longest`:
    how much open sound is kept before it is cut at a committed word; `onset` and `offset`: speech
    probability at which an utterance opens and below which it may close, after `pause`; `pad`:
    sound kept around an utterance.
    """

    agree: int = 2
    interval: float = 1.0
    longest: float = 14.0
    onset: float = 0.5
    offset: float = 0.35
    pause: float = 0.6
    pad: float = 0.3


class Gate:
    """Where somebody speaks, chunk by chunk: opens utterances and closes them after a pause."""

    def __init__(self, detector: SpeechDetector, options: LiveWordsOptions) -> None:
        self._options = options
        self._fed: deque[Audio] = deque()
        self._rows = detector.probabilities(self._chunks())
        self.opened: float | None = None  # where the open utterance began
        self.voiced = 0.0  # end of the last row with speech

    def _chunks(self) -> Iterator[Audio]:
        while True:  # the detector asks once per chunk of whole rows, never more
            yield self._fed.popleft()

    def step(self, rows: Audio) -> list[tuple[str, float]]:
        """("open" | "close", time) in order, for a chunk of whole rows."""
        self._fed.append(rows)
        found = next(self._rows)
        events: list[tuple[str, float]] = []
        for index, probability in enumerate(found.values[:, 0]):
            span = found.axes[0].span(index)
            if probability >= (
                self._options.onset if self.opened is None else self._options.offset
            ):
                self.voiced = span.end
                if self.opened is None:
                    self.opened = span.start
                    events.append(("open", span.start))
            elif self.opened is not None and span.end - self.voiced >= self._options.pause:
                self.opened = None
                events.append(("close", self.voiced))
        return events


class LiveWords:
    """Mono 16 kHz chunks in; words that will not change any more out.

    Holds at most 28 s of sound. A pause settles everything said before it; silence never reaches
    the recogniser.
    """

    def __init__(
        self,
        detector: SpeechDetector,
        transcriber: Transcriber,
        options: LiveWordsOptions | None = None,
    ) -> None:
        self._transcriber = transcriber
        self._options = options or LiveWordsOptions()
        self._gate = Gate(detector, self._options)
        self._rest: Audio | None = None  # less than a row
        self._open: Audio | None = None  # sound that is not settled
        self._heard = 0.0  # end of the last hypothesis
        self._earlier: list[list[Word]] = []  # hypotheses to agree with
        self._committed: list[Word] = []

    @property
    def tentative(self) -> tuple[Word, ...]:
        """The words after the settled ones as they were last understood."""
        return tuple(self._earlier[-1]) if self._earlier else ()

    def step(self, chunk: Audio) -> list[Word]:
        """Words that settled with this chunk, of any length."""
        heard = chunk if self._rest is None else self._rest.followed_by(chunk)
        whole = heard.samples.shape[1] // _ROW * _ROW
        cut = heard.start + whole / heard.sample_rate
        self._rest = heard.between(cut, heard.end)
        settled: list[Word] = []
        if whole:
            settled += self._rows(heard.between(heard.start, cut))
        return settled

    def finish(self) -> list[Word]:
        """What was still open; nothing is lost."""
        if self._rest is not None and self._rest.samples.shape[1] and self._open is not None:
            self._open = self._open.followed_by(self._rest)
        self._rest = None
        settled = self._settle(None) if self._gate.opened is not None else []
        self._open = None
        return settled

    def _rows(self, rows: Audio) -> list[Word]:
        """Goes through whole rows, utterance by utterance."""
        self._open = rows if self._open is None else self._open.followed_by(rows)
        settled: list[Word] = []
        for what, at in self._gate.step(rows):
            if what == "open":
                self._open = self._open.between(
                    max(at - self._options.pad, self._after()), rows.end
                )
                self._heard = self._open.start
            else:
                settled += self._settle(at)
        if self._gate.opened is None:
            self._open = self._open.between(rows.end - self._options.pad - 0.1, rows.end)
        elif self._open.end - self._heard >= self._options.interval:
            settled += self._update()
        return settled

    def _after(self) -> float:
        return self._committed[-1].span.end if self._committed else 0.0

    def _update(self) -> list[Word]:
        """One more hypothesis; what enough of them share is settled."""
        if self._open is None:
            return []
        self._heard = self._open.end
        words = self._understood(self._open, self._gate.voiced)
        self._earlier = [*self._earlier[-(self._options.agree - 1) :], words]
        num = agreed(self._earlier) if len(self._earlier) >= self._options.agree else 0
        settled = self._commit(words[:num])
        self._earlier = [each[num:] for each in self._earlier]
        if self._open.duration > self._options.longest:
            settled += self._trimmed()
        return settled

    def _settle(self, end: float | None) -> list[Word]:
        """The utterance is over: its last hypothesis stands."""
        if self._open is None:
            return []
        stop = self._open.end if end is None else min(end + self._options.pad, self._open.end)
        utterance = self._open.between(self._open.start, stop)
        self._earlier = []
        voiced = self._gate.voiced if end is None else end
        words = self._understood(utterance, voiced) if utterance.duration > 0.05 else []
        settled = self._commit(words)
        self._open = self._open.between(stop, self._open.end)
        return settled

    def _understood(self, audio: Audio, voiced: float) -> list[Word]:
        """A hypothesis for the open sound, without what is committed; no word outlasts the voice.

        The prompt is the text before the sound: a recogniser that is told what it is about to hear
        invents something else.
        """
        inside = [word for word in self._committed if word.span.end > audio.start + _EDGE]
        before = self._committed[: len(self._committed) - len(inside)]
        if voiced - max([audio.start, *(word.span.end for word in inside)]) < _LEAST:
            return []  # nothing was said since
        prompt = " ".join(word.text for word in before)[-_PROMPT:]
        sound = audio if audio.duration <= _MOST else audio.between(audio.end - _MOST, audio.end)
        words = self._transcriber.transcribe(sound, prompt).words
        spoken = Span(audio.start, max(voiced, audio.start))
        heard = [word for word in plausible(words) if word.span.start < spoken.end + _EDGE]
        return kept_to_speech(continued(heard, inside, before), [spoken])

    def _commit(self, words: list[Word]) -> list[Word]:
        self._committed = [*self._committed, *words][-60:]
        return words

    def _trimmed(self) -> list[Word]:
        """Cuts the open sound at the end of a committed sentence, else of a committed word.

        Where nothing could be committed for too long, the last hypothesis is taken as it is.
        """
        if self._open is None:
            return []
        inside = [word for word in self._committed if word.span.end > self._open.start]
        ends = [word.span.end for word in inside if word.text.endswith(_SENTENCE_END)]
        ends = ends or [word.span.end for word in inside]
        settled: list[Word] = []
        if ends:
            cut = ends[-1]
        elif self._open.duration > 2 * self._options.longest - 1:
            settled, cut = self._commit(self._earlier[-1]), self._open.end
            self._earlier = []
        else:
            return []
        self._open = self._open.between(cut, self._open.end)
        return settled
