"""amongo's public classes against PyMongo's: every name, its kind, its parameters and defaults.

Additions are allowed; differences are not. What PyMongo has by accident of its implementation stands in `NOT_API`.
"""

from __future__ import annotations

import inspect
from typing import Any

import pymongo.asynchronous.change_stream
import pymongo.asynchronous.client_session
import pymongo.asynchronous.collection
import pymongo.asynchronous.command_cursor
import pymongo.asynchronous.cursor
import pymongo.asynchronous.database
import pymongo.asynchronous.mongo_client
import pymongo.synchronous.change_stream
import pymongo.synchronous.client_session
import pymongo.synchronous.collection
import pymongo.synchronous.command_cursor
import pymongo.synchronous.cursor
import pymongo.synchronous.database
import pymongo.synchronous.mongo_client
import pytest

from amongo import client as ours_async
from amongo.client import sync as ours_sync

_CLASSES = {
    "mongo_client": ["MongoClient"],
    "database": ["Database"],
    "collection": ["Collection"],
    "cursor": ["Cursor", "RawBatchCursor"],
    "command_cursor": ["CommandCursor", "RawBatchCommandCursor"],
    "client_session": ["ClientSession"],
    "change_stream": ["ChangeStream", "CollectionChangeStream", "DatabaseChangeStream", "ClusterChangeStream"],
}
_PAIRS = [
    (
        f"Async{name}",
        getattr(getattr(pymongo.asynchronous, module), f"Async{name}"),
        getattr(ours_async, f"Async{name}"),
    )
    for module, names in _CLASSES.items()
    for name in names
] + [
    (name, getattr(getattr(pymongo.synchronous, module), name), getattr(ours_sync, name))
    for module, names in _CLASSES.items()
    for name in names
]

# Dunders that every class has, or that say how PyMongo is built and not what it does.
NOT_API = {
    *dir(object),
    "__abstractmethods__",
    "__annotations__",
    "__class_getitem__",
    "__del__",
    "__dict__",
    "__module__",
    "__orig_bases__",
    "__parameters__",
    "__slots__",
    "__weakref__",
} - {"__init__", "__eq__", "__ne__", "__hash__", "__repr__"}

# Defined by PyMongo's base class with other names for the same positional arguments; nobody but the client calls it.
_MADE_BY_THE_CLIENT = {"AsyncClientSession", "ClientSession"}


def _public_names(cls: type) -> list[str]:
    return [name for name in dir(cls) if name not in NOT_API and (not name.startswith("_") or name.startswith("__"))]


def _kind(cls: type, name: str) -> str:
    member = inspect.getattr_static(cls, name)
    if isinstance(member, property):
        assert member.fget is not None
        return "async property" if inspect.iscoroutinefunction(member.fget) else "property"
    function = getattr(cls, name)
    if inspect.iscoroutinefunction(function):
        return "coroutine"
    return "callable" if callable(function) else "value"


def _shape(function: Any) -> list[tuple[str, str, Any]]:
    return [
        (parameter.name, parameter.kind.name, parameter.default)
        for parameter in inspect.signature(function).parameters.values()
    ]


_NAMES = [
    pytest.param(theirs, ours, name, id=f"{title}.{name}")
    for title, theirs, ours in _PAIRS
    for name in _public_names(theirs)
    if not (name == "__init__" and title in _MADE_BY_THE_CLIENT)
]


@pytest.mark.parametrize(("theirs", "ours", "name"), _NAMES)
def test_member(theirs: type, ours: type, name: str) -> None:
    assert hasattr(ours, name), f"{ours.__name__} has no {name}"
    kind = _kind(theirs, name)
    assert _kind(ours, name) == kind
    if kind in ("callable", "coroutine") and not _is_inherited_from_object(theirs, name):
        assert _shape(getattr(ours, name)) == _shape(getattr(theirs, name))
    if kind == "value":
        assert getattr(ours, name) == getattr(theirs, name)


def _is_inherited_from_object(cls: type, name: str) -> bool:
    return getattr(cls, name) is getattr(object, name, None)


@pytest.mark.parametrize(("title", "theirs", "ours"), _PAIRS, ids=[title for title, _, _ in _PAIRS])
def test_name(title: str, theirs: type, ours: type) -> None:
    assert ours.__name__ == theirs.__name__ == title


def test_the_walk_is_not_empty() -> None:
    assert len(_NAMES) > 400
