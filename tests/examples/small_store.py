"""A small store for the example service, with flights whose values follow from their numbers."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from bson import ObjectId

from amongo import MongoClient
from examples.tour.service import Service, free_port

FLIGHTS = 60
MISSING = 2**96 - 1  # the number of no flight
PATIENCE_S = 60  # how long a test waits for what has to happen


def flight(number: int) -> dict[str, Any]:
    """A flight whose values follow from its number; every tenth is cancelled."""
    document = {
        "_id": ObjectId(f"{number:024x}"),
        "year": 2013,
        "month": 1 + number % 12,
        "day": 1,
        "carrier": ("UA", "B6", "ZZ")[number % 3],
        "flight": number + 1,
        "origin": ("JFK", "EWR")[number % 2],
        "dest": "SFO",
        "distance": 2586,
        "sched_dep_time": 600,
        "sched_arr_time": 900,
        "time_hour": datetime(2013, 1, 1, 11, tzinfo=UTC),
    }
    if number % 10:
        document |= {"dep_time": 610, "dep_delay": number, "arr_delay": number - 10}
    return document


def path(number: int) -> str:
    """Where the service has the flight."""
    return f"/flights/{number:024x}"


def fill(directory: Path, numbers: Iterable[int] = range(FLIGHTS)) -> str:
    """A store with flights, an airport and airlines; gives its address."""
    uri = f"local://{directory}"
    with MongoClient(uri) as client:
        client.nycflights.flights.insert_many([flight(number) for number in numbers])
        client.nycflights.airlines.insert_many(
            [{"_id": "UA", "name": "United Air Lines Inc."}, {"_id": "B6", "name": "JetBlue Airways"}]
        )
        client.nycflights.airports.insert_one(
            {"_id": "JFK", "name": "John F Kennedy Intl", "lat": 40.6, "lon": -73.8, "alt": 13, "tz": -5, "dst": "A"}
        )
    return uri


@asynccontextmanager
async def serving(home: Path, numbers: Iterable[int] = range(FLIGHTS), **environment: str) -> AsyncIterator[Service]:
    """The service on such a store, in a process of its own."""
    service = Service(fill(home / "store", numbers), free_port(), home / "log", environment)
    try:
        await service.start()
        yield service
    finally:
        service.stop()


def client_of(service: Service) -> httpx.AsyncClient:
    """A client that does not give up early."""
    return httpx.AsyncClient(base_url=service.url, timeout=PATIENCE_S, trust_env=False)
