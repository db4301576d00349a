"""Damaged files of every format: they are read, or refused as malformed, and nothing else happens."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from bson import encode as bson_encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amongo.cli.shell.language import ShellSyntaxError, statements_of
from amongo.cli.transfer.archive import ArchiveReader, ArchiveWriter
from amongo.cli.transfer.bson_input import BsonReader
from amongo.cli.transfer.csv_input import CsvOptions, CsvReader
from amongo.cli.transfer.dump_metadata import COLLECTION, Metadata, metadata_of
from amongo.cli.transfer.files import InputFile
from amongo.cli.transfer.json_input import JsonReader
from amongo.cli.transfer.malformed import MalformedInput
from amongo.cli.transfer.parquet_input import ParquetReader
from amongo.cli.transfer.parquet_output import ParquetWriter, shape_of
from amongo.values.codec import decode_foreign

DOCUMENTS = [{"_id": at, "a": [{"b": "é" * at}], "n": at * 1.5, "c": {"d": None}} for at in range(4)]
ORDERS = Metadata(
    "shop", "orders", COLLECTION, {"capped": True, "size": 4096}, ({"key": {"a": 1}, "name": "a_1"},), "00"
)
JSON = b"""[{"_id": {"$oid": "0123456789abcdef01234567"}, "d": {"$date": "2020-01-01T00:00:00Z"}, "x": [1, 2.5, null]},
 {"b": {"$binary": {"base64": "AQ==", "subType": "05"}}, "r": {"$date": 5}}]"""
SHELL = b"""use shop
db.orders.find({a: {$gt: NumberLong('5')}, r: /a[/]b/i}).sort({_id: -1}).limit(5); db['x y'].stats().n"""


def archive() -> bytes:
    file = io.BytesIO()
    writer = ArchiveWriter(file, [ORDERS], server_version="8.0.0", tool_version="x")
    writer.begin(ORDERS)
    for each in DOCUMENTS:
        writer.add(bson_encode(each))
    writer.end()
    return file.getvalue()


def parquet() -> bytes:
    file = io.BytesIO()
    writer = ParquetWriter(file, shape_of([decode_foreign(bson_encode(each)) for each in DOCUMENTS]))
    for each in DOCUMENTS:
        writer.add(bson_encode(each))
    writer.end()
    return file.getvalue()


def opened(content: bytes) -> InputFile:
    return InputFile(io.BytesIO(content), "given", len(content))


def read_parquet(content: bytes, path: Path) -> None:
    (path / "a.parquet").write_bytes(content)
    list(ParquetReader(str(path / "a.parquet")))


def read_archive(content: bytes, _: Path) -> None:
    list(ArchiveReader(opened(content)))


def read_shell(content: bytes, _: Path) -> None:
    try:
        statements_of(content.decode(errors="replace"))
    except ShellSyntaxError as error:
        raise MalformedInput from error


BSON = b"".join(map(bson_encode, DOCUMENTS))
CSV = b'a.int32(),b.date(2006-01-02),c.d.binary(base64)\n1,2020-01-01,"AQ=="\n2,2020-01-02,\n'
TYPED = CsvOptions(have_types=True)
FILES: dict[str, tuple[bytes, Callable[[bytes, Path], object]]] = {
    "json": (JSON, lambda content, _: list(JsonReader(opened(content)))),
    "bson": (BSON, lambda content, _: list(BsonReader(opened(content)))),
    "compressed": (gzip.compress(BSON, mtime=0), lambda content, _: list(BsonReader(opened(content)))),
    "csv": (CSV, lambda content, _: list(CsvReader(opened(content), TYPED))),
    "archive": (archive(), read_archive),
    "parquet": (parquet(), read_parquet),
    "metadata": (ORDERS.text(), lambda content, _: metadata_of(content, "shop", "orders", "given")),
    "shell": (SHELL, read_shell),
}
CHANGES = st.lists(
    st.tuples(st.sampled_from(["set", "insert", "remove", "cut", "repeat"]), st.floats(0, 1), st.binary(max_size=4)),
    min_size=1,
    max_size=4,
)


def changed(content: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    """The content with some bytes changed."""
    for kind, where, piece in changes:
        at = int(where * len(content))
        rest = {
            "set": content[at + len(piece) :],
            "insert": content[at:],
            "remove": content[at + len(piece) + 1 :],
            "cut": b"",
            "repeat": content[max(at - 20, 0) :],
        }[kind]
        content = content[:at] + (b"" if kind == "remove" else piece) + rest
    return content


@pytest.mark.parametrize(("content", "read"), FILES.values(), ids=FILES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(changes=CHANGES)
def test_damage_is_refused_or_read(
    tmp_path: Path, content: bytes, read: Callable[[bytes, Path], object], changes: list[tuple[str, float, bytes]]
) -> None:
    read(content, tmp_path)  # as it is, it is whole
    try:
        read(changed(content, changes), tmp_path)
    except MalformedInput:
        pass
