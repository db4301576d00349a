"""Stages that tell of the node: how they are asked, and where they may stand."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128

from amongo.aggregate import Environment, parse_pipeline
from amongo.aggregate.node import OperationsAsked, StatisticsAsked
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt


class Told:
    """A node that gives back what it was asked."""

    def collection_statistics(
        self, database: str, collection: str, asked: StatisticsAsked, interrupt: Interrupt
    ) -> dict[str, Any]:
        return {"of": f"{database}.{collection}", "asked": asked}

    def index_statistics(self, database: str, collection: str) -> list[dict[str, Any]]:
        return [{"of": f"{database}.{collection}"}]

    def operations(self, asked: OperationsAsked) -> list[dict[str, Any]]:
        return [{"asked": asked}]

    def sessions(self, users: frozenset[bytes] | None) -> list[dict[str, Any]]:
        return [{"users": users}]

    def cached_plans(self, database: str, collection: str) -> list[dict[str, Any]]:
        return [{"of": f"{database}.{collection}"}]

    def query_settings(self, *, shows_shape: bool) -> list[dict[str, Any]]:
        return [{"shape": shows_shape}]

    def catalog(self, database: str, collection: str) -> list[dict[str, Any]]:
        return [{"of": f"{database}.{collection}"}]

    def cluster_catalog(self, database: str, *, shows_shards: bool) -> list[dict[str, Any]]:
        return [{"of": database, "shards": shows_shards}]


def told(*stages: dict[str, Any], namespace: str = "shop.fruit") -> list[dict[str, Any]]:
    """What comes out of a pipeline on a collection, or on a database where the namespace has no dot."""
    database, _, collection = namespace.partition(".")
    pipeline = parse_pipeline(list(stages), has_collection=bool(collection), namespace=namespace)
    environment = Environment(database, lambda *names: (), collection=collection, node=Told())
    return list(pipeline.run(iter([{"_id": 1}]), environment))


def code(stage: dict[str, Any], namespace: str = "shop.fruit") -> int:
    """The error with which a pipeline is refused."""
    with pytest.raises(ServerError) as caught:
        told(stage, namespace=namespace)
    return caught.value.code


STATISTICS: list[tuple[str, dict[str, Any], StatisticsAsked]] = [
    ("nothing", {}, StatisticsAsked()),
    ("latencies", {"latencyStats": {"histograms": True}}, StatisticsAsked(latency=True, histograms=True)),
    ("sizes", {"storageStats": {}}, StatisticsAsked(scale=1)),
    ("null is absent", {"storageStats": None, "count": None}, StatisticsAsked()),
    ("a double is cut", {"storageStats": {"scale": 2.9}}, StatisticsAsked(scale=2)),
    ("a decimal is rounded to even", {"storageStats": {"scale": Decimal128("2.5")}}, StatisticsAsked(scale=2)),
    ("a scale is held to an int", {"storageStats": {"scale": 2**40}}, StatisticsAsked(scale=2**31 - 1)),
    ("the rest", {"count": {}, "queryExecStats": {}}, StatisticsAsked(count=True, executions=True)),
]


@pytest.mark.parametrize(("name", "spec", "asked"), STATISTICS)
def test_statistics(name: str, spec: dict[str, Any], asked: StatisticsAsked) -> None:
    assert told({"$collStats": spec}) == [{"of": "shop.fruit", "asked": asked}]


def test_documents_of_the_node_go_through_the_stages_behind() -> None:
    assert told({"$indexStats": {}}, {"$project": {"n": {"$concat": ["$of", "!"]}}}) == [{"n": "shop.fruit!"}]


def test_operations_are_asked_with_defaults() -> None:
    (shown,) = told({"$currentOp": {"idleCursors": True, "allUsers": False}}, namespace="admin")
    assert shown["asked"] == OperationsAsked(idle_cursors=True, idle_sessions=True, only_own=True)


def test_sessions_are_those_of_the_user_without_a_name() -> None:
    ((own,), (every,), (others,)) = (
        told({"$listLocalSessions": spec}, namespace="shop")
        for spec in ({}, {"allUsers": True}, {"users": [{"user": "ann", "db": "admin"}]})
    )
    assert own["users"] is not None and len(own["users"]) == 1
    assert every["users"] is None
    assert others["users"].isdisjoint(own["users"])


@pytest.mark.parametrize(("spec", "shape"), [({}, False), ({"showDebugQueryShape": True}, True)])
def test_settings_of_queries_with_and_without_their_shapes(spec: dict[str, Any], shape: bool) -> None:
    assert told({"$querySettings": spec}, namespace="shop") == [{"shape": shape}]


def test_what_is_not_there_gives_nothing() -> None:
    assert told({"$queryStats": {}}, namespace="admin") == []
    assert told({"$listSampledQueries": {"namespace": "shop.fruit"}}, namespace="admin") == []


REFUSED: list[tuple[str, dict[str, Any], str, int]] = [
    ("statistics of no object", {"$collStats": 1}, "shop.fruit", 5447000),
    ("an unknown part", {"$collStats": {"size": {}}}, "shop.fruit", 40415),
    ("a part of a wrong type", {"$collStats": {"count": 1}}, "shop.fruit", 14),
    ("a scale of a wrong type", {"$collStats": {"storageStats": {"scale": True}}}, "shop.fruit", 14),
    ("a scale below one", {"$collStats": {"storageStats": {"scale": 0.5}}}, "shop.fruit", 2),
    ("statistics without a collection", {"$collStats": {}}, "shop", 73),
    ("index statistics of something", {"$indexStats": {"a": 1}}, "shop.fruit", 28803),
    ("operations of null", {"$currentOp": {"allUsers": None}}, "admin", 14),
    ("operations with an unknown option", {"$currentOp": {"all": True}}, "admin", 40415),
    ("operations of all nodes", {"$currentOp": {"targetAllNodes": True}}, "admin", 9),
    ("operations elsewhere", {"$currentOp": {}}, "shop", 73),
    ("operations of a collection", {"$currentOp": {}}, "admin.x", 73),
    ("sessions of a collection", {"$listLocalSessions": {}}, "shop.fruit", 73),
    (
        "sessions of all and of some",
        {"$listLocalSessions": {"allUsers": True, "users": [{"user": "a", "db": "b"}]}},
        "shop",
        12,
    ),
    ("sessions of half a user", {"$listLocalSessions": {"users": [{"user": "a"}]}}, "shop", 40414),
    ("stored sessions elsewhere", {"$listSessions": {}}, "shop.fruit", 73),
    ("plans of no object", {"$planCacheStats": None}, "shop.fruit", 9),
    ("plans with an unknown option", {"$planCacheStats": {"a": 1}}, "shop.fruit", 9),
    ("plans of all hosts", {"$planCacheStats": {"allHosts": True}}, "shop.fruit", 4503200),
    ("plans with a wrong type", {"$planCacheStats": {"allHosts": 1}}, "shop.fruit", 13111),
    ("catalog of a database", {"$listCatalog": {}}, "shop", 73),
    ("cluster catalog of a collection", {"$listClusterCatalog": {}}, "shop.fruit", 9621301),
    ("statistics of queries elsewhere", {"$queryStats": {}}, "shop", 73),
    ("shards", {"$shardedDataDistribution": {}}, "admin", 6789101),
    ("search", {"$search": {"text": {}}}, "shop.fruit", 31082),
    ("vector search", {"$vectorSearch": {}}, "shop.fruit", 31082),
    ("search indexes", {"$listSearchIndexes": {}}, "shop.fruit", 31082),
]


@pytest.mark.parametrize(("name", "stage", "namespace", "expected"), REFUSED)
def test_refused(name: str, stage: dict[str, Any], namespace: str, expected: int) -> None:
    assert code(stage, namespace) == expected


NESTED: list[tuple[str, dict[str, Any], int]] = [
    ("statistics in a facet", {"$facet": {"a": [{"$collStats": {}}]}}, 40600),
    ("settings in a facet", {"$facet": {"a": [{"$querySettings": {}}]}}, 40600),
    ("settings in a union", {"$unionWith": {"coll": "x", "pipeline": [{"$querySettings": {}}]}}, 73),
    ("operations in a lookup", {"$lookup": {"from": "x", "as": "y", "pipeline": [{"$currentOp": {}}]}}, 73),
]


@pytest.mark.parametrize(("name", "stage", "expected"), NESTED)
def test_not_inside_others(name: str, stage: dict[str, Any], expected: int) -> None:
    assert code(stage) == expected


def test_a_variable_may_take_the_place_of_the_document() -> None:
    variables = {"CURRENT": {"a": 7}}
    pipeline = parse_pipeline([{"$project": {"a": "$a", "root": "$$ROOT.a"}}], variables=variables)
    environment = Environment("shop", lambda *names: (), variables)
    assert list(pipeline.run(iter([{"_id": 1, "a": 1}]), environment)) == [{"_id": 1, "a": 7, "root": 1}]
