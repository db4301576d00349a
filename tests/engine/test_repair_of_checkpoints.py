"""`check` and `repair` of stores whose log does not reach back to the beginning: the checkpoint counts as well."""

from __future__ import annotations

import random
from typing import Any

import pytest
from typer.testing import CliRunner

from amongo import cli
from amongo.engine.files import DiskFiles, Files, MemoryFiles
from amongo.engine.records import record_key
from amongo.engine.repair import check, repair
from amongo.engine.settings import Settings
from amongo.engine.store import Change, Store
from amongo.errors import ErrorCode, ServerError
from amongo.mql.index_keys import key_maker
from amongo.runtime.clock import ManualClock
from amongo.runtime.interrupts import NEVER
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key

SHORT = Settings(
    log_file_bytes=2000,
    checkpoint_bytes=1,
    closing_checkpoint_bytes=10**9,
    log_retained_bytes=0,
    checkpoint_interval_s=1e6,
)
UNIQUE = {"v": 2, "key": {"u": 1}, "name": "u_1", "unique": True}
COUNT = 3000


def opened(files: Files, directory: str) -> Store:
    return Store.open(
        directory, files=files, clock=ManualClock(), settings=SHORT, has_service=False, make_keys=key_maker
    )


def document(number: int) -> dict[str, Any]:
    return {"_id": number, "u": number, "text": "x" * 60}


def insert(store: Store, namespace: str, numbers: range) -> None:
    raws = [encode(document(number)) for number in numbers]
    store.insert(store.create(namespace), [record_key(raw) for raw in raws], raws)


def found(store: Store, identity: int) -> tuple[int, bytes]:
    there = store.catalog.by_namespace["db.c"].find_id(id_key(identity))
    assert there is not None
    return there


def change(store: Store, identity: int, text: str) -> None:
    raw = encode({**document(identity), "text": text})
    store.update(store.catalog.by_namespace["db.c"], [Change(*found(store, identity), raw, None)])


def make_store(files: Files, directory: str) -> None:
    """Two collections in two checkpoints, and a log that begins with the last and goes on behind it."""
    store = opened(files, directory)
    assert store.checkpoints is not None
    insert(store, "db.c", range(COUNT))
    store.create_indexes(store.catalog.by_namespace["db.c"], [UNIQUE])
    insert(store, "db.d", range(5))
    store.checkpoints.checkpoint()
    change(store, 7, "changed before")
    store.delete(store.catalog.by_namespace["db.c"], [found(store, 8)])
    store.checkpoints.checkpoint()
    insert(store, "db.c", range(COUNT, COUNT + 30))
    change(store, 9, "changed behind")
    change(store, 2900, "changed behind")
    change(store, 2900, "and again")
    store.delete(store.catalog.by_namespace["db.c"], [found(store, 2901)])
    store.close()


def shown(files: Files, directory: str) -> dict[str, Any]:
    store = opened(files, directory)
    contents = {}
    for namespace, collection in store.catalog.by_namespace.items():
        records = {decode(raw)["_id"]: decode(raw) for _, raw in store.view(collection)}
        contents[namespace] = collection.uuid, list(collection.indexes.values()), records
        for identity in records:
            assert collection.find_id(id_key(identity)) is not None
    store.close()
    return contents


@pytest.fixture
def files() -> MemoryFiles:
    files = MemoryFiles()
    make_store(files, "store")
    return files


def flip(files: Files, path: str, offset: int) -> None:
    content = bytearray(files.read(path))
    content[offset] ^= 1
    file = files.open_append(path)
    file.truncate(0)
    file.write(bytes(content))


def rows_files(files: Files) -> list[str]:
    """The rows files of db.c by size, the largest first."""
    names = [f"store/snapshots/{name}" for name in files.list("store/snapshots") if name.endswith(".rows.arrow")]
    return sorted(names, key=files.size, reverse=True)


def test_the_log_of_these_tests_begins_late(files):
    assert files.list("store/log")[0] != "0000000001.log" and files.size(rows_files(files)[0]) > 4 * 65536


def test_a_sound_store_is_checked_and_repaired(files):
    report = check("store", files=files)
    assert report.is_sound and report.refusal is None and len(report.snapshots) >= 4
    assert sum(each.documents for each in report.snapshots if "rows" in each.name) == COUNT + 6  # one was changed
    assert {each.namespace for each in report.snapshots} == {"db.c", "db.d"}
    repaired = repair("store", "out", files=files)
    assert (
        repaired.losses == () and repaired.not_copied == () and repaired.documents == COUNT + 4 and repaired.frames == 5
    )
    assert shown(files, "out") == shown(files, "store")
    assert check("out", files=files).is_sound


def test_a_damaged_page_costs_its_documents_and_no_others(files):
    before = shown(files, "store")
    flip(files, rows_files(files)[0], 3 * 65536 + 100)
    report = check("store", files=files)
    assert not report.is_sound and report.refusal is None
    (damaged,) = [each for each in report.snapshots if each.damage is not None]
    assert f"byte {3 * 65536}" in damaged.damage and damaged.damaged_bytes == 65536
    repaired = repair("store", "out", files=files)
    assert [(loss.file, loss.offset, loss.lost_bytes) for loss in repaired.losses] == [(damaged.name, 3 * 65536, 65536)]
    after = shown(files, "out")
    assert after["db.d"] == before["db.d"]
    lost = set(before["db.c"][2]) - set(after["db.c"][2])
    assert 100 < len(lost) < 800 and all(before["db.c"][2][each] == left for each, left in after["db.c"][2].items())


def test_what_the_log_changes_later_is_there_even_if_the_checkpoint_has_lost_it(files):
    before = shown(files, "store")
    content = files.read(rows_files(files)[0])
    for offset in range(0, len(content), 65536):
        flip(files, rows_files(files)[0], offset + 5)
    repaired = repair("store", "out", files=files)
    assert len(repaired.losses) == -(-len(content) // 65536)
    after = shown(files, "out")["db.c"][2]
    assert after == {each: before["db.c"][2][each] for each in (7, 9, 2900, *range(COUNT, COUNT + 30))}


def test_a_missing_rows_file_is_a_loss(files):
    name = rows_files(files)[0]
    files.remove(name)
    assert not check("store", files=files).is_sound
    (loss,) = repair("store", "out", files=files).losses
    assert loss.file in name and "missing" in loss.reason
    assert set(shown(files, "out")) == {"db.c", "db.d"}


def test_damaged_runs_are_no_loss(files):
    for name in files.list("store/snapshots"):
        if ".run.arrow" in name:
            flip(files, f"store/snapshots/{name}", 20)
    assert not check("store", files=files).is_sound
    assert repair("store", "out", files=files).losses == ()


def test_a_damaged_manifest_is_named_and_the_rows_files_tell_what_there_was(files):
    expected = shown(files, "store")
    flip(files, "store/MANIFEST", 40)
    report = check("store", files=files)
    assert not report.is_sound and "MANIFEST" in (report.refusal or "") and report.snapshots == ()
    before = repair("store", "out", files=files)
    assert [loss.file for loss in before.losses] == ["MANIFEST"] and before.not_copied == ()
    assert shown(files, "out") == expected


def test_damage_of_the_log_before_the_checkpoint_is_no_loss(files):
    store = opened(files, "store")
    assert store.checkpoints is not None
    store.checkpoints.checkpoint()
    before = {each.namespace: dict(store.view(each)) for each in store.catalog.by_uuid.values()}
    store.close()
    last = files.list("store/log")[-1]
    flip(files, f"store/log/{last}", 3)
    with pytest.raises(ServerError) as caught:
        opened(files, "store")
    assert caught.value.code == ErrorCode.DataCorruptionDetected
    assert not check("store", files=files).is_sound
    assert repair("store", "out", files=files).losses == ()
    after = opened(files, "out")
    assert {each.namespace: dict(after.view(each)) for each in after.catalog.by_uuid.values()} == before


@pytest.mark.parametrize("lost", ["MANIFEST", "log", "log and MANIFEST"])
def test_what_is_gone_costs_no_more_than_it_held(files, lost):
    expected = shown(files, "store")
    if "MANIFEST" in lost:
        files.remove("store/MANIFEST")
    if "log" in lost:
        for name in files.list("store/log"):
            files.remove(f"store/log/{name}")
        for identity in (9, 2900, 2901):  # as the checkpoint had them
            expected["db.c"][2][identity] = document(identity)
        for identity in range(COUNT, COUNT + 30):
            del expected["db.c"][2][identity]
    with pytest.raises(ServerError):
        opened(files, "store")
    assert not check("store", files=files).is_sound
    repaired = repair("store", "out", files=files)
    assert [loss.file for loss in repaired.losses if "snapshots" in loss.file] == []
    assert ("log" in lost) >= bool(repaired.losses)
    assert shown(files, "out") == expected


def test_a_store_without_a_log_and_with_a_damaged_manifest_is_no_new_one(files):
    for name in files.list("store/log"):
        files.remove(f"store/log/{name}")
    flip(files, "store/MANIFEST", 40)
    for _ in range(2):
        with pytest.raises(ServerError) as caught:
            opened(files, "store")
        assert caught.value.code == ErrorCode.DataCorruptionDetected
    assert files.list("store/log") == []
    repair("store", "out", files=files)
    assert len(shown(files, "out")["db.c"][2]) == COUNT - 1


def test_files_that_others_have_taken_the_place_of_do_not_count(files):
    """One of two files that were merged is left by a stop; what the other has deleted does not come back."""
    store = opened(files, "store")
    collection = store.catalog.by_namespace["db.d"]
    assert store.checkpoints is not None
    older = [name for name in files.list("store/snapshots") if name.startswith(collection.layers[0].file.name)]
    kept = {name: files.read(f"store/snapshots/{name}") for name in older}
    store.delete(collection, [next(iter(store.view(collection)))])
    store.checkpoints.checkpoint()
    store.checkpoints.compact(collection, NEVER)
    store.close()
    expected = shown(files, "store")
    for name, content in kept.items():
        if not files.exists(f"store/snapshots/{name}"):
            files.open_append(f"store/snapshots/{name}", create=True).write(content)
    assert len(files.list("store/snapshots")) > 2
    files.remove("store/MANIFEST")
    repair("store", "out", files=files)
    assert shown(files, "out") == expected and 0 not in expected["db.d"][2]


@pytest.mark.parametrize("is_named", [True, False])
def test_a_rows_file_that_is_cut_off_has_what_is_left(files, is_named):
    before = shown(files, "store")["db.c"][2]
    name = rows_files(files)[0]
    files.open_append(name).truncate(3 * 65536 + 500)
    if not is_named:
        files.remove("store/MANIFEST")
    repaired = repair("store", "out", files=files)
    (loss,) = repaired.losses
    assert (loss.file, loss.offset, loss.reason) == (name.rpartition("/")[2], 3 * 65536, "the file ends early")
    assert loss.records is not None and loss.records[1] == COUNT
    after = shown(files, "out")["db.c"][2]
    assert len(after) > 1000 and all(before[each] == left for each, left in after.items())
    assert all(
        before[each] == after[each] for each in (7, 9, 2900, *range(1000), *range(COUNT, COUNT + 30)) if each != 8
    )


def test_where_a_small_file_is_damaged_the_older_ones_count(files):
    """Nobody can tell which records it had; they are as they were before, and that is told."""
    small = min(rows_files(files), key=files.size)
    names = {each.name: each.namespace for each in check("store", files=files).snapshots}
    small = next(each for each in rows_files(files)[1:] if names[each.rpartition("/")[2]] == "db.c")
    for offset in range(0, files.size(small), 64):
        flip(files, small, offset)
    repaired = repair("store", "out", files=files)
    assert [loss.file for loss in repaired.losses] == [small.rpartition("/")[2]]
    after = shown(files, "out")["db.c"][2]
    assert set(range(COUNT + 30)) - set(after) <= {7, 8, 2901}


def test_commits_behind_lost_ones_fit(files):
    """Commits are lost that made a collection and records; what comes behind is kept as far as it can be."""
    for name in files.list("store/snapshots"):
        files.remove(f"store/snapshots/{name}")
    files.remove("store/MANIFEST")
    repaired = repair("store", "out", files=files)
    assert any("creation of 'db.c' is lost" in loss.reason for loss in repaired.losses)
    assert any("which is lost" in loss.reason for loss in repaired.losses)
    assert set(shown(files, "out")["db.c"][2]) == set(range(COUNT, COUNT + 30))


@pytest.mark.parametrize("seed", range(16))
def test_whatever_is_damaged_a_store_comes_out_that_opens(files, seed):
    before = shown(files, "store")
    chance = random.Random(seed)
    paths = [f"store/{name}/{each}" for name in ("log", "snapshots") for each in files.list(f"store/{name}")]
    for _ in range(chance.randint(1, 4)):
        path = chance.choice([*paths, "store/MANIFEST"])
        if not files.exists(path):
            continue
        how = chance.choice(["flip", "cut", "remove"])
        if how == "remove":
            files.remove(path)
        elif how == "cut":
            files.open_append(path).truncate(chance.randint(0, files.size(path)))
        elif files.size(path):
            flip(files, path, chance.randrange(files.size(path)))
    check("store", files=files)
    repaired = repair("store", "out", files=files)
    after = shown(files, "out")
    versions = {each: {repr(document(each))} for each in range(COUNT + 30)}
    for each, text in ((7, "changed before"), (9, "changed behind"), (2900, "changed behind"), (2900, "and again")):
        versions[each].add(repr({**document(each), "text": text}))
    for namespace, (_, _, records) in after.items():
        assert namespace in before
        assert all(repr(found) in versions[each] or found == {"_id": each} for each, found in records.items())
    if not repaired.losses:
        assert after == before


def test_the_commands_show_the_checkpoint(tmp_path):
    store = str(tmp_path / "store")
    make_store(DiskFiles(), store)
    result = CliRunner().invoke(cli.build(), ["check", store], env={"COLUMNS": "200"})
    assert result.exit_code == cli.DONE and "rows.arrow" in result.output and "sound" in result.output
    name = next(
        path for path in sorted((tmp_path / "store" / "snapshots").iterdir()) if path.name.endswith(".run.arrow")
    )
    content = bytearray(name.read_bytes())
    content[30] ^= 1
    name.write_bytes(content)
    result = CliRunner().invoke(cli.build(), ["check", store], env={"COLUMNS": "200"})
    assert result.exit_code == cli.DAMAGED and name.name in result.output
    result = CliRunner().invoke(cli.build(), ["repair", store, str(tmp_path / "out")], env={"COLUMNS": "200"})
    assert result.exit_code == cli.DONE and f"salvaged {COUNT + 4} documents" in result.output
