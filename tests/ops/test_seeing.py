"""Boxes, tracks, cuts, persons, mouths and links."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sensorium.core.time import Span
from sensorium.core.vision import Regions
from sensorium.ops.people.grouping import persons
from sensorium.ops.people.link import LinkRule, Mouth, Mouths, link, voices
from sensorium.ops.people.mouth import motion, mouth_patch, regular
from sensorium.ops.vision.boxes import iou, nms
from sensorium.ops.vision.cuts import CutRule, cuts, shots
from sensorium.ops.vision.resize import pooled, resize
from sensorium.ops.vision.track import Tracker, TrackRule


def regions(at, *boxes):
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    n = len(boxes)
    return Regions(xyxy, np.full(n, 0.9, np.float32), ("face",) * n, np.full(n, -1, np.int64), at)


@given(st.lists(st.tuples(*[st.floats(0, 50)] * 4, st.floats(0, 1)), min_size=1, max_size=20))
def test_nms_keeps_the_best_and_is_idempotent(rows):
    """What stays shares little, and doing it again changes nothing."""
    values = np.array(rows)
    boxes = np.concatenate([values[:, :2], values[:, :2] + values[:, 2:4] + 1], axis=1)
    kept = nms(boxes, values[:, 4], 0.3)
    assert values[kept[0], 4] == values[:, 4].max()
    shared = iou(boxes[kept], boxes[kept]) - np.eye(len(kept))
    assert shared.max(initial=0) <= 0.3 + 1e-9
    assert nms(boxes[kept], values[kept, 4], 0.3).tolist() == list(range(len(kept)))


def test_two_faces_that_move_keep_their_tracks():
    """Through a gap of half a second as well; after two seconds away it is another track."""
    tracker = Tracker(TrackRule())
    numbers = []
    for step in range(10):
        boxes = [(10 + 4 * step, 10, 40 + 4 * step, 50), (120, 20 + step, 150, 60 + step)]
        seen = boxes if step not in (4, 5) else boxes[1:]
        numbers.append(tracker.step(regions(step * 0.2, *seen))[0])
    assert numbers[0] == numbers[-1] == [0, 1]
    assert numbers[4] == [1]
    later, ended = tracker.step(regions(4.0, (120, 30, 150, 70)))
    assert later == [2]
    assert sorted(track.number for track in ended) == [0, 1]


def flat(value, noise=None):
    pixels = np.full((24, 32, 3), value, np.uint8)
    return pixels if noise is None else pixels + noise


def test_cuts_are_found_and_flashes_and_motion_are_none(rng):
    """One change that stands out is a cut; there-and-back, and change in every frame, are not."""
    frames = [flat(60)] * 20 + [flat(150)] * 20 + [flat(40)] * 20
    stream = [(i / 10, f) for i, f in enumerate(frames)]
    assert list(cuts(iter(stream), CutRule())) == [2.0, 4.0]
    flash = [(i / 10, flat(250 if i == 15 else 60)) for i in range(30)]
    assert list(cuts(iter(flash), CutRule())) == []
    moving = [(i / 10, rng.integers(0, 255, (24, 32, 3), np.uint8)) for i in range(30)]
    assert list(cuts(iter(moving), CutRule())) == []
    assert list(cuts(iter([]), CutRule())) == []


def test_a_flash_at_either_end_is_no_shot():
    """A black picture at the very beginning or end, as short-cut videos have, does not stand alone."""
    stream = [(i / 25, flat(0 if i in (0, 99) else 150)) for i in range(100)]
    assert list(shots(cuts(iter(stream), CutRule()), 4.0, 0.4)) == [Span(0, 4)]


@given(
    st.lists(st.floats(-1, 200) | st.sampled_from([0.0, 1e-12, 0.4, 99.99, 100.0])),
    st.floats(0, 100) | st.just(100.0),
    st.floats(0, 5),
)
def test_shots_cover_the_file_and_none_is_empty(times, end, apart):
    """Whatever the cuts: from 0 to the end without gap, none empty, none too short, none past the end."""
    found = list(shots(sorted(times), end, apart))
    assert bool(found) == (end > 0)
    edges = [0.0, *(span.end for span in found)]
    assert [span.start for span in found] == edges[:-1]
    assert not found or found[-1].end == end
    assert all(span.duration > 0 for span in found)
    assert len(found) < 2 or all(span.duration >= apart - 1e-9 for span in found)


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(0, 255)), max_size=40),
    st.floats(0, 2),
)
def test_cuts_of_any_frames_are_times_of_frames_and_apart(steps, apart):
    """Any times, repeated ones too, and any pictures."""
    times = np.cumsum([0.0, *(step for step, _ in steps)])[: len(steps)]
    stream = [(float(t), flat(value)) for t, (_, value) in zip(times, steps, strict=True)]
    found = list(cuts(iter(stream), CutRule(apart=apart)))
    assert set(found) <= set(times)
    assert all(b - a >= apart for a, b in zip([*times[:1], *found], found, strict=False))


def test_two_faces_of_one_picture_are_never_one_person():
    """However alike they look; and a track without embedding stays unnamed."""
    same = np.ones(4)
    groups = persons([same, same, same, None], [{1}, {0}, set(), set()], [3, 2, 1, 1], 0.5)
    assert groups[0] != groups[1]
    assert groups[2] in (groups[0], groups[1])
    assert groups[3] is None


def test_the_same_face_in_many_shots_is_one_person(rng):
    """Order and weight of the tracks do not matter."""
    truth = rng.integers(0, 3, 40)
    values = [np.eye(3)[t] + 0.05 * rng.normal(size=3) for t in truth]
    groups = persons(values, [set()] * 40, rng.uniform(0.1, 3, 40).tolist(), 0.5)
    assert len({(int(t), g) for t, g in zip(truth, groups, strict=True)}) == 3


def test_a_mouth_that_moves_counts_a_head_or_landmarks_that_do_not(rng):
    """Light, a head that moves, and landmarks that tremble change nothing."""
    smooth = np.kron(rng.integers(0, 255, (20, 20)), np.ones((8, 8))).astype(np.float32)
    points = np.array([[50, 60], [110, 60], [80, 90], [60, 120], [100, 120]], np.float32)
    before = mouth_patch(smooth, points)
    speaking = smooth.copy()
    speaking[105:145, 45:115] = np.kron(rng.integers(0, 255, (5, 7)), np.ones((8, 10)))
    assert motion(before, mouth_patch(speaking, points)) > 0.4
    assert motion(before, mouth_patch(smooth + 20, points)) < 1e-3
    moved = mouth_patch(np.roll(smooth, 3, axis=1), points + np.array([3, 0], np.float32))
    assert motion(before, moved) < 0.05
    off = mouth_patch(smooth, points + np.array([5, 4], np.float32))
    assert motion(before, off) < 0.5 * np.abs(before - off).mean()


def test_values_on_a_regular_grid_keep_their_mean():
    """A step that saw nothing is not a number, not something made up."""
    times, values = np.array([0.0, 0.1, 0.2, 0.9]), np.array([1.0, 3.0, 5.0, 7.0])
    found = regular(times, values, 0.0, 1.0, 4.0)
    assert found[[0, 3]].tolist() == [3.0, 7.0]
    assert np.isnan(found[[1, 2]]).all()


def mouth(face, start, end, value, track=0):
    num = round((end - start) * 10)
    return Mouth(Span(start, end), track, face, 10.0, np.full(num, value, np.float32))


def test_voices_go_to_the_mouths_that_move_with_them():
    """One face for one voice; a voice with nobody moving stays off screen."""
    rule = LinkRule()
    turns = [(Span(0, 2), "S1"), (Span(2, 4), "S2"), (Span(4, 6), "S3")]
    mouths = [
        mouth("P1", 0, 2, 0.5, 0),
        mouth("P2", 0, 2, 0.2, 1),
        mouth("P1", 2, 4, 0.2, 2),
        mouth("P2", 2, 4, 0.4, 3),
        mouth("P1", 4, 6, 0.2, 4),
    ]
    owners = voices(turns, Mouths(mouths), rule)
    assert owners == {"S1": "P1", "S2": "P2"}
    found = link(turns[0][0], owners["S1"], Mouths(mouths), rule)
    assert found is not None
    assert (found[0].face, found[0].track) == ("P1", 0)
    assert link(turns[2][0], owners.get("S3"), Mouths(mouths), rule) is None


def test_a_turn_without_the_face_of_its_voice_is_that_of_the_one_mouth_that_moves():
    """Who is somebody else's voice meanwhile is not, nor is a mouth that hardly moves."""
    mouths = Mouths([mouth("P1", 0, 2, 0.4, 0), mouth("P2", 0, 2, 0.2, 1)])
    found = link(Span(0, 2), "P9", mouths, LinkRule())
    assert found is not None
    assert found[0].face == "P1"
    assert link(Span(0, 2), None, mouths, LinkRule()) is not None
    assert link(Span(0, 2), "P9", mouths, LinkRule(), {"P1"}) is None
    both = Mouths([mouth("P1", 0, 2, 0.4, 0), mouth("P2", 0, 2, 0.4, 1)])
    assert link(Span(0, 2), "P9", both, LinkRule()) is None


def test_a_turn_in_which_another_mouth_moves_far_more_is_not_clear():
    """Left open rather than guessed."""
    both = [mouth("P1", 0, 2, 0.3, 0), mouth("P2", 0, 2, 0.5, 1)]
    assert link(Span(0, 2), "P1", Mouths(both), LinkRule()) is None


@pytest.mark.parametrize("size", [(360, 640), (37, 53), (224, 224)])
def test_resize_is_that_of_pillow(rng, size):
    """Same filter, no border lost."""
    pixels = rng.integers(0, 255, (*size, 3), np.uint8)
    expected = np.asarray(Image.fromarray(pixels).resize((224, 224), Image.Resampling.BILINEAR))
    assert np.abs(resize(pixels, 224, 224) - expected).max() <= 1.5


def test_pooling_keeps_the_border():
    """A size that does not divide loses no row."""
    pixels = np.zeros((5, 7, 3), np.uint8)
    pixels[-1, -1] = 200
    small = pooled(pixels, 2)
    assert small.shape == (3, 4, 3)
    assert small[-1, -1, 0] == 200
