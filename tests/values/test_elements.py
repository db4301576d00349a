"""Top-level elements are found in a document's bytes where decoding it says that they are."""

from typing import Any

import bson
import pytest
from bson import Code, Int64, ObjectId, Regex, Timestamp
from hypothesis import example, given
from hypothesis import strategies as st

from amongo.values.codec import CODEC, encode
from amongo.values.elements import READERS, WRITERS, Place, find_layout, locate

NAMES = ("a", "b", "c.d", "é", "long name")
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31 - 1)
    | st.integers(-(2**63), 2**63 - 1).map(Int64)
    | st.floats()
    | st.text(max_size=8)
    | st.text(alphabet="xé\0", min_size=200, max_size=300)
    | st.binary(max_size=8)
    | st.just(ObjectId(b"0123456789ab"))
    | st.just(Timestamp(1, 2))
    | st.just(Code("f()", {"x": 1}))
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner)
)
documents = st.dictionaries(st.sampled_from(NAMES), values)


def element(raw: bytes, place: Place) -> dict[str, Any]:
    """The element at a place, as a document of its own."""
    start, end = place
    body = raw[start:end]
    return bson.decode((len(body) + 5).to_bytes(4, "little") + body + b"\0", CODEC)


@given(documents, documents, st.lists(st.sampled_from(NAMES), unique=True))
@example({"a": "x\0y", "b": 1}, {"a": "x", "b": 1}, ["b"])
@example({"a": "xx", "b": 1}, {"a": "x\0\x10b\0\0\0\0\0", "b": 1}, ["b"])
@example({"a": 1}, {"a": 1, "b": 2}, ["a", "b"])
def test_a_layout_finds_what_decoding_finds_or_says_that_it_does_not_fit(
    taught: dict[str, Any], document: dict[str, Any], names: list[str]
) -> None:
    for source, must_fit in ((taught, False), (document, True)):
        layout = find_layout(encode(source), names)
        assert layout is not None
        raw = encode(document)
        places: list[Place | None] = [None] * len(names)
        if not locate(raw, layout, places):
            assert not must_fit
            continue
        for name, place in zip(names, places, strict=True):
            found = {} if place is None else element(raw, place)
            expected = {name: document[name]} if name in document else {}
            assert encode(found) == encode(expected)


def test_a_value_whose_size_is_not_in_front_of_it_ends_the_search() -> None:
    raw = encode({"a": 1, "pattern": Regex("x", "i"), "b": 2})
    assert find_layout(raw, ["a"]) is not None
    assert find_layout(raw, ["b"]) is None


@pytest.mark.parametrize(
    "value", [1, -(2**31), Int64(2**63 - 1), 1.5, -0.0, True, False, "", "naïve\0", None, ObjectId(b"0123456789ab")]
)
def test_what_is_written_is_what_the_codec_writes(value: Any) -> None:
    raw = encode({"n": value})
    assert WRITERS[type(value)](b"n\0", value) == raw[4:-1]
    if raw[4] in READERS:
        read = READERS[raw[4]](raw, 7)
        assert (type(read), repr(read)) == (type(value), repr(value))
