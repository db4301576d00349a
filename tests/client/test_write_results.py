"""The results of writes of one document are PyMongo's, however they are made."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Iterator

import pytest
from pymongo.errors import InvalidOperation
from pymongo.results import InsertOneResult, UpdateResult

from amongo.client import results

REPLY = {"n": 1, "nModified": 1, "ok": 1.0, "updatedExisting": True}


@pytest.fixture(params=["as they are", "of another PyMongo"])
def makers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """The module of the makers; and the same where PyMongo's classes have one attribute more."""
    if request.param == "as they are":
        assert results.inserted is not InsertOneResult and results.updated is not UpdateResult
        yield results
        return
    with monkeypatch.context() as patch:
        for kind in (InsertOneResult, UpdateResult):
            patch.setattr(f"pymongo.results.{kind.__name__}", type(kind.__name__, (kind,), {"__slots__": ("more",)}))
        yield importlib.reload(results)
        assert results.inserted.__name__ == "InsertOneResult" and results.updated.__name__ == "UpdateResult"
    importlib.reload(results)


@pytest.mark.parametrize("is_acknowledged", [True, False])
def test_an_inserts_result_is_pymongos(makers: object, is_acknowledged: bool) -> None:
    mine, theirs = results.inserted(7, is_acknowledged), InsertOneResult(7, is_acknowledged)
    assert isinstance(mine, InsertOneResult) and repr(mine) == repr(theirs)
    assert (mine.inserted_id, mine.acknowledged) == (7, is_acknowledged)
    assert type(mine).__name__ == "InsertOneResult"


def test_an_updates_result_is_pymongos(makers: object) -> None:
    mine, theirs = results.updated(dict(REPLY), True), UpdateResult(dict(REPLY), True)
    assert isinstance(mine, UpdateResult) and repr(mine) == repr(theirs)
    for name in ("matched_count", "modified_count", "upserted_id", "did_upsert", "raw_result", "acknowledged"):
        assert getattr(mine, name) == getattr(theirs, name)


def test_an_unacknowledged_update_has_no_counts(makers: object) -> None:
    result = results.updated(None, False)
    assert repr(result) == repr(UpdateResult(None, False)) and not result.acknowledged
    with pytest.raises(InvalidOperation):
        _ = result.matched_count


def test_results_can_be_pickled() -> None:
    for result in (results.inserted(7, True), results.updated(dict(REPLY), True)):
        assert repr(pickle.loads(pickle.dumps(result))) == repr(result)
