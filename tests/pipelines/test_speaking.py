"""Active-speaker models from a file: cepstra, crops at 25 a second beside their sound, links."""

import numpy as np
import pytest

from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.models.vision.active_speaker import ActiveSpeakerModel
from sensorium.core.errors import ModelError
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.ops.sound.mfcc import cepstra
from sensorium.pipelines.people.speaking import Speaking
from sensorium.pipelines.people.who import Who
from sensorium.testing.made_media import tone, write_video
from sensorium.testing.sample_library import synthetic_record
from tiny_graphs import active_speaker_graph


@pytest.mark.parametrize("num", [16000, 16001, 4321, 300, 160 * 77 + 400])
def test_cepstra_are_those_of_the_reference(rng, num):
    """python_speech_features.mfcc, which TalkNet and Light-ASD were trained with."""
    reference = pytest.importorskip("python_speech_features")
    sound = (rng.normal(0, 0.1, num) + 0.2 * np.sin(np.arange(num) / 9)).astype(np.float32)
    expected = reference.mfcc(sound * 32768.0, 16000, numcep=13, winlen=0.025, winstep=0.010)
    found = cepstra(sound)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_both_forms_of_answers(tmp_path):
    faces = np.zeros((50, 112, 112), np.uint8)
    faces[20:30] = 255
    sound = Audio(np.zeros((1, 32000), np.float32), 16000)
    for outputs in (1, 2):
        found = ActiveSpeakerModel(
            active_speaker_graph(tmp_path / f"{outputs}.onnx", outputs)
        ).speaks(faces, sound)
        assert found.shape == (50,)
        assert (np.flatnonzero(found > 0.5) == np.arange(20, 30)).all()


def test_files_that_are_no_such_model(tmp_path):
    with pytest.raises(ModelError, match="found no file"):
        _ = ActiveSpeakerModel(str(tmp_path / "away.onnx")).provenance
    (tmp_path / "bad.onnx").write_bytes(b"x")
    faces, sound = np.zeros((2, 112, 112), np.uint8), Audio(np.zeros((1, 1280), np.float32), 16000)
    with pytest.raises(ModelError, match="expected an ONNX model"):
        ActiveSpeakerModel(str(tmp_path / "bad.onnx")).speaks(faces, sound)


class Listens:
    """Keeps what it is shown; scores are the brightness of the face."""

    provenance = Provenance("made-up", "1")

    def __init__(self):
        self.asked = []

    def speaks(self, faces, sound):
        self.asked.append((faces, sound))
        return faces.mean(axis=(1, 2)) / 255


def film(path, seconds=12.0, rate=25):
    """A face that is bright from 2 to 5 s, and a tone over that time only."""
    pictures = []
    for index in range(round(seconds * rate)):
        pixels = np.full((120, 160, 3), 60, np.uint8)
        pixels[30:90, 40:100] = 255 if 2.0 <= index / rate < 5.0 else 20
        pictures.append(pixels)
    sound = tone(seconds, 16000)
    sound[:, : 2 * 16000] = 0
    sound[:, 5 * 16000 :] = 0
    times = [index / rate for index in range(len(pictures))]
    return write_video(path, pictures, times, (sound, 16000))


def regions(seconds, track=3, person="P1"):
    box = {"x0": 45.0, "y0": 35.0, "x1": 95.0, "y1": 85.0, "label": "face", "score": 0.9, "shot": 0}
    return [
        synthetic_record("region", at, at, track=track, person=person, **box)
        for at in np.arange(0.0, seconds, 0.2)
    ]


@pytest.mark.parametrize("rate", [25, 12, 50])
def test_crops_are_beside_their_sound_whatever_the_frame_rate(tmp_path, rate):
    """Nothing is lost between the pieces that the model is asked about."""
    path = film(tmp_path / "film.mp4", rate=rate)
    listens = Listens()
    records = list(
        Speaking(MediaReader(), listens).run(
            MediaReader().probe(str(path)), {"region": regions(11.0)}, lambda done: None
        )
    )
    (record,) = records
    assert record.kind == "speaking"
    assert (record.values["track"], record.values["person"]) == (3, "P1")
    scores = np.array(record.values["score"])
    assert len(scores) == pytest.approx(10.8 * 25, abs=2)
    times = record.span.start + (np.arange(len(scores)) + 0.5) / 25
    bright = (times > 2.15) & (times < 4.85)
    dark = (times < 1.85) | (times > 5.15)
    assert scores[bright].min() > 0.6
    assert scores[dark].max() < 0.4
    assert max(len(faces) for faces, _ in listens.asked) <= 100
    for faces, sound in listens.asked:
        assert sound.samples.shape[1] == len(faces) * 640
        middle = sound.start + np.arange(len(faces)) / 25 + 0.02
        loud = np.abs(sound.samples[0]).reshape(len(faces), 640).max(axis=1) > 0.2
        inside = (middle > 2.2) & (middle < 4.8)
        assert loud[inside].all()
        assert not loud[(middle < 1.8) | (middle > 5.2)].any()


def test_links_follow_the_model(tmp_path):
    """Of two faces the one that the model says speaks, and nobody where none does."""
    score = {"P1": [0.9] * 50 + [0.1] * 100, "P2": [0.1] * 50 + [0.8] * 50 + [0.1] * 50}
    speaking = [
        synthetic_record("speaking", 0.0, 6.0, track=n, person=person, rate=25.0, score=values)
        for n, (person, values) in enumerate(score.items())
    ]
    turns = [
        synthetic_record("turn", float(a), float(b), speaker=s, score=1.0)
        for a, b, s in ((0, 2, "S1"), (2, 4, "S2"), (4, 6, "S3"))
    ]
    earlier = {"turn": turns, "speaking": speaking, "word": [], "exclusive_turn": [], "mouth": []}
    found = Who(learned=True).run(None, earlier, lambda done: None)
    assert [r.values["person"] for r in found if r.kind == "link"] == ["P1", "P2", None]
    assert "speaking" in Who(learned=True).needs
    assert "speaking" not in Who().needs
