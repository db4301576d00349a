"""Failpoints: ways to have the server fail on purpose, for the tests of drivers and applications.

There are some only where the server was started with test commands. A failpoint is off until it is set by
`configureFailPoint`, with a mode and data of its own; where it would act, it is asked whether it is on, and every time
that it is counts. The four that drivers' tests use on a single node are here:

    failCommand                      commands fail before they run, or lose their connection, or wait; or they run, and
                                     their reply says that the write concern was not satisfied
    failGetMoreAfterCursorCheckout   a getMore fails when it has its cursor
    onPrimaryTransactionalWrite      a retryable write loses its connection after its commit, or fails before it
    maxTimeAlwaysTimeOut             the time of every operation that has a limit is over

Source: MongoDB's wiki, The failCommand fail point; the drivers' specifications of retryable writes and transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import random
from typing import Any, Final

from amongo.commands.error_labels import stream_labels
from amongo.commands.fields import truth
from amongo.commands.peer import Peer
from amongo.errors import ServerError
from amongo.errors import failpoints as errors
from amongo.runtime.workers import Lock
from amongo.values.types import NUMERIC_CLASSES

FAIL_COMMAND: Final = "failCommand"
FAIL_GET_MORE: Final = "failGetMoreAfterCursorCheckout"
ON_RETRYABLE_WRITE: Final = "onPrimaryTransactionalWrite"
TIME_IS_OVER: Final = "maxTimeAlwaysTimeOut"
NAMES: Final = (FAIL_COMMAND, FAIL_GET_MORE, ON_RETRYABLE_WRITE, TIME_IS_OVER)
NEVER_FAILS: Final = "configureFailPoint"
"""The command that no failpoint touches: it has to be possible to end them."""

_FAILING: Final = "Failing command via '{name}' failpoint"


class ConnectionDropped(Exception):
    """A failpoint ends the connection of who asked: no reply is sent."""


@dataclass(frozen=True, slots=True)
class Mode:
    """When a failpoint that was set is on.

    skip     how many times it lets pass first
    times    how many times it is on then; None for ever after
    chance   with which probability, 0 to 1
    """

    skip: int = 0
    times: int | None = None
    chance: float = 1.0


OFF: Final = Mode(times=0)
ALWAYS: Final = Mode()


class Failpoint:
    """One failpoint.

    entered   how many times it was on
    """

    def __init__(self, chance: Callable[[], float] = random) -> None:
        self.entered = 0
        self._chance = chance
        self._lock = Lock()
        self._mode, self._data, self._passed, self._acted = OFF, dict[str, Any](), 0, 0

    @property
    def is_off(self) -> bool:
        """Whether it is not set, or its times are over."""
        return self._mode.times is not None and self._acted >= self._mode.times

    def set(self, mode: Mode, data: dict[str, Any]) -> int:
        """Set it anew; how many times it was on until now."""
        with self._lock:
            self._mode, self._data, self._passed, self._acted = mode, data, 0, 0
            return self.entered

    def act(self, is_meant: Callable[[dict[str, Any]], bool] = lambda data: True) -> dict[str, Any] | None:
        """Its data if it is on, and this counts; None if it is off, or does not mean what happens.

        is_meant   given the data
        """
        if self.is_off:
            return None
        with self._lock:
            if self.is_off or not is_meant(self._data):
                return None
            if self._passed < self._mode.skip:
                self._passed += 1
                return None
            if self._mode.chance < 1.0 and self._chance() >= self._mode.chance:
                return None
            self._acted += 1
            self.entered += 1
            return self._data


class Failpoints:
    """The failpoints of an instance, by name; a mapping that does not change."""

    def __init__(self) -> None:
        self._by_name = {name: Failpoint() for name in NAMES}

    def __getitem__(self, name: str) -> Failpoint:
        """errors: UNKNOWN_FAILPOINT."""
        found = self._by_name.get(name)
        if found is None:
            raise errors.UNKNOWN_FAILPOINT(name=name)
        return found

    def fail_get_more(self, *, is_of_stream: bool) -> None:
        """A getMore has its cursor.

        is_of_stream   the cursor is of a change stream, so that the failure says whether that may be opened again
        errors         what the failpoint says; ConnectionDropped
        """
        data = self[FAIL_GET_MORE].act()
        if data is None:
            return
        try:
            fail(FAIL_GET_MORE, data)
        except ServerError as error:
            if is_of_stream:
                error.labels = stream_labels(error.code)
            raise

    def begin_retryable_write(self, statements: int, peer: Peer | None) -> None:
        """Statements of a retryable write are about to be committed; each counts.

        peer     who asked for it, whose connection is dropped when the command is done; None in process
        errors   what the failpoint says
        """
        hits = [data for _ in range(statements) if (data := self[ON_RETRYABLE_WRITE].act()) is not None]
        if not hits:
            return
        data = hits[-1]
        if peer is not None and truth(data.get("closeConnection", True)):
            peer.is_dropped = True
        code = data.get("failBeforeCommitExceptionCode")
        if code is not None:
            raise ServerError(int(code), f"failing before commit because of the failpoint '{ON_RETRYABLE_WRITE}'")


def fail(name: str, data: Mapping[str, Any]) -> None:
    """Raise what the data of a failpoint say, if they say anything. errors: that; ConnectionDropped."""
    if truth(data.get("closeConnection", False)):
        raise ConnectionDropped
    code = data.get("errorCode")
    if code is None:
        return
    extra = data.get("errorExtraInfo")
    raise ServerError(int(code), _FAILING.format(name=name), extra=extra if type(extra) is dict else None)


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as `failCommand` looks at it.

    names      by which it may be meant: its own and its aliases
    namespace  "database.collection" if it names one, else the database
    peer       who asks
    app_name   the name of the application that asks
    """

    names: frozenset[str]
    namespace: str
    peer: Peer
    app_name: str | None

    def is_meant(self, data: Mapping[str, Any]) -> bool:
        """Whether the data of `failCommand` mean this command."""
        if NEVER_FAILS in self.names:
            return False
        if "threadName" in data and data["threadName"] != f"conn{self.peer.number}":
            return False
        if "appName" in data and data["appName"] != self.app_name:
            return False
        if "namespace" in data and data["namespace"] != self.namespace:
            return False
        return truth(data.get("failAllCommands", False)) or not self.names.isdisjoint(data.get("failCommands", ()))


def check_data(name: str, data: Mapping[str, Any]) -> None:
    """Refuse data that could not be acted upon. errors: DATA_FIELD, NO_BLOCK_TIME."""
    for field, (is_right, expected) in _FIELDS.items():
        if field in data and not is_right(data[field]):
            raise errors.DATA_FIELD(field=field, name=name, expected=expected)
    if name == FAIL_COMMAND and truth(data.get("blockConnection", False)) and "blockTimeMS" not in data:
        raise errors.NO_BLOCK_TIME()


def _is_flag(value: Any) -> bool:
    return type(value) is bool or type(value) in NUMERIC_CLASSES


def _is_number(value: Any) -> bool:
    return type(value) in NUMERIC_CLASSES


def _are_texts(value: Any) -> bool:
    return type(value) is list and all(type(each) is str for each in value)


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_document(value: Any) -> bool:
    return type(value) is dict


_FIELDS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "failCommands": (_are_texts, "an array of strings"),
    "failAllCommands": (_is_flag, "a boolean"),
    "closeConnection": (_is_flag, "a boolean"),
    "blockConnection": (_is_flag, "a boolean"),
    "blockTimeMS": (_is_number, "a number"),
    "errorCode": (_is_number, "a number"),
    "errorExtraInfo": (_is_document, "an object"),
    "failBeforeCommitExceptionCode": (_is_number, "a number"),
    "errorLabels": (_are_texts, "an array of strings"),
    "writeConcernError": (_is_document, "an object"),
    "appName": (_is_text, "a string"),
    "threadName": (_is_text, "a string"),
    "namespace": (_is_text, "a string"),
}
