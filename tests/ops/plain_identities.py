"""Who is who, as plainly as it can be said: the reference that the fast way is tested against.

Everybody is compared with everybody, one by one, and whatever changes is computed anew. It is slow, and
meant to be.
"""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from sensorium.core.people.identity import Identity
from sensorium.ops.assignment import assigned
from sensorium.ops.people.similarity import new_id


def match(samples, known, calibration, rule):
    """(identity, probability) of each sample of one kind of one file."""
    probability = np.zeros((len(samples), len(known)))
    for column, identity in enumerate(known):
        for row, sample in enumerate(samples):
            center = identity.centroid(sample.model)
            if center is not None and not any(sample.cannot_be(s) for s in identity.samples):
                probability[row, column] = calibration.probability(
                    float(sample.embedding @ center[0]), (sample.seconds, center[1])
                )
    rest = [(int(r), int(c)) for r, c in np.argwhere(probability >= rule.least)]
    rest.sort(key=lambda pair: -probability[pair])
    found, held = [(None, None)] * len(samples), defaultdict(list)
    for row, column in [*assigned(probability), *rest]:
        clash = any(samples[row].cannot_be(other) for other in held[column])
        if probability[row, column] >= rule.least and found[row][0] is None and not clash:
            found[row] = (known[column].id, float(probability[row, column]))
            held[column].append(samples[row])
    for row, sample in enumerate(samples):
        if found[row][0] is None and (sample.seconds >= rule.founding or sample.kind != "voice"):
            found[row] = (new_id(sample), None)
    return found


def with_samples(known, found):
    """What is known once these (sample, identity) are counted in."""
    identities = dict(known.identities)
    for sample, whose in found:
        before = identities.get(whose, Identity(whose, None, ()))
        identities[whose] = replace(before, samples=(*before.samples, sample))
    return replace(known, identities=identities, of={**known.of, **{s.key: w for s, w in found}})


def joins(known, rule):
    """(identity that stays, identity that joins it): the clearest pair, until there is none."""
    while pair := _next_join(known, rule):
        yield pair
        into, gone = pair
        whole = (*known.identities[into].samples, *known.identities[gone].samples)
        identities = {i: each for i, each in known.identities.items() if i != gone}
        identities[into] = replace(known.identities[into], samples=whole)
        of = {key: into if whose == gone else whose for key, whose in known.of.items()}
        known = replace(known, identities=identities, of=of)


def _next_join(known, rule):
    pairs, of_voice, of_face = defaultdict(int), defaultdict(int), defaultdict(int)
    for (voice, face), seconds in known.links.items():
        heard, seen = known.of.get(voice), known.of.get(face)
        if heard is not None and seen is not None:
            for sums, key in ((pairs, (heard, seen)), (of_voice, heard), (of_face, seen)):
                sums[key] += round(1000 * seconds)
    for (heard, seen), ms in sorted(pairs.items(), key=lambda each: (-each[1], each[0])):
        clear = ms >= max(1000 * rule.least, rule.share * max(of_voice[heard], of_face[seen]))
        if (
            heard != seen
            and clear
            and frozenset((heard, seen)) not in known.parted
            and _may(known.identities[heard], known.identities[seen])
        ):
            return heard, seen
    return None


def _may(a, b):
    if any(x.cannot_be(y) for x in a.samples for y in b.samples):
        return False
    return len({each.name for each in (a, b) if each.score == 1.0}) < 2
