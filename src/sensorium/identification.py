"""Who is recognised: new voices of a library against the identities it knows, and voices of clips."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sensorium.core.config import Config
from sensorium.core.errors import UnsupportedMediaError, UsageError
from sensorium.core.identity import Calibration, Identity, Sample, comparable
from sensorium.core.record import Record
from sensorium.library.gallery import Gallery, voices
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.ops.identities import Known, MatchRule, match
from sensorium.recipes import build, models

SHORTEST = 1.0  # seconds of speech that an enrolment needs
_OTHER = 0.2  # share of a clip that a second voice may have before it counts as one


def identify(layout: Layout, uris: Sequence[str], rule: MatchRule | None = None) -> int:
    """Matches the new voices of some inputs, in their order, to the identities of the library.

    What was decided stays until a person decides otherwise; a voice that stayed unknown is tried
    again in the next run. The caller holds the library's lock. Returns how many were decided on.
    """
    gallery, rule = Gallery(layout), rule or MatchRule()
    entries = {entry["uri"]: entry for entry in Library(layout.root).inputs()}
    known, decided = gallery.known(), []
    files = list(dict.fromkeys(uris))
    for uri in [*files, *files]:  # again: a voice too short to found may be that of a later file
        new = [
            s for s in voices(layout, entries.get(uri, {"results": {}})) if s.key not in known.of
        ]
        found = matched(new, known, rule)
        known = _with(known, found)
        decided += [plain(sample, whose, score) for sample, whose, score in found]
    if decided:
        gallery.add("seen", samples=decided)
    return len(decided)


Found = list[tuple[Sample, str, float | None]]


def matched(samples: Sequence[Sample], known: Known, rule: MatchRule) -> Found:
    """The voices of one file that are somebody: an identity that is known, or a new one."""
    found: Found = []
    for model in dict.fromkeys(sample.model for sample in samples):
        calibration = calibration_of(model)
        mine = [sample for sample in samples if sample.model == model]
        if calibration is None:
            continue  # nothing says what a similarity of this model means
        matched = match(mine, known.all(), calibration, rule)
        for sample, (whose, score) in zip(mine, matched, strict=True):
            if whose is not None:
                found.append((sample, whose, score))
    return found


def calibration_of(model: str) -> Calibration | None:
    """What the registry knows of a speaker encoder, by the name its samples carry."""
    entry = models().get(("speaker_encoder", model.split()[0].partition(":")[0]))
    return entry.calibration if entry else None


def _with(known: Known, found: Found) -> Known:
    identities = dict(known.identities)
    for sample, whose, _ in found:
        before = identities.get(whose, Identity(whose, None, ()))
        identities[whose] = Identity(whose, before.name, (*before.samples, sample))
    of = {**known.of, **{sample.key: whose for sample, whose, _ in found}}
    return Known(identities, of, known.score)


def plain(sample: Sample, identity: str, score: float | None) -> dict[str, Any]:
    row = {name: getattr(sample, name) for name in ("key", "uri", "speaker", "model", "seconds")}
    values = [round(float(value), 6) for value in sample.embedding]
    return {**row, "identity": identity, "score": score, "embedding": values}


def heard(clip: str | os.PathLike[str], config: Config) -> Sample:
    """The one voice of a clip.

    Raises:
        UsageError: under a second of speech, or more than one voice.
        MediaError: it cannot be read, or has no sound.
    """
    built = build(replace(config, passes=("speakers",), speakers=(None, None)), threads=1)
    ref = built.reader.probe(os.path.abspath(os.fspath(clip)))
    if not ref.has_sound:
        raise UnsupportedMediaError(f"{clip}: expected a recording of a voice, it has no sound")
    found = built.passes[0].run(ref, {}, lambda done: None)
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
