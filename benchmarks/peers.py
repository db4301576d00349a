"""The same small workloads on amongo and on whatever peers are installed: microseconds for one operation or document.

Each peer is first asked for everything once and its answers compared with what plain Python says; a peer that answers
wrongly has no time in that line. No budget hangs on these rows; they tell where amongo stands.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from benchmarks.documents import Document, people
from benchmarks.peer_adapters import PEERS, Peer, PeerCollection
from benchmarks.rows import Row, WrongAnswer, expect, failure_text
from benchmarks.sizes import Sizes

SECTION: Final = "peers"
_CITY: Final = {"address.city": "London"}
_PIPELINE: Final[list[Document]] = [
    {"$match": {"age": {"$gte": 30}}},
    {"$group": {"_id": "$address.city", "people": {"$sum": 1}, "balance": {"$avg": "$balance"}}},
    {"$sort": {"_id": 1}},
]


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Measure every peer that is installed; the others get one row that says so."""
    rows: list[Row] = []
    for peer in PEERS:
        rows += await measure(peer, sizes, parent)
    return rows


async def measure(peer: Peer, sizes: Sizes, parent: str | None = None) -> list[Row]:
    """All workloads on one peer. Only amongo's own failures count as failures of the run."""
    if peer.version is None:
        return [Row(SECTION, "", peer.name, None, "µs", note="not installed")]
    rows: list[Row] = []
    try:
        async with peer.open(parent) as collection:
            work = Workloads(collection, sizes)
            for name, workload in work.all().items():
                rows.append(await _row(peer, name, workload))
    except Exception as error:
        rows.append(_failed(peer, "open and close", error))
    return rows


async def _row(peer: Peer, name: str, workload: Callable[[], Awaitable[float]]) -> Row:
    try:
        value = await workload()
    except Exception as error:
        return _failed(peer, name, error)
    return Row(SECTION, name, peer.name, value, "µs", note=f"version {peer.version}")


def _failed(peer: Peer, name: str, error: Exception) -> Row:
    text = failure_text(error)
    if peer.module == "amongo":
        return Row(SECTION, name, peer.name, None, "µs", failure=text)
    return Row(SECTION, name, peer.name, None, "µs", note="wrong answer" if isinstance(error, WrongAnswer) else text)


class Workloads:
    """The workloads in the order in which they build on each other; each verifies, times, and gives microseconds."""

    def __init__(self, collection: PeerCollection, sizes: Sizes) -> None:
        self.collection = collection
        self.operations = sizes.peer_operations
        self.documents = [{**document, "_id": key} for key, document in enumerate(people(sizes.peer_documents))]
        self.keys = [(turn * 7919) % len(self.documents) for turn in range(self.operations)]

    def all(self) -> dict[str, Callable[[], Awaitable[float]]]:
        """Name of each workload and what runs it."""
        return {
            "insert_many / document": self.insert_many,
            "insert_one": self.insert_one,
            "find_one by _id": self.find_one,
            "update_one by _id": self.update_one,
            "find, unindexed / scanned": self.find_list,
            "count, unindexed / scanned": self.count,
            "aggregate / document": self.aggregate,
        }

    async def insert_many(self) -> float:
        """Batches of 1,000; the count proves them."""
        spent = 0.0
        for start in range(0, len(self.documents), 1_000):
            batch = [dict(document) for document in self.documents[start : start + 1_000]]
            began = time.perf_counter()
            await self.collection.insert_many(batch)
            spent += time.perf_counter() - began
        expect(await self.collection.count({}), len(self.documents), "documents after insert_many")
        return spent / len(self.documents) * 1e6

    async def insert_one(self) -> float:
        """Single inserts, found again, and so marked that no other workload counts them."""
        marked = [
            {**document, "_id": len(self.documents) + turn, "address": {"city": "Rome"}, "age": 1}
            for turn, document in enumerate(people(self.operations))
        ]
        began = time.perf_counter()
        for document in marked:
            await self.collection.insert_one(document)
        spent = time.perf_counter() - began
        found = await self.collection.find_one({"_id": marked[-1]["_id"]})
        expect(_without_zone(found), marked[-1], "inserted document")
        return spent / self.operations * 1e6

    async def find_one(self) -> float:
        """Point reads, one of them compared whole."""
        expect(_without_zone(await self.collection.find_one({"_id": 7})), self.documents[7], "find_one by _id")
        began = time.perf_counter()
        for key in self.keys:
            await self.collection.find_one({"_id": key})
        return (time.perf_counter() - began) / self.operations * 1e6

    async def update_one(self) -> float:
        """Point updates; the sum of what they incremented proves them."""
        key = {"_id": len(self.documents) - 1}
        before = self.documents[-1]
        await self.collection.update_one(key, {"$set": {"active": None}, "$inc": {"visits": 1}})
        expected = {**before, "active": None, "visits": before["visits"] + 1}
        expect(_without_zone(await self.collection.find_one(key)), expected, "updated document")
        began = time.perf_counter()
        for at in self.keys:
            await self.collection.update_one({"_id": at}, {"$set": {"active": None}, "$inc": {"visits": 1}})
        return (time.perf_counter() - began) / self.operations * 1e6

    async def find_list(self) -> float:
        """All documents of one city by a nested field without an index."""
        expected = sorted(self._keys_of_city())
        found = await self.collection.find_list(_CITY)
        expect(sorted(document["_id"] for document in found), expected, "find by city")
        return await self._timed_scan(lambda: self.collection.find_list(_CITY))

    async def count(self) -> float:
        """The same, counted."""
        expect(await self.collection.count(_CITY), len(self._keys_of_city()), "count by city")
        return await self._timed_scan(lambda: self.collection.count(_CITY))

    async def aggregate(self) -> float:
        """A filter, a group by a nested field and a sort."""
        expect(await self.collection.aggregate_list(_PIPELINE), self._grouped(), "aggregate")
        return await self._timed_scan(lambda: self.collection.aggregate_list(_PIPELINE))

    async def _timed_scan(self, scan: Callable[[], Awaitable[object]]) -> float:
        began = time.perf_counter()
        await scan()
        return (time.perf_counter() - began) / (len(self.documents) + self.operations) * 1e6

    def _keys_of_city(self) -> list[int]:
        city = _CITY["address.city"]
        return [document["_id"] for document in self.documents if document["address"]["city"] == city]

    def _grouped(self) -> list[Document]:
        cities: dict[str, list[float]] = {}
        for document in self.documents:
            if document["age"] >= 30:
                cities.setdefault(document["address"]["city"], []).append(document["balance"])
        return [
            {"_id": city, "people": len(balances), "balance": sum(balances) / len(balances)}
            for city, balances in sorted(cities.items())
        ]


def _without_zone(document: Document | None) -> Document | None:
    """The document with its dates naive: a peer that says UTC with each date means the same instant."""
    if document is None:
        return None
    return {
        name: value.replace(tzinfo=None) if isinstance(value, datetime) else value for name, value in document.items()
    }
