"""The operating system's files."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable

from amongo.engine.files.interface import LOCK_NAME, AppendFile, LockHandle, Mapped
from amongo.engine.files.mapped import CAN_MAP, MappedAppendFile, writes_in_place
from amongo.errors import storage
from amongo.runtime.descriptors import OwnDescriptor
from amongo.runtime.limits import MAP_WINDOW_BYTES, MAP_WINDOW_BYTES_SMALL

# O_BINARY and O_CLOEXEC exist on some systems only.
_OPEN_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

_CAN_ADVISE = hasattr(os, "posix_fadvise")

_RENEW_BYTES = 1 << 20


def _sync_call() -> Callable[[int], None]:
    """The system call that makes a file's bytes durable.

    fdatasync saves writing times of change; macOS's fsync stops at the drive's cache, F_FULLFSYNC does not.
    """
    try:
        import fcntl
    except ImportError:
        return os.fsync
    full_sync = getattr(fcntl, "F_FULLFSYNC", None)
    if full_sync is not None:
        command: int = full_sync
        return lambda descriptor: _ignore_result(fcntl.fcntl(descriptor, command))
    return getattr(os, "fdatasync", os.fsync)


def _ignore_result(_: int) -> None:
    """A system call's number that says nothing."""


class _DiskAppendFile:
    """One open file, written by system calls."""

    __slots__ = ("_descriptor", "_sync")

    def __init__(self, descriptor: int, sync: Callable[[int], None]) -> None:
        self._descriptor = descriptor
        self._sync = sync

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def write(self, block: bytes | bytearray | memoryview, /) -> None:
        written = os.write(self._descriptor, block)
        if written != len(block):
            self._write_rest(memoryview(block)[written:])

    put = write

    def _write_rest(self, rest: memoryview) -> None:
        while rest:
            written = os.write(self._descriptor, rest)
            if written == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            rest = rest[written:]

    def sync(self) -> None:
        self._sync(self._descriptor)

    def truncate(self, size: int, /) -> None:
        os.ftruncate(self._descriptor, size)

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


class _DiskLock:
    """The open LOCK file; the operating system drops the lock with it, also when the process dies."""

    __slots__ = ("_descriptor", "_is_owner")

    def __init__(self, descriptor: int, is_owner: bool) -> None:
        self._descriptor = OwnDescriptor(descriptor)
        self._is_owner = is_owner

    def release(self) -> None:
        descriptor = self._descriptor.give_up()
        if descriptor >= 0:
            try:
                if self._is_owner:
                    os.ftruncate(descriptor, 0)  # the file stays: removing it would race with the next owner
            finally:
                os.close(descriptor)


class DiskFiles:
    """Files on the disk."""

    def __init__(self) -> None:
        self._sync = _sync_call()

    def make_directory(self, path: str, /) -> None:
        """Create the directory and its missing parents, durable on return. errors: STORE_PATH_IS_FILE; OSError."""
        if os.path.isdir(path):
            return
        parent = os.path.dirname(os.path.abspath(path))
        if os.path.lexists(path):
            raise storage.STORE_PATH_IS_FILE(path=path)
        self.make_directory(parent)
        try:
            os.mkdir(path)
        except FileExistsError:  # another process was faster
            self.make_directory(path)
        self.sync_directory(parent)

    def list(self, path: str, /) -> list[str]:
        """The names in a directory, sorted. errors: OSError."""
        return sorted(os.listdir(path))

    def exists(self, path: str, /) -> bool:
        """Whether there is a file or directory of this name."""
        return os.path.lexists(path)

    def open_append(self, path: str, /, create: bool = False, may_reserve: bool = False) -> AppendFile:
        """Open a file to append to it. errors: OSError."""
        flags = _OPEN_FLAGS | os.O_CREAT if create else _OPEN_FLAGS
        if may_reserve and CAN_MAP:
            descriptor = os.open(path, flags | os.O_RDWR, 0o644)
            if writes_in_place(descriptor):
                return MappedAppendFile(descriptor, self._sync)
            os.close(descriptor)
        return _DiskAppendFile(os.open(path, flags | os.O_WRONLY | os.O_APPEND, 0o644), self._sync)

    def read(self, path: str, /, length: int | None = None, offset: int = 0) -> bytes:
        """The file's bytes from `offset` on, or the first `length` of them. errors: OSError."""
        with open(path, "rb") as file:
            if length is not None and _CAN_ADVISE:  # or else the system reads megabytes ahead
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            if offset:
                file.seek(offset)
            return file.read(-1 if length is None else length)

    def size(self, path: str, /) -> int:
        """The file's length in bytes. errors: OSError."""
        return os.stat(path).st_size

    @property
    def window_bytes(self) -> int:
        """How much of a long file is to be mapped at a time; less where the address space is limited."""
        return MAP_WINDOW_BYTES_SMALL if _is_address_space_limited() else MAP_WINDOW_BYTES

    def map(self, path: str, offset: int, length: int, /) -> Mapped:
        """A part of a file, mapped. errors: OSError, ValueError for a length past the end of the file."""
        descriptor = os.open(path, os.O_RDONLY | _OPEN_FLAGS)
        try:
            return mmap.mmap(descriptor, length, access=mmap.ACCESS_READ, offset=offset)
        finally:
            os.close(descriptor)

    def renew(self, path: str, offset: int, /) -> None:
        """Write the file's bytes from `offset` on over themselves, and sync. errors: OSError."""
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            os.lseek(descriptor, offset, os.SEEK_SET)
            while block := os.read(descriptor, _RENEW_BYTES):
                os.lseek(descriptor, offset, os.SEEK_SET)
                rest = memoryview(block)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
                offset += len(block)
            os.ftruncate(descriptor, os.fstat(descriptor).st_size)  # its length is to be durable as well
            self._sync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: str, new: str, /) -> None:
        """Give a file a new name in one step. errors: OSError."""
        os.replace(old, new)

    def remove(self, path: str, /) -> None:
        """Remove a file. errors: OSError."""
        os.unlink(path)

    def sync_directory(self, path: str, /) -> None:
        """Return when the names in the directory are durable. errors: OSError."""
        if os.name == "nt":  # Windows opens no directories; NTFS journals names itself
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lock(self, directory: str, /, shared: bool = False) -> LockHandle:
        """Own the store, or keep owners away. errors: STORE_IN_USE, STORE_PATH_IS_FILE, STORE_NOT_FOUND; OSError."""
        if not os.path.isdir(directory):
            if os.path.lexists(directory):
                raise storage.STORE_PATH_IS_FILE(path=directory)
            raise storage.STORE_NOT_FOUND(path=directory)
        path = os.path.join(directory, LOCK_NAME)
        if shared:
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except FileNotFoundError:  # never owned
                return _DiskLock(-1, is_owner=False)
        else:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        try:
            _flock(descriptor, directory, shared)
            if not shared:
                os.ftruncate(descriptor, 0)
                os.write(descriptor, b"%d\n" % os.getpid())
        except BaseException:
            os.close(descriptor)
            raise
        return _DiskLock(descriptor, is_owner=not shared)


def _is_address_space_limited() -> bool:
    """Whether this process may map so much and no more (`ulimit -v`)."""
    try:
        import resource
    except ImportError:
        return False
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def _flock(descriptor: int, directory: str, shared: bool) -> None:
    """Take the lock on an open LOCK file, or say who has it."""
    try:
        import fcntl
    except ImportError:
        raise storage.LOCKING_UNSUPPORTED(path=directory) from None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(descriptor, 32, 0).strip().decode("ascii", "replace")
        raise storage.STORE_IN_USE(path=directory, pid=pid or "(not yet written)") from None
