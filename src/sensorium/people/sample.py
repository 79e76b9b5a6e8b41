"""Samples: the voices and faces that the files of a library hold, and the voice of a clip."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from sensorium.core.config import Config
from sensorium.core.errors import UnsupportedMediaError, UsageError
from sensorium.core.people.identity import Sample, comparable
from sensorium.core.record import Record
from sensorium.library.gallery import sample_key
from sensorium.library.together import Together
from sensorium.models.registry import load_model
from sensorium.ops.people.known import packed

SHORTEST = 1.0  # seconds of speech that an enrolment needs
_OTHER = 0.2  # share of a clip that a second voice may have before it counts as one
_NOW_AND_THEN = 0.3
Links = dict[tuple[str, str], float]  # (voice, face) -> seconds


def links(held: Together, entry: Mapping[str, Any]) -> Links:
    """Seconds in which each voice of an input was seen to come from each of its faces."""
    results = entry["results"]
    if not all(name in results for name in ("speakers", "faces", "who")):
        return {}
    found: Links = {}
    for row in held.rows(entry, "who", "link"):
        if row["person"] is not None:
            pair = (
                sample_key(results["speakers"], row["speaker"]),
                sample_key(results["faces"], row["person"]),
            )
            found[pair] = round(found.get(pair, 0.0) + row["end"] - row["start"], 3)
    total: dict[str, float] = {}
    for (voice, _), seconds in found.items():
        total[voice] = total.get(voice, 0.0) + seconds
    # a face that a voice has now and then only: the turn was another's
    return {pair: s for pair, s in found.items() if s >= _NOW_AND_THEN * total[pair[0]]}


def plain(sample: Sample, identity: str, score: float | None) -> dict[str, Any]:
    """A sample as the row of a decision."""
    names = ("key", "uri", "label", "model", "seconds", "kind")
    row = {name: getattr(sample, name) for name in names}
    more = {"identity": identity, "score": score, "apart": list(sample.apart)}
    return {**row, **more, "embedding": packed(sample.embedding)}


def heard(clip: str | os.PathLike[str], config: Config) -> Sample:
    """The one voice of a clip.

    Raises:
        UsageError: under a second of speech, or more than one voice.
        MediaError: it cannot be read, or has no sound.
    """
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.pipelines.speech.speakers import Speakers

    reader = MediaReader()
    ref = reader.probe(os.path.abspath(os.fspath(clip)))
    if not ref.has_sound:
        raise UnsupportedMediaError(f"{clip}: expected a recording of a voice, it has no sound")
    jobs = ("segmenter", "speaker_encoder", "speech_detector")
    ears, encoder, detector = (load_model(job, config.models()[job], 1) for job in jobs)
    found = Speakers(reader, ears, encoder, detector=detector).run(ref, {}, lambda done: None)
    spoken = [each for each in found if isinstance(each, Record) and each.kind == "voice"]
    spoken.sort(key=lambda each: -each.values["duration"])
    total = sum(r.values["duration"] for r in spoken)
    if total < SHORTEST:
        raise UsageError(f"{clip}: expected at least {SHORTEST:g} s of speech, found {total:.1f} s")
    others = [r for r in spoken[1:] if r.values["duration"] > max(_OTHER * total, SHORTEST)]
    if others:
        lengths = ", ".join(f"{r.values['duration']:.1f} s" for r in spoken)
        raise UsageError(
            f"{clip}: expected one voice, heard {len(others) + 1} ({lengths}); "
            "cut the clip to the person you mean"
        )
    values, made_by = spoken[0].values, spoken[0].provenance
    model = comparable(made_by.model, made_by.revision)
    key = f"enrolled/{ref.digest[:32]}/S1"
    return Sample(key, ref.uri, "S1", model, values["duration"], values["embedding"])
