"""A file that grows by copies into a shared memory map (Linux): a small write costs no system call.

What is copied into a shared map belongs to the operating system from that moment, as after a `write`: it survives the
death of the process, `read` sees it at once, and `fdatasync` on the descriptor makes it durable (the kernel tracks the
pages that a map makes dirty; its msync does nothing but call the same fsync). So `sync` needs no map, and takes nothing
that a write needs.

A store into a map cannot report an error: a page without a block behind it would kill the process with SIGBUS. So
blocks are reserved first, in steps, with posix_fallocate, where a full disk is an ordinary OSError. This holds only in
file systems that write a reserved block in place, `IN_PLACE`. One that copies on write (Btrfs, ZFS, XFS with reflinks)
may need a new block for a page that had one; there, and where reserving or mapping is refused, writes stay system
calls. Longer blocks are written by system calls anyway: a map costs a page fault for every new page, and holds up the
other threads.

Most of what such a fault takes is making the page: an own one for each, with a note in the file system's journal. So a
window is first filled with zeros by one system call, which makes its pages together; that halves the time of a copy.

Behind the end of such a file stand reserved zeros. `close` cuts them off; after the death of the process they stay. A
program that shortens the file of a running process kills it; a file that is deleted or renamed does no harm.
"""

from __future__ import annotations

import errno
import mmap
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from amongo.runtime.limits import (
    MAPPED_BLOCK_BYTES,
    MAPPED_WINDOW_BYTES,
    RESERVED_BYTES_LEAST,
    RESERVED_BYTES_MOST,
)

CAN_MAP = sys.platform == "linux"
IN_PLACE = frozenset({"ext4", "tmpfs"})

_PAGE_BYTES = mmap.ALLOCATIONGRANULARITY
_ZEROS = memoryview(bytes(MAPPED_WINDOW_BYTES))
_MOUNTS = "/proc/self/mountinfo"
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ENODEV, errno.EPERM})

Block: TypeAlias = bytes | bytearray | memoryview


def writes_in_place(descriptor: int) -> bool:
    """Whether the file's blocks, once reserved, take what is written without further space."""
    return file_system(descriptor) in IN_PLACE


def file_system(descriptor: int) -> str:
    """Name of the type of the file system that an open file is on, as "ext4"; "" where that cannot be told."""
    device = os.fstat(descriptor).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError), open(_MOUNTS, encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            place, _, source = line.partition(" - ")
            if place.split()[2] == number:
                return source.split()[0]
    return ""


class MappedAppendFile:
    """One open file; see the module's text, and `AppendFile` for the contract."""

    __slots__ = ("_base", "_can_map", "_descriptor", "_is_scarce", "_reserved", "_sync", "_window", "put")

    def __init__(self, descriptor: int, sync: Callable[[int], None]) -> None:
        """descriptor: open for reading and writing, not O_APPEND; sync: the system call for durability."""
        self._descriptor = descriptor
        self._sync = sync
        self._window: mmap.mmap | None = None  # its position is the file's end
        self.put: Callable[[Block], object] = self._write_beyond  # the window's `write`
        self._base = os.fstat(descriptor).st_size  # where in the file the window begins; the file's end without one
        self._reserved = self._base  # up to here there are blocks; never before the file's end
        self._can_map = True
        self._is_scarce = False  # the disk had no room to reserve ahead

    @property
    def size(self) -> int:
        return self._base if self._window is None else self._base + self._window.tell()

    def write(self, block: Block, /) -> None:
        if len(block) > MAPPED_BLOCK_BYTES:
            self._write_through(block)
            return
        put = self.put
        try:
            put(block)
        except ValueError:  # the window has not the room, and has taken nothing
            self._write_beyond(block)

    def _write_beyond(self, block: Block) -> None:
        """Write a small block for which there is no room in a window."""
        if self._move_window(len(block)):
            self.put(block)
        else:
            self._write_through(block)

    def _write_through(self, block: Block) -> None:
        """Write by system calls. The window sees it: both are the operating system's page cache."""
        rest = block
        while rest:
            end = self.size
            written = os.pwrite(self._descriptor, rest, end)
            self._go_to(end + written)
            if written == len(rest):
                return
            if written == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            rest = memoryview(rest)[written:]

    def _go_to(self, end: int) -> None:
        """Go on from behind what a system call has written."""
        self._reserved = max(self._reserved, end)
        if self._window is not None and end <= self._base + len(self._window):
            self._window.seek(end - self._base)
        else:
            self._drop_window()
            self._base = end

    def _move_window(self, size: int) -> bool:
        """Map the end of the file, with room for `size` bytes more; False where that is not to be had."""
        self._drop_window()
        end = self._base
        if not self._can_map or (end + size > self._reserved and not self._reserve(end, size)):
            return False
        base = end - end % _PAGE_BYTES
        if base < end:
            os.pread(self._descriptor, 1, base)  # a page that cannot be read is an error here, and SIGBUS in the map
        size = min(self._reserved - base, MAPPED_WINDOW_BYTES)
        with suppress(OSError):  # pages that are not there yet come with the first touch
            os.pwrite(self._descriptor, _ZEROS[: base + size - end], end)
        try:
            window = mmap.mmap(self._descriptor, size, offset=base)
        except (OSError, ValueError):
            self._can_map = False
            return False
        window.seek(end - base)
        self._base, self._window, self.put = base, window, window.write
        return True

    def _drop_window(self) -> None:
        self.put = self._write_beyond
        window = self._window
        if window is not None:
            self._base, self._window = self._base + window.tell(), None
            window.close()

    def _reserve(self, end: int, size: int) -> bool:
        """Reserve blocks behind `end`: for `size` bytes, and ahead if there is space. False if it is not supported.

        errors   OSError: no space for `size` bytes; what was reserved before stays
        """
        ahead = [] if self._is_scarce else [end + min(max(end, RESERVED_BYTES_LEAST), RESERVED_BYTES_MOST)]
        failure: OSError | None = None
        for least in (*ahead, end + size):
            reserved = least + -least % _PAGE_BYTES
            try:
                os.posix_fallocate(self._descriptor, end, reserved - end)
            except OSError as error:
                if error.errno in _UNSUPPORTED:
                    self._can_map = False
                    return False
                failure, self._is_scarce = error, True
                with suppress(OSError):  # a part of it may have been reserved
                    os.ftruncate(self._descriptor, self._reserved)
            else:
                self._reserved = reserved
                return True
        assert failure is not None
        raise failure

    def sync(self) -> None:
        self._sync(self._descriptor)

    def truncate(self, size: int, /) -> None:
        self._drop_window()
        os.ftruncate(self._descriptor, size)
        self._base = self._reserved = size

    def close(self) -> None:
        if self._descriptor < 0:
            return
        self._drop_window()
        descriptor, self._descriptor = self._descriptor, -1
        try:
            if self._reserved > self._base:
                with suppress(OSError):  # zeros that stay are no harm
                    os.ftruncate(descriptor, self._base)
        finally:
            os.close(descriptor)
