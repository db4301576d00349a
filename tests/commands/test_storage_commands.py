"""What the commands tell of a store on disk, and make it do: sizes, fsync, compact, validate, serverStatus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import Ask

from amongo.commands.instance import Instance
from amongo.engine.settings import Settings
from amongo.engine.store import Store
from amongo.errors import ServerError
from amongo.mql.index_keys import key_maker
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode

INDEX = {"createIndexes": "things", "indexes": [{"key": {"n": 1}, "name": "n_1", "unique": True}]}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(directory: Path) -> Iterator[Store]:
    quiet = Settings(closing_checkpoint_bytes=10**9, checkpoint_interval_s=1e6)
    store = Store.open(str(directory), settings=quiet, make_keys=key_maker, has_service=False)
    yield store
    store.close()


@pytest.fixture
def ask(store: Store) -> Ask:
    instance = Instance(store, clock=ManualClock())

    def run(command: dict[str, Any], database: str = "shop") -> dict[str, Any]:
        try:
            reply = instance.run_command(database, encode(command))
        except ServerError as error:
            reply = error.reply()
        return decode(encode(reply))

    return run


def fill(ask: Ask, numbers: range) -> None:
    documents = [{"_id": number, "n": number, "text": "x" * 100} for number in numbers]
    assert ask({"insert": "things", "documents": documents})["ok"] == 1.0


def disk_bytes(directory: Path, part: str) -> int:
    return sum(each.stat().st_size for each in (directory / "snapshots").iterdir() if part in each.name)


def test_sizes_are_those_of_the_files(ask: Ask, directory: Path) -> None:
    fill(ask, range(500))
    ask(INDEX)
    before = ask({"collStats": "things"})
    assert before["storageSize"] == before["size"] and before["indexSizes"] == {"_id_": 16000, "n_1": 16000}
    assert ask({"fsync": 1}, "admin") == {"numFiles": 1, "ok": 1.0}
    stats = ask({"collStats": "things"})
    assert stats["size"] == before["size"]
    assert stats["storageSize"] == disk_bytes(directory, ".rows.")
    assert stats["totalIndexSize"] == sum(stats["indexSizes"].values()) == disk_bytes(directory, ".run.")
    assert stats["totalSize"] == disk_bytes(directory, "")
    fill(ask, range(500, 510))
    after = ask({"collStats": "things"})
    assert after["storageSize"] == stats["storageSize"] + after["size"] - stats["size"]
    assert {name: size + 320 for name, size in stats["indexSizes"].items()} == after["indexSizes"]
    total = ask({"dbStats": 1})
    assert (total["storageSize"], total["indexSize"]) == (after["storageSize"], after["totalIndexSize"])
    pipeline = [{"$collStats": {"storageStats": {}}}]
    (shown,) = ask({"aggregate": "things", "pipeline": pipeline, "cursor": {}})["cursor"]["firstBatch"]
    assert shown["storageStats"]["storageSize"] == after["storageSize"]


def test_compact_frees_what_is_gone(ask: Ask, directory: Path) -> None:
    fill(ask, range(500))
    ask(INDEX)
    ask({"fsync": 1}, "admin")
    ask({"delete": "things", "deletes": [{"q": {"n": {"$gte": 100}}, "limit": 0}]})
    ask({"fsync": 1}, "admin")
    before = disk_bytes(directory, "")
    assert ask({"compact": "things", "force": True, "dryRun": True})["estimatedBytesFreed"] == 0
    freed = ask({"compact": "things", "force": True})["bytesFreed"]
    assert freed > 40_000 and freed == before - disk_bytes(directory, "")
    assert ask({"compact": "things", "force": True})["bytesFreed"] == 0
    assert ask({"count": "things"})["n"] == 100 and ask({"validate": "things", "full": True})["valid"]


def test_server_status_tells_of_the_last_checkpoint(ask: Ask, store: Store) -> None:
    assert ask({"serverStatus": 1})["storageEngine"]["checkpoint"] == {"failure": None}
    fill(ask, range(5))
    ask({"fsync": 1}, "admin")
    told = ask({"serverStatus": 1})["storageEngine"]["checkpoint"]
    assert (told["sequence"].time << 32) + told["sequence"].inc == store.last_sequence
    assert told["files"] == 2 and told["fileBytes"] > 0 and told["failure"] is None and told["durationMillis"] >= 0
    assert store.checkpoints is not None
    store.checkpoints.failure = OSError("no space")
    assert ask({"serverStatus": 1})["storageEngine"]["checkpoint"]["failure"] == "no space"
    ask({"fsync": 1}, "admin")
    assert ask({"serverStatus": 1})["storageEngine"]["checkpoint"]["failure"] is None


def test_validate_finds_a_damaged_page(ask: Ask, store: Store, directory: Path) -> None:
    fill(ask, range(2000))
    ask(INDEX)
    ask({"fsync": 1}, "admin")
    assert ask({"validate": "things", "full": True})["valid"]
    (path,) = [each for each in (directory / "snapshots").iterdir() if each.name.endswith(".rows.arrow")]
    content = bytearray(path.read_bytes())
    content[70_000] ^= 1
    path.write_bytes(content)
    reply = ask({"validate": "things", "full": True})
    assert not reply["valid"] and path.name in reply["errors"][0] and "byte 65536" in reply["errors"][0]


def test_fsync_is_for_administrators(ask: Ask) -> None:
    assert ask({"fsync": 1})["code"] == 13
