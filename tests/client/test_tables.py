"""Collections and results as Arrow tables, DataFrames, and SQL over them."""

from __future__ import annotations

import datetime
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from bson import Decimal128, Int64, ObjectId
from pymongo.errors import OperationFailure

from amongo import AsyncDatabase, AsyncMongoClient, MongoClient

pytestmark = pytest.mark.anyio

OWNER = ObjectId(b"0123456789ab")
WHEN = datetime.datetime(2024, 5, 17, 8, 30)


def document(number: int) -> dict[str, Any]:
    """A document of many types."""
    return {
        "_id": number,
        "kind": "ab"[number % 2],
        "count": number % 10,
        "big": Int64(number),
        "price": number / 4,
        "mixed_number": number if number % 2 else number / 2,
        "when": WHEN + datetime.timedelta(days=number),
        "owner": OWNER,
        "is_new": number % 3 == 0,
        "cost": Decimal128(f"{number}.25"),
        "tags": ["x"] * (number % 3),
        "place": {"city": "Oslo", "zip": number},
        "anything": [number, "text", None, {"a": 1}][number % 4],
        "empty": None,
        **({"rare": "only once"} if number == 77 else {}),
    }


@pytest.fixture(params=["memory", "local"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncDatabase[Any]]:
    uri = "memory://" if request.param == "memory" else f"local://{tmp_path / 'store'}"
    async with AsyncMongoClient(uri) as client:
        await client.db.things.insert_many([document(number) for number in range(200)])
        yield client.db


async def test_every_type_has_an_arrow_type(database: AsyncDatabase[Any]) -> None:
    table = await database.things.to_arrow()
    assert table.num_rows == 200
    assert {field.name: field.type for field in table.schema} == {
        "_id": pa.int32(),
        "kind": pa.string(),
        "count": pa.int32(),
        "big": pa.int64(),
        "price": pa.float64(),
        "mixed_number": pa.float64(),
        "when": pa.timestamp("ms", tz="UTC"),
        "owner": pa.binary(12),
        "is_new": pa.bool_(),
        "cost": pa.decimal128(5, 2),
        "tags": pa.list_(pa.string()),
        "place": pa.struct([("city", pa.string()), ("zip", pa.int64())]),
        "anything": pa.string(),
        "empty": pa.null(),
        "rare": pa.string(),
    }
    assert table["rare"].to_pylist() == [None] * 77 + ["only once"] + [None] * 122
    assert table["anything"].to_pylist()[:4] == ["0", "text", None, '{"a": 1}']
    assert table["owner"].to_pylist()[0] == OWNER.binary
    assert table["when"].to_pylist()[3].replace(tzinfo=None) == WHEN + datetime.timedelta(days=3)
    assert table.schema.field("mixed_number").metadata == {b"bson": b"double,int"}


async def test_filter_sort_window_and_fields_are_those_of_a_find(database: AsyncDatabase[Any]) -> None:
    things = database.things
    asked: dict[str, Any] = {"filter": {"count": {"$gt": 6}}, "sort": [("_id", -1)], "skip": 2, "limit": 3}
    table = await things.to_arrow(projection=["kind", "count"], **asked)
    found = await things.find(**asked, projection=["kind", "count"]).to_list()
    assert table.to_pylist() == found
    assert table.column_names == ["_id", "kind", "count"]


@pytest.mark.parametrize("projection", [{"place.city": 1}, {"kind": 0}, {"twice": {"$add": ["$count", "$count"]}}])
async def test_any_projection_is_that_of_a_find(database: AsyncDatabase[Any], projection: dict[str, Any]) -> None:
    table = await database.things.to_arrow(
        {"_id": {"$lt": 3}}, {**projection, "cost": 0} if 0 in projection.values() else projection
    )
    assert table.num_rows == 3
    assert ("kind" in table.column_names) == (projection == {"kind": 1})


async def test_a_pipeline_as_a_table(database: AsyncDatabase[Any]) -> None:
    pipeline = [{"$group": {"_id": "$kind", "total": {"$sum": "$price"}}}, {"$sort": {"_id": 1}}]
    table = await database.things.aggregate_arrow(pipeline)
    assert table.to_pylist() == await (await database.things.aggregate(pipeline)).to_list()


async def test_nothing_is_a_table_too(database: AsyncDatabase[Any]) -> None:
    assert (await database.nothing.to_arrow()).num_rows == 0
    assert (await database.things.to_arrow({"kind": "z"}, ["kind"])).column_names == ["_id", "kind"]


async def test_pandas(database: AsyncDatabase[Any]) -> None:
    pytest.importorskip("pandas")
    frame = await database.things.to_pandas({"count": 1}, ["kind"])
    assert len(frame) == 20
    assert list(frame.columns) == ["_id", "kind"]


async def test_polars(database: AsyncDatabase[Any]) -> None:
    pytest.importorskip("polars")
    frame = await database.things.to_polars({"count": 1}, ["kind"])
    assert (frame.height, frame.columns) == (20, ["_id", "kind"])
    table = await database.things.to_arrow()
    assert (await database.things.to_polars()).to_dicts() == table.to_pylist()


async def test_polars_is_optional(database: AsyncDatabase[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match="polars"):
        await database.things.to_polars()


async def test_sql_over_collections(database: AsyncDatabase[Any]) -> None:
    text = "select kind, count(*) as n, sum(price) as total from things where count > ? group by kind order by kind"
    found = (await database.sql(text, [7])).to_pylist()
    pipeline = [
        {"$match": {"count": {"$gt": 7}}},
        {"$group": {"_id": "$kind", "n": {"$sum": 1}, "total": {"$sum": "$price"}}},
        {"$sort": {"_id": 1}},
    ]
    expected = await (await database.things.aggregate(pipeline)).to_list()
    assert [tuple(row.values()) for row in found] == [tuple(row.values()) for row in expected]


async def test_sql_sees_what_was_written_a_moment_ago(database: AsyncDatabase[Any]) -> None:
    for number in range(3):
        await database.things.insert_one({"_id": f"new {number}", "kind": "new"})
        await database.things.update_one({"_id": 1}, {"$inc": {"count": 1}})
        text = "select count(*) as n, (select count from things where big = 1) as one from things where kind = $k"
        assert (await database.sql(text, {"k": "new"})).to_pylist() == [{"n": number + 1, "one": 2 + number}]
        assert await database.things.count_documents({"kind": "new"}) == number + 1


async def test_sql_reads_views(database: AsyncDatabase[Any]) -> None:
    await database.create_collection("few", viewOn="things", pipeline=[{"$match": {"count": 1}}])
    assert (await database.sql("select count(*) as n from few")).to_pylist() == [{"n": 20}]


async def test_a_parameter_is_never_text(database: AsyncDatabase[Any]) -> None:
    hostile = "'; drop table things; --\x00\"\\"
    await database.things.insert_one({"_id": "x", "kind": hostile})
    found = await database.sql("select _id from things where kind = ?", [hostile])
    assert found.num_rows == 1


REFUSED = {
    "write": "insert into things values (1)",
    "drop": "drop table things",
    "two statements": "select 1; select 2",
    "a write inside": "with x as (insert into things values (1)) select 1",
    "a file": "select * from read_csv('/etc/passwd')",
    "a file by its name": "select * from '/etc/passwd'",
    "settings": "select * from duckdb_settings()",
    "a setting": "select current_setting('temp_directory')",
    "the catalog": "select * from information_schema.tables",
    "an extension": "load httpfs",
    "configuration": "set memory_limit = '1GB'",
    "an unknown collection": "select * from nowhere",
    "no sql": "selec",
    "an error when it runs": "select cast(kind as integer) from things",
}


@pytest.mark.parametrize("name", REFUSED)
async def test_sql_reaches_nothing_else(database: AsyncDatabase[Any], name: str) -> None:
    with pytest.raises(OperationFailure) as caught:
        await database.sql(REFUSED[name])
    assert caught.value.code in (2, 26)
    assert await database.things.count_documents({}) == 200


async def test_sql_ends_in_time(database: AsyncDatabase[Any]) -> None:
    text = "select count(*) from range(1000000) a, range(1000000) b where a.range % 7 = b.range % 11"
    with pytest.raises(OperationFailure) as caught:
        await database.sql(text, max_time_ms=100)
    assert caught.value.code == 50


async def test_arguments_are_checked(database: AsyncDatabase[Any]) -> None:
    with pytest.raises(TypeError):
        await database.sql(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await database.things.to_arrow([1])  # type: ignore[arg-type]
    with pytest.raises(OperationFailure):
        await database.things.to_arrow({"$nonsense": 1})


def test_the_blocking_client_has_them_too() -> None:
    with MongoClient("memory://") as client:
        client.db.things.insert_many([document(number) for number in range(10)])
        assert client.db.things.to_arrow().num_rows == 10
        assert client.db.sql("select count(*) as n from things").to_pylist() == [{"n": 10}]
        assert client.db.things.aggregate_arrow([{"$count": "n"}]).to_pylist() == [{"n": 10}]
