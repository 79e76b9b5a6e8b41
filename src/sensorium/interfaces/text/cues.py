"""Words to subtitles: two short lines, seven seconds, no word cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sensorium.ops.speech.languages import glue
from sensorium.ops.speech.utterance import PAUSE, SENTENCE_END, Row, called, other_voice

LINE = 42  # characters; what broadcasters and streaming services ask for
LINES = 2
SECONDS = 7.0


@dataclass(frozen=True, slots=True)
class SubtitleCue:
    """One subtitle: `start` and `end` in whole milliseconds, at most two lines.

    `speaker` is who says it, empty if unknown; `lines_with_name` has the speaker in front where
    it is another one than in the cue before.
    """

    start: int
    end: int
    speaker: str
    lines: tuple[str, ...]
    lines_with_name: tuple[str, ...]


def cues(words: Sequence[Row]) -> list[SubtitleCue]:
    """Cues in order of time from the words of one file, as `side_by_side` puts them.

    A cue ends where the speaker changes, after a pause, at the end of a sentence that fills a line's
    half, and before it holds more than two lines of 42 characters or seven seconds. A single
    word beyond these limits makes its own cue: it is never cut, its time is.
    """
    done: list[SubtitleCue] = []
    speaker_before = ""
    for part in sorted(_parts(words), key=lambda part: part[0]["start"]):
        done.append(_cue(part, speaker_before))
        speaker_before = done[-1].speaker or speaker_before
    return done


def _parts(words: Sequence[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    for word in (word for word in words if word["text"].strip()):
        if part and _ends(part, word):
            yield part
            part = []
        part.append(word)
    if part:
        yield part


def _ends(part: Sequence[Row], word: Row) -> bool:
    last, speaker = part[-1], called(part[0])
    if other_voice(part[0], word) or word["start"] - last["end"] > PAUSE:
        return True
    if word["end"] - part[0]["start"] > SECONDS:
        return True
    if last["text"].endswith(SENTENCE_END) and len(_joined(part)) >= LINE // 2:
        return True
    return len(_broken([*_named(speaker), *_texts([*part, word])], _glue(part))) > LINES


def _cue(part: Sequence[Row], speaker_before: str) -> SubtitleCue:
    start = round(part[0]["start"] * 1000)
    end = round(min(max(word["end"] for word in part), part[0]["start"] + SECONDS) * 1000)
    speaker, texts = " ".join((called(part[0]) or "").split()), _texts(part)
    named = _named(speaker) if speaker != speaker_before else []
    return SubtitleCue(
        start,
        max(end, start + 1),  # players drop a cue without length
        speaker,
        tuple(_broken(texts, _glue(part))),
        tuple(_broken([*named, *texts], _glue(part))),
    )


def _named(speaker: str | None) -> list[str]:
    return [f"{' '.join(speaker.split())}: "] if speaker else []


def _glue(part: Sequence[Row]) -> str:
    return glue(part[0]["language"])


def _texts(part: Sequence[Row]) -> list[str]:
    return [" ".join(word["text"].split()) for word in part]


def _joined(part: Sequence[Row]) -> str:
    return _glue(part).join(_texts(part))


def _broken(texts: Sequence[str], between: str) -> list[str]:
    """Lines of at most 42 characters, as few as can be; two lines are made alike in length."""
    lines = _filled(texts, between, LINE)
    if len(lines) != LINES:
        return lines
    narrower = LINE
    while narrower > 1 and len(better := _filled(texts, between, narrower - 1)) == LINES:
        lines, narrower = better, narrower - 1
        if max(map(len, lines)) > narrower:  # one long word: narrower lines only push others down
            break
    return lines


def _filled(texts: Sequence[str], between: str, width: int) -> list[str]:
    lines = [""]
    for text in texts:
        space = between if lines[-1] and not lines[-1].endswith(" ") else ""
        if lines[-1] and len(lines[-1]) + len(space) + len(text.rstrip()) > width:
            lines[-1] = lines[-1].rstrip()
            lines.append(text)
        else:
            lines[-1] += space + text
    return [line.rstrip() for line in lines]
