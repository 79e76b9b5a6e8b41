"""Grouping embeddings: the same answer in blocks, and as many as wanted."""

import numpy as np
import pytest

from sensorium.ops.voices.cluster import group, joined_groups, unit


def voices(rng, num_voices, num_each, dim=64, noise=0.05):
    centers = unit(rng.normal(size=(num_voices, dim)))
    truth = np.tile(np.arange(num_voices), num_each)
    return unit(centers[truth] + noise * rng.normal(size=(len(truth), dim))), truth


@pytest.mark.parametrize("num_each", [5, 500])
def test_voices_are_told_apart_also_in_blocks(rng, num_each):
    """500 of each are more than one block: the same answer by way of the blocks' groups."""
    values, truth = voices(rng, 4, num_each)
    assert group(values, np.ones(len(values)), 0.6).tolist() == truth.tolist()


def test_noisy_voices_keep_the_threshold_in_blocks(rng):
    """Far from their centers, as real pieces are: groups joined at the distance of the items."""
    values, truth = voices(rng, 3, 600, noise=0.12)  # two of one voice are about 0.5 apart
    assert group(values, np.ones(len(values)), 0.74).tolist() == truth.tolist()


def test_joining_groups_is_average_linkage_of_their_items(rng):
    """Once from items one by one, once by scipy."""
    values, _ = voices(rng, 5, 12, noise=0.1)
    ones = np.ones(len(values))
    by_hand = joined_groups(values, ones, 0.7)
    by_scipy = group(values, ones, 0.7)
    same = by_hand[:, None] == by_hand[None]
    assert (same == (by_scipy[:, None] == by_scipy[None])).all()


def test_no_more_groups_than_asked(rng):
    """Whatever the distance says."""
    values, _ = voices(rng, 4, 5)
    assert joined_groups(values, np.ones(20), 0.0, most=2).max() == 1


def test_no_embeddings_no_groups_and_silence_is_no_error():
    """Silence has no speakers; an embedding of zeros is like nothing."""
    assert len(group(np.zeros((0, 8)), np.zeros(0), 0.5)) == 0
    assert len(set(group(np.zeros((3, 8)), np.ones(3), 0.5).tolist())) == 3
