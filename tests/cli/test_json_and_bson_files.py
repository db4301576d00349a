"""Files of JSON and BSON: everything comes back, in blocks of any size; a cut or damaged file says where."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from typing import Any

import pytest
from bson import encode as bson_encode
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.cli.transfer import bson_input, json_input
from amongo.cli.transfer.bson_input import BsonReader
from amongo.cli.transfer.files import InputFile
from amongo.cli.transfer.json_input import JsonReader
from amongo.cli.transfer.malformed import MalformedInput
from amongo.cli.transfer.writer import BsonWriter, JsonWriter, documents_of
from amongo.values.codec import encode
from tests.cli.drawn_documents import DOCUMENTS


def opened(content: bytes) -> InputFile:
    return InputFile(io.BytesIO(content), "given", len(content))


def json_of(content: bytes | str) -> list[tuple[int, bytes]]:
    return list(JsonReader(opened(content.encode() if isinstance(content, str) else content)))


@pytest.mark.parametrize("is_array", [False, True])
@settings(max_examples=50, deadline=None)
@given(documents=st.lists(DOCUMENTS, max_size=4), block_bytes=st.integers(1, 40))
def test_json_comes_back(documents: list[dict[str, Any]], block_bytes: int, is_array: bool) -> None:
    raws = [encode(each) for each in documents]
    file = io.BytesIO()
    writer = JsonWriter(file, is_canonical=True, is_array=is_array)
    for raw in raws:
        writer.add(raw)
    writer.end()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_input.JsonReader._more, "__defaults__", (block_bytes,))
        patch.setattr(json_input, "READ_BLOCK_BYTES", block_bytes)
        assert [raw for _, raw in json_of(file.getvalue())] == raws


TEXTS = {
    "lines": '{"a": 1}\n{"a": 2}\n',
    "one behind the other": '{"a": 1}{"a": 2}',
    "over lines": '{"a":\n1}\n\n  {"a"\n:2}',
    "array": ' [ {"a": 1} , {"a": 2} ] ',
    "byte order mark": '\ufeff{"a": 1}\r\n{"a": 2}',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_ways_to_write_documents(text: str) -> None:
    assert [raw for _, raw in json_of(text)] == [bson_encode({"a": 1}), bson_encode({"a": 2})]


def test_places_are_lines() -> None:
    assert [line for line, _ in json_of('{}\n\n{"a":\n1}{}\n{}')] == [1, 3, 4, 5]


@pytest.mark.parametrize("text", ["", " \n", "[]", " [ ] \n"])
def test_nothing(text: str) -> None:
    assert json_of(text) == []


MALFORMED = {
    "a number": ("1", "line 1, column 1: a document is expected"),
    "a second line that is none": ('{"a": 1}\n{"a": }\n', "line 2, column 7: Expecting value"),
    "cut within": ('{"a": 1}\n{"a": [1, ', "line 2"),
    "cut within a string": ('{"a": "b', "line 1"),
    "an open array": ('[{"a": 1}', "the array ends too early"),
    "an open array behind a comma": ('[{"a": 1},', "the array ends too early"),
    "a comma too many": ('[{"a": 1},]', "a document is expected behind"),
    "no comma": ('[{"a": 1} {"a": 2}]', "is expected"),
    "behind the array": ("[] {}", "nothing may follow"),
    "a comma in lines": ('{"a": 1},\n{"a": 2}', "line 1, column 9: a document is expected"),
    "a wrapper": ('{}\n{"a": {"$oid": "x"}}', "line 2, column 1: malformed {$oid}"),
    "a wrapper alone": ('{"$oid": "0123456789abcdef01234567"}', "line 1"),
    "a single quote": ("{'a': 1}", "line 1, column 2"),
    "nested a little too deep": ("{" + '"a": {' * 201 + "}" * 202, "nested too deep"),
    "nested too deep": ("{" + '"a": {' * 5000 + "}" * 5001, "nested too deep"),
    "invalid UTF-8": (b'{"a": 1}\n{"a": "\xff"}', "near byte 16"),
    "half of a surrogate pair": ('{"a": "\\ud800"}', "line 1"),
}


@pytest.mark.parametrize(("text", "told"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_json_says_where(text: str | bytes, told: str) -> None:
    with pytest.raises(MalformedInput) as failure:
        json_of(text)
    assert told in str(failure.value) and str(failure.value).startswith("given")


def test_a_document_that_does_not_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_input, "JSON_DOCUMENT_CHARACTERS", 1000)
    monkeypatch.setattr(json_input, "READ_BLOCK_BYTES", 64)
    monkeypatch.setattr(json_input.JsonReader._more, "__defaults__", (64,))
    file = opened(b'{"a": "' + b"x" * 100_000)
    with pytest.raises(MalformedInput, match="a document does not end"):
        list(JsonReader(file))
    assert file.position_bytes < 10_000


@pytest.mark.parametrize("read", [JsonReader, BsonReader])
def test_every_cut_file_says_so_or_ends_between_documents(read: Callable[[InputFile], Any]) -> None:
    documents = [bson_encode({"_id": at, "a": [{"b": "é" * at}]}) for at in range(3)]
    file = io.BytesIO()
    writer = JsonWriter(file, is_canonical=True, is_array=False) if read is JsonReader else BsonWriter(file)
    ends = {0}
    for raw in documents:
        writer.add(raw)
        ends.add(len(file.getvalue()))
    content = file.getvalue()
    for size in range(len(content) + 1):
        found = []
        try:
            for _, raw in read(opened(content[:size])):
                found.append(raw)
            is_whole = True
        except MalformedInput:
            is_whole = False
        assert found == documents[: len(found)]
        assert is_whole == (size in ends or (read is JsonReader and size + 1 in ends))


@settings(max_examples=50, deadline=None)
@given(documents=st.lists(DOCUMENTS, max_size=4), block_bytes=st.integers(1, 40))
def test_bson_comes_back(documents: list[dict[str, Any]], block_bytes: int) -> None:
    raws = [encode(each) for each in documents]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bson_input, "READ_BLOCK_BYTES", block_bytes)
        assert [raw for _, raw in BsonReader(opened(b"".join(raws)))] == raws
    assert list(documents_of(b"".join(raws))) == raws


DAMAGED = {
    "no length": (b"\x05\x00", "byte 0: the file ends within the length"),
    "a negative length": (b"\xff\xff\xff\xff\x00", "cannot be -1 bytes"),
    "a length of nothing": (b"\x00\x00\x00\x00", "cannot be 0 bytes"),
    "a huge length": (b"\xff\xff\xff\x7f" + b"\x00" * 20, "cannot be 2147483647 bytes"),
    "a length past the end": (b"\x00\x01\x00\x00\x00", "ends after 5 of the 256 bytes"),
    "no end": (b"\x05\x00\x00\x00\x01", "damaged document"),
    "an unknown type": (b"\x08\x00\x00\x00\x77a\x00\x00", "damaged document"),
    "behind a whole one": (bson_encode({"a": 1}) + b"\x01", "byte 12"),
}


@pytest.mark.parametrize(("content", "told"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_bson_says_where(content: bytes, told: str) -> None:
    with pytest.raises(MalformedInput) as failure:
        list(BsonReader(opened(content)))
    assert told in str(failure.value)


def test_compressed_files_are_known_by_their_first_bytes() -> None:
    raws = [bson_encode({"_id": at}) for at in range(100)]
    content = gzip.compress(b"".join(raws))
    file = opened(content)
    assert [raw for _, raw in BsonReader(file)] == raws
    assert file.position_bytes == len(content)


def test_cut_and_damaged_compressed_files() -> None:
    content = gzip.compress(b"".join(bson_encode({"_id": at}) for at in range(100)))
    with pytest.raises(MalformedInput, match="the compressed data ends too early"):
        list(BsonReader(opened(content[:-20])))
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 0xFF
    with pytest.raises(MalformedInput, match="damaged"):
        list(BsonReader(opened(bytes(damaged))))
