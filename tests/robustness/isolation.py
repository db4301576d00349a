"""Histories of concurrent transactions, and whether they are explained by snapshot isolation.

    python -m tests.robustness.isolation --histories 5000 --seed 1 [--record docs/campaigns.md]

Every value is a list to which writers append ids that are used once: the list of a key tells the order of its
versions, a read tells which version it has seen. From that follows who has to come before whom: a writer before the
one that appended behind it (ww), and before those that have read it (wr); one that had ended before another began (rt);
and, against them, a reader before the one that appended behind what it had read (rw).

Snapshot isolation is then (Adya, Generalized Isolation Definitions, PL-SI): nobody reads what was not committed, or
half of it; and no circle has at most one rw in it. A circle with two is write skew, which it allows.

Some transactions are cancelled, at any point. Some histories run on disk, and the files are copied in the middle of
one: what a process that is killed there leaves behind. The copy is opened and has to explain what was told until then.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import random
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import anyio
import anyio.lowlevel
from pymongo.errors import OperationFailure

from amongo import AsyncCollection, AsyncMongoClient
from amongo.client import runner
from amongo.client.session import AsyncClientSession
from amongo.client.sharing.places import SOCKET_NAME

Key = int
Version = tuple[int, ...]
"""The ids that were appended to a key, in their order; empty for a key that is not there."""

EXPECTED = (112, 251)
GROUPS = 2  # keys with the same remainder have the same `group`, which has an index


@dataclass
class Trace:
    """What one transaction did.

    reads      (key, what it saw) of its reads, in their order; of all keys for a scan
    appended   the ids that it appended, by key
    outcome    "unknown" for one that was cancelled in the middle of its commit
    began, ended   on one clock for all
    """

    number: int
    began: int = 0
    ended: int = 0
    reads: list[tuple[Key, Version, Version]] = field(default_factory=list)
    appended: dict[Key, list[int]] = field(default_factory=dict)
    outcome: Literal["committed", "aborted", "unknown"] = "aborted"

    def saw(self, key: Key, version: Iterable[int]) -> None:
        """Note a read, with what the transaction itself had appended before."""
        self.reads.append((key, tuple(version), tuple(self.appended.get(key, ()))))


@dataclass
class History:
    """Traces, and what the keys hold at the end."""

    traces: list[Trace]
    final: dict[Key, Version]


# Running


class Workload:
    """Random transactions on one client, all of a seed."""

    def __init__(self, seed: int, client: AsyncMongoClient, directory: Path | None = None) -> None:
        """directory: of the client's store, if it is to be copied in the middle"""
        self.random = r = random.Random(seed)
        self.client = client
        self.directory = directory
        self.copied_at: int | None = None
        self.coll: AsyncCollection = client.db.keys
        self.keys = r.choice((2, 3, 6))
        self.tasks = r.choice((2, 4, 8))
        self.rounds = r.choice((2, 4, 8))
        self.most = r.choice((2, 4, 6))
        self.pauses = r.choice((1, 2, 4))
        self.outside = r.choice((0.0, 0.2))
        self.cancelled = r.choice((0.0, 0.15))
        self.traces: list[Trace] = []
        self._ids = 0
        self._time = 0

    async def run(self) -> History:
        """The history."""
        for key in range(self.keys):
            if self.random.random() < 0.7:
                await self.coll.insert_one({"_id": key, "group": key % GROUPS, "ids": []})
        if self.random.random() < 0.5:
            await self.coll.create_index("group")
        async with anyio.create_task_group() as group:
            for _ in range(self.tasks):
                group.start_soon(self._work)
            if self.directory is not None:
                group.start_soon(self._copy)
        return History(self.traces, await self.held(self.coll))

    async def held(self, coll: AsyncCollection) -> dict[Key, Version]:
        """What the keys hold."""
        final = dict.fromkeys(range(self.keys), ())
        return final | {each["_id"]: tuple(each["ids"]) for each in await coll.find().to_list()}

    async def _copy(self) -> None:
        """What a kill would leave behind; nobody writes meanwhile, for the loop stands still."""
        assert self.directory is not None
        for _ in range(self.random.randrange(10 * self.tasks * self.rounds)):
            await anyio.lowlevel.checkpoint()
        shutil.copytree(self.directory, copy_of(self.directory), ignore=shutil.ignore_patterns(SOCKET_NAME))
        self.copied_at = self._tick()

    async def crashed(self) -> History:
        """The history until the files were copied, and what the copy holds."""
        assert self.directory is not None
        assert self.copied_at is not None
        told = []
        for trace in self.traces:
            if trace.ended < self.copied_at:
                told.append(replace(trace))
            elif trace.began < self.copied_at:  # it was in the middle, and has said nothing yet
                told.append(replace(trace, reads=[], outcome="unknown"))
        async with AsyncMongoClient(f"local://{copy_of(self.directory)}") as client:
            return History(told, await self.held(client.db.keys))

    async def _work(self) -> None:
        for _ in range(self.rounds):
            trace = Trace(len(self.traces))
            self.traces.append(trace)
            if self.random.random() < self.outside:
                await self._go_outside(trace)
            elif self.random.random() < self.cancelled:
                with anyio.CancelScope() as scope:
                    async with anyio.create_task_group() as group:
                        group.start_soon(self._cancel_soon, scope)
                        await self._transact(trace)
                        group.cancel_scope.cancel()
            else:
                await self._transact(trace)
            await self._pause()

    async def _cancel_soon(self, scope: anyio.CancelScope) -> None:
        for _ in range(self.random.randrange(20)):
            await anyio.lowlevel.checkpoint()
        scope.cancel()

    async def _transact(self, trace: Trace) -> None:
        async with self.client.start_session() as session:
            await session.start_transaction()
            trace.began = self._tick()
            try:
                for _ in range(self.random.randrange(1, self.most + 1)):
                    await self._operate(trace, session)
                    await self._pause()
                if self.random.random() < 0.1:
                    await session.abort_transaction()
                else:
                    trace.outcome = "unknown"
                    await session.commit_transaction()
                    trace.outcome = "committed"
            except OperationFailure as failure:
                trace.outcome = "aborted"
                assert failure.code in EXPECTED, failure
                assert failure.has_error_label("TransientTransactionError")
            finally:
                trace.ended = self._tick()

    async def _operate(self, trace: Trace, session: AsyncClientSession) -> None:
        key = self.random.randrange(self.keys)
        kind = self.random.random()
        if kind < 0.3:
            found = await self.coll.find_one({"_id": key}, session=session)
            trace.saw(key, found["ids"] if found else ())
        elif kind < 0.45:
            await self._scan(trace, session)
        elif kind < 0.75:
            identity = self._new_id()
            await self._append(key, identity, session)
            trace.appended.setdefault(key, []).append(identity)
        else:  # reads, and writes all of it anew: what others have appended meanwhile would be lost
            found = await self.coll.find_one({"_id": key}, session=session)
            ids = found["ids"] if found else []
            trace.saw(key, ids)
            await self._pause()
            identity = self._new_id()
            await self.coll.replace_one(
                {"_id": key}, {"group": key % GROUPS, "ids": [*ids, identity]}, upsert=True, session=session
            )
            trace.appended.setdefault(key, []).append(identity)

    async def _scan(self, trace: Trace, session: AsyncClientSession | None) -> None:
        """Read all keys, or those of a group, which may be found through an index."""
        way = self.random.randrange(3)
        group = self.random.randrange(GROUPS)
        filter = {} if way == 0 else {"group": group}
        if way == 2:
            cursor = await self.coll.aggregate([{"$match": filter}, {"$sort": {"_id": -1}}], session=session)
            found = await cursor.to_list()
        else:
            found = await self.coll.find(filter, session=session).to_list()
        seen = {each["_id"]: each["ids"] for each in found}
        for key in range(self.keys):
            if not filter or key % GROUPS == group:
                trace.saw(key, seen.get(key, ()))

    async def _go_outside(self, trace: Trace) -> None:
        """One operation that belongs to no transaction: it is one of its own."""
        trace.began = self._tick()
        if self.random.random() < 0.5:
            await self._scan(trace, None)
        else:
            key, identity = self.random.randrange(self.keys), self._new_id()
            await self._append(key, identity, None)
            trace.appended[key] = [identity]
        trace.ended = self._tick()
        trace.outcome = "committed"

    async def _append(self, key: Key, identity: int, session: AsyncClientSession | None) -> None:
        update = {"$push": {"ids": identity}, "$setOnInsert": {"group": key % GROUPS}}
        await self.coll.update_one({"_id": key}, update, upsert=True, session=session)

    async def _pause(self) -> None:
        for _ in range(self.random.randrange(self.pauses + 1)):
            await anyio.lowlevel.checkpoint()

    def _new_id(self) -> int:
        self._ids += 1
        return self._ids

    def _tick(self) -> int:
        self._time += 1
        return self._time


def copy_of(directory: Path) -> Path:
    """Where the files of a store are copied to."""
    return directory.with_name(f"{directory.name}-copy")


# Judging


def anomalies(history: History) -> list[str]:
    """What snapshot isolation does not allow; empty for a good history."""
    found: list[str] = []
    writer = {identity: trace for trace in history.traces for ids in trace.appended.values() for identity in ids}
    present = {identity for version in history.final.values() for identity in version}
    for trace in history.traces:
        mine = {identity for ids in trace.appended.values() for identity in ids}
        if trace.outcome == "unknown":
            trace.outcome = "committed" if mine and mine <= present else "aborted"
        if trace.outcome == "aborted" and mine & present:
            found.append(f"{trace.number} was aborted and left {mine & present}")
        if trace.outcome == "committed" and not mine <= present:
            found.append(f"{trace.number} was committed and lost {mine - present}")
    for key, version in history.final.items():
        for identity, times in collections.Counter(version).items():
            if times > 1:
                found.append(f"key {key} has {identity} twice")
    snapshots = _snapshots(history, writer, found)
    return found or _circles(history, writer, snapshots)


def _snapshots(history: History, writer: dict[int, Trace], found: list[str]) -> list[dict[Key, int]]:
    """By transaction: how many ids of each key were there when it began, as its reads say."""
    snapshots: list[dict[Key, int]] = []
    for trace in history.traces:
        seen: dict[Key, int] = {}
        for key, version, own in trace.reads:
            before = version[: len(version) - len(own)]
            if own and version[len(before) :] != own:
                found.append(f"{trace.number} does not see its own writes to {key}: {version}, {own}")
                continue
            if before != history.final[key][: len(before)]:
                found.append(f"{trace.number} has read {before} of key {key}, which holds {history.final[key]}")
            dirty = [identity for identity in before if writer[identity].outcome != "committed"]
            if dirty:
                found.append(f"{trace.number} has read {dirty}, which was not committed")
            if before and before[-1] != writer[before[-1]].appended[key][-1]:
                found.append(f"{trace.number} has read key {key} in the middle of {writer[before[-1]].number}")
            if seen.setdefault(key, len(before)) != len(before):
                found.append(f"{trace.number} has read two versions of key {key}")
        snapshots.append(seen)
    return snapshots


def _circles(history: History, writer: dict[int, Trace], snapshots: list[dict[Key, int]]) -> list[str]:
    """Circles with at most one rw."""
    found: list[str] = []
    committed = [trace for trace in history.traces if trace.outcome == "committed"]
    after: dict[int, int] = {trace.number: 0 for trace in committed}  # bits: those that come behind
    against: list[tuple[int, int, Key]] = []
    for version in history.final.values():
        for one, two in pairwise(version):
            if writer[one] is not writer[two]:
                after[writer[one].number] |= 1 << writer[two].number
    for trace in committed:
        for key, count in snapshots[trace.number].items():
            version = history.final[key]
            if count and writer[version[count - 1]] is not trace:
                after[writer[version[count - 1]].number] |= 1 << trace.number
            if count < len(version) and writer[version[count]] is not trace:
                against.append((trace.number, writer[version[count]].number, key))
        for other in committed:
            if trace.ended < other.began:
                after[trace.number] |= 1 << other.number
    _close(after)
    found += [f"{number} comes before itself" for number, later in after.items() if later >> number & 1]
    for reader, later, key in against:
        if after[later] >> reader & 1:
            found.append(f"{reader} has read key {key} as before {later}, behind which it comes")
    return found


def _close(after: dict[int, int]) -> None:
    """Add who comes behind those that come behind."""
    for middle, behind in after.items():
        bit = 1 << middle
        for number in after:
            if after[number] & bit:
                after[number] |= after[middle] | behind


# The campaign


@dataclass
class Record:
    """What a campaign has found."""

    histories: int = 0
    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    anomalies: list[str] = field(default_factory=list)


async def run(count: int, seed: int, *, on_workers: bool = False) -> Record:
    """Run and judge histories of the seeds from `seed` on.

    on_workers   every operation on a thread, so that they run at the same time
    """
    record = Record()
    allowed, runner.LOOP_DOCUMENTS = runner.LOOP_DOCUMENTS, -1 if on_workers else runner.LOOP_DOCUMENTS
    try:
        for number in range(seed, seed + count):
            async with AsyncMongoClient("memory://") as client:
                history = await Workload(number, client).run()
                instance = client._runner.instance
                assert instance is not None
                still_open = len(instance.transactions.open()), len(instance.store.transactions)
            wrong = anomalies(history)
            if still_open != (0, 0):
                wrong.append(f"{still_open} transactions are still open")
            record.anomalies += [f"seed {number}: {each}" for each in wrong]
            record.outcomes.update(trace.outcome for trace in history.traces)
            record.histories += 1
    finally:
        runner.LOOP_DOCUMENTS = allowed
    return record


async def run_killed(count: int, seed: int) -> Record:
    """Run histories on disk, and judge what a kill in the middle would have left."""
    record = Record()
    for number in range(seed, seed + count):
        with TemporaryDirectory() as place:
            directory = Path(place) / "store"
            async with AsyncMongoClient(f"local://{directory}") as client:
                await client.aconnect()
                workload = Workload(number, client, directory)
                wrong = anomalies(await workload.run())
            left = await workload.crashed()
            wrong += [f"after a kill: {each}" for each in anomalies(left)]
        record.anomalies += [f"seed {number}: {each}" for each in wrong]
        record.outcomes.update(trace.outcome for trace in left.traces)
        record.histories += 1
    return record


def main(arguments: list[str]) -> int:
    """Run a campaign; 1 if something was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", type=Path)
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    part = chosen.histories // 4
    record = anyio.run(lambda: run(chosen.histories - 2 * part, chosen.seed))
    threaded = anyio.run(lambda: run(part, chosen.seed, on_workers=True))
    killed = anyio.run(lambda: run_killed(part, chosen.seed))
    found = record.anomalies + threaded.anomalies + killed.anomalies
    for each in found[:20]:
        print(each)
    outcomes = record.outcomes + threaded.outcomes + killed.outcomes
    row = (
        f"| {datetime.date.today()} | {chosen.histories:,} | {chosen.seed} | {outcomes['committed']:,} | "
        f"{outcomes['aborted']:,} | {len(found)} | {time.monotonic() - began:.0f} s |"
    )
    print(row)
    if chosen.record:
        chosen.record.write_text(_with_row(chosen.record.read_text(encoding="utf-8"), row), encoding="utf-8")
    return bool(found)


def _with_row(text: str, row: str) -> str:
    """The text of the page with a further row at the end of the table of histories."""
    lines = text.splitlines()
    at = next(place for place, line in enumerate(lines) if line.startswith("| day | histories"))
    while at < len(lines) and lines[at].startswith("|"):
        at += 1
    return "\n".join([*lines[:at], row, *lines[at:]]) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
