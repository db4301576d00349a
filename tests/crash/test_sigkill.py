"""A process that writes is killed, again and again: whatever it was told is done, is there."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sigkill_writer import BATCH, COLUMNS

from amongo import MongoClient
from amongo.engine.columns.cache import columns_of
from amongo.engine.files import DiskFiles
from amongo.engine.indexes import entry_of
from amongo.engine.records import Collection
from amongo.engine.snapshots import read_manifest
from amongo.runtime.interrupts import NEVER
from amongo.values.codec import decode
from tests.engine.column_rows import assert_exact

KINDS = ("single", "batch", "counter", "journaled", "deleted")
ROUNDS = int(os.environ.get("AMONGO_SIGKILL_ROUNDS", "30"))
CHECKPOINT_ROUNDS = max(ROUNDS // 2, 10)


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    told = killed_again_and_again(tmp_path / "store", ROUNDS, KINDS)
    kinds = Counter(event["kind"] for event in told)
    assert all(kinds[kind] > ROUNDS // 2 for kind in KINDS), kinds


def test_nothing_is_lost_around_checkpoints(tmp_path: Path) -> None:
    """The store is always at a checkpoint, a merge of files, the filing of columns, or the building of an index when it
    is killed."""
    wanted = (*KINDS, "built", "checkpoint", "filed")
    told = killed_again_and_again(tmp_path / "store", CHECKPOINT_ROUNDS, wanted, "checkpoints")
    kinds = Counter(event["kind"] for event in told)
    assert all(kinds[kind] > CHECKPOINT_ROUNDS // 2 for kind in wanted), kinds
    checkpointed = max(event["sequence"] for event in told if event["kind"] == "checkpoint")
    manifest = read_manifest(DiskFiles(), str(tmp_path / "store"))
    assert manifest is not None
    assert manifest.sequence >= checkpointed


def killed_again_and_again(directory: Path, rounds: int, kinds: Sequence[str], *arguments: str) -> list[dict[str, Any]]:
    """All that the writers of some rounds told; the store is checked between them.

    kinds       what a round may have to wait for before its writer is killed
    arguments   for the writers
    """
    chance = random.Random(7)
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("sigkill_writer.py")), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as zygote:
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        assert json.loads(zygote.stdout.readline())["kind"] == "ready"
        told: list[dict[str, Any]] = []
        for number in range(rounds):
            zygote.stdin.write(f"{directory} {number}\n")
            zygote.stdin.flush()
            told += one_round(zygote.stdout, chance, kinds)
            if number % 10 == 9 or number == rounds - 1:
                check(directory, told)
        zygote.stdin.close()
    return told


def one_round(output: Any, chance: random.Random, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """What one writer told before it was killed: soon after its first word, or after so many of each kind."""
    told: list[dict[str, Any]] = []
    enough = chance.choice([0, 1, 1, 2, 3])
    kinds = Counter[str]()
    killer: threading.Timer | None = None
    pid = 0
    for line in output:
        event = json.loads(line)
        if event["kind"] == "dead":
            break
        if event["kind"] == "writer":
            pid = event["pid"]
        else:
            told.append(event)
            kinds[event["kind"]] += 1
        if killer is None and pid and told and min(kinds[kind] for kind in wanted) >= enough:
            killer = threading.Timer(chance.uniform(0, 0.03), os.kill, (pid, signal.SIGKILL))  # anywhere in its work
            killer.start()
    assert killer is not None, "the writer ended before it wrote"
    killer.join()
    return told


def check(directory: Path, told: list[dict[str, Any]]) -> None:
    """Open the store and compare it with what was told."""
    client: MongoClient[dict[str, Any]] = MongoClient(f"local://{directory}")
    database = client.crash
    singles = {document["_id"] for document in database.singles.find()}
    assert {event["id"] for event in told if event["kind"] == "single"} <= singles
    batches = Counter(document["batch"] for document in database.batches.find())
    assert set(batches.values()) <= {BATCH}, "a batch is there by half"
    assert {event["id"] for event in told if event["kind"] == "batch"} <= set(batches)
    deleted = {event["id"] for event in told if event["kind"] == "deleted"}
    journaled = {event["id"] for event in told if event["kind"] == "journaled"}
    there = {document["_id"] for document in database.deleted.find()}
    assert not deleted & there
    assert {identity for identity in journaled - deleted if int(identity.rsplit("-")[-1]) % 2 == 0} <= there
    told_total = sum(1 for event in told if event["kind"] == "counter")
    assert told_total <= sum(document["value"] for document in database.counters.find())
    store = client._async._runner.instance.store  # type: ignore[attr-defined]
    check_indexes(store.catalog.by_namespace["crash.singles"])
    view, columns = columns_of(store, store.catalog.by_namespace["crash.singles"], COLUMNS, NEVER)
    assert_exact(view, columns, COLUMNS)
    client.close()


def check_indexes(collection: Collection) -> None:
    """Every index holds exactly the keys of the documents there are."""
    assert len(collection.indexes) - 1 == len(() if collection.secondary is None else collection.secondary.indexes)
    for index in () if collection.secondary is None else collection.secondary.indexes:
        expected = {
            entry_of(key, record_id, types)
            for record_id, raw in collection.view()
            for key, types in index.maker.keys(decode(raw)).keys.items()
        }
        assert list(index.entries.view()) == sorted(expected)


def test_the_lock_of_a_killed_owner_is_free(tmp_path: Path) -> None:
    program = f"""
import time
from amongo import MongoClient
client = MongoClient("local://{tmp_path}/store")
client.db.c.insert_one({{"_id": 1}})
print("ready", flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        owner.kill()
        owner.wait()
    client: MongoClient[dict[str, Any]] = MongoClient(f"local://{tmp_path}/store")
    assert client.db.c.find_one() == {"_id": 1}
    client.close()
