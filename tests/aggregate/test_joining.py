"""Partners of a document in another collection: every way to find them gives what equality filters give."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import bson
import pytest
from bson import Decimal128, Int64, Regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amongo import MongoClient
from amongo.aggregate import Environment, Stored, parse_pipeline
from amongo.aggregate.joining import open_partners
from amongo.engine.files import MemoryFiles
from amongo.engine.records import record_key
from amongo.engine.store import Store
from amongo.errors import ServerError
from amongo.mql.matcher import parse_filter
from amongo.runtime.clock import ManualClock
from amongo.values.codec import CODEC, encode
from amongo.values.paths import field_path

Document = dict[str, Any]


class CountedFiles:
    """Temporary files in memory, counted."""

    def __init__(self) -> None:
        self.files: list[io.BytesIO] = []

    def open(self) -> BinaryIO:
        self.files.append(io.BytesIO())
        return self.files[-1]

    @property
    def open_count(self) -> int:
        return sum(not file.closed for file in self.files)


_SCALARS = st.sampled_from(
    [None, True, 1, 2, 2.0, Int64(3), Decimal128("2.00"), -0.0, float("nan"), "x", "X", "y", Regex("x"), b"x"]
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_leaves=4,
)
_FOREIGN = st.lists(st.dictionaries(st.sampled_from("abc"), _VALUES, max_size=3), max_size=10)
_PATHS = st.sampled_from(["a", "b", "a.b", "a.0", "a.b.0", "_id"])


def _caseless(text: str) -> bytes:
    return text.lower().encode() + b"\0"


def _collection(documents: list[Document]) -> Stored:
    store = Store.open("/data", files=MemoryFiles(), clock=ManualClock())
    collection = store.create("d.o")
    raws = [encode(each) for each in documents]
    store.insert(collection, [record_key(raw) for raw in raws], raws, ordered=True)
    return Stored(store, collection)


def _environment(stored: Stored, held: int, files: CountedFiles | None, *, is_view: bool) -> Environment:
    def read(database: str, name: str) -> Iterator[Document]:
        for raw in stored.store.view(stored.collection).documents():
            yield bson.decode(raw, CODEC)

    return Environment(
        "d",
        read,
        memory_bytes=held,
        spill_bytes=held,
        temporary=files,
        stored=lambda database, name: None if is_view else stored,
    )


def _matching(documents: list[Document], path: str, values: list[Any], collator: Any) -> list[Document]:
    filters = [parse_filter({path: {"$eq": value}}, variables={}, collator=collator).bind() for value in values]
    return [each for each in documents if any(matches(each) for matches in filters)]


_WAYS = {
    "hashed": (10**6, True, False),
    "sorted on disk": (700, True, False),
    "read anew": (700, False, False),
    "view kept": (10**6, True, True),
    "view on disk": (700, True, True),
    "view read anew": (700, False, True),
}


@pytest.mark.parametrize("way", _WAYS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_FOREIGN, _PATHS, st.lists(_VALUES, min_size=1, max_size=3), st.booleans())
def test_every_way_finds_what_filters_find(
    way: str, foreign: list[Document], path: str, values: list[Any], is_collated: bool
) -> None:
    held, has_disk, is_view = _WAYS[way]
    documents = [bson.decode(encode({"_id": place, **each}), CODEC) for place, each in enumerate(foreign)]
    stored, files = _collection(documents), CountedFiles()
    collator = _caseless if is_collated else None
    environment = _environment(stored, held, files if has_disk else None, is_view=is_view)
    partners = open_partners(environment, "o", field_path(path), collator)
    for asked in (values, values[:1]):
        found = list(partners.find(asked))
        assert [encode(each) for each in found] == [
            encode(each) for each in _matching(documents, path, asked, collator)
        ]
    partners.close()
    assert not files.open_count


def test_large_ones_go_to_disk_or_are_read_anew() -> None:
    documents = [{"_id": place, "a": place % 300, "b": "x" * 50} for place in range(2000)]
    stored = _collection(documents)
    expected = [each for each in documents if each["a"] in (7, 250)]
    for is_view in (False, True):
        files = CountedFiles()
        partners = open_partners(_environment(stored, 20_000, files, is_view=is_view), "o", field_path("a"), None)
        assert list(partners.find([7, 250])) == expected
        assert files.open_count >= 1
        partners.close()
        assert not files.open_count
        partners = open_partners(_environment(stored, 20_000, None, is_view=is_view), "o", field_path("a"), None)
        assert list(partners.find([7, 250])) == list(partners.find([250, 7])) == expected


@pytest.mark.parametrize("path", ["_id", "a"])
def test_what_was_inserted_meanwhile_is_not_seen(path: str) -> None:
    stored = _collection([{"_id": 1, "a": 1}])
    partners = open_partners(_environment(stored, 10**6, None, is_view=False), "o", field_path(path), None)
    raw = encode({"_id": 2, "a": 2})
    stored.store.insert(stored.collection, [record_key(raw)], [raw], ordered=True)
    assert list(partners.find([1, 2])) == [{"_id": 1, "a": 1}]


def test_the_array_is_bounded_and_what_is_unwound_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.aggregate.stages.lookup.LOOKUP_BYTES", 10_000)
    stored = _collection([{"_id": place, "a": 1, "b": "x" * 100} for place in range(200)])
    stages = [
        {"$lookup": {"from": "o", "localField": "a", "foreignField": "a", "as": "f"}},
        {"$unwind": "$f"},
        {"$count": "n"},
    ]
    environment = _environment(stored, 10**6, None, is_view=False)
    with pytest.raises(ServerError) as failure:
        list(parse_pipeline(stages).run([{"a": 1}], environment))
    assert failure.value.code == 4568
    assert list(parse_pipeline(stages).optimized().run([{"a": 1}], environment)) == [{"n": 200}]


def test_partners_come_one_by_one() -> None:
    stages = [{"$lookup": {"from": "o", "localField": "a", "foreignField": "a", "as": "f"}}, {"$unwind": "$f"}]
    stored = _collection([{"_id": place, "a": 1} for place in range(10)])
    taken: list[int] = []

    def locals_() -> Iterator[Document]:
        for number in range(5):
            taken.append(number)
            yield {"_id": number, "a": 1}

    documents = parse_pipeline(stages).optimized().run(locals_(), _environment(stored, 10**6, None, is_view=False))
    assert [next(documents)["f"]["_id"] for _ in range(10)] == list(range(10))
    assert taken == [0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_FOREIGN, _FOREIGN, st.sampled_from(["a", "a.b", "b"]), st.booleans())
def test_an_index_changes_nothing(
    locals_: list[Document], foreign: list[Document], path: str, is_unwound: bool
) -> None:
    with MongoClient("memory://") as client:
        database = client["d"]
        for name, documents in (("l", locals_), ("plain", foreign * 10), ("indexed", foreign * 10)):
            database.create_collection(name)
            if documents:
                database[name].insert_many([{"_id": place, **each} for place, each in enumerate(documents)])
        try:
            database["indexed"].create_index(path)
        except Exception:  # two arrays side by side: there is no such index
            return
        results = []
        for name in ("plain", "indexed"):
            lookup = {"from": name, "localField": "a", "foreignField": path, "as": "f"}
            stages = [{"$lookup": lookup}, *([{"$unwind": "$f"}] if is_unwound else [])]
            results.append([bson.encode(each) for each in database["l"].aggregate(stages)])
        assert results[0] == results[1]
