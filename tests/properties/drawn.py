"""What the property tests draw: documents, filters and sort patterns over few names, so that things meet."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b"])
SCALARS = st.one_of(
    st.integers(-2, 3),
    st.sampled_from([None, True, False, 0.0, -0.0, 1.5, 2.0, math.nan, math.inf, "", "a", "b", "é"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=2),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=2)
PATHS = st.sampled_from(["a", "b", "a.b", "a.a", "b.a.b", "a.0", "a.1", "a.0.b", "b.0.0"])
TYPES = {0: "null", 1: "number", 2: "string", 3: "object", 4: "array", 5: "bool"}

_conditions = st.one_of(
    *(st.tuples(st.just(name), VALUES) for name in ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")),
    *(st.tuples(st.just(name), st.lists(VALUES, max_size=3)) for name in ("$in", "$nin", "$all")),
    st.tuples(st.just("$exists"), st.booleans()),
    st.tuples(st.just("$type"), st.sampled_from(sorted(TYPES))),
    st.tuples(st.just("$size"), st.integers(0, 3)),
    st.tuples(st.just("$mod"), st.tuples(st.sampled_from([2, 3, -2]), st.integers(-1, 2)).map(list)),
)
_single_conditions = _conditions.filter(lambda pair: pair[0] not in ("$all", "$size", "$exists", "$ne", "$nin"))
_operators = st.tuples(_conditions, _conditions).map(dict) | _conditions.map(lambda pair: dict([pair]))
_single_operators = _single_conditions.map(lambda pair: dict([pair]))
_negated = _operators.map(lambda condition: {"$not": condition})
_flat = st.dictionaries(PATHS, VALUES | _operators | _negated, min_size=1, max_size=2)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    elements = (_single_operators | inner).map(lambda query: {"$elemMatch": query})
    logical = st.tuples(st.sampled_from(["$and", "$or", "$nor"]), st.lists(inner, min_size=1, max_size=2))
    return logical.map(lambda pair: dict([pair])) | st.dictionaries(PATHS, elements, min_size=1, max_size=1)


FILTERS = st.one_of(_flat, _nested(_flat), _nested(_nested(_flat)))
SORTS = st.dictionaries(st.sampled_from(["a", "b", "a.b", "b.a"]), st.sampled_from([1, -1]), min_size=1, max_size=2)


def with_type_names(query: Any) -> Any:
    """A filter of the model for MongoDB, which names types."""
    if type(query) is list:
        return [with_type_names(each) for each in query]
    if type(query) is not dict:
        return query
    return {name: TYPES[value] if name == "$type" else with_type_names(value) for name, value in query.items()}
