"""$redact: what stays of documents that say themselves who may see them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.aggregate import Environment, parse_pipeline
from amongo.errors import ServerError

NESTED = {
    "_id": 1,
    "l": 1,
    "a": {"l": 5, "x": 1},
    "b": [{"l": 2}, 3, [{"l": 9}, {"l": 0}]],
    "c": {"l": 2, "d": {"l": 9}},
}
BY_LEVEL = {"$cond": [{"$lte": ["$l", 3]}, "$$DESCEND", "$$PRUNE"]}


def redacted(expression: Any, document: dict[str, Any], **variables: Any) -> list[dict[str, Any]]:
    """What $redact leaves of one document."""
    environment = Environment("test", lambda database, collection: (), variables)
    return list(parse_pipeline([{"$redact": expression}], variables=variables).run([document], environment))


CASES: list[tuple[str, Any, list[dict[str, Any]]]] = [
    ("keep does not look inside", {"$cond": [{"$eq": ["$l", 1]}, "$$KEEP", "$$PRUNE"]}, [NESTED]),
    ("prune", "$$PRUNE", []),
    ("descend", BY_LEVEL, [{"_id": 1, "l": 1, "b": [{"l": 2}, 3, [{"l": 0}]], "c": {"l": 2}}]),
    (
        "the root is the whole document at any depth",
        {"$cond": [{"$and": [{"$eq": ["$$ROOT._id", 1]}, {"$ne": ["$$CURRENT.l", 5]}]}, "$$DESCEND", "$$PRUNE"]},
        [{key: value for key, value in NESTED.items() if key != "a"}],
    ),
    ("variables of the pipeline", {"$cond": [{"$gt": ["$l", "$$most"]}, "$$PRUNE", "$$KEEP"]}, []),
    ("the variables are strings", {"$literal": "prune"}, []),
]


@pytest.mark.parametrize(("name", "expression", "expected"), CASES, ids=[case[0] for case in CASES])
def test_what_stays(name: str, expression: Any, expected: list[dict[str, Any]]) -> None:
    assert redacted(expression, NESTED, most=0) == expected


@pytest.mark.parametrize("value", [None, "KEEP", 1, {}, [], "$missing", ["$$KEEP"], "$l"])
def test_another_value_is_refused(value: Any) -> None:
    with pytest.raises(ServerError) as caught:
        redacted(value, NESTED)
    assert caught.value.code == 17053


def test_its_variables_are_its_own() -> None:
    with pytest.raises(ServerError) as caught:
        parse_pipeline([{"$project": {"a": "$$KEEP"}}])
    assert caught.value.code == 17276


values = st.recursive(
    st.integers(0, 3), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("lab"), inner)
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from("lab"), values))
def test_descending_everywhere_changes_nothing(document: dict[str, Any]) -> None:
    assert redacted("$$DESCEND", document) == [document]
