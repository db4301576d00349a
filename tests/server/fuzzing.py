"""The campaign against the parser of messages.

    python -m tests.server.fuzzing --inputs 5000000 --record docs/campaigns.md

Every input is a message that somebody has spoiled (`tests.server.hostile`). It may be a request, be refused with a
code, or end its connection; nothing else may come of it, it may not take long, and no memory may stay behind. Some
inputs come over a connection in pieces, which has to cut the same messages from them; what is a request runs on a store
of its own, some of the time, and has to be answered. `--seed N --inputs 1 --skip K` shows one again.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import resource
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any, Final

import anyio
import bson

from amongo import AsyncMongoClient
from amongo.commands.peer import Peer
from amongo.errors import ServerError
from amongo.server.answering import Answering
from amongo.server.budget import Budget
from amongo.server.messages import HEADER_BYTES, Malformed, Request, parse_header, parse_request
from amongo.server.packing import pack_reply
from amongo.server.streams import StraightMessages
from tests.server.hostile import Spoiler

LONG_S: Final = 1.0
PER_STREAM: Final = 50  # one input in so many comes over a connection as well,
PER_RUN: Final = 25  # and one request in so many is run
_NOT_RUN: Final = frozenset({"shutdown", "fsync"})


class Finding(Exception):
    """Something that may not come of a message."""


def judged(message: bytes) -> Request | str:
    """The request of a message, or what it was refused for. errors: Finding."""
    began = time.process_time()
    try:
        header = parse_header(message) if len(message) >= HEADER_BYTES else None
        if header is None or header.length != len(message):
            return "length"
        found = parse_request(header, message[HEADER_BYTES:])
    except Malformed:
        return "malformed"
    except ServerError as error:
        return str(int(error.code))
    except BaseException as error:
        raise Finding("".join(traceback.format_exception(error))) from None
    finally:
        took_s = time.process_time() - began
        if took_s > LONG_S:
            raise Finding(f"took {took_s:.1f} s")
    if len(found.command) + sum(map(len, found.sequences)) > 50_000_000:
        raise Finding("more than there was")
    return found


class _Wire:
    """The transport of a connection that reads what it is given, and writes nothing."""

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def close(self) -> None:
        self.is_paused = True

    def get_write_buffer_size(self) -> int:
        return 0

    is_paused = False


async def cut(stream: bytes, size: int) -> list[bytes]:
    """The messages that a connection cuts from what comes in pieces of a size; up to what is none."""
    messages = StraightMessages(Budget(10**9))
    wire: Any = _Wire()
    messages.connection_made(wire)
    found: list[bytes] = []

    async def read() -> None:
        try:
            while True:
                header, payload = await messages.receive()
                found.append(header.length.to_bytes(4, "little") + bytes(payload))
        except (Malformed, anyio.EndOfStream):
            await messages.aclose()

    reader = asyncio.create_task(read())
    place = 0
    while place < len(stream) and not reader.done():
        await asyncio.sleep(0)
        if wire.is_paused:
            continue
        room = messages.get_buffer(-1)
        piece = stream[place : place + min(size, len(room))]
        room[: len(piece)] = piece
        messages.buffer_updated(len(piece))
        place += len(piece)
    if not reader.done():
        messages.eof_received()
    await asyncio.wait_for(reader, 10)
    return found


def expected(stream: bytes) -> list[bytes]:
    """What `cut` has to give, found out without it."""
    found: list[bytes] = []
    while len(stream) >= HEADER_BYTES:
        try:
            length = parse_header(stream).length
        except Malformed:
            break
        if len(stream) < length:
            break
        found.append(stream[:4] + stream[HEADER_BYTES:length])
        stream = stream[length:]
    return found


async def campaign(seed: int, inputs: int, skip: int = 0) -> Counter[str]:
    """What became of so many inputs. errors: Finding, with the number of the input."""
    spoiler = Spoiler(seed)
    outcomes: Counter[str] = Counter()
    async with AsyncMongoClient("memory://") as client:
        await client.admin.command("ping")
        answering = Answering(client._runner)  # type: ignore[arg-type]
        peer = Peer(1, "127.0.0.1:1", "127.0.0.1:2")
        began = time.monotonic()
        for number in range(skip + inputs):
            message = spoiler.message()
            if number < skip:
                continue
            try:
                found = judged(message)
                if number % PER_STREAM == 0:
                    stream = message + message
                    size = max(1 + number % 97, len(stream) // 16)
                    if await cut(stream, size) != expected(stream):
                        raise Finding("a connection cuts other messages")
                if isinstance(found, Request) and number % PER_RUN == 0 and found.command[5:12] not in _NOT_RUN:
                    await _run(answering, peer, found)
            except Finding as finding:
                raise Finding(f"--seed {seed} --skip {number} --inputs 1\n{message!r}\n{finding}") from None
            outcomes["request" if isinstance(found, Request) else found] += 1
            if number % 100_000 == 99_999:
                await client.drop_database("shop")
                print(f"{number + 1:,} inputs, {time.monotonic() - began:.0f} s, {_peak_mb()} MB", flush=True)
    return outcomes


async def _run(answering: Answering, peer: Peer, request: Request) -> None:
    """Run a request; it has to be answered with a document. errors: Finding."""
    try:
        with anyio.fail_after(20):
            reply = await answering.answer(request, peer)
        packed = pack_reply(request._replace(compressor=None, is_query=False), 1, reply, answering.times())
        document = bson.decode(packed[21 : len(packed) - (4 if request.has_checksum else 0)])
    except Exception as error:
        raise Finding("".join(traceback.format_exception(error))) from None
    if document.get("code") == 1:
        raise Finding(f"answered with {document}")


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> int:
    """Run the campaign; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.server.fuzzing", description=__doc__)
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0, help="inputs that are made and not looked at")
    parser.add_argument("--record", type=Path, help="a page to which a line is added")
    options = parser.parse_args()
    began = time.monotonic()
    anyio.run(campaign, 0, 20_000)  # what there is to be loaded is loaded
    before_mb = _peak_mb()
    try:
        outcomes = anyio.run(campaign, options.seed, options.inputs, options.skip)
    except Finding as finding:
        print(finding)
        return 1
    seconds, grown_mb = time.monotonic() - began, _peak_mb() - before_mb
    print(dict(outcomes.most_common()), f"{seconds:.0f} s, {grown_mb} MB more at the most")
    if options.record is not None:
        _record(options.record, options, outcomes, seconds, grown_mb)
    return 0


def _record(page: Path, options: argparse.Namespace, outcomes: Counter[str], seconds: float, grown_mb: int) -> None:
    day = datetime.datetime.now(datetime.UTC).date()
    refused = sum(count for name, count in outcomes.items() if name not in ("request", "malformed", "length"))
    ended = outcomes["malformed"] + outcomes["length"]
    counts = f"{outcomes['request']:,} | {refused:,} | {ended:,}"
    line = f"| {day} | {options.inputs:,} | {options.seed} | {counts} | 0 | {grown_mb} MB | {seconds:.0f} s |\n"
    text = page.read_text(encoding="utf-8")
    if _TITLE not in text:
        text = text.rstrip() + _STORY
    head, title, rest = text.partition(_TITLE)
    table, mark, after = rest.partition("\n\n## ")
    page.write_text(f"{head}{title}{table.rstrip()}\n{line}{mark[1:]}{after}", encoding="utf-8")


_TITLE: Final = "\n## Messages of the wire protocol\n"
_STORY: Final = (
    "\n"
    + _TITLE
    + """
Messages of every kind with up to four things wrong in them: bytes, lengths, flags, opcodes, cut, joined, nested. Each
has to be a request, be refused with a code, or end its connection, and nothing else. One in fifty comes over a
connection in pieces as well, one request in twenty-five is run.

    python -m tests.server.fuzzing --inputs 5000000 --seed 1 --record docs/campaigns.md

| day | inputs | seed | requests | refused with a code | connections ended | findings | memory grown by | took |
|---|---|---|---|---|---|---|---|---|
"""
)


if __name__ == "__main__":
    raise SystemExit(main())
