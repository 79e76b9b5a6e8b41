"""Which language a stream is in, told from what was heard so far."""

from __future__ import annotations

from collections import deque

from sensorium.core.media import Audio
from sensorium.ops.speech.switching import Switching, Told, settled
from sensorium.ports import LanguageDetector

_ENOUGH = 3.0  # seconds of an utterance that tell its language
_REMEMBERED = 8  # utterances


class LiveTongue:
    """The language of each utterance, given those before it.

    Asked once an utterance, when three seconds of it are there, or at its end. What has begun is taken
    for the language so far; at the very beginning nothing is, and the first words wait.
    """

    def __init__(self, detector: LanguageDetector, rule: Switching | None = None) -> None:
        self._detector = detector
        self._rule = rule or Switching()
        self._told: deque[tuple[Told, float]] = deque(maxlen=_REMEMBERED)
        self._language = ""
        self._asked = False  # about the utterance that is open

    def of(self, sound: Audio, over: bool) -> str:
        """BCP-47 tag for the open sound, empty where it is not known yet; `over`: the utterance ends."""
        if not self._asked and (sound.duration >= _ENOUGH or (over and not self._language)):
            last = sound.between(max(sound.start, sound.end - self._rule.window), sound.end)
            self._told.append((dict(self._detector.languages(last)), last.duration))
            told = [each for each, _ in self._told]
            self._language = settled(told, [s for _, s in self._told], self._rule)[-1]
            self._asked = True
        if over:
            self._asked = False
        return self._language
