"""Archives of mongodump: the format's bytes, round trips, and damage."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from bson import Int64
from bson import encode as bson_encode
from fastcrc import crc64
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.cli.transfer.archive import MAGIC, ArchiveReader, ArchiveWriter, Arrived
from amongo.cli.transfer.dump_metadata import COLLECTION, VIEW, Metadata, collection_of, file_stem, metadata_of
from amongo.cli.transfer.files import InputFile
from amongo.cli.transfer.malformed import MalformedInput
from amongo.values.codec import decode, encode
from tests.cli.drawn_documents import DOCUMENTS

END = b"\xff\xff\xff\xff"
ORDERS = Metadata("shop", "orders", COLLECTION, {}, ({"v": 2, "key": {"_id": 1}, "name": "_id_"},), "0" * 32)
VIEWED = Metadata("shop", "seen", VIEW, {"viewOn": "orders", "pipeline": []}, (), "")


def archive(*parts: bytes, collections: tuple[Metadata, ...] = (ORDERS,)) -> bytes:
    """An archive, its prelude made here by the format's own words."""
    header = {"concurrent_collections": 4, "version": "0.1", "server_version": "8.0.0", "tool_version": "100.9.0"}
    prelude = [
        {
            "db": each.database,
            "collection": each.collection,
            "metadata": each.text().decode(),
            "size": 0,
            "type": each.kind,
        }
        for each in collections
    ]
    return b"".join([MAGIC, bson_encode(header), *map(bson_encode, prelude), END, *parts])


def header(*, ends: bool, crc: int = 0, collection: str = "orders") -> bytes:
    return bson_encode({"db": "shop", "collection": collection, "EOF": ends, "CRC": Int64(crc)})


def signed(crc: int) -> int:
    return int(struct.unpack("<q", struct.pack("<Q", crc))[0])


def arrivals(content: bytes) -> list[Arrived]:
    return list(ArchiveReader(InputFile(io.BytesIO(content), "given", len(content))))


def test_the_bytes_of_an_archive() -> None:
    file = io.BytesIO()
    writer = ArchiveWriter(file, [ORDERS], server_version="8.0.0", tool_version="x")
    writer.begin(ORDERS)
    document = bson_encode({"_id": 1})
    writer.add(document)
    writer.end()
    content = file.getvalue()
    assert content.startswith(bytes.fromhex("6de29981"))
    checksum = signed(crc64.xz(document))
    assert content.endswith(END + header(ends=False) + document + END + header(ends=True, crc=checksum) + END)


def test_the_checksum_is_that_of_go() -> None:
    assert crc64.xz(b"123456789") == 0x995DC9BBDF1939FA  # CRC-64/XZ, which Go calls ECMA
    assert crc64.xz(b"a") == 0x330284772E652B05  # of the tests of Go's hash/crc64


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(DOCUMENTS, max_size=3), max_size=3))
def test_what_is_written_comes_back(batches: list[list[dict[str, Any]]]) -> None:
    file = io.BytesIO()
    writer = ArchiveWriter(file, [ORDERS, VIEWED], server_version="8.0.0", tool_version="x")
    writer.begin(ORDERS)
    for batch in batches:
        writer.add(b"".join(map(encode, batch)))
    writer.end()
    writer.begin(VIEWED)
    writer.end()
    reader = ArchiveReader(InputFile(io.BytesIO(file.getvalue()), "given", None))
    assert reader.collections == [ORDERS, VIEWED]
    expected = [Arrived("shop", "orders", encode(each)) for batch in batches for each in batch]
    assert list(reader) == [*expected, Arrived("shop", "orders", None), Arrived("shop", "seen", None)]


def test_collections_that_are_interleaved() -> None:
    other = Metadata("shop", "other", COLLECTION, {}, (), "")
    one, two, three = (bson_encode({"_id": at}) for at in range(3))
    content = archive(
        header(ends=False), one, END,
        header(ends=False, collection="other"), two, END,
        header(ends=False), three, END,
        header(ends=True, crc=signed(crc64.xz(one + three))), END,
        header(ends=True, crc=signed(crc64.xz(two)), collection="other"), END,
        collections=(ORDERS, other),
    )  # fmt: skip
    assert [(each.collection, each.raw) for each in arrivals(content)] == [
        ("orders", one), ("other", two), ("orders", three), ("orders", None), ("other", None),
    ]  # fmt: skip


ONE = bson_encode({"_id": 1})
WHOLE = archive(header(ends=False), ONE, END, header(ends=True, crc=signed(crc64.xz(ONE))), END)


def test_every_cut_archive_says_so() -> None:
    assert len(arrivals(WHOLE)) == 2
    for size in range(len(WHOLE)):
        with pytest.raises(MalformedInput):
            arrivals(WHOLE[:size])


def test_every_changed_byte_of_a_document_is_seen() -> None:
    at = WHOLE.rindex(ONE)
    for offset in range(at + 4, at + len(ONE)):
        damaged = bytearray(WHOLE)
        damaged[offset] ^= 0x01
        with pytest.raises(MalformedInput):
            arrivals(bytes(damaged))


DAMAGED = {
    "no archive": (b"PK\x03\x04", "no archive of mongodump"),
    "nothing": (b"", "no archive of mongodump"),
    "a version to come": (MAGIC + bson_encode({"version": "0.2"}) + END, "version '0.2'"),
    "another checksum": (archive(header(ends=False), ONE, END, header(ends=True, crc=1), END), "checksum"),
    "behind its end": (WHOLE + header(ends=False) + ONE + END, "goes on behind its end"),
    "nameless": (archive(bson_encode({"db": 1}), END), "names no collection"),
    "without its end": (archive(header(ends=False), ONE, END), "before shop.orders is whole"),
    "without its documents": (archive(), "ends before shop.orders"),
    "documents in the end": (archive(header(ends=True), ONE, END), "documents behind the end"),
}


@pytest.mark.parametrize(("content", "told"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_archives_say_what(content: bytes, told: str) -> None:
    with pytest.raises(MalformedInput) as failure:
        arrivals(content)
    assert told in str(failure.value)


STEMS = {
    "orders": "orders",
    "a/b": "a%2Fb",
    "per cent %": "per%20cent%20%25",
    "é": "%C3%A9",
    "a.b-c_d~$&+=:@": "a.b-c_d~$&+=:@",
    "x" * 255: "x" * 208 + "%24" + "6SZFnQdVPb4Lsc-wDdFWSxXR6oU",
}


@pytest.mark.parametrize(("collection", "stem"), list(STEMS.items())[:-1])
def test_names_of_files(collection: str, stem: str) -> None:
    assert file_stem(collection) == stem
    assert collection_of(stem) == collection


def test_a_long_name_is_cut_and_told_in_the_metadata() -> None:
    name = "x" * 255
    stem = file_stem(name)
    assert len(stem) == 238 and stem.startswith("x" * 208 + "%24") and file_stem("x" * 254) != stem
    metadata = Metadata("shop", name, COLLECTION, {}, (), "")
    assert metadata_of(metadata.text(), "shop", collection_of(stem), "given").collection == name


def test_metadata_of_mongodump() -> None:
    text = (
        b'{"options":{"capped":true,"size":{"$numberInt":"4096"}},"indexes":[{"v":{"$numberInt":"2"},'
        b'"key":{"a":{"$numberInt":"1"}},"name":"a_1","unique":true}],"uuid":"bfcab3f53d4547558db73692ff763ecb",'
        b'"collectionName":"log","type":"collection"}'
    )
    metadata = metadata_of(text, "shop", "log", "given")
    assert metadata.options == {"capped": True, "size": 4096}
    assert metadata.indexes == ({"v": 2, "key": {"a": 1}, "name": "a_1", "unique": True},)
    assert metadata.text() == text


@pytest.mark.parametrize(
    "text", [b"{", b"[]", b'{"options": 1}', b'{"indexes": {}}', b'{"indexes": [1]}', b"{}x", b"\xff"]
)
def test_malformed_metadata(text: bytes) -> None:
    with pytest.raises(MalformedInput, match="malformed metadata"):
        metadata_of(text, "shop", "orders", "given")


def test_the_prelude_is_bson() -> None:
    assert decode(WHOLE[4 : 4 + struct.unpack_from("<i", WHOLE, 4)[0]])["version"] == "0.1"
