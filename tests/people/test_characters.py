"""Drawn characters over two files: what a library learns of them, keeps, and does without."""

import json

import numpy as np
import pytest

from sensorium.core.errors import LibraryError
from sensorium.core.record import Provenance, Record
from sensorium.core.time import Span
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.people.characters import metrics
from sensorium.people.recognise import identify
from sensorium.testing.sample_library import add_synthetic, synthetic_ref

MADE_BY = Provenance("drawn-heads", "sha256:1")
CAST, DIM = 4, 40


def episode(root, name, rng, num=20):
    """Tracks of a cast, two in every picture, each a person of its own to the pass; who each is."""
    people = np.random.default_rng(1).normal(size=(CAST, DIM))
    loud = np.random.default_rng(2).normal(size=(3, DIM)) * 3
    records, actors = [], {}
    for number in range(2 * num):
        label, at = f"D{number + 1}", float(number // 2 * 4)
        actors[label] = (number + number // 8) % CAST
        looks = people[actors[label]] + rng.normal(size=(3, 3)) @ loud
        looks += 0.1 * rng.normal(size=(3, DIM))
        looks /= np.linalg.norm(looks, axis=1, keepdims=True)
        span = Span(at, at + 3)
        for look in looks:
            values = {"track": number, "person": label, "embedding": look.tolist()}
            records.append(Record("look", span, values, MADE_BY))
        beside = [f"D{(number ^ 1) + 1}"]
        values = dict.fromkeys(("detected", "detected_as", "detected_score"))
        values |= {"person": label, "num_tracks": 1, "duration": 3.0, "at": at, "apart": beside}
        values |= dict.fromkeys(("x0", "y0", "x1", "y1"), 1.0)
        values |= {"embedding": looks.mean(axis=0).tolist()}
        records.append(Record("person", span, values, MADE_BY))
    ref = synthetic_ref(name)
    add_synthetic(root, ref, records, name="drawn")
    return ref.uri, actors


def grouped(root, episodes):
    """Identity -> who its samples are in truth; how many identities."""
    known = Gallery(Layout(root)).known()
    found = {}
    for who in known.all():
        found[who.id] = {episodes[s.uri][s.label] for s in who.samples}
    return found


def test_characters_are_one_over_files_once_the_title_is_known(tmp_path, rng):
    episodes = dict(episode(tmp_path, f"/made/{name}.mkv", rng) for name in "ab")
    identify(Layout(tmp_path), list(episodes))
    found = grouped(tmp_path, episodes)
    assert all(len(actors) == 1 for actors in found.values())
    assert len(found) <= CAST + 4
    (file,) = (tmp_path / "learned").iterdir()
    assert json.loads(file.read_text())["version"] == 1


def test_a_small_library_learns_nothing_and_joins_nothing_it_is_not_sure_of(tmp_path, rng):
    episodes = dict([episode(tmp_path, "/made/a.mkv", rng, num=4)])
    identify(Layout(tmp_path), list(episodes))
    assert metrics(Layout(tmp_path)) == {}
    assert all(len(actors) == 1 for actors in grouped(tmp_path, episodes).values())
    assert not (tmp_path / "learned").exists()


def test_what_was_learned_is_kept_until_the_library_has_grown(tmp_path, rng):
    layout = Layout(tmp_path)
    episode(tmp_path, "/made/a.mkv", rng)
    (first,) = metrics(layout).values()
    (again,) = metrics(layout).values()
    np.testing.assert_array_equal(first.matrix, again.matrix)
    episode(tmp_path, "/made/b.mkv", rng)
    (grown,) = metrics(layout).values()
    assert grown.tracks == 2 * first.tracks
    (file,) = (tmp_path / "learned").iterdir()
    assert json.loads(file.read_text())["version"] == 2
    file.write_text("{", encoding="utf-8")
    with pytest.raises(LibraryError, match="delete it to learn anew"):
        metrics(layout)
