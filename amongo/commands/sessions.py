"""The logical sessions that the instance knows: which there are, when each was last used, and how they are ended.

A session begins when an operation first names it, or with startSession, and is forgotten when its client ends it or
half an hour passes without a use; its cursors and its transaction end with it. Source: manual, Server Sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from bson.datetime_ms import DatetimeMS

from amongo.commands.fields import Field, parse_fields
from amongo.commands.peer import Peer
from amongo.engine.origin import NOBODY, session_document, session_key
from amongo.errors import command, diagnosis
from amongo.runtime.clock import Clock
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import OPEN_SESSIONS, SESSION_IDLE_MINUTES
from amongo.runtime.workers import Condition, Lock
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_PATIENCE_S: Final = 0.05  # between two looks whether an operation that waits for another one has to end
_IDLE_MS: Final = SESSION_IDLE_MINUTES * 60_000
_SESSION_FIELDS: Final = {"id": Field("uuid", required=True), "uid": Field("uuid")}
_USER_FIELDS: Final = {"user": Field("string", required=True), "db": Field("string", required=True)}
_UUID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Session:
    """A session.

    session_id    the 16 bytes of its UUID, with the digest of its user behind them if that is somebody
    last_use_ms   on the clock
    """

    session_id: bytes
    last_use_ms: int

    def document(self) -> dict[str, Any]:
        """The session as $listSessions shows it."""
        return {"_id": session_document(self.session_id), "lastUse": DatetimeMS(self.last_use_ms)}


class Sessions:
    """The sessions of an instance."""

    def __init__(self, clock: Clock, ended: Callable[[frozenset[bytes]], None]) -> None:
        """ended: told of the sessions that are forgotten, by their 16 bytes"""
        self._clock = clock
        self._ended = ended
        self._last_use_ms: dict[bytes, int] = {}
        self._due_ms = 0  # before then none has to be forgotten
        self._writing: dict[bytes, object] = {}  # a retryable write
        self._written = Condition(Lock())  # told when one has left them
        self._waiting = 0  # for that

    def __len__(self) -> int:
        return len(self._last_use_ms)

    def use(self, session_id: bytes) -> None:
        """Note that an operation runs in a session.

        errors   TOO_MANY_SESSIONS
        """
        known, now_ms = self._last_use_ms, self._clock.now_ms()
        if now_ms >= self._due_ms:
            self._forget_idle()
        if session_id not in known and len(known) >= OPEN_SESSIONS:
            raise diagnosis.TOO_MANY_SESSIONS()
        known.pop(session_id, None)  # so that the dictionary stays in the order of the last use
        known[session_id] = now_ms

    def end(self, session_ids: Iterable[bytes]) -> None:
        """Forget sessions; one that is not known is nothing to complain about."""
        ended = frozenset(session_ids)
        for session_id in ended:
            self._last_use_ms.pop(session_id, None)
        self._ended(ended)

    def begin_writing(self, session_id: bytes, interrupt: Interrupt) -> None:
        """A retryable write begins: until `end_writing`, no other one runs in the session.

        errors   OperationInterrupted, TimeLimitExpired while it waits for another one
        """
        writing, mine = self._writing, object()
        if writing.setdefault(session_id, mine) is mine:
            return
        with self._written:
            self._waiting += 1  # before it tries again, so that who ends now wakes it
            try:
                while writing.setdefault(session_id, mine) is not mine:
                    self._written.wait(_PATIENCE_S)
                    interrupt.check()
            finally:
                self._waiting -= 1

    def end_writing(self, session_id: bytes) -> None:
        """The retryable write of a session has ended."""
        self._writing.pop(session_id, None)
        if self._waiting:
            with self._written:
                self._written.notify_all()

    def is_writing(self, session_id: bytes | None) -> bool:
        """Whether a retryable write runs in a session, so that another one would wait."""
        return session_id in self._writing

    def all(self) -> Iterator[Session]:
        """Those that are known, the one longest unused first."""
        self._forget_idle()
        return iter([Session(*each) for each in list(self._last_use_ms.items())])

    def _forget_idle(self) -> None:
        now_ms = self._clock.now_ms()
        self._due_ms = now_ms + _IDLE_MS
        due: list[bytes] = []
        for session_id, last_use_ms in list(self._last_use_ms.items()):
            if last_use_ms > now_ms - _IDLE_MS:
                self._due_ms = last_use_ms + _IDLE_MS
                break
            due.append(session_id)
        if due:
            self.end(due)


def user_digest(user: str, database: str) -> bytes:
    """The digest by which sessions know a user."""
    return sha256(f"{user}@{database}".encode()).digest()


def client_digest(peer: Peer | None) -> bytes:
    """The digest of the user that a client is; that of nobody in process, and where nobody is asked who they are."""
    if peer is None or not peer.requires_auth or not peer.users:
        return NOBODY
    name = peer.users[0].name
    return user_digest(name.user, name.database)


def user_of(session_id: bytes) -> bytes:
    """The digest of the user of a session."""
    return session_id[_UUID_BYTES:] or NOBODY


def own_session(session_id: bytes, peer: Peer | None) -> bytes:
    """The session that a client means by an id: its own, unless the id says whose it is."""
    return session_id if len(session_id) > _UUID_BYTES else session_key(session_id, client_digest(peer))


def parse_session(name: str, field: str, session: Any) -> bytes:
    """The 16 bytes of the session that a command names as {id: UUID, uid?}, in an array of them perhaps, with the
    digest of its user behind them where that is said and somebody's.

    name     of the command
    field    where it stands
    errors   WRONG_TYPE, UNKNOWN_FIELD, MISSING_FIELD, INVALID_UUID
    """
    if type(session) is not dict:
        raise command.WRONG_TYPE(command=name, field=field, actual=alias(session), expected="type 'object'")
    fields = parse_fields(f"{name}.{field}", session, _SESSION_FIELDS, generic={})
    identity, user_id = fields["id"], fields["uid"]
    if type(identity) is bytes or identity.subtype != 4 or len(identity) != _UUID_BYTES:
        raise command.INVALID_UUID(message="uuid must be a 16-byte binary field with UUID (4) subtype")
    return bytes(identity) if user_id is None else session_key(bytes(identity), bytes(user_id))


def parse_sessions(name: str, document: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The sessions that a command is about, whose document names them first: an array of {id: UUID}.

    errors   those of `parse_session`
    """
    parse_fields(name, document, {name: Field("array", required=True)})
    return tuple(parse_session(name, f"{name}.{position}", session) for position, session in enumerate(document[name]))


@dataclass(frozen=True, slots=True)
class SessionsRequest:
    """Some sessions, for a command that does one thing to each.

    session_ids   16 bytes each
    """

    session_ids: tuple[bytes, ...]


def sessions_parser(name: str) -> Callable[[str, dict[str, Any]], SessionsRequest]:
    """The parser of such a command: an array of {id: UUID}.

    errors   the parser's: those of `parse_sessions`
    source   manual, endSessions, refreshSessions
    """

    def parse(database: str, document: dict[str, Any]) -> SessionsRequest:
        """The sessions that a document names, as {id: UUID} each."""
        return SessionsRequest(parse_sessions(name, document))

    return parse


def parse_user(name: str, field: str, user: Any) -> bytes:
    """The digest of a user that a command names as {user, db}.

    errors   WRONG_TYPE, UNKNOWN_FIELD, MISSING_FIELD
    """
    if type(user) is not dict:
        raise command.WRONG_TYPE(command=name, field=field, actual=alias(user), expected="type 'object'")
    fields = parse_fields(f"{name}.{field}", user, _USER_FIELDS, generic={})
    is_nobody = not fields["user"] and not fields["db"]
    return NOBODY if is_nobody else user_digest(fields["user"], fields["db"])


def kill_work(instance: Instance, is_meant: Callable[[bytes], bool], asking: Interrupt) -> None:
    """End what the sessions that are meant have under way: transactions, operations, cursors. They may go on to others.

    is_meant   given a session's 16 bytes, with the digest of its user behind them if that is somebody
    asking     the interrupt of the operation that asks for it, which goes on
    """
    for transaction in instance.transactions.open():
        if is_meant(transaction.session_id):
            instance.transactions.abort_session(transaction.session_id)
    instance.operations.kill_sessions(is_meant, asking)
    instance.cursors.kill_sessions(is_meant)
