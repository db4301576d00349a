"""Every command that writes keeps to the validator of the collection."""

import logging
from typing import Any

import pytest
from asking import Ask
from bson import Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.commands.instance import Instance
from amongo.commands.validation import Validation
from amongo.runtime.clock import ManualClock
from amongo.values.codec import encode

VALIDATOR = {"n": {"$type": "int"}}


@pytest.fixture
def checked(ask: Ask) -> None:
    """`shop.c` with documents that pass (1, 2), and one that does not (3)."""
    ask({"insert": "c", "documents": [{"_id": 1, "n": 1}, {"_id": 2, "n": 2}, {"_id": 3, "n": "x"}]})
    ask({"collMod": "c", "validator": VALIDATOR})


def found(ask: Ask) -> list[dict[str, Any]]:
    return ask({"find": "c", "sort": {"_id": 1}})["cursor"]["firstBatch"]


def update(ask: Ask, filter: dict[str, Any], change: Any, **more: Any) -> dict[str, Any]:
    return ask({"update": "c", "updates": [{"q": filter, "u": change, **more}]})


def test_account_of_an_insert(ask: Ask, checked: None) -> None:
    reply = ask({"insert": "c", "documents": [{"_id": 4, "n": 1.5}]})
    assert reply["n"] == 0
    assert reply["writeErrors"] == [
        {
            "index": 0,
            "code": 121,
            "errmsg": "Document failed validation",
            "errInfo": {
                "failingDocumentId": 4,
                "details": {
                    "operatorName": "$type",
                    "specifiedAs": VALIDATOR,
                    "reason": "type did not match",
                    "consideredValue": 1.5,
                    "consideredType": "double",
                },
            },
        }
    ]


@pytest.mark.parametrize(("ordered", "indexes", "ids"), [(True, [1], [4]), (False, [1, 2, 3], [4, 6])])
def test_insert_of_many(ask: Ask, checked: None, ordered: bool, indexes: list[int], ids: list[int]) -> None:
    documents = [{"_id": 4, "n": 1}, {"_id": 5}, {"_id": 4, "n": 1}, {"n": "x", "_id": 9}, {"_id": 6, "n": 1}]
    reply = ask({"insert": "c", "documents": documents, "ordered": ordered})
    assert [error["index"] for error in reply["writeErrors"]] == indexes
    assert [error["code"] for error in reply["writeErrors"]] == [121, 11000, 121][: len(indexes)]
    assert [each["_id"] for each in found(ask)] == [1, 2, 3, *ids]


UPDATES: list[tuple[str, dict[str, Any], Any, dict[str, Any]]] = [
    ("operators", {"_id": 1}, {"$set": {"n": "y"}}, {}),
    ("replacement", {"_id": 1}, {"m": 1}, {}),
    ("pipeline", {"_id": 1}, [{"$unset": "n"}], {}),
    ("upsert", {"_id": 9}, {"$set": {"n": "y"}}, {"upsert": True}),
    ("upserted replacement", {"_id": 9}, {"m": 1}, {"upsert": True}),
    ("many", {"_id": {"$lt": 3}}, {"$unset": {"n": 1}}, {"multi": True}),
    ("a document that fails already", {"_id": 3}, {"$set": {"m": 1}}, {}),
]


@pytest.mark.parametrize(
    ("filter", "change", "more"), [case[1:] for case in UPDATES], ids=[case[0] for case in UPDATES]
)
def test_update(ask: Ask, checked: None, filter: dict[str, Any], change: Any, more: dict[str, Any]) -> None:
    before = found(ask)
    reply = update(ask, filter, change, **more)
    assert reply["writeErrors"][0]["code"] == 121
    assert reply["writeErrors"][0]["errInfo"]["failingDocumentId"] in (1, 3, 9)
    assert found(ask) == before
    command = {"update": "c", "updates": [{"q": filter, "u": change, **more}], "bypassDocumentValidation": True}
    assert "writeErrors" not in ask(command)
    assert found(ask) != before


def test_update_of_many_keeps_what_came_before_the_failure(ask: Ask, checked: None) -> None:
    update(ask, {}, [{"$set": {"n": {"$cond": [{"$eq": ["$_id", 2]}, "y", 5]}}}], multi=True)
    assert [each["n"] for each in found(ask)] == [5, 2, "x"]


def test_update_that_changes_nothing_is_not_checked(ask: Ask, checked: None) -> None:
    assert update(ask, {"_id": 3}, {"$set": {"n": "x"}})["n"] == 1


@pytest.mark.parametrize(
    "command",
    [
        {"query": {"_id": 1}, "update": {"$set": {"n": "y"}}},
        {"query": {"_id": 1}, "update": [{"$unset": "n"}]},
        {"query": {"_id": 9}, "update": {"m": 1}, "upsert": True},
    ],
)
def test_find_and_modify(ask: Ask, checked: None, command: dict[str, Any]) -> None:
    before = found(ask)
    reply = ask({"findAndModify": "c", **command})
    assert (reply["code"], reply["codeName"]) == (121, "DocumentValidationFailure")
    assert reply["errInfo"]["details"]["operatorName"] == "$type"
    assert found(ask) == before
    assert ask({"findAndModify": "c", **command, "bypassDocumentValidation": 1})["ok"] == 1
    assert found(ask) != before


def test_find_and_modify_removes_what_fails(ask: Ask, checked: None) -> None:
    assert ask({"findAndModify": "c", "query": {"_id": 3}, "remove": True})["value"]["_id"] == 3


def test_bulk_write(instance: Instance, ask: Ask, checked: None) -> None:
    operations = [
        {"insert": 0, "document": {"_id": 4}},
        {"update": 0, "filter": {"_id": 1}, "updateMods": {"$set": {"n": "y"}}},
        {"insert": 0, "document": {"_id": 5, "n": 1}},
    ]
    command = {"bulkWrite": 1, "ops": operations, "nsInfo": [{"ns": "shop.c"}], "ordered": False}
    reply = ask(command, "admin")
    assert reply["nErrors"] == 2
    assert [each.get("code") for each in reply["cursor"]["firstBatch"]] == [121, 121, None]
    assert reply["cursor"]["firstBatch"][0]["errInfo"]["failingDocumentId"] == 4
    assert ask({**command, "ops": operations[:2], "bypassDocumentValidation": True}, "admin")["nErrors"] == 0


def test_moderate_leaves_failing_documents_alone(ask: Ask, checked: None) -> None:
    ask({"collMod": "c", "validationLevel": "moderate"})
    assert update(ask, {"_id": 3}, {"$set": {"m": 1}})["nModified"] == 1
    assert update(ask, {"_id": 3}, {"m": 2})["nModified"] == 1
    assert update(ask, {"_id": 3}, {"n": 2})["nModified"] == 1
    assert update(ask, {"_id": 3}, {"n": "z"})["writeErrors"][0]["code"] == 121  # it passes by now
    assert ask({"insert": "c", "documents": [{"_id": 4}]})["writeErrors"][0]["code"] == 121
    assert update(ask, {"_id": 9}, {"$set": {"m": 1}}, upsert=True)["writeErrors"][0]["code"] == 121


def test_off(ask: Ask, checked: None) -> None:
    ask({"collMod": "c", "validationLevel": "off"})
    assert ask({"insert": "c", "documents": [{"_id": 4}]})["n"] == 1
    ask({"collMod": "c", "validationLevel": "strict"})
    assert ask({"insert": "c", "documents": [{"_id": 5}]})["n"] == 0


@pytest.mark.parametrize(("action", "n"), [("warn", 1), ("errorAndLog", 0)])
def test_actions_that_log(ask: Ask, checked: None, caplog: pytest.LogCaptureFixture, action: str, n: int) -> None:
    ask({"collMod": "c", "validationAction": action})
    with caplog.at_level(logging.WARNING, "amongo.validation"):
        assert ask({"insert": "c", "documents": [{"_id": 4}]})["n"] == n
    assert "shop.c" in caplog.text
    assert "field was missing" in caplog.text


def test_a_validator_that_fails_itself(ask: Ask) -> None:
    ask({"create": "c", "validator": {"$expr": {"$gt": [{"$divide": [6, "$n"]}, 1]}}})
    reply = ask({"insert": "c", "documents": [{"_id": 1, "n": 0}]})
    assert reply["writeErrors"][0]["errInfo"]["details"]["details"]["code"] == 2
    assert ask({"insert": "c", "documents": [{"_id": 1, "n": 2}]})["n"] == 1
    ask({"collMod": "c", "validationAction": "warn"})
    assert ask({"insert": "c", "documents": [{"_id": 2, "n": 0}]})["n"] == 1


def test_the_moment_is_that_of_the_write(ask: Ask, clock: ManualClock) -> None:
    ask({"create": "c", "validator": {"$expr": {"$lte": ["$d", "$$NOW"]}}})
    documents = [{"_id": 1, "d": DatetimeMS(clock.now_ms() + 1000)}]
    assert ask({"insert": "c", "documents": documents})["n"] == 0
    clock.advance(1000)
    assert ask({"insert": "c", "documents": documents})["n"] == 1
    ask({"create": "d", "validator": {"$expr": {"$lte": ["$t", "$$CLUSTER_TIME"]}}})
    assert ask({"insert": "d", "documents": [{"t": Timestamp(1, 1)}]})["n"] == 1
    assert ask({"insert": "d", "documents": [{"t": Timestamp(2**32 - 1, 1)}]})["n"] == 0


def test_collation_of_the_collection(ask: Ask) -> None:
    ask({"create": "c", "validator": {"s": "pear"}, "collation": {"locale": "en", "strength": 2}})
    assert ask({"insert": "c", "documents": [{"s": "PEAR"}]})["n"] == 1
    reply = ask({"insert": "c", "documents": [{"_id": 1, "s": "fig"}]})
    assert reply["writeErrors"][0]["errInfo"]["details"]["consideredValue"] == "fig"


def test_a_validator_is_compiled_once(instance: Instance, ask: Ask, checked: None) -> None:
    collection = instance.store.catalog.by_namespace["shop.c"]
    ask({"insert": "c", "documents": [{"n": 1}]})
    compiled = collection.validation
    assert isinstance(compiled, Validation)
    ask({"insert": "c", "documents": [{"n": 1}]})
    assert collection.validation is compiled
    ask({"collMod": "c", "validator": {"m": 1}})
    assert collection.validation is None


def test_a_validator_survives_a_restart(tmp_path: Any) -> None:
    instance = Instance.open(str(tmp_path))
    instance.run_command("shop", encode({"create": "c", "validator": VALIDATOR}))
    instance.run_command("shop", encode({"collMod": "c", "validationLevel": "moderate"}))
    instance.close()
    again = Instance.open(str(tmp_path))
    reply = again.run_command("shop", encode({"insert": "c", "documents": [{"n": "x"}]}))
    assert reply["writeErrors"][0]["code"] == 121
    again.close()


def test_validate_counts_documents_that_fail(ask: Ask, checked: None) -> None:
    reply = ask({"validate": "c"})
    assert (reply["nNonCompliantDocuments"], reply["valid"], len(reply["warnings"])) == (1, True, 1)
    ask({"collMod": "c", "validator": {}})
    reply = ask({"validate": "c"})
    assert (reply["nNonCompliantDocuments"], reply["warnings"]) == (0, [])
