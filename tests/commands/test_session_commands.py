"""The commands that begin, keep, end and kill sessions, and how long a session lives."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Binary, Int64

from amongo.commands import sessions
from amongo.commands.context import Context
from amongo.commands.instance import Instance
from amongo.commands.sessions import NOBODY
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import Interrupt, OperationInterrupted
from amongo.runtime.limits import SESSION_IDLE_MINUTES
from amongo.values.codec import decode, encode

ONE, OTHER = ({"id": Binary(bytes(15) + bytes([number]), 4)} for number in (1, 2))
IDLE_MS = SESSION_IDLE_MINUTES * 60_000


def known(ask: Ask) -> list[Any]:
    """The ids of the sessions, the one longest unused first."""
    reply = ask({"aggregate": 1, "pipeline": [{"$listLocalSessions": {}}], "cursor": {}}, "admin")
    return [each["_id"]["id"] for each in reply["cursor"]["firstBatch"]]


def open_cursor(ask: Ask, session: dict[str, Any]) -> Int64:
    """A cursor of a session that has more to give."""
    ask({"insert": "fruit", "documents": [{}, {}, {}]})
    cursor_id: Int64 = ask({"find": "fruit", "batchSize": 1, "lsid": session})["cursor"]["id"]
    return cursor_id


def is_open(ask: Ask, cursor_id: Int64, session: dict[str, Any]) -> bool:
    reply = ask({"getMore": cursor_id, "collection": "fruit", "batchSize": 1, "lsid": session})
    assert reply.get("code") in (None, 43)
    return bool(reply["ok"])


def begin(ask: Ask, session: dict[str, Any]) -> None:
    """A transaction of a session, with a write in it."""
    ask({"create": "fruit"})
    fields = {"lsid": session, "txnNumber": Int64(1), "autocommit": False, "startTransaction": True}
    assert ask({"insert": "fruit", "documents": [{}], **fields})["ok"] == 1.0


def commit(ask: Ask, session: dict[str, Any]) -> Any:
    """The code of the failure to commit it; None if it can be committed."""
    reply = ask({"commitTransaction": 1, "lsid": session, "txnNumber": Int64(1), "autocommit": False}, "admin")
    return reply.get("code")


def test_a_session_is_started(ask: Ask) -> None:
    reply = ask({"startSession": 1})
    assert (reply["timeoutMinutes"], reply["id"]["id"].subtype, len(reply["id"]["id"])) == (30, 4, 16)
    assert known(ask) == [reply["id"]["id"]]


def test_a_session_is_forgotten_after_half_an_hour(ask: Ask, instance: Instance, clock: ManualClock) -> None:
    ask({"ping": 1, "lsid": ONE})
    clock.advance(IDLE_MS - 1)
    ask({"ping": 1, "lsid": OTHER})
    assert known(ask) == [ONE["id"], OTHER["id"]]
    clock.advance(1)
    assert known(ask) == [OTHER["id"]]


def test_what_a_forgotten_session_has_open_ends(ask: Ask, instance: Instance, clock: ManualClock) -> None:
    cursor_id = open_cursor(ask, ONE)
    begin(ask, ONE)
    clock.advance(IDLE_MS)
    ask({"ping": 1, "lsid": OTHER})
    assert (len(instance.cursors), instance.transactions.open()) == (0, [])
    assert not is_open(ask, cursor_id, ONE)


def test_a_session_is_refreshed(ask: Ask, clock: ManualClock) -> None:
    ask({"ping": 1, "lsid": ONE})
    clock.advance(IDLE_MS - 1)
    assert ask({"refreshSessions": [ONE, OTHER]}) == {"ok": 1.0}
    clock.advance(IDLE_MS - 1)
    assert known(ask) == [ONE["id"], OTHER["id"]]


def test_sessions_are_ended(ask: Ask) -> None:
    cursor_id, left = open_cursor(ask, ONE), open_cursor(ask, OTHER)
    begin(ask, ONE)
    assert ask({"endSessions": [ONE, {"id": Binary(bytes(16), 4)}]}) == {"ok": 1.0}
    assert known(ask) == [OTHER["id"]]
    assert (is_open(ask, cursor_id, ONE), is_open(ask, left, OTHER)) == (False, True)
    assert commit(ask, ONE) == 251


@pytest.mark.parametrize(
    ("command", "kills_both"),
    [
        ({"killSessions": [ONE]}, False),
        ({"killSessions": []}, True),
        ({"killAllSessions": []}, True),
        ({"killAllSessions": [{"user": "", "db": ""}]}, True),
        ({"killAllSessionsByPattern": []}, True),
        ({"killAllSessionsByPattern": [{}]}, True),
        ({"killAllSessionsByPattern": [{"lsid": {**ONE, "uid": Binary(NOBODY)}}]}, False),
        ({"killAllSessionsByPattern": [{"uid": Binary(NOBODY), "users": [{"user": "a", "db": "b"}]}]}, True),
    ],
    ids=str,
)
def test_sessions_are_killed(ask: Ask, command: dict[str, Any], kills_both: bool) -> None:
    cursors = {session["id"]: open_cursor(ask, session) for session in (ONE, OTHER)}
    begin(ask, ONE)
    begin(ask, OTHER)
    assert ask(command) == {"ok": 1.0}
    assert not is_open(ask, cursors[ONE["id"]], ONE)
    assert is_open(ask, cursors[OTHER["id"]], OTHER) is not kills_both
    assert (commit(ask, ONE), commit(ask, OTHER)) == (251, 251 if kills_both else None)
    assert ask({"find": "fruit", "lsid": ONE})["ok"] == 1.0  # it can be used again


@pytest.mark.parametrize(
    "command",
    [
        {"killAllSessions": [{"user": "somebody", "db": "admin"}]},
        {"killAllSessionsByPattern": [{"uid": Binary(bytes(32))}]},
        {"killSessions": [{"id": Binary(bytes(16), 4)}]},
    ],
    ids=str,
)
def test_others_are_left_alone(ask: Ask, command: dict[str, Any]) -> None:
    cursor_id = open_cursor(ask, ONE)
    assert ask(command) == {"ok": 1.0}
    assert is_open(ask, cursor_id, ONE)


def test_operations_of_a_killed_session_are_stopped(ask: Ask, instance: Instance) -> None:
    mine, others, own = Interrupt(), Interrupt(), Interrupt()
    command = encode({"killSessions": [ONE], "lsid": ONE})
    running = instance.operations.running
    with (
        running("shop.fruit", {"find": "fruit"}, mine, bytes(ONE["id"])),
        running("shop.fruit", {"find": "fruit"}, others, bytes(OTHER["id"])),
    ):
        reply = instance.run_command("shop", command, Context(own))
    assert decode(encode(reply)) == {"ok": 1.0}
    with pytest.raises(OperationInterrupted):
        mine.check()
    others.check()
    own.check()


@pytest.mark.parametrize("name", ["endSessions", "refreshSessions", "killSessions"])
@pytest.mark.parametrize(
    ("sessions", "code"),
    [
        (1, 14),
        (None, 40414),
        ([1], 14),
        ([{}], 40414),
        ([{"id": 1}], 14),
        ([{"id": Binary(bytes(16), 3)}], 207),
        ([{"id": Binary(bytes(4), 4)}], 207),
        ([{**ONE, "other": 1}], 40415),
    ],
    ids=["no array", "null", "no object", "no id", "number", "legacy", "short", "unknown"],
)
def test_sessions_that_are_none(ask: Ask, name: str, sessions: Any, code: int) -> None:
    assert ask({name: sessions})["code"] == code


@pytest.mark.parametrize(
    ("patterns", "code"),
    [
        (1, 14),
        ([1], 14),
        ([{"lsid": ONE, "other": 1}], 40415),
        ([{"lsid": {"id": 1}}], 14),
        ([{"users": [{"user": "a"}]}], 40414),
        ([{"roles": [1]}], 14),
        ([{"roles": [{"role": "root", "db": "admin", "other": 1}]}], 40415),
    ],
    ids=["no array", "no object", "unknown", "lsid", "user", "role", "field of a role"],
)
def test_patterns_that_are_none(ask: Ask, patterns: Any, code: int) -> None:
    assert ask({"killAllSessionsByPattern": patterns})["code"] == code


def test_there_are_only_so_many_sessions(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "OPEN_SESSIONS", 1)
    assert ask({"ping": 1, "lsid": ONE})["ok"] == 1.0
    assert ask({"startSession": 1})["codeName"] == "TooManyLogicalSessions"
    assert ask({"ping": 1, "lsid": ONE})["ok"] == 1.0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"apiVersion": "1"}, None),
        ({"apiVersion": "1", "apiStrict": True}, 323),
        ({"apiVersion": "2"}, 322),
        ({"apiStrict": True}, 4886600),
        ({"apiDeprecationErrors": False}, 4886600),
    ],
    ids=str,
)
def test_the_stable_api(ask: Ask, fields: dict[str, Any], code: int | None) -> None:
    assert ask({"startSession": 1, **fields}).get("code") == code
    if "apiVersion" in fields:
        assert ask({"ping": 1, **fields}).get("code") == (322 if code == 322 else None)
