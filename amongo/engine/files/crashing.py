"""A file system that fails and crashes on purpose.

It keeps two truths of everything: what programs see (the page cache), and what the disk surely has, with the list of
changes between the two. `sync` and `sync_directory` move changes over. From this it makes the files that a machine may
find when it comes back:

- `kill()`: the process died, the machine did not. Everything written is there, and still as unsynced as before.
- `crash(seed)`: the power went. Unsynced changes may be there or not, each sector and each name for itself: lost,
  torn, in another order, files against each other.

A file that may reserve space does so, a little at a time: zeros behind its end, until it is closed. They are changes
like any other, so that either kind of stop may leave some of them, or frames with zeros before and behind.

The n-th operation can be made to fail: see `Failure`. A failed `sync` is as treacherous as Linux's: the changes that
were waiting count as clean from then on and are never written, and a later `sync` succeeds.
"""

from __future__ import annotations

import errno
import os
import random
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from amongo.engine.files.interface import AppendFile, LockHandle, Mapped
from amongo.engine.files.memory import parent_of
from amongo.errors import storage
from amongo.runtime.limits import MAP_WINDOW_BYTES_SMALL
from amongo.runtime.workers import RLock

SECTOR_BYTES = 512
RESERVED_BYTES = 3 * SECTOR_BYTES


class Failure(Enum):
    """What happens at the operation that is to fail."""

    NO_SPACE = "ENOSPC; a write leaves a part of its block"
    IO_ERROR = "EIO; a write leaves a part of its block, a sync loses what it was to make durable"
    STOP = "the machine stops in the middle of the operation"


class MachineStopped(Exception):
    """The machine is off; whatever runs on it does nothing more. Go on with `kill` or `crash`."""


@dataclass
class _Inode:
    """One file: what is seen, what is surely on the disk, and the changes in between.

    pending   ("write", offset, bytes) or ("cut", size, b"")
    """

    content: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    pending: list[tuple[str, int, bytes]] = field(default_factory=list)

    def copy(self) -> _Inode:
        return _Inode(bytearray(self.content), self.durable, list(self.pending))


@dataclass
class _Directory:
    """The names in one directory; `pending`: ("link", name, inode), ("unlink", name, None), ("move", "old/new", …)."""

    names: dict[str, _Inode] = field(default_factory=dict)
    durable: dict[str, _Inode] = field(default_factory=dict)
    pending: list[tuple[str, str, _Inode | None]] = field(default_factory=list)


def _apply(content: bytearray, change: tuple[str, int, bytes]) -> None:
    kind, position, block = change
    if kind == "cut":
        del content[position:]
        return
    content.extend(bytes(max(0, position - len(content))))
    content[position : position + len(block)] = block


def _apply_name(names: dict[str, _Inode], change: tuple[str, str, _Inode | None]) -> None:
    kind, name, inode = change
    if kind == "unlink":
        names.pop(name, None)
    elif kind == "link" and inode is not None:
        names[name] = inode
    elif inode is not None:
        old, new = name.split("/")
        names.pop(old, None)
        names[new] = inode


class CrashingFiles:
    """See the module's text.

    operations   how many operations that change something there have been
    trace        what they were, as "write /path"
    """

    def __init__(
        self,
        *,
        fail_at: int | None = None,
        failure: Failure = Failure.STOP,
        keeps_failing: bool = False,
        may_leave_all: bool = False,
        seed: int = 0,
    ) -> None:
        """fail_at: the operation that fails, counted from 0; `keeps_failing`: and all after it.

        may_leave_all   a failing write leaves its whole block now and then, as after an error in the very end
        """
        self.operations = 0
        self.trace: list[str] = []
        self._fail_at = fail_at
        self._failure = failure
        self._keeps_failing = keeps_failing
        self._may_leave_all = may_leave_all
        self._random = random.Random(seed)
        self._lock = RLock()
        self._is_off = False
        self._directories: dict[str, _Directory] = {".": _Directory(), "/": _Directory()}
        self._owned: set[str] = set()

    # After the crash

    def kill(self) -> CrashingFiles:
        """The files as the next process finds them when this one dies. Nothing fails any more."""
        with self._lock:
            self._is_off = True
            return self._successor(lambda inode: inode.copy(), lambda directory: directory)

    def crash(self, seed: int) -> CrashingFiles:
        """The files as they may be found after a power loss; another seed gives another possibility."""
        chance = random.Random(seed)

        def survivor(inode: _Inode) -> _Inode:
            content = _surviving(inode, chance)
            return _Inode(bytearray(content), content)

        def names(directory: _Directory) -> _Directory:
            kept = dict(directory.durable)
            changes = directory.pending
            if chance.random() < 0.7:
                changes = changes[: chance.randint(0, len(changes))]
            else:
                changes = [change for change in changes if chance.random() < 0.5]
            for change in changes:
                _apply_name(kept, change)
            return _Directory(dict(kept), dict(kept))

        with self._lock:
            self._is_off = True
            return self._successor(survivor, names)

    def _successor(self, take_inode, take_directory) -> CrashingFiles:  # type: ignore[no-untyped-def]
        successor = CrashingFiles()
        moved: dict[int, _Inode] = {}

        def move(inode: _Inode) -> _Inode:
            if id(inode) not in moved:
                moved[id(inode)] = take_inode(inode)
            return moved[id(inode)]

        for path, directory in self._directories.items():
            taken = take_directory(directory)
            successor._directories[path] = _Directory(
                {name: move(inode) for name, inode in taken.names.items()},
                {name: move(inode) for name, inode in taken.durable.items()},
                [(kind, name, inode and move(inode)) for kind, name, inode in taken.pending],
            )
        return successor

    def damage(self, path: str, offset: int, mask: int) -> None:
        """Flip bits of one byte, on the disk and in the cache."""
        inode = self._inode(path)
        inode.content[offset] ^= mask
        if offset < len(inode.durable):
            durable = bytearray(inode.durable)
            durable[offset] ^= mask
            inode.durable = bytes(durable)

    # Failing

    def step(self, name: str, path: str) -> Failure | None:
        """Count one operation; how it is to fail. errors: MachineStopped if the machine is off."""
        if self._is_off:
            raise MachineStopped
        number = self.operations
        self.operations += 1
        self.trace.append(f"{name} {path}")
        if self._fail_at is None or number < self._fail_at or (number > self._fail_at and not self._keeps_failing):
            return None
        self._is_off = self._failure is Failure.STOP
        return self._failure

    def fail(self, failure: Failure) -> None:
        """Raise what the failure is. errors: OSError, MachineStopped."""
        if failure is Failure.STOP:
            raise MachineStopped
        number = errno.ENOSPC if failure is Failure.NO_SPACE else errno.EIO
        raise OSError(number, os.strerror(number))

    def _step_or_fail(self, name: str, path: str) -> None:
        failure = self.step(name, path)
        if failure is not None:
            self.fail(failure)

    def _look(self) -> None:
        if self._is_off:
            raise MachineStopped

    # Files

    def _directory(self, path: str) -> _Directory:
        found = self._directories.get(os.path.normpath(path))
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return found

    def _inode(self, path: str) -> _Inode:
        inode = self._directory(os.path.dirname(path)).names.get(os.path.basename(path))
        if inode is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return inode

    def make_directory(self, path: str, /) -> None:
        """Create the directory and its missing parents, durable on return. errors: STORE_PATH_IS_FILE; OSError."""
        with self._lock:
            self._look()
            path = os.path.normpath(path)
            if path in self._directories:
                return
            parent = os.path.dirname(path)
            self.make_directory(parent)
            if os.path.basename(path) in self._directory(parent).names:
                raise storage.STORE_PATH_IS_FILE(path=path)
            self._step_or_fail("make_directory", path)
            self._directories[path] = _Directory()

    def list(self, path: str, /) -> list[str]:
        """The names in a directory, sorted. errors: FileNotFoundError."""
        with self._lock:
            self._look()
            names = self._directory(path).names
            path = os.path.normpath(path)
            children = [each for each in self._directories if each != path and parent_of(each) == path]
            return sorted([*names, *map(os.path.basename, children)])

    def exists(self, path: str, /) -> bool:
        """Whether there is a file or directory of this name."""
        with self._lock:
            self._look()
            path = os.path.normpath(path)
            if path in self._directories:
                return True
            parent = self._directories.get(parent_of(path))
            return parent is not None and os.path.basename(path) in parent.names

    def open_append(self, path: str, /, create: bool = False, may_reserve: bool = False) -> AppendFile:
        """Open a file to append to it. errors: FileNotFoundError; OSError."""
        with self._lock:
            self._look()
            directory, name = self._directory(os.path.dirname(path)), os.path.basename(path)
            if name not in directory.names:
                if not create:
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
                self._step_or_fail("create", path)
                inode = directory.names[name] = _Inode()
                directory.pending.append(("link", name, inode))
            return _CrashingAppendFile(self, self._lock, path, directory.names[name], may_reserve)

    def read(self, path: str, /, length: int | None = None, offset: int = 0) -> bytes:
        """The file's bytes from `offset` on, or the first `length` of them. errors: FileNotFoundError."""
        with self._lock:
            self._look()
            return bytes(self._inode(path).content[offset : None if length is None else offset + length])

    def size(self, path: str, /) -> int:
        """The file's length in bytes. errors: FileNotFoundError."""
        with self._lock:
            self._look()
            return len(self._inode(path).content)

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
        """Write the file's bytes from `offset` on over themselves, and sync. errors: FileNotFoundError; OSError."""
        with self._lock:
            inode = self._inode(path)
            self._step_or_fail("renew", path)
            inode.pending.append(("write", offset, bytes(inode.content[offset:])))
            inode.pending.append(("cut", len(inode.content), b""))
            _CrashingAppendFile(self, self._lock, path, inode).sync()

    def rename(self, old: str, new: str, /) -> None:
        """Give a file a new name in its directory, in one step. errors: FileNotFoundError; OSError."""
        with self._lock:
            inode, directory = self._inode(old), self._directory(os.path.dirname(old))
            self._step_or_fail("rename", old)
            change = ("move", f"{os.path.basename(old)}/{os.path.basename(new)}", inode)
            _apply_name(directory.names, change)
            directory.pending.append(change)

    def remove(self, path: str, /) -> None:
        """Remove a file. errors: FileNotFoundError; OSError."""
        with self._lock:
            self._inode(path)
            self._step_or_fail("remove", path)
            directory = self._directory(os.path.dirname(path))
            change = ("unlink", os.path.basename(path), None)
            _apply_name(directory.names, change)
            directory.pending.append(change)

    def sync_directory(self, path: str, /) -> None:
        """Make the names in a directory durable. errors: FileNotFoundError; OSError."""
        with self._lock:
            directory = self._directory(path)
            self._step_or_fail("sync_directory", path)
            for change in directory.pending:
                _apply_name(directory.durable, change)
            directory.pending.clear()

    def lock(self, directory: str, /, shared: bool = False) -> LockHandle:
        """Own the store. errors: STORE_IN_USE, STORE_PATH_IS_FILE, STORE_NOT_FOUND."""
        with self._lock:
            self._look()
            path = os.path.normpath(directory)
            if path not in self._directories:
                row = storage.STORE_PATH_IS_FILE if self.exists(path) else storage.STORE_NOT_FOUND
                raise row(path=directory)
            if path in self._owned:
                raise storage.STORE_IN_USE(path=directory, pid=os.getpid())
            if not shared:
                self._owned.add(path)
            return _CrashingLock(self._owned, path)

    def part(self, block: bytes) -> bytes:
        """What a failing write leaves of a block: less than all, also if zeros are taken for the rest."""
        if self._may_leave_all and self._random.random() < 0.3:
            return block
        size = len(block.rstrip(b"\0")) or len(block)
        return block[: self._random.randrange(size)] if size else block


class _CrashingAppendFile:
    """One open file."""

    def __init__(self, files: CrashingFiles, lock: RLock, path: str, inode: _Inode, may_reserve: bool = False) -> None:
        self._files = files
        self._lock = lock
        self._path = path
        self._inode = inode
        self._may_reserve = may_reserve
        self._end = len(inode.content)  # of what is written, if reserved zeros may follow

    @property
    def size(self) -> int:
        return self._end if self._may_reserve else len(self._inode.content)

    def _change(self, change: tuple[str, int, bytes]) -> None:
        _apply(self._inode.content, change)
        self._inode.pending.append(change)

    def write(self, block: bytes | bytearray | memoryview, /) -> None:
        with self._lock:
            seen = len(self._inode.content)
            if self._may_reserve and self._end + len(block) > seen:
                failure = self._put("reserve", seen, bytes(len(block) + RESERVED_BYTES))[1]
                if failure is not None:
                    self._files.fail(failure)
            written, failure = self._put("write", self.size, bytes(block))
            self._end += written
            if failure is not None:
                self._files.fail(failure)

    put = write

    def _put(self, step: str, position: int, block: bytes) -> tuple[int, Failure | None]:
        """Change the file in one step that may fail after a part: how many bytes were put, and how it is to fail."""
        failure = self._files.step(step, self._path)
        if failure is not None:
            block = self._files.part(block)
        if block:
            self._change(("write", position, block))
        return len(block), failure

    def sync(self) -> None:
        with self._lock:
            failure = self._files.step("sync", self._path)
            inode = self._inode
            if failure is Failure.STOP:
                self._files.fail(failure)
            if failure is not None:  # what was waiting counts as clean now, and part of it never reached the disk
                inode.durable = _surviving(inode, self._files._random)
                inode.pending.clear()
                self._files.fail(failure)
            durable = bytearray(inode.durable)
            for change in inode.pending:
                _apply(durable, change)
            inode.durable = bytes(durable)
            inode.pending.clear()

    def truncate(self, size: int, /) -> None:
        with self._lock:
            failure = self._files.step("truncate", self._path)
            if failure is not None:
                self._files.fail(failure)
            self._change(("cut", size, b""))
            self._end = size

    def close(self) -> None:
        with self._lock:
            if self._may_reserve and len(self._inode.content) > self._end:
                failure = self._files.step("cut", self._path)
                if failure is Failure.STOP:
                    self._files.fail(failure)
                if failure is None:  # otherwise the zeros stay
                    self._change(("cut", self._end, b""))


class _CrashingLock:
    """The name of a locked directory in the set of those."""

    def __init__(self, owned: set[str], directory: str) -> None:
        self._owned = owned
        self._directory: str | None = directory

    def release(self) -> None:
        if self._directory is not None:
            self._owned.discard(self._directory)
            self._directory = None


def _surviving(inode: _Inode, chance: random.Random) -> bytes:
    """What the disk may hold of a file whose changes were not all synced."""
    versions = [bytearray(inode.durable)]
    for change in inode.pending:
        versions.append(bytearray(versions[-1]))
        _apply(versions[-1], change)
    mode = chance.choice(("none", "all", "torn", "sectors", "sectors"))
    if mode == "none" or len(versions) == 1:
        return bytes(versions[0])
    if mode == "all":
        return bytes(versions[-1])
    last = chance.randrange(1, len(versions))
    if mode == "torn":  # the changes up to some point, the last one in part
        kind, position, block = inode.pending[last - 1]
        torn = versions[last - 1]
        if kind == "write":
            _apply(torn, (kind, position, block[: chance.randint(0, len(block))]))
        return bytes(torn)
    size = chance.choice((len(versions[last]), chance.randint(len(versions[0]), max(map(len, versions)))))
    sectors = bytearray()
    grows = any(len(after) > len(before) for before, after in pairwise(versions))  # else there is no garbage
    for start in range(0, size, SECTOR_BYTES):  # each sector as of some moment; where it had none, zeros or garbage
        sector = versions[chance.randrange(len(versions))][start : start + SECTOR_BYTES]
        missing = SECTOR_BYTES - len(sector)
        sectors += sector + (chance.randbytes(missing) if grows and chance.random() < 0.3 else bytes(missing))
    return bytes(sectors[:size])
