"""Plans and what changes under them: arrays that come, indexes that go, shapes that are kept, a reopened store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from amongo import MongoClient
from amongo.commands.instance import Instance
from amongo.planner import Plan, canonical_query, plan_query
from amongo.planner.index_facts import planning_of
from amongo.runtime.interrupts import NEVER
from amongo.values.codec import decode, encode

Document = dict[str, Any]


def _filled(*indexes: Document) -> Instance:
    instance = Instance.open(None)
    documents = [{"_id": n, "a": n % 10, "b": n // 10} for n in range(100)]
    instance.run_command("shop", encode({"insert": "stock", "documents": documents}))
    specs = [{"key": key, "name": "_".join(key)} for key in indexes]
    instance.run_command("shop", encode({"createIndexes": "stock", "indexes": specs}))
    return instance


def _plan(instance: Instance, filter: Document, **asked: Any) -> Plan:
    return plan_query(canonical_query(filter, **asked), _collection(instance), instance.store)


def _collection(instance: Instance) -> Any:
    return instance.store.catalog.get("shop.stock")


def _ids(plan: Plan, instance: Instance) -> list[int]:
    return [decode(raw)["_id"] for raw in plan.documents(instance.store, NEVER)]


def _decoded(raws: Iterable[bytes]) -> Iterator[Document]:
    return map(decode, raws)


def test_an_array_that_comes_behind_a_plan_is_found() -> None:
    instance = _filled({"a": 1})
    plan = _plan(instance, {"a": {"$gt": 8, "$lt": 1}})  # of one value nothing; of two elements it may hold
    assert _ids(plan, instance) == []
    instance.run_command("shop", encode({"insert": "stock", "documents": [{"_id": 1000, "a": [0, 9]}]}))
    assert _ids(plan, instance) == [1000]
    assert [row.record_id for row in plan.rows(instance.store, NEVER)] == [101]
    assert plan.count(instance.store, NEVER, None) == 1
    assert [raw["_id"] for raw in plan.read(instance.store, NEVER, _decoded)] == [1000]
    assert len(list(plan.found(instance.store, NEVER, decode))) == 1


def test_an_index_that_goes_behind_a_plan_is_not_missed() -> None:
    instance = _filled({"a": 1})
    plan = _plan(instance, {"a": 3})
    instance.run_command("shop", encode({"dropIndexes": "stock", "index": "a"}))
    assert _ids(plan, instance) == list(range(3, 100, 10))


def test_a_plan_sees_one_moment() -> None:
    instance = _filled({"a": 1})
    rows = _plan(instance, {"a": 3}).rows(instance.store, NEVER)
    assert next(rows).record_id == 4
    instance.run_command("shop", encode({"delete": "stock", "deletes": [{"q": {}, "limit": 0}]}))
    assert len(list(rows)) == 9


def test_a_shape_is_remembered_until_an_index_comes() -> None:
    instance = _filled({"a": 1}, {"a": 1, "b": 1}, {"b": 1})
    for value in (3, 4):
        assert _ids(_plan(instance, {"a": value, "b": {"$gt": 7}}), instance) == [value + 80, value + 90]
    planning = planning_of(_collection(instance))
    assert planning is not None
    (kept,) = planning.cache.shapes()
    assert kept.best is not None
    assert kept.best.name == "a_b"
    assert kept.filter == {"a": 3, "b": {"$gt": 7}}
    instance.run_command("shop", encode({"createIndexes": "stock", "indexes": [{"key": {"c": 1}, "name": "c"}]}))
    planning = planning_of(_collection(instance))
    assert planning is not None
    assert planning.cache.shapes() == []


def test_the_quick_way_chooses_as_the_long_one() -> None:
    instance = _filled({"a": 1, "b": 1}, {"b": 1}, {"a": 1}, {"b": 1, "a": -1})
    collection = _collection(instance)
    for filter in ({"a": 3}, {"b": 3}, {"a": 3, "b": 5}, {"b": 3, "z": 1}, {"a": 33, "b": 2}):
        quick = plan_query(canonical_query(filter), collection, instance.store)
        long = plan_query(canonical_query(filter), collection, instance.store, weighs_all=True)
        assert quick.access is not None
        assert long.access is not None
        assert quick.access.index_names == long.access.index_names
        assert quick.access.residual == long.access.residual
        assert _ids(quick, instance) == _ids(long, instance)


def test_natural_order_goes_by_no_index() -> None:
    instance = _filled({"a": 1})
    assert _plan(instance, {"a": {"$gte": 0}}, sort={"$natural": 1}).stage == "COLLSCAN"
    assert _plan(instance, {"a": {"$gte": 0}}).stage == "IXSCAN"


def test_a_reopened_store_answers_as_before(tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        with MongoClient(f"local://{tmp_path}/store") as client:
            stock = client.shop.stock
            if not stock.count_documents({}):
                stock.insert_many([{"_id": n, "a": [n % 10, n % 3], "b": n % 7} for n in range(200)])
                stock.create_index([("a", 1), ("b", -1)])
                stock.create_index("b", sparse=True)
            plan = stock.find({"a": 3, "b": {"$lt": 4}}).explain()["queryPlanner"]["winningPlan"]
            found = list(stock.find({"a": 3, "b": {"$lt": 4}}))
            ordered = list(stock.find({"b": 5}).sort("b", -1))
            answers.append((plan, found, ordered, stock.distinct("b"), stock.count_documents({"b": 3})))
    assert answers[0] == answers[1]
