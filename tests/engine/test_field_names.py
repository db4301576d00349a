"""The names of the fields of documents, found without decoding them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from amongo.engine.columns.names import field_names
from amongo.runtime.interrupts import NEVER
from amongo.values.codec import encode

NAMES = st.text("abcé", min_size=1, max_size=3)
VALUES = st.sampled_from([1, None, "text", 2.5, [1, 2], {"inside": 1}])


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=6), max_size=40))
def test_all_names_are_found_and_no_others(documents: list[dict[str, object]]) -> None:
    found = field_names(map(encode, documents), NEVER)
    assert set(found) == {name for document in documents for name in document}
    assert len(found) == len(set(found))


def test_names_stand_in_the_order_of_the_documents() -> None:
    documents = [{"_id": number, "b": 1, **({"rare": 1} if number == 700 else {}), "a": 2} for number in range(2000)]
    assert field_names(map(encode, documents), NEVER) == ["_id", "b", "rare", "a"]


def test_no_documents_have_no_names() -> None:
    assert field_names([], NEVER) == []
