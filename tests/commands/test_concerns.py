"""Read concern, write concern, maxTimeMS: what is taken, what is refused, what a reply says about them."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Decimal128, Int64, Timestamp

from amongo.commands.concerns import NO_CONCERNS, ReadConcern, WriteConcern, parse_concerns, time_limit
from amongo.errors import ServerError

WRITE = [
    ("nothing", {}, WriteConcern("majority")),
    ("null", None, WriteConcern("majority")),
    ("none", {"w": 0}, WriteConcern(0)),
    ("one", {"w": Int64(1)}, WriteConcern(1)),
    ("majority", {"w": "majority"}, WriteConcern("majority")),
    ("a double is cut", {"w": 1.9}, WriteConcern(1)),
    ("a negative double is cut", {"w": -0.9}, WriteConcern(0)),
    ("a decimal is rounded half to even", {"w": Decimal128("1.5")}, WriteConcern(2)),
    ("tags", {"w": {"dc": 1}}, WriteConcern({"dc": 1})),
    ("journal", {"j": True}, WriteConcern("majority", True)),
    ("journal as a number", {"w": 1, "j": 1}, WriteConcern(1, True)),
    ("no journal", {"w": 1, "j": False}, WriteConcern(1)),
    ("fsync", {"w": 1, "fsync": True}, WriteConcern(1, True)),
    ("a timeout of any type", {"w": 1, "wtimeout": "soon"}, WriteConcern(1)),
    ("provenance", {"w": 1, "provenance": "clientSupplied"}, WriteConcern(1)),
]


@pytest.mark.parametrize(("name", "value", "expected"), WRITE)
def test_write_concerns(name: str, value: Any, expected: WriteConcern) -> None:
    assert parse_concerns("insert", {"insert": "a", "writeConcern": value}).write == expected


BAD_WRITE = [
    ("no document", "majority", 14),
    ("an unknown field", {"unknown": 1}, 40415),
    ("a negative number", {"w": -1}, 9),
    ("too many nodes", {"w": 51}, 9),
    ("not a number", {"w": float("nan")}, 9),
    ("infinite", {"w": Decimal128("Infinity")}, 9),
    ("a boolean", {"w": True}, 9),
    ("no tags", {"w": {}}, 9),
    ("tags that are no numbers", {"w": {"dc": "x"}}, 9),
    ("journal as text", {"j": "true"}, 14),
    ("journal and fsync", {"j": True, "fsync": True}, 9),
    ("a long timeout", {"wtimeout": Int64(2**31)}, 9),
    ("an endless timeout", {"wtimeout": float("inf")}, 9),
    ("a wrong provenance", {"provenance": "x"}, 2),
]


@pytest.mark.parametrize(("name", "value", "code"), BAD_WRITE)
def test_write_concerns_that_are_refused(name: str, value: Any, code: int) -> None:
    with pytest.raises(ServerError) as raised:
        parse_concerns("insert", {"insert": "a", "writeConcern": value})
    assert raised.value.code == code


def test_a_command_that_writes_nothing_takes_no_write_concern() -> None:
    with pytest.raises(ServerError) as raised:
        parse_concerns("listCollections", {"listCollections": 1, "writeConcern": {"w": 1}})
    assert raised.value.code == 72


FAILURES = [
    ("none", 0, None),
    ("one", 1, None),
    ("majority", "majority", None),
    ("two", 2, 100),
    ("a mode", "backup", 79),
    ("no name", "", 79),
    ("tags", {"dc": 1}, 100),
]


@pytest.mark.parametrize(("name", "w", "code"), FAILURES)
def test_what_one_node_cannot_satisfy(name: str, w: Any, code: int | None) -> None:
    failure = WriteConcern(w).failure()
    assert (failure and failure["code"]) == code


def test_an_unsatisfied_write_concern_is_told_and_the_write_is_done(ask: Ask) -> None:
    reply = ask({"insert": "a", "documents": [{"_id": 1}], "writeConcern": {"w": 2}})
    assert (reply["n"], reply["ok"]) == (1, 1.0)
    assert reply["writeConcernError"] == {
        "code": 100,
        "codeName": "UnsatisfiableWriteConcern",
        "errmsg": "Not enough data-bearing nodes",
    }
    assert ask({"count": "a"})["n"] == 1


READ = [
    ("nothing", {}, ReadConcern()),
    ("local", {"level": "local"}, ReadConcern()),
    ("null", {"level": None}, ReadConcern()),
    ("majority", {"level": "majority"}, ReadConcern("majority")),
    ("snapshot", {"level": "snapshot"}, ReadConcern("snapshot")),
    ("linearizable", {"level": "linearizable"}, ReadConcern("linearizable")),
    ("after a moment", {"afterClusterTime": Timestamp(1, 1)}, ReadConcern("local", Timestamp(1, 1))),
]


@pytest.mark.parametrize(("name", "value", "expected"), READ)
def test_read_concerns(name: str, value: Any, expected: ReadConcern) -> None:
    assert parse_concerns("find", {"find": "a", "readConcern": value}).read == expected


BAD_READ = [
    ("no document", "find", "local", 14),
    ("an unknown field", "find", {"Level": "local"}, 40415),
    ("an unknown level", "find", {"level": "Local"}, 2),
    ("a level that is no text", "find", {"level": 1}, 14),
    ("a moment that is none", "find", {"afterClusterTime": None}, 14),
    ("a null moment", "find", {"afterClusterTime": Timestamp(0, 0)}, 72),
    ("a past moment without snapshot", "find", {"atClusterTime": Timestamp(1, 1)}, 72),
    ("a moment under another level", "find", {"level": "available", "afterClusterTime": Timestamp(1, 1)}, 72),
    ("a wrong provenance", "find", {"provenance": "x"}, 2),
    ("a command for which local is all there is", "create", {"level": "majority"}, 72),
]


@pytest.mark.parametrize(("name", "command", "value", "code"), BAD_READ)
def test_read_concerns_that_are_refused(name: str, command: str, value: Any, code: int) -> None:
    with pytest.raises(ServerError) as raised:
        parse_concerns(command, {command: "a", "readConcern": value})
    assert raised.value.code == code


TIMES = [
    ("absent", None, None),
    ("zero", 0, None),
    ("a double", 1000.0, 1000),
    ("a decimal", Decimal128("1E+2"), 100),
    ("the longest", Int64(2**31 - 1), 2**31 - 1),
]


@pytest.mark.parametrize(("name", "value", "expected"), TIMES)
def test_time_limits(name: str, value: Any, expected: int | None) -> None:
    assert time_limit(value) == expected


BAD_TIMES = [
    ("text", "1", 14),
    ("a boolean", True, 14),
    ("negative", -1, 2),
    ("too long", Int64(2**31), 2),
    ("half a millisecond", 1.5, 9),
    ("not a number", float("nan"), 9),
    ("infinite", Decimal128("-Infinity"), 9),
]


@pytest.mark.parametrize(("name", "value", "code"), BAD_TIMES)
def test_time_limits_that_are_refused(name: str, value: Any, code: int) -> None:
    with pytest.raises(ServerError) as raised:
        time_limit(value)
    assert raised.value.code == code


def test_a_command_without_concerns_costs_nothing() -> None:
    assert parse_concerns("find", {"find": "a"}) is NO_CONCERNS


def test_the_read_concern_of_a_get_more_is_that_of_its_cursor() -> None:
    assert parse_concerns("getMore", {"readConcern": {"level": "snapshot"}}).read == ReadConcern()
    with pytest.raises(ServerError):
        parse_concerns("getMore", {"readConcern": {"level": "none"}})


def test_a_command_that_fails_tells_of_its_write_concern_too(ask: Ask) -> None:
    ask({"create": "fruit"})
    failed = ask({"create": "fruit", "capped": True, "size": 1000, "writeConcern": {"w": 2}})
    assert (failed["code"], failed["writeConcernError"]["code"]) == (48, 100)
