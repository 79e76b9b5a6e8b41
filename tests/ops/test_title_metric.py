"""What a title learns from its own tracks."""

import numpy as np

from sensorium.ops.learning.title_metric import LEAST_APART, LEAST_TRACKS, TitleMetric, learned

DIM, CAST = 40, 6


def title(rng, num=48):
    """Tracks of a made cast: who they are tells little beside what a character does with its face."""
    people = rng.normal(size=(CAST, DIM))
    loud = rng.normal(size=(3, DIM)) * 4  # directions of expression, pose and light
    who = np.arange(num) % CAST
    crops = [
        people[i] + rng.normal(size=(3, 3)) @ loud + 0.1 * rng.normal(size=(3, DIM)) for i in who
    ]
    apart = [(i, i + 1) for i in range(0, num - 1, 2)]
    return who, [unit(each) for each in crops], apart


def unit(values):
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def errors(looks, who):
    """Share of wrong pairs at the best threshold."""
    first, second = np.triu_indices(len(who), 1)
    cosine, same = (looks @ looks.T)[first, second], who[first] == who[second]
    return min(
        (np.mean(cosine[same] < t) + np.mean(cosine[~same] >= t)) / 2 for t in np.unique(cosine)
    )


def test_a_title_learns_what_tells_its_characters_apart(rng):
    who, crops, apart = title(rng)
    metric = learned(crops, apart)
    middles = unit(np.stack([each.mean(axis=0) for each in crops]))
    assert errors(middles, who) > 0.1
    assert errors(metric.seen(middles), who) < 0.02
    unseen = title(np.random.default_rng(9))[1]
    assert metric.seen(np.concatenate(unseen)).shape == (144, metric.matrix.shape[1])


def test_too_little_is_not_learned_from(rng):
    _, crops, apart = title(rng)
    assert learned(crops[: LEAST_TRACKS - 1], apart[:LEAST_APART]) is None
    assert learned(crops, apart[: LEAST_APART - 1]) is None
    assert learned([each[:1] for each in crops], apart) is None


def test_tracks_that_share_a_picture_are_not_one(rng):
    _, crops, apart = title(rng)
    metric = learned(crops, apart)
    looks = metric.seen(unit(np.stack([each.mean(axis=0) for each in crops])))
    said = [metric.calibration.probability(float(looks[a] @ looks[b]), (1, 1)) for a, b in apart]
    assert np.mean(np.array(said) > 0.5) <= 0.05


def test_a_metric_is_the_same_after_it_was_written(rng):
    _, crops, apart = title(rng)
    metric = learned(crops, apart)
    again = TitleMetric.of(metric.plain())
    np.testing.assert_allclose(again.seen(crops[0]), metric.seen(crops[0]), atol=1e-3)
    assert (again.calibration, again.tracks) == (metric.calibration, metric.tracks)
