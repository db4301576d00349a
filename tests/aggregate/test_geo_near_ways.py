"""Two ways to one answer: $geoNear through its index, and by measuring every document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo import MongoClient
from amongo.aggregate.stages import geo_near

Document = dict[str, Any]

COORDINATES = st.tuples(st.integers(-40, 40).map(lambda n: n / 2), st.integers(-40, 40).map(lambda n: n / 2)).map(list)
PLACES = st.one_of(
    COORDINATES,
    COORDINATES.map(lambda at: {"type": "Point", "coordinates": at}),
    st.lists(COORDINATES, min_size=2, max_size=3),
    st.none(),
)
DOCUMENTS = st.lists(st.fixed_dictionaries({"at": PLACES, "kind": st.sampled_from("ab")}), max_size=60)
SPECIFICATIONS = st.fixed_dictionaries(
    {"near": COORDINATES, "distanceField": st.sampled_from(["far", "at.far"])},
    optional={
        "spherical": st.booleans(),
        "query": st.sampled_from([{"kind": "a"}, {"$expr": {"$eq": ["$kind", "b"]}}, {}]),
        "maxDistance": st.sampled_from([0, 0.1, 3, 10]),
        "minDistance": st.sampled_from([0, 0.05, 2]),
        "includeLocs": st.just("place"),
        "distanceMultiplier": st.sampled_from([1, 6378.1]),
    },
)


@settings(deadline=None, max_examples=150)
@given(documents=DOCUMENTS, specification=SPECIFICATIONS, kind=st.sampled_from(["2d", "2dsphere"]))
def test_the_index_and_measuring_agree(documents: list[Document], specification: Document, kind: str) -> None:
    if kind == "2dsphere":
        documents = [each for each in documents if not (type(each["at"]) is list and type(each["at"][0]) is list)]
        specification = {**specification, "spherical": True}
    else:
        documents = [each for each in documents if type(each["at"]) is not dict]
    if specification.get("spherical") and max(map(abs, specification["near"])) > 90:
        return
    stages = [{"$geoNear": specification}, {"$set": {"again": {"$meta": "geoNearDistance"}}}]
    with MongoClient("memory://") as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr(geo_near, "GEO_RING_ENTRIES", 0)
        collection = client.test.places
        collection.create_index([("at", kind)])
        for number, each in enumerate(documents):
            collection.insert_one({"_id": number, **each})
        by_index = list(collection.aggregate(stages))
        patch.setattr(geo_near, "search", lambda *arguments: None)
        measured = list(collection.aggregate(stages))
    assert by_index == measured


def test_the_nearest_are_found_without_a_look_at_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[bytes] = []
    decode = geo_near.decode

    def counted(raw: bytes) -> Document:
        looked_at.append(raw)
        return decode(raw)

    monkeypatch.setattr(geo_near, "decode", counted)
    with MongoClient("memory://") as client:
        collection = client.test.places
        collection.create_index([("at", "2dsphere")])
        collection.insert_many([{"at": [number % 100, number // 100 % 80]} for number in range(8_000)])
        stages = [{"$geoNear": {"near": [50, 40], "distanceField": "far", "spherical": True}}, {"$limit": 5}]
        found = list(collection.aggregate(stages))
        assert found[0]["at"] == [50, 40]
        assert {tuple(each["at"]) for each in found[1:]} <= {(49, 40), (51, 40), (50, 39), (50, 41)}
        assert len(looked_at) <= 10
        with client.start_session() as session, session.start_transaction():
            collection.insert_one({"at": [50.001, 40]}, session=session)
            first, second = list(collection.aggregate(stages, session=session))[:2]
            assert (first["at"], second["at"]) == ([50, 40], [50.001, 40])
