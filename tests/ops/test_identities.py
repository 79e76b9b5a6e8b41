"""Who is who: the fold over decisions, and matching."""

import numpy as np
import pytest

from sensorium.core.errors import UsageError
from sensorium.core.people.identity import Calibration, Identity, Sample
from sensorium.ops.people.everybody import Everybody
from sensorium.ops.people.known import replay
from sensorium.ops.people.similarity import MatchRule, halves, match, new_id

CALIBRATION = Calibration(21.2, -0.92, -0.39, -4.04)


def direction(number, dim=8):
    return np.eye(dim, dtype=np.float32)[number]


def sample(key, values, seconds=8.0, model="m 1"):
    return Sample(f"{key}/S1", f"{key}.wav", "S1", model, seconds, np.asarray(values, np.float32))


def everybody(known):
    return Everybody({who.id: who for who in known})


def seen(number, *rows):
    return {
        "number": number,
        "kind": "seen",
        "samples": [
            {"key": key, "uri": f"{key}.wav", "speaker": "S1", "model": "m 1", "seconds": 5.0,
             "embedding": direction(place).tolist(), "identity": identity, "score": None}
            for key, place, identity in rows
        ],
    }  # fmt: skip


def test_the_same_voice_in_another_file_is_the_same_identity():
    known = [Identity("V1", None, (sample("a", direction(0)),))]
    near = direction(0) + 0.3 * direction(1)
    assert match([sample("b", near)], everybody(known), CALIBRATION, MatchRule())[0][0] == "V1"
    stranger = sample("c", direction(2))
    assert match([stranger], everybody(known), CALIBRATION, MatchRule()) == [
        (new_id(stranger), None)
    ]


def test_two_voices_of_one_file_are_never_one_identity():
    known = [Identity("V1", None, (sample("a", direction(0)),))]
    first = Sample("b/S1", "b.wav", "S1", "m 1", 8.0, direction(0))
    second = Sample("b/S2", "b.wav", "S2", "m 1", 8.0, direction(0) + 0.1 * direction(1))
    found = match([first, second], everybody(known), CALIBRATION, MatchRule())
    assert [whose for whose, _ in found] == ["V1", new_id(second)]
    held = [Identity("V1", None, (first,))]
    assert match([second], everybody(held), CALIBRATION, MatchRule())[0][0] != "V1"


def test_embeddings_of_different_models_are_never_compared():
    known = [Identity("V1", None, (sample("a", direction(0), model="m 2"),))]
    same = sample("b", direction(0))
    assert match([same], everybody(known), CALIBRATION, MatchRule())[0][0] == new_id(same)


def test_a_voice_too_short_to_tell_stays_unknown():
    assert match([sample("a", direction(0), 1.0)], Everybody(), CALIBRATION, MatchRule()) == [
        (None, None)
    ]


def test_decisions_by_hand_and_their_undoing():
    start = [seen(1, ("a/S1", 0, "V1"), ("b/S1", 1, "V2"), ("c/S1", 2, "V1"))]
    named = [*start, {"number": 2, "kind": "named", "identity": "V1", "name": "Anna"}]
    merged = [*named, {"number": 3, "kind": "merged", "identity": "V1", "into": "V2"}]
    known = replay(merged)
    assert {i.id: (i.name, len(i.samples)) for i in known.all()} == {"V2": ("Anna", 3)}
    undone = [*merged, {"number": 4, "kind": "undone", "target": 3}]
    assert {i.id: i.name for i in replay(undone).all()} == {"V1": "Anna", "V2": None}
    again = [*undone, {"number": 5, "kind": "undone", "target": 4}]
    assert len(replay(again).all()) == 1
    split = [
        *start,
        {"number": 2, "kind": "split", "identity": "V1", "into": "V9", "samples": ["c/S1"]},
    ]
    assert replay(split).of == {"a/S1": "V1", "b/S1": "V2", "c/S1": "V9"}
    gone = replay([*named, {"number": 3, "kind": "forgotten", "identity": "V1", "into": None}])
    assert gone.of["a/S1"] is None
    assert [i.id for i in gone.all()] == ["V2"]


def test_an_identity_is_found_by_id_or_by_a_name_that_only_it_has():
    decisions = [
        seen(1, ("a/S1", 0, "V1"), ("b/S1", 1, "V2")),
        {"number": 2, "kind": "named", "identity": "V1", "name": "Anna"},
    ]
    assert replay(decisions).find("Anna").id == replay(decisions).find("V1").id == "V1"
    with pytest.raises(
        UsageError, match=r"'Bob': no identity has this id or name; there are: V1 \(Anna\)"
    ):
        replay(decisions).find("Bob")
    decisions.append({"number": 3, "kind": "named", "identity": "V2", "name": "Anna"})
    with pytest.raises(UsageError, match="2 identities have"):
        replay(decisions).find("Anna")


def test_halves_are_the_two_groups_that_lie_farthest_apart():
    rows = [sample(str(i), direction(i // 2) + 0.1 * direction(5)) for i in range(4)]
    assert [[s.key for s in part] for part in halves(rows)] == [["0/S1", "1/S1"], ["2/S1", "3/S1"]]
    with pytest.raises(UsageError, match="at least 2"):
        halves(rows[:1])


def test_an_embedding_of_zeros_is_refused():
    with pytest.raises(UsageError, match="expected an embedding"):
        sample("a", np.zeros(4))
