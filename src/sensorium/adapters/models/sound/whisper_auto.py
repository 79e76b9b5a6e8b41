"""The bundled Whispers together: English by the English one, everything else by the multilingual one.

tiny.en makes fewer mistakes in English than the larger base, in less time; see docs/speech.md.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from sensorium.adapters.models.sound.whisper import MultilingualWhisper, WhisperTranscriber
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.speech import Transcript


class AutoTranscriber:
    """Chooses by the language. The multilingual weights are read when a language must be told, or other
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
