"""Records hold exactly their columns; provenance is plain data."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.core.errors import UsageError
from sensorium.core.record import COMMON, INSTANTS, KINDS, Provenance, Record, digest
from sensorium.core.time import Span

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), PLAIN))
def test_digest_does_not_depend_on_the_order_of_keys(value):
    """The same data has the same name, in whichever order it was put together."""
    assert digest(dict(reversed(value.items()))) == digest(value)


def test_a_record_has_exactly_the_columns_of_its_kind():
    """A column too few is an error where it is made, not a null that appears later."""
    with pytest.raises(UsageError, match=r"'turn': expected the columns \['score', 'speaker'\]"):
        Record("turn", Span(0, 1), {"speaker": "S1"}, Provenance("m"))
    with pytest.raises(UsageError, match="expected one of media"):
        Record("turns", Span(0, 1), {}, Provenance("m"))


@pytest.mark.parametrize("kind", KINDS)
def test_only_an_instant_has_no_length(kind):
    """A shot or a turn of no length is a mistake, found where it is made."""
    values = {column.name: None for column in KINDS[kind]}
    if kind in INSTANTS:
        assert Record(kind, Span(1, 1), values, Provenance("m")).span == Span(1, 1)
    else:
        with pytest.raises(UsageError, match=rf"'{kind}': expected a span of some length"):
            Record(kind, Span(1, 1), values, Provenance("m"))


def test_records_cross_processes():
    """A worker's records arrive whole."""
    record = Record("shot", Span(0, 1), {"index": 0}, Provenance("m", "1", {"a": [1, 2]}))
    copy = pickle.loads(pickle.dumps(record))
    assert copy.provenance.plain() == record.provenance.plain()
    assert (copy.kind, copy.span, copy.values) == (record.kind, record.span, record.values)


def test_provenance_refuses_what_json_cannot_hold():
    """A parameter that could not be stored is refused at once."""
    with pytest.raises(TypeError):
        Provenance("m", "1", {"a": object()})


def test_no_kind_shadows_a_common_column():
    """Every column of every kind has one meaning and a description."""
    common = {column.name for column in COMMON}
    for kind, columns in KINDS.items():
        names = [column.name for column in columns]
        assert not common & set(names), kind
        assert len(set(names)) == len(names), kind
        assert all(column.doc for column in columns), kind
