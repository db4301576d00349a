"""Retryable writes: a write that its client sends again, because it has seen no answer, is not made again.

A write with a session and a number (`lsid` and `txnNumber`, without `autocommit`) has its statements numbered too. Each
commit it makes says which statements it makes; the store remembers them (`engine.retries`) and refuses to make one
again. So a retry answers for what was done with what was remembered, and does the rest. A statement that has changed
nothing is not remembered, and runs again, as on the server.

A session makes one retryable write at a time: the second attempt waits until the first has ended.

Source: manual, Retryable Writes; the drivers' specification of retryable writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from amongo.commands import delete, find_and_modify, insert, update
from amongo.commands.concerns import RETRYABLE_COMMANDS
from amongo.commands.context import Context
from amongo.commands.delete import DeleteRequest, DeleteStatement
from amongo.commands.fields import Field, check
from amongo.commands.find_and_modify import FindAndModifyRequest, shown_again
from amongo.commands.insert import InsertRequest
from amongo.commands.replies import WriteReply
from amongo.commands.update import UpdateRequest, UpdateStatement
from amongo.commands.writing import write_error
from amongo.engine.origin import Origin, coming_from
from amongo.engine.retries import Outcome
from amongo.errors import ServerError
from amongo.errors import sessions as errors
from amongo.runtime.limits import WRITE_BATCH_COUNT
from amongo.values.codec import decode

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

T = TypeVar("T")
_Statement = TypeVar("_Statement", UpdateStatement, DeleteStatement)
Run = Callable[[Any, Any, Context], Any]

_NUMBER: Final = Field("integer")


def with_statements(name: str, context: Context, document: Mapping[str, Any]) -> Context:
    """The context with the numbers that a command document gives its statements: all of them, or the first.

    name     of the command
    errors   STATEMENT_FORMS, WRONG_TYPE
    """
    one, several = document.get("stmtId"), document.get("stmtIds")
    if several is not None:
        if one is not None:
            raise errors.STATEMENT_FORMS(one=one, all=several)
        numbers = check(name, "stmtIds", Field("array"), several)
        return context._replace(statements=tuple(check(name, "stmtIds", _NUMBER, each) for each in numbers))
    if one is not None:
        first = check(name, "stmtId", _NUMBER, one)
        return context._replace(statements=range(first, first + WRITE_BATCH_COUNT))
    return context


def is_retried(reply: Mapping[str, Any]) -> bool:
    """Whether a reply tells of statements that an earlier attempt had done."""
    return "retriedStmtIds" in reply or "retriedStmtId" in reply


def run(instance: Instance, name: str, request: Any, context: Context, run: Run) -> Any:
    """Run a write that its client may send again, or has sent before.

    name     of the command
    run      what runs it
    errors   those of the command; NOT_RETRYABLE, RETRY_TOO_OLD, NUMBER_OF_TRANSACTION, STATEMENT_COUNT
    """
    if name not in RETRYABLE_COMMANDS:
        raise errors.NOT_RETRYABLE(command=name)
    assert context.session_id is not None and context.number is not None
    sessions, store = instance.sessions, instance.store
    sessions.begin_writing(context.session_id, context.interrupt)
    try:
        instance.transactions.supersede(context.session_id, context.number)
        with store.lock:
            store.retries.begin(context.session_id, context.number, store.last_sequence >> 32)
        return run_part(instance, request, context, run)
    finally:
        sessions.end_writing(context.session_id)


def run_part(instance: Instance, request: Any, context: Context, run: Run) -> Any:
    """Run a part of a retryable write that has begun.

    errors   those of the command; STATEMENT_COUNT
    """
    retried = _RETRIED.get(type(request))
    return run(instance, request, context) if retried is None else retried(_Write(instance, context), request)


class _Write:
    """One attempt at a retryable write.

    context   without what makes it one: for the commands that do it
    """

    def __init__(self, instance: Instance, context: Context) -> None:
        assert context.session_id is not None and context.number is not None
        self.instance = instance
        self.context = Context(context.interrupt, context.session_id)
        self._session_id: bytes = context.session_id
        self._number: int = context.number
        self._statements = context.statements
        self._peer = context.peer

    def numbers(self, count: int) -> Sequence[int]:
        """The numbers of so many statements.

        errors   STATEMENT_COUNT, STATEMENT_TWICE
        """
        if self._statements is None:
            return range(count)
        if type(self._statements) is tuple and len(self._statements) != count:
            raise errors.STATEMENT_COUNT(actual=len(self._statements), expected=count)
        if type(self._statements) is tuple and len(set(self._statements)) != count:
            raise errors.STATEMENT_TWICE(numbers=list(self._statements))
        return self._statements[:count]

    def limited(self, max_time_ms: int | None) -> Context:
        """The context of statements that have so much time together."""
        if max_time_ms is None:
            return self.context
        return self.context._replace(interrupt=self.instance.operation_interrupt(self.context, max_time_ms))

    def done(self, number: int) -> Outcome | None:
        """What a statement has done; None if it has not been done."""
        return self.instance.store.retries.find(self._session_id, self._number, number)

    def making(self, numbers: Sequence[int], make: Callable[[], T]) -> T:
        """Make statements that have not been done.

        errors   those of the statements
        """
        failpoints = self.instance.failpoints
        if failpoints is not None:
            failpoints.begin_retryable_write(len(numbers), self._peer)
        with coming_from(Origin(self._session_id, self._number, tuple(numbers))):
            return make()

    def insert_alone(self, number: int, request: InsertRequest) -> int:
        """Insert the only document of a request, if that can be done at once; the commit's sequence, or 0.

        errors   StatementsDone
        """
        if self.instance.failpoints is not None or not request.is_validated:
            return 0
        origin = Origin(self._session_id, self._number, (number,))
        return insert.insert_one(self.instance, request.namespace, request.documents[0], origin)

    def one(self, number: int, make: Callable[[], T]) -> tuple[Outcome | None, T | None]:
        """(what a statement has done, None), or else (None, what comes of making it)."""
        outcome = self.done(number)
        return (outcome, None) if outcome is not None else (None, self.making((number,), make))


def _insert(write: _Write, request: InsertRequest) -> WriteReply:
    """Insert the documents that have not been inserted, as one batch."""
    numbers = write.numbers(len(request.documents))
    if len(numbers) == 1 and write.done(numbers[0]) is None and (sequence := write.insert_alone(numbers[0], request)):
        return WriteReply(1, None, [], [], sequence)
    missing = [position for position, number in enumerate(numbers) if write.done(number) is None]
    if not missing:
        return WriteReply(len(numbers), None, [], [], 0, tuple(numbers))
    made = request
    if len(missing) < len(numbers):
        made = request._replace(documents=[request.documents[position] for position in missing])
    reply = write.making(
        [numbers[position] for position in missing], lambda: insert.run(write.instance, made, write.context)
    )
    failures = [{**failure, "index": missing[failure["index"]]} for failure in reply.errors]
    end = failures[0]["index"] if failures and request.ordered else len(numbers)
    left = set(missing)
    retried = tuple(numbers[position] for position in range(end) if position not in left)
    return WriteReply(reply.n + len(retried), None, [], failures, reply.sequence, retried)


def _update(write: _Write, request: UpdateRequest) -> WriteReply:
    """Make the statements that have not been made, one after the other."""
    several = len(request.updates) > 1 or request.max_time_ms is not None

    def make(statement: UpdateStatement, context: Context) -> WriteReply:
        single = request._replace(updates=(statement,), max_time_ms=None) if several else request
        return update.run(write.instance, single, context)

    sums = _made(write, request, request.updates, "multi=true", make)
    return WriteReply(sums.n, sums.modified, sums.upserted, sums.failures, sums.sequence, tuple(sums.retried))


def _delete(write: _Write, request: DeleteRequest) -> WriteReply:
    """Make the statements that have not been made, one after the other."""

    def make(statement: DeleteStatement, context: Context) -> WriteReply:
        return delete.run(write.instance, request._replace(deletes=(statement,), max_time_ms=None), context)

    sums = _made(write, request, request.deletes, "limit=0", make)
    return WriteReply(sums.n, None, [], sums.failures, sums.sequence, tuple(sums.retried))


def _made(
    write: _Write,
    request: UpdateRequest | DeleteRequest,
    statements: Sequence[_Statement],
    many: str,
    make: Callable[[_Statement, Context], WriteReply],
) -> _Sums:
    """What comes of statements that are found done, refused or made.

    many   the option of a statement on many documents, which is refused
    """
    numbers, context = write.numbers(len(statements)), write.limited(request.max_time_ms)
    sums = _Sums()
    for position, (number, statement) in enumerate(zip(numbers, statements, strict=True)):
        if statement.multi:
            sums.fail(position, errors.NOT_RETRYABLE_MULTI(option=many))
        else:
            sums.add(position, number, *write.one(number, partial(make, statement, context)))
        if sums.failures and request.ordered:
            break
    return sums


class _Sums:
    """The fields of a WriteReply, as statement after statement is made or found done."""

    def __init__(self) -> None:
        self.n = self.modified = self.sequence = 0
        self.upserted: list[dict[str, Any]] = []
        self.failures: list[dict[str, Any]] = []
        self.retried: list[int] = []

    def add(self, position: int, number: int, outcome: Outcome | None, reply: WriteReply | None) -> None:
        """Add a statement: its outcome if it had been done, else the reply to it alone."""
        if outcome is not None:
            self.n += 1
            self.modified += outcome.operation == "u"
            self.retried.append(number)
            if outcome.identity is not None:
                self.upserted.append({"index": position, "_id": decode(outcome.identity)["_id"]})
        if reply is not None:
            self.n += reply.n
            self.modified += reply.modified or 0
            self.sequence = reply.sequence or self.sequence
            self.upserted += ({**each, "index": position} for each in reply.upserted)
            self.failures += ({**each, "index": position} for each in reply.errors)

    def fail(self, position: int, error: ServerError) -> None:
        """Add a statement that is refused."""
        self.failures.append(write_error(position, error))


def _find_and_modify(write: _Write, request: FindAndModifyRequest) -> dict[str, Any]:
    """Change or remove the document, or tell again what was given back.

    errors   OTHER_WRITE, OTHER_IMAGE, IMAGE_GONE when it has been done and was another one
    """
    (number,) = write.numbers(1)
    outcome, reply = write.one(number, lambda: find_and_modify.run(write.instance, request, write.context))
    if reply is not None:
        return reply
    assert outcome is not None
    if (outcome.operation == "d") is not request.removes:
        raise errors.OTHER_WRITE(operation=outcome.operation)
    last: dict[str, Any] = {"n": 1}
    if not request.removes:
        last["updatedExisting"] = outcome.operation == "u"
        if outcome.identity is not None:
            last["upserted"] = decode(outcome.identity)["_id"]
    value = _image(write, request, outcome)
    return {"lastErrorObject": last, "value": value, "retriedStmtId": number, "ok": 1.0}


def _image(write: _Write, request: FindAndModifyRequest, outcome: Outcome) -> Any:
    """The document that a findAndModify gave back; None if it gave back none."""
    wanted = "post" if request.returns_new else "pre"
    if outcome.operation == "i" and not request.returns_new:
        return None
    if outcome.image != wanted:
        raise errors.OTHER_IMAGE(wanted="after" if request.returns_new else "before")
    if outcome.image_document is None:
        raise errors.IMAGE_GONE()
    return shown_again(write.instance, request, outcome.image_document)


_RETRIED: Final[Mapping[type, Callable[[_Write, Any], Any]]] = {
    InsertRequest: _insert,
    UpdateRequest: _update,
    DeleteRequest: _delete,
    FindAndModifyRequest: _find_and_modify,
}
