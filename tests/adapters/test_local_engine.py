"""Workers that fail, die and take others with them."""

import os
import signal
import time

import pytest

from sensorium.adapters.engines.local import InProcess, LocalPool
from sensorium.core.errors import WorkerError


def double(item):
    """Doubles; an odd kind of item ends the worker or raises."""
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "raise":
        raise ValueError("no")
    time.sleep(0.01)
    return item * 2


@pytest.mark.parametrize("engine", [InProcess(), LocalPool(2)], ids=["in process", "pool"])
def test_every_item_is_answered_once(engine):
    """Results and exceptions come back under the index of their item."""
    answers = dict(engine.map(double, [1, "raise", 3, "ab"]))
    assert (answers[0], answers[2], answers[3]) == (2, 6, "abab")
    assert isinstance(answers[1], ValueError)


def test_a_dying_worker_costs_its_own_item_only():
    """Out of memory at file 3 of 8 is one error; the others under way are done again."""
    items = [1, 2, "die", 4, 5, "die", 7, 8]
    answers = dict(LocalPool(2).map(double, items))
    assert sorted(answers) == list(range(8))
    assert [answers[i] for i in (0, 1, 3, 4, 6, 7)] == [2, 4, 8, 10, 14, 16]
    for index in (2, 5):
        assert isinstance(answers[index], WorkerError)
        assert "died while it worked on this input" in str(answers[index])
