"""Which language is spoken where in a file, before anything is understood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from numpy.typing import NDArray

from sensorium.core.media import Audio
from sensorium.core.time import Axis, Span
from sensorium.ops.sound.window import cut
from sensorium.ops.speech.switching import Switching, Told, settled, together
from sensorium.ops.speech.turns import joined, pieces
from sensorium.ports import LanguageDetector

_NEXT_TO_NONE = 1e-4  # the rest of a hundred languages, for ten hours of windows, would fill memory


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech of one language: `language` is empty and `score` None where nobody asked for it."""

    spans: tuple[Span, ...]
    language: str = ""
    score: float | None = None

    @property
    def seconds(self) -> float:
        """Of speech."""
        return sum(span.duration for span in self.spans)


class Spoken:
    """Asks for the language of every ten seconds with speech, and smooths the answers."""

    def __init__(self, detector: LanguageDetector, rule: Switching) -> None:
        self._detector = detector
        self._rule = rule

    def stretches(
        self, sound: Iterable[Audio], spans: Sequence[Span], values: NDArray, axis: Axis
    ) -> list[Stretch]:
        """The speech of a file in order of time, parted where the language changes.

        `sound`: mono 16 kHz chunks; `spans`: where somebody speaks; `values` (time,) on `axis`: how
        surely. Each window is cut where it is quiet.
        """
        windows = pieces(spans, values, axis, self._rule.window)
        told: list[Told] = []
        for piece in cut(sound, windows):
            likely = self._detector.languages(piece)
            told.append({name: chance for name, chance in likely if chance > _NEXT_TO_NONE})
        inside = [_inside(spans, window) for window in windows[: len(told)]]
        seconds = [sum(span.duration for span in each) for each in inside]
        names = settled(told, seconds, self._rule)
        groups = groupby(range(len(names)), key=lambda index: names[index])
        return [_stretch(name, list(of), told, inside, seconds) for name, of in groups]

    def doubt(self, found: Sequence[Stretch]) -> str:
        """What to tell people about a file whose language is uncertain; empty where it is not."""
        total = sum(each.seconds for each in found)
        if not total:
            return ""
        score = sum(each.seconds * (each.score or 0.0) for each in found) / total
        if score >= self._rule.certain:
            return ""
        names = ", ".join(
            dict.fromkeys(f"{each.language} ({each.score or 0.0:.2f})" for each in found)
        )
        return (
            f"the language is uncertain: taken for {names}; if that is wrong, say which it is "
            "(--language)"
        )


def _stretch(
    name: str,
    indices: Sequence[int],
    told: Sequence[Told],
    inside: Sequence[list[Span]],
    seconds: Sequence[float],
) -> Stretch:
    spans = joined([span for index in indices for span in inside[index]], 1e-6)
    both = together([told[index] for index in indices], [seconds[index] for index in indices])
    return Stretch(tuple(spans), name, round(both[name], 4))


def _inside(spans: Sequence[Span], window: Span) -> list[Span]:
    """The parts of `spans` in the window."""
    shared = [
        (max(span.start, window.start), min(span.end, window.end))
        for span in spans
        if span.overlap(window) > 0
    ]
    return [Span(start, end) for start, end in shared]
