"""What can be set when a store is opened."""

from __future__ import annotations

from dataclasses import dataclass

from amongo.runtime.limits import (
    CHECKPOINT_BYTES,
    CHECKPOINT_INTERVAL_S,
    CLOSING_CHECKPOINT_BYTES,
    COLUMN_BYTES,
    COLUMN_FILE_COUNT,
    COLUMNAR_LEAST_COUNT,
    COLUMNAR_MEMORY_BYTES,
    LOG_FILE_BYTES,
    LOG_RETAINED_BYTES,
    LOG_RETAINED_HOURS,
    SYNC_INTERVAL_S,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one store.

    log_file_bytes             a log file is closed and the next begun past this size
    sync_interval_s            unsynced writes reach the disk within this many seconds
    checkpoint_bytes           a checkpoint is made when so much has been written to the log since the last one
    checkpoint_interval_s      or of less after this many seconds,
    closing_checkpoint_bytes   and when the store is closed: but not of less than this
    log_retained_bytes         about so much of the log is kept, whatever the checkpoints cover,
    log_retained_hours         and what is younger than so many hours, however much it is; 0 for the size alone
    columnar_least_count       a collection of fewer documents is not read over columns, unless a hint requires it
    columnar_memory_bytes      what DuckDB takes before it puts things aside on the disk
    column_bytes               so much memory is taken for the columns that queries have used
    column_file_count          a checkpoint keeps columns of collections with so many documents or more
    """

    log_file_bytes: int = LOG_FILE_BYTES
    sync_interval_s: float = SYNC_INTERVAL_S
    checkpoint_bytes: int = CHECKPOINT_BYTES
    checkpoint_interval_s: float = CHECKPOINT_INTERVAL_S
    closing_checkpoint_bytes: int = CLOSING_CHECKPOINT_BYTES
    log_retained_bytes: int = LOG_RETAINED_BYTES
    log_retained_hours: float = LOG_RETAINED_HOURS
    column_bytes: int = COLUMN_BYTES
    column_file_count: int = COLUMN_FILE_COUNT
    columnar_least_count: int = COLUMNAR_LEAST_COUNT
    columnar_memory_bytes: int = COLUMNAR_MEMORY_BYTES


DEFAULT_SETTINGS = Settings()
