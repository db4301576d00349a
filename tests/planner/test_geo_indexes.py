"""What a geospatial index finds is what a scan finds, and what is near comes in the order in which all is measured."""

from __future__ import annotations

import math
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import IndexModel
from pymongo.errors import OperationFailure

from amongo import AsyncMongoClient, MongoClient
from amongo.mql.geo.geometry import Geometry
from amongo.mql.geo.near import near_query
from amongo.planner import near_scan
from amongo.planner.index_facts import planning_of

Document = dict[str, Any]

whole = st.integers(-178, 178).map(float) | st.floats(-179, 179)
across = whole
up = st.integers(-88, 88).map(float) | st.floats(-89, 89)
pairs = st.tuples(across, up).map(list)
geo_points = pairs.map(lambda pair: {"type": "Point", "coordinates": pair})
few = st.sampled_from([0.0, 0.3, 2.0])


@st.composite
def polygons(draw: st.DrawFn) -> Document:
    x, y, size = draw(st.floats(-150, 150)), draw(st.floats(-60, 60)), draw(st.sampled_from([0.01, 3.0, 25.0]))
    ring = [
        [x - size, y - size],
        [x + size, y - size],
        [x + size, y + size],
        [x - size, y + size],
        [x - size, y - size],
    ]
    return {"type": "Polygon", "coordinates": [ring]}


lines = st.lists(pairs, min_size=2, max_size=3, unique_by=tuple).map(lambda p: {"type": "LineString", "coordinates": p})
many = st.lists(pairs, min_size=1, max_size=3).map(lambda found: {"type": "MultiPoint", "coordinates": found})
places = pairs | geo_points | polygons() | lines | many | st.none()

regions = st.one_of(
    polygons().map(lambda found: {"$geoWithin": {"$geometry": found}}),
    (polygons() | lines | geo_points).map(lambda found: {"$geoIntersects": {"$geometry": found}}),
    st.tuples(pairs, st.sampled_from([0.0, 0.05, 0.8, 3.0])).map(lambda c: {"$geoWithin": {"$centerSphere": list(c)}}),
)
flat_regions = st.one_of(
    st.tuples(pairs, pairs).map(lambda corners: {"$geoWithin": {"$box": list(corners)}}),
    st.tuples(pairs, st.sampled_from([0.0, 4.0, 90.0, 400.0])).map(lambda c: {"$geoWithin": {"$center": list(c)}}),
    st.lists(pairs, min_size=3, max_size=5).map(lambda corners: {"$geoWithin": {"$polygon": corners}}),
    st.tuples(pairs, st.sampled_from([0.0, 0.05, 0.8, 3.0])).map(lambda c: {"$geoWithin": {"$centerSphere": list(c)}}),
)
limits = st.fixed_dictionaries({}, optional={"$maxDistance": st.sampled_from([0.0, 1e3, 3e6]), "$minDistance": few})
nears = st.one_of(
    st.tuples(geo_points, limits).map(lambda found: {"$near": {"$geometry": found[0], **found[1]}}),
    st.tuples(pairs, st.sampled_from([0.01, 1.0, 4.0])).map(lambda f: {"$nearSphere": f[0], "$maxDistance": f[1]}),
)
flat_nears = st.one_of(
    pairs.map(lambda pair: {"$near": pair}),
    st.tuples(pairs, st.sampled_from([0.0, 5.0, 1e9])).map(lambda found: {"$near": found[0], "$maxDistance": found[1]}),
    st.tuples(pairs, st.sampled_from([0.01, 1.0, 4.0])).map(lambda f: {"$nearSphere": f[0], "$maxDistance": f[1]}),
)
others = st.sampled_from([{}, {}, {"a": 1}, {"a": {"$gte": 1}}, {"b": None}])
KEYS = [[("at", "2dsphere")], [("at", "2dsphere"), ("a", 1)], [("a", 1), ("at", "2dsphere")]]
FLAT_KEYS = [[("at", "2d")], [("at", "2d"), ("a", -1)]]


def documents(kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Document]]:
    """Up to some dozens; few of them are drawn, and the others are these once more, a little beside."""
    field = st.fixed_dictionaries({"at": kinds, "a": st.integers(0, 2)})
    return st.lists(field, min_size=1, max_size=12).map(
        lambda found: [{"_id": number, **found[number % len(found)]} for number in range(7 * len(found))]
    )


def found(collection: Any, filter: Document) -> list[Any]:
    return sorted(document["_id"] for document in collection.find(filter))


def stages(plan: Document) -> list[str]:
    inner = [plan["inputStage"]] if "inputStage" in plan else plan.get("inputStages", [])
    return [plan["stage"], *(name for each in inner for name in stages(each))]


def check_regions(given_documents: list[Document], key: Any, region: Document, other: Document) -> None:
    with MongoClient("memory://") as client:
        indexed, plain = client["test"]["indexed"], client["test"]["plain"]
        indexed.create_index(key)
        for collection in (indexed, plain):
            collection.insert_many(given_documents)
        filter = {"at": region, **other}
        assert found(indexed, filter) == found(plain, filter)
        if key[0][0] == "at" or "a" in other:
            assert "IXSCAN" in stages(indexed.find(filter).explain()["queryPlanner"]["winningPlan"])
        indexed.update_many({"a": 1}, {"$unset": {"at": 1}})
        plain.update_many({"a": 1}, {"$unset": {"at": 1}})
        assert found(indexed, filter) == found(plain, filter)


@settings(max_examples=60, deadline=None)
@given(documents(places), st.sampled_from(KEYS), regions, others)
def test_an_index_on_the_sphere_finds_what_a_scan_finds(
    given_documents: list[Document], key: Any, region: Document, other: Document
) -> None:
    check_regions(given_documents, key, region, other)


@settings(max_examples=60, deadline=None)
@given(documents(pairs | st.lists(pairs, min_size=1, max_size=3)), st.sampled_from(FLAT_KEYS), flat_regions, others)
def test_an_index_on_the_plane_finds_what_a_scan_finds(
    given_documents: list[Document], key: Any, region: Document, other: Document
) -> None:
    check_regions(given_documents, key, region, other)


def check_near(given_documents: list[Document], key: Any, near: Document, other: Document) -> None:
    query = near_query("at", near)
    wanted = [each for each in given_documents if all(each[name] == value for name, value in other.items())]
    measured = [(query.measure(document), document["_id"]) for document in wanted]
    expected = [number for _, number in sorted((each.meters, number) for each, number in measured if each is not None)]
    with MongoClient("memory://") as client:
        collection = client["test"]["indexed"]
        collection.create_index(key)
        collection.insert_many(given_documents)
        filter = {"at": near, **other}
        assert [document["_id"] for document in collection.find(filter)] == expected
        assert [document["_id"] for document in collection.find(filter, limit=3, skip=1)] == expected[1:4]


@settings(max_examples=60, deadline=None)
@given(documents(places), st.sampled_from(KEYS[:2]), nears, st.sampled_from([{}, {"a": 1}]))
def test_what_is_near_on_the_sphere_comes_by_its_distance(
    given_documents: list[Document], key: Any, near: Document, other: Document
) -> None:
    check_near(given_documents, key, near, other)


@settings(max_examples=60, deadline=None)
@given(documents(pairs), st.sampled_from(FLAT_KEYS), flat_nears, st.sampled_from([{}, {"a": 1}]))
def test_what_is_near_on_the_plane_comes_by_its_distance(
    given_documents: list[Document], key: Any, near: Document, other: Document
) -> None:
    check_near(given_documents, key, near, other)


@pytest.mark.parametrize("kind", ["2dsphere", "2d"])
def test_few_documents_are_looked_at_for_what_is_near(kind: str) -> None:
    with MongoClient("memory://") as client:
        collection = client["test"]["grid"]
        collection.create_index([("at", kind)])
        collection.insert_many([{"at": [x, y]} for x in range(-60, 60, 2) for y in range(-60, 60, 2)])
        plan = collection.find({"at": {"$near": [0.5, 0.5]}} if kind == "2d" else {"at": {"$nearSphere": [0.5, 0.5]}})
        counted = plan.limit(5).explain()["executionStats"]
        assert counted["nReturned"] == 5
        assert 5 <= counted["totalDocsExamined"] <= 500
        region = {"at": {"$geoWithin": {"$centerSphere": [[0.5, 0.5], 0.05]}}}
        counted = collection.find(region).explain()["executionStats"]
        assert 5 <= counted["nReturned"] <= counted["totalDocsExamined"] <= 100


def test_a_search_for_what_is_near_goes_on_without_its_index() -> None:
    with MongoClient("memory://") as client:
        collection = client["test"]["gone"]
        collection.insert_many([{"_id": number, "at": [number % 50, 0]} for number in range(200)])
        collection.create_index([("at", "2dsphere")])
        cursor = collection.find({"at": {"$nearSphere": [0, 0]}}, batch_size=5)
        first = next(cursor)
        collection.drop_indexes()
        rest = [document["at"][0] for document in cursor]
        assert [first["at"][0], *rest] == sorted([0] * 4 + [number for number in range(1, 50) for _ in range(4)])


@pytest.mark.anyio
async def test_nothing_of_places_is_covered_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()
    covered = Geometry.squares

    def squares(self: Geometry, most: int) -> list[Any]:
        threads.add(threading.get_ident())
        return covered(self, most)

    monkeypatch.setattr(Geometry, "squares", squares)
    ring = [[math.cos(2 * math.pi * turn / 3000), math.sin(2 * math.pi * turn / 3000)] for turn in range(3000)]
    region = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    async with AsyncMongoClient("memory://") as client:
        collection = client["test"]["far"]
        await collection.create_index([("at", "2dsphere")])
        await collection.insert_many([{"at": [number % 90 - 45, 0.5]} for number in range(300)])
        filter = {"at": {"$geoWithin": {"$geometry": region}}}
        assert len(await collection.find(filter).to_list()) == await collection.count_documents(filter) == 3
        await collection.update_many(filter, {"$set": {"seen": True}})
        assert len(await (await collection.aggregate([{"$match": filter}])).to_list()) == 3
        await collection.insert_many([{"at": region} for _ in range(3)])
        near = {"$geoNear": {"near": [0, 0.5], "distanceField": "far", "maxDistance": 0.1, "spherical": True}}
        assert await (await collection.aggregate([near])).to_list()
        few = client["test"]["few"]
        await few.create_index([("at", "2dsphere")])
        await few.insert_one({"at": [0, 0]})
        assert len(await (await few.aggregate([near])).to_list()) == 1
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("left", [0, 1])
def test_an_index_that_is_dropped_before_it_is_searched(left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with MongoClient("memory://") as client:
        things = client.shop.things
        things.insert_one({"_id": 1, "at": [1, 2]})
        things.create_indexes([IndexModel([("at", "2dsphere")]), IndexModel([("at", "2dsphere"), ("a", 1)])])

        def planned(collection: Any) -> Any:
            found = planning_of(collection)
            return None if found is None else SimpleNamespace(indexes=found.indexes[len(found.indexes) - left :])

        monkeypatch.setattr(near_scan, "planning_of", planned)
        asked = {"at": {"$near": {"$geometry": {"type": "Point", "coordinates": [1, 2]}}}}
        if left:
            assert list(things.find(asked)) == [{"_id": 1, "at": [1, 2]}]
            return
        with pytest.raises(OperationFailure) as caught:
            list(things.find(asked))
        assert caught.value.code == 291
