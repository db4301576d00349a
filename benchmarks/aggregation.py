"""Pipelines that the interpreter runs, as multiples of what the C codec needs to decode the documents they look at."""

import math
from typing import Any, ClassVar, Final

import bson

from benchmarks.documents import people
from benchmarks.rounds import compare
from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.sizes import Sizes
from benchmarks.stores import MEMORY, Collection, fresh_client

SECTION: Final = "aggregation"
_CHUNK: Final = 10_000
_CEILING: Final = 1.5


class Measured:
    """One pipeline against decoding.

    name       the row's name
    pipeline   its stages
    budget     None for a pipeline that is only told
    """

    name: ClassVar[str]
    pipeline: ClassVar[list[dict[str, Any]]]
    budget: ClassVar[Budget | None] = Budget(_CEILING)

    def __init__(self, collection: Collection, sizes: Sizes) -> None:
        self.collection = collection
        self.stored = people(sizes.pipeline_documents)
        self.raws = [bson.encode(each) for each in self.stored]

    async def prepare(self) -> None:
        """Fill the collection."""
        for start in range(0, len(self.stored), _CHUNK):
            await self.collection.insert_many(self.stored[start : start + _CHUNK])

    async def operation(self) -> list[dict[str, Any]]:
        """One timing's work through the client."""
        cursor = await self.collection.aggregate(self.pipeline, hint={"$columnar": False})
        found: list[dict[str, Any]] = await cursor.to_list()
        return found

    def limit(self) -> None:
        """The decoder alone."""
        decode = bson.decode
        for raw in self.raws:
            decode(raw)

    def expected(self) -> list[dict[str, Any]]:
        """What the pipeline must give."""
        raise NotImplementedError


class MatchGroup(Measured):
    """Two thirds of the documents, folded by age."""

    name = "$match + $group"
    pipeline: ClassVar = [
        {"$match": {"age": {"$gte": 40}}},
        {"$group": {"_id": "$age", "n": {"$sum": 1}, "total": {"$sum": "$balance"}, "mean": {"$avg": "$visits"}}},
        {"$sort": {"_id": 1}},
    ]

    def expected(self) -> list[dict[str, Any]]:
        """Folded by plain Python; sums of doubles exactly rounded, as these are."""
        result = []
        for age in sorted({each["age"] for each in self.stored if each["age"] >= 40}):
            group = [each for each in self.stored if each["age"] == age]
            total = math.fsum(each["balance"] for each in group)
            mean = sum(int(each["visits"]) for each in group) / len(group)
            result.append({"_id": age, "n": len(group), "total": total, "mean": mean})
        return result


class MatchProjectSortLimit(Measured):
    """The ten richest of two thirds of the documents."""

    name = "$match + $project + $sort + $limit"
    pipeline: ClassVar = [
        {"$match": {"age": {"$gte": 40}}},
        {"$project": {"name": 1, "balance": 1, "age": 1}},
        {"$sort": {"balance": -1}},
        {"$limit": 10},
    ]

    def expected(self) -> list[dict[str, Any]]:
        """Sorted by plain Python."""
        kept = [each for each in self.stored if each["age"] >= 40]
        kept.sort(key=lambda each: -each["balance"])
        return [{name: each[name] for name in ("_id", "name", "age", "balance")} for each in kept[:10]]


class MatchComputeSortLimit(Measured):
    """The same by a computed field: every document that matches is computed."""

    name = "$match + computed $project + $sort + $limit"
    budget = None
    pipeline: ClassVar = [
        {"$match": {"age": {"$gte": 40}}},
        {"$project": {"name": 1, "twice": {"$multiply": ["$balance", 2]}}},
        {"$sort": {"twice": -1}},
        {"$limit": 10},
    ]

    def expected(self) -> list[dict[str, Any]]:
        """Sorted by plain Python."""
        kept = [each for each in self.stored if each["age"] >= 40]
        kept.sort(key=lambda each: -each["balance"])
        return [{"_id": each["_id"], "name": each["name"], "twice": each["balance"] * 2} for each in kept[:10]]


PIPELINES: Final[tuple[type[Measured], ...]] = (MatchGroup, MatchProjectSortLimit, MatchComputeSortLimit)


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Measure every pipeline on a store in memory; one row each."""
    return [await measure(pipeline, sizes, parent) for pipeline in PIPELINES]


async def measure(pipeline: type[Measured], sizes: Sizes, parent: str | None = None) -> Row:
    """Verify one pipeline on a fresh store, then time it. A wrong answer becomes a row that failed."""
    try:
        async with fresh_client(MEMORY, parent) as client:
            measured = pipeline(client["bench"]["people"], sizes)
            await measured.prepare()
            expect(await measured.operation(), measured.expected(), pipeline.name)
            compared = await compare(
                operation=measured.operation,
                limit=measured.limit,
                before_operation=lambda: None,
                units=sizes.pipeline_documents,
                rounds=sizes.pipeline_rounds,
            )
    except Exception as error:
        return Row(SECTION, pipeline.name, MEMORY, None, "x", pipeline.budget, failure=failure_text(error))
    return Row(SECTION, pipeline.name, MEMORY, compared.ratio, "x", pipeline.budget, compared.note("decode"))
