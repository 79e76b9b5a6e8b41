"""Small answers: a page of a list, with a mark for the next one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from sensorium.core.errors import UsageError

MOST = 200  # items on a page
Answer = dict[str, Any]


def page(items: Iterable[Any], cursor: str, limit: int, shown: Callable[[Any], Answer]) -> Answer:
    """``{"items": [...], "next": cursor or None}``: `limit` items from where the cursor stands.

    Only what is on the page is shown. Leave the cursor empty for the first page, then give ``next``.

    Raises:
        UsageError: a cursor that no answer gave, a limit out of range.
    """
    first = begin(cursor)
    if not 1 <= limit <= MOST:
        raise UsageError(f"limit: expected 1 to {MOST} items a page, got {limit}")
    found = list(islice(items, first, first + limit + 1))
    more = len(found) > limit
    return {
        "items": [plain(shown(each)) for each in found[:limit]],
        "next": f"from:{first + limit}" if more else None,
    }


def begin(cursor: str) -> int:
    """How many items lie before a cursor."""
    word, _, number = cursor.partition(":")
    if not cursor:
        return 0
    if word != "from" or not (number.isascii() and number.isdigit() and len(number) < 10):
        raise UsageError(
            f"cursor: expected the value `next` of the answer before, or nothing; got {cursor!r}"
        )
    return int(number)


def plain(value: Any) -> Any:
    """JSON: times to hundredths, no NaN, and in an object nothing that is unknown."""
    if isinstance(value, dict):
        told = {key: plain(each) for key, each in value.items()}
        return {key: each for key, each in told.items() if each not in (None, "", [])}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return round(value, 2) if math.isfinite(value) else None
    return value
