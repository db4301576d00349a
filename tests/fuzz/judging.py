"""One input, run and judged: only errors of the server come out, soon, and a refused write leaves nothing behind."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from typing import Any

from pymongo.errors import PyMongoError

from amongo import MongoClient
from amongo.commands.context import Context
from amongo.commands.instance import Instance
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode, encode
from amongo.values.exact import encode_exact
from tests.fuzz.commands import Commands

Document = dict[str, Any]

HANG_S = 1.0
LIFE = 400  # inputs that one store sees
_SINGLE_WRITES = frozenset({"update", "delete", "findAndModify", "insert"})


@dataclass(frozen=True)
class Finding:
    """Something that must not be.

    kind    "exception", "hang", "partial write" or "reply"
    where   what tells it from others: the exception and its place
    """

    seed: int
    kind: str
    where: str
    command: str
    detail: str


class Judge:
    """A store and a source of commands; both are begun anew every `LIFE` inputs, so that a seed says it all."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.source = Commands(seed)
        self.instance = Instance.open(None)
        for command in _FURNITURE:
            self.instance.run_command("fuzz", encode(command))
        self.codes: dict[int, int] = {}

    def close(self) -> None:
        """Close the store."""
        self.instance.close()

    def run(self) -> Finding | None:
        """Run one command; what is wrong with its outcome, if anything."""
        command = self.source.command()
        try:
            raw = encode_exact(command)
            decode(raw)
        except Exception:  # it cannot be sent: nothing to judge
            return None
        watched = self._watched(command)
        before = self._content(watched)
        started = time.thread_time()
        try:
            reply = self.instance.run_command("fuzz", raw, Context(Interrupt()))
            refused = not reply.get("ok") or bool(reply.get("writeErrors"))
            encode(reply)
        except ServerError as error:
            refused = True
            self.codes[error.code] = self.codes.get(error.code, 0) + 1
        except Exception as error:
            return self._finding("exception", _place(error), command, traceback.format_exc(limit=-6))
        taken_s = time.thread_time() - started
        if taken_s > HANG_S:
            return self._finding("hang", f"{next(iter(command))} took {taken_s:.1f} s", command, "")
        if refused and before is not None and self._content(watched) != before:
            return self._finding("partial write", next(iter(command)), command, "")
        return None

    def _watched(self, command: Document) -> str:
        """The collection that must not change if the command is refused; "" where a part may have been done."""
        name = next(iter(command), "")
        if name not in _SINGLE_WRITES or type(command[name]) is not str:
            return ""
        statements = command.get({"update": "updates", "delete": "deletes", "insert": "documents"}.get(name, ""), [0])
        if type(statements) is not list or len(statements) != 1:
            return ""
        statement = statements[0]
        is_multi = type(statement) is dict and (statement.get("multi") or name == "delete")
        return "" if is_multi else str(command[name])

    def _content(self, name: str) -> list[bytes] | None:
        collection = self.instance.store.catalog.get(f"fuzz.{name}") if name else None
        if collection is None:
            return None
        return [bytes(raw) for raw in self.instance.store.view(collection).documents()]

    def _finding(self, kind: str, where: str, command: Document, detail: str) -> Finding:
        return Finding(self.seed, kind, where, repr(command)[:2000], detail)


_FURNITURE: tuple[Document, ...] = (
    {
        "insert": "c",
        "documents": [
            {"_id": 1, "a": 1, "b": "x", "c": [1, 2, {"b": 3}]},
            {"_id": 2, "a": [1, "a", None], "b": {"c": 2.5}},
            {"_id": "s", "a": {"b": [{"c": 1}, {"c": 2}]}, "loc": [1, 2]},
            {"_id": {"a": 1}, "b": [[1], [2, 3]], "loc": {"type": "Point", "coordinates": [1, 2]}},
            {"_id": 5},
        ],
    },
    {"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]},
    {"insert": "d", "documents": [{"_id": n, "a": n} for n in range(3)]},
    {"create": "v", "viewOn": "c", "pipeline": [{"$match": {"a": {"$exists": True}}}]},
    {"create": "k", "capped": True, "size": 4096},
)


def _place(error: BaseException) -> str:
    """The exception and the innermost line of ours that it went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "amongo" in frame.filename]
    if not frames:
        return type(error).__name__
    last = frames[-1]
    return f"{type(error).__name__} in {last.filename.rpartition('amongo/')[2]}:{last.name}"


def run_seed(seed: int, count: int = LIFE) -> tuple[list[Finding], dict[int, int]]:
    """Run the inputs of a seed: what was found, and how often each error code came."""
    judge = Judge(seed)
    findings = []
    try:
        for _ in range(count):
            found = judge.run()
            if found is not None:
                findings.append(found)
    finally:
        judge.close()
    return findings, judge.codes


def run_through_client(seed: int, count: int) -> list[Finding]:
    """The inputs of a seed through the client: only PyMongo's errors come out."""
    source = Commands(seed)
    findings = []
    client: MongoClient[Document]
    with MongoClient("memory://") as client:
        for _ in range(count):
            command = source.command()
            try:
                client.fuzz.command(command)
            except PyMongoError:
                continue
            except Exception as error:
                if "bson" in type(error).__module__ or _is_of_the_argument(error):
                    continue
                findings.append(
                    Finding(seed, "exception", _place(error), repr(command)[:2000], traceback.format_exc(limit=-6))
                )
    return findings


def _is_of_the_argument(error: Exception) -> bool:
    """What PyMongo itself raises for a command document that cannot be encoded."""
    return isinstance(error, (TypeError, ValueError, OverflowError)) and "amongo/commands" not in traceback.format_exc()
