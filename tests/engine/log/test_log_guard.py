"""Who appends holds the guard: the short way of one entry takes no lock of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import anyio
import bson
import pytest

import amongo
from amongo.engine.files import DiskFiles
from amongo.engine.log import Log, entry
from amongo.engine.settings import Settings
from amongo.runtime.clock import SYSTEM_CLOCK

HEAD = bson.encode({"op": "i", "ns": "test.things"})
PATIENCE_S = 60


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """For each call of `append_entry`, whether its thread held the guard."""
    held: list[bool] = []
    append_entry = Log.append_entry

    def watched(log, *arguments):
        held.append(log.guard._is_owned())
        return append_entry(log, *arguments)

    monkeypatch.setattr(Log, "append_entry", watched)
    yield held


def test_every_write_of_one_document_holds_it(calls, tmp_path):
    async def main() -> None:
        async with amongo.AsyncMongoClient(f"local://{tmp_path}/store") as client:
            things = client["test"]["things"]
            await things.insert_one({"_id": 1})
            await things.update_one({"_id": 1}, {"$set": {"n": 1}})
            await things.update_one({"_id": 2}, {"$set": {"n": 1}}, upsert=True)
            await things.replace_one({"_id": 1}, {"m": 1})
            await things.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}})
            await client["test"].create_collection("few", capped=True, size=4096, max=2)
            await client["test"]["few"].insert_many([{"n": n} for n in range(5)])
            async with anyio.create_task_group() as group:
                for number in range(200):
                    group.start_soon(things.insert_one, {"n": number})

    anyio.run(main)
    assert len(calls) >= 2 and all(calls)  # what is done for several at once goes through `append`


def test_entries_of_many_threads_and_the_services_marks_keep_apart(tmp_path):
    """Small files, so that the service goes on to the next all the time, while others append under the guard."""
    settings = Settings(log_file_bytes=20_000, sync_interval_s=0.001)
    log = Log.open(str(tmp_path), DiskFiles(), SYSTEM_CLOCK, settings=settings)
    assert list(log.replay()) == []
    sequences: dict[int, int] = {}

    def write(start: int) -> None:
        for number in range(start, start + 400):
            document = bson.encode({"_id": number, "text": "x" * (number * 37 % 3000)})
            with log.guard:
                sequences[number] = log.append_entry(number, 1, HEAD, document)
            if number % 40 == 0:
                assert log.durable(sequences[number]).wait_blocking(PATIENCE_S)

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    log = Log.open(str(tmp_path), DiskFiles(), SYSTEM_CLOCK, settings=settings)
    frames = list(log.replay())
    assert len(log.log_files()) > 5 and log.cut is None
    assert {frame.entries()[0].record_id: frame.sequence for frame in frames} == sequences
    assert [frame.sequence for frame in frames] == sorted(sequences.values())
    log.close()


@pytest.mark.parametrize("size", [0, 100, 1900, 1990, 2100, 70_000])
def test_an_entry_is_the_same_frame_either_way(tmp_path, size):
    document = bson.encode({"text": "x" * size})
    payloads = []
    for way in ("append", "append_entry"):
        log = Log.open(str(tmp_path / way), DiskFiles(), SYSTEM_CLOCK)
        assert list(log.replay()) == []
        with log.guard:
            if way == "append":
                log.append(entry(7, HEAD, [document, document]))
            else:
                log.append_entry(7, 2, HEAD, document + document)
        log.close()
        log = Log.open(str(tmp_path / way), DiskFiles(), SYSTEM_CLOCK)
        payloads.append([frame.payload for frame in log.replay()])
        log.close()
    assert payloads[0] == payloads[1] == [entry(7, HEAD, [document, document])]
