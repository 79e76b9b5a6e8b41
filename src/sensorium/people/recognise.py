"""Who is who in the files of a run: sample -> match -> claim -> decision, from which names follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sensorium.core.errors import SensoriumError
from sensorium.core.people.identity import Calibration, Sample
from sensorium.core.record import digest
from sensorium.library.gallery import Gallery, samples
from sensorium.library.layout import Layout
from sensorium.library.snapshot import keep
from sensorium.library.store.shelf import Shelf
from sensorium.library.together import Together, together
from sensorium.ops.people.everybody import Everybody
from sensorium.ops.people.known import Known
from sensorium.ops.people.person_names import Names
from sensorium.ops.people.voice_and_face import JoinRule, by_link
from sensorium.ops.people.wording.credits import with_credited
from sensorium.people.characters import as_seen, metrics, seen_by
from sensorium.people.claim import plain_claim, portraits, read_scene, sources
from sensorium.people.decision import join_clear, keep_claims, keep_links, keep_samples
from sensorium.people.match import Found, count_in, matched
from sensorium.people.name import in_play
from sensorium.people.sample import Links, links

_VERSION = 1  # to be raised when the sources of evidence, or how voices are matched, change


def recognise(layout: Layout, uris: Sequence[str]) -> list[str]:
    """Finds out who was heard and seen in some inputs, and what they are called.

    Inputs that were gone through before are left out, as long as neither their results nor the names in
    play are others now; one with a voice that stayed unknown is tried again once anything was decided.
    The caller holds the library's lock. Returns what failed: a source of evidence that raises stops no
    other.
    """
    gallery, shelf = Gallery(layout), Shelf(layout)
    with shelf.catalogue() as catalogue:
        before, _, names = catalogue.mark_of_all().partition(" ")
        decided = before != str(gallery.size())
        names = _names(gallery.known()) if decided else names
        left = catalogue.unmarked(names, decided)
        todo = [uri for uri in dict.fromkeys(uris) if uri in left]
        if not todo and not decided:
            return []
        identify(layout, todo)
        failed = gather(layout, todo)
        stamp, known = gallery.stamp(), gallery.known()
        keep(layout, known, stamp)
        marks = {} if failed else _open(layout, todo, known)
        catalogue.mark(marks, names, f"{gallery.size()} {_names(known)}")
    return failed


def _names(known: Known) -> str:
    """What decides, besides a file, what is claimed of it."""
    return digest([_VERSION, sorted(in_play(known)), known.cast, sorted(sources())])


def _open(layout: Layout, uris: Sequence[str], known: Known) -> dict[str, bool]:
    """Input -> whether somebody in it is still unknown."""
    return {
        entry["uri"]: any(each.key not in known.of for each in samples(layout, entry, held))
        for held in together(layout, _entries(layout, uris))
        for entry in held.entries
    }


def identify(layout: Layout, uris: Sequence[str]) -> int:
    """Matches the new voices and faces of some inputs, in their order, to the library's identities.

    What was decided stays until a person decides otherwise; a voice that stayed unknown is tried
    again in the next run. The caller holds the library's lock. Returns how many were decided on.
    """
    gallery = Gallery(layout)
    known = gallery.known()
    learned = metrics(layout)
    everybody = Everybody(seen_by(learned, known.identities), known.of)
    told: dict[str, Sample] = {}  # as they were before a title's metric looked at them
    went: Links = {}

    def files() -> Iterator[OfFile]:
        for held in together(layout, _entries(layout, uris)):
            for entry in held.entries:
                found = samples(layout, entry, held)
                new = [sample for sample in found if sample.key not in everybody.of]
                linked = links(held, entry)
                went.update(linked)
                told.update((s.key, s) for s in new if s.model in learned)
                yield [as_seen(learned, sample) for sample in new], linked

    meaning = {model: metric.calibration for model, metric in learned.items()}
    found = decided(everybody, files(), meaning)
    keep_samples(gallery, [(told.get(s.key, s), whose, score) for s, whose, score in found])
    keep_links(gallery, known, went)
    join_clear(gallery)
    return len(found)


OfFile = tuple[
    Sequence[Sample], Links
]  # voices and faces of a file, and which were seen to go together
_AHEAD = 512  # samples that are compared with everybody at once


def decided(
    everybody: Everybody, files: Iterable[OfFile], learned: Mapping[str, Calibration] | None = None
) -> Found:
    """Whose the samples of some files are, one file after the other; they are counted in.

    `learned` is as in `matched`. Those that nobody could tell are tried again at the end: a voice too
    short to found somebody may be that of a later file.
    """
    found: Found = []
    left: list[OfFile] = []
    for new, linked in _expected(everybody, files):
        found += _settled(everybody, new, linked, learned)
        if rest := [sample for sample in new if sample.key not in everybody.of]:
            left.append((rest, linked))
    for new, linked in _expected(everybody, left):
        found += _settled(everybody, new, linked, learned)
    return found


def _expected(everybody: Everybody, files: Iterable[OfFile]) -> Iterator[OfFile]:
    """The same files; the everybody is told in advance of whom it will be asked."""
    waiting: list[OfFile] = []
    num = 0
    for each in files:
        waiting.append(each)
        num += len(each[0])
        if num >= _AHEAD:
            everybody.expect([sample for new, _ in waiting for sample in new])
            yield from waiting
            waiting, num = [], 0
    everybody.expect([sample for new, _ in waiting for sample in new])
    yield from waiting


def _settled(
    everybody: Everybody,
    new: Sequence[Sample],
    linked: Links,
    learned: Mapping[str, Calibration] | None,
) -> Found:
    """Whose the samples of a file are, as far as can be told; they are counted in."""
    new = [
        sample for sample in new if sample.key not in everybody.of
    ]  # the same bytes may lie twice
    found = matched(new, everybody, learned=learned)
    count_in(everybody, found)
    by_face: Found = []
    for sample in new:
        if sample.key not in everybody.of:
            whose = by_link(everybody.of, linked, sample.key, JoinRule())
            by_face += [(sample, whose, None)] if whose else []
    count_in(everybody, by_face)
    return [*found, *by_face]


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
    for held in together(layout, _entries(layout, uris)):
        for entry in held.entries:
            for title, found in _evidence(held, entry, names, failed):
                if found or known.claimed.get((entry["digest"], title)):
                    claimed[entry["digest"], title] = found
    keep_claims(gallery, known, claimed)
    return failed


def _evidence(
    held: Together, entry: Mapping[str, Any], names: Names, failed: list[str]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(source, claims) of one input; a source that raises is told in `failed`."""
    if not entry["digest"]:
        return
    scene = read_scene(held, entry)
    names = with_credited(scene, names)
    for title, source in sources().items():
        try:
            yield title, [plain_claim(each, each.identity) for each in source(scene, names)]
        except Exception as error:  # a plug-in of somebody else's
            text = str(error) if isinstance(error, SensoriumError) else repr(error)
            failed.append(f"{entry['uri']}: evidence {title}: {text}")


def _entries(layout: Layout, uris: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """What the library knows of some inputs, each once, in their order."""
    with Shelf(layout).catalogue() as catalogue:
        for uri in dict.fromkeys(uris):
            yield from catalogue.entries_where("uri", uri)
