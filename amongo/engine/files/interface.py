"""What the engine asks of a file system, and nothing more.

The log and the snapshot files reach the disk through `Files`, so that a test can put a file system in its place that
forgets, tears and fails (`CrashingFiles`). Paths are strings joined with `/`. A failure of the operating system is an
`OSError` with its `errno`; only what a user can act on (`lock`, `make_directory`) is a `ServerError`.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import Protocol, TypeAlias

LOCK_NAME = "LOCK"

Mapped: TypeAlias = bytes | mmap.mmap
"""The bytes of a file or of a part of it: a slice of them is `bytes`, and a memoryview may look at them."""


class AppendFile(Protocol):
    """A file open for appending. Used by one thread at a time, except `sync`, which any thread may call meanwhile."""

    @property
    def size(self) -> int:
        """Length in bytes of what is written; in a file just opened, of all there is."""
        ...

    def write(self, block: bytes | bytearray | memoryview, /) -> None:
        """Hand the whole block to the operating system, at the end of the file.

        errors   OSError; some bytes of the block may then stand at the end, and `truncate` takes them away
        """
        ...

    @property
    def put(self) -> Callable[[bytes], object]:
        """A shorter `write` for a block of up to `MAPPED_BLOCK_BYTES`, to be taken anew each time.

        errors   as `write`; ValueError where nothing was written, and `write` is to be asked
        """
        ...

    def sync(self) -> None:
        """Return when every byte written so far would survive a power loss.

        errors   OSError; what was written since the last `sync` may be lost, and a second call cannot mend it
        """
        ...

    def truncate(self, size: int, /) -> None:
        """Cut the file to `size` bytes. errors: OSError."""
        ...

    def close(self) -> None:
        """Give the file back, without anything reserved behind its end; does not sync. A second call does nothing."""
        ...


class LockHandle(Protocol):
    """The ownership of a store."""

    def release(self) -> None:
        """Give the store back. A second call does nothing."""
        ...


class Files(Protocol):
    """A file system."""

    def make_directory(self, path: str, /) -> None:
        """Create the directory and its missing parents; they are durable on return. An existing one is left alone.

        errors   STORE_PATH_IS_FILE; OSError
        """
        ...

    def list(self, path: str, /) -> list[str]:
        """The names in a directory, sorted. errors: FileNotFoundError, NotADirectoryError."""
        ...

    def exists(self, path: str, /) -> bool:
        """Whether there is a file or directory of this name."""
        ...

    def open_append(self, path: str, /, create: bool = False, may_reserve: bool = False) -> AppendFile:
        """Open a file to append to it; `create` makes an empty one where there is none (durable with the directory).

        may_reserve   space may be reserved ahead, so that small writes are cheap. Until the file is closed or
                      truncated, zeros may then stand behind its end for all who read it, and they stay there after a
                      death of the process or a power loss
        errors        FileNotFoundError without `create`; OSError
        """
        ...

    def read(self, path: str, /, length: int | None = None, offset: int = 0) -> bytes:
        """The file's bytes from `offset` on, or the first `length` of them. errors: OSError."""
        ...

    def size(self, path: str, /) -> int:
        """The file's length in bytes, with what is reserved. errors: OSError."""
        ...

    @property
    def window_bytes(self) -> int:
        """How much of a long file is to be mapped at a time, in bytes; a power of two of at least 64 KiB."""
        ...

    def map(self, path: str, offset: int, length: int, /) -> Mapped:
        """The bytes from `offset` on, read when they are touched; given back when nothing refers to them any more.

        The file must not be shortened while they are in use; it may be removed.

        offset   a multiple of 64 KiB
        length   at least 1, not past the end of the file
        errors   OSError (ENOMEM: the address space is used up), ValueError for a length past the end of the file
        """
        ...

    def renew(self, path: str, offset: int, /) -> None:
        """Write the file's bytes from `offset` on over themselves, and its length, and sync.

        After a failed fsync the operating system may hold bytes that it takes for written and that never reached the
        disk; written anew, they do. errors: OSError.
        """
        ...

    def rename(self, old: str, new: str, /) -> None:
        """Give a file a new name in its directory, in one step, taking the place of what had that name."""
        ...

    def remove(self, path: str, /) -> None:
        """Remove a file. errors: OSError."""
        ...

    def sync_directory(self, path: str, /) -> None:
        """Return when the names in the directory would survive a power loss. errors: OSError."""
        ...

    def lock(self, directory: str, /, shared: bool = False) -> LockHandle:
        """Become the owner of the store in `directory`, until `release` or the end of the process.

        shared   keep owners away without becoming one, and without writing anything: for readers of a store at rest
        errors   STORE_IN_USE, naming the owner's process id; STORE_PATH_IS_FILE; STORE_NOT_FOUND; OSError
        """
        ...
