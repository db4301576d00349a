"""Failpoints: how they are set, how they count, and the labels of what fails."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Int64

from amongo.commands.error_labels import labels, stream_labels
from amongo.commands.failpoints import ALWAYS, FAIL_COMMAND, OFF, Asked, ConnectionDropped, Failpoint, Mode
from amongo.commands.instance import Instance
from amongo.commands.peer import Peer
from amongo.errors import ServerError
from amongo.values.codec import encode

SESSION = b"0123456789abcdef"


@pytest.fixture
def peer() -> Peer:
    return Peer(7, "127.0.0.1:5", "127.0.0.1:6")


@pytest.fixture
def tested(instance: Instance) -> Instance:
    instance.allow_test_commands()
    return instance


def test_there_is_none_without_test_commands(ask: Ask) -> None:
    assert ask({"configureFailPoint": FAIL_COMMAND, "mode": "off"}, "admin")["code"] == 59
    assert ask({"testVersion2": 1})["code"] == 59
    assert ask({"getParameter": 1, "enableTestCommands": 1}, "admin")["enableTestCommands"] is False
    assert "configureFailPoint" not in ask({"listCommands": 1})["commands"]


def test_with_test_commands_they_are_shown(tested: Instance, ask: Ask) -> None:
    assert ask({"getParameter": 1, "enableTestCommands": 1}, "admin")["enableTestCommands"] is True
    assert "configureFailPoint" in ask({"listCommands": 1})["commands"]
    assert ask({"configureFailPoint": FAIL_COMMAND, "mode": "off"})["code"] == 13  # not on `admin`


def test_a_command_that_is_in_no_version(tested: Instance, ask: Ask) -> None:
    assert ask({"testVersion2": 1})["ok"] == 1
    assert ask({"testVersion2": 1, "apiVersion": "1", "apiStrict": True})["code"] == 323


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({}, 2, id="no mode"),
        pytest.param({"mode": 1}, 14, id="a mode of another type"),
        pytest.param({"mode": "sometimes"}, 2, id="an unknown mode"),
        pytest.param({"mode": {}}, 2, id="an empty mode"),
        pytest.param({"mode": {"times": 1, "skip": 1}}, 2, id="two modes"),
        pytest.param({"mode": {"often": 1}}, 2, id="an unknown form"),
        pytest.param({"mode": {"times": "1"}}, 14, id="a count that is no number"),
        pytest.param({"mode": {"skip": -1}}, 2, id="a negative count"),
        pytest.param({"mode": {"activationProbability": 1.5}}, 2, id="more than certain"),
        pytest.param({"mode": "alwaysOn", "data": 1}, 14, id="data that are no object"),
        pytest.param({"mode": "alwaysOn", "data": {"failCommands": "find"}}, 14, id="names that are no array"),
        pytest.param({"mode": "alwaysOn", "data": {"errorCode": "x"}}, 14, id="a code that is no number"),
        pytest.param({"mode": "alwaysOn", "data": {"blockConnection": True}}, 72, id="no time to wait"),
    ],
)
def test_what_cannot_be_set(tested: Instance, ask: Ask, fields: dict[str, Any], code: int) -> None:
    assert ask({"configureFailPoint": FAIL_COMMAND, **fields}, "admin")["code"] == code


def test_an_unknown_failpoint(tested: Instance, ask: Ask) -> None:
    assert ask({"configureFailPoint": "failNothing", "mode": "off"}, "admin")["code"] == 266
    assert ask({"configureFailPoint": 1, "mode": "off"}, "admin")["code"] == 14


@pytest.mark.parametrize(
    ("mode", "acts"),
    [
        pytest.param(OFF, [0, 0, 0, 0], id="off"),
        pytest.param(ALWAYS, [1, 1, 1, 1], id="always on"),
        pytest.param(Mode(times=2), [1, 1, 0, 0], id="twice"),
        pytest.param(Mode(skip=1), [0, 1, 1, 1], id="not the first time"),
        pytest.param(Mode(chance=0.5), [1, 0, 1, 0], id="half the times"),
    ],
)
def test_when_it_acts(mode: Mode, acts: list[int]) -> None:
    drawn = iter((0.1, 0.5, 0.4, 0.9))
    failpoint = Failpoint(drawn.__next__)
    failpoint.set(mode, {"x": 1})
    assert [int(failpoint.act() == {"x": 1}) for _ in acts] == acts
    assert failpoint.set(OFF, {}) == sum(acts)


def test_what_it_does_not_mean_does_not_count() -> None:
    failpoint = Failpoint()
    failpoint.set(Mode(times=1), {})
    assert failpoint.act(lambda data: False) is None
    assert failpoint.act() == {}
    assert failpoint.act() is None


@pytest.mark.parametrize(
    ("data", "is_meant"),
    [
        ({"failCommands": ["insert", "find"]}, True),
        ({"failCommands": ["insert"]}, False),
        ({}, False),
        ({"failAllCommands": True}, True),
        ({"failCommands": ["find"], "appName": "till"}, True),
        ({"failCommands": ["find"], "appName": "other"}, False),
        ({"failCommands": ["find"], "namespace": "shop.fruit"}, True),
        ({"failCommands": ["find"], "namespace": "shop.other"}, False),
        ({"failCommands": ["find"], "threadName": "conn7"}, True),
        ({"failCommands": ["find"], "threadName": "conn8"}, False),
    ],
)
def test_which_commands_are_meant(peer: Peer, data: dict[str, Any], is_meant: bool) -> None:
    assert Asked(frozenset({"find"}), "shop.fruit", peer, "till").is_meant(data) is is_meant


def test_the_way_out_is_never_meant(peer: Peer) -> None:
    asked = Asked(frozenset({"configureFailPoint"}), "admin", peer, None)
    assert not asked.is_meant({"failAllCommands": True, "failCommands": ["configureFailPoint"]})


def _insert(instance: Instance, number: int, *identities: int, peer: Peer | None = None) -> dict[str, Any]:
    from amongo.commands.context import Context

    document = {
        "insert": "fruit",
        "documents": [{"_id": each} for each in identities],
        "lsid": {"id": _uuid()},
        "txnNumber": Int64(number),
    }
    return instance.run_command("shop", encode(document), Context(peer=peer))


def _uuid() -> Any:
    from bson import Binary

    return Binary(SESSION, 4)


def test_a_retryable_write_whose_answer_is_lost(tested: Instance, peer: Peer) -> None:
    assert tested.failpoints is not None
    tested.failpoints["onPrimaryTransactionalWrite"].set(Mode(times=1), {})
    assert _insert(tested, 1, 1, 2, peer=peer)["n"] == 2
    assert peer.is_dropped
    assert _insert(tested, 1, 1, 2)["retriedStmtIds"] == [0, 1]


def test_a_retryable_write_that_is_not_committed(tested: Instance, peer: Peer, ask: Ask) -> None:
    assert tested.failpoints is not None
    data = {"failBeforeCommitExceptionCode": 1, "closeConnection": False}
    tested.failpoints["onPrimaryTransactionalWrite"].set(Mode(skip=2), data)
    assert _insert(tested, 1, 1, 2, peer=peer)["n"] == 2  # each document counts
    with pytest.raises(ServerError) as caught:
        _insert(tested, 2, 3, peer=peer)
    assert caught.value.code == 1
    assert not peer.is_dropped
    assert ask({"count": "fruit"})["n"] == 2


def test_a_get_more_that_fails(tested: Instance, ask: Ask, fruit: None) -> None:
    assert tested.failpoints is not None
    failpoint = tested.failpoints["failGetMoreAfterCursorCheckout"]
    cursor = ask({"find": "fruit", "batchSize": 2})["cursor"]
    failpoint.set(Mode(times=1), {"errorCode": 91})
    more = {"getMore": cursor["id"], "collection": "fruit"}
    failed = ask(more)
    assert (failed["code"], "errorLabels" in failed) == (91, False)
    failpoint.set(Mode(times=1), {"closeConnection": True})
    with pytest.raises(ConnectionDropped):
        ask(more)
    assert len(ask(more)["cursor"]["nextBatch"]) == 3


def test_a_get_more_of_a_stream_says_that_it_may_be_resumed(tested: Instance, ask: Ask, fruit: None) -> None:
    assert tested.failpoints is not None
    cursor = ask({"aggregate": "fruit", "pipeline": [{"$changeStream": {}}], "cursor": {}})["cursor"]
    tested.failpoints["failGetMoreAfterCursorCheckout"].set(Mode(times=1), {"errorCode": 91})
    failed = ask({"getMore": cursor["id"], "collection": "fruit"})
    assert failed["errorLabels"] == ["ResumableChangeStreamError"]


WRITE: dict[str, Any] = {"insert": "fruit", "txnNumber": 1}
INSIDE: dict[str, Any] = {**WRITE, "autocommit": False}


@pytest.mark.parametrize(
    ("command", "document", "code", "expected"),
    [
        pytest.param("insert", WRITE, 91, ("RetryableWriteError",), id="a retryable write at shutdown"),
        pytest.param("insert", WRITE, 10107, ("RetryableWriteError",), id="a retryable write on no primary"),
        pytest.param("insert", WRITE, 11000, (), id="a duplicate key"),
        pytest.param("insert", {"insert": "fruit"}, 91, (), id="a write without a number"),
        pytest.param("find", {"find": "fruit"}, 91, (), id="a read"),
        pytest.param("insert", INSIDE, 91, ("TransientTransactionError",), id="in a transaction"),
        pytest.param("insert", INSIDE, 112, ("TransientTransactionError",), id="a conflict"),
        pytest.param("insert", INSIDE, 11000, (), id="a duplicate key in a transaction"),
        pytest.param("commitTransaction", INSIDE, 91, ("RetryableWriteError",), id="a commit at shutdown"),
        pytest.param("commitTransaction", INSIDE, 251, ("TransientTransactionError",), id="a commit of none"),
        pytest.param("abortTransaction", INSIDE, 262, ("RetryableWriteError",), id="an abort that is slow"),
    ],
)
def test_the_labels(command: str, document: dict[str, Any], code: int, expected: tuple[str, ...]) -> None:
    assert labels(command, document, code) == expected


def test_the_labels_of_streams() -> None:
    assert stream_labels(234) == ("ResumableChangeStreamError",)
    assert stream_labels(11601) == ()
