"""Which voice and which face are one person, by how long they were seen to go together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from sensorium.core.people.identity import Identity
from sensorium.ops.people.known import Known


@dataclass(frozen=True, slots=True)
class JoinRule:
    """A voice and a face are one from `least` seconds on in which the mouth moved with the voice, if
    that is `share` of all such seconds of the voice, and of the face.
    """

    least: float = 1.5
    share: float = 0.75


def next_join(known: Known, rule: JoinRule) -> tuple[str, str, float] | None:
    """(identity that stays, identity that joins it, seconds): the clearest pair that is not joined yet.

    The one with a voice stays. Nobody is joined against a person's word, nor where both go by
    different names or were seen in one picture.
    """
    pairs: dict[tuple[str, str], float] = defaultdict(float)
    of_voice: dict[str, float] = defaultdict(float)
    of_face: dict[str, float] = defaultdict(float)
    for (voice, face), seconds in known.links.items():
        heard, seen = known.of.get(voice), known.of.get(face)
        if heard is not None and seen is not None:
            pairs[heard, seen] += seconds
            of_voice[heard] += seconds
            of_face[seen] += seconds
    for (heard, seen), seconds in sorted(pairs.items(), key=lambda each: (-each[1], each[0])):
        clear = seconds >= rule.least and seconds >= rule.share * max(
            of_voice[heard], of_face[seen]
        )
        a, b = known.identities[heard], known.identities[seen]
        if heard != seen and clear and frozenset((heard, seen)) not in known.parted and _may(a, b):
            return heard, seen, seconds
    return None


def joined(known: Known, into: str, identity: str) -> Known:
    """What is known after a join, without reading every decision again."""
    kept, gone = known.identities[into], known.identities[identity]
    whole = replace(kept, samples=(*kept.samples, *gone.samples))
    identities = {i: each for i, each in known.identities.items() if i != identity}
    of = {key: into if whose == identity else whose for key, whose in known.of.items()}
    return replace(known, identities={**identities, into: whole}, of=of)


def _may(a: Identity, b: Identity) -> bool:
    if any(x.cannot_be(y) for x in a.samples for y in b.samples):
        return False
    names = {each.name for each in (a, b) if each.score == 1.0}
    return len(names) < 2


def by_link(
    known: Known, links: dict[tuple[str, str], float], voice: str, rule: JoinRule
) -> str | None:
    """The identity of the face that a voice, too short to be told by itself, came from."""
    mine = {face: seconds for (heard, face), seconds in links.items() if heard == voice}
    face = max(mine, key=lambda each: mine[each], default="")
    clear = face and mine[face] >= max(rule.least, rule.share * sum(mine.values()))
    return known.of.get(face) if clear else None
