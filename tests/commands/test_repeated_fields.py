"""Fields that a stage's specification has twice: refused where a server refuses them, in sub-pipelines too."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson.raw_bson import RawBSONDocument
from pymongo.errors import OperationFailure

from amongo import MongoClient

Document = dict[str, Any]


def _twice(first: Document, second: Document) -> RawBSONDocument:
    """A document with the fields of both, one after the other."""
    elements = bson.encode(first)[4:-1] + bson.encode(second)[4:-1]
    return RawBSONDocument((len(elements) + 5).to_bytes(4, "little") + elements + b"\0")


_JOIN = _twice({"from": "o", "as": "f", "localField": "a", "foreignField": "a"}, {"as": "f"})
_SORT = _twice({"a": 1}, {"a": -1})

REFUSED: list[tuple[str, Document, int]] = [
    ("a sort key", {"$sort": _SORT}, 7472500),
    ("a field of $lookup", {"$lookup": _JOIN}, 40413),
    ("a field of $planCacheStats", {"$planCacheStats": _twice({"allHosts": True}, {"allHosts": True})}, 9),
    ("in $facet", {"$facet": {"x": [{"$sort": _SORT}]}}, 7472500),
    ("in $lookup", {"$lookup": {"from": "o", "as": "f", "pipeline": [{"$sort": _SORT}]}}, 7472500),
    ("in $unionWith", {"$unionWith": {"coll": "o", "pipeline": [{"$lookup": _JOIN}]}}, 40413),
]


@pytest.mark.parametrize(("stage", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(stage: Document, code: int) -> None:
    with MongoClient("memory://") as client:
        for run in (
            lambda: client["d"].command({"aggregate": "c", "pipeline": [stage], "cursor": {}}),
            lambda: list(client["d"]["c"].aggregate([stage])),
        ):
            with pytest.raises(OperationFailure) as failure:
                run()
            assert failure.value.code == code


def test_in_other_stages_the_last_one_counts() -> None:
    with MongoClient("memory://") as client:
        client["d"]["c"].insert_one({"_id": 1, "a": 5})
        stages: list[Any] = [{"$match": _twice({"a": 4}, {"a": 5})}]
        assert list(client["d"]["c"].aggregate(stages)) == [{"_id": 1, "a": 5}]
