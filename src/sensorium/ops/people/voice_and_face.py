"""Which voice and which face are one person, by how long they were seen to go together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from sensorium.core.people.identity import Sample, result_of
from sensorium.ops.people.known import Known


@dataclass(frozen=True, slots=True)
class JoinRule:
    """A voice and a face are one from `least` seconds on in which the mouth moved with the voice, if
    that is `share` of all such seconds of the voice, and of the face.
    """

    least: float = 1.5
    share: float = 0.75


def joins(known: Known, rule: JoinRule) -> Iterator[tuple[str, str, float]]:
    """(identity that stays, identity that joins it, seconds): the clearest pair first, then the clearest
    of what that leaves, and so on.

    The one with a voice stays. Nobody is joined against a person's word, nor where both go by
    different names or were seen in one picture.
    """
    pairs = _Pairs(known)
    waiting = [(-ms, heard, seen) for (heard, seen), ms in pairs.together.items()]
    heapify(waiting)
    while waiting:
        negative, heard, seen = heappop(waiting)
        ms = -negative
        if pairs.together.get((heard, seen)) != ms or heard == seen:
            continue  # one of the two was joined to somebody since
        clear = ms >= max(1000 * rule.least, rule.share * pairs.most(heard, seen))
        if clear and frozenset((heard, seen)) not in known.parted and pairs.may(heard, seen):
            yield heard, seen, ms / 1000
            for pair in pairs.join(heard, seen):
                heappush(waiting, (-pairs.together[pair], *pair))


class _Pairs:
    """How long voices and faces went together, by identity; whole milliseconds, whose sums are exact."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._members: dict[str, tuple[Sample, ...]] = {}  # of those that were joined
        self.together: dict[tuple[str, str], int] = defaultdict(int)
        self._of_voice: dict[str, int] = defaultdict(int)
        self._of_face: dict[str, int] = defaultdict(int)
        self._beside: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for (voice, face), seconds in known.links.items():
            heard, seen = known.of.get(voice), known.of.get(face)
            if heard is not None and seen is not None:
                self._count(heard, seen, round(1000 * seconds))

    def _count(self, heard: str, seen: str, ms: int) -> None:
        self.together[heard, seen] += ms
        self._of_voice[heard] += ms
        self._of_face[seen] += ms
        self._beside[heard].add((heard, seen))
        self._beside[seen].add((heard, seen))

    def most(self, heard: str, seen: str) -> int:
        """The longer of how long the voice was seen to come from any face, and the face to speak at all."""
        return max(self._of_voice[heard], self._of_face[seen])

    def may(self, heard: str, seen: str) -> bool:
        """Whether the two may be one: no two of them in one picture, no two names that people gave."""
        one, two = self._samples(heard), self._samples(seen)
        results = defaultdict(list)
        for sample in two:
            results[result_of(sample)].append(sample)
        if any(x.cannot_be(y) for x in one for y in results.get(result_of(x), ())):
            return False
        both = [self._known.identities[each] for each in (heard, seen)]
        return len({each.name for each in both if each.score == 1.0}) < 2

    def _samples(self, identity: str) -> tuple[Sample, ...]:
        return self._members.get(identity) or self._known.identities[identity].samples

    def join(self, into: str, gone: str) -> list[tuple[str, str]]:
        """Makes two identities one. Returns the pairs that this one is in now, each with its new length."""
        self._members[into] = (*self._samples(into), *self._samples(gone))
        touched = self._beside.pop(into) | self._beside.pop(gone)
        lengths = [(pair, self.together.pop(pair)) for pair in touched]
        for (heard, seen), ms in lengths:
            self._of_voice[heard] -= ms
            self._of_face[seen] -= ms
            for each in (heard, seen):
                self._beside[each].discard((heard, seen))
        for (heard, seen), ms in lengths:
            self._count(into if heard == gone else heard, into if seen == gone else seen, ms)
        return sorted(self._beside[into])


def by_link(
    of: Mapping[str, str | None], links: Mapping[tuple[str, str], float], voice: str, rule: JoinRule
) -> str | None:
    """The identity of the face that a voice, too short to be told by itself, came from.

    `of` says whose a face is, `links` how many seconds each voice of a file came from each face.
    """
    mine = {face: seconds for (heard, face), seconds in links.items() if heard == voice}
    face = max(mine, key=lambda each: mine[each], default="")
    clear = face and mine[face] >= max(rule.least, rule.share * sum(mine.values()))
    return of.get(face) if clear else None
