"""Requests and replies come back from their forms as they were; messages from their bytes."""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any

import pytest
from bson import Binary, Int64, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from amongo.client.sharing import forms
from amongo.client.sharing.forms import from_form, to_form
from amongo.client.sharing.frames import Broken, Message, pack, unpack
from amongo.commands.commit_transaction import CommitRequest
from amongo.commands.concerns import ReadConcern
from amongo.commands.context import Context
from amongo.commands.delete import DeleteRequest, DeleteStatement
from amongo.commands.find import FindOptions, FindRequest
from amongo.commands.get_more import GetMoreRequest
from amongo.commands.insert import InsertRequest
from amongo.commands.live import LiveRequest
from amongo.commands.peer import Peer
from amongo.commands.replies import CursorReply, WriteReply
from amongo.commands.scan_options import ScanOptions
from amongo.commands.tables import SqlRequest
from amongo.commands.time_travel import FindAsOfRequest, HistoryRequest
from amongo.commands.update import UpdateRequest, UpdateStatement
from amongo.runtime.interrupts import Interrupt
from amongo.streams.live import Difference
from amongo.values.collation import Collation
from amongo.values.collation.options import Options
from amongo.values.deprecated import Undefined

HEADER_BYTES = 16
FILTER = {"_id": 1, "a": {"$in": [1, None, {"$ref": "c", "$id": 2}]}, "x": {"_id": 3, "b": Regex("a", 2)}}
OBJECTS = [
    FindRequest("db.coll", FILTER, {"a": 1}, {"a": -1, "_id": 1}, 3, 7, 20, True),
    FindRequest(
        "db.coll",
        {},
        options=FindOptions(
            hint={"a": 1},
            collation=Collation(Options("en", strength=2)),
            scan=ScanOptions(low={"a": 1}, resume_after=5),
            allowed=({"a": 1}, "name"),
        ),
    ),
    GetMoreRequest("db.coll", 2**62 + 5, None, 1000),
    InsertRequest("db.coll", (b"\5\0\0\0\0",)),
    InsertRequest("db.coll", [b"\5\0\0\0\0", b"\5\0\0\0\0"], ordered=False),
    InsertRequest("db.coll", []),
    UpdateRequest(
        "db.coll",
        (
            UpdateStatement(FILTER, {"$set": {"a": DatetimeMS(5)}}, upsert=True, array_filters=[{"x": 1}]),
            UpdateStatement({}, [{"$set": {"a": Undefined()}}], multi=True, hint="a_1"),
        ),
        variables={"NOW": DatetimeMS(-(2**62))},
    ),
    DeleteRequest("db.coll", (DeleteStatement({}, True), DeleteStatement(FILTER, False)), False),
    LiveRequest("db.coll", FILTER, None, {"a": 1}, 4, Collation(None)),
    HistoryRequest("db.coll", {"b": 1, "a": [1, Int64(1), Binary(b"x", 5)]}),
    HistoryRequest("db.coll", b"abc"),
    HistoryRequest("db.coll", [ObjectId("0" * 24)]),
    FindAsOfRequest("db", {"find": "coll"}, Timestamp(4, 5)),
    CommitRequest(200),
    Context(session_id=b"0123456789abcdef", number=2**40, statements=range(5, 9)),
    Context(session_id=b"0123456789abcdef", is_transaction=True, read_concern=ReadConcern("majority", Timestamp(1, 1))),
    CursorReply(2**61, "db.coll", [b"\5\0\0\0\0"] * 3, False, {"$recordId": Int64(4)}, Timestamp(1, 2)),
    CursorReply(0, "db.coll", []),
    WriteReply(3, None, [{"index": 0, "_id": 5}], [{"index": 1, "code": 11000}], 2**50, (0, 2)),
    Difference("changed", 2**60, b"\5\0\0\0\0", b"\5\0\0\0\0", None, 0, 3, True),
    SqlRequest(
        "db",
        "select 1",
        [
            *(1, 2**100, 0.5, "a", None, True, b"x"),
            decimal.Decimal("1.50"),
            uuid.UUID(int=5),
            datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
            datetime.date(2020, 1, 1),
            datetime.time(1, 2, 3, 4),
            datetime.timedelta(-1, 2, 3),
        ],
    ),
    SqlRequest("db", "select $a", {"a": [1, 2]}, 50),
]


def sent(value: Any) -> Any:
    """What comes out at the other end."""
    attachments: list[Any] = []
    form = to_form(value, attachments)
    message = received(b"".join(pack(Message({"x": form}, attachments))))
    return from_form(message.head["x"], message.attachments)


def received(raw: bytes) -> Message:
    head_bytes, count = int.from_bytes(raw[8:12], "little"), int.from_bytes(raw[12:16], "little")
    assert int.from_bytes(raw[:8], "little") == len(raw) - HEADER_BYTES
    return unpack(head_bytes, count, bytearray(raw[HEADER_BYTES:]))


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_it_comes_back_as_it_was(value: Any) -> None:
    found = sent(value)
    assert type(found) is type(value)
    assert found == value
    assert repr(found).replace("Int64", "int") == repr(value).replace("Int64", "int")


def test_what_is_of_one_process_stays_there() -> None:
    found = sent(Context(Interrupt(), b"0123456789abcdef", peer=Peer(1, "a", "b")))
    assert found == Context(session_id=b"0123456789abcdef")


def test_the_order_of_fields_stays() -> None:
    found = sent(FindRequest("db.coll", {"b": 1, "_id": 2, "a": {"c": 1, "_id": 3}}))
    assert list(found.filter) == ["b", "_id", "a"]
    assert list(found.filter["a"]) == ["c", "_id"]


def test_other_classes_are_not_made() -> None:
    with pytest.raises(KeyError):
        from_form({"c": "Path", "f": {}}, [])
    with pytest.raises(TypeError):
        from_form({"c": "GetMoreRequest", "f": {"nope": 1}}, [])


def test_the_fingerprint_knows_each_field() -> None:
    known = dict(forms._KNOWN)
    assert known["GetMoreRequest"] == ["namespace", "cursor_id", "batch_size", "max_time_ms"]
    assert "interrupt" not in known["Context"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab$_id.", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("ab$_id.", max_size=3), VALUES, max_size=4), st.lists(st.binary(max_size=50)), VALUES)
def test_any_request(filter: dict[str, Any], documents: list[bytes], value: Any) -> None:
    for request in (
        FindRequest("db.coll", filter, hint := None, filter or None, 0, 2**40, hint),
        InsertRequest("db.coll", documents),
        InsertRequest("db.coll", tuple(documents)),
        UpdateRequest("db.coll", (UpdateStatement(filter, {"$set": {"a": value}}),)),
    ):
        assert sent(request) == request


@given(st.lists(st.binary(max_size=400_000), max_size=4))
def test_any_attachments(attachments: list[bytes]) -> None:
    assert received(b"".join(pack(Message({"a": 1}, attachments)))) == ({"a": 1}, attachments)


@given(st.binary(max_size=60), st.integers(0, 80), st.integers(0, 9))
def test_what_is_no_message(raw: bytes, head_bytes: int, count: int) -> None:
    try:
        message = unpack(head_bytes, count, bytearray(raw))
    except Broken:
        return
    assert len(message.attachments) == count
