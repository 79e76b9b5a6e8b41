"""What an agent has spent of its budget."""

from __future__ import annotations

import time
from typing import Any

from sensorium.core.people.inquiry import Budget, Price


class Stopped(Exception):
    """A budget is spent, or the user does not let something out."""


class Spending:
    """Counts over all that an agent does; the clock runs from `begin` on."""

    def __init__(self, budget: Budget, price: Price) -> None:
        self.budget, self._price = budget, price
        self._until: float | None = None
        self.calls, self.searches, self.pages, self.page_bytes, self.tokens = 0, 0, 0, 0, 0
        self.cost = 0.0

    def begin(self) -> None:
        """Starts the clock, once."""
        if self._until is None:
            self._until = time.monotonic() + self.budget.seconds

    def seconds_left(self) -> float:
        """How long it may go on."""
        return self.budget.seconds if self._until is None else self._until - time.monotonic()

    def check(self) -> None:
        """Raises Stopped when something of the budget is spent without which nothing goes on."""
        if self.calls >= self.budget.calls:
            raise Stopped(f"budget: all {self.budget.calls} calls are made")
        if self.tokens >= self.budget.tokens:
            raise Stopped(f"budget: {self.tokens} of {self.budget.tokens} tokens are used")
        if self._price != Price() and self.cost >= self.budget.money:
            raise Stopped(f"budget: {self.cost:.4f} of {self.budget.money} is spent")
        if self.seconds_left() < 0:
            raise Stopped(f"budget: {self.budget.seconds:g} s are over")

    def called(self, usage: Any) -> None:
        """Counts one call of the model."""
        there, back = usage.input_tokens or 0, usage.output_tokens or 0
        self.calls += 1
        self.tokens += there + back
        self.cost += (there * self._price.input + back * self._price.output) / 1e6

    def totals(self) -> dict[str, Any]:
        """What an answer tells of it."""
        return {name: getattr(self, name) for name in ("calls", "searches", "pages", "cost")}
