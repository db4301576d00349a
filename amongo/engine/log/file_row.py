"""The row of a store's log files: which there are, how one is begun, how the oldest go.

The row has no holes: names become durable in order at its end and go in order at its beginning, each change of a name
with the directory synced, so that a stop at any point leaves a row. What stands in the files is the matter of `log`
(writing) and `recovery` (reading).

Nothing here locks; `Log` calls what changes `files` under its lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import pairwise

from amongo.engine.files.interface import AppendFile, Files
from amongo.engine.log.format import Header, LogFile, Mark, file_name, pack_header


class FileRow:
    """See the module's text.

    files   number -> what is known of the file, oldest first; the last one's `file_bytes` are those when it was begun
    """

    __slots__ = ("_directory", "_files", "files")

    def __init__(self, directory: str, files: Files) -> None:
        self.files: dict[int, LogFile] = {}
        self._directory = directory
        self._files = files

    def path(self, number: int) -> str:
        """Path of the file of this number."""
        return os.path.join(self._directory, file_name(number))

    def read(self, number: int, length: int, offset: int) -> bytes:
        """Bytes of a file, as far as it has them. errors: OSError."""
        return self._files.read(self.path(number), length, offset)

    # The end

    def create_first(self, header: Header) -> AppendFile:
        """Begin the row of a new store. errors: OSError."""
        number = header.file_number
        self._files.make_directory(self._directory)
        file = self.open_empty(number, may_reserve=False)  # nothing may stand behind it before it is durable
        file.write(pack_header(header))
        file.sync()
        file.close()
        self._files.sync_directory(self._directory)
        self.add(header, file_bytes=0)
        return self.reopen(number)

    def reopen(self, number: int) -> AppendFile:
        """A file that is there, to append to. errors: OSError."""
        return self._files.open_append(self.path(number), may_reserve=True)

    def open_empty(self, number: int, may_reserve: bool = True) -> AppendFile:
        """A file of no bytes, its name not durable yet. errors: OSError."""
        file = self._files.open_append(self.path(number), create=True, may_reserve=may_reserve)
        if file.size:  # left by an attempt that failed
            file.truncate(0)
        return file

    def sync_names(self) -> None:
        """Make the names durable. errors: OSError."""
        self._files.sync_directory(self._directory)

    def add(self, header: Header, file_bytes: int) -> None:
        """The next file has been begun; the one before it ends with so many bytes."""
        before = self.files.get(header.file_number - 1)
        if before is not None:
            self.files[before.number] = before._replace(file_bytes=file_bytes)
        self.files[header.file_number] = LogFile(header.file_number, header.first_sequence, header.created_ms, 0)

    def discard(self, file: AppendFile, number: int) -> None:
        """Remove a file from `open_empty` so that it does not come back. errors: OSError."""
        file.truncate(0)
        file.close()
        self._files.remove(self.path(number))
        self.sync_names()

    # After a stop

    def adopt(self, files: Iterable[LogFile]) -> None:
        """Take over what recovery has found."""
        self.files = {each.number: each for each in files}

    def cut(self, names: Iterable[str]) -> None:
        """Remove files from the row's end, last first. errors: OSError."""
        for name in names:
            self._files.remove(os.path.join(self._directory, name))
            self.sync_names()

    def renew(self, mark: Mark) -> None:
        """Make durable what the last process may have left unsynced: everything behind the furthest mark.

        It may have stopped over a failed fsync, or before the names of its files were durable, so that an fsync alone
        proves nothing.

        errors   OSError
        """
        for number in sorted(self.files)[-2:]:  # earlier files were synced before the last was begun
            if number >= mark.file_number:
                self._files.renew(self.path(number), mark.offset if number == mark.file_number else 0)
        self.sync_names()
        self._files.sync_directory(os.path.dirname(self._directory) or os.curdir)

    # The beginning

    def before(self, sequence: int) -> list[LogFile]:
        """The files that hold only commits before `sequence`, oldest first; never the current one."""
        return [file for file, following in pairwise(self.files.values()) if following.first_sequence <= sequence]

    def remove(self, file: LogFile) -> None:
        """Remove the oldest file, durably. May be tried again where it failed. errors: OSError."""
        path = self.path(file.number)
        if self._files.exists(path):
            self._files.remove(path)
        self.sync_names()
