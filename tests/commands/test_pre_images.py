"""Collections that keep pre-images: every way of writing puts the document before into the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asking import Ask

from amongo.commands.instance import Instance
from amongo.engine.repair import check, repair
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import NEVER
from amongo.values.codec import decode, encode

KEEP = {"changeStreamPreAndPostImages": {"enabled": True}}
CAPPED = {"capped": True, "size": 100_000, "max": 3}

Change = tuple[str, bool, Any, Any]  # operation, whether it is said to have an image, the last document, the `_id`


def changes(instance: Instance, after: int = 0) -> list[Change]:
    reader = instance.store.history.reader(after)
    found: list[Change] = []
    while commits := reader.next(100):
        for commit in commits:
            for entry in commit.entries:
                head = decode(entry.head)
                if head["op"] in ("u", "d") and head["ns"] == "shop.fruit":
                    first, last = decode(entry.documents[0]), decode(entry.documents[-1])
                    found.append((head["op"], head.get("pre", False), last, first["_id"]))
    reader.close()
    return found


WRITES: list[tuple[str, dict[str, Any], list[tuple[str, dict[str, Any]]]]] = [
    (
        "an update of one",
        {"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}]},
        [("u", {"_id": 1, "n": 1, "kind": "a"})],
    ),
    (
        "an update by another field",
        {"update": "fruit", "updates": [{"q": {"n": 2}, "u": {"$set": {"kind": "z"}}}]},
        [("u", {"_id": 2, "n": 2, "kind": "a"})],
    ),
    (
        "a replacement",
        {"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"n": 9}}]},
        [("u", {"_id": 1, "n": 1, "kind": "a"})],
    ),
    (
        "an update of many",
        {"update": "fruit", "updates": [{"q": {}, "u": {"$mul": {"n": 2}}, "multi": True}]},
        [("u", {"_id": each, "n": each, "kind": "a"}) for each in (1, 2, 3)],
    ),
    (
        "an update by a pipeline",
        {"update": "fruit", "updates": [{"q": {"_id": 3}, "u": [{"$set": {"n": 0}}]}]},
        [("u", {"_id": 3, "n": 3, "kind": "a"})],
    ),
    (
        "a deletion",
        {"delete": "fruit", "deletes": [{"q": {"_id": 2}, "limit": 1}]},
        [("d", {"_id": 2, "n": 2, "kind": "a"})],
    ),
    (
        "a deletion of many",
        {"delete": "fruit", "deletes": [{"q": {"n": {"$gt": 1}}, "limit": 0}]},
        [("d", {"_id": each, "n": each, "kind": "a"}) for each in (2, 3)],
    ),
    (
        "findAndModify",
        {"findAndModify": "fruit", "query": {"_id": 1}, "update": {"$set": {"n": 7}}},
        [("u", {"_id": 1, "n": 1, "kind": "a"})],
    ),
    (
        "findAndModify that removes",
        {"findAndModify": "fruit", "query": {"_id": 1}, "remove": True},
        [("d", {"_id": 1, "n": 1, "kind": "a"})],
    ),
    (
        "an upsert that finds one",
        {"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"n": 5}}, "upsert": True}]},
        [("u", {"_id": 1, "n": 1, "kind": "a"})],
    ),
    (
        "$merge",
        {
            "aggregate": "fruit",
            "pipeline": [{"$match": {"_id": 1}}, {"$set": {"n": 8}}, {"$merge": "fruit"}],
            "cursor": {},
        },
        [("u", {"_id": 1, "n": 1, "kind": "a"})],
    ),
]
INDEXED: Any = [{"key": {"n": 1}, "name": "n_1"}, {"key": {"kind": 1}, "name": "kind_1"}]


def filled(ask: Ask, options: dict[str, Any], is_indexed: bool) -> None:
    assert ask({"create": "fruit", **options})["ok"] == 1.0
    if is_indexed:
        assert ask({"createIndexes": "fruit", "indexes": INDEXED})["ok"] == 1.0
    documents = [{"_id": each, "n": each, "kind": "a"} for each in (1, 2, 3)]
    assert ask({"insert": "fruit", "documents": documents})["n"] == 3


@pytest.mark.parametrize("is_indexed", [False, True], ids=["plain", "indexed"])
@pytest.mark.parametrize(("name", "command", "expected"), WRITES, ids=[name for name, _, _ in WRITES])
def test_every_write(
    instance: Instance, ask: Ask, name: str, command: Any, expected: list[tuple[str, Any]], is_indexed: bool
) -> None:
    filled(ask, KEEP, is_indexed)
    assert ask(command)["ok"] == 1.0
    assert [(operation, image) for operation, _, image, _ in changes(instance)] == expected
    assert all(is_said for _, is_said, _, _ in changes(instance))
    assert [identity for *_, identity in changes(instance)] == [image["_id"] for _, image in expected]


@pytest.mark.parametrize("is_indexed", [False, True], ids=["plain", "indexed"])
def test_what_is_pushed_out_of_a_capped_collection(instance: Instance, ask: Ask, is_indexed: bool) -> None:
    filled(ask, KEEP | CAPPED, is_indexed)
    assert ask({"insert": "fruit", "documents": [{"_id": 4}, {"_id": 5}]})["n"] == 2
    assert [(operation, image) for operation, _, image, _ in changes(instance)] == [
        ("d", {"_id": 1, "n": 1, "kind": "a"}),
        ("d", {"_id": 2, "n": 2, "kind": "a"}),
    ]


def test_what_expires(clock: ManualClock, instance: Instance, ask: Ask) -> None:
    ask({"create": "fruit", **KEEP})
    ask({"createIndexes": "fruit", "indexes": [{"key": {"at": 1}, "name": "at_1", "expireAfterSeconds": 1}]})
    at = instance.moment()[0]
    ask({"insert": "fruit", "documents": [{"_id": 1, "at": at}]})
    clock.advance(3_600_000)
    assert instance.expiry.run_pass(NEVER) == 1
    assert [(operation, image["_id"]) for operation, _, image, _ in changes(instance)] == [("d", 1)]


def switched(ask: Ask, is_enabled: bool) -> dict[str, Any]:
    return ask({"collMod": "fruit", "changeStreamPreAndPostImages": {"enabled": is_enabled}})


@pytest.mark.parametrize("is_indexed", [False, True], ids=["plain", "indexed"])
def test_coll_mod_turns_it_on_and_off(instance: Instance, ask: Ask, is_indexed: bool) -> None:
    filled(ask, {}, is_indexed)
    said = []
    for is_enabled in (None, True, False, True):
        if is_enabled is not None:
            assert switched(ask, is_enabled)["ok"] == 1.0
            assert _options(ask) == (KEEP if is_enabled else {})
        after = instance.store.history.last
        ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}]})
        ((_, is_said, last, _),) = changes(instance, after)
        said.append((is_said, last.get("_id")))
    assert said == [(False, None), (True, 1), (False, None), (True, 1)]


def _options(ask: Ask) -> Any:
    (listed,) = ask({"listCollections": 1, "filter": {"name": "fruit"}})["cursor"]["firstBatch"]
    return listed["options"]


def test_a_renamed_collection_goes_on_keeping_them(instance: Instance, ask: Ask) -> None:
    filled(ask, KEEP, False)
    ask({"renameCollection": "shop.fruit", "to": "shop.other"}, "admin")
    ask({"renameCollection": "shop.other", "to": "shop.fruit"}, "admin")
    ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}]})
    assert [(is_said, last["n"]) for _, is_said, last, _ in changes(instance)] == [(True, 1)]


def test_they_are_kept_after_a_reopening_and_recovery_minds_them_not(tmp_path: Path) -> None:
    path = str(tmp_path / "data")
    instance = Instance.open(path)

    def run(command: dict[str, Any]) -> Any:
        return instance.run_command("shop", encode(command))

    run({"create": "fruit", **KEEP})
    run({"insert": "fruit", "documents": [{"_id": 1, "n": 1}, {"_id": 2, "n": 2}]})
    run({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"n": 5}}}]})
    run({"delete": "fruit", "deletes": [{"q": {"_id": 2}, "limit": 1}]})
    before = changes(instance)
    instance.close()
    instance = Instance.open(path)
    assert changes(instance) == before
    run({"update": "fruit", "updates": [{"q": {}, "u": {"n": 6}}]})
    assert changes(instance)[-1] == ("u", True, {"_id": 1, "n": 5}, 1)
    assert [decode(raw) for _, raw in instance.store.catalog.by_namespace["shop.fruit"].view()] == [{"_id": 1, "n": 6}]
    instance.close()


REFUSED: list[tuple[str, Callable[[Ask], dict[str, Any]], int]] = [
    ("a view", lambda ask: ask({"create": "v", "viewOn": "fruit", "pipeline": [], **KEEP}), 72),
    ("a time series", lambda ask: ask({"create": "t", "timeseries": {"timeField": "t"}, **KEEP}), 72),
    ("in admin", lambda ask: ask({"create": "c", **KEEP}, "admin"), 72),
    ("in config", lambda ask: ask({"create": "c", **KEEP}, "config"), 72),
    ("in local", lambda ask: ask({"create": "c", **KEEP}, "local"), 72),
    ("without enabled", lambda ask: ask({"create": "c", "changeStreamPreAndPostImages": {}}), 40414),
    ("no boolean", lambda ask: ask({"create": "c", "changeStreamPreAndPostImages": {"enabled": 1}}), 14),
    ("null", lambda ask: ask({"collMod": "fruit", "changeStreamPreAndPostImages": {"enabled": "x"}}), 14),
]


@pytest.mark.parametrize(("name", "command", "code"), REFUSED, ids=[name for name, _, _ in REFUSED])
def test_where_they_are_refused(ask: Ask, name: str, command: Callable[[Ask], dict[str, Any]], code: int) -> None:
    filled(ask, {}, False)
    assert command(ask)["code"] == code


@pytest.mark.parametrize("database", ["admin", "config", "local"])
def test_coll_mod_in_the_servers_own_databases(ask: Ask, database: str) -> None:
    assert ask({"create": "c"}, database)["ok"] == 1.0
    for is_enabled, code in ((True, 72), (False, None)):
        reply = ask({"collMod": "c", "changeStreamPreAndPostImages": {"enabled": is_enabled}}, database)
        assert reply.get("code") == code


def test_coll_mod_of_a_view_and_of_a_time_series(ask: Ask) -> None:
    ask({"create": "v", "viewOn": "fruit", "pipeline": []})
    ask({"create": "t", "timeseries": {"timeField": "t"}})
    for name in ("v", "t"):
        assert ask({"collMod": name, **KEEP})["code"] == 72


def test_check_and_repair_take_them_for_what_they_are(tmp_path: Path) -> None:
    path, repaired = str(tmp_path / "data"), str(tmp_path / "repaired")
    instance = Instance.open(path)
    for command in (
        {"create": "fruit", **KEEP},
        {"insert": "fruit", "documents": [{"_id": 1, "n": 1}, {"_id": 2, "n": 2}]},
        {"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"n": 5}}}]},
        {"delete": "fruit", "deletes": [{"q": {"_id": 2}, "limit": 1}]},
    ):
        instance.run_command("shop", encode(command))
    before = changes(instance)
    instance.close()
    assert check(path).is_sound
    assert not repair(path, repaired).losses
    instance = Instance.open(repaired)
    assert changes(instance) == before
    assert [decode(raw) for _, raw in instance.store.catalog.by_namespace["shop.fruit"].view()] == [{"_id": 1, "n": 5}]
    instance.close()
