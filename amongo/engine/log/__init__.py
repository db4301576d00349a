"""The append log: every commit is one frame, and the log is the database.

`format` has the bytes, `reader` reads one file, `recovery` all of them after a stop, `log` writes, `file_row` begins
the files and lets them go, `kept_files` is what others need of them. `history` is what was committed, for those who
follow it: the last commits from memory (`recent`), those before from the files (`past`).
"""

from amongo.engine.log.format import (
    COMMIT,
    FORMAT_VERSION,
    LOG_DIRECTORY,
    Entry,
    Frame,
    LogFile,
    Mark,
    entry,
    entry_head,
    pack_entry,
    parse_entries,
)
from amongo.engine.log.log import Log
from amongo.engine.log.memory import MemoryLog
from amongo.engine.log.reader import Damage
from amongo.engine.log.recovery import Cut

__all__ = [
    "COMMIT",
    "FORMAT_VERSION",
    "LOG_DIRECTORY",
    "Cut",
    "Damage",
    "Entry",
    "Frame",
    "Log",
    "LogFile",
    "Mark",
    "MemoryLog",
    "entry",
    "entry_head",
    "pack_entry",
    "parse_entries",
]
