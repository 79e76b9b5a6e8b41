"""What was heard in a file, and how OpenAI's interface tells it."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sensorium.core.media import MediaRef
from sensorium.core.record import Record
from sensorium.core.speech import Word
from sensorium.core.time import Span
from sensorium.interfaces.text.cues import cues
from sensorium.interfaces.text.formats import SUBTITLES
from sensorium.ops.speech.utterance import glue, side_by_side, utterances
from sensorium.ops.speech.words import speakers_by_channel
from sensorium.ports import Pass

FORMATS = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
Row = dict[str, Any]


@dataclass
class Heard:
    """What a file holds, growing as it is heard: transcripts, words, and who speaks one at a time."""

    seconds: float = 0.0
    transcripts: list[Row] = field(default_factory=list)
    words: list[Row] = field(default_factory=list)
    turns: list[tuple[Span, str, int | None]] = field(default_factory=list)

    @property
    def language(self) -> str:
        """That of the first words; ``und`` where nothing is said."""
        return self.words[0]["language"] if self.words else "und"

    @property
    def text(self) -> str:
        """Everything that was said."""
        return glue(self.language).join(each["text"] for each in self.transcripts)

    def take(self, record: Record) -> str:
        """Keeps a record of the passes over speech; gives the text that came with it, or nothing."""
        if record.kind == "exclusive_turn" and record.span is not None:
            self.turns.append((record.span, record.values["speaker"], record.values["channel"]))
        if record.kind not in ("transcript", "word") or record.span is None:
            return ""
        row = {**record.values, "start": record.span.start, "end": record.span.end}
        if record.kind == "word":
            self.words.append({**row, "speaker": None, "person": None, "name": None})
            return ""
        before = glue(row["language"]) if self.transcripts else ""
        self.transcripts.append(row)
        return before + row["text"]

    def give_speakers(self) -> None:
        """Every word gets its speaker, and what one says in one go stays together."""
        self.words.sort(key=lambda row: row["start"])
        told = [Word(row["text"], Span(row["start"], row["end"])) for row in self.words]
        turns = sorted(self.turns)
        who = speakers_by_channel(told, [row["channel"] for row in self.words], turns)
        for row, speaker in zip(self.words, who, strict=True):
            row["speaker"] = speaker
        self.words = side_by_side(self.words)


def hear(passes: Mapping[str, Pass], ref: MediaRef, heard: Heard) -> Iterator[str]:
    """Goes through a file; gives the text as it is understood, something (maybe nothing) at every step."""
    for name in ("speech", "speakers"):
        if name in passes:
            for record in passes[name].run(ref, {}, lambda seconds: None):
                yield heard.take(record) if isinstance(record, Record) else ""
    if "speakers" in passes:
        heard.give_speakers()


def told(heard: Heard, form: str, task: str, granularities: Sequence[str]) -> tuple[str, str]:
    """(body, media type) of an answer in one of `FORMATS`."""
    if form in ("srt", "vtt"):
        kind = "text/vtt" if form == "vtt" else "application/x-subrip"
        return SUBTITLES[form](cues(side_by_side(heard.words))), f"{kind}; charset=utf-8"
    if form == "text":
        return heard.text + "\n", "text/plain; charset=utf-8"
    usage = {"type": "duration", "seconds": math.ceil(heard.seconds)}
    answer: dict[str, Any] = {"text": heard.text, "usage": usage}
    if form != "json":
        answer |= {"task": task, "duration": round(heard.seconds, 3), "language": heard.language}
    if form == "diarized_json":
        answer["segments"] = diarized(heard)
    if form == "verbose_json" and "segment" in granularities:
        answer["segments"] = [_segment(i, row) for i, row in enumerate(heard.transcripts)]
    if form == "verbose_json" and "word" in granularities:
        answer["words"] = [
            {"word": row["text"], "start": row["start"], "end": row["end"]} for row in heard.words
        ]
    return json.dumps(answer, ensure_ascii=False), "application/json"


def diarized(heard: Heard) -> list[Row]:
    """What each speaker says in one go; who is not known is ``?``."""
    return [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{number}",
            "start": row["start"],
            "end": row["end"],
            "speaker": row["speaker"] or "?",
            "text": row["text"],
        }
        for number, row in enumerate(utterances(heard.words))
    ]


def _segment(number: int, row: Row) -> Row:
    """As Whisper tells one. What is not known of it: no tokens, and that speech was found at all."""
    score, data = row["score"], row["text"].encode()
    return {
        "id": number,
        "seek": round(row["start"] * 100),
        "start": row["start"],
        "end": row["end"],
        "text": row["text"],
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(max(score, 1e-6)), 4) if score is not None else 0.0,
        "compression_ratio": round(len(data) / len(zlib.compress(data)), 4) if data else 1.0,
        "no_speech_prob": 0.0,
    }
