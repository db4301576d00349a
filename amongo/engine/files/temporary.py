"""Temporary files: what an operation puts aside that does not fit in memory.

They have no name, or lose it at once, so that nothing has to be removed: not after the operation, not after it was
cancelled, and not at the next opening after a crash. A store in a directory has them in that directory, on the disk
that its user has chosen; a store in memory has them where the system keeps such files.
"""

from __future__ import annotations

import shutil
import tempfile
from typing import BinaryIO, Protocol, cast

from amongo.errors import storage as errors
from amongo.runtime.limits import SPILL_BUFFER_BYTES, SPILL_FREE_BYTES


class TemporaryFiles(Protocol):
    """Where temporary files come from."""

    def open(self) -> BinaryIO:
        """A new file to write, to seek in and to read; it is gone when it is closed, and when the process ends.

        errors   SPILL_DISK_FULL, OSError
        """
        ...


class DiskTemporaryFiles:
    """Temporary files on a disk.

    directory   None for where the system keeps such files
    """

    def __init__(self, directory: str | None = None) -> None:
        self._directory = directory or tempfile.gettempdir()

    def open(self) -> BinaryIO:
        """A new file.

        errors   SPILL_DISK_FULL where less than `SPILL_FREE_BYTES` are left, OSError
        """
        free = shutil.disk_usage(self._directory).free
        if free < SPILL_FREE_BYTES:
            raise errors.SPILL_DISK_FULL(path=self._directory, free=free, least=SPILL_FREE_BYTES)
        return cast(BinaryIO, tempfile.TemporaryFile("w+b", buffering=SPILL_BUFFER_BYTES, dir=self._directory))
