"""Words that nobody said: how a recogniser that invents gives itself away."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from sensorium.core.speech import Word
from sensorium.ops.speech.agree import key

_LONGEST = 12  # words of a phrase that is looked for


@dataclass(frozen=True, slots=True)
class Trust:
    """What is believed. Log probabilities are means per token, natural logarithm.

    `least`: the log probability that is believed where the model hears a voice for certain; `doubt`:
    how much more is asked for where it may be that nobody spoke, times the probability of that;
    `no_speech`: that probability from which a text that goes round is noise; `repeats`: how often a
    phrase may follow itself; `squeeze`: how many times smaller a text may get when packed (Radford et
    al. 2022 take 2.4).

    Measured with Whisper base, as (log probability, nobody spoke): eight pieces of music (-0.6, 0.61) to
    (-1.1, 0.22), silence (-0.85, 0.76), noise and hum -1.4 and less with 0.6 and more; read speech -0.1
    to -0.4 with 0.1, a poem that is translated (-1.2, 0.01), far-field speech (-0.8, 0.33).
    """

    least: float = -1.5
    doubt: float = 2.0
    no_speech: float = 0.6
    repeats: int = 3
    squeeze: float = 2.4


def believed(trust: Trust, log_probability: float, no_speech: float) -> bool:
    """Whether a stretch was heard rather than invented.

    >>> believed(Trust(), -0.3, 0.1), believed(Trust(), -0.6, 0.6), believed(Trust(), -1.9, 0.0)
    (True, False, False)
    """
    return log_probability >= trust.least + trust.doubt * no_speech


def squeezed(text: str) -> float:
    """How many times smaller a text gets when packed; letters count alike in every script.

    >>> squeezed("it was " * 30) > 2.4 > squeezed("ask what you can do for your country")
    True
    """
    letters = {letter: number % 256 for number, letter in enumerate(dict.fromkeys(text))}
    data = bytes(letters[letter] for letter in text)
    return len(data) / len(zlib.compress(data)) if data else 0.0


def unrepeated(words: Sequence[Word], most: int = 3) -> list[Word]:
    """Without phrases that follow themselves more than `most` times: one of each is kept.

    A recogniser that has lost the thread says the same until its room is full. People repeat
    themselves too ("no, no, no"), but not without end.
    """
    keys = [key(word) for word in words]
    kept: list[Word] = []
    place = 0
    while place < len(words):
        length, times = _loop(keys, place)
        if times > most:
            kept.extend(words[place : place + length])
            place += length * times
            place += _begun(keys, place, length)
        else:
            kept.append(words[place])
            place += 1
    return kept


def _loop(keys: Sequence[str], place: int) -> tuple[int, int]:
    """(words, times) of the phrase at `place` that covers most by following itself."""
    best = (1, 1)
    for length in range(1, min(_LONGEST, (len(keys) - place) // 2) + 1):
        phrase, times = keys[place : place + length], 1
        while keys[place + times * length : place + (times + 1) * length] == phrase:
            times += 1
        if times > 1 and length * times > best[0] * best[1]:
            best = (length, times)
    return best


def _begun(keys: Sequence[str], place: int, length: int) -> int:
    """Words after a loop that begin its phrase once more: the model's room ended in the middle."""
    same = 0
    while (
        same < length
        and place + same < len(keys)
        and keys[place + same] == keys[place - length + same]
    ):
        same += 1
    return same if place + same == len(keys) else 0
