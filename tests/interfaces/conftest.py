"""A library that knows somebody."""

import numpy as np
import pytest

import sensorium as sm
from sensorium.core.media import MediaRef
from sensorium.core.people.identity import Calibration
from sensorium.library.layout import Layout
from sensorium.people import match
from sensorium.people.recognise import identify
from sensorium.testing.sample_library import add_synthetic, synthetic_record, synthetic_words


def _voiced(root, name, *voices):
    """An input in which each of `voices` (direction) speaks for 8 s, as S1, S2, ..."""
    ref = MediaRef(f"/media/{name}", name * 4 + "0" * 32, "audio", duration=60.0, has_sound=True)
    records = []
    for number, place in enumerate(voices, start=1):
        start = 10.0 * number
        embedding = np.eye(192, dtype=np.float32)[place].tolist()
        said = {"speaker": f"S{number}", "duration": 8.0, "embedding": embedding}
        records.append(synthetic_record("voice", **said))
        turn = {"speaker": f"S{number}", "score": 1.0}
        records.append(synthetic_record("turn", start, start + 8.0, **turn))
        records += synthetic_words([(f"S{number}", None, "Here I am.")], start)
    add_synthetic(root, ref, records, name="speakers")
    return ref.uri


@pytest.fixture
def two_people(tmp_path, monkeypatch):
    """The folder of a library: a.wav with Mary and another, b.wav with Mary and a third."""
    calibration = Calibration(21.2, -0.92, -0.39, -4.04)
    monkeypatch.setattr(match, "calibration_of", lambda model, kind: calibration)
    root = tmp_path / "people"
    uris = [_voiced(root, "a.wav", 0, 1), _voiced(root, "b.wav", 1, 2)]
    identify(Layout(root), uris)
    cast = sm.Cast(root)
    cast.name(next(who.id for who in cast.all() if len(who.samples) == 2), "Mary")
    return root
