"""Whatever the filter and the document: the closure, the locating walk and the operators agree with each other."""

import copy
import math
from typing import Any

from bson import Decimal128, Int64
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.mql.matcher import parse_filter
from amongo.values.order import compare

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(-3, 3).map(Int64),
    st.sampled_from([0.0, -0.0, 1.5, math.nan, math.inf, Decimal128("1"), Decimal128("NaN"), "", "a", "b"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0", "1"]), inner, max_size=3)
    ),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b"]), VALUES, max_size=2)
PATHS = st.sampled_from(["a", "b", "a.b", "a.0", "a.b.0", "a.0.b", "a.1.a.b"])
OPERATORS = st.sampled_from(["$eq", "$gt", "$gte", "$lt", "$lte", "$ne"])


@settings(max_examples=300, deadline=None)
@given(PATHS, OPERATORS, SCALARS, DOCUMENTS)
def test_closure_and_walk_agree(path: str, operator: str, operand: Any, document: dict[str, Any]) -> None:
    tree = parse_filter({path: {operator: operand}})
    before = copy.deepcopy(document)
    assert tree.bind()(document) is tree.locate(document)[0]
    assert repr(document) == repr(before)


@settings(max_examples=300, deadline=None)
@given(PATHS, st.lists(SCALARS, max_size=4), DOCUMENTS)
def test_in_is_or_of_equalities(path: str, operands: list[Any], document: dict[str, Any]) -> None:
    found = parse_filter({path: {"$in": operands}}).bind()(document)
    assert found is any(parse_filter({path: {"$eq": each}}).bind()(document) for each in operands)
    assert parse_filter({path: {"$nin": operands}}).bind()(document) is not found


@settings(max_examples=300, deadline=None)
@given(OPERATORS, VALUES, SCALARS.filter(lambda value: value is not None))
def test_scalars_compare_as_the_total_order_within_a_bracket(operator: str, operand: Any, value: Any) -> None:
    if isinstance(operand, dict | list) or operand is None or any(map(_is_nan, (operand, value))):
        return
    found = parse_filter({"a": {operator: operand}}).bind()({"a": value})
    if isinstance(operand, bool) != isinstance(value, bool) or isinstance(operand, str) != isinstance(value, str):
        assert found is (operator == "$ne")
        return
    order = compare(value, operand)
    expected = {"$eq": order == 0, "$ne": order != 0, "$gt": order > 0, "$gte": order >= 0, "$lt": order < 0}
    assert found is expected.get(operator, order <= 0)


def _is_nan(value: Any) -> bool:
    return str(value).lower() == "nan"
