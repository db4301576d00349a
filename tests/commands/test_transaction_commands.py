"""Transactions as commands: how they are asked for, what they refuse, and how they end."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from asking import Ask
from bson import Binary, Int64

from amongo.commands.context import Context
from amongo.commands.find import FindRequest
from amongo.commands.instance import Instance
from amongo.commands.transaction_rules import REFUSED_STAGES
from amongo.engine.files import MemoryFiles
from amongo.errors import ServerError
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode, encode

TRANSIENT = ["TransientTransactionError"]
FIRST = {"startTransaction": True}


class Session:
    """A session that asks in transactions: s(command, …) goes into the transaction of its present number."""

    def __init__(self, ask: Ask, byte: int = 1) -> None:
        self.ask = ask
        self.lsid = {"id": Binary(bytes([byte]) * 16, 4)}
        self.number = 1

    def __call__(self, command: dict[str, Any], database: str = "shop", **more: Any) -> dict[str, Any]:
        fields = {"lsid": self.lsid, "txnNumber": Int64(self.number), "autocommit": False, **more}
        return self.ask({**command, **fields}, database)

    def begin(self, command: dict[str, Any], database: str = "shop", **more: Any) -> dict[str, Any]:
        return self(command, database, **FIRST, **more)

    def commit(self, **more: Any) -> dict[str, Any]:
        return self({"commitTransaction": 1}, "admin", **more)

    def abort(self) -> dict[str, Any]:
        return self({"abortTransaction": 1}, "admin")


@pytest.fixture
def session(ask: Ask) -> Session:
    return Session(ask)


def insert(*identities: Any) -> dict[str, Any]:
    return {"insert": "fruit", "documents": [{"_id": identity} for identity in identities]}


FIND = {"find": "fruit"}


def found(reply: dict[str, Any]) -> list[Any]:
    return [each["_id"] for each in reply["cursor"]["firstBatch"]]


def outcome(reply: dict[str, Any]) -> tuple[Any, Any]:
    return reply.get("code"), reply.get("errorLabels")


# The life of one


def test_commit(ask: Ask, session: Session) -> None:
    assert session.begin(insert(1, 2)) == {"n": 2, "ok": 1.0}
    assert found(session(FIND)) == [1, 2]
    assert found(ask(FIND)) == []
    assert session.commit() == {"ok": 1.0}
    assert session.commit() == {"ok": 1.0}
    assert found(ask(FIND)) == [1, 2]
    assert outcome(session(FIND)) == (256, None)
    assert outcome(session.abort()) == (256, None)
    assert outcome(session.begin(FIND)) == (117, None)


def test_abort(ask: Ask, session: Session) -> None:
    session.begin(insert(1))
    assert session.abort() == {"ok": 1.0}
    assert found(ask(FIND)) == []
    for reply in (session.abort(), session.commit(), session(FIND)):
        assert outcome(reply) == (251, TRANSIENT)


def test_numbers(ask: Ask, session: Session) -> None:
    assert outcome(session(FIND)) == (251, TRANSIENT)
    session.number = 5
    session.begin(insert(1))
    session.number = 4
    for reply in (session(FIND), session.begin(FIND), session.commit(), session.abort()):
        assert outcome(reply) == (225, None)
    session.number = 6
    assert outcome(session(FIND)) == (251, TRANSIENT)
    assert found(session.begin(FIND)) == []  # the one that was open is aborted
    assert session.commit()["ok"] == 1.0
    assert found(ask(FIND)) == []


def test_a_session_has_its_own_numbers(ask: Ask, session: Session) -> None:
    other = Session(ask, 2)
    session.begin(insert(1))
    assert found(other.begin(FIND)) == []
    session.commit()
    assert found(other(FIND)) == []  # it goes on at its own moment
    other.commit()
    other.number = 2
    assert found(other.begin(FIND)) == [1]


WRONG_FIELDS = [
    ("a number without a session", {"txnNumber": Int64(1), "autocommit": False}, 72),
    ("a negative number", {"lsid": 1, "txnNumber": Int64(-1), "autocommit": False}, 72),
    ("an int32", {"lsid": 1, "txnNumber": 1, "autocommit": False}, 14),
    ("autocommit alone", {"lsid": 1, "autocommit": False}, 72),
    ("startTransaction alone", {"lsid": 1, "startTransaction": True}, 72),
    ("startTransaction without autocommit", {"lsid": 1, "txnNumber": Int64(1), "startTransaction": True}, 72),
    ("autocommit: true", {"lsid": 1, "txnNumber": Int64(1), "autocommit": True}, 72),
    (
        "startTransaction: false",
        {"lsid": 1, "txnNumber": Int64(1), "autocommit": False, "startTransaction": False},
        72,
    ),
    ("autocommit: 0", {"lsid": 1, "txnNumber": Int64(1), "autocommit": 0}, 14),
    ("startTransaction: 1", {"lsid": 1, "txnNumber": Int64(1), "autocommit": False, "startTransaction": 1}, 14),
]


@pytest.mark.parametrize(
    ("fields", "code"), [each[1:] for each in WRONG_FIELDS], ids=[each[0] for each in WRONG_FIELDS]
)
def test_fields_that_are_refused(ask: Ask, session: Session, fields: dict[str, Any], code: int) -> None:
    if "lsid" in fields:
        fields = fields | {"lsid": session.lsid}
    assert ask({**insert(1), **fields})["code"] == code
    assert found(ask(FIND)) == []


@pytest.mark.parametrize("name", ["commitTransaction", "abortTransaction"])
def test_the_ends_need_a_transaction(ask: Ask, session: Session, name: str) -> None:
    assert ask({name: 1}, "admin")["code"] == 125
    assert ask({name: 1})["code"] == 13
    assert ask({name: 1, "lsid": session.lsid, "txnNumber": Int64(1)}, "admin")["code"] == 50768
    assert ask({name: 1, "nonsense": 1}, "admin")["code"] == 40415
    assert outcome(session.begin({name: 1}, "admin")) == (263, None)


# What does not run in one


REFUSED = [
    ({"count": "fruit"}, "shop"),
    ({"listCollections": 1}, "shop"),
    ({"listIndexes": "fruit"}, "shop"),
    ({"explain": {"find": "fruit"}}, "shop"),
    ({"drop": "fruit"}, "shop"),
    ({"dropIndexes": "fruit", "index": "*"}, "shop"),
    ({"collMod": "fruit"}, "shop"),
    ({"createUser": "me", "pwd": "x", "roles": []}, "shop"),
    ({"getParameter": 1, "logLevel": 1}, "shop"),
    ({"serverStatus": 1}, "admin"),
    ({"ping": 1}, "shop"),
    ({"find": "things"}, "config"),
    ({"insert": "things", "documents": [{}]}, "admin"),
    ({"aggregate": "things", "pipeline": [], "cursor": {}}, "local"),
    ({"find": "system.profile"}, "shop"),
]


@pytest.mark.parametrize(
    ("command", "database"), REFUSED, ids=[next(iter(each[0])) + "-" + each[1] for each in REFUSED]
)
def test_what_is_refused_leaves_the_transaction_alone(
    ask: Ask, session: Session, command: dict[str, Any], database: str
) -> None:
    assert outcome(session.begin(command, database)) == (263, None)
    assert outcome(session.commit()) == (251, TRANSIENT)  # it has not begun
    session.number = 2
    session.begin(insert(1))
    assert outcome(session(command, database)) == (263, None)
    assert session.commit()["ok"] == 1.0
    assert found(ask(FIND)) == [1]


@pytest.mark.parametrize("command", [{"hello": 1}, {"buildInfo": 1}, {"connectionStatus": 1}])
def test_what_runs_beside_a_transaction(session: Session, command: dict[str, Any]) -> None:
    assert outcome(session.begin(command)) == (263, None)
    session.begin(insert(1))
    assert session(command)["ok"] == 1.0
    assert session.commit()["ok"] == 1.0


def ending(ask: Ask) -> list[tuple[str, dict[str, Any], str, int]]:
    """Commands that are refused inside, so that the transaction ends: (what, command, database, code)."""
    ask({"create": "capped", "capped": True, "size": 4096})
    ask({"create": "series", "timeseries": {"timeField": "t"}})
    ask({"create": "full"})
    ask({"insert": "full", "documents": [{"a": 1}]})
    ask({"create": "empty"})
    index = [{"key": {"a": 1}, "name": "a_1"}]
    return [
        ("capped", {"insert": "capped", "documents": [{}]}, "shop", 263),
        ("series", {"delete": "series", "deletes": [{"q": {}, "limit": 0}]}, "shop", 263),
        (
            "bulk",
            {"bulkWrite": 1, "ops": [{"insert": 0, "document": {}}], "nsInfo": [{"ns": "shop.capped"}]},
            "admin",
            263,
        ),
        ("view", {"create": "v", "viewOn": "full", "pipeline": []}, "shop", 263),
        ("there", {"create": "full"}, "shop", 48),
        ("new series", {"create": "t", "timeseries": {"timeField": "t"}}, "shop", 263),
        ("index on documents", {"createIndexes": "full", "indexes": index}, "shop", 263),
        ("index on what was there", {"createIndexes": "empty", "indexes": index}, "shop", 263),
        ("tailable", {"find": "capped", "tailable": True}, "shop", 72),
        ("system", {"insert": "system.js", "documents": [{"_id": 1}]}, "shop", 50791),
        ("views", {"find": "system.views"}, "shop", 51071),
        ("filter", {"find": "full", "filter": {"$nonsense": 1}}, "shop", 2),
        ("modify", {"findAndModify": "capped", "query": {}, "update": {"$set": {"a": 1}}}, "shop", 263),
        ("columns", {"find": "full", "hint": {"$columnar": True}}, "shop", 291),
    ]


def test_failures_inside_end_the_transaction(ask: Ask, session: Session) -> None:
    for what, command, database, code in ending(ask):
        session.begin(insert("never"))
        reply = session(command, database)
        failure = reply["writeErrors"][0] if "writeErrors" in reply else reply
        assert failure["code"] == code, what
        assert outcome(session.commit()) == (251, TRANSIENT), what
        session.number += 1
    assert found(ask(FIND)) == []


# Refused for another reason before: by their namespace, or everywhere.
REFUSED_BEFORE = {
    *("$changeStreamSplitLargeEvent", "$listSearchIndexes", "$listSessions", "$listSampledQueries"),
    "$shardedDataDistribution",
}


@pytest.mark.parametrize("stage", sorted(REFUSED_STAGES - REFUSED_BEFORE))
def test_stages_that_are_refused(ask: Ask, session: Session, stage: str) -> None:
    spec = {"$out": "x", "$merge": "x", "$collStats": {"count": {}}}.get(stage, {})
    ask(insert(1))
    codes = set()
    for subject, database in (("fruit", "shop"), (1, "admin"), (1, "shop")):
        reply = session.begin({"aggregate": subject, "pipeline": [{stage: spec}], "cursor": {}}, database)
        codes.add(reply.get("code"))
        session.number += 1
    assert 263 in codes
    assert None not in codes


def test_collections_and_indexes_are_made_in_one(ask: Ask, session: Session) -> None:
    assert session.begin({"create": "made"})["ok"] == 1.0
    assert session({"createIndexes": "made", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})["ok"] == 1.0
    assert session({"createIndexes": "other", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})["ok"] == 1.0
    assert session({"insert": "made", "documents": [{"_id": 1, "a": 1}]})["n"] == 1
    assert found(session({"find": "made", "filter": {"a": 1}, "hint": "a_1"})) == [1]
    assert ask({"listIndexes": "made"})["code"] == 26
    session.commit()
    assert [each["name"] for each in ask({"listIndexes": "made"})["cursor"]["firstBatch"]] == ["_id_", "a_1"]
    assert len(ask({"listIndexes": "other"})["cursor"]["firstBatch"]) == 2
    session.number = 2
    session.begin(FIND)
    assert "note" in session({"createIndexes": "made", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})
    session.number = 3
    reply = session.begin({"create": "snap"}, readConcern={"level": "snapshot"})
    assert outcome(reply) == (72, None)


def test_concerns(session: Session) -> None:
    assert outcome(session.begin(insert(1), writeConcern={"w": 1})) == (72, None)
    for level in ("available", "linearizable"):
        assert session.begin(FIND, readConcern={"level": level})["code"] == 72
    for level in ("local", "majority", "snapshot"):
        assert session.begin(insert(level), readConcern={"level": level})["ok"] == 1.0
        assert outcome(session(FIND, readConcern={"level": level})) == (72, None)
        assert session.commit(writeConcern={"w": "majority", "j": True}) == {"ok": 1.0}
        session.number += 1
    session.begin(insert(4))
    assert session.commit(writeConcern={"w": 3})["writeConcernError"]["code"] == 100


# Conflicts


def test_write_conflicts_are_failures_of_the_command(ask: Ask, session: Session) -> None:
    ask(insert(1))
    other = Session(ask, 2)
    update = {"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 1}}}]}
    bulk = {
        "bulkWrite": 1,
        "ops": [{"update": 0, "filter": {"_id": 1}, "updateMods": {"$set": {"a": 2}}}],
        "nsInfo": [{"ns": "shop.fruit"}],
    }
    modify = {"findAndModify": "fruit", "query": {"_id": 1}, "update": {"$set": {"a": 3}}}
    delete = {"delete": "fruit", "deletes": [{"q": {"_id": 1}, "limit": 1}]}
    session.begin(update)
    for command, database in ((update, "shop"), (bulk, "admin"), (modify, "shop"), (delete, "shop")):
        assert outcome(other.begin(command, database)) == (112, TRANSIENT)
        assert outcome(other(FIND)) == (251, TRANSIENT)
        other.number += 1
    assert session.commit()["ok"] == 1.0
    assert other.begin(update)["nModified"] == 0


# Cursors


def test_cursors_belong_to_their_transaction(ask: Ask, session: Session) -> None:
    ask(insert(*range(10)))
    outside = ask({**FIND, "batchSize": 2, "lsid": session.lsid})["cursor"]["id"]
    inside = session.begin({**FIND, "batchSize": 2})["cursor"]["id"]

    def more(cursor_id: int) -> dict[str, Any]:
        return {"getMore": Int64(cursor_id), "collection": "fruit", "batchSize": 2}

    assert len(session(more(inside))["cursor"]["nextBatch"]) == 2
    assert ask({**more(inside), "lsid": session.lsid})["code"] == 50740
    assert session(more(outside))["code"] == 50739
    session.number = 2
    session.begin(FIND)
    assert session(more(inside))["code"] == 50741
    assert session({"killCursors": "fruit", "cursors": [Int64(inside)]})["cursorsKilled"] == [inside]
    session.number = 3
    left = session.begin({**FIND, "batchSize": 2})["cursor"]["id"]
    session.commit()
    assert ask({**more(left), "lsid": session.lsid})["code"] == 50740
    assert ask({"killCursors": "fruit", "cursors": [Int64(left)]})["cursorsKilled"] == [left]
    assert outcome(session.begin(more(outside))) == (263, None)


# Time, sessions, restarts


def test_a_transaction_that_is_open_too_long_is_aborted(ask: Ask, session: Session, clock: ManualClock) -> None:
    session.begin(insert(1))
    clock.advance(59_999)
    assert found(session(FIND)) == [1]
    clock.advance(1)
    assert outcome(session.commit()) == (251, TRANSIENT)
    assert found(ask(FIND)) == []
    assert ask({"setParameter": 1, "transactionLifetimeLimitSeconds": 5}, "admin")["was"] == 60
    assert ask({"setParameter": 1, "transactionLifetimeLimitSeconds": 0}, "admin")["code"] == 2
    session.number = 2
    session.begin(insert(1))
    clock.advance(5_000)
    other = Session(ask, 2)
    assert other.begin(insert(1))["n"] == 1  # the older one has let go of it
    assert other.commit()["ok"] == 1.0


def test_the_service_aborts_by_itself(instance: Instance, ask: Ask, session: Session, clock: ManualClock) -> None:
    session.begin(insert(1))
    clock.advance(60_000)
    transactions = instance.transactions
    transactions._serve()  # what the service does when it wakes
    assert (transactions.aborted, list(transactions._open)) == (1, [])


def test_ending_a_session_aborts(ask: Ask, session: Session) -> None:
    session.begin(insert(1))
    assert ask({"endSessions": [session.lsid]}, "admin")["ok"] == 1.0
    assert outcome(session.commit()) == (251, TRANSIENT)
    assert session.begin(insert(1))["n"] == 1  # its numbers are forgotten with it
    assert session.commit()["ok"] == 1.0


def test_an_operation_waits_for_the_one_that_runs(instance: Instance, ask: Ask, session: Session) -> None:
    session.begin(insert(1))
    transaction = instance.transactions.open()[0]
    interrupt = Interrupt(time_limit_ms=1)
    context = Context(interrupt, transaction.session_id, 1, is_transaction=True)
    with transaction.held(Interrupt()):
        assert instance.transactions.is_running(context)
        with pytest.raises(ServerError) as raised:
            instance.execute(FindRequest("shop.fruit", {}), context)
        assert raised.value.code == 50
    assert session.commit()["ok"] == 1.0


def test_killing_a_transaction_stops_the_operation_that_runs(instance: Instance, ask: Ask, session: Session) -> None:
    session.begin(insert(*range(200)))
    transaction = instance.transactions.open()[0]
    interrupt = Interrupt()
    with transaction.held(interrupt):
        instance.transactions.abort_session(transaction.session_id)
        assert transaction.state == "open"
        with pytest.raises(Exception, match="the transaction was aborted"):
            interrupt.check()
    assert transaction.state == "aborted"
    assert outcome(session.commit()) == (251, TRANSIENT)


def test_a_status_tells_of_them(ask: Ask, session: Session) -> None:
    other = Session(ask, 2)
    ask({"create": "fruit"})
    session.begin(insert(1))
    other.begin(insert(2))
    names = ("currentOpen", "currentInactive", "totalStarted", "totalCommitted", "totalAborted")

    def status() -> tuple[Any, ...]:
        section = ask({"serverStatus": 1}, "admin")["transactions"]
        return tuple(section[name] for name in names)

    assert status() == (2, 2, 2, 0, 0)
    shown = ask({"aggregate": 1, "pipeline": [{"$currentOp": {}}], "cursor": {}}, "admin")["cursor"]["firstBatch"]
    idle = [each for each in shown if each["type"] == "idleSession"]
    assert [each["lsid"]["id"] for each in idle] == [session.lsid["id"], other.lsid["id"]]
    assert idle[0]["transaction"]["parameters"] == {
        "txnNumber": 1,
        "autocommit": False,
        "readConcern": {"level": "local"},
    }
    session.commit()
    other.abort()
    assert status() == (0, 0, 2, 1, 1)


@pytest.fixture
def files() -> Iterator[MemoryFiles]:
    yield MemoryFiles()


def test_a_commit_is_repeated_after_a_restart(files: MemoryFiles) -> None:
    clock = ManualClock()
    lsid = {"id": Binary(b"s" * 16, 4)}
    fields = {"lsid": lsid, "txnNumber": Int64(3), "autocommit": False}
    instance = Instance.open("data", clock=clock, files=files)
    instance.run_command("shop", encode({**insert(1), **fields, **FIRST}))
    instance.run_command("admin", encode({"commitTransaction": 1, **fields}))
    instance.close()
    again = Instance.open("data", clock=clock, files=files)
    try:
        assert again.run_command("admin", encode({"commitTransaction": 1, **fields})) == {"ok": 1.0}
        for command, code in ((FIND, 256), ({**insert(2), **FIRST}, 117)):
            with pytest.raises(ServerError) as raised:
                again.run_command("shop", encode({**command, **fields}))
            assert raised.value.code == code
        assert len(decode(encode(again.run_command("shop", encode(FIND))))["cursor"]["firstBatch"]) == 1
    finally:
        again.close()


def test_a_lifetime_that_was_made_in_a_transaction_is_kept(instance: Instance, session: Session) -> None:
    index = [{"key": {"at": 1}, "name": "at_1", "expireAfterSeconds": 5}]
    session.begin({"createIndexes": "made", "indexes": index})
    assert instance.expiry._join is None
    session.commit()
    assert instance.expiry._join is not None


@pytest.mark.parametrize("end", ["commit", "abort"])
def test_nothing_is_held_after_the_end(instance: Instance, ask: Ask, session: Session, end: str) -> None:
    ask(insert(*range(10)))
    session.begin({**FIND, "batchSize": 2})
    inside = instance.transactions.open()[0].instance
    assert inside is not None
    store = weakref.ref(inside.store)
    del inside
    getattr(session, end)()
    gc.collect()
    assert store() is None


def test_two_threads_in_one_session_take_turns(instance: Instance, session: Session) -> None:
    session.begin(insert("first"))
    replies: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda n=n: replies.append(session(insert(n)))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each["n"] for each in replies] == [1] * 8
    assert len(found(session(FIND))) == 9


def test_the_cursor_of_a_bulk_write_goes_on_in_its_transaction(ask: Ask, session: Session) -> None:
    ops = [{"insert": 0, "document": {"_id": each}} for each in range(3)]
    bulk = {"bulkWrite": 1, "ops": ops, "nsInfo": [{"ns": "shop.fruit"}], "cursor": {"batchSize": 1}}
    cursor = session.begin(bulk, "admin")["cursor"]
    more = session({"getMore": Int64(cursor["id"]), "collection": "$cmd.bulkWrite"}, "admin")
    assert [each["idx"] for each in more["cursor"]["nextBatch"]] == [1, 2]
    assert session({"getMore": Int64(1), "collection": "other"}, "admin")["code"] == 263
