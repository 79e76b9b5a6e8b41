"""Sound that arrives faster than it is understood: nothing dropped, and it is said."""

from threading import Event

import numpy as np
import pytest

from sensorium.core.errors import MediaError
from sensorium.core.events import NoteEvent
from sensorium.core.media import Audio
from sensorium.pipelines.live.pace import Inbox, Pace

RATE = 16_000


def pieces(seconds, size):
    """Numbered samples in pieces."""
    samples = np.arange(round(seconds * RATE), dtype=np.float32)
    num = round(size * RATE)
    for first in range(0, len(samples), num):
        yield Audio(samples[None, first : first + num], RATE, first / RATE)


@pytest.mark.parametrize("size", [0.02, 0.5, 7.0])
def test_every_sample_comes_once_and_in_order(size):
    told = list(Inbox(pieces(40.0, size), lambda: False))
    np.testing.assert_array_equal(
        np.concatenate([each.mono() for each in told]), np.arange(40 * RATE, dtype=np.float32)
    )
    assert max(each.duration for each in told) < 10.0 + size


def test_what_piled_up_is_taken_at_once():
    arrived = Event()

    def source():
        yield from pieces(8.0, 0.5)
        arrived.set()
        yield NoteEvent("rate", "changed", 8.0)

    told = []
    for item in Inbox(source(), lambda: False):
        arrived.wait(5)  # the first piece takes long to be understood
        told.append(item)
    assert [each.kind for each in told if isinstance(each, NoteEvent)] == ["rate"]
    assert max(each.duration for each in told if isinstance(each, Audio)) > 3.0


def test_the_error_of_a_source_comes_after_its_sound():
    def source():
        yield from pieces(3.0, 0.1)
        raise MediaError("broke")

    told = []
    with pytest.raises(MediaError, match="broke"):
        told.extend(Inbox(source(), lambda: False))
    assert sum(each.duration for each in told) == pytest.approx(3.0)


def test_stopping_gives_out_what_has_arrived_and_ends_a_source_without_end():
    stop, closed = Event(), Event()

    def source():
        try:
            while True:
                yield from pieces(0.5, 0.5)
        finally:
            closed.set()

    told = 0.0
    for each in Inbox(source(), stop.is_set):
        told += each.duration
        stop.set()
        if told > 1000:
            break
    assert closed.wait(5)


def test_falling_behind_is_told_once_until_it_has_doubled_and_catching_up_too():
    pace = Pace()
    lates = [0.1, 1.9, 2.5, 3.0, 4.9, 5.2, 6.0, 1.5, 0.9, 0.1, 2.1]
    kinds = [[note.kind for note in pace.step(late, 0.0)] for late in lates]
    behind = [i for i, kind in enumerate(kinds) if kind == ["behind"]]
    assert behind == [2, 5, 10]
    assert [i for i, kind in enumerate(kinds) if kind == ["resumed"]] == [8]
