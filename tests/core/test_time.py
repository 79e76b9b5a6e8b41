"""Seconds and indices."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.core.errors import UsageError
from sensorium.core.time import Axis, Span


@pytest.mark.parametrize("bounds", [(math.nan, 1.0), (0.0, math.inf), (2.0, 1.0)])
def test_span_refuses_what_is_no_interval(bounds):
    """A wrong interval is refused where it is made, with its numbers."""
    with pytest.raises(UsageError, match=r"Span: expected"):
        Span(*bounds)


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e3), st.integers(-1000, 100_000))
def test_axis_index_is_the_inverse_of_span(start, step, index):
    """The row that starts at a position is the row that is found there."""
    axis = Axis("time", start, step, step, "s")
    assert axis.index(axis.span(index).start) == index


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_overlap_is_symmetric_and_bounded(a, b, c, d):
    """Overlap does not depend on the order and never exceeds either span."""
    one, two = Span(min(a, b), max(a, b)), Span(min(c, d), max(c, d))
    assert one.overlap(two) == two.overlap(one) <= min(one.duration, two.duration)
