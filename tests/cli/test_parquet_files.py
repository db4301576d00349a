"""Parquet: documents come back exactly from files of amongo; other files mean what their types say, or are refused."""

from __future__ import annotations

import decimal
import json
import math
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bson import Binary, Decimal128, Int64
from bson.datetime_ms import DatetimeMS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amongo.cli.transfer import parquet_output
from amongo.cli.transfer.malformed import MalformedInput, Unwritable
from amongo.cli.transfer.parquet_input import ParquetReader
from amongo.cli.transfer.parquet_output import METADATA_KEY, ParquetWriter, shape_of
from amongo.values.codec import decode_foreign, encode
from tests.cli.drawn_documents import DOCUMENTS, SCALARS, numbered

SAME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def written(path: Path, documents: list[dict[str, Any]]) -> list[str]:
    """Write documents; the notices."""
    canonical = [decode_foreign(encode(each)) for each in documents]
    with open(path, "wb") as file:
        writer = ParquetWriter(file, shape_of(canonical))
        try:
            for each in canonical:
                writer.add(encode(each))
            writer.end()
        except BaseException:
            writer.give_up()
            raise
    return writer.notices


def read(path: Path, **options: Any) -> list[dict[str, Any]]:
    return [decode_foreign(raw) for _, raw in ParquetReader(str(path), **options)]


def told(value: Any, *, keeps_order: bool = True) -> str:
    """What tells values apart, with their types."""
    if type(value) is dict:
        names = value if keeps_order else sorted(value)
        return "{" + ",".join(f"{name!r}:{told(value[name])}" for name in names) + "}"
    if type(value) is list:
        return "[" + ",".join(map(told, value)) + "]"
    return f"{type(value).__name__}{encode({'': value}).hex()}"


@SAME
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=5))
def test_documents_come_back(tmp_path: Path, documents: list[dict[str, Any]]) -> None:
    given_documents = numbered(documents)
    notices = written(tmp_path / "a.parquet", given_documents)
    widened = any("became" in each for each in notices)
    found = read(tmp_path / "a.parquet")
    for before, after in zip(given_documents, found, strict=True):
        before = decode_foreign(encode(before))
        if widened:
            assert set(before) == set(after)
        else:  # the fields of the document itself come in the order of the columns
            assert told(after, keeps_order=False) == told(before, keeps_order=False)


@SAME
@given(values=st.lists(SCALARS, min_size=1, max_size=4), alike=st.booleans())
def test_one_column_of_values(tmp_path: Path, values: list[Any], alike: bool) -> None:
    values = [values[0]] * 3 if alike else values
    documents = [{"_id": at, "v": {"w": [each], "x": each}} for at, each in enumerate(values)]
    notices = written(tmp_path / "a.parquet", documents)
    if not notices:
        assert [told(each) for each in read(tmp_path / "a.parquet")] == [
            told(decode_foreign(encode(each))) for each in documents
        ]


TYPED = {
    "numbers": ([1, 2], pa.int32()),
    "longs": ([Int64(1)], pa.int64()),
    "widened": ([1, Int64(2)], pa.int64()),
    "widened to double": ([1, 2.5], pa.float64()),
    "long and double do not go together": ([Int64(2**62 + 1), 2.5], pa.string()),
    "dates": ([DatetimeMS(0)], pa.timestamp("ms", tz="UTC")),
    "documents": ([{"a": 1}, {"a": 2, "b": "x"}], pa.struct([("a", pa.int32()), ("b", pa.string())])),
    "arrays": ([[1], []], pa.list_(pa.int32())),
    "mixed": ([1, "x"], pa.string()),
    "missing and null": ([None, 1], pa.string()),
    "binaries of two subtypes": ([b"", Binary(b"", 5)], pa.string()),
    "documents in two orders": ([{"a": 1, "b": 2}, {"b": 1, "a": 2}], pa.string()),
    "empty documents": ([{}], pa.string()),
}


@pytest.mark.parametrize(("values", "kind"), TYPED.values(), ids=TYPED)
def test_columns_have_types(tmp_path: Path, values: list[Any], kind: pa.DataType) -> None:
    documents: list[dict[str, Any]] = [{"_id": at, "v": each} for at, each in enumerate(values)]
    if None in values:
        documents.append({"_id": -1})
    notices = written(tmp_path / "a.parquet", documents)
    assert pq.read_schema(tmp_path / "a.parquet").field("v").type == kind
    assert bool(notices) == (kind in (pa.int64(), pa.float64()) and len(values) == 2)


def test_row_groups_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_output, "PARQUET_GROUP_COUNT", 10)
    written(tmp_path / "a.parquet", [{"_id": at} for at in range(25)])
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 3
    assert read(tmp_path / "a.parquet") == [{"_id": at} for at in range(25)]


def test_no_documents(tmp_path: Path) -> None:
    written(tmp_path / "a.parquet", [])
    assert read(tmp_path / "a.parquet") == []


@pytest.mark.parametrize(
    "late", [{"_id": 1, "b": 1}, {"_id": "x"}, {"a": 1}, {"_id": 1, "a": {"c": 1}}, {"_id": 1, "a": 1}]
)
def test_documents_that_came_later_are_refused(late: dict[str, Any], tmp_path: Path) -> None:
    with open(tmp_path / "a.parquet", "wb") as file:
        writer = ParquetWriter(file, shape_of([{"_id": 1, "a": {"b": 1}}]))
        with pytest.raises(Unwritable, match="has changed"):
            writer.add(encode(late))
            writer.end()
        writer.give_up()


FOREIGN = {
    "int8": (pa.array([1, None], pa.int8()), [1, None]),
    "uint16": (pa.array([1], pa.uint16()), [1]),
    "uint32": (pa.array([2**32 - 1], pa.uint32()), [Int64(2**32 - 1)]),
    "int64": (pa.array([1], pa.int64()), [Int64(1)]),
    "float": (pa.array([1.5], pa.float32()), [1.5]),
    "decimal": (pa.array([decimal.Decimal("1.50")]), [Decimal128("1.50")]),
    "date32": (pa.array([date(1969, 12, 31)]), [DatetimeMS(-86_400_000)]),
    "timestamp s": (pa.array([2**40], pa.timestamp("s")), [DatetimeMS(2**40 * 1000)]),
    "timestamp ns": (pa.array([-1_000_000], pa.timestamp("ns")), [DatetimeMS(-1)]),
    "large string": (pa.array(["x"], pa.large_string()), ["x"]),
    "binary": (pa.array([b"x"]), [b"x"]),
    "dictionary": (pa.array(["x", "y", "x"]).dictionary_encode(), ["x", "y", "x"]),
    "list": (pa.array([[1, None], None, []], pa.list_(pa.int32())), [[1, None], None, []]),
    "fixed list": (pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)), [[1, 2], None, [3, 4]]),
    "struct": (pa.array([{"a": [{"b": 1}]}, None]), [{"a": [{"b": Int64(1)}]}, None]),
    "map": (pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32())), [{"k": 1}, None, {}]),
    "null": (pa.nulls(2), [None, None]),
    "bool": (pa.array([True, False]), [True, False]),
}


@pytest.mark.parametrize(("column", "values"), FOREIGN.values(), ids=FOREIGN)
def test_types_of_other_files(tmp_path: Path, column: pa.Array, values: list[Any]) -> None:
    pq.write_table(pa.table({"v": column}), tmp_path / "a.parquet")
    found = [each["v"] for each in read(tmp_path / "a.parquet")]
    assert [told(each) for each in found] == [told(each) for each in values]
    left = [each.get("v", "left out") for each in read(tmp_path / "a.parquet", ignores_nulls=True)]
    assert [each == "left out" for each in left] == [each is None for each in values]


REFUSED = {
    "time of day": pa.array([time(1)]),
    "duration": pa.array([1], pa.duration("s")),
    "uint64": pa.array([2**63], pa.uint64()),
    "decimal of 38 digits": pa.array([decimal.Decimal("1" * 38)]),
    "map of numbers": pa.array([[(1, 1)]], pa.map_(pa.int32(), pa.int32())),
}


@pytest.mark.parametrize("column", REFUSED.values(), ids=REFUSED)
def test_types_that_are_refused(tmp_path: Path, column: pa.Array) -> None:
    pq.write_table(pa.table({"v": column}), tmp_path / "a.parquet")
    with pytest.raises(MalformedInput, match="column 'v'"):
        read(tmp_path / "a.parquet")


def test_dates_that_are_cut_off_are_counted(tmp_path: Path) -> None:
    moments = [datetime(2020, 1, 1, microsecond=at) for at in (0, 1, 1500)]
    pq.write_table(pa.table({"v": pa.array(moments, pa.timestamp("us"))}), tmp_path / "a.parquet")
    reader = ParquetReader(str(tmp_path / "a.parquet"))
    assert len(list(reader)) == 3
    assert dict(reader.notices) == {"column v: dates cut off below a millisecond": 2}


@pytest.mark.parametrize("size", [0, 1, 100, -1])
def test_cut_files(tmp_path: Path, size: int) -> None:
    written(tmp_path / "a.parquet", [{"_id": at} for at in range(5)])
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(content[:size])
    with pytest.raises(MalformedInput, match="no whole Parquet file"):
        read(tmp_path / "b.parquet")


BAD_METADATA = [
    "{", "[]", '{"v": 1}', '{"v": {"bson": "int", "absent": "?"}}', '{"v": {"bson": "array", "absent": "null"}}',
    '{"v": {"bson": "date", "absent": "null"}}', '{"v": {"bson": "object", "absent": "null", "fields": {}}}',
    '{"v": {"bson": "binData", "absent": "null", "subtype": 256}}', '{"v": {"bson": "nope", "absent": "null"}}',
]  # fmt: skip


@pytest.mark.parametrize("metadata", BAD_METADATA)
def test_metadata_that_lies(tmp_path: Path, metadata: str) -> None:
    table = pa.table({"v": pa.array(["x"])}).replace_schema_metadata({METADATA_KEY: metadata.encode()})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(MalformedInput):
        read(tmp_path / "a.parquet")


def test_the_metadata_is_json(tmp_path: Path) -> None:
    written(tmp_path / "a.parquet", [{"_id": 1, "v": [math.nan]}])
    metadata = pq.read_schema(tmp_path / "a.parquet").metadata
    assert json.loads(metadata[METADATA_KEY])["v"] == {
        "bson": "array", "absent": "null", "element": {"bson": "double", "absent": "null"},
    }  # fmt: skip
