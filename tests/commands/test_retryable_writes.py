"""Retryable writes: what a client sends again is not made again."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from asking import Ask
from bson import Binary, Int64

from amongo.commands.instance import Instance
from amongo.runtime.interrupts import NEVER, Interrupt, OperationInterrupted

SESSION = {"id": Binary(bytes(range(16)), 4)}


def numbered(number: int = 1, **fields: Any) -> dict[str, Any]:
    """The fields that make a write retryable."""
    return {"lsid": SESSION, "txnNumber": Int64(number), **fields}


def found(ask: Ask, name: str = "fruit") -> list[dict[str, Any]]:
    batch: list[dict[str, Any]] = ask({"find": name, "sort": {"_id": 1}})["cursor"]["firstBatch"]
    return batch


def test_an_insert_is_made_once(ask: Ask) -> None:
    command = {"insert": "fruit", "documents": [{"_id": 1}, {"_id": 2}], **numbered()}
    assert ask(command) == {"n": 2, "ok": 1.0}
    assert ask(command) == {"n": 2, "retriedStmtIds": [0, 1], "ok": 1.0}
    assert found(ask) == [{"_id": 1}, {"_id": 2}]


def test_a_new_number_is_a_new_write(ask: Ask) -> None:
    ask({"insert": "fruit", "documents": [{"_id": 1}], **numbered(1)})
    reply = ask({"insert": "fruit", "documents": [{"_id": 1}], **numbered(2)})
    assert (reply["n"], reply["writeErrors"][0]["code"]) == (0, 11000)


def test_an_older_number_is_refused(ask: Ask) -> None:
    ask({"insert": "fruit", "documents": [{"_id": 1}], **numbered(7)})
    reply = ask({"insert": "fruit", "documents": [{"_id": 2}], **numbered(6)})
    assert (reply["code"], reply["codeName"]) == (225, "TransactionTooOld")
    assert found(ask) == [{"_id": 1}]


def test_a_number_that_has_changed_nothing_makes_older_ones_too_old(ask: Ask) -> None:
    ask({"delete": "fruit", "deletes": [{"q": {}, "limit": 1}], **numbered(7)})
    assert ask({"insert": "fruit", "documents": [{}], **numbered(6)})["code"] == 225


def test_a_retry_inserts_what_is_missing(ask: Ask) -> None:
    ask({"insert": "fruit", "documents": [{"_id": 1}], **numbered(stmtIds=[1])})
    documents = [{"_id": number} for number in range(4)]
    reply = ask({"insert": "fruit", "documents": documents, **numbered(stmtIds=[0, 1, 2, 3])})
    assert reply == {"n": 4, "retriedStmtIds": [1], "ok": 1.0}
    assert found(ask) == documents


@pytest.mark.parametrize("has_index", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
def test_documents_that_failed_are_tried_again(ask: Ask, ordered: bool, has_index: bool) -> None:
    if has_index:
        ask({"createIndexes": "fruit", "indexes": [{"key": {"a": 1}, "name": "a", "unique": True}]})
    ask({"insert": "fruit", "documents": [{"_id": 2, "a": -1}]})
    documents = [{"_id": number, "a": number} for number in range(4)]
    command = {"insert": "fruit", "documents": documents, "ordered": ordered, **numbered()}
    failed = ask(command)
    assert (failed["n"], [each["index"] for each in failed["writeErrors"]]) == (2 if ordered else 3, [2])
    ask({"delete": "fruit", "deletes": [{"q": {"_id": 2}, "limit": 1}]})
    reply = ask(command)
    assert (reply["n"], reply["retriedStmtIds"]) == (4, [0, 1] if ordered else [0, 1, 3])
    assert found(ask) == documents


def test_an_ordered_insert_that_fails_again_counts_up_to_the_failure(ask: Ask) -> None:
    ask({"insert": "fruit", "documents": [{"_id": 1}]})
    command = {"insert": "fruit", "documents": [{"_id": 0}, {"_id": 1}, {"_id": 2}], **numbered()}
    ask(command)
    reply = ask(command)
    assert (reply["n"], reply["retriedStmtIds"], reply["writeErrors"][0]["index"]) == (1, [0], 1)


def test_a_capped_collection_takes_each_document_once(ask: Ask) -> None:
    ask({"create": "fruit", "capped": True, "size": 4096, "max": 3})
    command = {"insert": "fruit", "documents": [{"_id": number} for number in range(5)], **numbered()}
    assert ask(command)["n"] == 5
    assert ask(command)["retriedStmtIds"] == [0, 1, 2, 3, 4]
    assert [each["_id"] for each in found(ask)] == [2, 3, 4]


def test_a_time_series_takes_each_measurement_once(ask: Ask) -> None:
    day = datetime.datetime(2026, 1, 1)
    ask({"create": "heat", "timeseries": {"timeField": "t", "metaField": "m"}})
    documents = [{"t": day, "m": 1, "c": 3}, {"m": 1}, {"t": day - datetime.timedelta(1), "m": 2, "c": 4}]
    command = {"insert": "heat", "documents": documents, "ordered": False, **numbered()}
    assert ask(command)["n"] == 2
    reply = ask(command)
    assert (reply["n"], reply["retriedStmtIds"], reply["writeErrors"][0]["index"]) == (2, [0, 2], 1)
    assert len(found(ask, "heat")) == 2


@pytest.mark.usefixtures("fruit")
def test_an_update_is_made_once(ask: Ask) -> None:
    statements = [
        {"q": {"_id": 1}, "u": {"$inc": {"n": 1}}},
        {"q": {"_id": 9}, "u": {"$inc": {"n": 1}}, "upsert": True},
        {"q": {"_id": 77}, "u": {"$inc": {"n": 1}}},
        {"q": {"_id": 2}, "u": {"name": "cherry"}},
    ]
    first = ask({"update": "fruit", "updates": statements, **numbered()})
    second = ask({"update": "fruit", "updates": statements, **numbered()})
    assert first == {"n": 3, "upserted": [{"index": 1, "_id": 9}], "nModified": 2, "ok": 1.0}
    assert second == {**first, "retriedStmtIds": [0, 1, 3]}
    assert [each for each in found(ask) if each["_id"] in (1, 9)] == [
        {"_id": 1, "name": "pear", "n": 5, "tags": ["green", "soft"]},
        {"_id": 9, "n": 1},
    ]


@pytest.mark.usefixtures("fruit")
def test_a_statement_that_changed_nothing_runs_again(ask: Ask) -> None:
    command = {"update": "fruit", "updates": [{"q": {"_id": 9}, "u": {"$inc": {"n": 1}}}], **numbered()}
    assert ask(command) == {"n": 0, "nModified": 0, "ok": 1.0}
    ask({"insert": "fruit", "documents": [{"_id": 9, "n": 1}]})
    assert ask(command) == {"n": 1, "nModified": 1, "ok": 1.0}
    assert ask(command) == {"n": 1, "nModified": 1, "retriedStmtIds": [0], "ok": 1.0}


@pytest.mark.usefixtures("fruit")
def test_a_delete_is_made_once(ask: Ask) -> None:
    command = {"delete": "fruit", "deletes": [{"q": {"n": 4}, "limit": 1}], **numbered()}
    assert ask(command) == {"n": 1, "ok": 1.0}
    assert ask(command) == {"n": 1, "retriedStmtIds": [0], "ok": 1.0}
    assert [each["_id"] for each in found(ask)] == [2, 3, 4, 5]


@pytest.mark.usefixtures("fruit")
@pytest.mark.parametrize(
    "command",
    [
        {"update": "fruit", "updates": [{"q": {}, "u": {"$set": {"a": 1}}, "multi": True}]},
        {"delete": "fruit", "deletes": [{"q": {}, "limit": 0}]},
    ],
    ids=["update", "delete"],
)
def test_writes_of_many_documents_are_refused(ask: Ask, command: dict[str, Any]) -> None:
    before = found(ask)
    reply = ask({**command, **numbered()})
    assert (reply["n"], reply["writeErrors"][0]["code"]) == (0, 72)
    assert found(ask) == before


@pytest.mark.usefixtures("fruit")
@pytest.mark.parametrize("fields", [None, {"name": 1}, {"tags.$": 1}], ids=["whole", "inclusion", "positional"])
@pytest.mark.parametrize("new", [False, True])
def test_find_and_modify_gives_the_same_document_again(ask: Ask, new: bool, fields: dict[str, Any] | None) -> None:
    command = {
        "findAndModify": "fruit",
        "query": {"_id": 1, "tags": "soft"},
        "update": {"$inc": {"n": 1}, "$set": {"name": "x"}},
        "new": new,
        **({} if fields is None else {"fields": fields}),
        **numbered(),
    }
    first = ask(command)
    ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"name": "other", "tags": ["soft"]}}}]})
    assert ask(command) == {**first, "retriedStmtId": 0}
    assert found(ask)[0]["n"] == 5


@pytest.mark.usefixtures("fruit")
def test_find_and_modify_that_removes(ask: Ask) -> None:
    command = {"findAndModify": "fruit", "query": {"n": 4}, "sort": {"_id": -1}, "remove": True, **numbered()}
    first = ask(command)
    assert first["value"]["_id"] == 3
    assert ask(command) == {**first, "retriedStmtId": 0}
    assert len(found(ask)) == 4


def test_find_and_modify_that_removes_a_measurement(ask: Ask) -> None:
    day = datetime.datetime(2026, 1, 1)
    ask({"create": "heat", "timeseries": {"timeField": "t", "metaField": "m"}})
    ask({"insert": "heat", "documents": [{"t": day, "m": 1, "c": 3}, {"t": day, "m": 1, "c": 4}]})
    command = {"findAndModify": "heat", "query": {"m": 1}, "fields": {"c": 1, "_id": 0}, "remove": True, **numbered()}
    first = ask(command)
    assert first["value"] == {"c": 3}
    assert ask(command) == {**first, "retriedStmtId": 0}
    assert len(found(ask, "heat")) == 1


@pytest.mark.parametrize("new", [False, True])
def test_find_and_modify_that_inserts(ask: Ask, new: bool) -> None:
    command = {
        "findAndModify": "fruit",
        "query": {"name": "fig"},
        "update": {"$inc": {"n": 1}},
        "upsert": True,
        "new": new,
        **numbered(),
    }
    first = ask(command)
    assert first["lastErrorObject"]["updatedExisting"] is False
    assert (first["value"] is not None) is new
    assert ask(command) == {**first, "retriedStmtId": 0}
    assert [each["n"] for each in found(ask)] == [1]


@pytest.mark.usefixtures("fruit")
@pytest.mark.parametrize(
    ("other", "code"),
    [({"remove": True}, 40606), ({"update": {"$inc": {"n": 1}}, "new": True}, 40611)],
    ids=["removal", "other image"],
)
def test_find_and_modify_that_was_another_one(ask: Ask, other: dict[str, Any], code: int) -> None:
    ask({"findAndModify": "fruit", "query": {"_id": 1}, "update": {"$inc": {"n": 1}}, **numbered()})
    assert ask({"findAndModify": "fruit", "query": {"_id": 1}, **other, **numbered()})["code"] == code


@pytest.mark.usefixtures("fruit")
def test_a_bulk_write_does_what_is_missing(ask: Ask) -> None:
    operations = [
        {"insert": 0, "document": {"_id": 10}},
        {"insert": 0, "document": {"_id": 11}},
        {"update": 0, "filter": {"_id": 1}, "updateMods": {"$inc": {"n": 1}}},
        {"update": 1, "filter": {"_id": 5}, "updateMods": {"$inc": {"n": 1}}, "upsert": True},
        {"delete": 0, "filter": {"_id": 2}},
    ]
    info = [{"ns": "shop.fruit"}, {"ns": "shop.other"}]
    part = {"bulkWrite": 1, "ops": operations[:3], "nsInfo": info, **numbered()}
    whole = {"bulkWrite": 1, "ops": operations, "nsInfo": info, **numbered()}
    assert "retriedStmtIds" not in ask(part, "admin")
    reply = ask(whole, "admin")
    assert reply["retriedStmtIds"] == [0, 1, 2]
    assert ask(whole, "admin") == {**reply, "retriedStmtIds": [0, 1, 2, 3, 4]}
    assert [each["_id"] for each in found(ask)] == [1, 3, 4, 5, 10, 11]
    assert (found(ask)[0]["n"], found(ask, "other")) == (5, [{"_id": 5, "n": 1}])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"stmtId": 3, "stmtIds": [0]}, 72),
        ({"stmtIds": [0, 1]}, 16),
        ({"stmtIds": [0, 0], "documents": [{}, {}]}, 72),
        ({"stmtIds": ["0"]}, 14),
        ({"stmtIds": 0}, 14),
        ({"stmtId": "0"}, 14),
    ],
    ids=["both", "too many", "one twice", "text in the array", "no array", "text"],
)
def test_numbers_of_statements_that_do_not_fit(ask: Ask, fields: dict[str, Any], code: int) -> None:
    assert ask({"insert": "fruit", "documents": [{}]} | numbered(**fields))["code"] == code


def test_the_number_of_the_first_statement(ask: Ask) -> None:
    command = {"insert": "fruit", "documents": [{"_id": 1}, {"_id": 2}], **numbered(stmtId=5)}
    ask(command)
    assert ask(command)["retriedStmtIds"] == [5, 6]


@pytest.mark.parametrize(
    "command",
    [{"find": "fruit"}, {"aggregate": "fruit", "pipeline": [], "cursor": {}}, {"ping": 1}, {"create": "x"}],
    ids=lambda command: next(iter(command)),
)
def test_other_commands_cannot_be_retried(ask: Ask, command: dict[str, Any]) -> None:
    reply = ask({**command, **numbered()})
    assert (reply["code"], reply["codeName"]) == (50768, "NotARetryableWriteCommand")


def test_a_retryable_write_ends_an_older_transaction(ask: Ask) -> None:
    within = {"lsid": SESSION, "txnNumber": Int64(1), "autocommit": False}
    ask({"create": "fruit"})
    ask({"insert": "fruit", "documents": [{"_id": 1}], "startTransaction": True, **within})
    assert ask({"insert": "fruit", "documents": [{"_id": 2}], **numbered(2)})["n"] == 1
    assert ask({"commitTransaction": 1, **within}, "admin")["code"] == 225
    assert found(ask) == [{"_id": 2}]


@pytest.mark.parametrize("end", ["commitTransaction", "abortTransaction", None])
def test_a_transactions_number_is_no_retryable_writes(ask: Ask, end: str | None) -> None:
    within = {"lsid": SESSION, "txnNumber": Int64(1), "autocommit": False}
    ask({"create": "fruit"})
    ask({"insert": "fruit", "documents": [{"_id": 1}], "startTransaction": True, **within})
    if end is not None:
        assert ask({end: 1, **within}, "admin")["ok"] == 1.0
    assert ask({"insert": "fruit", "documents": [{"_id": 2}], **numbered(1)})["code"] == 72


@pytest.mark.usefixtures("fruit")
@pytest.mark.parametrize(
    "command",
    [
        {"insert": "fruit", "documents": [{"_id": 9}]},
        {"delete": "fruit", "deletes": [{"q": {"_id": 1}, "limit": 1}]},
        {"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}]},
    ],
    ids=lambda command: next(iter(command)),
)
def test_a_second_attempt_waits_for_the_first(
    ask: Ask, instance: Instance, monkeypatch: pytest.MonkeyPatch, command: dict[str, Any]
) -> None:
    begun, waited = Event(), Event()
    real_begin, real_wait = instance.store.retries.begin, instance.sessions._written.wait

    def begin(*arguments: Any) -> None:
        real_begin(*arguments)
        begun.set()
        waited.wait()

    def wait(timeout_s: float) -> bool:
        waited.set()
        return real_wait(timeout_s)

    monkeypatch.setattr(instance.store.retries, "begin", begin)
    monkeypatch.setattr(instance.sessions._written, "wait", wait)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask, command | numbered())
        begun.wait()
        second = ask(command | numbered())
    assert first.result()["n"] == 1
    assert second == {**first.result(), "retriedStmtIds": [0]}


def test_an_attempt_that_waits_can_be_stopped(instance: Instance) -> None:
    interrupt = Interrupt()
    interrupt.stop("enough")
    instance.sessions.begin_writing(bytes(16), NEVER)
    with pytest.raises(OperationInterrupted):
        instance.sessions.begin_writing(bytes(16), interrupt)
    instance.sessions.end_writing(bytes(16))
    instance.sessions.begin_writing(bytes(16), NEVER)  # at once
