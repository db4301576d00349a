"""How a blocking class is made from an async one.

A blocking object stands before one async object: its methods drive the coroutines of that object to their end on the
calling thread (`runtime.blocking`), and its results are blocking again. So there is one implementation, and whatever
the async class has, the blocking class has, with the same signature and docstring.

    coroutine method, async property    ->  method, property that drives it
    __aiter__, __anext__, __aenter__    ->  __iter__, __next__, __enter__
    an async object in or out           ->  the blocking object that stands before it
"""

from __future__ import annotations

import inspect
import re
import types
import weakref
from collections.abc import Callable
from functools import wraps
from typing import Any

from pymongo.errors import ConfigurationError, InvalidOperation

from amongo.runtime.blocking import drive

_RENAMED = {"__aiter__": "__iter__", "__anext__": "__next__", "__aenter__": "__enter__", "__aexit__": "__exit__"}
_LEFT_OUT = {"aclose", "aconnect"}  # PyMongo's blocking client has neither
_KEPT_DUNDERS = {"__init__", "__call__", "__getitem__", "__next__", "__iter__", "__copy__", "__deepcopy__", "__bool__"}
_CLIENT_ERRORS = (TypeError, ValueError, AttributeError, IndexError, NotImplementedError)
_ASYNC_NAMES = re.compile(r"\bAsync(?=[A-Z])")
_LEADING_NAMES = re.compile(r"(?:Async\w+\()+")

_blocking_classes: dict[type, type[Blocking]] = {}


class Blocking:
    """What all blocking classes have: the async object behind, equality and representation of that object."""

    _async: Any
    _async_class: type

    def __init_subclass__(cls) -> None:
        if "_async_class" in cls.__dict__:
            _blocking_classes[cls._async_class] = cls

    @classmethod
    def _before(cls, target: Any) -> Any:
        """The blocking object that stands before `target`."""
        known = target.__dict__.get("_blocking")
        found = known() if known is not None else None
        if found is None:
            found = object.__new__(cls)
            found._stand_before(target)
        return found

    def _stand_before(self, target: Any) -> None:
        self._async = target
        target.__dict__["_blocking"] = weakref.ref(self)

    __class_getitem__: Any = classmethod(types.GenericAlias)

    def __getattr__(self, name: str) -> Any:
        if name == "_async" or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        return guarded(getattr, self._async, name)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Blocking):
            return bool(self._async == other._async)
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._async)

    def __repr__(self) -> str:
        text = repr(self._async)
        leading = _LEADING_NAMES.match(text)
        if leading is None:
            return object.__repr__(self)
        return leading.group().replace("Async", "") + text[leading.end() :]


def derive(source: type, base: type = Blocking) -> Any:
    """The blocking class of the async class `source`.

    base   its base class, which may define what is not the same in both; a subclass of `Blocking`
    """
    members: dict[str, Any] = {
        "__doc__": source.__doc__,
        "__module__": "amongo.client.sync",
        "_async_class": source,
    }
    for name in dir(source):
        if name in _LEFT_OUT or name in base.__dict__ or not _is_public(name):
            continue
        members[_RENAMED.get(name, name)] = _member(name, inspect.getattr_static(source, name))
    return type(source.__name__.removeprefix("Async").lstrip("_"), (base,), members)


def to_blocking(value: Any) -> Any:
    """The blocking object for an async one of the client; anything else as it is."""
    found = _blocking_classes.get(type(value))
    return value if found is None else found._before(value)


def to_async(value: Any) -> Any:
    """The async object behind a blocking one; anything else as it is."""
    return value._async if isinstance(value, Blocking) else value


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name in _RENAMED or name in _KEPT_DUNDERS


def _member(name: str, member: Any) -> Any:
    if isinstance(member, property):
        assert member.fget is not None
        return property(_caller(member.fget), doc=member.__doc__)
    if name == "__init__":
        return _initializer(member)
    if name in ("next", "__anext__") and inspect.iscoroutinefunction(member):
        return _stepper(member)
    if inspect.isfunction(member):
        return _caller(member)
    return member


def _caller(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(self: Blocking, *args: Any, **kwargs: Any) -> Any:
        return guarded(function, self._async, *args, **kwargs)

    return call


def _stepper(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def step(self: Blocking) -> Any:
        try:
            return guarded(function, self._async)
        except StopAsyncIteration:
            raise StopIteration from None

    return step


def _initializer(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def initialize(self: Blocking, *args: Any, **kwargs: Any) -> None:
        target: Any = object.__new__(self._async_class)
        self._async = target
        guarded(function, target, *args, **kwargs)
        self._stand_before(target)

    return initialize


def guarded(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call, drive what comes back if it is a coroutine, and speak of blocking classes in errors."""
    try:
        result = function(*map(to_async, args), **{name: to_async(value) for name, value in kwargs.items()})
        if inspect.iscoroutine(result):
            result = drive(result)
    except (*_CLIENT_ERRORS, InvalidOperation, ConfigurationError) as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (_ASYNC_NAMES.sub("", error.args[0]), *error.args[1:])
        raise
    return to_blocking(result)
