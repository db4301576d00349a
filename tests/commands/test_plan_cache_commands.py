"""planCacheClear and the index filters: kept by shape, shown, forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask


@pytest.fixture(autouse=True)
def collection(ask: Ask) -> None:
    ask({"create": "c"})
    ask({"create": "v", "viewOn": "c"})


def listed(ask: Ask, name: str = "c") -> list[dict[str, Any]]:
    filters: list[dict[str, Any]] = ask({"planCacheListFilters": name})["filters"]
    return filters


def test_filters_are_kept_by_shape(ask: Ask) -> None:
    def put(**shape: Any) -> None:
        assert ask({"planCacheSetFilter": "c", "indexes": ["x"], **shape}) == {"ok": 1.0}

    put(query={"a": 1, "b": {"$gt": 1}})
    put(query={"b": {"$gt": 5}, "a": "text"}, indexes=[{"a": 1}])
    assert listed(ask) == [
        {"query": {"b": {"$gt": 5}, "a": "text"}, "sort": {}, "projection": {}, "indexes": [{"a": 1}]}
    ]
    put(query={"a": 1, "b": {"$lt": 1}})
    put(query={"a": 1, "b": {"$gt": 1}}, sort={"a": 1})
    put(query={"a": 1, "b": {"$gt": 1}}, projection={"a": 1})
    put(query={"a": 1, "b": {"$gt": 1}}, collation={"locale": "en"})
    put(query={})
    assert len(listed(ask)) == 6
    assert ask({"planCacheClearFilters": "c", "query": {"a": 7, "b": {"$lt": 0}}}) == {"ok": 1.0}
    assert len(listed(ask)) == 5
    assert ask({"planCacheClearFilters": "c"}) == {"ok": 1.0}
    assert listed(ask) == []


def test_filters_go_with_their_collection(ask: Ask) -> None:
    ask({"planCacheSetFilter": "c", "query": {"a": 1}, "indexes": ["x"]})
    ask({"renameCollection": "shop.c", "to": "shop.d"}, "admin")
    assert len(listed(ask, "d")) == 1
    ask({"drop": "d"})
    ask({"create": "d"})
    assert listed(ask, "d") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"indexes": ["x"]},
        {"query": 1, "indexes": ["x"]},
        {"query": {}},
        {"query": {}, "indexes": "x"},
        {"query": {}, "indexes": []},
        {"query": {}, "indexes": [1]},
        {"query": {}, "indexes": [{}]},
        {"query": {}, "indexes": ["x"], "sort": 1},
        {"query": {"$bad": 1}, "indexes": ["x"]},
    ],
)
def test_refused(ask: Ask, fields: dict[str, Any]) -> None:
    assert ask({"planCacheSetFilter": "c", **fields})["code"] == 2
    assert ask({"planCacheSetFilter": "nothing", "query": {}, "indexes": ["x"]})["code"] == 2


def test_a_shape_needs_its_query(ask: Ask) -> None:
    assert ask({"planCacheClear": "c", "sort": {"a": 1}})["code"] == 2
    assert ask({"planCacheClearFilters": "c", "projection": {"a": 1}})["code"] == 2
    assert ask({"planCacheClear": "nothing", "sort": {"a": 1}}) == {"ok": 1.0}


def test_views_have_no_plans(ask: Ask) -> None:
    for name in ("planCacheClear", "planCacheClearFilters", "planCacheListFilters", "planCacheSetFilter"):
        assert ask({name: "v"})["code"] == 166
