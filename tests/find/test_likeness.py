"""What looks or sounds like a file: exact, of one model only, and narrowed like any search."""

import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sensorium.core.errors import MissingMediaError, UsageError
from sensorium.core.features import Features
from sensorium.core.media import Frames
from sensorium.core.time import Span
from sensorium.find import likeness
from sensorium.library.library import Library
from sensorium.testing.fake_encoders import FakeImageEncoder
from sensorium.testing.sample_library import (
    add_synthetic,
    synthetic_record,
    synthetic_ref,
)

COLOURS = {"red": (200, 20, 20), "green": (20, 180, 30), "blue": (10, 30, 220)}


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 3), st.integers(0, 2**31))
def test_nearest_is_exact(num, limit, num_wanted, seed):
    """Equal to sorting all cosines, whatever the blocks; broken embeddings are passed over."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((num, 5)).astype(np.float32)
    values[rng.random(num) < 0.1] = 0
    values[rng.random(num) < 0.1] = np.nan
    wanted = rng.standard_normal((num_wanted, 5)).astype(np.float32)
    units = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
    norms = np.linalg.norm(values, axis=1)
    good = [i for i in range(num) if np.isfinite(norms[i]) and norms[i] > 0]
    cosine = {i: float((units @ values[i]).max() / norms[i]) for i in good}
    expected = sorted(good, key=lambda i: -cosine[i])[:limit]
    before, likeness._BLOCK = likeness._BLOCK, 7
    try:
        found = likeness.nearest(enumerate([*values, np.zeros(3)]), wanted, limit)
    finally:
        likeness._BLOCK = before
    assert [what for _, what in found] == expected
    assert [score for score, _ in found] == pytest.approx([cosine[i] for i in expected], abs=1e-5)


def colour(name):
    return np.broadcast_to(np.array(COLOURS[name], np.uint8), (40, 60, 3)).copy()


@pytest.fixture
def coloured(tmp_path, monkeypatch):
    """A video whose shots are red, green and blue, and a green picture, embedded by the fake encoder."""
    monkeypatch.setattr(likeness, "_encoder", lambda made_by, where: FakeImageEncoder())
    monkeypatch.setattr(likeness, "_faces", lambda frame: ("fake 1", np.zeros((0, 3), np.float32)))
    root, encoder = tmp_path / "library", FakeImageEncoder()
    shots = []
    for index, name in enumerate(COLOURS):
        (outputs,) = encoder.encode(Frames(colour(name)[None], np.zeros(1)))
        span = Span(10.0 * index, 10.0 * index + 10)
        shots += [Features(f.values, f.axes, f.model, f.name, span) for f in outputs]
    add_synthetic(root, synthetic_ref("/m/film.mp4"), shots)
    (outputs,) = encoder.encode(Frames(colour("green")[None], np.zeros(1)))
    add_synthetic(root, synthetic_ref("/m/leaf.png", "image"), outputs)
    for name in COLOURS:
        Image.fromarray(colour(name)).save(tmp_path / f"{name}.png")
    return Library(root), tmp_path


def test_pictures_like_a_picture(coloured):
    """The best first, each with the time at which it can be cut out."""
    library, folder = coloured
    hits = library.find(like=folder / "blue.png")
    assert list(hits["kind"]) == ["picture"] * 4
    first = hits.iloc[0]
    assert (first["uri"], first["start"], first["at"]) == ("/m/film.mp4", 20.0, 25.0)
    assert first["score"] == pytest.approx(1.0, abs=1e-5)
    green = library.find(like=folder / "green.png", limit=2)
    assert set(green["uri"]) == {"/m/film.mp4", "/m/leaf.png"}
    assert library.find(like=folder / "green.png", media="leaf.png")["at"].isna().all()
    near = library.find(like=folder / "blue.png", between=(0, 5))
    assert list(near["start"]) == [0.0]


def test_what_a_file_cannot_be_like(coloured):
    """A missing file, a kind that it has not, a picture without a face."""
    library, folder = coloured
    with pytest.raises(MissingMediaError):
        library.find(like=folder / "nothing.png")
    with pytest.raises(UsageError, match="it is image and can be like: face, picture; not voice"):
        library.find(like=folder / "red.png", kind="voice")
    with pytest.raises(UsageError, match="expected a picture with a face"):
        library.find(like=folder / "red.png", kind="face")
    with pytest.raises(UsageError, match="expected one of picture, face, voice"):
        library.find(like=folder / "red.png", kind="word")


def test_another_model_is_never_compared(coloured, monkeypatch):
    """Pictures of an encoder that is not here are refused with its name."""
    library, folder = coloured
    monkeypatch.undo()
    monkeypatch.setattr(likeness, "_faces", lambda frame: ("fake 1", np.zeros((0, 3), np.float32)))
    with pytest.raises(
        UsageError, match="embedded by fake-image-encoder 1, which is not installed"
    ):
        library.find(like=folder / "red.png")


def test_faces_and_voices(coloured, monkeypatch):
    """At the best picture and the longest turn; embeddings of another model are not compared."""
    library, folder = coloured
    box = {"x0": 0.0, "y0": 0.0, "x1": 9.0, "y1": 9.0, "num_tracks": 1, "duration": 3.0}
    people = [("P1", 4.0, [1.0, 0.0, 0.0]), ("P2", 8.0, [0.0, 1.0, 0.0])]
    records = [
        synthetic_record("person", person=person, at=at, embedding=values, **box)
        for person, at, values in people
    ]
    add_synthetic(library.path, synthetic_ref("/m/faces.mp4"), records, "faces")
    looked = np.array([[0.1, 1.0, 0.0]], np.float32)
    monkeypatch.setattr(likeness, "_faces", lambda frame: ("synthetic 1", looked))
    hits = library.find(like=folder / "red.png", kind="face")
    assert list(zip(hits["person"], hits["at"], strict=True)) == [("P2", 8.0), ("P1", 4.0)]
    both = library.find(like=folder / "red.png", limit=1)
    assert list(both["kind"]) == ["face", "picture"]
    assert len(library.find(like=folder / "red.png", speaker="P1")) == 1
    monkeypatch.setattr(likeness, "_faces", lambda frame: ("other 1", looked))
    assert library.find(like=folder / "red.png", kind="face").empty
    turns = [(0.0, 1.0), (5.0, 9.0)]
    records = [synthetic_record("turn", a, b, speaker="S1", score=0.9) for a, b in turns]
    voice = {"speaker": "S1", "duration": 5.0, "embedding": [0.6, 0.8]}
    records.append(synthetic_record("voice", **voice))
    add_synthetic(library.path, synthetic_ref("/m/voice.wav", "audio"), records, "speakers")
    said = np.array([[0.6, 0.8]], np.float32)
    monkeypatch.setattr(likeness, "_voice", lambda ref: ("synthetic 1", said))
    with wave.open(str(folder / "clip.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(32000))
    (hit,) = library.find(like=folder / "clip.wav").to_dict("records")
    assert (hit["kind"], hit["speaker"], hit["at"], hit["end"]) == ("voice", "S1", 5.0, 9.0)
    assert hit["score"] == pytest.approx(1.0)
