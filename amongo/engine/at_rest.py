"""What a store at rest holds: its sizes and counts, read without changing a byte.

The MANIFEST tells what the snapshot files hold, the log what came behind; a torn tail, which opening the store would
cut off, is left out and told. Owners are kept away meanwhile, as by `repair.check`, which verifies more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from amongo.engine.catalog import Catalog
from amongo.engine.checkpoints import place_of, restore
from amongo.engine.files import DiskFiles, Files
from amongo.engine.log.recovery import Recovery
from amongo.engine.replay import replay
from amongo.engine.snapshots import CollectionContents, Manifest, has_snapshot_files, read_manifest
from amongo.errors import storage


@dataclass(frozen=True, slots=True)
class IndexSizes:
    """One index.

    name         its name
    keys         its key pattern, as text `a_1_b_-1` would spell it
    file_bytes   of its snapshot files; 0 for what has come since the checkpoint
    """

    name: str
    keys: str
    file_bytes: int


@dataclass(frozen=True, slots=True)
class CollectionSizes:
    """One collection.

    namespace       "database.collection"
    documents       how many it holds
    data_bytes      their BSON
    row_bytes       of the snapshot files that hold documents
    indexes         in the order of listIndexes
    column_files    files of columns, and
    column_bytes    their bytes; they are a cache
    """

    namespace: str
    documents: int
    data_bytes: int
    row_bytes: int
    indexes: tuple[IndexSizes, ...]
    column_files: int
    column_bytes: int


@dataclass(frozen=True, slots=True)
class StoreSizes:
    """A store at rest.

    path                the store
    log_files           how many, and
    log_bytes           their bytes
    last_sequence       cluster time of the last commit; 0 for none
    torn_bytes          behind it, that opening the store would cut off
    manifest_sequence   cluster time of the checkpoint; None without one
    snapshot_bytes      of all snapshot files that the checkpoint names
    disk_bytes          of everything in the directory
    collections         by namespace
    """

    path: str
    log_files: int
    log_bytes: int
    last_sequence: int
    torn_bytes: int
    manifest_sequence: int | None
    snapshot_bytes: int
    disk_bytes: int
    collections: tuple[CollectionSizes, ...]


def look(path: str, *, files: Files | None = None) -> StoreSizes:
    """The sizes of the store in a directory.

    errors   STORE_NOT_FOUND, STORE_PATH_IS_FILE, STORE_IN_USE, STORE_FORMAT_NEWER, STORE_UNREADABLE; those of opening a
             damaged store
    """
    files = files or DiskFiles()
    lock = files.lock(path, shared=True)
    try:
        recovery = Recovery(path, files)
        manifest = read_manifest(files, path)
        if manifest is None and not recovery.numbers:
            raise (storage.STORE_WITHOUT_LOG if has_snapshot_files(files, path) else storage.STORE_NOT_FOUND)(path=path)
        catalog = Catalog()
        restored = {} if manifest is None else restore(manifest, catalog, files, path)
        frames = recovery.frames() if manifest is None else recovery.frames(manifest.sequence, place_of(manifest))
        replay(frames, catalog, restored)
        return _sizes(path, files, recovery, manifest, catalog)
    finally:
        lock.release()


def _sizes(path: str, files: Files, recovery: Recovery, manifest: Manifest | None, catalog: Catalog) -> StoreSizes:
    filed = {} if manifest is None else {each.uuid: each for each in manifest.collections}
    collections = []
    for namespace in sorted(catalog.by_namespace):
        collection = catalog.by_namespace[namespace]
        contents = filed.get(collection.uuid)
        runs = {} if contents is None else _run_bytes(contents)
        indexes = tuple(
            IndexSizes(name, "_".join(f"{path}_{order}" for path, order in index["key"].items()), runs.get(name, 0))
            for name, index in collection.indexes.items()
        )
        collections.append(
            CollectionSizes(
                namespace,
                collection.count,
                collection.data_bytes,
                0 if contents is None else sum(each.disk_bytes for each in contents.rows),
                indexes,
                0 if contents is None else len(contents.columns),
                0 if contents is None else sum(each.size for each in contents.columns),
            )
        )
    ending = recovery.ending
    assert ending is not None
    return StoreSizes(
        path,
        len(recovery.numbers),
        sum(files.size(recovery.path(number)) for number in recovery.numbers),
        max(ending.last_sequence, 0 if manifest is None else manifest.sequence),
        0 if ending.cut is None else ending.cut.lost_bytes,
        None if manifest is None else manifest.sequence,
        0 if manifest is None else sum(_file_bytes(each) for each in manifest.collections),
        bytes_below(path),
        tuple(collections),
    )


def _run_bytes(contents: CollectionContents) -> dict[str, int]:
    """Bytes of the files of each index, by its name."""
    sizes = {str(each.definition["name"]): sum(run.disk_bytes for run in each.runs) for each in contents.indexes}
    ids = sum(run.disk_bytes for run in contents.ids)
    return {**sizes, "_id_": ids}


def _file_bytes(contents: CollectionContents) -> int:
    columns = sum(each.size for each in contents.columns)
    return sum(each.disk_bytes for each in contents.rows) + sum(_run_bytes(contents).values()) + columns


def bytes_below(path: str) -> int:
    """Bytes of all files in a directory and those within it, as they are stored (without holes)."""
    total = 0
    for directory, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(directory, name)).st_blocks * 512
            except OSError:
                continue  # removed meanwhile
    return total
