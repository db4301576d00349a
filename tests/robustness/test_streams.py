"""Change streams that are cut off anywhere and resumed: put together they are the log, exactly."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from bson import Int64
from pymongo.errors import OperationFailure

from amongo import AsyncMongoClient
from amongo.commands.context import Context
from amongo.commands.instance import Instance
from amongo.engine.settings import Settings
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode, encode

Document = dict[str, Any]
COLLECTIONS = ("a", "b", "c")
PATIENCE_S = 60  # how long a test waits for what has to happen


class House:
    """A store that can be closed and opened again, and what is asked of it."""

    def __init__(self, path: str | None, settings: Settings) -> None:
        self._path, self._settings = path, settings
        self.instance = Instance.open(path, settings=settings)

    def reopen(self) -> None:
        """As after a restart; a store in memory just loses its cursors."""
        self.instance.cursors.kill_all()
        if self._path is not None:
            self.instance.close()
            self.instance = Instance.open(self._path, settings=self._settings)

    def ask(self, command: Document, database: str = "db") -> Document:
        context = Context(Interrupt())  # as on a worker, which may read files
        return decode(encode(self.instance.run_command(database, encode(command), context)))


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look takes as long as it takes: what a test expects depends on no clock."""
    monkeypatch.setattr("amongo.commands.change_stream.STREAM_LOOK_S", 60.0)


@pytest.fixture(params=["memory", "disk", "disk of small files"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    settings = Settings(log_file_bytes=2048) if "small" in request.param else Settings()
    opened = House(None if request.param == "memory" else str(tmp_path / "store"), settings)
    yield opened
    opened.instance.close()


def written(ask: Callable[..., Document], draw: random.Random) -> None:
    """One random change: of documents mostly, of collections now and then."""
    name, identity = draw.choice(COLLECTIONS), draw.randrange(8)
    action = draw.randrange(12)
    if action < 4:
        count = draw.choice((1, 1, 2, 5))
        documents = [{"_id": draw.randrange(100), "text": "x" * draw.randrange(60)} for _ in range(count)]
        ask({"insert": name, "documents": documents, "ordered": False})
    elif action < 8:
        change = draw.choice(
            (
                {"$set": {"n": draw.randrange(5)}},
                {"$unset": {"n": 1}},
                {"text": "replaced", "n": draw.randrange(9)},
                {"$push": {"list": draw.randrange(3)}},
            )
        )
        query = {"_id": {"$gte": identity * 10}}
        is_multi = draw.random() < 0.3 and "text" not in change
        ask({"update": name, "updates": [{"q": query, "u": change, "multi": is_multi, "upsert": draw.random() < 0.2}]})
    elif action < 10:
        query = {"_id": {"$lt": identity * 10}}
        ask({"delete": name, "deletes": [{"q": query, "limit": draw.randrange(2)}]})
    elif action == 10:
        ask({"createIndexes": name, "indexes": [{"key": {f"n{identity}": 1}, "name": f"n_{identity}"}]})
    else:
        ask({"drop": draw.choice(COLLECTIONS)})


class Follower:
    """A stream that is cut off now and then, and goes on as a client would."""

    def __init__(self, house: House, spec: Document, pipeline: list[Document], draw: random.Random) -> None:
        self._house, self._spec, self._pipeline, self._draw = house, spec, pipeline, draw
        self._cursor_id = 0
        self.token: Document | None = None
        self.events: list[Document] = []

    def step(self) -> bool:
        """One request; whether it has brought anything."""
        before = len(self.events)
        size = {"batchSize": self._draw.choice((1, 2, 7))}
        if not self._cursor_id:
            spec = dict(self._spec)
            if self.token is not None:
                spec.pop("startAtOperationTime", None)
                spec[self._draw.choice(("resumeAfter", "startAfter"))] = self.token
            command = {"aggregate": 1, "pipeline": [{"$changeStream": spec}, *self._pipeline], "cursor": size}
            self._take(self._house.ask(command), "firstBatch")
        else:
            command = {"getMore": Int64(self._cursor_id), "collection": "$cmd.aggregate", "maxTimeMS": 0, **size}
            self._take(self._house.ask(command), "nextBatch")
        if self._draw.random() < 0.3:
            self.cut()
        return len(self.events) > before

    def _take(self, reply: Document, batch: str) -> None:
        cursor = reply["cursor"]
        self._cursor_id = cursor["id"]
        assert self._cursor_id, "a stream of a database ends with the database alone"
        events = cursor[batch]
        kept = events
        if events and self._draw.random() < 0.3:  # the connection breaks with half of a batch read
            kept = events[: self._draw.randrange(1, len(events) + 1)]
        self.events += kept
        self.token = cursor["postBatchResumeToken"] if len(kept) == len(events) else kept[-1]["_id"]
        if len(kept) < len(events):
            self.cut()

    def cut(self) -> None:
        """Lose the server cursor."""
        self._house.instance.cursors.kill([self._cursor_id])
        self._cursor_id = 0


PIPELINES: dict[str, list[Document]] = {
    "all": [],
    "some": [{"$match": {"operationType": {"$in": ["insert", "delete"]}}}, {"$project": {"documentKey": 1}}],
    "split": [{"$addFields": {"seen": True}}, {"$changeStreamSplitLargeEvent": {}}],
}


@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize("seed", range(4))
def test_resumed_streams_are_the_log(house: House, seed: int, pipeline: str) -> None:
    draw = random.Random(f"{seed}{pipeline}")
    spec: Document = {"showExpandedEvents": draw.random() < 0.5}
    house.ask({"insert": "a", "documents": [{"_id": "first"}]})
    opened = house.ask({"aggregate": 1, "pipeline": [{"$changeStream": {}}], "cursor": {}})
    start = opened["operationTime"]
    start = type(start)(start.time, start.inc + 1)
    follower = Follower(house, {**spec, "startAtOperationTime": start}, PIPELINES[pipeline], draw)
    for _ in range(60):
        for _ in range(draw.randrange(4)):
            written(house.ask, draw)
        if draw.random() < 0.7:
            follower.step()
        if draw.random() < 0.05:
            house.reopen()
            follower._cursor_id = 0
    while follower.step():
        pass
    follower.step()
    command = {"$changeStream": {**spec, "startAtOperationTime": start}}
    reply = house.ask({"aggregate": 1, "pipeline": [command, *PIPELINES[pipeline]], "cursor": {"batchSize": 100_000}})
    assert follower.events == reply["cursor"]["firstBatch"]
    assert len(follower.events) > 20
    tokens = [event["_id"]["_data"] for event in follower.events]
    assert tokens == sorted(set(tokens))


@pytest.mark.parametrize("seed", range(6))
def test_events_over_an_old_copy_give_the_present(house: House, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(15):
        written(house.ask, draw)
    copies = {name: contents(house, name) for name in COLLECTIONS}
    follower = Follower(house, {}, [], draw)
    follower.step()
    for _ in range(60):
        written(house.ask, draw)
        if draw.random() < 0.4:
            follower.step()
    while follower.step():
        pass
    follower.step()
    for event in follower.events:
        apply(copies, event)
    assert {name: contents(house, name) for name in COLLECTIONS} == copies


def contents(house: House, name: str) -> dict[str, Document]:
    """The documents of a collection, by their `_id`s as text."""
    reply = house.ask({"find": name, "batchSize": 100_000})
    return {repr(each["_id"]): each for each in reply["cursor"]["firstBatch"]}


def apply(copies: dict[str, dict[str, Document]], event: Document) -> None:
    """Make the change that an event tells of."""
    copy = copies[event["ns"]["coll"]]
    kind = event["operationType"]
    if kind == "drop":
        copy.clear()
        return
    key = repr(event["documentKey"]["_id"])
    if kind == "delete":
        del copy[key]
    elif kind == "update":
        change = event["updateDescription"]
        for name in change["removedFields"]:
            del copy[key][name]
        for path, value in change["updatedFields"].items():
            name, _, place = path.partition(".")
            if place:
                copy[key][name].insert(int(place), value)
            else:
                copy[key][name] = value
    else:
        assert (kind == "insert") == (key not in copy)
        copy[key] = event["fullDocument"]


# Many streams, and slow ones


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["memory", "disk"])
async def test_many_streams_on_one_collection_miss_nothing(kind: str, tmp_path: Path) -> None:
    """As with a thousand, on a smaller scale: all get all, in order, and the others' turns come meanwhile."""
    streams, writes, turns = 150, 200, 0
    address = "memory://" if kind == "memory" else f"local://{tmp_path / 'store'}"
    async with AsyncMongoClient(address) as client:
        coll = client.db.coll
        seen: list[list[int]] = []
        opened = anyio.Semaphore(0)

        async def follow() -> None:
            numbers: list[int] = []
            async with await coll.watch() as stream:
                opened.release()
                while len(numbers) < writes:
                    numbers.append((await stream.next())["documentKey"]["_id"])
            seen.append(numbers)

        async def write(first: int) -> None:
            for number in range(first, writes, 4):
                await coll.insert_one({"_id": number})

        async def take_turns() -> None:
            nonlocal turns
            while len(seen) < streams:
                turns += 1
                await anyio.lowlevel.checkpoint()

        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as tasks:
                for _ in range(streams):
                    tasks.start_soon(follow)
                    await opened.acquire()
                tasks.start_soon(take_turns)
                for first in range(4):
                    tasks.start_soon(write, first)
        assert len(seen) == streams
        assert all(numbers == seen[0] for numbers in seen)
        assert sorted(seen[0]) == list(range(writes))
        assert turns > 100
        assert not client._runner.instance.store.history.is_watched  # type: ignore[attr-defined]


@pytest.mark.anyio
async def test_a_slow_stream_reads_the_log_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.engine.log.kept_files.LOG_HISTORY_BYTES", 64 * 1024)
    async with AsyncMongoClient(f"local://{tmp_path / 'store'}") as client:
        coll = client.db.coll
        quick, slow = await coll.watch(), await coll.watch()
        numbers = []
        for start in range(0, 3000, 100):
            await coll.insert_many([{"_id": start + place, "text": "x" * 1000} for place in range(100)])
            numbers += [(await quick.next())["documentKey"]["_id"] for _ in range(100)]
        assert numbers == list(range(3000))
        (cursor,) = (each for each in cursors_of(client) if not each._reader.is_near)
        with anyio.fail_after(PATIENCE_S):
            assert [(await slow.next())["documentKey"]["_id"] for _ in range(3000)] == numbers
        assert cursor._reader.is_near
        await coll.insert_one({"_id": "last"})
        assert (await slow.next())["documentKey"] == {"_id": "last"}


@pytest.mark.anyio
async def test_a_stream_that_memory_has_left_behind_is_told_so() -> None:
    async with AsyncMongoClient("memory://") as client:
        coll = client.db.coll
        stream = await coll.watch()
        for _ in range(40):
            await coll.insert_many([{"text": "x" * 100_000} for _ in range(10)])
        with anyio.fail_after(PATIENCE_S), pytest.raises(OperationFailure) as caught:
            await stream.next()
        assert caught.value.code == 286
        assert caught.value.has_error_label("NonResumableChangeStreamError")
        assert not stream.alive


def cursors_of(client: AsyncMongoClient) -> list[Any]:
    return list(client._runner.instance.cursors._cursors.values())  # type: ignore[attr-defined]


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(3))
async def test_cuts_at_any_moment(seed: int) -> None:
    """Cursors are lost and tasks cancelled while writes go on; who goes on behind his last token misses nothing."""
    draw = random.Random(seed)
    async with AsyncMongoClient("memory://") as client:
        coll = client.db.coll
        numbers: list[int] = []
        token = (await coll.watch()).resume_token
        is_done = False

        async def cut() -> None:
            while not is_done:
                await anyio.sleep(draw.random() * 0.004)
                for cursor_id in list(client._runner.instance.cursors._cursors):  # type: ignore[attr-defined]
                    if draw.random() < 0.5:
                        client._runner.instance.cursors.kill([cursor_id])  # type: ignore[attr-defined]
                if draw.random() < 0.5:
                    scope.cancel()

        async def write() -> None:
            for number in range(300):
                await coll.insert_one({"_id": number})
                if number % 7 == 0:
                    await anyio.sleep(0.001)

        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as tasks:
                scope = anyio.CancelScope()
                tasks.start_soon(cut)
                tasks.start_soon(write)
                while len(numbers) < 300:
                    scope = anyio.CancelScope()
                    with scope:
                        stream = await coll.watch(resume_after=token, batch_size=draw.choice((2, 10)))
                        try:
                            while len(numbers) < 300:
                                numbers.append((await stream.next())["documentKey"]["_id"])
                                token = stream.resume_token
                        except OperationFailure as failure:
                            assert failure.code == 237
                is_done = True
        assert numbers == list(range(300))
