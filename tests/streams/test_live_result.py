"""The ordered result of a live query, against a list that is sorted anew after every change."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongo.engine.records import Collection
from amongo.errors import ErrorCode, ServerError
from amongo.planner import canonical_query
from amongo.runtime.interrupts import NEVER
from amongo.streams.live import Definition, Difference, LiveResult, result

PLAIN = Collection("db.coll", bytes(16), {})
CLUSTERED = Collection("db.coll", bytes(16), {"clusteredIndex": {"key": {"_id": 1}, "unique": True}})


def live(collection: Collection | None = None, **query: Any) -> LiveResult:
    """An empty result."""
    return LiveResult(Definition(canonical_query(query.pop("filter", {}), **query), collection or PLAIN))


def document(number: int, **fields: Any) -> bytes:
    return bson.encode({"_id": number, **fields})


def told(differences: list[Difference]) -> list[tuple[str, int | None, int | None]]:
    return [(each.kind, each.from_index, each.index) for each in differences]


def applied(documents: list[bytes], differences: list[Difference]) -> None:
    for each in differences:
        if each.from_index is not None:
            assert documents.pop(each.from_index) == each.before
        if each.index is not None:
            assert each.document is not None
            documents.insert(each.index, each.document)


changes = st.lists(st.tuples(st.integers(1, 15), st.one_of(st.none(), st.integers(-1, 5))), max_size=40)


@given(changes, st.integers(0, 6), st.sampled_from([None, {"v": 1}, {"v": -1}, {"$natural": -1}]))
def test_it_is_as_if_sorted_anew(
    changes: list[tuple[int, int | None]], limit: int, sort: dict[str, Any] | None
) -> None:
    kept = live(filter={"v": {"$gte": 0}}, sort=sort, limit=limit)
    records: dict[int, int] = {}
    shown: list[bytes] = []
    for record_id, value in changes:
        if value is None:
            records.pop(record_id, None)
            differences = kept.remove(record_id, 7)
        else:
            records[record_id] = value
            differences = kept.put(record_id, document(record_id, v=value), 7)
        assert all(each.sequence == 7 for each in differences)
        applied(shown, differences)
        assert not limit or len(shown) <= limit
        found = [each for each in sorted(records.items()) if each[1] >= 0]
        if sort == {"$natural": -1}:
            found.reverse()
        elif sort is not None:
            found.sort(key=lambda each: each[1] * sort["v"])
        assert shown == [document(number, v=value) for number, value in found[: limit or None]] == kept.documents()


def test_a_window_is_never_longer_than_its_limit() -> None:
    kept = live(sort={"v": 1}, limit=2)
    kept.fill([(n, document(n, v=n * 10)) for n in range(4)], NEVER)
    assert told(kept.put(9, document(9, v=5), 1)) == [("removed", 1, None), ("added", None, 1)]
    assert told(kept.put(9, document(9, v=99), 1)) == [("removed", 1, None), ("added", None, 1)]
    assert told(kept.put(3, document(3, v=-1), 1)) == [("removed", 1, None), ("added", None, 0)]
    assert told(kept.put(0, document(0, v=-5), 1)) == [("changed", 1, 0)]
    assert told(kept.put(2, document(2, v=21), 1)) == []


def test_what_a_projection_hides_is_no_change() -> None:
    kept = live(sort={"v": 1}, projection={"a": 1, "_id": 0})
    kept.fill([(1, document(1, v=1, a=1)), (2, document(2, v=2, a=2))], NEVER)
    assert kept.put(1, document(1, v=1, a=1, b=1), 1) == []
    moved = kept.put(1, document(1, v=3, a=1), 1)
    assert told(moved) == [("moved", 0, 1)]
    assert moved[0].id_document == bson.encode({"_id": 1})
    assert kept.documents() == [bson.encode({"a": 2}), bson.encode({"a": 1})]


def test_metadata_of_a_projection() -> None:
    kept = live(sort={"v": 1}, projection={"id": {"$meta": "recordId"}, "key": {"$meta": "sortKey"}})
    kept.fill([(5, document(1, v=3))], NEVER)
    assert bson.decode(kept.documents()[0]) == {"_id": 1, "v": 3, "id": 5, "key": [3]}


def test_the_natural_order_of_a_clustered_collection() -> None:
    for sort, expected in ((None, [1, 2, 3]), ({"$natural": -1}, [3, 2, 1])):
        kept = live(CLUSTERED, sort=sort)
        kept.fill([(1, document(3)), (2, document(1))], NEVER)
        kept.put(3, document(2), 1)
        assert [bson.decode(raw)["_id"] for raw in kept.documents()] == expected


def test_a_filter_by_one_id_decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.streams.live.definition.decode", None)
    kept = live(filter={"_id": 2})
    kept.fill([(1, document(1)), (2, document(2))], NEVER)
    assert kept.documents() == [document(2)]
    assert told(kept.remove(2, 1)) == [("removed", 0, None)]


def test_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "LIVE_BYTES", 100)
    kept = live()
    kept.fill([(1, document(1, text="x" * 60))], NEVER)
    with pytest.raises(ServerError) as refused:
        kept.put(2, document(2, text="x" * 60), 1)
    assert refused.value.code == ErrorCode.ExceededMemoryLimit


@pytest.mark.parametrize("filter", [{"$text": {"$search": "x"}}, {"at": {"$near": [0, 0]}}])
def test_a_search_is_refused(filter: dict[str, Any]) -> None:
    with pytest.raises(ServerError) as refused:
        live(filter=filter)
    assert refused.value.code == ErrorCode.InvalidOptions
