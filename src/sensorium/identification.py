"""Who is recognised: new voices and faces of a library against the identities it knows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sensorium.adapters.stores.parquet import read_table
from sensorium.core.config import Config
from sensorium.core.errors import UnsupportedMediaError, UsageError
from sensorium.core.identity import Calibration, Identity, Kind, Sample, comparable
from sensorium.core.record import Record
from sensorium.library.gallery import Gallery, sample_key, samples
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.ops.identities import Known, MatchRule, match
from sensorium.ops.joins import JoinRule, by_link, joined, next_join
from sensorium.recipes import build, models

SHORTEST = 1.0  # seconds of speech that an enrolment needs
RULES: Mapping[Kind, MatchRule] = {
    "voice": MatchRule(),
    "face": MatchRule(least=0.97),
    "drawn": MatchRule(least=0.97),
}
_OTHER = 0.2  # share of a clip that a second voice may have before it counts as one
_NOW_AND_THEN = 0.3
_POSSIBLE = 0.05  # probability by its face below which a detector's word does not count
_LIKE = {"voice": "speaker_encoder", "face": "face_encoder", "drawn": "drawn_encoder"}
Links = dict[tuple[str, str], float]  # (voice, face) -> seconds


def identify(layout: Layout, uris: Sequence[str]) -> int:
    """Matches the new voices and faces of some inputs, in their order, to the library's identities.

    What was decided stays until a person decides otherwise; a voice that stayed unknown is tried
    again in the next run. The caller holds the library's lock. Returns how many were decided on.
    """
    gallery = Gallery(layout)
    entries = {entry["uri"]: entry for entry in Library(layout.root).inputs()}
    known, decided = gallery.known(), []
    files = [entries[uri] for uri in dict.fromkeys(uris) if uri in entries]
    links = {key: value for entry in files for key, value in _links(layout, entry).items()}
    for entry in [*files, *files]:  # again: a voice too short to found may be that of a later file
        new = [s for s in samples(layout, entry) if s.key not in known.of]
        found = matched(new, known)
        known = _with(known, found)
        left = [s for s in new if s.key not in known.of]
        linked: Found = [
            (s, whose, None) for s in left if (whose := by_link(known, links, s.key, JoinRule()))
        ]
        known = _with(known, linked)
        decided += [plain(sample, whose, score) for sample, whose, score in [*found, *linked]]
    if decided:
        gallery.add("seen", samples=decided)
    fresh = {pair: seconds for pair, seconds in links.items() if known.links.get(pair) != seconds}
    if fresh:
        rows = [{"voice": v, "face": f, "seconds": s} for (v, f), s in fresh.items()]
        gallery.add("linked", links=rows)
    _join(gallery)
    return len(decided)


def _links(layout: Layout, entry: Mapping[str, Any]) -> Links:
    """Seconds in which each voice of an input was seen to come from each of its faces."""
    results = entry["results"]
    if not all(name in results for name in ("speakers", "faces", "who")):
        return {}
    file = layout.root / results["who"] / "link.parquet"
    found: Links = {}
    for row in read_table("link", [file]).to_pylist() if file.exists() else ():
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


def _join(gallery: Gallery) -> None:
    """Joins the identities of voices and faces that go together, the clearest first."""
    known = gallery.known()
    while pair := next_join(known, JoinRule()):
        into, identity, seconds = pair
        gallery.add("joined", identity=identity, into=into, seconds=seconds)
        known = joined(known, into, identity)


Found = list[tuple[Sample, str, float | None]]


def matched(new: Sequence[Sample], known: Known, rule: MatchRule | None = None) -> Found:
    """The samples of one file that are somebody: an identity that is known, or a new one."""
    found: Found = []
    for kind, model in dict.fromkeys((sample.kind, sample.model) for sample in new):
        calibration = calibration_of(model, kind)
        mine = [sample for sample in new if (sample.kind, sample.model) == (kind, model)]
        if calibration is None:
            continue  # nothing says what a similarity of this model means
        taken: Found = [
            (s, *s.detected) for s in mine if s.detected and _agrees(s, known, calibration)
        ]
        found += taken
        mine = [s for s in mine if s not in [sample for sample, _, _ in taken]]
        whose = match(mine, _with(known, taken).all(), calibration, rule or RULES[kind])
        found += [(s, i, score) for s, (i, score) in zip(mine, whose, strict=True) if i is not None]
    return found


def _agrees(sample: Sample, known: Known, calibration: Calibration) -> bool:
    """Whether what a trained detector says of a face is possible: somebody known, and not another face."""
    who = known.identities.get(sample.detected[0]) if sample.detected else None
    if who is None or any(sample.cannot_be(other) for other in who.samples):
        return False
    center = who.centroid(sample.model)
    if center is None:
        return True
    similarity = float(sample.embedding @ center[0])
    return calibration.probability(similarity, (sample.seconds, center[1])) >= _POSSIBLE


def calibration_of(model: str, kind: Kind = "voice") -> Calibration | None:
    """What the registry knows of an encoder, by the name its samples carry."""
    entry = models().get((_LIKE[kind], model.split()[0].partition(":")[0]))
    return entry.calibration if entry else None


def _with(known: Known, found: Found) -> Known:
    identities = dict(known.identities)
    for sample, whose, _ in found:
        before = identities.get(whose, Identity(whose, None, ()))
        identities[whose] = replace(before, samples=(*before.samples, sample))
    of = {**known.of, **{sample.key: whose for sample, whose, _ in found}}
    return replace(known, identities=identities, of=of)


def plain(sample: Sample, identity: str, score: float | None) -> dict[str, Any]:
    """A sample as the row of a decision."""
    names = ("key", "uri", "label", "model", "seconds", "kind")
    row = {name: getattr(sample, name) for name in names}
    values = [round(float(value), 6) for value in sample.embedding]
    more = {"identity": identity, "score": score, "apart": list(sample.apart)}
    return {**row, **more, "embedding": values}


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
