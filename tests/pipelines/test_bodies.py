"""Bodies go with the faces on them: through turned heads, not through cuts, nobody in two places."""

import numpy as np
import pytest

from sensorium.core.record import Provenance, Record
from sensorium.core.time import Span
from sensorium.core.vision import Regions
from sensorium.ops.people.belonging import Followed, fit, owners, who_is
from sensorium.pipelines.people.bodies import Bodies
from sensorium.testing.made_media import write_video
from sensorium.testing.sample_library import synthetic_record

BODY, FACE = (100.0, 40.0, 180.0, 230.0), (125.0, 50.0, 155.0, 90.0)


class Painted:
    """Finds bodies where the scene says they are: time -> boxes."""

    provenance = Provenance("painted", "1")

    def __init__(self, scene):
        self._scene = scene

    def detect(self, frames):
        at = float(frames.times[0])
        boxes = np.array(self._scene(at), np.float32).reshape(-1, 4)
        num = len(boxes)
        none = np.full(num, -1, np.int64)
        return [Regions(boxes, np.full(num, 0.9, np.float32), ("body",) * num, none, at)]


def face(at, box, track, person, shot=0, label="face"):
    x0, y0, x1, y1 = box
    values = {"label": label, "score": 0.9, "x0": x0, "y0": y0, "x1": x1, "y1": y1}
    values |= {"track": track, "person": person, "shot": shot}
    return Record("region", Span(at, at), values, Provenance("faces", "1"))


def shots(*spans):
    return [synthetic_record("shot", a, b, index=i) for i, (a, b) in enumerate(spans)]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Four seconds of nothing, 320 x 240."""
    path = tmp_path_factory.mktemp("bodies") / "a.mp4"
    return write_video(path, np.zeros((40, 240, 320, 3), np.uint8), np.arange(40) / 10)


def found(video, scene, faces, cuts=((0.0, 4.0),)):
    """The regions of the pass, by label."""
    from sensorium.adapters.media.reader import MediaReader

    media = MediaReader()
    stage = Bodies(media, Painted(scene))
    earlier = {"shot": shots(*cuts), "region": faces}
    rows = list(stage.run(media.probe(str(video)), earlier, lambda at: None))
    times = [row.span.start for row in rows]
    assert times == sorted(times)
    return rows


def shifted(box, by):
    return tuple(v + (by if i % 2 == 0 else 0) for i, v in enumerate(box))


def test_who_turns_away_goes_on_with_less_confidence(video):
    faces = [face(t / 5, FACE, 0, "P1") for t in range(6)]  # seen for a second, then turned away
    rows = found(video, lambda at: [BODY], faces)
    assert {row.values["person"] for row in rows} == {"P1"}
    assert {row.values["label"] for row in rows} == {"body"}
    assert len({row.values["track"] for row in rows}) == 1
    scores = [row.values["score"] for row in rows]
    assert scores[0] == pytest.approx(0.9)
    assert scores == sorted(scores, reverse=True)
    assert 0.5 < scores[-1] < 0.85


def test_a_cut_ends_whose_it_is(video):
    """The same place in the next shot is anybody."""
    faces = [face(t / 5, FACE, 0, "P1") for t in range(10)]
    rows = found(video, lambda at: [BODY], faces, cuts=((0.0, 2.0), (2.0, 4.0)))
    assert {(row.values["shot"], row.values["person"]) for row in rows} == {(0, "P1"), (1, None)}


def test_a_face_that_is_nobodys_by_itself_is_known_by_its_body(video):
    faces = [face(t / 5, FACE, 0, "P1") for t in range(6)]
    faces += [face(2 + t / 5, FACE, 1, None) for t in range(6)]
    rows = found(video, lambda at: [BODY], faces)
    heads = [row for row in rows if row.values["label"] == "head"]
    assert len(heads) == 6
    assert {row.values["person"] for row in heads} == {"P1"}
    assert {row.values["track"] for row in heads} == {rows[0].values["track"]}


def test_two_who_cross_stay_themselves(video):
    def scene(at):
        return [shifted(BODY, 40 * at - 90), shifted(BODY, 70 - 40 * at)]

    faces = [face(t / 5, shifted(FACE, 8 * t - 90), 0, "P1") for t in range(20)]
    faces += [face(t / 5, shifted(FACE, 70 - 8 * t), 1, "P2") for t in range(20)]
    rows = found(video, scene, faces)
    for at in {row.span.start for row in rows}:
        now = [row.values["person"] for row in rows if row.span.start == at]
        assert len([each for each in now if each]) == len({each for each in now if each})
    ends = [row for row in rows if row.span.start > 3.5]
    for row in ends:
        right = row.values["x0"] > 100
        assert row.values["person"] == ("P1" if right else "P2")


def test_a_body_without_a_face_is_nobody(video):
    rows = found(video, lambda at: [BODY, shifted(BODY, 100)], [face(1.0, FACE, 0, "P1")])
    left = {row.values["person"] for row in rows if row.values["x0"] < 150}
    right = {row.values["person"] for row in rows if row.values["x0"] > 150}
    assert (left, right) == ({"P1"}, {None})


def test_one_sighting_is_no_body_and_drawn_faces_sit_on_none(video):
    flash = found(video, lambda at: [BODY] if at < 0.15 else [], [])
    assert flash == []
    drawn = [face(t / 5, FACE, 0, "D1", label="drawn face") for t in range(20)]
    assert {r.values["person"] for r in found(video, lambda at: [BODY], drawn)} == {None}


def test_a_photo_has_no_tracks(tmp_path):
    from PIL import Image

    from sensorium.adapters.media.reader import MediaReader

    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((240, 320, 3), np.uint8)).save(path)
    media, values = MediaReader(), face(0.0, FACE, None, "P1").values
    faces = [Record("region", None, values | {"shot": None}, Provenance("faces", "1"))]
    stage = Bodies(media, Painted(lambda at: [BODY]))
    (row,) = stage.run(media.probe(str(path)), {"shot": [], "region": faces}, lambda at: None)
    assert row.span is None
    assert (row.values["person"], row.values["track"], row.values["shot"]) == ("P1", None, None)


def followed(number, box, times, person=None):
    return Followed(number, 0, np.array(times), np.array([box] * len(times), np.float32), person)


def test_a_face_goes_to_the_body_whose_head_it_is():
    """One in front of another: both bodies hold the face, one has it at its top."""
    behind, before = (80.0, 10.0, 200.0, 230.0), (110.0, 45.0, 170.0, 230.0)
    value = fit(np.array([FACE]), np.array([behind, before]))
    assert value[0, 1] > value[0, 0] > 0
    below = (125.0, 180.0, 155.0, 220.0)  # on a shirt: no head
    assert fit(np.array([below]), np.array([behind])).max() == 0


def test_nobody_is_in_two_places():
    times = [0.0, 0.2, 0.4]
    bodies = [followed(0, BODY, times), followed(1, shifted(BODY, 100), times)]
    faces = [followed(0, FACE, times, "P1"), followed(1, shifted(FACE, 100), times[:1], "P1")]
    owner = owners(faces, bodies, 0.1)
    assert owner == {0: 0, 1: 1}
    told = who_is(bodies, faces, owner)
    assert [one.person for one in told[0]] == ["P1"] * 3
    assert [one.person for one in told[1]][1:] == [None, None]
