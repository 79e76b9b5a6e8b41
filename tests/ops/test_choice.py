"""Which pictures make a dataset, and which of them are for validation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.core.errors import UsageError
from sensorium.ops.learning import choice
from sensorium.ops.learning.choice import Box, ChoiceRule, Picture, candidates, choose
from sensorium.ops.learning.holdout import hold_out, leaks
from sensorium.ops.vision.alike import difference_hash

FACE = (10.0, 10.0, 60.0, 70.0)


def box(identity="V1", track=1, **changes):
    return replace(Box(identity, FACE, track=track), **changes)


def picture(at=0.0, *boxes, media="a", shot=0):
    return Picture(media, f"/{media}.mp4", at, shot, boxes)


def varied(num):
    """Hashes that are far from each other."""
    rng = np.random.default_rng(3)
    return [int.from_bytes(rng.bytes(16), "big") for _ in range(num)]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (box(None, 2, score=0.0), choice.UNKNOWN),
        (box("V2", 2, score=0.6), choice.UNSURE),
        (box("V2", 2, found=0.3), choice.WEAK),
        (box("V2", 2, xyxy=(0.0, 0.0, 20.0, 40.0)), choice.SMALL),
        (box("V1", 2), choice.TWICE),
        (box(None, None, counts=False), choice.LOOSE),
    ],
)
def test_a_picture_with_a_face_that_cannot_be_labelled_is_left_out(other, why):
    kept, left_out = candidates([picture(0.0, box(), other), picture(5.0, box())], ChoiceRule())
    assert [each.at for each in kept] == [5.0]
    assert left_out == {why: 1}


def test_a_tiny_thing_that_nobody_followed_does_not_cost_the_picture():
    speck = box(None, None, counts=False, xyxy=(0.0, 0.0, 12.0, 12.0))
    kept, _ = candidates([picture(0.0, box(), speck)], ChoiceRule())
    assert len(kept) == 1
    kept, left_out = candidates([picture(0.0, speck)], ChoiceRule())  # and is no proof of nobody
    assert not kept
    assert left_out == {choice.LOOSE: 1}


def test_a_face_that_was_missed_in_between_is_still_in_the_picture():
    """Track 2 is found at 0 and 2 s; at 1 s it is there, and would be taught as background."""
    second = box("V2", 2)
    moments = [picture(0.0, box(), second), picture(1.0, box()), picture(2.0, box(), second)]
    kept, left_out = candidates(moments, ChoiceRule())
    assert [each.at for each in kept] == [0.0, 2.0]
    assert left_out == {choice.HIDDEN: 1}


def test_pictures_of_a_shot_lie_apart_and_are_few():
    moments = [picture(i / 5, box()) for i in range(101)]
    kept, left_out = candidates(moments, ChoiceRule(per_shot=4))
    times = np.array([each.at for each in kept])
    assert (np.diff(times) >= 0.5).all()
    chosen, more = choose(kept, varied(len(kept)), ChoiceRule(per_shot=4))
    assert len(chosen) == 4
    assert max(each.at for each in chosen) - min(each.at for each in chosen) > 8  # not one corner
    assert len(moments) == len(chosen) + sum((left_out + more).values())


def test_nearly_the_same_picture_is_taken_once_in_the_whole_library():
    moments = [picture(0.0, box(), media=media, shot=shot) for media in "ab" for shot in range(3)]
    same = varied(1)[0]
    chosen, left_out = choose(
        moments, [same, same ^ 1, same ^ 6, *varied(3)[1:], same], ChoiceRule()
    )
    assert len(chosen) == 3
    assert left_out[choice.ALIKE] == 3


def test_nobody_outweighs_all_others_and_the_seldom_come_first():
    often = [picture(float(i), box("V1"), shot=i) for i in range(50)]
    seldom = [picture(float(50 + i), box("V1"), box("V2", 2), shot=50 + i) for i in range(5)]
    chosen, left_out = choose([*often, *seldom], varied(55), ChoiceRule(per_identity=20))
    assert sum("V1" in each.identities for each in chosen) == 20
    assert sum("V2" in each.identities for each in chosen) == 5
    assert left_out[choice.ENOUGH] == 35


def test_negatives_are_a_part_of_the_pictures_with_faces():
    moments = [picture(float(i), box(), shot=i) for i in range(20)]
    moments += [picture(float(i), shot=i) for i in range(20, 40)]
    chosen, left_out = choose(moments, varied(40), ChoiceRule(negatives=0.25))
    assert sum(not each.boxes for each in chosen) == 5
    assert left_out[choice.SPARE] == 15


def test_the_hash_tells_pictures_apart_and_forgives_compression(rng):
    one, other = (np.kron(rng.integers(0, 255, (9, 9, 3)), np.ones((20, 30, 1))) for _ in "ab")
    noisy = np.clip(one + rng.normal(0, 4, one.shape), 0, 255)
    first, second, third = (difference_hash(each.astype(np.uint8)) for each in (one, noisy, other))
    assert (first ^ second).bit_count() <= 4
    assert (first ^ third).bit_count() > 30
    assert difference_hash(np.zeros((3, 2, 3), np.uint8)) == 0  # smaller than the cells


@st.composite
def libraries(draw):
    """Pictures of some files, shots and identities; tracks mostly end at cuts."""
    kept = []
    for media in range(draw(st.integers(1, 6))):
        for shot in range(draw(st.integers(1, 5))):
            for at in range(draw(st.integers(0, 6))):
                who = draw(st.sets(st.integers(0, 4), max_size=3))
                across = draw(st.integers(0, 9)) == 0  # a tracker that runs over a cut
                boxes = [box(f"V{i}", i if across else 10 * (shot + 1) + i) for i in sorted(who)]
                kept.append(picture(shot * 100.0 + at, *boxes, media=str(media), shot=shot))
    return kept


@settings(max_examples=150, deadline=None)
@given(libraries(), st.sampled_from(["auto", "file", "shot"]), st.floats(0, 0.6), st.integers(0, 9))
def test_no_track_and_no_shot_lies_on_both_sides(pictures, split, part, seed):
    held, by = hold_out(pictures, ChoiceRule(split=split, held_out=part, seed=seed))
    assert len(held) == len(pictures)
    assert not leaks(pictures, held)
    if by == "file":
        sides = {(each.media, side) for each, side in zip(pictures, held, strict=True)}
        assert len(sides) == len({each.media for each in pictures})
    seen = {True: set(), False: set()}
    for each, side in zip(pictures, held, strict=True):
        seen[side] |= each.identities
    assert seen[True] <= seen[False]  # no class in validation only


def test_leaks_are_found():
    moments = [
        picture(0.0, box()),
        picture(1.0, box("V1", 1), shot=1),
        picture(2.0, box("V2", 2), shot=1),
    ]
    assert leaks(moments, [False, True, True]) == [("track", ("a", 1))]
    assert leaks(moments, [False, False, True]) == [("shot", ("a", 1))]


def test_whole_files_are_held_out_where_there_are_enough():
    many = [picture(i, box(), box("V2", 2), media=media) for media in "abcde" for i in range(4)]
    held, by = hold_out(many, ChoiceRule())
    assert by == "file"
    assert sum(held) == 4
    one_file = [picture(i, box(track=i // 2), shot=i // 2) for i in range(12)]
    held, by = hold_out(one_file, ChoiceRule())
    assert by == "shot"
    assert sum(held) in (2, 4)
    assert hold_out(one_file, ChoiceRule(held_out=0.0))[0] == [False] * 12


def test_a_rule_that_cannot_be_meant():
    for wrong in ({"held_out": 1.0}, {"per_shot": 0}, {"split": "half"}, {"least_score": 2},
                  {"alike": 40}, {"apart": -1}):  # fmt: skip
        with pytest.raises(UsageError, match=next(iter(wrong))):
            ChoiceRule(**wrong)
