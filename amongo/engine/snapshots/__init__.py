"""Snapshot files: the immutable files of a checkpoint, and the MANIFEST that names them.

`rows` and `runs` read, `manifest` says which files count. The writers need Arrow, which takes longer to load than a
store to open; they are loaded when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.engine.snapshots.contents import (
    CollectionContents,
    ColumnsFile,
    IndexContents,
    Manifest,
    RowsFile,
    RunFile,
)
from amongo.engine.snapshots.format import (
    DIRECTORY,
    MANIFEST_NAME,
    columns_name,
    names_beside,
    rows_name,
    run_name,
    snapshot_file_number,
)
from amongo.engine.snapshots.inspection import SnapshotReport, inspect
from amongo.engine.snapshots.manifest import has_snapshot_files, read_manifest, write_manifest
from amongo.engine.snapshots.origin import Origin, lone_rows_file, origin_of
from amongo.engine.snapshots.rows import Rows
from amongo.engine.snapshots.runs import Run, SortedEntries

if TYPE_CHECKING:
    from amongo.engine.snapshots.merge import merge_rows, merge_runs
    from amongo.engine.snapshots.rows_writer import RowsWriter
    from amongo.engine.snapshots.run_writer import RunWriter

_WRITERS = {"RowsWriter": "rows_writer", "RunWriter": "run_writer", "merge_rows": "merge", "merge_runs": "merge"}

__all__ = [
    "DIRECTORY",
    "MANIFEST_NAME",
    "CollectionContents",
    "ColumnsFile",
    "IndexContents",
    "Manifest",
    "Origin",
    "Rows",
    "RowsFile",
    "RowsWriter",
    "Run",
    "RunFile",
    "RunWriter",
    "SnapshotReport",
    "SortedEntries",
    "columns_name",
    "has_snapshot_files",
    "inspect",
    "lone_rows_file",
    "merge_rows",
    "merge_runs",
    "names_beside",
    "origin_of",
    "read_manifest",
    "rows_name",
    "run_name",
    "snapshot_file_number",
    "write_manifest",
]


def __getattr__(name: str) -> Any:
    module = _WRITERS.get(name)
    if module is None:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{module}"), name)
