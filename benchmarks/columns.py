"""Analytics over columns, against plain DuckDB SQL over the same data as Arrow columns, round by round."""

import datetime
import gc
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import duckdb
import pyarrow as pa
from bson import Int64, ObjectId

from benchmarks.loop_lag import sampled
from benchmarks.rows import Budget, Row, WrongAnswer, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import MEMORY, Collection, fresh_client

SECTION: Final = "columns"
_CHUNK: Final = 20_000
_BEGINNING: Final = datetime.datetime(2020, 1, 1)
_CARRIERS: Final = [f"carrier {number}" for number in range(16)]
_CHANGED_SHARE: Final = 0.01
_ALLOWANCE_MS: Final = 5.0  # for a whole command around a statement of some milliseconds
_NEAR: Final = 1e-9  # SQL adds doubles in any order, amongo exactly

Document = dict[str, Any]


def documents(count: int) -> list[Document]:
    """Ten-field documents: what an analyst would ask about."""
    chance = random.Random(7)
    return [
        {
            "_id": number,
            "carrier": chance.choice(_CARRIERS),
            "delay": chance.randrange(-30, 500),
            "price": round(chance.random() * 1000, 2),
            "distance": Int64(chance.randrange(100, 9_000)),
            "is_late": number % 3 == 0,
            "when": _BEGINNING + datetime.timedelta(minutes=number),
            "route": f"R{chance.randrange(1000):03}",
            "tags": [chance.choice("abcdef") for _ in range(number % 4)],
            "owner": ObjectId(number.to_bytes(12, "big")),
        }
        for number in range(count)
    ]


def routes() -> list[Document]:
    """A thousand documents to join with."""
    return [{"_id": f"R{number:03}", "region": f"region {number % 25}"} for number in range(1000)]


@dataclass(frozen=True, slots=True)
class Question:
    """One question, asked of amongo and of DuckDB.

    name      the row's name
    pipeline  for amongo; None for the count
    sql       for DuckDB, over the tables `flights` and `routes`
    budget    ours over SQL
    allowance_ms   what ours may take beside
    check     compares the answers: (documents, SQL rows)
    """

    name: str
    pipeline: list[Document]
    sql: str
    budget: float
    check: Callable[[list[Document], list[tuple[Any, ...]]], None]
    allowance_ms: float = 0.0


def _check_group(found: list[Document], rows: list[tuple[Any, ...]]) -> None:
    expect(len(found), len(rows), "groups")
    for document, row in zip(found, rows, strict=True):
        values = list(document.values())
        expect(values[0], row[0], "key")
        if any(abs(mine - other) > _NEAR * abs(other) for mine, other in zip(values[1:], row[1:], strict=True)):
            raise WrongAnswer(f"{values} instead of {row}")


def _check_same(found: list[Document], rows: list[tuple[Any, ...]]) -> None:
    expect([tuple(document.values()) for document in found], rows, "rows")


def _check_ids(found: list[Document], rows: list[tuple[Any, ...]]) -> None:
    expect([document["_id"] for document in found], [row[0] for row in rows], "documents")


_GROUP: Final = [
    {"$match": {"delay": {"$gt": 0}}},
    {
        "$group": {
            "_id": "$carrier",
            "total": {"$sum": "$price"},
            "mean": {"$avg": "$price"},
            "low": {"$min": "$price"},
            "high": {"$max": "$price"},
            "count": {"$sum": 1},
        }
    },
    {"$sort": {"_id": 1}},
]

QUESTIONS: Final = (
    Question(
        "$match + $group (sum, avg, min, max, count) + $sort",
        _GROUP,
        "select carrier, sum(price), avg(price), min(price), max(price), count(*) from flights where delay > 0 "
        "group by carrier order by carrier",
        1.5,
        _check_group,
        _ALLOWANCE_MS,
    ),
    Question(
        "$bucket",
        [{"$bucket": {"groupBy": "$price", "boundaries": [0, 100, 250, 500, 1001], "output": {"n": {"$sum": 1}}}}],
        "select case when price < 100 then 0 when price < 250 then 100 when price < 500 then 250 else 500 end as low, "
        "count(*) from flights group by low order by low",
        2.5,
        _check_same,
    ),
    Question(
        "$unwind + $group",
        [{"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}],
        "select tag, count(*) from (select unnest(tags) as tag from flights) group by tag order by tag",
        2.5,
        _check_same,
    ),
    Question(
        "$setWindowFields rank, the first of each",
        [
            {
                "$setWindowFields": {
                    "partitionBy": "$carrier",
                    "sortBy": {"price": -1},
                    "output": {"rank": {"$rank": {}}},
                }
            },
            {"$match": {"rank": 1}},
            {"$group": {"_id": "$carrier", "n": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ],
        "select carrier, count(*) from (select carrier, rank() over (partition by carrier order by price desc) as r "
        "from flights) where r = 1 group by carrier order by carrier",
        2.5,
        _check_same,
    ),
    Question(
        "$sort + $limit, whole documents",
        [{"$sort": {"price": -1, "_id": 1}}, {"$limit": 20}],
        "select * from flights order by price desc, _id limit 20",
        2.5,
        _check_ids,
    ),
    Question(
        "$lookup + $unwind + $group",
        [
            {"$lookup": {"from": "routes", "localField": "route", "foreignField": "_id", "as": "found"}},
            {"$unwind": "$found"},
            {"$group": {"_id": "$found.region", "n": {"$sum": 1}, "delay": {"$sum": "$delay"}}},
            {"$sort": {"_id": 1}},
        ],
        "select region, count(*), sum(delay) from flights join routes on route = routes._id group by region "
        "order by region",
        2.5,
        _check_same,
    ),
)
_COUNT: Final = {"delay": {"$gt": 400}, "is_late": True}
_COUNT_SQL: Final = "select count(*) from flights where delay > 400 and is_late"
_TEN: Final = tuple(documents(1)[0])


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Cold columns in stores of their own, then every question with warm columns, and after changes."""
    stored = documents(sizes.columnar_documents)
    rows = [await _cold(name, paths, budget, stored, parent) for name, paths, budget in _COLD]
    async with fresh_client(MEMORY, parent) as client:
        database = client["bench"]
        collection = database["flights"]
        await _fill(collection, stored)
        await database["routes"].insert_many(routes())
        connection = duckdb.connect()
        connection.register("flights", _table(stored))
        connection.register("routes", pa.Table.from_pylist(routes()))
        rows += [await _asked(question, collection, connection, sizes) for question in QUESTIONS]
        rows.append(await _counted(collection, connection, sizes))
        rows.append(await _changed(collection, sizes))
        connection.close()
    return rows


_COLD: Final = (
    ("columns cold, two paths", ("carrier", "delay"), 1.5),
    ("columns cold, ten paths", _TEN, 3.0),
)


async def _fill(collection: Collection, stored: list[Document]) -> None:
    for start in range(0, len(stored), _CHUNK):
        await collection.insert_many(stored[start : start + _CHUNK])


def _table(stored: list[Document]) -> pa.Table:
    """The same documents as Arrow columns, with the types that an analyst would give them."""
    plain = [{**each, "distance": int(each["distance"]), "owner": each["owner"].binary} for each in stored]
    table = pa.Table.from_pylist(plain)
    return table.set_column(table.schema.get_field_index("carrier"), "carrier", table["carrier"].dictionary_encode())


async def _cold(name: str, paths: tuple[str, ...], budget: float, stored: list[Document], parent: str | None) -> Row:
    """The first query over columns against the next ones; and the loop's lag meanwhile."""
    try:
        async with fresh_client(MEMORY, parent) as client:
            collection = client["bench"]["flights"]
            await collection.insert_many([{"_id": number} for number in range(5_000)])
            await collection.count_documents({"a": 1}, hint={"$columnar": True})  # loads DuckDB and Arrow
            await collection.drop()
            await _fill(collection, stored)
            filter = {"$or": [{path: {"$exists": False}} for path in paths]}
            ask = partial(collection.count_documents, filter, hint={"$columnar": True})
            gc.collect()
            gc.freeze()  # the documents of this program are none of the query's business
            async with sampled() as lag:
                first_ms = await _timed_ms(ask, 0)
            warm_ms = statistics.median([await _timed_ms(ask, 0) for _ in range(5)])
    except Exception as error:
        return Row(SECTION, name, MEMORY, None, "µs", Budget(budget), failure=failure_text(error))
    each_us = (first_ms - warm_ms) * 1000 / len(stored)
    note = f"{first_ms:.0f} ms, warm {warm_ms:.1f} ms, loop lag p99 {lag.percentile(0.99):.1f} ms"
    return Row(SECTION, f"{name}, a document", MEMORY, each_us, "µs", Budget(budget), note)


async def _timed_ms(ask: Callable[[], Awaitable[object]], expected: object = None) -> float:
    started = time.perf_counter()
    found = await ask()
    taken_ms = (time.perf_counter() - started) * 1000
    if expected is not None:
        expect(found, expected, "answer")
    return taken_ms


async def _asked(
    question: Question, collection: Collection, connection: duckdb.DuckDBPyConnection, sizes: Sizes
) -> Row:
    """One question, in turns with its SQL."""

    async def ask() -> list[Document]:
        cursor = await collection.aggregate(question.pipeline, hint={"$columnar": True})
        found: list[Document] = await cursor.to_list()
        return found

    def tell() -> list[tuple[Any, ...]]:
        return connection.execute(question.sql).fetchall()

    try:
        question.check(await ask(), tell())
        mine, sql = [], []
        for _ in range(sizes.columnar_rounds):
            mine.append(await _timed_ms(ask))
            started = time.perf_counter()
            tell()
            sql.append((time.perf_counter() - started) * 1000)
    except Exception as error:
        return Row(SECTION, question.name, MEMORY, None, "x", Budget(question.budget), failure=failure_text(error))
    return _against(question.name, mine, sql, question.budget, question.allowance_ms)


def _against(name: str, mine: list[float], sql: list[float], budget: float, allowance_ms: float = 0.0) -> Row:
    my_ms, sql_ms = statistics.median(mine), statistics.median(sql)
    note = f"{my_ms:.1f} ms, SQL {sql_ms:.1f} ms"
    if allowance_ms:
        note += f", less {allowance_ms:g} ms"
    return Row(SECTION, name, MEMORY, max(my_ms - allowance_ms, 0) / sql_ms, "x", Budget(budget), note)


async def _counted(collection: Collection, connection: duckdb.DuckDBPyConnection, sizes: Sizes) -> Row:
    name = "count_documents without an index"
    try:
        ((expected,),) = connection.execute(_COUNT_SQL).fetchall()
        mine, sql = [], []
        for _ in range(sizes.columnar_rounds):
            mine.append(await _timed_ms(partial(collection.count_documents, _COUNT), expected))
            started = time.perf_counter()
            connection.execute(_COUNT_SQL).fetchall()
            sql.append((time.perf_counter() - started) * 1000)
    except Exception as error:
        return Row(SECTION, name, MEMORY, None, "x", Budget(2.5), failure=failure_text(error))
    return _against(name, mine, sql, 2.5)


async def _changed(collection: Collection, sizes: Sizes) -> Row:
    """The first query after one document in a hundred has changed, anywhere, against the one before."""
    name = "the same $group after 1 % has changed"
    chance = random.Random(11)
    count = sizes.columnar_documents
    try:

        async def ask() -> list[Document]:
            found: list[Document] = await (await collection.aggregate(_GROUP, hint={"$columnar": True})).to_list()
            return found

        await ask()
        warm, changes, after = [], [], []
        for _ in range(sizes.columnar_rounds):
            warm.append(await _timed_ms(ask))
            ids = chance.sample(range(count), max(int(count * _CHANGED_SHARE), 1))
            started = time.perf_counter()
            for start in range(0, len(ids), _CHUNK):
                wanted = {"_id": {"$in": ids[start : start + _CHUNK]}}
                await collection.update_many(wanted, {"$inc": {"delay": 1}})
            changes.append((time.perf_counter() - started) * 1000)
            after.append(await _timed_ms(ask))
        forbidden = await (await collection.aggregate(_GROUP, hint={"$columnar": False})).to_list()
        expect(await ask(), forbidden, "after changes")
    except Exception as error:
        return Row(SECTION, name, MEMORY, None, "x", Budget(1.3), failure=failure_text(error))
    warm_ms, after_ms = statistics.median(warm), statistics.median(after)
    note = f"{after_ms:.1f} ms, warm {warm_ms:.1f} ms; the change itself {statistics.median(changes):.1f} ms"
    return Row(SECTION, name, MEMORY, after_ms / warm_ms, "x", Budget(1.3), note)
