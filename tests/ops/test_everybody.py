"""Whose a sample is, told fast: the same answers as by comparing everybody with everybody."""

from collections import defaultdict

import numpy as np
import plain_identities as plain
import pytest

from sensorium.core.people.identity import Identity, Sample
from sensorium.ops.people.everybody import Everybody
from sensorium.ops.people.known import Known
from sensorium.ops.people.similarity import MatchRule, match
from sensorium.ops.people.voice_and_face import JoinRule, joins
from sensorium.testing.made_people import CALIBRATIONS, made_people

RULE = MatchRule(least=0.97)


def of_kind(file, kind):
    return [sample for _, sample in file if sample.kind == kind]


@pytest.mark.parametrize("ahead", [0, 7, 500])
def test_a_library_is_decided_as_by_comparing_everybody_one_by_one(ahead):
    """Some hundred samples, file after file; however many are compared in advance."""
    known, everybody, sure = Known(), Everybody(), 0
    files = list(made_people(40, 120, seed=5))
    for number, file in enumerate(files):
        if ahead and number % ahead == 0:
            everybody.expect([s for each in files[number : number + ahead] for _, s in each])
        for kind in ("voice", "face"):
            samples = of_kind(file, kind)
            slow = plain.match(samples, known.all(), CALIBRATIONS[kind], RULE)
            fast = match(samples, everybody, CALIBRATIONS[kind], RULE)
            assert [whose for whose, _ in fast] == [whose for whose, _ in slow]
            assert [p for _, p in fast] == pytest.approx([p for _, p in slow], abs=1e-5)
            found = [(s, w) for s, (w, _) in zip(samples, slow, strict=True) if w is not None]
            known = plain.with_samples(known, found)
            for sample, whose in found:
                everybody.add(sample, whose)
            sure += sum(p is not None for _, p in slow)
    assert everybody.of == known.of
    assert sure > 200  # the made library is no trivial one
    assert len(known.identities) > 60


def test_a_file_that_is_decided_in_two_parts_keeps_its_people_apart():
    """Voices of one file are others, also when some of them were decided in an earlier run."""
    file = [sample for _, sample in next(iter(made_people(400, 1, seed=2, kinds=("voice",))))]
    first = file[0]
    twin = Sample(first.key[:-1] + "9", first.uri, "S9", first.model, 9.0, first.embedding)
    everybody = Everybody({"V1": Identity("V1", None, (first,))})
    assert match([twin], everybody, CALIBRATIONS["voice"], RULE)[0][0] != "V1"
    other = Sample("other/voice/S1", "b.wav", "S1", first.model, 9.0, first.embedding)
    assert match([other], everybody, CALIBRATIONS["voice"], RULE)[0][0] == "V1"


def test_of_equally_likely_people_the_one_heard_longest_is_taken():
    embedding = np.eye(8, dtype=np.float32)[0]

    def sample(key, seconds):
        return Sample(f"{key}/voice/S1", key, "S1", "m", seconds, embedding)

    people = {f"V{i}": Identity(f"V{i}", None, (sample(f"f{i}", 10.0 + i),)) for i in range(3)}
    found = match([sample("new", 10.0)], Everybody(people), CALIBRATIONS["voice"], RULE)
    assert found[0][0] == "V2"


def joined_library(seed):
    """Whose the samples are, and how long voices were seen to come from faces, sometimes the wrong ones."""
    rng = np.random.default_rng(seed)
    of, members, links = {}, defaultdict(list), {}
    for file in made_people(25, 60, seed):
        for person, sample in file:
            identity = f"{'V' if sample.kind == 'voice' else 'F'}{person}"
            if rng.random() < 0.15:
                identity += "b"  # the same person for a second time
            of[sample.key] = identity
            members[identity].append(sample)
        for voice in of_kind(file, "voice"):
            for face in of_kind(file, "face"):
                own = voice.label[1:] == face.label[1:]
                if rng.random() < (0.8 if own else 0.3):
                    links[voice.key, face.key] = round(rng.uniform(0.2, 4.0 if own else 1.0), 3)
    people = {
        i: Identity(i, None, tuple(mine), 1.0 if rng.random() < 0.1 else None)
        for i, mine in members.items()
    }
    parted = frozenset({frozenset(("V3", "F3")), frozenset(("V4", "F4"))})
    return Known(people, of, links=links, parted=parted)


@pytest.mark.parametrize("seed", range(5))
def test_voices_and_faces_are_joined_in_the_same_order(seed):
    known = joined_library(seed)
    slow = list(plain.joins(known, JoinRule()))
    assert [pair[:2] for pair in joins(known, JoinRule())] == slow
    assert len(slow) > 5
