"""Grouping embeddings, and putting windows together."""

import numpy as np
import pytest

from sensorium.ops.speech.cluster import group, unit
from sensorium.ops.speech.diarize import Local, assign, founded, reconstruct


def voices(rng, num_voices, num_each, dim=64, noise=0.05):
    centers = unit(rng.normal(size=(num_voices, dim)))
    truth = np.tile(np.arange(num_voices), num_each)
    return unit(centers[truth] + noise * rng.normal(size=(len(truth), dim))), truth


@pytest.mark.parametrize("num_each", [5, 500])
def test_voices_are_told_apart_also_in_blocks(rng, num_each):
    """500 of each are more than one block: the same answer by way of the blocks' centroids."""
    values, truth = voices(rng, 4, num_each)
    assert group(values, np.ones(len(values)), 0.6).tolist() == truth.tolist()


def test_the_number_of_groups_can_be_bounded(rng):
    """At least and at most so many, whatever the distance says."""
    values, _ = voices(rng, 4, 5)
    assert group(values, np.ones(20), 0.6, (None, 2)).max() == 1
    assert group(values, np.ones(20), 1.9, (3, None)).max() == 2


def test_no_embeddings_no_groups():
    """Silence has no speakers."""
    assert len(group(np.zeros((0, 8)), np.zeros(0), 0.5)) == 0
    assert len(founded([], 0.5, 1.0, (None, None))) == 0


def test_two_voices_of_one_window_are_two_speakers(rng):
    """Even if both are nearest to the same one."""
    centers = unit(rng.normal(size=(2, 16)))
    near = unit(centers[0] + 0.01 * rng.normal(size=(2, 16)))
    pair = [Local(0, 0, near[0], 2.0, True), Local(0, 2, near[1], 2.0, True)]
    labels = assign(pair, centers, 1)
    assert sorted(labels[0, [0, 2]].tolist()) == [0, 1]
    assert labels[0, 1] == -1


def test_overlapping_windows_are_put_together_with_overlap_kept():
    """Each window names its speakers in its own order; where two speak, two are counted."""
    window = np.zeros((10, 3), np.uint8)
    window[:8, 0] = 255
    window[5:, 1] = 255
    later = np.zeros((10, 3), np.uint8)
    later[:, 0] = 255
    later[:3, 1] = 255
    labels = np.array([[0, 1, -1], [1, 0, -1]])
    rows, first = reconstruct([window, later], [0, 5], labels, 2)
    assert (rows[:, 0] > 0).tolist() == [True] * 8 + [False] * 7
    assert (rows[:, 1] > 0).tolist() == [False] * 5 + [True] * 10
    assert first.tolist() == [0] * 8 + [1] * 7


def test_a_long_recording_is_put_together_in_blocks_as_in_one_piece(monkeypatch):
    """Where the blocks are cut makes no difference."""
    rng = np.random.default_rng(0)
    activity = [(rng.random((20, 3)) > 0.5).astype(np.uint8) * 200 for _ in range(12)]
    labels = np.stack([rng.permutation(4)[:3] for _ in activity])
    first_rows = list(range(0, 84, 7))
    whole = reconstruct(activity, first_rows, labels, 4)
    monkeypatch.setattr("sensorium.ops.speech.diarize._ROWS", 9)
    for one, other in zip(whole, reconstruct(activity, first_rows, labels, 4), strict=True):
        np.testing.assert_array_equal(one, other)
