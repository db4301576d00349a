"""Blocking stages that hold more than they may: put aside on disk and taken up again, or refused."""

from __future__ import annotations

import gc
import io
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.aggregate import Environment, parse_pipeline
from amongo.aggregate.spilling import DOCUMENTS, RAW, Spill, in_order_within
from amongo.engine.files import DiskTemporaryFiles
from amongo.errors import ServerError
from amongo.errors import pipeline as errors
from amongo.errors import storage as storage_errors
from amongo.mql.metadata import metadata_field
from amongo.runtime import limits
from amongo.runtime.interrupts import Interrupt, OperationInterrupted
from amongo.values.codec import encode_in_order
from amongo.values.deprecated import UNDEFINED, Symbol

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


def _environment(held: int, files: CountedFiles | None, interrupt: Interrupt | None = None) -> Environment:
    return Environment(
        "d",
        lambda database, name: (),
        interrupt=interrupt or Interrupt(),
        memory_bytes=held,
        spill_bytes=held,
        temporary=files,
    )


def _run(stages: list[Document], documents: list[Document], environment: Environment) -> list[Document]:
    return list(parse_pipeline(stages).optimized().run(documents, environment))


_ALL_TYPES: Document = {
    "b": Int64(1),
    "a": 1,
    "double": -0.0,
    "decimal": Decimal128("1.00"),
    "date": DatetimeMS(-1),
    "id": ObjectId(),
    "bytes": b"x",
    "binary": Binary(b"x", 128),
    "regex": Regex("a", "i"),
    "time": Timestamp(1, 2),
    "nothing": None,
    "undefined": UNDEFINED,
    "symbol": Symbol("s"),
    "reference": {"$ref": "c", "$id": 1},
    "_id": [{"x": []}],
    metadata_field("textScore"): 1.5,
}


def test_documents_come_back_as_they_were() -> None:
    spill = Spill(CountedFiles(), Interrupt())
    run = spill.run(DOCUMENTS)
    run.add(b"k", _ALL_TYPES)
    ((key, again),) = run.pairs()
    assert key == b"k"
    assert list(again) == list(_ALL_TYPES)
    assert {name: type(value) for name, value in again.items()} == {
        name: type(value) for name, value in _ALL_TYPES.items()
    }
    assert again == _ALL_TYPES


_MANY = [{"_id": number, "a": (number * 7919) % 101, "b": "x" * (number % 50)} for number in range(1500)]


@pytest.mark.parametrize("held", [3_000, 20_000, 80_000])
@pytest.mark.parametrize("stages", [
    [{"$sort": {"a": 1}}],
    [{"$sort": {"a": -1, "_id": 1}}, {"$skip": 5}],
    [{"$sort": {"b": 1}}, {"$match": {"a": {"$gt": 50}}}],
], ids=["ties", "two keys", "more behind"])  # fmt: skip
def test_sort(held: int, stages: list[Document]) -> None:
    files = CountedFiles()
    expected = _run(stages, _MANY, _environment(10**9, None))
    assert _run(stages, _MANY, _environment(held, files)) == expected
    assert files.files
    assert not files.open_count


def test_many_runs_are_merged_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.aggregate.spilling.sorting.SPILL_RUNS", 2)
    files = CountedFiles()
    keyed = [(bytes([number * 7 % 5]), b"%d" % number) for number in range(300)]
    expected = [thing for _, thing in sorted(keyed, key=lambda pair: pair[0])]
    assert list(in_order_within(keyed, _environment(2_000, files), "$sort", RAW)) == expected
    assert len(files.files) > 4


_FOLDS: Document = {
    "n": {"$sum": 1},
    "total": {"$sum": "$x"},
    "mean": {"$avg": "$x"},
    "least": {"$min": "$x"},
    "first": {"$first": "$_id"},
    "last": {"$last": "$_id"},
}


def _by_key(documents: list[Document]) -> list[bytes]:
    return sorted(map(encode_in_order, documents))


@pytest.mark.parametrize("held", [4_000, 15_000])
@pytest.mark.parametrize("more", [
    {}, {"all": {"$push": "$_id"}}, {"top": {"$topN": {"n": 2, "sortBy": {"b": -1}, "output": "$_id"}}},
    {"set": {"$addToSet": "$a"}, "quotient": {"$max": {"$divide": ["$a", 2]}}},
], ids=["plain", "push", "top", "set"])  # fmt: skip
@pytest.mark.parametrize("key", ["$a", {"a": "$a", "l": {"$strLenBytes": "$b"}}, "$none"], ids=["a", "two", "one"])
def test_group(held: int, more: Document, key: Any) -> None:
    documents = [{**each, "x": 0.1 * each["a"]} for each in _MANY]
    stages = [{"$group": {"_id": key, **_FOLDS, **more}}]
    files = CountedFiles()
    expected = _run(stages, documents, _environment(10**9, None))
    grows = bool(more)
    if key == "$none" and grows:
        with pytest.raises(ServerError) as failure:
            _run(stages, documents, _environment(held, files))
        assert failure.value.code == errors.GROUP_TOO_LARGE.code == 146
        assert not files.open_count
        return
    found = _run(stages, documents, _environment(held, files))
    assert _by_key(found) == _by_key(expected)
    assert bool(files.files) == (key != "$none")
    assert not files.open_count


_NUMBERS = st.one_of(
    st.integers(-5, 5), st.floats(width=32), st.just(Int64(2**40)), st.sampled_from([Decimal128("0.1"), None, "x"])
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries({"k": st.integers(0, 9), "x": _NUMBERS}), max_size=80))
def test_folds_of_many_are_those_of_one_by_one(documents: list[Document]) -> None:
    plain = {"_id": "$k", **_FOLDS}
    slow = {**plain, "total": {"$sum": {"$ifNull": ["$x", None]}}}
    one, other = (_run([{"$group": spec}], documents, _environment(10**9, None)) for spec in (plain, slow))
    assert list(map(encode_in_order, one)) == list(map(encode_in_order, other))
    spilled = _run([{"$group": plain}], documents, _environment(300, CountedFiles()))
    assert _by_key(spilled) == _by_key(one)


_WINDOWS: Document = {
    "sum": {"$sum": "$_id", "window": {"documents": [-3, 700]}},
    "far": {"$push": "$_id", "window": {"documents": [-1, 1]}},
    "all": {"$max": "$b"},
    "rank": {"$rank": {}},
    "next": {"$shift": {"output": "$_id", "by": 400}},
    "near": {"$sum": 1, "window": {"range": [-2, 2]}},
    "filled": {"$locf": "$none"},
}
_WINDOW_STAGE = {"$setWindowFields": {"sortBy": {"a": 1}, "output": _WINDOWS}}
_BUCKETS_STAGE = {
    "$bucketAuto": {"groupBy": "$a", "buckets": 7, "output": {"n": {"$sum": 1}, "ids": {"$last": "$_id"}}}
}
_FACET_STAGE = {
    "$facet": {
        "sorted": [{"$sort": {"b": 1, "_id": -1}}, {"$limit": 5}],
        "grouped": [{"$group": {"_id": "$a", "n": {"$sum": "$_id"}}}, {"$sort": {"_id": 1}}, {"$skip": 95}],
        "count": [{"$count": "n"}],
    }
}
_KEEPING: dict[str, list[Document]] = {
    "windows of one partition": [_WINDOW_STAGE],
    "windows without an order": [{"$setWindowFields": {"output": {"n": {"$sum": "$a"}}}}],
    "windows of many partitions": [
        {"$setWindowFields": {"partitionBy": {"$mod": ["$a", 3]}, "sortBy": {"a": 1}, "output": _WINDOWS}}
    ],
    "buckets": [_BUCKETS_STAGE],
    "rounded buckets": [{"$bucketAuto": {"groupBy": "$a", "buckets": 5, "granularity": "R5"}}],
    "facets": [_FACET_STAGE],
    "filled": [
        {"$set": {"c": {"$cond": [{"$mod": ["$_id", 5]}, None, "$a"]}}},
        {"$fill": {"sortBy": {"_id": 1}, "output": {"c": {"method": "linear"}, "d": {"value": 1}}}},
    ],
    "densified": [{"$densify": {"field": "a", "range": {"step": 0.5, "bounds": "full"}}}],
}


@pytest.mark.parametrize("held", [3_000, 30_000])
@pytest.mark.parametrize("name", _KEEPING)
def test_what_is_kept_goes_to_disk(name: str, held: int) -> None:
    stages, files = _KEEPING[name], CountedFiles()
    expected = _run(stages, _MANY, _environment(10**9, None))
    found = _run(stages, _MANY, _environment(held, files))
    assert list(map(encode_in_order, found)) == list(map(encode_in_order, expected))
    assert files.files
    assert not files.open_count
    with pytest.raises(ServerError) as failure:
        _run(stages, _MANY, _environment(held, None))
    assert failure.value.code == errors.MEMORY_EXCEEDED.code == 292


def test_a_large_sample() -> None:
    files = CountedFiles()
    found = _run([{"$sample": {"size": 20_000}}], _MANY, _environment(3_000, files))
    assert found != _MANY
    assert sorted(found, key=lambda each: each["_id"]) == _MANY
    assert files.files
    assert not files.open_count


_NEVER_SPILL: list[tuple[str, Document, int]] = [
    ("one bucket", {"$bucketAuto": {"groupBy": "$a", "buckets": 1, "output": {"x": {"$push": "$b"}}}}, 146),
    ("partitions of $densify", {
        "$densify": {"field": "a", "partitionByFields": ["_id"], "range": {"step": 1, "bounds": "partition"}}
    }, 6007200),
    ("the result of $facet", {"$facet": {"x": []}}, 4031700),
    ("what $graphLookup finds", {"$graphLookup": {
        "from": "o", "startWith": "$a", "connectFromField": "a", "connectToField": "a", "as": "g"
    }}, 40099),
]  # fmt: skip


@pytest.mark.parametrize(("name", "stage", "code"), _NEVER_SPILL, ids=[case[0] for case in _NEVER_SPILL])
def test_what_never_goes_to_disk(name: str, stage: Document, code: int) -> None:
    files = CountedFiles()
    others = [{"_id": place, "a": 0, "b": "x" * 100} for place in range(500)]
    environment = replace(_environment(5_000, files), read=lambda database, name: others)
    with pytest.raises(ServerError) as failure:
        _run([stage], _MANY, environment)
    assert failure.value.code == code
    del failure  # it holds the stages in front of the one that failed
    gc.collect()
    assert not files.open_count


@pytest.mark.parametrize(
    "stage", [{"$sort": {"a": 1}}, {"$group": {"_id": "$_id"}}, {"$group": {"_id": 1, "all": {"$push": "$b"}}}]
)
def test_refused_without_disk_use(stage: Document) -> None:
    with pytest.raises(ServerError) as failure:
        _run([stage], _MANY, _environment(5_000, None))
    assert failure.value.code == errors.MEMORY_EXCEEDED.code == 292


_SPILLING = [{"$sort": {"a": 1}}, {"$group": {"_id": "$_id", "all": {"$push": "$b"}}}, _WINDOW_STAGE, _BUCKETS_STAGE]


@pytest.mark.parametrize("stage", _SPILLING)
def test_files_are_given_back_when_the_rest_is_not_wanted(stage: Document) -> None:
    files = CountedFiles()
    documents = parse_pipeline([stage]).run(_MANY, _environment(5_000, files))
    next(documents)
    assert files.open_count
    documents.close()  # type: ignore[attr-defined]
    assert not files.open_count


@pytest.mark.parametrize("stage", _SPILLING)
def test_files_are_given_back_when_the_operation_is_stopped(stage: Document) -> None:
    files, interrupt = CountedFiles(), Interrupt()

    def source() -> Any:
        yield from _MANY
        interrupt.stop()
        yield from _MANY

    with pytest.raises(OperationInterrupted):
        list(parse_pipeline([stage]).run(source(), _environment(5_000, files, interrupt)))
    assert files.files
    assert not files.open_count


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.aggregate.spilling.runs.SPILL_BYTES", 10_000)
    with pytest.raises(ServerError) as failure:
        _run([{"$sort": {"a": 1}}], _MANY, _environment(5_000, CountedFiles()))
    assert failure.value.code == errors.SPILL_TOO_LARGE.code


def test_on_disk_without_a_name(tmp_path: Path) -> None:
    files = DiskTemporaryFiles(str(tmp_path))
    expected = _run([{"$sort": {"a": 1}}], _MANY, _environment(10**9, None))
    environment = Environment("d", lambda database, name: (), spill_bytes=5_000, temporary=files)
    documents = parse_pipeline([{"$sort": {"a": 1}}]).run(_MANY, environment)
    found = [next(documents)]
    assert list(tmp_path.iterdir()) == []
    assert found + list(documents) == expected


def test_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.engine.files.temporary.SPILL_FREE_BYTES", 2**62)
    with pytest.raises(ServerError) as failure:
        DiskTemporaryFiles(str(tmp_path)).open()
    assert failure.value.code == storage_errors.SPILL_DISK_FULL.code == 14031
    assert limits.SPILL_FREE_BYTES == 500 * 1024 * 1024
