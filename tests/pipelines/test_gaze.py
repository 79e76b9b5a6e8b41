"""Faces are looked for where they were, and all over when one may have come: none is missed by that."""

import numpy as np

from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.vision import Regions
from sensorium.ops.vision.boxes import iou
from sensorium.ops.vision.track import Tracker, TrackRule
from sensorium.pipelines.people.gaze import IN_A_WINDOW, Gaze, GazeRule

HEIGHT, WIDTH, RATE = 180, 320, 5


class BrightSquares:
    """Finds squares as bright as 255 of which more than the middle half is in the picture."""

    provenance = Provenance("squares")

    def __init__(self):
        self.num_pixels = 0

    def detect(self, frames):
        self.num_pixels += frames.pixels.shape[1] * frames.pixels.shape[2]
        found = []
        for level in (255, 240):
            rows, columns = np.nonzero(np.abs(frames.pixels[0, :, :, 0].astype(int) - level) <= 6)
            if len(rows) > 20:
                found.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        n = len(found)
        boxes = np.array(found, np.float32).reshape(-1, 4)
        points = np.zeros((n, 5, 2), np.float32) + boxes[:, None, :2]
        at = float(frames.times[0])
        ones = np.ones(n, np.float32)
        return [Regions(boxes, ones, ("face",) * n, np.full(n, -1), at, points)]


def scene(places, side=40):
    """One picture per time: squares (left, top) at two levels on a dark ground."""
    pictures = []
    for index, now in enumerate(places):
        pixels = np.full((1, HEIGHT, WIDTH, 3), 60, np.uint8)
        for level, at in zip((255, 240), now, strict=False):
            if at is not None:
                pixels[0, at[1] : at[1] + side, at[0] : at[0] + side] = level
        pictures.append(Frames(pixels, np.array([index / RATE])))
    return pictures


def seen(pictures, rule=None):
    """(boxes of each picture, share of all pixels that the detector saw)"""
    detector = BrightSquares()
    gaze, tracker = Gaze(detector, rule or GazeRule()), Tracker(TrackRule())
    found = []
    for picture in pictures:
        regions = gaze.look(picture, tracker.alive)
        assert regions.at == picture.times[0]
        tracker.step(regions)
        found.append(regions.xyxy)
    return found, detector.num_pixels / (len(pictures) * HEIGHT * WIDTH)


def test_a_moving_face_is_followed_with_a_fraction_of_the_pixels():
    """Its boxes, made from windows, are those of the whole picture."""
    places = [[(20 + 6 * i, 40 + 2 * i)] for i in range(20)]
    found, share = seen(scene(places))
    truth, _ = seen(scene(places), GazeRule(every=0.0))
    assert share < 0.6
    for mine, whole in zip(found, truth, strict=True):
        assert len(mine) == len(whole) == 1
        assert iou(mine, whole)[0, 0] > 0.8


def test_one_that_comes_in_is_found_at_once_and_one_that_leaves_is_gone():
    """A change where nobody was is looked at before the second is over."""
    places = [[(40, 40), (220, 100) if 7 <= i < 13 else None] for i in range(20)]
    found, _ = seen(scene(places))
    assert [len(each) for each in found] == [2 if 7 <= i < 13 else 1 for i in range(20)]


def test_two_side_by_side_stay_two():
    """The windows of neighbours overlap; each face is told once."""
    found, _ = seen(scene([[(100 + i, 60), (150 + i, 60)] for i in range(15)]))
    assert [len(each) for each in found] == [2] * 15


def test_a_still_picture_is_searched_once():
    """What does not change shows what it showed; after a cut all is new."""
    pictures = scene([[(40, 40)]] * 10)
    found, share = seen(pictures)
    assert all(np.array_equal(each, found[0]) for each in found)
    assert share == 0.1
    detector = BrightSquares()
    gaze = Gaze(detector, GazeRule())
    for picture in pictures:
        gaze.look(picture, [])
        gaze.forget()
    assert detector.num_pixels == 10 * HEIGHT * WIDTH


def test_windows_are_searched_by_the_other_detector_where_one_is_given():
    """Who knows who is who sees whole pictures alone; what windows give says nothing of it."""
    places = [[(20 + 6 * i, 40)] for i in range(10)]
    whole, near, tracker = BrightSquares(), BrightSquares(), Tracker(TrackRule())
    gaze = Gaze(whole, GazeRule(), near)
    labels = []
    for picture in scene(places):
        regions = gaze.look(picture, tracker.alive)
        tracker.step(regions)
        labels += regions.label
    assert whole.num_pixels == 2 * HEIGHT * WIDTH
    assert near.num_pixels > 0
    assert labels == (["face"] + [IN_A_WINDOW] * (len(labels) // 2 - 1)) * 2
