"""Files of columns that a checkpoint has left, as a store that is opened finds them: nothing of them is read yet."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from amongo.engine.columns.column import Column, Path
from amongo.engine.snapshots.contents import ColumnsFile
from amongo.runtime.interrupts import Interrupt

if TYPE_CHECKING:
    from amongo.engine.files.interface import Files


class StoredSegment:
    """One file of columns.

    file   what the MANIFEST says of it
    """

    __slots__ = ("_directory", "_files", "_found", "file")

    def __init__(self, files: Files, directory: str, file: ColumnsFile) -> None:
        """directory: of the snapshot files."""
        self.file = file
        self._files = files
        self._directory = directory
        self._found: tuple[Any, dict[Path, Column]] | None = None

    def load(self, interrupt: Interrupt) -> tuple[Any, dict[Path, Column]]:
        """(record ids, columns by their paths), verified and mapped; nothing at all if the file is damaged."""
        found = self._found
        if found is None:
            from amongo.engine.columns.persistence import ColumnsDamaged, read_columns

            path = os.path.join(self._directory, self.file.name)
            try:
                found = read_columns(self._files, path, self.file, interrupt)
            except ColumnsDamaged:
                found = None, {}
            self._found = found
        return found


class StoredColumns:
    """The files of columns of one collection; its records may have changed since.

    segments   each
    """

    __slots__ = ("segments",)

    def __init__(self, files: Files, directory: str, columns: Iterable[ColumnsFile]) -> None:
        """directory: of the snapshot files."""
        self.segments = [StoredSegment(files, directory, file) for file in columns]
