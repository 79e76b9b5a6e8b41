"""Executor: every item is answered once, and what fails is an answer."""

from __future__ import annotations

import os
import signal

from sensorium.core.errors import WorkerError


def double(item):
    """Doubles; an odd kind of item ends the worker or raises."""
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "raise":
        raise ValueError("no")
    return item * 2


class ExecutorContract:
    """Of every Executor; `executor` is a fixture."""

    def test_every_item_is_answered_once_and_an_exception_is_an_answer(self, executor):
        answers = list(executor.map(double, [1, "raise", 3, "ab", 3]))
        assert sorted(index for index, _ in answers) == [0, 1, 2, 3, 4]
        told = dict(answers)
        assert (told[0], told[2], told[3], told[4]) == (2, 6, "abab", 6)
        assert isinstance(told[1], ValueError)
        assert str(told[1]) == "no"

    def test_no_items_are_no_answers(self, executor):
        assert list(executor.map(double, [])) == []


class WorkersContract(ExecutorContract):
    """Of an Executor that has workers."""

    def test_a_dying_worker_costs_its_own_item_only(self, executor):
        """Out of memory at one of many files is one error; the others under way are done again."""
        items = [1, 2, "die", 4, 5, "die", 7, 8]
        answers = list(executor.map(double, items))
        assert sorted(index for index, _ in answers) == list(range(8))
        told = dict(answers)
        assert [told[i] for i in (0, 1, 3, 4, 6, 7)] == [2, 4, 8, 10, 14, 16]
        for index in (2, 5):
            assert isinstance(told[index], WorkerError)
            assert "died while it worked on this input" in str(told[index])
