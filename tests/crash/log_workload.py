"""A scripted life of a log, run on files that fail, and the book of what it was promised.

The script opens the log, appends commits of many sizes, waits for some of them, drops nothing, closes and reopens.
Small files make it rotate; without the service thread every run makes the same operations in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import bson

from amongo.engine.files import CrashingFiles, MachineStopped
from amongo.engine.log import Log, entry
from amongo.engine.settings import Settings
from amongo.errors import ServerError
from amongo.runtime.clock import ManualClock

DIRECTORY = "store"
SETTINGS = Settings(log_file_bytes=2200)
UUID = b"the store's uuid"
HEAD = bson.encode({"op": "i", "ns": "test.things"})


def payload(number: int) -> bytes:
    """A commit of 1 to 3 documents, of about 60 to 1500 bytes."""
    size = (10, 700, 40, 1300, 0)[number % 5]
    documents = [bson.encode({"_id": number, "part": part, "text": "x" * size}) for part in range(1 + number % 3)]
    return entry(number, HEAD, documents)


def open_log(files: CrashingFiles, clock: ManualClock | None = None) -> tuple[Log, list[tuple[int, bytes]]]:
    """The log, and the (sequence, payload) of every commit it has replayed."""
    settings = SETTINGS
    log = Log.open(
        DIRECTORY, files, clock or ManualClock(), settings=settings, has_service=False, new_uuid=lambda: UUID
    )
    return log, [(frame.sequence, bytes(frame.payload)) for frame in log.replay()]


@dataclass
class Book:
    """What the log was told and what it has promised.

    written    commits acknowledged as written (w:1), in order
    durable    how many of them, from the start, were acknowledged as durable (j:true)
    refused    payloads whose append raised an error
    in_doubt   the payload of an append that never returned, or failed and could not be taken back
    """

    written: list[tuple[int, bytes]] = field(default_factory=list)
    durable: int = 0
    refused: list[bytes] = field(default_factory=list)
    errors: list[ServerError] = field(default_factory=list)
    in_doubt: bytes | None = None
    is_stopped: bool = False


def run(files: CrashingFiles, commits: int = 14) -> Book:
    """Live through the script until its end or the machine's."""
    book = Book()
    clock = ManualClock()
    try:
        _live(files, clock, book, range(commits // 2))
        _live(files, clock, book, range(commits // 2, commits))
    except MachineStopped:
        book.is_stopped = True
    except ServerError as error:  # the log could not be opened or closed
        book.errors.append(error)
    return book


def _live(files: CrashingFiles, clock: ManualClock, book: Book, numbers: range) -> None:
    log, replayed = open_log(files, clock)
    assert replayed[: len(book.written)] == book.written
    assert [body for _, body in replayed[len(book.written) :]] in ([], [book.in_doubt])
    book.written = replayed
    book.in_doubt = None
    for number in numbers:
        clock.advance(400)
        _append(log, book, number)
        if number % 4 == 1 and book.written:
            _wait(log, book)
    log.close()
    book.durable = len(book.written) if log.last_sequence == log._synced_sequence else book.durable


def _append(log: Log, book: Book, number: int) -> None:
    body = payload(number)
    had_failed = log._has_failed
    book.in_doubt = book.in_doubt if had_failed else body
    try:
        sequence = log.append(body)
    except ServerError as error:
        book.refused.append(body)
        book.errors.append(error)
        if not log._has_failed:
            book.in_doubt = None
    else:
        book.written.append((sequence, body))
        book.in_doubt = None


def _wait(log: Log, book: Book) -> None:
    sequence = book.written[-1][0]
    try:
        log.durable(sequence).wait_blocking()
    except ServerError as error:
        book.errors.append(error)
    else:
        book.durable = len(book.written)
