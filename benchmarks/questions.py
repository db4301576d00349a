"""Ten questions about the flights that left New York in 2013, asked three ways: of amongo over columns, of amongo's
interpreter, and as plain SQL of the rows that the documents were made of.

The SQL says what is right; both ways of amongo have to say the same.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from benchmarks.documents import airports, flights
from benchmarks.rows import Row, WrongAnswer, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import MEMORY, Collection, fresh_client

SECTION: Final = "questions"
_CHUNK: Final = 10_000
_NEAR: Final = 1e-9
_DEPARTED: Final = {"$match": {"dep_delay": {"$type": "number"}}}
_ARRIVED: Final = {"$match": {"arr_delay": {"$type": "number"}}}

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A question.

    text      in words
    pipeline  on the collection of flights
    sql       on the tables `flights` and `airports`; gives rows in the order of the documents' fields
    """

    text: str
    pipeline: list[Document]
    sql: str


QUESTIONS: Final = (
    Question(
        "How late do the carriers leave, on average, and how often?",
        [
            _DEPARTED,
            {"$group": {"_id": "$carrier", "mean": {"$avg": "$dep_delay"}, "flights": {"$sum": 1}}},
            {"$sort": {"mean": -1}},
        ],
        "select carrier, avg(dep_delay) as mean, count(*) from flights where dep_delay is not null group by carrier "
        "order by mean desc",
    ),
    Question(
        "How late do they arrive, by carrier and month?",
        [
            _ARRIVED,
            {"$group": {"_id": {"carrier": "$carrier", "month": "$month"}, "delay": {"$sum": "$arr_delay"}}},
            {"$sort": {"_id.carrier": 1, "_id.month": 1}},
            {"$project": {"_id": 0, "carrier": "$_id.carrier", "month": "$_id.month", "delay": 1}},
            {"$project": {"carrier": 1, "month": 1, "delay": 1}},
        ],
        "select sum(arr_delay) as delay, carrier, month from flights where arr_delay is not null "
        "group by carrier, month order by carrier, month",
    ),
    Question(
        "Which are the busiest routes, with the names of the airports?",
        [
            {"$group": {"_id": {"origin": "$origin", "dest": "$dest"}, "flights": {"$sum": 1}}},
            {"$sort": {"flights": -1, "_id.origin": 1, "_id.dest": 1}},
            {"$limit": 10},
            {"$lookup": {"from": "airports", "localField": "_id.dest", "foreignField": "faa", "as": "airport"}},
            {"$unwind": "$airport"},
            {"$project": {"_id": 0, "flights": 1, "name": "$airport.name"}},
        ],
        "select flights, name from (select origin, dest, count(*) as flights from flights group by origin, dest "
        "order by flights desc, origin, dest limit 10) join airports on dest = faa order by flights desc, origin, dest",
    ),
    Question(
        "How many flights reach each time zone?",
        [
            {"$lookup": {"from": "airports", "localField": "dest", "foreignField": "faa", "as": "airport"}},
            {"$unwind": "$airport"},
            {"$group": {"_id": "$airport.tzone", "flights": {"$sum": 1}, "miles": {"$sum": "$distance"}}},
            {"$sort": {"_id": 1}},
        ],
        "select tzone, count(*), sum(distance) from flights join airports on dest = faa group by tzone order by tzone",
    ),
    Question(
        "Which three destinations does each carrier serve most?",
        [
            {"$group": {"_id": {"carrier": "$carrier", "dest": "$dest"}, "flights": {"$sum": 1}}},
            {
                "$setWindowFields": {
                    "partitionBy": "$_id.carrier",
                    "sortBy": {"flights": -1},
                    "output": {"rank": {"$rank": {}}},
                }
            },
            {"$match": {"rank": {"$lte": 3}}},
            {"$sort": {"_id.carrier": 1, "rank": 1, "_id.dest": 1}},
            {"$project": {"_id": 0, "carrier": "$_id.carrier", "dest": "$_id.dest", "rank": "$rank"}},
        ],
        "select carrier, dest, rank from (select carrier, dest, rank() over (partition by carrier order by count(*) "
        "desc) as rank from flights group by carrier, dest) where rank <= 3 order by carrier, rank, dest",
    ),
    Question(
        "How are the departure delays spread?",
        [
            _DEPARTED,
            {
                "$bucket": {
                    "groupBy": "$dep_delay",
                    "boundaries": [-60, 0, 15, 60, 180, 2000],
                    "output": {"flights": {"$sum": 1}, "worst": {"$max": "$dep_delay"}},
                }
            },
        ],
        "select case when dep_delay < 0 then -60 when dep_delay < 15 then 0 when dep_delay < 60 then 15 "
        "when dep_delay < 180 then 60 else 180 end as low, count(*), max(dep_delay) from flights "
        "where dep_delay is not null group by low order by low",
    ),
    Question(
        "Which aeroplane flew most, and how far?",
        [
            {"$match": {"tailnum": {"$type": "string"}, "air_time": {"$type": "number"}}},
            {"$group": {"_id": "$tailnum", "flights": {"$sum": 1}, "miles": {"$sum": "$distance"}}},
            {"$sort": {"flights": -1, "_id": 1}},
            {"$limit": 5},
        ],
        "select tailnum, count(*) as flights, sum(distance) from flights where tailnum is not null and air_time is "
        "not null group by tailnum order by flights desc, tailnum limit 5",
    ),
    Question(
        "How many flights leave in each hour of the week?",
        [
            {
                "$group": {
                    "_id": {"day": {"$isoDayOfWeek": "$time_hour"}, "hour": {"$hour": "$time_hour"}},
                    "flights": {"$sum": 1},
                }
            },
            {"$sort": {"_id.day": 1, "_id.hour": 1}},
            {"$project": {"_id": 0, "day": "$_id.day", "hour": "$_id.hour", "flights": "$flights"}},
        ],
        "select isodow(time_hour) as day, hour(time_hour) as hour, count(*) from flights group by all order by day, "
        "hour",
    ),
    Question(
        "How fast do the carriers fly?",
        [
            {"$match": {"air_time": {"$gt": 0}}},
            {"$addFields": {"speed": {"$divide": ["$distance", "$air_time"]}}},
            {"$group": {"_id": "$carrier", "fastest": {"$max": "$speed"}, "slowest": {"$min": "$speed"}}},
            {"$sort": {"_id": 1}},
        ],
        "select carrier, max(distance / air_time), min(distance / air_time) from flights where air_time > 0 "
        "group by carrier order by carrier",
    ),
    Question(
        "What share of the flights was cancelled, month by month?",
        [
            {
                "$group": {
                    "_id": "$month",
                    "cancelled": {"$sum": {"$cond": [{"$eq": ["$dep_time", None]}, 1, 0]}},
                    "flights": {"$sum": 1},
                }
            },
            {"$sort": {"_id": 1}},
        ],
        "select month, count(*) filter (dep_time is null), count(*) from flights group by month order by month",
    ),
)


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Every question, over columns and in the interpreter; one row each."""
    stored, towns = flights(sizes.load_documents), airports()
    connection = tables(stored, towns)
    async with fresh_client(MEMORY, parent) as client:
        collection = await fill(client["bench"], stored, towns)
        rows = [await _row(question, collection, connection, sizes) for question in QUESTIONS]
    connection.close()
    return rows


async def fill(database: Any, stored: list[Document], towns: list[Document]) -> Collection:
    """Insert the documents; the collection of flights."""
    collection = database["flights"]
    for start in range(0, len(stored), _CHUNK):
        await collection.insert_many([dict(each) for each in stored[start : start + _CHUNK]])
    await database["airports"].insert_many([dict(each) for each in towns])
    return collection


def tables(stored: list[Document], towns: list[Document]) -> duckdb.DuckDBPyConnection:
    """The same rows as tables of SQL."""
    connection = duckdb.connect()
    connection.register("flights", pa.Table.from_pylist(stored))
    connection.register("airports", pa.Table.from_pylist(towns))
    return connection


async def answers(question: Question, collection: Collection, *, columnar: bool) -> list[Document]:
    """The documents that amongo answers."""
    cursor = await collection.aggregate(question.pipeline, hint={"$columnar": columnar})
    found: list[Document] = await cursor.to_list()
    return found


def check(question: Question, found: list[Document], rows: list[tuple[Any, ...]]) -> None:
    """Refuse documents that are not the rows of the SQL; doubles may differ in the last digits.

    errors   WrongAnswer
    """
    expect(len(found), len(rows), question.text)
    for document, row in zip(found, rows, strict=True):
        values = list(document.values())
        if len(values) != len(row) or not all(map(_is_near, values, row)):
            raise WrongAnswer(f"{question.text}: {values} instead of {row}")


def _is_near(mine: Any, other: Any) -> bool:
    if isinstance(mine, float) and isinstance(other, float):
        return abs(mine - other) <= _NEAR * max(abs(other), 1)
    return bool(mine == other)


async def _row(question: Question, collection: Collection, connection: duckdb.DuckDBPyConnection, sizes: Sizes) -> Row:
    try:
        rows = connection.execute(question.sql).fetchall()
        interpreted = await answers(question, collection, columnar=False)
        check(question, interpreted, rows)
        expect(await answers(question, collection, columnar=True), interpreted, question.text)
        mine = [await _ms(lambda: answers(question, collection, columnar=True)) for _ in range(sizes.columnar_rounds)]
        theirs = [await _ms(lambda: answers(question, collection, columnar=False)) for _ in range(2)]
        sql = [await _ms(lambda: _asked(connection, question.sql)) for _ in range(sizes.columnar_rounds)]
    except Exception as error:
        return Row(SECTION, question.text, MEMORY, None, "x", failure=failure_text(error))
    columnar_ms, interpreter_ms = statistics.median(mine), min(theirs)
    note = f"columns {columnar_ms:.1f} ms, interpreter {interpreter_ms:.0f} ms, SQL {statistics.median(sql):.1f} ms"
    return Row(SECTION, question.text, MEMORY, interpreter_ms / columnar_ms, "x", note=note)


async def _asked(connection: duckdb.DuckDBPyConnection, sql: str) -> object:
    return connection.execute(sql).fetchall()


async def _ms(ask: Callable[[], Any]) -> float:
    started = time.perf_counter()
    await ask()
    return (time.perf_counter() - started) * 1000
