"""The file systems a store can live on: the disk, memory, and one that crashes on purpose."""

from amongo.engine.files.crashing import CrashingFiles, Failure, MachineStopped
from amongo.engine.files.disk import DiskFiles
from amongo.engine.files.interface import LOCK_NAME, AppendFile, Files, LockHandle, Mapped
from amongo.engine.files.memory import MemoryFiles
from amongo.engine.files.temporary import DiskTemporaryFiles, TemporaryFiles

__all__ = [
    "LOCK_NAME",
    "AppendFile",
    "CrashingFiles",
    "DiskFiles",
    "DiskTemporaryFiles",
    "Failure",
    "Files",
    "LockHandle",
    "MachineStopped",
    "Mapped",
    "MemoryFiles",
    "TemporaryFiles",
]
