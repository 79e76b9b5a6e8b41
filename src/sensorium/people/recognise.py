"""Who is who in the files of a run: sample -> match -> claim -> decision, from which names follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensorium.core.errors import SensoriumError
from sensorium.library.gallery import Gallery, samples
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.ops.people.voice_and_face import JoinRule, by_link
from sensorium.people.claim import plain_claim, portraits, read_scene, sources
from sensorium.people.decision import join_clear, keep_claims, keep_links, keep_samples
from sensorium.people.match import Found, matched, with_samples
from sensorium.people.name import in_play
from sensorium.people.sample import links
from sensorium.people.title import metrics


def recognise(layout: Layout, uris: Sequence[str]) -> list[str]:
    """Finds out who was heard and seen in some inputs, and what they are called.

    The caller holds the library's lock. Returns what failed: a source of evidence that raises stops no
    other.
    """
    identify(layout, uris)
    return gather(layout, uris)


def identify(layout: Layout, uris: Sequence[str]) -> int:
    """Matches the new voices and faces of some inputs, in their order, to the library's identities.

    What was decided stays until a person decides otherwise; a voice that stayed unknown is tried
    again in the next run. The caller holds the library's lock. Returns how many were decided on.
    """
    gallery = Gallery(layout)
    known = gallery.known()
    decided: Found = []
    learned = metrics(layout)
    files = _entries(layout, uris)
    went = {key: value for entry in files for key, value in links(layout, entry).items()}
    for entry in [*files, *files]:  # again: a voice too short to found may be that of a later file
        new = [s for s in samples(layout, entry) if s.key not in known.of]
        found = matched(new, known, metrics=learned)
        known = with_samples(known, found)
        left = [s for s in new if s.key not in known.of]
        linked: Found = [
            (s, whose, None) for s in left if (whose := by_link(known, went, s.key, JoinRule()))
        ]
        known = with_samples(known, linked)
        decided += [*found, *linked]
    keep_samples(gallery, decided)
    keep_links(gallery, known, went)
    join_clear(gallery)
    return len(decided)


def gather(layout: Layout, uris: Sequence[str]) -> list[str]:
    """Collects the evidence of some inputs, and compares the library's faces with the cast's portraits.

    What was claimed before of the same file by the same source is replaced. The caller holds the
    library's lock. Returns what failed: a source that raises stops no other.
    """
    gallery = Gallery(layout)
    known = gallery.known()
    names = in_play(known)
    failed: list[str] = []
    claimed = {("cast", "cast"): portraits(known)}
    for entry in _entries(layout, uris):
        if not entry["digest"]:
            continue
        scene = read_scene(layout, entry)
        for title, source in sources().items():
            try:
                found = [plain_claim(each, each.identity) for each in source(scene, names)]
            except Exception as error:  # a plug-in of somebody else's
                text = str(error) if isinstance(error, SensoriumError) else repr(error)
                failed.append(f"{entry['uri']}: evidence {title}: {text}")
                continue
            claimed[entry["digest"], title] = found
    keep_claims(gallery, known, claimed)
    return failed


def _entries(layout: Layout, uris: Sequence[str]) -> list[Mapping[str, Any]]:
    """What the library knows of some inputs, each once, in their order."""
    entries = {entry["uri"]: entry for entry in Library(layout.root).inputs()}
    return [entries[uri] for uri in dict.fromkeys(uris) if uri in entries]
