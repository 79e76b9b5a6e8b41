"""Words from a stream: voice activity opens and closes utterances, LocalAgreement settles words."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from sensorium.core.errors import UsageError
from sensorium.core.media import Audio
from sensorium.core.speech import Transcript, Word
from sensorium.core.time import Span
from sensorium.ops.speech.agree import agreed, continued, plausible
from sensorium.ops.speech.languages import SENTENCE_END
from sensorium.ops.speech.turns import kept_to_speech
from sensorium.pipelines.live.live_tongue import LiveTongue
from sensorium.ports import SpeechDetector, Transcriber

_PROMPT = 200  # characters of committed text that the recogniser is given
_MOST = 28.0  # seconds of open sound: a recogniser takes 30
_AT_ONCE = 10.0  # seconds that come in between two hypotheses where more arrives
_REMEMBERED = 200  # committed words: more than are said in the open sound
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

    def __post_init__(self) -> None:
        if self.agree < 1 or not 0 < self.interval <= _AT_ONCE or self.longest > _MOST:
            raise UsageError(
                f"live words: expected agree of 1 or more, interval of 0 to {_AT_ONCE:g} s and longest "
                f"up to {_MOST:g} s; got {self.agree}, {self.interval:g}, {self.longest:g}"
            )


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

    `language`: BCP-47 tag of what is spoken; where it is empty, `tongue` tells it, if there is one.

    Holds at most 29 s of sound, whatever is said and however it arrives. A pause settles everything
    said before it; silence never reaches the recogniser.
    """

    def __init__(
        self,
        detector: SpeechDetector,
        transcriber: Transcriber,
        options: LiveWordsOptions | None = None,
        language: str = "",
        tongue: LiveTongue | None = None,
    ) -> None:
        self._transcriber = transcriber
        self._options = options or LiveWordsOptions()
        self._language = language
        self._tongue = None if language else tongue
        self._since = 0.0  # when the stream came to be in this language
        self._gate = Gate(detector, self._options)
        self._rest: Audio | None = None  # less than a row
        self._open: Audio | None = None  # sound that is not settled
        self._heard = 0.0  # end of the last hypothesis
        self._earlier: list[list[Word]] = []  # hypotheses to agree with
        self._committed: list[Word] = []
        self._out: list[Word] = []  # settled, and not given out yet

    @property
    def tentative(self) -> tuple[Word, ...]:
        """The words after the settled ones as they were last understood."""
        return tuple(self._earlier[-1]) if self._earlier else ()

    def step(self, chunk: Audio) -> list[Word]:
        """Words that settled with this chunk, of any length."""
        heard = chunk if self._rest is None else self._rest.followed_by(chunk)
        num = heard.samples.shape[1] // _ROW * _ROW
        first = 0
        while first < num:
            last = min(first + self._room(heard.sample_rate), num)
            self._rows(_part(heard, first, last))
            first = last
        self._rest = _part(heard, num, heard.samples.shape[1])
        return self._given()

    def finish(self) -> list[Word]:
        """What was still open; nothing is lost."""
        if self._rest is not None and self._rest.samples.shape[1] and self._open is not None:
            self._open = self._open.followed_by(self._rest)
        self._rest = None
        if self._gate.opened is not None:
            self._settle(None)
        self._open = None
        return self._given()

    def abandon(self) -> list[Word]:
        """What is known without asking the recogniser again: for when it failed."""
        self._commit(list(self.tentative))
        self._earlier, self._open, self._rest = [], None, None
        return self._given()

    def _given(self) -> list[Word]:
        out, self._out = self._out, []
        return out

    def _room(self, sample_rate: int) -> int:
        """Samples that may come in before the recogniser is asked again; whole rows."""
        held = 0.0 if self._open is None else self._open.duration
        seconds = min(_AT_ONCE, _MOST - held)
        return max(int(seconds * sample_rate) // _ROW, 1) * _ROW

    def _rows(self, rows: Audio) -> None:
        """Goes through whole rows, utterance by utterance."""
        self._open = rows if self._open is None else self._open.followed_by(rows)
        for what, at in self._gate.step(rows):
            if what == "open":
                start = max(at - self._options.pad, self._after())
                self._open = self._open.between(start, rows.end)
                self._heard = self._open.start
            else:
                self._settle(at)
        if self._gate.opened is None:
            self._open = self._open.between(rows.end - self._options.pad - 0.1, rows.end)
        elif self._open.end - self._heard >= self._options.interval:
            self._update()

    def _after(self) -> float:
        return self._committed[-1].span.end if self._committed else 0.0

    def _update(self) -> None:
        """One more hypothesis; what enough of them share is settled."""
        if self._open is None:
            return
        self._heard = self._open.end
        words = self._understood(self._open, self._gate.voiced, over=False)
        self._earlier = [*self._earlier, words][-self._options.agree :]
        num = agreed(self._earlier) if len(self._earlier) == self._options.agree else 0
        self._commit(words[:num])
        self._earlier = [each[num:] for each in self._earlier]
        if self._open.duration > self._options.longest:
            self._open = self._trimmed(self._open)

    def _settle(self, end: float | None) -> None:
        """The utterance is over: its last hypothesis stands."""
        if self._open is None:
            return
        stop = self._open.end if end is None else min(end + self._options.pad, self._open.end)
        utterance = self._open.between(self._open.start, stop)
        voiced = self._gate.voiced if end is None else end
        words = self._understood(utterance, voiced, over=True) if utterance.duration > 0.05 else []
        self._earlier = []
        self._commit(words)
        self._open = self._open.between(stop, self._open.end)

    def _understood(self, audio: Audio, voiced: float, over: bool) -> list[Word]:
        """A hypothesis for the open sound, without what is committed; no word outlasts the voice.

        The prompt is the text before the sound: a recogniser that is told what it is about to hear
        invents something else.
        """
        inside = [word for word in self._committed if word.span.end > audio.start + _EDGE]
        before = self._committed[: len(self._committed) - len(inside)]
        if voiced - max([audio.start, *(word.span.end for word in inside)]) < _LEAST:
            return []  # nothing was said since
        if self._tongue is not None and not self._is_known(self._tongue, audio, over):
            return []
        prompt = " ".join(w.text for w in before if w.span.start >= self._since)[-_PROMPT:]
        words = self._transcribed(audio, prompt).words
        spoken = Span(audio.start, max(voiced, audio.start))
        heard = [word for word in plausible(words) if word.span.start < spoken.end + _EDGE]
        return kept_to_speech(continued(heard, inside, before), [spoken])

    def _is_known(self, tongue: LiveTongue, audio: Audio, over: bool) -> bool:
        """Whether it is known by now in which language to understand the open sound."""
        told = tongue.of(audio, over)
        if told != self._language:
            self._language, self._since, self._earlier = told, audio.start, []
        return bool(told)

    def _transcribed(self, audio: Audio, prompt: str) -> Transcript:
        """A transcriber that is asked for no language need not know of any."""
        if not self._language:
            return self._transcriber.transcribe(audio, prompt)
        return self._transcriber.transcribe(audio, prompt, language=self._language)

    def _commit(self, words: list[Word]) -> None:
        self._out += words
        self._committed = [*self._committed, *words][-_REMEMBERED:]

    def _trimmed(self, sound: Audio) -> Audio:
        """What stays open: the sound after a committed sentence, else after a committed word.

        Where that leaves too much, the last hypothesis is taken as it is, except for its last word:
        the sound may end in the middle of it.
        """
        inside = [word for word in self._committed if word.span.end > sound.start + _EDGE]
        ends = [word.span.end for word in inside if word.text.endswith(SENTENCE_END)]
        ends = ends or [word.span.end for word in inside]
        if ends:
            sound = sound.between(ends[-1], sound.end)
        if sound.duration + max(self._options.interval, 1.0) <= _MOST:
            return sound
        words, self._earlier = list(self.tentative), []
        if len(words) > 1 and words[-1].span.start > sound.end - _AT_ONCE:
            self._commit(words[:-1])
            return sound.between(words[-1].span.start, sound.end)
        self._commit(words)
        return sound.between(sound.end - (0.0 if words else 1.0), sound.end)


def _part(audio: Audio, first: int, last: int) -> Audio:
    """Samples [first, last)."""
    start = audio.start + first / audio.sample_rate
    return Audio(audio.samples[:, first:last], audio.sample_rate, start)
