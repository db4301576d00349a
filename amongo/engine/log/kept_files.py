"""The files of a log as others than its writer need them: which are kept, which go, and what is read again.

`Log` is the writer. What a reader of the history takes from here, see `past`.
"""

from __future__ import annotations

from amongo.engine.log.durability import Durability
from amongo.engine.log.file_row import FileRow
from amongo.engine.log.format import LogFile
from amongo.engine.log.past import PastCommits
from amongo.engine.log.recent import Recent
from amongo.engine.log.recovery import reason_of
from amongo.errors import storage
from amongo.errors.history import HISTORY_LOST
from amongo.runtime.limits import LOG_HISTORY_BYTES


class KeptFiles(Durability):
    """The part of a log that knows its files, and what is in memory of them.

    recent   the last commits, while anybody reads them
    """

    __slots__ = ("_number", "_offset", "_row", "recent")

    def __init__(self, has_service: bool, sync_interval_s: float, row: FileRow) -> None:
        super().__init__(has_service, sync_interval_s)
        self._row = row
        # All below belongs to the guard.
        self.recent: Recent | None = None
        self._number = 0  # of the file that is being written
        self._offset = 0  # its end as memory knows it

    def _path(self, number: int) -> str:
        return self._row.path(number)

    # Retention

    def log_files(self) -> list[LogFile]:
        """The files, oldest first; the last is the one that is being written."""
        with self.guard:
            *ended, current = self._row.files.values()
            return [*ended, current._replace(file_bytes=self._offset)]

    @property
    def total_bytes(self) -> int:
        """The bytes of all files, without what is reserved behind the last frame."""
        return sum(file.file_bytes for file in self.log_files())

    def drop_before(self, sequence: int) -> list[LogFile]:
        """Remove the files that hold only commits before `sequence`; those that went. The current file always stays.

        They go durably, oldest first, so that the log begins with a whole file wherever it breaks off. A store opens
        with what is left by `replay(after)` for every `after` from `sequence - 1` on. What was not removed for an
        error may be tried again.

        errors   LOG_WRITE_FAILED
        """
        with self.guard:
            obsolete = self._row.before(min(sequence, self._synced_sequence))
        for file in obsolete:
            try:
                self._row.remove(file)
            except OSError as error:
                raise storage.LOG_WRITE_FAILED(file=self._path(file.number), reason=reason_of(error)) from error
            with self.guard:
                self._row.files.pop(file.number, None)
        return obsolete

    # History

    @property
    def oldest(self) -> int:
        """Every commit with a greater sequence is in the files."""
        with self.guard:
            return next(iter(self._row.files.values())).first_sequence - 1

    def keep_recent(self, is_wanted: bool) -> None:
        """Keep the last commits in memory from now on, or no more."""
        with self.guard:
            if not is_wanted:
                self.recent = None
            elif self.recent is None:
                self.recent = Recent(LOG_HISTORY_BYTES, self.last_sequence)

    def take_back(self) -> None:
        """The commit that broke off has not happened."""
        if self.recent is not None:
            self.recent.take_back(self.last_sequence)

    def past(self) -> PastCommits:
        """What reads the commits before the recent ones, from the files."""
        return PastCommits(self)

    def file_behind(self, sequence: int) -> LogFile | None:
        """The file in which the commit after `sequence` stands, or an earlier one; None if it may have been removed."""
        with self.guard:
            files = [file for file in self._row.files.values() if file.first_sequence <= sequence + 1]
            return files[-1] if files else None

    def file_after(self, file: LogFile) -> LogFile | None:
        """The file that follows on one; None if that is the one being written. errors: HISTORY_LOST."""
        with self.guard:
            if file.number == self._number:
                return None
            following = self._row.files.get(file.number + 1)
        if following is None:
            raise HISTORY_LOST()
        return following

    def read_file(self, file: LogFile, length: int, offset: int) -> bytes:
        """Bytes of a file of the log. errors: HISTORY_LOST if it has been removed, STORE_UNREADABLE."""
        try:
            return self._row.read(file.number, length, offset)
        except FileNotFoundError:
            raise HISTORY_LOST() from None
        except OSError as error:
            raise storage.STORE_UNREADABLE(path=self._path(file.number), reason=reason_of(error)) from error

    def path_of(self, file: LogFile) -> str:
        """Where a file of the log is."""
        return self._path(file.number)
