"""Files in memory: a disk that never fails, for tests that are not about failing."""

from __future__ import annotations

import errno
import os

from amongo.engine.files.interface import AppendFile, LockHandle, Mapped
from amongo.errors import storage
from amongo.runtime.limits import MAP_WINDOW_BYTES_SMALL


class _MemoryAppendFile:
    """One open file."""

    __slots__ = ("_content",)

    def __init__(self, content: bytearray) -> None:
        self._content = content

    @property
    def size(self) -> int:
        return len(self._content)

    def write(self, block: bytes | bytearray | memoryview, /) -> None:
        self._content += block

    put = write

    def sync(self) -> None:
        """Memory is as durable as it gets."""

    def truncate(self, size: int, /) -> None:
        del self._content[size:]

    def close(self) -> None:
        """Nothing to give back."""


class _MemoryLock:
    """The name of a locked directory in the set of those."""

    def __init__(self, owned: set[str], directory: str) -> None:
        self._owned = owned
        self._directory: str | None = directory

    def release(self) -> None:
        if self._directory is not None:
            self._owned.discard(self._directory)
            self._directory = None


class MemoryFiles:
    """A tree of directories and files in memory; every instance is one of its own."""

    def __init__(self) -> None:
        self._contents: dict[str, bytearray] = {}
        self._directories: set[str] = {".", "/"}
        self._owned: set[str] = set()

    def make_directory(self, path: str, /) -> None:
        """Create the directory and its missing parents. errors: STORE_PATH_IS_FILE."""
        path = os.path.normpath(path)
        if path in self._contents:
            raise storage.STORE_PATH_IS_FILE(path=path)
        if path not in self._directories:
            self.make_directory(parent_of(path))
            self._directories.add(path)

    def list(self, path: str, /) -> list[str]:
        """The names in a directory, sorted. errors: FileNotFoundError, NotADirectoryError."""
        path = os.path.normpath(path)
        if path in self._contents:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        if path not in self._directories:
            raise _not_found(path)
        children = (*self._contents, *self._directories)
        return sorted(os.path.basename(child) for child in children if child != path and parent_of(child) == path)

    def exists(self, path: str, /) -> bool:
        """Whether there is a file or directory of this name."""
        path = os.path.normpath(path)
        return path in self._contents or path in self._directories

    def open_append(self, path: str, /, create: bool = False, may_reserve: bool = False) -> AppendFile:
        """Open a file to append to it; nothing is reserved. errors: FileNotFoundError."""
        path = os.path.normpath(path)
        content = self._contents.get(path)
        if content is None:
            if not create or parent_of(path) not in self._directories:
                raise _not_found(path)
            content = self._contents[path] = bytearray()
        return _MemoryAppendFile(content)

    def read(self, path: str, /, length: int | None = None, offset: int = 0) -> bytes:
        """The file's bytes from `offset` on, or the first `length` of them. errors: FileNotFoundError."""
        content = self._content(path)
        return bytes(content[offset : None if length is None else offset + length])

    def size(self, path: str, /) -> int:
        """The file's length in bytes. errors: FileNotFoundError."""
        return len(self._content(path))

    def _content(self, path: str) -> bytearray:
        content = self._contents.get(os.path.normpath(path))
        if content is None:
            raise _not_found(path)
        return content

    @property
    def window_bytes(self) -> int:
        """How much of a long file is to be mapped at a time: here each window is a copy."""
        return MAP_WINDOW_BYTES_SMALL

    def map(self, path: str, offset: int, length: int, /) -> Mapped:
        """A copy of a part of a file. errors: FileNotFoundError, ValueError for a length past the end of the file."""
        part = self.read(path, length, offset)
        if len(part) != length:
            raise ValueError("length past the end of the file")
        return part

    def renew(self, path: str, offset: int, /) -> None:
        """Memory is as durable as it gets. errors: FileNotFoundError."""
        self.read(path, 0)

    def rename(self, old: str, new: str, /) -> None:
        """Give a file a new name in one step. errors: FileNotFoundError."""
        content = self._contents.pop(os.path.normpath(old), None)
        if content is None:
            raise _not_found(old)
        self._contents[os.path.normpath(new)] = content

    def remove(self, path: str, /) -> None:
        """Remove a file. errors: FileNotFoundError."""
        if self._contents.pop(os.path.normpath(path), None) is None:
            raise _not_found(path)

    def sync_directory(self, path: str, /) -> None:
        """Memory is as durable as it gets. errors: FileNotFoundError."""
        if os.path.normpath(path) not in self._directories:
            raise _not_found(path)

    def lock(self, directory: str, /, shared: bool = False) -> LockHandle:
        """Own the store. errors: STORE_IN_USE, STORE_PATH_IS_FILE, STORE_NOT_FOUND."""
        directory = os.path.normpath(directory)
        if directory in self._contents:
            raise storage.STORE_PATH_IS_FILE(path=directory)
        if directory not in self._directories:
            raise storage.STORE_NOT_FOUND(path=directory)
        if directory in self._owned:
            raise storage.STORE_IN_USE(path=directory, pid=os.getpid())
        if not shared:
            self._owned.add(directory)
        return _MemoryLock(self._owned, directory)


def parent_of(path: str) -> str:
    """The directory of a path, normalised: "." for a bare name."""
    return os.path.normpath(os.path.dirname(path))


def _not_found(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
