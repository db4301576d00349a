"""What can be set when a store is opened."""

from __future__ import annotations

from dataclasses import dataclass

from amongo.runtime.limits import LOG_FILE_BYTES, SYNC_INTERVAL_S


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one store.

    log_file_bytes    a log file is closed and the next begun past this size
    sync_interval_s   unsynced writes reach the disk within this many seconds
    """

    log_file_bytes: int = LOG_FILE_BYTES
    sync_interval_s: float = SYNC_INTERVAL_S


DEFAULT_SETTINGS = Settings()
