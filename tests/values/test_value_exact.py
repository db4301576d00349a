"""The exact codec: against the C codec on what that keeps, and on its own for the rest."""

from typing import Any

import bson
import canonical_values as canonical
import pytest
from bson import Binary, Code, Int64, ObjectId
from bson.errors import InvalidBSON, InvalidDocument
from bson.raw_bson import RawBSONDocument
from hypothesis import example, given, settings
from hypothesis import strategies as st

from amongo.runtime.limits import BSON_DEPTH
from amongo.values.codec import CODEC, decode, decode_foreign, encode
from amongo.values.deprecated import UNDEFINED, DBPointer, Symbol
from amongo.values.exact import decode_exact, encode_exact

OID = ObjectId("0123456789abcdef01234567")
kept_documents = st.dictionaries(canonical.names, canonical.kept_values, max_size=4)
stored_documents = st.dictionaries(
    canonical.names | st.sampled_from(["$ref", "$id", "$db"]), canonical.stored_values, max_size=4
)


def typed(value: Any) -> Any:
    """A value with its exact type at every depth, to compare by."""
    if isinstance(value, dict):
        return [(name, typed(field)) for name, field in value.items()]
    if isinstance(value, list):
        return [typed(element) for element in value]
    scope = typed(value.scope) if isinstance(value, Code) and value.scope is not None else None
    return type(value), repr(value), scope


@settings(max_examples=300, deadline=None)
@given(kept_documents)
def test_bytes_are_the_c_codecs(document: dict[str, Any]) -> None:
    assert encode_exact(document) == bson.encode(document, codec_options=CODEC)


@settings(max_examples=300, deadline=None)
@given(kept_documents)
def test_values_are_the_c_codecs(document: dict[str, Any]) -> None:
    raw = bson.encode(document, codec_options=CODEC)
    assert typed(decode_exact(raw)) == typed(bson.decode(raw, CODEC))


@settings(max_examples=300, deadline=None)
@given(stored_documents)
def test_every_type_survives_the_round_trip(document: dict[str, Any]) -> None:
    raw = encode_exact(document)
    assert typed(decode_exact(raw)) == typed(document)
    assert encode_exact(decode_exact(raw)) == raw


# Documents in which nearly everything looks like an element of a deprecated type: names that are empty or made of their
# type bytes, values of their lengths, and such elements, at every depth and at the end of documents.
_alike_names = st.sampled_from(["", "a", "\x06", "\x0c", "\x0e", "\x06a", "b\x0e", "lsid"])
_alike_values = st.one_of(
    st.sampled_from([UNDEFINED, 6, 12, 14, Int64(6 << 32), 0x0E0C0600, 1.0, None, True]),
    st.builds(Symbol, st.sampled_from(["", "x", "hello", "0123456789ab"])),
    st.builds(DBPointer, st.sampled_from(["", "c"]), st.just(OID)),
    st.sampled_from(["", "bench", "0123456789a", "0123456789abc", "\x06\x0c\x0e"]),
    st.builds(
        Binary, st.sampled_from([b"", b"\x06", b"\x0c\0\1\0\0\0", b"\x0e\0\2\0\0\0x\0"]), st.sampled_from([0, 4])
    ),
)
_alike_documents = st.dictionaries(
    _alike_names,
    st.recursive(
        _alike_values,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_alike_names, inner, max_size=2),
        max_leaves=4,
    ),
    max_size=4,
)


@settings(max_examples=500, deadline=None)
@given(_alike_documents, st.booleans())
@example({"a": {"b": {"": UNDEFINED}}, "lsid": 1}, False)
@example({"": Symbol("")}, False)
def test_deprecated_types_are_seen_in_what_others_encode(document: dict[str, Any], is_long: bool) -> None:
    raw = encode_exact(document | ({"long": Binary(bytes(1 << 16), 0)} if is_long else {}))
    assert typed(decode_foreign(raw)) == typed(decode_exact(raw))


def test_dbref_stays_a_document() -> None:
    document: dict[str, Any] = {"a": {"$ref": "c", "$id": OID, "$db": "d", "x": 1}, "b": [{"$id": 1, "$ref": "c"}]}
    assert list(decode(encode(document))["a"].items()) == list(document["a"].items())
    assert typed(decode(encode(document))) == typed(document)


WIRE: list[tuple[str, dict[str, Any], str]] = [
    ("undefined", {"a": UNDEFINED}, "08000000 06 6100 00"),
    ("symbol", {"a": Symbol("x")}, "0e000000 0e 6100 02000000 7800 00"),
    ("DBPointer", {"a": DBPointer("b", OID)}, "1a000000 0c 6100 02000000 6200 0123456789abcdef01234567 00"),
    ("long", {"a": Int64(1)}, "10000000 12 6100 0100000000000000 00"),
    ("code with scope", {"a": Code("x", {})}, "17000000 0f 6100 0f000000 02000000 7800 0500000000 00"),
]


@pytest.mark.parametrize(("name", "document", "expected"), WIRE, ids=[each[0] for each in WIRE])
def test_bytes_on_the_wire(name: str, document: dict[str, Any], expected: str) -> None:
    assert encode_exact(document) == bytes.fromhex(expected)
    assert typed(decode_exact(bytes.fromhex(expected))) == typed(document)
    assert typed(decode_foreign(bytes.fromhex(expected))) == typed(document)
    assert encode(document) == bytes.fromhex(expected)


def test_raw_documents_are_taken_as_they_are() -> None:
    raw = encode_exact({"a": UNDEFINED})
    assert decode_exact(encode_exact({"d": RawBSONDocument(raw)})) == {"d": {"a": UNDEFINED}}


BROKEN: list[tuple[str, str]] = [
    ("nothing", ""),
    ("too short", "04000000"),
    ("length past the end", "06000000 00"),
    ("bytes after the end", "05000000 00 00"),
    ("negative length", "ffffffff 00"),
    ("no closing NUL", "05000000 01"),
    ("name without end", "07000000 10 61 00"),
    ("int cut short", "0b000000 10 6100 010000 00"),
    ("element over the closing NUL", "0b000000 10 6100 00000000"),
    ("unknown type", "08000000 55 6100 00"),
    ("string of length 0", "0c000000 02 6100 00000000 00"),
    ("string of negative length", "0e000000 02 6100 ffffffff 6100 00"),
    ("string past the document", "0e000000 02 6100 ff000000 6100 00"),
    ("string without NUL", "0e000000 02 6100 02000000 6162 00"),
    ("invalid UTF-8 in a string", "0e000000 02 6100 02000000 ff00 00"),
    ("invalid UTF-8 in a name", "08000000 0a ff00 00"),
    ("bool of 2", "09000000 08 6100 02 00"),
    ("binary past the document", "0e000000 05 6100 ff000000 00 61 00"),
    ("binary of negative length", "0e000000 05 6100 ffffffff 00 61 00"),
    ("subtype 2 with a wrong inner length", "11000000 05 6100 04000000 02 01000000 00"),
    ("document inside past its parent", "0d000000 03 6100 ff000000 00 00"),
    ("array inside without NUL", "0d000000 04 6100 05000000 01 00"),
    ("code with scope shorter than its parts", "17000000 0f 6100 0e000000 02000000 7800 0500000000 00"),
    ("code with scope longer than its parts", "18000000 0f 6100 10000000 02000000 7800 0500000000 00 00"),
    ("ObjectId cut short", "0c000000 07 6100 01020304 00"),
]


@pytest.mark.parametrize(("name", "raw"), BROKEN, ids=[each[0] for each in BROKEN])
def test_broken_bytes_are_refused(name: str, raw: str) -> None:
    with pytest.raises(InvalidBSON):
        decode_exact(bytes.fromhex(raw))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40) | stored_documents.map(encode_exact), st.data())
@example(encode_exact({"a": [Code("x", {"b": 1})]}), None)
def test_damaged_bytes_give_a_document_or_invalid_bson(raw: bytes, data: Any) -> None:
    damaged = bytearray(raw)
    if data is not None and damaged:
        for place in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=3)):
            damaged[place] = data.draw(st.integers(0, 255))
    try:
        document = decode_exact(bytes(damaged))
    except InvalidBSON:
        return
    assert typed(decode_exact(encode_exact(document))) == typed(document)


def deep(levels: int) -> dict[str, Any]:
    document: dict[str, Any] = {"a": UNDEFINED}
    for level in range(levels - 1):
        document = {"a": document} if level % 2 else {"a": document, "b": []}
    return document


def test_nesting_has_a_limit() -> None:
    deepest = deep(1 + BSON_DEPTH)
    assert decode_exact(encode_exact(deepest)) == deepest
    with pytest.raises(InvalidDocument):
        encode_exact(deep(2 + BSON_DEPTH))
    inner = encode_exact(deepest)
    wrapped = (len(inner) + 8).to_bytes(4, "little") + b"\x03a\0" + inner + b"\0"
    with pytest.raises(InvalidBSON):
        decode_exact(wrapped)


UNENCODABLE: list[tuple[str, Any, type[Exception]]] = [
    ("alien value", {"a": object()}, InvalidDocument),
    ("alien in an array", {"a": [{1}]}, InvalidDocument),
    ("number as a name", {1: 1}, InvalidDocument),
    ("NUL in a name", {"a\0b": 1}, InvalidDocument),
    ("NUL in a regex", {"a": bson.Regex("a\0")}, InvalidDocument),
    ("integer past 64 bits", {"a": 2**63}, OverflowError),
    ("lone surrogate", {"a": "\ud800"}, UnicodeEncodeError),
]


@pytest.mark.parametrize(("name", "document", "expected"), UNENCODABLE, ids=[each[0] for each in UNENCODABLE])
def test_what_cannot_be_encoded(name: str, document: Any, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        encode_exact(document)
    with pytest.raises(expected):
        bson.encode(document, codec_options=CODEC)
