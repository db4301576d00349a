"""Looking at the files of a checkpoint from end to end, for `amongo check`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amongo.engine.snapshots.column_files import damage_of_columns
from amongo.engine.snapshots.contents import ColumnsFile, Manifest, RowsFile, RunFile
from amongo.engine.snapshots.format import DIRECTORY
from amongo.engine.snapshots.rows import Rows
from amongo.engine.snapshots.runs import Run
from amongo.errors import ErrorCode, ServerError
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import CHECKED_PAGE_BYTES

if TYPE_CHECKING:
    from amongo.engine.files.interface import Files


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """What one file of a checkpoint holds.

    name            within the directory of snapshot files
    namespace       of its collection
    file_bytes      with the files beside it, as the MANIFEST has it
    documents       or entries that it holds
    damage          what is wrong with it; None if all verifies
    damaged_bytes   in pages that do not verify; all of it if it cannot be opened
    is_needed       whether the store is damaged with it; columns are made anew
    """

    name: str
    namespace: str
    file_bytes: int
    documents: int
    damage: str | None
    damaged_bytes: int
    is_needed: bool = True


def inspect(
    files: Files, store_directory: str, manifest: Manifest, interrupt: Interrupt = NEVER
) -> tuple[SnapshotReport, ...]:
    """Read all files of a checkpoint. errors: STORE_FORMAT_NEWER, STORE_UNREADABLE; OperationInterrupted."""
    directory = os.path.join(store_directory, DIRECTORY)
    reports = []
    for collection in manifest.collections:
        files_of: list[RowsFile | RunFile] = [*collection.rows, *collection.ids]
        files_of += [run for index in collection.indexes for run in index.runs]
        for file in files_of:
            damage, damaged_bytes = _damage(files, directory, file, interrupt)
            count = file.documents if isinstance(file, RowsFile) else file.added
            reports.append(
                SnapshotReport(file.name, collection.namespace, file.disk_bytes, count, damage, damaged_bytes)
            )
        reports += [_columns_report(files, directory, collection.namespace, each) for each in collection.columns]
    return tuple(reports)


def _columns_report(files: Files, directory: str, namespace: str, file: ColumnsFile) -> SnapshotReport:
    damage = damage_of_columns(files, os.path.join(directory, file.name), file)
    return SnapshotReport(file.name, namespace, file.size, file.rows, damage, file.size if damage else 0, False)


def _damage(files: Files, directory: str, file: RowsFile | RunFile, interrupt: Interrupt) -> tuple[str | None, int]:
    """(what is wrong with a file or None, bytes that do not verify)."""
    damaged_bytes = file.disk_bytes
    try:
        layer = Rows(files, directory, file) if isinstance(file, RowsFile) else Run(files, directory, file)
        damaged_bytes = sum(CHECKED_PAGE_BYTES for mapped in layer.maps for _ in mapped.damaged_pages(interrupt))
        if damaged_bytes:
            layer.check(interrupt)
    except ServerError as error:
        if error.code != ErrorCode.DataCorruptionDetected:
            raise
        return error.message, damaged_bytes
    return None, 0
