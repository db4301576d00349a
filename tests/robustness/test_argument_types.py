"""Every parameter of every method, given values it is not made for: the exception that PyMongo raises, or the server's.

The calls are made from the signatures. PyMongo, talking to a server that refuses everything, says what its own checks
make of each; what PyMongo lets through, amongo takes or refuses with a server's error. A call that fails has written
nothing.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pymongo
import pytest
from bson import DBRef
from bson.errors import BSONError
from pymongo import IndexModel, InsertOne
from pymongo.errors import ClientBulkWriteException, OperationFailure, PyMongoError
from pymongo.operations import SearchIndexModel
from refusing_server import REFUSED, refusing_server

import amongo

pytestmark = pytest.mark.anyio

_VALUES: list[tuple[str, Any]] = [
    ("None", None),
    ("3", 3),
    ("-1", -1),
    ("2**70", 2**70),
    ("1.5", 1.5),
    ("True", True),
    ("text", "text"),
    ("empty text", ""),
    ("NUL", "a\x00b"),
    ("bytes", b"bytes"),
    ("empty list", []),
    ("list", [1]),
    ("list of documents", [{"a": object()}]),
    ("tuple", ()),
    ("empty document", {}),
    ("document", {"a": 1}),
    ("operator", {"$a": 1}),
    ("number for a key", {1: 2}),
    ("no BSON", {"a": object()}),
    ("object", object()),
    ("class", int),
    ("iterator", iter(())),
]

# A good value for what has no default.
_GOOD: dict[str, Callable[[], Any]] = {
    "filter": dict,
    "update": lambda: {"$set": {"a": 1}},
    "replacement": lambda: {"a": 1},
    "document": lambda: {"_id": 7},
    "documents": lambda: [{"_id": 8}, {"_id": 9}],
    "requests": lambda: [InsertOne({"_id": 10})],
    "models": lambda: [InsertOne({"_id": 11}, namespace="db.coll")],
    "pipeline": list,
    "key": lambda: "a",
    "keys": lambda: "a",
    "indexes": lambda: [IndexModel("a")],
    "index_or_name": lambda: "a_1",
    "new_name": lambda: "renamed",
    "name": lambda: "other",
    "name_or_collection": lambda: "coll",
    "name_or_database": lambda: "other",
    "command": lambda: "ping",
    "dbref": lambda: DBRef("coll", 1),
    "model": lambda: SearchIndexModel({"mappings": {"dynamic": True}}),
    "definition": dict,
    "suffix": lambda: "sub",
    "key_or_list": lambda: "a",
    "driver_info": lambda: pymongo.driver_info.DriverInfo("me"),
}

_SKIPPED = {
    "aclose": "takes no arguments",
    "aconnect": "takes no arguments",
    "close": "takes no arguments",
    "next": "takes no arguments",
}

# (method, parameter): why amongo's exception is another one than PyMongo's; it has to be a clear one all the same.
_DIFFERENT: dict[tuple[str, str], str] = {
    ("*", "session"): "amongo refuses every value that is no session; PyMongo lets falsy ones through here and there",
    ("watch", "*"): "change streams come with the Streams release",
    ("create_collection", "name"): "amongo checks the name first, PyMongo asks the server first whether it exists",
    ("command", "allowable_errors"): "PyMongo looks at it only when the server refuses",
    ("to_list", "length"): "PyMongo looks at it only when a document has come",
}

# What PyMongo runs into when it has not checked an argument; amongo's error only has to be a clear one.
_ACCIDENTS = (AttributeError, SystemError, RuntimeError)
_CLEAR = TypeError | ValueError | OverflowError | PyMongoError | BSONError

_NOT_WORDS = re.compile(r"Invalid document: |0x[0-9a-f]+|(pymongo\.asynchronous|amongo\.client)(\.\w+)*\.(?=\w)")

_TARGETS: list[tuple[str, type, Callable[[Any], Any]]] = [
    ("client", pymongo.AsyncMongoClient, lambda client: client),
    ("database", pymongo.asynchronous.database.AsyncDatabase, lambda client: client.db),
    ("collection", pymongo.asynchronous.collection.AsyncCollection, lambda client: client.db.coll),
    ("cursor", pymongo.asynchronous.cursor.AsyncCursor, lambda client: client.db.coll.find()),
]


def _calls(cls: type) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, parameter, good arguments) of each public method's parameters; extra keywords are parameters too."""
    for name, function in inspect.getmembers(cls, inspect.isfunction):
        if name.startswith("_") or name in _SKIPPED:
            continue
        parameters = list(inspect.signature(function).parameters.values())[1:]
        required = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        for parameter in parameters:
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD or parameter.kind is parameter.KEYWORD_ONLY:
                yield name, parameter.name, {each: _GOOD[each]() for each in required if each != parameter.name}
        if name in ("find", "find_one", "find_raw_batches"):
            for keyword in list(inspect.signature(pymongo.asynchronous.cursor.AsyncCursor.__init__).parameters)[2:]:
                yield name, keyword, {}


async def _outcome(target: Any, method: str, arguments: dict[str, Any]) -> BaseException | None:
    try:
        with anyio.fail_after(60):
            result = getattr(target, method)(**arguments)
            if inspect.isawaitable(result):
                result = await result
            await _finish(result)
    except Exception as error:
        return error
    return None


async def _finish(result: Any) -> None:
    """Fetch what a cursor has, end a session, close a stream."""
    for name in ("to_list", "end_session", "close"):
        if name in dir(type(result)) and not isinstance(result, (pymongo.AsyncMongoClient, amongo.AsyncMongoClient)):
            await getattr(result, name)()
            return


def _is_refused(error: BaseException | None) -> bool:
    inner = error.error if isinstance(error, ClientBulkWriteException) else error
    return isinstance(inner, OperationFailure) and inner.code == REFUSED


def _complaint(method: str, parameter: str, actual: BaseException | None, expected: BaseException | None) -> str:
    """What is wrong with amongo's outcome; empty if nothing is."""
    if not {(method, parameter), ("*", parameter), (method, "*")}.isdisjoint(_DIFFERENT):
        return "" if isinstance(actual, _CLEAR | None) else f"{actual!r} is not clear"
    if expected is None:
        return "" if isinstance(actual, PyMongoError | None) else f"{actual!r} where PyMongo lets it through"
    if type(actual) is type(expected):
        same = _words(actual) == _words(expected)
        return "" if same else f"'{actual}' instead of '{expected}'"
    if isinstance(expected, _ACCIDENTS) and isinstance(actual, _CLEAR):
        return ""
    return f"{actual!r} instead of {expected!r}"


def _words(error: BaseException) -> str:
    """The message without addresses of objects, modules of the library's own classes, and what a batch leaves out."""
    return re.sub(
        r"Invalid document: |0x[0-9a-f]+|(pymongo\.asynchronous|amongo\.client)(\.\w+)*\.(?=\w)", "", str(error)
    )


@pytest.fixture
def anyio_backend() -> str:
    """PyMongo knows asyncio alone."""
    return "asyncio"


# PyMongo's half-made cursors complain when they are collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("title", "cls", "reach"), _TARGETS, ids=[title for title, _, _ in _TARGETS])
async def test_every_parameter(title: str, cls: type, reach: Callable[[Any], Any]) -> None:
    different: list[str] = []
    count = own = 0
    async with refusing_server() as address, pymongo.AsyncMongoClient(address) as theirs:
        for method, parameter, good in _calls(cls):
            async with amongo.AsyncMongoClient("memory://") as ours:
                await ours.db.coll.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": [1, {"b": 2}]}])
                before = await ours.db.coll.find().to_list()
                for label, value in _VALUES:
                    count += 1
                    expected = await _outcome(reach(theirs), method, {**good, parameter: value})
                    actual = await _outcome(reach(ours), method, {**good, parameter: value})
                    case = f"{title}.{method}({parameter}={label})"
                    if _is_refused(expected):
                        expected = None
                    own += expected is not None
                    complaint = _complaint(method, parameter, actual, expected)
                    if complaint:
                        different.append(f"{case}: {complaint}")
                    after = await ours.db.coll.find().to_list()
                    if actual is not None and before != after:
                        different.append(f"{case}: {actual!r}, but {after}")
                    if after != before:
                        await ours.db.coll.drop()
                        await ours.db.coll.insert_many(before)
    assert not different, "\n".join(different)
    assert count > 100
    assert own > count // 4
